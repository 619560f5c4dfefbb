//! Lists over a span of time, window by window.

use crate::calls::{TRADE, client, client_with_clock, millis};
use capecrypto_auth::Clock;
use capecrypto_models::Timestamp;
use capecrypto_rest::{
    Client, Kind, Outcome, Page, Paged, Paging, SetPage, SetTimes, Span, TimeRange, Windowed, endpoints,
    request,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde::Deserialize;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

endpoints! { TRADE public; hints crate::hints::hint; probe crate::probe::Probe;
    GET "/events" ListEvents -> Page<Event>, paged unreviewed("the tests look at the rows");
    GET "/notes"  ListNotes  -> Page<Event>, paged unreviewed("the tests look at the rows");
    GET "/marks"  ListMarks  -> Page<Event>, unreviewed("the tests look at the rows");
}

/// A row: its number, and its time in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
pub(crate) struct Event {
    id: u64,
    at: i64,
}

request! {
    /// A list that the server selects by time.
    #[derive(Default)]
    pub(crate) struct ListEvents {}
    optional {
        /// Oldest first.
        ascending: bool,
    }
    pages Paging<100>, "10 when left out";
    times TimeRange;
}

impl Paged for ListEvents {
    type Row = Event;
    type Key = u64;
    fn key(row: &Event) -> u64 {
        row.id
    }
}

impl Windowed for ListEvents {
    fn window(&self) -> Duration {
        Duration::from_secs(100)
    }
    fn oldest_first(&self) -> bool {
        self.ascending == Some(true)
    }
    fn time(row: &Event) -> Option<Timestamp> {
        Some(millis(row.at))
    }
}

request! {
    /// A list that the server cannot select by time.
    #[derive(Default)]
    pub(crate) struct ListNotes {}
    pages Paging<100>, "10 when left out";
}

impl SetTimes for ListNotes {
    fn set_times(&mut self, _: Timestamp, _: Timestamp) {}
    fn has_times(&self) -> bool {
        false
    }
}

impl Paged for ListNotes {
    type Row = Event;
    type Key = u64;
    fn key(row: &Event) -> u64 {
        row.id
    }
}

impl Windowed for ListNotes {
    const SERVER_SELECTS: bool = false;
    fn window(&self) -> Duration {
        Duration::from_secs(1)
    }
    fn oldest_first(&self) -> bool {
        false
    }
    fn time(row: &Event) -> Option<Timestamp> {
        Some(millis(row.at))
    }
}

request! {
    /// A list without pages.
    #[derive(Default)]
    pub(crate) struct ListMarks {}
    times TimeRange;
}

impl SetPage for ListMarks {
    fn set_page(&mut self, _: u32) {}
}

impl Paged for ListMarks {
    type Row = Event;
    type Key = u64;
    const ONE_PAGE: bool = true;
    fn key(row: &Event) -> u64 {
        row.id
    }
}

impl Windowed for ListMarks {
    fn window(&self) -> Duration {
        Duration::from_secs(100)
    }
    fn oldest_first(&self) -> bool {
        true
    }
    fn time(row: &Event) -> Option<Timestamp> {
        Some(millis(row.at))
    }
}

/// A server with these rows. With each answer, one more comes in at the newest time.
#[derive(Debug, Clone)]
struct Server {
    rows: Arc<Mutex<Vec<Event>>>,
    end_included: bool,
    page_size: usize,
    grows: bool,
    ignores_times: bool,
}

impl Respond for Server {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let number = |name: &str| {
            request
                .url
                .query_pairs()
                .find(|(key, _)| key == name)
                .and_then(|(_, value)| value.parse::<i64>().ok())
        };
        let (from, to) = (number("time_from").unwrap_or(i64::MIN), number("time_to").unwrap_or(i64::MAX));
        let ascending = request.url.query().unwrap_or_default().contains("ascending=true");
        let mut rows = self.rows.lock().unwrap();
        let wanted = |row: &&Event| {
            self.ignores_times || (row.at >= from && (row.at < to || (self.end_included && row.at == to)))
        };
        let mut found: Vec<Event> = rows.iter().filter(wanted).copied().collect();
        found.sort_by_key(|row| (row.at, row.id));
        if !ascending {
            found.reverse();
        }
        let skip = (number("page").unwrap_or(1) as usize - 1) * self.page_size;
        let shown: Vec<Event> = found.into_iter().skip(skip).take(self.page_size).collect();
        if self.grows {
            let newest = rows.iter().map(|row| row.at).max().unwrap_or_default();
            let id = 1_000_000 + rows.len() as u64;
            rows.push(Event { id, at: newest });
        }
        ResponseTemplate::new(200)
            .set_body_json(shown)
            .insert_header("per-page", self.page_size.to_string().as_str())
    }
}

fn server_with(rows: Vec<Event>) -> Server {
    Server {
        rows: Arc::new(Mutex::new(rows)),
        end_included: false,
        page_size: 10,
        grows: false,
        ignores_times: false,
    }
}

async fn start(answer: impl Respond + 'static) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = client(&server);
    (server, client)
}

fn seconds(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds).unwrap()
}

/// A row each second, from 1,000 s on.
fn each_second(count: u64) -> Vec<Event> {
    (0..count).map(|id| Event { id, at: (1_000 + id as i64) * 1_000 }).collect()
}

fn ids(page: &Page<Event>) -> Vec<u64> {
    page.iter().map(|row| row.id).collect()
}

async fn queries(server: &MockServer) -> Vec<String> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| request.url.query().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn windows_come_in_the_order_of_the_list() {
    let (server, client) = start(Server { page_size: 100, ..server_with(each_second(30)) }).await;
    let span = || Span::new(seconds(1_005), seconds(1_025)).window(Duration::from_secs(8));
    let newest_first = client.items_within(ListEvents::default(), span()).try_collect().await.unwrap();
    assert_eq!(ids(&newest_first), (5..25).rev().collect::<Vec<_>>());
    assert_eq!(newest_first.total, None);
    let oldest_first =
        client.items_within(ListEvents::default().ascending(true), span()).try_collect().await.unwrap();
    assert_eq!(ids(&oldest_first), (5..25).collect::<Vec<_>>());
    assert_eq!(
        queries(&server).await,
        [
            "page=1&time_from=1017000&time_to=1025000",
            "page=1&time_from=1009000&time_to=1017000",
            "page=1&time_from=1005000&time_to=1009000",
            "ascending=true&page=1&time_from=1005000&time_to=1013000",
            "ascending=true&page=1&time_from=1013000&time_to=1021000",
            "ascending=true&page=1&time_from=1021000&time_to=1025000",
        ]
    );
}

/// Random rows, spans, windows and servers: the walk gives what the span holds, each row once, in order.
#[test]
fn each_row_of_a_span_comes_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let rows = prop::collection::vec(1_000_000_i64..1_200_000, 0..120);
    let case = (
        rows,
        950_000_i64..1_250_000,
        0_i64..300_000,
        1_000_u64..90_000,
        prop::array::uniform3(prop::bool::ANY),
    );
    let check = |(times, from, length, window, [end_included, grows, ascending]): (
        Vec<i64>,
        i64,
        i64,
        u64,
        [bool; 3],
    )| {
        let rows: Vec<Event> = times.iter().zip(0..).map(|(at, id)| Event { id, at: *at }).collect();
        let span = Span::new(millis(from), millis(from + length)).window(Duration::from_millis(window));
        let list = ListEvents::default().ascending(ascending);
        let found = runtime.block_on(async {
            let (_server, client) = start(Server { end_included, grows, ..server_with(rows.clone()) }).await;
            client.items_within(list, span).try_collect().await.unwrap().items
        });
        let mut expected: Vec<Event> =
            rows.into_iter().filter(|row| (from..from + length).contains(&row.at)).collect();
        expected.sort_by_key(|row| (row.at, row.id));
        if !ascending {
            expected.reverse();
        }
        let old: Vec<Event> = found.iter().filter(|row| row.id < 1_000_000).copied().collect();
        prop_assert_eq!(old, expected);
        let mut keys: Vec<u64> = found.iter().map(|row| row.id).collect();
        keys.sort_unstable();
        keys.dedup();
        prop_assert_eq!(keys.len(), found.len(), "a row came twice");
        let in_order = found.is_sorted_by_key(|row| if ascending { row.at } else { -row.at });
        prop_assert!(in_order, "not in order");
        Ok(())
    };
    let config = Config { cases: 150, failure_persistence: None, ..Config::default() };
    TestRunner::new(config).run(&case, check).unwrap();
}

#[tokio::test]
async fn a_row_at_a_seam_comes_once_even_if_the_server_includes_the_end() {
    // The wire cuts times to the second, so a row may belong to both windows.
    let rows = |_: &Request| {
        ResponseTemplate::new(200)
            .set_body_json([Event { id: 7, at: 1_009_000 }])
            .insert_header("per-page", "10")
    };
    let (server, client) = start(rows).await;
    let span = Span::new(millis(1_000_500), millis(1_018_500)).window(Duration::from_secs(9));
    let found = client.items_within(ListEvents::default(), span).try_collect().await.unwrap();
    assert_eq!((ids(&found), queries(&server).await.len()), (vec![7], 2));
}

#[tokio::test]
async fn a_window_that_reaches_into_the_future_is_the_newest_one() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(server_with(each_second(20))).mount(&server).await;
    let (clock, _) = Clock::manual(1_010_000);
    let client = client_with_clock(&server, clock);
    assert_eq!(client.now(), seconds(1_010));
    let span = || Span::new(seconds(1_000), seconds(1_050)).window(Duration::from_secs(8));
    for list in [ListEvents::default(), ListEvents::default().ascending(true)] {
        assert_eq!(client.items_within(list, span()).try_collect().await.unwrap().len(), 20);
    }
    let times = |query: &String| query.split_once("time_from=").unwrap().1.to_owned();
    let mut windows: Vec<String> = queries(&server).await.iter().map(times).collect();
    windows.dedup();
    assert_eq!(
        windows,
        [
            "1002000&time_to=1050000",
            "1000000&time_to=1002000",
            "1000000&time_to=1008000",
            "1008000&time_to=1050000",
        ]
    );
}

#[tokio::test]
async fn an_empty_span_needs_no_request_and_a_wrong_one_is_refused_with_all_problems() {
    let (server, client) = start(server_with(each_second(3))).await;
    let none = client
        .items_within(ListEvents::default(), seconds(1_000)..seconds(1_000))
        .try_collect()
        .await
        .unwrap();
    assert!(none.is_empty());
    let wrong = Span::new(seconds(2), seconds(1)).window(Duration::from_millis(999));
    let mut rows = client.items_within(ListEvents::default().time_from(seconds(1)), wrong);
    let error = rows.try_next().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
    assert_eq!(error.call().unwrap().name, "ListEvents");
    let told: Vec<_> = error.arguments().iter().map(|argument| &*argument.argument).collect();
    assert_eq!(told, ["span", "span.window", "time_from, time_to"]);
    assert!(rows.try_next().await.unwrap().is_none());
    assert!(queries(&server).await.is_empty());
}

#[tokio::test]
async fn a_server_that_ignores_the_times_is_an_error_and_no_gap() {
    let (_server, client) = start(Server { ignores_times: true, ..server_with(each_second(40)) }).await;
    let span = Span::new(seconds(1_000), seconds(1_040)).window(Duration::from_secs(20));
    for list in [ListEvents::default(), ListEvents::default().ascending(true)] {
        let error = client.items_within(list, span).try_collect().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Mismatch);
        assert!(error.to_string().contains("ignores the range of time"), "{error}");
    }
}

#[tokio::test]
async fn a_list_that_the_server_cannot_select_is_selected_here() {
    let (server, client) = start(server_with(each_second(40))).await;
    let found = client
        .items_within(ListNotes::default(), seconds(1_010)..seconds(1_030))
        .try_collect()
        .await
        .unwrap();
    assert_eq!(ids(&found), (10..30).rev().collect::<Vec<_>>());
    assert_eq!(queries(&server).await, ["page=1", "page=2", "page=3", "page=4", "page=5"]);
}

#[tokio::test]
async fn a_list_without_pages_needs_one_request_for_each_window() {
    let (server, client) = start(Server { page_size: 1_000, ..server_with(each_second(300)) }).await;
    let found = client
        .items_within(ListMarks::default(), seconds(1_000)..seconds(1_300))
        .try_collect()
        .await
        .unwrap();
    assert_eq!((found.len(), queries(&server).await.len()), (300, 3), "a window has 100 seconds");
}

#[tokio::test]
async fn rows_that_cannot_be_read_are_told_once_and_end_nothing() {
    let answer = |request: &Request| {
        let first = request.url.query().unwrap_or_default().contains("time_from=1000000");
        let rows = if first { r#"[{"id":1,"at":1000000},{"id":"x"}]"# } else { r#"[{"id":"x"}]"# };
        ResponseTemplate::new(200).set_body_string(rows).insert_header("per-page", "10")
    };
    let (_server, client) = start(answer).await;
    let span = Span::new(seconds(1_000), seconds(1_020)).window(Duration::from_secs(10));
    let found = client.items_within(ListEvents::default().ascending(true), span).try_collect().await.unwrap();
    assert_eq!((ids(&found), found.unreadable.len()), (vec![1], 1));
}
