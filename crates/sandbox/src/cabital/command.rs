//! Commands: the only way to change the state. Each of them can be recorded and carried out again.

use super::Cabital;
use serde::{Serialize, de::DeserializeOwned};

/// The beginning of every command's name, which tells them apart from the exchange's in a record.
pub(crate) const PREFIX: &str = "cabital_";

/// A change of the state. It uses no clock and no random source.
pub(crate) trait Command: Serialize + DeserializeOwned {
    /// Its name in a record; it begins with [`PREFIX`].
    const NAME: &'static str;
    /// The result.
    type Answer;

    /// Carries it out. A refused command changes nothing.
    fn run(self, cabital: &mut Cabital, at_ms: i64) -> Self::Answer;
}

/// A command that a record can name.
pub(super) struct Replayable {
    pub(super) name: &'static str,
    pub(super) run: fn(&mut Cabital, i64, &str) -> Result<(), serde_json::Error>,
}

/// Makes a command replayable from a record.
pub(super) fn replayable<C: Command>() -> Replayable {
    Replayable {
        name: C::NAME,
        run: |cabital, at_ms, with| {
            let command: C = serde_json::from_str(with)?;
            // The answer is not needed: the caller got it when the command was recorded.
            let _answer = command.run(cabital, at_ms);
            Ok(())
        },
    }
}
