//! Customers: persons and businesses whose accounts a merchant or an aggregator manages. A merchant of an aggregator is stored in
//! the same way; its role makes the difference.

use super::{
    Lists, People, Person, Role, UNVERIFIED,
    deposit_action::DepositAction,
    facts::{Entity, Facts},
    ubos::Ubo,
    verification::{KycStatus, Verification},
};
use crate::{
    base::id::AccountId,
    exchange::{
        command::{Command, Holds, Replayable, replayable},
        desk::Desk,
        notice::Webhook,
    },
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is sent for a new customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) entity: Entity,
    pub(crate) email: String,
    pub(crate) phone_number: String,
    pub(crate) account_name: Option<String>,
    /// Of the person, or of the business.
    pub(crate) profile: Facts,
    /// The owners of a business.
    pub(crate) ubos: Vec<Facts>,
    pub(crate) deposit_action: DepositAction,
    pub(crate) webhook: Option<Webhook>,
}

/// What a customer or a merchant has in addition to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Customer {
    pub(crate) entity: Entity,
    pub(crate) email: String,
    pub(crate) phone_number: String,
    pub(crate) account_name: Option<String>,
    pub(crate) profile: Facts,
    pub(crate) ubos: Vec<Ubo>,
    /// What happens to its deposits. No call shows or changes it.
    pub(crate) deposit_action: DepositAction,
    pub(crate) custom_id: Option<String>,
    pub(crate) external_verification_url: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

/// A customer or a merchant as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) id: AccountId,
    pub(crate) person: Person,
    pub(crate) customer: Customer,
    pub(crate) verification: Verification,
    /// The state of each owner, in their order.
    pub(crate) owners: Vec<KycStatus>,
}

impl People {
    /// The customers that an account sees, the oldest first: its own, and those of its merchants. With `merchant`, only those of
    /// that account.
    pub(crate) fn customers(&self, caller: AccountId, merchant: Option<AccountId>) -> Vec<AccountId> {
        let lists = self.lists();
        let customers = lists.customers.keys().filter(|id| lists.role(**id) == Some(Role::Member));
        let fits = |id: &&AccountId| match merchant {
            Some(merchant) => lists.parent(**id) == Some(merchant),
            None => lists.is_below(**id, caller),
        };
        customers.filter(fits).copied().collect()
    }

    /// The customer with this uid, if the account sees it.
    pub(crate) fn customer(&self, caller: AccountId, uid: &str) -> Option<AccountId> {
        let lists = self.lists();
        let id = *lists.by_uid.get(uid)?;
        let is_customer = lists.customers.contains_key(&id) && lists.role(id) == Some(Role::Member);
        (is_customer && lists.is_below(id, caller)).then_some(id)
    }

    /// Everything about a customer or a merchant.
    pub(crate) fn seen(&self, id: AccountId) -> Option<Seen> {
        let lists = self.lists();
        let (person, customer) = (lists.all.get(&id)?.clone(), lists.customers.get(&id)?.clone());
        let verification = lists.verification(&person.uid);
        let owners = customer.ubos.iter().map(|ubo| lists.verification(&ubo.uid).status).collect();
        Some(Seen { id, person, customer, verification, owners })
    }

    /// Whether an account has a customer (or a merchant, if that is the role) with this e-mail.
    pub(crate) fn has_email(&self, parent: AccountId, role: Role, email: &str) -> bool {
        self.lists().emails.contains(&email_key(parent, role, email))
    }
}

/// An e-mail is used once for each account and role. Upper and lower case are the same.
fn email_key(parent: AccountId, role: Role, email: &str) -> (AccountId, bool, String) {
    (parent, role == Role::Merchant, email.to_lowercase())
}

impl Lists {
    fn role(&self, id: AccountId) -> Option<Role> {
        self.all.get(&id).map(|person| person.role)
    }

    fn parent(&self, id: AccountId) -> Option<AccountId> {
        self.all.get(&id)?.parent
    }

    /// Whether the account manages this customer or merchant, itself or through one of its merchants: only a merchant has
    /// customers and a manager.
    pub(super) fn is_below(&self, id: AccountId, manager: AccountId) -> bool {
        let parent = self.parent(id);
        [parent, parent.and_then(|parent| self.parent(parent))].contains(&Some(manager))
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Arc<People>>>() -> [Replayable<E>; 2] {
    [replayable::<E, CreateCustomer>(), replayable::<E, UpdateCustomer>()]
}

/// Opens the account of a customer or a merchant, and gives its owners uids. `None` if the e-mail is used already.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CreateCustomer {
    pub(crate) parent: AccountId,
    /// [`Role::Member`] for a customer, [`Role::Merchant`] for a merchant.
    pub(crate) role: Role,
    pub(crate) form: Application,
}

impl Command for CreateCustomer {
    const NAME: &'static str = "create_customer";
    type Part = Arc<People>;
    type Answer = Option<AccountId>;

    fn run(self, people: &mut Arc<People>, desk: &mut Desk, at_ms: i64) -> Option<AccountId> {
        let Self { parent, role, form } = self;
        let Application { entity, email, phone_number, account_name, profile, ubos, deposit_action, webhook } =
            form;
        let lists: &mut Lists = &mut people.change();
        if !lists.emails.insert(email_key(parent, role, &email)) {
            return None;
        }
        let (id, _) = lists.add_managed(desk, parent, role, UNVERIFIED);
        let ubos = ubos.into_iter().map(|facts| lists.add_ubo(desk, id, facts)).collect();
        let customer = Customer {
            entity,
            email,
            phone_number,
            account_name,
            profile,
            ubos,
            deposit_action,
            custom_id: None,
            external_verification_url: None,
            created_ms: at_ms,
            updated_ms: at_ms,
        };
        lists.customers.insert(id, customer);
        lists.set_webhook(id, webhook);
        Some(id)
    }
}

/// Changes what a merchant keeps about its customer; what is `None` stays as it is.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UpdateCustomer {
    pub(crate) id: AccountId,
    pub(crate) custom_id: Option<String>,
    pub(crate) external_verification_url: Option<String>,
    pub(crate) webhook: Option<Webhook>,
}

impl Command for UpdateCustomer {
    const NAME: &'static str = "update_customer";
    type Part = Arc<People>;
    type Answer = ();

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, at_ms: i64) {
        let Self { id, custom_id, external_verification_url, webhook } = self;
        let lists: &mut Lists = &mut people.change();
        if let Some(customer) = lists.customers.get_mut(&id) {
            customer.custom_id = custom_id.or(customer.custom_id.take());
            customer.external_verification_url =
                external_verification_url.or(customer.external_verification_url.take());
            customer.updated_ms = at_ms;
            lists.set_webhook(id, webhook);
        }
    }
}
