//! Up to which time no event of the account was missed.
//!
//! 1. Nothing is replayed for topics of the account: what happens while one is not subscribed is lost.
//! 2. Only a list of the server that has the topic proves how far it is covered. The server answers in order, so everything
//!    that it sent before our request for that list has arrived, and the topic was still subscribed then. The time at which a
//!    message was read proves nothing: after a stop of the process or of the line, old messages are read late. An answered
//!    ping proves nothing about topics: a subscription may have ended without a word.
//! 3. What was sent just before a proof may still have been on its way inside the exchange: a gap begins five seconds earlier.
//! 4. A gap is told when the topic is confirmed again. It is never left out.

use crate::Topic;
use std::collections::BTreeMap;

/// How much earlier than the last proof a gap begins (rule 3).
const OVERLAP_MS: u64 = 5_000;

/// Topics whose events between two times of the wall clock, in Unix milliseconds, may be lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) topics: Vec<Topic>,
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    /// When the last request was sent whose answer listed the topic: nothing was missed until then. At first, when the topic
    /// was asked for.
    until_ms: u64,
    /// Whether it is confirmed on this connection.
    covered: bool,
    /// Whether something may have been missed since `until_ms`.
    interrupted: bool,
}

/// The account's topics.
#[derive(Debug, Default)]
pub(super) struct Coverage(BTreeMap<Topic, Span>);

impl Coverage {
    /// A topic is asked for, for the first time or again.
    pub(super) fn asked(&mut self, topic: &Topic, sent_ms: u64) {
        if topic.is_private() {
            self.0.entry(topic.clone()).or_insert(Span {
                until_ms: sent_ms,
                covered: false,
                interrupted: false,
            });
        }
    }

    /// A topic is not wanted any more, so nothing of it can be missed.
    pub(super) fn forget(&mut self, topic: &Topic) {
        self.0.remove(topic);
    }

    /// The answer to a request that was sent at that time lists these topics. Their gaps are told now.
    pub(super) fn listed(&mut self, topics: &[Topic], sent_ms: u64, now_ms: u64) -> Vec<Lost> {
        let mut lost: Vec<Lost> = Vec::new();
        for topic in topics {
            let Some(span) = self.0.get_mut(topic) else { continue };
            let until_ms = span.until_ms;
            span.until_ms = until_ms.max(sent_ms);
            if std::mem::replace(&mut span.covered, true) {
                continue;
            }
            if std::mem::take(&mut span.interrupted) {
                let from_ms = until_ms.saturating_sub(OVERLAP_MS);
                match lost.iter_mut().find(|lost| lost.from_ms == from_ms) {
                    Some(lost) => lost.topics.push(topic.clone()),
                    None => lost.push(Lost { topics: vec![topic.clone()], from_ms, to_ms: now_ms }),
                }
            }
        }
        lost
    }

    /// The server does not list these topics.
    pub(super) fn missing(&mut self, topics: &[Topic]) {
        for topic in topics {
            let Some(span) = self.0.get_mut(topic) else { continue };
            (span.covered, span.interrupted) = (false, true);
        }
    }

    /// The connection is gone.
    pub(super) fn disconnected(&mut self) {
        for span in self.0.values_mut() {
            (span.covered, span.interrupted) = (false, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(topics: &[Topic], from_ms: u64, to_ms: u64) -> Lost {
        Lost { topics: topics.to_vec(), from_ms, to_ms }
    }

    fn asked(topics: &[Topic]) -> Coverage {
        let mut coverage = Coverage::default();
        topics.iter().for_each(|topic| coverage.asked(topic, 10_000));
        coverage
    }

    #[test]
    fn a_gap_begins_at_the_last_list_that_had_the_topic() {
        let all = [Topic::Orders, Topic::Trades];
        let mut coverage = asked(&all);
        assert_eq!(coverage.listed(&all, 10_000, 10_100), [], "the first confirmation is no gap");
        assert_eq!(coverage.listed(&all, 40_000, 40_100), []);
        assert_eq!(coverage.listed(&all, 30_000, 40_200), [], "lists may be read late, not out of order");
        coverage.disconnected();
        assert_eq!(coverage.listed(&all, 70_000, 70_500), [lost(&all, 35_000, 70_500)]);
        assert_eq!(coverage.listed(&all, 80_000, 80_500), [], "told once");
        coverage.disconnected();
        coverage.disconnected();
        assert_eq!(coverage.listed(&all, 90_000, 90_500), [lost(&all, 75_000, 90_500)]);
    }

    #[test]
    fn each_topic_has_its_own_gap() {
        let all = [Topic::Balances, Topic::Orders];
        let mut coverage = asked(&all);
        coverage.listed(&all, 10_000, 10_000);
        // Orders may have gone right after the list of 10 s.
        coverage.missing(&[Topic::Orders]);
        coverage.listed(&[Topic::Balances], 60_000, 60_100);
        assert_eq!(coverage.listed(&all, 70_000, 70_100), [lost(&[Topic::Orders], 5_000, 70_100)]);
        coverage.disconnected();
        coverage.listed(&[Topic::Balances], 80_000, 80_100);
        let gaps = coverage.listed(&all, 100_000, 100_100);
        assert_eq!(gaps, [lost(&[Topic::Orders], 65_000, 100_100)]);
    }

    #[test]
    fn what_was_not_confirmed_at_once_is_a_gap_since_it_was_asked_for() {
        let mut coverage = asked(&[Topic::Orders]);
        coverage.missing(&[Topic::Orders]);
        assert_eq!(
            coverage.listed(&[Topic::Orders], 40_000, 40_100),
            [lost(&[Topic::Orders], 5_000, 40_100)]
        );
    }

    #[test]
    fn markets_have_no_gaps_and_what_is_not_wanted_has_none_either() {
        let book = Topic::Book("btczar".parse().unwrap());
        let mut coverage = asked(&[book.clone(), Topic::Orders]);
        coverage.disconnected();
        coverage.forget(&Topic::Orders);
        assert_eq!(coverage.listed(&[book, Topic::Orders], 20_000, 20_100), []);
    }
}
