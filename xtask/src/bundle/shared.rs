//! The answers that many calls have in common. A section does not repeat them: they are in `x-shared-responses` of the root file,
//! and are added when the files are joined.

use super::{Part, key, split};

/// The key of the root file that has them.
pub(super) const SHARED: &str = "x-shared-responses";

/// Shared answers, each with the line that is added to a call.
pub(super) struct Shared<'a> {
    every: Vec<Part<'a>>,
    signed: Vec<Part<'a>>,
    with_body: Vec<Part<'a>>,
}

impl<'a> Shared<'a> {
    pub(super) fn of(root: Option<Part<'a>>) -> Self {
        let groups = root.map(|part| split(part.body(), 2)).unwrap_or_default();
        let group = |name| {
            let group = groups.iter().find(|group| group.key == name);
            group.map(|group| split(group.body(), 4)).unwrap_or_default()
        };
        Self { every: group("every"), signed: group("signed"), with_body: group("with-body") }
    }

    /// The text of paths, with the shared answers that each call does not describe itself.
    pub(super) fn added_to(&self, paths: &str) -> String {
        let lines: Vec<&str> = paths.lines().collect();
        let (mut out, mut rest) = (String::new(), lines.as_slice());
        while let [line, after @ ..] = rest {
            out.push_str(line);
            out.push('\n');
            rest = after;
            if matches!(key(line, 4), Some("get" | "post" | "put" | "patch" | "delete")) {
                let (call, next) = rest.split_at(deeper_than(4, rest));
                self.add_to_call(&mut out, call);
                rest = next;
            }
        }
        out.trim_end().to_owned()
    }

    fn add_to_call(&self, out: &mut String, call: &[&str]) {
        let has = |wanted| call.iter().any(|line| key(line, 6) == Some(wanted));
        let is_public = call.contains(&"      security: []");
        let start = call.iter().position(|line| *line == "      responses:").map_or(call.len(), |at| at + 1);
        let (before, from) = call.split_at(start);
        let (own, after) = from.split_at(deeper_than(6, from));
        let own = own.join("\n");
        let mut answers = split(&own, 8);
        let described = |code: &str| own.lines().any(|line| key(line, 8) == Some(code));
        let mut add = |shared: &[Part<'a>], wanted: bool| {
            let missing = shared.iter().filter(|answer| wanted && !described(answer.key));
            answers.extend(missing.copied());
        };
        if !own.is_empty() {
            add(&self.every, true);
            add(&self.signed, !is_public);
            add(&self.with_body, has("requestBody"));
        }
        answers.sort_by_key(|answer| answer.key);
        let before = before.iter().map(|line| (*line).to_owned());
        let answers = answers.iter().map(|answer| format!("        {}", answer.text.trim()));
        for line in before.chain(answers).chain(after.iter().map(|line| (*line).to_owned())) {
            out.push_str(&line);
            out.push('\n');
        }
    }
}

/// How many of the lines are indented by more than this, until one that is not. Blank lines at the end are not counted.
fn deeper_than(indent: usize, lines: &[&str]) -> usize {
    let is_deeper = |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
    let deeper = lines.iter().take_while(|line| is_deeper(line)).count();
    let kept = lines.iter().take(deeper).rposition(|line| !line.trim().is_empty());
    kept.map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r##"x-shared-responses:
  every:
    "400": { $ref: "#/components/responses/Bad" }
    "500": { $ref: "#/components/responses/Broken" }
  signed:
    "401": { $ref: "#/components/responses/Unknown" }
  with-body:
    "415": { $ref: "#/components/responses/NotJson" }
"##;

    fn added_to(paths: &str) -> String {
        Shared::of(split(ROOT, 0).first().copied()).added_to(paths)
    }

    #[test]
    fn a_call_gets_the_shared_answers_that_are_missing_in_order() {
        let paths = r##"  # Newest first.
  /rows:
    get:
      security: []
      responses:
        "200": { description: Rows. }
        "500":
          description: This call's own.
    post:
      requestBody: {}
      responses:
        "201": { description: A row. }
        "422": { description: Wrong. }
      x-last: true

  /cells:
    parameters: []
"##;
        let wanted = r##"  # Newest first.
  /rows:
    get:
      security: []
      responses:
        "200": { description: Rows. }
        "400": { $ref: "#/components/responses/Bad" }
        "500":
          description: This call's own.
    post:
      requestBody: {}
      responses:
        "201": { description: A row. }
        "400": { $ref: "#/components/responses/Bad" }
        "401": { $ref: "#/components/responses/Unknown" }
        "415": { $ref: "#/components/responses/NotJson" }
        "422": { description: Wrong. }
        "500": { $ref: "#/components/responses/Broken" }
      x-last: true

  /cells:
    parameters: []"##;
        assert_eq!(added_to(paths), wanted);
    }

    #[test]
    fn without_shared_answers_a_text_stays_as_it_is() {
        let paths = "  /rows:\n    get:\n      responses:\n        \"200\": {}\n\n  # The end.";
        assert_eq!(Shared::of(None).added_to(paths), paths);
    }
}
