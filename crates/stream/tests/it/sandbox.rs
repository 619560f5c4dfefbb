//! The stream against the sandbox, over a real connection.

use crate::wait_for;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::trading;
use capecrypto_models::{Decimal, OrderState, Side, decimal};
use capecrypto_rest::Client;
use capecrypto_sandbox::{Profile, Sandbox};
use capecrypto_stream::{Event, Kind, Stream, Topic};
use futures_util::{FutureExt, StreamExt, future::ready};
use std::time::Duration;

fn dec(text: &str) -> Decimal {
    decimal::parse(text).unwrap()
}

pub(crate) fn client(sandbox: &Sandbox, account: &str, legacy: bool) -> Client {
    let account = sandbox.account(account).unwrap();
    let credentials = Credentials::new(&account.api_key, &account.secret).unwrap();
    let environment = Environment::local(sandbox.origin()).unwrap();
    let environment = if legacy { environment.with_legacy_paths() } else { environment };
    Client::builder(environment).credentials(credentials).build().unwrap()
}

fn public(sandbox: &Sandbox) -> Client {
    Client::builder(Environment::local(sandbox.origin()).unwrap()).build().unwrap()
}

pub(crate) fn book(market: &str) -> Topic {
    Topic::Book(market.parse().unwrap())
}

#[tokio::test]
async fn a_trade_as_both_profiles_tell_it() {
    for (profile, legacy) in [(Profile::Docs, false), (Profile::Legacy, true)] {
        let sandbox = Sandbox::builder().profile(profile).start().await.unwrap();
        let (maker, taker) = (client(&sandbox, "maker", legacy), client(&sandbox, "taker", legacy));
        let stream = Stream::builder(maker.clone())
            .book("btczar")
            .market_trades("btczar")
            .orders()
            .trades()
            .balances()
            .connect()
            .await
            .unwrap();
        let topics = wait_for(&stream, |event| match event {
            Event::Subscribed { topics } => Some(topics),
            _ => None,
        })
        .await;
        assert_eq!(topics.len(), 5, "{topics:?}");

        let sell = trading::CreateOrder::limit("btczar", Side::Sell, dec("0.001"), dec("800000"))
            .custom_order_id("mine");
        let placed = maker.send(sell).await.unwrap();
        let mut states = Vec::new();
        wait_for(&stream, |event| match event {
            Event::Order(order) => {
                assert_eq!((order.id, order.price), (placed.id, Some(dec("800000"))));
                states.push(order.state.clone());
                (order.state == OrderState::Wait).then_some(())
            }
            _ => None,
        })
        .await;
        assert_eq!(states, [OrderState::Pending, OrderState::Wait]);

        taker
            .send(trading::CreateOrder::limit("btczar", Side::Buy, dec("0.001"), dec("800000")))
            .await
            .unwrap();
        let (mut fill, mut tape, mut frames, mut zar) = (None, None, 0, None);
        wait_for(&stream, |event| {
            match event {
                Event::Trade(trade) => fill = Some(trade),
                Event::MarketTrades { trades, .. } => tape = trades.into_iter().next(),
                Event::Book { market, .. } => {
                    assert_eq!(market, "btczar");
                    frames += 1;
                }
                Event::Balance(balance) if balance.currency == "zar" => zar = Some(balance),
                Event::Order(order) if order.state == OrderState::Done => {
                    assert_eq!(order.executed_volume, dec("0.001"));
                }
                Event::Unreadable { topic, why } => panic!("{topic}: {why}"),
                _ => {}
            }
            (fill.is_some() && tape.is_some() && zar.is_some() && frames > 0).then_some(())
        })
        .await;
        let (fill, tape, zar) = (fill.unwrap(), tape.unwrap(), zar.unwrap());
        assert_eq!(
            (fill.id, fill.price, fill.total),
            (tape.id, dec("800000"), Some(dec("800"))),
            "{profile:?}"
        );
        assert_eq!((fill.side, tape.taker_type), (Some(Side::Sell), Some(Side::Buy)));
        assert_eq!(fill.fee_amount.is_some(), !legacy, "the older stream sends no fee");
        let entry = sandbox.control().ledger().entry("maker", "zar").cloned().unwrap();
        assert_eq!((zar.available(), zar.locked()), (entry.available, entry.locked), "{profile:?}");
        stream.close().await;
    }
}

#[tokio::test]
async fn subscriptions_change_on_the_open_connection() {
    let sandbox = Sandbox::start().await.unwrap();
    let stream = Stream::builder(public(&sandbox)).book("btczar").connect().await.unwrap();
    let subscribed = |wanted: Vec<Topic>| {
        move |event| match event {
            Event::Subscribed { topics } if topics == wanted => Some(()),
            Event::Connected { connections } => {
                assert_eq!(connections, 1);
                None
            }
            _ => None,
        }
    };
    wait_for(&stream, subscribed(vec![book("btczar")])).await;
    stream.subscribe([book("ethzar"), Topic::Tickers]).await.unwrap();
    wait_for(&stream, subscribed(vec![Topic::Tickers])).await;
    wait_for(&stream, subscribed(vec![book("ethzar")])).await;
    stream.unsubscribe([book("btczar"), Topic::Tickers]).await.unwrap();
    wait_for(&stream, |event| match event {
        Event::Unsubscribed { topics } => (topics == [book("btczar"), Topic::Tickers]).then_some(()),
        _ => None,
    })
    .await;
    // Again what is subscribed: the book comes anew, before the confirmation.
    stream.subscribe([book("ethzar")]).await.unwrap();
    let mut snapshots = 0;
    wait_for(&stream, |event| match event {
        Event::Book { frame, .. } => {
            snapshots += u32::from(frame.windows(8).any(|part| part == b".ob-snap"));
            None
        }
        Event::Subscribed { .. } => Some(()),
        _ => None,
    })
    .await;
    assert_eq!(snapshots, 1);
}

#[tokio::test]
async fn tickers_and_candles_are_typed() {
    let sandbox = Sandbox::builder()
        .publish_every(Duration::from_millis(20), Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let (maker, taker) = (client(&sandbox, "maker", false), client(&sandbox, "taker", false));
    maker.send(trading::CreateOrder::limit("btczar", Side::Sell, dec("0.001"), dec("800000"))).await.unwrap();
    taker.send(trading::CreateOrder::limit("btczar", Side::Buy, dec("0.001"), dec("800000"))).await.unwrap();
    let stream = Stream::builder(public(&sandbox))
        .tickers()
        .candles("btczar", capecrypto_models::Period::FifteenMinutes)
        .connect()
        .await
        .unwrap();
    let (mut last, mut close) = (None, None);
    wait_for(&stream, |event| {
        match event {
            Event::Tickers(tickers) => {
                last = tickers.get("btczar").and_then(|ticker| ticker.last);
            }
            Event::Candle { candle, .. } => close = Some(candle.close),
            _ => {}
        }
        (last == Some(dec("800000")) && close == Some(dec("800000"))).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let sandbox = Sandbox::start().await.unwrap();
    let error = Stream::builder(public(&sandbox)).connect().await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument);
    let error = Stream::builder(public(&sandbox)).book("btczar").book("btc/zar").connect().await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument);
    assert!(error.to_string().contains("market: 'btc/zar' holds '/'"), "{error}");
    let stream = Stream::builder(public(&sandbox)).book("btczar").connect().await.unwrap();
    let error = stream.subscribe([Topic::Tickers, Topic::Orders]).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument);
    assert!(error.to_string().contains("order is the account's"), "{error}");
    let error = Stream::builder(public(&sandbox)).orders().connect().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
    assert!(error.to_string().contains("credentials"), "{error}");

    let account = sandbox.account("maker").unwrap();
    let wrong = Credentials::new(&account.api_key, "not-the-secret").unwrap();
    let environment = Environment::local(sandbox.origin()).unwrap();
    let client = Client::builder(environment.clone()).credentials(wrong).build().unwrap();
    let error = Stream::builder(client).orders().connect().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().downcast_ref::<capecrypto_rest::Error>().unwrap();
    assert!(cause.is_auth() && cause.has_code("authz.invalid_signature"), "{error}");
    assert!(!format!("{error} {error:?}").contains(&account.api_key));

    let origin = sandbox.origin().to_owned();
    sandbox.shutdown().await;
    let client = Client::builder(Environment::local(&origin).unwrap()).build().unwrap();
    let error = Stream::builder(client).book("btczar").connect().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Connect);
}

#[tokio::test]
async fn events_are_a_stream_too_and_nothing_is_lost_between_two() {
    let sandbox = Sandbox::start().await.unwrap();
    let stream = Stream::builder(public(&sandbox)).book("btczar").connect().await.unwrap();
    let first = stream.events().next().await.unwrap();
    assert!(matches!(first, Event::Connected { .. }), "{first:?}");
    // A reader that waits in vain, and is dropped.
    let never = stream.events().filter(|_| ready(false)).collect::<Vec<_>>().now_or_never();
    assert!(never.is_none());
    stream.subscribe([Topic::Tickers]).await.unwrap();
    let mut events = stream.events();
    let tickers = async {
        while let Some(event) = events.next().await {
            if matches!(event, Event::Tickers(_)) {
                return true;
            }
        }
        false
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), tickers).await.unwrap());
    drop(events);
    stream.close().await;
    let rest: Vec<_> = stream.events().collect().await;
    assert!(stream.next().await.is_none(), "{rest:?}");
}
