//! The tables, and their versions.

use super::SqliteError;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

/// What makes version 1, 2, … out of the one before.
const MIGRATIONS: &[&str] = &[include_str!("1.sql")];

/// Brings the tables to the newest version. Several processes may do it at once: all but one wait, and find it done.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), SqliteError> {
    if version(connection)? == newest() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .execute_batch("CREATE TABLE IF NOT EXISTS inbox_version (version INTEGER NOT NULL) STRICT")?;
    let found = version(&transaction)?;
    if found > newest() {
        return Err(SqliteError::Newer { found, known: newest() });
    }
    for (number, migration) in (1..).zip(MIGRATIONS) {
        if number > found {
            transaction.execute_batch(migration)?;
        }
    }
    transaction.execute("DELETE FROM inbox_version", [])?;
    transaction.execute("INSERT INTO inbox_version (version) VALUES (?1)", [newest()])?;
    transaction.commit()?;
    Ok(())
}

fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// 0: there are no tables yet.
fn version(connection: &Connection) -> Result<i64, SqliteError> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'inbox_version'";
    if connection.query_row(sql, [], |_| Ok(())).optional()?.is_none() {
        return Ok(0);
    }
    let found = connection
        .query_row("SELECT max(version) FROM inbox_version", [], |row| row.get::<_, Option<i64>>(0));
    Ok(found?.unwrap_or(0))
}
