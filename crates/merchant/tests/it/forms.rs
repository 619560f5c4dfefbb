//! The forms of customers and merchants, before they are sent.

use capecrypto_auth::{Clock, Credentials, Environment};
use capecrypto_merchant::{
    customers::{CreateCustomer, UpdateCustomer},
    forms::{
        Address, Business, BusinessProfile, Company, Individual, License, OnDeposit, Pep, Person, Ubo,
        WebhookSettings,
    },
    merchants::CreateMerchant,
};
use capecrypto_models::{Timestamp, dec};
use capecrypto_probe::sent;
use capecrypto_rest::{Client, Endpoint, InvalidArguments, Kind, Outcome, Prepared};
use capecrypto_testkit::{Fixtures, Spec, assert_no_findings, probe};

/// The person of the documents' example.
pub(crate) fn john() -> Person {
    Person {
        first_name: "John".into(),
        last_name: "Doe".into(),
        dob: "1990-01-15".into(),
        email: "customer@example.com".into(),
        address: Address {
            street: "123 Main Street, Apt 4B".into(),
            postcode: "7700".into(),
            city: "Cape Town".into(),
            country: "ZA".into(),
        },
        nationality: "ZA".into(),
        occupation: "Software Engineer".into(),
        source_of_funds: "Salary or Wages".into(),
        pep: Pep::none(),
    }
}

/// The documents' example of an individual customer.
pub(crate) fn documented_individual() -> Individual {
    Individual::new(john(), "+27821234567", "ZA")
        .account_name("John Doe Account")
        .sa_id_number("9001155800087")
        .doc_number("M12345678")
        .doc_type("Passport")
        .doc_expire("2028-12-31")
        .doc_country("ZA")
}

/// The documents' example of a business customer.
pub(crate) fn documented_business() -> Business {
    let profile = BusinessProfile::new(Company {
        company_name: "ACME Corp (Pty) Ltd".into(),
        registration_number: "2020/123456/07".into(),
        registration_country: "ZA".into(),
        industry: "Financial Services".into(),
        purpose_of_account: "Cryptocurrency trading and payment processing".into(),
        expected_monthly_volume_usd: dec!(500_000),
    });
    let profile = profile
        .jurisdictions_of_operation(["ZA", "US", "GB"])
        .website("https://www.acmecorp.com")
        .employee_count(25)
        .address("123 Business Street, Suite 100")
        .city("Cape Town")
        .postcode("8001")
        .country("ZA")
        .license(License::licensed("FSP12345", ["ZA"]));
    let jane = Person {
        first_name: "Jane".into(),
        last_name: "Smith".into(),
        dob: "1985-05-15".into(),
        email: "jane.smith@acmecorp.com".into(),
        address: Address { street: "456 Residential Ave".into(), ..john().address },
        occupation: "Chief Executive Officer".into(),
        source_of_funds: "Business Income".into(),
        ..john()
    };
    let second = Person {
        dob: "1980-03-20".into(),
        email: "john.doe@acmecorp.com".into(),
        address: Address {
            street: "789 Co-founder Street".into(),
            postcode: "7800".into(),
            ..john().address
        },
        occupation: "Chief Technology Officer".into(),
        source_of_funds: "Business Income".into(),
        ..john()
    };
    let jane = Ubo::new(jane, "8505155800088", 60).phone_number("+27821111111");
    let second = Ubo::new(second, "8003205800089", 40).director(true).authorized_signatory(false);
    Business {
        account_name: "ACME Corporation".into(),
        email: "admin@acmecorp.com".into(),
        phone_number: "+27821234567".into(),
        profile,
        ubos: vec![jane.director(true).authorized_signatory(true), second],
    }
}

fn prepared<E: Endpoint>(request: &E) -> Prepared {
    Prepared::new(request, &Environment::live()).unwrap()
}

/// The paths of what a request is refused for.
fn refusals<E: Endpoint>(request: &E) -> Vec<String> {
    let refused = Prepared::new(request, &Environment::live()).err();
    let all = refused.iter().flat_map(InvalidArguments::all);
    all.map(|each| each.argument.clone().into_owned()).collect()
}

fn warnings<E: Endpoint>(request: &E) -> Vec<String> {
    prepared(request).warnings.iter().map(|each| each.argument.clone().into_owned()).collect()
}

/// A client whose clock stands at this time, and whose exchange does not exist: what is not refused before it is sent fails in
/// another way.
fn client_at(time: &str) -> Client {
    let millis = time.parse::<Timestamp>().unwrap().as_unix_millis();
    let (clock, _) = Clock::manual(u64::try_from(millis).unwrap());
    Client::builder(Environment::local("http://127.0.0.1:1").unwrap())
        .credentials(Credentials::new("sandbox_x", "y").unwrap())
        .clock(clock)
        .build()
        .unwrap()
}

/// The paths of what a client refuses at a time.
async fn refused_at<E: Endpoint>(time: &str, request: E) -> Vec<String> {
    let error = client_at(time).send(request).await.err().unwrap();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    error.arguments().iter().map(|each| each.argument.clone().into_owned()).collect()
}

#[test]
fn every_request_example_of_the_documents_is_sent_as_printed() {
    let (spec, fixtures) = (Spec::cape(), Fixtures::cape());
    let compare = |call: &str, name: &str, sent| {
        assert_no_findings(probe::request_fixture(&spec, &fixtures, call, name, &sent));
    };
    let individual = CreateCustomer::individual(documented_individual());
    compare("create_customer", "request_individual", sent(&individual));
    compare("create_customer", "request_business", sent(&CreateCustomer::business(documented_business())));
    compare("create_merchant", "request_composed", sent(&CreateMerchant::new(documented_business())));
    let update = UpdateCustomer::new("CCT1234567").custom_id("CUST-001-UPDATED");
    let update = update.external_verification_url("https://example.com/verify/updated");
    compare("update_customer", "request", sent(&update));
    assert_eq!(warnings(&update), [""; 0]);
}

#[test]
fn the_documents_examples_have_warnings_for_what_is_not_known_and_no_refusal() {
    // The number is under the name of the example, and its check digit is wrong.
    assert_eq!(
        warnings(&CreateCustomer::individual(documented_individual())),
        ["sa_id_number", "sa_id_number"]
    );
    // Both occupations are not in the documents' own list, and both check digits are wrong.
    let expected = ["ubos[0].occupation", "ubos[1].occupation", "ubos[0].id_number", "ubos[1].id_number"];
    assert_eq!(warnings(&CreateCustomer::business(documented_business())), expected);
}

#[test]
fn everything_that_is_wrong_is_told_at_once_with_its_path() {
    let mut business = documented_business();
    business.email = "acme".into();
    business.phone_number = "0821234567".into();
    business.account_name = "".into();
    let wrong = Person {
        first_name: "Jane\0".into(),
        last_name: "x".repeat(256).into(),
        dob: "15.05.1985".into(),
        email: "jane".into(),
        address: Address {
            street: " ".into(),
            postcode: "77\n00".into(),
            city: "".into(),
            country: "South Africa".into(),
        },
        nationality: "ZAF".into(),
        pep: Pep::by_occupation("").and_by_relation("a\u{7f}").and_prominent(" "),
        ..john()
    };
    business.ubos.push(Ubo::new(wrong, "", dec!(4.99)).phone_number("+"));
    business.profile = BusinessProfile::new(Company {
        company_name: "".into(),
        registration_number: "\t".into(),
        registration_country: "ZAFR".into(),
        industry: "".into(),
        purpose_of_account: "x".repeat(2_001).into(),
        expected_monthly_volume_usd: dec!(-1),
    });
    business.profile = business
        .profile
        .jurisdictions_of_operation(["ZA", "za"])
        .website("")
        .address("")
        .city("")
        .postcode("")
        .country("ZAF")
        .license(License::licensed("", [""; 0]));
    let expected = [
        "email",
        "phone_number",
        "account_name",
        "business_profile.company_name",
        "business_profile.registration_number",
        "business_profile.registration_country",
        "business_profile.industry",
        "business_profile.purpose_of_account",
        "business_profile.expected_monthly_volume_usd",
        "business_profile.jurisdictions_of_operation[1]",
        "business_profile.website",
        "business_profile.address",
        "business_profile.city",
        "business_profile.postcode",
        "business_profile.country",
        "business_profile.license_number",
        "ubos[2].email",
        "ubos[2].first_name",
        "ubos[2].last_name",
        "ubos[2].dob",
        "ubos[2].address",
        "ubos[2].postcode",
        "ubos[2].city",
        "ubos[2].country",
        "ubos[2].nationality",
        "ubos[2].pep_occupation_data",
        "ubos[2].pep_related_data",
        "ubos[2].pip_data",
        "ubos[2].phone_number",
        "ubos[2].id_number",
        "ubos[2].ownership_percentage",
        "business_profile.license_jurisdictions",
    ];
    assert_eq!(refusals(&CreateCustomer::business(business.clone())), expected);
    assert_eq!(refusals(&CreateMerchant::new(business)), expected);
}

#[test]
fn no_refusal_and_no_debug_shows_what_is_personal() {
    let canary = || Person {
        first_name: "canary-1\0".into(),
        last_name: "canary-2".into(),
        dob: "canary-3".into(),
        email: "canary-4".into(),
        nationality: "canary-5".into(),
        occupation: "canary-6".into(),
        source_of_funds: "canary-7".into(),
        pep: Pep::prominent("canary-8"),
        ..john()
    };
    let individual =
        Individual::new(canary(), "canary-9", "canary-10").doc_country("canary-11").id_number("canary-12");
    let ubo = Ubo::new(canary(), "canary-13", 1).phone_number("canary-14");
    let business = Business { ubos: vec![ubo], email: "canary-15".into(), ..documented_business() };
    for request in [CreateCustomer::individual(individual), CreateCustomer::business(business)] {
        let refused = Prepared::new(&request, &Environment::live()).unwrap_err();
        assert!(!refused.to_string().contains("canary"), "{refused}");
        assert!(!format!("{request:?} {refused:?}").contains("canary"));
    }
}

#[test]
fn texts_arrive_byte_for_byte() {
    for name in ["مريم\u{200f} \u{202e}", "👩\u{200d}🚀 é e\u{301}", &"ë".repeat(255), "<b>\"'\\/;--"]
    {
        let person = Person { first_name: name.into(), last_name: name.into(), ..john() };
        let request = CreateCustomer::individual(
            Individual::new(person, "+27821234567", "ZA").id_number("8001015009087"),
        );
        let body = sent(&request).body.unwrap();
        assert_eq!((&body["first_name"], &body["last_name"]), (&name.into(), &name.into()));
    }
}

#[tokio::test]
async fn a_person_is_18_from_the_birthday_on() {
    let ubo = |dob: &str| {
        let ubos = vec![Ubo::new(Person { dob: dob.into(), ..john() }, "A1234567", 60)];
        CreateCustomer::business(Business { ubos, ..documented_business() })
    };
    let young = ["ubos[0].dob"];
    for (now, born, expected) in [
        ("2026-03-01T00:00:00Z", "2008-03-01", &[][..]),
        ("2026-02-28T23:59:59Z", "2008-03-01", &young[..]),
        // In UTC it is still the day before.
        ("2026-03-01T01:59:59+02:00", "2008-03-01", &young),
        // Nobody who was born on 29 February has a 29 February 18 years later: 1 March counts.
        ("2026-02-28T23:59:59Z", "2008-02-29", &young),
        ("2026-03-01T00:00:00Z", "2008-02-29", &[]),
        ("2026-03-01T00:00:00Z", "2026-03-02", &young),
    ] {
        assert_eq!(refused_at(now, ubo(born)).await, expected, "{born} at {now}");
    }
    let individual = Individual::new(Person { dob: "2010-01-01".into(), ..john() }, "+27821234567", "ZA");
    let request = CreateCustomer::individual(individual.id_number("1001015009087"));
    assert_eq!(refused_at("2026-03-01T00:00:00Z", request).await, ["dob"]);
    let error = client_at("2026-03-01T00:00:00Z").send(ubo("2010-01-01")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidArgument);
    assert_eq!(error.argument().unwrap().why, "the person is younger than 18");
}

#[test]
fn a_south_african_needs_an_identity_number_and_a_doubtful_one_is_a_warning() {
    let with = |set: fn(Individual) -> Individual| {
        CreateCustomer::individual(set(Individual::new(john(), "+27821234567", "ZA")))
    };
    assert_eq!(refusals(&with(|individual| individual)), ["id_number"]);
    let foreign = Individual::new(Person { nationality: "GB".into(), ..john() }, "+447911123456", "ZA");
    assert_eq!(refusals(&CreateCustomer::individual(foreign)), [""; 0]);

    // The documents' number ends with 7; its check digit is 8.
    let warned = |id: &str| {
        let individual = Individual::new(john(), "+27821234567", "ZA").id_number(id);
        let prepared = prepared(&CreateCustomer::individual(individual));
        let warnings = prepared.warnings.into_iter();
        warnings.map(|warning| format!("{}: {}", warning.argument, warning.why)).collect::<Vec<_>>()
    };
    assert_eq!(warned("9001155800088"), [""; 0]);
    assert_eq!(warned("9001155800087"), ["id_number: its last digit is not the check digit of the others"]);
    assert_eq!(warned("8001015009087"), ["id_number: its first six digits are not the day of birth"]);
    assert_eq!(
        warned("A1234567"),
        ["id_number: it does not have the 13 digits of a South African identity number"]
    );
    // An owner may give the number of a passport.
    let ubos = vec![Ubo::new(john(), "A1234567", 60), Ubo::new(john(), "8001015009087", 40)];
    let business = CreateCustomer::business(Business { ubos, ..documented_business() });
    assert_eq!(warnings(&business), ["ubos[1].id_number"]);
}

#[test]
fn the_owners_are_one_or_more_and_their_shares_are_added() {
    let with = |shares: &[u32]| {
        let foreign = || Person { nationality: "GB".into(), ..john() };
        let ubos = shares.iter().map(|share| Ubo::new(foreign(), "A1234567", *share)).collect();
        CreateCustomer::business(Business { ubos, ..documented_business() })
    };
    assert_eq!(refusals(&with(&[])), ["ubos"]);
    assert_eq!(warnings(&with(&[60, 40])), [""; 0]);
    assert_eq!(warnings(&with(&[60, 41])), ["ubos"]);
    assert_eq!(
        refusals(&with(&[5, 100, 4, 101])),
        ["ubos[2].ownership_percentage", "ubos[3].ownership_percentage"]
    );
    let fifty = with(&[5; 50]);
    assert_eq!(sent(&fifty).body.unwrap()["ubos"].as_array().unwrap().len(), 50);
    assert_eq!(warnings(&fifty), ["ubos"]);
}

#[test]
fn what_may_be_wrong_is_a_warning() {
    let person = Person {
        address: Address { country: "UK".into(), ..john().address },
        nationality: "XX".into(),
        occupation: "Sofware Engineer".into(),
        source_of_funds: "Luck".into(),
        ..john()
    };
    let individual = Individual::new(person, "+447911123456", "GB").account_name("x".repeat(101));
    let request = CreateCustomer::individual(individual.doc_type("Library card"));
    let expected = ["country", "nationality", "occupation", "source_of_funds", "doc_type", "account_name"];
    assert_eq!(warnings(&request), expected);
    let told = prepared(&request).warnings;
    let remedy = |index: usize| told[index].remedy.to_string();
    assert!(remedy(0).contains("GB") && remedy(2).contains("'Software Engineer'"));
}

#[test]
fn an_update_changes_something_and_deposit_actions_and_webhooks_are_sent_as_objects() {
    assert_eq!(refusals(&UpdateCustomer::new("CCT1234567")), ["custom_id"]);
    assert_eq!(refusals(&UpdateCustomer::new("CCT1234567").custom_id("a\nb")), ["custom_id"]);
    assert_eq!(refusals(&UpdateCustomer::new("..").custom_id("a")), ["uid"]);
    let individual = documented_individual().deposit_action(OnDeposit::none());
    let webhook = WebhookSettings::hmac("https://merchant.example/hooks/1", "canary");
    let request = CreateCustomer::individual(individual).webhook(webhook);
    let body = sent(&request).body.unwrap();
    assert_eq!(body["deposit_action"]["action"], "none");
    assert_eq!(body["webhook"]["secret"], "canary");
    assert!(!format!("{request:?}").contains("canary"));
}
