//! Writes whose nonce is an idempotency key, refusals with numbered codes, and lists that a cursor continues.

use crate::calls::{Order, TRADE, client};
use capecrypto_auth::Environment;
use capecrypto_models::param::{Fields, Name, Params};
use capecrypto_rest::{
    Codes, Cursored, DecodeError, Error, FromResponse, Head, Kind, Outcome, Prepared, Rows, UnreadableRow,
    endpoints, request,
};
use serde::Deserialize;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

const CODES: Codes = Codes::Numbered { doubtful: &["PA999"] };

endpoints! { TRADE signed; codes CODES; hints crate::hints::hint; probe crate::probe::Probe;
    POST "/things"                MakeThing  -> Order,    same_key unreviewed("a test");
    GET  "/things"                WalkThings -> Walked,   unreviewed("a test");
    GET  "/things/{id}/of/{way?}" ReadWay    -> Order,    unreviewed("a test");
}

request! {
    /// Makes a thing.
    pub(crate) struct MakeThing {
        name: String,
    }
}

request! {
    /// Reads a thing, in one way or in the usual one.
    pub(crate) struct ReadWay {
        id: String,
        way: Option<String>,
    }
}

#[derive(Debug, Clone)]
struct WalkThings {
    cursor: Option<String>,
}

impl Params for WalkThings {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("cursor"), &self.cursor);
    }
}

struct Walked(Body);

#[derive(Deserialize)]
struct Body {
    next: Option<String>,
    things: Rows<Order>,
}

impl FromResponse for Walked {
    fn from_response(head: &Head, body: &capecrypto_rest::Bytes) -> Result<Self, DecodeError> {
        let body = Body::from_response(head, body)?;
        body.things.check()?;
        Ok(Self(body))
    }

    fn unreadable(&self) -> &[UnreadableRow] {
        &self.0.things.unreadable
    }
}

impl Cursored for WalkThings {
    type Row = Order;
    type Key = u64;

    fn set_cursor(&mut self, cursor: &str) {
        self.cursor = Some(cursor.to_owned());
    }

    fn part(Walked(answer): Walked) -> (Vec<Order>, Option<String>) {
        (answer.things.items, answer.next)
    }

    fn key(row: &Order) -> u64 {
        row.id
    }
}

/// Answers with each of these in turn.
async fn answering(answers: &[(u16, &str)]) -> MockServer {
    let server = MockServer::start().await;
    for (status, body) in answers {
        let answer = ResponseTemplate::new(*status).set_body_string(*body);
        Mock::given(any()).respond_with(answer).up_to_n_times(1).mount(&server).await;
    }
    server
}

const MADE: &str = r#"{"id":7}"#;

async fn make(answers: &[(u16, &str)]) -> (Result<Order, Error>, Vec<Request>) {
    let server = answering(answers).await;
    let result = client(&server).send(MakeThing::with("it".to_owned())).await;
    (result, server.received_requests().await.unwrap())
}

#[tokio::test]
async fn after_an_unknown_outcome_the_same_bytes_go_once_more_with_the_same_nonce() {
    for status in [429, 500, 502, 503, 504] {
        let (made, requests) = make(&[(status, ""), (200, MADE)]).await;
        assert_eq!(made.unwrap().id, 7, "{status}");
        let [first, second] = &requests[..] else { panic!("{} requests", requests.len()) };
        assert_eq!(first.headers["x-auth-nonce"], second.headers["x-auth-nonce"]);
        assert_eq!((&first.url, &first.body), (&second.url, &second.body));
    }
    let (made, requests) = make(&[(500, ""), (500, ""), (200, MADE)]).await;
    let error = made.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), requests.len()), (Kind::Server, Outcome::Unknown, 2));
    assert!(!error.is_safe_to_retry() && error.intent().is_some());
}

#[tokio::test]
async fn a_repetition_that_is_refused_says_nothing_about_the_first_attempt() {
    for (status, body, kind) in [
        (409, "", Kind::Repeated),
        (409, r#"{"code":409,"message":"nonce used"}"#, Kind::Repeated),
        (400, r#"{"code":"PA008","message":"otp"}"#, Kind::Refused),
        (422, r#"{"code":"PA029"}"#, Kind::Refused),
    ] {
        let (made, requests) = make(&[(502, ""), (status, body)]).await;
        let error = made.unwrap_err();
        assert_eq!((error.kind(), error.outcome(), requests.len()), (kind, Outcome::Unknown, 2), "{body}");
    }
}

#[tokio::test]
async fn what_is_answered_at_once_is_not_repeated() {
    for (status, body, kind, outcome) in [
        (400, r#"{"code":"PA002","message":"no"}"#, Kind::Refused, Outcome::Refused),
        (403, r#"{"code":"PA013"}"#, Kind::Auth, Outcome::Refused),
        (409, r#"{"code":"PA029"}"#, Kind::Refused, Outcome::Refused),
        // Nobody knows who has answered this.
        (409, "", Kind::Repeated, Outcome::Unknown),
        (401, r#"{"message":"bad signature"}"#, Kind::Auth, Outcome::Unknown),
        (404, r#"{"code":404}"#, Kind::NotFound, Outcome::Unknown),
        (406, r#"{"message":"not JSON"}"#, Kind::Refused, Outcome::Unknown),
        (404, "<html>", Kind::Unexpected, Outcome::Unknown),
        (404, r#"{"errors":["record.not_found"]}"#, Kind::Unexpected, Outcome::Unknown),
    ] {
        let (made, requests) = make(&[(status, body)]).await;
        let error = made.unwrap_err();
        assert_eq!(
            (error.kind(), error.outcome(), requests.len()),
            (kind, outcome, 1),
            "{status} {body} {error}"
        );
    }
    // An internal error says nothing about what was done, so it is repeated.
    let (made, requests) = make(&[(400, r#"{"code":"PA999"}"#), (200, MADE)]).await;
    assert_eq!((made.unwrap().id, requests.len()), (7, 2));
}

#[tokio::test]
async fn a_lost_connection_is_repeated_and_a_missing_one_is_not() {
    let error = crate::calls::client_at("http://127.0.0.1:9").send(MakeThing::with("it".to_owned())).await;
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.attempts()), (Kind::Connect, Outcome::NotSent, 1));
}

#[test]
fn a_last_segment_that_is_not_given_goes_with_its_slash() {
    let path = |way: Option<&str>| {
        let request = ReadWay::with("7".to_owned(), way.map(str::to_owned));
        Prepared::new(&request, &Environment::live()).map(|prepared| prepared.path)
    };
    assert_eq!(path(Some("SEPA")).unwrap(), "/api/v2/atlas/things/7/of/SEPA");
    assert_eq!(path(None).unwrap(), "/api/v2/atlas/things/7/of");
    for strange in ["", "..", "a/b"] {
        let error = path(Some(strange)).unwrap_err();
        assert_eq!(error.all()[0].argument, "way", "{strange}");
    }
}

/// Answers the part at each cursor.
struct Parts(fn(&str) -> &'static str);

impl Respond for Parts {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let cursor = request.url.query_pairs().find(|(name, _)| name == "cursor");
        let cursor = cursor.map(|(_, value)| value.into_owned()).unwrap_or_default();
        ResponseTemplate::new(200).set_body_string((self.0)(&cursor))
    }
}

async fn walk(parts: fn(&str) -> &'static str) -> Result<(Vec<u64>, usize, usize), Error> {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Parts(parts)).mount(&server).await;
    let rows = client(&server).items_by_cursor(WalkThings { cursor: None }).try_collect().await?;
    let asked = server.received_requests().await.unwrap().len();
    Ok((rows.items.iter().map(|row| row.id).collect(), rows.unreadable.len(), asked))
}

#[tokio::test]
async fn a_walk_follows_the_cursors_to_the_end_and_gives_each_row_once() {
    let all = walk(|cursor| match cursor {
        "" => r#"{"next":"a","things":[{"id":1},{"id":2}]}"#,
        "a" => r#"{"next":"b","things":[{"id":2},{"id":"odd"},{"id":3}]}"#,
        _ => r#"{"next":null,"things":[{"id":4}]}"#,
    });
    assert_eq!(all.await.unwrap(), (vec![1, 2, 3, 4], 1, 3));
    // The same cursor again is the end.
    let same = walk(|cursor| match cursor {
        "" => r#"{"next":"a","things":[{"id":1}]}"#,
        _ => r#"{"next":"a","things":[{"id":2}]}"#,
    });
    assert_eq!(same.await.unwrap(), (vec![1, 2], 0, 2));
    let round = walk(|cursor| match cursor {
        "a" => r#"{"next":"b","things":[{"id":2}]}"#,
        _ => r#"{"next":"a","things":[{"id":3}]}"#,
    });
    assert_eq!(round.await.unwrap_err().kind(), Kind::Mismatch);
    let odd = walk(|_| r#"{"next":null,"things":[{"id":"odd"}]}"#);
    assert_eq!(odd.await.unwrap_err().kind(), Kind::Decode);
}
