//! A business that becomes a customer or a merchant.

use super::{Country, Email, PhoneNumber, Ubo, identity, individual::account_name, person::Personal};
use crate::find::Facts;
use capecrypto_models::{
    Arg, Decimal, EntityType, LicenseStatus, Malformed, Text,
    param::{Fields, Name, Param, Params, Place},
};
use capecrypto_rest::Checks;

/// A business that becomes a customer or a merchant (documents: "Create Business Customer"). All of it is required, so it is
/// written with the names of its fields.
#[derive(Debug, Clone)]
pub struct Business {
    /// The name that is shown for the account, usually that of the company: 1 to 255 characters. The documents limit the name of
    /// a sub-account to 100, so a longer one has a warning.
    pub account_name: Arg<Text<255>>,
    /// E-mail. The exchange takes it once for the customers of a merchant.
    pub email: Arg<Email>,
    /// Telephone number in international form, such as `+27821234567`.
    pub phone_number: Arg<PhoneNumber>,
    /// What the business says about itself.
    pub profile: BusinessProfile,
    /// The owners (ultimate beneficial owners), at least one. Shares of more than 100 % together are a warning.
    pub ubos: Vec<Ubo>,
}

impl Business {
    pub(crate) fn check(&self, checks: &mut Checks<'_>) {
        account_name(Some(&self.account_name), checks);
        self.profile.check(checks);
        if self.ubos.is_empty() {
            checks.refuse("ubos", "there is no owner", "give at least one");
        }
        for (index, ubo) in self.ubos.iter().enumerate() {
            ubo.check(index, checks);
        }
        let together = self.ubos.iter().try_fold(Decimal::ZERO, |sum, ubo| sum.checked_add(ubo.ownership()));
        if let Some(together) = together
            && together > Decimal::ONE_HUNDRED
        {
            let why = format!("the owners hold {together} % together");
            checks.warn("ubos", why, "compare the shares with the company's register");
        }
    }
}

impl Business {
    /// What distinguishes this business from others, apart from the e-mail.
    pub(crate) fn facts(&self) -> Facts {
        let number = identity::given(Some(&self.profile.company.registration_number));
        Facts { entity: EntityType::Business, key: number.map(Into::into) }
    }
}

impl Params for Business {
    fn write_fields(&self, fields: &mut dyn Fields) {
        fields.field(Name::new("email"), &self.email);
        fields.field(Name::new("phone_number"), &self.phone_number);
        fields.field(Name::new("account_name"), &self.account_name);
        fields.field(Name::new("business_profile"), &self.profile);
        fields.field(Name::new("ubos"), &self.ubos);
    }
}

/// What is required of a company; [`BusinessProfile`] has the rest.
#[derive(Debug, Clone)]
pub struct Company {
    /// The legal name, of 1 to 255 characters.
    pub company_name: Arg<Text<255>>,
    /// The number in the register, of 1 to 255 characters.
    pub registration_number: Arg<Text<255>>,
    /// Code of the country of that register, of two or three letters.
    pub registration_country: Arg<Country<3>>,
    /// The industry, such as `Financial Services`; 1 to 255 characters. The documents give examples and no list.
    pub industry: Arg<Text<255>>,
    /// What the account is for, in 1 to 2,000 characters.
    pub purpose_of_account: Arg<Text<2_000>>,
    /// The volume that is expected in a month, in US dollars; zero or more.
    pub expected_monthly_volume_usd: Decimal,
}

/// What a business says about itself (documents: "Business Profile").
#[derive(Debug, Clone)]
pub struct BusinessProfile {
    company: Company,
    jurisdictions_of_operation: Option<Vec<Arg<Country>>>,
    website: Option<Arg<Text<255>>>,
    employee_count: Option<u32>,
    address: Option<Arg<Text<255>>>,
    city: Option<Arg<Text<255>>>,
    postcode: Option<Arg<Text<255>>>,
    country: Option<Arg<Country>>,
    license: Option<License>,
}

impl BusinessProfile {
    /// The profile of this company.
    pub fn new(company: Company) -> Self {
        Self {
            company,
            jurisdictions_of_operation: None,
            website: None,
            employee_count: None,
            address: None,
            city: None,
            postcode: None,
            country: None,
            license: None,
        }
    }

    /// Codes of the countries where it works.
    #[must_use = "a setter returns the changed value"]
    pub fn jurisdictions_of_operation<C: Into<Arg<Country>>>(
        self,
        countries: impl IntoIterator<Item = C>,
    ) -> Self {
        Self { jurisdictions_of_operation: Some(countries.into_iter().map(Into::into).collect()), ..self }
    }

    /// Its website, of 1 to 255 characters.
    #[must_use = "a setter returns the changed value"]
    pub fn website(self, website: impl Into<Arg<Text<255>>>) -> Self {
        Self { website: Some(website.into()), ..self }
    }

    /// Number of its employees.
    #[must_use = "a setter returns the changed value"]
    pub fn employee_count(self, employee_count: u32) -> Self {
        Self { employee_count: Some(employee_count), ..self }
    }

    /// Street and number of its address, of 1 to 255 characters.
    #[must_use = "a setter returns the changed value"]
    pub fn address(self, address: impl Into<Arg<Text<255>>>) -> Self {
        Self { address: Some(address.into()), ..self }
    }

    /// City of its address, of 1 to 255 characters.
    #[must_use = "a setter returns the changed value"]
    pub fn city(self, city: impl Into<Arg<Text<255>>>) -> Self {
        Self { city: Some(city.into()), ..self }
    }

    /// Postcode of its address, of 1 to 255 characters.
    #[must_use = "a setter returns the changed value"]
    pub fn postcode(self, postcode: impl Into<Arg<Text<255>>>) -> Self {
        Self { postcode: Some(postcode.into()), ..self }
    }

    /// Code of the country of its address.
    #[must_use = "a setter returns the changed value"]
    pub fn country(self, country: impl Into<Arg<Country>>) -> Self {
        Self { country: Some(country.into()), ..self }
    }

    /// Whether it has the licence that its industry needs.
    #[must_use = "a setter returns the changed value"]
    pub fn license(self, license: License) -> Self {
        Self { license: Some(license), ..self }
    }

    fn check(&self, checks: &mut Checks<'_>) {
        let countries = self.license.as_ref().and_then(|license| license.jurisdictions.as_ref());
        if countries.is_some_and(Vec::is_empty) {
            checks.refuse(
                "business_profile.license_jurisdictions",
                "there is no country for the licence",
                "give the code of at least one country",
            );
        }
    }
}

impl Params for BusinessProfile {
    fn write_fields(&self, fields: &mut dyn Fields) {
        let Company { company_name, registration_number, registration_country, .. } = &self.company;
        fields.field(Name::new("company_name"), company_name);
        fields.field(Name::new("registration_number"), registration_number);
        fields.field(Name::new("registration_country"), registration_country);
        fields.field(Name::new("industry"), &self.company.industry);
        fields.field(Name::new("purpose_of_account"), &self.company.purpose_of_account);
        let volume = Volume(self.company.expected_monthly_volume_usd);
        fields.field(Name::new("expected_monthly_volume_usd"), &volume);
        fields.field(Name::new("jurisdictions_of_operation"), &self.jurisdictions_of_operation);
        fields.field(Name::new("website"), &self.website);
        fields.field(Name::new("employee_count"), &self.employee_count);
        fields.field(Name::new("address"), &self.address);
        fields.field(Name::new("city"), &self.city);
        fields.field(Name::new("postcode"), &self.postcode);
        fields.field(Name::new("country"), &self.country.as_ref().map(Personal));
        if let Some(License { status, number, jurisdictions }) = &self.license {
            fields.field(Name::new("license_status"), status);
            fields.field(Name::new("license_number"), number);
            fields.field(Name::new("license_jurisdictions"), jurisdictions);
        }
    }
}

impl Param for BusinessProfile {
    fn write(&self, place: &mut dyn Place) {
        place.object(self);
    }
}

/// Whether a business has the licence that its industry needs. Each constructor is one status.
#[derive(Debug, Clone)]
pub struct License {
    status: LicenseStatus,
    number: Option<Arg<Text<255>>>,
    jurisdictions: Option<Vec<Arg<Country>>>,
}

impl License {
    /// It has a licence of this number (1 to 255 characters) for the countries of these codes, at least one.
    pub fn licensed<C: Into<Arg<Country>>>(
        number: impl Into<Arg<Text<255>>>,
        jurisdictions: impl IntoIterator<Item = C>,
    ) -> Self {
        let jurisdictions = jurisdictions.into_iter().map(Into::into).collect();
        Self {
            status: LicenseStatus::Licensed,
            number: Some(number.into()),
            jurisdictions: Some(jurisdictions),
        }
    }

    /// It has none, or needs none.
    pub fn not_licensed() -> Self {
        Self { status: LicenseStatus::NotLicensed, number: None, jurisdictions: None }
    }

    /// It has asked for one.
    pub fn pending() -> Self {
        Self { status: LicenseStatus::Pending, number: None, jurisdictions: None }
    }
}

/// A volume of trade: zero or more, sent as a number.
#[derive(Debug, Clone, Copy)]
struct Volume(Decimal);

impl Param for Volume {
    fn write(&self, place: &mut dyn Place) {
        if self.0 < Decimal::ZERO {
            return place
                .refuse(Malformed::new(format!("{} is below zero", self.0), "give the volume of a month"));
        }
        place.number(&self.0);
    }
}
