//! Addresses for a customer's browser, and hosts.

use crate::{client, credentials};
use cabital::{
    Cabital, Hosts,
    light::{GetLightConfig, RedirectPage, Side},
    link::{GetLinkStatus, LinkPage},
};
use capecrypto_models::dec;
use capecrypto_rest::Kind;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{header_exists, method, path},
};

#[test]
fn the_redirect_has_what_was_set_and_nothing_else() {
    let hosts = Hosts::documented().unwrap();
    let url = RedirectPage::new("partner 7").url(&hosts).unwrap();
    assert_eq!(url, "https://api.cabital.com/api/v1/light/partner/redirect?partner_id=partner+7");
    let page =
        RedirectPage::convert("p", Side::Sell, ("EUR", dec!(10.50))).quote("BTC-EUR").user("customer-42");
    assert_eq!(
        page.url(&hosts).unwrap(),
        "https://api.cabital.com/api/v1/light/partner/redirect?partner_id=p&user_ext_ref=customer-42&feature=cfx&quote=BTC-EUR\
         &major_ccy=EUR&major_amount=10.50&type=sell"
    );
    for (page, argument) in [
        (RedirectPage::new(""), "partner_id"),
        (RedirectPage::new("p").user("a b"), "user_ext_ref"),
        (RedirectPage::new("p").quote("BTC-EUR"), "quote"),
        (RedirectPage::convert("p", Side::Buy, ("EUR", dec!(0.001))), "major_amount"),
        (RedirectPage::convert("p", Side::Buy, ("EUR", dec!(1))).quote("38921.55"), "quote"),
        (RedirectPage::convert("p", Side::Buy, ("EUR", dec!(1))).quote("BTC-USDT"), "quote"),
    ] {
        assert_eq!(page.url(&hosts).unwrap_err().all()[0].argument, argument);
    }
}

#[test]
fn the_link_is_signed_with_the_key_of_the_client() {
    let cabital = Cabital::builder(Hosts::documented().unwrap());
    // A key that does not begin with `sandbox_` goes to other machines.
    let credentials = capecrypto_auth::Credentials::new("partner-key", "s3cr3t-of-the-partner").unwrap();
    let cabital = cabital.credentials(credentials).build().unwrap();
    let page = LinkPage::new("customer-42", "https://partner.example/linked?a=b");
    let url = page.url(&cabital).unwrap();
    // The signature comes from Python: `hmac.new(secret, b"GET" + path, hashlib.sha256)`.
    assert_eq!(
        url,
        "https://api.cabital.com/api/v1/partner/link?partner_key=partner-key&user_ext_ref=customer-42\
         &redirect_url=https%3A%2F%2Fpartner.example%2Flinked%3Fa%3Db&signature=64483efbef3224f0bf06d63024e416a06934c279cd97f28708dbb8d269e6c8ed"
    );
    assert!(page.clone().misspelt().url(&cabital).unwrap().contains("&siganture="));
    for wrong in [
        "",
        "partner.example",
        "http://partner.example",
        "javascript:alert(1)",
        "https://user:pw@partner.example",
        "https://",
        "https:partner.example",
        "https:///partner.example",
        r"https:\\partner.example",
        r"https://partner.example\a",
        " https://partner.example",
        "https://partner.example/a b",
        "https://part\tner.example",
        "https://partner.example/\n",
    ] {
        let error = LinkPage::new("customer-42", wrong).url(&cabital).unwrap_err();
        assert_eq!(error.argument().unwrap().argument, "redirect_url", "{wrong}");
    }
    let keyless = Cabital::builder(Hosts::documented().unwrap()).build().unwrap();
    assert_eq!(page.url(&keyless).unwrap_err().kind(), Kind::InvalidArgument);
}

#[tokio::test]
async fn an_address_for_a_browser_is_not_opened() {
    let cabital = client("http://127.0.0.1:9");
    assert_eq!(cabital.send(RedirectPage::new("p")).await.unwrap_err().kind(), Kind::InvalidArgument);
    let page = LinkPage::new("customer-42", "https://partner.example");
    assert_eq!(cabital.send(page).await.unwrap_err().kind(), Kind::InvalidArgument);
}

#[tokio::test]
async fn each_call_goes_to_its_host_and_only_the_light_mode_has_no_signature() {
    let (partner, link) = (MockServer::start().await, MockServer::start().await);
    let light = ResponseTemplate::new(200).set_body_string(r#"{"currencies":[],"pairs":[]}"#);
    Mock::given(path("/api/v1/light/config")).respond_with(light).mount(&link).await;
    let fixtures = capecrypto_testkit::Fixtures::cabital();
    let status = ResponseTemplate::new(200).set_body_string(fixtures.text("get_link_status", "composed"));
    Mock::given(path("/api/v1/link/links/customer-42"))
        .and(header_exists("access-sign"))
        .respond_with(status)
        .mount(&link)
        .await;
    let config = ResponseTemplate::new(200).set_body_string(fixtures.text("get_config", "composed"));
    Mock::given(method("GET")).and(header_exists("access-sign")).respond_with(config).mount(&partner).await;
    let hosts = Hosts::at(&partner.uri(), &link.uri()).unwrap();
    let cabital = Cabital::builder(hosts.clone()).credentials(credentials()).build().unwrap();
    cabital.send(cabital::partner::GetConfig::new()).await.unwrap();
    let status = cabital.send(GetLinkStatus::new("customer-42")).await.unwrap();
    assert!(!format!("{status:?}").contains("someone@xxx.com"));
    // Without a key, the light mode works and the other calls are refused before they are sent.
    let keyless = Cabital::builder(hosts).build().unwrap();
    keyless.send(GetLightConfig::new()).await.unwrap();
    assert_eq!(keyless.send(GetLinkStatus::new("customer-42")).await.unwrap_err().kind(), Kind::Config);
    let sent = link.received_requests().await.unwrap();
    let config = sent.iter().find(|request| request.url.path().ends_with("config")).unwrap();
    assert!(config.headers.get("access-key").is_none());
    let request = &partner.received_requests().await.unwrap()[0];
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["access-timestamp"].to_str().unwrap().len(), 10, "seconds");
}
