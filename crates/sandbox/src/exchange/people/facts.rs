//! What is known about a customer or an owner: the fields of their forms.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Entity {
    Individual,
    Business,
}

/// The value of a field of a form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fact {
    Text(String),
    Flag(bool),
    Whole(i64),
    Decimal(Decimal),
    Texts(Vec<String>),
}

/// The fields of a person, a business or an owner, by their names on the wire.
pub(crate) type Facts = BTreeMap<String, Fact>;
