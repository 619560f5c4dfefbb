//! Beneficiaries and VASPs: what is sent, what is refused before, and what the sandbox does with it.

use crate::client_of;
use capecrypto_auth::{Credentials, Environment};
use capecrypto_exchange::{
    account::{
        ActivateBeneficiary, BankAccount, CreateBeneficiary, CryptoData, DeleteBeneficiary, GetBeneficiary,
        ListBeneficiaries, Party, TravelRule,
    },
    public::ListVasps,
};
use capecrypto_models::{BeneficiaryId, BeneficiaryState, VaspState};
use capecrypto_probe::client;
use capecrypto_rest::{Client, Endpoint, Kind, Outcome, Prepared, Recorder, Replay};
use capecrypto_sandbox::{Fault, FaultKind, Profile, Sandbox};
use capecrypto_testkit::Fixtures;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

const BTC: &str = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq";
const XRP: &str = "rN7n7otQDd6FczFgLdlqtyMVrn3qHwuSaDcqC";
const ETH: &str = "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb";

/// The documents' seven requests, by the names of their fixtures.
fn documented() -> [(&'static str, CreateBeneficiary); 7] {
    let friend = Party::individual("John", "Doe", "US").without_identity_type();
    [
        (
            "request_btc",
            CreateBeneficiary::crypto("btc", "My Bitcoin Wallet", CryptoData::new(BTC))
                .description("Personal cold storage wallet"),
        ),
        (
            "request_xrp_tag",
            CreateBeneficiary::crypto("xrp", "Exchange XRP Account", CryptoData::new(XRP).tag(123_456_789))
                .description("My Binance XRP deposit"),
        ),
        (
            "request_eth_travel_rule",
            CreateBeneficiary::crypto(
                "eth",
                "Friend's Wallet",
                CryptoData::new(ETH).travel_rule(TravelRule::wallet_of(friend).unhosted()),
            )
            .description("John's Ethereum wallet"),
        ),
        (
            "request_zar",
            CreateBeneficiary::fiat(
                "zar",
                "South African Bank Account",
                BankAccount::new("Thabo Mbeki")
                    .account_number("1234567890")
                    .bank_name("Standard Bank")
                    .bank_swift_code("SBZAZAJJ")
                    .bank_address("30 Baker Street")
                    .bank_city("Johannesburg")
                    .account_type("savings"),
            )
            .description("Personal savings account"),
        ),
        (
            "request_gbp_swift",
            CreateBeneficiary::fiat(
                "gbp",
                "UK Business Account",
                BankAccount::new("John Smith")
                    .account_number("12345678")
                    .bank_name("Barclays Bank")
                    .bank_swift_code("BARCGB22")
                    .bank_address("1 Churchill Place")
                    .bank_city("London")
                    .account_type("checking"),
            )
            .description("Company bank account"),
        ),
        (
            "request_eur_iban",
            CreateBeneficiary::fiat(
                "eur",
                "EU Partner Account",
                BankAccount::new("Jean Dupont")
                    .iban("FR1420041010050500013M02606")
                    .bank_name("BNP Paribas")
                    .bank_swift_code("BNPAFRPP")
                    .bank_city("Paris"),
            )
            .description("European supplier payment"),
        ),
        (
            "request_usd_intermediary",
            CreateBeneficiary::fiat(
                "usd",
                "International Vendor",
                BankAccount::new("ABC Trading Company Ltd")
                    .account_number("9876543210")
                    .bank_name("Asia Commercial Bank")
                    .bank_swift_code("ACBVSGSG")
                    .intermediary_bank_swift("CHASUS33")
                    .bank_address("123 Business Street")
                    .bank_city("Singapore"),
            )
            .description("Asian supplier USD payment"),
        ),
    ]
}

fn body<E: Endpoint>(request: &E) -> Value {
    let prepared = Prepared::new(request, &Environment::live()).unwrap();
    serde_json::from_slice(&prepared.body.unwrap()).unwrap()
}

/// The paths of the arguments that are refused.
fn refused<E: Endpoint>(request: &E, environment: &Environment) -> Vec<String> {
    let refused = Prepared::new(request, environment).unwrap_err();
    refused.all().iter().map(|each| each.argument.clone().into_owned()).collect()
}

fn warned<E: Endpoint>(request: &E, environment: &Environment) -> Vec<String> {
    let prepared = Prepared::new(request, environment).unwrap();
    prepared.warnings.iter().map(|each| each.argument.clone().into_owned()).collect()
}

fn own() -> CreateBeneficiary {
    CreateBeneficiary::crypto("btc", "Savings", CryptoData::new(BTC).travel_rule(TravelRule::own_wallet()))
}

#[tokio::test]
async fn the_documents_requests_are_the_constructors_requests_and_are_accepted() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let fixtures = Fixtures::cape();
    assert_eq!(fixtures.sent("create_beneficiary").count(), documented().len());
    for (name, request) in documented() {
        let expected: Value = serde_json::from_str(fixtures.text("create_beneficiary", name)).unwrap();
        assert_eq!(body(&request), expected, "{name}");
        let reply = client.reply(request).await.unwrap();
        assert_eq!((reply.status, reply.value.state.as_ref().unwrap().as_str()), (201, "active"), "{name}");
        let data: Value = serde_json::from_str(reply.value.data.unwrap().as_json()).unwrap();
        assert_eq!(data, expected["data"], "{name}");
    }
}

#[test]
fn the_travel_rule_is_answered_in_every_combination() {
    let data = |travel_rule| {
        let data = CryptoData::new(BTC).travel_rule(travel_rule);
        body(&CreateBeneficiary::crypto("btc", "Wallet", data))["data"].clone()
    };
    let company = || Party::business("Baobab Ltd", "ZA");
    let recipient = json!({"identity_type": "Business", "company_name": "Baobab Ltd", "country": "ZA"});
    assert_eq!(data(TravelRule::own_wallet()), json!({"address": BTC, "is_own": true}));
    assert_eq!(
        data(TravelRule::own_wallet().unhosted()),
        json!({"address": BTC, "is_own": true, "is_unhosted": true})
    );
    assert_eq!(
        data(TravelRule::own_wallet().unhosted().at_vasp(12)),
        json!({"address": BTC, "is_own": true, "is_unhosted": false, "vasp_id": 12}),
        "the last one counts"
    );
    assert_eq!(
        data(TravelRule::wallet_of(company())),
        json!({"address": BTC, "is_own": false, "recipient_data": recipient})
    );
    assert_eq!(
        data(TravelRule::wallet_of(company()).at_vasp("12")),
        json!({"address": BTC, "is_own": false, "is_unhosted": false, "vasp_id": 12, "recipient_data": recipient})
    );
    let person = Party::individual("John", "Doe", "US");
    assert_eq!(
        data(TravelRule::wallet_of(person.clone()).unhosted())["recipient_data"],
        json!({"identity_type": "Individual", "first_name": "John", "last_name": "Doe", "country": "US"})
    );
    let paper = TravelRule::wallet_of(person.identity_type("passport"));
    assert_eq!(data(paper)["recipient_data"]["identity_type"], "passport");
}

#[test]
fn every_field_of_a_bank_account_can_be_sent() {
    let bank = BankAccount::new("a")
        .account_number("b")
        .bank_name("c")
        .bank_swift_code("d")
        .bank_routing_number("e")
        .iban("f")
        .bank_address("g")
        .bank_city("h")
        .intermediary_bank_swift("i")
        .account_holder_name("j")
        .account_type("k");
    assert_eq!(
        body(&CreateBeneficiary::fiat("zar", "Bank", bank))["data"],
        json!({
            "full_name": "a", "account_number": "b", "bank_name": "c", "bank_swift_code": "d",
            "bank_routing_number": "e", "iban": "f", "bank_address": "g", "bank_city": "h",
            "intermediary_bank_swift": "i", "account_holder_name": "j", "account_type": "k",
        })
    );
}

#[test]
fn what_the_documents_demand_and_their_examples_leave_out_is_a_warning() {
    let live = Environment::live();
    let warnings: Vec<_> = documented().iter().map(|(_, request)| warned(request, &live)).collect();
    assert_eq!(warnings[..2], [["data.recipient_data"], ["data.recipient_data"]]);
    assert_eq!(warnings[2], ["data.recipient_data.identity_type"]);
    assert!(warnings[3..].iter().all(Vec::is_empty), "{warnings:?}");
    assert!(warned(&own(), &live).is_empty());
    let plain = CreateBeneficiary::crypto("btc", "Savings", CryptoData::new(BTC));
    assert!(warned(&plain, &Environment::legacy()).is_empty(), "the older version has no travel rule");
}

#[test]
fn all_problems_are_told_at_once_each_with_its_path() {
    let live = Environment::live();
    let party = Party::individual("", "x".repeat(256), "Germany").identity_type("\r\n");
    let data = CryptoData::new("two words").travel_rule(TravelRule::wallet_of(party).at_vasp("twelve"));
    let request = CreateBeneficiary::crypto("bitcoin-cash", "n".repeat(65), data)
        .description("d".repeat(256))
        .blockchain_key("")
        .withdraw_method_id("bank");
    assert_eq!(
        refused(&request, &live),
        [
            "name",
            "data.vasp_id",
            "data.recipient_data.identity_type",
            "data.recipient_data.first_name",
            "data.recipient_data.last_name",
            "data.recipient_data.country",
            "description",
            "blockchain_key",
            "withdraw_method_id",
            "currency",
            "data.address",
        ]
    );
    let bank = BankAccount::new(" ").account_number("").iban("i".repeat(256)).account_type("a\0b");
    let wanted = ["currency", "data.full_name", "data.account_number", "data.iban", "data.account_type"];
    assert_eq!(refused(&CreateBeneficiary::fiat("z r", "Bank", bank), &live), wanted);
    let company = TravelRule::wallet_of(Party::business("\u{7f}", "za"));
    let company = CreateBeneficiary::crypto("btc", "x", CryptoData::new(BTC).travel_rule(company));
    let wanted = ["data.recipient_data.company_name", "data.recipient_data.country"];
    assert_eq!(refused(&company, &live), wanted);
    assert_eq!(refused(&ActivateBeneficiary::new("../7", "12 34"), &live), ["id", "pin"]);
    for pin in ["", "12a", "-1", "+1", "1.0", "١٢٣", "123456789012345678901"] {
        assert_eq!(refused(&ActivateBeneficiary::new(7, pin), &live), ["pin"], "{pin:?}");
    }
    assert_eq!(refused(&ListVasps::new().limit(101), &live), ["limit"]);
    assert_eq!(refused(&ListBeneficiaries::new().limit(1_001).currency("a/b"), &live), ["currency", "limit"]);
}

/// Sets one text in every field that takes a text.
fn with_texts(text: &str) -> [CreateBeneficiary; 3] {
    let person = Party::individual(text, text, "ZA").identity_type(text);
    let company = Party::business(text, "ZA");
    let bank = BankAccount::new(text)
        .account_number(text)
        .bank_name(text)
        .bank_swift_code(text)
        .bank_routing_number(text)
        .iban(text)
        .bank_address(text)
        .bank_city(text)
        .intermediary_bank_swift(text)
        .account_holder_name(text)
        .account_type(text);
    let crypto = |party| CryptoData::new(text).travel_rule(TravelRule::wallet_of(party));
    [
        CreateBeneficiary::crypto("btc", text, crypto(person)).description(text).blockchain_key(text),
        CreateBeneficiary::crypto("btc", text, crypto(company)).description(text).blockchain_key(text),
        CreateBeneficiary::fiat("zar", text, bank).description(text).blockchain_key(text),
    ]
}

#[test]
fn any_text_arrives_as_it_is_given_or_is_refused() {
    let count = |request: &CreateBeneficiary, text| {
        texts(&body(request)).into_iter().filter(|sent| *sent == text).count()
    };
    let fields = with_texts("x").map(|request| count(&request, "x"));
    assert_eq!(fields, [7, 5, 14]);
    for text in ["../..", "%2e%2e%2f", "a\"b\\c", "{\"pin\":1}", "é日本語🙂", "<b>'--;</b>", "a&b=c#d?e"]
    {
        assert_eq!(with_texts(text).map(|request| count(&request, text)), fields, "{text:?}");
    }
    for text in ["a\r\nb", "a\nb", "a\tb", "\u{0}", "\u{85}", "\u{1b}[2J", "", "   ", &"x".repeat(256)] {
        let refused = with_texts(text).map(|request| refused(&request, &Environment::live()).len());
        assert_eq!(refused, fields, "{text:?}");
    }
}

/// Every text in a JSON value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn nothing_personal_is_shown() {
    let canary = "canary-text";
    let shown = format!("{:?} {:#?}", with_texts(canary), with_texts(canary));
    assert!(!shown.contains("canary"), "{shown}");
    let bad = "canary\n".repeat(40);
    for request in with_texts(&bad) {
        let refused = Prepared::new(&request, &Environment::live()).unwrap_err();
        let told = format!("{refused} {refused:?} {request:?}");
        assert!(!told.contains("canary"), "{told}");
    }
    let tag = CreateBeneficiary::crypto("xrp", "x", CryptoData::new(XRP).tag(77_077_077));
    assert!(!format!("{tag:?}").contains("77077077"));
    for pin in ["770770", "77x077"] {
        let activate = ActivateBeneficiary::new(7, pin);
        let told = format!("{activate:?} {:?}", Prepared::new(&activate, &Environment::live()));
        assert!(!told.contains("770") && !told.contains("77x"), "{told}");
    }
}

#[test]
fn what_the_older_version_does_not_know_is_refused_there() {
    let older = Environment::legacy();
    let travel_rule = TravelRule::wallet_of(Party::individual("John", "Doe", "US")).at_vasp(12);
    let request = CreateBeneficiary::crypto("xrp", "x", CryptoData::new(XRP).tag(1).travel_rule(travel_rule))
        .blockchain_key("ripple")
        .withdraw_method_id(3);
    let wanted = [
        "data.tag",
        "data.is_own",
        "data.is_unhosted",
        "data.vasp_id",
        "data.recipient_data",
        "blockchain_key",
        "withdraw_method_id",
    ];
    assert_eq!(refused(&request, &older), wanted);
    assert_eq!(refused(&ListVasps::new(), &older), ["ListVasps"]);
    for (name, request) in documented() {
        let accepted = Prepared::new(&request, &older).is_ok();
        assert_eq!(accepted, !["request_xrp_tag", "request_eth_travel_rule"].contains(&name), "{name}");
    }
}

#[tokio::test]
async fn on_the_older_version_a_pin_activates_it() {
    let sandbox = Sandbox::builder().profile(Profile::Legacy).start().await.unwrap();
    let environment = Environment::local(sandbox.origin()).unwrap().with_legacy_paths();
    let client = client_of(environment, &sandbox, "maker");
    let made = client.send(CreateBeneficiary::crypto("btc", "Mine", CryptoData::new(BTC))).await.unwrap();
    assert_eq!((made.state.clone(), made.is_active()), (Some(BeneficiaryState::Pending), false));
    assert!(made.sent_at.is_some());
    let pin = sandbox.control().beneficiary_pin(made.id.number().unwrap()).unwrap();
    let wrong = client.send(ActivateBeneficiary::new(&made.id, format!("0{pin}"))).await.unwrap_err();
    assert_eq!(wrong.codes(), ["account.beneficiary.invalid_pin"]);
    assert!(wrong.hint().unwrap().contains("e-mail") && !format!("{wrong} {wrong:?}").contains(&pin));
    assert!(client.send(ActivateBeneficiary::new(&made.id, pin.clone())).await.unwrap().is_active());
    let again = client.send(ActivateBeneficiary::new(&made.id, pin)).await.unwrap_err();
    assert_eq!(again.codes(), ["account.beneficiary.cant_activate"]);
}

#[tokio::test]
async fn a_pin_keeps_the_zeros_at_its_start() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let id = sandbox.control().add_pending_beneficiary("maker", "000042").unwrap();
    let pending = client.send(ListBeneficiaries::new().state(BeneficiaryState::Pending)).await.unwrap();
    assert_eq!(pending.iter().map(|row| row.id.clone()).collect::<Vec<_>>(), [BeneficiaryId::new(id)]);
    assert!(client.send(ActivateBeneficiary::new(id, "42")).await.is_err());
    assert!(client.send(ActivateBeneficiary::new(id, "000042")).await.unwrap().is_active());
    assert!(client.send(GetBeneficiary::new(id)).await.unwrap().is_active());
}

#[tokio::test]
async fn beneficiaries_are_listed_read_and_deleted() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    for _ in 0..130 {
        sandbox.control().add_beneficiary("maker").unwrap();
    }
    let bank = BankAccount::new("Thabo Mbeki").account_number("1234567890");
    let bank = client.send(CreateBeneficiary::fiat("zar", "Bank", bank)).await.unwrap();
    let all = client.items(ListBeneficiaries::new()).try_collect().await.unwrap();
    assert_eq!((all.len(), all.total), (131, Some(131)));
    let zar = client.send(ListBeneficiaries::new().currency("zar").state("active")).await.unwrap();
    assert_eq!(zar.items, std::slice::from_ref(&bank));
    let read = client.send(GetBeneficiary::new(&bank.id)).await.unwrap();
    assert_eq!(read.data.unwrap().account_number().unwrap().expose(), "1234567890");
    client.send(DeleteBeneficiary::new(&bank.id)).await.unwrap();
    let gone = client.send(GetBeneficiary::new(bank.id)).await.unwrap_err();
    assert_eq!((gone.kind(), gone.outcome()), (Kind::NotFound, Outcome::Refused));
}

#[tokio::test]
async fn a_refused_address_has_a_hint() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    client.send(own()).await.unwrap();
    let twice = client.send(own()).await.unwrap_err();
    assert_eq!(
        (twice.outcome(), twice.codes()),
        (Outcome::Refused, ["account.beneficiary.duplicate_address".to_owned()].as_slice())
    );
    assert!(twice.hint().unwrap().contains("list"), "{twice}");
    let mismatched = CreateBeneficiary::crypto("zar", "x", CryptoData::new(BTC));
    let mismatched = client.send(mismatched).await.unwrap_err();
    assert_eq!(mismatched.codes(), ["account.beneficiary.missing_full_name_in_data"]);
    assert!(mismatched.hint().unwrap().contains("CreateBeneficiary::fiat"), "{mismatched}");
}

#[tokio::test]
async fn after_an_unknown_outcome_the_beneficiary_is_found() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let bank = |number: &str| {
        CreateBeneficiary::fiat("zar", "Bank", BankAccount::new("Thabo Mbeki").account_number(number))
    };
    client.send(bank("1111111111")).await.unwrap();
    let travel_rule = TravelRule::own_wallet();
    let xrp = |tag| {
        CreateBeneficiary::crypto(
            "xrp",
            "Mine",
            CryptoData::new(XRP).tag(tag).travel_rule(travel_rule.clone()),
        )
    };
    for request in [own(), bank("1234 5678 90"), xrp(7)] {
        assert!(request.find(&client).await.unwrap().is_empty(), "it is not there before");
        sandbox
            .control()
            .inject(Fault::next(FaultKind::ResetAfterApply).on("POST", "/account/beneficiaries"));
        let lost = client.send(request.clone()).await.unwrap_err();
        assert_eq!(lost.outcome(), Outcome::Unknown);
        let found = request.find(&client).await.unwrap();
        assert_eq!((found.len(), found.total), (1, None), "{found:?}");
    }
    assert!(xrp(8).find(&client).await.unwrap().is_empty(), "another tag is another destination");
    let untagged = CreateBeneficiary::crypto("xrp", "Mine", CryptoData::new(XRP));
    assert!(untagged.find(&client).await.unwrap().is_empty());
    sandbox.control().inject(Fault::next(FaultKind::ResetBeforeApply).on("POST", "/account/beneficiaries"));
    let lost = bank("2222222222");
    assert_eq!(client.send(lost.clone()).await.unwrap_err().outcome(), Outcome::Unknown);
    assert!(lost.find(&client).await.unwrap().is_empty());
}

async fn answering(body: &str) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200).set_body_string(body)).mount(&server).await;
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let environment = Environment::local(&server.uri()).unwrap();
    let client = Client::builder(environment).credentials(credentials).build().unwrap();
    (server, client)
}

#[tokio::test]
async fn what_cannot_be_ruled_out_is_a_candidate() {
    let bank = |id: u32, data: Value| json!({"uuid": id, "currency": "zar", "state": "active", "data": data});
    let rows = json!([
        bank(1, json!({"full_name": "Thabo Mbeki", "account_number": "12****7890"})),
        bank(2, json!({"full_name": "Thabo Mbeki", "account_number": "13****7890"})),
        bank(3, json!({"full_name": "Somebody Else", "account_number": "12****7890"})),
        bank(4, json!({"full_name": "Thabo Mbeki", "iban": "FR14"})),
        bank(5, json!("{\"full_name\":\"Thabo Mbeki\",\"account_number\":1234567890}")),
        bank(6, json!("no JSON")),
        {"uuid": {}, "currency": "zar"},
        {"uuid": 8, "currency": "zar"},
    ]);
    let (_server, client) = answering(&rows.to_string()).await;
    let asked = BankAccount::new("Thabo Mbeki").account_number("1234567890");
    let found = CreateBeneficiary::fiat("zar", "x", asked).find(&client).await.unwrap();
    let ids: Vec<_> = found.iter().map(|row| row.id.number().unwrap()).collect();
    assert_eq!((ids, found.unreadable.len()), (vec![1, 4, 5, 6, 8], 1));

    let coin = |id: u32, chain: Value| json!({"id": id, "currency": "usdc", "data": {"address": ETH.to_lowercase()}, "blockchain_key": chain});
    let rows = json!([coin(1, json!("ethereum")), coin(2, json!("polygon")), coin(3, json!(null))]);
    let (_server, client) = answering(&rows.to_string()).await;
    let asked = CreateBeneficiary::crypto("usdc", "x", CryptoData::new(ETH));
    assert_eq!(asked.find(&client).await.unwrap().len(), 3);
    let found = asked.blockchain_key("polygon").find(&client).await.unwrap();
    assert_eq!(found.iter().map(|row| row.id.number().unwrap()).collect::<Vec<_>>(), [2, 3]);
}

#[tokio::test]
async fn an_answer_about_another_beneficiary_is_an_error() {
    let answer =
        json!({"uuid": 42, "currency": "btc", "name": "x", "data": {"address": BTC}, "state": "active"});
    let (_server, client) = answering(&answer.to_string()).await;
    client.send(own()).await.unwrap();
    client.send(GetBeneficiary::new("42")).await.unwrap();
    let outcome = async |error: Option<capecrypto_rest::Error>| {
        let error = error.unwrap();
        (error.kind(), error.outcome())
    };
    let mismatch = (Kind::Mismatch, Outcome::Unknown);
    let other = CreateBeneficiary::crypto("btc", "x", CryptoData::new("bc1qother"));
    assert_eq!(outcome(client.send(other).await.err()).await, mismatch);
    let other = CreateBeneficiary::crypto("eth", "x", CryptoData::new(BTC));
    assert_eq!(outcome(client.send(other).await.err()).await, mismatch);
    assert_eq!(outcome(client.send(GetBeneficiary::new(43)).await.err()).await, mismatch);
    assert_eq!(outcome(client.send(ActivateBeneficiary::new(43, "1")).await.err()).await, mismatch);
    let (_server, client) = answering(&json!([answer]).to_string()).await;
    assert_eq!(client.send(ListBeneficiaries::new().currency("btc").state("active")).await.unwrap().len(), 1);
    let other = ListBeneficiaries::new().currency("eth");
    assert_eq!(outcome(client.send(other).await.err()).await, mismatch);
    let other = ListBeneficiaries::new().state("pending");
    assert_eq!(outcome(client.send(other).await.err()).await, mismatch);
}

#[tokio::test]
async fn a_recording_has_nothing_personal_and_is_replayed() {
    let sandbox = Sandbox::start().await.unwrap();
    let recorder = Recorder::new();
    let keys = sandbox.account("maker").unwrap();
    let credentials = Credentials::new(&keys.api_key, &keys.secret).unwrap();
    let builder = Client::builder(Environment::local(sandbox.origin()).unwrap());
    let recording = builder.credentials(credentials).record(&recorder).build().unwrap();
    let pending = sandbox.control().add_pending_beneficiary("maker", "770770").unwrap();
    let work = async |client: Client| {
        let bank = BankAccount::new("canary holder").account_number("canary-number");
        let bank = CreateBeneficiary::fiat("zar", "canary name", bank).description("canary notes");
        let made = client.send(bank.clone()).await.unwrap();
        client.send(ActivateBeneficiary::new(pending, "770770")).await.unwrap();
        let found = bank.find(&client).await.unwrap();
        (made.id, found.len())
    };
    let first = work(recording).await;
    sandbox.shutdown().await;
    let text = recorder.recording().to_json();
    assert!(!text.contains("canary") && !text.contains("770770"), "{text}");
    let replay = Replay::new(recorder.recording());
    let credentials = Credentials::new("any-key", "any-secret").unwrap();
    let replaying =
        Client::builder(Environment::live()).credentials(credentials).replay(&replay).build().unwrap();
    assert_eq!(work(replaying).await, first);
}

/// The name of a field protects its value. This is about a value that comes back under another name.
#[tokio::test]
async fn a_recording_leaves_out_what_an_answer_quotes() {
    let server = MockServer::start().await;
    let quoting = json!({"errors": ["canary holder at canary-chain is refused"]}).to_string();
    let answer = ResponseTemplate::new(422).set_body_string(quoting);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let recorder = Recorder::new();
    let credentials = Credentials::new("sandbox_x", "y").unwrap();
    let builder = Client::builder(Environment::local(&server.uri()).unwrap());
    let client = builder.credentials(credentials).record(&recorder).build().unwrap();
    let bank = BankAccount::new("canary holder").bank_city("canary-chain");
    client.send(CreateBeneficiary::fiat("zar", "Bank", bank)).await.unwrap_err();
    let text = recorder.recording().to_json();
    assert!(text.contains("CreateBeneficiary") && !text.contains("canary"), "{text}");
}

#[tokio::test]
async fn vasps_are_listed_in_pages_and_found_by_name() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "maker");
    let page = client.send(ListVasps::new()).await.unwrap();
    assert_eq!((page.len(), page.per_page), (25, Some(25)));
    let all = client.items(ListVasps::new()).try_collect().await.unwrap();
    assert!(all.len() > 50 && all.iter().all(|vasp| vasp.state == Some(VaspState::Active)));
    let found = ListVasps::find(&client, " bAoBaB ").await.unwrap();
    assert!((2..=4).contains(&found.len()) && found.iter().all(|vasp| vasp.name.starts_with("Baobab")));
    let last = &all[all.len() - 1];
    assert_eq!(ListVasps::find(&client, &last.name).await.unwrap().items, std::slice::from_ref(last));
    assert!(ListVasps::find(&client, "nobody").await.unwrap().is_empty());
    let travel_rule = TravelRule::wallet_of(Party::business("Baobab Ltd", "ZA")).at_vasp(last.id);
    let data = CryptoData::new(BTC).travel_rule(travel_rule);
    let made = client.send(CreateBeneficiary::crypto("btc", "Theirs", data)).await.unwrap();
    let data = made.data.unwrap();
    assert_eq!(
        (data.vasp_id(), data.is_own(), data.is_unhosted()),
        (Some(last.id), Some(false), Some(false))
    );
    assert_eq!(data.recipient().unwrap().company_name.unwrap().expose(), "Baobab Ltd");
}
