use crate::{client_of, dec, until};
use capecrypto_auth::Environment;
use capecrypto_exchange::{ACCOUNT, TRADE};
use capecrypto_exchange::{account, public, trading};
use capecrypto_models::Side;
use capecrypto_sandbox::{Profile, Sandbox};
use std::time::Duration;

#[tokio::test]
async fn the_same_calls_work_on_every_version_of_the_paths() {
    let sandbox = Sandbox::start().await.unwrap();
    let current = Environment::local(sandbox.origin()).unwrap();
    let bare = current.clone().with_path(ACCOUNT, "/api/v2").unwrap().with_path(TRADE, "/api/v2").unwrap();
    for environment in [current.clone(), current.with_legacy_paths(), bare] {
        let client = client_of(environment, &sandbox, "maker");
        assert_eq!(client.send(public::ListMarkets::new()).await.unwrap().len(), 4);
        assert_eq!(client.send(account::ListBalances::new()).await.unwrap().len(), 8);
    }
}

#[tokio::test]
async fn a_range_of_time_holds_in_both_profiles_whatever_unit_they_count_in() {
    for profile in [Profile::Docs, Profile::Legacy] {
        let sandbox = Sandbox::builder().profile(profile).start().await.unwrap();
        let environment = Environment::local(sandbox.origin()).unwrap();
        let environment = match profile {
            Profile::Docs => environment,
            _ => environment.with_legacy_paths(),
        };
        let client = client_of(environment, &sandbox, "maker");
        let place =
            || client.send(trading::CreateOrder::limit("btczar", Side::Buy, dec("0.001"), dec("700000")));
        let early = place().await.unwrap();
        sandbox.control().advance_clock(3_600_000);
        // The exchange's clock is now an hour ahead of ours. The client learns that from one refused call.
        let late = until(|| async { place().await.ok() }).await;
        let between = early.created_at.checked_add(Duration::from_secs(1_800)).unwrap();
        let since = client.send(trading::ListOrders::new().time_from(between)).await.unwrap();
        assert_eq!(since.iter().map(|order| order.id).collect::<Vec<_>>(), [late.id], "{profile:?}");
        let before = client.send(trading::ListOrders::new().time_to(between)).await.unwrap();
        assert_eq!(before.iter().map(|order| order.id).collect::<Vec<_>>(), [early.id], "{profile:?}");
    }
}
