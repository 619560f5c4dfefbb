//! The blockchains that coins move on, and what their addresses look like.
//!
//! The documents name no keys of blockchains and no rules for addresses, so both are ours. An address is checked by its beginning,
//! its characters and its length; checksums are not checked.

/// The blockchains of a coin, the usual one first. A coin that was added later has a blockchain of its own name.
pub(crate) fn of(coin: &str) -> Vec<&str> {
    match coin {
        "btc" => vec!["bitcoin"],
        "eth" => vec!["ethereum"],
        "xrp" => vec!["ripple"],
        "usdc" => vec!["ethereum", "polygon"],
        other => vec![other],
    }
}

/// The blockchain that a coin uses if none is named.
pub(crate) fn usual(coin: &str) -> &str {
    of(coin).first().copied().unwrap_or(coin)
}

/// Whether a text can be an address on a blockchain.
pub(crate) fn is_address(chain: &str, text: &str) -> bool {
    let rest = |prefix: &str, lengths: std::ops::RangeInclusive<usize>, good: fn(u8) -> bool| {
        text.strip_prefix(prefix).is_some_and(|rest| lengths.contains(&rest.len()) && rest.bytes().all(good))
    };
    match chain {
        "bitcoin" => {
            rest("bc1", 11..=87, is_bech32) || rest("1", 25..=34, is_base58) || rest("3", 25..=34, is_base58)
        }
        // 40 digits make an address; the documents' own example has 39.
        "ethereum" | "polygon" => rest("0x", 39..=40, |byte| byte.is_ascii_hexdigit()),
        // An address has at most 35 characters and no `l`; the documents' own example has 37 characters and an `l`.
        "ripple" => rest("r", 24..=36, |byte| byte.is_ascii_alphanumeric()),
        _ => rest("", 1..=255, |byte| byte.is_ascii_graphic()),
    }
}

/// Whether two addresses of a blockchain are the same: on some, upper and lower case mean the same.
pub(crate) fn is_same(chain: &str, one: &str, other: &str) -> bool {
    if matches!(chain, "ethereum" | "polygon") { one.eq_ignore_ascii_case(other) } else { one == other }
}

fn is_bech32(byte: u8) -> bool {
    b"qpzry9x8gf2tvdw0s3jn54khce6mua7l".contains(&byte)
}

fn is_base58(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() && !matches!(byte, b'0' | b'O' | b'I' | b'l')
}

/// An address that is as plausible as a made-up one can be; each number gives another one.
pub(crate) fn made_up(chain: &str, number: u64) -> String {
    const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    // Five bits a character.
    let digit = |place: u32| {
        let index =
            usize::try_from(number.checked_shr(5 * place).unwrap_or_default() & 31).unwrap_or_default();
        BECH32.get(index).map_or('q', |byte| char::from(*byte))
    };
    let tail: String = (0..13).rev().map(digit).collect();
    match chain {
        "bitcoin" => format!("bc1q{}{tail}", "x".repeat(25)),
        "ethereum" | "polygon" => format!("0x{number:040x}"),
        "ripple" => format!("r{}{tail}", "X".repeat(20)),
        _ => format!("sandbox-{chain}-{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_other_texts() {
        for (chain, good) in [
            ("bitcoin", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
            ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
            ("bitcoin", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
            ("ethereum", "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb"),
            ("polygon", "0xde709f2102306220921060314715629080e2fb77"),
            ("ripple", "rN7n7otQDd6FczFgLdlqtyMVrn3qHwuSaDcqC"),
            ("doge", "D-anything"),
        ] {
            assert!(is_address(chain, good), "{good}");
        }
        for (chain, bad) in [
            ("bitcoin", ""),
            ("bitcoin", "bc1qbio"),
            ("bitcoin", "2J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
            ("bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Il"),
            ("ethereum", "742d35Cc6634C0532925a3b844Bc9e7595f0bEbe"),
            ("ethereum", "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb00"),
            ("ethereum", "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEx"),
            ("ripple", "XN7n7otQDd6FczFgLdlqtyMVrn3qHwuSa"),
            ("ripple", "rN7n7otQDd6 FczFgLdlqtyMVrn3"),
            ("doge", "two words"),
        ] {
            assert!(!is_address(chain, bad), "{bad}");
        }
    }

    #[test]
    fn made_up_addresses_differ_and_pass() {
        for chain in ["bitcoin", "ethereum", "polygon", "ripple", "doge"] {
            let all = [0, 1, 31, 32, u64::MAX].map(|number| made_up(chain, number));
            assert!(all.iter().all(|address| is_address(chain, address)), "{all:?}");
            let distinct: std::collections::BTreeSet<_> = all.iter().collect();
            assert_eq!(distinct.len(), all.len(), "{all:?}");
        }
    }

    #[test]
    fn case_matters_where_the_chain_says_so() {
        assert!(is_same("ethereum", "0xAB", "0xab") && !is_same("ripple", "rAB", "rab"));
    }
}
