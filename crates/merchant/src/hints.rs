//! What to do about the exchange's error codes.

/// The remedy for a code, where we know one. The documents name no error codes for these calls.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    Some(match code {
        "sandbox.role.not_permitted" => "only merchants and aggregators have customers: use their key",
        _ => return None,
    })
}
