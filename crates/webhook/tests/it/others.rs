//! Events of other senders in the inbox.

use capecrypto_models::Timestamp;
use capecrypto_webhook::{Ended, EventKey, Inbox, MemoryStore, Taken};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + seconds).unwrap()
}

/// Polls a future that never waits, because a store in memory is ready at once.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn an_event_of_another_sender_is_given_once() {
    let inbox = Inbox::new(MemoryStore::new());
    let key = EventKey::other("other.transfer", &["7", "SUCCESS"]);
    let take = |now| ready(inbox.take_other(&key, Some(at(0)), now)).unwrap();
    let Taken::Run(work) = take(at(1)) else { panic!("it is new") };
    assert!(matches!(take(at(2)), Taken::Running(_)));
    assert_eq!(ready(work.fail("the bank is closed", at(3))).unwrap(), Ended::Kept);
    let Taken::Run(work) = take(at(4)) else { panic!("it has failed once") };
    assert_eq!((work.attempt(), ready(work.finish(at(5))).unwrap()), (2, Ended::Kept));
    assert!(matches!(take(at(6)), Taken::Finished));
}

#[test]
fn one_that_is_older_than_keys_are_kept_is_stale() {
    let inbox = Inbox::new(MemoryStore::new());
    let key = EventKey::other("other.transfer", &["7", "SUCCESS"]);
    let days = |days: i64| at(days * 24 * 3_600);
    let taken = ready(inbox.take_other(&key, Some(at(0)), days(4))).unwrap();
    assert!(matches!(taken, Taken::Stale(time) if time == at(0)));
    assert!(matches!(ready(inbox.take_other(&key, None, days(4))).unwrap(), Taken::Run(_)));
}
