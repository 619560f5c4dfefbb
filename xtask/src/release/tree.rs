//! Checks the state of git: a release is made from a clean, pushed `main`.

use super::{
    Done, Options,
    git::{commit, git},
    plan::Plan,
};
use crate::finding::Finding;

/// Where the tag of this version is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag {
    /// It does not exist yet.
    Absent,
    /// At HEAD: a release that stopped half-way continues.
    Here,
    /// At this other commit.
    Elsewhere(String),
}

impl Tag {
    pub(super) fn of(plan: &Plan) -> Self {
        match commit(&format!("refs/tags/{}", plan.tag)) {
            None => Self::Absent,
            Some(tagged) if Some(&tagged) == commit("HEAD").as_ref() => Self::Here,
            Some(tagged) => Self::Elsewhere(tagged),
        }
    }
}

struct State {
    /// Empty if HEAD is on no branch.
    branch: String,
    /// The output of `git status --short`.
    changed: String,
    tag: Tag,
    /// Whether HEAD is part of the remote's `main`; `None` if there is no such remote.
    pushed: Option<bool>,
}

pub(super) fn check(plan: &Plan, options: Options) -> Done {
    let read = |arguments: &[&str]| {
        git(arguments)
            .map_err(|error| vec![Finding::new("git", error, "run this in a clone of the repository")])
    };
    let state = State {
        branch: read(&["branch", "--show-current"])?,
        changed: read(&["status", "--short"])?,
        tag: Tag::of(plan),
        pushed: commit("refs/remotes/origin/main")
            .map(|main| git(&["merge-base", "--is-ancestor", "HEAD", &main]).is_ok()),
    };
    judge(&state, &plan.tag, options.dry_run)
}

fn judge(state: &State, tag: &str, dry_run: bool) -> Done {
    let mut findings = Vec::new();
    if !state.changed.is_empty() {
        let problem = format!("has changes that are not committed:\n{}", state.changed);
        findings.push(Finding::new(
            "the working tree",
            problem,
            "commit them, or git stash --include-untracked",
        ));
    }
    if let Tag::Elsewhere(commit) = &state.tag {
        let fix = format!(
            "to continue the release that made it: git switch --detach {tag}, then run this again; \
             for a new release: raise the version in Cargo.toml, and those under [workspace.dependencies]"
        );
        findings.push(Finding::new(tag, format!("this tag points to another commit, {commit}"), fix));
    }
    // A release that continues is made from its tag, because `main` may have moved.
    let mut place = Vec::new();
    if state.branch != "main" && state.tag != Tag::Here {
        let problem = match state.branch.as_str() {
            "" => "is on no branch; a release is made from main".to_owned(),
            branch => format!("is on the branch {branch}; a release is made from main"),
        };
        place.push(Finding::new("HEAD", problem, "merge the branch, then git switch main"));
    }
    if state.pushed == Some(false) && state.tag != Tag::Here {
        let problem = "is not part of origin/main, so nobody could see what was published";
        place.push(Finding::new("HEAD", problem, "git push origin main, then git fetch origin"));
    }
    // A dry run is allowed on the branch that prepares a release.
    let said = if dry_run {
        let said: Vec<String> = place.iter().map(|finding| format!("; HEAD {}", finding.problem)).collect();
        format!("nothing to commit{}", said.concat())
    } else {
        findings.extend(place);
        let place = if state.tag == Tag::Here {
            format!("at {tag}, whose release continues")
        } else {
            "on main".to_owned()
        };
        format!("nothing to commit, {place}")
    };
    if findings.is_empty() { Ok(said) } else { Err(findings) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State { branch: "main".to_owned(), changed: String::new(), tag: Tag::Absent, pushed: Some(true) }
    }

    fn problem(state: &State) -> String {
        judge(state, "v0.1.0", false).unwrap_err().iter().map(|finding| format!("{finding:?}")).collect()
    }

    #[test]
    fn a_clean_main_may_be_released() {
        assert_eq!(judge(&state(), "v0.1.0", false), Ok("nothing to commit, on main".to_owned()));
        assert!(judge(&State { pushed: None, ..state() }, "v0.1.0", false).is_ok());
    }

    #[test]
    fn each_obstacle_is_told_with_its_remedy() {
        let changed = State { changed: " M Cargo.toml".to_owned(), ..state() };
        assert!(problem(&changed).contains(" M Cargo.toml") && problem(&changed).contains("git stash"));
        assert!(judge(&changed, "v0.1.0", true).is_err());
        let branch = State { branch: "next".to_owned(), ..state() };
        assert!(
            problem(&branch).contains("on the branch next") && problem(&branch).contains("git switch main")
        );
        let detached = State { branch: String::new(), ..state() };
        assert!(problem(&detached).contains("on no branch"));
        let ahead = State { pushed: Some(false), ..state() };
        assert!(problem(&ahead).contains("not part of origin/main"));
        let tagged = State { tag: Tag::Elsewhere("abc".to_owned()), ..state() };
        assert!(problem(&tagged).contains("another commit, abc"));
        assert!(problem(&tagged).contains("git switch --detach v0.1.0"));
    }

    #[test]
    fn a_release_goes_on_from_its_tag() {
        let at_tag = State { branch: String::new(), tag: Tag::Here, pushed: Some(false), ..state() };
        assert!(judge(&at_tag, "v0.1.0", false).unwrap().ends_with("at v0.1.0, whose release continues"));
    }

    #[test]
    fn a_dry_run_on_a_branch_only_says_so() {
        let branch = State { branch: "next".to_owned(), pushed: Some(false), ..state() };
        let said = judge(&branch, "v0.1.0", true).unwrap();
        assert!(said.contains("on the branch next") && said.contains("not part of origin/main"), "{said}");
    }
}
