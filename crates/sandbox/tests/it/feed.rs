//! The book on the websocket: snapshots, increments, replays, and every way to lose the sync.

use crate::client::{Exchange, Socket, in_time, limit, market, text};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A book built from frames only, as text.
#[derive(Debug, Default, PartialEq)]
struct Book {
    sequence: u64,
    asks: BTreeMap<String, String>,
    bids: BTreeMap<String, String>,
}

impl Book {
    fn snapshot(body: &Value) -> Self {
        let side = |key: &str| {
            body[key].as_array().unwrap().iter().map(|level| (text(&level[0]), text(&level[1]))).collect()
        };
        Self { sequence: body["sequence"].as_u64().unwrap(), asks: side("asks"), bids: side("bids") }
    }

    fn apply(&mut self, body: &Value) {
        assert_eq!(body["sequence"].as_u64(), Some(self.sequence + 1), "{body}");
        self.sequence += 1;
        for (key, side) in [("asks", &mut self.asks), ("bids", &mut self.bids)] {
            if let Some(pair) = body.get(key) {
                match text(&pair[1]).as_str() {
                    "" => side.remove(&text(&pair[0])),
                    amount => side.insert(text(&pair[0]), amount.to_owned()),
                };
            }
        }
    }

    /// The book from the frames before a confirmation: one snapshot, then increments.
    fn replayed(before: &[(String, Value)]) -> Self {
        let (snapshot, increments) = before.split_first().expect("nothing was replayed");
        assert_eq!(snapshot.0, "btczar.ob-snap");
        let mut book = Self::snapshot(&snapshot.1);
        for (topic, body) in increments {
            assert_eq!(topic, "btczar.ob-inc");
            book.apply(body);
        }
        book
    }

    /// Waits for increments up to that sequence.
    async fn follow(&mut self, socket: &mut Socket, sequence: u64) {
        while self.sequence < sequence {
            self.apply(&socket.next_of("btczar.ob-inc").await);
        }
    }

    async fn of(exchange: &Exchange) -> Self {
        let depth = exchange.get("/public/markets/btczar/depth?limit=1000").await.expect(200);
        let side = |key: &str| {
            depth[key].as_array().unwrap().iter().map(|level| (text(&level[0]), text(&level[1]))).collect()
        };
        Self { sequence: 0, asks: side("asks"), bids: side("bids") }
    }
}

#[tokio::test]
async fn a_book_is_replayed_before_the_confirmation_and_followed_live() {
    let exchange = Exchange::start().await;
    exchange.place("maker", limit("sell", "0.002", "800000")).await;
    exchange.place("maker", limit("buy", "0.001", "700000")).await;
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    let (before, streams) = socket.until_confirmed().await;
    assert_eq!(streams, ["btczar.ob-inc"]);
    assert_eq!(before[0].1, json!({"asks": [], "bids": [], "sequence": 1}));
    assert_eq!(before[1].1, json!({"asks": ["800000.0", "0.002"], "sequence": 2}));
    assert_eq!(before[2].1, json!({"bids": ["700000.0", "0.001"], "sequence": 3}));
    let mut book = Book::replayed(&before);

    exchange.place("taker", limit("buy", "0.002", "800000")).await;
    book.follow(&mut socket, 4).await;
    assert!(book.asks.is_empty(), "an empty amount takes the level out");
    exchange.post_as("maker", "/market/orders/cancel", &json!({})).await.expect(201);
    book.follow(&mut socket, 5).await;
    assert_eq!(book, Book { sequence: 5, ..Book::default() });

    // A second subscription sends the book again, although the socket is subscribed.
    let (before, streams) = socket.request("subscribe", &["btczar.ob-inc"]).await;
    assert_eq!(Book::replayed(&before), book);
    assert_eq!(streams, ["btczar.ob-inc"]);
}

#[tokio::test]
async fn stored_increments_have_a_bound_and_live_sockets_get_no_snapshots() {
    let exchange = Exchange::start().await;
    let mut live = exchange.public("?stream=btczar.ob-inc").await;
    let mut book = Book::replayed(&live.until_confirmed().await.0);
    for step in 0..60 {
        exchange.place("maker", limit("sell", "0.001", &format!("{}", 800_000 + step))).await;
    }
    let mut late = exchange.public("?stream=btczar.ob-inc").await;
    let (before, _) = late.until_confirmed().await;
    assert!(before.len() <= 50, "{}", before.len());
    let replayed = Book::replayed(&before);
    assert_eq!(replayed.sequence, 61);
    while book.sequence < 61 {
        let (topic, body) = live.next().await;
        assert_eq!(topic, "btczar.ob-inc", "the live socket only gets increments");
        book.apply(&body);
    }
    assert_eq!(book, replayed);
    let truth = Book::of(&exchange).await;
    assert_eq!((book.asks, book.bids), (truth.asks, truth.bids));
}

#[tokio::test]
async fn a_snapshot_is_renewed_by_age() {
    let exchange = Exchange::start().await;
    exchange.control.advance_clock(61_000);
    exchange.place("maker", limit("sell", "0.001", "800000")).await;
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    let (before, _) = socket.until_confirmed().await;
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].1["sequence"], 2);
    // Twenty changes in ten seconds renew it too.
    for step in 0..21 {
        exchange.control.advance_clock(500);
        exchange.place("maker", limit("sell", "0.001", &format!("{}", 900_000 + step))).await;
    }
    let (before, _) = socket.request("subscribe", &["btczar.ob-inc"]).await;
    let snapshot = before.iter().rev().find(|(topic, _)| topic == "btczar.ob-snap").unwrap();
    assert!(snapshot.1["sequence"].as_u64().unwrap() > 20, "{snapshot:?}");
}

#[tokio::test]
async fn a_snapshot_holds_301_levels_a_side() {
    let exchange = Exchange::start().await;
    for step in 0..310 {
        exchange.place("maker", limit("sell", "0.001", &format!("{}", 800_000 + step))).await;
    }
    exchange.control.advance_clock(61_000);
    exchange.place("maker", limit("sell", "0.001", "900000")).await;
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    let (before, _) = socket.until_confirmed().await;
    let asks = before[0].1["asks"].as_array().unwrap();
    assert_eq!(asks.len(), 301);
    assert_eq!((&asks[0][0], &asks[300][0]), (&json!("800000.0"), &json!("800300.0")));
    // A change of a deeper level is sent as an increment only.
    exchange.place("taker", limit("buy", "0.001", "800000")).await;
    let mut other = limit("sell", "0.004", "900000");
    other["market"] = json!("btczar");
    exchange.place("merchant", other).await;
    socket.next_of("btczar.ob-inc").await;
    assert_eq!(socket.next_of("btczar.ob-inc").await["asks"], json!(["900000.0", "0.005"]));
}

#[tokio::test]
async fn a_swallowed_increment_leaves_a_gap_that_a_subscription_repairs() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    socket.until_confirmed().await;
    exchange.control.skip_increment("btczar").unwrap();
    for price in ["800000", "800001"] {
        exchange.place("maker", limit("sell", "0.001", price)).await;
    }
    assert_eq!(socket.next_of("btczar.ob-inc").await["sequence"], 3, "number 2 was swallowed");
    let (before, _) = socket.request("subscribe", &["btczar.ob-inc"]).await;
    let book = Book::replayed(&before);
    assert_eq!((book.sequence, book.asks.len()), (3, 2));
}

#[tokio::test]
async fn a_restart_starts_the_sequence_again() {
    let exchange = Exchange::start().await;
    for price in ["800000", "800001", "800002"] {
        exchange.place("maker", limit("sell", "0.001", price)).await;
    }
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    let (before, _) = socket.until_confirmed().await;
    assert_eq!(Book::replayed(&before).sequence, 4);
    exchange.control.restart_engine("btczar").unwrap();
    exchange.place("maker", limit("sell", "0.001", "800003")).await;
    assert_eq!(socket.next_of("btczar.ob-inc").await["sequence"], 2);
    let (before, _) = socket.request("subscribe", &["btczar.ob-inc"]).await;
    let book = Book::replayed(&before);
    assert_eq!((book.sequence, book.asks.len()), (2, 4), "the orders are still there");
}

#[tokio::test]
async fn without_a_snapshot_increments_come_first() {
    let exchange = Exchange::start().await;
    exchange.control.forget_snapshot("btczar").unwrap();
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    let (before, streams) = socket.until_confirmed().await;
    assert!(before.is_empty(), "{before:?}");
    assert_eq!(streams, ["btczar.ob-inc"]);
    for price in ["800000", "800001"] {
        exchange.place("maker", limit("sell", "0.001", price)).await;
    }
    let (topic, body) = socket.next().await;
    assert_eq!((topic.as_str(), &body["sequence"]), ("btczar.ob-inc", &json!(3)));
    let (before, _) = socket.request("subscribe", &["btczar.ob-inc"]).await;
    let book = Book::replayed(&before);
    assert_eq!((book.sequence, book.asks.len()), (3, 2));
}

#[tokio::test]
async fn increments_can_look_otherwise() {
    let exchange = Exchange::start().await;
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    socket.until_confirmed().await;
    exchange.control.nested_increments(true);
    exchange.control.zero_removals(true);
    exchange.place("maker", limit("sell", "0.001", "800000")).await;
    assert_eq!(socket.next_of("btczar.ob-inc").await["asks"], json!([["800000.0", "0.001"]]));
    exchange.control.delete_unknown_level("btczar").unwrap();
    let unknown = socket.next_of("btczar.ob-inc").await;
    assert_eq!(unknown, json!({"asks": [["1200001.0", "0"]], "sequence": 3}));
    exchange.control.nested_increments(false);
    exchange.control.zero_removals(false);
    exchange.control.delete_unknown_level("btczar").unwrap();
    assert_eq!(socket.next_of("btczar.ob-inc").await["asks"], json!(["1200001.0", ""]));
    assert!(exchange.control.skip_increment("nozar").is_err());
}

#[tokio::test]
async fn many_changes_at_once_reach_a_client_that_reads() {
    let exchange = Exchange::start().await;
    for step in 0..600 {
        let order = limit("sell", "0.0001", &format!("{}", 800_000 + step));
        exchange.post_as("maker", "/market/orders", &order).await.expect(201);
    }
    let mut socket = exchange.private("maker", "?stream=btczar.ob-inc&stream=order&stream=balance").await;
    let mut book = Book::replayed(&socket.until_confirmed().await.0);
    // 600 increments, 600 orders, 600 balances: far more than a queue holds, but nobody is slow.
    let shown = exchange.post_as("maker", "/market/orders/cancel", &json!({})).await.expect(201);
    assert_eq!(shown.as_array().unwrap().len(), 600);
    book.follow(&mut socket, 1 + 600 + 600).await;
    assert!(book.asks.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_market_keeps_every_view_equal() {
    let seed = fastrand::u64(..);
    let exchange = Arc::new(Exchange::start().await);
    let mut socket = exchange.public("?stream=btczar.ob-inc").await;
    let mut book = Book::replayed(&socket.until_confirmed().await.0);
    let done = Arc::new(AtomicBool::new(false));
    let follower = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            // Reads everything until the answer to the last ping, which is sent after the end.
            loop {
                let last = done.load(Ordering::Acquire);
                socket.send("ping").await;
                loop {
                    let text = socket.text().await.expect("dropped");
                    if text == "pong" {
                        break;
                    }
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    book.apply(&frame["btczar.ob-inc"]);
                }
                if last {
                    return book;
                }
            }
        }
    });
    let traders = ["maker", "taker", "merchant", "aggregator"].map(|name| {
        let (exchange, mut random) = (Arc::clone(&exchange), fastrand::Rng::with_seed(seed));
        random.seed(seed ^ u64::from(name.as_bytes()[0]));
        tokio::spawn(async move {
            for _ in 0..150 {
                let side = if random.bool() { "buy" } else { "sell" };
                let order = match random.u8(..10) {
                    0 => market(side, "0.0001"),
                    _ => limit(
                        side,
                        &format!("0.000{}", random.u8(1..9)),
                        &format!("{}", random.u32(799_990..800_010)),
                    ),
                };
                let placed = exchange.post_as(name, "/market/orders", &order).await;
                if placed.status == 422 {
                    assert_eq!(
                        placed.refusal(),
                        "422 market.order.insufficient_market_liquidity",
                        "seed {seed}"
                    );
                } else if random.u8(..4) == 0 {
                    let id = placed.expect(201)["id"].as_u64().unwrap();
                    exchange
                        .post_as(name, &format!("/market/orders/{id}/cancel"), &json!({}))
                        .await
                        .expect(201);
                }
            }
        })
    });
    for trader in traders {
        trader.await.unwrap();
    }
    // A write first carries out all earlier ones, and the door first publishes all waiting events.
    exchange.place("maker", limit("buy", "0.001", "200000")).await;
    exchange.control.publish_raw(Some("nobody"), "");
    done.store(true, Ordering::Release);
    let book = in_time(follower).await.unwrap();
    let truth = Book::of(&exchange).await;
    assert_eq!((&book.asks, &book.bids), (&truth.asks, &truth.bids), "seed {seed}");
    assert!(book.sequence > 300 && exchange.control.ledger().sums_to_zero, "seed {seed}: {}", book.sequence);
}
