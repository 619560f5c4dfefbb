//! Finds the values of a list that are nearest to a text.

/// The characters of a text that are compared: more than the longest value has. This bounds what a search costs.
const LONGEST: usize = 200;

/// How near a value is; the smallest is the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Nearness {
    group: Group,
    /// Letters that differ.
    typos: usize,
    /// Words that only one of the two has.
    other_words: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Same,
    BeginsWithIt,
    HasWordsThatBeginWithIt,
    ContainsIt,
    IsPartOfIt,
    DiffersByLetters,
}

/// The values nearest to a text, at most `most`, the nearest first.
pub(super) fn nearest(
    list: &'static [&'static str],
    text: &str,
    most: usize,
) -> impl Iterator<Item = &'static str> + use<> {
    let start: String = text.chars().take(LONGEST).collect();
    let wanted = Words::of(&start);
    let values: Vec<(Words, &'static str)> = list.iter().map(|value| (Words::of(value), *value)).collect();
    let mut found = all_of(&wanted, &values, |wanted, value| Some((group(wanted, value)?, 0)));
    // Typing errors cost the most to look for, and are the last group.
    if found.len() < most {
        found = all_of(&wanted, &values, |wanted, value| match group(wanted, value) {
            Some(group) => Some((group, 0)),
            None => Some((Group::DiffersByLetters, typos(wanted, value)?)),
        });
    }
    found.truncate(most);
    found.into_iter().map(|(_, value)| value)
}

/// The values for which `near` finds a group and the letters that differ, the nearest first.
fn all_of(
    wanted: &Words,
    values: &[(Words, &'static str)],
    near: impl Fn(&Words, &Words) -> Option<(Group, usize)>,
) -> Vec<(Nearness, &'static str)> {
    if wanted.joined.is_empty() {
        return Vec::new();
    }
    let nearness = |value: &Words| {
        let (group, typos) = near(wanted, value)?;
        Some(Nearness { group, typos, other_words: value.words.len().abs_diff(wanted.words.len()) })
    };
    let mut found: Vec<_> =
        values.iter().filter_map(|(words, value)| Some((nearness(words)?, *value))).collect();
    found.sort_unstable();
    found
}

/// A text in lower case, without signs.
struct Words {
    words: Vec<String>,
    /// The words without anything between them: `x-ray` is the same as `xray`.
    joined: String,
    spaced: String,
}

impl Words {
    fn of(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
        let words: Vec<String> = words.map(str::to_owned).collect();
        Self { joined: words.concat(), spaced: words.join(" "), words }
    }
}

/// How a value belongs to the text, letter by letter.
fn group(wanted: &Words, value: &Words) -> Option<Group> {
    if value.joined == wanted.joined {
        Some(Group::Same)
    } else if value.joined.starts_with(&wanted.joined) {
        Some(Group::BeginsWithIt)
    } else if begins_at_a_word(wanted, value) || all_begin_words(wanted, value) {
        Some(Group::HasWordsThatBeginWithIt)
    } else if value.spaced.contains(&wanted.spaced) {
        Some(Group::ContainsIt)
    } else if value.words.iter().all(|word| wanted.words.contains(word)) {
        Some(Group::IsPartOfIt)
    } else {
        None
    }
}

/// Whether the value goes on with the text at the start of one of its words.
fn begins_at_a_word(wanted: &Words, value: &Words) -> bool {
    let mut rest = value.joined.as_str();
    value.words.iter().any(|word| {
        let begins = rest.starts_with(&wanted.joined);
        rest = rest.get(word.len()..).unwrap_or_default();
        begins
    })
}

/// Whether each word of the text begins a word of the value, in any order.
fn all_begin_words(wanted: &Words, value: &Words) -> bool {
    wanted.words.iter().all(|begin| value.words.iter().any(|word| word.starts_with(begin)))
}

/// The letters by which the text differs, if they are few: counted word by word, or over the whole text.
fn typos(wanted: &Words, value: &Words) -> Option<usize> {
    let whole = distance(&wanted.joined, &value.joined);
    let by_words = wanted.words.iter().map(|word| {
        value
            .words
            .iter()
            .filter_map(|other| if other.starts_with(word) { Some(0) } else { distance(word, other) })
            .min()
    });
    let by_words = by_words.sum::<Option<usize>>();
    whole.into_iter().chain(by_words).min()
}

/// The letters by which two texts differ, at most one if the longer text has four letters, and two if it has eight.
fn distance(wanted: &str, other: &str) -> Option<usize> {
    let (length, other_length) = (wanted.chars().count(), other.chars().count());
    let most = (length.max(other_length) / 4).min(2);
    // A lower bound that costs less than the distance.
    if length.abs_diff(other_length) > most {
        return None;
    }
    Some(strsim::osa_distance(wanted, other)).filter(|distance| *distance <= most)
}
