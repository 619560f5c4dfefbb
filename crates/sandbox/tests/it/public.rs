//! Public calls: shapes, figures computed from the exchange's own trades, limits.

use crate::client::{Exchange, limit, market};
use serde_json::json;

#[tokio::test]
async fn markets_and_currencies_have_the_documents_shape() {
    let exchange = Exchange::start().await;
    assert_eq!(exchange.get("/public/health/alive").await.status, 200);
    let answer = exchange.get("/public/markets?limit=3&page=2").await;
    assert_eq!(
        [&answer.headers["page"], &answer.headers["per-page"], &answer.headers["total"]],
        ["2", "3", "4"]
    );
    let expected = json!([{
        "id": "usdczar", "name": "USDC/ZAR", "base_unit": "usdc", "quote_unit": "zar", "min_price": "14.0",
        "max_price": "29.0", "min_amount": "0.5", "amount_precision": 2, "price_precision": 2, "state": "enabled"
    }]);
    assert_eq!(answer.expect(200), expected);
    let ids = async |query: &str| -> Vec<String> {
        let list = exchange.get(&format!("/public/markets?{query}")).await.expect(200);
        list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("").await, ["btczar", "ethzar", "xrpzar", "usdczar"]);
    assert_eq!(ids("order_by=id&ordering=desc").await, ["xrpzar", "usdczar", "ethzar", "btczar"]);
    assert_eq!(ids("base_unit=eth&quote_unit=zar").await, ["ethzar"]);
    assert!(ids("page=9").await.is_empty());

    let all = exchange.get("/public/currencies").await;
    assert_eq!(all.headers["total"], "8");
    let fiat = exchange.get("/public/currencies?type=fiat").await.expect(200);
    assert_eq!(fiat.as_array().unwrap().len(), 4);
    assert!(fiat[0].get("explorer_address").is_none() && fiat[0].get("min_confirmations").is_none());
    let coin = exchange.get("/public/currencies/btc").await.expect(200);
    assert_eq!(coin["deposit_enabled"], json!(true));
    assert_eq!(coin["precision"], json!(8));
    assert_eq!(coin["min_deposit_amount"], json!("0.00001"));
}

#[tokio::test]
async fn wrong_parameters_have_their_codes() {
    let exchange = Exchange::start().await;
    for (path, refusal) in [
        ("/public/markets/nozar/depth", "422 public.market.doesnt_exist"),
        ("/public/markets/BTCZAR/tickers", "422 public.market.doesnt_exist"),
        ("/public/currencies/doge", "422 public.currency.doesnt_exist"),
        ("/public/currencies?type=paper", "422 public.currency.invalid_type"),
        ("/public/currencies?limit=1001", "422 pagination.invalid_limit"),
        (
            "/public/currencies?limit=x&page=1.5",
            "422 pagination.non_integer_limit,pagination.non_integer_page",
        ),
        ("/public/markets?limit=0", "422 pagination.invalid_limit"),
        ("/public/markets?ordering=up", "422 public.markets.invalid_ordering"),
        ("/public/markets?order_by=name", "422 public.markets.invalid_order_by"),
        ("/public/markets?base_unit=x", "422 public.markets.base_unit_doesnt_exist"),
        ("/public/markets?quote_unit=", "422 public.markets.quote_unit_doesnt_exist"),
        ("/public/markets/btczar/depth?limit=1001", "422 public.market_depth.invalid_limit"),
        ("/public/markets/btczar/depth?limit=ten", "422 public.market_depth.non_integer_limit"),
        ("/public/markets/btczar/trades?limit=0", "422 public.trade.invalid_limit"),
        ("/public/markets/btczar/trades?order_by=up", "422 public.trade.invalid_order_by"),
        ("/public/markets/btczar/trades?time_from=1.5", "422 public.trade.non_integer_time_from"),
        ("/public/markets/btczar/k-line?period=2", "422 public.k_line.invalid_period"),
        ("/public/markets/btczar/k-line?period=1h", "422 public.k_line.non_integer_period"),
        ("/public/markets/btczar/k-line?limit=10001", "422 public.k_line.invalid_limit"),
        ("/public/markets/btczar/k-line?time_to=now", "422 public.k_line.non_integer_time_to"),
    ] {
        assert_eq!(exchange.get(path).await.refusal(), refusal, "{path}");
    }
}

#[tokio::test]
async fn tickers_candles_and_trades_come_from_the_exchanges_own_trades() {
    let exchange = Exchange::start().await;
    // Moves the clock to the start of a day, so that the times of the candles are known.
    exchange.control.advance_clock(86_400_000 - exchange.control.now_ms() % 86_400_000);
    let start_ms = exchange.control.now_ms();
    let trade = async |price: &str, volume: &str| {
        exchange.place("maker", limit("sell", volume, price)).await;
        exchange.place("taker", market("buy", volume)).await;
    };
    trade("800000", "0.001").await;
    exchange.control.advance_clock(120_000);
    trade("900000.5", "0.00001").await;
    trade("850000", "0.002").await;
    let ticker = exchange.get("/public/markets/btczar/tickers").await.expect(200);
    let entry = &ticker["ticker"];
    assert!((0..60).contains(&(exchange.control.now_ms() / 1000 - ticker["at"].as_i64().unwrap())));
    for (key, value) in [
        ("low", "800000.0"),
        ("high", "900000.5"),
        ("open", "800000.0"),
        ("last", "850000.0"),
        ("volume", "2509.000005"),
        ("vol", "2509.000005"),
        ("amount", "0.00301"),
        ("avg_price", "833554.81"),
        ("price_change_percent", "+6.25%"),
    ] {
        assert_eq!(entry[key], json!(value), "{key}");
    }
    let all = exchange.get("/public/markets/tickers").await.expect(200);
    assert_eq!(all["btczar"]["ticker"]["last"], json!("850000.0"));
    assert_eq!(all["ethzar"]["ticker"]["last"], json!("0.0"));

    let minutes = exchange.get("/public/markets/btczar/k-line").await;
    assert!(!minutes.headers.contains_key("page"), "candles have no paging headers");
    let minute = start_ms / 60_000 * 60;
    let first = json!([minute, 800000.0, 800000.0, 800000.0, 800000.0, 0.001]);
    let second = json!([minute + 120, 900000.5, 900000.5, 850000.0, 850000.0, 0.00201]);
    assert_eq!(minutes.expect(200), json!([first, second]));
    let newest = exchange.get("/public/markets/btczar/k-line?limit=1").await.expect(200);
    assert_eq!(newest, json!([second]));
    let from = format!("/public/markets/btczar/k-line?limit=1&time_from={}", minute * 1000);
    assert_eq!(exchange.get(&from).await.expect(200), json!([first]));
    let both = format!("time_from={}&time_to={}&limit=1", minute * 1000, (minute + 120) * 1000);
    let both = exchange.get(&format!("/public/markets/btczar/k-line?{both}")).await.expect(200);
    assert_eq!(both, json!([first, second]), "both bounds are included, and the limit is ignored");
    let day = exchange.get("/public/markets/btczar/k-line?period=1440").await.expect(200);
    assert_eq!(day[0][5], json!(0.00301));

    let trades = exchange.get("/public/markets/btczar/trades").await;
    assert_eq!(
        [&trades.headers["total"], &trades.headers["per-page"], &trades.headers["page"]],
        ["3", "100", "1"]
    );
    assert!(trades.text.contains("\"amount\":1.0e-05"), "numbers, exponents included: {}", trades.text);
    let trades = trades.expect(200);
    assert_eq!(trades[0]["price"], json!(850000.0));
    assert_eq!(trades[2]["taker_type"], json!("buy"));
    let page = exchange.get("/public/markets/btczar/trades?order_by=asc&limit=1&page=2").await.expect(200);
    assert_eq!(page[0]["id"], trades[1]["id"]);
    let since = format!("/public/markets/btczar/trades?time_from={}", start_ms + 60_000);
    assert_eq!(exchange.get(&since).await.expect(200).as_array().unwrap().len(), 2);

    exchange.control.advance_clock(86_400_000);
    let later = exchange.get("/public/markets/btczar/tickers").await.expect(200);
    assert_eq!(later["ticker"]["high"], json!("0.0"));
    assert_eq!(later["ticker"]["last"], json!("850000.0"), "the last price stays after the window");
}

#[tokio::test]
async fn depth_shows_levels_best_first() {
    let exchange = Exchange::start().await;
    for (side, volume, price) in [
        ("sell", "0.001", "810000"),
        ("sell", "0.002", "800000"),
        ("sell", "0.003", "800000.0"),
        ("buy", "0.004", "790000"),
        ("buy", "0.005", "795000.25"),
    ] {
        exchange.place("maker", limit(side, volume, price)).await;
    }
    let depth = exchange.get("/public/markets/btczar/depth").await.expect(200);
    assert_eq!(depth["asks"], json!([["800000.0", "0.005"], ["810000.0", "0.001"]]));
    assert_eq!(depth["bids"], json!([["795000.25", "0.005"], ["790000.0", "0.004"]]));
    assert!((0..60).contains(&(exchange.control.now_ms() / 1000 - depth["timestamp"].as_i64().unwrap())));
    let one = exchange.get("/public/markets/btczar/depth?limit=1").await.expect(200);
    assert_eq!(one["asks"], json!([["800000.0", "0.005"]]));
}
