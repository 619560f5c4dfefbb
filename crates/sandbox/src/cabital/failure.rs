//! What Cabital refuses: the business errors of its documents, and plain HTTP errors.

use crate::base::reply::Reply;
use http::StatusCode;
use serde_json::json;

/// A business error of the documents ("账户操作相关", the list at its beginning). The messages are ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pa {
    pub(crate) code: &'static str,
    pub(crate) message: &'static str,
}

macro_rules! codes {
    ($($name:ident = $code:literal $message:literal;)+) => {
        impl Pa {
            $(pub(crate) const $name: Self = Self { code: $code, message: $message };)+
            /// Every code, in the order of the documents.
            pub(crate) const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

codes! {
    NO_ACCOUNT = "PA001" "the Cabital account does not exist";
    NO_BALANCE = "PA002" "the available balance is not sufficient";
    BELOW_MINIMUM = "PA003" "the transaction is below the minimum";
    ABOVE_MAXIMUM = "PA004" "the transaction is above the maximum";
    KIND_UNAVAILABLE = "PA005" "this type of transaction is not available";
    CURRENCY_UNAVAILABLE = "PA006" "the currency is not available for this transaction";
    QUOTE_EXPIRED = "PA007" "the quote has expired";
    WRONG_OTP = "PA008" "the one-time code is not correct";
    NOT_MATCHED = "PA009" "the KYC state of the customer is not matched yet";
    NO_OTP = "PA010" "the customer has not set up the authenticator";
    WRONG_CALCULATION = "PA011" "the amounts do not follow from the quote";
    NO_KYC = "PA012" "the customer has not passed KYC";
    UNLINKED = "PA013" "the customer is unlinked";
    WRONG_METHOD = "PA014" "the payment method is not valid";
    WRONG_SYMBOL = "PA015" "the symbol is not valid";
    WRONG_DOCUMENT = "PA016" "the type of the identity document is not valid";
    WRONG_COUNTRY = "PA017" "the country code is not valid";
    NO_PAIR = "PA018" "the pair is not supported";
    NO_QUOTE = "PA019" "the quote is not supported";
    ABOVE_ACCOUNT_LIMIT = "PA020" "the limit of the account is exceeded";
    WRONG_CONFIGURATION = "PA021" "the configuration is not correct";
    WRONG_IBAN = "PA022" "the IBAN is not valid";
    WRONG_NAME = "PA023" "the name of the customer is not valid";
    WRONG_ID = "PA024" "the number of the identity document is not valid";
    WRONG_BIRTH = "PA025" "the date of birth is not valid";
    KYC_REPEATED = "PA026" "the customer is being matched, or is matched already";
    WRONG_DIRECTION = "PA027" "the direction is not valid: give CREDIT or DEBIT";
    WRONG_AMOUNT = "PA028" "the amount of the transfer is not valid";
    DUPLICATE = "PA029" "the external id or the conversion was used before";
    NO_TRANSFER = "PA030" "the transfer does not exist";
    NO_CONVERSION = "PA031" "the conversion does not exist, or its state does not allow a transfer";
    MORE_THAN_CONVERTED = "PA032" "the transfer is larger than the conversion";
    INTERNAL = "PA999" "internal error";
}

impl Pa {
    /// The code of that name.
    pub(crate) fn find(code: &str) -> Option<Self> {
        Self::ALL.iter().find(|known| known.code == code).copied()
    }

    /// The status: 403 for what is unlinked, 500 for an internal error, 400 otherwise.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::UNLINKED => StatusCode::FORBIDDEN,
            Self::INTERNAL => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The body.
    pub(crate) fn body(self) -> String {
        json!({ "code": self.code, "message": self.message }).to_string()
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A business error.
    Pa(Pa),
    /// An HTTP error without a code of the documents; the text says what to do.
    Http(StatusCode, String),
}

impl Failure {
    /// 400: a parameter is missing or malformed, and no code of the documents fits.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::Http(StatusCode::BAD_REQUEST, message.into())
    }
}

impl From<Pa> for Failure {
    fn from(pa: Pa) -> Self {
        Self::Pa(pa)
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let (status, body) = match failure {
            Failure::Pa(pa) => (pa.status(), pa.body()),
            Failure::Http(status, message) => (status, json!({ "message": message }).to_string()),
        };
        Self::raw(status.as_u16(), Some("application/json"), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_documents() {
        let codes: Vec<_> = Pa::ALL.iter().map(|pa| pa.code.to_owned()).collect();
        let wanted: Vec<_> = (1..=32).chain([999]).map(|number| format!("PA{number:03}")).collect();
        assert_eq!(codes, wanted);
        assert_eq!(Pa::find("PA007"), Some(Pa::QUOTE_EXPIRED));
        assert_eq!(Pa::find("PA033"), None);
        assert_eq!(Pa::WRONG_OTP.body(), r#"{"code":"PA008","message":"the one-time code is not correct"}"#);
    }
}
