//! Who is calling: the checks of the gateway, in its order. The first check that fails decides the answer.
//!
//! The signature covers nonce and key only, never method, path or body. Nonces may repeat and may decrease.

use super::keys::Keys;
use crate::{
    base::{id::AccountId, refusal::Refusal},
    exchange::people::{People, Restriction},
};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Method};
use sha2::Sha256;

/// 422: one or two of the three headers are missing or blank.
pub(crate) const INVALID_HEADERS: &str = "authz.invalid_api_key_headers";
const INVALID_SESSION: &str = "authz.invalid_session";
const MISSING_CSRF_TOKEN: &str = "authz.missing_csrf_token";
const UNEXISTENT_KEY: &str = "authz.unexistent_apikey";
const NOT_A_TIMESTAMP: &str = "authz.nonce_not_valid_timestamp";
const NONCE_EXPIRED: &str = "authz.nonce_expired";
const INVALID_SIGNATURE: &str = "authz.invalid_signature";
const KEY_INACTIVE: &str = "authz.apikey_not_active";
const NO_TWO_FACTOR: &str = "authz.disabled_2fa";
const INVALID_PERMISSION: &str = "authz.invalid_permission";
/// Every code that a 401 may have.
pub(crate) const UNAUTHORIZED: &[&str] = &[
    INVALID_SESSION,
    MISSING_CSRF_TOKEN,
    UNEXISTENT_KEY,
    NOT_A_TIMESTAMP,
    NONCE_EXPIRED,
    INVALID_SIGNATURE,
    KEY_INACTIVE,
    NO_TWO_FACTOR,
    INVALID_PERMISSION,
];

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The account that the call is for: that of the key, or one that it manages and acts for.
    pub(crate) account: AccountId,
    /// Whether the level of verification allows trading.
    pub(crate) may_trade: bool,
}

/// Checks the headers and gives the account that the call is for, or the refusal.
pub(crate) fn authenticate(
    keys: &Keys,
    people: &People,
    now_ms: i64,
    window_ms: i128,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Caller, Refusal> {
    let header = |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let (key, nonce, signature) =
        match (header("x-auth-apikey"), header("x-auth-nonce"), header("x-auth-signature")) {
            (None, None, None) if method == Method::GET || method == Method::HEAD => {
                return Err(Refusal::unauthorized(INVALID_SESSION));
            }
            (None, None, None) => return Err(Refusal::unauthorized(MISSING_CSRF_TOKEN)),
            (Some(key), Some(nonce), Some(signature))
                if [&key, &nonce, &signature].iter().all(|value| !value.trim().is_empty()) =>
            {
                (key, nonce, signature)
            }
            _ => return Err(Refusal::unprocessable(INVALID_HEADERS)),
        };
    let refuse = |code| Err(Refusal::unauthorized(code));
    let Some((id, owner)) = keys.find(&key) else {
        return refuse(UNEXISTENT_KEY);
    };
    let nonce_ms = leading_integer(&nonce);
    if nonce_ms <= 0 {
        return refuse(NOT_A_TIMESTAMP);
    }
    if (i128::from(now_ms) - nonce_ms).abs() >= window_ms {
        return refuse(NONCE_EXPIRED);
    }
    if sign(&owner.secret, &nonce, &key) != signature {
        return refuse(INVALID_SIGNATURE);
    }
    match people.restriction(id) {
        Some(Restriction::KeyInactive) => return refuse(KEY_INACTIVE),
        Some(Restriction::HolderInactive) => return refuse(INVALID_SESSION),
        Some(Restriction::NoTwoFactor) => return refuse(NO_TWO_FACTOR),
        Some(Restriction::NoPermission) => return refuse(INVALID_PERMISSION),
        // The gateway does not check this; the trading calls refuse it.
        Some(Restriction::NotVerified) | None => {}
    }
    // A blank uid is refused too, so that a caller that forgot to fill it in does not act on its own account by mistake.
    let account = match header("x-auth-subaccount-uid") {
        None => Some(id),
        Some(uid) => people.acting_as(id, &uid),
    };
    let Some(account) = account else { return refuse(INVALID_PERMISSION) };
    Ok(Caller { account, may_trade: people.may_trade(id) && people.may_trade(account) })
}

/// Lower-case hex of HMAC-SHA256 over nonce and key, with the secret's ASCII bytes as the key.
fn sign(secret: &str, nonce: &str, key: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(nonce.as_bytes());
    mac.update(key.as_bytes());
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    mac.finalize().into_bytes().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads like Ruby's `to_i`: leading digits count, the rest is ignored, no digits give 0.
fn leading_integer(text: &str) -> i128 {
    let text = text.trim_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let value = digits
        .bytes()
        .map_while(|byte| char::from(byte).to_digit(10))
        .fold(0_i128, |value, digit| value.saturating_mul(10).saturating_add(i128::from(digit)));
    if negative { value.saturating_neg() } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        exchange::{
            command::Command,
            desk::Desk,
            people::{AddAccount, Restrict, Role, sub_accounts::CreateSubAccount},
        },
        host::keys::Account,
    };
    use std::sync::Arc;

    const NOW: i64 = 1_700_000_000_000;

    struct Setup {
        keys: Keys,
        people: Arc<People>,
        desk: Desk,
    }

    impl Setup {
        fn new() -> (Self, Account, Account) {
            let (keys, mut people, mut desk) = (Keys::default(), Arc::<People>::default(), Desk::new(1));
            let [one, other] = ["one", "other"].map(|name| {
                let add = AddAccount { name: name.to_owned(), role: Role::Member };
                let id = add.run(&mut people, &mut desk, 0).unwrap();
                Account::clone(&keys.make(id, &people.get(id).unwrap()))
            });
            (Self { keys, people, desk }, one, other)
        }

        fn restrict(&mut self, id: u64, restriction: Restriction) {
            let command = Restrict { account: AccountId(id), restriction: Some(restriction) };
            command.run(&mut self.people, &mut self.desk, 0);
        }

        fn check(&self, method: &Method, headers: &[(&'static str, &str)]) -> String {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            match authenticate(&self.keys, &self.people, NOW, 5_000, method, &map) {
                Ok(Caller { account: AccountId(id), may_trade: true }) => format!("account {id}"),
                Ok(Caller { account: AccountId(id), may_trade: false }) => format!("account {id}, no trades"),
                Err(Refusal::Codes(status, codes)) => format!("{} {}", status.as_u16(), codes.join(",")),
                Err(other) => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn known_answer() {
        assert_eq!(
            sign("2d0b4979c7fe6986daa8e21d1dc0644f", "1584524005143", "61d025b8573501c2"),
            "bd42b945e095880e28d046846dbecf655fdf09d95a396a24fe6fe1df42f15d13"
        );
    }

    #[test]
    fn checks_come_in_the_documented_order() {
        let (mut setup, account, _) = Setup::new();
        let (key, get, post) = (account.api_key.as_str(), Method::GET, Method::POST);
        let signed = |nonce: &str| sign(&account.secret, nonce, key);
        assert_eq!(setup.check(&get, &[]), "401 authz.invalid_session");
        assert_eq!(setup.check(&Method::HEAD, &[]), "401 authz.invalid_session");
        assert_eq!(setup.check(&post, &[]), "401 authz.missing_csrf_token");
        assert_eq!(setup.check(&get, &[("x-auth-apikey", key)]), "422 authz.invalid_api_key_headers");
        let check_three = |setup: &Setup, key: &str, nonce: &str, signature: &str| {
            let headers = [("x-auth-apikey", key), ("x-auth-nonce", nonce), ("x-auth-signature", signature)];
            setup.check(&get, &headers)
        };
        assert_eq!(check_three(&setup, key, " ", "x"), "422 authz.invalid_api_key_headers");
        assert_eq!(check_three(&setup, "nobody", "0", "x"), "401 authz.unexistent_apikey");
        assert_eq!(check_three(&setup, key, "x1", "x"), "401 authz.nonce_not_valid_timestamp");
        assert_eq!(check_three(&setup, key, "-5", "x"), "401 authz.nonce_not_valid_timestamp");
        for late in
            ["1700000000", "1700000000000000", "1699999995000", "1700000005000", "9".repeat(60).as_str()]
        {
            assert_eq!(check_three(&setup, key, late, "x"), "401 authz.nonce_expired", "{late}");
        }
        for near in ["1699999995001", "1700000004999", "1700000000000", "1700000000000tail"] {
            assert_eq!(check_three(&setup, key, near, "x"), "401 authz.invalid_signature", "{near}");
            let upper = signed(near).to_uppercase();
            assert_eq!(check_three(&setup, key, near, &upper), "401 authz.invalid_signature");
            assert_eq!(check_three(&setup, key, near, &signed(near)), "account 1", "{near}");
        }
        let nonce = NOW.to_string();
        for (restriction, code) in [
            (Restriction::KeyInactive, "401 authz.apikey_not_active"),
            (Restriction::HolderInactive, "401 authz.invalid_session"),
            (Restriction::NoTwoFactor, "401 authz.disabled_2fa"),
            (Restriction::NoPermission, "401 authz.invalid_permission"),
            (Restriction::NotVerified, "account 1, no trades"),
        ] {
            setup.restrict(1, restriction);
            assert_eq!(check_three(&setup, key, &nonce, "x"), "401 authz.invalid_signature");
            assert_eq!(check_three(&setup, key, &nonce, &signed(&nonce)), code);
        }
    }

    #[test]
    fn an_account_acts_for_itself_and_for_those_it_manages() {
        let (mut setup, other, account) = Setup::new();
        let nonce = NOW.to_string();
        let managed = CreateSubAccount::of(AccountId(2)).run(&mut setup.people, &mut setup.desk, 0);
        let check = |setup: &Setup, account: &Account, uid: &str| {
            let headers = [
                ("x-auth-apikey", account.api_key.as_str()),
                ("x-auth-nonce", &nonce),
                ("x-auth-signature", &sign(&account.secret, &nonce, &account.api_key)),
                ("x-auth-subaccount-uid", uid),
            ];
            setup.check(&Method::GET, &headers)
        };
        for (uid, expected) in [
            (account.uid.as_str(), "account 2"),
            (&managed.uid, "account 3"),
            (&other.uid, "401 authz.invalid_permission"),
            ("{}", "401 authz.invalid_permission"),
            ("", "401 authz.invalid_permission"),
        ] {
            assert_eq!(check(&setup, &account, uid), expected, "{uid:?}");
        }
        assert_eq!(check(&setup, &other, &managed.uid), "401 authz.invalid_permission");
        // The restriction of either account counts.
        setup.restrict(3, Restriction::NotVerified);
        assert_eq!(check(&setup, &account, &managed.uid), "account 3, no trades");
        assert_eq!(check(&setup, &account, &account.uid), "account 2");
        setup.restrict(2, Restriction::KeyInactive);
        assert_eq!(check(&setup, &account, &managed.uid), "401 authz.apikey_not_active");
    }
}
