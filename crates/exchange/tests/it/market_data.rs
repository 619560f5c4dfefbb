use crate::{client, dec, until};
use capecrypto_auth::Environment;
use capecrypto_exchange::args::Direction;
use capecrypto_exchange::{public, trading};
use capecrypto_models::{CurrencyType, Level, MarketState, Period, Side};
use capecrypto_rest::Client;
use capecrypto_sandbox::Sandbox;

#[tokio::test]
async fn without_credentials_everything_public_works() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = Client::builder(Environment::local(sandbox.origin()).unwrap()).build().unwrap();
    client.send(public::CheckHealth::new()).await.unwrap();
    let time = client.send(public::GetTimestamp::new()).await.unwrap();
    assert!((time.as_unix_millis() - sandbox.control().now_ms()).abs() < 5_000);

    let markets = client.send(public::ListMarkets::new()).await.unwrap();
    let ids: Vec<_> = markets.iter().map(|market| market.id.to_string()).collect();
    assert_eq!(ids, ["btczar", "ethzar", "xrpzar", "usdczar"]);
    let btczar = &markets.items[0];
    assert_eq!((btczar.min_price, btczar.price_cap()), (dec("200000"), Some(dec("1200000"))));
    assert_eq!((btczar.min_amount, btczar.amount_precision, btczar.price_precision), (dec("0.00001"), 8, 2));
    assert_eq!(btczar.state, MarketState::Enabled);
    assert_eq!((markets.total, markets.page), (Some(4), Some(1)));
    let eth = client.send(public::ListMarkets::new().base_unit("eth")).await.unwrap();
    assert_eq!(eth.items[0].id, "ethzar");
    let backwards =
        public::ListMarkets::new().limit(3).ordering(Direction::Descending).order_by(public::MarketOrder::Id);
    let backwards = client.items(backwards).try_collect().await.unwrap();
    assert!(backwards.len() == 4 && backwards.is_sorted_by(|a, b| a.id > b.id));

    let fiat = client.send(public::ListCurrencies::new().kind(CurrencyType::Fiat)).await.unwrap();
    assert_eq!(
        fiat.iter().map(|currency| currency.id.as_str()).collect::<Vec<_>>(),
        ["zar", "eur", "gbp", "usd"]
    );
    assert_eq!((&fiat.items[0].explorer_address, fiat.items[0].min_confirmations), (&None, None));
    let btc = client.send(public::GetCurrency::new("btc")).await.unwrap();
    assert_eq!((btc.kind, btc.precision, btc.deposit_enabled), (CurrencyType::Coin, Some(8), true));
    let error = client.send(public::GetCurrency::new("nosuch")).await.unwrap_err();
    assert!(error.has_code("public.currency.doesnt_exist") && error.hint().is_some(), "{error}");
    let error = client.send(public::GetTicker::new("nosuch")).await.unwrap_err();
    assert_eq!((error.status(), error.has_code("public.market.doesnt_exist")), (Some(422), true));
}

#[tokio::test]
async fn depth_trades_candles_and_tickers_follow_what_was_traded() {
    let sandbox = Sandbox::start().await.unwrap();
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    for (side, price) in
        [(Side::Sell, "800000"), (Side::Sell, "800500.5"), (Side::Buy, "790000"), (Side::Buy, "789000")]
    {
        maker.send(trading::CreateOrder::limit("btczar", side, dec("0.01"), dec(price))).await.unwrap();
    }
    taker.send(trading::CreateOrder::limit("btczar", Side::Buy, dec("0.004"), dec("800000"))).await.unwrap();
    taker.send(trading::CreateOrder::limit("btczar", Side::Sell, dec("0.01"), dec("790000"))).await.unwrap();
    let trades = until(|| async {
        let trades = taker.send(public::ListTrades::new("btczar")).await.unwrap();
        Some(trades).filter(|trades| trades.len() == 2)
    })
    .await;
    let newest = &trades.items[0];
    assert_eq!((newest.price, newest.amount, newest.total), (dec("790000"), dec("0.01"), Some(dec("7900"))));
    assert_eq!(newest.taker_type, Some(Side::Sell));
    let oldest_first =
        taker.send(public::ListTrades::new("btczar").order_by(Direction::Ascending).limit(1)).await.unwrap();
    assert_eq!(oldest_first.items[0].price, dec("800000"));

    let depth = taker.send(public::GetDepth::new("btczar")).await.unwrap();
    assert_eq!(
        depth.asks,
        [Level::new(dec("800000"), dec("0.006")), Level::new(dec("800500.5"), dec("0.01"))]
    );
    assert_eq!(depth.bids, [Level::new(dec("789000"), dec("0.01"))]);
    assert_eq!(taker.send(public::GetDepth::new("btczar").limit(1)).await.unwrap().asks.len(), 1);

    let ticker = taker.send(public::GetTicker::new("btczar")).await.unwrap();
    let figures = &ticker.ticker;
    assert_eq!(
        [figures.open, figures.high, figures.low, figures.last],
        ["800000", "800000", "790000", "790000"].map(|price| Some(dec(price)))
    );
    assert_eq!(
        (figures.amount, figures.volume),
        (Some(dec("0.014")), Some(dec("11100"))),
        "amount is in base currency, volume in quote currency"
    );
    assert_eq!(figures.price_change(), Some(dec("-1.25")));
    let all = taker.send(public::ListTickers::new()).await.unwrap();
    assert_eq!((all.len(), &all.get("btczar").unwrap().ticker.last), (4, &figures.last));

    let candles = taker.send(public::ListCandles::new("btczar").period(Period::OneHour)).await.unwrap();
    let last = candles.last().unwrap();
    assert_eq!((last.low, last.close), (dec("790000"), dec("790000")));
    let volume: capecrypto_models::Decimal = candles.iter().map(|candle| candle.volume).sum();
    assert_eq!(volume, dec("0.014"));
    let from = newest.created_at.checked_add(std::time::Duration::from_secs(86_400)).unwrap();
    let later = taker.send(public::ListCandles::new("btczar").time_from(from)).await.unwrap();
    assert!(later.is_empty());
    assert!(taker.send(public::ListTrades::new("btczar").time_from(from)).await.unwrap().is_empty());
}
