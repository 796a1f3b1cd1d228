//! The stream of a watch: lines wait until they are delivered.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::api_server::request::Target;
use crate::api_server::watch::Line;

/// The body of an answer.
pub type AnswerBody = UnsyncBoxBody<Bytes, io::Error>;

/// One client's stream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) client: String,
    pub(crate) target: Target,
    pub(crate) queue: VecDeque<(Instant, Item)>,
    /// Nothing is delivered before this time.
    pub(crate) not_before: Instant,
    sender: mpsc::UnboundedSender<Result<Frame<Bytes>, io::Error>>,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Line(Line),
    /// The server ends the stream.
    End,
}

impl Stream {
    /// A stream, and the body that the client reads.
    pub(crate) fn new(client: &str, target: Target, now: Instant) -> (Self, AnswerBody) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let frames = futures::stream::unfold(receiver, |mut receiver| async move {
            let frame = receiver.recv().await?;
            Some((frame, receiver))
        });
        let stream = Self {
            client: client.to_owned(),
            target,
            queue: VecDeque::new(),
            not_before: now,
            sender,
        };
        (stream, StreamBody::new(frames).boxed_unsync())
    }

    /// Puts a line at the end of the queue. Returns when it is due.
    pub(crate) fn push(&mut self, due: Instant, item: Item) -> Instant {
        let last = self.queue.back().map_or(due, |(at, _)| *at);
        let due = due.max(self.not_before).max(last);
        self.queue.push_back((due, item));
        due
    }

    /// Sends a line. False if nobody listens any more.
    pub(crate) fn send(&self, text: Bytes) -> bool {
        self.sender.send(Ok(Frame::data(text))).is_ok()
    }

    /// The client has gone.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.sender.is_closed()
    }
}
