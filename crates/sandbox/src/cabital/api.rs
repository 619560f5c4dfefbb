//! The calls: their paths, the order of their checks, and their handlers.
//!
//! The order is: path (404), method (405), JSON (406), headers and signature (401), nonce (409), and then the call itself.
//! So whatever the call ends with, its nonce is used up.

use super::{
    accounts::SubmitMatch,
    call::Call,
    conversions::Convert,
    failure::{Failure, Pa},
    links,
    quotes::MakeQuote,
    room::Room,
    transfers::{CreateTransfer, ReportResult, TransferDirection},
    views,
};
use crate::base::{path, reply::Reply};
use http::{HeaderMap, StatusCode, header, request::Parts};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};

/// The host that a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// `partner.cabital.com`
    Partner,
    /// `api.cabital.com`: link and light mode.
    Link,
}

/// A call.
pub(crate) struct Route {
    /// The hosts that serve it.
    sides: &'static [Side],
    pub(crate) method: &'static str,
    /// The path after `/api/v1`.
    pub(crate) path: &'static str,
    is_signed: bool,
    /// The business errors that it may answer.
    pub(crate) codes: &'static [Pa],
    handle: fn(&Call<'_>) -> Result<Reply, Failure>,
}

const PREFIX: &str = "/api/v1";
const PARTNER: &[Side] = &[Side::Partner];
const LINK: &[Side] = &[Side::Link];
/// Cabital's own example of the link status names the partner's host, its chapter the other one.
const BOTH: &[Side] = &[Side::Partner, Side::Link];

/// The errors of a call that needs an open account.
const OPEN: &[Pa] = &[Pa::NO_ACCOUNT, Pa::NOT_MATCHED, Pa::NO_KYC, Pa::UNLINKED];
const BALANCE: &[Pa] = &[Pa::NO_ACCOUNT, Pa::NOT_MATCHED, Pa::NO_KYC, Pa::UNLINKED, Pa::WRONG_SYMBOL];
const QUOTE: &[Pa] = &[Pa::WRONG_SYMBOL, Pa::NO_PAIR, Pa::WRONG_CONFIGURATION];
const LINK_STATUS: &[Pa] = &[Pa::NO_ACCOUNT];
const DEPOSIT: &[Pa] = &[
    Pa::NO_ACCOUNT,
    Pa::CURRENCY_UNAVAILABLE,
    Pa::NOT_MATCHED,
    Pa::NO_KYC,
    Pa::UNLINKED,
    Pa::WRONG_METHOD,
    Pa::WRONG_SYMBOL,
];

/// Every call.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/config",
        is_signed: true,
        codes: &[],
        handle: |call| Ok(Reply::ok(&call.room.read(views::config))),
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/quotes/{pair}",
        is_signed: true,
        codes: QUOTE,
        handle: quote,
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/recon/transfers/{external_id}",
        is_signed: true,
        codes: &[Pa::NO_TRANSFER],
        handle: reconcile,
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/accounts/{account_id}/balances",
        is_signed: true,
        codes: OPEN,
        handle: |call| {
            let account = call.segment(0);
            Ok(Reply::ok(&call.room.read(|cabital| views::balances(cabital, account))?))
        },
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/accounts/{account_id}/balances/{symbol}",
        is_signed: true,
        codes: BALANCE,
        handle: |call| {
            let (account, symbol) = (call.segment(0), call.segment(1));
            Ok(Reply::ok(&call.room.read(|cabital| views::balance(cabital, account, symbol))?))
        },
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/accounts/{account_id}/balances/{symbol}/deposit",
        is_signed: true,
        codes: DEPOSIT,
        handle: deposit,
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/accounts/{account_id}/balances/{symbol}/deposit/{method}",
        is_signed: true,
        codes: DEPOSIT,
        handle: deposit,
    },
    Route {
        sides: PARTNER,
        method: "POST",
        path: "/accounts/{account_id}/conversions",
        is_signed: true,
        codes: &[
            Pa::NO_ACCOUNT,
            Pa::NO_BALANCE,
            Pa::BELOW_MINIMUM,
            Pa::ABOVE_MAXIMUM,
            Pa::KIND_UNAVAILABLE,
            Pa::CURRENCY_UNAVAILABLE,
            Pa::QUOTE_EXPIRED,
            Pa::NOT_MATCHED,
            Pa::WRONG_CALCULATION,
            Pa::NO_KYC,
            Pa::UNLINKED,
            Pa::WRONG_SYMBOL,
            Pa::NO_PAIR,
            Pa::NO_QUOTE,
            Pa::ABOVE_ACCOUNT_LIMIT,
        ],
        handle: convert,
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/accounts/{account_id}/transfers",
        is_signed: true,
        codes: &[
            Pa::NO_ACCOUNT,
            Pa::NOT_MATCHED,
            Pa::NO_KYC,
            Pa::UNLINKED,
            Pa::WRONG_SYMBOL,
            Pa::WRONG_DIRECTION,
        ],
        handle: list_transfers,
    },
    Route {
        sides: PARTNER,
        method: "POST",
        path: "/accounts/{account_id}/transfers",
        is_signed: true,
        codes: &[
            Pa::NO_ACCOUNT,
            Pa::NO_BALANCE,
            Pa::BELOW_MINIMUM,
            Pa::ABOVE_MAXIMUM,
            Pa::KIND_UNAVAILABLE,
            Pa::CURRENCY_UNAVAILABLE,
            Pa::WRONG_OTP,
            Pa::NOT_MATCHED,
            Pa::NO_OTP,
            Pa::NO_KYC,
            Pa::UNLINKED,
            Pa::WRONG_SYMBOL,
            Pa::ABOVE_ACCOUNT_LIMIT,
            Pa::WRONG_DIRECTION,
            Pa::WRONG_AMOUNT,
            Pa::DUPLICATE,
            Pa::NO_CONVERSION,
            Pa::MORE_THAN_CONVERTED,
        ],
        handle: create_transfer,
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/accounts/{account_id}/transfers/{transfer_id}",
        is_signed: true,
        codes: OPEN,
        handle: |call| {
            let (account, transfer) = (call.segment(0), call.segment(1));
            Ok(Reply::ok(&call.room.read(|cabital| {
                let account = cabital.find_open(account)?;
                cabital.transfer_of(account.id, transfer).map(super::transfers::Transfer::view)
            })?))
        },
    },
    Route {
        sides: PARTNER,
        method: "PUT",
        path: "/accounts/{account_id}/transfers/{transfer_id}",
        is_signed: true,
        codes: &[Pa::NO_ACCOUNT, Pa::UNLINKED],
        handle: report_result,
    },
    Route {
        sides: PARTNER,
        method: "GET",
        path: "/accounts/{account_id}/detail",
        is_signed: true,
        codes: &[Pa::NO_ACCOUNT, Pa::UNLINKED],
        handle: |call| {
            let account = call.segment(0);
            Ok(Reply::ok(&call.room.read(|cabital| views::detail(cabital, account))?))
        },
    },
    Route {
        sides: PARTNER,
        method: "PUT",
        path: "/accounts/{account_id}/match",
        is_signed: true,
        codes: &[
            Pa::NO_ACCOUNT,
            Pa::NO_KYC,
            Pa::UNLINKED,
            Pa::WRONG_DOCUMENT,
            Pa::WRONG_COUNTRY,
            Pa::WRONG_NAME,
            Pa::WRONG_ID,
            Pa::WRONG_BIRTH,
            Pa::KYC_REPEATED,
        ],
        handle: submit_match,
    },
    Route {
        sides: BOTH,
        method: "GET",
        path: "/link/links/{user_ext_ref}",
        is_signed: true,
        codes: LINK_STATUS,
        handle: links::status,
    },
    Route {
        sides: BOTH,
        method: "GET",
        path: "/links/{user_ext_ref}",
        is_signed: true,
        codes: LINK_STATUS,
        handle: links::status,
    },
    Route {
        sides: LINK,
        method: "GET",
        path: "/partner/link",
        is_signed: false,
        codes: &[],
        handle: links::start,
    },
    Route {
        sides: LINK,
        method: "GET",
        path: "/light/config",
        is_signed: false,
        codes: &[],
        handle: |call| Ok(Reply::ok(&call.room.read(views::light_config))),
    },
    Route {
        sides: LINK,
        method: "GET",
        path: "/light/quotes/{pair}",
        is_signed: false,
        codes: QUOTE,
        handle: quote,
    },
    Route {
        sides: LINK,
        method: "GET",
        path: "/light/partner/redirect",
        is_signed: false,
        codes: &[Pa::WRONG_SYMBOL, Pa::NO_PAIR],
        handle: links::redirect,
    },
];

impl Route {
    /// The service that it belongs to.
    pub(crate) fn service(&self) -> &'static str {
        if self.sides.contains(&Side::Partner) { "partner" } else { "link" }
    }
}

/// A call that was found by its path and method.
pub(crate) struct Found {
    pub(crate) route: &'static Route,
    /// The path after `/api/v1`.
    pub(crate) path: String,
    segments: Vec<String>,
}

/// The call of a path and a method, or the refusal.
pub(crate) fn find(side: Side, method: &str, full: &str) -> Result<Found, Reply> {
    let unknown = || Failure::Http(StatusCode::NOT_FOUND, "there is no such call".to_owned());
    let path = full.strip_prefix(PREFIX).ok_or_else(unknown)?;
    // A method that is left out may leave its slash.
    let bare = if path.ends_with("/deposit/") { path.trim_end_matches('/') } else { path };
    let given: Vec<&str> = bare.split('/').collect();
    let fitting = |route: &'static Route| {
        let template: Vec<&str> = route.path.split('/').collect();
        let segments = path::matches(&template, &given).filter(|_| route.sides.contains(&side))?;
        Some(Found { route, path: path.to_owned(), segments })
    };
    let mut found: Vec<Found> = ROUTES.iter().filter_map(fitting).collect();
    if found.is_empty() {
        return Err(unknown().into());
    }
    match found.iter().position(|found| found.route.method == method) {
        Some(place) => Ok(found.swap_remove(place)),
        None => {
            let methods: Vec<_> = found.iter().map(|found| found.route.method).collect();
            let message = format!("use {}", methods.join(" or "));
            Err(Reply::from(Failure::Http(StatusCode::METHOD_NOT_ALLOWED, message)).allow(&methods))
        }
    }
}

/// Answers a call.
pub(crate) fn answer(room: &Room, found: &Found, head: &Parts, body: &[u8]) -> Reply {
    let answer = try_answer(room, found, head, body);
    if let Err(Failure::Pa(pa)) = &answer {
        debug_assert!(
            found.route.codes.contains(pa),
            "{} {} answered {}, which is not declared: add it to the call's codes",
            found.route.method,
            found.route.path,
            pa.code
        );
    }
    answer.unwrap_or_else(Reply::from)
}

fn try_answer(room: &Room, found: &Found, head: &Parts, body: &[u8]) -> Result<Reply, Failure> {
    let has_body = found.route.method != "GET";
    if found.route.is_signed {
        is_json(&head.headers, has_body)?;
        room.authenticate(head, body)?;
    }
    let body = if has_body {
        serde_json::from_slice(body).map_err(|_| Failure::bad("the body must be a JSON object"))?
    } else {
        Map::new()
    };
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let query = form_urlencoded::parse(query).map(|(name, value)| (name.into_owned(), value.into_owned()));
    (found.route.handle)(&Call { room, segments: &found.segments, query: query.collect(), head, body })
}

/// Refuses a body that is not JSON, and a caller that does not take JSON.
fn is_json(headers: &HeaderMap, has_body: bool) -> Result<(), Failure> {
    let text =
        |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    let content = text(header::CONTENT_TYPE);
    let is_body = content
        .as_deref()
        .is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim() == "application/json");
    let accept = text(header::ACCEPT);
    let takes = accept.as_deref().is_none_or(|kinds| {
        kinds
            .split(',')
            .map(|kind| kind.split(';').next().unwrap_or_default().trim())
            .any(|kind| matches!(kind, "application/json" | "application/*" | "*/*"))
    });
    if takes && (is_body || (content.is_none() && !has_body)) {
        return Ok(());
    }
    let message = "send and accept application/json".to_owned();
    Err(Failure::Http(StatusCode::NOT_ACCEPTABLE, message))
}

fn ok<T: Serialize, E: Into<Failure>>(answer: Result<T, E>) -> Result<Reply, Failure> {
    answer.map(|answer| Reply::ok(&answer)).map_err(Into::into)
}

fn quote(call: &Call<'_>) -> Result<Reply, Failure> {
    ok(call.room.command(MakeQuote { pair: call.segment(0).to_owned() }))
}

fn reconcile(call: &Call<'_>) -> Result<Reply, Failure> {
    let external_id = call.segment(0);
    ok(call.room.read(|cabital| {
        let transfer = cabital.by_external_id(external_id).ok_or(Pa::NO_TRANSFER)?;
        let account = cabital.accounts.iter().find(|account| account.id == transfer.account);
        account.map(|account| transfer.reconciled(account.uuid)).ok_or(Pa::NO_TRANSFER)
    }))
}

fn deposit(call: &Call<'_>) -> Result<Reply, Failure> {
    let method = call.segments.get(2).map(String::as_str);
    let (account, symbol) = (call.segment(0), call.segment(1));
    ok(call.room.read(|cabital| views::deposit(cabital, account, symbol, method)))
}

fn convert(call: &Call<'_>) -> Result<Reply, Failure> {
    ok(call.room.command(Convert {
        account: call.segment(0).to_owned(),
        quote_id: call.required("quote_id")?,
        quote: call.required("quote")?,
        pair: call.required("pair")?,
        buy_amount: call.required("buy_amount")?,
        sell_amount: call.required("sell_amount")?,
        major_ccy: call.required("major_ccy")?,
    }))
}

fn create_transfer(call: &Call<'_>) -> Result<Reply, Failure> {
    ok(call.room.command(CreateTransfer {
        account: call.segment(0).to_owned(),
        amount: call.required("amount")?,
        symbol: call.required("symbol")?,
        direction: call.required("direction")?,
        otp: call.optional("otp")?,
        conversion_id: call.optional("conversion_id")?,
        external_id: call.optional("external_id")?,
    }))
}

fn report_result(call: &Call<'_>) -> Result<Reply, Failure> {
    if !call.body.get("data").is_none_or(|data| data.is_object() || data.is_null()) {
        return Err(Failure::bad("data must be an object"));
    }
    call.room.command(ReportResult {
        account: call.segment(0).to_owned(),
        transfer: call.segment(1).to_owned(),
        status: call.required("status")?,
        message: call.optional("message")?,
    })?;
    // The documents name no body: the status says it all.
    Ok(Reply::raw(200, None, String::new()))
}

fn submit_match(call: &Call<'_>) -> Result<Reply, Failure> {
    let outcome = call.room.command(SubmitMatch {
        account: call.segment(0).to_owned(),
        name: call.required("name")?,
        id: call.required("id")?,
        id_document: call.required("id_document")?,
        issued_by: call.optional("issued_by")?,
        dob: call.required("dob")?,
    })?;
    let mut answer = json!(outcome);
    if let Json::Object(answer) = &mut answer {
        answer.entry("mismatch_fields").or_insert_with(|| json!([]));
    }
    Ok(Reply::ok(&answer))
}

fn list_transfers(call: &Call<'_>) -> Result<Reply, Failure> {
    let whole = |name: &str| match call.parameter(name) {
        None => Ok(None),
        Some(text) => match text.parse::<i64>() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(Failure::bad(format!("{name} must be a whole number"))),
        },
    };
    let direction = call.parameter("direction").map(TransferDirection::read).transpose()?;
    let page_size = whole("page_size")?.unwrap_or(10);
    let page_size = usize::try_from(page_size).ok().filter(|size| (1..=30).contains(size));
    let page_size = page_size.ok_or_else(|| Failure::bad("page_size must be 1 to 30"))?;
    let has_conversion = match call.parameter("has_conversion") {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(Failure::bad("has_conversion must be true or false")),
    };
    let below = match call.parameter("cursor") {
        None | Some("" | "-1") => u64::MAX,
        Some(text) => text.parse().map_err(|_| Failure::bad("cursor must come from the page before"))?,
    };
    let created = whole("created_from")?.unwrap_or(0)..=whole("created_to")?.unwrap_or(i64::MAX);
    let (account, symbol) = (call.segment(0), call.parameter("symbol"));
    ok(call.room.read(|cabital| {
        let account = cabital.find_open(account)?.id;
        let code =
            symbol.map(|symbol| cabital.terms.currency(symbol).map(|currency| currency.code)).transpose()?;
        let mut rows = cabital.transfers.iter().rev().filter(|row| {
            row.account == account
                && row.number < below
                && direction.is_none_or(|wanted| row.direction == wanted)
                && code.is_none_or(|wanted| row.currency == wanted)
                && has_conversion.is_none_or(|wanted| row.conversion.is_some() == wanted)
                && created.contains(&row.created_s)
        });
        let page: Vec<_> = rows.by_ref().take(page_size).collect();
        let last = page.last().filter(|_| rows.next().is_some());
        let cursor = last.map_or_else(|| "-1".to_owned(), |last| last.number.to_string());
        let transfers: Vec<_> = page.iter().map(|transfer| transfer.view()).collect();
        Ok::<_, Failure>(json!({ "pagination_response": { "cursor": cursor }, "transfers": transfers }))
    }))
}
