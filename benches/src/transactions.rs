//! The account's history as the exchange sends it, and how fast a page of it is decoded.

use crate::measure::{self, Bar, Candidate, Clock, Plan, compare, report};
use bytes::Bytes;
use capecrypto_models::Transaction;
use capecrypto_rest::{FromResponse, Head, Page};
use serde::Deserialize;
use std::hint::black_box;

const PLAN: Plan = Plan { rounds: 41, calls: 50 };
/// Rows of the page.
const ROWS: usize = 1_000;
/// The highest allowed time of the SDK, in multiples of a plain struct.
const AT_MOST: f64 = 1.30;

/// A transaction with its amounts and times as text.
#[allow(dead_code, reason = "only decoding is measured")]
#[derive(Deserialize)]
struct Plain {
    id: u64,
    r#type: String,
    reference_type: Option<String>,
    reference_id: Option<u64>,
    credit_currency: Option<String>,
    credit_amount: Option<String>,
    debit_currency: Option<String>,
    debit_amount: Option<String>,
    fee_currency: Option<String>,
    fee: Option<String>,
    blockchain_key: Option<String>,
    blockchain_name: Option<String>,
    market_id: Option<String>,
    order_id: Option<String>,
    price: Option<String>,
    origin_volume: Option<String>,
    payment_method_provider: Option<String>,
    payment_method_name: Option<String>,
    payment_method_precision: Option<u32>,
    payment_method_icon_url: Option<String>,
    voucher_pin: Option<String>,
    change_voucher_pin: Option<String>,
    change_voucher_expiry: Option<String>,
    change_voucher_amount: Option<String>,
    description: Option<String>,
    member_description: Option<String>,
    sender: Option<String>,
    receiver: Option<String>,
    state: Option<String>,
    address: Option<String>,
    txid: Option<String>,
    beneficiary_id: Option<u64>,
    paid_at: Option<String>,
    expires_at: Option<String>,
    created_at: Option<String>,
}

/// Compares decoding a page.
pub fn run() -> bool {
    measure::pin(0);
    // The documents do not say whether a field that a row does not have is left out or null.
    [("left out", false), ("null", true)]
        .map(|(how, nulls)| compare_page(how, nulls))
        .into_iter()
        .all(|ok| ok)
}

fn compare_page(how: &str, nulls: bool) -> bool {
    let head = Head::new(200, http::HeaderMap::new());
    let body = Bytes::from(page(ROWS, nulls));
    let plain = Candidate {
        name: "serde_json, text fields",
        run: Box::new(|calls| {
            for _ in 0..calls {
                let rows: Vec<Plain> = serde_json::from_slice(black_box(&body)).expect("the page fits");
                black_box(rows);
            }
        }),
    };
    let sdk = Candidate {
        name: "sdk",
        run: Box::new(|calls| {
            for _ in 0..calls {
                let page =
                    Page::<Transaction>::from_response(&head, black_box(&body)).expect("the page fits");
                assert_eq!((page.items.len(), page.unreadable.len()), (ROWS, 0));
                black_box(page);
            }
        }),
    };
    let measured = compare(PLAN, [plain, sdk]);
    let bar = Bar { candidate: "sdk", clock: Clock::Cpu, at_most: AT_MOST };
    report(&format!("transactions: decoding a page of 1,000, absent fields {how}"), &measured, &[bar])
}

/// Names of the fields, in the order of the documents.
const FIELDS: [&str; 35] = [
    "id",
    "type",
    "reference_type",
    "reference_id",
    "credit_currency",
    "credit_amount",
    "debit_currency",
    "debit_amount",
    "fee_currency",
    "fee",
    "blockchain_key",
    "blockchain_name",
    "market_id",
    "order_id",
    "price",
    "origin_volume",
    "payment_method_provider",
    "payment_method_name",
    "payment_method_precision",
    "payment_method_icon_url",
    "voucher_pin",
    "change_voucher_pin",
    "change_voucher_expiry",
    "change_voucher_amount",
    "description",
    "member_description",
    "sender",
    "receiver",
    "state",
    "address",
    "txid",
    "beneficiary_id",
    "paid_at",
    "expires_at",
    "created_at",
];

/// The fields that a transaction has, with their values: a trade, a deposit by voucher and a withdrawal in turn, as in the
/// documents. Each tenth deposit has a note with a comma and quotes.
fn fields(number: usize) -> Vec<(&'static str, String)> {
    let cents = number % 100;
    let time = format!("2023-12-08T08:{:02}:{:02}+01:00", number / 60 % 60, number % 60);
    let text = |name, text: &str| (name, text.to_owned());
    let mut fields = vec![("id", (4_173_757 + number).to_string())];
    match number % 3 {
        0 => fields.extend([
            text("type", "trade"),
            text("reference_type", "Order"),
            ("reference_id", (73_757 + number).to_string()),
            text("credit_currency", "zar"),
            ("credit_amount", format!("1001.{cents:02}")),
            text("debit_currency", "btc"),
            ("debit_amount", format!("0.001{cents:02}")),
            text("fee_currency", "zar"),
            text("fee", "1.0005"),
            text("market_id", "btczar"),
            ("order_id", (173_757 + number).to_string()),
            ("price", format!("8{cents:02}000.5")),
            text("origin_volume", "0.00125"),
        ]),
        1 => fields.extend([
            text("type", "deposit"),
            text("reference_type", "Deposit"),
            ("reference_id", (12 + number).to_string()),
            text("credit_currency", "zar"),
            ("credit_amount", format!("250.{cents:02}")),
            text("fee_currency", "zar"),
            text("fee", "2.5"),
            text("payment_method_provider", "flash"),
            text("payment_method_name", "Flash voucher"),
            text("payment_method_precision", "2"),
            text("payment_method_icon_url", "https://icons.example/flash.svg"),
            ("voucher_pin", format!("00421{cents:02}")),
            ("change_voucher_pin", format!("009{cents:02}")),
            text("change_voucher_expiry", "2024-12-08T08:46:59+01:00"),
            text("change_voucher_amount", "50.0"),
            text("description", "Voucher"),
            text("member_description", if number % 30 == 1 { "rent, and \"more\"" } else { "rent" }),
            text("sender", "A. Person"),
            text("receiver", "B. Person"),
            ("paid_at", time.clone()),
            text("expires_at", "2024-12-08T08:46:59+01:00"),
        ]),
        _ => fields.extend([
            text("type", "withdraw"),
            text("reference_type", "Withdraw"),
            ("reference_id", (4 + number).to_string()),
            text("debit_currency", "btc"),
            ("debit_amount", format!("0.5{cents:02}")),
            text("fee_currency", "btc"),
            text("fee", "0.0001"),
            text("blockchain_key", "btc-mainnet"),
            text("blockchain_name", "bitcoin"),
            text("address", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
            ("txid", format!("302b04941a064089846c0c6b13f1b661302b04941a064089846c0c6b{number:08x}")),
            text("beneficiary_id", "7"),
        ]),
    }
    fields.extend([text("state", "succeed"), ("created_at", time)]);
    fields
}

/// A page of the history as JSON. Amounts are text, ids are numbers.
fn page(rows: usize, nulls: bool) -> String {
    const NUMBERS: [&str; 4] = ["id", "reference_id", "payment_method_precision", "beneficiary_id"];
    let row = |number: usize| {
        let given = fields(number);
        let members = FIELDS.iter().filter_map(|field| match given.iter().find(|(name, _)| name == field) {
            Some((_, value)) if NUMBERS.contains(field) => Some(format!("\"{field}\":{value}")),
            Some((_, value)) => Some(format!("\"{field}\":{value:?}")),
            None => nulls.then(|| format!("\"{field}\":null")),
        });
        format!("{{{}}}", members.collect::<Vec<_>>().join(","))
    };
    format!("[{}]", (0..rows).map(row).collect::<Vec<_>>().join(","))
}

/// The history as CSV.
pub fn table(rows: usize) -> String {
    let mut table = FIELDS.join(",") + "\n";
    for row in 0..rows {
        let given = fields(row);
        let cells = FIELDS.map(|field| {
            let value = given.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str());
            match value.unwrap_or_default() {
                value if value.contains(['"', ',']) => format!("\"{}\"", value.replace('"', "\"\"")),
                value => value.to_owned(),
            }
        });
        table += &cells.join(",");
        table.push('\n');
    }
    table
}
