//! The client against servers of our own: a fake partner API with faults, and fixed answers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value,
    clippy::print_stderr,
    missing_docs,
    reason = "tests"
)]

mod arguments;
mod callbacks;
mod connection;
mod convert_and_transfer;
mod fake;
mod money;
mod outcomes;
mod receiver;
mod sandbox;
mod urls;

use cabital::{Cabital, Hosts, models::Quote};
use capecrypto_auth::Credentials;

const ACCOUNT: &str = "6d92e7b4-715c-4ce3-a028-19f1c8c9fa6c";

fn credentials() -> Credentials {
    Credentials::new("sandbox_partner", "canary-secret").unwrap()
}

fn client(origin: &str) -> Cabital {
    Cabital::builder(Hosts::at(origin, origin).unwrap()).credentials(credentials()).build().unwrap()
}

/// A quote for this pair, in Cabital's own order, that ends at this time in Unix seconds.
fn quote_until(pair: &str, quote: &str, reversed: &str, until: i64) -> Quote {
    let text = format!(
        r#"{{"quote":"{quote}","reversed_quote":"{reversed}","quote_id":"20220217160254:{pair}:Customer",
            "valid_until":{until},"valid_interval":10}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn quote(pair: &str, quote: &str, reversed: &str) -> Quote {
    quote_until(pair, quote, reversed, 99_999_999_999)
}
