//! Asking until something has happened, on a paused clock.

use crate::calls::credentials;
use capecrypto_auth::Environment;
use capecrypto_rest::{Client, Error, InvalidArgument, Kind, Polling};
use futures_util::FutureExt;
use std::{cell::Cell, time::Duration};
use tokio::time::{Instant, sleep};

fn client() -> Client {
    let builder = Client::builder(Environment::local("http://127.0.0.1:9").unwrap());
    builder.credentials(credentials()).build().unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// An error that may pass: nothing listens there.
async fn passing() -> Error {
    let error = client().raw(http::Method::GET, "/api/v2/atlas/public/markets").send().await.unwrap_err();
    assert!(error.is_safe_to_retry(), "{error}");
    error
}

#[tokio::test(start_paused = true)]
async fn the_pauses_double_until_the_longest() {
    let begun = Instant::now();
    let asked = Cell::new(Vec::new());
    let polling = Polling::within(seconds(60)).pauses(seconds(1), seconds(5));
    let found = client()
        .poll(polling, || {
            let mut all = asked.take();
            all.push(begun.elapsed().as_secs());
            let found = (all.len() == 6).then_some("it");
            asked.set(all);
            async move { Ok(found) }
        })
        .await;
    assert_eq!(found.unwrap(), Some("it"));
    assert_eq!(asked.take(), [0, 1, 3, 7, 12, 17]);
}

#[tokio::test(start_paused = true)]
async fn the_time_ends_it_and_even_without_time_it_is_asked_once() {
    let asked = Cell::new(0);
    let ask = || {
        asked.set(asked.get() + 1);
        async { Ok(None::<()>) }
    };
    let begun = Instant::now();
    let polling = Polling::within(seconds(10)).pauses(seconds(4), seconds(4));
    assert_eq!(client().poll(polling, ask).await.unwrap(), None);
    assert_eq!((asked.get(), begun.elapsed()), (3, seconds(8)));
    assert_eq!(client().poll(Polling::within(Duration::ZERO), ask).await.unwrap(), None);
    assert_eq!(
        client().poll(Polling::within(Duration::MAX), || async { Ok(Some(())) }).await.unwrap(),
        Some(())
    );
    // A question that takes too long is dropped at the end, except for the first one.
    let slow = || async {
        sleep(seconds(100)).await;
        Ok(None::<()>)
    };
    let begun = Instant::now();
    assert_eq!(client().poll(Polling::within(seconds(105)), slow).await.unwrap(), None);
    assert_eq!(begun.elapsed(), seconds(105));
}

#[tokio::test]
async fn an_error_that_may_pass_is_asked_again_and_no_other() {
    let (temporary, again) = (passing().await, passing().await);
    tokio::time::pause();
    let answers = Cell::new(vec![Ok(Some(7)), Err(temporary)]);
    let next = || {
        let mut rest = answers.take();
        let answer = rest.pop().unwrap();
        answers.set(rest);
        async { answer }
    };
    let polling = Polling::within(seconds(10));
    assert_eq!(client().poll(polling, next).await.unwrap(), Some(7));
    answers.set(vec![Ok(Some(7)), Err(InvalidArgument::new("id", "it is odd", "change it").into())]);
    assert_eq!(client().poll(polling, next).await.unwrap_err().kind(), Kind::InvalidArgument);
    answers.set(vec![Err(again)]);
    let short = Polling::within(Duration::ZERO);
    assert_eq!(
        client().poll(short, next).await.unwrap_err().kind(),
        Kind::Connect,
        "the last word is the error"
    );
}

#[test]
fn without_a_runtime_it_is_an_error() {
    let client = client();
    let asked = client.poll(Polling::within(seconds(1)), || async { Ok(None::<()>) }).now_or_never();
    assert_eq!(asked.expect("it waits").unwrap_err().kind(), Kind::Config);
}
