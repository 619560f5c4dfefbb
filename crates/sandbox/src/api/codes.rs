//! Which codes each call may answer with. They are declared here and in the tables, checked when a call is answered, and
//! compared with the spec.

use super::call::Route;
use crate::{
    base::refusal::{self, METHOD_NOT_ALLOWED, NOT_PERMITTED},
    host::auth,
};
use http::StatusCode;

const MALFORMED: (u16, &str) = (400, refusal::MALFORMED);
/// The refusals that every call may answer.
const ALWAYS: [(u16, &str); 5] = [
    MALFORMED,
    (400, refusal::BODY_INCOMPLETE),
    (405, METHOD_NOT_ALLOWED),
    (413, refusal::BODY_TOO_LARGE),
    (500, refusal::INTERNAL),
];

/// Status and code of every refusal that a call may answer.
pub(crate) fn of(route: &Route) -> Vec<(u16, &'static str)> {
    let mut codes = ALWAYS.to_vec();
    if !route.is_public() {
        codes.push((422, auth::INVALID_HEADERS));
        codes.extend(auth::UNAUTHORIZED.iter().map(|code| (401, *code)));
    }
    if route.is_trading() {
        codes.push((403, NOT_PERMITTED));
    }
    codes.extend(route.not_permitted.iter().map(|code| (403, *code)));
    if route.is_trading() && route.method == "POST" {
        codes.push((503, refusal::OVERLOADED));
    }
    codes.extend(route.also);
    codes.extend(route.codes.iter().flat_map(|list| list.iter()).map(|code| (422, *code)));
    codes
}

/// Whether the call may answer with this status and code.
pub(super) fn is_declared(route: &Route, status: StatusCode, code: &str) -> bool {
    of(route).contains(&(status.as_u16(), code))
}
