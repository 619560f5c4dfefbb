use capecrypto_models::{
    Candle, Currency, Decimal, Depth, Level, Market, MarketState, Period, PublicTrade, Ticker, Tickers,
};

const ENTRY: &str = r#"{"low":"1.0","high":"2.0","open":"1.5","last":"1.7","volume":"10.0","amount":"6.0","avg_price":"1.66","price_change_percent":"+3.19%","vol":"10.0"}"#;

#[test]
fn tickers_as_map_and_as_array() {
    let map: Tickers = serde_json::from_str(&format!(
        r#"{{"btczar":{{"at":"1612345678","ticker":{ENTRY}}},"ethzar":{{"at":1612345678,"ticker":{ENTRY}}}}}"#
    ))
    .unwrap();
    assert_eq!(map.len(), 2);
    let ticker = map.get("btczar").unwrap();
    assert_eq!(ticker.at.unwrap().as_unix_seconds(), 1_612_345_678);
    assert_eq!(ticker.ticker.price_change(), Some(Decimal::new(319, 2)));
    assert!(map.get("xrpzar").is_none());
    let array: Tickers = serde_json::from_str(&format!(r#"[{{"at":1612345678,"ticker":{ENTRY}}}]"#)).unwrap();
    assert_eq!(array.iter().next().unwrap(), (None, ticker));
    assert!(serde_json::to_string(&map).unwrap().starts_with(r#"{"btczar":"#));
    for tickers in [map, array] {
        let again = serde_json::to_string(&tickers).unwrap();
        assert_eq!(serde_json::from_str::<Tickers>(&again).unwrap(), tickers);
    }
}

#[test]
fn a_ticker_may_lack_vol_and_carry_its_own_time() {
    let entry = ENTRY.replace(r#","vol":"10.0""#, r#","at":1612345678"#);
    let ticker: Ticker = serde_json::from_str(&format!(r#"{{"ticker":{entry}}}"#)).unwrap();
    assert_eq!((ticker.at, ticker.ticker.vol), (None, None));
    let null: Ticker = serde_json::from_str(r#"{"ticker":{"low":null,"last":"1.7"}}"#).unwrap();
    assert_eq!(
        (null.ticker.low, null.ticker.last, null.ticker.price_change()),
        (None, Some(Decimal::new(17, 1)), None)
    );
    assert_eq!(ticker.ticker.at.unwrap().as_unix_seconds(), 1_612_345_678);
}

#[test]
fn depth_and_levels() {
    let depth: Depth = serde_json::from_str(
        r#"{"timestamp":1612345678,"asks":[["841039.73","0.156431"]],"bids":[[835956.8,4.7756e-2]]}"#,
    )
    .unwrap();
    assert_eq!(depth.bids, [Level::new(Decimal::new(8_359_568, 1), Decimal::new(47_756, 6))]);
    assert_eq!(serde_json::to_string(&depth.asks).unwrap(), r#"[["841039.73","0.156431"]]"#);
    assert_eq!(depth.asks[0].notional().unwrap().to_string(), "131564.68600363");
    let tiny = Decimal::new(1, 20);
    assert_eq!(Level::new(tiny, tiny).notional(), None, "a product that would be rounded is `None`");
}

#[test]
fn candles_of_the_wire() {
    let candle: Candle = serde_json::from_str("[1588001398,1e-8,1e+21,100000000000,5,5e-7]").unwrap();
    assert_eq!((candle.open, candle.volume), (Decimal::new(1, 8), Decimal::new(5, 7)));
    assert_eq!(candle.opened_at.as_unix_seconds(), 1_588_001_398);
    for bad in ["[1588001398,1,2,3,4]", "[1588001398,1,2,3,4,null]", "[]", "{}", "7"] {
        assert!(serde_json::from_str::<Candle>(bad).is_err(), "{bad}");
    }
    for period in Period::ALL {
        assert_eq!(period.name().parse::<Period>().unwrap(), period);
        assert_eq!(period.duration().as_secs(), u64::from(period.minutes()) * 60);
    }
    assert!("2m".parse::<Period>().unwrap_err().remedy().contains("15m"));
}

#[test]
fn public_trades_of_rest_and_stream() {
    let rest: PublicTrade = serde_json::from_str(
        r#"{"id":7,"price":1020.0,"amount":0.001,"total":1.02,"market":"btczar","taker_type":"buy","created_at":1700000000}"#,
    )
    .unwrap();
    let stream: PublicTrade = serde_json::from_str(
        r#"{"amount":"0.001","date":1700000000,"price":"1020.0","taker_type":"buy","tid":7}"#,
    )
    .unwrap();
    assert_eq!(
        (&rest.id, rest.price, rest.amount, rest.created_at),
        (&stream.id, stream.price, stream.amount, stream.created_at)
    );
    assert_eq!((&stream.total, &stream.market), (&None, &None));
    let both = r#"{"id":7,"tid":7,"created_at":1700000000,"date":1700000000,"price":"1020","amount":"0.001","taker_type":"buy"}"#;
    assert_eq!(serde_json::from_str::<PublicTrade>(both).unwrap(), stream);
    assert!(serde_json::from_str::<PublicTrade>(r#"{"date":1,"price":1,"amount":1}"#).is_err());
}

#[test]
fn market_limits_and_the_missing_cap() {
    let json = |max: &str| {
        format!(
            r#"{{"id":"btczar","name":"BTC/ZAR","base_unit":"btc","quote_unit":"zar","min_price":"200000.0","max_price":{max},
            "min_amount":"0.00001","amount_precision":8.0,"price_precision":"2","state":"maintenance"}}"#
        )
    };
    let market: Market = serde_json::from_str(&json("\"1200000.0\"")).unwrap();
    assert_eq!((market.amount_precision, market.price_precision), (8, 2));
    assert_eq!(market.price_cap(), Some(Decimal::from(1_200_000)));
    assert!(matches!(&market.state, MarketState::Unknown(text) if text.as_str() == "maintenance"));
    let market: Market = serde_json::from_str(&json("\"0.0\"")).unwrap();
    assert_eq!(market.price_cap(), None);
}

#[test]
fn currencies_of_coins_and_fiat() {
    let fiat: Currency = serde_json::from_str(
        r#"{"id":"zar","type":"fiat","deposit_enabled":"true","withdrawal_enabled":false,"precision":"2"}"#,
    )
    .unwrap();
    assert!(fiat.deposit_enabled && !fiat.withdrawal_enabled);
    assert_eq!((fiat.precision, fiat.min_confirmations), (Some(2), None));
    let coin: Currency = serde_json::from_str(
        r#"{"id":"eth","name":"","type":"coin","deposit_enabled":true,"withdrawal_enabled":true,"base_factor":1000000000000000000,"min_confirmations":6,"layer_two_withdraw_fee":0.5}"#,
    )
    .unwrap();
    assert_eq!(coin.base_factor.unwrap().to_string(), "1000000000000000000");
    assert_eq!((coin.min_confirmations, coin.layer_two_withdraw_fee), (Some(6), Some(Decimal::new(5, 1))));
}

#[test]
fn places_that_a_level_or_candle_has_more_are_passed_over() {
    let depth: Depth = serde_json::from_str(
        r#"{"timestamp":1700000000,"asks":[["2.0","1.0",3]],"bids":[["1.0","1.0",{"x":[1]},null]]}"#,
    )
    .unwrap();
    let one = Decimal::ONE;
    assert_eq!((depth.asks[0], depth.bids[0]), (Level::new(Decimal::TWO, one), Level::new(one, one)));
    assert!(serde_json::from_str::<Level>("[\"1.0\"]").is_err());
    assert!(serde_json::from_str::<Level>("[\"1.0\",\"1.0\"").is_err());
    let candle: Candle = serde_json::from_str("[1588001398,1,2,3,4,5,6,[7]]").unwrap();
    assert_eq!(candle.volume, Decimal::from(5));
}

#[test]
fn a_depth_may_come_without_its_time() {
    for json in [r#"{"asks":[],"bids":[]}"#, r#"{"timestamp":null,"asks":[],"bids":[]}"#] {
        let depth: Depth = serde_json::from_str(json).unwrap();
        assert_eq!(depth.timestamp, None);
        assert_eq!(serde_json::to_string(&depth).unwrap(), r#"{"asks":[],"bids":[]}"#);
    }
}

#[test]
fn a_notional_is_exact_wherever_a_decimal_holds_it() {
    let notional = |price: &str, amount: &str| {
        let [price, amount] = [price, amount].map(|text| capecrypto_models::decimal::parse(text).unwrap());
        Level::new(price, amount).notional().map(|notional| notional.normalize().to_string())
    };
    for (price, amount, product) in [
        ("1.00000000000000", "1.000000000000000", Some("1")),
        ("0.00000000000000", "1.000000000000000", Some("0")),
        // The scales add up to fifteen fraction digits, but the product needs none.
        ("0.00000000000002", "50000000000000.0", Some("1")),
        ("123456789.12345678", "0.00000001", Some("1.2345678912345678")),
        ("12345678901234.5", "12345678901234.5", Some("152415787532386691205623990.25")),
        ("9999999999999999999999999999", "2", Some("19999999999999999999999999998")),
        ("9999999999999999999999999999", "10", None),
        ("0.00000000000001", "0.000000000000001", None),
        ("1.23456789012345", "1.23456789012345", Some("1.5241578753238669120562399025")),
        ("1.234567890123456", "1.234567890123456", None),
    ] {
        assert_eq!(notional(price, amount).as_deref(), product, "{price} x {amount}");
        assert_eq!(notional(amount, price).as_deref(), product, "{amount} x {price}");
    }
}
