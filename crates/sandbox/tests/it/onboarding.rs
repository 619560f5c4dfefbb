//! Helpers for customers and merchants: forms, calls, documents.

use crate::client::{Answer, Exchange};
use capecrypto_testkit::Fixtures;
use serde_json::{Value, json};

pub(crate) const CUSTOMERS: &str = "/resource/customers";
pub(crate) const MERCHANTS: &str = "/resource/merchants";

/// An example of the documents.
pub(crate) fn example(call: &str, name: &str) -> Value {
    Fixtures::cape().get(call, name).unwrap().json().unwrap()
}

/// A person, with that e-mail.
pub(crate) fn person(email: &str) -> Value {
    with(&example("create_customer", "request_individual"), &[("/email", json!(email))])
}

/// A business with two owners, with that e-mail.
pub(crate) fn business(email: &str) -> Value {
    with(&example("create_customer", "request_business"), &[("/email", json!(email))])
}

/// The same with other values at these places; a null removes the field.
pub(crate) fn with(form: &Value, changes: &[(&str, Value)]) -> Value {
    let mut form = form.clone();
    for (place, value) in changes {
        let (object, name) = place.rsplit_once('/').unwrap();
        let object = form.pointer_mut(object).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.to_owned(), value.clone());
        }
    }
    form
}

impl Exchange {
    /// A call of the persona service.
    pub(crate) async fn persona(&self, method: &str, name: &str, path: &str, body: &Value) -> Answer {
        let mut headers = self.signed(name);
        headers.push(("Content-Type".into(), "application/json".into()));
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, &format!("/api/v2/persona{path}"), &headers, body.as_bytes()).await.unwrap()
    }

    pub(crate) async fn read(&self, name: &str, path: &str) -> Answer {
        self.persona("GET", name, path, &Value::Null).await
    }

    /// Creates a customer or a merchant, and returns the answer.
    pub(crate) async fn open(&self, name: &str, path: &str, body: &Value) -> Value {
        self.persona("POST", name, path, body).await.expect(201)
    }

    /// Sends a document.
    pub(crate) async fn upload(&self, name: &str, path: &str, parts: &str) -> Answer {
        let mut headers = self.signed(name);
        headers.push(("Content-Type".into(), "multipart/form-data; boundary=X".into()));
        let (body, target) = (format!("{parts}--X--\r\n"), format!("/api/v2/verification{path}"));
        self.send("POST", &target, &headers, body.as_bytes()).await.unwrap()
    }

    /// Sends documents of these types, which are taken.
    pub(crate) async fn upload_all(&self, name: &str, path: &str, uid: &str, types: &[&str]) {
        for doc_type in types {
            let papers = format!("{}{}", part("doc_number", "M1"), part("doc_expire", "2099-12-31"));
            let parts = format!("{}{}{papers}{}", part("uid", uid), part("doc_type", doc_type), pdf(9));
            self.upload(name, path, &parts).await.expect(200);
        }
    }

    /// The headers of an account that acts for another one.
    pub(crate) fn acting(&self, name: &str, uid: &str) -> Vec<(String, String)> {
        let mut headers = self.signed(name);
        headers.push(("X-Auth-Subaccount-Uid".into(), uid.into()));
        headers
    }

    /// Status, or status and codes, of a call for another account.
    pub(crate) async fn acted(&self, name: &str, uid: &str, method: &str, path: &str) -> String {
        let target = format!("/api/v2/atlas{path}");
        let answer = self.send(method, &target, &self.acting(name, uid), b"").await.unwrap();
        if answer.status < 300 { answer.status.to_string() } else { answer.refusal() }
    }
}

/// A field of a form with files.
pub(crate) fn part(name: &str, value: &str) -> String {
    format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

/// A file of that many bytes, whose content begins like this.
pub(crate) fn file(name: &str, beginning: &str, bytes: usize) -> String {
    let head = format!("--X\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"{name}\"\r\n");
    let rest = "x".repeat(bytes - beginning.len());
    format!("{head}Content-Type: application/octet-stream\r\n\r\n{beginning}{rest}\r\n")
}

pub(crate) fn pdf(bytes: usize) -> String {
    file("a.pdf", "%PDF-", bytes)
}
