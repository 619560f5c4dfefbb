//! A person who becomes a customer.

use super::{Country, OnDeposit, Person, PhoneNumber, identity, person::Personal};
use capecrypto_models::{
    Arg, Date, DocumentType, Text,
    param::{Fields, Name, Params},
};
use capecrypto_rest::Checks;
use std::fmt;

/// A person who becomes a customer (documents: "Create Individual Customer"). `Debug` shows nothing of it.
#[derive(Clone)]
pub struct Individual {
    person: Person,
    phone_number: Arg<PhoneNumber>,
    country_of_residence: Arg<Country>,
    account_name: Option<Arg<Text<255>>>,
    id_number: Option<Arg<Text<255>>>,
    sa_id_number: Option<Arg<Text<255>>>,
    doc_type: Option<DocumentType>,
    doc_number: Option<Arg<Text<255>>>,
    doc_expire: Option<Arg<Date>>,
    doc_country: Option<Arg<Country>>,
    deposit_action: Option<OnDeposit>,
}

impl Individual {
    /// This person, with a telephone number in international form (`+27821234567`) and the code of the country of residence
    /// (`ZA`). South Africans need [`id_number`](Self::id_number) too.
    pub fn new(
        person: Person,
        phone_number: impl Into<Arg<PhoneNumber>>,
        country_of_residence: impl Into<Arg<Country>>,
    ) -> Self {
        Self {
            person,
            phone_number: phone_number.into(),
            country_of_residence: country_of_residence.into(),
            account_name: None,
            id_number: None,
            sa_id_number: None,
            doc_type: None,
            doc_number: None,
            doc_expire: None,
            doc_country: None,
            deposit_action: None,
        }
    }

    /// The name that is shown for the account: 1 to 255 characters. The documents limit the name of a sub-account to 100, so a
    /// longer one has a warning.
    #[must_use = "a setter returns the changed value"]
    pub fn account_name(self, account_name: impl Into<Arg<Text<255>>>) -> Self {
        Self { account_name: Some(account_name.into()), ..self }
    }

    /// The South African identity number: 13 digits. It is required if the nationality is `ZA`. A wrong check digit, or another
    /// day of birth in it, is a warning.
    #[must_use = "a setter returns the changed value"]
    pub fn id_number(self, id_number: impl Into<Arg<Text<255>>>) -> Self {
        Self { id_number: Some(id_number.into()), ..self }
    }

    /// The same number under the name of the documents' example, `sa_id_number`. Their table calls it `id_number`: use
    /// [`id_number`](Self::id_number), unless the exchange asks for this one.
    #[must_use = "a setter returns the changed value"]
    pub fn sa_id_number(self, sa_id_number: impl Into<Arg<Text<255>>>) -> Self {
        Self { sa_id_number: Some(sa_id_number.into()), ..self }
    }

    /// Kind of the identity document, such as `Passport`. The documents have this field and the next three in an example only.
    #[must_use = "a setter returns the changed value"]
    pub fn doc_type(self, doc_type: impl Into<DocumentType>) -> Self {
        Self { doc_type: Some(doc_type.into()), ..self }
    }

    /// Number of the identity document.
    #[must_use = "a setter returns the changed value"]
    pub fn doc_number(self, doc_number: impl Into<Arg<Text<255>>>) -> Self {
        Self { doc_number: Some(doc_number.into()), ..self }
    }

    /// Until when the identity document is valid. A day in the past is a warning.
    #[must_use = "a setter returns the changed value"]
    pub fn doc_expire(self, doc_expire: impl Into<Arg<Date>>) -> Self {
        Self { doc_expire: Some(doc_expire.into()), ..self }
    }

    /// Code of the country that issued the identity document.
    #[must_use = "a setter returns the changed value"]
    pub fn doc_country(self, doc_country: impl Into<Arg<Country>>) -> Self {
        Self { doc_country: Some(doc_country.into()), ..self }
    }

    /// What shall happen to deposits; they stay in the account when left out. In one place the documents say that only
    /// [`OnDeposit::none`] is available for customers so far.
    #[must_use = "a setter returns the changed value"]
    pub fn deposit_action(self, deposit_action: OnDeposit) -> Self {
        Self { deposit_action: Some(deposit_action), ..self }
    }

    pub(crate) fn person(&self) -> &Person {
        &self.person
    }

    pub(crate) fn check(&self, checks: &mut Checks<'_>) {
        self.person.check(str::to_owned, checks);
        account_name(self.account_name.as_ref(), checks);
        identity::expiry(self.doc_expire.as_ref(), checks);
        if !self.person.is_south_african() {
            return;
        }
        if self.id_number.is_none() && self.sa_id_number.is_none() {
            checks.refuse(
                "id_number",
                "the nationality is ZA, and the identity number is missing",
                "set `id_number`",
            );
        } else if self.id_number.is_none() {
            checks.warn(
                "sa_id_number",
                "the documents' table calls it id_number; only their example has this name",
                "set `id_number`, unless the exchange asks for this one",
            );
        }
        let born = self.person.born();
        for (name, number) in [("id_number", &self.id_number), ("sa_id_number", &self.sa_id_number)] {
            if let Some(number) = identity::given(number.as_ref()) {
                identity::south_african(number, born, || name.to_owned(), checks);
            }
        }
    }
}

/// Warns about a name that is longer than the documents allow for sub-accounts.
pub(crate) fn account_name(name: Option<&Arg<Text<255>>>, checks: &mut Checks<'_>) {
    let length = identity::given(name).map_or(0, |name| name.chars().count());
    if length > 100 {
        let why = format!("it is {length} characters long, and that of a sub-account may have 100");
        checks.warn("account_name", why, "give a shorter one if the exchange refuses it");
    }
}

impl fmt::Debug for Individual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Individual(…)")
    }
}

impl Params for Individual {
    fn write_fields(&self, fields: &mut dyn Fields) {
        self.person.write_fields(fields);
        fields.field(Name::new("phone_number"), &self.phone_number);
        fields.field(Name::new("country_of_residence"), &Personal(&self.country_of_residence));
        fields.field(Name::new("account_name"), &self.account_name);
        fields.field(Name::new("id_number"), &self.id_number);
        fields.field(Name::new("sa_id_number"), &self.sa_id_number);
        fields.field(Name::new("doc_type"), &self.doc_type);
        fields.field(Name::new("doc_number"), &self.doc_number);
        fields.field(Name::new("doc_expire"), &self.doc_expire);
        fields.field(Name::new("doc_country"), &self.doc_country.as_ref().map(Personal));
        fields.field(Name::new("deposit_action"), &self.deposit_action);
    }
}
