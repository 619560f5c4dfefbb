//! Lists over a span of time, read window by window.

use crate::{
    Client, Error, InvalidArgument, InvalidArguments, Items, Kind, Outcome, Page, Paged, Pages, page::Walk,
};
use capecrypto_models::Timestamp;
use std::{
    collections::HashSet,
    ops::Range,
    time::{Duration, SystemTime},
};

/// A span of time: from its start to its end, without the end. A walk reads it in windows.
///
/// `from..to` can be used instead, with windows of the default length of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    from: Timestamp,
    to: Timestamp,
    window: Option<Duration>,
}

impl Span {
    /// From a time up to another, without the second one.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, window: None }
    }

    /// Sets the length of a window, at least one second. Each window costs at least one request. The pages of a short window
    /// shift less while they are read.
    #[must_use = "a setter returns the changed span"]
    pub fn window(self, length: Duration) -> Self {
        Self { window: Some(length), ..self }
    }

    /// The start.
    pub fn start(&self) -> Timestamp {
        self.from
    }

    /// The end, which does not belong to the span.
    pub fn end(&self) -> Timestamp {
        self.to
    }

    fn problems<E: SetTimes>(&self, request: &E) -> Vec<InvalidArgument> {
        let mut problems = Vec::new();
        if self.to < self.from {
            problems.push(InvalidArgument::new(
                "span",
                "it ends before it begins",
                "give the earlier time first",
            ));
        }
        if self.window.is_some_and(|length| length < SHORTEST) {
            let remedy = "give at least one second, or leave it out";
            problems.push(InvalidArgument::new("span.window", "it is shorter than a second", remedy));
        }
        if request.has_times() {
            problems.push(InvalidArgument::new(
                "time_from, time_to",
                "the walk sets them for each window",
                "leave them out, and give the span only",
            ));
        }
        problems
    }
}

impl From<Range<Timestamp>> for Span {
    fn from(range: Range<Timestamp>) -> Self {
        Self::new(range.start, range.end)
    }
}

/// The wire cuts times to the second.
const SHORTEST: Duration = Duration::from_secs(1);

/// A request with a range of time. `times` in its declaration implements this.
pub trait SetTimes {
    /// Asks for the rows from a time up to another.
    fn set_times(&mut self, from: Timestamp, to: Timestamp);

    /// Whether the request has a start or an end.
    fn has_times(&self) -> bool;
}

/// A list that [`Client::items_within`] can walk over a span of time.
pub trait Windowed: Paged + SetTimes {
    /// Whether the server selects the rows by time. If it does not, the list is read as a whole, in one window, and rows
    /// outside of the span are left out here; [`set_times`](SetTimes::set_times) then has nothing to do.
    const SERVER_SELECTS: bool = true;

    /// Length of a window if the caller gives none.
    fn window(&self) -> Duration;

    /// Whether the oldest rows come first. The windows are read in the same order.
    fn oldest_first(&self) -> bool;

    /// The time of a row. A row whose time is the end of a window, or later, does not belong to it; one without a time does.
    fn time(row: &Self::Row) -> Option<Timestamp>;

    /// Asks for one window.
    fn set_window(&mut self, window: &Range<Timestamp>) {
        self.set_times(window.start, window.end);
    }
}

impl Client {
    /// The exchange's time, as far as it is known: see [`clock`](Self::clock).
    pub fn now(&self) -> Timestamp {
        let since_1970 = Duration::from_millis(self.clock().now_ms());
        SystemTime::UNIX_EPOCH.checked_add(since_1970).unwrap_or(SystemTime::UNIX_EPOCH).into()
    }

    /// The rows of a list over a span of time of any length, each row once. The span is read in windows, and each window over
    /// its pages. `from..to` is a span; [`Span::window`] sets the length of a window.
    ///
    /// Windows come in the order of the list: with the oldest first if the request asks for that. A row in two
    /// neighbouring windows is given once. For the pages of a window, the same holds as for [`items`](Self::items).
    ///
    /// The walk ends with an error of kind [`Mismatch`](Kind::Mismatch) if the server sends rows that are later than the window,
    /// because it then ignores the range, and rows would be missing without notice. If the span or the request
    /// cannot be used, the first row is an error of kind [`InvalidArgument`](Kind::InvalidArgument).
    pub fn items_within<E: Windowed + 'static>(&self, request: E, span: impl Into<Span>) -> Items<E::Row> {
        Items::over(self.pages_within(request, span))
    }

    /// The pages of a list over a span of time: as [`items_within`](Self::items_within). A page may be empty.
    pub fn pages_within<E: Windowed + 'static>(&self, request: E, span: impl Into<Span>) -> Pages<E::Row> {
        let windows = Windows::new(self.clone(), request, span.into());
        Pages::unfold(windows, |mut windows| async move {
            let page = windows.step().await?;
            Ok(page.map(|page| (page, windows)))
        })
    }
}

/// The windows of a span that were not read yet.
struct Rest {
    left: Range<Timestamp>,
    length: Duration,
    oldest_first: bool,
}

impl Rest {
    /// The next window. No window begins in the future: rows that come while the windows are read could otherwise be lost at
    /// its start.
    fn next(&mut self, now: Timestamp) -> Option<Range<Timestamp>> {
        let Range { start: from, end: to } = self.left.clone();
        if from >= to {
            return None;
        }
        let window = if self.oldest_first {
            let end = from.checked_add(self.length).filter(|end| *end <= now.min(to));
            from..end.unwrap_or(to)
        } else {
            let start = to.min(now).checked_sub(self.length).filter(|start| *start >= from);
            start.unwrap_or(from)..to
        };
        self.left = if self.oldest_first { window.end..to } else { from..window.start };
        Some(window)
    }
}

/// The keys of a window's rows, and of those that could not be read.
struct Keys<E: Paged> {
    rows: HashSet<E::Key>,
    unreadable: HashSet<u64>,
}

impl<E: Paged> Default for Keys<E> {
    fn default() -> Self {
        Self { rows: HashSet::new(), unreadable: HashSet::new() }
    }
}

/// State of a walk over the windows of a span.
struct Windows<E: Windowed> {
    client: Client,
    request: E,
    rest: Rest,
    problems: Vec<InvalidArgument>,
    /// The window that is being read, and its keys.
    open: Option<(Range<Timestamp>, Walk<E>)>,
    keys: Keys<E>,
    /// The keys of the window before. Only neighbours can have a row in common.
    keys_before: Keys<E>,
    /// Whether an answer had a row.
    has_rows: bool,
}

impl<E: Windowed> Windows<E> {
    fn new(client: Client, request: E, span: Span) -> Self {
        let length = match (E::SERVER_SELECTS, span.window) {
            (false, _) => Duration::MAX,
            (true, Some(length)) => length,
            (true, None) => request.window().max(SHORTEST),
        };
        let rest = Rest { left: span.from..span.to, length, oldest_first: request.oldest_first() };
        let problems = span.problems(&request);
        Self {
            client,
            request,
            rest,
            problems,
            open: None,
            keys: Keys::default(),
            keys_before: Keys::default(),
            has_rows: false,
        }
    }

    async fn step(&mut self) -> Result<Option<Page<E::Row>>, Error> {
        let problems = std::mem::take(&mut self.problems);
        InvalidArguments::none(problems).map_err(|error| Error::from(error).with_call(E::CALL))?;
        loop {
            let (window, mut walk) = match self.open.take() {
                Some(open) => open,
                None => match self.rest.next(self.client.now()) {
                    Some(window) => {
                        self.request.set_window(&window);
                        let walk = Walk::new(self.client.clone(), self.request.clone());
                        (window, walk.after_other_rows(self.has_rows))
                    }
                    None => return Ok(None),
                },
            };
            if let Some(page) = walk.step().await? {
                let page = self.select(page, &window)?;
                self.open = Some((window, walk));
                return Ok(Some(page));
            }
            self.keys_before = std::mem::take(&mut self.keys);
        }
    }

    /// Leaves out the rows that do not belong to the window, or that the window before had.
    fn select(&mut self, mut page: Page<E::Row>, window: &Range<Timestamp>) -> Result<Page<E::Row>, Error> {
        self.has_rows |= page.received() > 0;
        let latest = window.end.checked_add(SHORTEST).unwrap_or(window.end);
        if E::SERVER_SELECTS && page.all().any(|row| E::time(row) > Some(latest)) {
            let what = "the server sent rows that are later than the window, so it ignores the range of time; \
                        check the environment's unit of time, or read the list without a span";
            return Err(Error::new(Kind::Mismatch, Outcome::Unknown, what).with_call(E::CALL));
        }
        page.retain(|row| {
            E::time(row).is_none_or(|time| time < window.end && (E::SERVER_SELECTS || time >= window.start))
        });
        page.items.retain(|row| !self.keys_before.rows.contains(&E::key(row)));
        page.unreadable.retain(|row| !self.keys_before.unreadable.contains(&row.fingerprint));
        self.keys.rows.extend(page.items.iter().map(E::key));
        self.keys.unreadable.extend(page.unreadable.iter().map(|row| row.fingerprint));
        // They are about the window, not about the walk.
        (page.total, page.page) = (None, None);
        Ok(page)
    }
}
