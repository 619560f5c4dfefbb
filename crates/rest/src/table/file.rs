//! A file that gets its name when it is whole.

use crate::files;
use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// A file that is being written, under another name in the same folder. It is removed when this is dropped, unless it was
/// given its name.
pub(super) struct NewFile {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    is_whole: bool,
}

impl NewFile {
    /// Begins a file that gets this path when it is whole.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let not_a_file = |what| Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        let Some(name) = path.file_name() else {
            return not_a_file("the path does not end in a file's name");
        };
        if path.is_dir() {
            return not_a_file("there is a folder of this name");
        }
        let mut temporary = name.to_owned();
        temporary.push(format!(".{:016x}.part", fastrand::u64(..)));
        let temporary = path.with_file_name(temporary);
        let file = files::private().write(true).create_new(true).open(&temporary)?;
        Ok(Self { file, temporary, path: path.to_owned(), is_whole: false })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// Waits until the file is on the disk, and gives it its name, in place of a file that has it.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.temporary, &self.path)?;
        self.is_whole = true;
        files::sync_folder(&self.path)
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.is_whole {
            // The error that led here is told. If the file cannot be removed, its name says what it is.
            let _left = fs::remove_file(&self.temporary);
        }
    }
}
