//! The record: a file with all commands of an exchange, from which another sandbox can reach the same state.
//!
//! The first line is the header, with profile and seed. Each further line is a command, with the time at which it was
//! carried out. The file contains no API key. It has what the commands have, such as pins of vouchers and the names and
//! addresses of beneficiaries, so only its owner may read it.

use super::config::Profile;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The version of the file format.
const FORM: u32 = 1;

/// The first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    capecrypto_sandbox_record: u32,
    pub(crate) profile: Profile,
    pub(crate) seed: u64,
}

/// A command. Without a name: a moment at which timers fired.
#[derive(Debug, Deserialize)]
pub(crate) struct Line {
    pub(crate) at_ms: i64,
    #[serde(rename = "do", default)]
    pub(crate) name: String,
    #[serde(rename = "with", default)]
    with: Option<Box<RawValue>>,
}

impl Line {
    /// The fields of the command, as JSON.
    pub(crate) fn with(&self) -> &str {
        self.with.as_ref().map_or("null", |with| with.get())
    }
}

#[derive(Serialize)]
struct Written<'a, C> {
    at_ms: i64,
    #[serde(rename = "do", skip_serializing_if = "str::is_empty")]
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    with: Option<&'a C>,
}

/// A record that is being written.
#[derive(Debug)]
pub(crate) struct Record {
    file: File,
    lines: u64,
    /// The error that stopped the writing. Nothing is added after it.
    failure: Option<io::Error>,
}

impl Record {
    /// Begins a record in a new file. Fails if the file exists.
    pub(crate) fn create(path: &Path, profile: Profile, seed: u64) -> io::Result<Self> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        let mut record = Self { file, lines: 0, failure: None };
        record.add(&Header { capecrypto_sandbox_record: FORM, profile, seed })?;
        record.lines = 0;
        Ok(record)
    }

    /// Adds a command.
    pub(crate) fn command<C: Serialize>(&mut self, at_ms: i64, name: &str, command: &C) {
        self.try_add(&Written { at_ms, name, with: Some(command) });
    }

    /// Adds the moment at which timers fired.
    pub(crate) fn moment(&mut self, at_ms: i64) {
        self.try_add(&Written::<()> { at_ms, name: "", with: None });
    }

    /// Adds a line that was read from another record.
    pub(crate) fn line(&mut self, line: &Line) {
        self.try_add(&Written { at_ms: line.at_ms, name: &line.name, with: line.with.as_ref() });
    }

    fn try_add(&mut self, line: &impl Serialize) {
        if self.failure.is_none() {
            self.failure = self.add(line).err();
        }
    }

    fn add(&mut self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        // One write for the whole line, so that a killed process leaves no half line.
        self.file.write_all(&text)?;
        self.lines += 1;
        Ok(())
    }

    /// The number of commands written so far, or why writing stopped.
    pub(crate) fn state(&self) -> Result<u64, String> {
        match &self.failure {
            None => Ok(self.lines),
            Some(error) => Err(format!("the record stopped after {} commands: {error}", self.lines)),
        }
    }
}

/// The record that several states share, if there is one. Each state writes under its own lock, so that its lines are in
/// the order of its changes; the lines of different states do not depend on each other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Option<Record>>>);

impl Shared {
    pub(crate) fn new(record: Option<Record>) -> Self {
        Self(Arc::new(Mutex::new(record)))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a command.
    pub(crate) fn command<C: Serialize>(&self, at_ms: i64, name: &str, command: &C) {
        if let Some(record) = &mut *self.lock() {
            record.command(at_ms, name, command);
        }
    }

    /// Adds the moment at which timers fired.
    pub(crate) fn moment(&self, at_ms: i64) {
        if let Some(record) = &mut *self.lock() {
            record.moment(at_ms);
        }
    }

    /// Adds a line that was read from another record.
    pub(crate) fn line(&self, line: &Line) {
        if let Some(record) = &mut *self.lock() {
            record.line(line);
        }
    }

    /// The number of commands written so far, or why writing stopped. `None` if there is no record.
    pub(crate) fn state(&self) -> Option<Result<u64, String>> {
        self.lock().as_ref().map(Record::state)
    }
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("{0}")]
    File(#[from] io::Error),
    #[error(
        "the first line is not the header of a record in format {FORM}; give a file written by `--record`"
    )]
    Header,
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
}

/// Reads a record. A last line without a line break is incomplete and is left out.
pub(crate) fn read(path: &Path) -> Result<(Header, Vec<Line>), Unreadable> {
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let header = lines.next().and_then(|line| serde_json::from_str::<Header>(line).ok());
    let header =
        header.filter(|header| header.capecrypto_sandbox_record == FORM).ok_or(Unreadable::Header)?;
    let line = |(place, line)| {
        let reason = |error: serde_json::Error| Unreadable::Line { line: place, reason: error.to_string() };
        serde_json::from_str(line).map_err(reason)
    };
    Ok((header, (2..).zip(lines).map(line).collect::<Result<_, _>>()?))
}
