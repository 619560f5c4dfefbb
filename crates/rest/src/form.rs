//! Multipart forms: fields and files in a request's body.

use crate::{
    Error, InvalidArgument, Part, PartContent,
    connection::RequestBody,
    motion::{Motion, Progress},
};
use capecrypto_models::{Malformed, upload::Pieces};
use http::HeaderValue;
use std::time::Duration;

/// Opens the files that are not in memory, in order. Nothing is sent before.
pub(crate) async fn open(parts: &[Part], limit: Duration) -> Result<Vec<Pieces>, Error> {
    let mut opened = Vec::new();
    for Part { name, content } in parts {
        let PartContent::File(file) = content else { continue };
        let Some(source) = file.source() else { continue };
        let late = || Err(Malformed::new("the file was not opened in time", "check where it comes from"));
        let pieces = tokio::time::timeout(limit, source.open()).await.unwrap_or_else(|_| late());
        opened.push(pieces.map_err(|reason| InvalidArgument::because(*name, reason))?);
    }
    Ok(opened)
}

/// The header `Content-Type` of a form, and the form.
#[cfg(feature = "multipart")]
pub(crate) fn encode(
    parts: &[Part],
    files: Vec<Pieces>,
    motion: &Motion,
    progress: Option<&Progress>,
) -> Result<(HeaderValue, RequestBody), Error> {
    use crate::{multipart::Multipart, streamed::Streamed};

    let mut files = files.into_iter();
    let mut form = Multipart::new();
    for Part { name, content } in parts {
        match content {
            PartContent::Text(text) => form.text(name, text),
            PartContent::File(file) => {
                let body = match file.bytes() {
                    Some(bytes) => motion.pieces(bytes.clone(), progress.cloned()),
                    None => {
                        let pieces = files.next().ok_or_else(|| Error::config("a file was not opened"))?;
                        let (motion, progress) = (motion.clone(), progress.cloned());
                        RequestBody::Pieces(Box::pin(Streamed::new(pieces, file.length(), motion, progress)))
                    }
                };
                form.file(name, file.name(), file.content_type(), body, file.length());
            }
        };
    }
    Ok(form.finish())
}

/// Without the feature `multipart`, an error.
#[cfg(not(feature = "multipart"))]
pub(crate) fn encode(
    _: &[Part],
    _: Vec<Pieces>,
    _: &Motion,
    _: Option<&Progress>,
) -> Result<(HeaderValue, RequestBody), Error> {
    Err(Error::config("the call sends files; enable the feature `multipart` of capecrypto-rest"))
}
