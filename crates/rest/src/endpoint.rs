//! What the transport needs to know about a request, and nothing else.

use crate::{Call, Checks, FromResponse, Repeat};
use capecrypto_auth::Environment;
use capecrypto_models::param::Params;

/// One call of the API: an owned value that holds the parameters.
///
/// Those named in the path go there, the others where the call's [`form`](crate::Call::form) says.
pub trait Endpoint: Params + Send + Sync {
    /// What a successful answer holds.
    type Response: FromResponse + Send;

    /// The call.
    const CALL: Call;

    /// Whether it may be sent again, with the arguments as they are.
    fn repeat(&self) -> Repeat {
        Self::CALL.repeat
    }

    /// Checks rules that involve several arguments, or the environment. A single argument refuses itself.
    fn check(&self, checks: &mut Checks<'_>) {
        let _ = checks;
    }

    /// Holds the answer against the request: it must be about what was asked.
    ///
    /// # Errors
    /// What was asked for and what came, or that the answer itself says no.
    fn review(&self, answer: &mut Self::Response, environment: &Environment) -> Result<(), Objection> {
        let _ = (answer, environment);
        Ok(())
    }

    /// What to do about an error code of this call.
    fn hint(code: &str) -> Option<&'static str> {
        let _ = code;
        None
    }
}

/// An answer about something else than what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer's {field} is not the one asked for")]
pub struct Mismatch {
    /// The field that differs.
    pub field: &'static str,
}

impl Mismatch {
    /// Compares what came with what was asked; an absent part on either side proves nothing.
    ///
    /// # Errors
    /// The mismatch, where both are there and differ.
    pub fn check<A: PartialEq<B>, B>(
        field: &'static str,
        asked: Option<&A>,
        came: Option<&B>,
    ) -> Result<(), Self> {
        match (asked, came) {
            (Some(asked), Some(came)) if asked != came => Err(Self { field }),
            _ => Ok(()),
        }
    }
}

/// Why an answer of status 2xx is an error all the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Objection {
    /// It is about something else than what was asked for: the outcome of a write is unknown.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// It is the answer, and says that the exchange refuses: nothing was done.
    #[error("{0}")]
    Refused(&'static str),
    /// It contradicts itself, or what the environment says of its server.
    #[error("{0}")]
    Unusable(&'static str),
}
