//! Names that stand for secrets.

/// Names whose values are left out of every recording, in requests and answers: values that give access to an account, prove
/// an identity, or are worth money. Add a name here if a reader of its value could misuse it.
///
/// A name of several words matches by its last words: `voucher_pin`, `voucherPin` and `Voucher PINs` all match `pin`.
const SECRETS: [&str; 30] = [
    // Keys that sign calls, and parts of a signature.
    "apikey",
    "accesskey",
    "kid",
    "secret",
    "secretkey",
    "privatekey",
    "signingkey",
    "signature",
    "nonce",
    // Values that log in.
    "password",
    "passphrase",
    "passcode",
    "token",
    "jwt",
    "session",
    "sessionid",
    "cookie",
    "authorization",
    // Second factors, and images or addresses that hold their seed.
    "otp",
    "otpcode",
    "totp",
    "barcode",
    "qrcode",
    "recoverycode",
    "backupcode",
    // Values that are worth money or unlock it.
    "pin",
    "pincode",
    "cvv",
    "mnemonic",
    "seedphrase",
];

/// Whether the values of this name are always left out.
pub(crate) fn is_secret(name: &str) -> bool {
    let words = words(name);
    (0..words.len()).any(|from| {
        let last: String = words.iter().skip(from).map(String::as_str).collect();
        let one = last.strip_suffix('s').unwrap_or(&last);
        SECRETS.iter().any(|secret| *secret == last || *secret == one)
    })
}

/// Whether two spellings are the same name: `member_description` and `Member Description` are.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    words(one).concat() == words(other).concat()
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut small = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || (small && c.is_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        small = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_in_every_spelling() {
        for name in [
            "secret",
            "SECRET",
            "client_secret",
            "apiKey",
            "api-key",
            "APIKey",
            "X-Auth-Apikey",
            "kid",
            "x_auth_nonce",
            "Signature",
            "voucher_pin",
            "changeVoucherPin",
            "Voucher PIN",
            "otp_code",
            "access_token",
            "tokens[]",
            "backup_codes",
            "privateKey",
            "password2_password",
        ] {
            assert!(is_secret(name), "{name}");
        }
    }

    #[test]
    fn other_names_stay() {
        for name in [
            "",
            "id",
            "kidney",
            "spin",
            "pinned",
            "blockchain_key",
            "token_standard",
            "market",
            "secretary",
            "custom_order_id",
            "address",
            "price",
            "state[]",
            "pages",
        ] {
            assert!(!is_secret(name), "{name}");
        }
        assert!(is_same("member_description", "Member Description") && !is_same("sender", "senders"));
    }
}
