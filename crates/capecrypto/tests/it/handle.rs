//! The handle passes everything on to the REST client, the stream and the live connection.

use capecrypto::{
    Cape, Clock, Credentials, Decimal, Environment, Event, Kind, Method, Outcome, Rate, Side, Timeouts,
    account, auth::CapeSigner, public, rest::Client, trading,
};
use capecrypto_sandbox::Sandbox;
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::time::timeout;

const HOUR_MS: i64 = 60 * 60 * 1_000;

fn local(sandbox: &Sandbox) -> Environment {
    Environment::local(sandbox.origin()).unwrap()
}

fn keys(sandbox: &Sandbox) -> Credentials {
    let account = sandbox.account("maker").unwrap();
    Credentials::new(&account.api_key, &account.secret).unwrap()
}

fn signed_in(sandbox: &Sandbox) -> Cape {
    Cape::builder(local(sandbox)).credentials(keys(sandbox)).build().unwrap()
}

#[tokio::test]
async fn clones_share_the_clock() {
    let sandbox = Sandbox::start().await.unwrap();
    let (cape, stranger) = (signed_in(&sandbox), signed_in(&sandbox));
    let clone = cape.clone();
    sandbox.control().advance_clock(HOUR_MS);
    assert_eq!(cape.reply(account::ListBalances::new()).await.unwrap().attempts, 2, "the nonce was too old");
    assert_eq!(clone.clock().offset_ms(), cape.clock().offset_ms());
    assert!((clone.clock().offset_ms() - HOUR_MS).abs() < 5_000);
    assert_eq!(
        clone.reply(account::ListBalances::new()).await.unwrap().attempts,
        1,
        "the clone shares the corrected clock"
    );
    assert_eq!(stranger.clock().offset_ms(), 0);
}

#[tokio::test]
async fn acting_as_gives_another_handle_and_leaves_the_first_alone() {
    let sandbox = Sandbox::start().await.unwrap();
    let cape = signed_in(&sandbox);
    let itself = cape.acting_as(sandbox.account("maker").unwrap().uid.parse().unwrap());
    let elsewhere = cape.acting_as("CCT0000000".parse().unwrap());
    assert_eq!(itself.send(account::ListBalances::new()).await.unwrap().len(), 8);
    let refusal = elsewhere.send(account::ListBalances::new()).await.unwrap_err();
    assert!(refusal.has_code("authz.invalid_permission"), "{refusal}");
    assert_eq!(cape.send(account::ListBalances::new()).await.unwrap().len(), 8);
}

#[tokio::test]
async fn lists_are_walked_and_calls_by_hand_are_signed() {
    let sandbox = Sandbox::start().await.unwrap();
    let cape = signed_in(&sandbox);
    let markets = cape.items(public::ListMarkets::new().limit(3)).try_collect().await.unwrap();
    assert_eq!(markets.len(), 4);
    let mut pages = cape.pages(public::ListMarkets::new().limit(3));
    assert_eq!(pages.try_next().await.unwrap().unwrap().len(), 3);
    assert_eq!(pages.try_next().await.unwrap().unwrap().len(), 1);
    let raw = cape.raw(Method::GET, "/api/v2/atlas/account/balances").send().await.unwrap();
    assert_eq!(raw.status, 200);
}

#[tokio::test]
async fn a_client_and_a_handle_turn_into_each_other() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Client::builder(local(&sandbox)).credentials(keys(&sandbox)).build().unwrap();
    let cape = Cape::from(client);
    assert_eq!(cape.environment(), cape.client().environment());
    assert_eq!(cape.environment().origin().as_str(), sandbox.origin());
    let client = Client::from(cape);
    assert_eq!(client.send(account::ListBalances::new()).await.unwrap().len(), 8);
}

#[tokio::test]
async fn streams_are_opened_with_the_handle_s_key() {
    let sandbox = Sandbox::start().await.unwrap();
    let cape = signed_in(&sandbox);
    let stream = cape.stream().orders().connect().await.unwrap();
    let live = cape.live().book("btczar").orders().connect().await.unwrap();
    let (volume, price) = (Decimal::new(1, 3), Decimal::from(800_000));
    let placed = cape.send(trading::CreateOrder::limit("btczar", Side::Buy, volume, price)).await.unwrap();
    let told = async {
        while !matches!(stream.next().await.unwrap(), Event::Order(order) if order.id == placed.id) {}
        while !matches!(live.next().await.unwrap(), Event::Order(order) if order.id == placed.id) {}
    };
    timeout(Duration::from_secs(5), told).await.expect("both report the order");
    let mut book = live.book("btczar").unwrap();
    let bid = async {
        while book.best().ok().and_then(|best| best.bid).is_none() {
            book.changed().await.unwrap();
        }
    };
    timeout(Duration::from_secs(5), bid).await.expect("the order comes into the book");
    assert_eq!(book.best().unwrap().bid.unwrap().price, price);
}

#[tokio::test]
async fn every_setting_arrives() {
    let sandbox = Sandbox::start().await.unwrap();
    let builder = || Cape::builder(local(&sandbox));
    let refused = |builder: capecrypto::Builder<Cape>| {
        let error = builder.build().unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Config, Outcome::NotSent));
        error.to_string()
    };
    let real = Credentials::new("a_real_key", "secret").unwrap();
    assert!(refused(builder().credentials(real)).contains("plain http"));
    assert!(refused(builder().user_agent("")).contains("user_agent"));
    assert!(refused(builder().proxy("no url")).contains("proxy"));
    assert!(refused(builder().timeouts(Timeouts::default().call(Duration::ZERO))).contains("timeouts"));
    assert!(refused(builder().add_root_pem("garbage")).contains("root certificate"));

    let (clock, hand) = Clock::manual(1_000);
    let cape = builder().clock(clock).build().unwrap();
    hand.set(2_000);
    assert_eq!(cape.clock().now_ms(), 2_000);

    let one = NonZeroU32::new(1).unwrap();
    let limited = builder().rate(Rate { per_second: one, burst: one });
    assert!(format!("{limited:?}").contains("Rate { per_second: 1, burst: 1 }"), "{limited:?}");

    let nobody = builder().build().unwrap();
    let error = nobody.send(account::ListBalances::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Config, Outcome::NotSent));
    let signer = builder().signer(Arc::new(CapeSigner::new(&keys(&sandbox)))).build().unwrap();
    assert_eq!(signer.send(account::ListBalances::new()).await.unwrap().len(), 8);
}

#[test]
fn no_secret_is_printed() {
    let credentials = Credentials::new("sandbox_canary", "canary").unwrap();
    let builder = Cape::builder(Environment::local("http://127.0.0.1:9").unwrap())
        .credentials(credentials)
        .proxy("http://user:canary@127.0.0.1:9");
    assert!(!format!("{builder:?}").contains("canary"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("canary"));
}
