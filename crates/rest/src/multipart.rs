//! The encoding `multipart/form-data` (RFC 7578).

use crate::{
    connection::RequestBody,
    upload::{InputError, size},
};
use bytes::Bytes;
use http::HeaderValue;
use http_body::{Body, Frame, SizeHint};
use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// A form that is being written.
pub(crate) struct Multipart {
    /// The line that separates parts. It is random, so that no content has it.
    boundary: String,
    /// Text that was not put into a piece yet.
    text: String,
    pieces: VecDeque<RequestBody>,
    length: u64,
}

impl Multipart {
    pub(crate) fn new() -> Self {
        let boundary = format!("{:032x}", fastrand::u128(..));
        Self { boundary, text: String::new(), pieces: VecDeque::new(), length: 0 }
    }

    /// Adds a field.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.begin(name);
        self.text.extend(["\r\n\r\n", value, "\r\n"]);
    }

    /// Adds a file. Its name has no line break and its type is a media type: both were checked as arguments.
    pub(crate) fn file(&mut self, field: &str, name: &str, kind: &str, content: RequestBody, length: u64) {
        self.begin(field);
        // Quotes are escaped as RFC 2183 has it. RFC 7578 does not allow the form `filename*`.
        let name = name.replace('\\', "\\\\").replace('"', "\\\"");
        self.text.extend(["; filename=\"", &name, "\"\r\nContent-Type: ", kind, "\r\n\r\n"]);
        self.end_piece();
        self.pieces.push_back(content);
        self.length = self.length.saturating_add(length);
        self.text.push_str("\r\n");
    }

    fn begin(&mut self, name: &str) {
        let Self { boundary, text, .. } = self;
        text.extend(["--", boundary, "\r\nContent-Disposition: form-data; name=\"", name, "\""]);
    }

    fn end_piece(&mut self) {
        let text = Bytes::from(std::mem::take(&mut self.text));
        self.length = self.length.saturating_add(size(&text));
        self.pieces.push_back(RequestBody::Whole(text));
    }

    /// The header `Content-Type`, and the whole form.
    pub(crate) fn finish(mut self) -> (HeaderValue, RequestBody) {
        self.text.extend(["--", &self.boundary, "--\r\n"]);
        self.end_piece();
        let kind = HeaderValue::try_from(format!("multipart/form-data; boundary={}", self.boundary));
        let kind = kind.unwrap_or(HeaderValue::from_static("multipart/form-data"));
        (kind, RequestBody::Pieces(Box::pin(Chain { pieces: self.pieces, left: self.length })))
    }
}

/// Bodies one after the other.
struct Chain {
    pieces: VecDeque<RequestBody>,
    /// How many bytes are not sent yet.
    left: u64,
}

impl Body for Chain {
    type Data = Bytes;
    type Error = InputError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, InputError>>> {
        while let Some(first) = self.pieces.front_mut() {
            match ready!(Pin::new(first).poll_frame(context)) {
                None => drop(self.pieces.pop_front()),
                Some(frame) => {
                    if let Ok(frame) = &frame {
                        let sent = frame.data_ref().map_or(0, |data| size(data));
                        self.left = self.left.saturating_sub(sent);
                    }
                    return Poll::Ready(Some(frame));
                }
            }
        }
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn whole(mut body: RequestBody) -> Vec<u8> {
        let mut all = Vec::new();
        while let Poll::Ready(Some(frame)) =
            Pin::new(&mut body).poll_frame(&mut Context::from_waker(Waker::noop()))
        {
            all.extend_from_slice(&frame.unwrap().into_data().unwrap());
            assert!(body.size_hint().exact().is_some());
        }
        assert_eq!(body.size_hint().exact(), Some(0));
        all
    }

    #[test]
    fn a_form_is_written_as_the_standard_shows_it() {
        let mut form = Multipart::new();
        form.boundary = "B".to_owned();
        form.text("uid", "U1");
        form.text("empty", "");
        form.file(
            "upload",
            "a\"b.jpg",
            "image/jpeg",
            RequestBody::Whole(Bytes::from_static(b"\0\r\n--B")),
            6,
        );
        let (kind, body) = form.finish();
        assert_eq!(kind, "multipart/form-data; boundary=B");
        let wanted = b"--B\r\nContent-Disposition: form-data; name=\"uid\"\r\n\r\nU1\r\n\
            --B\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n\
            --B\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"a\\\"b.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n\
            \0\r\n--B\r\n--B--\r\n";
        assert_eq!(body.size_hint().exact(), Some(size(wanted)));
        assert_eq!(String::from_utf8_lossy(&whole(body)), String::from_utf8_lossy(wanted));
        let boundaries: std::collections::BTreeSet<_> = (0..100).map(|_| Multipart::new().boundary).collect();
        assert_eq!(boundaries.len(), 100);
    }
}
