use capecrypto_models::{Decimal, Market, Toward, dec};
use proptest::prelude::*;

fn market(amount_precision: u32, price_precision: u32) -> Market {
    let json = format!(
        r#"{{"id":"btczar","name":"BTC/ZAR","base_unit":"btc","quote_unit":"zar","min_price":"1","max_price":"0",
        "min_amount":"1","amount_precision":{amount_precision},"price_precision":{price_precision},"state":"enabled"}}"#
    );
    serde_json::from_str(&json).unwrap()
}

#[test]
fn a_price_goes_to_the_named_side_and_a_volume_down() {
    let market = market(8, 2);
    assert_eq!(market.round_down(dec!(0.123456789)), dec!(0.12345678));
    assert_eq!(market.round_down(dec!(0.000000009)), dec!(0));
    for (price, down, up) in [
        (dec!(800000.001), dec!(800000), dec!(800000.01)),
        (dec!(800000.999), dec!(800000.99), dec!(800001)),
        (dec!(800000.100), dec!(800000.1), dec!(800000.1)),
        (dec!(-0.001), dec!(-0.01), dec!(0)),
    ] {
        assert_eq!(market.round_price(price, Toward::Down), down, "{price}");
        assert_eq!(market.round_price(price, Toward::Up), up, "{price}");
    }
}

proptest! {
    /// Over all numbers that a decimal holds, and all precisions.
    #[test]
    fn a_rounded_value_fits_and_moves_less_than_a_step_to_the_named_side(
        number in -((1_i128 << 96) - 1)..(1_i128 << 96),
        scale in 0_u32..=28,
        precision in 0_u32..=30,
    ) {
        let value = Decimal::from_i128_with_scale(number, scale);
        let market = market(precision, precision);
        let down = market.round_price(value, Toward::Down);
        let up = market.round_price(value, Toward::Up);
        prop_assert_eq!(market.round_down(value), down);
        for rounded in [down, up] {
            prop_assert!(rounded.normalize().scale() <= precision, "{} to {} digits: {}", value, precision, rounded);
        }
        prop_assert!(down <= value && value <= up, "{} <= {} <= {}", down, value, up);
        // In whole numbers, where nothing rounds: the distance to the value, in units of its last digit.
        let step = 10_i128.pow(scale.saturating_sub(precision));
        let units = |rounded: Decimal| rounded.mantissa() * 10_i128.pow(scale - rounded.scale());
        prop_assert!(number - units(down) < step && units(up) - number < step, "{} and {}", down, up);
        if value.normalize().scale() <= precision {
            prop_assert_eq!((down, up), (value, value), "a value that fits is not changed");
        }
    }
}
