//! Checks that nothing is missing: the inventory has all rows, each call of the documents is in the specification and the
//! other way round, and what was here once stays here.

use super::{INVENTORY, Row, key};
use crate::{
    bundle::{BUNDLE, FOLDER, PARTNER_BUNDLE, PARTNER_FOLDER},
    calls::Call,
    events::Event,
    finding::Finding,
    streams::{STREAMS, Topic},
};
use std::collections::{BTreeMap, BTreeSet};

/// The rows of one kind that a text of the documents has.
struct Part {
    system: &'static str,
    kind: &'static str,
    rows: usize,
    /// Whether all of them are here, so that none may be open any more.
    whole: bool,
}

const fn part(system: &'static str, kind: &'static str, rows: usize, whole: bool) -> Part {
    Part { system, kind, rows, whole }
}

/// Where the numbers of rows are, for messages.
const HERE: &str = "PARTS in xtask/src/inventory/whole.rs";

/// What the documents have. A number is changed only if the documents change.
const PARTS: [Part; 22] = [
    part("cape-current", "rest", 54, true),
    part("cape-current", "stream", 5, true),
    part("cape-current", "model", 29, true),
    part("cape-current", "list", 18, true),
    part("cape-current", "webhook-event", 4, true),
    part("cape-current", "callback", 1, false),
    part("cape-legacy", "rest", 31, true),
    part("cape-legacy", "stream", 5, true),
    part("cape-legacy", "model", 18, true),
    part("cape-legacy", "list", 3, true),
    part("cape-2026-04", "rest", 21, true),
    part("cape-2026-04", "model", 2, true),
    part("cape-2026-04", "list", 1, true),
    part("cape-2026-04", "webhook-event", 3, true),
    part("cabital-seed", "rest", 8, true),
    part("cabital-seed", "model", 4, true),
    part("cabital-seed", "list", 4, true),
    part("cabital-seed", "callback", 1, true),
    part("cabital-connect", "rest", 10, true),
    part("cabital-connect", "model", 6, true),
    part("cabital-connect", "list", 5, true),
    part("cabital-connect", "callback", 7, true),
];

/// Everything that is missing.
pub(crate) fn check(rows: &[Row<'_>], calls: &[Call], topics: &[Topic], events: &[Event]) -> Vec<Finding> {
    let mut findings = parts(rows);
    findings.extend(rows.iter().filter_map(state));
    findings.extend(lost(rows, calls, topics, events));
    findings.extend(not_listed(rows, calls));
    findings
}

/// The same of Cabital's calls: each has a row, and each row that is done has its call.
pub(crate) fn check_partner(rows: &[Row<'_>], calls: &[Call]) -> Vec<Finding> {
    let wanted: BTreeSet<_> = calls.iter().map(|call| key(&call.method, &call.path)).collect();
    let mine = || rows.iter().filter(|row| row.is_partners() && row.kind == "rest");
    let listed: BTreeSet<_> = mine().map(|row| key(row.method, row.path)).collect();
    let lost = mine().filter(|row| row.state == "done" && !wanted.contains(&key(row.method, row.path)));
    let lost = lost.map(|row| {
        let problem = format!(
            "'{}' ({} {}) is done, but not in the specification",
            row.operation, row.method, row.path
        );
        Finding::new(row.place(), problem, format!("bring its operation in {PARTNER_FOLDER}/ back"))
    });
    let strange = calls.iter().filter(|call| !listed.contains(&key(&call.method, &call.path)));
    let strange = strange.map(|Call { id, method, path, .. }| {
        let place = format!("{PARTNER_BUNDLE}: {id} ({method} {path})");
        Finding::new(place, "the inventory has no row for it", format!("add its row to {INVENTORY}"))
    });
    lost.chain(strange).collect()
}

/// The numbers of rows.
pub(super) fn parts(rows: &[Row<'_>]) -> Vec<Finding> {
    let mut counts = BTreeMap::<_, usize>::new();
    for row in rows {
        *counts.entry((row.system, row.kind)).or_default() += 1;
    }
    let mut findings = Vec::new();
    for Part { system, kind, rows, .. } in &PARTS {
        let found = counts.remove(&(*system, *kind)).unwrap_or_default();
        if found != *rows {
            let problem = format!("has {found} rows of {system}/{kind}, and the documents name {rows}");
            let fix = format!("bring the row back, or correct the number of {HERE} if the documents changed");
            findings.push(Finding::new(INVENTORY, problem, fix));
        }
    }
    for (system, kind) in counts.into_keys() {
        findings.push(Finding::new(
            INVENTORY,
            format!("has rows of {system}/{kind}, which nobody counts"),
            format!("name the part in {HERE}, or correct the row"),
        ));
    }
    findings
}

/// A row whose state says nothing, or that is open although its part is complete.
pub(super) fn state(row: &Row<'_>) -> Option<Finding> {
    let problem = match row.state {
        "done" => return None,
        "open" => {
            let is_part = |part: &&Part| (part.system, part.kind) == (row.system, row.kind);
            PARTS.iter().find(is_part).filter(|part| part.whole)?;
            format!("'{}' is open, and all of {}/{} must be here", row.operation, row.system, row.kind)
        }
        // A reason, in words.
        reason if reason.strip_prefix("no: ").is_some_and(|reason| reason.split(' ').count() > 2) => {
            return None;
        }
        other => format!("'{}' has the state '{other}'", row.operation),
    };
    let fix = format!("{}; or give the reason in the column state: `no: …`", row.remedy());
    Some(Finding::new(row.place(), problem, fix))
}

/// Rows that say `done`, and that the specification does not have any more.
pub(super) fn lost(rows: &[Row<'_>], calls: &[Call], topics: &[Topic], events: &[Event]) -> Vec<Finding> {
    let here: BTreeSet<_> =
        calls.iter().filter(|call| call.is_offered()).map(|call| key(&call.method, &call.path)).collect();
    let is_here = |row: &Row<'_>| match row.kind {
        "rest" => here.contains(&key(row.method, row.path)),
        "stream" => row.topic().is_some_and(|topic| topics.iter().any(|known| known.address == topic)),
        "webhook-event" => events.iter().any(|event| event.name == row.operation),
        _ => true,
    };
    let lost = rows.iter().filter(|row| row.is_ours() && row.state == "done" && !is_here(row));
    lost.map(|row| {
        let what = match row.kind {
            "rest" => format!("{} {}", row.method, row.path.trim()),
            "stream" => row.topic().unwrap_or_default().to_owned(),
            _ => "an event".to_owned(),
        };
        let problem =
            format!("'{}' ({what}, {}) is done, but not in the specification", row.operation, row.section);
        Finding::new(row.place(), problem, row.remedy())
    })
    .collect()
}

/// Calls of the specification that have no row, or a wrong heading.
pub(super) fn not_listed(rows: &[Row<'_>], calls: &[Call]) -> Vec<Finding> {
    let mut headings = BTreeMap::<_, BTreeSet<&str>>::new();
    for row in rows.iter().filter(|row| row.is_ours() && row.kind == "rest") {
        headings.entry(key(row.method, row.path)).or_default().insert(row.operation);
    }
    let mut findings = Vec::new();
    for Call { id, method, path, section, .. } in calls {
        let place = format!("{BUNDLE}: {id} ({method} {path})");
        let (problem, fix) = match (headings.get(&key(method, path)), section.as_str()) {
            (None, "-") => continue,
            // One call may have several headings, for a person and for a business.
            (Some(known), section) if section.split(", ").all(|heading| known.contains(heading)) => continue,
            (None, _) => (
                "the inventory has no row for it".to_owned(),
                format!(
                    "add its row to {INVENTORY}; a call that no document has is marked x-section: \"-\" in {FOLDER}/"
                ),
            ),
            (Some(known), _) => {
                let known: Vec<&str> = known.iter().copied().collect();
                (
                    format!("its x-section is '{section}', and the inventory has '{}'", known.join("', '")),
                    format!("write the heading of the documents into x-section in {FOLDER}/"),
                )
            }
        };
        findings.push(Finding::new(place, problem, fix));
    }
    findings
}

impl Row<'_> {
    /// What to do so that it is here.
    fn remedy(&self) -> String {
        match self.kind {
            "rest" => format!(
                "add the call: its operation in {FOLDER}/, its request in crates/exchange/src/ or crates/merchant/src/, its route in \
                 crates/sandbox/src/api/ (docs/ARCHITECTURE.md, \"To add a call\"), then cargo xtask codegen"
            ),
            "stream" => {
                format!(
                    "add the topic: its channel in {STREAMS} (docs/ARCHITECTURE.md, \"To add a topic of the websocket\")"
                )
            }
            "webhook-event" => format!(
                "add the event: to the webhooks in {FOLDER}/, and its type in crates/models/src/webhook_event.rs"
            ),
            _ => "name its type or table in the column sdk, with the state done".to_owned(),
        }
    }
}
