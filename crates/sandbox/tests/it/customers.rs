//! Customers and merchants: their forms, who sees them, and acting for them.

use crate::{
    client::{Exchange, limit},
    onboarding::{CUSTOMERS, MERCHANTS, business, example, person, with},
};
use capecrypto_sandbox::Role;
use serde_json::{Value, json};

fn uid(answer: &Value) -> &str {
    answer["uid"].as_str().unwrap()
}

/// The fields of an object.
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn the_documents_examples_are_taken_as_json_and_as_a_form() {
    let exchange = Exchange::start().await;
    let made = exchange.open("merchant", CUSTOMERS, &example("create_customer", "request_individual")).await;
    assert_eq!(
        [&made["role"], &made["entity_type"], &made["state"], &made["kyc_status"]],
        ["customer", "individual", "active", "pending"]
    );
    assert_eq!((&made["level"], &made["labels"]), (&json!(0), &json!([])));
    assert_eq!(made["profile"]["id_number"], "9001155800087", "the example sends it as sa_id_number");
    assert_eq!(made["phone"], json!({"country": "ZA", "number": "+27821234567", "validated_at": null}));
    assert_eq!(exchange.read("merchant", &format!("{CUSTOMERS}/{}", uid(&made))).await.expect(200), made);

    let made = exchange.open("merchant", CUSTOMERS, &example("create_customer", "request_business")).await;
    assert_eq!([&made["state"], &made["kyc_status"]], ["pending", "pending"]);
    let profile = &made["business_profile"];
    assert_eq!([&profile["company_name"], &profile["legal_name"]], ["ACME Corp (Pty) Ltd"; 2]);
    assert_eq!((&profile["employee_count"], &profile["license_jurisdictions"]), (&json!(25), &json!(["ZA"])));
    let [jane, john] = &made["ubos"].as_array().unwrap()[..] else { panic!("{made}") };
    assert!(uid(jane) != uid(john) && uid(jane) != uid(&made));
    assert_eq!((&jane["kyc_status"], &jane["ownership_percentage"]), (&json!("pending"), &json!("60.0")));
    assert_eq!(john.get("phone_number"), None, "it was not sent");

    // In a form, objects and lists are JSON texts.
    let form = business("form@acme.example");
    let mut body = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form.as_object().unwrap() {
        body.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    let mut headers = exchange.signed("aggregator");
    headers.push(("Content-Type".into(), "application/x-www-form-urlencoded".into()));
    let target = "/api/v2/persona/resource/customers";
    let made = exchange.send("POST", target, &headers, body.finish().as_bytes()).await.unwrap().expect(201);
    assert_eq!(made["business_profile"], *profile);
    assert_eq!(made["ubos"][0]["is_director"], true);

    let made = exchange.open("aggregator", MERCHANTS, &example("create_merchant", "request_composed")).await;
    assert_eq!([&made["role"], &made["state"]], ["merchant", "pending"]);
}

#[tokio::test]
async fn a_row_of_the_list_has_the_fields_of_the_documents_example() {
    let exchange = Exchange::start().await;
    for email in ["a@x.example", "b@x.example", "c@x.example"] {
        let made = exchange.open("merchant", CUSTOMERS, &person(email)).await;
        let change = json!({"custom_id": format!("CUST-{email}")});
        exchange
            .persona("PUT", "merchant", &format!("{CUSTOMERS}/{}", uid(&made)), &change)
            .await
            .expect(200);
    }
    let answer = exchange.read("merchant", &format!("{CUSTOMERS}?limit=2&page=2")).await;
    let headers = ["page", "per-page", "total"].map(|name| answer.headers[name].as_str());
    assert_eq!(headers, ["2", "2", "3"]);
    let rows = answer.expect(200);
    assert_eq!((rows.as_array().unwrap().len(), &rows[0]["custom_id"]), (1, &json!("CUST-c@x.example")));
    let sample = example("list_customers", "response");
    assert!(fields(&sample[0]).iter().all(|field| fields(&rows[0]).contains(field)), "{rows}");
    let created = rows[0]["created_at"].as_str().unwrap();
    let at: jiff::Timestamp = created.parse().unwrap();
    assert_eq!(format!("{at:.3}"), created, "with milliseconds and by UTC");
    for (query, refusal) in [
        ("limit=x", "422 pagination.non_integer_limit"),
        ("limit=0&merchant_uid=CCT1", "422 pagination.invalid_limit,sandbox.customer.merchant_doesnt_exist"),
    ] {
        let answer = exchange.read("merchant", &format!("{CUSTOMERS}?{query}")).await;
        assert_eq!(answer.refusal(), refusal);
    }
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once() {
    let exchange = Exchange::start().await;
    let (person, business) = (person("a@x.example"), business("b@x.example"));
    for (form, wrong) in [
        (json!({}), "email phone_number entity_type"),
        (
            json!({"entity_type": "trust", "email": "a", "phone_number": "082"}),
            "email phone_number entity_type",
        ),
        (
            json!({"entity_type": "individual", "email": "a@b"}),
            "phone_number first_name last_name dob address postcode city country nationality country_of_residence \
             occupation source_of_funds",
        ),
        (
            with(
                &person,
                &[("/dob", json!("2010-01-01")), ("/country", json!("ZAF")), ("/sa_id_number", Value::Null)],
            ),
            "dob country id_number",
        ),
        (
            with(
                &person,
                &[
                    ("/nationality", json!("GB")),
                    ("/sa_id_number", Value::Null),
                    ("/email", json!("g@x.example")),
                ],
            ),
            "",
        ),
        (
            with(
                &person,
                &[
                    ("/is_pep_occupation", json!(true)),
                    ("/is_pip", json!("maybe")),
                    ("/doc_expire", json!("N/A")),
                ],
            ),
            "doc_expire pep_occupation_data is_pip",
        ),
        (
            with(
                &person,
                &[("/is_pip", json!(true)), ("/pip_data", json!("Chair")), ("/email", json!("p@x.example"))],
            ),
            "",
        ),
        (
            with(
                &person,
                &[("/deposit_action", json!({"action": "burn"})), ("/account_name", json!("x".repeat(256)))],
            ),
            "deposit_action account_name",
        ),
        (
            json!({"entity_type": "business", "email": "a@b", "phone_number": "+27821234567"}),
            "account_name business_profile ubos",
        ),
        (
            with(&business, &[("/ubos", json!([])), ("/business_profile", json!("x"))]),
            "business_profile ubos",
        ),
        (
            with(
                &business,
                &[
                    ("/business_profile/registration_country", json!("South Africa")),
                    ("/business_profile/expected_monthly_volume_usd", json!(-1)),
                    ("/business_profile/license_number", Value::Null),
                    ("/business_profile/license_jurisdictions", json!([])),
                    ("/business_profile/jurisdictions_of_operation", json!(["ZA", 5])),
                    ("/ubos/0/ownership_percentage", json!(4)),
                    ("/ubos/1/ownership_percentage", json!(101)),
                    ("/ubos/1/dob", json!("2020-01-01")),
                    ("/ubos/1/id_number", Value::Null),
                ],
            ),
            "business_registration_country business_expected_monthly_volume_usd business_jurisdictions_of_operation \
             business_license_number business_license_jurisdictions ubo_ownership_percentage ubo_dob ubo_id_number",
        ),
        (
            with(
                &business,
                &[
                    ("/business_profile/license_status", json!("Not Licensed")),
                    ("/business_profile/license_number", Value::Null),
                ],
            ),
            "",
        ),
    ] {
        let answer = exchange.persona("POST", "merchant", CUSTOMERS, &form).await;
        if wrong.is_empty() {
            answer.expect(201);
            continue;
        }
        let codes: Vec<_> =
            wrong.split_whitespace().map(|name| format!("sandbox.customer.invalid_{name}")).collect();
        assert_eq!(answer.refusal(), format!("422 {}", codes.join(",")), "{form}");
    }
    let merchant = exchange.persona("POST", "aggregator", MERCHANTS, &person).await;
    assert_eq!(merchant.refusal(), "422 sandbox.customer.invalid_entity_type");
}

#[tokio::test]
async fn an_e_mail_is_used_once_for_each_merchant() {
    const TAKEN: &str = "422 sandbox.customer.email_taken";
    let exchange = Exchange::start().await;
    exchange.open("merchant", CUSTOMERS, &person("a@x.example")).await;
    let again = exchange.persona("POST", "merchant", CUSTOMERS, &business("A@X.example")).await;
    assert_eq!(again.refusal(), TAKEN);
    let merchant = exchange.open("aggregator", MERCHANTS, &business("a@x.example")).await;
    exchange.open("aggregator", CUSTOMERS, &person("a@x.example")).await;
    let of_merchant = with(&person("a@x.example"), &[("/merchant_uid", merchant["uid"].clone())]);
    exchange.open("aggregator", CUSTOMERS, &of_merchant).await;
    for (path, form) in [(CUSTOMERS, &of_merchant), (MERCHANTS, &business("a@x.example"))] {
        assert_eq!(exchange.persona("POST", "aggregator", path, form).await.refusal(), TAKEN);
    }
}

#[tokio::test]
async fn members_have_no_customers_and_only_aggregators_have_merchants() {
    let exchange = Exchange::start().await;
    for (method, path, only_aggregators) in [
        ("POST", CUSTOMERS, false),
        ("GET", CUSTOMERS, false),
        ("GET", "/resource/customers/CCT1", false),
        ("PUT", "/resource/customers/CCT1", false),
        ("POST", MERCHANTS, true),
        ("GET", MERCHANTS, true),
        ("GET", "/resource/merchants/CCT1", true),
        ("GET", "/resource/merchants/CCT1/customers", true),
    ] {
        for name in ["maker", "merchant", "aggregator"] {
            let answer = exchange.persona(method, name, path, &Value::Null).await;
            let is_refused = name == "maker" || (only_aggregators && name == "merchant");
            assert_eq!(answer.status == 403, is_refused, "{name} {method} {path}: {answer:?}");
            if is_refused {
                assert_eq!(answer.refusal(), "403 sandbox.role.not_permitted");
            }
        }
    }
}

#[tokio::test]
async fn who_sees_whom() {
    let exchange = Exchange::start().await;
    exchange.control.add_account("other", Role::Aggregator).unwrap();
    let shop = exchange.open("aggregator", MERCHANTS, &business("shop@x.example")).await;
    let shop = uid(&shop).to_owned();
    let own = exchange.open("aggregator", CUSTOMERS, &person("own@x.example")).await;
    let of_shop = with(&person("one@x.example"), &[("/merchant_uid", json!(shop))]);
    let of_shop = exchange.open("aggregator", CUSTOMERS, &of_shop).await;
    let foreign = exchange.open("merchant", CUSTOMERS, &person("own@x.example")).await;

    let listed = async |name: &str, query: &str| -> Vec<String> {
        let rows = exchange.read(name, &format!("{CUSTOMERS}{query}")).await.expect(200);
        rows.as_array().unwrap().iter().map(|row| uid(row).to_owned()).collect()
    };
    assert_eq!(listed("aggregator", "").await, [uid(&own), uid(&of_shop)]);
    assert_eq!(listed("aggregator", &format!("?merchant_uid={shop}")).await, [uid(&of_shop)]);
    assert_eq!(listed("merchant", "").await, [uid(&foreign)]);
    assert!(listed("other", "").await.is_empty());
    for (name, merchant) in [("other", &*shop), ("merchant", &shop), ("aggregator", uid(&own))] {
        const STRANGER: &str = "422 sandbox.customer.merchant_doesnt_exist";
        let answer = exchange.read(name, &format!("{CUSTOMERS}?merchant_uid={merchant}")).await;
        assert_eq!(answer.refusal(), STRANGER, "{name}");
        let form = with(&person("new@x.example"), &[("/merchant_uid", json!(merchant))]);
        assert_eq!(exchange.persona("POST", name, CUSTOMERS, &form).await.refusal(), STRANGER, "{name}");
    }

    // A created merchant has no keys until the support makes some; then it sees its own customers.
    assert!(exchange.sandbox.account(&shop).is_none());
    exchange.control.make_keys(&shop).unwrap();
    assert_eq!(listed(&shop, "").await, [uid(&of_shop)]);
    for (name, customer, status) in [
        ("aggregator", &own, 200),
        ("aggregator", &of_shop, 200),
        (&*shop, &of_shop, 200),
        (&*shop, &own, 404),
        ("merchant", &own, 404),
        ("other", &of_shop, 404),
        ("aggregator", &foreign, 404),
    ] {
        let path = format!("{CUSTOMERS}/{}", uid(customer));
        for (method, body) in [("GET", Value::Null), ("PUT", json!({"custom_id": "x"}))] {
            let answer = exchange.persona(method, name, &path, &body).await;
            assert_eq!(answer.status, status, "{name} {method}: {answer:?}");
            assert!(status == 200 || answer.refusal() == "404 record.not_found");
        }
    }
    let rows = exchange.read("aggregator", MERCHANTS).await.expect(200);
    assert_eq!((rows.as_array().unwrap().len(), uid(&rows[0])), (1, &*shop));
    assert_eq!(exchange.read("aggregator", &format!("{MERCHANTS}/{shop}")).await.expect(200), rows[0]);
    let nested = exchange.read("aggregator", &format!("{MERCHANTS}/{shop}/customers")).await;
    assert_eq!((nested.headers["total"].as_str(), uid(&nested.json()[0])), ("1", uid(&of_shop)));
    for (name, merchant) in [("other", &*shop), ("aggregator", uid(&own)), ("aggregator", "CCT1")] {
        for path in [format!("{MERCHANTS}/{merchant}"), format!("{MERCHANTS}/{merchant}/customers")] {
            assert_eq!(exchange.read(name, &path).await.refusal(), "404 record.not_found");
        }
    }
    for merchant in [uid(&own), "maker"] {
        assert!(exchange.control.make_keys(merchant).is_err(), "only a merchant of an aggregator gets keys");
    }
}

#[tokio::test]
async fn a_verified_customer_can_be_acted_for_and_holds_money() {
    let exchange = Exchange::start().await;
    let shop = exchange.open("aggregator", MERCHANTS, &business("shop@x.example")).await;
    let form = with(&person("one@x.example"), &[("/merchant_uid", shop["uid"].clone())]);
    let customer = exchange.open("aggregator", CUSTOMERS, &form).await;
    let customer = uid(&customer);
    let calls = [
        ("GET", "/account/deposit_address/btc", "403 account.deposit.not_permitted"),
        ("GET", "/account/withdraws", "403 account.withdraw.not_permitted"),
        ("GET", "/market/orders", "403 market.trade.not_permitted"),
    ];
    assert_eq!(exchange.acted("aggregator", customer, "GET", "/account/balances").await, "200");
    for (method, path, refusal) in calls {
        assert_eq!(exchange.acted("aggregator", customer, method, path).await, refusal);
    }
    exchange.control.verify_at_once(customer).unwrap();
    for (method, path, _) in calls {
        assert_eq!(exchange.acted("aggregator", customer, method, path).await, "200", "{path}");
    }
    let seen = exchange.read("aggregator", &format!("{CUSTOMERS}/{customer}")).await.expect(200);
    assert_eq!((&seen["level"], &seen["kyc_status"]), (&json!(3), &json!("verified")));
    assert_eq!(seen["labels"][0]["key"], "document");
    assert_eq!(
        exchange.acted("merchant", customer, "GET", "/account/balances").await,
        "401 authz.invalid_permission"
    );
    let owner = shop["ubos"][0]["uid"].as_str().unwrap();
    assert_eq!(
        exchange.acted("aggregator", owner, "GET", "/account/balances").await,
        "401 authz.invalid_permission"
    );

    exchange.control.deposit(customer, "zar", 5_000.into()).unwrap();
    let target = "/api/v2/atlas/account/balances/zar";
    let balance = exchange.send("GET", target, &exchange.acting("aggregator", customer), b"").await.unwrap();
    assert_eq!(balance.expect(200)["balance"], "5000.0");
    let mut headers = exchange.acting("aggregator", customer);
    headers.push(("Content-Type".into(), "application/json".into()));
    let order = limit("buy", "0.001", "500000").to_string();
    let placed =
        exchange.send("POST", "/api/v2/atlas/market/orders", &headers, order.as_bytes()).await.unwrap();
    placed.expect(201);
    let ledger = exchange.control.ledger();
    let entry =
        ledger.entries.iter().find(|entry| entry.uid.as_deref() == Some(customer) && entry.currency == "zar");
    assert_eq!(entry.map(|entry| entry.locked), Some(500.into()));
    assert!(ledger.sums_to_zero);

    let made = exchange.control.add_customer("merchant").unwrap();
    assert!(exchange.control.add_customer("maker").is_err());
    assert_ne!(exchange.control.add_customer("merchant").unwrap(), made);
    assert_eq!(exchange.acted("merchant", &made, "GET", "/account/deposit_address/btc").await, "200");
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let exchange = Exchange::start().await;
    let made = exchange
        .open("merchant", CUSTOMERS, &with(&person("a@x.example"), &[("/account_name", Value::Null)]))
        .await;
    assert_eq!(made["account_name"], "John Doe");
    let path = format!("{CUSTOMERS}/{}", uid(&made));
    let put = async |body: Value| exchange.persona("PUT", "merchant", &path, &body).await;
    exchange.control.advance_clock(2_000);
    let changed = put(example("update_customer", "request")).await.expect(200);
    assert_eq!(changed["external_verification_url"], "https://example.com/verify/updated");
    assert_eq!([&changed["account_name"], &changed["custom_id"]], ["CUST-001-UPDATED"; 2]);
    assert!(changed["updated_at"].as_str() > made["updated_at"].as_str());
    let changed = put(json!({"custom_id": "2"})).await.expect(200);
    assert_eq!(
        (&changed["custom_id"], &changed["external_verification_url"]),
        (&json!("2"), &json!("https://example.com/verify/updated"))
    );
    let refused = put(json!({"custom_id": "x".repeat(256), "external_verification_url": [1]})).await;
    assert_eq!(
        refused.refusal(),
        "422 sandbox.customer.invalid_custom_id,sandbox.customer.invalid_external_verification_url"
    );
}

#[tokio::test]
async fn odd_names_arrive_byte_for_byte_and_fifty_owners_fit() {
    let exchange = Exchange::start().await;
    let odd = format!("\u{202e}\u{200f}اسم 🙂 \t{}", "é".repeat(240));
    let form = with(&person("a@x.example"), &[("/first_name", json!(odd)), ("/account_name", json!(odd))]);
    let made = exchange.open("merchant", CUSTOMERS, &form).await;
    assert_eq!([&made["profile"]["first_name"], &made["account_name"]], [&odd; 2]);
    let form = with(&person("b@x.example"), &[("/last_name", json!("a\0b"))]);
    let refused = exchange.persona("POST", "merchant", CUSTOMERS, &form).await;
    assert_eq!(refused.refusal(), "422 sandbox.customer.invalid_last_name");

    let owners = |count: usize| {
        let form = business("c@x.example");
        let owners = vec![form["ubos"][0].clone(); count];
        with(&form, &[("/ubos", json!(owners))])
    };
    let made = exchange.open("merchant", CUSTOMERS, &owners(50)).await;
    assert_eq!(made["ubos"].as_array().unwrap().len(), 50);
    let refused = exchange.persona("POST", "merchant", CUSTOMERS, &owners(500)).await;
    assert_eq!(refused.refusal(), "413 sandbox.request.body_too_large");
}
