//! Appends lines to the file. Lines that come while another write runs are written together, with one `fsync`.

use super::{
    super::{Intent, IntentId, IntentLogError, LogFuture},
    lines::Line,
};
use std::{
    io, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{runtime::Handle, sync::oneshot};

/// What is written to: a file, or something else in tests.
pub(super) trait Storage: Send {
    /// The number of bytes.
    fn length(&self) -> io::Result<u64>;
    /// Adds these bytes at the end.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Waits until all bytes are on the disk.
    fn sync(&mut self) -> io::Result<()>;
    /// Drops all bytes after this length.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// Appends lines and knows what is open.
pub(super) struct Writer(Arc<Inner>);

struct Inner {
    queue: Mutex<Queue>,
    /// Only the thread that writes holds this.
    target: Mutex<Target>,
    open: Mutex<Vec<Intent>>,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    /// Whether a thread writes now. It looks at the queue again before it ends.
    busy: bool,
}

struct Waiting {
    line: Line,
    text: String,
    done: oneshot::Sender<Result<(), IntentLogError>>,
}

struct Target {
    storage: Box<dyn Storage>,
    /// Why nothing can be written any more.
    broken: Option<IntentLogError>,
}

#[inline]
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    #[inline]
    pub(super) fn new(storage: impl Storage + 'static, open: Vec<Intent>) -> Self {
        Self(Arc::new(Inner {
            queue: Mutex::default(),
            target: Mutex::new(Target { storage: Box::new(storage), broken: None }),
            open: Mutex::new(open),
        }))
    }

    #[inline]
    pub(super) fn open(&self) -> Vec<Intent> {
        lock(&self.0.open).clone()
    }

    #[inline]
    pub(super) fn is_open(&self, id: IntentId) -> bool {
        lock(&self.0.open).iter().any(|intent| intent.id == id)
    }

    /// Appends a line. It is in the queue when this returns, so lines are written in the order of these calls, and also if
    /// the future is dropped.
    #[inline]
    pub(super) fn append(&self, line: Line) -> LogFuture<'static, ()> {
        let text = match line.text() {
            Ok(text) => text,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        let (done, written) = oneshot::channel();
        let mut queue = lock(&self.0.queue);
        queue.waiting.push(Waiting { line, text, done });
        let starts = !mem::replace(&mut queue.busy, true);
        drop(queue);
        if starts {
            let turn = Turn { inner: Some(self.0.clone()) };
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(move || turn.run())),
                // Without a runtime there is nothing that must not be blocked.
                Err(_) => turn.run(),
            }
        }
        Box::pin(async move {
            written.await.unwrap_or_else(|_| {
                Err(IntentLogError::new("the runtime ended before the intent log was written"))
            })
        })
    }
}

/// A thread's turn to write.
struct Turn {
    /// `None` once the turn is over.
    inner: Option<Arc<Inner>>,
}

impl Turn {
    #[inline]
    fn run(mut self) {
        while let Some(inner) = &self.inner {
            let batch = mem::take(&mut lock(&inner.queue).waiting);
            let ended = inner.write(batch);
            let mut queue = lock(&inner.queue);
            queue.busy = !queue.waiting.is_empty();
            let goes_on = queue.busy;
            drop(queue);
            if !goes_on {
                // The log may be dropped as soon as the last line is told, and then its file must be free.
                self.inner = None;
            }
            for (done, written) in ended {
                // Nobody waits if the call's future was dropped.
                let _dropped = done.send(written);
            }
        }
    }
}

/// A runtime that shuts down drops turns that have not begun. Then the lines that wait get an error, and the next line
/// begins a new turn.
impl Drop for Turn {
    #[inline]
    fn drop(&mut self) {
        if let Some(inner) = &self.inner {
            let mut queue = lock(&inner.queue);
            queue.busy = false;
            queue.waiting.clear();
        }
    }
}

type Ended = Vec<(oneshot::Sender<Result<(), IntentLogError>>, Result<(), IntentLogError>)>;

impl Inner {
    /// Writes these lines together.
    #[inline]
    fn write(&self, batch: Vec<Waiting>) -> Ended {
        let text: String = batch.iter().map(|waiting| waiting.text.as_str()).collect();
        let must_last = batch.iter().any(|waiting| waiting.line.must_last());
        let written = lock(&self.target).append(text.as_bytes(), must_last);
        let mut open = lock(&self.open);
        let ended = batch.into_iter().map(|Waiting { line, done, .. }| {
            if written.is_ok() {
                line.apply(&mut open);
            }
            (done, written.clone())
        });
        ended.collect()
    }
}

impl Target {
    #[inline]
    fn append(&mut self, bytes: &[u8], must_last: bool) -> Result<(), IntentLogError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let failed = |what: &str, error: io::Error| {
            IntentLogError::new(format!("the intent log cannot be {what}: {error}; check the disk"))
        };
        let length = self.storage.length().map_err(|error| failed("read", error))?;
        if let Err(error) = self.storage.append(bytes) {
            let error = failed("written", error);
            // A part of the line may be there. Nothing may follow it, so without a cut the file cannot be used any more.
            if self.storage.cut(length).is_err() {
                self.broken = Some(error.clone());
            }
            return Err(error);
        }
        if must_last && let Err(error) = self.storage.sync() {
            // What is on the disk is not known now, and a second attempt would not tell: the system may have dropped the
            // bytes that it could not write.
            let why = "no write is sent until the log is opened anew";
            let error = IntentLogError::new(format!("{}; {why}", failed("put on the disk", error)));
            self.broken = Some(error.clone());
            return Err(error);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
