//! Callbacks on their whole way: from the sandbox, over a socket, to a receiver.

use axum::{Router, body::Bytes, extract::OriginalUri, routing::any};
use cabital::{
    Cabital, Hosts, Scheme,
    callbacks::{Callback, Incoming, Receiver, Verifier},
    connection::{Connection, Step},
    models::{ConnectionState, TransferStatus},
    transfers::GetTransfer,
};
use capecrypto_auth::{Clock, Credentials, ManualTime};
use capecrypto_models::dec;
use capecrypto_rest::Polling;
use capecrypto_sandbox::{
    Sandbox,
    cabital::{CallbackState, ConnectionState as State, TransferDirection},
};
use capecrypto_webhook::{Delivery, Inbox, MemoryStore};
use http::{HeaderMap, Method, StatusCode};
use std::{
    sync::{Arc, Mutex, atomic::AtomicU32, atomic::Ordering},
    time::Duration,
};
use tokio::net::TcpListener;

/// A request as it came: method, path, headers, body.
type Captured = (String, String, HeaderMap, Vec<u8>);

/// The partner: a client, a receiver behind a server, and what both have seen. Its clock is moved together with the sandbox's.
struct Partner {
    sandbox: Sandbox,
    cabital: Cabital,
    time: ManualTime,
    receive: Arc<dyn Fn(Captured) -> Answering + Send + Sync>,
    captured: Arc<Mutex<Vec<Captured>>>,
    handled: Arc<Mutex<Vec<Incoming>>>,
}

const PATH: &str = "/cabital/events";

/// Serves these routes, and answers the address of the callbacks.
async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}{PATH}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    url
}

type Answering = std::pin::Pin<Box<dyn Future<Output = u16> + Send>>;

impl Partner {
    /// The first `failures` runs of the handler fail.
    async fn start(failures: u32) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let access = sandbox.cabital();
        let (clock, time) = Clock::manual(Clock::system().now_ms());
        let credentials = Credentials::new(&access.access_key, &access.secret).unwrap();
        let handled = Arc::new(Mutex::new(Vec::new()));
        let (seen, runs) = (handled.clone(), AtomicU32::new(0));
        let handler = move |incoming: Incoming| {
            let fails = runs.fetch_add(1, Ordering::Relaxed) < failures;
            seen.lock().unwrap().push(incoming);
            async move { if fails { Err("the database is down") } else { Ok(()) } }
        };
        let verifier = Verifier::new(&credentials, Scheme::default());
        let receiver = Receiver::new(verifier, Inbox::new(MemoryStore::new()), handler).clock(clock.clone());
        let receive = Arc::new(move |(method, path, headers, body): Captured| -> Answering {
            let delivery = Delivery { method: &method, path: &path, headers: &headers, body: &body };
            let receiving = receiver.receive_delivery(&delivery);
            Box::pin(async move { receiving.await.status })
        });
        let hosts = Hosts::at(&access.origin, &access.link_origin).unwrap();
        let cabital = Cabital::builder(hosts).credentials(credentials).clock(clock).build().unwrap();
        let partner = Self { sandbox, cabital, time, receive, captured: Arc::default(), handled };
        let url = partner.serve().await;
        partner.sandbox.control().cabital().set_callback_url(None, Some(&url)).unwrap();
        partner
    }

    async fn serve(&self) -> String {
        let (receive, captured) = (self.receive.clone(), self.captured.clone());
        let handler = async move |method: Method, OriginalUri(uri), headers: HeaderMap, body: Bytes| {
            let request = (method.to_string(), uri.path().to_owned(), headers, body.to_vec());
            captured.lock().unwrap().push(request.clone());
            StatusCode::from_u16(receive(request).await).unwrap()
        };
        serve(Router::new().route(PATH, any(handler))).await
    }

    /// Moves both clocks.
    fn advance(&self, by: Duration) {
        self.time.advance(by);
        self.sandbox.control().advance_clock(i64::try_from(by.as_millis()).unwrap());
    }

    /// Waits until the callback with this number has this many attempts, and answers its state.
    async fn attempts(&self, number: u64, attempts: u32) -> CallbackState {
        for _ in 0..2_000 {
            let callbacks = self.sandbox.control().cabital().callbacks(number - 1);
            match callbacks.first() {
                Some(callback) if callback.attempts == attempts => return callback.state,
                _ => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
        panic!("callback {number} has not {attempts} attempts after 10 seconds");
    }

    fn handled(&self) -> Vec<Incoming> {
        self.handled.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn a_customers_transfer_comes_again_until_it_is_handled_and_its_result_is_taken() {
    let partner = Partner::start(4).await;
    let account = partner.sandbox.cabital().account_id.clone();
    let control = partner.sandbox.control().cabital();
    let transfer =
        control.customer_transfer(&account, "USDT", TransferDirection::Debit, dec!(152.5)).unwrap();
    assert_eq!(partner.attempts(1, 1).await, CallbackState::Waiting);
    for (attempts, seconds) in [(2, 300), (3, 3_600), (4, 5 * 3_600), (5, 18 * 3_600)] {
        // A second before its time, nothing comes.
        partner.advance(Duration::from_secs(seconds - 1));
        assert_eq!(partner.handled().len(), attempts - 1);
        partner.advance(Duration::from_secs(2));
        let state = partner.attempts(1, u32::try_from(attempts).unwrap()).await;
        let last = attempts == 5;
        assert_eq!(state, if last { CallbackState::Delivered } else { CallbackState::Waiting });
    }
    let handled = partner.handled();
    let attempts: Vec<u32> = handled.iter().map(|incoming| incoming.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4, 5]);
    assert!(handled.iter().all(|incoming| incoming.key == handled[0].key));
    let Callback::Transfer(event) = &handled[4].event else { panic!("{handled:?}") };
    assert_eq!(
        (event.transfer_id.as_str(), event.amount, event.symbol.as_str()),
        (&*transfer, dec!(152.5), "USDT")
    );

    // The money was moved on the partner's side. Until the report, the transfer is open.
    let read = async || {
        partner.cabital.send(GetTransfer::new(account.as_str(), transfer.as_str())).await.unwrap().status
    };
    assert_eq!(read().await, TransferStatus::Processing);
    let polling = Polling::within(Duration::from_secs(5));
    event.succeeded(account.as_str()).until_received(&partner.cabital, polling).await.unwrap();
    assert_eq!(read().await, TransferStatus::Success);
    assert!(control.ledger().sums_to_zero);
    partner.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_captured_callback_is_not_handled_again_and_a_changed_one_is_refused() {
    let partner = Partner::start(0).await;
    let account = partner.sandbox.cabital().account_id.clone();
    let control = partner.sandbox.control().cabital();
    control.customer_transfer(&account, "BTC", TransferDirection::Credit, dec!(0.5)).unwrap();
    assert_eq!(partner.attempts(1, 1).await, CallbackState::Delivered);
    let captured = partner.captured.lock().unwrap()[0].clone();
    for _ in 0..3 {
        assert_eq!((partner.receive)(captured.clone()).await, 200);
    }
    let (method, path, headers, body) = captured.clone();
    for place in 0..body.len() {
        let mut changed = body.clone();
        changed[place] ^= 1;
        let status = (partner.receive)((method.clone(), path.clone(), headers.clone(), changed)).await;
        assert_eq!(status, 401, "byte {place}");
    }
    assert_eq!((partner.receive)(("PUT".to_owned(), path, headers, body)).await, 401);
    assert_eq!(partner.handled().len(), 1);
    // After 48 hours nobody knows any more whether it was handled.
    partner.advance(Duration::from_secs(48 * 3_600 + 1));
    assert_eq!((partner.receive)(captured).await, 401);
    assert_eq!(partner.handled().len(), 1);
    partner.sandbox.shutdown().await;
}

#[tokio::test]
async fn a_connection_follows_the_states_that_are_told() {
    let partner = Partner::start(0).await;
    let control = partner.sandbox.control().cabital();
    for link_mode in [false, true] {
        let account =
            control.add_account(&format!("customer {link_mode}"), State::Initialized, link_mode).unwrap();
        let mut connection = Connection::new();
        let told = partner.handled().len();
        let walk = [
            (State::Pending, ConnectionState::Pending),
            (State::Created, ConnectionState::Created),
            (State::Matching, ConnectionState::Matching),
            (State::Matched, ConnectionState::Matched),
            (State::Unlinked, ConnectionState::Unlinked),
            // Connected again, it begins as CREATED.
            (State::Created, ConnectionState::Created),
        ];
        for (place, (state, expected)) in walk.into_iter().enumerate() {
            partner.advance(Duration::from_secs(60));
            control.set_state(&account, state).unwrap();
            let number = u64::try_from(control.callbacks(0).len()).unwrap();
            assert_eq!(partner.attempts(number, 1).await, CallbackState::Delivered);
            let handled = partner.handled();
            assert_eq!(handled.len(), told + place + 1);
            let Callback::Connection(event) = &handled[told + place].event else { panic!("{handled:?}") };
            assert_eq!((event.account_uuid.as_str(), &event.status), (&*account, &expected));
            let step = connection.apply(&event.status, event.event_time);
            assert_eq!(step, if place == 0 { Step::First } else { Step::Moved }, "{expected}");
            assert_eq!(connection.may_transfer(), expected == ConnectionState::Matched);
        }
        let methods: Vec<String> =
            partner.captured.lock().unwrap()[told..].iter().map(|(method, ..)| method.clone()).collect();
        assert!(methods.iter().all(|method| method == if link_mode { "PUT" } else { "POST" }), "{methods:?}");
    }
    partner.sandbox.shutdown().await;
}

#[tokio::test]
async fn the_receiver_is_a_handler_of_axum_also_in_a_nested_router() {
    let sandbox = Sandbox::start().await.unwrap();
    let access = sandbox.cabital();
    let credentials = Credentials::new(&access.access_key, &access.secret).unwrap();
    let handled = Arc::new(Mutex::new(Vec::new()));
    let seen = handled.clone();
    let handler = move |incoming: Incoming| {
        seen.lock().unwrap().push(incoming);
        async { Ok::<(), &str>(()) }
    };
    let verifier = Verifier::new(&credentials, Scheme::default());
    let receiver = Receiver::new(verifier, Inbox::new(MemoryStore::new()), handler);
    let url = serve(Router::new().nest("/cabital", Router::new().route("/events", any(receiver)))).await;
    let control = sandbox.control().cabital();
    control.set_callback_url(None, Some(&url)).unwrap();
    // The state of an account comes with POST, that of a link with PUT.
    for (number, link_mode) in [(1, false), (2, true)] {
        let account =
            control.add_account(&format!("customer {number}"), State::Initialized, link_mode).unwrap();
        control.set_state(&account, State::Pending).unwrap();
        let delivered = || {
            let state = control.callbacks(number - 1).first().map(|callback| callback.state);
            state == Some(CallbackState::Delivered)
        };
        for _ in 0..2_000 {
            if delivered() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(delivered(), "{:?}", control.callbacks(0));
    }
    assert_eq!(handled.lock().unwrap().len(), 2);
    sandbox.shutdown().await;
}
