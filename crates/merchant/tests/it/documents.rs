//! Uploads of documents.

use capecrypto_auth::{Credentials, Environment};
use capecrypto_merchant::documents::{UploadCustomerDocument, UploadMerchantDocument, UploadUboDocument};
use capecrypto_models::{DocumentType, Upload};
use capecrypto_probe::client;
use capecrypto_rest::{Client, Endpoint, Kind, Outcome, PartContent, Prepared, upload};
use capecrypto_sandbox::Sandbox;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

const MIB: usize = 1024 * 1024;
const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a photograph";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n a photograph";
const PDF: &[u8] = b"\n\n%PDF-1.7 a bill";

fn image(bytes: usize) -> Upload {
    let mut content = vec![7; bytes];
    for (place, byte) in content.iter_mut().zip(PNG) {
        *place = *byte;
    }
    Upload::new("id.png", "image/png", content)
}

fn person(kind: &str, upload: Upload) -> UploadCustomerDocument {
    UploadCustomerDocument::individual("CCT1234567", kind, upload)
}

fn business(kind: &str, upload: Upload) -> UploadCustomerDocument {
    UploadCustomerDocument::business("CCT1234567", kind, upload)
}

fn ubo(kind: &str, upload: Upload) -> UploadUboDocument {
    UploadUboDocument::new("ID_UBO_001_ABC", kind, upload)
}

fn merchant(kind: &str, upload: Upload) -> UploadMerchantDocument {
    UploadMerchantDocument::new("CCT1234567", kind, upload)
}

/// The names of the arguments that are refused, or of those that are warned of.
fn told<E: Endpoint>(request: &E) -> Result<Vec<String>, Vec<String>> {
    match Prepared::new(request, &Environment::live()) {
        Ok(prepared) => Ok(prepared.warnings.iter().map(|each| each.argument.to_string()).collect()),
        Err(refused) => Err(refused.all().iter().map(|each| each.argument.to_string()).collect()),
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn each_document_has_its_route_and_its_names_in_both_versions() {
    fn sent<E: Endpoint>(request: &E, environment: &Environment) -> (String, Vec<(&'static str, String)>) {
        let prepared = Prepared::new(request, environment).unwrap();
        let part = |content| match content {
            PartContent::Text(text) => text,
            PartContent::File(file) => file.name().to_owned(),
            other => unreachable!("{other:?}"),
        };
        let parts = prepared.form.into_iter().map(|each| (each.name, part(each.content)));
        (prepared.path, parts.collect())
    }
    let (live, older) = (Environment::live(), Environment::legacy());
    let customers = "/api/v2/verification/customers/documents".to_owned();
    let parts = |uid: &'static str, of: &str, kind: &str| {
        vec![("upload", "id.png".to_owned()), ("doc_type", kind.to_owned()), (uid, of.to_owned())]
    };
    for request in [person("Selfie", image(9)), business("Selfie", image(9))] {
        assert_eq!(sent(&request, &live), (customers.clone(), parts("uid", "CCT1234567", "Selfie")));
        assert_eq!(
            sent(&request, &older),
            (customers.clone(), parts("customer_uid", "CCT1234567", "Selfie"))
        );
    }
    let request = ubo("Selfie", image(9));
    let ubos = "/api/v2/verification/ubos/documents".to_owned();
    assert_eq!(sent(&request, &live), (ubos, parts("uid", "ID_UBO_001_ABC", "Selfie")));
    assert_eq!(sent(&request, &older), (customers, parts("customer_ubo_uid", "ID_UBO_001_ABC", "Selfie")));
    let merchants = "/api/v2/verification/merchants/documents".to_owned();
    let request = merchant("AML Policy", image(9));
    assert_eq!(sent(&request, &live), (merchants, parts("uid", "CCT1234567", "AML Policy")));
}

#[test]
fn a_file_of_a_wrong_size_is_refused() {
    for (size, of_person, of_others) in [
        (0, Err(()), Err(())),
        (12, Ok(0), Ok(0)),
        (4 * MIB - 1, Ok(0), Ok(0)),
        (4 * MIB, Ok(0), Ok(0)),
        (4 * MIB + 1, Err(()), Ok(1)),
        (10 * MIB - 1, Err(()), Ok(1)),
        (10 * MIB, Err(()), Ok(1)),
        (10 * MIB + 1, Err(()), Err(())),
    ] {
        let told = |told: Result<Vec<String>, Vec<String>>| {
            assert!(told.iter().flatten().all(|name| name == "upload"), "{size}: {told:?}");
            told.map(|warned| warned.len()).map_err(|refused| assert_eq!(refused, ["upload"]))
        };
        assert_eq!(told(self::told(&person("Selfie", image(size)))), of_person, "{size}");
        assert_eq!(told(self::told(&business("AML Policy", image(size)))), of_others, "{size}");
        assert_eq!(told(self::told(&ubo("Selfie", image(size)))), of_others, "{size}");
        assert_eq!(told(self::told(&merchant("AML Policy", image(size)))), of_others, "{size}");
    }
}

#[test]
fn a_file_must_be_what_it_is_declared_as() {
    let refused = Err(names(&["upload"]));
    let warned = Ok(names(&["upload"]));
    let fine = Ok(names(&[]));
    for (name, declared, content, wanted) in [
        ("id.jpg", "image/jpeg", JPEG, &fine),
        ("ID.JPEG", "IMAGE/JPEG", JPEG, &fine),
        ("id.png", "image/png", PNG, &fine),
        ("bill.pdf", "application/pdf", PDF, &fine),
        ("scan", "application/pdf", PDF, &fine),
        // A wrong type under a right name.
        ("id.jpg", "image/jpeg", PNG, &refused),
        ("id.jpg", "image/jpeg", PDF, &refused),
        ("id.jpg", "image/jpeg", b"PK\x03\x04 an archive", &refused),
        ("bill.pdf", "application/pdf", b"<html>", &refused),
        ("id.png", "image/png", b"\x89PNG", &refused),
        // The exchange may know more types than the documents name.
        ("id.gif", "image/gif", b"GIF89a", &warned),
        ("id.jpg", "application/octet-stream", JPEG, &warned),
        ("id.pdf", "image/jpeg", JPEG, &warned),
    ] {
        let upload = Upload::new(name, declared, content);
        assert_eq!(told(&person("Selfie", upload)), *wanted, "{name} {declared} {content:?}");
    }
    let told =
        Prepared::new(&person("Selfie", Upload::new("id.jpg", "image/jpeg", PDF)), &Environment::live());
    let told = told.unwrap_err().to_string();
    assert!(told.contains("first bytes are those of a PDF; declare it as application/pdf"), "{told}");
}

#[test]
fn what_a_type_needs_is_warned_of_if_it_is_missing_or_too_much() {
    let (number, until) = (|| "M1".to_owned(), "2099-12-31");
    let both = names(&["doc_number", "doc_expire"]);
    assert_eq!(told(&person("Passport", image(9))), Ok(both.clone()));
    assert_eq!(told(&ubo("Passport", image(9))), Ok(both.clone()));
    assert_eq!(told(&person("Passport", image(9)).doc_number(number()).doc_expire(until)), Ok(vec![]));
    assert_eq!(
        told(&person("Passport", image(9)).doc_number(String::new()).doc_expire(until)),
        Ok(names(&["doc_number"]))
    );
    for licence in ["Driver license", "Drivers license", "Driver license back", "Drivers license back"] {
        assert_eq!(told(&person(licence, image(9))), Ok(names(&["doc_expire"])), "{licence}");
        assert_eq!(told(&ubo(licence, image(9)).doc_expire(until)), Ok(vec![]), "{licence}");
    }
    for other in ["Identity card", "Green Identity Book", "Selfie", "Proof of Address"] {
        assert_eq!(told(&person(other, image(9))), Ok(vec![]), "{other}");
        assert_eq!(
            told(&person(other, image(9)).doc_number(number()).doc_expire(until)),
            Ok(vec![]),
            "{other}"
        );
    }
    assert_eq!(told(&business("AML Policy", image(9)).doc_number(number()).doc_expire(until)), Ok(both));
    // What the documents do not list for the holder.
    assert_eq!(told(&person("Source of Funds", image(9))), Ok(vec![]));
    assert_eq!(told(&ubo("Source of Funds", image(9))), Ok(names(&["doc_type"])));
    assert_eq!(told(&person("AML Policy", image(9))), Ok(names(&["doc_type"])));
    assert_eq!(told(&business("Selfie", image(9))), Ok(names(&["doc_type"])));
    assert_eq!(told(&merchant("Proof of Moon", image(9))), Ok(names(&["doc_type"])));
}

#[tokio::test]
async fn a_paper_that_is_not_valid_any_more_is_warned_of() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let credentials = Credentials::new("sandbox_key", "secret").unwrap();
    let environment = Environment::local(&server.uri()).unwrap();
    let client = Client::builder(environment).credentials(credentials).build().unwrap();
    for (until, warned) in [("2020-02-29", 1), ("2099-01-01", 0)] {
        let reply = client.reply(person("Driver license", image(9)).doc_expire(until)).await.unwrap();
        assert_eq!(reply.warnings.len(), warned, "{:?}", reply.warnings);
        assert!(reply.warnings.iter().all(|warning| warning.argument == "doc_expire"));
    }
}

#[tokio::test]
async fn a_document_arrives_whole_and_its_progress_is_told() {
    let sandbox = Sandbox::start().await.unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let seen = told.clone();
    let customer = sandbox.control().add_customer("merchant").unwrap();
    let document = UploadCustomerDocument::individual(&*customer, "Driver license front", image(3 * MIB))
        .doc_number("canary".to_owned())
        .doc_expire("2028-12-31");
    assert!(!format!("{document:?}").contains("canary"));
    let client = client(&sandbox, "merchant");
    let sent = client.send_with_progress(document, move |sent, _| seen.store(sent, Ordering::SeqCst)).await;
    assert_eq!((sent.unwrap().status, told.load(Ordering::SeqCst)), (200, 3 * 1024 * 1024));
    let kept = sandbox.control().documents();
    assert_eq!(kept.len(), 1);
    let document = &kept[0];
    assert_eq!((document.uid.as_str(), document.doc_type.as_str()), (&*customer, "Driver license front"));
    assert_eq!((document.file_name.as_str(), document.bytes), ("id.png", 3 * MIB));
}

#[tokio::test]
async fn a_document_comes_from_a_reader_and_under_any_name() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client(&sandbox, "merchant");
    let customer = sandbox.control().add_customer("merchant").unwrap();
    let names = ["\u{202e}gpj.di", "🛂 \"паспорт\".png", &format!("{}.png", "x".repeat(251))];
    for name in names {
        let upload = upload::reader(name, "image/png", PNG.len() as u64, PNG).await.unwrap();
        client.send(UploadCustomerDocument::individual(&*customer, "Selfie", upload)).await.unwrap();
    }
    let kept = sandbox.control().documents();
    assert!(kept.iter().map(|document| document.file_name.as_str()).eq(names), "{kept:?}");
}

#[tokio::test]
async fn everything_that_is_wrong_is_told_at_once_and_nothing_leaves() {
    let sandbox = Sandbox::start().await.unwrap();
    let upload = Upload::new("id\r\n.png", "png", vec![7; 4 * MIB + 1]);
    let document = UploadCustomerDocument::individual("CCT 1", "Passport", upload).doc_expire("31.12.2028");
    let error = client(&sandbox, "merchant").send(document).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidArgument, Outcome::NotSent));
    let named: Vec<_> = error.arguments().iter().map(|each| &*each.argument).collect();
    assert_eq!(named, ["upload", "upload", "uid", "doc_expire", "upload"]);
    assert!(sandbox.control().documents().is_empty());
}

#[tokio::test]
async fn what_is_not_known_is_sent_with_a_warning() {
    let sandbox = Sandbox::start().await.unwrap();
    let large = Upload::new("bill.gif", "image/gif", vec![7; 4 * MIB + 1]);
    let document = UploadCustomerDocument::business("CCT1234567", "Proof of Moon", large);
    assert_eq!(told(&document), Ok(names(&["doc_type", "upload", "upload"])));
    assert!(!DocumentType::from("Proof of Moon").is_known());
    // The exchange decides, and refuses this document.
    let error = client(&sandbox, "merchant").send(document).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome(), error.status()), (Kind::Refused, Outcome::Refused, Some(400)));
}

#[tokio::test]
async fn who_has_no_customers_is_refused() {
    let sandbox = Sandbox::start().await.unwrap();
    let error = client(&sandbox, "maker").send(person("Selfie", image(9))).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Auth, Outcome::Refused));
    assert!(error.hint().unwrap().contains("merchants"), "{error}");
}
