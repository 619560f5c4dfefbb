//! A program without the right runtime gets an error and not a panic.

use crate::calls::{credentials, get};
use capecrypto_auth::Environment;
use capecrypto_rest::{Client, Kind, Outcome, Upgrade};
use futures_util::FutureExt;
use http::Method;

fn client() -> Client {
    let builder = Client::builder(Environment::local("http://127.0.0.1:9").unwrap());
    builder.credentials(credentials()).build().unwrap()
}

#[test]
fn without_a_runtime_a_call_is_an_error() {
    let client = client();
    let error = client.send(get("7")).now_or_never().expect("it waits").unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Config, Outcome::NotSent));
    assert!(error.to_string().contains("runtime"), "{error}");
    let raw = client.raw(Method::GET, "/api/v2/atlas/public/markets").send();
    assert_eq!(raw.now_or_never().expect("it waits").unwrap_err().kind(), Kind::Config);
    let upgrade = Upgrade::new(crate::calls::STREAM, "/public");
    assert_eq!(client.upgrade(&upgrade).now_or_never().expect("it waits").unwrap_err().kind(), Kind::Config);
}

#[test]
fn a_runtime_without_timers_or_network_is_an_error_that_says_so() {
    let bare = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let error = bare.block_on(client().send(get("7"))).unwrap_err();
    assert!(error.kind() == Kind::Config && error.to_string().contains("enable_time"), "{error}");
    let timers = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let error = timers.block_on(client().send(get("7"))).unwrap_err();
    assert!(error.kind() == Kind::Config && error.to_string().contains("enable_io"), "{error}");
    let whole = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(whole.block_on(client().send(get("7"))).unwrap_err().kind(), Kind::Connect);
}
