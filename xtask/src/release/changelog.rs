//! The version's section of CHANGELOG.md. It must have a date, and becomes the tag's message.

use super::{Done, Options, git::git, plan::Plan};
use crate::{finding::Finding, workspace::root};
use std::fs;

const PLACE: &str = "CHANGELOG.md";

pub(super) fn check(plan: &Plan, _: Options) -> Done {
    // The day of the commit, not today: a release that stopped half-way may continue on a later day with the same section.
    let day = git(&["log", "-1", "--format=%cs"]);
    let day = day.map_err(|error| vec![Finding::new("git", error, "commit first")])?;
    judge(&read()?, &plan.version, &day)
}

/// The text of the version's section; empty if there is none.
pub(super) fn notes(version: &str) -> Result<String, Vec<Finding>> {
    Ok(section(&read()?, version).map(|section| section.body).unwrap_or_default())
}

fn read() -> Result<String, Vec<Finding>> {
    let text = fs::read_to_string(root().join(PLACE));
    text.map_err(|error| vec![Finding::new(PLACE, format!("cannot be read: {error}"), "write it")])
}

#[derive(Debug, PartialEq, Eq)]
struct Section {
    /// Its first line, including `##`.
    heading: String,
    body: String,
}

/// The section whose heading names the version.
fn section(text: &str, version: &str) -> Option<Section> {
    let is_heading = |line: &&str| line.starts_with("## ");
    let names = |line: &str| {
        line.split([' ', '(', ')', '[', ']']).any(|word| word.strip_prefix('v').unwrap_or(word) == version)
    };
    let mut lines = text.lines().skip_while(|line| !(is_heading(line) && names(line)));
    let heading = lines.next()?.trim_end().to_owned();
    let body: Vec<&str> = lines.take_while(|line| !is_heading(line)).collect();
    Some(Section { heading, body: body.join("\n").trim().to_owned() })
}

fn judge(text: &str, version: &str, day: &str) -> Done {
    let wrong = |problem: String, fix: String| Err(vec![Finding::new(PLACE, problem, fix)]);
    let write = format!("write '## {version} (YYYY-MM-DD)' with the day on which you commit it");
    let Some(Section { heading, body }) = section(text, version) else {
        return wrong(format!("has no section of {version}"), format!("{write}, and below it what changes"));
    };
    if heading == format!("## {version} ({day})") {
        return match body.as_str() {
            "" => wrong(format!("says nothing under '{heading}'"), "write what changes".to_owned()),
            body => Ok(format!("'{heading}', {} lines", body.lines().count())),
        };
    }
    match dated(&heading, version) {
        None => wrong(format!("'{heading}' has no date"), write),
        Some(date) => wrong(
            format!("'{heading}' has the date {date}, but the last commit has {day}"),
            format!("{write}; if a commit was added on a later day, use that day"),
        ),
    }
}

/// The date in `## 0.1.0 (2026-01-31)`.
fn dated<'a>(heading: &'a str, version: &str) -> Option<&'a str> {
    let date = heading.strip_prefix(&format!("## {version} ("))?.strip_suffix(')')?;
    let form: String = date.chars().map(|char| if char.is_ascii_digit() { '0' } else { char }).collect();
    (form == "0000-00-00").then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Changelog\n\n## 0.10.0 (2026-03-04)\n\n- new\n### Also\n- more\n\n## 0.1.0 (2026-01-02)\n\n- first\n";

    fn problem(text: &str, version: &str, day: &str) -> String {
        judge(text, version, day).unwrap_err().iter().map(|finding| format!("{finding:?}")).collect()
    }

    #[test]
    fn a_section_ends_where_the_next_begins() {
        let found = section(TEXT, "0.10.0").unwrap();
        assert_eq!(
            (found.heading.as_str(), found.body.as_str()),
            ("## 0.10.0 (2026-03-04)", "- new\n### Also\n- more")
        );
        assert_eq!(section(TEXT, "0.1.0").unwrap().body, "- first");
        assert_eq!(section(TEXT, "1.0").map(|found| found.heading), None);
        assert_eq!(section("## [v0.2.0] soon", "0.2.0").unwrap().body, "");
    }

    #[test]
    fn the_date_is_the_commits() {
        assert_eq!(judge(TEXT, "0.10.0", "2026-03-04"), Ok("'## 0.10.0 (2026-03-04)', 3 lines".to_owned()));
        assert!(
            problem(TEXT, "0.10.0", "2026-03-05")
                .contains("has the date 2026-03-04, but the last commit has 2026-03-05")
        );
    }

    #[test]
    fn what_is_missing_is_told_with_the_line_to_write() {
        let said = problem("## Unreleased (0.1.0)\n- x", "0.1.0", "2026-01-02");
        assert!(said.contains("'## Unreleased (0.1.0)' has no date"), "{said}");
        assert!(said.contains("write '## 0.1.0 (YYYY-MM-DD)'"), "{said}");
        assert!(problem("## 0.1.0 (soon-so-so)\n- x", "0.1.0", "2026-01-02").contains("has no date"));
        assert!(problem("## Unreleased\n- x", "0.1.0", "2026-01-02").contains("has no section of 0.1.0"));
        assert!(problem("## 0.1.0 (2026-01-02)\n\n", "0.1.0", "2026-01-02").contains("says nothing"));
    }
}
