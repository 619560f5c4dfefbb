//! A form of a business with ten owners: checking and writing it, against writing alone.

use crate::measure::{self, Bar, Candidate, Clock, Plan, compare, report};
use capecrypto_auth::Environment;
use capecrypto_merchant::{
    customers::CreateCustomer,
    forms::{Address, Business, BusinessProfile, Company, License, Pep, Person, Ubo},
};
use capecrypto_models::Decimal;
use capecrypto_rest::Prepared;
use serde::Serialize;
use serde_json::Value;
use std::hint::black_box;

const PLAN: Plan = Plan { rounds: 101, calls: 2_000 };
const OWNERS: usize = 10;
/// The highest allowed time of the SDK, in multiples of serde_json with a plain struct.
const AT_MOST: f64 = 2.0;

#[derive(Serialize)]
struct PlainBusiness {
    entity_type: &'static str,
    email: String,
    phone_number: String,
    account_name: String,
    business_profile: PlainProfile,
    ubos: Vec<PlainUbo>,
}

#[derive(Serialize)]
struct PlainProfile {
    company_name: String,
    registration_number: String,
    registration_country: String,
    industry: String,
    purpose_of_account: String,
    expected_monthly_volume_usd: u32,
    jurisdictions_of_operation: Vec<String>,
    website: String,
    employee_count: u32,
    address: String,
    city: String,
    postcode: String,
    country: String,
    license_status: String,
    license_number: String,
    license_jurisdictions: Vec<String>,
}

#[derive(Serialize)]
struct PlainUbo {
    email: String,
    first_name: String,
    last_name: String,
    dob: String,
    address: String,
    postcode: String,
    city: String,
    country: String,
    nationality: String,
    occupation: String,
    source_of_funds: String,
    is_pep_occupation: bool,
    is_pep_related: bool,
    is_pip: bool,
    phone_number: String,
    id_number: String,
    ownership_percentage: u32,
    is_director: bool,
    is_authorized_signatory: bool,
}

fn by_hand() -> PlainBusiness {
    let ubo = |number: usize| PlainUbo {
        email: format!("owner{number}@acmecorp.com"),
        first_name: "Jane".into(),
        last_name: "Smith".into(),
        dob: "1980-01-01".into(),
        address: "456 Residential Ave".into(),
        postcode: "7700".into(),
        city: "Cape Town".into(),
        country: "ZA".into(),
        nationality: "ZA".into(),
        occupation: "Software Engineer".into(),
        source_of_funds: "Business Income".into(),
        is_pep_occupation: false,
        is_pep_related: false,
        is_pip: false,
        phone_number: "+27821111111".into(),
        id_number: "8001015009087".into(),
        ownership_percentage: 10,
        is_director: true,
        is_authorized_signatory: false,
    };
    PlainBusiness {
        entity_type: "business",
        email: "admin@acmecorp.com".into(),
        phone_number: "+27821234567".into(),
        account_name: "ACME Corporation".into(),
        business_profile: PlainProfile {
            company_name: "ACME Corp (Pty) Ltd".into(),
            registration_number: "2020/123456/07".into(),
            registration_country: "ZA".into(),
            industry: "Financial Services".into(),
            purpose_of_account: "Cryptocurrency trading and payment processing".into(),
            expected_monthly_volume_usd: 500_000,
            jurisdictions_of_operation: ["ZA", "US", "GB"].map(Into::into).into(),
            website: "https://www.acmecorp.com".into(),
            employee_count: 25,
            address: "123 Business Street, Suite 100".into(),
            city: "Cape Town".into(),
            postcode: "8001".into(),
            country: "ZA".into(),
            license_status: "Licensed".into(),
            license_number: "FSP12345".into(),
            license_jurisdictions: vec!["ZA".into()],
        },
        ubos: (0..OWNERS).map(ubo).collect(),
    }
}

fn form() -> CreateCustomer {
    let ubo = |number: usize| {
        let person = Person {
            first_name: "Jane".into(),
            last_name: "Smith".into(),
            dob: "1980-01-01".into(),
            email: format!("owner{number}@acmecorp.com").into(),
            address: Address {
                street: "456 Residential Ave".into(),
                postcode: "7700".into(),
                city: "Cape Town".into(),
                country: "ZA".into(),
            },
            nationality: "ZA".into(),
            occupation: "Software Engineer".into(),
            source_of_funds: "Business Income".into(),
            pep: Pep::none(),
        };
        let ubo = Ubo::new(person, "8001015009087", 10).phone_number("+27821111111");
        ubo.director(true).authorized_signatory(false)
    };
    let company = Company {
        company_name: "ACME Corp (Pty) Ltd".into(),
        registration_number: "2020/123456/07".into(),
        registration_country: "ZA".into(),
        industry: "Financial Services".into(),
        purpose_of_account: "Cryptocurrency trading and payment processing".into(),
        expected_monthly_volume_usd: Decimal::from(500_000),
    };
    let profile = BusinessProfile::new(company)
        .jurisdictions_of_operation(["ZA", "US", "GB"])
        .website("https://www.acmecorp.com")
        .employee_count(25)
        .address("123 Business Street, Suite 100")
        .city("Cape Town")
        .postcode("8001")
        .country("ZA")
        .license(License::licensed("FSP12345", ["ZA"]));
    CreateCustomer::business(Business {
        account_name: "ACME Corporation".into(),
        email: "admin@acmecorp.com".into(),
        phone_number: "+27821234567".into(),
        profile,
        ubos: (0..OWNERS).map(ubo).collect(),
    })
}

/// Compares checking and writing a form with writing it.
pub fn run() -> bool {
    measure::pin(0);
    let (plain, form, environment) = (by_hand(), form(), Environment::live());
    let prepared = Prepared::new(&form, &environment).expect("the form is right");
    assert!(prepared.warnings.is_empty(), "{:?}", prepared.warnings);
    let (ours, theirs): (Value, Value) = (
        serde_json::from_slice(&prepared.body.expect("a body")).expect("JSON"),
        serde_json::to_value(&plain).expect("JSON"),
    );
    assert_eq!(ours, theirs, "both write the same");
    let candidates = [
        Candidate {
            name: "serde_json, a plain struct",
            run: Box::new(|calls| {
                for _ in 0..calls {
                    black_box(serde_json::to_vec(black_box(&plain)).expect("JSON"));
                }
            }),
        },
        Candidate {
            name: "Prepared::new",
            run: Box::new(|calls| {
                for _ in 0..calls {
                    black_box(Prepared::new(black_box(&form), &environment).expect("the form is right"));
                }
            }),
        },
    ];
    let measured = compare(PLAN, candidates);
    let bar = Bar { candidate: "Prepared::new", clock: Clock::Cpu, at_most: AT_MOST };
    report("onboarding: a business with ten owners", &measured, &[bar])
}
