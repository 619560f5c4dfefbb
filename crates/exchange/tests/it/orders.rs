use crate::{client, dec, until};
use capecrypto_exchange::{account, trading};
use capecrypto_models::{Order, OrderKey, OrderState, OrderType, Side};
use capecrypto_rest::{Client, Kind, Outcome};
use capecrypto_sandbox::{Fault, FaultKind, Sandbox};

async fn order_in_state(client: &Client, key: &OrderKey, state: OrderState) -> Order {
    until(|| async {
        let order = client.send(trading::GetOrder::new(key.clone())).await.unwrap();
        Some(order).filter(|order| order.state == state)
    })
    .await
}

#[tokio::test]
async fn a_limit_order_rests_trades_and_settles() {
    let sandbox = Sandbox::start().await.unwrap();
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    let zar_before = maker.send(account::GetBalance::new("zar")).await.unwrap();

    let sell = trading::CreateOrder::limit("btczar", Side::Sell, dec("0.002"), dec("800000"))
        .custom_order_id("mine-1");
    let placed = maker.send(sell).await.unwrap();
    assert_eq!(
        (placed.state.clone(), placed.custom_order_id.as_deref()),
        (OrderState::Pending, Some("mine-1"))
    );
    let key = placed.key().unwrap();
    order_in_state(&maker, &key, OrderState::Wait).await;
    let btc = maker.send(account::GetBalance::new("btc")).await.unwrap();
    assert_eq!(btc.locked(), dec("0.002"));

    let bought = taker.send(trading::CreateOrder::market("btczar", Side::Buy, dec("0.0005"))).await.unwrap();
    let bought = order_in_state(&taker, &bought.key().unwrap(), OrderState::Done).await;
    assert_eq!((bought.ord_type, bought.price, bought.trades.len()), (OrderType::Market, None, 1));
    let resting = order_in_state(&maker, &key, OrderState::Wait).await;
    assert_eq!((resting.executed_volume, resting.remaining_volume), (dec("0.0005"), dec("0.0015")));
    assert_eq!(resting.filled_fraction(), Some(dec("0.25")));

    let trades = maker
        .items(trading::ListTrades::new().market("btczar").order_id(placed.id.unwrap()))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(trades.len(), 1);
    let trade = &trades[0];
    assert_eq!(
        (trade.total, trade.fee, trade.fee_amount),
        (Some(dec("400")), Some(dec("0.001")), Some(dec("0.4")))
    );
    assert_eq!((trade.is_maker(), trade.fee_currency.as_ref().unwrap().as_str()), (Some(true), "zar"));
    let zar = maker.send(account::GetBalance::new("zar")).await.unwrap();
    assert_eq!(zar.total() - zar_before.total(), dec("399.6"));

    // Cancelling an order that is already cancelled is no error.
    for _ in 0..2 {
        maker.send(trading::CancelOrder::new(key.clone())).await.unwrap();
        let ended = order_in_state(&maker, &key, OrderState::Cancel).await;
        assert!(ended.is_final());
    }
    let btc = maker.send(account::GetBalance::new("btc")).await.unwrap();
    assert_eq!(btc.locked(), dec("0"));
}

#[tokio::test]
async fn refusals_are_known_to_have_done_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    let limit = |volume: &str, price: &str| {
        trading::CreateOrder::limit("btczar", Side::Sell, dec(volume), dec(price))
    };
    let ask = maker.send(limit("0.01", "800000")).await.unwrap();
    order_in_state(&maker, &ask.key().unwrap(), OrderState::Wait).await;
    let crossing =
        trading::CreateOrder::limit("btczar", Side::Buy, dec("0.01"), dec("900000")).post_only(true);
    for (order, code) in [
        (crossing, "sandbox.order.post_only_would_match"),
        (limit("0.000000001", "800000"), "market.order.invalid_volume_or_price"),
        (limit("0.01", "800000.001"), "market.order.invalid_volume_or_price"),
        (limit("0.01", "1"), "market.order.invalid_volume_or_price"),
        (limit("1000000", "800000"), "market.account.insufficient_balance"),
        (
            trading::CreateOrder::market("btczar", Side::Buy, dec("1000")),
            "market.order.insufficient_market_liquidity",
        ),
        (
            trading::CreateOrder::market("nosuch", Side::Buy, dec("1")),
            "market.market.doesnt_exist_or_not_enabled",
        ),
    ] {
        let error = taker.send(order.clone()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome(), error.status()),
            (Kind::Refused, Outcome::Refused, Some(422)),
            "{error}"
        );
        assert!(error.has_code(code), "{order:?}: {error}");
        assert!(error.hint().is_some(), "{code} has no hint");
    }
    assert!(taker.send(trading::ListOrders::new()).await.unwrap().is_empty(), "nothing was placed");
    let error = taker.send(trading::GetOrder::new(ask.key().unwrap())).await.unwrap_err();
    assert!(error.is_not_found() && error.has_code("record.not_found"), "another account's order: {error}");
    let error = maker.send(trading::CancelOrder::new("not-an-id")).await.unwrap_err();
    assert!(error.has_code("market.order.invaild_id_or_uuid"), "{error}");
}

#[tokio::test]
async fn cancelling_all_takes_what_was_asked_for_and_nothing_else() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let mut keys = Vec::new();
    for (market, side, volume, price) in [
        ("btczar", Side::Sell, "0.01", "800000"),
        ("btczar", Side::Buy, "0.01", "700000"),
        ("ethzar", Side::Sell, "0.1", "50000"),
        ("ethzar", Side::Buy, "0.1", "40000"),
    ] {
        let order =
            client.send(trading::CreateOrder::limit(market, side, dec(volume), dec(price))).await.unwrap();
        order_in_state(&client, &order.key().unwrap(), OrderState::Wait).await;
        keys.push(order.key().unwrap());
    }
    let gone = client.send(trading::CancelOrders::in_market("btczar").side(Side::Sell)).await.unwrap();
    assert_eq!(gone.iter().filter_map(Order::key).collect::<Vec<_>>(), keys[..1]);
    order_in_state(&client, &keys[0], OrderState::Cancel).await;
    assert_eq!(client.send(trading::ListOrders::new().state(OrderState::Wait)).await.unwrap().len(), 3);
    let gone = client.send(trading::CancelOrders::everything()).await.unwrap();
    assert_eq!(gone.len(), 3);
    for key in &keys {
        order_in_state(&client, key, OrderState::Cancel).await;
    }
    assert!(client.send(trading::CancelOrders::everything()).await.unwrap().is_empty());
}

#[tokio::test]
async fn history_is_walked_over_several_pages() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let mut placed = Vec::new();
    for step in 0..23 {
        let price = dec("700000") + dec("100") * capecrypto_models::Decimal::from(step);
        let order =
            client.send(trading::CreateOrder::limit("btczar", Side::Buy, dec("0.001"), price)).await.unwrap();
        placed.push(order.id.unwrap());
    }
    let mut walked: Vec<_> = client
        .items(trading::ListOrders::new().limit(5))
        .try_collect()
        .await
        .unwrap()
        .into_iter()
        .map(|order| order.id.unwrap())
        .collect();
    walked.sort_unstable();
    assert_eq!(walked, placed);
    let mut pages = client.pages(trading::ListOrders::new().market("btczar").limit(10));
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!((first.len(), first.total), (10, Some(23)), "the documents promise the total");
    let none = client.send(trading::ListOrders::new().market("ethzar")).await.unwrap();
    assert!(none.is_empty());
}

#[tokio::test]
async fn an_order_is_found_by_the_moment_before_it_was_sent() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    for _ in 0..5 {
        let before = capecrypto_models::Timestamp::from_unix_millis(sandbox.control().now_ms()).unwrap();
        let placed = client
            .send(trading::CreateOrder::limit("btczar", Side::Buy, dec("0.001"), dec("700000")))
            .await
            .unwrap();
        // The exchange sends the order's time in whole seconds, so it can seem older than `before`.
        let found = client.items(trading::ListOrders::new().time_from(before)).try_collect().await.unwrap();
        assert!(found.iter().any(|order| order.id == placed.id), "{before} {found:?}");
        sandbox.control().advance_clock(137);
    }
}

#[tokio::test]
async fn balances_and_acting_for_oneself() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "taker");
    let page = client.send(account::ListBalances::new()).await.unwrap();
    assert_eq!((page.len(), page.total), (8, Some(8)));
    let ledger = sandbox.control().ledger();
    for balance in &page {
        let entry = ledger.entry("taker", balance.currency.as_str()).unwrap();
        assert_eq!((balance.available(), balance.locked()), (entry.available, entry.locked));
    }
    let uid = &sandbox.account("taker").unwrap().uid;
    assert_eq!(client.acting_as(uid).send(account::ListBalances::new()).await.unwrap(), page);
    let other = &sandbox.account("maker").unwrap().uid;
    let error = client.acting_as(other).send(account::ListBalances::new()).await.unwrap_err();
    assert!(error.is_auth() && error.has_code("authz.invalid_permission"), "{error}");
    assert!(client.send(account::GetBalance::new("nosuch")).await.is_err());
}

#[tokio::test]
async fn an_order_with_an_unknown_outcome_is_found_again_by_its_intent() {
    let sandbox = Sandbox::start().await.unwrap();
    let maker = client(&sandbox, "maker");
    let gateway = |status| {
        let body = format!("<html><h1>{status}</h1></html>");
        FaultKind::AnswerAfterApply { status, body, content_type: Some("text/html".to_owned()) }
    };
    // The exchange places the order, but its answer is lost.
    for fault in [FaultKind::ResetAfterApply, gateway(502), gateway(503), gateway(504), gateway(429)] {
        found_again(&sandbox, &maker, fault).await;
    }
}

async fn found_again(sandbox: &Sandbox, maker: &Client, fault: FaultKind) {
    sandbox.control().inject(Fault::next(fault).on("POST", "/market/orders"));
    let sell = trading::CreateOrder::limit("btczar", Side::Sell, dec("0.002"), dec("800000"));
    let name = sell.name().unwrap().as_str().to_owned();
    let error = maker.send(sell).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    let open = maker.intents().open().await.unwrap();
    assert_eq!((open.len(), open[0].call(), Some(open[0].id())), (1, "CreateOrder", error.intent()));
    assert_eq!(open[0].argument("custom_order_id"), Some(name.clone()));
    assert_eq!(open[0].argument("price").as_deref(), Some("800000"));
    let orders = maker.send(trading::ListOrders::new()).await.unwrap();
    assert!(orders.iter().any(|order| order.custom_order_id.as_deref() == Some(name.as_str())));
    maker.intents().close(open[0].id(), "found").await.unwrap();
    maker.send(trading::CancelOrders::in_market("btczar")).await.unwrap();
    assert!(maker.intents().open().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_order_with_an_unknown_outcome_is_found_by_its_name() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let order = |market| trading::CreateOrder::limit(market, Side::Buy, dec("0.001"), dec("700000"));
    let (lost, other) = (order("btczar"), order("btczar").custom_order_id("mine"));
    let sent_at = client.now();
    client.send(other.clone()).await.unwrap();
    sandbox.control().inject(Fault::next(FaultKind::ResetAfterApply).on("POST", "/market/orders"));
    let error = client.send(lost.clone()).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown);
    let found = lost.find(&client, sent_at).await.unwrap();
    assert_eq!((found.len(), found.total), (1, None));
    assert!(found[0].is_named(lost.name().unwrap()) && found[0].market == "btczar");
    // After a restart only the name is known.
    let again = order("btczar").custom_order_id("mine").find(&client, sent_at).await.unwrap();
    assert!(again.len() == 1 && again[0].is_named(other.name().unwrap()));
    for never_placed in [order("btczar"), order("ethzar").custom_order_id("mine")] {
        let found = never_placed.find(&client, sent_at).await.unwrap();
        assert!(found.is_empty() && found.unreadable.is_empty());
    }
    let later = sent_at.checked_add(std::time::Duration::from_secs(3_600)).unwrap();
    assert!(lost.find(&client, later).await.unwrap().is_empty(), "the search has a start");
    let unsendable = order("btczar").custom_order_id("").find(&client, sent_at).await.unwrap_err();
    assert_eq!((unsendable.kind(), unsendable.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
}
