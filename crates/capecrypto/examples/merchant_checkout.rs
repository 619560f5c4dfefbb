//! A shop takes a payment, from the customer to the ledger: `cargo run --example merchant_checkout`.
//!
//! The exchange runs in this process. With the real one, leave out the lines with `sandbox`, and let the webhook's address be one
//! that the exchange can reach. `docs/PAYMENTS.md` explains each step.

// An example prints its results.
#![allow(clippy::print_stdout)]

use axum::{Router, routing::post};
use capecrypto::{
    Cape, Credentials, Environment, Outcome, Side, Uid,
    account::{BankAccount, CreateBeneficiary, GetBalance, GetDepositAddress},
    customers::CreateCustomer,
    dec,
    forms::{Address, Destination, Individual, OnDeposit, Pep, Person, WebhookSettings},
    models::{PaymentReference, WebhookEvent},
    payments::{CreatePaymentReference, GetPaymentReference},
    trading::CreateOrder,
    webhook::{Inbox, MemoryStore, Verifier},
};
use capecrypto_sandbox::{ReferenceDeposit, Sandbox};
use capecrypto_webhook::{Incoming, Receiver};
use qrcode::{QrCode, render::unicode::Dense1x2};
use std::{error::Error, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};

/// In a real program: a long random text that is kept where you keep secrets.
const SECRET: &str = "0f2d3c9f1b7a4e58a6c1";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let keys = sandbox.account("merchant").ok_or("the sandbox has no account merchant")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    let shop = Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?;

    // Somebody who buys bitcoin: a new sandbox has an empty market.
    let keys = sandbox.account("maker").ok_or("the sandbox has no account maker")?;
    let maker = Credentials::new(&keys.api_key, &keys.secret)?;
    let maker = Cape::builder(Environment::local(sandbox.origin())?).credentials(maker).build()?;
    maker.send(CreateOrder::limit("btczar", Side::Buy, dec!(0.1), dec!(1_150_000))).await?;

    // 1. The receiver runs before anything can be paid. It answers 200 only once the handler has finished. The store in memory is
    //    for this example: a shop takes `SqliteStore` or `PostgresStore`, and writes into its own tables with them.
    let inbox = Arc::new(Inbox::new(MemoryStore::new()));
    let (tell, mut told) = mpsc::channel(16);
    let handler = move |incoming: Incoming| {
        let tell = tell.clone();
        async move { tell.send(incoming.event).await }
    };
    let receiver = Receiver::new(Verifier::hmac("2026", SECRET)?, inbox.clone(), handler);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let webhook = format!("http://{}/webhooks", listener.local_addr()?);
    let app = Router::new().route("/webhooks", post(receiver));
    tokio::spawn(async move { axum::serve(listener, app).await });

    // 2. A customer. In life, the exchange verifies the documents that you upload: see the example `onboard_business`.
    let customer = shop.send(CreateCustomer::individual(thandi())).await?.uid;
    sandbox.control().verify_at_once(customer.as_str())?;
    println!("customer {customer} is verified");

    // 3. A payment reference: what comes with it goes to the shop, is sold for rand, and is paid out to the shop's bank.
    let bank = BankAccount::new("Baobab Shop").account_number("1234567890").bank_name("Standard Bank");
    let bank = shop.send(CreateBeneficiary::fiat("zar", "Daily takings", bank)).await?;
    let payment = CreatePaymentReference::new(&customer, "btc")
        .expected_amount(dec!(0.002))
        .deposit_action(OnDeposit::aggregate_convert_and_withdraw(
            "zar",
            Destination::Beneficiary(bank.id.into()),
        ))
        .webhook(WebhookSettings::hmac(webhook, SECRET));
    let sent_at = shop.now();
    let payment = match shop.send(payment.clone()).await {
        Ok(payment) => payment,
        // It may exist. A second one would be a second code that the customer can use.
        Err(error) if error.outcome() == Outcome::Unknown => {
            return Err(format!("{error}; it may be one of {:?}", payment.find(&shop, sent_at).await?).into());
        }
        Err(error) => return Err(format!("there is no new reference: {error}").into()),
    };
    // So that a look at what is missing finds it, also if none of its webhooks ever comes.
    inbox.expect(&payment.reference).await?;

    // 4. What the customer is shown.
    show(&shop, &customer, &payment).await?;

    // 5. The customer pays.
    let before = shop.send(GetBalance::new("btc")).await?;
    sandbox.control().deposit_for_reference(&payment.reference, ReferenceDeposit::new(dec!(0.002)))?;

    // 6. The exchange tells what happens. In this process its clock is moved, because a bank takes an hour.
    loop {
        sandbox.control().advance_clock(300_000);
        let Ok(event) = timeout(Duration::from_millis(100), told.recv()).await else { continue };
        match event.ok_or("the receiver has ended")? {
            WebhookEvent::DepositMatched(paid) => {
                println!("{} {} came: show the customer that it is on its way", paid.amount, paid.currency);
            }
            WebhookEvent::Completed(paid) => {
                let (order, withdrawal) =
                    paid.order_id.zip(paid.withdraw_id).ok_or("an action was left out")?;
                println!(
                    "order {order} has sold it, withdrawal {withdrawal} has paid it out: ship the goods"
                );
                break;
            }
            WebhookEvent::Failed(paid) => return Err(format!("ask a person: {:?}", paid.error).into()),
            event => println!("{}", event.name()),
        }
    }

    // 7. The books: the exchange says the same as the webhooks, and nothing is awaited any more.
    let payment = shop.send(GetPaymentReference::new(payment.id)).await?;
    let after = shop.send(GetBalance::new("btc")).await?;
    println!("\nreference {} is {}", payment.reference, payment.state);
    println!("bitcoin of the shop: {} before, {} after: all of it was sold", before.total(), after.total());
    let ledger = sandbox.control().ledger();
    println!("the ledger of the exchange sums to zero: {}", ledger.sums_to_zero);
    let awaited = inbox.awaited(None, 1).await?;
    if !payment.state.is_success() || before != after || !awaited.is_empty() || !ledger.sums_to_zero {
        return Err("the books do not agree".into());
    }
    Ok(())
}

/// Prints what the customer must see: the code, the amount, and the address as text and as a QR code.
async fn show(shop: &Cape, customer: &Uid, payment: &PaymentReference) -> Result<(), Box<dyn Error>> {
    // The address is the customer's, so the shop acts for the customer.
    let wait = Duration::from_secs(30);
    let address = GetDepositAddress::new("btc").until_ready(&shop.acting_as(customer.clone()), wait).await?;
    let address = address.address.ok_or("there is no address yet")?;
    let amount = payment.expected_amount.unwrap_or_default();
    // The form that wallets read (BIP 21).
    let link = format!("bitcoin:{address}?amount={amount}&message={}", payment.reference);
    println!("\n{}", QrCode::new(&link)?.render::<Dense1x2>().build());
    println!("pay {amount} BTC to {address}, reference {}\n", payment.reference);
    Ok(())
}

/// The form of the customer.
fn thandi() -> Individual {
    let person = Person {
        first_name: "Thandi".into(),
        last_name: "Nkosi".into(),
        dob: "1990-01-01".into(),
        email: "thandi@customer.example".into(),
        address: Address {
            street: "12 Long Street".into(),
            postcode: "8001".into(),
            city: "Cape Town".into(),
            country: "ZA".into(),
        },
        nationality: "ZA".into(),
        occupation: "Software Developer".into(),
        source_of_funds: "Salary".into(),
        pep: Pep::none(),
    };
    Individual::new(person, "+27821234567", "ZA").id_number("9001015009087")
}
