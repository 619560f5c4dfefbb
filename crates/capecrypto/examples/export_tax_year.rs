//! A tax year for an accountant: the history as CSV, and the sums of the ledger. `cargo run --example export_tax_year`.
//!
//! The exchange runs in this process. With the real one, leave out `some_business` and the lines with `sandbox`.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Environment, Side, Timestamp,
    account::{CreateLightningInvoice, ExportTransactions, Ledger, ListBalances, ListTransactions, Records},
    args::Direction,
    dec,
    models::Sats,
    trading::{CreateOrder, ListTrades},
};
use capecrypto_sandbox::{NewDeposit, Sandbox};
use comfy_table::{CellAlignment, Table, presets};
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let (cape, other) = (sign_in(&sandbox, "taker")?, sign_in(&sandbox, "maker")?);
    // The year is over: its first second, and the second after its last.
    sandbox.control().advance_clock(2_000);
    let from = Timestamp::from_unix_seconds(sandbox.control().now_ms() / 1_000)?;
    let before = cape.items(ListBalances::new()).try_collect().await?;
    some_business(&sandbox, &cape, &other).await?;
    sandbox.control().advance_clock(3_600_000);
    let to = Timestamp::from_unix_seconds(sandbox.control().now_ms() / 1_000)?;

    // The whole history as CSV. The file appears only when it is whole; pins of vouchers are left out.
    let path = std::env::temp_dir().join(format!("history-{}.csv", std::process::id()));
    let list = ListTransactions::new().order_by(Direction::Ascending);
    let saved = cape.tables(ExportTransactions::between(list, from, to)?).save(&path).await?;
    println!("{}: {} rows, without {:?}", path.display(), saved.rows, saved.left_out);
    std::fs::remove_file(&path)?;

    // The same year as double-entry lines.
    let records = Records::read(&cape, from..to).await?;
    let ledger = Ledger::of(&records);
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY).set_header(["currency", "account", "sum"]);
    for ((currency, account), sum) in ledger.sums().ok_or("a sum has more than 28 digits")? {
        table.add_row([currency.to_string(), account.to_string(), sum.normalize().to_string()]);
    }
    if let Some(sums) = table.column_mut(2) {
        sums.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");

    // Does it explain every change of a balance?
    let after = cape.items(ListBalances::new()).try_collect().await?;
    let differences = ledger.differences(&before, &after).ok_or("a sum has more than 28 digits")?;
    println!(
        "{} entries, {} not booked, differences: {differences:?}",
        ledger.entries.len(),
        ledger.unbooked.len()
    );
    if !differences.is_empty() || !ledger.unbooked.is_empty() || saved.rows == 0 {
        return Err("the ledger does not explain the year".into());
    }
    Ok(())
}

fn sign_in(sandbox: &Sandbox, name: &str) -> Result<Cape, Box<dyn Error>> {
    let keys = sandbox.account(name).ok_or("the sandbox has no such account")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    Ok(Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?)
}

/// What happened in the year: a deposit, a trade, and a payment that came in over the lightning network.
async fn some_business(sandbox: &Sandbox, cape: &Cape, other: &Cape) -> Result<(), Box<dyn Error>> {
    sandbox.control().add_deposit("taker", NewDeposit::new("zar", dec!(25_000)))?;
    other.send(CreateOrder::limit("btczar", Side::Sell, dec!(0.02), dec!(840_000))).await?;
    cape.send(CreateOrder::limit("btczar", Side::Buy, dec!(0.02), dec!(840_000))).await?;
    let invoice = cape.send(CreateLightningInvoice::new(Sats::new(40_000))).await?;
    sandbox.control().pay_invoice(invoice.bolt.expose())?;
    // Orders are carried out just after they are accepted, so wait for the trade.
    while cape.send(ListTrades::new()).await?.is_empty() {
        tokio::task::yield_now().await;
    }
    Ok(())
}
