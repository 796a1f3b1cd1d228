//! Calls to JobManagers wait here, so that those who do not answer keep nobody else waiting.
//!
//! A pass gives up its slot while it waits for Flink. The calls themselves are limited too: a file descriptor and some memory
//! belong to each. Where a JobManager has not answered, it gets one of few places, and is asked again later and later.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flink_rest::transport::RequestBody;
use flink_rest::{FlinkRest, Transport, TransportError};
use http::{Request, Response};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower::{Service, ServiceExt};

/// Calls at the same time, of all clusters together.
pub const CALLS_MAX: u16 = 256;

/// Calls at the same time where the last one was not answered.
pub const SUSPECTS_MAX: u16 = 32;

/// After two calls in a row without an answer, the next call waits this long. Each further one waits twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(40);

/// A place that was not called for longer than this is removed from the list: its cluster may be gone.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);

tokio::task_local! {
    /// The slot of the pass that runs in this task.
    static SLOT: Arc<Slot>;
}

/// One of the passes that may run at the same time.
#[derive(Debug)]
pub struct Slot {
    all: Arc<Semaphore>,
    permit: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Slot {
    /// Runs the passes over one resource once there is a slot for them.
    pub async fn run<F: Future>(all: &Arc<Semaphore>, passes: F) -> F::Output {
        let permit = Mutex::new(Arc::clone(all).acquire_owned().await.ok());
        let slot = Arc::new(Self { all: Arc::clone(all), permit });
        SLOT.scope(slot, passes).await
    }

    fn permit(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Others have the slot of this pass while it waits for Flink. It gets a slot again after the calls: the wait for that is no
/// part of their deadlines.
pub async fn without_slot<F: Future>(calls: F) -> F::Output {
    let Ok(slot) = SLOT.try_with(Arc::clone) else { return calls.await };
    drop(slot.permit().take());
    let output = calls.await;
    let permit = Arc::clone(&slot.all).acquire_owned().await.ok();
    *slot.permit() = permit;
    output
}

/// A client for Flink whose calls wait here.
pub fn gated(transport: Transport) -> FlinkRest {
    let gate = Gate {
        transport,
        calls: Arc::new(Semaphore::new(usize::from(CALLS_MAX))),
        suspects: Arc::new(Semaphore::new(usize::from(SUSPECTS_MAX))),
        silent: Arc::default(),
    };
    FlinkRest::new(Transport::new(gate))
}

#[derive(Clone)]
struct Gate {
    transport: Transport,
    calls: Arc<Semaphore>,
    suspects: Arc<Semaphore>,
    silent: Arc<Mutex<HashMap<Place, Silence>>>,
}

/// What is asked: a JobManager may answer one path and hang on another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    authority: String,
    path: String,
}

/// A place that has not answered.
#[derive(Clone, Copy, Debug)]
struct Silence {
    /// In a row.
    times: u32,
    asked_at: Instant,
}

impl Silence {
    fn rests_until(&self) -> Instant {
        let doublings = self.times.saturating_sub(2).min(8);
        let pause = if self.times < 2 {
            Duration::ZERO
        } else {
            FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE)
        };
        self.asked_at + pause
    }
}

impl Gate {
    fn silent(&self) -> MutexGuard<'_, HashMap<Place, Silence>> {
        self.silent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call(self, request: Request<RequestBody>) -> Result<Response<Bytes>, TransportError> {
        let uri = request.uri();
        let place = Place {
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
            path: uri.path().to_owned(),
        };
        let silence = self.silent().get(&place).copied();
        let permit = match silence {
            None => Arc::clone(&self.calls).acquire_owned().await.ok(),
            Some(silence) if Instant::now() < silence.rests_until() => return Err(rests()),
            // The call does not wait for a place: passes that wait would use up the passes that may wait.
            Some(_) => match Arc::clone(&self.suspects).try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) => return Err(rests()),
            },
        };
        let mut asked = Asked { gate: self.clone(), place, is_answered: false };
        let answer = self.transport.clone().oneshot(request).await;
        asked.is_answered = !answer.as_ref().is_err_and(is_timeout);
        drop(permit);
        answer
    }

    fn note(&self, place: &Place, is_answered: bool) {
        let mut silent = self.silent();
        if is_answered {
            silent.remove(place);
            return;
        }
        let now = Instant::now();
        silent.retain(|_, silence| now.duration_since(silence.asked_at) < REMEMBERED_FOR);
        let times = silent.get(place).map_or(0, |silence| silence.times).saturating_add(1);
        silent.insert(place.clone(), Silence { times, asked_at: now });
    }
}

fn rests() -> TransportError {
    let reason = "the JobManager did not answer the last calls; it is asked again later".to_owned();
    TransportError::Connect { reason, timed_out: true }
}

fn is_timeout(error: &TransportError) -> bool {
    matches!(error, TransportError::Connect { timed_out: true, .. })
}

/// A call that was sent. Whoever drops it before it is answered has waited until its deadline.
struct Asked {
    gate: Gate,
    place: Place,
    is_answered: bool,
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.gate.note(&self.place, self.is_answered);
    }
}

impl Service<Request<RequestBody>> for Gate {
    type Response = Response<Bytes>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        Box::pin(self.clone().call(request))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Clusters whose names begin with "silent" never answer. Also counts the calls.
    fn fleet() -> (FlinkRest, Arc<AtomicUsize>) {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let transport = Transport::of_bytes(tower::service_fn(move |request: Request<Bytes>| {
            count.fetch_add(1, Ordering::Relaxed);
            async move {
                if request.uri().host().is_some_and(|host| host.starts_with("silent")) {
                    std::future::pending::<()>().await;
                }
                Ok::<_, TransportError>(Response::new(Bytes::from_static(b"{\"jobs\": []}")))
            }
        }));
        (gated(transport), sent)
    }

    async fn ask(rest: &FlinkRest, host: &str) -> bool {
        let cluster = rest.cluster(&format!("http://{host}:8081").parse().unwrap()).unwrap();
        cluster.jobs_overview().await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn pass_that_waits_for_flink_leaves_its_slot_to_others() {
        let (rest, _) = fleet();
        let slots = Arc::new(Semaphore::new(1));
        let silent = Slot::run(&slots, without_slot(ask(&rest, "silent")));
        let other = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            let began = Instant::now();
            assert!(Slot::run(&slots, without_slot(ask(&rest, "other"))).await);
            began.elapsed()
        };
        let (answered, waited) = tokio::join!(silent, other);
        assert!(!answered);
        assert_eq!(waited, Duration::ZERO);
        assert_eq!(slots.available_permits(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn silent_job_managers_leave_places_to_those_that_answer() {
        let (rest, _) = fleet();
        let hosts: Vec<String> = (0..1_000).map(|number| format!("silent-{number}")).collect();
        // As many as there are places learn that nobody answers there; the others are not sent.
        for _ in 0..4 {
            futures::future::join_all(hosts.iter().map(|host| ask(&rest, host))).await;
        }
        let silent = futures::future::join_all(hosts.iter().map(|host| ask(&rest, host)));
        let other = async {
            let began = Instant::now();
            assert!(ask(&rest, "other").await);
            began.elapsed()
        };
        let (_, waited) = tokio::join!(silent, other);
        assert_eq!(waited, Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn silent_job_manager_is_asked_less_and_less_often_until_it_answers() {
        let (rest, sent) = fleet();
        let began = Instant::now();
        while began.elapsed() < Duration::from_mins(10) {
            assert!(!ask(&rest, "silent").await);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let calls = sent.load(Ordering::Relaxed);
        assert!((10..=20).contains(&calls), "{calls} calls in ten minutes");
    }

    #[tokio::test(start_paused = true)]
    async fn job_manager_that_answers_again_is_asked_as_often_as_before() {
        let is_silent = Arc::new(std::sync::atomic::AtomicBool::new(true));
        let silent = Arc::clone(&is_silent);
        let transport = Transport::of_bytes(tower::service_fn(move |_: Request<Bytes>| {
            let silent = silent.load(Ordering::Relaxed);
            async move {
                if silent {
                    std::future::pending::<()>().await;
                }
                Ok::<_, TransportError>(Response::new(Bytes::from_static(b"{\"jobs\": []}")))
            }
        }));
        let rest = gated(transport);
        for _ in 0..3 {
            ask(&rest, "one").await;
        }
        is_silent.store(false, Ordering::Relaxed);
        assert!(!ask(&rest, "one").await, "it is not asked yet");
        tokio::time::sleep(LONGEST_PAUSE).await;
        for _ in 0..3 {
            assert!(ask(&rest, "one").await);
        }
    }
}
