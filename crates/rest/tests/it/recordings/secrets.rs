//! Canaries: no recording holds a secret, wherever it is in the call or its answer.

use super::{recording_client, replaying_client, through_json};
use crate::calls::{TRADE, credentials};
use capecrypto_auth::{Clock, Credentials, Environment, ToSign};
use capecrypto_models::{
    Sensitive,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::{Client, Kind, Recorder, Recording, Table, endpoints, request};
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

endpoints! { TRADE signed; hints crate::hints::hint; probe crate::probe::Probe;
    POST "/vouchers"          Redeem     -> Value, secrets("sender member_description") unreviewed("a test");
    GET  "/vouchers/{number}" FindByPin  -> Value, secrets("sender member_description") unreviewed("a test");
    GET  "/vouchers"          ListByPin  -> Value, secrets("sender member_description") unreviewed("a test");
    GET  "/vouchers/table"    ReadPeople -> Table, csv secrets("sender") unreviewed("a test");
}

request! {
    /// Redeems a voucher.
    pub struct Redeem {
        number: Sensitive<String>,
        amount: String,
    }
    optional {
        /// Under a name that stands for a secret.
        otp_code: String,
        /// Several such values.
        others: Pins,
        /// An object that is sensitive as a whole.
        card: Card,
    }
}

/// A list that is sensitive as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Pins(Vec<String>);

impl Param for Pins {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        self.0.write(place);
    }
}

/// A card of this number, sensitive as a whole.
#[derive(Debug, Clone)]
pub(crate) struct Card(&'static str);

impl Params for Card {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("number"), &self.0);
    }
}

impl Param for Card {
    fn write(&self, place: &mut dyn Place) {
        place.sensitive();
        place.object(self);
    }
}

request! {
    /// Finds a voucher.
    pub struct FindByPin {
        number: Sensitive<String>,
    }
}

request! {
    /// Lists vouchers.
    pub struct ListByPin {
        number: Sensitive<String>,
        page: String,
    }
}

request! {
    /// Reads all people.
    #[derive(Default)]
    pub struct ReadPeople {}
}

const KEY: &str = "sandbox_canary-key";
const SECRET: &str = "canary-secret";

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

/// The recording of one raw call with a known body and answer.
async fn recorded(body: &Value, answer: ResponseTemplate) -> Recording {
    let server = answering(answer).await;
    let recorder = Recorder::new();
    let client = recording_client(&server, &recorder);
    let _answer = client.raw(Method::POST, "/x").json(body).send().await;
    through_json(&recorder)
}

async fn recorded_text(body: &Value, answer: &Value) -> String {
    recorded(body, ResponseTemplate::new(200).set_body_json(answer)).await.to_json()
}

#[tokio::test]
async fn no_recording_holds_what_signs() {
    // The clock stands still, so that the test knows the nonce and the signature of the call.
    let now = 1_700_000_000_123;
    let (clock, _time) = Clock::manual(now);
    let signature = {
        let signer = credentials().signer();
        let request = ToSign {
            nonce: now,
            unix_millis: now,
            method: "GET",
            path_and_query: "/",
            body: b"",
            acting_as: None,
        };
        signer.sign(&request).into_iter().find(|header| header.name == "x-auth-signature").unwrap()
    };
    let signature = signature.value.as_str();
    let echo = json!({
        "a": [KEY, SECRET, signature, now.to_string()],
        "text": format!("you sent {signature} with {now}, said {KEY}"),
        "upper": signature.to_uppercase(),
        "created_at": now,
        "longer": format!("{now}5").parse::<u64>().unwrap(),
        KEY: { SECRET: signature },
        "uid": "CCT1234567",
    });
    let server =
        answering(ResponseTemplate::new(200).set_body_json(&echo).insert_header("page", SECRET)).await;
    let recorder = Recorder::new();
    let environment = Environment::local(&server.uri()).unwrap();
    let builder = Client::builder(environment).credentials(credentials()).clock(clock).record(&recorder);
    let client = builder.build().unwrap().acting_as("CCT1234567");
    let sent = client.raw(Method::POST, format!("/x/{KEY}").replace('-', "_")).query("q", SECRET).json(&echo);
    sent.send().await.unwrap();
    let asked = server.received_requests().await.unwrap().remove(0);
    assert_eq!(asked.headers["x-auth-signature"], signature, "the test knows what was sent");
    assert_eq!(asked.headers["x-auth-nonce"], now.to_string().as_str());
    let text = through_json(&recorder).to_json();
    for secret in [KEY, SECRET, signature, &signature.to_uppercase(), &now.to_string()] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for header in ["x-auth", "user-agent", "\"page\""] {
        assert!(!text.to_lowercase().contains(header), "{header} in {text}");
    }
    // A time in the millisecond of the nonce is cut to its second, so that it is still a time. The uid that the call acts for
    // stays.
    assert!(
        text.contains("\"created_at\": 1700000000000") && text.contains("\"uid\": \"CCT1234567\""),
        "{text}"
    );
}

#[tokio::test]
async fn a_call_without_a_signature_shows_no_key_either() {
    let server = answering(ResponseTemplate::new(200).set_body_json(json!([KEY, "kept"]))).await;
    let recorder = Recorder::new();
    let client = recording_client(&server, &recorder);
    client.raw(Method::GET, "/x").unsigned().query(KEY, "also kept").send().await.unwrap();
    let recording = through_json(&recorder);
    assert_eq!(recording.calls()[0].query(), ["[sensitive]=also kept"]);
    let text = recording.to_json();
    assert!(!text.contains(KEY) && text.contains("\"kept\""), "{text}");
}

#[tokio::test]
async fn a_key_in_a_path_is_left_out() {
    let server = answering(ResponseTemplate::new(200)).await;
    let recorder = Recorder::new();
    recording_client(&server, &recorder).raw(Method::GET, format!("/keys/{KEY}/x")).send().await.unwrap();
    let recording = through_json(&recorder);
    assert_eq!(recording.calls()[0].path(), "/keys/[sensitive]/x");
    let client = replaying_client(recording);
    client.raw(Method::GET, "/keys/another/x").send().await.unwrap();
}

#[tokio::test]
async fn sensitive_arguments_are_left_out_and_their_calls_are_found_again() {
    let answer = json!({"note": "of voucher canary-77", "sender": "Jane Canary", "id": 7, "Member Description": "Canary"});
    let server = answering(ResponseTemplate::new(200).set_body_json(&answer)).await;
    let recorder = Recorder::new();
    let number = || Sensitive::new("canary-77".to_owned());
    let redeem = |number| {
        let others = Pins(vec!["canary-1".to_owned(), "0042".to_owned()]);
        Redeem::with(number, "0.10".to_owned()).otp_code("123456").others(others).card(Card("5500-1"))
    };
    let client = recording_client(&server, &recorder);
    client.send(redeem(number())).await.unwrap();
    client.send(FindByPin::with(number())).await.unwrap();
    client.send(ListByPin::with(number(), "2".to_owned())).await.unwrap();
    drop(server);
    let recording = through_json(&recorder);
    let text = recording.to_json();
    for secret in ["canary-77", "canary-1", "0042", "123456", "5500-1", "Jane", "Canary\"", "%5B"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(
        text.contains("\"0.10\"") && text.contains("page=2") && text.contains("vouchers/[sensitive]"),
        "{text}"
    );
    let client = replaying_client(recording);
    // The pin was left out of the recording, so any pin fits. Everything else has to be the same.
    let other = || Sensitive::new("canary-99".to_owned());
    let wrong = client.send(ListByPin::with(other(), "3".to_owned())).await.unwrap_err();
    assert!(wrong.to_string().contains("at page;") && !wrong.to_string().contains("canary-99"), "{wrong}");
    assert_eq!(client.send(FindByPin::with(other())).await.unwrap()["id"], 7);
    let value = client.send(redeem(other())).await.unwrap();
    assert_eq!(
        (&value["note"], &value["sender"], &value["id"]),
        (&json!("[sensitive]"), &json!("[sensitive]"), &json!(7))
    );
    client.send(ListByPin::with(number(), "2".to_owned())).await.unwrap();
}

#[tokio::test]
async fn a_secret_is_found_below_layers_of_escapes() {
    let secret = "can\"ary-secret";
    let json_text = |text: &str| serde_json::to_string(text).unwrap();
    let url_text = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    for text in [
        json_text(&json_text(secret)),
        json_text(&json_text(&json_text(secret))),
        url_text(&url_text(&url_text(secret))),
        url_text(&json_text(&json_text(secret))),
        json_text(&url_text(&json_text(secret))),
    ] {
        let server =
            answering(ResponseTemplate::new(200).set_body_json(json!([format!("it is {text}!"), 7]))).await;
        let recorder = Recorder::new();
        let environment = Environment::local(&server.uri()).unwrap();
        let credentials = Credentials::new("sandbox_x", secret).unwrap();
        let client = Client::builder(environment).credentials(credentials).record(&recorder).build().unwrap();
        client.raw(Method::GET, "/x").send().await.unwrap();
        let recorded = through_json(&recorder).to_json();
        assert!(!recorded.contains("it is") && recorded.contains('7'), "{recorded}");
    }
}

/// The server decides how deep an answer is nested, but must not decide how deep our stack gets.
#[tokio::test]
async fn json_within_texts_of_json_is_looked_through_to_a_depth() {
    let nested = |inner: &str| format!("{}{inner}{}", "[".repeat(62), "]".repeat(62));
    let mut text = r#"{"secret":"canary","id":"kept"}"#.to_owned();
    for layer in 0..8 {
        let server =
            answering(ResponseTemplate::new(200).set_body_raw(text.clone(), "application/json")).await;
        let recorder = Recorder::new();
        recording_client(&server, &recorder).raw(Method::GET, "/x").send().await.unwrap();
        let recorded = through_json(&recorder).to_json();
        assert!(!recorded.contains("canary"), "{layer}: {recorded}");
        assert_eq!(recorded.contains("kept"), layer <= 2, "{layer}: {recorded}");
        text = nested(&serde_json::to_string(&text).unwrap());
    }
}

#[tokio::test]
async fn a_secret_that_lies_across_two_values_takes_the_whole_call_with_it() {
    let server =
        answering(ResponseTemplate::new(200).set_body_json(json!(["can", "ary-secret", "more"]))).await;
    let recorder = Recorder::new();
    let environment = Environment::local(&server.uri()).unwrap();
    let across = Credentials::new("sandbox_x", "can\",\"ary-secret").unwrap();
    let client = Client::builder(environment).credentials(across).record(&recorder).build().unwrap();
    client.raw(Method::GET, "/x").query("more", "1").send().await.unwrap();
    let text = through_json(&recorder).to_json();
    assert!(!text.contains("ary-secret") && !text.contains("more") && text.contains("[sensitive]"), "{text}");
}

#[tokio::test]
async fn names_that_stand_for_secrets_are_left_out_at_any_depth() {
    let body = json!({
        "secret": "canary", "Api-Key": {"deep": "canary"}, "list": [{"voucherPin": 770077}, {"otp": true, "pin": null}],
        "text": "{\"token\":\"canary\",\"n\":1.10}", "url": "otpauth://totp/x?secret=canary&issuer=y", "password": "",
        "tokens": ["canary"],
    });
    let text = recorded_text(&body, &body).await;
    assert!(!text.contains("canary") && !text.contains("770077"), "{text}");
    for kept in [r#""otp": true"#, r#""pin": null"#, "1.10", "issuer=y", r#""password": """#] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
}

#[tokio::test]
async fn columns_of_a_table_have_names_too() {
    let table = format!("id,Voucher PIN,note,sender\n1,canary,\"a {SECRET}\",Jane\n2,,b,\n");
    let server = answering(ResponseTemplate::new(200).set_body_raw(table, "text/csv")).await;
    let recorder = Recorder::new();
    recording_client(&server, &recorder).export(ReadPeople::default(), &mut Vec::new()).await.unwrap();
    let mut out = Vec::new();
    let client = replaying_client(through_json(&recorder));
    assert_eq!(client.export(ReadPeople::default(), &mut out).await.unwrap().rows, 2);
    let expected = "id,Voucher PIN,note,sender\n1,[sensitive],[sensitive],[sensitive]\n2,,b,\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[tokio::test]
async fn more_can_be_hidden() {
    let server =
        answering(ResponseTemplate::new(200).set_body_json(json!(["Jane Doe of Cape Town", "x"]))).await;
    let recorder = Recorder::new();
    recorder.hide("jane doe");
    recorder.hide("x");
    recording_client(&server, &recorder).raw(Method::GET, "/x").query("of", "JANE DOE").send().await.unwrap();
    let text = through_json(&recorder).to_json();
    assert!(!text.to_lowercase().contains("jane") && !text.contains("\"x\""), "{text}");
    assert_eq!(format!("{recorder:?}"), "Recorder(1 calls)");
}

#[tokio::test]
async fn what_is_replayed_is_refused_without_its_secrets() {
    let client = replaying_client(Recording::new());
    let error = client.send(FindByPin::with(Sensitive::new("canary-77".to_owned()))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::NotRecorded);
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

/// A text that holds the secret somewhere, escaped as servers escape it.
fn holding(secret: String) -> impl Strategy<Value = Value> {
    let escaped = |bytes: &str| -> String { bytes.bytes().map(|byte| format!("%{byte:02x}")).collect() };
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let (one, two) = (escaped(&secret), escaped(&escaped(&secret)));
    let texts = prop_oneof![
        Just(secret.clone()),
        Just(secret.to_uppercase()),
        Just(form.clone()),
        Just(one),
        Just(two),
        Just(serde_json::to_string(&json!([{ "a": secret }])).unwrap()),
        Just(format!("https://host/x?a={form}#{form}")),
    ];
    let leaf =
        (".{0,6}", texts, ".{0,6}").prop_map(|(before, text, after)| json!(format!("{before}{text}{after}")));
    let secret_key = secret;
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let key = secret_key.clone();
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z]{1,5}", inner.clone(), 1..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
            inner.prop_map(move |value| json!({ key.as_str(): value, "number": 1.5 })),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_secret_never_shows_wherever_it_stands(
        (secret, body, answer) in "[!#-&(-~]([ -~]{4,20})[!-~]".prop_flat_map(|secret| {
            (Just(secret.clone()), holding(secret.clone()), holding(secret))
        }),
        status in prop_oneof![Just(200_u16), Just(422)],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let text = runtime.block_on(async {
            let server = answering(ResponseTemplate::new(status).set_body_json(&answer)).await;
            let recorder = Recorder::new();
            let environment = Environment::local(&server.uri()).unwrap();
            let credentials = Credentials::new("sandbox_canary-key", secret.clone()).unwrap();
            let client = Client::builder(environment).credentials(credentials).record(&recorder).build().unwrap();
            let query = body.to_string();
            let _answer = client.raw(Method::POST, "/x").query("q", &query).query(&secret, "").json(&body).send().await;
            through_json(&recorder).to_json()
        });
        // A short secret may be equal to a word of the file format, which is not a leak.
        let own = Recording::new().answer(Method::POST, "/x?q=[sensitive]", 200, "{\"number\":1.5}").to_json();
        let lower = secret.to_lowercase();
        prop_assume!(!own.to_lowercase().contains(&lower));
        let plain = text.to_lowercase();
        let escaped: String = secret.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let in_json = serde_json::to_string(&lower).unwrap();
        for shape in [&lower, &escaped, &form.to_lowercase(), in_json.trim_matches('"')] {
            prop_assert!(!plain.contains(shape), "{shape} in {text}");
        }
    }
}
