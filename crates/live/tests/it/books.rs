use crate::soon;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::{public, trading};
use capecrypto_live::{BookSide, Live, LiveBook, State};
use capecrypto_models::{Decimal, Depth, Level, Side};
use capecrypto_rest::Client;
use capecrypto_sandbox::Sandbox;
use capecrypto_stream::Event;

fn client(sandbox: &Sandbox, account: &str) -> Client {
    let account = sandbox.account(account).unwrap();
    let credentials = Credentials::new(&account.api_key, &account.secret).unwrap();
    Client::builder(Environment::local(sandbox.origin()).unwrap()).credentials(credentials).build().unwrap()
}

fn order(side: Side, volume: i64, price: i64) -> trading::CreateOrder {
    trading::CreateOrder::limit("btczar", side, Decimal::new(volume, 4), Decimal::from(price))
}

async fn seeded() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let maker = client(&sandbox, "maker");
    for step in 0..5 {
        maker.send(order(Side::Sell, 10 + step, 800_000 + 100 * step)).await.unwrap();
        maker.send(order(Side::Buy, 10 + step, 790_000 - 100 * step)).await.unwrap();
    }
    (sandbox, maker)
}

/// Waits until the live book equals the exchange's answer over REST.
async fn agrees(book: &mut LiveBook, client: &Client) {
    let agreement = async {
        loop {
            let depth: Depth = client.send(public::GetDepth::new("btczar")).await.unwrap();
            let both = book.read(|book| {
                (book.asks().unwrap().collect::<Vec<Level>>(), book.bids().unwrap().collect::<Vec<Level>>())
            });
            if both == Ok((depth.asks, depth.bids)) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    soon(agreement).await;
}

#[tokio::test]
async fn the_book_is_the_exchanges_to_the_last_digit() {
    let (sandbox, maker) = seeded().await;
    let taker = client(&sandbox, "taker");
    let live = Live::builder(maker.clone()).book("btczar").connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    soon(book.live()).await.unwrap();
    agrees(&mut book, &maker).await;
    let best = book.best().unwrap();
    assert_eq!(best.ask.unwrap(), Level::new(Decimal::from(800_000), Decimal::new(10, 4)));
    assert_eq!(best.bid.unwrap(), Level::new(Decimal::from(790_000), Decimal::new(10, 4)));
    assert_eq!(book.levels(BookSide::Ask, 2).unwrap().len(), 2);
    assert!(book.depth(BookSide::Bid).unwrap().complete);

    taker.send(order(Side::Buy, 25, 800_200)).await.unwrap();
    taker.send(order(Side::Sell, 3, 790_000)).await.unwrap();
    maker.send(trading::CancelOrders::in_market("btczar").side(Side::Buy)).await.unwrap();
    soon(async {
        while book.best().unwrap().bid.is_some() {
            book.changed().await.unwrap();
        }
    })
    .await;
    agrees(&mut book, &maker).await;
    assert!(live.book("ethzar").unwrap_err().to_string().contains("'ethzar' is not kept"));
}

#[tokio::test]
async fn random_trading_with_random_faults_never_shows_a_wrong_book() {
    let (sandbox, maker) = seeded().await;
    let taker = client(&sandbox, "taker");
    let live = Live::builder(maker.clone()).book("btczar").connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    soon(book.live()).await.unwrap();
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let control = sandbox.control();
    // Each lost connection, and each repair within a minute, makes the next wait longer, so the test makes only a few.
    let (mut drops, mut breaks) = (0, 0);
    for round in 0..12 {
        for _ in 0..random.u32(1..6) {
            let side = if random.bool() { Side::Buy } else { Side::Sell };
            let who = if random.bool() { &maker } else { &taker };
            // The exchange may refuse an order, such as one that would match an order of the same account.
            let _ = who.send(order(side, random.i64(1..20), 795_000 + 100 * random.i64(-80..80))).await;
        }
        match random.u32(0..8) {
            kind @ 0..2 if breaks < 3 => {
                breaks += 1;
                match kind {
                    0 => control.skip_increment("btczar").unwrap(),
                    _ => control.restart_engine("btczar").unwrap(),
                }
            }
            2 => control.nested_increments(random.bool()),
            3 => control.zero_removals(random.bool()),
            4 if drops < 2 => {
                drops += 1;
                control.drop_sockets();
            }
            5 => control.delete_unknown_level("btczar").unwrap(),
            _ => {}
        }
        // The first change may be lost, and the second one shows that. Then the book must be right again.
        for step in 0..2 {
            maker.send(order(Side::Sell, 1, 1_000_000 + 2 * round + step)).await.unwrap();
        }
        agrees(&mut book, &maker).await;
    }
}

#[tokio::test]
async fn a_book_is_not_live_while_there_is_no_connection() {
    let (sandbox, maker) = seeded().await;
    let live = Live::builder(maker.clone()).book("btczar").orders().connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    soon(book.live()).await.unwrap();
    sandbox.control().drop_sockets();
    // After the event about the loss, the book is not live until it is confirmed again.
    soon(async { while !matches!(live.next().await.unwrap(), Event::Disconnected { .. }) {} }).await;
    let mut states = Vec::new();
    soon(async {
        loop {
            let state = book.state();
            if states.last() != Some(&state) {
                states.push(state);
            }
            if state == State::Live {
                return;
            }
            assert!(book.best().is_err() && book.levels(BookSide::Ask, 1).is_err());
            book.changed().await.unwrap();
        }
    })
    .await;
    assert_ne!(states[0], State::Live, "{states:?}");
    agrees(&mut book, &maker).await;
}

#[tokio::test]
async fn handles_are_stale_when_the_connection_was_closed_or_dropped() {
    let (_sandbox, maker) = seeded().await;
    for drop_it in [false, true] {
        let live = Live::builder(maker.clone()).book("btczar").connect().await.unwrap();
        let mut book = live.book("btczar").unwrap();
        soon(book.live()).await.unwrap();
        if drop_it {
            drop(live);
        } else {
            live.close().await;
        }
        // Every wait ends with an error, now and later.
        while soon(book.changed()).await.is_ok() {}
        assert!(soon(book.live()).await.unwrap_err().to_string().contains("btczar"));
        assert!(soon(book.changed()).await.is_err());
        assert_eq!(book.best().unwrap_err().state, State::Stale);
    }
}

#[tokio::test]
async fn an_exchange_that_has_no_snapshot_yet_is_asked_again() {
    let (sandbox, maker) = seeded().await;
    sandbox.control().forget_snapshot("btczar").unwrap();
    let live = Live::builder(maker.clone()).book("btczar").connect().await.unwrap();
    let mut book = live.book("btczar").unwrap();
    soon(async { while !matches!(live.next().await.unwrap(), Event::Subscribed { .. }) {} }).await;
    assert_eq!(book.state(), State::Resyncing);
    // With the first change the exchange makes a snapshot. The second one sends an increment before any snapshot.
    for step in 0..2 {
        maker.send(order(Side::Sell, 1, 900_000 + step)).await.unwrap();
    }
    soon(book.live()).await.unwrap();
    agrees(&mut book, &maker).await;
}
