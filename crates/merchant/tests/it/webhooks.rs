//! Webhooks of accounts.

use crate::forms::{documented_business, documented_individual};
use capecrypto_auth::{Credentials, Environment};
use capecrypto_merchant::{
    account_webhook::{CreateWebhook, DeleteWebhook, GetWebhook, UpdateWebhook},
    customers::{CreateCustomer, UpdateCustomer},
    forms::WebhookSettings,
    merchants::CreateMerchant,
    sub_accounts::CreateSubAccount,
};
use capecrypto_models::{Webhook, WebhookProtocol};
use capecrypto_probe::client;
use capecrypto_rest::{Client, Kind, Outcome, Recorder, Replay};
use capecrypto_sandbox::{Fault, FaultKind, Sandbox};

const PATH: &str = "/resource/users/webhook";
const URL: &str = "https://merchant.example/hooks/canary-address?k=1";

fn settings() -> WebhookSettings {
    WebhookSettings::hmac(URL, "canary-secret")
}

/// Address, secret and protocol.
fn parts(webhook: &Webhook) -> (&str, Option<&str>, Option<WebhookProtocol>) {
    let secret = webhook.secret.as_ref().map(|secret| secret.expose().as_str());
    (webhook.url.as_str(), secret, webhook.protocol.clone())
}

async fn read(client: &Client) -> Option<Webhook> {
    client.send(GetWebhook::new()).await.unwrap().webhook
}

#[tokio::test]
async fn it_is_made_read_replaced_and_taken_away() {
    let sandbox = Sandbox::start().await.unwrap();
    // Any account may have one.
    let client = client(&sandbox, "maker");
    assert_eq!(read(&client).await, None);
    let made = client.reply(CreateWebhook::new(settings())).await.unwrap();
    assert_eq!(made.status, 201);
    let webhook = made.value.webhook.unwrap();
    assert_eq!(parts(&webhook), (URL, Some("canary-secret"), Some(WebhookProtocol::Hmac)));
    assert_eq!(read(&client).await, Some(webhook.clone()));
    assert!(!format!("{webhook:?}").contains("canary"), "{webhook:?}");

    let other = || WebhookSettings::unauthenticated("https://other.example/");
    let error = client.send(CreateWebhook::new(other())).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.status()), (Kind::Refused, Outcome::Refused, Some(409)));
    assert!(error.hint().unwrap().contains("UpdateWebhook"), "{error}");
    assert_eq!(read(&client).await, Some(webhook), "the refusal changed nothing");

    let replaced = client.send(UpdateWebhook::new(other())).await.unwrap().webhook.unwrap();
    assert_eq!(parts(&replaced), ("https://other.example/", None, Some(WebhookProtocol::None)));
    assert_eq!(read(&client).await, Some(replaced));
    client.send(DeleteWebhook::new()).await.unwrap();
    assert_eq!(read(&client).await, None);
    let error = client.send(DeleteWebhook::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::NotFound, Outcome::Refused));

    let plain = WebhookSettings::plain_text(URL, "canary-secret");
    client.send(UpdateWebhook::new(plain)).await.unwrap();
    let made = read(&client).await.unwrap();
    assert_eq!(parts(&made), (URL, Some("canary-secret"), Some(WebhookProtocol::PlainText)));
}

#[tokio::test]
async fn a_sub_account_has_its_own() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let with = CreateSubAccount::new("Till 1").webhook(settings());
    assert!(!format!("{with:?}").contains("canary"), "{with:?}");
    let till = client.acting_as(client.send(with).await.unwrap().uid.as_str());
    let bare = client.acting_as(client.send(CreateSubAccount::new("Till 2")).await.unwrap().uid.as_str());
    assert_eq!(parts(&read(&till).await.unwrap()), (URL, Some("canary-secret"), Some(WebhookProtocol::Hmac)));
    assert_eq!((read(&bare).await, read(&client).await), (None, None));
    bare.send(UpdateWebhook::new(WebhookSettings::unauthenticated("https://two.example/"))).await.unwrap();
    client.send(CreateWebhook::new(WebhookSettings::unauthenticated("https://own.example/"))).await.unwrap();
    till.send(DeleteWebhook::new()).await.unwrap();
    assert_eq!(read(&till).await, None);
    assert_eq!(read(&bare).await.unwrap().url.as_str(), "https://two.example/");
    assert_eq!(read(&client).await.unwrap().url.as_str(), "https://own.example/");
}

#[tokio::test]
async fn a_customer_and_a_merchant_have_their_own() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "aggregator");
    let customer = CreateCustomer::individual(documented_individual()).webhook(settings());
    let customer = client.send(customer).await.unwrap().uid;
    let shop = CreateMerchant::new(documented_business()).webhook(settings());
    let shop = client.send(shop).await.unwrap().uid;
    for uid in [&customer, &shop] {
        let webhook = read(&client.acting_as(uid.as_str())).await.unwrap();
        assert_eq!(parts(&webhook), (URL, Some("canary-secret"), Some(WebhookProtocol::Hmac)));
    }
    // An update without a webhook keeps it, and one with a webhook replaces it.
    client.send(UpdateCustomer::new(customer.clone()).custom_id("C-1")).await.unwrap();
    assert!(read(&client.acting_as(customer.as_str())).await.unwrap().secret.is_some());
    let other = WebhookSettings::unauthenticated("https://other.example/");
    client.send(UpdateCustomer::new(customer.clone()).webhook(other)).await.unwrap();
    let webhook = read(&client.acting_as(customer.as_str())).await.unwrap();
    assert_eq!(parts(&webhook), ("https://other.example/", None, Some(WebhookProtocol::None)));
    assert_eq!(read(&client).await, None);
}

#[tokio::test]
async fn no_change_is_sent_twice_and_reading_tells_what_was_done() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let lose = |method| {
        sandbox.control().inject(Fault::next(FaultKind::ResetAfterApply).on(method, PATH));
    };
    lose("PUT");
    let error = client.send(UpdateWebhook::new(settings())).await.unwrap_err();
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1));
    assert!(read(&client).await.is_some(), "it was done");
    lose("DELETE");
    let error = client.send(DeleteWebhook::new()).await.unwrap_err();
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1));
    assert_eq!(read(&client).await, None, "it was done");
    lose("POST");
    let error = client.send(CreateWebhook::new(settings())).await.unwrap_err();
    assert_eq!((error.outcome(), error.attempts()), (Outcome::Unknown, 1));
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    assert!(read(&client).await.is_some(), "it was done");
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_its_path() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let wrong = || WebhookSettings::hmac("ftp://canary", "");
    let error = client.send(CreateWebhook::new(wrong())).await.unwrap_err();
    let named = |error: &capecrypto_rest::Error| -> Vec<String> {
        error.arguments().iter().map(|each| each.argument.to_string()).collect()
    };
    assert_eq!((named(&error), error.outcome()), (vec!["url".into(), "secret".into()], Outcome::NotSent));
    assert!(!error.to_string().contains("canary"), "{error}");
    let error = client.send(CreateSubAccount::new("Till 1").webhook(wrong())).await.unwrap_err();
    assert_eq!(named(&error), ["webhook.url", "webhook.secret"]);
    // Without encryption it is sent, with a warning.
    let open = WebhookSettings::unauthenticated("http://127.0.0.1:9/hook");
    let reply = client.reply(UpdateWebhook::new(open)).await.unwrap();
    assert_eq!(reply.warnings[0].argument, "url");
}

#[tokio::test]
async fn an_answer_about_something_else_is_an_error() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    for (body, kind) in [
        (r#"{"webhook":null}"#, Kind::Decode),
        (r#"{"webhook":{"url":"https://a.example","protocol":"none"}}"#, Kind::Mismatch),
    ] {
        let content_type = Some("application/json".to_owned());
        let answer = FaultKind::Answer { status: 201, body: body.to_owned(), content_type };
        sandbox.control().inject(Fault::next(answer));
        let error = client.send(CreateWebhook::new(settings())).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Unknown), "{error}");
    }
}

#[tokio::test]
async fn neither_secret_nor_address_is_recorded() {
    let sandbox = Sandbox::start().await.unwrap();
    let keys = sandbox.account("merchant").unwrap();
    let recorder = Recorder::new();
    let builder = |environment, key: &str, secret: &str| {
        Client::builder(environment).credentials(Credentials::new(key, secret).unwrap())
    };
    let local = Environment::local(sandbox.origin()).unwrap();
    let client = builder(local, &keys.api_key, &keys.secret).record(&recorder).build().unwrap();
    let run = async |client: Client| {
        client.send(CreateWebhook::new(settings())).await.unwrap();
        client.send(CreateSubAccount::new("Till 1").webhook(settings()).data(r#""canary""#)).await.unwrap();
        let read = client.send(GetWebhook::new()).await.unwrap().webhook.unwrap();
        (read.secret.is_some(), read.protocol)
    };
    let first = run(client).await;
    sandbox.shutdown().await;
    let text = recorder.recording().to_json();
    assert!(text.contains("users/webhook") && !text.contains("canary"), "{text}");
    let replay = Replay::new(recorder.recording());
    let client = builder(Environment::live(), "any-key", "any-secret").replay(&replay).build().unwrap();
    assert_eq!(run(client).await, first);
}
