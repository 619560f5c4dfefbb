//! Withdrawals, and quotes of their fees.

use crate::{
    CurrencyId, CurrencyType, Decimal, QuoteId, Sensitive, Timestamp, WithdrawalId, decimal, time, tolerant,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::time::Duration;

crate::open_enum! {
    /// State of a withdrawal (documents: "Withdraw states"). The documents give only the names. Which states are final is
    /// known from the server family.
    pub enum WithdrawalState {
        /// It was made, and nothing happened yet.
        Prepared = "prepared",
        /// It was handed in.
        Submitted = "submitted",
        /// It was refused; final.
        Rejected = "rejected",
        /// It was accepted.
        Accepted = "accepted",
        /// It was put aside, and may be taken up again.
        Skipped = "skipped",
        /// It is being sent.
        Processing = "processing",
        /// It was paid out; final.
        Succeed = "succeed",
        /// It was cancelled; final.
        Canceled = "canceled",
        /// It failed; final.
        Failed = "failed",
        /// An error occurred; the exchange may try again.
        Errored = "errored",
        /// It was sent, and waits for confirmations on the blockchain.
        Confirming = "confirming",
        /// It is going to be refused. Only the server family has this state.
        ToReject = "to_reject",
        /// A person looks at it. Only the server family has this state.
        UnderReview = "under_review",
    }
}

impl WithdrawalState {
    /// Whether it stays in this state for good: `succeed`, `rejected`, `canceled` and `failed`. False for a state that this
    /// version does not know.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Succeed | Self::Rejected | Self::Canceled | Self::Failed)
    }

    /// Whether the money was paid out: `succeed` only.
    pub fn is_success(&self) -> bool {
        *self == Self::Succeed
    }
}

/// A withdrawal (documents: "Withdraw"). A lightning payment is one too.
///
/// `Debug` hides the destination and the note: a destination may be a person's name or an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Withdrawal {
    /// Its number.
    pub id: WithdrawalId,
    /// The currency.
    pub currency: CurrencyId,
    /// Fiat or coin.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<CurrencyType>,
    /// What leaves the account, by the server family: the fee is taken out of it, so that less arrives.
    #[serde(with = "decimal")]
    pub amount: Decimal,
    /// The exchange's fee.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    pub fee: Option<Decimal>,
    /// Id of the transaction on the blockchain; `None` until it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain_txid: Option<String>,
    /// The destination: an address on a blockchain, an invoice, or something that names the beneficiary.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub rid: Option<Sensitive<String>>,
    /// The state.
    pub state: WithdrawalState,
    /// Confirmations on the blockchain; `None` for fiat, and as long as the exchange sends `N/A`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "confirmations")]
    pub confirmations: Option<u32>,
    /// The note.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "tolerant::optional_secret"
    )]
    pub note: Option<Sensitive<String>>,
    /// When it was made.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
    /// When it was changed last.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub updated_at: Option<Timestamp>,
    /// When it was complete; `None` until then.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub done_at: Option<Timestamp>,
}

/// A number of confirmations. The server family sends `N/A` if it does not know.
fn confirmations<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    tolerant::small_or(deserializer, "N/A")
}

/// The fee of a withdrawal, which the exchange keeps to for a while (documents: "Withdraw quote").
///
/// It is valid until [`expires_at`](Self::expires_at), currently for 90 seconds. Read from an object, or from a list with
/// one object: the documents type the answer as a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
#[non_exhaustive]
pub struct WithdrawQuote {
    /// Its id, which is sent with the withdrawal.
    pub id: QuoteId,
    /// The currency to withdraw, which is also the currency of the fee. For lightning it is bitcoin, not satoshi.
    pub currency: CurrencyId,
    /// The fee.
    #[serde(with = "decimal")]
    pub fee: Decimal,
    /// The blockchain.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    pub blockchain: Option<String>,
    /// When it was made.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "time::optional::deserialize"
    )]
    pub created_at: Option<Timestamp>,
    /// When it ends, by the exchange's clock.
    pub expires_at: Timestamp,
}

impl WithdrawQuote {
    /// Whether it is still valid at this time of the exchange's clock, which a client knows as `Client::now`.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// How long it is still valid at this time of the exchange's clock; zero once it has expired.
    pub fn remaining_at(&self, now: Timestamp) -> Duration {
        let left = self.expires_at.as_unix_millis().saturating_sub(now.as_unix_millis());
        Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }
}

impl Serialize for WithdrawQuote {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for WithdrawQuote {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bare(WithdrawQuote);
        impl<'de> Deserialize<'de> for Bare {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                WithdrawQuote::deserialize(deserializer).map(Self)
            }
        }
        tolerant::single(deserializer).map(|Bare(quote)| quote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_knows_when_it_ends() {
        let quote = r#"{"id":"a-1","currency":"btc","fee":0.0001,"expires_at":"2026-02-01T10:01:30+01:00"}"#;
        let quote: WithdrawQuote = serde_json::from_str(quote).unwrap();
        let at = |millis: i64| Timestamp::from_unix_millis(1_769_936_400_000 + millis).unwrap();
        assert!(quote.is_valid_at(at(89_999)) && !quote.is_valid_at(at(90_000)));
        assert_eq!(quote.remaining_at(at(30_500)), Duration::from_millis(59_500));
        assert_eq!(quote.remaining_at(at(90_001)), Duration::ZERO);
    }

    #[test]
    fn a_list_may_hold_exactly_one_quote() {
        let one = r#"{"id":"a","currency":"btc","fee":"1","expires_at":1769936490}"#;
        let read =
            |text: &str| serde_json::from_str::<WithdrawQuote>(text).map_err(|error| error.to_string());
        assert_eq!(read(&format!(" [ {one} ] ")).unwrap(), read(one).unwrap());
        assert!(read("[]").unwrap_err().contains("a list with one"), "{:?}", read("[]"));
        assert!(read(&format!("[{one},{one}]")).unwrap_err().contains("a list with one"));
    }

    #[test]
    fn only_four_states_are_final_and_one_of_them_is_a_success() {
        let is = |wanted: fn(&WithdrawalState) -> bool| {
            let all = WithdrawalState::KNOWN.iter().copied().chain(["next_year"]);
            all.filter(|name| wanted(&(*name).into())).collect::<Vec<_>>()
        };
        assert_eq!(is(WithdrawalState::is_final), ["rejected", "succeed", "canceled", "failed"]);
        assert_eq!(is(WithdrawalState::is_success), ["succeed"]);
    }

    #[test]
    fn names_and_notes_are_hidden() {
        let row = r#"{"id":5,"currency":"zar","amount":"1","state":"accepted","rid":"jane-doe-zar-00000012","note":"for Jane"}"#;
        let row: Withdrawal = serde_json::from_str(row).unwrap();
        let shown = format!("{row:?}");
        assert!(!shown.contains("jane") && !shown.contains("Jane"), "{shown}");
        assert_eq!(row.rid.unwrap().expose(), "jane-doe-zar-00000012");
    }

    #[test]
    fn confirmations_may_be_unknown() {
        let read = |value: &str| {
            let row = format!(
                r#"{{"id":5,"currency":"btc","amount":"1","state":"accepted","confirmations":{value}}}"#
            );
            serde_json::from_str::<Withdrawal>(&row).map(|row| row.confirmations)
        };
        assert_eq!(
            [read("3").unwrap(), read("\"3\"").unwrap(), read("\"N/A\"").unwrap()],
            [Some(3), Some(3), None]
        );
        assert!(read("\"many\"").is_err());
    }
}
