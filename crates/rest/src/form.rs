//! Multipart forms: fields and files in a request's body.

use crate::{Error, Part, motion::Motion, motion::Progress};

/// Puts these fields into the request's body.
#[cfg(feature = "multipart")]
pub(crate) fn fill(
    http: &reqwest::Client,
    request: reqwest::Request,
    parts: &[Part],
    motion: &Motion,
    progress: Option<&Progress>,
) -> Result<reqwest::Request, Error> {
    use crate::PartContent;
    use bytes::Bytes;
    use reqwest::multipart;

    let mut form = multipart::Form::new();
    for Part { name, content } in parts {
        form = match content {
            PartContent::Text(text) => form.text(*name, text.clone()),
            PartContent::File(file) => {
                let content = Bytes::from_owner(file.content().clone());
                let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
                let body = motion.pieces(content, progress.cloned());
                let part = multipart::Part::stream_with_length(body, length);
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
    crate::InvalidArgument::new(
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
    _: &Motion,
    _: Option<&Progress>,
) -> Result<reqwest::Request, Error> {
    Err(Error::config("the call sends files; enable the feature `multipart` of capecrypto-rest"))
}
