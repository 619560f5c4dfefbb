//! A few calls to test the transport with.

use capecrypto_auth::{Clock, Credentials, Environment, Service};
use capecrypto_models::{
    Malformed, Timestamp,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::{
    Checks, Client, Mismatch, Objection, Page, Paged, Rate, RawBody, Repeat, SetPage, Table, TimeRange,
    endpoints, request,
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use wiremock::MockServer;

pub(crate) const TRADE: Service = Service::new("trade", "/api/v2/atlas").older("/api/v2/trade");
pub(crate) const STREAM: Service = Service::new("stream", "/api/v2/websocket").older("/api/v2/stream");

endpoints! { TRADE signed; hints crate::hints::hint; probe crate::probe::Probe;
    POST   "/market/orders"             CreateOrder -> Order, checked reviewed;
    GET    "/market/orders"             ListOrders  -> Page<Order>, paged reviewed;
    GET    "/market/orders/{id}"        GetOrder    -> Order, unreviewed("many tests answer another id");
    POST   "/market/orders/{id}/cancel" CancelOrder -> Order, idempotent unreviewed("as above");
    GET    "/account/things"            ListThings  -> Page<Order>, paged unreviewed("it asks for all");
    DELETE "/account/things/{id}"       DeleteThing -> Order, unreviewed("as above");
    GET    "/account/table"             ReadTable   -> Table, csv unreviewed("a table is not read");
    GET    "/account/paper"             ReadPaper   -> RawBody, unreviewed("as above");
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) market: String,
    #[serde(default)]
    pub(crate) rejected: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct CreateOrder {
    pub(crate) market: &'static str,
    pub(crate) volume: &'static str,
    pub(crate) post_only: Option<bool>,
    pub(crate) note: Note,
}

impl Params for CreateOrder {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("market"), &self.market);
        fields.field(Name::new("volume"), &self.volume);
        fields.field(Name::new("post_only"), &self.post_only);
        fields.field(Name::new("note"), &self.note);
    }
}

/// A field that refuses to be written, as checked arguments do, or that gives a warning.
#[derive(Debug, Clone)]
pub(crate) struct Note(pub(crate) &'static str);

impl Param for Note {
    fn write(&self, place: &mut dyn Place) {
        match self.0 {
            "bad" => return place.refuse(Malformed::new("it is bad; very", "give a good one")),
            "new" => place.warn(Malformed::new("it is new", "look at it")),
            _ => {}
        }
        place.text(self.0);
    }
}

impl CreateOrder {
    pub(crate) fn new() -> Self {
        Self { market: "btczar", volume: "0.00001", post_only: None, note: Note("good") }
    }

    pub(crate) fn post_only(self, post_only: bool) -> Self {
        Self { post_only: Some(post_only), ..self }
    }

    fn check_arguments(&self, checks: &mut Checks<'_>) {
        if self.post_only == Some(false) {
            checks.refuse("post_only", "it is false", "leave it out");
        }
    }

    fn review_answer(&self, order: &mut Order, _: &Environment) -> Result<(), Objection> {
        Mismatch::check("market", Some(&self.market.to_owned()), Some(&order.market))?;
        if order.rejected { Err(Objection::Refused("the order was rejected")) } else { Ok(()) }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct ListOrders {
    /// Rows below this are not asked for. The server does not know this limit, so the client drops them.
    pub(crate) from_id: u64,
    pub(crate) market: Option<String>,
    pub(crate) states: Vec<&'static str>,
    pub(crate) page: Option<u32>,
    pub(crate) times: TimeRange,
}

impl Params for ListOrders {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("market"), &self.market);
        fields.field(Name::new("state[]"), &self.states);
        fields.field(Name::new("page"), &self.page);
        self.times.write_fields(fields);
    }
}

pub(crate) fn millis(millis: i64) -> Timestamp {
    Timestamp::from_unix_millis(millis).unwrap()
}

impl ListOrders {
    fn review_answer(&self, page: &mut Page<Order>, _: &Environment) -> Result<(), Mismatch> {
        page.retain(|order| order.id >= self.from_id);
        Ok(())
    }
}

impl SetPage for ListOrders {
    fn set_page(&mut self, page: u32) {
        self.page = Some(page);
    }
}

impl Paged for ListOrders {
    type Row = Order;
    type Key = u64;
    const REORDERS: bool = true;
    fn key(row: &Order) -> u64 {
        row.id
    }
}

/// A list whose rows do not move.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListThings {
    pub(crate) page: Option<u32>,
}

impl Params for ListThings {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("page"), &self.page);
    }
}

impl SetPage for ListThings {
    fn set_page(&mut self, page: u32) {
        self.page = Some(page);
    }
}

impl Paged for ListThings {
    type Row = Order;
    type Key = u64;
    fn key(row: &Order) -> u64 {
        row.id
    }
}

#[derive(Debug, Clone)]
pub(crate) struct GetOrder {
    pub(crate) id: String,
}

#[derive(Debug, Clone)]
pub(crate) struct CancelOrder {
    pub(crate) id: String,
}

#[derive(Debug, Clone)]
pub(crate) struct DeleteThing {
    pub(crate) id: u64,
    pub(crate) why: String,
}

impl Params for GetOrder {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("id"), &self.id);
    }
}

impl Params for CancelOrder {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("id"), &self.id);
    }
}

impl Params for DeleteThing {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("id"), &self.id);
        fields.field(Name::new("why"), &self.why);
    }
}

request! {
    /// A table that is written out.
    #[derive(Default)]
    pub struct ReadTable {}
}

request! {
    /// A file, returned as it is.
    #[derive(Default)]
    pub struct ReadPaper {}
}

pub(crate) fn get(id: &str) -> GetOrder {
    GetOrder { id: id.to_owned() }
}

pub(crate) const ORDER: &str = r#"{"id":7,"market":"btczar"}"#;

pub(crate) fn credentials() -> Credentials {
    Credentials::new("sandbox_canary-key", "canary-secret").unwrap()
}

pub(crate) fn client_at(origin: &str) -> Client {
    Client::builder(Environment::local(origin).unwrap()).credentials(credentials()).build().unwrap()
}

pub(crate) fn client(server: &MockServer) -> Client {
    client_at(&server.uri())
}

pub(crate) fn client_with_clock(server: &MockServer, clock: Clock) -> Client {
    Client::builder(Environment::local(&server.uri()).unwrap())
        .credentials(credentials())
        .clock(clock)
        .build()
        .unwrap()
}

pub(crate) fn rate(per_second: u32, burst: u32) -> Rate {
    Rate { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
}

#[test]
fn the_table_is_data() {
    let flags: Vec<_> =
        CALLS.iter().map(|call| (call.name, call.signed, call.repeat == Repeat::Safely)).collect();
    assert_eq!(
        flags,
        [
            ("CreateOrder", true, false),
            ("ListOrders", true, true),
            ("GetOrder", true, true),
            ("CancelOrder", true, true),
            ("ListThings", true, true),
            ("DeleteThing", true, false),
            ("ReadTable", true, true),
            ("ReadPaper", true, true),
        ]
    );
    assert_eq!(CALLS[0].to_string(), "CreateOrder (POST /market/orders)");
    let mut seen = crate::probe::Probe(Vec::new());
    probe(&mut seen);
    assert!(seen.0.into_iter().eq(CALLS.iter().map(|call| call.name)));
}
