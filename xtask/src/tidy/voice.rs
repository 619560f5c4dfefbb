//! Checks the style: no short forms, and unit tests in modules named `tests`.

use crate::finding::Finding;

/// Short forms. The long forms are easier for readers whose second language is English.
const SHORT: [&str; 12] = [
    "n\u{27}t",
    "it\u{27}s",
    "that\u{27}s",
    "there\u{27}s",
    "let\u{27}s",
    "we\u{27}re",
    "you\u{27}re",
    "they\u{27}re",
    "we\u{27}ll",
    "you\u{27}ll",
    "who\u{27}s",
    "what\u{27}s",
];

/// The modules that only tests have: those of the inside, and what the probe is given.
const FOR_TESTS: [&str; 2] = ["tests", "samples"];

/// Everything in one file that breaks a rule.
pub(super) fn check(place: &str, text: &str) -> Vec<Finding> {
    let lines = || (1..).zip(text.lines());
    let at = |line: usize| format!("{place}:{line}");
    let short = lines().filter_map(|(number, line)| {
        let lower = line.to_lowercase();
        let form = SHORT.iter().find(|form| has(&lower, form))?;
        let problem = format!("a short form, …{form}");
        Some(Finding::new(at(number), problem, "write the words out: \"cannot\", \"does not\", \"it is\""))
    });
    let path = lines().filter(|(_, line)| line.trim_start().starts_with("#[path"));
    let path = path.map(|(number, _)| {
        let fix = "put the tests of `x.rs` at its end, or into `x/tests.rs`";
        Finding::new(at(number), "a module with a `path` attribute", fix)
    });
    let lonely = lines().zip(text.lines().skip(1)).filter_map(|((number, attribute), next)| {
        if attribute.trim() != "#[cfg(test)]" {
            return None;
        }
        let (_, name) = next.split_once("mod ")?;
        let name = name.split([' ', ';', '{']).next().unwrap_or_default();
        let fix =
            "name it `tests`, and put it at the end of the file that it tests, or into the folder with that file's name";
        (!FOR_TESTS.contains(&name))
            .then(|| Finding::new(at(number + 1), format!("a module '{name}' for tests"), fix))
    });
    short.chain(path).chain(lonely).collect()
}

/// Whether a line has a short form. The same letters at the end of a longer word do not count.
fn has(line: &str, form: &str) -> bool {
    let inside = |before: &str| before.ends_with(|c: char| c.is_alphanumeric());
    line.match_indices(form).any(|(at, _)| form.starts_with('n') || !line.get(..at).is_some_and(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        check("crates/a/src/b.rs", text).into_iter().map(|finding| finding.problem).collect()
    }

    #[test]
    fn short_forms_are_found_and_owners_are_not() {
        let short = format!("// It doesn{0}t.\n/// the deposit{0}s own\n// IT{0}S", '\'');
        let found = check("crates/a/src/b.rs", &short);
        let places: Vec<_> = found.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(places, ["crates/a/src/b.rs:1", "crates/a/src/b.rs:3"]);
    }

    #[test]
    fn tests_of_the_inside_have_one_name_and_one_place() {
        assert!(problems("#[cfg(test)]\nmod tests;\n#[cfg(test)]\npub(crate) mod samples {").is_empty());
        let found = problems("#[cfg(test)]\nmod property;\n#[cfg(test)]\nfn helper() {}");
        assert_eq!(found, ["a module 'property' for tests"]);
        let attribute = format!("{}[path = \"x.rs\"]\nmod tests;", '#');
        assert_eq!(problems(&attribute), ["a module with a `path` attribute"]);
    }
}
