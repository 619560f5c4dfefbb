//! Taps: what they see, what they hand on, and what they ask for.

use crate::simulated::opened_with;
use capecrypto_models::{Balance, Timestamp};
use capecrypto_simnet::Network;
use capecrypto_stream::{Config, Context, Event, Missed, Reconciler, Stream, Tap, Topic};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

fn balance(amount: u32) -> String {
    format!(r#"{{"balance":{{"currency":"zar","balance":"{amount}","locked":"0"}}}}"#)
}

/// A balance as an event, as a reader over REST would make it.
fn read_balance(amount: u32) -> Event {
    let balance = format!(r#"{{"currency":"zar","balance":"{amount}","locked":"0"}}"#);
    Event::Balance(Box::new(serde_json::from_str::<Balance>(&balance).unwrap()))
}

/// The next events in a short form, for so long that everything that is due has come.
async fn told(stream: &Stream) -> Vec<String> {
    let mut told = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(100), stream.next()).await {
        told.push(short(event));
    }
    told
}

fn short(event: Event) -> String {
    match event {
        Event::Balance(balance) => format!("balance {}", balance.total()),
        Event::Reconciling { topics } => format!("reconciling {topics:?}"),
        Event::Reconciled { topics } => format!("reconciled {topics:?}"),
        event => format!("{event:?}").split([' ', '(']).next().unwrap_or_default().to_owned(),
    }
}

/// Doubles what it names, and hides unknown topics.
struct Double(&'static str);

impl Tap for Double {
    type Answer = ();

    fn event(&mut self, event: Event, context: &mut Context<'_, ()>) {
        if matches!(event, Event::Unknown { .. }) {
            return;
        }
        if format!("{event:?}").starts_with(self.0) {
            context.emit(event.clone());
        }
        context.emit(event);
    }
}

#[tokio::test(start_paused = true)]
async fn each_tap_gets_what_the_one_before_it_emits_and_the_consumer_what_the_last_one_emits() {
    let network = Network::scripted(7, |mut peer| async move {
        peer.confirm(&["balance"]).await;
        peer.say("{\"stranger\":{}}").await;
        peer.say(&balance(1)).await;
        peer.idle().await;
    });
    let stream = opened_with(&network, |builder| {
        builder.balances().tap(Double("Balance")).tap(Double("Balance")).tap(Double("Subscribed"))
    })
    .await;
    assert_eq!(
        told(&stream).await,
        ["Connected", "Subscribed", "Subscribed", "balance 1", "balance 1", "balance 1", "balance 1"],
        "four balances are emitted by two taps that double, and the stranger is hidden"
    );
}

type Found = Result<Vec<Event>, ()>;

/// Reads that the test answers: what was asked, in order, and the answers to give.
#[derive(Clone, Default)]
struct Reads {
    asked: Arc<Mutex<Vec<Missed>>>,
    answers: Arc<Mutex<Vec<(Duration, Found)>>>,
}

impl Reads {
    fn answering(answers: Vec<(u64, Found)>) -> Self {
        let answers = answers.into_iter().map(|(millis, answer)| (Duration::from_millis(millis), answer));
        Self { answers: Arc::new(Mutex::new(answers.rev().collect())), ..Self::default() }
    }

    fn tap(&self) -> impl Tap + use<> {
        let reads = self.clone();
        Reconciler::new(move |missed| {
            reads.asked.lock().unwrap().push(missed);
            let (after, answer) = reads.answers.lock().unwrap().pop().expect("one answer too few");
            async move {
                tokio::time::sleep(after).await;
                answer
            }
        })
    }

    fn asked(&self) -> Vec<Option<Timestamp>> {
        self.asked.lock().unwrap().iter().map(|missed| missed.from).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn from_the_confirmation_until_rest_has_answered_a_marker_stands() {
    let network = Network::scripted(7, |mut peer| async move {
        peer.confirm(&["balance", "order"]).await;
        peer.say(&balance(1)).await;
        peer.idle().await;
    });
    // The first read fails, and the second one takes ten seconds.
    let reads = Reads::answering(vec![(10, Err(())), (10_000, Ok(vec![read_balance(2)]))]);
    let stream = opened_with(&network, |builder| builder.balances().orders().tap(reads.tap())).await;
    let both = "[Orders, Balances]";
    assert_eq!(
        told(&stream).await,
        ["Connected", "Subscribed", &format!("reconciling {both}"), "balance 1"],
        "the stream goes on while the state is read"
    );
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(told(&stream).await, ["balance 2", &format!("reconciled {both}")]);
    assert_eq!(reads.asked(), [None, None], "everything is read the first time");
}

#[tokio::test(start_paused = true)]
async fn a_read_that_the_connection_outlived_is_made_again_from_the_gap_on() {
    let network = Network::scripted(7, |mut peer| async move {
        let number = peer.number;
        peer.confirm(&["balance"]).await;
        if number == 2 {
            // Dies while the read is under way.
            tokio::time::sleep(Duration::from_secs(1)).await;
            return;
        }
        if number == 1 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return;
        }
        peer.idle().await;
    });
    let reads =
        Reads::answering(vec![(100, Ok(vec![])), (60_000, Ok(vec![])), (100, Ok(vec![read_balance(3)]))]);
    let stream = opened_with(&network, |builder| builder.balances().tap(reads.tap())).await;
    let mut all = Vec::new();
    tokio::time::sleep(Duration::from_secs(30)).await;
    all.extend(told(&stream).await);
    assert_eq!(network.connections(), 3);
    let (one, done) = ("reconciling [Balances]", "reconciled [Balances]");
    assert_eq!(
        all,
        [
            "Connected",
            "Subscribed",
            one,
            done,
            "Disconnected", //
            "Connected",
            "Subscribed",
            "Gap",
            one,
            "Disconnected", //
            "Connected",
            "Subscribed",
            "Gap",
            one,
            "balance 3",
            done
        ]
    );
    let asked = reads.asked();
    assert_eq!(asked[0], None);
    assert!(
        asked[1].is_some() && asked[1] == asked[2],
        "the gap that was not read is not forgotten: {asked:?}"
    );
}

/// A network that sends more balances than a queue holds.
fn flood() -> Network {
    Network::scripted(7, |mut peer| async move {
        peer.confirm(&["balance"]).await;
        for number in 0..70_000 {
            peer.say(&balance(number)).await;
        }
        // Each request is one for the list.
        while peer.request().await.is_some() {
            peer.confirm(&["balance"]).await;
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_lost_events_of_the_account_gets_the_state_read_again() {
    let network = flood();
    let reads = Reads::answering(vec![(0, Ok(vec![])), (0, Ok(vec![read_balance(99)]))]);
    let stream = opened_with(&network, |builder| builder.balances().tap(reads.tap())).await;
    tokio::time::sleep(Duration::from_secs(600)).await;
    let first = stream.next().await;
    assert_eq!(first, Some(Event::Lagged { market: 0, account: 70_000 - 65_536, connection: 0 }));
    let told = told(&stream).await;
    let after = told.iter().skip_while(|event| *event != "balance 69999").collect::<Vec<_>>();
    assert_eq!(after, ["balance 69999", "reconciling [Balances]", "balance 99", "reconciled [Balances]"]);
    assert_eq!(reads.asked(), [None, None]);
}

#[tokio::test(start_paused = true)]
async fn a_loss_while_the_state_is_read_is_read_anew() {
    let network = flood();
    // The first read has asked before the loss, and is still under way.
    let reads = Reads::answering(vec![(600_000, Ok(vec![])), (0, Ok(vec![read_balance(99)]))]);
    let stream = opened_with(&network, |builder| builder.balances().tap(reads.tap())).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert!(matches!(stream.next().await, Some(Event::Lagged { account: 1.., .. })));
    let told = told(&stream).await;
    assert_eq!(told.last().map(String::as_str), Some("reconciled [Balances]"));
    assert!(told.contains(&"balance 99".to_owned()));
    assert_eq!(reads.asked(), [None, None]);
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_ends_is_no_longer_reconciled() {
    let network = Network::scripted(7, |mut peer| async move {
        peer.confirm(&["balance"]).await;
        while peer.request().await.is_some() {
            peer.confirm(&[]).await;
        }
    });
    let reads = Reads::answering(vec![(60_000, Ok(vec![read_balance(1)]))]);
    let stream = opened_with(&network, |builder| builder.balances().tap(reads.tap())).await;
    assert_eq!(told(&stream).await, ["Connected", "Subscribed", "reconciling [Balances]"]);
    stream.unsubscribe([Topic::Balances]).await.unwrap();
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(told(&stream).await, ["Unsubscribed"], "the read was dropped");
}

#[tokio::test(start_paused = true)]
async fn a_tap_is_woken_when_it_is_due_and_can_emit_then() {
    struct Clock(Duration);
    impl Tap for Clock {
        type Answer = ();

        fn event(&mut self, _: Event, _: &mut Context<'_, ()>) {}

        fn due(&self) -> Option<Duration> {
            Some(self.0)
        }

        fn wake(&mut self, context: &mut Context<'_, ()>) {
            if context.elapsed() >= self.0 {
                self.0 += Duration::from_secs(7);
                context.emit(Event::Connected { connections: context.elapsed().as_secs() });
            }
        }
    }
    let network = Network::scripted(7, |mut peer| async move {
        peer.confirm(&["btczar.ob-inc"]).await;
        peer.idle().await;
    });
    let stream = opened_with(&network, |builder| {
        builder.book("btczar").tap(Clock(Duration::from_secs(7))).config(Config::default())
    })
    .await;
    for seconds in [7, 14, 21] {
        assert_eq!(stream.next().await, Some(Event::Connected { connections: seconds }));
    }
}

/// Reads over REST at each frame of a book.
struct AtBooks;

impl Tap for AtBooks {
    type Answer = Event;

    fn event(&mut self, event: Event, context: &mut Context<'_, Event>) {
        if matches!(event, Event::Book { .. }) {
            context.reconcile([Topic::Balances], async { read_balance(5) });
        }
    }

    fn answered(&mut self, answer: Event, context: &mut Context<'_, Event>) {
        context.emit(answer);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_tap_asks_for_at_the_last_frame_is_begun_at_once() {
    let network = Network::scripted(7, |mut peer| async move {
        peer.confirm(&["btczar.ob-inc"]).await;
        peer.say(r#"{"btczar.ob-inc":{"asks":["1","1"],"sequence":2}}"#).await;
        peer.idle().await;
    });
    let stream = opened_with(&network, |builder| builder.book("btczar").tap(AtBooks)).await;
    let soon = Duration::from_secs(1);
    for expected in ["reconciling [Balances]", "balance 5", "reconciled [Balances]"] {
        let event = tokio::time::timeout(soon, stream.next()).await.expect(expected).unwrap();
        assert_eq!(short(event), expected);
    }
}
