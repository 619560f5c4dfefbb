//! A few calls to test the transport with.

use capecrypto_auth::{Clock, Credentials, Environment};
use capecrypto_rest::{Client, InvalidArgument, Mismatch, Objection, Page, Paged, Rate, endpoints, setters};
use serde::{Deserialize, Serialize, Serializer};
use std::num::NonZeroU32;
use wiremock::MockServer;

endpoints! { Trade signed {
    POST   "/market/orders"             CreateOrder -> Order, checked reviewed;
    GET    "/market/orders"             ListOrders  -> Page<Order>, reviewed;
    GET    "/market/orders/{id}"        GetOrder    -> Order, unreviewed("many tests answer another id");
    POST   "/market/orders/{id}/cancel" CancelOrder -> Order, idempotent unreviewed("as above");
    GET    "/account/things"            ListThings  -> Page<Order>, unreviewed("it asks for all");
    DELETE "/account/things/{id}"       DeleteThing -> Order, unreviewed("as above");
}}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    #[serde(default)]
    pub(crate) market: String,
    #[serde(default)]
    pub(crate) rejected: bool,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CreateOrder {
    pub(crate) market: &'static str,
    pub(crate) volume: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) post_only: Option<bool>,
    pub(crate) note: Note,
}

/// A field that refuses to be written, as checked arguments do.
#[derive(Debug, Clone)]
pub(crate) struct Note(pub(crate) &'static str);

impl Serialize for Note {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 == "bad" {
            return Err(serde::ser::Error::custom("it is bad; very; give a good one"));
        }
        serializer.serialize_str(self.0)
    }
}

impl CreateOrder {
    pub(crate) fn new() -> Self {
        Self { market: "btczar", volume: "0.00001", post_only: None, note: Note("good") }
    }

    fn check_arguments(&self, _: &Environment) -> Result<(), InvalidArgument> {
        match self.post_only {
            Some(false) => Err(InvalidArgument::new("post_only", "it is false", "leave it out")),
            _ => Ok(()),
        }
    }

    fn review_answer(&self, order: &mut Order, _: &Environment) -> Result<(), Objection> {
        Mismatch::check("market", Some(&self.market.to_owned()), Some(&order.market))?;
        if order.rejected { Err(Objection::Refused("the order was rejected")) } else { Ok(()) }
    }
}

setters! { CreateOrder {
    /// Refuses to take.
    post_only: bool;
}}

#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct ListOrders {
    /// Rows below this are not asked for, and the server does not know it.
    #[serde(skip)]
    pub(crate) from_id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) market: Option<String>,
    #[serde(rename = "state[]", skip_serializing_if = "Vec::is_empty")]
    pub(crate) states: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "from")]
    pub(crate) time_from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "to")]
    pub(crate) time_to: Option<i64>,
}

fn from<S: Serializer>(millis: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(capecrypto_rest::INSTANT_FROM, &millis.unwrap())
}

fn to<S: Serializer>(millis: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(capecrypto_rest::INSTANT_TO, &millis.unwrap())
}

impl ListOrders {
    fn review_answer(&self, page: &mut Page<Order>, _: &Environment) -> Result<(), Mismatch> {
        page.retain(|order| order.id >= self.from_id);
        Ok(())
    }
}

impl Paged for ListOrders {
    type Row = Order;
    type Key = u64;
    const REORDERS: bool = true;
    fn key(row: &Order) -> u64 {
        row.id
    }
    fn set_page(&mut self, page: u32) {
        self.page = Some(page);
    }
}

/// A list that stands still.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ListThings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<u32>,
}

impl Paged for ListThings {
    type Row = Order;
    type Key = u64;
    fn key(row: &Order) -> u64 {
        row.id
    }
    fn set_page(&mut self, page: u32) {
        self.page = Some(page);
    }
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct GetOrder {
    pub(crate) id: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct CancelOrder {
    pub(crate) id: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct DeleteThing {
    pub(crate) id: u64,
    pub(crate) why: String,
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
    let flags: Vec<_> = CALLS.iter().map(|call| (call.name, call.signed, call.idempotent)).collect();
    assert_eq!(
        flags,
        [
            ("CreateOrder", true, false),
            ("ListOrders", true, true),
            ("GetOrder", true, true),
            ("CancelOrder", true, true),
            ("ListThings", true, true),
            ("DeleteThing", true, false),
        ]
    );
    assert_eq!(CALLS[0].to_string(), "CreateOrder (POST /market/orders)");
    let mut seen = crate::probe::Probe(Vec::new());
    probe(&mut seen);
    assert!(seen.0.into_iter().eq(CALLS.iter().map(|call| call.name)));
}
