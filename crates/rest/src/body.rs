//! Bodies of answers: read whole, up to a limit; and what an attempt without an answer means.

use crate::{Error, Kind, Outcome, motion::Motion, upload::InputError};
use bytes::Bytes;

/// Largest body of a successful answer.
const LARGEST_BODY: usize = 16 * 1024 * 1024;
/// Most bytes that are read of any other answer; an error needs no more.
const LARGEST_ERROR: usize = 64 * 1024;

/// The error for an attempt without an answer.
pub(crate) fn failure(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let input = causes(&error).any(<dyn std::error::Error>::is::<InputError>);
    let (kind, outcome) = if input {
        // The exchange cannot take a part of a file for the whole, but something has left.
        (Kind::Input, Outcome::Unknown)
    } else if error.is_connect() {
        (Kind::Connect, Outcome::NotSent)
    } else if error.is_builder() {
        (Kind::Config, Outcome::NotSent)
    } else if error.is_timeout() {
        (Kind::Timeout, Outcome::Unknown)
    } else {
        (Kind::Interrupted, Outcome::Unknown)
    };
    let cause = causes(&error).find(|cause| cause.is::<InputError>()).or_else(|| causes(&error).last());
    let what = cause.map(ToString::to_string).unwrap_or_default();
    Error::new(kind, outcome, crate::mask::quoted(&what)).with_source(error)
}

/// An error and its causes, the deepest last.
fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some::<&'a (dyn std::error::Error + 'static)>(error), |error| error.source())
}

/// Reads a body. If it is not a success it is cut, because its error codes are at the start.
pub(crate) async fn read(
    mut response: reqwest::Response,
    status: u16,
    motion: &Motion,
) -> Result<Bytes, Error> {
    let success = (200..300).contains(&status);
    // Most answers come in one piece, which is kept as it is.
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failure)? {
        motion.moved(piece.len());
        let length = first.len().max(whole.len()) + piece.len();
        if success && length > LARGEST_BODY {
            return Err(Error::new(Kind::TooLarge, Outcome::Unknown, "more than 16 MiB"));
        }
        if first.is_empty() && whole.is_empty() {
            first = piece;
        } else {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&piece);
        }
        if !success && length >= LARGEST_ERROR {
            break;
        }
    }
    let mut body = if whole.is_empty() { first } else { whole.into() };
    if !success {
        body.truncate(LARGEST_ERROR);
    }
    Ok(body)
}
