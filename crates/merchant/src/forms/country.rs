//! Codes of countries.

use capecrypto_models::{
    Arg, Malformed,
    param::{Param, Place},
};
use std::str::FromStr;

/// The ISO 3166 code of a country in upper case, such as `ZA`: two letters, or two to `MOST` where the documents allow more. A
/// code that is not in ISO 3166 is sent with a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country<const MOST: usize = 2> {
    letters: [u8; 3],
    length: u8,
    is_known: bool,
}

impl<const MOST: usize> Country<MOST> {
    /// The code.
    pub fn as_str(&self) -> &str {
        let letters = self.letters.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(letters).unwrap_or_default()
    }
}

impl<const MOST: usize> FromStr for Country<MOST> {
    type Err = Malformed;

    /// The reason does not quote the text, because a country can be personal.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let lengths = 2..=MOST.clamp(2, 3);
        if !lengths.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let letters = if MOST > 2 { "two or three letters" } else { "two letters" };
            return Err(Malformed::new(
                "it is not the code of a country",
                format!("give the ISO code in upper case, with {letters}, such as ZA"),
            ));
        }
        let mut letters = [0; 3];
        letters.iter_mut().zip(text.bytes()).for_each(|(letter, byte)| *letter = byte);
        let is_known = text.len() == 3 || TWO_LETTERS.split(' ').any(|code| code == text);
        Ok(Self { letters, length: if text.len() == 3 { 3 } else { 2 }, is_known })
    }
}

impl<const MOST: usize> Param for Country<MOST> {
    fn write(&self, place: &mut dyn Place) {
        if !self.is_known {
            let remedy = match self.as_str() {
                "UK" => "the code of the United Kingdom is GB",
                "EL" => "the code of Greece is GR",
                _ => "look the code up in ISO 3166",
            };
            place.warn(Malformed::new("it is not a code of ISO 3166", remedy));
        }
        place.text(self.as_str());
    }
}

impl<const MOST: usize> From<Country<MOST>> for Arg<Country<MOST>> {
    fn from(country: Country<MOST>) -> Self {
        Self::good(country)
    }
}

/// The codes of ISO 3166-1, and XK for Kosovo, which most registers use.
const TWO_LETTERS: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV \
BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB \
GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN \
KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF \
NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO \
SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM \
ZW";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_or_three_where_they_are_allowed() {
        assert_eq!("ZA".parse::<Country>().unwrap().as_str(), "ZA");
        assert_eq!("ZAF".parse::<Country<3>>().unwrap().as_str(), "ZAF");
        assert_eq!("ZA".parse::<Country<3>>().unwrap().as_str(), "ZA");
        for wrong in ["", "Z", "za", "ZAF", "Z1", "ÄA", "South Africa"] {
            assert!(wrong.parse::<Country>().is_err(), "{wrong}");
        }
        assert!("ZAFA".parse::<Country<3>>().is_err());
    }

    #[test]
    fn the_table_has_every_country_once_and_in_order() {
        let codes: Vec<&str> = TWO_LETTERS.split(' ').collect();
        assert!(codes.is_sorted() && codes.iter().all(|code| code.len() == 2));
        assert_eq!(codes.len(), 249 + 1);
        assert!(!"UK".parse::<Country>().unwrap().is_known && "GB".parse::<Country>().unwrap().is_known);
    }
}
