//! Documents, and the verification that they lead to.

use crate::{
    client::Exchange,
    onboarding::{CUSTOMERS, MERCHANTS, business, file, part, pdf, person, with},
};
use capecrypto_sandbox::{ControlError, FileKind, KycStatus};
use serde_json::{Value, json};

const OF_CUSTOMERS: &str = "/customers/documents";
const OF_UBOS: &str = "/ubos/documents";
const OF_MERCHANTS: &str = "/merchants/documents";
const MIB: usize = 1024 * 1024;
const UNKNOWN: &str = "422 sandbox.document.unknown_uid";
const WRONG_TYPE: &str = "400 sandbox.document.invalid_doc_type";

const KYB: [&str; 9] = [
    "Board Resolution",
    "Company Registration",
    "AML Policy",
    "Business License",
    "Business Proof of Address",
    "Shareholder Certificate",
    "Incorporation Certificate",
    "Bank Statement",
    "Tax Statement",
];

/// A document of one type, whose file is small.
fn small(field: &str, uid: &str, doc_type: &str) -> String {
    format!("{}{}{}", part(field, uid), part("doc_type", doc_type), pdf(7))
}

fn uid(answer: &Value) -> String {
    answer["uid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn documents_are_taken_and_refused() {
    let exchange = Exchange::start().await;
    let customer = uid(&exchange.open("merchant", CUSTOMERS, &person("a@x.example")).await);
    let company = exchange.open("merchant", CUSTOMERS, &business("b@x.example")).await;
    let (company, owner) = (uid(&company), uid(&company["ubos"][0]));
    for (field, uid) in [("uid", &customer), ("customer_uid", &customer), ("customer_ubo_uid", &owner)] {
        let answer = exchange.upload("merchant", OF_CUSTOMERS, &small(field, uid, "Selfie")).await;
        assert_eq!(answer.expect(200), json!({"success": true}), "{field}");
        assert_eq!(exchange.control.documents().last().unwrap().uid, *uid);
    }
    let kept = exchange.control.documents().remove(0);
    assert_eq!((kept.doc_type.as_str(), kept.file_name.as_str(), kept.bytes), ("Selfie", "a.pdf", 7));
    assert_eq!(kept.kind, FileKind::Pdf);
    // `printf %%PDF-xx | sha256sum`
    assert_eq!(kept.sha256, "c4157cb2c1feea98c35653dd055eec94e50266c502f3615f493ae9adff6956bb");
    let before = exchange.control.documents().len();
    let selfie = part("doc_type", "Selfie");
    let named = part("uid", &customer);
    let passport = |papers: &str| format!("{named}{}{papers}{}", part("doc_type", "Passport"), pdf(7));
    let (number, expire) = (part("doc_number", "M1"), part("doc_expire", "2099-12-31"));
    for (parts, refusal) in [
        (format!("{named}{}", pdf(9)), WRONG_TYPE),
        (small("uid", &customer, "selfie"), WRONG_TYPE),
        (small("uid", &customer, "AML Policy"), WRONG_TYPE),
        (small("uid", &company, "Selfie"), WRONG_TYPE),
        (small("customer_ubo_uid", &owner, "Source of Funds"), WRONG_TYPE),
        (format!("{selfie}{}", pdf(9)), "422 sandbox.document.empty_uid"),
        (selfie.clone(), "422 sandbox.document.empty_uid,sandbox.document.empty_upload"),
        (format!("{selfie}{named}{}", file("a.pdf", "", 0)), "422 sandbox.document.empty_upload"),
        (format!("{selfie}{named}{}", part("upload", "no file")), "422 sandbox.document.empty_upload"),
        (format!("{selfie}{named}{}", file("a.png", "GIF89a", 9)), "422 sandbox.document.invalid_file_type"),
        (format!("{selfie}{named}{}", pdf(13 * MIB)), "413 sandbox.request.body_too_large"),
        (small("uid", "CCT0000000", "Selfie"), UNKNOWN),
        (small("uid", &owner, "Selfie"), UNKNOWN),
        (small("customer_ubo_uid", &customer, "Selfie"), UNKNOWN),
        (passport(""), "422 sandbox.document.empty_doc_number,sandbox.document.invalid_doc_expire"),
        (
            passport(&format!("{number}{}", part("doc_expire", "31.12.2099"))),
            "422 sandbox.document.invalid_doc_expire",
        ),
        (passport(&format!("{number}{}", part("doc_expire", "2020-12-31"))), "422 sandbox.document.expired"),
        (
            passport(&format!("{}{expire}", part("doc_number", "N/A"))),
            "422 sandbox.document.empty_doc_number",
        ),
    ] {
        let answer = exchange.upload("merchant", OF_CUSTOMERS, &parts).await;
        assert_eq!(answer.refusal(), refusal);
    }
    let cut = exchange
        .upload("merchant", OF_CUSTOMERS, "--X\r\nContent-Disposition: form-data; name=\"uid\"")
        .await;
    assert_eq!(
        (cut.status, cut.json()["errors"].as_str()),
        (400, Some("server.method.invalid_message_body"))
    );
    assert_eq!(exchange.control.documents().len(), before, "what was refused is not kept");
    exchange.upload("merchant", OF_CUSTOMERS, &passport(&format!("{number}{expire}"))).await.expect(200);
    let older = format!("{}{}", part("doc_number", "N/A"), part("doc_expire", "N/A"));
    let older = format!("{older}{}", small("customer_uid", &company, "AML Policy"));
    exchange.upload("merchant", OF_CUSTOMERS, &older).await.expect(200);
    assert_eq!(exchange.control.documents().last().unwrap().doc_expire, None);
}

#[tokio::test]
async fn a_file_has_the_size_and_the_kind_that_the_documents_allow() {
    let exchange = Exchange::start().await;
    let customer = uid(&exchange.open("merchant", CUSTOMERS, &person("a@x.example")).await);
    let company = exchange.open("merchant", CUSTOMERS, &business("b@x.example")).await;
    let (company, owner) = (uid(&company), uid(&company["ubos"][0]));
    for (path, uid, doc_type, most) in [
        (OF_CUSTOMERS, &customer, "Selfie", 4 * MIB),
        (OF_CUSTOMERS, &company, "AML Policy", 10 * MIB),
        (OF_UBOS, &owner, "Selfie", 10 * MIB),
    ] {
        for (bytes, is_taken) in [(most - 1, true), (most, true), (most + 1, false)] {
            let parts = format!("{}{}{}", part("uid", uid), part("doc_type", doc_type), pdf(bytes));
            let answer = exchange.upload("merchant", path, &parts).await;
            if is_taken {
                answer.expect(200);
                assert_eq!(exchange.control.documents().last().unwrap().bytes, bytes);
            } else {
                assert_eq!(answer.refusal(), "422 sandbox.document.too_large", "{doc_type} {bytes}");
            }
        }
    }
}

#[tokio::test]
async fn documents_of_strangers_are_not_taken() {
    let exchange = Exchange::start().await;
    let shop = exchange.open("aggregator", MERCHANTS, &business("shop@x.example")).await;
    let (shop, owner) = (uid(&shop), uid(&shop["ubos"][0]));
    let form = with(&business("b@x.example"), &[("/merchant_uid", json!(shop))]);
    let company = exchange.open("aggregator", CUSTOMERS, &form).await;
    let (company, second) = (uid(&company), uid(&company["ubos"][1]));
    exchange.control.make_keys(&shop).unwrap();
    for (name, path, uid, doc_type, expected) in [
        ("aggregator", OF_CUSTOMERS, &company, "AML Policy", "200"),
        (&*shop, OF_CUSTOMERS, &company, "AML Policy", "200"),
        ("merchant", OF_CUSTOMERS, &company, "AML Policy", UNKNOWN),
        ("aggregator", OF_UBOS, &second, "Selfie", "200"),
        ("aggregator", OF_UBOS, &owner, "Selfie", "200"),
        (&*shop, OF_UBOS, &second, "Selfie", "200"),
        (&*shop, OF_UBOS, &owner, "Selfie", UNKNOWN),
        ("merchant", OF_UBOS, &second, "Selfie", UNKNOWN),
        ("aggregator", OF_UBOS, &company, "Selfie", UNKNOWN),
        ("aggregator", OF_MERCHANTS, &shop, "AML Policy", "200"),
        ("aggregator", OF_MERCHANTS, &company, "AML Policy", UNKNOWN),
        ("aggregator", OF_CUSTOMERS, &shop, "AML Policy", UNKNOWN),
        (&*shop, OF_MERCHANTS, &shop, "AML Policy", "403 sandbox.role.not_permitted"),
        ("maker", OF_CUSTOMERS, &company, "AML Policy", "403 sandbox.role.not_permitted"),
        ("maker", OF_UBOS, &second, "Selfie", "403 sandbox.role.not_permitted"),
    ] {
        let answer = exchange.upload(name, path, &small("uid", uid, doc_type)).await;
        let got = if answer.status == 200 { "200".to_owned() } else { answer.refusal() };
        assert_eq!(got, expected, "{name} {path} {uid}");
    }
}

#[tokio::test]
async fn a_person_is_verified_when_the_documents_are_complete() {
    let exchange = Exchange::start().await;
    let rest = ["Selfie", "Proof of Address"];
    for (number, identity) in [
        &["Passport"][..],
        &["Passport other"],
        &["Identity book"],
        &["Green Identity Book"],
        &["Identity card", "Identity card back"],
        &["Identity card back", "Identity card front"],
        &["Driver license", "Drivers license back"],
        &["Drivers license", "Driver license back"],
        &["Driver license front", "Driver license back"],
        &["Identity card", "Passport"],
    ]
    .into_iter()
    .enumerate()
    {
        let made = exchange.open("merchant", CUSTOMERS, &person(&format!("{number}@x.example"))).await;
        let customer = uid(&made);
        let all: Vec<_> = rest.iter().chain(identity).copied().collect();
        let (last, first) = all.split_last().unwrap();
        exchange.upload_all("merchant", OF_CUSTOMERS, &customer, first).await;
        let before = exchange.control.verification(&customer).unwrap();
        assert_eq!((before.status, before.missing.len()), (KycStatus::Pending, 1), "{identity:?} {before:?}");
        let refused = exchange.acted("merchant", &customer, "GET", "/account/deposits").await;
        assert_eq!(refused, "403 account.deposit.not_permitted");
        exchange.upload_all("merchant", OF_CUSTOMERS, &customer, &[last]).await;
        let after = exchange.control.verification(&customer).unwrap();
        assert_eq!((after.status, after.missing.len()), (KycStatus::Verified, 0), "{identity:?}");
        assert_eq!(exchange.acted("merchant", &customer, "GET", "/account/deposits").await, "200");
        let seen = exchange.read("merchant", &format!("{CUSTOMERS}/{customer}")).await.expect(200);
        assert_eq!((&seen["kyc_status"], &seen["level"]), (&json!("verified"), &json!(3)));
    }
    // The back of another document does not help, and a passport needs none.
    let made = exchange.open("merchant", CUSTOMERS, &person("last@x.example")).await;
    let wrong = ["Selfie", "Proof of Address", "Identity card", "Drivers license back"];
    exchange.upload_all("merchant", OF_CUSTOMERS, &uid(&made), &wrong).await;
    assert_eq!(exchange.control.verification(&uid(&made)).unwrap().missing, ["identity front (back side)"]);
}

#[tokio::test]
async fn a_proof_of_address_counts_for_three_months() {
    let exchange = Exchange::start().await;
    let customer = uid(&exchange.open("merchant", CUSTOMERS, &person("a@x.example")).await);
    exchange.upload_all("merchant", OF_CUSTOMERS, &customer, &["Proof of Address", "Selfie"]).await;
    exchange.control.advance_clock(93 * 24 * 3_600_000);
    assert_eq!(
        exchange.control.verification(&customer).unwrap().missing,
        ["identity front", "proof of address"]
    );
    exchange.upload_all("merchant", OF_CUSTOMERS, &customer, &["Passport"]).await;
    assert_eq!(exchange.control.verification(&customer).unwrap().status, KycStatus::Pending);
    exchange.upload_all("merchant", OF_CUSTOMERS, &customer, &["Proof of Address"]).await;
    assert_eq!(exchange.control.verification(&customer).unwrap().status, KycStatus::Verified);
}

#[tokio::test]
async fn a_business_waits_for_the_exchange() {
    let exchange = Exchange::start().await;
    let control = &exchange.control;
    let made = exchange.open("merchant", CUSTOMERS, &business("a@x.example")).await;
    let company = uid(&made);
    let owners = [uid(&made["ubos"][0]), uid(&made["ubos"][1])];
    let state = async || {
        let seen = exchange.read("merchant", &format!("{CUSTOMERS}/{company}")).await.expect(200);
        ["state", "kyc_status", "level"].map(|name| seen[name].to_string()).join(" ")
    };
    exchange.upload_all("merchant", OF_CUSTOMERS, &company, &KYB[..8]).await;
    let missing = control.verification(&company).unwrap().missing;
    assert_eq!(
        missing,
        ["tax statement".to_owned(), format!("owner {}", owners[0]), format!("owner {}", owners[1])]
    );
    exchange.upload_all("merchant", OF_CUSTOMERS, &company, &KYB[8..]).await;
    for owner in &owners {
        assert_eq!(control.approve(&company), Err(ControlError::Incomplete));
        exchange.upload_all("merchant", OF_UBOS, owner, &["Passport", "Selfie", "Proof of Address"]).await;
        assert_eq!(control.verification(owner).unwrap().status, KycStatus::Verified);
    }
    assert!(control.verification(&company).unwrap().missing.is_empty());
    assert_eq!(state().await, r#""pending" "pending" 0"#);
    control.reject(&company, "The licence cannot be read").unwrap();
    assert_eq!(state().await, r#""pending" "rejected" 0"#);
    let rejected = control.verification(&company).unwrap();
    assert_eq!(rejected.reason.as_deref(), Some("The licence cannot be read"));
    exchange.upload_all("merchant", OF_CUSTOMERS, &company, &["Business License"]).await;
    assert_eq!(state().await, r#""pending" "pending" 0"#);
    assert_eq!(control.verification(&company).unwrap().documents.len(), 10);
    control.approve(&company).unwrap();
    assert_eq!(state().await, r#""active" "verified" 3"#);
    assert_eq!(exchange.acted("merchant", &company, "GET", "/account/deposit_address/btc").await, "200");
    control.reject(&company, "Later").unwrap();
    assert_eq!(
        exchange.acted("merchant", &company, "GET", "/account/deposits").await,
        "403 account.deposit.not_permitted"
    );
    for uid in ["CCT0000000", "merchant"] {
        assert_eq!(control.approve(uid), Err(ControlError::UnknownCustomer));
        assert_eq!(control.reject(uid, ""), Err(ControlError::UnknownCustomer));
        assert!(control.verification(uid).is_err());
    }
}

#[tokio::test]
async fn the_door_decides_about_a_merchant_over_http() {
    let exchange = Exchange::start().await;
    let shop = exchange.open("aggregator", MERCHANTS, &business("shop@x.example")).await;
    let (shop, owner) = (uid(&shop), uid(&shop["ubos"][0]));
    let door = async |method: &str, path: &str, body: Value| {
        exchange.send(method, &format!("/sandbox/{path}"), &[], body.to_string().as_bytes()).await.unwrap()
    };
    let seen = door("GET", &format!("verification/{shop}"), Value::Null).await.expect(200);
    assert_eq!((&seen["status"], seen["missing"].as_array().unwrap().len()), (&json!("pending"), 11));
    let early = door("POST", &format!("verification/{shop}/approve"), Value::Null).await;
    assert_eq!(early.refusal(), "422 sandbox.control.incomplete");
    let reject = door("POST", &format!("verification/{shop}/reject"), json!({"reason": "No"})).await;
    reject.expect(200);
    door("POST", &format!("verification/{shop}/at_once"), Value::Null).await.expect(200);
    for uid in [&shop, &owner] {
        let seen = door("GET", &format!("verification/{uid}"), Value::Null).await.expect(200);
        assert_eq!((&seen["status"], &seen["reason"]), (&json!("verified"), &Value::Null));
    }
    let keys = door("POST", "keys", json!({"account": shop})).await.expect(200);
    assert_eq!(keys["role"], "merchant");
    let customer = door("POST", "customers", json!({"account": shop})).await.expect(200);
    let seen = exchange.read(&shop, &format!("{CUSTOMERS}/{}", uid(&customer))).await.expect(200);
    assert_eq!(seen["kyc_status"], "verified");
    let seen = exchange.read("aggregator", &format!("{MERCHANTS}/{shop}")).await.expect(200);
    assert_eq!((&seen["state"], &seen["ubos"][0]["kyc_status"]), (&json!("active"), &json!("verified")));
}
