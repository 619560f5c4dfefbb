//! The lists of the documents: occupations, sources of funds, and the types of documents (documents: "Lists", "Available
//! Document Types").
//!
//! [`Occupation`] and [`SourceOfFunds`] take any text, because the exchange may know values that this version does not know.
//! What is not known is sent with a warning that names the nearest known value. The exchange takes exactly the spellings of
//! the lists, so a user interface should offer what [`Occupation::search`] finds. Which documents a holder can give is in
//! [`Holder::documents`].

mod documents;
mod generated;
mod rule;
mod search;

pub use rule::{DocumentRule, Holder, Slot};

use capecrypto_models::{
    Malformed,
    param::{Param, Place},
};
use std::{borrow::Cow, fmt};

/// Declares the values of a list, as a type around their text.
macro_rules! listed {
    ($(#[$doc:meta])* $name:ident, $known:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// The values known to this version, sorted.
            pub const KNOWN: &'static [&'static str] = $known;

            /// Every known value, in alphabetical order.
            pub fn all() -> impl ExactSizeIterator<Item = Self> + DoubleEndedIterator {
                Self::KNOWN.iter().map(|known| Self(Cow::Borrowed(known)))
            }

            /// The known values that are nearest to a text, at most `most`, the best one first. Upper and lower case are the
            /// same, and so are spaces and signs.
            ///
            /// First come the value itself, then values that begin with the text, values with words that begin with it,
            /// values that contain it, values that it contains, and values that differ by a few letters. Within each of these
            /// groups those come first that have as many words as the text, then the alphabet decides. A text without any letter
            /// or digit finds nothing.
            pub fn search(text: &str, most: usize) -> Vec<Self> {
                search::nearest(Self::KNOWN, text, most).map(|known| Self(Cow::Borrowed(known))).collect()
            }

            /// The text, as it is sent.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the list has exactly this text.
            pub fn is_known(&self) -> bool {
                // What is in the list is never kept as a text of its own.
                matches!(self.0, Cow::Borrowed(_))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(known(Self::KNOWN, text).map_or_else(|| Cow::Owned(text.to_owned()), Cow::Borrowed))
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(known(Self::KNOWN, &text).map_or(Cow::Owned(text), Cow::Borrowed))
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        /// A value that is not known is sent, with a warning.
        impl Param for $name {
            fn write(&self, place: &mut dyn Place) {
                if !self.is_known() {
                    place.warn(unknown(stringify!($name), Self::KNOWN, self.as_str()));
                }
                place.text(self.as_str());
            }
        }
    };
}

listed! {
    /// What a person works as (documents: "Occupations").
    ///
    /// ```
    /// use capecrypto_merchant::lists::Occupation;
    ///
    /// assert!(Occupation::from("Software Engineer").is_known());
    /// assert!(!Occupation::from("software engineer").is_known());
    /// assert_eq!(Occupation::search("sofware enginer", 1), ["Software Engineer"]);
    /// ```
    Occupation, generated::OCCUPATIONS
}

listed! {
    /// Where a person's money comes from (documents: "Source of funds").
    ///
    /// ```
    /// use capecrypto_merchant::lists::SourceOfFunds;
    ///
    /// assert_eq!(SourceOfFunds::all().len(), 22);
    /// assert_eq!(SourceOfFunds::search("savings", 3), ["Personal Savings"]);
    /// ```
    SourceOfFunds, generated::SOURCES_OF_FUNDS
}

/// The text of the list, if the list has it.
fn known(list: &'static [&'static str], text: &str) -> Option<&'static str> {
    list.binary_search(&text).ok().and_then(|index| list.get(index)).copied()
}

fn unknown(name: &str, list: &'static [&'static str], text: &str) -> Malformed {
    let why = "it is not in the documents' list, and the exchange may refuse it";
    let remedy = match search::nearest(list, text, 1).next() {
        Some(nearest) => format!("the nearest one of the list is '{nearest}'"),
        None => format!("choose one of {name}::all()"),
    };
    Malformed::new(why, remedy)
}

#[cfg(test)]
mod tests;
