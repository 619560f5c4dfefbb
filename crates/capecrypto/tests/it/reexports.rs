//! A name of the facade is the same type as in the crate behind it.

/// Compiles only if both are the same type.
fn same<T>(_: Option<T>, _: Option<T>) {}

#[test]
fn modules_and_root_name_the_same_types() {
    use capecrypto::{auth, live, models, orderbook, rest, stream};

    same::<capecrypto::Environment>(None, None::<auth::Environment>);
    same::<capecrypto::Order>(None, None::<models::Order>);
    same::<capecrypto::Error>(None, None::<rest::Error>);
    same::<capecrypto::Event>(None, None::<stream::Event>);
    same::<capecrypto::LiveBook>(None, None::<live::LiveBook>);
    same::<live::BookSide>(None, None::<orderbook::BookSide>);
    same::<capecrypto::Decimal>(None, None::<rust_decimal::Decimal>);
}
