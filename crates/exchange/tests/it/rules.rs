//! The check of an order against its market's rules, alone and compared with what the sandbox refuses.

use crate::{client, dec};
use capecrypto_exchange::public::ListMarkets;
use capecrypto_exchange::trading::{CreateOrder, MarketRules, Violation};
use capecrypto_models::{Decimal, Market, MarketState, Side, Toward};
use capecrypto_rest::{Client, Kind, Outcome};
use capecrypto_sandbox::Sandbox;

fn btczar() -> Market {
    let json = r#"{"id":"btczar","name":"BTC/ZAR","base_unit":"btc","quote_unit":"zar","min_price":"200000.0",
        "max_price":"1200000.0","min_amount":"0.00001","amount_precision":8,"price_precision":2,"state":"enabled"}"#;
    serde_json::from_str(json).unwrap()
}

fn limit(volume: &str, price: &str) -> CreateOrder {
    CreateOrder::limit("btczar", Side::Buy, dec(volume), dec(price))
}

#[test]
fn all_violations_are_told_at_once_with_value_limit_and_remedy() {
    let violations = btczar().check(&limit("0.0000000001", "1200000.001")).unwrap_err();
    assert_eq!(
        violations.all(),
        [
            Violation::VolumeTooSmall { volume: dec("0.0000000001"), least: dec("0.00001") },
            Violation::VolumeTooPrecise { volume: dec("0.0000000001"), most_digits: 8 },
            Violation::PriceTooHigh { price: dec("1200000.001"), most: dec("1200000") },
            Violation::PriceTooPrecise { price: dec("1200000.001"), most_digits: 2 },
        ]
    );
    assert_eq!(
        violations.to_string(),
        "the order does not meet 4 rules of its market\n    \
         volume 0.0000000001 is below the smallest volume 0.00001; give at least 0.00001\n    \
         volume 0.0000000001 has 10 fraction digits, and the market takes 8; round it with Market::round_down\n    \
         price 1200000.001 is above the highest price 1200000.0; give at most 1200000.0\n    \
         price 1200000.001 has 3 fraction digits, and the market takes 2; round it with Market::round_price"
    );
    let one = btczar().check(&limit("1", "199999.99")).unwrap_err();
    assert_eq!(one.to_string(), "price 199999.99 is below the lowest price 200000.0; give at least 200000.0");
    let neither = btczar().check(&limit("0", "-1")).unwrap_err();
    assert_eq!(
        neither.all(),
        [Violation::VolumeNotPositive { volume: dec("0") }, Violation::PriceNotPositive { price: dec("-1") }]
    );
}

#[test]
fn an_order_at_the_limits_passes_and_zeros_at_the_end_are_no_digits() {
    btczar().check(&limit("0.00001", "200000")).unwrap();
    btczar().check(&limit("0.0000100000000", "1200000.00000")).unwrap();
    btczar().check(&CreateOrder::market("btczar", Side::Sell, dec("0.00001"))).unwrap();
    let thin = btczar().check(&CreateOrder::market("btczar", Side::Sell, dec("0.000001"))).unwrap_err();
    assert!(matches!(thin.all(), [Violation::VolumeTooSmall { .. }]), "{thin}");
}

#[test]
fn a_highest_price_of_zero_is_no_limit() {
    let mut market = btczar();
    market.max_price = dec("0");
    market.check(&limit("1", "99999999999999")).unwrap();
}

#[test]
fn an_order_for_another_market_or_a_closed_one_is_told() {
    let other = btczar().check(&CreateOrder::market("ethzar", Side::Buy, dec("1"))).unwrap_err();
    assert_eq!(
        other.to_string(),
        "the order is for ethzar, and these are the rules of btczar; use the rules of ethzar"
    );
    let none = btczar().check(&CreateOrder::market("btc/zar", Side::Buy, dec("1"))).unwrap_err();
    assert!(matches!(none.all(), [Violation::OtherMarket { order: None, .. }]), "{none}");
    let mut market = btczar();
    for (state, is_open) in [
        ("enabled", true),
        ("hidden", true),
        ("a_new_state", true),
        ("disabled", false),
        ("locked", false),
        ("sale", false),
        ("presale", false),
    ] {
        market.state = MarketState::from(state);
        assert_eq!(market.check(&limit("1", "200000")).is_ok(), is_open, "{state}");
    }
}

#[test]
fn rounding_is_the_remedy_for_too_many_digits() {
    let market = btczar();
    let (volume, price) = (dec("0.123456789"), dec("800000.001"));
    let order = CreateOrder::limit(
        "btczar",
        Side::Buy,
        market.round_down(volume),
        market.round_price(price, Toward::Down),
    );
    market.check(&order).unwrap();
}

/// Codes of the sandbox that mean: a rule for volume or price is not met.
const RULES: [&str; 3] = [
    "market.order.invalid_volume_or_price",
    "market.order.non_positive_volume",
    "market.order.non_positive_price",
];

/// One of these numbers, or one a little beside it, with up to two digits more than allowed.
fn near(random: &mut fastrand::Rng, marks: &[Decimal], precision: u32) -> Decimal {
    let mark = *random.choice(marks).unwrap();
    if random.bool() {
        return mark;
    }
    mark + Decimal::new(random.i64(-12..=12), random.u32(0..=precision + 2))
}

/// Sends orders near the limits of both markets, by hand so that nothing of the client refuses them.
#[tokio::test]
async fn the_check_agrees_with_what_the_sandbox_refuses() {
    let sandbox = Sandbox::start().await.unwrap();
    let control = sandbox.control();
    let without_cap = capecrypto_sandbox::Market::new("ethbtc", "eth", "btc").unwrap();
    control
        .add_market(without_cap.prices(dec("3"), dec("0")).min_amount(dec("0.2")).precision(0, 3))
        .unwrap();
    for (account, currency) in
        ["maker", "taker"].into_iter().flat_map(|who| [(who, "btc"), (who, "eth"), (who, "zar")])
    {
        control.deposit(account, currency, dec("100000000000")).unwrap();
    }
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    let markets = maker.send(ListMarkets::new()).await.unwrap().items;
    let markets: Vec<Market> =
        markets.into_iter().filter(|market| ["btczar", "ethbtc"].contains(&market.id.as_str())).collect();
    assert!(markets[0].price_cap().is_some() && markets[1].price_cap().is_none());
    // Enough for every market order.
    for market in &markets {
        let far = market.price_cap().unwrap_or(dec("1000"));
        for (side, price) in [(Side::Buy, market.min_price), (Side::Sell, far)] {
            maker.send(CreateOrder::limit(market.id.clone(), side, dec("100000"), price)).await.unwrap();
        }
    }

    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut good, mut bad) = (0, 0);
    for turn in 0..600 {
        let market = random.choice(&markets).unwrap();
        let side = if random.bool() { Side::Buy } else { Side::Sell };
        let volume = near(&mut random, &[market.min_amount, dec("1"), dec("100")], market.amount_precision);
        let prices = [market.min_price, market.price_cap().unwrap_or(dec("100000")), dec("250000")];
        let price = near(&mut random, &prices, market.price_precision);
        let (order, price) = match random.u8(0..4) {
            0 => (CreateOrder::market(market.id.clone(), side.clone(), volume), None),
            _ => (CreateOrder::limit(market.id.clone(), side.clone(), volume, price), Some(price)),
        };
        let checked = market.check(&order);
        let refused = refused_by_sandbox(&taker, market, &side, volume, price).await;
        assert_eq!(
            checked.is_err(),
            refused,
            "SEED={seed}, turn {turn}: {} {side} {volume} at {price:?} gives {checked:?}",
            market.id
        );
        *if refused { &mut bad } else { &mut good } += 1;
    }
    assert!(good > 100 && bad > 100, "SEED={seed}: {good} accepted, {bad} refused");
}

#[tokio::test]
async fn a_closed_market_is_found_by_the_check_and_refused_with_a_hint() {
    use capecrypto_sandbox::MarketState as State;
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    for (state, open) in [
        (State::Disabled, false),
        (State::Locked, false),
        (State::Hidden, true),
        (State::Sale, false),
        (State::Presale, false),
        (State::Enabled, true),
    ] {
        sandbox.control().set_market_state("btczar", state).unwrap();
        let markets = client.send(ListMarkets::new()).await.unwrap();
        let market = markets.iter().find(|market| market.id == "btczar").unwrap();
        let order = limit("0.01", "800000");
        assert_eq!(market.check(&order).is_ok(), open, "{state:?}");
        match client.send(order).await {
            Ok(_) => assert!(open, "{state:?}"),
            Err(error) => {
                assert!(!open && error.outcome() == Outcome::Refused, "{state:?}: {error}");
                assert!(error.hint().is_some_and(|hint| hint.contains("state must be enabled")), "{error}");
            }
        }
    }
}

async fn refused_by_sandbox(
    client: &Client,
    market: &Market,
    side: &Side,
    volume: Decimal,
    price: Option<Decimal>,
) -> bool {
    let mut order = serde_json::json!({
        "market": market.id, "side": side, "volume": volume.to_string(), "ord_type": "market",
    });
    if let Some(price) = price {
        order["ord_type"] = "limit".into();
        order["price"] = price.to_string().into();
    }
    let sent = client.raw(http::Method::POST, "/api/v2/atlas/market/orders").json(&order).send().await;
    match sent {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), Kind::Refused, "{error}");
            assert!(error.codes().iter().all(|code| RULES.contains(&code.as_str())), "{error}");
            true
        }
    }
}
