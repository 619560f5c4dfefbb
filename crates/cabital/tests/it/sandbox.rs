//! The client against the partner's side of the sandbox, which shares no code with it.

mod callbacks;
mod calls;
mod codes;
mod lost;

use cabital::{
    Cabital, ConvertAndTransfer, Hosts, PartnerCode,
    accounts::{GetAccountDetail, GetBalance, GetDepositInformation, ListBalances},
    conversions::{Conversion, Converted, CreateConversion},
    convert_and_transfer::{Done, TransferDone},
    light::{GetLightConfig, GetLightQuote, RedirectPage, Side},
    link::LinkPage,
    models::ExternalId,
    partner::{GetConfig, GetQuote, GetReconciliation},
    transfers::{CreateTransfer, GetTransfer, ListTransfers, Submitted},
};
use capecrypto_auth::Credentials;
use capecrypto_models::dec;
use capecrypto_sandbox::{Builder, Sandbox};

async fn started() -> (Sandbox, Cabital, String) {
    started_with(Sandbox::builder()).await
}

async fn started_with(builder: Builder) -> (Sandbox, Cabital, String) {
    let sandbox = builder.start().await.unwrap();
    let access = sandbox.cabital();
    let hosts = Hosts::at(&access.origin, &access.link_origin).unwrap();
    let credentials = Credentials::new(&access.access_key, &access.secret).unwrap();
    let cabital = Cabital::builder(hosts).credentials(credentials).build().unwrap();
    let account = access.account_id.clone();
    (sandbox, cabital, account)
}

#[tokio::test]
async fn every_read_is_understood() {
    let (sandbox, cabital, account) = started().await;
    let account = account.as_str();
    let config = cabital.send(GetConfig::new()).await.unwrap();
    assert!(config.converts(&"BTC-EUR".parse().unwrap()));
    let balances = cabital.send(ListBalances::new(account)).await.unwrap();
    let one = cabital.send(GetBalance::new(account, "BTC")).await.unwrap();
    assert_eq!(balances.of(&one.symbol), Some(one.amount));
    let euros = cabital.send(GetDepositInformation::sepa(account)).await.unwrap();
    assert!(euros.meta.checked_iban().unwrap().is_ok());
    let usual = cabital.send(GetDepositInformation::new(account, "GBP")).await.unwrap();
    assert!(usual.meta.account_number.is_some() && usual.method == "FPS");
    cabital.send(GetAccountDetail::new(account)).await.unwrap();
    let quote = cabital.send(GetQuote::new("EUR-BTC")).await.unwrap();
    assert!(quote.is_valid_at(cabital.now()));
    cabital.send(GetLightConfig::new()).await.unwrap();
    cabital.send(GetLightQuote::new("BTC-EUR")).await.unwrap();
    let none = cabital.send(GetReconciliation::new("nobody")).await.unwrap_err();
    assert_eq!(PartnerCode::of(&none), Some(PartnerCode::UnknownTransfer));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn each_direction_of_a_conversion_is_calculated_as_the_sandbox_does() {
    let (sandbox, cabital, account) = started().await;
    for (pair, buys, amount) in [
        ("BTC-EUR", true, ("BTC", dec!(0.00123456))),
        ("BTC-EUR", false, ("EUR", dec!(50.55))),
        ("BTC-EUR", false, ("BTC", dec!(0.00123456))),
        ("BTC-EUR", true, ("EUR", dec!(50.55))),
        ("BTC-USDT", true, ("USDT", dec!(61.426365))),
        ("BTC-USDT", false, ("USDT", dec!(61.426365))),
    ] {
        let quote = cabital.send(GetQuote::new(pair)).await.unwrap();
        let conversion =
            if buys { Conversion::buy(amount, &quote) } else { Conversion::sell(amount, &quote) };
        match CreateConversion::new(account.as_str(), conversion).submit(&cabital).await {
            Converted::Made(made) => assert_eq!(made.status, "SUCCESS"),
            other => panic!("{pair} {buys} {amount:?}: {other:?}"),
        }
    }
    sandbox.shutdown().await;
}

#[tokio::test]
async fn conversion_with_transfer_is_done_and_listed() {
    let (sandbox, cabital, account) = started().await;
    let quote = cabital.send(GetQuote::new("BTC-USDT")).await.unwrap();
    let conversion = Conversion::buy(("USDT", dec!(100)), &quote);
    let id = ExternalId::random();
    let work = ConvertAndTransfer::new(account.as_str(), conversion, &id).otp("123456");
    let done = work.run(&cabital).await;
    let Done::Transferred(TransferDone::Made(made)) = &done else { panic!("{done:?}") };
    let read = cabital.send(GetTransfer::new(account.as_str(), &made.transfer_id)).await.unwrap();
    assert_eq!((read.external_id.as_deref(), read.instructed_amount), (Some(id.as_str()), dec!(100)));
    let again = work.run(&cabital).await;
    assert!(matches!(again, Done::Transferred(TransferDone::Found(_))), "{again:?}");
    let plain = CreateTransfer::to_partner(account.as_str(), ("USDT", dec!(150)), ExternalId::random());
    let submitted = plain.otp("123456").submit(&cabital).await;
    assert!(matches!(submitted, Submitted::Made(_)), "{submitted:?}");
    let list = ListTransfers::new(account.as_str()).page_size(1).direction("DEBIT");
    assert_eq!(cabital.items(list).try_collect().await.unwrap().len(), 2);
    sandbox.shutdown().await;
}

#[tokio::test]
async fn both_addresses_are_taken() {
    let (sandbox, cabital, _) = started().await;
    let http = async |url: String| {
        let rest = url.strip_prefix("http://").unwrap();
        let (host, target) = rest.split_once('/').unwrap();
        let stream = tokio::net::TcpStream::connect(host).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        let task = tokio::spawn(async move { drop(connection.await) });
        let request = hyper::Request::get(format!("/{target}")).header("host", host);
        let request = request.body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
        let status = sender.send_request(request).await.unwrap().status().as_u16();
        task.abort();
        status
    };
    let page = LinkPage::new("customer-42", "https://partner.example/linked?a=b");
    assert_eq!(http(page.url(&cabital).unwrap()).await, 303);
    assert_eq!(http(page.misspelt().url(&cabital).unwrap()).await, 303);
    let page = RedirectPage::convert("partner-7", Side::Buy, ("BTC", dec!(0.001))).user("customer-42");
    assert_eq!(http(page.clone().quote("EUR-BTC").url(cabital.hosts()).unwrap()).await, 303);
    assert_eq!(http(page.url(cabital.hosts()).unwrap()).await, 303);
    assert_eq!(http(RedirectPage::new("partner-7").url(cabital.hosts()).unwrap()).await, 303);
    sandbox.shutdown().await;
}
