//! VASPs (the documents' "Get VASPs").

use super::{
    call::{ApiRequest, Theme, current},
    paging::{Page, SHARED_CODES, vasp_limits},
};
use crate::{
    base::{clock::iso, refusal::Refusal, reply::Reply},
    exchange::vasps::{self, Vasp},
};
use serde_json::{Value as Json, json};

/// The calls of this file.
pub(super) const THEME: Theme =
    Theme { routes: &[current("trade", "GET", "/public/vasps", vasps, CODES)], own_codes: &[] };

const CODES: &[&[&str]] = &[SHARED_CODES];

/// Only those that are active, as the documents say.
fn vasps(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let mut codes = Vec::new();
    let page = Page::read(request.params, &vasp_limits(), &mut codes);
    Refusal::all(codes)?;
    let active: Vec<Vasp> = vasps::all().filter(Vasp::is_active).collect();
    let zone_hours = request.profile().zone_hours();
    let views = page.of(active.iter().map(|vasp| view(*vasp, zone_hours)));
    Ok(page.headers(Reply::ok(&views), Some(active.len())))
}

fn view(vasp: Vasp, zone_hours: i8) -> Json {
    /// 1 January 2024, when the first one was registered. A day later came the next.
    const FIRST_MS: i64 = 1_704_067_200_000;
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let slug = vasp.slug();
    let registered_ms = FIRST_MS + i64::try_from(vasp.id).unwrap_or_default() * DAY_MS;
    json!({
        "id": vasp.id,
        "name": vasp.name(),
        "url": format!("https://{slug}.example"),
        "email": format!("compliance@{slug}.example"),
        "state": vasp.state,
        "icon_url": format!("https://icons.example/{slug}.svg"),
        "created_at": iso(registered_ms, zone_hours),
    })
}
