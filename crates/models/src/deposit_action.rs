//! What an exchange does with a deposit on its own.

use crate::{BeneficiaryId, CurrencyId, Decimal, decimal, ids, own_text, tolerant};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

crate::open_enum! {
    /// Kind of a deposit action (documents: "Deposit Action Options").
    pub enum DepositActionKind {
        /// The deposit stays in the account.
        None = "none",
        /// The deposit goes to the parent account. The documents call it `transfer_to_parent` at the update of a sub-account.
        Aggregate = "aggregate" | "transfer_to_parent",
        /// The deposit is converted and withdrawn.
        ConvertAndWithdraw = "convert_and_withdraw",
        /// The deposit goes to the parent account, and is converted and withdrawn there.
        AggregateConvertAndWithdraw = "aggregate_convert_and_withdraw",
    }
}

/// What happens to a deposit, as the exchange answers it (documents: "Deposit Action Object Structure"). An answer that is only
/// the name of the action is read too.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DepositAction {
    /// Its kind.
    pub action: DepositActionKind,
    /// The currency that the deposit is converted to.
    pub target_currency: Option<CurrencyId>,
    /// The beneficiary that the money is withdrawn to.
    pub beneficiary_id: Option<BeneficiaryId>,
    /// The lightning invoice that is paid, instead of a beneficiary.
    pub lightning_invoice: Option<String>,
    /// Largest slippage of the price, in percent.
    pub max_slippage: Option<Decimal>,
    /// Amount that the beneficiary must receive, in the target currency.
    pub beneficiary_amount: Option<Decimal>,
    /// The name, if the answer was only that. It is written back in the same form.
    name: Option<Box<str>>,
}

#[derive(Serialize, Deserialize)]
struct Object {
    action: DepositActionKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_currency: Option<CurrencyId>,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "ids::optional_beneficiary_id"
    )]
    beneficiary_id: Option<BeneficiaryId>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "tolerant::optional_text")]
    lightning_invoice: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    max_slippage: Option<Decimal>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "decimal::option")]
    beneficiary_amount: Option<Decimal>,
}

impl DepositAction {
    #[inline]
    fn parse(raw: &str) -> Result<Option<Self>, serde_json::Error> {
        match raw.as_bytes().first() {
            Some(b'{') if raw != "{}" => {
                let Object {
                    action,
                    target_currency,
                    beneficiary_id,
                    lightning_invoice,
                    max_slippage,
                    beneficiary_amount,
                } = serde_json::from_str(raw)?;
                Ok(Some(Self {
                    action,
                    target_currency,
                    beneficiary_id,
                    lightning_invoice,
                    max_slippage,
                    beneficiary_amount,
                    name: None,
                }))
            }
            Some(b'{' | b'n') => Ok(None),
            _ => {
                let name: Box<str> = serde_json::from_str(raw)?;
                Ok((!name.is_empty()).then(|| Self {
                    action: DepositActionKind::from(&*name),
                    target_currency: None,
                    beneficiary_id: None,
                    lightning_invoice: None,
                    max_slippage: None,
                    beneficiary_amount: None,
                    name: Some(name),
                }))
            }
        }
    }
}

impl<'de> Deserialize<'de> for DepositAction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        optional_deposit_action(deserializer)?
            .ok_or_else(|| D::Error::custom("expected a deposit action, found nothing"))
    }
}

impl Serialize for DepositAction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(name) = &self.name {
            return serializer.serialize_str(name);
        }
        let Self { action, target_currency, beneficiary_id, lightning_invoice, .. } = self.clone();
        let (max_slippage, beneficiary_amount) = (self.max_slippage, self.beneficiary_amount);
        Object {
            action,
            target_currency,
            beneficiary_id,
            lightning_invoice,
            max_slippage,
            beneficiary_amount,
        }
        .serialize(serializer)
    }
}

/// A deposit action that may be absent.
pub(crate) fn optional_deposit_action<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DepositAction>, D::Error> {
    own_text::raw(deserializer, |raw| DepositAction::parse(raw).map_err(|error| error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dec;

    #[derive(Deserialize)]
    struct Row {
        #[serde(default, deserialize_with = "optional_deposit_action")]
        deposit_action: Option<DepositAction>,
    }

    fn read(text: &str) -> Option<DepositAction> {
        serde_json::from_str::<Row>(text).unwrap().deposit_action
    }

    #[test]
    fn it_is_read_as_text_and_as_an_object() {
        let kind = |text: &str| read(&format!(r#"{{"deposit_action":{text}}}"#)).map(|action| action.action);
        assert_eq!(kind(r#""none""#), Some(DepositActionKind::None));
        assert_eq!(kind(r#""transfer_to_parent""#), Some(DepositActionKind::Aggregate));
        assert_eq!(kind(r#"{"action":"aggregate"}"#), Some(DepositActionKind::Aggregate));
        assert_eq!(kind(r#""burn""#).map(|kind| kind.is_known()), Some(false));
        for nothing in ["null", r#""""#, "{}"] {
            assert_eq!(kind(nothing), None, "{nothing}");
        }
        assert_eq!(read("{}"), None);
        let whole = r#"{"deposit_action":{"action":"convert_and_withdraw","target_currency":"zar","beneficiary_id":456,
            "lightning_invoice":null,"max_slippage":0.5}}"#;
        let action = read(whole).unwrap();
        assert_eq!((action.beneficiary_id, action.max_slippage), (Some(456.into()), Some(dec!(0.5))));
        assert_eq!(action.target_currency.unwrap().as_str(), "zar");
        for text in [r#""transfer_to_parent""#, r#"{"action":"aggregate","target_currency":"zar"}"#] {
            let action: DepositAction = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&action).unwrap(), text);
        }
        assert!(serde_json::from_str::<DepositAction>("null").is_err());
        assert!(serde_json::from_str::<DepositAction>("[]").is_err());
    }
}
