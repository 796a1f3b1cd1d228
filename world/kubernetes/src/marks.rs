//! Places in the log of a client, for whoever wants to do something there.

use tokio::sync::oneshot;

/// Who waits for a client's request of some number.
#[derive(Debug, Default)]
pub struct Marks {
    waiting: Vec<Mark>,
}

#[derive(Debug)]
struct Mark {
    client: String,
    /// So many of its requests come before.
    left: u32,
    reached: oneshot::Sender<()>,
}

impl Marks {
    /// Is told when this client has made its request of this number, counted from now and from 0.
    pub fn set(&mut self, client: &str, nth: u32) -> oneshot::Receiver<()> {
        let (reached, receiver) = oneshot::channel();
        self.waiting.push(Mark { client: client.to_owned(), left: nth, reached });
        receiver
    }

    /// A client has made a request.
    pub fn count(&mut self, client: &str) {
        let mut index = 0;
        while let Some(mark) = self.waiting.get_mut(index) {
            if mark.client != client {
                index += 1;
            } else if mark.left > 0 {
                mark.left -= 1;
                index += 1;
            } else {
                // Whoever has stopped waiting is not told.
                self.waiting.swap_remove(index).reached.send(()).unwrap_or_default();
            }
        }
    }
}
