//! Commands: the only way to change the state. Each of them can be recorded and carried out again.
//!
//! A command belongs to one part of the exchange and may use the [`Desk`], which all parts share. It uses no clock and no
//! random source: the same commands at the same times bring an exchange to the same state, with the same ids.

use super::desk::Desk;
use serde::{Serialize, de::DeserializeOwned};

/// A change of one part of the exchange.
pub(crate) trait Command: Serialize + DeserializeOwned {
    /// Its name in a record.
    const NAME: &'static str;
    /// The part that it changes.
    type Part;
    /// The result.
    type Answer;

    /// Carries it out. A refused command changes nothing.
    fn run(self, part: &mut Self::Part, desk: &mut Desk, at_ms: i64) -> Self::Answer;
}

/// An exchange that has that part.
pub(crate) trait Holds<Part> {
    /// The part, and the desk that all parts share.
    fn part(&mut self) -> (&mut Part, &mut Desk);
}

/// A part that timers may call.
pub(crate) trait Due {
    /// Does the work of a timer; `key` was given when the timer was set.
    fn due(&mut self, key: u64, desk: &mut Desk, at_ms: i64);
}

type RunAgain<E> = fn(&mut E, i64, &str) -> Result<(), serde_json::Error>;

/// A command that a record can name.
pub(crate) struct Replayable<E> {
    pub(crate) name: &'static str,
    /// Carries out the command from the JSON of the record.
    pub(crate) run: RunAgain<E>,
}

/// Makes a command replayable from a record.
pub(crate) fn replayable<E: Holds<C::Part>, C: Command>() -> Replayable<E> {
    Replayable {
        name: C::NAME,
        run: |exchange, at_ms, with| {
            let command: C = serde_json::from_str(with)?;
            let (part, desk) = exchange.part();
            // The answer is not needed: the caller got it when the command was recorded.
            let _answer = command.run(part, desk, at_ms);
            Ok(())
        },
    }
}
