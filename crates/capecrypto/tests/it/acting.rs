//! Acting for sub-accounts: their money, orders, deposits and events are their own.

use capecrypto::{
    Cape, Credentials, Environment, Error, Event, Kind, Outcome, Side, Uid,
    account::{GetBalance, GetDeposit, GetDepositAddress, ListDeposits},
    dec,
    merchant::sub_accounts::{CreateSubAccount, DeleteSubAccount},
    models::SubAccount,
    public,
    stream::Stream,
    trading::{CancelOrder, CreateOrder, GetOrder, ListOrders},
};
use capecrypto_sandbox::{NewDeposit, Sandbox};
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

fn signed_in(sandbox: &Sandbox, name: &str) -> Cape {
    let keys = sandbox.account(name).unwrap();
    let credentials = Credentials::new(&keys.api_key, &keys.secret).unwrap();
    Cape::builder(Environment::local(sandbox.origin()).unwrap()).credentials(credentials).build().unwrap()
}

/// A merchant, and two sub-accounts of it.
struct Setup {
    sandbox: Sandbox,
    shop: Cape,
    tills: [SubAccount; 2],
}

impl Setup {
    async fn new() -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        let shop = signed_in(&sandbox, "merchant");
        let one = shop.send(CreateSubAccount::new("Till 1")).await.unwrap();
        let two = shop.send(CreateSubAccount::new("Till 2")).await.unwrap();
        Self { sandbox, shop, tills: [one, two] }
    }

    fn acting(&self) -> [Cape; 2] {
        self.tills.each_ref().map(|till| self.shop.acting_as(till.uid.clone()))
    }
}

fn buy() -> CreateOrder {
    CreateOrder::limit("btczar", Side::Buy, dec!(0.001), dec!(500_000))
}

/// All of the zar, and those that are locked.
async fn zar(cape: &Cape) -> (capecrypto::Decimal, capecrypto::Decimal) {
    let balance = cape.send(GetBalance::new("zar")).await.unwrap();
    (balance.total(), balance.locked())
}

async fn orders(cape: &Cape) -> usize {
    cape.items(ListOrders::new()).try_collect().await.unwrap().len()
}

fn is_refused(error: &Error) {
    assert_eq!((error.kind(), error.outcome(), error.status()), (Kind::Auth, Outcome::Refused, Some(401)));
    assert!(error.has_code("authz.invalid_permission"), "{error}");
}

#[tokio::test]
async fn money_and_orders_of_a_sub_account_are_its_own() {
    let setup = Setup::new().await;
    let [one, two] = setup.acting();
    let before = zar(&setup.shop).await;
    assert_eq!((zar(&one).await.0, zar(&two).await.0), (dec!(0), dec!(0)));
    setup.sandbox.control().deposit(setup.tills[0].uid.as_str(), "zar", dec!(600)).unwrap();
    let order = one.send(buy()).await.unwrap();
    let refusal = two.send(buy()).await.unwrap_err();
    assert!(refusal.has_code("market.account.insufficient_balance"), "{refusal}");
    assert_eq!((zar(&one).await, zar(&two).await), ((dec!(600), dec!(500)), (dec!(0), dec!(0))));
    assert_eq!(zar(&setup.shop).await, before);
    assert_eq!([orders(&one).await, orders(&two).await, orders(&setup.shop).await], [1, 0, 0]);
    // Nobody else sees or cancels it, not even the account that manages it.
    let id = order.id.unwrap();
    for stranger in [&setup.shop, &two] {
        assert_eq!(stranger.send(GetOrder::new(id)).await.unwrap_err().kind(), Kind::NotFound);
        assert_eq!(stranger.send(CancelOrder::new(id)).await.unwrap_err().kind(), Kind::NotFound);
    }
    one.send(CancelOrder::new(id)).await.unwrap();
    let released = async {
        while zar(&one).await.1 != dec!(0) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, released).await.expect("the order is cancelled");
    let ledger = setup.sandbox.control().ledger();
    assert!(ledger.sums_to_zero);
    let entry = ledger.entry(setup.tills[0].uid.as_str(), "zar").unwrap();
    assert_eq!((entry.available, entry.uid.as_deref()), (dec!(600), Some(setup.tills[0].uid.as_str())));
}

#[tokio::test]
async fn deposits_of_a_sub_account_are_its_own() {
    let setup = Setup::new().await;
    let [one, two] = setup.acting();
    let control = setup.sandbox.control();
    let id = control.add_deposit(setup.tills[0].uid.as_str(), NewDeposit::new("btc", dec!(0.5))).unwrap();
    let deposit = one.send(GetDeposit::by_id(id)).await.unwrap();
    assert_eq!(
        (deposit.id.to_string(), one.send(GetBalance::new("btc")).await.unwrap().total()),
        (id.to_string(), deposit.amount)
    );
    assert_eq!(one.send(ListDeposits::new()).await.unwrap().items, [deposit]);
    for stranger in [&setup.shop, &two] {
        assert_eq!(stranger.send(GetDeposit::by_id(id)).await.unwrap_err().kind(), Kind::NotFound);
        let listed = stranger.send(ListDeposits::new()).await.unwrap();
        assert!(listed.iter().all(|row| row.id.to_string() != id.to_string()));
    }
    let mut addresses = Vec::new();
    for cape in [&one, &two, &setup.shop] {
        cape.send(GetDepositAddress::new("btc")).await.unwrap();
        control.advance_clock(10_000);
        addresses.push(cape.send(GetDepositAddress::new("btc")).await.unwrap().address.unwrap());
    }
    addresses.dedup();
    assert_eq!(addresses.len(), 3, "each has an address of its own");
}

/// Reads until an event of the account comes.
async fn next_of_account(stream: &Stream) -> Event {
    let next = async {
        loop {
            let event = stream.next().await.unwrap();
            if matches!(event, Event::Order(_) | Event::Trade(_) | Event::Balance(_)) {
                return event;
            }
        }
    };
    timeout(PATIENCE, next).await.expect("an event of the account")
}

#[tokio::test]
async fn each_private_stream_brings_the_events_of_one_account() {
    let setup = Setup::new().await;
    let [one, two] = setup.acting();
    let open = async |cape: &Cape| cape.stream().orders().balances().connect().await.unwrap();
    let (of_one, of_two, of_shop) = (open(&one).await, open(&two).await, open(&setup.shop).await);
    let control = setup.sandbox.control();
    control.deposit(setup.tills[0].uid.as_str(), "zar", dec!(600)).unwrap();
    let balance = next_of_account(&of_one).await;
    assert!(matches!(&balance, Event::Balance(balance) if balance.total() == dec!(600)), "{balance:?}");
    let order = one.send(buy()).await.unwrap();
    // The other streams have an event of their own as their first one, and it came later.
    control.deposit(setup.tills[1].uid.as_str(), "zar", dec!(7)).unwrap();
    control.deposit("merchant", "usdc", dec!(9)).unwrap();
    let balance = next_of_account(&of_two).await;
    assert!(matches!(&balance, Event::Balance(balance) if balance.total() == dec!(7)), "{balance:?}");
    let balance = next_of_account(&of_shop).await;
    assert!(
        matches!(&balance, Event::Balance(balance) if balance.currency.as_str() == "usdc"),
        "{balance:?}"
    );
    loop {
        if let Event::Order(told) = next_of_account(&of_one).await {
            assert_eq!(told.id, order.id);
            break;
        }
    }
}

#[tokio::test]
async fn a_strangers_uid_and_a_deleted_one_are_refused() {
    let setup = Setup::new().await;
    let [one, two] = setup.acting();
    let other = signed_in(&setup.sandbox, "taker");
    let own: Uid = setup.sandbox.account("merchant").unwrap().uid.parse().unwrap();
    let till = setup.tills[0].uid.clone();
    let no_account: Uid = "CCT0000000".parse().unwrap();
    for stranger in
        [other.acting_as(till.clone()), other.acting_as(own), setup.shop.acting_as(no_account.clone())]
    {
        is_refused(&stranger.send(GetBalance::new("zar")).await.unwrap_err());
        is_refused(&stranger.send(buy()).await.unwrap_err());
        is_refused(&stranger.send(CreateSubAccount::new("Till 3")).await.unwrap_err());
    }
    assert_eq!(zar(&one).await.0, dec!(0));
    setup.shop.send(DeleteSubAccount::new(till.clone())).await.unwrap();
    is_refused(&one.send(GetBalance::new("zar")).await.unwrap_err());
    is_refused(&one.send(buy()).await.unwrap_err());
    let stream = one.stream().orders().connect().await;
    assert!(stream.is_err(), "its stream is refused too");
    // The others go on.
    zar(&two).await;
    zar(&setup.shop).await;
    // Public calls need no account, so they do not fail.
    one.send(public::ListMarkets::new()).await.unwrap();
}

#[tokio::test]
async fn a_handle_acts_for_one_account_whatever_its_clones_do() {
    let setup = Setup::new().await;
    let control = setup.sandbox.control();
    let amounts = [dec!(11), dec!(22)];
    for (till, amount) in setup.tills.iter().zip(amounts) {
        control.deposit(till.uid.as_str(), "zar", amount).unwrap();
    }
    let own = zar(&setup.shop).await.0;
    let [one, two] = setup.acting();
    // A handle that acts for one account can be turned to another.
    let turned = one.acting_as(setup.tills[1].uid.clone());
    let handles =
        [(setup.shop.clone(), own), (one.clone(), amounts[0]), (two, amounts[1]), (turned, amounts[1])];
    let mut tasks = Vec::new();
    for _ in 0..8 {
        for (cape, amount) in handles.clone() {
            tasks.push(tokio::spawn(async move { (zar(&cape).await.0, amount) }));
        }
    }
    for task in tasks {
        let (came, wanted) = task.await.unwrap();
        assert_eq!(came, wanted);
    }
    drop(one);
    assert_eq!(zar(&setup.shop).await.0, own);
}
