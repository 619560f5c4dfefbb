//! Reads the bodies of requests.

use crate::base::refusal::{self, Refusal};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use std::time::Duration;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads the whole body; refuses it if it is too large or too slow.
pub(super) async fn read(body: Incoming, headers: &HeaderMap, most: usize) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::Codes(StatusCode::PAYLOAD_TOO_LARGE, vec![refusal::BODY_TOO_LARGE]);
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > u64::try_from(most).unwrap_or(u64::MAX)) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) | Err(_) => Err(Refusal::Codes(StatusCode::BAD_REQUEST, vec![refusal::BODY_INCOMPLETE])),
    }
}
