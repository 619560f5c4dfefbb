//! The tables, and their versions.

use super::PostgresError;
use deadpool_postgres::Object;

/// What makes version 1, 2, … out of the one before.
const MIGRATIONS: &[&str] = &[include_str!("1.sql")];

/// Whether this can be written between quotation marks, and needs none.
pub(super) fn is_name(name: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=63).contains(&name.len())
        && name.bytes().all(known)
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.starts_with("pg_")
}

/// Brings the tables to the newest version. Several processes may do it at once: all but one wait, and find it done.
pub(super) async fn migrate(client: &mut Object, schema: &str) -> Result<(), PostgresError> {
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let transaction = client.transaction().await?;
    // The lock ends with the transaction.
    let lock = "SELECT pg_advisory_xact_lock(hashtext('capecrypto inbox'), hashtext($1))";
    transaction.execute(lock, &[&schema]).await?;
    // Who may not make a schema can use one that is there.
    if transaction.query_opt("SELECT FROM pg_namespace WHERE nspname = $1", &[&schema]).await?.is_none() {
        transaction.batch_execute(&format!("CREATE SCHEMA \"{schema}\"")).await?;
    }
    transaction.batch_execute(&format!("SET LOCAL search_path TO \"{schema}\"")).await?;
    let sql = "SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'inbox_version'";
    let found: i64 = if transaction.query_opt(sql, &[&schema]).await?.is_some() {
        let row = transaction.query_one("SELECT coalesce(max(version), 0) FROM inbox_version", &[]).await?;
        row.try_get(0)?
    } else {
        transaction.batch_execute("CREATE TABLE inbox_version (version bigint NOT NULL)").await?;
        0
    };
    if found > known {
        return Err(PostgresError::Newer { found, known });
    }
    if found < known {
        for (number, migration) in (1..).zip(MIGRATIONS) {
            if number > found {
                transaction.batch_execute(migration).await?;
            }
        }
        transaction.batch_execute("DELETE FROM inbox_version").await?;
        transaction.execute("INSERT INTO inbox_version (version) VALUES ($1)", &[&known]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
