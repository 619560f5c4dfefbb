//! What only some stores can do: transactions, tables that change, servers that are down.

use crate::{
    common::{LEASE, at, handle, verified},
    places::{self, Durable, Place as _, every_place},
};
use capecrypto_webhook::{
    Ended, Inbox, Kept, PostgresError, PostgresStore, Queue, RedisError, RedisStore, SqliteError,
    SqliteStore, Store, Taken, rusqlite, testing,
};
use futures_util::FutureExt as _;
use std::{collections::HashMap, panic::AssertUnwindSafe, time::Duration};
use tokio::time::timeout;

every_place!(RULES = with [sqlite: Sqlite, postgres: Postgres, redis: Redis] [
    everything_is_there_after_a_restart,
    debug_shows_no_address,
    a_missing_runtime_is_an_error,
]);

every_place!(WITH_TRANSACTIONS = with [in_sqlite: Sqlite, in_postgres: Postgres] [an_effect_happens_once]);

every_place!(ON_SQLITE = with [only_sqlite: Sqlite] [
    a_handler_in_sqlite_keeps_others_waiting_only_after_its_first_write,
    a_transaction_of_sqlite_that_was_undone_does_not_go_on,
    several_make_the_tables_of_sqlite_at_once,
    a_row_that_somebody_else_has_written_is_an_error,
]);

every_place!(ON_POSTGRES = with [only_postgres: Postgres] [
    a_connection_of_postgres_goes_back_to_the_pool_without_its_transaction,
    several_make_the_tables_of_postgres_at_once,
    what_the_server_says_of_a_row_is_not_repeated,
    a_table_that_is_missing_is_named_unless_it_is_the_inboxs,
]);

every_place!(ON_REDIS = with [only_redis: Redis] [a_key_that_somebody_else_has_written_is_an_error]);

async fn everything_is_there_after_a_restart<P: Durable<Store: Queue>>(place: &P) {
    let events = [testing::deposit_matched(), testing::completed(), testing::failed(), testing::named("x")];
    let [waiting, finished, dead, running] = events.map(|it| verified(&it));
    let before = Inbox::new(place.store()).attempts(1);
    let _ = before.put(&waiting, at(0)).await.unwrap();
    let _ = handle(&before, &finished, at(0)).await.finish(at(0)).await.unwrap();
    let _ = handle(&before, &dead, at(0)).await.fail("no", at(0)).await.unwrap();
    drop(handle(&before, &running, at(0)).await);
    before.expect("PAY-2").await.unwrap();

    let after = Inbox::new(P::at(&place.location()).await.store()).attempts(1);
    assert!(matches!(after.take(&finished, at(1)).await.unwrap(), Taken::Finished));
    assert!(matches!(after.take(&running, at(1)).await.unwrap(), Taken::Running(_)));
    assert!(matches!(after.take(&dead, at(1)).await.unwrap(), Taken::Dead));
    assert_eq!(after.next(at(1)).await.unwrap().unwrap().0, waiting.event);
    assert_eq!(after.awaited(None, 9).await.unwrap(), [Box::from("PAY-2")]);
}

async fn debug_shows_no_address<P: Durable>(place: &P) {
    let shown = format!("{:?}", place.store());
    assert!(shown.contains("Store") && shown.len() < 600, "{shown}");
    for secret in ["127.0.0.1", "root", "password", "/"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

async fn a_missing_runtime_is_an_error<P: Durable<Store: 'static>>(place: &P) {
    let store = place.store();
    let outcome = std::thread::spawn(move || {
        let future = std::pin::pin!(store.awaited(None, 1));
        future
            .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
            .map(|it| it.map_err(|e| e.to_string()))
    });
    let std::task::Poll::Ready(Err(error)) = outcome.join().unwrap() else { panic!("no error") };
    assert!(error.contains("runtime"), "{error}");
}

/// Two handlers run, one is cut off, one fails, one ends: what is noted is the one's that ended.
async fn an_effect_happens_once<P: Durable>(place: &P) {
    let inbox = Inbox::new(place.store());
    let delivery = verified(&testing::completed());
    let slow = handle(&inbox, &delivery, at(0)).await;
    let mut cut_off = handle(&inbox, &delivery, at(LEASE)).await;
    place.effect(cut_off.transaction(), "cut off").await;
    drop(cut_off);
    let mut failed = handle(&inbox, &delivery, at(2 * LEASE)).await;
    place.effect(failed.transaction(), "failed").await;
    assert_eq!(failed.fail("no", at(2 * LEASE)).await.unwrap(), Ended::Kept);
    let mut last = handle(&inbox, &delivery, at(2 * LEASE)).await;
    // Too late, and its ticket is old. It writes only now, because SQLite has one writer at a time.
    let mut slow = slow;
    place.effect(slow.transaction(), "slow").await;
    assert_eq!(slow.finish(at(2 * LEASE)).await.unwrap(), Ended::Lost);
    assert_eq!(place.effects().await, HashMap::new());
    place.effect(last.transaction(), "last").await;
    place.effect(last.transaction(), "last too").await;
    assert_eq!(last.finish(at(2 * LEASE)).await.unwrap(), Ended::Kept);
    let effects = [("last".to_owned(), 1), ("last too".to_owned(), 1)];
    assert_eq!(place.effects().await, HashMap::from(effects));
    assert!(matches!(inbox.take(&delivery, at(3 * LEASE)).await.unwrap(), Taken::Finished));
}

async fn a_handler_in_sqlite_keeps_others_waiting_only_after_its_first_write(place: &places::Sqlite) {
    let inbox = Inbox::new(place.store());
    let [one, other] = [testing::completed(), testing::failed()].map(|it| verified(&it));
    let mut one = handle(&inbox, &one, at(0)).await;
    let other = handle(&inbox, &other, at(0)).await;
    place.effect(one.transaction(), "one").await;
    let mut finish = std::pin::pin!(other.finish(at(0)));
    assert!(timeout(Duration::from_millis(50), &mut finish).await.is_err());
    assert_eq!(one.finish(at(0)).await.unwrap(), Ended::Kept);
    assert_eq!(finish.await.unwrap(), Ended::Kept);
}

async fn a_transaction_of_sqlite_that_was_undone_does_not_go_on(place: &places::Sqlite) {
    let inbox = Inbox::new(place.store());
    let delivery = verified(&testing::completed());
    // Cut off in the middle of a write.
    let mut handler = handle(&inbox, &delivery, at(0)).await;
    place.effect(handler.transaction(), "first").await;
    let slow = handler.transaction().run(|_| {
        std::thread::park_timeout(Duration::from_millis(200));
        Ok(())
    });
    assert!(timeout(Duration::from_millis(20), slow).await.is_err());
    let again = handler.transaction().run(|_| Ok(())).await;
    assert!(matches!(again, Err(SqliteError::Undone)), "{again:?}");
    assert!(matches!(handler.finish(at(0)).await, Err(SqliteError::Undone)));

    // Ended by the handler itself.
    let mut handler = handle(&inbox, &delivery, at(LEASE)).await;
    let ended = handler.transaction().run(|file| file.execute_batch("COMMIT")).await;
    assert!(matches!(ended, Err(SqliteError::Undone)), "{ended:?}");
    drop(handler);

    // Ended by a panic.
    let mut handler = handle(&inbox, &delivery, at(2 * LEASE)).await;
    place.effect(handler.transaction(), "before").await;
    let transaction = handler.transaction();
    let panics = AssertUnwindSafe(transaction.run(|_| -> rusqlite::Result<()> { panic!("on purpose") }));
    let payload = panics.catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"on purpose"));
    assert!(matches!(handler.finish(at(2 * LEASE)).await, Err(SqliteError::Undone)));
    assert_eq!(place.effects().await, HashMap::new());

    // An error of the closure's own is given back, and the transaction goes on.
    let mut handler = handle(&inbox, &delivery, at(3 * LEASE)).await;
    let refused =
        handler.transaction().run(|file| file.execute_batch("INSERT INTO nowhere VALUES (1)")).await;
    assert!(matches!(refused, Err(SqliteError::Database(_))), "{refused:?}");
    place.effect(handler.transaction(), "after").await;
    let _ = handler.finish(at(3 * LEASE)).await.unwrap();
    assert_eq!(place.effects().await, HashMap::from([("after".to_owned(), 1)]));
}

async fn a_connection_of_postgres_goes_back_to_the_pool_without_its_transaction(place: &places::Postgres) {
    let inbox = Inbox::new(place.store());
    for number in 0..40 {
        let delivery = verified(&testing::completed().reference(&format!("PAY-{number}")));
        let mut handler = handle(&inbox, &delivery, at(0)).await;
        place.effect(handler.transaction(), "undone").await;
        drop(handler);
    }
    assert_eq!(place.effects().await, HashMap::new());
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%' AND query LIKE '%{}%'",
        place.schema
    );
    let open = async || place.client().await.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0);
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while open().await > 0 {
        assert!(std::time::Instant::now() < deadline, "transactions are left open");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(place.store().pool().status().size <= 16);
}

async fn several_make_the_tables_of_sqlite_at_once(place: &places::Sqlite) {
    let path = place.path().with_extension("new");
    let opened = (0..8).map(|_| tokio::spawn(SqliteStore::open(path.clone())));
    for store in opened.collect::<Vec<_>>() {
        store.await.unwrap().unwrap();
    }
    let store = SqliteStore::open(&path).await.unwrap();
    let version = store.run(|file| {
        file.query_row("SELECT group_concat(version) FROM inbox_version", [], |row| {
            row.get::<_, Option<String>>(0)
        })
    });
    assert_eq!(version.await.unwrap(), Some("1".to_owned()));
    let mode = store.run(|file| file.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)));
    assert_eq!(mode.await.unwrap(), "wal");
    let full = store.run(|file| file.query_row("PRAGMA synchronous", [], |row| row.get::<_, i64>(0)));
    assert_eq!(full.await.unwrap(), 2);

    store.run(|file| file.execute_batch("UPDATE inbox_version SET version = 99")).await.unwrap();
    let newer = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(newer, SqliteError::Newer { found: 99, known: 1 }), "{newer:?}");
    drop(store);
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", path.display()));
    }
}

async fn several_make_the_tables_of_postgres_at_once(place: &places::Postgres) {
    let schema = format!("{}_new", place.schema);
    let stores: Vec<_> =
        (0..8).map(|_| PostgresStore::connect(&places::Postgres::address(), &schema).unwrap()).collect();
    let delivery = verified(&testing::completed());
    let early = Inbox::new(stores[0].clone()).take(&delivery, at(0)).await.map(drop);
    assert_eq!(early, Err(PostgresError::NotMigrated));
    let made: Vec<_> =
        stores.into_iter().map(|store| tokio::spawn(async move { store.migrate().await })).collect();
    for made in made {
        made.await.unwrap().unwrap();
    }
    let client = place.client().await;
    let version = client.query(&format!("SELECT version FROM {schema}.inbox_version"), &[]).await.unwrap();
    assert_eq!(version.iter().map(|row| row.get(0)).collect::<Vec<i64>>(), [1]);
    client.batch_execute(&format!("UPDATE {schema}.inbox_version SET version = 99")).await.unwrap();
    let newer = PostgresStore::connect(&places::Postgres::address(), &schema).unwrap().migrate().await;
    client.batch_execute(&format!("DROP SCHEMA {schema} CASCADE")).await.unwrap();
    assert_eq!(newer, Err(PostgresError::Newer { found: 99, known: 1 }));
}

async fn what_the_server_says_of_a_row_is_not_repeated(place: &places::Postgres) {
    let sql = format!("ALTER TABLE {}.inbox_event ADD CHECK (body NOT LIKE '%canary%')", place.schema);
    place.client().await.batch_execute(&sql).await.unwrap();
    let delivery = verified(&testing::named("x").with("text", "canary"));
    let refused = Inbox::new(place.store()).put(&delivery, at(0)).await.unwrap_err();
    assert!(matches!(&refused, PostgresError::Database { code: Some(code), .. } if **code == *"23514"));
    assert!(!format!("{refused} {refused:?}").contains("canary"));
}

async fn a_table_that_is_missing_is_named_unless_it_is_the_inboxs(place: &places::Postgres) {
    let client = place.client().await;
    let of_the_shop = client.execute("INSERT INTO bookings_of_nobody VALUES (1)", &[]).await.unwrap_err();
    let shown = PostgresError::from(of_the_shop).to_string();
    assert!(shown.contains("bookings_of_nobody") && !shown.contains("migrate"), "{shown}");
    client.batch_execute(&format!("DROP TABLE {}.inbox_event", place.schema)).await.unwrap();
    drop(client);
    let refused = Inbox::new(place.store()).put(&verified(&testing::completed()), at(0)).await;
    assert_eq!(refused.unwrap_err(), PostgresError::NotMigrated);
}

#[test]
fn sqlite_has_no_known_fault_in_write_ahead_mode() {
    // Before 3.51.3, two processes that wrote and tidied up at the same moment could damage the file.
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_for_sqlite_gets_an_error() {
    let inbox = Inbox::new(SqliteStore::open(":memory:").await.unwrap());
    let [one, other] = [testing::completed(), testing::failed()].map(|it| verified(&it));
    let mut handler = handle(&inbox, &one, at(0)).await;
    handler.transaction().run(|file| file.execute_batch("CREATE TABLE effect (text TEXT)")).await.unwrap();
    let began = tokio::time::Instant::now();
    let busy = inbox.take(&other, at(0)).await.map(drop);
    assert!(matches!(busy, Err(SqliteError::Busy)), "{busy:?}");
    assert_eq!(began.elapsed().as_secs(), 5);
    // Nobody was harmed.
    assert_eq!(handler.finish(at(0)).await.unwrap(), Ended::Kept);
    drop(handle(&inbox, &other, at(0)).await);
}

async fn a_row_that_somebody_else_has_written_is_an_error(place: &places::Sqlite) {
    let inbox = Inbox::new(place.store());
    assert_eq!(inbox.put(&verified(&testing::completed()), at(0)).await.unwrap(), Kept::New);
    place.store().run(|file| file.execute_batch("UPDATE inbox_event SET key = 'nonsense'")).await.unwrap();
    assert!(matches!(inbox.next(at(0)).await.map(drop), Err(SqliteError::Unreadable("key"))));
}

async fn a_key_that_somebody_else_has_written_is_an_error(place: &places::Redis) {
    let inbox = Inbox::new(place.store());
    let _: u64 = place.ask("SADD", &[&place.key("events"), "canary"]).await;
    let error = inbox.take(&verified(&testing::completed()), at(0)).await.map(drop).unwrap_err();
    assert!(matches!(error, RedisError::Server { .. }) && !error.to_string().contains("canary"), "{error}");
}

#[test]
fn a_name_or_an_address_that_cannot_be_right_is_refused_without_repeating_it() {
    places::runtime().block_on(async {
        let names = ["", "Shop", "a b", "a\"b", "1a", "pg_a", "a-b", "ä", &"a".repeat(64)];
        for name in names {
            let refused = PostgresStore::connect("postgres://127.0.0.1/x", name).map(drop);
            assert_eq!(refused, Err(PostgresError::SchemaName), "{name}");
        }
        assert!(PostgresStore::connect("postgres://127.0.0.1/x", &"a".repeat(63)).is_ok());
        for name in ["", "a{b", "a}b"] {
            assert_eq!(RedisStore::connect("redis://127.0.0.1/", name).map(drop), Err(RedisError::Prefix));
        }
        let postgres = PostgresStore::connect("postgres://me:canary@host:port/x?canary=1", "a").unwrap_err();
        assert_eq!(postgres, PostgresError::Address);
        for address in ["canary", "redis://me:canary@host:port/", "rediss://me:canary@127.0.0.1/"] {
            assert_eq!(RedisStore::connect(address, "a").unwrap_err(), RedisError::Address, "{address}");
        }
        let sqlite = SqliteStore::open("/no such folder/x.db").await.unwrap_err();
        assert!(matches!(sqlite, SqliteError::Database(rusqlite::Error::SqliteFailure(..))), "{sqlite:?}");
    });
}

#[test]
fn a_server_that_is_down_is_an_error_without_the_password() {
    places::runtime().block_on(async {
        // A port that was free a moment ago.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let delivery = verified(&testing::completed());
        let store = PostgresStore::connect(&format!("postgres://me:canary@127.0.0.1:{port}/x"), "a").unwrap();
        let error = Inbox::new(store).take(&delivery, at(0)).await.map(drop).unwrap_err();
        assert!(matches!(error, PostgresError::NoConnection(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"));
        let store = RedisStore::connect(&format!("redis://me:canary@127.0.0.1:{port}/"), "a").unwrap();
        let error = Inbox::new(store).take(&delivery, at(0)).await.map(drop).unwrap_err();
        assert!(matches!(error, RedisError::NoConnection(_)), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    });
}
