//! Files to send that are not in memory: they are read in pieces while they are sent.
//!
//! The first bytes are read when the upload is made, so that its size and format can be checked before anything is sent.
//!
//! ```no_run
//! # async fn example(source: impl tokio::io::AsyncRead + Send + 'static) -> Result<(), capecrypto_rest::Error> {
//! use capecrypto_rest::upload;
//! let passport = upload::file("scans/passport.jpg").await?;
//! let bill = upload::reader("bill.pdf", "application/pdf", 81_234, source).await?;
//! # let _ = (passport, bill);
//! # Ok(())
//! # }
//! ```

use crate::{Error, Kind, Outcome, motion::PIECE, runtime};
use bytes::{Bytes, BytesMut};
use capecrypto_models::{
    FileFormat, Malformed, Upload,
    upload::{Opened, Pieces, Source},
};
use futures_util::{Stream, StreamExt as _, stream};
use std::{
    fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    task::spawn_blocking,
    time::timeout,
};

/// How long the first bytes may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A buffer with less room than this is replaced.
const LEAST_ROOM: usize = 4 * 1024;

/// A file on the disk. Its name is the last part of the path, and its type is the one that the end of the name stands for
/// (`application/octet-stream` for an end that is not JPEG's, PNG's or PDF's); [`Upload::with_name`] and
/// [`Upload::with_content_type`] change them.
///
/// It is opened again when it is sent. If it has another size or other first bytes then, the call fails before anything is
/// sent.
///
/// # Errors
/// [`Kind::Input`] if the file cannot be read, or its name is not UTF-8.
pub async fn file(path: impl AsRef<Path>) -> Result<Upload, Error> {
    let path = path.as_ref().to_owned();
    let shown = path.display().to_string();
    let cannot = |why: &str| unusable(format!("the file {shown} {why}"));
    let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
        return Err(cannot("has no name that is UTF-8; rename it, or read it yourself"));
    };
    runtime::check_timers()?;
    let File { length, head, .. } = in_time(File::open(path.clone()))
        .await?
        .map_err(|error| cannot(&format!("cannot be read: {error}; check the path")).with_source(error))?;
    let format = FileFormat::of_name(&name).map_or("application/octet-stream", FileFormat::media_type);
    let source = Arc::new(OnDisk { path, length, head: head.clone() });
    Ok(Upload::from_source(name, format, length, head, source))
}

/// What a reader gives, which must be exactly `length` bytes. It can be sent once.
///
/// # Errors
/// [`Kind::Input`] if the reader fails, gives nothing for 30 s, or has already shown another length.
pub async fn reader(
    name: impl Into<String>,
    content_type: impl Into<String>,
    length: u64,
    reader: impl AsyncRead + Send + 'static,
) -> Result<Upload, Error> {
    let state = (Box::pin(reader), BytesMut::new());
    let pieces = stream::try_unfold(state, |(mut reader, mut buffer)| async move {
        if buffer.capacity() < LEAST_ROOM {
            buffer.reserve(PIECE);
        }
        let count = reader.read_buf(&mut buffer).await?;
        Ok((count > 0).then(|| (buffer.split().freeze(), (reader, buffer))))
    });
    stream(name, content_type, length, pieces).await
}

/// What a stream of pieces gives, which must be exactly `length` bytes. It can be sent once.
///
/// # Errors
/// [`Kind::Input`] if the stream fails, gives nothing for 30 s, or has already shown another length.
pub async fn stream(
    name: impl Into<String>,
    content_type: impl Into<String>,
    length: u64,
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
) -> Result<Upload, Error> {
    runtime::check_timers()?;
    let mut pieces: Pieces = Box::pin(pieces);
    let mut first = Vec::new();
    let mut head = BytesMut::new();
    let mut read = 0;
    let mut has_ended = false;
    while head.len() < Upload::HEAD && read <= length && !has_ended {
        match in_time(pieces.next()).await? {
            Some(Ok(piece)) => {
                let room = (Upload::HEAD - head.len()).min(piece.len());
                head.extend_from_slice(piece.get(..room).unwrap_or_default());
                read += size(&piece);
                first.push(Ok(piece));
            }
            Some(Err(error)) => return Err(InputError::Failed(error).before_sending()),
            None => has_ended = true,
        }
    }
    if read > length {
        return Err(InputError::Long { total: length }.before_sending());
    }
    if has_ended && read < length {
        return Err(InputError::Short { read, total: length }.before_sending());
    }
    let pieces: Pieces = Box::pin(stream::iter(first).chain(pieces));
    let source = Arc::new(Once(Mutex::new(Some(pieces))));
    Ok(Upload::from_source(name, content_type, length, head, source))
}

/// Why the content of a file could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("the file that is sent ended after {read} of {total} bytes; give its length exactly")]
    Short { read: u64, total: u64 },
    #[error(
        "the file that is sent has more than the {total} bytes that were stated; give its length exactly"
    )]
    Long { total: u64 },
    #[error("the file that is sent cannot be read on: {0}")]
    Failed(#[source] io::Error),
}

impl InputError {
    fn before_sending(self) -> Error {
        Error::new(Kind::Input, Outcome::NotSent, self.to_string()).with_source(self)
    }
}

fn unusable(what: String) -> Error {
    Error::new(Kind::Input, Outcome::NotSent, what)
}

pub(crate) fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    timeout(PATIENCE, work).await.map_err(|_| {
        unusable(format!(
            "the file's first bytes did not come within {PATIENCE:?}; check where it comes from"
        ))
    })
}

/// A file that was opened, with its first bytes read.
struct File {
    file: fs::File,
    length: u64,
    head: Bytes,
}

impl File {
    async fn open(path: PathBuf) -> io::Result<Self> {
        blocking(move || {
            // To open something else, such as a pipe, could block for ever.
            if !fs::metadata(&path)?.is_file() {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
            }
            let mut file = fs::File::open(path)?;
            let length = file.metadata()?.len();
            let mut head = Vec::new();
            (&mut file).take(u64::try_from(Upload::HEAD).unwrap_or(u64::MAX)).read_to_end(&mut head)?;
            Ok(Self { file, length, head: head.into() })
        })
        .await
    }

    /// All bytes from the start, of which the head was read already.
    #[inline]
    fn pieces(self) -> Pieces {
        let rest = stream::try_unfold(self.file, |mut file| async move {
            let (file, piece) = blocking(move || {
                let mut piece = vec![0; PIECE];
                let count = file.read(&mut piece)?;
                piece.truncate(count);
                Ok((file, piece))
            })
            .await?;
            Ok((!piece.is_empty()).then(|| (piece.into(), file)))
        });
        Box::pin(stream::iter([Ok(self.head)]).chain(rest))
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// A file on the disk, as it was when it was checked.
struct OnDisk {
    path: PathBuf,
    length: u64,
    head: Bytes,
}

impl Source for OnDisk {
    #[inline]
    fn open(&self) -> Opened<'_> {
        Box::pin(async {
            let file = File::open(self.path.clone()).await.map_err(|error| {
                Malformed::new(format!("the file cannot be opened: {error}"), "check that it is still there")
            })?;
            if file.length != self.length || file.head != self.head {
                return Err(Malformed::new(
                    "the file has changed since it was checked",
                    "make the upload again",
                ));
            }
            Ok(file.pieces())
        })
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

/// Pieces that can be read only once.
struct Once(Mutex<Option<Pieces>>);

impl Source for Once {
    #[inline]
    fn open(&self) -> Opened<'_> {
        let pieces = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let pieces = pieces.ok_or_else(|| {
            Malformed::new(
                "its stream can be read only once, and was",
                "make the upload again from a new stream",
            )
        });
        Box::pin(std::future::ready(pieces))
    }

    fn is_repeatable(&self) -> bool {
        false
    }
}
