//! Documents of persons and businesses.

use crate::{
    Arg, Malformed, Timestamp, Uid,
    arg::excerpt,
    iso,
    param::{Param, Place},
};
use chrono::Datelike;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, fmt, str::FromStr};

crate::open_enum! {
    /// Type of a document of a person, of a UBO or of a business (documents: "Available Document Types", "Available Business
    /// Document Types"). The exchange takes exactly these spellings.
    pub enum DocumentType {
        /// A passport.
        Passport = "Passport",
        /// A passport of another country.
        PassportOther = "Passport other",
        /// An identity card.
        IdentityCard = "Identity card",
        /// An identity book.
        IdentityBook = "Identity book",
        /// A driver's licence.
        DriverLicense = "Driver license",
        /// Front of an identity card.
        IdentityCardFront = "Identity card front",
        /// Front of a driver's licence.
        DriverLicenseFront = "Driver license front",
        /// Back of an identity card.
        IdentityCardBack = "Identity card back",
        /// Back of a driver's licence.
        DriverLicenseBack = "Driver license back",
        /// A bill or statement with name and address, not older than three months.
        ProofOfAddress = "Proof of Address",
        /// Evidence of where the money comes from.
        SourceOfFunds = "Source of Funds",
        /// The person, with the identity document in hand.
        Selfie = "Selfie",
        /// Another spelling of a driver's licence, in the same list.
        DriversLicense = "Drivers license",
        /// Another spelling of the back of a driver's licence, in the same list.
        DriversLicenseBack = "Drivers license back",
        /// A green identity book.
        GreenIdentityBook = "Green Identity Book",
        /// The directors' resolution to open the account.
        BoardResolution = "Board Resolution",
        /// The official proof that the company is registered.
        CompanyRegistration = "Company Registration",
        /// The policy against money laundering.
        AmlPolicy = "AML Policy",
        /// The licence of the industry.
        BusinessLicense = "Business License",
        /// A business's bill or lease with its address, not older than three months.
        BusinessProofOfAddress = "Business Proof of Address",
        /// The official list of the shareholders.
        ShareholderCertificate = "Shareholder Certificate",
        /// The certificate of incorporation, or the articles of association.
        IncorporationCertificate = "Incorporation Certificate",
        /// A statement of the company's bank, not older than three months.
        BankStatement = "Bank Statement",
        /// The proof that the company's taxes are in order.
        TaxStatement = "Tax Statement",
    }
}

/// A document that was uploaded. The exchange has no call that lists documents, so a program keeps one of these for each.
///
/// As JSON it is `{"uid":"CCT1234567","kind":"Passport","at":"2026-04-09T12:00:00Z"}`, with `issued` if that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UploadedDocument {
    /// The uid of the customer, UBO or merchant whose document it is.
    pub uid: Uid,
    /// What it is.
    pub kind: DocumentType,
    /// When it was uploaded, by the exchange's clock.
    pub at: Timestamp,
    /// The day on which the paper was issued, such as the date of a bill. Bills and statements must not be too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<Date>,
}

impl UploadedDocument {
    /// A document that was uploaded at this time.
    pub fn new(uid: Uid, kind: impl Into<DocumentType>, at: Timestamp) -> Self {
        Self { uid, kind: kind.into(), at, issued: None }
    }

    /// The same, issued on this day.
    #[must_use = "the changed record is returned"]
    pub fn issued(self, day: Date) -> Self {
        Self { issued: Some(day), ..self }
    }
}

/// A day of the calendar, written `2028-12-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(chrono::NaiveDate);

impl Date {
    /// The day of a point in time, in UTC.
    ///
    /// # Errors
    /// [`Malformed`] for a year before 1 and after 9999, which no date is written with.
    pub fn of(time: Timestamp) -> Result<Self, Malformed> {
        let text = time.to_string();
        text.get(..10).unwrap_or_default().parse()
    }

    /// The same day so many years later. From 29 February it is 1 March, if the later year has no such day. `None` after the
    /// year 9999.
    pub fn years_later(self, years: u16) -> Option<Self> {
        let year = self.0.year().checked_add(i32::from(years)).filter(|year| *year <= 9999)?;
        let same = chrono::NaiveDate::from_ymd_opt(year, self.0.month(), self.0.day());
        same.or_else(|| chrono::NaiveDate::from_ymd_opt(year, 3, 1)).map(Self)
    }

    /// The same day so many months later. A month without such a day ends before it: three months after 30 November is the last
    /// day of February. `None` after the year 9999.
    pub fn months_later(self, months: u8) -> Option<Self> {
        let later = self.0.checked_add_months(chrono::Months::new(months.into()))?;
        (later.year() <= 9999).then_some(Self(later))
    }
}

impl FromStr for Date {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        // Without the short form, which has no `-`.
        let date = Some(text).filter(|text| text.len() == 10).and_then(iso::day);
        date.map(Self).ok_or_else(|| {
            Malformed::new(
                format!("'{}' is not a day", excerpt(text)),
                "give year, month and day, as in 2028-12-31",
            )
        })
    }
}

/// A text of ten characters.
struct Written([u8; 10]);

impl Written {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Date {
    /// Its text, without an allocation: forms have many dates. The year has four digits, because no other is read.
    fn written(self) -> Written {
        let digit = |number: u32| b'0'.saturating_add(u8::try_from(number % 10).unwrap_or_default());
        let (year, month, day) = (self.0.year().unsigned_abs(), self.0.month(), self.0.day());
        let [y1, y2, y3, y4] = [year / 1_000, year / 100, year / 10, year].map(digit);
        let [m1, m2, d1, d2] = [month / 10, month, day / 10, day].map(digit);
        Written([y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2])
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.written().as_str())
    }
}

impl Serialize for Date {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Param for Date {
    fn write(&self, place: &mut dyn Place) {
        place.text(self.written().as_str());
    }
}

impl From<Date> for Arg<Date> {
    fn from(date: Date) -> Self {
        Self::good(date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn years_later_than_29_february_is_1_march_or_29_february() {
        let later =
            |day: &str, years| day.parse::<Date>().unwrap().years_later(years).map(|later| later.to_string());
        assert_eq!(later("2004-02-29", 18).as_deref(), Some("2022-03-01"));
        assert_eq!(later("2004-02-29", 20).as_deref(), Some("2024-02-29"));
        assert_eq!(later("2004-02-28", 18).as_deref(), Some("2022-02-28"));
        assert_eq!(later("9990-12-31", 9), Some("9999-12-31".to_owned()));
        assert_eq!(later("9990-12-31", 10), None);
    }

    #[test]
    fn every_day_is_written_as_it_is_read() {
        for day in ["0000-01-01", "0999-10-09", "1990-01-15", "2024-02-29", "9999-12-31"] {
            assert_eq!(day.parse::<Date>().unwrap().to_string(), day);
        }
    }

    #[test]
    fn the_day_of_a_time_is_that_of_utc() {
        let day = |text: &str| Date::of(text.parse().unwrap()).map(|day| day.to_string());
        assert_eq!(day("2024-01-01T00:30:00+02:00").unwrap(), "2023-12-31");
        assert_eq!(day("2024-01-01T00:00:00Z").unwrap(), "2024-01-01");
    }

    #[test]
    fn a_month_may_have_fewer_days() {
        let later = |day: &str| day.parse::<Date>().unwrap().months_later(3).map(|later| later.to_string());
        assert_eq!(later("2025-11-30").as_deref(), Some("2026-02-28"));
        assert_eq!(later("2023-11-29").as_deref(), Some("2024-02-29"));
        assert_eq!(later("2025-10-01").as_deref(), Some("2026-01-01"));
        assert_eq!(later("9999-10-01"), None);
    }

    #[test]
    fn a_record_is_kept_as_json() {
        let at = "2026-04-09T12:00:00Z".parse().unwrap();
        let record = UploadedDocument::new("CCT1234567".parse().unwrap(), "Proof of Moon", at);
        let text = r#"{"uid":"CCT1234567","kind":"Proof of Moon","at":"2026-04-09T12:00:00Z"}"#;
        assert_eq!(serde_json::to_string(&record).unwrap(), text);
        assert_eq!(serde_json::from_str::<UploadedDocument>(text).unwrap(), record);
        let issued = record.issued("2026-02-28".parse().unwrap());
        let text = serde_json::to_string(&issued).unwrap();
        assert!(text.ends_with(r#""issued":"2026-02-28"}"#), "{text}");
        assert_eq!(serde_json::from_str::<UploadedDocument>(&text).unwrap(), issued);
        assert!(serde_json::from_str::<UploadedDocument>(&text.replace("-28", "-30")).is_err());
    }
}
