//! Lists that come in pages.

use crate::{Client, DecodeError, Endpoint, Error, FromResponse, Head, response::decode};
use futures_util::{
    Stream, StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use serde::{Serialize, Serializer, de::DeserializeOwned};
use std::{
    collections::HashSet,
    fmt,
    hash::Hash,
    pin::Pin,
    task::{Context, Poll},
};

/// One page of a list. The counters come from the answer's headers, and not every call sends them.
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
    /// Rows that came and were not asked for.
    dropped: Vec<T>,
}

impl<T> Page<T> {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The rows.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.items.iter()
    }

    /// Drops rows that were not asked for. A walk over pages still counts them.
    pub fn retain(&mut self, wanted: impl FnMut(&T) -> bool) {
        let (kept, dropped) = std::mem::take(&mut self.items).into_iter().partition(wanted);
        self.items = kept;
        self.dropped = dropped;
    }

    /// Whether the server's own words say that nothing follows.
    fn is_last(&self) -> bool {
        let received = self.items.len() + self.dropped.len();
        let short = |most| u64::try_from(received).is_ok_and(|came| came < most);
        received == 0 || self.per_page.is_some_and(short)
    }
}

impl<T: DeserializeOwned> FromResponse for Page<T> {
    fn from_response(head: &Head, body: &[u8]) -> Result<Self, DecodeError> {
        let items: Vec<T> = decode(body)?;
        Ok(Self {
            items,
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

/// A request for one page of a list.
pub trait Paged: Endpoint<Response = Page<Self::Row>> + Clone {
    /// A row.
    type Row: Clone + Send + 'static;
    /// What tells rows apart.
    type Key: Hash + Eq + Send;

    /// Whether rows change their place as they change, as in a list sorted by the time of the last change. Such a list
    /// is walked again until a walk brings nothing new.
    const REORDERS: bool = false;

    /// What tells this row apart.
    fn key(row: &Self::Row) -> Self::Key;

    /// Asks for another page, from 1.
    fn set_page(&mut self, page: u32);
}

/// The pages of a list, as a stream.
pub struct Pages<T>(BoxStream<'static, Result<Page<T>, Error>>);

/// The rows of a list over all its pages, as a stream.
pub struct Items<T>(BoxStream<'static, Result<T, Error>>);

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
    /// The next row; `None` after the last.
    ///
    /// # Errors
    /// As [`Client::send`]; after an error the walk is over.
    pub async fn try_next(&mut self) -> Result<Option<T>, Error> {
        self.0.next().await.transpose()
    }

    /// All rows that are left.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn try_collect(mut self) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        while let Some(row) = self.try_next().await? {
            rows.push(row);
        }
        Ok(rows)
    }
}

macro_rules! stream_of {
    ($name:ident, $item:ty) => {
        impl<T> Stream for $name<T> {
            type Item = Result<$item, Error>;
            fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
                self.0.poll_next_unpin(cx)
            }
        }
        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}
stream_of!(Pages, Page<T>);
stream_of!(Items, T);

/// Pages in a row without anything new after which a pass is over: a server that ignores the page's number sends
/// the same one for ever, and rows that came in meanwhile push known ones to the next page.
const BARREN_PAGES: u32 = 3;
/// Passes over a list whose rows change their place. A row that stands still during one of them is seen.
const MOST_PASSES: u32 = 3;

/// Where a walk stands.
struct Walk<E: Paged> {
    client: Client,
    request: E,
    page: u32,
    pass: u32,
    /// Keys of all passes, and of this one.
    seen: HashSet<E::Key>,
    seen_now: HashSet<E::Key>,
    /// Whether this pass brought something that none before did.
    fresh: bool,
    barren: u32,
    over: bool,
}

impl<E: Paged> Walk<E> {
    fn new(client: Client, request: E) -> Self {
        Self {
            client,
            request,
            page: 1,
            pass: 1,
            seen: HashSet::new(),
            seen_now: HashSet::new(),
            fresh: false,
            barren: 0,
            over: false,
        }
    }

    /// The next page with the rows that were not seen before.
    async fn step(&mut self) -> Result<Option<Page<E::Row>>, Error> {
        if self.over {
            return Ok(None);
        }
        self.request.set_page(self.page);
        let sent = self.client.send(self.request.clone()).await;
        let mut page = match sent {
            Ok(page) => page,
            Err(error) => {
                self.over = true;
                return Err(error);
            }
        };
        // Rows that were not asked for count here: they show that the walk gets on.
        let last = page.is_last();
        let before = self.seen_now.len();
        self.seen_now.extend(page.items.iter().chain(&page.dropped).map(E::key));
        self.barren = if self.seen_now.len() > before { 0 } else { self.barren + 1 };
        page.items.retain(|row| self.seen.insert(E::key(row)));
        self.fresh |= !page.items.is_empty();
        if last || self.barren >= BARREN_PAGES {
            let one_page = self.page == 1;
            self.over = !E::REORDERS || one_page || !self.fresh || self.pass >= MOST_PASSES;
            self.pass += 1;
            self.page = 0;
            self.barren = 0;
            self.fresh = false;
            self.seen_now.clear();
        }
        self.page += 1;
        Ok(Some(page))
    }
}

/// A page and the walk behind it; nothing after the last.
type Step<E> = Result<Option<(Page<<E as Paged>::Row>, Walk<E>)>, Error>;

pub(crate) fn pages<E: Paged + 'static>(client: Client, request: E) -> Pages<E::Row> {
    let step = |mut walk: Walk<E>| -> BoxFuture<'static, Step<E>> {
        Box::pin(async move { Ok(walk.step().await?.map(|page| (page, walk))) })
    };
    Pages(stream::try_unfold(Walk::new(client, request), step).boxed())
}

pub(crate) fn items<E: Paged + 'static>(client: Client, request: E) -> Items<E::Row> {
    let rows = |page: Result<Page<E::Row>, Error>| {
        let rows: Vec<_> = match page {
            Ok(page) => page.items.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(rows)
    };
    Items(pages(client, request).flat_map(rows).boxed())
}
