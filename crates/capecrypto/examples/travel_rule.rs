//! A deposit is on hold until its travel rule is answered: `cargo run --example travel_rule`.
//!
//! The exchange runs in this process. With the real one, leave out the lines with `sandbox`.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Environment,
    account::{GetBalance, GetDeposit, Keeper, ListDeposits, Party, SubmitTravelRule},
    dec,
    models::DepositState,
    public::ListVasps,
};
use capecrypto_sandbox::{DepositState as InSandbox, NewDeposit, Sandbox};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let keys = sandbox.account("merchant").ok_or("the sandbox has no account merchant")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    let cape = Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?;

    // A customer's bitcoin arrives. The exchange wants to know who sent it.
    let coming = NewDeposit::new("btc", dec!(0.25)).state(InSandbox::OnHoldTravelRuleCustomer);
    sandbox.control().add_deposit("merchant", coming)?;
    let before = cape.send(GetBalance::new("btc")).await?;

    // Which deposits wait for an answer?
    let waiting = ListDeposits::new().state(DepositState::OnHoldTravelRuleCustomer);
    let waiting = cape.items(waiting).try_collect().await?;
    for deposit in &waiting {
        println!("deposit {}: {} {} is {}", deposit.id, deposit.amount, deposit.currency, deposit.state);
    }
    let deposit = waiting.first().ok_or("no deposit is on hold")?;

    // The sender is a company, and its wallet is kept by a listed exchange.
    let vasps = ListVasps::find(&cape, "exchange").await?;
    let vasp = vasps.first().ok_or("no listed company has this name")?;
    println!("the wallet is kept by {} (number {})", vasp.name, vasp.id);
    let sender = Party::business("Baobab Trading Ltd", "ZA");
    let rule = SubmitTravelRule::wallet_of(deposit.id, sender, Keeper::vasp(vasp.id));

    // It is sent once. If the answer is lost, read the deposit: it says whether the travel rule arrived.
    let held = match cape.send(rule.clone()).await {
        Ok(deposit) => deposit,
        Err(error) => {
            println!("{error}");
            rule.find(&cape).await?
        }
    };
    println!("deposit {} is {}", held.id, held.state);

    // The exchange checks the answer. This takes a minute on the local one, so its clock is moved.
    sandbox.control().advance_clock(60_000);
    let released = cape.send(GetDeposit::by_id(held.id)).await?;
    let after = cape.send(GetBalance::new("btc")).await?;
    println!("deposit {} is {}", released.id, released.state);
    println!("balance: {} BTC before, {} BTC now", before.total(), after.total());
    if !released.state.is_credited() || after.total() != before.total() + released.amount {
        return Err("the deposit was not released".into());
    }
    Ok(())
}
