//! The Internet checksum (RFC 1071), and words that make it come out as wanted.

use std::net::IpAddr;

/// A ones' complement sum of 16-bit words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// With `bytes`, an odd last byte padded with zero.
    #[must_use]
    pub fn bytes(self, bytes: &[u8]) -> Self {
        let (pairs, odd) = bytes.as_chunks::<2>();
        let whole = pairs.iter().fold(self, |sum, pair| sum.word(u16::from_be_bytes(*pair)));
        odd.first().map_or(whole, |&last| whole.word(u16::from_be_bytes([last, 0])))
    }

    /// With one word.
    #[must_use]
    pub fn word(self, word: u16) -> Self {
        Self(self.0 + u64::from(word))
    }

    /// With an address, as in a pseudo-header.
    #[must_use]
    pub fn address(self, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => self.bytes(&v4.octets()),
            IpAddr::V6(v6) => self.bytes(&v6.octets()),
        }
    }

    /// With the pseudo-header of RFC 768 and RFC 8200 (8.1), which give the same sum.
    #[must_use]
    pub fn pseudo_header(self, source: IpAddr, target: IpAddr, next_header: u8, length: u16) -> Self {
        self.address(source).address(target).word(u16::from(next_header)).word(length)
    }

    /// Folded to 16 bits: 0 only when everything was 0.
    pub fn folded(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap_or(u16::MAX)
    }

    /// The checksum: the complement of the sum. Over a message that carries its checksum it is 0.
    pub fn checksum(self) -> u16 {
        !self.folded()
    }

    /// The word that brings the sum to `wanted` (0 and 0xffff are one and the same).
    pub fn word_to(self, wanted: u16) -> u16 {
        Self::default().word(wanted).word(!self.folded()).folded()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_1071_comes_out() {
        assert_eq!(Sum::default().bytes(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]).folded(), 0xddf2);
    }

    proptest! {
        #[test]
        fn a_message_that_carries_its_checksum_sums_to_zero(bytes in prop::collection::vec(any::<u8>(), 2..80)) {
            let sum = Sum::default().bytes(&bytes);
            prop_assume!(bytes.len() % 2 == 0);
            prop_assert_eq!(sum.word(sum.checksum()).checksum(), 0);
        }

        #[test]
        fn the_compensating_word_brings_the_sum_where_it_is_wanted(bytes in any::<[u8; 20]>(), wanted in 1u16..0xffff) {
            let sum = Sum::default().bytes(&bytes);
            prop_assert_eq!(sum.word(sum.word_to(wanted)).folded(), wanted);
        }
    }
}
