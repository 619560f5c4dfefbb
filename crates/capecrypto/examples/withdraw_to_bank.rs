//! Rand go to a bank account: quote, check, send, follow to the end. `cargo run --example withdraw_to_bank`.
//!
//! The exchange runs in this process. With the real one, leave out the lines with `sandbox`.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Decimal, Environment, Outcome,
    account::{
        BankAccount, CreateBeneficiary, CreateWithdrawal, FollowWithdrawal, FollowedWithdrawal, GetBalance,
        GetWithdrawQuote, ListWithdrawMethods,
    },
    dec,
    rest::Polling,
};
use capecrypto_sandbox::Sandbox;
use std::{error::Error, time::Duration};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let keys = sandbox.account("merchant").ok_or("the sandbox has no account merchant")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    let cape = Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?;
    let amount = dec!(1500);

    // Where to: a bank account, which is made once and kept by its number.
    let bank = BankAccount::new("Thabo Mbeki").account_number("1234567890").bank_name("Standard Bank");
    let bank = cape.send(CreateBeneficiary::fiat("zar", "Savings", bank)).await?;
    println!("beneficiary {} was made", bank.id);

    // Check before: the limits of the method, the balance, and the fee.
    let methods = cape.send(ListWithdrawMethods::new()).await?;
    let method = methods.iter().find(|method| method.currency == "zar").ok_or("no method pays out rand")?;
    let balance = cape.send(GetBalance::new("zar")).await?;
    let quote = cape.send(GetWithdrawQuote::new("zar")).await?;
    let text = |limit: Option<Decimal>| limit.map_or("no limit".to_owned(), |limit| limit.to_string());
    println!("smallest: {}, largest: {}", text(method.min_amount), text(method.max_amount));
    println!("available: {} zar", balance.available());
    println!("fee: {} zar, for the next {} s", quote.fee, quote.remaining_at(cape.now()).as_secs());
    let allowed = method.min_amount.is_none_or(|least| amount >= least)
        && method.max_amount.is_none_or(|most| amount <= most);
    if !allowed || balance.available() < amount {
        return Err("the amount is outside of the limits".into());
    }

    // It is sent once. After an unknown outcome the candidates are listed, and a person decides.
    let withdrawal = CreateWithdrawal::new("zar", bank.id, amount).quote(quote);
    let sent_at = cape.now();
    let created = match cape.send(withdrawal.clone()).await {
        Ok(created) => created,
        Err(error) if error.outcome() == Outcome::Unknown => {
            let found = withdrawal.find(&cape, sent_at).await?;
            return Err(format!("{error}; it may be one of {:?}", found.candidates).into());
        }
        Err(error) => return Err(format!("nothing was withdrawn: {error}").into()),
    };
    let id = created.id().ok_or("the answer has no number; look for it in the history")?;
    println!("withdrawal {id} was created");

    // The bank takes its time. Here the exchange's clock is moved instead of waiting.
    sandbox.control().advance_clock(4 * 3_600_000);
    let polling = Polling::within(Duration::from_secs(10));
    match FollowWithdrawal::new(id).until_final(&cape, polling).await? {
        FollowedWithdrawal::Final(row) if row.state.is_success() => {
            println!("{} zar were paid, {} of them as fee", row.amount, row.fee.unwrap_or_default());
            Ok(())
        }
        other => Err(format!("it was not paid: {other:?}").into()),
    }
}
