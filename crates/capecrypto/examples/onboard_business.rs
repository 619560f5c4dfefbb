//! A business becomes a customer: form, documents, what is missing, approval, first payment. `cargo run --example onboard_business`.
//!
//! The exchange runs in this process. With the real one, leave out the lines with `sandbox`: there a person approves.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Environment, Outcome,
    customers::{CreateCustomer, GetCustomer},
    dec,
    documents::{UploadCustomerDocument, UploadUboDocument},
    forms::{Address, Business, BusinessProfile, Company, License, Pep, Person, Ubo},
    models::{Upload, UploadedDocument},
    payments::CreatePaymentReference,
    requirements::Requirements,
};
use capecrypto_sandbox::Sandbox;
use std::error::Error;

/// What the exchange asks of a business, as its documents spell it.
const BUSINESS_DOCUMENTS: [&str; 9] = [
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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let keys = sandbox.account("merchant").ok_or("the sandbox has no account merchant")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    let cape = Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?;

    // The form is checked as a whole before anything is sent. What is wrong is reported at once, each with its path.
    let mut form = form();
    if let Some(owner) = form.ubos.first_mut() {
        *owner = Ubo::new(Person { dob: "2020-02-30".into(), ..jane() }, "8505155800088", 3);
    }
    match cape.send(CreateCustomer::business(form)).await {
        Err(error) => println!("{error}\n"),
        Ok(_) => return Err("a form with two mistakes was sent".into()),
    }

    // It is sent once. After an unknown outcome the customer is looked for by its e-mail.
    let request = CreateCustomer::business(self::form());
    let customer = match cape.reply(request.clone()).await {
        Ok(reply) => {
            for warning in &reply.warnings {
                println!("sent with a warning: {warning}");
            }
            reply.value
        }
        Err(error) if error.outcome() == Outcome::Unknown => {
            return Err(format!("{error}; {:?}", request.find(&cape).await?).into());
        }
        Err(error) => return Err(format!("nothing was created: {error}").into()),
    };
    let ubos: Vec<_> = customer.ubos.iter().filter_map(|ubo| ubo.uid.clone()).collect();
    println!("customer {} was created, with {} owner(s)\n", customer.uid, ubos.len());

    // No call lists what was uploaded, so the program keeps a record of each document.
    let mut uploaded = Vec::new();
    for kind in BUSINESS_DOCUMENTS {
        let document = UploadCustomerDocument::business(&customer.uid, kind, pdf(kind));
        cape.send_with_progress(document, move |sent, total| bar(kind, sent, total)).await?;
        uploaded.push(UploadedDocument::new(customer.uid.clone(), kind, cape.now()));
    }
    println!("\n{}\n", Requirements::for_business(&customer.uid, &ubos, &uploaded, cape.now()));
    for ubo in &ubos {
        for kind in ["Passport", "Selfie", "Proof of Address"] {
            let mut document = UploadUboDocument::new(ubo, kind, photo(kind));
            if kind == "Passport" {
                document = document.doc_number("M98765432").doc_expire("2039-06-30");
            }
            cape.send_with_progress(document, move |sent, total| bar(kind, sent, total)).await?;
            uploaded.push(UploadedDocument::new(ubo.clone(), kind, cape.now()));
        }
    }
    let requirements = Requirements::for_business(&customer.uid, &ubos, &uploaded, cape.now());
    if !requirements.is_complete() {
        return Err(format!("something is missing: {requirements}").into());
    }

    // Complete is not verified: a person at the exchange looks at the documents.
    let verified =
        async || Ok::<_, capecrypto::Error>(cape.send(GetCustomer::new(&customer.uid)).await?.is_verified());
    println!("\nverified before the approval: {}", verified().await?);
    sandbox.control().approve(customer.uid.as_str())?;
    if !verified().await? {
        return Err("the approved business is not verified".into());
    }

    let payment = CreatePaymentReference::new(&customer.uid, "zar").expected_amount(dec!(1500));
    let payment = cape.send(payment).await?;
    println!("approved; the customer pays R1500 with the reference {}", payment.reference);
    Ok(())
}

/// The form of the business.
fn form() -> Business {
    let company = Company {
        company_name: "Baobab Payments (Pty) Ltd".into(),
        registration_number: "2020/123456/07".into(),
        registration_country: "ZA".into(),
        industry: "Financial Services".into(),
        purpose_of_account: "Payments of merchants".into(),
        expected_monthly_volume_usd: dec!(50_000),
    };
    Business {
        account_name: "Baobab Payments".into(),
        email: "admin@baobab.example".into(),
        phone_number: "+27821234567".into(),
        profile: BusinessProfile::new(company).country("ZA").license(License::licensed("FSP12345", ["ZA"])),
        ubos: vec![Ubo::new(jane(), "8505155800088", 60).director(true)],
    }
}

/// The owner of the business.
fn jane() -> Person {
    Person {
        first_name: "Jane".into(),
        last_name: "Smith".into(),
        dob: "1985-05-15".into(),
        email: "jane@baobab.example".into(),
        address: Address {
            street: "456 Residential Ave".into(),
            postcode: "7700".into(),
            city: "Cape Town".into(),
            country: "ZA".into(),
        },
        nationality: "ZA".into(),
        // Not in the exchange's list, so it is sent with a warning.
        occupation: "Chief Executive Officer".into(),
        source_of_funds: "Business Income".into(),
        pep: Pep::none(),
    }
}

/// A document of a business. In a real program, `Upload::from_file` reads it while it is sent.
fn pdf(kind: &str) -> Upload {
    let content = [b"%PDF-1.7\n".as_slice(), &vec![b' '; 300 * 1024]].concat();
    Upload::new(format!("{kind}.pdf"), "application/pdf", content)
}

/// A photograph of a person's document.
fn photo(kind: &str) -> Upload {
    let content = [b"\x89PNG\r\n\x1a\n".as_slice(), &vec![0; 200 * 1024]].concat();
    Upload::new(format!("{kind}.png"), "image/png", content)
}

/// Prints the progress of an upload.
fn bar(kind: &str, sent: u64, total: u64) {
    let done = usize::try_from(20 * sent / total.max(1)).unwrap_or(20);
    print!("\r{kind:<28} [{:<20}] {:>3} KiB", "=".repeat(done), sent / 1024);
    if sent == total {
        println!();
    }
}
