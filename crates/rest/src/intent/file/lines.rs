//! The format of the file: one JSON object in a line.

use super::super::{Intent, IntentId, IntentLogError, IntentState};
use crate::{Outcome, mask};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Display,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// Version of the format, in the first line. It is raised by a change that an older version of this crate cannot read.
const FORMAT: u32 = 1;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    Format(u32),
    Begin(Intent),
    End { id: IntentId, outcome: End },
    Close { id: IntentId, note: String },
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    NotSent,
    Refused,
    Confirmed,
    Unknown,
}

impl From<Outcome> for End {
    #[inline]
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::NotSent => Self::NotSent,
            Outcome::Refused => Self::Refused,
            Outcome::Confirmed => Self::Confirmed,
            Outcome::Unknown => Self::Unknown,
        }
    }
}

impl Line {
    /// The line with its end.
    #[inline]
    pub(super) fn text(&self) -> Result<String, IntentLogError> {
        let text = serde_json::to_string(self);
        let text = text.map_err(|error| IntentLogError::new(format!("a line cannot be written: {error}")))?;
        Ok(text + "\n")
    }

    /// Whether it must be on the disk before anything else happens.
    #[inline]
    pub(super) fn must_last(&self) -> bool {
        !matches!(self, Self::End { .. })
    }

    /// Changes the list of open intents as the line says.
    #[inline]
    pub(super) fn apply(self, open: &mut Vec<Intent>) {
        match self {
            Self::Format(_) => {}
            Self::Begin(intent) => open.push(intent),
            Self::End { id, outcome: End::Unknown } => {
                if let Some(intent) = open.iter_mut().rfind(|intent| intent.id == id) {
                    intent.state = IntentState::Unknown;
                }
            }
            Self::End { id, .. } | Self::Close { id, .. } => {
                // It is one of the newest.
                if let Some(place) = open.iter().rposition(|intent| intent.id == id) {
                    open.remove(place);
                }
            }
        }
    }
}

/// What a file holds.
pub(super) struct Found {
    pub(super) open: Vec<Intent>,
    /// Whether the file differs from one with only the open intents.
    pub(super) has_more: bool,
}

impl Found {
    /// For a file that does not exist yet.
    #[inline]
    pub(super) fn nothing() -> Self {
        Self { open: Vec::new(), has_more: true }
    }
}

/// The text of a file that has only these intents.
#[inline]
pub(super) fn whole(open: &[Intent]) -> Result<String, IntentLogError> {
    let mut text = Line::Format(FORMAT).text()?;
    for intent in open {
        text += &Line::Begin(intent.clone()).text()?;
    }
    Ok(text)
}

/// Reads a file, without holding more of it than a line and the open intents.
#[inline]
pub(super) fn read(path: &Path, file: impl Read) -> Result<Found, IntentLogError> {
    let damaged = |number: u64, why: &dyn Display| {
        let path = path.display();
        IntentLogError::new(format!(
            "the intent log {path} is damaged in line {number}: {why}; correct or delete the line, or move the file away, \
             after you have looked up your last writes at the exchange"
        ))
    };
    let mut reader = BufReader::new(file);
    let mut open = Vec::new();
    let mut line = Vec::new();
    let mut lines = 0_u64;
    let mut has_more = false;
    loop {
        line.clear();
        let count = reader.read_until(b'\n', &mut line).map_err(|error| {
            IntentLogError::new(format!("the intent log {} cannot be read: {error}", path.display()))
        })?;
        if count == 0 {
            break;
        }
        if line.last() != Some(&b'\n') {
            // The process ended while it wrote this line. It was not on the disk as a whole, so its write was not sent.
            tracing::warn!("the last line of the intent log has no end; it is dropped");
            has_more = true;
            break;
        }
        lines += 1;
        let read = serde_json::from_slice(&line);
        let read = read.map_err(|error| damaged(lines, &mask::quoted(&error.to_string())))?;
        match read {
            Line::Format(FORMAT) if lines == 1 => {}
            Line::Format(other) if lines == 1 => {
                return Err(IntentLogError::new(format!(
                    "the intent log {} has the format {other}, but this version reads {FORMAT}; open it with a newer version",
                    path.display()
                )));
            }
            Line::Format(_) => return Err(damaged(lines, &"only the first line names the format")),
            _ if lines == 1 => return Err(damaged(lines, &"the first line does not name the format")),
            change => {
                has_more |= !matches!(change, Line::Begin(_));
                change.apply(&mut open);
            }
        }
    }
    // A file without its first line is what a crash leaves when the file is new.
    has_more |= lines == 0;
    Ok(Found { open, has_more })
}
