//! Forms with files (`multipart/form-data`).

use super::params::{File, Value};
use crate::{
    base::refusal::{self, Refusal},
    exchange::people::documents::FileKind,
};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};
use std::convert::Infallible;

/// The fields of a form; `None` if the body is not a form with files.
pub(super) async fn read(headers: &HeaderMap, body: &Bytes) -> Result<Option<Vec<(String, Value)>>, Refusal> {
    const MALFORMED: Refusal = Refusal::Text(StatusCode::BAD_REQUEST, refusal::MALFORMED);
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(kind) else { return Ok(None) };
    let whole = stream::iter([Ok::<_, Infallible>(body.clone())]);
    let mut form = multer::Multipart::new(whole, boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(|_| MALFORMED)? {
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let content = field.bytes().await.map_err(|_| MALFORMED)?;
        let value = match file_name {
            Some(name) => Value::File(File {
                name,
                bytes: content.len(),
                kind: FileKind::of(&content),
                sha256: Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect(),
            }),
            None => Value::Text(String::from_utf8_lossy(&content).into_owned()),
        };
        fields.push((name, value));
    }
    Ok(Some(fields))
}
