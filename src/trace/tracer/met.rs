//! Whom a trace has met, as far as a few bits tell: whether it may have met somebody at more than two hops.

use std::net::IpAddr;

/// How often somebody was met, for every 64th of all addresses together, so that it is never too little.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Met {
    once: u64,
    twice: u64,
    more: u64,
}

impl Met {
    /// Met at one hop more.
    pub(super) fn meet(&mut self, who: IpAddr) {
        let bit = bit(who);
        self.more |= self.twice & bit;
        self.twice |= self.once & bit;
        self.once |= bit;
    }

    /// Whether it may have been at more than two hops.
    pub(super) fn is_often(self, who: IpAddr) -> bool {
        self.more & bit(who) != 0
    }
}

fn bit(who: IpAddr) -> u64 {
    let address = match who {
        IpAddr::V4(who) => who.to_bits().into(),
        IpAddr::V6(who) => who.segments().into_iter().fold(0, |bits: u64, part| bits.rotate_left(16) ^ u64::from(part)),
    };
    // Multiplied by the golden ratio (Knuth, The Art of Computer Programming 6.4), the upper bits depend on all.
    1 << (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_met_at_three_hops_is_met_often_and_hardly_anybody_else() {
        let mut met = Met::default();
        let [often, twice]: [IpAddr; 2] = [[192, 0, 2, 1].into(), "2001:db8::1".parse().unwrap()];
        for (count, who) in [often, twice, often, twice, often].into_iter().enumerate() {
            assert!(!met.is_often(often), "{count}");
            met.meet(who);
        }
        assert!(met.is_often(often));
        let strangers = (0..=u16::MAX).filter(|last| {
            let [c, d] = last.to_be_bytes();
            met.is_often([10, 0, c, d].into())
        });
        assert!((700..1_400).contains(&strangers.count()), "a 64th of all");
    }
}
