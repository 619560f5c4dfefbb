use crate::calls::{CreateOrder, ORDER, client_with_clock, get};
use capecrypto_auth::{Clock, ManualTime};
use capecrypto_rest::{Kind, Outcome};
use http::Method;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// A server that accepts a nonce within five seconds of its time, as the exchange does.
struct Exchange {
    now_seconds: i64,
    dated: bool,
}

impl Respond for Exchange {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let nonce: i64 = request.headers["x-auth-nonce"].to_str().unwrap().parse().unwrap();
        let answer = if (nonce - self.now_seconds * 1_000).abs() < 5_000 {
            ResponseTemplate::new(200).set_body_string(ORDER)
        } else {
            ResponseTemplate::new(401).set_body_string(r#"{"errors":["authz.nonce_expired"]}"#)
        };
        let date = jiff::Timestamp::from_second(self.now_seconds).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
        if self.dated {
            answer.insert_header("date", date.as_str())
        } else {
            answer.insert_header("date", "garbage")
        }
    }
}

const NOW: u64 = 1_700_000_000_000;

async fn exchange(ahead_seconds: i64, dated: bool) -> MockServer {
    let server = MockServer::start().await;
    let now_seconds = i64::try_from(NOW / 1_000).unwrap() + ahead_seconds;
    Mock::given(any()).respond_with(Exchange { now_seconds, dated }).mount(&server).await;
    server
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_and_the_call_succeeds_reads_and_writes_alike() {
    for ahead in [-3_600, -60, -6, 6, 60, 3_600] {
        let server = exchange(ahead, true).await;
        let client = client_with_clock(&server, Clock::manual(NOW).0);
        client.send(CreateOrder::new()).await.unwrap();
        assert_eq!(server.received_requests().await.unwrap().len(), 2, "{ahead}: refused, then signed again");
        client.send(get("7")).await.unwrap();
        assert_eq!(server.received_requests().await.unwrap().len(), 3, "{ahead}: right from then on");
        let offset = client.clock().offset_ms();
        assert!((offset - ahead * 1_000).abs() <= 1_000, "{ahead}: {offset}");
    }
}

#[tokio::test]
async fn without_a_date_the_second_refusal_is_final() {
    let server = exchange(60, false).await;
    let error = client_with_clock(&server, Clock::manual(NOW).0).send(CreateOrder::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Auth, Outcome::Refused));
    assert_eq!(error.skew_ms(), None);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
    assert!(error.hint().unwrap().contains("clock"));
}

#[tokio::test]
async fn a_date_past_belief_is_reported() {
    let server = exchange(48 * 3_600, true).await;
    let client = client_with_clock(&server, Clock::manual(NOW).0);
    let error = client.send(get("7")).await.unwrap_err();
    let skew = error.skew_ms().unwrap();
    assert!((skew - 48 * 3_600_000).abs() <= 1_000, "{skew}");
    assert!(error.to_string().contains(&skew.to_string()), "{error}");
    assert_eq!(client.clock().offset_ms(), 0);
}

/// An exchange whose time can be moved, and a client that has worked for a while.
#[tokio::test]
async fn a_clock_that_jumps_during_work_costs_one_refused_call_each_time() {
    let server = exchange(0, true).await;
    let (clock, time) = Clock::manual(NOW);
    let client = client_with_clock(&server, clock);
    for step in 0..60 {
        time.set(NOW + 20 * step);
        client.send(get("7")).await.unwrap();
    }
    for jump in [60_000_i64, 0, -30_000, 0, 3_600_000, 0] {
        time.set(NOW.saturating_add_signed(jump) + 1_500);
        let before = server.received_requests().await.unwrap().len();
        let call = client.send(CreateOrder::new());
        tokio::time::timeout(std::time::Duration::from_secs(5), call).await.expect("it hangs").unwrap();
        assert!(server.received_requests().await.unwrap().len() - before <= 2, "jump {jump}");
        client.send(get("7")).await.unwrap();
    }
    let nonces: std::collections::HashSet<_> = server
        .received_requests()
        .await
        .unwrap()
        .iter()
        .map(|request| request.headers["x-auth-nonce"].clone())
        .collect();
    assert_eq!(nonces.len(), server.received_requests().await.unwrap().len(), "none was used twice");
}

#[tokio::test]
async fn an_answer_out_of_a_cache_teaches_nothing() {
    let server = MockServer::start().await;
    let date = jiff::Timestamp::from_millisecond(i64::try_from(NOW).unwrap() - 20_000).unwrap();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
    let stored = ResponseTemplate::new(200)
        .set_body_string(ORDER)
        .insert_header("date", date.as_str())
        .insert_header("age", "20");
    Mock::given(any()).respond_with(stored).mount(&server).await;
    let client = client_with_clock(&server, Clock::manual(NOW).0);
    for _ in 0..5 {
        client.send(get("7")).await.unwrap();
    }
    assert_eq!(client.clock().offset_ms(), 0);
}

/// A server that refuses the first call for its nonce; meanwhile this machine's clock is corrected.
struct SetsTheClock(ManualTime);

impl Respond for SetsTheClock {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        self.0.set(NOW);
        Exchange { now_seconds: i64::try_from(NOW / 1_000).unwrap(), dated: true }.respond(request)
    }
}

#[tokio::test]
async fn a_clock_that_is_set_right_during_a_call_leaves_no_offset_behind() {
    for wrong in [3_600_000_i64, -3_600_000, 60_000] {
        let server = MockServer::start().await;
        let (clock, time) = Clock::manual(NOW.saturating_add_signed(wrong));
        Mock::given(any()).respond_with(SetsTheClock(time)).mount(&server).await;
        let client = client_with_clock(&server, clock);
        client.send(get("7")).await.unwrap();
        assert_eq!(client.clock().offset_ms(), 0, "{wrong}");
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests.len(), 2, "{wrong}");
        let nonce: u64 = requests[1].headers["x-auth-nonce"].to_str().unwrap().parse().unwrap();
        assert!(nonce.abs_diff(NOW) < 5_000, "{wrong}: {nonce}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_holds_no_call_up() {
    let server = exchange(0, false).await;
    let (clock, time) = Clock::manual(NOW + 3_000);
    let client = client_with_clock(&server, clock);
    client.send(CreateOrder::new()).await.unwrap();
    time.set(NOW - 3_000);
    let start = std::time::Instant::now();
    client.send(CreateOrder::new()).await.unwrap();
    assert!(start.elapsed() < std::time::Duration::from_secs(1), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_clock_learns_from_signed_answers_alone() {
    let server = MockServer::start().await;
    let date = jiff::Timestamp::from_millisecond(i64::try_from(NOW).unwrap() - 30_000).unwrap();
    let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&date).unwrap();
    let stored = ResponseTemplate::new(200).set_body_string(ORDER).insert_header("date", date.as_str());
    Mock::given(any()).respond_with(stored).mount(&server).await;
    let client = client_with_clock(&server, Clock::manual(NOW).0);
    for _ in 0..4 {
        client.raw(Method::GET, "/api/v2/atlas/public/markets").unsigned().send().await.unwrap();
    }
    assert_eq!(client.clock().offset_ms(), 0);
    for _ in 0..2 {
        client.send(get("7")).await.unwrap();
    }
    assert!((client.clock().offset_ms() + 30_000).abs() <= 1_000);
}
