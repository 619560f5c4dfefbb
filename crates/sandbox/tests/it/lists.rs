//! Lists: paging headers, filters, limits.

use crate::client::{Exchange, limit, market};
use serde_json::{Value, json};

fn ids(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn orders_are_listed_by_their_last_change() {
    let exchange = Exchange::start().await;
    let mut placed = Vec::new();
    let start_ms = exchange.control.now_ms();
    for volume in ["0.001", "0.002", "0.003", "0.004"] {
        placed.push(exchange.place("maker", limit("sell", volume, "800000")).await);
        exchange.control.advance_clock(1_000);
    }
    let [a, b, c, d] = placed[..] else { panic!("{placed:?}") };
    exchange.post_as("maker", &format!("/market/orders/{b}/cancel"), &json!({})).await.expect(201);
    exchange.order_in("maker", b, |state| state == "cancel").await;
    let list = async |query: &str| {
        ids(&exchange.get_as("maker", &format!("/market/orders?{query}")).await.expect(200))
    };
    assert_eq!(list("").await, [b, d, c, a]);
    assert_eq!(list("order_by=asc").await, [a, c, d, b]);
    assert_eq!(list("state=cancel").await, [b]);
    assert_eq!(list("state[]=wait&state%5B%5D=cancel&limit=3").await, [b, d, c]);
    assert_eq!(list("limit=3&page=2").await, [a]);
    assert_eq!(list("limit=2&page=0").await, [b, d], "page 0 is page 1");
    assert!(list("limit=0").await.is_empty());
    assert!(list("page=99999999999999999999999").await.is_empty());
    assert_eq!(
        list("market=btczar&base_unit=btc&quote_unit=zar&type=sell&ord_type=limit&state=wait").await,
        [d, c, a]
    );
    assert!(list("type=buy").await.is_empty());
    assert!(list("market=ethzar").await.is_empty());
    // The filter compares the time of creation, in milliseconds; the start is included, the end is not.
    let (_, created) = (start_ms, exchange.order_in("maker", c, |_| true).await);
    let at: jiff::Timestamp = created["created_at"].as_str().unwrap().parse().unwrap();
    let at_ms = at.as_millisecond();
    assert_eq!(list(&format!("time_from={}", at_ms + 1_000)).await, [d]);
    assert_eq!(list(&format!("time_to={at_ms}")).await, [b, a]);
    let answer = exchange.get_as("maker", "/market/orders?limit=2").await;
    assert_eq!((answer.headers["page"].as_str(), answer.headers["per-page"].as_str()), ("1", "2"));
    assert_eq!(answer.headers["total"], "4", "the documents promise a total with every list");
    let wanted = exchange.get_as("maker", "/market/orders?state=wait&limit=1").await;
    assert_eq!(wanted.headers["total"], "3", "the total counts the rows that match the filter");
}

#[tokio::test]
async fn own_trades_are_listed_newest_first() {
    let exchange = Exchange::start().await;
    let resting = exchange.place("maker", limit("sell", "0.01", "800000")).await;
    let first = exchange.place("taker", market("buy", "0.001")).await;
    let second = exchange.place("taker", market("buy", "0.002")).await;
    let answer = exchange.get_as("taker", "/market/trades?limit=1").await;
    assert_eq!(
        [&answer.headers["total"], &answer.headers["per-page"], &answer.headers["page"]],
        ["2", "1", "1"]
    );
    assert_eq!(answer.headers["per-page"], "1");
    let newest = answer.expect(200);
    assert_eq!(newest[0]["order_id"].as_u64(), Some(second));
    assert!(newest[0]["id"].is_u64());
    let of_order = exchange.get_as("taker", &format!("/market/trades?order_id={first}")).await.expect(200);
    let expected = json!([{
        "id": 1, "price": "800000.0", "amount": "0.001", "total": "800.0", "market": "btczar",
        "created_at": of_order[0]["created_at"], "taker_type": "buy", "side": "buy", "fee_currency": "btc",
        "fee": "0.002", "fee_amount": "0.000002", "order_id": first
    }]);
    assert_eq!(of_order, expected);
    let makers = exchange.get_as("maker", "/market/trades?order_by=asc&type=sell").await.expect(200);
    assert_eq!(makers.as_array().unwrap().len(), 2);
    assert_eq!(
        (makers[0]["order_id"].as_u64(), makers[0]["fee_amount"].as_str()),
        (Some(resting), Some("0.8"))
    );
    assert_eq!(exchange.get_as("maker", "/market/trades?order_id=99").await.expect(200), json!([]));
    assert_eq!(exchange.get_as("merchant", "/market/trades").await.expect(200), json!([]));
}

#[tokio::test]
async fn balances_page_and_filter() {
    let exchange = Exchange::start().await;
    let answer = exchange.get_as("maker", "/account/balances?limit=2&page=3").await;
    assert_eq!(answer.headers["total"], "8");
    assert_eq!(
        answer.expect(200),
        json!([
            {"currency": "zar", "balance": "50000000.0", "locked": "0.0"},
            {"currency": "eur", "balance": "0.0", "locked": "0.0"}
        ])
    );
    let all = exchange.get_as("maker", "/account/balances?nonzero=true").await.expect(200);
    assert_eq!(all.as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn wrong_filters_have_their_codes() {
    let exchange = Exchange::start().await;
    for (path, refusal) in [
        ("/market/orders?limit=1001", "422 market.order.invalid_limit"),
        ("/market/orders?limit=-1", "422 market.order.invalid_limit"),
        ("/market/orders?limit=1.5", "422 market.order.non_integer_limit"),
        ("/market/orders?page=two", "422 market.order.non_integer_page"),
        ("/market/orders?state=open", "422 market.order.invalid_state"),
        ("/market/orders?state[]=wait&state[]=x", "422 market.order.invalid_state"),
        ("/market/orders?order_by=up", "422 market.order.invalid_order_by"),
        ("/market/orders?ord_type=stop", "422 market.order.invalid_ord_type"),
        ("/market/orders?type=hold", "422 market.order.invalid_type"),
        ("/market/orders?time_from=", "422 market.order.empty_time_from"),
        ("/market/orders?time_to=1.5", "422 market.order.non_integer_time_to"),
        ("/market/orders?market=nozar", "422 market.market.doesnt_exist"),
        ("/market/orders?base_unit=x", "422 market.market.doesnt_exist"),
        ("/market/orders?limit=x&state=y", "422 market.order.invalid_state,market.order.non_integer_limit"),
        ("/market/trades?limit=0", "422 market.trade.invalid_limit"),
        ("/market/trades?limit=x", "422 market.trade.non_integer_limit"),
        ("/market/trades?order_by=up", "422 market.trade.invalid_order_by"),
        ("/market/trades?type=x", "422 market.trade.invalid_type"),
        ("/market/trades?time_from=x", "422 market.trade.non_integer_time_from"),
        ("/market/trades?order_id=x", "422 sandbox.trade.non_integer_order_id"),
        ("/market/trades?market=nozar", "422 market.market.doesnt_exist"),
        ("/account/balances?limit=0", "422 pagination.invalid_limit"),
        ("/account/balances?nonzero=maybe", "422 sandbox.balance.invalid_nonzero"),
        ("/account/balances/doge", "422 account.currency.doesnt_exist"),
    ] {
        assert_eq!(exchange.get_as("maker", path).await.refusal(), refusal, "{path}");
    }
}
