use crate::calls::{ListOrders, ListThings, Order, client};
use capecrypto_rest::{Kind, Outcome, Page, Paged};
use std::sync::Mutex;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// A list that changes between pages.
struct Shifting {
    rows: Mutex<Vec<u64>>,
    page_size: usize,
    counters: bool,
    ignores_page: bool,
    change: fn(&mut Vec<u64>, u32),
}

impl Respond for Shifting {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let page: u32 =
            request.url.query_pairs().find(|(name, _)| name == "page").unwrap().1.parse().unwrap();
        let mut rows = self.rows.lock().unwrap();
        let start = if self.ignores_page { 0 } else { (page as usize - 1) * self.page_size };
        let shown: Vec<_> =
            rows.iter().skip(start).take(self.page_size).map(|id| serde_json::json!({"id": id})).collect();
        (self.change)(&mut rows, page);
        let answer = ResponseTemplate::new(200).set_body_json(shown);
        if self.counters {
            answer
                .insert_header("per-page", self.page_size.to_string().as_str())
                .insert_header("total", rows.len().to_string().as_str())
        } else {
            answer
        }
    }
}

async fn walk(list: Shifting) -> (Vec<u64>, usize) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(list).mount(&server).await;
    let rows: Page<Order> = client(&server).items(ListOrders::default()).try_collect().await.unwrap();
    (rows.into_iter().map(|row| row.id).collect(), server.received_requests().await.unwrap().len())
}

fn list(rows: u64, page_size: usize, change: fn(&mut Vec<u64>, u32)) -> Shifting {
    Shifting {
        rows: Mutex::new((0..rows).collect()),
        page_size,
        counters: false,
        ignores_page: false,
        change,
    }
}

#[track_caller]
fn complete(mut rows: Vec<u64>, original: u64) {
    let count = rows.len();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), count, "a row came twice");
    assert!((0..original).all(|id| rows.binary_search(&id).is_ok()), "a row is missing");
}

#[tokio::test]
async fn a_list_that_stands_still() {
    for rows in [0, 1, 99, 100, 101, 1_000] {
        let (seen, _) = walk(list(rows, 100, |_, _| {})).await;
        complete(seen, rows);
    }
    let (seen, requests) = walk(Shifting { counters: true, ..list(250, 100, |_, _| {}) }).await;
    complete(seen, 250);
    assert_eq!(requests, 6, "three pages, twice, because rows may have moved meanwhile");
}

/// Walks a list of 10,000 rows that stands still, then the same list while a row is inserted at its head with each page.
/// Returns the numbers of requests.
async fn requests_still_and_growing<E: Paged<Row = Order> + Default + 'static>(counters: bool) -> [usize; 2] {
    let grow: fn(&mut Vec<u64>, u32) = |rows, _| rows.insert(0, 1_000_000 + rows.len() as u64);
    let stand: fn(&mut Vec<u64>, u32) = |_, _| {};
    let mut requests = [0, 0];
    for (count, change) in requests.iter_mut().zip([stand, grow]) {
        let server = MockServer::start().await;
        let list = Shifting { counters, ..list(10_000, 100, change) };
        Mock::given(any()).respond_with(list).mount(&server).await;
        let rows = client(&server).items(E::default()).try_collect().await.unwrap();
        complete(rows.into_iter().map(|row| row.id).collect(), 10_000);
        *count = server.received_requests().await.unwrap().len();
    }
    requests
}

#[tokio::test]
async fn a_row_inserted_with_each_page_costs_at_most_a_tenth_more_requests() {
    for counters in [false, true] {
        for [still, growing] in [
            requests_still_and_growing::<ListThings>(counters).await,
            requests_still_and_growing::<ListOrders>(counters).await,
        ] {
            println!("{still} requests for the list that stands still, {growing} for the one that grows");
            assert!(growing * 10 <= still * 11, "{still} and {growing}");
        }
    }
}

#[tokio::test]
async fn rows_that_jump_to_the_head_while_others_are_read() {
    // Reading a page moves a row from a later page to the front, so it would be lost without a second pass.
    let jump: fn(&mut Vec<u64>, u32) = |rows, page| {
        if page < 5 {
            let row = rows.remove(900);
            rows.insert(0, row);
        }
    };
    let (seen, _) = walk(list(1_000, 100, jump)).await;
    complete(seen, 1_000);
}

#[tokio::test]
async fn a_row_that_jumps_and_is_buried_under_others_that_jump_after_it() {
    let bury: fn(&mut Vec<u64>, u32) = |rows, page| {
        if page == 3 {
            let row = rows.remove(900);
            rows.insert(0, row);
            // Half of the rows that were already read change after it.
            for at in 1..150 {
                let row = rows.remove(at);
                rows.insert(0, row);
            }
        }
    };
    let (seen, _) = walk(list(1_000, 100, bury)).await;
    complete(seen, 1_000);
}

#[tokio::test]
async fn rows_that_leave_the_list_while_it_is_read() {
    let leave: fn(&mut Vec<u64>, u32) = |rows, page| {
        if page == 2 && rows.len() == 1_000 {
            rows.drain(0..50);
        }
    };
    let (seen, _) = walk(list(1_000, 100, leave)).await;
    complete(seen, 1_000);
}

#[tokio::test]
async fn rows_that_were_not_asked_for_do_not_end_the_walk() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(list(1_000, 100, |_, _| {})).mount(&server).await;
    let request = ListOrders { from_id: 950, ..ListOrders::default() };
    let rows = client(&server).items(request).try_collect().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), (950..1_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_server_that_ignores_the_page_ends_the_walk() {
    let (seen, requests) = walk(Shifting { ignores_page: true, ..list(100, 100, |_, _| {}) }).await;
    complete(seen, 100);
    assert!(requests < 10, "{requests}");
}

#[tokio::test]
async fn pages_come_one_by_one_and_an_error_ends_them() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(list(150, 100, |_, _| {})).up_to_n_times(1).mount(&server).await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(422).set_body_string(r#"{"errors":["x"]}"#))
        .mount(&server)
        .await;
    let mut pages = client(&server).pages(ListOrders::default());
    assert_eq!(pages.try_next().await.unwrap().unwrap().len(), 100);
    assert!(pages.try_next().await.unwrap_err().has_code("x"));
    assert!(pages.try_next().await.unwrap().is_none());
}

/// A server with 250 rows, in pages of at most a hundred even if more are asked for, with these headers for each page.
fn clamped(
    headers: &'static [(&'static str, &'static str)],
    pages: &'static [&'static [u64]],
) -> impl Respond {
    move |request: &Request| {
        let page: usize =
            request.url.query_pairs().find(|(name, _)| name == "page").unwrap().1.parse().unwrap();
        let rows = pages.get(page - 1).copied().unwrap_or_default();
        let rows: Vec<_> = rows.iter().map(|id| serde_json::json!({"id": id})).collect();
        let answer = ResponseTemplate::new(200).set_body_json(rows);
        headers.iter().fold(answer, |answer, (name, value)| answer.insert_header(*name, *value))
    }
}

async fn walk_of(answer: impl Respond + 'static) -> (Result<Vec<u64>, String>, usize) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let rows = client(&server).items(ListThings { page: None }).try_collect().await;
    let rows = rows.map(|page| page.into_iter().map(|row| row.id).collect()).map_err(|error| {
        assert_eq!((error.kind(), error.outcome()), (Kind::Mismatch, Outcome::Unknown), "{error}");
        assert_eq!(error.call().unwrap().name, "ListThings");
        error.to_string()
    });
    (rows, server.received_requests().await.unwrap().len())
}

#[tokio::test]
async fn pages_that_newcomers_pushed_known_rows_onto_are_not_the_end() {
    // While the first two pages are read, a whole page of new rows is added at the start, so the next two pages show known
    // rows.
    let push: fn(&mut Vec<u64>, u32) = |rows, page| {
        if page <= 2 {
            rows.splice(0..0, (0..100).map(|id| 10_000 + 100 * u64::from(page) + id));
        }
    };
    let (rows, requests) = walk_of(list(300, 100, push)).await;
    complete(rows.unwrap(), 300);
    assert!(requests >= 5, "{requests}");
}

#[tokio::test]
async fn a_walk_goes_on_while_the_total_says_more() {
    // The server sends fewer rows in a page than its header says.
    let per_page = [("per-page", "1000"), ("total", "7")].as_slice();
    let (rows, requests) = walk_of(clamped(per_page, &[&[1, 2, 3], &[4, 5, 6], &[7]])).await;
    assert_eq!((rows.unwrap(), requests), (vec![1, 2, 3, 4, 5, 6, 7], 3));
    // The first page lacks a row.
    let (rows, requests) =
        walk_of(clamped(&[("per-page", "3"), ("total", "7")], &[&[1, 2], &[4, 5, 6], &[7]])).await;
    assert_eq!((rows.unwrap(), requests), (vec![1, 2, 4, 5, 6, 7], 3));
    // Full pages without a header for their size.
    let (rows, requests) = walk_of(clamped(&[("total", "6")], &[&[1, 2, 3], &[4, 5, 6]])).await;
    assert_eq!((rows.unwrap(), requests), (vec![1, 2, 3, 4, 5, 6], 2));
    let (rows, requests) = walk_of(clamped(&[("total", "0")], &[])).await;
    assert_eq!((rows.unwrap(), requests), (vec![], 1));
}

#[tokio::test]
async fn a_list_that_ends_before_its_total_is_an_error_and_no_end() {
    let (rows, requests) = walk_of(clamped(&[("total", "250")], &[&[1, 2, 3], &[]])).await;
    assert!(rows.unwrap_err().contains("says 250 rows and ended after 3"));
    assert_eq!(requests, 2);
    let (rows, _) = walk_of(clamped(&[("total", "1")], &[])).await;
    assert!(rows.unwrap_err().contains("says 1 rows and ended after 0"));
    for total in ["7", "1000000000000"] {
        let answer = move |_: &Request| {
            let rows = serde_json::json!([{"id": 1}, {"id": 2}, {"id": 3}]);
            ResponseTemplate::new(200).insert_header("total", total).set_body_json(rows)
        };
        let (rows, requests) = walk_of(answer).await;
        assert!(rows.unwrap_err().contains("ended after 3"), "the page's number is ignored");
        assert!(requests < 6, "{requests}");
    }
}

#[tokio::test]
async fn rows_that_cannot_be_read_hide_no_others_and_count_as_received() {
    let server = MockServer::start().await;
    let answer = |request: &Request| {
        let page = request.url.query_pairs().find(|(name, _)| name == "page").unwrap().1.into_owned();
        let rows = match page.as_str() {
            "1" => r#"[{"id":1},{"id":"canary"},{"id":3}]"#,
            "2" => r#"[{"id":4},{"id":5},{"market":"canary"}]"#,
            // No row of the last page can be read. That is no error, because the walk has read others.
            _ => r#"[{"id":["canary"]}]"#,
        };
        ResponseTemplate::new(200).insert_header("total", "7").set_body_string(rows)
    };
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let mut items = client(&server).items(ListThings { page: None });
    assert_eq!(items.try_next().await.unwrap().unwrap().id, 1);
    assert_eq!(items.unreadable().len(), 1);
    let rows = items.try_collect().await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(rows.total, Some(7));
    let told: Vec<_> =
        rows.unreadable.iter().map(|row| (row.page.unwrap(), row.index, row.path.as_str())).collect();
    assert_eq!(told, [(1, 1, "id"), (2, 2, "."), (3, 0, "id")]);
    assert!(!format!("{rows:?} {}", rows.unreadable[0]).contains("canary"));
    assert!(rows.unreadable[1].why.contains("missing field id"), "{}", rows.unreadable[1]);
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_string(r#"[{"id":1},{"id":"x"}]"#);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let rows = client(&server).items(ListOrders::default()).try_collect().await.unwrap();
    assert_eq!((rows.len(), rows.unreadable.len()), (1, 1), "reported once, although each page has it");
}
