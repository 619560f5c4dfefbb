//! Generates from the spec's sections and the description of the websocket: the joined file, docs/ENDPOINTS.md, and three
//! columns of the inventory. From the lists: the tables of the SDK and of the sandbox.

use crate::{
    bundle::{self, BUNDLE, FOLDER, PARTNER_BUNDLE, PARTNER_FOLDER},
    calls,
    endpoints::{self, TABLE},
    enums,
    events::events,
    finding::Finding,
    inventory::{self, INVENTORY, Sources},
    lists,
    streams::{self, STREAMS},
    tidy,
    workspace::root,
};
use serde_norway::Value;
use std::fs;

/// Writes the generated files, or (with `check`) compares them. Reports what differs or is missing.
pub(crate) fn run(check: bool) -> Vec<Finding> {
    try_run(check).unwrap_or_else(|findings| findings)
}

fn try_run(check: bool) -> Result<Vec<Finding>, Vec<Finding>> {
    let (spec, mut findings) = bundle::read(FOLDER)?;
    let (partner, unused) = bundle::read(PARTNER_FOLDER)?;
    findings.extend(unused);
    let lists = lists::read().map_err(|finding| vec![finding])?;
    let topics =
        streams::read().map_err(|error| vec![Finding::new(STREAMS, error, "correct the channel")])?;
    let wrong =
        |error: String| vec![Finding::new(BUNDLE, error, format!("correct its section in {FOLDER}/"))];
    let tree: Value = serde_norway::from_str(&spec).map_err(|error| wrong(error.to_string()))?;
    let calls = calls::calls(&tree).map_err(wrong)?;
    let exchange_events = events(&tree).map_err(wrong)?;
    let wrong_partner = |error: String| {
        vec![Finding::new(PARTNER_BUNDLE, error, format!("correct its section in {PARTNER_FOLDER}/"))]
    };
    let partner_tree: Value =
        serde_norway::from_str(&partner).map_err(|error| wrong_partner(error.to_string()))?;
    let partner_calls = calls::calls(&partner_tree).map_err(wrong_partner)?;
    let partner_events = events(&partner_tree).map_err(wrong_partner)?;
    let events = exchange_events;
    let no_inventory =
        |error: String| vec![Finding::new(INVENTORY, error, "correct the file, or bring it back")];
    let inventory =
        fs::read_to_string(root().join(INVENTORY)).map_err(|error| no_inventory(error.to_string()))?;
    let (inventory, coverage) =
        inventory::filled(&inventory, &calls, &topics, &events).map_err(no_inventory)?;
    let inventory = inventory::filled_partner(&inventory, &partner_calls).map_err(no_inventory)?;

    findings.extend(lists.compared(&tree));
    let rows = inventory::rows(&inventory).map_err(no_inventory)?;
    findings.extend(inventory::whole(&rows, &calls, &topics, &events));
    findings.extend(inventory::whole_partner(&rows, &partner_calls));
    let files = tidy::files(&root());
    let (statuses, partner_statuses) = (calls::statuses(&tree), calls::statuses(&partner_tree));
    let enums = enums::read(&files);
    findings.extend(enums::compare(&tree, &enums, &files));
    findings.extend(enums::compare(&partner_tree, &enums, &files));
    let sources = Sources {
        files: &files,
        enums: &enums,
        lists: &lists,
        statuses: &statuses,
        partner_statuses: &partner_statuses,
    };
    findings.extend(inventory::homes(&rows, &sources));
    let table = match endpoints::table(&tree, &calls, &topics, &events, &coverage) {
        Ok(table) => table,
        Err(error) => {
            findings.extend(wrong(error));
            return Ok(findings);
        }
    };
    let table = match endpoints::partner_table(&partner_tree, &partner_calls, &partner_events) {
        Ok(more) => table + &more,
        Err(error) => {
            findings.extend(wrong_partner(error));
            return Ok(findings);
        }
    };
    let generated = [(BUNDLE, spec), (PARTNER_BUNDLE, partner), (TABLE, table), (INVENTORY, inventory)];
    for (file, wanted) in generated.into_iter().chain(lists.tables()) {
        let found = fs::read_to_string(root().join(file)).unwrap_or_default();
        if check {
            findings.extend(compare(file, &wanted, &found));
        } else if wanted != found
            && let Err(error) = fs::write(root().join(file), wanted)
        {
            findings.push(Finding::new(file, error.to_string(), "make the file writable"));
        }
    }
    Ok(findings)
}

/// A finding if a generated file differs from what the generator writes.
fn compare(place: &str, wanted: &str, found: &str) -> Option<Finding> {
    if wanted == found {
        return None;
    }
    let line = wanted.lines().zip(found.lines()).take_while(|(left, right)| left == right).count() + 1;
    let sources = match lists::TABLES.contains(&place) {
        true => format!("{}/", lists::FOLDER),
        false if place == PARTNER_BUNDLE => format!("{PARTNER_FOLDER}/"),
        false => format!("{FOLDER}/, {PARTNER_FOLDER}/ or {STREAMS}"),
    };
    let problem = format!("differs from {sources} (from line {line} on)");
    Some(Finding::new(place, problem, "cargo xtask codegen"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_file_names_its_sources_and_the_command() {
        assert_eq!(compare(TABLE, "a\nb\n", "a\nb\n"), None);
        let finding = compare(TABLE, "a\nb\n", "a\nc\n").unwrap();
        assert_eq!(finding.fix, "cargo xtask codegen");
        assert!(finding.problem.contains("line 2") && finding.problem.contains(FOLDER), "{finding:?}");
        let finding = compare(lists::TABLES[0], "a\n", "").unwrap();
        assert!(finding.problem.contains(lists::FOLDER), "{finding:?}");
    }
}
