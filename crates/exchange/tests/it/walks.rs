//! Histories and candles over a span of time.

use crate::{client, dec, until};
use capecrypto_auth::{Clock, Environment};
use capecrypto_exchange::args::Direction;
use capecrypto_exchange::public::{self, CandleWalk, ListCandles};
use capecrypto_exchange::{account, trading};
use capecrypto_models::{Period, Side, Timestamp};
use capecrypto_rest::{Client, Kind, Span, Windowed};
use capecrypto_sandbox::Sandbox;
use std::time::Duration;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const MINUTE: i64 = 60;

/// A sandbox in which two accounts trade once at each of these minutes, counted from the first whole hour.
async fn traded_at(minutes: &[i64]) -> (Sandbox, Client, Timestamp) {
    let sandbox = Sandbox::start().await.unwrap();
    let control = sandbox.control();
    let (maker, taker) = (client(&sandbox, "maker"), client(&sandbox, "taker"));
    let hour_ms = 60 * MINUTE * 1_000;
    let start_ms = (control.now_ms() / hour_ms + 1) * hour_ms;
    for (count, minute) in minutes.iter().enumerate() {
        control.advance_clock(start_ms + minute * MINUTE * 1_000 - control.now_ms());
        let price = dec("800000") + dec(&minute.to_string());
        maker.send(trading::CreateOrder::limit("btczar", Side::Sell, dec("0.001"), price)).await.unwrap();
        taker.send(trading::CreateOrder::limit("btczar", Side::Buy, dec("0.001"), price)).await.unwrap();
        until(|| async {
            let trades = maker.send(public::ListTrades::new("btczar").limit(1_000)).await.unwrap();
            (trades.len() == count + 1).then_some(())
        })
        .await;
    }
    (sandbox, maker, Timestamp::from_unix_millis(start_ms).unwrap())
}

fn minutes(start: Timestamp, minutes: u64) -> Timestamp {
    start.checked_add(Duration::from_secs(minutes * 60)).unwrap()
}

#[tokio::test]
async fn a_history_in_windows_is_the_same_as_in_one_piece() {
    let at: Vec<i64> = (0..40).map(|trade| trade * 7 % 11 + trade * 5).collect();
    let (_sandbox, maker, start) = traded_at(&at).await;
    let span = |length| Span::new(start, minutes(start, 1_000)).window(Duration::from_secs(length));
    for window in [61, 600, 3_600, 1_000_000] {
        for order in [Direction::Ascending, Direction::Descending] {
            let list = public::ListTrades::new("btczar").order_by(order).limit(3);
            same(&maker, list, span(window), 40).await;
            same(&maker, trading::ListTrades::new().order_by(order).limit(3), span(window), 40).await;
            same(
                &maker,
                account::ListTransactions::new().kind("trade").order_by(order).limit(3),
                span(window),
                40,
            )
            .await;
        }
        // Orders come by their last change, so only which ones come is compared.
        let orders =
            maker.items_within(trading::ListOrders::new(), span(window)).try_collect().await.unwrap();
        assert_eq!(orders.len(), 40);
    }
}

async fn same<E: Windowed + 'static>(client: &Client, list: E, span: Span, count: usize)
where
    E::Row: PartialEq + std::fmt::Debug,
{
    let whole = client.items(list.clone()).try_collect().await.unwrap().items;
    let walked = client.items_within(list, span).try_collect().await.unwrap().items;
    assert_eq!(whole.len(), count);
    assert_eq!(walked, whole);
}

#[tokio::test]
async fn a_span_ends_before_its_end() {
    let (_sandbox, maker, start) = traded_at(&[0, 1, 2, 3]).await;
    let span = minutes(start, 1)..minutes(start, 3);
    let trades =
        maker.items_within(public::ListTrades::new("btczar"), span.clone()).try_collect().await.unwrap();
    assert_eq!(trades.iter().map(|trade| trade.price).collect::<Vec<_>>(), [dec("800002"), dec("800001")]);
    let own = maker.items_within(trading::ListTrades::new(), span.clone()).try_collect().await.unwrap();
    assert_eq!(own.len(), 2);
    // The exchange includes both ends of this list.
    let history =
        maker.items_within(account::ListTransactions::new().kind("trade"), span).try_collect().await.unwrap();
    assert_eq!(history.len(), 2);
}

#[tokio::test]
async fn a_span_replaces_the_times_of_the_request() {
    let (_sandbox, maker, start) = traded_at(&[0]).await;
    let list = trading::ListTrades::new().time_from(start);
    let error = maker.items_within(list, start..minutes(start, 1)).try_next().await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument);
    assert!(error.to_string().contains("leave them out"), "{error}");
}

/// Opening minute, closing price, open, filled.
async fn read(mut walk: CandleWalk, start: Timestamp) -> Vec<(i64, String, bool, bool)> {
    let candles = walk.try_collect().await.unwrap();
    assert!(walk.unreadable().is_empty());
    let minute = |at: Timestamp| (at.as_unix_seconds() - start.as_unix_seconds()) / MINUTE;
    candles
        .iter()
        .map(|candle| {
            (minute(candle.opened_at), candle.close.normalize().to_string(), candle.is_open, candle.is_filled)
        })
        .collect()
}

fn row(minute: i64, price_of: i64, is_open: bool, is_filled: bool) -> (i64, String, bool, bool) {
    (minute, (800_000 + price_of).to_string(), is_open, is_filled)
}

#[tokio::test]
async fn candles_in_windows_have_no_gap_and_no_double() {
    let (sandbox, maker, start) = traded_at(&[0, 1, 2, 5, 6, 12, 13]).await;
    let expected: Vec<_> =
        [0, 1, 2, 5, 6, 12, 13].map(|minute| row(minute, minute, minute == 13, false)).into();
    for window in 1..16 {
        let span = Span::new(start, minutes(start, 30)).window(Duration::from_secs(window * 60));
        assert_eq!(read(ListCandles::new("btczar").walk(&maker, span), start).await, expected, "{window}");
        let filled = read(ListCandles::new("btczar").walk(&maker, span).fill_gaps(), start).await;
        let all: Vec<_> = [0, 1, 2, 2, 2, 5, 6, 6, 6, 6, 6, 6, 12, 13]
            .into_iter()
            .zip(0..)
            .map(|(price_of, minute)| row(minute, price_of, minute == 13, minute != price_of))
            .collect();
        assert_eq!(filled, all, "{window}");
        let closed = read(ListCandles::new("btczar").walk(&maker, span).closed_only(), start).await;
        assert_eq!(closed, expected[..6], "{window}");
    }
    let part =
        read(ListCandles::new("btczar").walk(&maker, minutes(start, 1)..minutes(start, 6)), start).await;
    assert_eq!(part, expected[1..4]);

    // Later, the last candle is closed, and periods without a trade have begun.
    sandbox.control().advance_clock(2 * MINUTE * 1_000);
    maker.send(account::ListBalances::new()).await.unwrap();
    let later = ListCandles::new("btczar").walk(&maker, minutes(start, 12)..minutes(start, 30)).fill_gaps();
    let tail = [(12, 12, false), (13, 13, false), (14, 13, false), (15, 13, true)];
    let tail = tail.map(|(minute, price_of, is_open)| row(minute, price_of, is_open, minute > 13));
    assert_eq!(read(later, start).await, tail);
}

/// A client whose clock stands at this second, for a server that gives these answers.
async fn answered(
    now: u64,
    answer: impl Fn(&Request) -> String + Send + Sync + 'static,
) -> (MockServer, Client) {
    let server = MockServer::start().await;
    let respond = move |request: &Request| ResponseTemplate::new(200).set_body_string(answer(request));
    Mock::given(any()).respond_with(respond).mount(&server).await;
    let (clock, _) = Clock::manual(now * 1_000);
    let client = Client::builder(Environment::local(&server.uri()).unwrap()).clock(clock).build().unwrap();
    (server, client)
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds).unwrap()
}

#[tokio::test]
async fn a_window_of_candles_sets_its_times_and_a_limit_above_its_length() {
    let (server, client) = answered(1_000_000_000, |_| "[[3600000,1,1,1,1,1]]".to_owned()).await;
    let span = Span::new(seconds(0), seconds(7_200_000));
    let mut walk = ListCandles::new("btczar").period(Period::OneHour).walk(&client, span);
    assert_eq!(walk.try_collect().await.unwrap().len(), 1, "it belongs to the second window");
    let long = span.window(Duration::from_secs(7_200_000));
    ListCandles::new("btczar").walk(&client, long).try_collect().await.unwrap();
    let sent = server.received_requests().await.unwrap();
    let sent: Vec<_> = sent.iter().map(|request| request.url.query().unwrap_or_default()).collect();
    assert_eq!(
        sent,
        [
            "period=60&limit=1002&time_from=0&time_to=3600000000",
            "period=60&limit=1002&time_from=3600000000&time_to=7200000000",
            "limit=10000&time_from=0&time_to=7200000000",
        ]
    );
}

#[tokio::test]
async fn beside_a_row_that_cannot_be_read_no_candle_is_made() {
    let answer = |request: &Request| {
        let query = request.url.query().unwrap_or_default();
        let candle = |second: u32| format!("[{second},1,1,1,1,1]");
        let (odd, other) = ("[180,null,1,1,1,1]", "[660,null,1,1,1,1]");
        match query {
            _ if query.contains("time_from=0") => format!("[{},{},{odd}]", candle(0), candle(120)),
            _ if query.contains("time_from=300000") => format!("[{},{}]", candle(360), candle(480)),
            _ if query.contains("time_from=600000") => format!("[{other}]"),
            _ => format!("[{}]", candle(960)),
        }
    };
    let (_server, client) = answered(10_000, answer).await;
    let span = Span::new(seconds(0), seconds(1_100)).window(Duration::from_secs(300));
    let mut walk = ListCandles::new("btczar").walk(&client, span).fill_gaps();
    let candles = walk.try_collect().await.unwrap();
    let opened: Vec<_> =
        candles.iter().map(|candle| (candle.opened_at.as_unix_seconds(), candle.is_filled)).collect();
    // 60, 180 to 300 and 540 to 900 may be rows that could not be read; the filled ones are known to have had no trade.
    assert_eq!(
        opened,
        [
            (0, false),
            (120, false),
            (360, false),
            (420, true),
            (480, false),
            (960, false),
            (1020, true),
            (1080, true)
        ]
    );
    assert_eq!(walk.unreadable().len(), 2);
}

#[tokio::test]
async fn candles_of_a_server_that_ignores_the_times_are_an_error_that_ends_the_walk() {
    let answer = |request: &Request| {
        let is_first = request.url.query().unwrap_or_default().contains("time_from=0");
        if is_first { "[[60,1,1,1,1,1]]" } else { "[[900,1,1,1,1,1]]" }.to_owned()
    };
    let (_server, client) = answered(10_000, answer).await;
    let span = Span::new(seconds(0), seconds(600)).window(Duration::from_secs(300));
    let mut walk = ListCandles::new("btczar").walk(&client, span).fill_gaps();
    assert_eq!(walk.try_next().await.unwrap().unwrap().opened_at, seconds(60));
    assert_eq!(walk.try_next().await.unwrap_err().kind(), Kind::Mismatch);
    assert_eq!(walk.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn candles_come_in_the_order_of_time_whatever_order_the_server_sends() {
    let answer = |_: &Request| "[[60,1,1,1,1,1],[180,1,1,1,1,1],[0,1,1,1,1,1]]".to_owned();
    let (_server, client) = answered(10_000, answer).await;
    let mut walk = ListCandles::new("btczar").walk(&client, seconds(0)..seconds(240)).fill_gaps();
    let candles = walk.try_collect().await.unwrap();
    let opened: Vec<_> = candles.iter().map(|candle| candle.opened_at.as_unix_seconds()).collect();
    assert_eq!(opened, [0, 60, 120, 180]);
}
