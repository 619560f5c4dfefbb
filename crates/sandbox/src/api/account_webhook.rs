//! The webhook of an account (the documents' section "Webhook Configuration", of 2026-04).

use super::{
    call::{ApiRequest, Theme, route},
    params::{Params, Value},
};
use crate::{
    base::{
        refusal::{NOT_FOUND, OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::{
        notice::{Protocol, Webhook},
        people::webhooks::{AddWebhook, RemoveWebhook, SetWebhook},
    },
};
use http::{StatusCode, Uri};
use serde_json::{Map, Value as Json, json};

const PATH: &str = "/resource/users/webhook";

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[
        route("persona", "GET", PATH, one, &[]),
        route("persona", "POST", PATH, create, &[SETTINGS_CODES]).also(&[(409, EXISTS)]),
        route("persona", "PUT", PATH, update, &[SETTINGS_CODES]),
        route("persona", "DELETE", PATH, delete, &[]).also(&[(404, NOT_FOUND)]),
    ],
    own_codes: OWN_CODES,
};

const URL: &str = "sandbox.webhook.invalid_url";
const PROTOCOL: &str = "sandbox.webhook.invalid_protocol";
const SECRET: &str = "sandbox.webhook.missing_secret";
const EXISTS: &str = "sandbox.webhook.exists";

const OWN_CODES: &[OwnCode] = &[
    own(
        URL,
        "422: the address is missing or no web address (http, https) of at most 2048 characters; no code is documented",
    ),
    own(PROTOCOL, "422: the protocol is not hmac, plain_text or none; no code is documented"),
    own(SECRET, "422: the protocol needs a secret, and there is none; the documents do not say it"),
    own(EXISTS, "409: the account has a webhook; no code is documented"),
];
/// The codes of wrong settings, for every call that takes them.
pub(super) const SETTINGS_CODES: &[&str] = &[URL, PROTOCOL, SECRET];

const LONGEST: usize = 2048;

/// The names of address, secret and protocol.
const NAMES: [&str; 3] = ["url", "secret", "protocol"];

/// Reads the settings from the parameters with these names: address, secret, protocol. What is wrong is added to the codes.
pub(super) fn read(
    params: &Params,
    [url, secret, protocol]: [&str; 3],
    codes: &mut Vec<&'static str>,
) -> Option<Webhook> {
    let before = codes.len();
    let text = |name| params.get(name).and_then(Value::as_text);
    let url = text(url).filter(|url| is_web_address(url));
    if url.is_none() {
        codes.push(URL);
    }
    let protocol = match params.get(protocol).map(Value::as_text) {
        None | Some(Some("none")) => Protocol::None,
        Some(Some("hmac")) => Protocol::Hmac,
        Some(Some("plain_text")) => Protocol::PlainText,
        Some(_) => {
            codes.push(PROTOCOL);
            Protocol::None
        }
    };
    let secret = text(secret).filter(|secret| !secret.is_empty());
    if secret.is_none() && protocol != Protocol::None {
        codes.push(SECRET);
    }
    let url = url.filter(|_| codes.len() == before)?.to_owned();
    Some(Webhook { url, secret: secret.map(str::to_owned), protocol })
}

/// Reads the parameter `webhook` of a call that makes or changes an account; without it the account gets none.
pub(super) fn read_object(request: &ApiRequest<'_>, codes: &mut Vec<&'static str>) -> Option<Webhook> {
    let settings = match request.params.get("webhook")? {
        Value::Object(text) | Value::Text(text) => Params::of_object(text),
        _ => None,
    };
    if let Some(settings) = settings {
        return read(&settings, NAMES, codes);
    }
    codes.push(URL);
    None
}

fn is_web_address(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let is_web = uri.scheme_str().is_some_and(|scheme| ["http", "https"].contains(&scheme));
    is_web && url.chars().count() <= LONGEST && uri.host().is_some_and(|host| !host.is_empty())
}

fn one(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let webhook = request.host.people.webhook(request.account()?);
    Ok(Reply::ok(&view(webhook.as_ref())))
}

fn create(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, webhook) = (request.account()?, settings(request)?);
    if request.host.command(AddWebhook { account, webhook: webhook.clone() }) {
        return Ok(Reply::created(&view(Some(&webhook))));
    }
    Err(Refusal::Codes(StatusCode::CONFLICT, vec![EXISTS]))
}

fn update(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let (account, webhook) = (request.account()?, settings(request)?);
    request.host.command(SetWebhook { account, webhook: webhook.clone() });
    Ok(Reply::ok(&view(Some(&webhook))))
}

fn delete(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    if request.host.command(RemoveWebhook { account: request.account()? }) {
        return Ok(Reply::ok(&json!({ "message": "Webhook deleted" })));
    }
    Err(Refusal::not_found())
}

fn settings(request: &ApiRequest<'_>) -> Result<Webhook, Refusal> {
    let mut codes = Vec::new();
    let settings = read(request.params, NAMES, &mut codes);
    Refusal::all(codes)?;
    settings.ok_or_else(|| Refusal::unprocessable(URL))
}

/// `null` without a webhook; a webhook without a secret has no such field.
fn view(webhook: Option<&Webhook>) -> Json {
    let webhook = webhook.map(|Webhook { url, secret, protocol }| {
        let mut fields =
            Map::from_iter([("url".to_owned(), json!(url)), ("protocol".to_owned(), json!(protocol))]);
        fields.extend(secret.as_ref().map(|secret| ("secret".to_owned(), json!(secret))));
        fields
    });
    json!({ "webhook": webhook })
}
