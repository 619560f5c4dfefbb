//! The webhooks of accounts: where an account's events go. An account has one webhook at most.

use super::{Lists, People};
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

impl People {
    /// The webhook of an account itself.
    pub(crate) fn webhook(&self, id: AccountId) -> Option<Webhook> {
        self.lists().webhooks.get(&id).cloned()
    }

    /// The webhook that gets the events of an account: its own, else that of the account that manages it, and so on.
    pub(crate) fn receiver(&self, id: AccountId) -> Option<(AccountId, Webhook)> {
        let lists = self.lists();
        let mut account = id;
        loop {
            if let Some(webhook) = lists.webhooks.get(&account) {
                return Some((account, webhook.clone()));
            }
            account = lists.all.get(&account)?.parent?;
        }
    }
}

impl Lists {
    /// Sets the webhook of an account that is made or changed, if it comes with one.
    pub(super) fn set_webhook(&mut self, id: AccountId, webhook: Option<Webhook>) {
        if let Some(webhook) = webhook {
            self.webhooks.insert(id, webhook);
        }
    }
}

/// The commands of this file.
pub(super) fn commands<E: Holds<Arc<People>>>() -> [Replayable<E>; 3] {
    [replayable::<E, AddWebhook>(), replayable::<E, SetWebhook>(), replayable::<E, RemoveWebhook>()]
}

/// Gives an account a webhook; false if it has one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AddWebhook {
    pub(crate) account: AccountId,
    pub(crate) webhook: Webhook,
}

impl Command for AddWebhook {
    const NAME: &'static str = "add_webhook";
    type Part = Arc<People>;
    type Answer = bool;

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, _at_ms: i64) -> bool {
        let mut lists = people.change();
        let is_new = !lists.webhooks.contains_key(&self.account);
        lists.set_webhook(self.account, is_new.then_some(self.webhook));
        is_new
    }
}

/// Gives an account a webhook, in place of the one that it may have.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetWebhook {
    pub(crate) account: AccountId,
    pub(crate) webhook: Webhook,
}

impl Command for SetWebhook {
    const NAME: &'static str = "set_webhook";
    type Part = Arc<People>;
    type Answer = ();

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, _at_ms: i64) {
        people.change().set_webhook(self.account, Some(self.webhook));
    }
}

/// Takes the webhook from an account; false if it has none.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RemoveWebhook {
    pub(crate) account: AccountId,
}

impl Command for RemoveWebhook {
    const NAME: &'static str = "remove_webhook";
    type Part = Arc<People>;
    type Answer = bool;

    fn run(self, people: &mut Arc<People>, _desk: &mut Desk, _at_ms: i64) -> bool {
        people.change().webhooks.remove(&self.account).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{
        notice::Protocol,
        people::{AddAccount, Role, sub_accounts::CreateSubAccount},
    };

    fn webhook(url: &str) -> Webhook {
        Webhook { url: url.to_owned(), secret: Some("c4nary".to_owned()), protocol: Protocol::Hmac }
    }

    #[test]
    fn events_go_to_the_nearest_webhook_on_the_way_up() {
        let (mut people, mut desk) = (Arc::<People>::default(), Desk::new(3));
        let add = AddAccount { name: "shop".to_owned(), role: Role::Merchant };
        let shop = add.run(&mut people, &mut desk, 0).unwrap();
        let mut open = |people: &mut Arc<People>, parent, webhook| {
            let create =
                CreateSubAccount { name: "till".to_owned(), webhook, ..CreateSubAccount::of(parent) };
            let uid = create.run(people, &mut desk, 0).uid;
            people.by_name(&uid).unwrap()
        };
        let till = open(&mut people, shop, None);
        let drawer = open(&mut people, till, Some(webhook("https://drawer")));
        let at = |people: &Arc<People>, id| people.receiver(id).map(|(id, webhook)| (id, webhook.url));
        assert_eq!(at(&people, till), None);
        let mut desk = Desk::new(3);
        let mut set = |people: &mut Arc<People>, account, url| {
            SetWebhook { account, webhook: webhook(url) }.run(people, &mut desk, 0);
        };
        set(&mut people, shop, "https://shop");
        assert_eq!(at(&people, till), Some((shop, "https://shop".to_owned())));
        assert_eq!(at(&people, drawer), Some((drawer, "https://drawer".to_owned())));
        set(&mut people, till, "https://till");
        assert_eq!(at(&people, till), Some((till, "https://till".to_owned())));
        let remove =
            |people: &mut Arc<People>, account| RemoveWebhook { account }.run(people, &mut Desk::new(3), 0);
        assert!(remove(&mut people, drawer) && !remove(&mut people, drawer));
        assert_eq!(at(&people, drawer), Some((till, "https://till".to_owned())));
        assert_eq!(at(&people, shop), Some((shop, "https://shop".to_owned())));
    }

    #[test]
    fn an_account_has_one_webhook_and_its_secret_is_hidden() {
        let (mut people, mut desk) = (Arc::<People>::default(), Desk::new(3));
        let add = AddAccount { name: "shop".to_owned(), role: Role::Merchant };
        let account = add.run(&mut people, &mut desk, 0).unwrap();
        let mut add = |url| AddWebhook { account, webhook: webhook(url) }.run(&mut people, &mut desk, 0);
        assert!(add("https://one") && !add("https://two"));
        assert_eq!(people.webhook(account).unwrap().url, "https://one");
        assert!(!format!("{people:?}").contains("c4nary"));
    }
}
