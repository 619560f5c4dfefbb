//! The statements, with the name of the schema in them.

/// Each takes its parameters in the order that its comment names.
#[derive(Debug)]
pub(super) struct Statements {
    /// name, is_open → nothing. Notes a payment reference and locks it, so that of two events of it the later one sees the other.
    /// The update changes nothing: it is what locks a row that is there.
    pub(super) lock_reference: String,
    /// name, is_open. Notes a payment reference.
    pub(super) open: String,
    /// name → a row if it is there. Locks it.
    pub(super) lock_known_reference: String,
    /// name → a row if it was open.
    pub(super) close: String,
    /// name. The same, unless an event of it is unfinished and has no body here: its sender may have given up.
    pub(super) close_if_done: String,
    /// name. Drops it if it is closed and has no events.
    pub(super) drop_closed: String,
    /// after or null, limit → name.
    pub(super) awaited: String,
    /// key, reference, state, at, time, attempt, failures, body. Does nothing if the event is there.
    pub(super) insert: String,
    /// key → [`RECORD`]. Locks it.
    pub(super) find: String,
    /// key, state, at, time, attempt, failures, reason.
    pub(super) update: String,
    /// key, body. Takes over the body, if there is none and the event is not finished.
    pub(super) add_body: String,
    /// now → [`RECORD`], key, reference, body. Locks it. Rows that others have locked are passed over.
    pub(super) due: String,
    /// reference, key → key, finished. The other events of a payment reference.
    pub(super) known: String,
    /// key, attempt, now. Finishes a claimed event.
    pub(super) finish: String,
    /// limit → key, reason, at.
    pub(super) dead: String,
    /// key. Makes a dead event wait, due since it is dead.
    pub(super) retry: String,
    /// before. Drops old finished events, except those of open payment references.
    pub(super) forget: String,
    /// → name. Locks the closed payment references without events.
    pub(super) lock_empty: String,
    /// names. Drops those which still have no events.
    pub(super) drop_empty: String,
}

/// The columns of a record.
const RECORD: &str = "state, at, time, attempt, failures, reason";

impl Statements {
    pub(super) fn new(schema: &str) -> Self {
        let event = format!("\"{schema}\".inbox_event");
        let reference = format!("\"{schema}\".inbox_reference");
        let empty = format!("NOT is_open AND NOT EXISTS (SELECT FROM {event} WHERE reference = name)");
        Self {
            lock_reference: format!(
                "INSERT INTO {reference} AS known (name, is_open) VALUES ($1, $2) \
                 ON CONFLICT (name) DO UPDATE SET is_open = known.is_open"
            ),
            open: format!("INSERT INTO {reference} (name, is_open) VALUES ($1, $2) ON CONFLICT DO NOTHING"),
            lock_known_reference: format!("SELECT FROM {reference} WHERE name = $1 FOR UPDATE"),
            close: format!("UPDATE {reference} SET is_open = false WHERE name = $1 AND is_open"),
            close_if_done: format!(
                "UPDATE {reference} SET is_open = false WHERE name = $1 AND is_open AND NOT EXISTS \
                 (SELECT FROM {event} WHERE reference = $1 AND state <> 'finished' AND body IS NULL)"
            ),
            drop_closed: format!("DELETE FROM {reference} WHERE name = $1 AND {empty}"),
            awaited: format!(
                "SELECT name FROM {reference} WHERE is_open AND ($1::text IS NULL OR name > $1) ORDER BY name LIMIT $2"
            ),
            insert: format!(
                "INSERT INTO {event} (key, reference, state, at, time, attempt, failures, body) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING"
            ),
            find: format!("SELECT {RECORD} FROM {event} WHERE key = $1 FOR UPDATE"),
            update: format!(
                "UPDATE {event} SET state = $2, at = $3, time = $4, attempt = $5, failures = $6, reason = $7 WHERE key = $1"
            ),
            add_body: format!(
                "UPDATE {event} SET body = $2 WHERE key = $1 AND body IS NULL AND state <> 'finished'"
            ),
            due: format!(
                "SELECT {RECORD}, key, reference, body FROM {event} \
                 WHERE state IN ('waiting', 'claimed') AND body IS NOT NULL AND at <= $1 \
                 ORDER BY at, key LIMIT 1 FOR UPDATE SKIP LOCKED"
            ),
            known: format!("SELECT key, state = 'finished' FROM {event} WHERE reference = $1 AND key <> $2"),
            finish: format!(
                "UPDATE {event} SET state = 'finished', at = $3, body = NULL, reason = NULL \
                 WHERE key = $1 AND attempt = $2 AND state = 'claimed'"
            ),
            dead: format!(
                "SELECT key, reason, at FROM {event} WHERE state = 'dead' ORDER BY at, key LIMIT $1"
            ),
            retry: format!(
                "UPDATE {event} SET state = 'waiting', failures = 0, reason = NULL WHERE key = $1 AND state = 'dead'"
            ),
            forget: format!(
                "DELETE FROM {event} AS old WHERE state = 'finished' AND time < $1 \
                 AND NOT EXISTS (SELECT FROM {reference} WHERE name = old.reference AND is_open)"
            ),
            lock_empty: format!("SELECT name FROM {reference} WHERE {empty} FOR UPDATE SKIP LOCKED"),
            drop_empty: format!("DELETE FROM {reference} WHERE name = ANY ($1) AND {empty}"),
        }
    }
}
