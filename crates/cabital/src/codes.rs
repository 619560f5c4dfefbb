//! What Cabital's errors mean, and what to do about them.

use capecrypto_models::open_enum;
use capecrypto_rest::{Codes, Error};

/// How Cabital writes the codes of a refusal. After an internal error a write may have been done.
pub(crate) const CODES: Codes = Codes::Numbered { doubtful: &["PA999"] };

open_enum! {
    /// A code of a business error (documents: "账户操作业务错误列表", the list of business errors of account operations). Each has the
    /// documents' own text behind its number.
    pub enum PartnerCode {
        /// PA001, "Cabital account id 不存在": the account does not exist.
        UnknownAccount = "PA001",
        /// PA002, "账户可用余额不足": the available balance does not cover it.
        InsufficientBalance = "PA002",
        /// PA003, "该笔交易未达到最小限额": the amount is below the smallest one.
        BelowMinimum = "PA003",
        /// PA004, "该笔交易超过最大限额": the amount is above the largest one.
        AboveMaximum = "PA004",
        /// PA005, "请求的交易类型不可用": this kind of transaction is not available.
        KindUnavailable = "PA005",
        /// PA006, "请求的交易请求的币种不可用": the currency is not available for it.
        CurrencyUnavailable = "PA006",
        /// PA007, "Quote 已经过期": the quote has expired.
        QuoteExpired = "PA007",
        /// PA008, "2FA（OTP）不正确": the one-time code is wrong.
        WrongOtp = "PA008",
        /// PA009, "该客户的KYC状态尚未匹配": the customer's name was not matched yet.
        NotMatched = "PA009",
        /// PA010, "2FA (OTP) 特指 Google Authenticator未设置": the customer has no authenticator.
        NoOtp = "PA010",
        /// PA011, "Convert的Quote用法不正确（Invalid Calculation）": the amounts of a conversion do not follow from its quote.
        WrongCalculation = "PA011",
        /// PA012, "该客户没有通过KYC": the customer is not verified.
        NotVerified = "PA012",
        /// PA013, "该用户unlinked状态": the customer has ended the connection.
        Unlinked = "PA013",
        /// PA014, "支付方法不合法": the method of payment is not valid.
        InvalidMethod = "PA014",
        /// PA015, "Symbol不合法": the currency's code is not valid.
        InvalidSymbol = "PA015",
        /// PA016, "IdDocument不合法": the kind of document is not valid.
        InvalidIdDocument = "PA016",
        /// PA017, "CountryCode不合法": the country's code is not valid.
        InvalidCountry = "PA017",
        /// PA018, "不支持Pair": the pair is not offered.
        UnsupportedPair = "PA018",
        /// PA019, "不支持Quote": the quote is not known.
        UnsupportedQuote = "PA019",
        /// PA020, "超出账户限额": the account's limit is reached.
        AccountLimit = "PA020",
        /// PA021, "配置信息错误": the partner's configuration is wrong.
        WrongConfiguration = "PA021",
        /// PA022, "IBAN不合法": the IBAN is not valid.
        InvalidIban = "PA022",
        /// PA023, "用户名字不合法（kyc match）": the name is not valid.
        InvalidName = "PA023",
        /// PA024, "用户ID号码不合法（kyc match）": the number of the document is not valid.
        InvalidIdNumber = "PA024",
        /// PA025, "用户生日不合法（kyc match）": the birthday is not valid.
        InvalidBirthday = "PA025",
        /// PA026, "重复提交KYC信息（kyc matching和kyc matched不允许重复提交）": the name was sent before, and is being matched or was
        /// matched.
        MatchedBefore = "PA026",
        /// PA027, "双向划转方向不合法（目前只有两种：`CREDIT`，`DEBIT`）": the direction is neither CREDIT nor DEBIT.
        InvalidDirection = "PA027",
        /// PA028, "双向划转金额不合法": the amount is not valid.
        InvalidAmount = "PA028",
        /// PA029, "双向划转重复请求（external_id和conversion_id都不能重复）": the external id or the conversion was used before.
        RepeatedTransfer = "PA029",
        /// PA030, "对账接口中，要查询的划转交易不存在": there is no transfer with this external id.
        UnknownTransfer = "PA030",
        /// PA031, "C + T 交易中，conversion_id指向的换汇交易不存在或者状态异常": the conversion does not exist, or is in the wrong state.
        UnusableConversion = "PA031",
        /// PA032, "C + T 交易中，划转金额大于换汇金额": more is transferred than was converted.
        MoreThanConverted = "PA032",
        /// PA999, "内部服务错误": an internal error. A write may have been done.
        Internal = "PA999",
    }
}

/// Whether, and how, to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Again {
    /// Not as it is: it would be refused again.
    No,
    /// With something new, such as another quote or code, at once.
    Renewed,
    /// Later, as it is.
    Later,
    /// Find out first what became of it.
    AfterLooking,
}

impl PartnerCode {
    /// The code of an error; `None` if it has none.
    pub fn of(error: &Error) -> Option<Self> {
        let codes = error.codes().iter().map(|code| Self::from(code.as_str()));
        codes.into_iter().find(|code| code.is_known() || code.as_str().starts_with("PA"))
    }

    /// What it means. `None` for a code that this version does not know.
    pub fn meaning(&self) -> Option<&'static str> {
        self.described().map(|(meaning, ..)| meaning)
    }

    /// What to do about it. `None` for a code that this version does not know.
    pub fn remedy(&self) -> Option<&'static str> {
        self.described().map(|(_, remedy, _)| remedy)
    }

    /// Whether to try again. A code that this version does not know is looked into first.
    pub fn again(&self) -> Again {
        self.described().map_or(Again::AfterLooking, |(_, _, again)| again)
    }

    fn described(&self) -> Option<(&'static str, &'static str, Again)> {
        use Again::{AfterLooking, Later, No, Renewed};
        Some(match self {
            Self::UnknownAccount => (
                "the account does not exist",
                "take the account's id from the callback or the link's status",
                No,
            ),
            Self::InsufficientBalance => {
                ("the available balance does not cover it", "read the balance, and ask for less", No)
            }
            Self::BelowMinimum => (
                "the amount is below the smallest one",
                "compare it with the limits of partner::GetConfig",
                No,
            ),
            Self::AboveMaximum => (
                "the amount is above the largest one",
                "compare it with the limits of partner::GetConfig",
                No,
            ),
            Self::KindUnavailable => {
                ("this kind of transaction is not available", "see what partner::GetConfig allows", No)
            }
            Self::CurrencyUnavailable => (
                "the currency is not available for it",
                "see what partner::GetConfig allows for the currency",
                No,
            ),
            Self::QuoteExpired => ("the quote has expired", "get a new quote, and use it at once", Renewed),
            Self::WrongOtp => (
                "the one-time code is wrong or too old",
                "ask the customer for a new code; one lives 30 s",
                Renewed,
            ),
            Self::NotMatched => (
                "the customer's name was not matched yet",
                "send it with accounts::MatchName, and wait for MATCHED",
                Later,
            ),
            Self::NoOtp => {
                ("the customer has no authenticator", "the customer sets one up at Cabital", Later)
            }
            Self::WrongCalculation => (
                "the amounts do not follow from the quote",
                "let Conversion::buy or Conversion::sell compute the other side; see Convention for the pair's order",
                No,
            ),
            Self::NotVerified => {
                ("the customer is not verified", "the customer finishes the verification at Cabital", Later)
            }
            Self::Unlinked => {
                ("the customer has ended the connection", "the customer connects the account again", No)
            }
            Self::InvalidMethod => {
                ("the method is not valid", "take one of the currency's deposit_methods", No)
            }
            Self::InvalidSymbol => {
                ("the currency's code is not valid", "take one that partner::GetConfig lists", No)
            }
            Self::InvalidIdDocument => {
                ("the kind of document is not valid", "give ID, PASSPORT or DRIVER_LICENSE", No)
            }
            Self::InvalidCountry => (
                "the country's code is not valid",
                "give three capital letters by ISO 3166-1, such as ZAF",
                No,
            ),
            Self::UnsupportedPair => {
                ("the pair is not offered", "take one that partner::GetConfig lists", No)
            }
            Self::UnsupportedQuote => (
                "the quote is not known",
                "get a new quote with the same key, and send its id as it came",
                Renewed,
            ),
            Self::AccountLimit => (
                "the account's limit is reached",
                "ask for less, or wait until the limit is free again",
                Later,
            ),
            Self::WrongConfiguration => {
                ("the partner's configuration is wrong", "ask Cabital to correct it", No)
            }
            Self::InvalidIban => {
                ("the IBAN is not valid", "compare it with the paper; models::Iban checks it", No)
            }
            Self::InvalidName => ("the name is not valid", "send it as the document has it", No),
            Self::InvalidIdNumber => {
                ("the number of the document is not valid", "send it as the document has it", No)
            }
            Self::InvalidBirthday => ("the birthday is not valid", "send it as the document has it", No),
            Self::MatchedBefore => (
                "the name is being matched, or was matched",
                "read the state with accounts::GetAccountDetail",
                No,
            ),
            Self::InvalidDirection => {
                ("the direction is neither CREDIT nor DEBIT", "send one of the two", No)
            }
            Self::InvalidAmount => {
                ("the amount is not valid", "give a positive amount with the currency's decimal places", No)
            }
            Self::RepeatedTransfer => (
                "the external id or the conversion was used before",
                "read the transfer by its external id: it may be yours",
                AfterLooking,
            ),
            Self::UnknownTransfer => {
                ("there is no transfer with this external id", "compare the id with the one sent", No)
            }
            Self::UnusableConversion => (
                "the conversion does not exist, or is in the wrong state",
                "compare conversion_id with the transaction_id of the conversion",
                No,
            ),
            Self::MoreThanConverted => {
                ("more is transferred than was converted", "transfer at most the amount bought", No)
            }
            Self::Internal => (
                "an internal error of Cabital",
                "a write may have been done: look it up before it is sent again",
                AfterLooking,
            ),
            Self::Unknown(_) => return None,
        })
    }
}

/// The remedy for a code.
pub(crate) fn hint(code: &str) -> Option<&'static str> {
    PartnerCode::from(code).remedy()
}

/// An HTTP status that the documents list (documents: "HTTP errors").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// 400: a parameter is missing or malformed.
    BadParameters,
    /// 401: secret, signature or time is wrong.
    BadSignature,
    /// 403: the connection was unlinked.
    Unlinked,
    /// 404: there is no such call, or no such record.
    NotFound,
    /// 405: the call has another method.
    MethodNotAllowed,
    /// 406: the body is not JSON.
    NotJson,
    /// 409: the nonce was used before. The earlier request has arrived, and this does not tell whether it succeeded.
    NonceUsed,
    /// 429: too many requests.
    TooManyRequests,
    /// 500: Cabital failed. A write may have been done.
    TryAgain,
    /// 503: Cabital cannot answer now. A write may have been done.
    TryLater,
}

impl HttpError {
    const ALL: [(u16, Self); 10] = [
        (400, Self::BadParameters),
        (401, Self::BadSignature),
        (403, Self::Unlinked),
        (404, Self::NotFound),
        (405, Self::MethodNotAllowed),
        (406, Self::NotJson),
        (409, Self::NonceUsed),
        (429, Self::TooManyRequests),
        (500, Self::TryAgain),
        (503, Self::TryLater),
    ];

    /// The status of an error, if the documents list it.
    pub fn of(error: &Error) -> Option<Self> {
        let status = error.status()?;
        Self::ALL.iter().find(|(known, _)| *known == status).map(|(_, meaning)| *meaning)
    }

    /// The status.
    pub fn status(self) -> u16 {
        Self::ALL.iter().find(|(_, known)| *known == self).map_or(0, |(status, _)| *status)
    }

    /// What to do about it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::BadParameters => "compare the request with the documents; the body may name the parameter",
            Self::BadSignature => {
                "compare key and secret, this machine's clock (30 s at most), and the settings of Scheme"
            }
            Self::Unlinked => "the customer connects the account again",
            Self::NotFound => "compare the ids, and the host of the call",
            Self::MethodNotAllowed | Self::NotJson => "report this as a defect of the client",
            Self::NonceUsed => "read what became of the earlier request, by the transfer's external id",
            Self::TooManyRequests => "send fewer requests at a time",
            Self::TryAgain | Self::TryLater => "read again; look a write up before it is sent again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_code_of_the_documents_has_its_own_words() {
        let known = PartnerCode::KNOWN;
        assert_eq!(known.len(), 33);
        let numbers: Vec<String> = (1..=32).chain([999]).map(|number| format!("PA{number:03}")).collect();
        assert_eq!(known, numbers);
        let codes: Vec<PartnerCode> = known.iter().map(|code| PartnerCode::from(*code)).collect();
        let distinct = |text: fn(&PartnerCode) -> Option<&'static str>| {
            codes.iter().map(|code| text(code).unwrap()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(distinct(PartnerCode::meaning), 33);
        assert!(distinct(PartnerCode::remedy) > 24);
        let strange = PartnerCode::from("PA033");
        assert_eq!((strange.meaning(), strange.again()), (None, Again::AfterLooking));
        assert_eq!((hint("PA007").is_some(), hint("PA033")), (true, None));
    }

    #[test]
    fn each_listed_status_is_known_once() {
        let statuses: BTreeSet<u16> = HttpError::ALL.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses.len(), HttpError::ALL.len());
        for (status, error) in HttpError::ALL {
            assert_eq!(error.status(), status);
            assert!(!error.remedy().is_empty());
        }
    }
}
