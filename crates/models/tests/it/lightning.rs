//! Lightning invoices: amounts, networks, refusals, and what is never shown. The texts are the examples of BOLT 11.

use capecrypto_models::{
    Bolt11, LightningAddress, LightningInvoice, LightningInvoiceState, LightningNetwork, LightningPayment,
    Sats,
};
use proptest::prelude::*;

const ANY_AMOUNT: &str = "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsgq357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5h2tztugp9lfyql";
const COFFEE: &str = "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh";
/// 967,878,534 thousandths of a satoshi.
const FRACTION: &str = "lnbc9678785340p1pwmna7lpp5gc3xfm08u9qy06djf8dfflhugl6p7lgza6dsjxq454gxhj9t7a0sd8dgfkx7cmtwd68yetpd5s9xar0wfjn5gpc8qhrsdfq24f5ggrxdaezqsnvda3kkum5wfjkzmfqf3jkgem9wgsyuctwdus9xgrcyqcjcgpzgfskx6eqf9hzqnteypzxz7fzypfhg6trddjhygrcyqezcgpzfysywmm5ypxxjemgw3hxjmn8yptk7untd9hxwg3q2d6xjcmtv4ezq7pqxgsxzmnyyqcjqmt0wfjjq6t5v4khxsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygsxqyjw5qcqp2rzjq0gxwkzc8w6323m55m4jyxcjwmy7stt9hwkwe2qxmy8zpsgg7jcuwz87fcqqeuqqqyqqqqlgqqqqn3qq9q9qrsgqrvgkpnmps664wgkp43l22qsgdw4ve24aca4nymnxddlnp8vh9v2sdxlu5ywdxefsfvm0fq3sesf08uf6q9a2ke0hc9j6z6wlxg5z5kqpu2v9wz";

fn read(text: &str) -> Bolt11 {
    text.parse().unwrap()
}

/// A text of the right form with this beginning. Its checksum and its signature are wrong.
fn with_head(head: &str) -> String {
    format!("{head}1{}", "q".repeat(117))
}

#[test]
fn the_amount_is_read_exactly() {
    assert_eq!((read(ANY_AMOUNT).amount_msat(), read(ANY_AMOUNT).amount()), (None, Ok(None)));
    assert_eq!(read(COFFEE).amount(), Ok(Some(Sats::new(250_000))));
    assert_eq!(read(FRACTION).amount_msat(), Some(967_878_534));
    let refused = read(FRACTION).amount().unwrap_err().to_string();
    assert!(refused.contains("967878534 msat") && refused.contains("whole satoshi"), "{refused}");
    for (amount, msat) in [
        ("1", 100_000_000_000),
        ("21000000", 2_100_000_000_000_000_000),
        ("20m", 2_000_000_000),
        ("1u", 100_000),
        ("10n", 1_000),
        ("10p", 1),
        ("10000p", 1_000),
    ] {
        assert_eq!(read(&with_head(&format!("lnbc{amount}"))).amount_msat(), Some(msat), "{amount}");
    }
    for amount in ["0", "01u", "2500x", "2500000001p", "m", "1.5m", "999999999999", "99999999999999999999999"]
    {
        let error = with_head(&format!("lnbc{amount}")).parse::<Bolt11>().unwrap_err();
        assert!(!error.to_string().contains(amount) || amount.len() == 1, "{error}");
    }
}

#[test]
fn the_network_is_read_and_capital_letters_mean_the_same() {
    for (head, network) in [
        ("lnbc5m", LightningNetwork::Bitcoin),
        ("lntb5m", LightningNetwork::Testnet),
        ("lntbs5m", LightningNetwork::Signet),
        ("lnbcrt5m", LightningNetwork::Regtest),
        ("lnsb5m", LightningNetwork::Simnet),
    ] {
        let text = with_head(head);
        assert_eq!(
            (read(&text).network(), read(&text).amount_msat()),
            (network, Some(500_000_000)),
            "{head}"
        );
        assert!(head.starts_with(network.prefix()));
        let capitals = read(&text.to_ascii_uppercase());
        assert_eq!((capitals.network(), capitals.as_str()), (network, text.to_ascii_uppercase().as_str()));
        assert!(capitals.is(&text) && !capitals.is(COFFEE));
    }
}

#[test]
fn what_is_no_invoice_is_refused_without_quoting_it() {
    let long = format!("lnbc1{}", "q".repeat(7_100));
    let cut = COFFEE.get(..100).unwrap();
    let mixed = format!("LNBC{}", COFFEE.get(4..).unwrap());
    for bad in [
        "",
        "canary",
        "lnbc",
        cut,
        &mixed,
        &long,
        &format!("lightning:{COFFEE}"),
        &format!(" {COFFEE}"),
        &format!("{COFFEE}\r\n"),
        &format!("{COFFEE}é"),
        &COFFEE.replace('q', "b"),
        &with_head("lnltc5m"),
        &with_head("xyz5m"),
        "../../canary",
    ] {
        let error = bad.parse::<Bolt11>().unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!error.why().is_empty() && !error.remedy().is_empty());
        assert!(bad.len() < 5 || !shown.contains(bad.get(..20).unwrap_or(bad)), "{shown}");
    }
}

#[test]
fn invoices_and_addresses_are_never_shown() {
    let shown = format!("{:?}", read(COFFEE));
    assert!(
        shown.contains("Bitcoin") && shown.contains("250000000") && !shown.contains("pvjluez"),
        "{shown}"
    );
    let address: LightningAddress = "canary+tip@wallet.example.com".parse().unwrap();
    assert_eq!(address.as_str(), "canary+tip@wallet.example.com");
    assert!(!format!("{address:?}").contains("canary"));
    for bad in [
        "",
        "canary",
        "@canary.com",
        "canary@",
        "canary@host",
        "canary@.com",
        "canary@a..com",
        "canary@a.com\r\n",
        "canary@a.com/../b",
        "ca nary@a.com",
        "canary@b@a.com",
        &format!("{}@a.com", "canary".repeat(11)),
    ] {
        let error = bad.parse::<LightningAddress>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

#[test]
fn a_model_is_read_alone_or_in_a_list_of_one() {
    let alone = format!(
        r#"{{"bolt":"{COFFEE}","amount":"250000.0","conversion_percent":0.1,"amount_msat":250000000,"description":"canary",
            "member_description":"canary","state":"pending","created_at":"2023-12-08T08:46:59+01:00","paid_at":null}}"#
    );
    let invoice: LightningInvoice = serde_json::from_str(&alone).unwrap();
    assert_eq!((invoice.amount, invoice.amount_msat), (Sats::new(250_000), Some(250_000_000)));
    assert_eq!(invoice.state, Some(LightningInvoiceState::Pending));
    assert_eq!(invoice.invoice().unwrap(), read(COFFEE));
    let shown = format!("{invoice:?}");
    assert!(!shown.contains("canary") && !shown.contains("lnbc"), "{shown}");
    let many = |rows: &[&str]| format!("[{}]", rows.join(","));
    let one = |text: &str| serde_json::from_str::<LightningInvoice>(text);
    assert_eq!(one(&many(&[&alone])).unwrap(), invoice);
    assert_eq!(one(&serde_json::to_string(&invoice).unwrap()).unwrap(), invoice);
    for bad in [many(&[]), many(&[&alone, &alone]), many(&["[]"]), "\"x\"".to_owned(), "{}".to_owned()] {
        assert!(one(&bad).is_err(), "{bad}");
    }
    let payment: LightningPayment =
        serde_json::from_str(r#"[{"address":"canary@a.com","bolt":"","amount":5,"state":"strange"}]"#)
            .unwrap();
    assert_eq!((payment.amount, payment.bolt.as_ref()), (Sats::new(5), None));
    assert_eq!(payment.state.as_ref().map(ToString::to_string).as_deref(), Some("strange"));
    assert!(!format!("{payment:?}").contains("canary"));
}

#[cfg(feature = "bolt11")]
#[test]
fn a_whole_invoice_is_verified() {
    use capecrypto_models::Timestamp;
    let verified = read(COFFEE).verify().unwrap();
    let made = Timestamp::from_unix_seconds(1_496_314_658).unwrap();
    let ends = Timestamp::from_unix_seconds(1_496_314_658 + 60).unwrap();
    assert_eq!((verified.created_at, verified.expires_at), (made, ends));
    assert!(
        !verified.is_expired(ends)
            && verified.is_expired(Timestamp::from_unix_seconds(1_496_314_719).unwrap())
    );
    assert_eq!(verified.payment_hash, "0001020304050607080900010203040506070809000102030405060708090102");
    assert_eq!(verified.payee, "03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad");
    assert_eq!(verified.description.as_ref().unwrap().expose(), "1 cup coffee");
    let shown = format!("{verified:?}");
    assert!(!shown.contains("coffee") && !shown.contains("000102") && !shown.contains("03e7156a"), "{shown}");
    // A longer text is in the invoice only as its hash, and an hour is the usual time.
    let hour = read(ANY_AMOUNT).verify().unwrap();
    assert_eq!(hour.expires_at.as_unix_seconds() - hour.created_at.as_unix_seconds(), 3_600);
    for (broken, word) in [
        // Another amount, the last character, and the example with a wrong signature.
        (COFFEE.replacen("2500u", "2600u", 1), "changed"),
        (COFFEE.replace("fna3rh", "fna3rq"), "changed"),
        (with_head("lnbc5m"), "changed"),
        ("lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpusp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9qrsgqwgt7mcn5yqw3yx0w94pswkpq6j9uh6xfqqqtsk4tnarugeektd4hg5975x9am52rz4qskukxdmjemg92vvqz8nvmsye63r5ykel43pgz7zq0g2".to_owned(), "signature"),
    ] {
        let error = read(&broken).verify().unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains("pvjluez"), "{error}");
    }
}

proptest! {
    /// The amount is the same as another reader's, for each amount that can be written.
    #[test]
    fn amounts_agree_with_the_definition(number in 1_u64..10_000_000, unit in 0_usize..5) {
        let (letter, pico) = [("", 1_000_000_000_000_u128), ("m", 1_000_000_000), ("u", 1_000_000), ("n", 1_000), ("p", 1)][unit];
        let pico = u128::from(number) * pico;
        let read = with_head(&format!("lnbc{number}{letter}")).parse::<Bolt11>();
        match read {
            Ok(invoice) => prop_assert_eq!(u128::from(invoice.amount_msat().unwrap()) * 10, pico),
            Err(_) => prop_assert!(pico % 10 != 0),
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", tail in "[a-z0-9]{0,200}") {
        for text in [text, format!("lnbc{tail}")] {
            if let Ok(invoice) = text.parse::<Bolt11>() {
                prop_assert_eq!(invoice.as_str(), text);
            }
        }
    }
}
