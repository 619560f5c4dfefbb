//! Processes that are killed, and started again. The other process is this program, with the test [`child`].
//!
//! Time stands still while a process lives, and moves on by a lease when it was killed. So no lease ends under a handler that runs.

mod processes;

use crate::{
    common::{LEASE, at, verified},
    places::{Durable, every_place},
};
use capecrypto_webhook::{Inbox, Queue, Taken, Verified, testing};
use fastrand::Rng;
use futures_util::stream::{self, StreamExt as _};
use processes::{Child, Said};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

every_place!(RULES = with [sqlite: Sqlite, postgres: Postgres, redis: Redis] [
    one_of_fifty_in_two_processes_at_each_time_of_delivery,
    nothing_is_lost_or_doubled_if_a_process_is_killed_at_fifty_points,
]);

const EVENTS: usize = 1_000;
const KILLS: usize = 50;
/// Deliveries that come between two kills.
const BETWEEN: usize = EVENTS / KILLS;
/// A process that says nothing for so long is killed: it has nothing to do, or its handlers hang.
const SILENCE: Duration = Duration::from_millis(200);

pub(super) fn delivery(number: usize) -> Verified {
    verified(&testing::completed().reference(&format!("PAY-{number}")))
}

async fn one_of_fifty_in_two_processes_at_each_time_of_delivery<P: Durable<Store: Queue>>(place: &P) {
    let mut said = Vec::new();
    let mut now = 0;
    for seconds in [0, 30, 60, 300, 600, 1800, 3600, 7200] {
        now += seconds * 1000;
        let mut children: Vec<Child> =
            (0..2).map(|_| Child::start(P::NAME, &place.location(), "claim", now, 0, &[])).collect();
        for child in &mut children {
            assert_eq!(child.next().await, Some(Said::Ready));
        }
        for child in &mut children {
            child.go().await;
        }
        for mut child in children {
            while let Some(word) = child.next().await {
                said.push(word);
            }
            child.ended().await;
        }
    }
    // The first handler fails, the second one finishes.
    let count = |word: &Said| said.iter().filter(|said| *said == word).count();
    assert_eq!(
        (count(&Said::Failed(0)), count(&Said::Finished(0)), count(&Said::Began(0))),
        (1, 1, 2),
        "{said:?}"
    );
    assert_eq!(place.effects().await, HashMap::from([("0".to_owned(), 1)]));
}

async fn nothing_is_lost_or_doubled_if_a_process_is_killed_at_fifty_points<P: Durable<Store: Queue>>(
    place: &P,
) {
    let seed = fastrand::u64(..);
    eprintln!("seed {seed}");
    let mut random = Rng::with_seed(seed);
    // Those that were not answered with 200 yet, and come again.
    let mut unanswered: BTreeSet<usize> = BTreeSet::new();
    // How often the handler of an event ran when its process was killed.
    let mut interrupted: HashMap<usize, u64> = HashMap::new();
    let (mut now, mut kills, mut finished) = (0, 0, HashSet::new());
    loop {
        let new = kills * BETWEEN..EVENTS.min((kills + 1) * BETWEEN);
        unanswered.extend(new);
        let list: Vec<usize> = unanswered.iter().copied().collect();
        let is_last = kills == KILLS;
        let mode = if is_last { "to the end" } else { "until killed" };
        let mut child = Child::start(P::NAME, &place.location(), mode, now, random.u64(..), &list);
        let mut words_left = if is_last { usize::MAX } else { random.usize(1..=4 * BETWEEN) };
        let mut running: HashSet<usize> = HashSet::new();
        loop {
            if words_left == 0 {
                child.kill();
            }
            let word = if is_last || words_left == 0 {
                child.next().await
            } else {
                match tokio::time::timeout(SILENCE, child.next()).await {
                    Ok(word) => word,
                    Err(_silent) => {
                        words_left = 0;
                        continue;
                    }
                }
            };
            words_left = words_left.saturating_sub(1);
            match word {
                None => break,
                Some(Said::Ready) => {}
                Some(Said::Began(event)) => {
                    assert!(running.insert(event), "seed {seed}: {event} is handled by two at once");
                }
                Some(Said::Failed(event)) => assert!(running.remove(&event)),
                Some(Said::Finished(event)) => {
                    assert!(
                        running.remove(&event) && finished.insert(event),
                        "seed {seed}: {event} is finished again"
                    );
                }
                Some(Said::Answered(event)) => assert!(unanswered.remove(&event)),
                Some(Said::Other(problem)) => panic!("seed {seed}: {problem}"),
            }
        }
        if is_last {
            child.ended().await;
            break;
        }
        child.was_killed().await;
        for event in running {
            *interrupted.entry(event).or_default() += 1;
        }
        (kills, now) = (kills + 1, now + LEASE);
    }
    let effects = place.effects().await;
    let inbox = Inbox::new(place.store());
    let lost: Vec<usize> = (0..EVENTS).filter(|event| !effects.contains_key(&event.to_string())).collect();
    assert!(
        lost.is_empty() && unanswered.is_empty(),
        "seed {seed}: lost {lost:?}, not answered {unanswered:?}"
    );
    let take = async |event: usize| {
        let taken = inbox.take(&delivery(event), at(now + LEASE)).await.unwrap();
        assert!(matches!(taken, Taken::Finished), "seed {seed}: {event}");
    };
    stream::iter((0..EVENTS).map(take)).buffer_unordered(8).collect::<()>().await;
    assert!(inbox.next(at(now + LEASE)).await.unwrap().is_none());
    assert!(inbox.awaited(None, 1).await.unwrap().is_empty() && inbox.dead(1).await.unwrap().is_empty());
    assert_eq!(place.bodies().await, 0);

    let repeats: u64 = effects.values().map(|times| times - 1).sum();
    let were_running: u64 = interrupted.values().sum();
    eprintln!(
        "{}: {KILLS} kills, {were_running} handlers were running then, {repeats} effects happened again",
        P::NAME
    );
    assert!(were_running > 0, "seed {seed}: no kill has met a handler");
    if P::TRANSACTIONS {
        assert_eq!(repeats, 0, "seed {seed}");
    }
    for (event, times) in effects {
        let allowed = interrupted.get(&event.parse().unwrap()).copied().unwrap_or(0);
        assert!(
            times - 1 <= allowed,
            "seed {seed}: the effect of {event} happened {times} times, with {allowed} kills"
        );
    }
}

/// The other process. It does nothing if it is run as a test.
#[test]
fn child() {
    processes::run();
}
