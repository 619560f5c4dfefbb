//! What to do about the exchange's error codes.

/// The remedy for a code, where we know one. The documents name no error codes for these calls.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "sandbox.role.not_permitted" => {
            "customers need the key of a merchant or an aggregator, and merchants that of an aggregator"
        }
        "sandbox.customer.email_taken" => {
            "customers::FindCustomer and merchants::FindMerchant find the one that has the e-mail"
        }
        "sandbox.customer.merchant_doesnt_exist" => {
            "merchants::ListMerchants has the aggregator's merchants; a merchant leaves merchant_uid out"
        }
        _ => return None,
    })
}
