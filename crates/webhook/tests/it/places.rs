//! Where the stores of a test are. Each test has a file, a schema or a prefix of its own, which is removed afterwards.
//!
//! The tests on PostgreSQL and Redis are skipped if `CAPECRYPTO_TEST_DATABASE_URL` or `CAPECRYPTO_TEST_REDIS_URL` is not set.
//! With `CAPECRYPTO_TEST_STORES=required`, that is a failure.

use crate::{durable, inbox, kills, queues, stores::Transactional};
use capecrypto_webhook::{
    Inbox, MemoryStore, PostgresStore, RedisStore, SqliteStore, Store, deadpool_postgres,
    redis::{self, AsyncConnectionConfig, aio::MultiplexedConnection},
    rusqlite, tokio_postgres,
};
use std::{
    collections::HashMap,
    env,
    fmt::Debug,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
};
use tokio::runtime::Runtime;

const POSTGRES: &str = "CAPECRYPTO_TEST_DATABASE_URL";
const REDIS: &str = "CAPECRYPTO_TEST_REDIS_URL";

/// The place of a store.
pub(crate) trait Place: Sized {
    type Store: Store + Debug + 'static;

    /// Which variable says where the server is.
    const VARIABLE: Option<&'static str> = None;

    /// Makes an empty one.
    async fn make() -> Self;

    fn store(&self) -> Self::Store;

    async fn remove(self) {}
}

/// A place that outlives the process.
pub(crate) trait Durable: Place {
    const NAME: &'static str;
    /// Whether a handler writes with the store's transaction.
    const TRANSACTIONS: bool;

    /// For another process.
    fn location(&self) -> String;

    async fn at(location: &str) -> Self;

    /// What a handler does in these tests: it notes a text.
    async fn effect(&self, transaction: &mut <Self::Store as Store>::Transaction<'_>, text: &str);

    /// How often each text was noted.
    async fn effects(&self) -> HashMap<String, u64>;

    /// How many bodies are kept.
    async fn bodies(&self) -> u64;
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Runs a test on a place, and removes the place also if the test fails.
pub(crate) fn with<P: Place>(test: impl AsyncFnOnce(&P)) {
    if let Some(variable) = missing::<P>() {
        return eprintln!("skipped: {variable} is not set");
    }
    let runtime = runtime();
    let place = runtime.block_on(P::make());
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(test(&place))));
    runtime.block_on(place.remove());
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

/// Runs a rule on a place.
pub(crate) fn on<P: Place>(rule: impl AsyncFnOnce(Inbox<P::Store>)) {
    with::<P>(async |place| rule(Inbox::new(place.store())).await);
}

/// The variable that is not set. If it must be, this fails.
fn missing<P: Place>() -> Option<&'static str> {
    let variable = P::VARIABLE.filter(|variable| env::var(variable).is_err())?;
    let required = env::var("CAPECRYPTO_TEST_STORES").is_ok_and(|value| value == "required");
    assert!(!required, "{variable} is not set, and CAPECRYPTO_TEST_STORES=required");
    Some(variable)
}

/// Says how many tests are skipped, past the capture of the test's output.
#[test]
fn what_is_skipped_is_counted() {
    let everywhere = inbox::RULES + inbox::PROPERTIES + queues::RULES + durable::RULES + kills::RULES;
    let postgres = everywhere + durable::WITH_TRANSACTIONS + durable::ON_POSTGRES;
    let redis = everywhere + durable::ON_REDIS;
    for (variable, tests) in [(missing::<Postgres>(), postgres), (missing::<Redis>(), redis)] {
        if let Some(variable) = variable {
            let say = format!("skipped {tests} tests of stores: {variable} is not set\n");
            std::io::stderr().write_all(say.as_bytes()).unwrap();
        }
    }
}

/// Runs each test in each place, in a module with the name of the place, and counts them.
macro_rules! every_place {
    ($count:ident = $run:ident [$($module:ident: $place:ident),*] $tests:tt) => {
        $($crate::places::every_place!(@ $run $module $place $tests);)*
        $crate::places::every_place!(@ $count $tests);
    };
    (@ $count:ident [$($name:ident),* $(,)?]) => {
        #[allow(dead_code, reason = "what runs everywhere is not skipped")]
        pub(crate) const $count: usize = [$(stringify!($name)),*].len();
    };
    (@ $run:ident $module:ident $place:ident [$($name:ident),* $(,)?]) => {
        mod $module {
            $(#[test]
            fn $name() {
                $crate::places::$run::<$crate::places::$place>(super::$name);
            })*
        }
    };
}
pub(crate) use every_place;

pub(crate) struct Memory;

impl Place for Memory {
    type Store = MemoryStore;

    async fn make() -> Self {
        Self
    }

    fn store(&self) -> MemoryStore {
        MemoryStore::new()
    }
}

pub(crate) struct InTest;

impl Place for InTest {
    type Store = Transactional;

    async fn make() -> Self {
        Self
    }

    fn store(&self) -> Transactional {
        Transactional::default()
    }
}

/// A name that no other test has.
fn unique() -> String {
    format!("cape_test_{:016x}", fastrand::u64(..))
}

pub(crate) struct Sqlite {
    path: PathBuf,
    store: SqliteStore,
}

impl Sqlite {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    async fn open(path: PathBuf) -> Self {
        let store = SqliteStore::open(&path).await.unwrap();
        store.run(|file| file.execute_batch("CREATE TABLE IF NOT EXISTS effect (text TEXT)")).await.unwrap();
        Self { path, store }
    }
}

impl Place for Sqlite {
    type Store = SqliteStore;

    async fn make() -> Self {
        // In memory if possible: what a killed process has written is there all the same, and a slow disk does not count.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { memory.to_owned() } else { env::temp_dir() };
        Self::open(folder.join(unique())).await
    }

    fn store(&self) -> SqliteStore {
        self.store.clone()
    }

    async fn remove(self) {
        let path = self.path.to_str().unwrap().to_owned();
        drop(self);
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{path}{end}"));
        }
    }
}

impl Durable for Sqlite {
    const NAME: &'static str = "sqlite";
    const TRANSACTIONS: bool = true;

    fn location(&self) -> String {
        self.path.to_str().unwrap().to_owned()
    }

    async fn at(location: &str) -> Self {
        Self::open(location.into()).await
    }

    async fn effect(&self, transaction: &mut <SqliteStore as Store>::Transaction<'_>, text: &str) {
        let text = text.to_owned();
        transaction.run(move |file| file.execute("INSERT INTO effect VALUES (?1)", [text])).await.unwrap();
    }

    async fn effects(&self) -> HashMap<String, u64> {
        let read = |file: &rusqlite::Connection| {
            let mut effects = file.prepare("SELECT text, count(*) FROM effect GROUP BY text")?;
            let rows = effects.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))?;
            rows.map(|row| row.map(|(text, count)| (text, u64::try_from(count).unwrap()))).collect()
        };
        self.store.run(read).await.unwrap()
    }

    async fn bodies(&self) -> u64 {
        let count = "SELECT count(body) FROM inbox_event";
        let count: i64 = self.store.run(|file| file.query_row(count, [], |row| row.get(0))).await.unwrap();
        u64::try_from(count).unwrap()
    }
}

pub(crate) struct Postgres {
    pub(crate) schema: String,
    store: PostgresStore,
}

impl Postgres {
    /// A slow disk does not count here: what was committed is there as long as the server runs.
    pub(crate) fn address() -> String {
        let address = env::var(POSTGRES).unwrap();
        let join = if address.contains('?') { '&' } else { '?' };
        format!("{address}{join}options=-c%20synchronous_commit%3Doff")
    }

    pub(crate) async fn client(&self) -> deadpool_postgres::Object {
        self.store.pool().get().await.unwrap()
    }

    async fn open(schema: &str) -> Self {
        // Few connections, because the server makes a process for each.
        let manager =
            deadpool_postgres::Manager::new(Self::address().parse().unwrap(), tokio_postgres::NoTls);
        let pool = deadpool_postgres::Pool::builder(manager).max_size(5).build().unwrap();
        let store = PostgresStore::new(pool, schema).unwrap();
        Self { schema: schema.to_owned(), store }
    }
}

impl Place for Postgres {
    type Store = PostgresStore;

    const VARIABLE: Option<&'static str> = Some(POSTGRES);

    async fn make() -> Self {
        let place = Self::open(&unique()).await;
        place.store.migrate().await.unwrap();
        let sql = format!("CREATE TABLE {}.effect (text text)", place.schema);
        place.client().await.batch_execute(&sql).await.unwrap();
        place
    }

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }

    async fn remove(self) {
        let sql = format!("DROP SCHEMA {} CASCADE", self.schema);
        self.client().await.batch_execute(&sql).await.unwrap();
    }
}

impl Durable for Postgres {
    const NAME: &'static str = "postgres";
    const TRANSACTIONS: bool = true;

    fn location(&self) -> String {
        self.schema.clone()
    }

    async fn at(location: &str) -> Self {
        Self::open(location).await
    }

    async fn effect(&self, transaction: &mut <PostgresStore as Store>::Transaction<'_>, text: &str) {
        let sql = format!("INSERT INTO {}.effect VALUES ($1)", self.schema);
        transaction.client().await.unwrap().execute(&sql, &[&text]).await.unwrap();
    }

    async fn effects(&self) -> HashMap<String, u64> {
        let sql = format!("SELECT text, count(*) FROM {}.effect GROUP BY text", self.schema);
        let rows = self.client().await.query(&sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), u64::try_from(row.get::<_, i64>(1)).unwrap())).collect()
    }

    async fn bodies(&self) -> u64 {
        let sql = format!("SELECT count(body) FROM {}.inbox_event", self.schema);
        u64::try_from(self.client().await.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0)).unwrap()
    }
}

pub(crate) struct Redis {
    prefix: String,
    store: RedisStore,
    connection: MultiplexedConnection,
}

impl Redis {
    async fn open(prefix: &str) -> Self {
        let address = env::var(REDIS).unwrap();
        let client = redis::Client::open(address.as_str()).unwrap();
        // By default it gives up after half a second, which a busy machine needs.
        let patient = AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&patient).await.unwrap();
        Self { prefix: prefix.to_owned(), store: RedisStore::connect(&address, prefix).unwrap(), connection }
    }

    pub(crate) fn key(&self, name: &str) -> String {
        format!("{{{}}}:{name}", self.prefix)
    }

    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, command: &str, arguments: &[&str]) -> T {
        redis::cmd(command).arg(arguments).query_async(&mut self.connection.clone()).await.unwrap()
    }
}

impl Place for Redis {
    type Store = RedisStore;

    const VARIABLE: Option<&'static str> = Some(REDIS);

    async fn make() -> Self {
        Self::open(&unique()).await
    }

    fn store(&self) -> RedisStore {
        self.store.clone()
    }

    async fn remove(self) {
        for name in ["events", "bodies", "due", "dead", "finished", "references", "open", "effects"] {
            let _: u64 = self.ask("DEL", &[&self.key(name)]).await;
        }
        // The seven of the documentation are all.
        let left: Vec<String> = self.ask("KEYS", &[&format!("*{}*", self.prefix)]).await;
        assert_eq!(left, Vec::<String>::new());
    }
}

impl Durable for Redis {
    const NAME: &'static str = "redis";
    const TRANSACTIONS: bool = false;

    fn location(&self) -> String {
        self.prefix.clone()
    }

    async fn at(location: &str) -> Self {
        Self::open(location).await
    }

    async fn effect(&self, _: &mut <RedisStore as Store>::Transaction<'_>, text: &str) {
        let _: u64 = self.ask("HINCRBY", &[&self.key("effects"), text, "1"]).await;
    }

    async fn effects(&self) -> HashMap<String, u64> {
        self.ask("HGETALL", &[&self.key("effects")]).await
    }

    async fn bodies(&self) -> u64 {
        self.ask("HLEN", &[&self.key("bodies")]).await
    }
}
