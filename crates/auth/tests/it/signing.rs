use capecrypto_auth::{CapeSigner, Credentials, Rejection, Sign, ToSign};

const KEY: &str = "61d025b8573501c2";
const SECRET: &str = "2d0b4979c7fe6986daa8e21d1dc0644f";
const NONCE: u64 = 1_584_524_005_143;
const SIGNATURE: &str = "bd42b945e095880e28d046846dbecf655fdf09d95a396a24fe6fe1df42f15d13";

fn request(acting_as: Option<&str>) -> ToSign<'_> {
    ToSign { nonce: NONCE, unix_millis: NONCE, method: "GET", path_and_query: "/", body: b"", acting_as }
}

fn headers(acting_as: Option<&str>) -> Vec<(&'static str, String)> {
    let signer = CapeSigner::new(&Credentials::new(KEY, SECRET).unwrap());
    signer
        .sign(&request(acting_as))
        .into_iter()
        .map(|header| (header.name, header.value.to_string()))
        .collect()
}

#[test]
fn the_known_answer() {
    assert_eq!(
        headers(None),
        [
            ("x-auth-apikey", KEY.to_owned()),
            ("x-auth-nonce", NONCE.to_string()),
            ("x-auth-signature", SIGNATURE.to_owned()),
        ]
    );
}

#[test]
fn acting_for_another_adds_one_header_and_changes_no_signature() {
    let with = headers(Some("CCT1234567"));
    assert_eq!(with[..3], headers(None)[..]);
    assert_eq!(with[3..], [("x-auth-subaccount-uid", "CCT1234567".to_owned())]);
}

#[test]
fn another_nonce_key_or_secret_gives_another_signature() {
    let sign = |key: &str, secret: &str, nonce| {
        CapeSigner::new(&Credentials::new(key, secret).unwrap()).signature(nonce)
    };
    assert_eq!(sign(KEY, SECRET, NONCE), SIGNATURE);
    assert_ne!(sign(KEY, SECRET, NONCE + 1), SIGNATURE);
    assert_ne!(sign("61d025b8573501c3", SECRET, NONCE), SIGNATURE);
    assert_ne!(sign(KEY, "2d0b4979c7fe6986daa8e21d1dc0644e", NONCE), SIGNATURE);
}

#[test]
fn only_the_gateways_own_codes_prove_that_nothing_was_done() {
    let signer = CapeSigner::new(&Credentials::new(KEY, SECRET).unwrap());
    assert_eq!(signer.rejection(401, "authz.nonce_expired"), Some(Rejection::Expired));
    assert_eq!(signer.rejection(401, "authz.invalid_signature"), Some(Rejection::Final));
    assert_eq!(signer.rejection(422, "authz.invalid_api_key_headers"), Some(Rejection::Final));
    assert_eq!(signer.rejection(471, "authz.restrict.maintenance"), Some(Rejection::Maintenance));
    assert_eq!(signer.rejection(423, "authz.restrict.blacklist"), Some(Rejection::Final));
    assert_eq!(signer.rejection(401, "jwt.decode_and_verify"), None);
    assert_eq!(signer.rejection(422, "market.order.create_error"), None);
    assert_eq!(signer.rejection(500, "authz.nonce_expired"), None);
    assert!(signer.hint("authz.disabled_2fa").unwrap().contains("two-factor"));
    assert_eq!(signer.hint("authz.of_next_year"), None);
}
