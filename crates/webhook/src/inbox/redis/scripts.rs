//! The scripts. Each is atomic at the server.

use crate::{EventKey, inbox::numbers};
use capecrypto_models::Timestamp;
use redis::Script;
use serde::Serialize;
use std::fmt;

const COMMON: &str = include_str!("common.lua");

pub(super) struct Scripts {
    /// In the order of `common.lua`.
    pub(super) keys: [String; 7],
    pub(super) claim: Script,
    pub(super) put: Script,
    pub(super) next: Script,
    pub(super) finish: Script,
    pub(super) fail: Script,
    pub(super) dead: Script,
    pub(super) retry: Script,
    pub(super) forget: Script,
    pub(super) open: Script,
    pub(super) close: Script,
}

impl Scripts {
    pub(super) fn new(prefix: &str) -> Self {
        let script = |text: &str| Script::new(&format!("{COMMON}\n{text}"));
        // A cluster chooses the node by what is in braces.
        let names = ["events", "bodies", "due", "dead", "finished", "references", "open"];
        Self {
            keys: names.map(|name| format!("{{{prefix}}}:{name}")),
            claim: script(include_str!("claim.lua")),
            put: script(include_str!("put.lua")),
            next: script(include_str!("next.lua")),
            finish: script(include_str!("finish.lua")),
            fail: script(include_str!("fail.lua")),
            dead: script(include_str!("dead.lua")),
            retry: script(include_str!("retry.lua")),
            forget: script(include_str!("forget.lua")),
            open: script(include_str!("open.lua")),
            close: script(include_str!("close.lua")),
        }
    }

    /// The key of the open payment references.
    pub(super) fn open_key(&self) -> &str {
        let [.., open] = &self.keys;
        open
    }
}

impl fmt::Debug for Scripts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripts").field("keys", &self.keys).finish_non_exhaustive()
    }
}

/// What a script is asked. Times are texts, because Lua would write a large number in another way. An absent field is `nil` there.
#[derive(Default, Serialize)]
pub(super) struct Ask<'a> {
    pub(super) key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<&'a str>,
    pub(super) opens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) now: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) again: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) before: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) closes: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) most: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) skip: Option<u64>,
    pub(super) only_known: bool,
}

impl<'a> Ask<'a> {
    pub(super) fn of(key: &'a EventKey, now: Timestamp) -> Self {
        Self { key: key.as_str(), now: Some(millis(now)), ..Self::default() }
    }
}

pub(super) fn millis(time: Timestamp) -> String {
    numbers::millis(time).to_string()
}
