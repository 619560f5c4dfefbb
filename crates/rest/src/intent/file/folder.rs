//! Makes, locks and replaces files, so that a crash at any moment leaves the old file or the new one.

use super::{super::IntentLogError, writer::Storage};
use crate::files::{private, sync_folder};
use std::{
    ffi::OsString,
    fmt::Display,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
};

fn failed(path: &Path, what: &str, why: &dyn Display) -> IntentLogError {
    let path = path.display();
    IntentLogError::new(format!(
        "the intent log {path} cannot be {what}: {why}; check its path and its folder"
    ))
}

/// The file beside this one whose name has this at its end.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(end);
    path.with_file_name(name)
}

/// Locks the log for this process, as long as the returned file lives.
#[inline]
pub(super) fn lock(path: &Path) -> Result<File, IntentLogError> {
    if path.file_name().is_none() {
        return Err(failed(path, "opened", &"the path does not end in a file's name"));
    }
    let file = private().create(true).truncate(false).write(true).open(beside(path, ".lock"));
    let file = file.map_err(|error| failed(path, "locked", &error))?;
    try_lock(&file, path)?;
    Ok(file)
}

#[cfg(file_lock)]
#[allow(clippy::incompatible_msrv, reason = "only compiled where the compiler knows it: see build.rs")]
#[inline]
fn try_lock(file: &File, path: &Path) -> Result<(), IntentLogError> {
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => IntentLogError::new(format!(
            "the intent log {} is in use already, by this or another process; share one log, or give each its own file",
            path.display()
        )),
        fs::TryLockError::Error(error) => failed(path, "locked", &error),
    })
}

/// Closing the file is not enough: a process that was just started has a copy of it for a moment.
#[cfg(file_lock)]
#[allow(clippy::incompatible_msrv, reason = "only compiled where the compiler knows it: see build.rs")]
fn unlock(file: &File) {
    let _closing_does_the_same = file.unlock();
}

#[cfg(not(file_lock))]
fn try_lock(_: &File, _: &Path) -> Result<(), IntentLogError> {
    Ok(())
}

#[cfg(not(file_lock))]
fn unlock(_: &File) {}

/// The log, for reading; `None` if it does not exist yet.
#[inline]
pub(super) fn existing(path: &Path) -> Result<Option<File>, IntentLogError> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, "read", &error)),
    }
}

/// Creates the log with this text, or replaces it.
#[inline]
pub(super) fn replace(path: &Path, text: &str) -> Result<(), IntentLogError> {
    let new = beside(path, ".new");
    let written = || {
        match fs::remove_file(&new) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = private().create_new(true).write(true).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&new, path)?;
        sync_folder(path)
    };
    written().map_err(|error| failed(path, "written", &error))
}

/// The log, for appending.
pub(super) struct Appending {
    file: File,
    /// Held until the last line is written, even if the log itself is dropped before.
    lock: File,
}

impl Drop for Appending {
    fn drop(&mut self) {
        unlock(&self.lock);
    }
}

/// Opens the log for appending.
pub(super) fn for_appending(path: &Path, lock: File) -> Result<Appending, IntentLogError> {
    let file = OpenOptions::new().append(true).open(path).map_err(|error| failed(path, "written", &error))?;
    Ok(Appending { file, lock })
}

impl Storage for Appending {
    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)
    }
}
