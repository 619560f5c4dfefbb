//! Beneficiaries.

use super::call::{ApiRequest, Theme, route};
use crate::{
    base::{
        refusal::{NOT_FOUND, Refusal},
        reply::Reply,
    },
    exchange::funds::beneficiaries::DeleteBeneficiary,
};

/// The calls of this file.
pub(super) const THEME: Theme = Theme {
    routes: &[route(
        "account",
        "DELETE",
        "/account/beneficiaries/{id}",
        delete_beneficiary,
        BENEFICIARY_CODES,
    )
    .also(&[(404, NOT_FOUND)])],
    own_codes: &[],
};

const NON_INTEGER_ID: &str = "account.beneficiary.non_integer_id";
const BENEFICIARY_CODES: &[&[&str]] = &[&[NON_INTEGER_ID]];

fn delete_beneficiary(request: &ApiRequest<'_>) -> Result<Reply, Refusal> {
    let account = request.account()?;
    let id = request.path(0).parse().map_err(|_| Refusal::unprocessable(NON_INTEGER_ID))?;
    if request.host.command(DeleteBeneficiary { account, id }) {
        Ok(Reply::nothing())
    } else {
        Err(Refusal::not_found())
    }
}
