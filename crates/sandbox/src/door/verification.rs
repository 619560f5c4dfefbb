//! Customers and their verification, as the exchange's staff sees and decides it.

use super::{
    control::{Control, ControlError},
    operation::{Operation, answer, done},
};
use crate::{
    exchange::people::{
        Role,
        customers::{Application, CreateCustomer},
        deposit_action::DepositAction,
        documents::Document,
        facts::{Entity, Fact},
        verification::{Approve, KycStatus, NotDecided, Reject, VerifyAtOnce},
    },
    host::keys::Account,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        library: "add_customer",
        method: "POST",
        path: "customers",
        about: r#"`{"account"}`: gives a merchant or an aggregator a person with a made-up name as a verified customer; answers with its uid"#,
        run: |control, input| {
            let uid = control.add_customer(&input.read::<Parent>()?.account)?;
            Ok(json!({ "uid": uid }))
        },
    },
    Operation {
        library: "make_keys",
        method: "POST",
        path: "keys",
        about: r#"`{"account"}`: makes keys for a merchant of an aggregator, by its uid; earlier keys end"#,
        run: |control, input| answer(&control.make_keys(&input.read::<Parent>()?.account)?),
    },
    Operation {
        library: "verification",
        method: "GET",
        path: "verification/{uid}",
        about: "how far the verification of a customer, a merchant or an owner is, its documents, and what is missing",
        run: |control, input| answer(&control.verification(input.segment)?),
    },
    Operation {
        library: "approve",
        method: "POST",
        path: "verification/{uid}/approve",
        about: "approves a business or a merchant; refused while something is missing",
        run: |control, input| {
            control.approve(input.segment)?;
            done()
        },
    },
    Operation {
        library: "reject",
        method: "POST",
        path: "verification/{uid}/reject",
        about: r#"`{"reason"}`: rejects a customer, a merchant or an owner; the next document makes it pending again"#,
        run: |control, input| {
            control.reject(input.segment, &input.read::<Why>()?.reason)?;
            done()
        },
    },
    Operation {
        library: "verify_at_once",
        method: "POST",
        path: "verification/{uid}/at_once",
        about: "verifies a customer, a merchant or an owner without any document, and the owners of a business too",
        run: |control, input| {
            control.verify_at_once(input.segment)?;
            done()
        },
    },
    Operation {
        library: "documents",
        method: "GET",
        path: "documents",
        about: "the documents that were sent, in order of arrival: type, name, kind, size and SHA-256",
        run: |control, _| answer(&control.documents()),
    },
];

#[derive(Deserialize)]
struct Parent {
    account: String,
}

#[derive(Deserialize)]
struct Why {
    reason: String,
}

/// How far a verification is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The uid of the customer, the merchant or the owner.
    pub uid: String,
    /// Its state.
    pub status: KycStatus,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// Its documents, in order of arrival.
    pub documents: Vec<Document>,
    /// What the documents do not show yet, such as `selfie`, or `owner` with the uid of an owner that is not verified.
    pub missing: Vec<String>,
}

impl From<NotDecided> for ControlError {
    fn from(why: NotDecided) -> Self {
        match why {
            NotDecided::Unknown => Self::UnknownCustomer,
            NotDecided::Incomplete => Self::Incomplete,
        }
    }
}

impl Control {
    /// Gives a merchant or an aggregator a person with a made-up name as a verified customer, and returns its uid.
    ///
    /// # Errors
    /// An unknown account, or one that has no customers ([`ControlError::Invalid`]).
    pub fn add_customer(&self, account: &str) -> Result<String, ControlError> {
        let parent = self.account(account)?;
        let people = &self.host.people;
        let person = people.get(parent).ok_or(ControlError::UnknownAccount)?;
        if person.role == Role::Member {
            return Err(ControlError::Invalid);
        }
        // An e-mail that is taken is possible only if a caller uses the same form.
        let number = people.customers(parent, Some(parent)).len() + 1;
        let mut made = None;
        for number in number.. {
            made = self.host.command(CreateCustomer { parent, role: Role::Member, form: made_up(number) });
            if made.is_some() {
                break;
            }
        }
        let uid = made.and_then(|id| people.get(id)).ok_or(ControlError::Taken)?.uid;
        self.verify_at_once(&uid)?;
        Ok(uid)
    }

    /// Makes keys for a merchant of an aggregator, as the exchange's support does: created accounts have none. Earlier keys end.
    ///
    /// # Errors
    /// An unknown account, or one that is no merchant of an aggregator ([`ControlError::Invalid`]).
    pub fn make_keys(&self, account: &str) -> Result<Account, ControlError> {
        let id = self.account(account)?;
        let person = self.host.people.get(id).ok_or(ControlError::UnknownAccount)?;
        if person.role != Role::Merchant || person.parent.is_none() {
            return Err(ControlError::Invalid);
        }
        let made = self.host.make_keys(id).ok_or(ControlError::UnknownAccount)?;
        Ok(Account::clone(&made))
    }

    /// How far the verification of a customer, a merchant or an owner is.
    ///
    /// # Errors
    /// Nobody has that uid.
    pub fn verification(&self, uid: &str) -> Result<Verification, ControlError> {
        let progress = self.host.people.progress(uid, self.host.clock.now_ms());
        let progress = progress.ok_or(ControlError::UnknownCustomer)?;
        let (documents, missing) = (progress.documents, progress.missing);
        let (status, reason) = (progress.verification.status, progress.verification.reason);
        Ok(Verification { uid: uid.to_owned(), status, reason, documents, missing })
    }

    /// Approves a business or a merchant. A rejected one can be approved too, once nothing is missing.
    ///
    /// # Errors
    /// Nobody has that uid; documents are missing, or an owner is not verified ([`ControlError::Incomplete`]).
    pub fn approve(&self, uid: &str) -> Result<(), ControlError> {
        Ok(self.host.command(Approve { uid: uid.to_owned() })?)
    }

    /// Rejects a customer, a merchant or an owner, whatever its state. The next document makes it pending again.
    ///
    /// # Errors
    /// Nobody has that uid.
    pub fn reject(&self, uid: &str, reason: &str) -> Result<(), ControlError> {
        Ok(self.host.command(Reject { uid: uid.to_owned(), reason: reason.to_owned() })?)
    }

    /// Verifies a customer, a merchant or an owner without any document, and the owners of a business with it.
    ///
    /// # Errors
    /// Nobody has that uid.
    pub fn verify_at_once(&self, uid: &str) -> Result<(), ControlError> {
        Ok(self.host.command(VerifyAtOnce { uid: uid.to_owned() })?)
    }

    /// The documents that were sent for customers, merchants and owners, in order of arrival.
    #[must_use]
    pub fn documents(&self) -> Vec<Document> {
        self.host.people.documents()
    }
}

fn made_up(number: usize) -> Application {
    let fields = [
        ("first_name", "Thandi"),
        ("last_name", "Nkosi"),
        ("dob", "1990-01-15"),
        ("address", "1 Long Street"),
        ("postcode", "8001"),
        ("city", "Cape Town"),
        ("country", "ZA"),
        ("nationality", "ZA"),
        ("country_of_residence", "ZA"),
        ("id_number", "9001155800087"),
        ("occupation", "Accountant"),
        ("source_of_funds", "Salary or Wages"),
    ];
    let profile = fields.map(|(name, text)| (name.to_owned(), Fact::Text(text.to_owned())));
    Application {
        entity: Entity::Individual,
        email: format!("customer{number}@example.com"),
        phone_number: "+27821234567".to_owned(),
        account_name: Some(format!("Customer {number}")),
        profile: profile.into_iter().collect(),
        ubos: Vec::new(),
        deposit_action: DepositAction::default(),
        webhook: None,
    }
}
