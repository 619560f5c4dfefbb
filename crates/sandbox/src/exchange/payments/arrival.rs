//! Deposits that come: others are told of each, and one that names a payment reference is linked to it.
//!
//! The documents say what happens to the first deposit of a reference, and that a second one is told. The rest is ours: another amount
//! than the expected one, and a time after the reference has expired, change nothing. A deposit into another account or of
//! another currency is not the reference's. A deposit that is a reference's does not begin the action of its sub-account.

use super::{Parts, Payments, notices, reference::PaymentReference, walk::Walk};
use crate::exchange::{
    funds::deposits::{Deposited, News},
    people::UNVERIFIED,
};

impl Payments {
    pub(super) fn arrived(&mut self, deposit: u64, news: News, parts: &mut Parts<'_>) {
        let Some(deposit) = parts.funds.deposits.by_id(deposit).cloned() else { return };
        let meant = self.meant_by(&deposit);
        let own = meant.and_then(|reference| reference.terms.webhook.clone());
        let reference = meant.map(|reference| reference.id);
        let notice = notices::deposit(news, &deposit, own, parts);
        parts.desk.announce(notice);
        match (news, reference) {
            (News::Accepted, Some(reference)) => self.link(reference, &deposit, parts),
            (News::Accepted, None) => self.begin_action(&deposit, parts),
            _ => {}
        }
    }

    /// The reference that a deposit names.
    fn meant_by(&self, deposit: &Deposited) -> Option<&PaymentReference> {
        let reference = self.by_code(deposit.reference.as_deref()?)?;
        let terms = &reference.terms;
        ((terms.account, terms.currency) == (deposit.account, deposit.currency)).then_some(reference)
    }

    fn link(&mut self, id: u64, deposit: &Deposited, parts: &mut Parts<'_>) {
        let Some(reference) = self.all.get_mut(&id) else { return };
        if reference.terms.verified_only && parts.people.level(reference.terms.account) == UNVERIFIED {
            return;
        }
        reference.usage_count += 1;
        reference.last_used_ms = Some(parts.at_ms);
        reference.updated_ms = parts.at_ms;
        if let Some(walk) = &reference.walk {
            let notice = notices::duplicate(reference, walk.deposit.id, deposit, parts);
            return parts.desk.announce(notice);
        }
        reference.walk = Some(Walk::new(deposit));
        let notice = notices::matched(reference, deposit, parts);
        parts.desk.announce(notice);
        let first = reference.first_state(parts);
        self.enter(id, first, parts);
    }
}
