//! Multipart forms: fields and files in a request's body.

use crate::{
    Error, InvalidArgument, Part, PartContent,
    motion::{Motion, Progress},
};
use capecrypto_models::{Malformed, upload::Pieces};
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

/// Puts these fields into the request's body.
#[cfg(feature = "multipart")]
pub(crate) fn fill(
    http: &reqwest::Client,
    request: reqwest::Request,
    parts: &[Part],
    files: Vec<Pieces>,
    motion: &Motion,
    progress: Option<&Progress>,
) -> Result<reqwest::Request, Error> {
    use crate::streamed::Streamed;
    use reqwest::multipart;

    let mut files = files.into_iter();

    let mut form = multipart::Form::new();
    for Part { name, content } in parts {
        form = match content {
            PartContent::Text(text) => form.text(*name, text.clone()),
            PartContent::File(file) => {
                let body = match file.bytes() {
                    Some(bytes) => motion.pieces(bytes.clone(), progress.cloned()),
                    None => {
                        let pieces = files.next().ok_or_else(|| Error::config("a file was not opened"))?;
                        let (motion, progress) = (motion.clone(), progress.cloned());
                        reqwest::Body::wrap(Streamed::new(pieces, file.length(), motion, progress))
                    }
                };
                let part = multipart::Part::stream_with_length(body, file.length());
                let part = part.file_name(file.name().to_owned()).mime_str(file.content_type());
                form.part(*name, part.map_err(|_| not_a_type(name))?)
            }
        };
    }
    let filled = reqwest::RequestBuilder::from_parts(http.clone(), request).multipart(form).build();
    filled.map_err(|error| Error::config("the form could not be built").with_source(error.without_url()))
}

#[cfg(feature = "multipart")]
fn not_a_type(name: &str) -> Error {
    InvalidArgument::new(
        name.to_owned(),
        "its type is not a media type",
        "give one of the form type/subtype, such as image/jpeg",
    )
    .into()
}

/// Without the feature `multipart`, an error.
#[cfg(not(feature = "multipart"))]
pub(crate) fn fill(
    _: &reqwest::Client,
    _: reqwest::Request,
    _: &[Part],
    _: Vec<Pieces>,
    _: &Motion,
    _: Option<&Progress>,
) -> Result<reqwest::Request, Error> {
    Err(Error::config("the call sends files; enable the feature `multipart` of capecrypto-rest"))
}
