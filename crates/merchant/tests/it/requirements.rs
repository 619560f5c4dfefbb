//! What a verification needs, against the sandbox, which decides by rules of its own.

use crate::forms::{documented_business, john};
use capecrypto_merchant::{
    customers::{CreateCustomer, GetCustomer},
    documents::{UploadCustomerDocument, UploadMerchantDocument, UploadUboDocument},
    forms::Individual,
    lists::Holder,
    merchants::CreateMerchant,
    requirements::Requirements,
};
use capecrypto_models::{Customer, DocumentType, Uid, Upload, UploadedDocument};
use capecrypto_probe::client;
use capecrypto_rest::{Client, Endpoint};
use capecrypto_sandbox::Sandbox;

const DAYS_OF_A_SEASON: u64 = 93;

/// What an onboarding program keeps.
struct Program {
    client: Client,
    kept: Vec<UploadedDocument>,
}

impl Program {
    fn new(client: Client) -> Self {
        Self { client, kept: Vec::new() }
    }

    async fn send<E: Endpoint>(
        &mut self,
        uid: &Uid,
        kind: &str,
        make: impl Fn(Uid, DocumentType, Upload) -> E,
    ) {
        let upload = Upload::new("scan.jpg", "image/jpeg", *b"\xff\xd8\xff");
        self.client.send(make(uid.clone(), kind.into(), upload)).await.unwrap();
        self.kept.push(UploadedDocument::new(uid.clone(), kind, self.client.now()));
    }

    async fn of_customer(&mut self, uid: &Uid, kind: &str) {
        let make = |uid, kind, upload| {
            let document = UploadCustomerDocument::individual(uid, kind, upload);
            document.doc_number("M1".to_owned()).doc_expire("2099-12-31")
        };
        self.send(uid, kind, make).await;
    }

    async fn of_ubo(&mut self, uid: &Uid, kind: &str) {
        let make = |uid, kind, upload| {
            UploadUboDocument::new(uid, kind, upload).doc_number("M1".to_owned()).doc_expire("2099-12-31")
        };
        self.send(uid, kind, make).await;
    }

    fn requirements(&self, customer: &Customer) -> Requirements {
        Requirements::for_customer(customer, &self.kept, self.client.now())
    }
}

#[tokio::test]
async fn a_person_is_verified_when_nothing_is_missing_any_more() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut program = Program::new(client(&sandbox, "merchant"));
    let mut number = 0;
    for kinds in [
        &["Passport", "Selfie", "Proof of Address"][..],
        &["Proof of Address", "Green Identity Book", "Selfie"],
        &["Source of Funds", "Selfie", "Passport other", "Proof of Address"],
        &["Identity card back", "Identity card", "Selfie", "Proof of Address"],
        &["Selfie", "Identity card front", "Proof of Address", "Identity card back"],
        &["Driver license", "Identity card back", "Selfie", "Proof of Address", "Drivers license back"],
        &["Drivers license", "Selfie", "Proof of Address", "Selfie", "Driver license back"],
        &["Driver license front", "Selfie", "Proof of Address", "Passport"],
    ] {
        number += 1;
        let mut person = john();
        person.email = format!("person{number}@example.com").as_str().into();
        let person = Individual::new(person, "+27821234567", "ZA").id_number("9001155800088");
        let made = program.client.send(CreateCustomer::individual(person)).await.unwrap();
        for (count, kind) in (1..).zip(kinds) {
            program.of_customer(&made.uid, kind).await;
            let read = program.client.send(GetCustomer::new(&made.uid)).await.unwrap();
            let requirements = program.requirements(&read);
            assert_eq!(read.is_verified(), requirements.is_complete(), "{requirements}");
            assert_eq!(read.is_verified(), count == kinds.len(), "{requirements}");
        }
    }
}

#[tokio::test]
async fn a_business_can_be_approved_when_nothing_is_missing_any_more() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut program = Program::new(client(&sandbox, "aggregator"));
    let made = program.client.send(CreateMerchant::new(documented_business())).await.unwrap();
    let ubos: Vec<Uid> = made.ubos.iter().map(|ubo| ubo.uid.clone().unwrap()).collect();
    assert_eq!(ubos.len(), 2);
    let control = sandbox.control();
    let mut open = program.requirements(&made).open().count();
    assert_eq!(open, 9 + 2 * 3);
    for rule in Holder::Business.documents() {
        program.send(&made.uid, rule.name, UploadMerchantDocument::new).await;
        open -= 1;
        assert_eq!(program.requirements(&made).open().count(), open);
        assert!(control.approve(made.uid.as_str()).is_err());
    }
    for ubo in &ubos {
        for kind in ["Selfie", "Passport", "Proof of Address"] {
            assert!(!program.requirements(&made).is_complete());
            assert!(control.approve(made.uid.as_str()).is_err());
            program.of_ubo(ubo, kind).await;
        }
    }
    let requirements = program.requirements(&made);
    assert!(requirements.is_complete(), "{requirements}");
    // What nobody approves grows old.
    let now = program.client.now();
    let later = now.checked_add(std::time::Duration::from_secs(DAYS_OF_A_SEASON * 24 * 60 * 60)).unwrap();
    assert_eq!(Requirements::for_customer(&made, &program.kept, later).open().count(), 2 + 2);
    control.approve(made.uid.as_str()).unwrap();
}
