//! Bodies of requests. Most are in memory; jars are streamed from their file.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

/// How much of a file is read at once.
const CHUNK: usize = 64 * 1024;

/// The body of a request. Its length is always known.
pub struct RequestBody {
    head: Bytes,
    file: Option<FilePart>,
    tail: Bytes,
}

struct FilePart {
    file: File,
    left: u64,
    buffer: BytesMut,
}

impl RequestBody {
    /// `head`, then the first `length` bytes of the file, then `tail`.
    pub(crate) fn around_file(head: Bytes, file: File, length: u64, tail: Bytes) -> Self {
        Self { head, file: Some(FilePart { file, left: length, buffer: BytesMut::new() }), tail }
    }

    /// Reads the whole body into memory.
    ///
    /// # Errors
    ///
    /// Reading a file may fail.
    pub async fn into_bytes(self) -> io::Result<Bytes> {
        if self.file.is_none() && self.tail.is_empty() {
            return Ok(self.head);
        }
        self.collect().await.map(http_body_util::Collected::to_bytes)
    }

    /// Number of bytes still to come.
    fn left(&self) -> u64 {
        let file = self.file.as_ref().map_or(0, |part| part.left);
        [self.head.len(), self.tail.len()]
            .into_iter()
            .fold(file, |sum, part| sum.saturating_add(u64::try_from(part).unwrap_or(u64::MAX)))
    }
}

impl From<Bytes> for RequestBody {
    fn from(bytes: Bytes) -> Self {
        Self { head: bytes, file: None, tail: Bytes::new() }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if !self.head.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.head)))));
        }
        if let Some(part) = &mut self.file {
            if part.left > 0 {
                return Poll::Ready(Some(ready!(part.poll_chunk(context)).map(Frame::data)));
            }
            self.file = None;
        }
        if self.tail.is_empty() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.tail)))))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

impl FilePart {
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let wanted = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        self.buffer.resize(wanted, 0);
        let mut buffer = ReadBuf::new(&mut self.buffer);
        ready!(Pin::new(&mut self.file).poll_read(context, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            // The header has the full length, so the JobManager would wait for the rest.
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the file became shorter while it was sent",
            )));
        }
        self.left = self.left.saturating_sub(u64::try_from(read).unwrap_or(u64::MAX));
        Poll::Ready(Ok(self.buffer.split_to(read).freeze()))
    }
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestBody({} bytes)", self.left())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn file_of(content: &[u8], name: &str) -> (File, std::path::PathBuf) {
        let path =
            std::env::temp_dir().join(format!("flink-rest-body-{}-{name}", std::process::id()));
        tokio::fs::write(&path, content).await.unwrap();
        (File::open(&path).await.unwrap(), path)
    }

    #[tokio::test]
    async fn a_file_is_sent_between_head_and_tail_with_its_length_known() {
        let content: Vec<u8> = (0..200_000u32).flat_map(u32::to_le_bytes).collect();
        let (file, path) = file_of(&content, "whole").await;
        let length = u64::try_from(content.len()).unwrap();
        let body = RequestBody::around_file(Bytes::from("<"), file, length, Bytes::from(">"));
        assert_eq!(body.size_hint().exact(), Some(length + 2));
        let sent = body.into_bytes().await.unwrap();
        tokio::fs::remove_file(path).await.unwrap();
        assert_eq!(sent.len(), content.len() + 2);
        assert_eq!(&sent[1..=content.len()], &content[..]);
        assert_eq!((sent[0], sent[sent.len() - 1]), (b'<', b'>'));
    }

    #[tokio::test]
    async fn a_file_that_shrank_is_an_error_and_one_that_grew_is_cut() {
        let (file, path) = file_of(b"abc", "shrank").await;
        let body = RequestBody::around_file(Bytes::new(), file, 4, Bytes::from(">"));
        let error = body.into_bytes().await.unwrap_err();
        tokio::fs::remove_file(path).await.unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);

        let (file, path) = file_of(b"abcdef", "grew").await;
        let body = RequestBody::around_file(Bytes::new(), file, 4, Bytes::from(">"));
        let sent = body.into_bytes().await.unwrap();
        tokio::fs::remove_file(path).await.unwrap();
        assert_eq!(&sent[..], b"abcd>");
    }
}
