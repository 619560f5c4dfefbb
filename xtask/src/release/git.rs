//! Runs git in the workspace's root.

use crate::workspace::root;
use std::process::Command;

/// What git prints, without the line break; if it fails, its error message.
pub(super) fn git(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git").args(arguments).current_dir(root()).output();
    let output = output.map_err(|error| format!("git does not start: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        // Only the first argument is named, because another one may be the whole message of a tag.
        let task = arguments.first().copied().unwrap_or_default();
        Err(format!("git {task}: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

/// The commit of a tag, a branch or HEAD; `None` if the name does not exist.
pub(super) fn commit(name: &str) -> Option<String> {
    git(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]).ok()
}
