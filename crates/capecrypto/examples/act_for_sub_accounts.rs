//! A shop has a sub-account for each of its tills, and acts for them: `cargo run --example act_for_sub_accounts`.
//!
//! The exchange runs in this process. With the real one, leave out the lines with `sandbox`.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Environment, Side,
    account::GetBalance,
    account_webhook::{CreateWebhook, DeleteWebhook, GetWebhook},
    dec,
    forms::{OnDeposit, WebhookSettings},
    sub_accounts::{CreateSubAccount, ListSubAccounts, SubAccountDeposits, UpdateSubAccount},
    trading::{CreateOrder, ListOrders},
};
use capecrypto_sandbox::Sandbox;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let keys = sandbox.account("merchant").ok_or("the sandbox has no account merchant")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    let shop = Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?;
    let before = shop.send(GetBalance::new("zar")).await?;

    // What the first till receives stays there. The second one's deposits shall go to the shop.
    let first = shop.send(CreateSubAccount::new("Till 1")).await?;
    let second = CreateSubAccount::new("Till 2").deposit_action(OnDeposit::aggregate());
    let second = shop.send(second).await?;
    shop.send(UpdateSubAccount::new(second.uid.clone()).deposits(SubAccountDeposits::Keep)).await?;

    // Customers pay.
    sandbox.control().deposit(first.uid.as_str(), "zar", dec!(5_000))?;
    sandbox.control().deposit(second.uid.as_str(), "zar", dec!(7_000))?;

    // A client that acts for a till is another client: `shop` still acts for the shop.
    let tills = [first, second].map(|till| (shop.acting_as(till.uid), till.account_name));
    for (till, name) in &tills {
        let order = till.send(CreateOrder::limit("btczar", Side::Buy, dec!(0.001), dec!(800_000))).await?;
        println!("{name} has placed {:?}", order.id);
    }
    for (till, name) in &tills {
        let balance = till.send(GetBalance::new("zar")).await?;
        let orders = till.items(ListOrders::new()).try_collect().await?.len();
        println!("{name}: {} ZAR, {} of it in {orders} order", balance.total(), balance.locked());
    }
    let after = shop.send(GetBalance::new("zar")).await?;
    let orders = shop.items(ListOrders::new()).try_collect().await?.len();
    println!("the shop: {} ZAR, {orders} orders", after.total());
    if after != before || orders != 0 {
        return Err("the shop's own account was changed".into());
    }

    // The events of the first till go to an address of its own, signed with a secret. It is not printed.
    let [(till, name), _] = &tills;
    let settings = WebhookSettings::hmac("https://shop.example/webhooks/till-1", "a long random text");
    till.send(CreateWebhook::new(settings)).await?;
    println!("{name}: {:?}", till.send(GetWebhook::new()).await?.webhook);
    println!("the shop: {:?}", shop.send(GetWebhook::new()).await?.webhook);
    till.send(DeleteWebhook::new()).await?;

    let mut all = shop.items(ListSubAccounts::new());
    while let Some(till) = all.try_next().await? {
        println!("{} {} is {}", till.uid, till.account_name, till.state);
    }
    Ok(())
}
