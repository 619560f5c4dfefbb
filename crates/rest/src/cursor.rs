//! Lists that a cursor continues: each answer names the place where the next one begins.

use crate::{Client, Endpoint, Error, FromResponse, Items, Kind, Outcome, Page, Pages, UnreadableRow};
use std::{collections::HashSet, hash::Hash};

/// A request for a part of a list. Each answer names the cursor of the next part.
pub trait Cursored: Endpoint + Clone {
    /// Type of a row.
    type Row: Send + 'static;
    /// The key that identifies a row.
    type Key: Hash + Eq + Send;

    /// Asks for the part that begins at this cursor.
    fn set_cursor(&mut self, cursor: &str);

    /// The rows of an answer, and the cursor of the next part; `None` if there is no next part.
    fn part(answer: Self::Response) -> (Vec<Self::Row>, Option<String>);

    /// The key of a row.
    fn key(row: &Self::Row) -> Self::Key;
}

/// A walk along the cursors.
struct Walk<E: Cursored> {
    client: Client,
    request: E,
    part: u32,
    /// The cursor that was asked for last.
    last: Option<String>,
    /// The cursors that were asked for. A server that names an old one again would be asked for ever.
    asked: HashSet<String>,
    /// Keys of the rows so far. New rows may shift the parts, so that a row comes twice.
    seen: HashSet<E::Key>,
    is_over: bool,
}

impl<E: Cursored> Walk<E> {
    async fn step(&mut self) -> Result<Option<Page<E::Row>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let answer = self.client.send(self.request.clone()).await;
        self.is_over = answer.is_err();
        let answer = answer?;
        self.part += 1;
        let mut unreadable: Vec<UnreadableRow> = answer.unreadable().to_vec();
        unreadable.iter_mut().for_each(|row| row.page = Some(self.part));
        let (mut rows, next) = E::part(answer);
        rows.retain(|row| self.seen.insert(E::key(row)));
        match next {
            Some(next) if self.last.as_ref() == Some(&next) => self.is_over = true,
            Some(next) if self.asked.insert(next.clone()) => {
                self.request.set_cursor(&next);
                self.last = Some(next);
            }
            Some(_) => {
                self.is_over = true;
                let what =
                    "the server names an earlier cursor again, so the list would have no end; read it again";
                return Err(Error::new(Kind::Mismatch, Outcome::Unknown, what).with_call(E::CALL));
            }
            None => self.is_over = true,
        }
        Ok(Some(Page::of(rows, unreadable)))
    }
}

impl Client {
    /// The parts of a list that a cursor continues, one after the other. Rows that an earlier part had are left out.
    ///
    /// The list ends with the answer that names no next cursor, or that names its own again.
    pub fn pages_by_cursor<E: Cursored + 'static>(&self, request: E) -> Pages<E::Row> {
        let walk = Walk {
            client: self.clone(),
            request,
            part: 0,
            last: None,
            asked: HashSet::new(),
            seen: HashSet::new(),
            is_over: false,
        };
        Pages::unfold(walk, |mut walk| async move {
            let page = walk.step().await?;
            Ok(page.map(|page| (page, walk)))
        })
    }

    /// The rows of a list that a cursor continues, each row once.
    pub fn items_by_cursor<E: Cursored + 'static>(&self, request: E) -> Items<E::Row> {
        Items::over(self.pages_by_cursor(request))
    }
}
