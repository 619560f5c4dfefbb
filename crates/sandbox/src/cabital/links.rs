//! Link and light mode: the URLs that send a customer to Cabital, and the status of a link.
//!
//! A customer who follows such a URL is sent on with 303 to a page that only repeats the query. What the customer does there
//! is up to the control door.

use super::{
    call::Call,
    failure::{Failure, Pa},
};
use crate::base::reply::Reply;
use http::{StatusCode, header};
use serde_json::{Value as Json, json};

/// The status of a link.
pub(super) fn status(call: &Call<'_>) -> Result<Reply, Failure> {
    let user_ext_ref = call.segment(0);
    let answer = call.room.read(|cabital| {
        let account = cabital.by_reference(user_ext_ref).ok_or(Pa::NO_ACCOUNT)?;
        let mut answer = json!({
            "account_uuid": account.uuid,
            "link_status": account.state,
            "otp_ready": account.otp.is_some(),
            "kyc_status": account.state.kyc(),
            "email_address": account.email.0,
        });
        if let (Json::Object(answer), Some(valid_until)) = (&mut answer, account.valid_until) {
            answer.insert("valid_until".to_owned(), json!(valid_until));
        }
        Ok::<_, Failure>(answer)
    })?;
    Ok(Reply::ok(&answer))
}

/// The origin as the caller named it.
fn origin(call: &Call<'_>) -> String {
    let host = call.head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    format!("http://{host}")
}

fn parameter<'a>(call: &'a Call<'_>, name: &str) -> Result<&'a str, Failure> {
    let value = call.parameter(name).filter(|value| !value.is_empty());
    value.ok_or_else(|| Failure::bad(format!("{name} is missing")))
}

fn send_on(call: &Call<'_>, page: &str) -> Reply {
    let query = call.head.uri.query().unwrap_or_default();
    Reply::see_other(&format!("{}/pages/{page}?{query}", origin(call)))
}

/// The beginning of a link. The documents describe its signature in two ways: over the whole URL without the signature, or as
/// that of a call, which has no time, nonce and body here. Both are taken.
pub(super) fn start(call: &Call<'_>) -> Result<Reply, Failure> {
    let (key, _) = (parameter(call, "partner_key")?, parameter(call, "user_ext_ref")?);
    // The documents' table spells it in the second way.
    let signature = call.parameter("signature").or_else(|| call.parameter("siganture")).unwrap_or_default();
    let query = call.head.uri.query().unwrap_or_default();
    let is_other = |pair: &&str| !pair.starts_with("signature=") && !pair.starts_with("siganture=");
    let unsigned: Vec<_> = query.split('&').filter(is_other).collect();
    let target = format!("{}?{}", call.head.uri.path(), unsigned.join("&"));
    let sign = |parts: &[&[u8]]| call.room.signing().sign(call.room.secret(), parts);
    let of_url = sign(&[origin(call).as_bytes(), target.as_bytes()]);
    let of_call = sign(&[b"GET", target.as_bytes()]);
    if key != call.room.access_key() || ![of_url, of_call].iter().any(|wanted| wanted == signature) {
        let message = "partner_key is not known, or signature does not fit the URL without it".to_owned();
        return Err(Failure::Http(StatusCode::UNAUTHORIZED, message));
    }
    if let Some(redirect) = call.parameter("redirect_url") {
        let is_web = ["http://", "https://"].iter().any(|scheme| redirect.starts_with(scheme));
        if !is_web || redirect.parse::<http::Uri>().is_err() {
            return Err(Failure::bad("redirect_url must be a URL, percent-encoded"));
        }
    }
    Ok(send_on(call, "link"))
}

/// The way to Cabital's pages in light mode.
pub(super) fn redirect(call: &Call<'_>) -> Result<Reply, Failure> {
    parameter(call, "partner_id")?;
    if call.parameter("feature") == Some("cfx") {
        let kind = parameter(call, "type")?;
        if !["buy", "sell"].contains(&kind) {
            return Err(Failure::bad("type must be buy or sell"));
        }
        let (pair, major) = (call.parameter("quote"), call.parameter("major_ccy"));
        let amount = call.parameter("major_amount");
        call.room.read(|cabital| {
            if let Some(pair) = pair {
                cabital.terms.pair(pair)?;
            }
            let major = major.map(|symbol| cabital.terms.currency(symbol)).transpose()?;
            match (major, amount) {
                (Some(major), Some(amount)) if major.amount(amount).is_none() => {
                    Err(Failure::bad("major_amount must be an amount above zero in the digits of major_ccy"))
                }
                _ => Ok(()),
            }
        })?;
    }
    Ok(send_on(call, "light"))
}

/// A page that a customer is sent on to.
pub(crate) fn page(path: &str) -> Option<Reply> {
    let text = match path {
        "/pages/link" => "Here a customer would link an account. The control door of the sandbox does it.",
        "/pages/light" => "Here a customer would use Cabital. Nothing happens in the sandbox.",
        _ => return None,
    };
    Some(Reply::raw(200, Some("text/plain"), text.to_owned()))
}
