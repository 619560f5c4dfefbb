//! Every small change of a signed delivery is refused.

use capecrypto_webhook::{Rejection, Verifier, testing};

const SECRET: &str = "my_secret_key";
const BYTES: usize = 300;

/// A body of exactly 300 bytes.
fn body() -> String {
    let with = |invoice: String| testing::deposit_matched().without("txid").with("invoice", invoice).body();
    let body = with("x".repeat(BYTES - with(String::new()).len()));
    assert_eq!(body.len(), BYTES);
    body
}

/// Every change of one bit, every text without one byte, every one with one byte twice, and every beginning, also the empty one.
fn mutants(original: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for at in 0..original.len() {
        for bit in 0..8 {
            let mut changed = original.to_vec();
            changed[at] ^= 1 << bit;
            all.push(changed);
        }
        all.push([&original[..at], &original[at + 1..]].concat());
        all.push([&original[..=at], &original[at..]].concat());
        all.push(original[..at].to_vec());
    }
    assert!(all.iter().all(|mutant| mutant != original));
    all
}

#[test]
fn no_changed_body_is_accepted() {
    let (verifier, body) = (Verifier::hmac("now", SECRET).unwrap(), body());
    let header = testing::sign(SECRET, body.as_bytes());
    let check = |body: &[u8]| verifier.verify_values([header.as_bytes()], body);
    assert_eq!(check(body.as_bytes()).unwrap().event.name(), "payment_reference.deposit_matched");
    let mutants = mutants(body.as_bytes());
    assert_eq!(mutants.len(), BYTES * 11);
    for mutant in mutants {
        assert_eq!(check(&mutant), Err(Rejection::WrongSignature), "{}", mutant.escape_ascii());
    }
}

#[test]
fn no_changed_header_is_accepted() {
    let (verifier, body) = (Verifier::hmac("now", SECRET).unwrap(), body());
    let header = testing::sign(SECRET, body.as_bytes());
    let check = |header: &[u8]| verifier.verify_values([header], body.as_bytes());
    assert!(check(header.as_bytes()).is_ok());
    let mutants = mutants(header.as_bytes());
    assert_eq!(mutants.len(), 44 * 11);
    for mutant in mutants {
        let refused = check(&mutant).unwrap_err();
        assert_eq!(refused.status(), 401, "{}", mutant.escape_ascii());
    }
}

#[test]
fn no_changed_plain_text_is_accepted() {
    let verifier = Verifier::plain_text("now", "a-secret-of-some-length").unwrap();
    let check = |header: &[u8]| verifier.verify_values([header], body().as_bytes());
    assert!(check(b"a-secret-of-some-length").is_ok());
    for mutant in mutants(b"a-secret-of-some-length") {
        assert_eq!(check(&mutant), Err(Rejection::WrongSignature), "{}", mutant.escape_ascii());
    }
}

#[test]
fn a_digest_has_one_text_only() {
    let (verifier, body) = (Verifier::hmac("now", SECRET).unwrap(), body());
    let header = testing::sign(SECRET, body.as_bytes());
    let check = |header: &str| verifier.verify_values([header.as_bytes()], body.as_bytes());
    assert!(check(&header).is_ok());

    // The last character before the padding has two bits that belong to no byte.
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (before, last) = (&header[..42], header.chars().nth(42).unwrap());
    let group = ALPHABET.find(last).unwrap() / 4 * 4;
    let same_bytes: Vec<char> = ALPHABET[group..group + 4].chars().filter(|other| *other != last).collect();
    assert_eq!(same_bytes.len(), 3);
    for other in same_bytes {
        assert_eq!(check(&format!("{before}{other}=")), Err(Rejection::Malformed));
    }

    let hex = "5b".repeat(32);
    for other in [
        header.trim_end_matches('=').to_owned(),
        format!("{header}="),
        format!(" {header}"),
        format!("{header} "),
        format!("{header}\n"),
        format!("{header}, {header}"),
        format!("sha256={header}"),
        hex,
        String::new(),
    ] {
        assert_eq!(check(&other), Err(Rejection::Malformed), "{other}");
    }
    for other in [header.to_lowercase(), header.to_uppercase()] {
        assert!(check(&other).is_err(), "{other}");
    }
}

#[test]
fn the_other_alphabet_of_base64_is_refused() {
    // A body whose signature has a character that the two alphabets write in different ways.
    let verifier = Verifier::hmac("now", SECRET).unwrap();
    let mut tried = 0;
    for number in 0..20 {
        let body = testing::named("x").with("n", number).body();
        let header = testing::sign(SECRET, body.as_bytes());
        let other = header.replace('+', "-").replace('/', "_");
        if other != header {
            tried += 1;
            assert!(verifier.verify_values([header.as_bytes()], body.as_bytes()).is_ok());
            let refused = verifier.verify_values([other.as_bytes()], body.as_bytes());
            assert_eq!(refused, Err(Rejection::Malformed));
        }
    }
    assert!(tried > 5, "{tried}");
}
