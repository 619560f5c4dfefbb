//! Faults of websockets and their frames.

use super::{
    control::{Control, unreadable},
    operation::{Operation, done},
};
use crate::{base::refusal::Refusal, stream::trouble::FrameFault};
use serde::Deserialize;
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "drop_sockets",
        method: "POST",
        path: "sockets/drop",
        about: "closes every socket without a close frame; answers with their number",
        run: |control, _| Ok(json!({ "dropped": control.drop_sockets() })),
    },
    Operation {
        library: "freeze_sockets",
        method: "POST",
        path: "sockets/freeze",
        about: "leaves every socket half-open: nothing is sent, read or answered any more, and nothing is closed",
        run: |control, _| Ok(json!({ "frozen": control.freeze_sockets() })),
    },
    Operation {
        library: "throttle_sockets",
        method: "POST",
        path: "sockets/throttle",
        about: r#"`{"bytes_per_second"}`: the limit of each open socket; 0 removes it"#,
        run: |control, input| {
            let Throttle { bytes_per_second } = input.read()?;
            Ok(json!({ "throttled": control.throttle_sockets(bytes_per_second) }))
        },
    },
    Operation {
        library: "disturb_frames",
        method: "POST",
        path: "frames",
        about: r#"`{"topic","kind","times","delay_ms"}`; kinds `lose`, `double`, `swap` (sent after the next frame), `delay` (later frames wait too)"#,
        run: |control, input| {
            let Disturb { topic, kind, times, delay_ms } = input.read()?;
            control.disturb_frames(&topic, kind.fault(delay_ms)?, times.unwrap_or(1));
            done()
        },
    },
    Operation {
        library: "nested_increments, zero_removals",
        method: "POST",
        path: "increments",
        about: r#"`{"nested","zero_removals"}`: how increments are written"#,
        run: |control, input| {
            let IncrementForm { nested, zero_removals } = input.read()?;
            nested.into_iter().for_each(|nested| control.nested_increments(nested));
            zero_removals.into_iter().for_each(|zero| control.zero_removals(zero));
            done()
        },
    },
    Operation {
        library: "publish_raw",
        method: "POST",
        path: "publish",
        about: r#"`{"topic","frame"}`: sends a text to the sockets that are subscribed to the topic; without a topic to all"#,
        run: |control, input| {
            let Publish { topic, frame } = input.read()?;
            control.publish_raw(topic.as_deref(), &frame);
            done()
        },
    },
];

#[derive(Deserialize)]
struct Throttle {
    bytes_per_second: u32,
}

#[derive(Deserialize)]
struct IncrementForm {
    nested: Option<bool>,
    zero_removals: Option<bool>,
}

#[derive(Deserialize)]
struct Publish {
    topic: Option<String>,
    frame: String,
}

#[derive(Deserialize)]
struct Disturb {
    topic: String,
    kind: Kind,
    times: Option<u32>,
    delay_ms: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Lose,
    Double,
    Swap,
    Delay,
}

impl Kind {
    fn fault(self, delay_ms: Option<u32>) -> Result<FrameFault, Refusal> {
        Ok(match self {
            Self::Lose => FrameFault::Lose,
            Self::Double => FrameFault::Double,
            Self::Swap => FrameFault::Swap,
            Self::Delay => FrameFault::Delay(delay_ms.ok_or_else(unreadable)?),
        })
    }
}

impl Control {
    /// Drops every websocket without a close frame. Returns how many there were.
    pub fn drop_sockets(&self) -> usize {
        self.host.hub.drop_sockets()
    }

    /// Leaves every websocket half-open: nothing is sent, read or answered on it any more, and nothing is closed. New
    /// sockets work. Returns how many there were.
    pub fn freeze_sockets(&self) -> usize {
        self.host.hub.freeze_sockets()
    }

    /// Limits each open websocket to this many bytes a second; 0 removes the limit. Returns how many sockets there are. A
    /// socket whose queue reaches 256 frames is dropped, as with any slow reader.
    pub fn throttle_sockets(&self, bytes_per_second: u32) -> usize {
        self.host.hub.throttle_sockets(bytes_per_second)
    }

    /// Plans a fault for the next `times` frames of a topic, such as `order` or `btczar.trades`. Only frames that have a
    /// subscriber count. Replays and confirmations are not affected.
    pub fn disturb_frames(&self, topic: &str, fault: FrameFault, times: u32) {
        self.host.hub.trouble(topic, fault, times);
    }

    /// Decides whether increments are written as `[["p","a"]]` instead of `["p","a"]`.
    pub fn nested_increments(&self, nested: bool) {
        self.host.hub.set_style(|style| style.nested = nested);
    }

    /// Decides whether the amount of a removed level is written as `"0"` instead of `""`.
    pub fn zero_removals(&self, zero: bool) {
        self.host.hub.set_style(|style| style.zero_removals = zero);
    }

    /// Sends a text unchanged to the sockets that are subscribed to the topic; with `None` to all sockets.
    pub fn publish_raw(&self, topic: Option<&str>, frame: &str) {
        self.host.tell_all();
        self.host.hub.publish_raw(topic, frame);
    }
}
