//! Lists that come in pages.

use crate::{
    Client, DecodeError, Endpoint, Error, FromResponse, Head, Kind, Outcome, UnreadableRow,
    response::{decode_rows, some_readable},
};
use bytes::Bytes;
use futures_util::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use serde::{Serialize, Serializer, de::DeserializeOwned};
use std::{
    collections::HashSet,
    fmt,
    hash::Hash,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// One page of a list. The counters come from the answer's headers, which not every call sends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Rows on all pages (`Total`).
    pub total: Option<u64>,
    /// Number of this page, from 1 (`Page`).
    pub page: Option<u64>,
    /// Most rows of a page (`Per-Page`).
    pub per_page: Option<u64>,
    /// Rows that could not be read; the other rows are in [`items`](Self::items). A walk over several pages reports each
    /// row once.
    ///
    /// If no row of an answer can be read, the result is an error of kind [`Decode`](Kind::Decode) instead.
    pub unreadable: Vec<UnreadableRow>,
    /// Rows that came although they were not asked for.
    dropped: Vec<T>,
}

impl<T> Page<T> {
    /// Drops rows that were not asked for. A walk over pages still counts them.
    pub fn retain(&mut self, wanted: impl FnMut(&T) -> bool) {
        let (kept, dropped) = std::mem::take(&mut self.items).into_iter().partition(wanted);
        self.items = kept;
        self.dropped.extend::<Vec<T>>(dropped);
    }

    /// A page without counters.
    pub(crate) fn of(items: Vec<T>, unreadable: Vec<UnreadableRow>) -> Self {
        Self { items, total: None, page: None, per_page: None, unreadable, dropped: Vec::new() }
    }

    /// All rows that could be read, also those that were not asked for.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.items.iter().chain(&self.dropped)
    }

    /// Number of all rows of the answer: kept, dropped and unreadable.
    pub(crate) fn received(&self) -> u64 {
        count(self.items.len() + self.dropped.len() + self.unreadable.len())
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}

impl<T: DeserializeOwned> FromResponse for Page<T> {
    fn from_response(head: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let page = Self::any_from_response(head, body)?;
        some_readable(page.items.len(), &page.unreadable)?;
        Ok(page)
    }

    fn unreadable(&self) -> &[UnreadableRow] {
        &self.unreadable
    }
}

impl<T: DeserializeOwned> Page<T> {
    /// Reads the page, even if none of its rows can be read.
    pub(crate) fn any_from_response(head: &Head, body: &Bytes) -> Result<Self, DecodeError> {
        let (items, unreadable) = decode_rows(body)?;
        Ok(Self {
            items,
            unreadable,
            dropped: Vec::new(),
            total: head.number("total"),
            page: head.number("page"),
            per_page: head.number("per-page"),
        })
    }
}

impl<T: Serialize> Serialize for Page<T> {
    /// The rows, as the server wrote them: a list.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.items.serialize(serializer)
    }
}

/// A page can be used as the slice of its rows.
impl<T> Deref for Page<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Page<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

/// A request whose page can be set. `pages` in its declaration implements this.
pub trait SetPage {
    /// Asks for this page, from 1.
    fn set_page(&mut self, page: u32);
}

/// A request for one page of a list.
pub trait Paged: Endpoint<Response = Page<Self::Row>> + SetPage + Clone {
    /// Type of a row.
    type Row: DeserializeOwned + Clone + Send + 'static;
    /// The key that identifies a row.
    type Key: Hash + Eq + Send;

    /// Whether a row moves to another place in the list when it changes, for example in a list sorted by the time of the
    /// last change. Such a list is walked again until a walk finds nothing that the one before has missed.
    const REORDERS: bool = false;

    /// Whether an answer has the whole list, because it has no pages. [`set_page`](SetPage::set_page) then has nothing to do.
    const ONE_PAGE: bool = false;

    /// The key of a row.
    fn key(row: &Self::Row) -> Self::Key;
}

/// The pages of a list, as a stream.
pub struct Pages<T>(BoxStream<'static, Result<Page<T>, Error>>);

/// The rows of a list over all its pages, as a stream.
pub struct Items<T> {
    pages: Pages<T>,
    rows: std::vec::IntoIter<T>,
    unreadable: Vec<UnreadableRow>,
    total: Option<u64>,
}

/// Nothing inside is ever pinned, so it may be moved.
impl<T> Unpin for Items<T> {}

impl<T: Send + 'static> Pages<T> {
    /// The pages that a step gives, one after the other, until it gives none.
    pub(crate) fn unfold<W, F>(walk: W, step: impl Fn(W) -> F + Send + 'static) -> Self
    where
        W: Send + 'static,
        F: Future<Output = Result<Option<(Page<T>, W)>, Error>> + Send + 'static,
    {
        Self(stream::try_unfold(walk, step).boxed())
    }
}

impl<T> Pages<T> {
    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// As [`Client::send`]; after an error the walk is over.
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.0.next().await.transpose()
    }
}

impl<T> Items<T> {
    pub(crate) fn over(pages: Pages<T>) -> Self {
        Self { pages, rows: Vec::new().into_iter(), unreadable: Vec::new(), total: None }
    }

    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// As [`Client::send`]; after an error the walk is over.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.next().await.transpose()
    }

    /// The rows so far that could not be read, each once.
    pub fn unreadable(&self) -> &[UnreadableRow] {
        &self.unreadable
    }

    /// Reads all remaining rows into one page, which also has all rows of the walk that could not be read.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn try_collect(mut self) -> Result<Page<T>, Error> {
        let mut items = Vec::new();
        while let Some(row) = self.try_next().await? {
            items.push(row);
        }
        let Self { unreadable, total, .. } = self;
        Ok(Page { items, total, page: None, per_page: None, unreadable, dropped: Vec::new() })
    }
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl<T> Stream for Items<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match ready!(self.pages.poll_next_unpin(cx)) {
                Some(Ok(page)) => {
                    self.total = page.total;
                    self.unreadable.extend(page.unreadable);
                    self.rows = page.items.into_iter();
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pages")
    }
}

impl<T> fmt::Debug for Items<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Items")
    }
}

/// Number of consecutive pages without a new row after which a pass ends. A server that ignores the page number would send
/// the same page for ever. One such page proves nothing, because new rows push known ones to the next page.
const BARREN_PAGES: u32 = 3;
/// Most passes over a list whose rows move. A row that does not move during one of the passes is found.
const MOST_PASSES: u32 = 3;

/// State of a walk over the pages of a list.
pub(crate) struct Walk<E: Paged> {
    client: Client,
    request: E,
    /// Whether an answer without a readable row is no error, because others had some.
    lenient: bool,
    page: u32,
    pass: u32,
    /// Most rows that a page of the walk had. This is the real size of a page; the header may be wrong.
    page_size: u64,
    /// Keys of the rows of all passes.
    seen: HashSet<E::Key>,
    /// Keys of the rows of this pass.
    seen_now: HashSet<E::Key>,
    /// The same two for rows that could not be read.
    unreadable: HashSet<u64>,
    unreadable_now: HashSet<u64>,
    /// Whether this pass found a row that an earlier pass should have found. In a later pass, new rows at the head of the list
    /// do not count: they came or moved there meanwhile, and they say nothing about the rows behind them.
    fresh: bool,
    /// Whether this pass has met a row of an earlier pass.
    met_known: bool,
    /// Whether a page of this pass after the first one had a row that the pages before it did not have.
    moved_on: bool,
    barren: u32,
    over: bool,
}

impl<E: Paged> Walk<E> {
    pub(crate) fn new(client: Client, request: E) -> Self {
        Self {
            client,
            request,
            lenient: false,
            page: 1,
            pass: 1,
            page_size: 0,
            seen: HashSet::new(),
            seen_now: HashSet::new(),
            unreadable: HashSet::new(),
            unreadable_now: HashSet::new(),
            fresh: false,
            met_known: false,
            moved_on: false,
            barren: 0,
            over: false,
        }
    }

    /// The walk, as a part of a longer one that has read rows before.
    pub(crate) fn after_other_rows(self, lenient: bool) -> Self {
        Self { lenient, ..self }
    }

    /// The next page with the rows that were not seen before.
    pub(crate) async fn step(&mut self) -> Result<Option<Page<E::Row>>, Error> {
        if self.over {
            return Ok(None);
        }
        let page = self.read().await;
        self.over |= page.is_err();
        page.map(Some)
    }

    async fn read(&mut self) -> Result<Page<E::Row>, Error> {
        self.request.set_page(self.page);
        let request = self.request.clone();
        let mut page = if self.lenient {
            self.client.later_page(request).await?
        } else {
            self.client.send(request).await?
        };
        self.lenient = true;
        self.page_size = self.page_size.max(page.received());
        page.items.iter().for_each(|row| self.weigh(row));

        // Dropped and unreadable rows count here, because they show that the walk makes progress.
        let before = self.seen_now.len() + self.unreadable_now.len();
        self.seen_now.extend(page.all().map(E::key));
        self.unreadable_now.extend(page.unreadable.iter().map(|row| row.fingerprint));
        let gained = self.seen_now.len() + self.unreadable_now.len() > before;
        self.moved_on |= gained && self.page > 1;
        self.barren = if gained { 0 } else { self.barren + 1 };
        let last = E::ONE_PAGE || self.is_last(&page)?;

        page.items.retain(|row| self.seen.insert(E::key(row)));
        page.unreadable.retain(|row| self.unreadable.insert(row.fingerprint));
        page.unreadable.iter_mut().for_each(|row| row.page = Some(self.page));
        self.fresh |= !page.unreadable.is_empty();
        if last {
            let one_page = self.page == 1;
            self.over = !E::REORDERS || one_page || !self.fresh || self.pass >= MOST_PASSES;
            self.pass += 1;
            self.page = 0;
            self.barren = 0;
            self.fresh = false;
            self.met_known = false;
            self.moved_on = false;
            self.seen_now.clear();
            self.unreadable_now.clear();
        }
        self.page += 1;
        Ok(page)
    }

    /// Notes whether a row of a page is known from an earlier pass, and whether an earlier pass should have found it. The rows
    /// come in the order of the list.
    fn weigh(&mut self, row: &E::Row) {
        let key = E::key(row);
        if !self.seen.contains(&key) {
            self.fresh |= self.pass == 1 || self.met_known;
        } else if !self.seen_now.contains(&key) {
            self.met_known = true;
        }
    }

    /// Whether this is the last page. It is an error if the list ends before as many rows as it promised.
    fn is_last(&self, page: &Page<E::Row>) -> Result<bool, Error> {
        let received = page.received();
        let Some(total) = page.total else {
            // Without a total, only the size of a page tells where the list ends.
            let short = page.per_page.is_some_and(|most| received < most);
            return Ok(received == 0 || short || self.barren >= BARREN_PAGES);
        };
        let pages = u64::from(self.page);
        // Number of rows that so many pages must have had, even if rows moved between them.
        let covered = |pages: u64| pages.saturating_mul(self.page_size);
        let ended = received == 0 && covered(pages - 1) < total;
        let last = received == 0 || covered(pages) >= total;
        let distinct = count(self.seen_now.len() + self.unreadable_now.len());
        // The server sends the same page again and again. (A short page is no sign of that: new rows may have pushed
        // known ones onto it.)
        let again = received == self.page_size && distinct <= received;
        let stuck = last && self.page > 1 && !self.moved_on && again && distinct < total;
        if ended || stuck || (!last && self.barren >= BARREN_PAGES) {
            let what = format!("the list says {total} rows and ended after {distinct}; read it again");
            return Err(Error::new(Kind::Mismatch, Outcome::Unknown, what).with_call(E::CALL));
        }
        Ok(last)
    }
}

pub(crate) fn pages<E: Paged + 'static>(client: Client, request: E) -> Pages<E::Row> {
    Pages::unfold(Walk::new(client, request), |mut walk| async move {
        let page = walk.step().await?;
        Ok(page.map(|page| (page, walk)))
    })
}

pub(crate) fn items<E: Paged + 'static>(client: Client, request: E) -> Items<E::Row> {
    Items::over(pages(client, request))
}
