//! The calls against the sandbox, over a real connection.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod arguments;
mod beneficiaries;
mod cancelling;
mod deposits;
mod environments;
mod history;
mod ledger;
mod lightning;
mod market_data;
mod mismatches;
mod odd_rows;
mod orders;
mod recordings;
mod rules;
mod statuses;
mod travel_rule;
mod vouchers;
mod walks;
mod withdrawals;

use capecrypto_auth::{Credentials, Environment};
use capecrypto_models::Decimal;
use capecrypto_rest::Client;
use capecrypto_sandbox::Sandbox;

fn client(sandbox: &Sandbox, account: &str) -> Client {
    client_of(Environment::local(sandbox.origin()).unwrap(), sandbox, account)
}

fn client_of(environment: Environment, sandbox: &Sandbox, account: &str) -> Client {
    let account = sandbox.account(account).unwrap();
    let credentials = Credentials::new(&account.api_key, &account.secret).unwrap();
    Client::builder(environment).credentials(credentials).build().unwrap()
}

fn dec(text: &str) -> Decimal {
    capecrypto_models::decimal::parse(text).unwrap()
}

/// Asks again until the expected answer comes, for at most ten seconds.
async fn until<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the expected answer did not come within ten seconds"
        );
        tokio::task::yield_now().await;
    }
}
