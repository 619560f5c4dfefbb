//! Detail, name match, link status, and the URLs of the link and light modes.

use super::{Partner, but, hex, refusal};
use crate::client::request;
use capecrypto_sandbox::cabital::{ConnectionState, MatchOutcome};
use serde_json::{Value, json};

fn john() -> Value {
    json!({"name": "John Doe", "id": "J12345678D", "id_document": "PASSPORT", "dob": "19700101", "issued_by": "HKG"})
}

#[tokio::test]
async fn a_name_match_ends_as_planned_and_only_once() {
    let partner = Partner::start().await;
    let account = partner.cabital.add_account("john", ConnectionState::Created, false).unwrap();
    let state = async || {
        let detail = partner.get(&format!("/accounts/{account}/detail")).await.expect(200);
        assert_eq!((&detail["ext_id"], &detail["limits"]), (&json!("john"), &json!({})));
        assert!(detail["email_address"].as_str().unwrap().contains('@') && detail["otp_ready"] == true);
        assert!(!detail["kyc_token"].as_str().unwrap().is_empty());
        detail["match_status"].as_str().unwrap().to_owned()
    };
    let path = format!("/accounts/{account}/match");
    for (change, code) in [
        (json!({"name": " "}), "PA023"),
        (json!({"name": "12"}), "PA023"),
        (json!({"id": ""}), "PA024"),
        (json!({"id": "J*1"}), "PA024"),
        (json!({"id_document": "passport"}), "PA016"),
        (json!({"issued_by": "HK"}), "PA017"),
        (json!({"issued_by": "hkg"}), "PA017"),
        (json!({"dob": "1970-01-01"}), "PA025"),
        (json!({"dob": "19700230"}), "PA025"),
        (json!({"dob": "29990101"}), "PA025"),
        (json!({"dob": "ü9700101"}), "PA025"),
    ] {
        assert_eq!(
            refusal(&partner.put(&path, &but(&john(), &change)).await),
            format!("400 {code}"),
            "{change}"
        );
    }
    assert_eq!(refusal(&partner.put(&path, &but(&john(), &json!({"name": null}))).await), "400");
    assert_eq!(state().await, "CREATED");
    let fields = vec!["name".to_owned(), "dob".to_owned()];
    partner.cabital.plan_match(&account, MatchOutcome::Mismatch(fields)).unwrap();
    partner.cabital.plan_match(&account, MatchOutcome::Pending).unwrap();
    let outcome = partner.put(&path, &john()).await.expect(200);
    assert_eq!(outcome, json!({"result": "MISMATCH", "mismatch_fields": ["name", "dob"]}));
    assert_eq!(state().await, "MISMATCHED");
    // The documents' example leaves the country out.
    let outcome = partner.put(&path, &but(&john(), &json!({"issued_by": null}))).await.expect(200);
    assert_eq!(outcome, json!({"result": "PENDING", "mismatch_fields": []}));
    assert_eq!(state().await, "MATCHING");
    assert_eq!(refusal(&partner.put(&path, &john()).await), "400 PA026");
    partner.cabital.set_state(&account, ConnectionState::Mismatched).unwrap();
    let outcome = partner.put(&path, &john()).await.expect(200);
    assert_eq!(outcome, json!({"result": "PASS", "mismatch_fields": []}));
    assert_eq!(state().await, "MATCHED");
    assert_eq!(refusal(&partner.put(&path, &john()).await), "400 PA026");
    for (state, code) in
        [(ConnectionState::TemporaryRejected, "400 PA012"), (ConnectionState::Unlinked, "403 PA013")]
    {
        partner.cabital.set_state(&account, state).unwrap();
        assert_eq!(refusal(&partner.put(&path, &john()).await), code);
    }
    assert_eq!(refusal(&partner.get(&format!("/accounts/{account}/detail")).await), "403 PA013");
    assert_eq!(refusal(&partner.put("/accounts/x/match", &john()).await), "400 PA001");
    assert_eq!(refusal(&partner.get("/accounts/x/detail").await), "400 PA001");
}

#[tokio::test]
async fn the_status_of_a_link_is_found_by_the_partners_reference() {
    let partner = Partner::start().await;
    let detail = partner.get(&partner.path("/detail")).await.expect(200);
    let reference = detail["ext_id"].as_str().unwrap();
    let read = async |host: &str, path: &str| {
        let target = format!("/api/v1{path}");
        let nonce = fastrand::u64(..).to_string();
        let headers = partner.headers("GET", &target, &nonce, "");
        request(host, "GET", &target, &headers, b"").await.unwrap()
    };
    for path in [format!("/link/links/{reference}"), format!("/links/{reference}")] {
        for host in [partner.host(), partner.link_host()] {
            let status = read(host, &path).await.expect(200);
            assert_eq!(status["account_uuid"], partner.account.as_str());
            assert_eq!(
                (&status["link_status"], &status["kyc_status"]),
                (&json!("LINKED"), &json!("KYC_PASS"))
            );
            assert_eq!(
                (&status["otp_ready"], &status["email_address"]),
                (&json!(true), &detail["email_address"])
            );
            assert!(status["valid_until"].as_i64().unwrap() > partner.control.now_ms() / 1000);
        }
        assert_eq!(
            request(partner.link_host(), "GET", &format!("/api/v1{path}"), &[], b"").await.unwrap().status,
            401
        );
    }
    assert_eq!(refusal(&read(partner.link_host(), "/link/links/nobody").await), "400 PA001");
    partner.cabital.add_account("a b/ü", ConnectionState::Initialized, true).unwrap();
    let status = read(partner.link_host(), "/link/links/a%20b%2F%C3%BC").await.expect(200);
    assert_eq!((&status["link_status"], &status["kyc_status"]), (&json!("INITIALIZED"), &json!("KYC_NONE")));
    assert!(status.get("valid_until").is_none());
}

#[tokio::test]
async fn a_customer_is_sent_on_only_with_a_right_url() {
    let partner = Partner::start().await;
    let access = partner.sandbox.cabital();
    let visit = async |target: &str| request(partner.link_host(), "GET", target, &[], b"").await.unwrap();
    let signed = |query: &str| {
        let unsigned = format!("/api/v1/partner/link?{query}");
        let signature = hex(&access.secret, &format!("{}{unsigned}", access.link_origin));
        format!("{unsigned}&signature={signature}")
    };
    let key = &access.access_key;
    let query = format!(
        "partner_key={key}&user_ext_ref=1234&redirect_url=https%3A%2F%2Fshop.example%2F&feature=link"
    );
    let url = signed(&query);
    let answer = visit(&url).await;
    assert_eq!((answer.status, answer.text.as_str()), (303, ""));
    let page = answer.headers["location"].strip_prefix(&access.link_origin).unwrap();
    assert!(page.starts_with("/pages/link?") && page.contains("user_ext_ref=1234"), "{page}");
    assert_eq!(visit(page).await.status, 200);
    assert_eq!(visit(&url.replace("&signature=", "&siganture=")).await.status, 303);
    let unsigned = format!("/api/v1/partner/link?{query}");
    let as_call = hex(&access.secret, &format!("GET{unsigned}"));
    assert_eq!(visit(&format!("{unsigned}&signature={as_call}")).await.status, 303);
    assert_eq!(visit(&signed(&format!("partner_key={key}&user_ext_ref=1"))).await.status, 303);
    for (target, status) in [
        (url.replace("1234", "1235"), 401),
        (format!("/api/v1/partner/link?{query}"), 401),
        (signed("partner_key=other&user_ext_ref=1"), 401),
        (signed("user_ext_ref=1"), 400),
        (signed(&format!("partner_key={key}")), 400),
        (signed(&format!("partner_key={key}&user_ext_ref=1&redirect_url=shop")), 400),
    ] {
        assert_eq!(refusal(&visit(&target).await), status.to_string(), "{target}");
    }

    let light = "/api/v1/light/partner/redirect?";
    for query in [
        "partner_id=shop",
        "partner_id=shop&user_ext_ref=1&feature=other",
        "partner_id=shop&feature=cfx&type=buy",
        "partner_id=shop&feature=cfx&type=sell&quote=EUR-BTC&major_ccy=BTC&major_amount=0.5",
    ] {
        let answer = visit(&format!("{light}{query}")).await;
        assert_eq!(answer.status, 303, "{query}");
        assert!(answer.headers["location"].ends_with(&format!("/pages/light?{query}")));
    }
    for (query, refused) in [
        ("user_ext_ref=1", "400"),
        ("partner_id=shop&feature=cfx", "400"),
        ("partner_id=shop&feature=cfx&type=both", "400"),
        ("partner_id=shop&feature=cfx&type=buy&quote=EUR-GBP", "400 PA018"),
        ("partner_id=shop&feature=cfx&type=buy&major_ccy=XRP", "400 PA015"),
        ("partner_id=shop&feature=cfx&type=buy&major_ccy=EUR&major_amount=0.001", "400"),
    ] {
        assert_eq!(refusal(&visit(&format!("{light}{query}")).await), refused, "{query}");
    }
}
