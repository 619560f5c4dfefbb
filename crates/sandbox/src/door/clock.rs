//! The exchange's clock, and the record of its commands.

use super::{
    control::{Control, ControlError},
    operation::Operation,
};
use serde::Deserialize;
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "now_ms",
        method: "GET",
        path: "clock",
        about: "the time in milliseconds",
        run: |control, _| Ok(json!({ "now_ms": control.now_ms() })),
    },
    Operation {
        library: "advance_clock",
        method: "POST",
        path: "clock",
        about: r#"`{"advance_ms"}`; everything due by the new time is done in order, each at its own time"#,
        run: |control, input| {
            control.advance_clock(input.read::<AdvanceClock>()?.advance_ms);
            Ok(json!({ "now_ms": control.now_ms() }))
        },
    },
    Operation {
        library: "recorded",
        method: "GET",
        path: "record",
        about: "how many commands were recorded",
        run: |control, _| match control.recorded()? {
            Ok(commands) => Ok(json!({ "commands": commands })),
            Err(problem) => Ok(json!({ "problem": problem })),
        },
    },
];

#[derive(Deserialize)]
struct AdvanceClock {
    advance_ms: i64,
}

impl Control {
    /// The exchange's clock, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.host.clock.now_ms()
    }

    /// Moves the exchange's clock (order times, the `Date` header, the nonce window), backwards if negative. Before this
    /// returns, everything due by the new time is done, in order, each at its own time.
    pub fn advance_clock(&self, by_ms: i64) {
        self.host.advance_clock(by_ms);
    }

    /// The number of commands recorded so far. The inner error says why recording stopped.
    ///
    /// # Errors
    /// [`ControlError::NotRecorded`]
    pub fn recorded(&self) -> Result<Result<u64, String>, ControlError> {
        self.host.recorded().ok_or(ControlError::NotRecorded)
    }
}
