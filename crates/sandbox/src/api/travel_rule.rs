//! The travel rule of a deposit: who sent it, and from where.

use super::{
    call::{ApiRequest, Theme, current},
    deposits::{NON_INTEGER_ID, view},
    params::{Params, Value},
};
use crate::{
    base::{
        refusal::{DEPOSIT_NOT_PERMITTED, NOT_FOUND, OwnCode, Refusal, own},
        reply::Reply,
    },
    exchange::funds::deposits::{NotChanged, SubmitTravelRule},
};
use serde_json::{Map, Value as Json};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[current("account", "POST", "/account/deposits/{id}/travel_rule", submit, CODES)
        .verified(&[DEPOSIT_NOT_PERMITTED])
        .also(&[(404, NOT_FOUND)])],
    own_codes: OWN_CODES,
};

const NOT_A_COIN: &str = "sandbox.travel_rule.not_a_coin";
const WRONG_STATE: &str = "sandbox.travel_rule.wrong_state";
const ALREADY_SUBMITTED: &str = "sandbox.travel_rule.already_submitted";
const NO_IS_OWN: &str = "sandbox.travel_rule.missing_is_own";
const IS_OWN: &str = "sandbox.travel_rule.invalid_is_own";
const NO_IS_UNHOSTED: &str = "sandbox.travel_rule.missing_is_unhosted";
const IS_UNHOSTED: &str = "sandbox.travel_rule.invalid_is_unhosted";
const VASP_ID: &str = "sandbox.travel_rule.invalid_vasp_id";
const UNHOSTED_AT_VASP: &str = "sandbox.travel_rule.unhosted_at_vasp";
const TWO_VASPS: &str = "sandbox.travel_rule.two_vasps";
const NO_VASP: &str = "sandbox.travel_rule.missing_vasp";
const NO_ORIGINATOR: &str = "sandbox.travel_rule.missing_originator_data";
const ORIGINATOR: &str = "sandbox.travel_rule.invalid_originator_data";

const OWN_CODES: &[OwnCode] = &[
    own(NOT_A_COIN, "422: the deposit is fiat; the documents name no code"),
    own(WRONG_STATE, "422: the deposit is not in `on_hold_travel_rule_customer`; the documents name no code"),
    own(ALREADY_SUBMITTED, "422: its travel rule was submitted before; the documents name no code"),
    own(NO_IS_OWN, "422: `is_own` is missing; the documents name no code"),
    own(IS_OWN, "422: `is_own` is neither true nor false; the documents name no code"),
    own(NO_IS_UNHOSTED, "422: `is_unhosted` is missing; the documents name no code"),
    own(IS_UNHOSTED, "422: `is_unhosted` is neither true nor false; the documents name no code"),
    own(VASP_ID, "422: `vasp_id` is not a positive integer; the documents name no code"),
    own(UNHOSTED_AT_VASP, "422: an unhosted wallet with a VASP; the documents name no code"),
    own(TWO_VASPS, "422: `vasp_id` together with `custom_vasp_…`; the documents name no code"),
    own(
        NO_VASP,
        "422: a hosted wallet without `vasp_id`, or without one of `custom_vasp_…`; no code is documented",
    ),
    own(NO_ORIGINATOR, "422: somebody else's wallet without `originator_data`; the documents name no code"),
    own(
        ORIGINATOR,
        "422: `originator_data` is no object, or lacks a field that the documents require; they name no code",
    ),
];
const CODES: &[&[&str]] = &[
    &[NON_INTEGER_ID, NOT_A_COIN, WRONG_STATE, ALREADY_SUBMITTED, VASP_ID, UNHOSTED_AT_VASP, TWO_VASPS],
    &[NO_IS_OWN, IS_OWN, NO_IS_UNHOSTED, IS_UNHOSTED, NO_VASP, NO_ORIGINATOR, ORIGINATOR],
];

fn submit(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let id = request.path(0).parse().map_err(|_| Refusal::unprocessable(NON_INTEGER_ID))?;
    let own = request.host.read(|exchange| exchange.funds().deposits.get(account, id).is_some());
    if !own {
        return Err(Refusal::not_found());
    }
    Refusal::all(problems(request.params))?;
    match request.host.command(SubmitTravelRule { account, id }) {
        Ok(deposit) => Ok(Reply::ok(&view(deposit, request))),
        Err(why) => Err(match why {
            NotChanged::Unknown => Refusal::not_found(),
            NotChanged::NotACoin => Refusal::unprocessable(NOT_A_COIN),
            NotChanged::WrongState => Refusal::unprocessable(WRONG_STATE),
            NotChanged::AlreadySubmitted => Refusal::unprocessable(ALREADY_SUBMITTED),
        }),
    }
}

/// Everything that is wrong with the parameters.
fn problems(params: &Params) -> Vec<&'static str> {
    let mut codes = Vec::new();
    let text = |name| params.get(name).and_then(Value::as_text).filter(|text| !text.trim().is_empty());
    let mut flag = |name, missing, invalid| {
        let given = params.get(name);
        let flag = given.and_then(Value::as_bool);
        if flag.is_none() {
            codes.push(if given.is_none() { missing } else { invalid });
        }
        flag
    };
    let is_own = flag("is_own", NO_IS_OWN, IS_OWN);
    let is_unhosted = flag("is_unhosted", NO_IS_UNHOSTED, IS_UNHOSTED);
    let vasp = params.get("vasp_id");
    if vasp.is_some_and(|id| id.as_integer().is_none_or(|id| id < 1)) {
        codes.push(VASP_ID);
    }
    let custom = [text("custom_vasp_name"), text("custom_vasp_url")];
    let has_custom = custom.iter().any(Option::is_some);
    if vasp.is_some() && has_custom {
        codes.push(TWO_VASPS);
    }
    match is_unhosted {
        Some(true) if vasp.is_some() || has_custom => codes.push(UNHOSTED_AT_VASP),
        Some(false) if vasp.is_none() && custom.iter().any(Option::is_none) => codes.push(NO_VASP),
        _ => {}
    }
    match params.get("originator_data") {
        _ if is_own != Some(false) => {}
        None => codes.push(NO_ORIGINATOR),
        Some(originator) if !is_complete(originator) => codes.push(ORIGINATOR),
        Some(_) => {}
    }
    codes
}

/// Whether an originator has what the documents require: in JSON an object, in a form the text of one.
fn is_complete(originator: &Value) -> bool {
    let (Value::Object(text) | Value::Text(text)) = originator else { return false };
    let fields: Map<String, Json> = serde_json::from_str(text).unwrap_or_default();
    let has =
        |name: &str| fields.get(name).and_then(Json::as_str).is_some_and(|text| !text.trim().is_empty());
    let is_named = has("company_name") || (has("first_name") && has("last_name"));
    has("identity_type") && has("country") && is_named
}
