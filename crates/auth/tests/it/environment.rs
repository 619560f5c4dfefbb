use capecrypto_auth::{Credentials, Environment, EnvironmentError, Origin, Service, TimeUnit};

const TRADE: Service = Service::new("trade", "/api/v2/atlas").older("/api/v2/trade");
const ACCOUNT: Service = Service::new("account", "/api/v2/atlas").older("/api/v2/trade");
const FILES: Service = Service::new("files", "/api/v2/files");

#[test]
fn two_versions_are_two_tables() {
    let (live, legacy) = (Environment::live(), Environment::legacy());
    assert_eq!(live.origin().as_str(), "https://trade.capecrypto.com");
    assert_eq!(live.origin(), legacy.origin());
    assert_eq!([TRADE, FILES].map(|service| live.path(service)), ["/api/v2/atlas", "/api/v2/files"]);
    assert_eq!([TRADE, FILES].map(|service| legacy.path(service)), ["/api/v2/trade", "/api/v2/files"]);
    assert_eq!((live.time_unit(), legacy.time_unit()), (TimeUnit::Milliseconds, TimeUnit::Seconds));
}

#[test]
fn origins() {
    for good in [
        "https://example.com",
        "https://example.com:8443",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:80",
        "http://127.9.9.9",
        "http://LOCALHOST/",
    ] {
        Origin::parse(good).unwrap_or_else(|error| panic!("{good}: {error}"));
    }
    for bad in [
        "",
        "example.com",
        "ftp://localhost",
        "https://",
        "https://a/b",
        "https://user@example.com",
        "http://localhost@example.com",
        "https://a b",
        "https://a?x",
        "https://a#x",
        "https://a:0x1",
        "https://a:99999",
        "https://a:",
        "http://[::1",
        "http://[::1]x",
        "https://é",
        "http://[127.0.0.1]",
        "https://a\n",
        "https://a//",
    ] {
        assert_eq!(Origin::parse(bad), Err(EnvironmentError::NotAnOrigin), "{bad:?}");
    }
    for elsewhere in [
        "http://example.com",
        "http://10.0.0.1",
        "http://localhost.example.com",
        "http://0.0.0.0",
        "http://127.0.0.1.example.com",
        "http://[::]",
    ] {
        assert_eq!(Origin::parse(elsewhere), Err(EnvironmentError::PlainHttp), "{elsewhere}");
    }
    assert_eq!(Environment::local("https://example.com"), Err(EnvironmentError::NotLocal));
    assert_eq!(Environment::local("http://localhost:1/").unwrap().origin().as_str(), "http://localhost:1");
}

#[test]
fn keys_go_where_they_belong() {
    let sandbox = Credentials::new("sandbox_1", "x").unwrap();
    let real = Credentials::new("1", "x").unwrap();
    let local = Environment::local("http://127.0.0.1:1").unwrap();
    assert_eq!(local.admit(&sandbox), Ok(()));
    assert_eq!(local.admit(&real), Err(EnvironmentError::RealKeyOverHttp));
    assert_eq!(Environment::live().admit(&real), Ok(()));
    assert_eq!(Environment::live().admit(&sandbox), Err(EnvironmentError::SandboxKeyElsewhere));
    assert_eq!(Environment::at("https://localhost").unwrap().admit(&real), Ok(()));
}

#[test]
fn a_services_path_can_be_set_to_a_path_and_nothing_else() {
    let changed = Environment::live().with_path(ACCOUNT, "/api/v2").unwrap();
    assert_eq!(changed.path(ACCOUNT), "/api/v2");
    assert_eq!(changed.path(TRADE), "/api/v2/atlas");
    for bad in ["", "/", "api", "/a/", "/a//b", "/../b", "/a?b", "/%2e", "//evil.example"] {
        assert_eq!(Environment::live().with_path(TRADE, bad), Err(EnvironmentError::NotAPath), "{bad}");
    }
}

#[test]
fn the_older_version_is_told_from_the_current_one() {
    assert!(Environment::legacy().is_legacy() && !Environment::live().is_legacy());
    let moved = Environment::legacy().with_path(TRADE, "/api/v2").unwrap();
    assert!(moved.is_legacy(), "another path does not change the version");
}
