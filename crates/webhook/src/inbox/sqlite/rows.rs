//! The statements. Each function is called in a transaction that holds the lock for writing.

use super::SqliteError;
use crate::{
    Claimed, Dead, EventKey, Known, Put, Queued, Ticket,
    inbox::{
        numbers,
        record::{Answer, Record, State},
        store::{Claim, Entry, Failure, Finish, Next},
    },
};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// The columns of a [`Record`].
const RECORD: &str = "state, at, time, attempt, failures, reason";

pub(super) fn claim(connection: &Connection, claim: &Claim<'_>) -> Result<Claimed, SqliteError> {
    let (record, answer) = match find(connection, claim.key)? {
        Some(found) => {
            let mut record = found.clone();
            record.heard(claim.time);
            let answer = record.claim(claim.now, claim.until, claim.attempts);
            if record != found {
                update(connection, claim.key, &record)?;
            }
            (record, answer)
        }
        None if claim.only_known => return Ok(Claimed::Unknown),
        None => {
            let record = Record::claimed(claim);
            insert(connection, claim.key, claim.reference, &record, None)?;
            if let Some(reference) = claim.reference {
                open(connection, reference, claim.opens)?;
            }
            (record, Answer::Yes)
        }
    };
    Ok(match answer {
        Answer::Yes => {
            Claimed::Yes { attempt: record.ticket(), known: known(connection, claim.key, claim.reference)? }
        }
        Answer::Running => Claimed::Running(numbers::time(record.at).ok_or(SqliteError::Unreadable("at"))?),
        Answer::Finished => Claimed::Finished,
        Answer::Dead => Claimed::Dead,
    })
}

pub(super) fn put(connection: &Connection, entry: &Entry<'_>) -> Result<Put, SqliteError> {
    let Some(mut record) = find(connection, entry.key)? else {
        if entry.only_known {
            return Ok(Put::Unknown);
        }
        insert(connection, entry.key, entry.reference, &Record::put(entry), Some(entry.json))?;
        if let Some(reference) = entry.reference {
            open(connection, reference, entry.opens)?;
        }
        return Ok(Put::New);
    };
    record.heard(entry.time);
    update(connection, entry.key, &record)?;
    let sql = "UPDATE inbox_event SET body = ?2 WHERE key = ?1 AND body IS NULL AND state <> 'finished'";
    connection.prepare_cached(sql)?.execute((entry.key.as_str(), entry.json))?;
    Ok(Put::Known)
}

pub(super) fn next(connection: &Connection, ask: &Next) -> Result<Option<Queued>, SqliteError> {
    let sql = format!(
        "SELECT {RECORD}, key, reference, body FROM inbox_event \
         WHERE state IN ('waiting', 'claimed') AND body IS NOT NULL AND at <= ?1 ORDER BY at, key LIMIT 1"
    );
    let mut due = connection.prepare_cached(&sql)?;
    loop {
        let row = due.query_row([numbers::millis(ask.now)], |row| {
            Ok((read(row)?, row.get("key")?, row.get("reference")?, row.get("body")?))
        });
        let (record, key, reference, body): (_, String, Option<String>, String) = match row.optional()? {
            Some(row) => row,
            None => return Ok(None),
        };
        let (mut record, key) = (record?, parse(&key)?);
        let answer = record.claim(ask.now, ask.until, ask.attempts);
        update(connection, &key, &record)?;
        // Otherwise its last lease was over, and it is dead now.
        if answer == Answer::Yes {
            let known = known(connection, &key, reference.as_deref())?;
            let ticket = Ticket { key, attempt: record.ticket() };
            return Ok(Some(Queued { ticket, json: body.into(), known }));
        }
    }
}

/// Whether the ticket was the newest of a claimed event, which is finished now.
pub(super) fn finish(connection: &Connection, end: &Finish<'_>) -> Result<bool, SqliteError> {
    let sql = "UPDATE inbox_event SET state = 'finished', at = ?3, body = NULL, reason = NULL \
               WHERE key = ?1 AND attempt = ?2 AND state = 'claimed'";
    let ticket = (end.ticket.key.as_str(), end.ticket.attempt, numbers::millis(end.now));
    let finished = connection.prepare_cached(sql)?.execute(ticket)? == 1;
    if let (true, Some(reference)) = (finished, end.closes) {
        let sql = "SELECT 1 FROM inbox_event WHERE reference = ?1 AND state <> 'finished' AND body IS NULL";
        if !connection.prepare_cached(sql)?.exists([reference])? {
            close(connection, reference)?;
        }
    }
    Ok(finished)
}

pub(super) fn fail(connection: &Connection, failure: &Failure<'_>) -> Result<bool, SqliteError> {
    let Some(mut record) = find(connection, &failure.ticket.key)? else { return Ok(false) };
    let newest = record.state == State::Claimed && record.ticket() == failure.ticket.attempt;
    if newest {
        record.fail(failure.attempts, Some(failure.reason), failure.now, failure.again);
        update(connection, &failure.ticket.key, &record)?;
    }
    Ok(newest)
}

pub(super) fn dead(connection: &Connection, most: usize) -> Result<Vec<Dead>, SqliteError> {
    let sql = "SELECT key, reason, at FROM inbox_event WHERE state = 'dead' ORDER BY at, key LIMIT ?1";
    let mut dead = connection.prepare_cached(sql)?;
    let rows = dead.query_map([numbers::limit(most)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let dead = rows.map(|row| {
        let (key, reason, at): (String, Option<String>, i64) = row?;
        let at = numbers::time(at).ok_or(SqliteError::Unreadable("at"))?;
        Ok(Dead { key: parse(&key)?, reason: reason.map(Into::into), at })
    });
    dead.collect()
}

pub(super) fn retry(connection: &Connection, key: &EventKey) -> Result<bool, SqliteError> {
    // Due since it is dead, so at once.
    let sql = "UPDATE inbox_event SET state = 'waiting', failures = 0, reason = NULL WHERE key = ?1 AND state = 'dead'";
    Ok(connection.prepare_cached(sql)?.execute([key.as_str()])? == 1)
}

pub(super) fn forget(connection: &Connection, before: i64) -> Result<u64, SqliteError> {
    let sql = "DELETE FROM inbox_event WHERE state = 'finished' AND time < ?1 AND NOT EXISTS \
               (SELECT 1 FROM inbox_reference WHERE name = inbox_event.reference AND is_open = 1)";
    let dropped = connection.prepare_cached(sql)?.execute([before])?;
    let sql = "DELETE FROM inbox_reference WHERE is_open = 0 \
               AND NOT EXISTS (SELECT 1 FROM inbox_event WHERE reference = inbox_reference.name)";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(u64::try_from(dropped).unwrap_or(u64::MAX))
}

/// Notes a payment reference. One that is known stays as it is.
pub(super) fn open(connection: &Connection, reference: &str, is_open: bool) -> Result<(), SqliteError> {
    let sql = "INSERT INTO inbox_reference (name, is_open) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    connection.prepare_cached(sql)?.execute((reference, is_open))?;
    Ok(())
}

pub(super) fn close(connection: &Connection, reference: &str) -> Result<bool, SqliteError> {
    let sql = "UPDATE inbox_reference SET is_open = 0 WHERE name = ?1 AND is_open = 1";
    let was_open = connection.prepare_cached(sql)?.execute([reference])? == 1;
    let sql = "DELETE FROM inbox_reference WHERE name = ?1 AND is_open = 0 \
               AND NOT EXISTS (SELECT 1 FROM inbox_event WHERE reference = ?1)";
    connection.prepare_cached(sql)?.execute([reference])?;
    Ok(was_open)
}

pub(super) fn awaited(
    connection: &Connection,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<Box<str>>, SqliteError> {
    let sql = "SELECT name FROM inbox_reference WHERE is_open = 1 AND (?1 IS NULL OR name > ?1) ORDER BY name LIMIT ?2";
    let mut open = connection.prepare_cached(sql)?;
    let rows = open.query_map((after, numbers::limit(most)), |row| row.get::<_, String>(0))?;
    rows.map(|name| Ok(name?.into())).collect()
}

fn find(connection: &Connection, key: &EventKey) -> Result<Option<Record>, SqliteError> {
    let sql = format!("SELECT {RECORD} FROM inbox_event WHERE key = ?1");
    let found = connection.prepare_cached(&sql)?.query_row([key.as_str()], read).optional()?;
    found.transpose()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Result<Record, SqliteError>> {
    let Some(state) = State::from_text(row.get_ref("state")?.as_str()?) else {
        return Ok(Err(SqliteError::Unreadable("state")));
    };
    Ok(Ok(Record {
        state,
        at: row.get("at")?,
        time: row.get("time")?,
        attempt: row.get("attempt")?,
        failures: row.get("failures")?,
        reason: row.get("reason")?,
    }))
}

fn insert(
    connection: &Connection,
    key: &EventKey,
    reference: Option<&str>,
    record: &Record,
    body: Option<&str>,
) -> Result<(), SqliteError> {
    let sql = "INSERT INTO inbox_event (key, reference, state, at, time, attempt, failures, reason, body) \
               VALUES (:key, :reference, :state, :at, :time, :attempt, :failures, :reason, :body)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":key": key.as_str(), ":reference": reference, ":state": record.state.as_str(), ":at": record.at, ":time": record.time,
        ":attempt": record.attempt, ":failures": record.failures, ":reason": record.reason, ":body": body,
    })?;
    Ok(())
}

fn update(connection: &Connection, key: &EventKey, record: &Record) -> Result<(), SqliteError> {
    let sql = "UPDATE inbox_event SET state = :state, at = :at, time = :time, attempt = :attempt, \
               failures = :failures, reason = :reason WHERE key = :key";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":key": key.as_str(), ":state": record.state.as_str(), ":at": record.at, ":time": record.time,
        ":attempt": record.attempt, ":failures": record.failures, ":reason": record.reason,
    })?;
    Ok(())
}

/// The other events of a payment reference.
fn known(
    connection: &Connection,
    key: &EventKey,
    reference: Option<&str>,
) -> Result<Vec<Known>, SqliteError> {
    let sql = "SELECT key, state = 'finished' FROM inbox_event WHERE reference = ?1 AND key <> ?2";
    let mut others = connection.prepare_cached(sql)?;
    let rows = others.query_map((reference, key.as_str()), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let known = rows.map(|row| {
        let (key, finished): (String, bool) = row?;
        Ok(Known { key: parse(&key)?, finished })
    });
    known.collect()
}

fn parse(key: &str) -> Result<EventKey, SqliteError> {
    key.parse().map_err(|_| SqliteError::Unreadable("key"))
}
