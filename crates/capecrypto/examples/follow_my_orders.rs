//! An account's orders over a lost connection: nothing stays open here that has ended at the exchange.
//! `cargo run --example follow_my_orders`.
//!
//! The exchange runs in this process. It loses what it tells about two orders, and then the connection. The rest is what a
//! program does with the real one.

// An example prints its results.
#![allow(clippy::print_stdout)]

use capecrypto::{
    Cape, Credentials, Environment, Event, Order, OrderId, OrderState, Side, Stream, dec, trading,
};
use capecrypto_sandbox::{FrameFault, Sandbox};
use std::{collections::BTreeMap, error::Error, time::Duration};
use tokio::time::timeout;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::start().await?;
    let (me, other) = (sign_in(&sandbox, "maker")?, sign_in(&sandbox, "taker")?);
    let stream = me.stream().orders().connect().await?;
    let mut desk = Desk { cape: me, orders: BTreeMap::new() };

    let mut ids = [OrderId::new(0); 3];
    for (id, price) in ids.iter_mut().zip([dec!(800000), dec!(799000), dec!(798000)]) {
        let bid = trading::CreateOrder::limit("btczar", Side::Buy, dec!(0.001), price).post_only(true);
        let order = desk.cape.send(bid).await?;
        *id = order.id.ok_or("an order without a number")?;
        desk.learn(order);
    }
    desk.follow(&stream, |desk| desk.orders.values().all(|order| order.state == OrderState::Wait)).await?;
    println!("{} orders are in the book", desk.orders.len());

    // The first order is filled, the second one is cancelled, and nobody tells it.
    let ([_, second, _], control) = (ids, sandbox.control());
    control.disturb_frames("order", FrameFault::Lose, 1_000);
    other.send(trading::CreateOrder::limit("btczar", Side::Sell, dec!(0.001), dec!(800000))).await?;
    desk.cape.send(trading::CancelOrder::new(second)).await?;
    control.drop_sockets();
    control.clear_faults();

    desk.follow(&stream, |desk| desk.orders.values().filter(|order| order.is_open()).count() == 1).await?;
    for order in desk.orders.values() {
        println!("{:?} is {}, {} filled", order.id, order.state, order.executed_volume);
    }
    let states: Vec<_> = ids.iter().filter_map(|id| Some(desk.orders.get(id)?.state.clone())).collect();
    if states != [OrderState::Done, OrderState::Cancel, OrderState::Wait] {
        return Err("an order has another state here than at the exchange".into());
    }
    stream.close().await;
    sandbox.shutdown().await;
    Ok(())
}

/// The account's orders, as far as they are known.
struct Desk {
    cape: Cape,
    orders: BTreeMap<OrderId, Order>,
}

impl Desk {
    /// Reads the stream until `known` is true.
    async fn follow(&mut self, stream: &Stream, known: impl Fn(&Self) -> bool) -> Result<()> {
        while !known(self) {
            let event = timeout(Duration::from_secs(10), stream.next()).await.map_err(|_| "nothing came")?;
            match event.ok_or("the stream has ended")? {
                Event::Order(order) => self.learn(*order),
                // First: what an earlier run has left. Then: what may be lost.
                Event::Subscribed { .. } | Event::Gap { .. } => self.reconcile().await?,
                Event::Lagged { account, .. } if account > 0 => self.reconcile().await?,
                Event::Disconnected { why, .. } => println!("disconnected: {why}"),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes the newer of two states. The stream and REST overtake each other, and times do not tell which one is newer, because
    /// they are cut to the second: an end is the end, fills only grow, and a pending order has not reached the book yet.
    fn learn(&mut self, order: Order) {
        let Some(id) = order.id else { return };
        let age =
            |order: &Order| (order.is_final(), order.executed_volume, order.state != OrderState::Pending);
        if self.orders.get(&id).is_none_or(|known| age(known) <= age(&order)) {
            self.orders.insert(id, order);
        }
    }

    /// Reads the open orders. What is open here and not in that list has ended, or is newer than the list: it is read by itself.
    /// A list from the start of the gap would not do, because `time_from` is about when an order was created.
    async fn reconcile(&mut self) -> Result<()> {
        let states = [OrderState::Pending, OrderState::Wait];
        let open =
            self.cape.items(trading::ListOrders::new().states(states).limit(1_000)).try_collect().await?;
        let listed: Vec<_> = open.iter().map(|order| order.id).collect();
        open.into_iter().for_each(|order| self.learn(order));
        let unsure = self.orders.values().filter(|order| !order.is_final() && !listed.contains(&order.id));
        for id in unsure.filter_map(|order| order.id).collect::<Vec<_>>() {
            let order = self.cape.send(trading::GetOrder::new(id)).await?;
            println!("looked up {id}: {}", order.state);
            self.learn(order);
        }
        Ok(())
    }
}

fn sign_in(sandbox: &Sandbox, name: &str) -> Result<Cape> {
    let keys = sandbox.account(name).ok_or("no such account")?;
    let credentials = Credentials::new(&keys.api_key, &keys.secret)?;
    Ok(Cape::builder(Environment::local(sandbox.origin())?).credentials(credentials).build()?)
}
