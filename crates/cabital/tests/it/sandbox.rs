//! The client against the partner's side of the sandbox, which shares no code with it.

mod callbacks;
mod calls;
mod codes;
mod lost;

use cabital::{
    Cabital, ConvertAndTransfer, Digest, Hosts, PartnerCode, Scheme,
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
use capecrypto_sandbox::{
    Builder, Sandbox,
    cabital::{self as side, Signing},
};

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

/// Opens an address as a browser does, and answers the status.
async fn open(url: &str) -> u16 {
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
}

#[tokio::test]
async fn each_form_of_the_link_is_taken_and_no_part_of_it_can_be_changed() {
    for (digest, written) in [(Digest::Hex, side::Digest::Hex), (Digest::Base64, side::Digest::Base64)] {
        let signing = Signing { digest: written, ..Signing::default() };
        let sandbox = Sandbox::builder().cabital_signing(signing).start().await.unwrap();
        let access = sandbox.cabital();
        let mut scheme = Scheme::default();
        scheme.digest = digest;
        let cabital = Cabital::builder(Hosts::at(&access.origin, &access.link_origin).unwrap())
            .credentials(Credentials::new(&access.access_key, &access.secret).unwrap())
            .scheme(scheme)
            .build()
            .unwrap();
        let page = LinkPage::new("customer-42", "https://partner.example/linked?a=b&c=d+e");
        let local = LinkPage::new("customer-42", "http://127.0.0.1:8081/linked");
        for page in [page.clone(), page.clone().feature("cfx"), local, page.clone().misspelt()] {
            let url = page.url(&cabital).unwrap();
            assert_eq!(open(&url).await, 303, "{url}");
            // The first character of each value: key, customer, address, feature, signature.
            let bytes = url.as_bytes();
            for at in
                (1..bytes.len()).filter(|at| bytes[at - 1] == b'=' && bytes[*at].is_ascii_alphanumeric())
            {
                let mut changed = bytes.to_vec();
                changed[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
                let changed = String::from_utf8(changed).unwrap();
                assert_eq!(open(&changed).await, 401, "{changed}");
            }
            assert_eq!(open(&url.replacen("/link?", "/link?feature=own&", 1)).await, 401, "a part was added");
            assert_eq!(open(&url.replacen("user_ext_ref=customer-42&", "", 1)).await, 400, "one is missing");
        }
        sandbox.shutdown().await;
    }
}

#[tokio::test]
async fn each_form_of_the_light_modes_address_is_taken() {
    let (sandbox, cabital, _) = started().await;
    let page = RedirectPage::convert("partner-7", Side::Buy, ("BTC", dec!(0.001))).user("customer-42");
    let sell = RedirectPage::convert("partner-7", Side::Sell, ("EUR", dec!(10.50))).quote("BTC-EUR");
    for page in [page.clone().quote("EUR-BTC"), page, sell, RedirectPage::new("partner-7")] {
        let url = page.url(cabital.hosts()).unwrap();
        assert_eq!(open(&url).await, 303, "{url}");
    }
    sandbox.shutdown().await;
}
