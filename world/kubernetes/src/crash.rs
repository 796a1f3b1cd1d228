//! The sudden end of a client's process, as a fault plan strikes it in the middle of a request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Which clients have been killed. Clones share everything.
#[derive(Clone, Debug, Default)]
pub struct Crashes {
    struck: Arc<Mutex<BTreeSet<String>>>,
    woken: Arc<Notify>,
}

impl Crashes {
    /// Ends the process of this client now. Whoever runs it waits for that with [`Crashes::of`]; what the client has asked
    /// for is never answered.
    pub fn strike(&self, client: &str) {
        self.struck.lock().unwrap_or_else(PoisonError::into_inner).insert(client.to_owned());
        self.woken.notify_waiters();
    }

    /// Waits until the client is killed, and forgets it: its next process is another one.
    pub async fn of(&self, client: &str) {
        loop {
            let woken = self.woken.notified();
            if self.struck.lock().unwrap_or_else(PoisonError::into_inner).remove(client) {
                return;
            }
            woken.await;
        }
    }
}
