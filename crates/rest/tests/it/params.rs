//! Declared requests: names by version, nested objects, all problems at once, warnings.

use crate::calls::{CreateOrder, Note, ORDER, TRADE, client, millis};
use capecrypto_auth::{Environment, TimeUnit};
use capecrypto_models::{
    Arg, CurrencyId, MarketId, Sensitive, Upload,
    param::{Name, Params},
};
use capecrypto_rest::{
    Checks, InvalidArguments, Method, Nothing, Paging, PartContent, Prepared, TimeRange, endpoints, object,
    request,
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

endpoints! { TRADE signed; hints crate::hints::hint; probe crate::probe::Probe;
    POST   "/firms"              CreateFirm -> Nothing, checked unreviewed("the answer is not read");
    PUT    "/firms/{uid}"        UpdateFirm -> Nothing, unreviewed("the answer is not read");
    GET    "/firms" (or "/old/firms") ListFirms -> Nothing, unreviewed("the answer is not read");
    POST   "/firms/{uid}/move"   MoveFirm   -> Nothing, in_query unreviewed("the answer is not read");
    POST   "/firms/{uid}/papers" SendPaper  -> Nothing, multipart unreviewed("the answer is not read");
}

object! {
    /// A place.
    pub struct Address {
        city: String,
    }
    optional {
        /// The currency paid there.
        currency: Arg<CurrencyId>,
    }
}

object! {
    /// An owner.
    pub struct Owner {
        market: Arg<MarketId>,
        address: Address,
        pin: Arg<Sensitive<Pin>>,
    }
}

/// Text of digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pin(String);

impl zeroize::Zeroize for Pin {
    fn zeroize(&mut self) {
        self.0.zeroize();
    }
}

impl std::str::FromStr for Pin {
    type Err = capecrypto_models::Malformed;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self(text.to_owned()));
        }
        Err(capecrypto_models::Malformed::new(format!("'{text}' has other characters"), "give digits"))
    }
}

impl capecrypto_models::param::Param for Pin {
    fn write(&self, place: &mut dyn capecrypto_models::param::Place) {
        place.text(&self.0);
    }
}

request! {
    /// Creates a firm.
    pub struct CreateFirm {
        owners: Vec<Owner>,
        tags: Vec<String>,
        since: Since,
    }
    optional {
        /// How many work there.
        staff: u32,
        /// Whether it is open.
        open: bool,
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Since(capecrypto_models::Timestamp);

impl capecrypto_models::param::Param for Since {
    fn write(&self, place: &mut dyn capecrypto_models::param::Place) {
        use capecrypto_models::param::{Bound, Unit};
        place.time(self.0, Bound::From, Unit::OfTheServer);
    }
}

impl CreateFirm {
    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if self.owners.len() > 1 && self.staff == Some(1) {
            checks.refuse("staff", "there are more owners", "count them too");
        }
        if self.owners.is_empty() {
            checks.warn("owners", "there is none", "give one if there is one");
        }
    }
}

request! {
    /// Changes a firm.
    pub struct UpdateFirm {
        uid: String,
    }
    optional {
        /// Its currency.
        currency as "quote_unit": Arg<CurrencyId>,
    }
}

request! {
    /// Moves a firm.
    pub struct MoveFirm {
        uid: String,
        owner: Option<Owner>,
    }
    optional {
        /// Where to.
        city: String,
    }
}

request! {
    /// Lists firms.
    #[derive(Default)]
    pub struct ListFirms {}
    optional {
        /// Only of this owner.
        owner as "owner_uid" or "uid": String,
        /// Only of this colour.
        colour (current_only): String,
    }
    pages Paging<100>, "25 when left out";
    times TimeRange<true>;
}

request! {
    /// Sends a paper.
    pub struct SendPaper {
        uid: String,
        upload: Upload,
    }
    optional {
        /// What it is.
        kind as "doc_type": String,
    }
}

impl SendPaper {
    pub(crate) fn new(uid: &str, upload: Upload) -> Self {
        Self::with(uid.to_owned(), upload)
    }
}

fn owner(market: &str, currency: &str, pin: &str) -> Owner {
    let pin = Arg::from(pin);
    Owner::with(market.into(), Address::with("Cape Town".to_owned()).currency(currency), pin)
}

fn firm(owners: Vec<Owner>) -> CreateFirm {
    CreateFirm::with(owners, vec!["a\"b".to_owned()], Since(millis(1_999)))
}

fn json(request: &CreateFirm, environment: &Environment) -> Result<String, InvalidArguments> {
    Ok(String::from_utf8(Prepared::new(request, environment)?.body.unwrap()).unwrap())
}

#[test]
fn objects_and_lists_nest_and_times_are_in_the_servers_unit_in_bodies_too() {
    let request =
        firm(vec![owner("btczar", "zar", "0042"), owner("ethzar", "btc", "1")]).staff(7_u32).open(true);
    let body = |seconds| {
        format!(
            r#"{{"owners":[{{"market":"btczar","address":{{"city":"Cape Town","currency":"zar"}},"pin":"0042"}},{{"market":"ethzar","address":{{"city":"Cape Town","currency":"btc"}},"pin":"1"}}],"tags":["a\"b"],"since":{seconds},"staff":7,"open":true}}"#
        )
    };
    assert_eq!(json(&request, &Environment::live()).unwrap(), body(1_999));
    let seconds = Environment::live().with_time_unit(TimeUnit::Seconds);
    assert_eq!(json(&request, &seconds).unwrap(), body(1));
    let empty = json(&firm(Vec::new()), &Environment::live()).unwrap();
    assert_eq!(empty, r#"{"owners":[],"tags":["a\"b"],"since":1999}"#);
    serde_json::from_str::<serde_json::Value>(&empty).unwrap();
}

#[test]
fn every_problem_is_told_at_once_with_its_path() {
    let request = firm(vec![owner("btczar", "zar", "1"), owner("btc/zar", "z r", "canary")]).staff(1_u32);
    let refused = json(&request, &Environment::live()).unwrap_err();
    let told: Vec<_> = refused.all().iter().map(|each| &*each.argument).collect();
    assert_eq!(told, ["owners[1].market", "owners[1].address.currency", "owners[1].pin", "staff"]);
    assert!(refused.all().iter().all(|each| !each.why.is_empty() && !each.remedy.is_empty()));
    let text = refused.to_string();
    assert!(text.starts_with("4 arguments cannot be sent\n    owners[1].market: "), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn a_name_may_differ_by_version_and_what_the_older_one_does_not_know_is_refused_there() {
    let request = ListFirms::default().owner("me");
    let at = |environment: &Environment| {
        let prepared = Prepared::new(&request, environment).unwrap();
        (prepared.path, prepared.query)
    };
    let text = |path: &str, query: &str| (path.to_owned(), query.to_owned());
    assert_eq!(at(&Environment::live()), text("/api/v2/atlas/firms", "owner_uid=me"));
    assert_eq!(at(&Environment::legacy()), text("/api/v2/trade/old/firms", "uid=me"));
    let colour = ListFirms::default().colour("red");
    assert_eq!(Prepared::new(&colour, &Environment::live()).unwrap().query, "colour=red");
    let refused = Prepared::new(&colour, &Environment::legacy()).unwrap_err();
    assert!(refused.to_string().contains("colour: the older version"), "{refused}");
    assert_eq!(Name::new("a").current_only().of(true), None);
    let renamed = UpdateFirm::with("U1".to_owned()).currency("zar");
    let renamed = Prepared::new(&renamed, &Environment::live()).unwrap();
    assert_eq!(
        (renamed.path.as_str(), renamed.body.unwrap()),
        ("/api/v2/atlas/firms/U1", br#"{"quote_unit":"zar"}"#.to_vec())
    );
}

#[test]
fn pages_and_ranges_are_checked_and_a_call_may_count_in_seconds_of_its_own() {
    let query = |request: ListFirms| {
        Prepared::new(&request, &Environment::live())
            .map(|prepared| prepared.query)
            .map_err(|error| error.to_string())
    };
    let range = || ListFirms::default().time_from(millis(1_999)).time_to(millis(2_001));
    assert_eq!(query(range().limit(100).page(2)).unwrap(), "limit=100&page=2&time_from=1&time_to=3");
    let refused = query(range().limit(101).page(0).time_to(millis(1))).unwrap_err();
    for part in
        ["3 arguments", "limit: 101 is not within 1 to 100", "page: pages are counted", "time_to: it is"]
    {
        assert!(refused.contains(part), "{refused}");
    }
}

#[test]
fn a_form_has_its_fields_and_its_file() {
    let paper = Upload::new("id.jpg", "image/jpeg", vec![1, 2, 3]);
    let request = SendPaper::new("U1", paper.clone()).kind("Passport");
    let prepared = Prepared::new(&request, &Environment::live()).unwrap();
    assert_eq!((prepared.path.as_str(), &prepared.body), ("/api/v2/atlas/firms/U1/papers", &None));
    let parts: Vec<_> = prepared.form.iter().map(|part| (part.name, part.content.clone())).collect();
    let text = PartContent::Text("Passport".to_owned());
    assert_eq!(parts, [("upload", PartContent::File(paper.clone())), ("doc_type", text)]);
    assert!(!format!("{:?} {paper:?}", prepared.form).contains("Passport"));
    let call = CALLS.iter().find(|call| call.name == "SendPaper").unwrap();
    assert_eq!((call.method, call.path), (Method::Post, "/firms/{uid}/papers"));
}

#[test]
fn a_write_may_have_its_values_in_the_query_and_its_objects_in_the_body() {
    let prepared = |owner: Option<Owner>| {
        let request = MoveFirm::with("U1".to_owned(), owner).city("Paarl & more");
        let prepared = Prepared::new(&request, &Environment::live()).unwrap();
        (prepared.path, prepared.query, prepared.body.map(|body| String::from_utf8(body).unwrap()))
    };
    let (path, query, body) = prepared(Some(owner("btczar", "zar", "1")));
    assert_eq!((path.as_str(), query.as_str()), ("/api/v2/atlas/firms/U1/move", "city=Paarl+%26+more"));
    let object = r#"{"owner":{"market":"btczar","address":{"city":"Cape Town","currency":"zar"},"pin":"1"}}"#;
    assert_eq!(body.unwrap(), object);
    assert_eq!(prepared(None).2, None, "without an object there is no body");
}

#[tokio::test]
async fn what_is_not_known_is_sent_and_reaches_the_caller() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(201).set_body_string(ORDER)).mount(&server).await;
    let order = CreateOrder { note: Note("new"), ..CreateOrder::new() };
    let reply = client(&server).reply(order).await.unwrap();
    let told: Vec<_> = reply.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["note: it is new; look at it"]);
    let reply = client(&server).reply(firm(Vec::new())).await.unwrap();
    assert_eq!(reply.warnings[0].argument, "owners");
    assert_eq!((reply.value, reply.status), (Nothing::default(), 201));
    assert_eq!(server.received_requests().await.unwrap().len(), 2);
}

#[test]
fn a_request_can_be_written_elsewhere_too() {
    struct Count(Vec<&'static str>);
    impl capecrypto_models::param::Fields for Count {
        fn field(&mut self, name: Name, _: &dyn capecrypto_models::param::Param) {
            self.0.push(name.current());
        }
    }
    let mut count = Count(Vec::new());
    ListFirms::default().write_fields(&mut count);
    assert_eq!(count.0, ["owner_uid", "colour", "limit", "page", "time_from", "time_to"]);
}
