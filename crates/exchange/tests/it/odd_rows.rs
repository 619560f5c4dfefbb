//! One odd row does not hide the others, and is reported.

use crate::dec;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::{account, public, trading};
use capecrypto_rest::{Client, Endpoint, Kind};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

async fn answer<E: Endpoint>(body: &str, request: E) -> Result<E::Response, capecrypto_rest::Error> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(body)).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let client = Client::builder(Environment::local(&server.uri()).unwrap()).credentials(credentials);
    client.build().unwrap().send(request).await
}

fn market(id: &str, name: &str, max_price: &str, precision: &str) -> String {
    format!(
        r#"{{"id":"{id}","name":"{name}","base_unit":"btc","quote_unit":"zar","min_price":"1","max_price":"{max_price}","min_amount":"0.0001","amount_precision":5,"price_precision":{precision},"state":"enabled"}}"#
    )
}

#[tokio::test]
async fn a_market_can_be_read_beside_one_that_cannot() {
    let good = market("btczar", "A", "0", "2");
    for (odd, path) in [
        (market("币安人生zar", "A", "0", "2"), "id"),
        (market("usd.ezar", "A", "0", "2"), "id"),
        (market("a", "A", "0", "-2"), "price_precision"),
        (market("a", r"\ud83d", "0", "2"), "name"),
        (market("a", "A", "1000000000000000000000000000000", "2"), "max_price"),
        ("null".to_owned(), "."),
    ] {
        for (list, index) in [(format!("[{good},{odd}]"), 1), (format!("[{odd},{good}]"), 0)] {
            let page = answer(&list, public::ListMarkets::new()).await.unwrap();
            assert_eq!((page.len(), page[0].id.as_str()), (1, "btczar"), "{odd}");
            let [row] = &page.unreadable[..] else { panic!("{odd}: {:?}", page.unreadable) };
            assert_eq!((row.index, row.path.as_str()), (index, path), "{row}");
            assert!(!row.to_string().contains("币安") && !row.why.is_empty(), "{row}");
        }
    }
}

#[tokio::test]
async fn every_list_keeps_its_readable_rows() {
    let balances = r#"[{"currency":"zar","balance":"1","locked":"0"},{"currency":"usd.e","balance":"0","locked":"0"},{"currency":"btc","balance":"2","locked":"0","available":"7"}]"#;
    let page = answer(balances, account::ListBalances::new()).await.unwrap();
    assert_eq!((page.len(), page.unreadable.len()), (1, 2));
    assert_eq!(page[0].available(), dec("1"));

    let candles = r#"[[1700000000,"1","2","1","2","3"],[1700000060,null,null,null,null,null],[1700000120,1,2,1,2,3,"more"],[1700000180,"1","2","1","2","0.12345678901234567890123456789"]]"#;
    let page = answer(candles, public::ListCandles::new("btczar")).await.unwrap();
    assert_eq!(
        page.iter().map(|candle| candle.opened_at.as_unix_seconds()).collect::<Vec<_>>(),
        [1_700_000_000, 1_700_000_120]
    );
    assert_eq!(page.unreadable.iter().map(|row| row.index).collect::<Vec<_>>(), [1, 3]);

    let order = |id: &str, price: &str| {
        format!(
            r#"{{"id":{id},"market":"btczar","side":"buy","ord_type":"limit","price":"{price}","avg_price":"0","state":"wait","created_at":"2023-12-08T08:46:59Z","updated_at":"2023-12-08T08:46:59Z","origin_volume":"1","remaining_volume":"1","executed_volume":"0","trades_count":0}}"#
        )
    };
    let orders = format!("[{},{}]", order("1", "1"), order("2", "many"));
    let cancelled = answer(&orders, trading::CancelOrders::everything()).await.unwrap();
    assert_eq!((cancelled.len(), cancelled.unreadable.len()), (1, 1));
    assert_eq!(answer(&orders, trading::ListOrders::new()).await.unwrap().unreadable[0].path, "price");

    let trades = r#"[{"id":1,"market":"btczar","price":"1","amount":"1","created_at":1702021619},{"id":2,"market":"btczar","price":"1","created_at":1702021619}]"#;
    assert_eq!(answer(trades, trading::ListTrades::new()).await.unwrap().unreadable.len(), 1);
    assert_eq!(answer(trades, public::ListTrades::new("btczar")).await.unwrap().unreadable.len(), 1);
}

#[tokio::test]
async fn tickers_keep_the_readable_ones_by_name_and_as_a_list() {
    let good = r#"{"at":1702021619,"ticker":{"last":"7"}}"#;
    let odd = r#"{"at":1702021619,"ticker":{"last":"0.12345678901234567890123456789"}}"#;
    let named = format!(r#"{{"ethzar":{odd},"btczar":{good},"币安zar":{good}}}"#);
    let tickers = answer(&named, public::ListTickers::new()).await.unwrap();
    assert_eq!(tickers.get("btczar").unwrap().ticker.last, Some(dec("7")));
    assert_eq!((tickers.len(), tickers.unreadable.len()), (1, 2));
    let list = format!("[{good},{odd}]");
    let tickers = answer(&list, public::ListTickers::new()).await.unwrap();
    assert_eq!((tickers.len(), tickers.unreadable[0].index), (1, 1));
}

#[tokio::test]
async fn an_answer_of_another_form_is_no_empty_list() {
    for body in ["{}", "null", r#"[{"other":1}]"#, "<html></html>", r#"{"errors":["a.b"]}"#] {
        let error = answer(body, public::ListMarkets::new()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Decode, "{body}");
    }
}

#[tokio::test]
async fn more_in_a_level_than_price_and_amount_is_passed_over() {
    let depth = r#"{"timestamp":1700000000,"asks":[["2.0","1.0",3]],"bids":[["1.0","1.0",1]]}"#;
    let depth = answer(depth, public::GetDepth::new("btczar")).await.unwrap();
    assert_eq!((depth.asks[0].price, depth.bids[0].price), (dec("2"), dec("1")));
    let without_time = answer(r#"{"asks":[],"bids":[]}"#, public::GetDepth::new("btczar")).await.unwrap();
    assert_eq!(without_time.timestamp, None);
}

#[tokio::test]
async fn a_mark_before_a_body_is_passed_over() {
    let order = "\u{feff}{\"id\":1,\"market\":\"btczar\",\"side\":\"buy\",\"ord_type\":\"limit\",\"price\":\"1\",\"avg_price\":\"0\",\"state\":\"pending\",\"created_at\":\"2023-12-08T08:46:59Z\",\"updated_at\":\"2023-12-08T08:46:59Z\",\"origin_volume\":\"1\",\"remaining_volume\":\"1\",\"executed_volume\":\"0\",\"trades_count\":0}";
    let place = trading::CreateOrder::limit("btczar", capecrypto_models::Side::Buy, dec("1"), dec("1"));
    assert_eq!(answer(order, place).await.unwrap().id.unwrap().get(), 1);
    answer("\u{feff}1", public::CheckHealth::new()).await.unwrap();
    assert_eq!(answer("\u{feff}[]", public::ListMarkets::new()).await.unwrap().len(), 0);
}
