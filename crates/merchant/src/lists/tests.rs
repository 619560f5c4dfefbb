use super::*;
use capecrypto_models::{
    DocumentType, Timestamp, Upload,
    param::{Bound, Params, Unit},
};
use std::collections::BTreeSet;

/// What a value writes.
#[derive(Default)]
struct Written {
    text: Option<String>,
    warnings: Vec<String>,
}

impl Place for Written {
    fn text(&mut self, text: &str) {
        self.text = Some(text.to_owned());
    }
    fn warn(&mut self, reason: Malformed) {
        self.warnings.push(reason.to_string());
    }
    fn absent(&mut self) {
        unreachable!();
    }
    fn number(&mut self, _: &dyn fmt::Display) {
        unreachable!();
    }
    fn flag(&mut self, _: bool) {
        unreachable!();
    }
    fn time(&mut self, _: Timestamp, _: Bound, _: Unit) {
        unreachable!();
    }
    fn list(&mut self, _: usize, _: &mut dyn FnMut(usize, &mut dyn Place)) {
        unreachable!();
    }
    fn object(&mut self, _: &dyn Params) {
        unreachable!();
    }
    fn file(&mut self, _: &Upload) {
        unreachable!();
    }
    fn refuse(&mut self, reason: Malformed) {
        panic!("{reason}");
    }
}

fn written(value: &dyn Param) -> Written {
    let mut written = Written::default();
    value.write(&mut written);
    written
}

#[test]
fn a_known_value_is_sent_in_silence_and_an_unknown_one_with_the_nearest_known() {
    for known in Occupation::all() {
        let Written { text, warnings } = written(&known);
        assert_eq!((text.as_deref(), warnings.len()), (Some(known.as_str()), 0));
    }
    // The documents' own example of a UBO's occupation, which their list does not have.
    let own = written(&Occupation::from("Chief Executive Officer"));
    assert_eq!(own.text.as_deref(), Some("Chief Executive Officer"));
    assert_eq!(own.warnings.len(), 1);
    assert!(own.warnings[0].contains("Occupation::all()"), "{:?}", own.warnings);
    for (text, nearest) in [
        ("software engineer", "'Software Engineer'"),
        ("Senior Software Engineer", "'Software Engineer'"),
        ("Zookeper", "'Zookeeper'"),
    ] {
        let Written { text: sent, warnings } = written(&Occupation::from(text.to_owned()));
        assert_eq!(sent.as_deref(), Some(text), "nobody changes what the caller gives");
        assert!(warnings.len() == 1 && warnings[0].ends_with(nearest), "{text}: {warnings:?}");
    }
    let funds = written(&SourceOfFunds::from("Salary"));
    assert!(funds.warnings[0].ends_with("'Salary or Wages'"), "{:?}", funds.warnings);
}

#[test]
fn the_tables_are_sorted_and_whole() {
    for (list, length) in [(Occupation::KNOWN, 757), (SourceOfFunds::KNOWN, 22)] {
        assert!(list.is_sorted());
        assert_eq!(list.iter().collect::<BTreeSet<_>>().len(), length);
    }
    assert!(Occupation::all().chain([Occupation::from("Zoologist".to_owned())]).all(|each| each.is_known()));
    assert!(!Occupation::from("").is_known());
}

#[test]
fn a_value_is_found_by_its_own_text_however_it_is_written() {
    // Not each one, because each search looks at all values.
    for value in Occupation::all().step_by(29).chain([Occupation::from("X-Ray Technician")]) {
        let text = value.as_str();
        for written in
            [text.to_uppercase(), format!("  {} ", text.to_lowercase()), text.replace([' ', '-'], "")]
        {
            assert_eq!(Occupation::search(&written, 1), [text], "{written}");
        }
        // One letter of the longest word is missing.
        let longest = text.split(' ').max_by_key(|word| word.len()).unwrap();
        let mistyped = text.replacen(longest, &longest.replacen(|c: char| c.is_lowercase(), "", 1), 1);
        assert!(Occupation::search(&mistyped, 3).contains(&value), "{mistyped}");
    }
}

#[test]
fn the_nearest_values_come_first() {
    let search = |text: &str| {
        Occupation::search(text, 4).iter().map(|found| found.as_str().to_owned()).collect::<Vec<_>>()
    };
    // A whole value before values that begin with it, and these before values with such a word.
    assert_eq!(search("architect")[..3], ["Architect", "Architectural Manager", "Landscape Architect"]);
    assert_eq!(search("soft eng")[..2], ["Software Engineer", "Computer Software Engineer"]);
    assert_eq!(search("keeper"), ["Zookeeper"]);
    assert_eq!(search("xray tech"), ["X-Ray Technician"]);
    assert_eq!(search("sofware enginer")[..2], ["Software Engineer", "Computer Software Engineer"]);
    assert_eq!(search("yoga")[..1], ["Yoga Instructor/Teacher"]);
    assert_eq!(Occupation::search("engineer", 7).len(), 7);
    assert!(Occupation::search("engineer", 0).is_empty());
    assert_eq!(SourceOfFunds::search("funds", 9), ["Client funds", "Retirement Funds", "Shareholder funds"]);
}

#[test]
fn no_text_is_too_strange_for_a_search() {
    for text in ["", " ", "…", "\u{202e}", "\0", "🧑‍🚀", "qqqqqqqqqq", "İ", "ſ"] {
        assert!(Occupation::search(text, usize::MAX).len() <= 757, "{text:?}");
    }
    assert!(Occupation::search("/ - …", 5).is_empty());
    assert!(Occupation::search(&"baker ".repeat(1_000_000), 1) == ["Baker"]);
}

#[test]
fn each_holder_has_the_documents_of_its_list() {
    let names = |holder: Holder| holder.documents().map(|rule| rule.name).collect::<BTreeSet<_>>();
    let (person, ubo, business) = (names(Holder::Person), names(Holder::Ubo), names(Holder::Business));
    assert_eq!((person.len(), ubo.len(), business.len()), (15, 14, 9));
    assert_eq!(person.difference(&ubo).collect::<Vec<_>>(), [&"Source of Funds"]);
    let all: BTreeSet<&str> = person.into_iter().chain(ubo).chain(business).collect();
    assert_eq!(DocumentType::KNOWN.iter().copied().collect::<BTreeSet<_>>(), all);
    let required = |holder: Holder| holder.required_slots().collect::<Vec<_>>();
    let of_a_person = [Slot::IdentityFront, Slot::Selfie, Slot::ProofOfAddress];
    assert_eq!(required(Holder::Person), of_a_person);
    assert_eq!(required(Holder::Ubo), of_a_person);
    assert_eq!(required(Holder::Business).len(), 9);
}

#[test]
fn a_front_names_the_backs_that_complete_it() {
    let of = |kind: DocumentType| *Holder::Person.document(&kind).unwrap();
    assert!(!of(DocumentType::Passport).needs_back());
    let license = of(DocumentType::DriverLicense);
    assert!(license.needs_back() && license.has_expiry && !license.has_number);
    assert!(license.is_completed_by(&DocumentType::DriversLicenseBack));
    assert!(!license.is_completed_by(&DocumentType::IdentityCardBack));
    assert_eq!(of(DocumentType::ProofOfAddress).most_months, Some(3));
    assert_eq!(license.kind(), DocumentType::DriverLicense);
    assert!(Holder::Ubo.document(&DocumentType::SourceOfFunds).is_none());
    assert!(Holder::Person.document(&"Proof of Moon".into()).is_none());
}
