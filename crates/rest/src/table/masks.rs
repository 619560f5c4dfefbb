//! Finds the bytes that matter in a table, 64 at a time: bit `n` of a mask stands for byte `n` of the block.
//!
//! The loops have a fixed length and no branch, so that the compiler makes vector instructions of them. A change that looks
//! harmless can prevent this; `benches/` shows it (`csv`).

/// Where a block has commas, line ends and quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Masks {
    pub(super) commas: u64,
    pub(super) line_ends: u64,
    pub(super) quotes: u64,
}

/// Bytes of a block.
pub(super) const BLOCK: usize = 64;

/// Bytes that are compared at once.
const LANES: usize = 16;
/// A bit for each byte of a block. Within one lane, the four bytes of a block have different bits.
const BITS: [[u8; LANES]; BLOCK / LANES] = [[1; LANES], [4; LANES], [16; LANES], [64; LANES]];

/// The masks of a block.
#[inline(always)]
pub(super) fn masks(block: &[u8; BLOCK]) -> Masks {
    Masks {
        commas: find(block, b','),
        line_ends: find(block, b'\n'),
        // Most blocks have none, and to see that costs less.
        quotes: if has(block, b'"') { find(block, b'"') } else { 0 },
    }
}

#[inline(always)]
fn has(block: &[u8; BLOCK], wanted: u8) -> bool {
    block.iter().fold(false, |found, byte| found | (*byte == wanted))
}

#[inline(always)]
fn find(block: &[u8; BLOCK], wanted: u8) -> u64 {
    let mut bits = *block;
    for (byte, bit) in bits.iter_mut().zip(BITS.as_flattened()) {
        *byte = if *byte == wanted { *bit } else { 0 };
    }
    let lanes = bits.as_chunks::<LANES>().0.iter();
    let all = lanes.fold(0, |all, lane| all | u128::from_le_bytes(*lane)).to_le_bytes();
    match all.as_chunks::<8>().0 {
        // Now byte `n` has in its bit `w` whether byte `n` of the block's word `w` was found.
        [even, odd] => transposed(u64::from_le_bytes(*even) | u64::from_le_bytes(*odd) << 1),
        _ => 0,
    }
}

/// Makes bit `w` of byte `n` to bit `n` of byte `w`: swaps single bits, then squares of two by two, then of four by four.
#[inline(always)]
fn transposed(bits: u64) -> u64 {
    [(7, 0x00aa_00aa_00aa_00aa), (14, 0x0000_cccc_0000_cccc), (28, 0x0000_0000_f0f0_f0f0)].iter().fold(
        bits,
        |bits, (distance, swapped)| {
            let different = (bits ^ (bits >> distance)) & swapped;
            bits ^ different ^ (different << distance)
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one_by_one(block: &[u8; BLOCK], byte: u8) -> u64 {
        block.iter().rev().fold(0, |mask, each| mask << 1 | u64::from(*each == byte))
    }

    proptest! {
        #[test]
        fn masks_are_those_of_the_bytes_one_by_one(
            bytes in proptest::collection::vec(
                prop_oneof![any::<u8>(), proptest::sample::select(&b",\n\"\r-+0"[..])],
                BLOCK
            )
        ) {
            let block: [u8; BLOCK] = bytes.try_into().unwrap();
            let expected = Masks {
                commas: one_by_one(&block, b','),
                line_ends: one_by_one(&block, b'\n'),
                quotes: one_by_one(&block, b'"'),
            };
            prop_assert_eq!(masks(&block), expected);
        }
    }
}
