//! How the state is changed: by commands only, each of which can be written down and carried out again.
//!
//! A command belongs to one part of the exchange and may use the [`Desk`], which all parts share. It is a value without a
//! clock or a random source: the same commands at the same times bring an exchange to the same state, with the same ids.

use super::desk::Desk;
use serde::{Serialize, de::DeserializeOwned};

/// A change of one part of the exchange.
pub(crate) trait Command: Serialize + DeserializeOwned {
    /// Its name in a record.
    const NAME: &'static str;
    /// The part that it changes.
    type Part;
    /// What it comes to.
    type Answer;

    /// Carries it out. A refused command leaves everything as it was.
    fn run(self, part: &mut Self::Part, desk: &mut Desk, at_ms: i64) -> Self::Answer;
}

/// An exchange that has that part.
pub(crate) trait Holds<Part> {
    /// The part, and what it shares with the others.
    fn part(&mut self) -> (&mut Part, &mut Desk);
}

/// A part that timers may call.
pub(crate) trait Due {
    /// Does what was to be done at that time; `key` says what it is about.
    fn due(&mut self, key: u64, desk: &mut Desk, at_ms: i64);
}

type RunAgain<E> = fn(&mut E, i64, &str) -> Result<(), serde_json::Error>;

/// A command as a record names it.
pub(crate) struct Replayable<E> {
    pub(crate) name: &'static str,
    /// Carries out what stands in the record.
    pub(crate) run: RunAgain<E>,
}

/// Lets records name this command.
pub(crate) fn replayable<E: Holds<C::Part>, C: Command>() -> Replayable<E> {
    Replayable {
        name: C::NAME,
        run: |exchange, at_ms, with| {
            let command: C = serde_json::from_str(with)?;
            let (part, desk) = exchange.part();
            // What it came to was the caller's business when it was recorded.
            let _answer = command.run(part, desk, at_ms);
            Ok(())
        },
    }
}
