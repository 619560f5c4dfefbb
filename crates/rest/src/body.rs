//! Bodies of answers: read whole, up to a limit; and what an attempt without an answer means.

use crate::{Error, Kind, Outcome, connection::AnswerBody, motion::Motion, upload::InputError};
use bytes::Bytes;

/// Largest body of a successful answer.
const LARGEST_BODY: usize = 16 * 1024 * 1024;
/// Most bytes that are read of any other answer; an error needs no more.
const LARGEST_ERROR: usize = 64 * 1024;

/// The error for an attempt whose connection could not be opened: nothing was sent.
pub(crate) fn not_connected(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    failure(Kind::Connect, Outcome::NotSent, error)
}

/// The error for an attempt that broke off before its answer was complete.
pub(crate) fn interrupted(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    // The exchange cannot take a part of a file for the whole, but something has left.
    let input = causes(&error).any(<dyn std::error::Error>::is::<InputError>);
    failure(if input { Kind::Input } else { Kind::Interrupted }, Outcome::Unknown, error)
}

fn failure(kind: Kind, outcome: Outcome, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let cause = causes(&error).find(|cause| cause.is::<InputError>()).or_else(|| causes(&error).last());
    let what = cause.map(ToString::to_string).unwrap_or_default();
    Error::new(kind, outcome, crate::mask::quoted(&what)).with_source(error)
}

/// An error and its causes, the deepest last.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Reads a body. If it is not a success it is cut, because its error codes are at the start.
pub(crate) async fn read(mut answer: AnswerBody, status: u16, motion: &Motion) -> Result<Bytes, Error> {
    let success = (200..300).contains(&status);
    // Most answers come in one piece, which is kept as it is.
    let mut first = Bytes::new();
    let mut whole = Vec::new();
    while let Some(piece) = answer.next().await? {
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
