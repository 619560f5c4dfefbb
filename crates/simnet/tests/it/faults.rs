//! Each fault once, by hand.

use crate::watched::Watched;
use capecrypto_live::{BookSide, Live, LiveBook, State};
use capecrypto_simnet::{Direction, Exchange, Fault, Frames, Network, Opening, OrderEvent};
use capecrypto_stream::{Config, Event, Interruption};
use std::{num::NonZeroU32, time::Duration};
use tokio::time::{sleep, timeout};

const LATENCY: Duration = Duration::from_millis(10);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

struct Setup {
    network: Network,
    exchange: Exchange,
    live: Live,
    book: LiveBook,
}

impl Setup {
    /// A live book with a bid and an ask, and the orders and balances of the account.
    async fn new() -> Self {
        Self::with(Config::default().seed(7)).await
    }

    async fn with(config: Config) -> Self {
        let network = Network::new(7).with_latency(LATENCY, LATENCY);
        let exchange = network.exchange();
        exchange.bid("btczar", 900, 1);
        exchange.ask("btczar", 1_100, 1);
        let live = Live::builder(Watched::new(&network)).book("btczar").orders().balances();
        let live = live.live_within(secs(300));
        let live = live.config(config).connect().await.unwrap();
        let mut book = live.book("btczar").unwrap();
        book.live().await.unwrap();
        Self { network, exchange, live, book }
    }

    /// The next loss of the connection, and when it was told.
    async fn lost(&self) -> (Duration, Interruption, Duration) {
        let lost = async {
            loop {
                if let Event::Disconnected { why, retry_in, .. } = self.live.next().await.unwrap() {
                    return (self.network.elapsed(), why, retry_in);
                }
            }
        };
        timeout(secs(3_600), lost).await.expect("no connection was lost within an hour")
    }

    /// Whether an event comes within this time.
    async fn comes(&self, within: Duration, wanted: impl Fn(&Event) -> bool) -> bool {
        let search = async { while !wanted(&self.live.next().await.unwrap()) {} };
        timeout(within, search).await.is_ok()
    }

    /// Moves the book, waits until it is live and knows of it, and compares it with the truth.
    async fn is_right(&mut self) {
        self.exchange.bid("btczar", 901, self.network.connections());
        sleep(LATENCY * 2).await;
        self.book.live().await.unwrap();
        self.shows_the_truth();
    }

    fn shows_the_truth(&self) {
        let truth = self.exchange.book("btczar");
        assert_eq!(self.book.levels(BookSide::Bid, 301).unwrap(), truth.bids);
        assert_eq!(self.book.levels(BookSide::Ask, 301).unwrap(), truth.asks);
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_fails_is_tried_again() {
    for (opening, at_least, at_most) in [
        (Opening::Reset, 0, 5),
        (Opening::Unavailable { retry_after: None }, 0, 5),
        (Opening::Unavailable { retry_after: Some(secs(90)) }, 90, 95),
        (Opening::Unauthorized, 0, 5),
        (Opening::Silent, 15, 20),
        (Opening::NotAWebsocket, 0, 5),
        (Opening::DropBeforeRead, 0, 5),
    ] {
        let mut setup = Setup::new().await;
        setup.network.fault(Fault::Opening(opening));
        setup.network.fault(Fault::Cut);
        let (start, why, _) = setup.lost().await;
        assert_eq!(why, Interruption::Closed { code: 1006 });
        assert_eq!(setup.book.state(), State::Stale);
        setup.lost().await;
        setup.is_right().await;
        let took = setup.network.elapsed() - start;
        assert!((secs(at_least)..=secs(at_most)).contains(&took), "{opening:?}: {took:?}");
        assert_eq!(setup.network.connections(), 3, "{opening:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_that_stay_refused_end_the_stream() {
    let setup = Setup::new().await;
    setup.network.fault(Fault::Openings(Opening::Unauthorized));
    setup.network.fault(Fault::Cut);
    assert!(setup.comes(secs(60), |event| matches!(event, Event::Ended { .. })).await);
    assert_eq!((setup.network.connections(), setup.book.state()), (3, State::Stale));
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_cut_in_its_middle_is_never_read() {
    let mut setup = Setup::new().await;
    setup.network.fault(Fault::CutInFrame);
    setup.exchange.bid("btczar", 950, 1);
    let (_, why, _) = setup.lost().await;
    assert_eq!(why, Interruption::Closed { code: 1006 });
    assert_eq!(setup.book.state(), State::Stale);
    setup.is_right().await;
}

#[tokio::test(start_paused = true)]
async fn a_short_partition_delays_and_a_long_one_is_noticed() {
    for direction in [Direction::ToClient, Direction::ToServer, Direction::Both] {
        let mut setup = Setup::new().await;
        setup.network.fault(Fault::Partition(direction));
        setup.exchange.bid("btczar", 950, 1);
        sleep(secs(5)).await;
        let stops = direction != Direction::ToServer;
        assert_eq!(setup.exchange.book("btczar").bids.len(), 2);
        assert_eq!(setup.book.levels(BookSide::Bid, 301).unwrap().len(), if stops { 1 } else { 2 });
        setup.network.heal();
        setup.is_right().await;
        assert_eq!(setup.network.connections(), 1, "{direction:?}");

        let start = setup.network.elapsed();
        setup.network.fault(Fault::Partition(direction));
        let (at, why, _) = setup.lost().await;
        // Increments are a sign of life, but here none comes.
        assert!(matches!(why, Interruption::Silent | Interruption::Unconfirmed), "{direction:?}: {why:?}");
        assert!(at - start <= secs(40), "{direction:?}: {:?}", at - start);
        assert_eq!(setup.book.state(), State::Stale);
        sleep(secs(3_600)).await;
        let tries = setup.network.connections();
        assert!((60..=250).contains(&tries), "{direction:?}: {tries} tries in an hour");
        setup.network.heal();
        let healed = setup.network.elapsed();
        setup.is_right().await;
        assert!(setup.network.elapsed() - healed <= secs(31), "{direction:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_partition_a_connection_may_be_dead() {
    let mut setup = Setup::new().await;
    setup.network.fault(Fault::Partition(Direction::Both));
    setup.exchange.bid("btczar", 950, 1);
    sleep(secs(5)).await;
    setup.network.fault(Fault::Cut);
    setup.network.heal();
    setup.lost().await;
    setup.is_right().await;
    assert_eq!(setup.network.connections(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_vanishes_is_noticed_within_25_seconds() {
    let mut setup = Setup::new().await;
    let start = setup.network.elapsed();
    setup.network.fault(Fault::Vanish);
    setup.exchange.bid("btczar", 950, 1);
    let (at, why, _) = setup.lost().await;
    assert_eq!(why, Interruption::Silent);
    assert!(at - start <= secs(25), "{:?}", at - start);
    setup.is_right().await;
    // The exchange gets no pong either, and gives its end up.
    sleep(secs(60)).await;
    assert!(
        setup
            .network
            .records()
            .iter()
            .any(|record| record.connection == Some(1) && record.what == "has ended")
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_left_within_25_seconds() {
    let mut setup = Setup::new().await;
    let start = setup.network.elapsed();
    setup.network.fault(Fault::Silent);
    let (at, why, _) = setup.lost().await;
    assert_eq!(why, Interruption::Silent);
    assert!(at - start <= secs(25), "{:?}", at - start);
    sleep(secs(120)).await;
    assert_eq!(setup.book.state(), State::Resyncing, "a new connection is no book");
    setup.network.heal();
    setup.is_right().await;
}

#[tokio::test(start_paused = true)]
async fn a_flapping_server_is_survived() {
    let mut setup = Setup::new().await;
    for _ in 0..200 {
        setup.network.fault(Fault::Opening(Opening::LivesFor(secs(1))));
    }
    setup.network.fault(Fault::Cut);
    let start = setup.network.elapsed();
    for _ in 0..201 {
        setup.lost().await;
    }
    let took = setup.network.elapsed() - start;
    assert!((secs(200 * 3)..=secs(200 * 6)).contains(&took), "{took:?}");
    setup.is_right().await;
    assert_eq!(setup.network.connections(), 202);
    sleep(secs(120)).await;
    assert_eq!(setup.network.open_connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_line_brings_a_large_book_late_and_whole() {
    let network = Network::new(7);
    let exchange = network.exchange();
    for distance in 1..=300_u32 {
        exchange.bid("btczar", 1_000 - distance, distance);
        exchange.ask("btczar", 1_000 + distance, distance);
    }
    // The first change after a minute stores all of them.
    sleep(secs(60)).await;
    exchange.bid("btczar", 999, 7);
    network.fault(Fault::Slow(NonZeroU32::new(200).unwrap()));
    let live =
        Live::builder(Watched::new(&network)).book("btczar").live_within(secs(300)).connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    let start = network.elapsed();
    book.live().await.unwrap();
    assert!(network.elapsed() - start >= secs(30), "{:?}", network.elapsed() - start);
    assert_eq!(network.connections(), 1);
    assert_eq!(book.levels(BookSide::Bid, 301).unwrap(), exchange.book("btczar").bids);
}

#[tokio::test(start_paused = true)]
async fn latency_delays_what_is_sent() {
    let setup = Setup::new().await;
    setup.network.fault(Fault::Latency(secs(2), secs(3)));
    let start = setup.network.elapsed();
    setup.exchange.order(&OrderEvent::buy(1, "btczar", 900.into(), 1.into()));
    assert!(setup.comes(secs(60), |event| matches!(event, Event::Order(_))).await);
    let took = setup.network.elapsed() - start;
    assert!((secs(2)..=secs(3)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn frames_that_are_lost_doubled_swapped_or_late_end_the_live_state() {
    let frames = || Frames::Of("btczar.ob-inc".to_owned());
    for fault in [
        Fault::DropFrame(frames()),
        Fault::DoubleFrame(frames()),
        Fault::SwapFrames(frames()),
        Fault::DelayFrame(frames(), secs(1)),
    ] {
        let mut setup = Setup::new().await;
        setup.network.fault(fault.clone());
        setup.exchange.bid("btczar", 950, 1);
        setup.exchange.bid("btczar", 951, 1);
        let mut states = Vec::new();
        while setup.book.state() == State::Live {
            timeout(secs(60), setup.book.changed()).await.unwrap().unwrap();
            states.push(setup.book.state());
        }
        assert!(states.contains(&State::Resyncing), "{fault:?}: {states:?}");
        setup.is_right().await;
        assert_eq!(setup.network.connections(), 1, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_ends_without_a_word_is_told_and_comes_back_with_its_gap() {
    let setup = Setup::new().await;
    sleep(secs(40)).await;
    setup.network.fault(Fault::EndTopic("order".to_owned()));
    setup.exchange.order(&OrderEvent::buy(1, "btczar", 900.into(), 1.into()));
    assert!(setup.comes(secs(31), |event| matches!(event, Event::NotSubscribed { .. })).await);
    assert!(setup.comes(secs(31), |event| matches!(event, Event::Gap { .. })).await);
    setup.exchange.order(&OrderEvent::buy(2, "btczar", 900.into(), 1.into()));
    assert!(setup.comes(secs(1), |event| matches!(event, Event::Order(_))).await);
    assert_eq!(setup.network.connections(), 1);
}

/// The audit notices it before the next list does.
#[tokio::test(start_paused = true)]
async fn a_book_that_ends_without_a_word_on_a_public_connection_is_noticed_by_the_audit() {
    let network = Network::new(7).with_latency(LATENCY, LATENCY);
    let exchange = network.exchange();
    exchange.bid("btczar", 900, 1);
    let live = Live::builder(Watched::new(&network)).book("btczar").audit_after(secs(20));
    let live = live.connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    book.live().await.unwrap();
    network.fault(Fault::EndTopic("btczar.ob-inc".to_owned()));
    exchange.bid("btczar", 950, 1);
    sleep(secs(21)).await;
    assert_eq!(book.levels(BookSide::Bid, 301).unwrap(), exchange.book("btczar").bids);
    assert_eq!(exchange.topics(), ["btczar.ob-inc"]);
}

#[tokio::test(start_paused = true)]
async fn a_late_list_makes_the_book_late() {
    let mut setup = Setup::new().await;
    setup.network.fault(Fault::LateLists(secs(4)));
    setup.network.fault(Fault::Cut);
    setup.lost().await;
    let start = setup.network.elapsed();
    setup.book.live().await.unwrap();
    assert!(setup.network.elapsed() - start >= secs(4));
    setup.shows_the_truth();
}

#[tokio::test(start_paused = true)]
async fn a_jump_of_the_wall_clock_ends_the_connection() {
    let mut setup = Setup::new().await;
    setup.network.fault(Fault::ClockJump(secs(600)));
    let (_, why, _) = setup.lost().await;
    assert!(matches!(why, Interruption::ClockJumped { by, .. } if by >= secs(600)), "{why:?}");
    setup.is_right().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_line_ends_the_book_as_soon_as_the_heartbeat_says() {
    let config = Config::default().seed(7);
    for (config, within) in [(config, 25), (config.heartbeat(secs(2), secs(2)), 4)] {
        let setup = Setup::with(config).await;
        setup.network.fault(Fault::Partition(Direction::Both));
        sleep(secs(within) + LATENCY).await;
        assert!(setup.book.best().is_err(), "within {within} s");
    }
}

/// After a sleep, timers go on where they stood, and the line brings nothing any more.
#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_shows_the_old_book_for_a_second_at_most() {
    for quiet in [0, 3, 8, 14] {
        let setup = Setup::new().await;
        sleep(secs(quiet)).await;
        setup.network.fault(Fault::Partition(Direction::Both));
        setup.network.fault(Fault::ClockJump(secs(3_600)));
        sleep(Duration::from_millis(1_001)).await;
        assert!(setup.book.best().is_err(), "after {quiet} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restarted_engine_costs_one_repair() {
    let mut setup = Setup::new().await;
    setup.exchange.bid("btczar", 950, 1);
    setup.exchange.restart_engine("btczar");
    setup.exchange.bid("btczar", 951, 1);
    sleep(secs(5)).await;
    setup.is_right().await;
    assert_eq!(setup.exchange.book("btczar").sequence, 3);
}

/// Found by random faults: a topic is missing, the time for another try has come, and a request is not answered yet.
#[tokio::test(start_paused = true)]
async fn a_client_does_not_spin_while_a_request_waits_and_a_topic_is_missing() {
    let setup = Setup::with(Config::default().seed(7).list_every(secs(9))).await;
    setup.network.fault(Fault::EndTopic("order".to_owned()));
    assert!(setup.comes(secs(31), |event| matches!(event, Event::NotSubscribed { .. })).await);
    // The next try comes after ten seconds. The list that is asked for after nine is not answered by then.
    setup.network.fault(Fault::Partition(Direction::ToClient));
    assert!(setup.comes(secs(31), |event| matches!(event, Event::Disconnected { .. })).await);
}

/// Found by random faults: the answer to a list comes just when a missing topic is to be asked for again.
#[tokio::test(start_paused = true)]
async fn a_missing_topic_is_asked_for_again_though_lists_are_asked_for_at_the_same_pace() {
    let setup = Setup::with(Config::default().seed(7).list_every(secs(10))).await;
    sleep(secs(1)).await;
    setup.network.fault(Fault::EndTopic("order".to_owned()));
    assert!(setup.comes(secs(31), |event| matches!(event, Event::NotSubscribed { .. })).await);
    assert!(setup.comes(secs(600), |event| matches!(event, Event::Gap { .. })).await);
}
