//! What hints weigh: log-odds in nats, above zero for inside, below for outside, capped for each group of sources that
//! may share their mistakes.

use serde::{Deserialize, Serialize};

/// A group of hints that are not independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Databases, geofeeds and announcing networks: they copy one another.
    Registry,
    /// What the address is called.
    Names,
    /// Round-trip times beside those of addresses whose place is known.
    RttGap,
    /// The hops on the way.
    Path,
    /// Discs by light in glass.
    Glass,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 5] = [Self::Registry, Self::Names, Self::RttGap, Self::Path, Self::Glass];

    /// The word used in JSON and reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registry => "registry",
            Self::Names => "names",
            Self::RttGap => "rtt-gap",
            Self::Path => "path",
            Self::Glass => "glass",
        }
    }

    /// The least and the most the group may weigh, in nats.
    pub fn bounds(self) -> (f64, f64) {
        match self {
            Self::Registry => (-REGISTRY_CAP, REGISTRY_CAP),
            Self::Names => (-NAME, NAME),
            Self::RttGap => (FAR, NEAR_TWICE),
            Self::Path => (-PATH_CAP, PATH_CAP),
            Self::Glass => (-GLASS_DISC, GLASS_DISC),
        }
    }

    /// What counts of hints of the group that add up to `sum`, in nats.
    pub fn counted(self, sum: f64) -> f64 {
        let (least, most) = self.bounds();
        sum.clamp(least, most)
    }
}

/// ln(58/9): of 67 infrastructure addresses with independently known places on which every database agreed, 58 were
/// right (M-Lab sites in transit networks, June 2026).
pub const REGISTRY_CAP: f64 = 1.9;

/// ln(0.70/0.30): one database alone names the right country for about 70 % of the same addresses.
pub const DATABASE: f64 = 0.85;

/// Half a database: the country of nearly all of a network's addresses is derived from a database, and says less of one
/// address than an entry of its own. So is, and does, a list of all countries with one in a hundred of them.
pub const NETWORK_COUNTRY: f64 = 0.42;

/// As much as a database. A network knows best where its prefixes are, and nobody checks what it writes: of the entries of
/// all public feeds (RFC 8805, found as RFC 9632 has it) that were measured, 92 % named the right country, but mostly those
/// of access networks, and one feed put 101,000 prefixes in 249 countries (`IPinfo` at NANOG 96). Databases copy feeds.
pub const GEOFEED: f64 = DATABASE;

/// A disc in glass that excludes home, or holds no foreign land. Of 58,788 pairs of cities in a mesh of 245 servers, 13
/// beat this speed, 10 of which beat light in vacuum and were wrong coordinates; ln of that is far more than 4, which is
/// what is granted while hollow-core fibre and low orbits spread.
pub const GLASS_DISC: f64 = 4.0;

/// The same measured on another day, where no disc of the day says anything: addresses move, so that it must not stand
/// alone.
pub const GLASS_DISC_OF_ANOTHER_DAY: f64 = 2.0;

/// Somewhat less than ln(0.94/0.06): codes that were learned operator by operator are right for 94 of 100 names, and codes
/// read everywhere in one way for 57 to 73 (Hoiho, `CoNEXT` 2021). It is also the most that all names of an address weigh.
pub const NAME: f64 = 2.5;

/// An answer sooner than anything abroad can be expected to give one, from one vantage. Fewer than one pair of cities in a
/// hundred is as quick, which would be worth more; it is held down because one vantage may stand elsewhere than it says,
/// or behind somebody who answers in the target's name.
pub const NEAR: f64 = 2.0;

/// The same from vantages in two different networks, which are unlikely to share either fault.
pub const NEAR_TWICE: f64 = 3.0;

/// Of 99 targets at home in a mesh of 245 servers, 91 answered the nearest server at home in under 30 ms.
const USUAL_AT_HOME: f64 = 91.0 / 99.0;

/// An answer sooner than any address abroad in `known` different networks gave to the same vantages. Addresses of one
/// network often stand together and are no more than one try. Were the address abroad, it would be one of them, and each of
/// `known + 1` is as likely as any other to be the quickest (a rank test; no assumption on how times are distributed). No
/// more than [`NEAR`], whatever their number.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 addresses")]
pub fn soon(known: usize) -> f64 {
    (USUAL_AT_HOME * (known + 1) as f64).ln().clamp(0.0, NEAR)
}

/// An answer later than any known inside target of the same mesh gave, from every vantage that got one, while addresses
/// at home answered at least two of them, in different networks, in time. Of 51 inside targets none was so slow.
pub const FAR: f64 = -2.0;

/// The same where only one vantage is known to have reached addresses at home in time: the others may have had a day on
/// which everything went abroad and back.
pub const FAR_ONCE: f64 = -1.0;

/// What the hops before the target say of its place, for each vantage: half of the cap.
pub const APPROACH: f64 = 0.5;

/// The most that paths may weigh: the addresses of routers are the ones databases know worst.
pub const PATH_CAP: f64 = 1.0;

/// The least sum, in nats, that makes a place probable.
pub const PROBABLE: f64 = 3.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_alone_can_never_make_a_place_probable() {
        assert!(Group::Registry.counted(f64::from(1000_u16) * DATABASE) < PROBABLE);
        assert!(Group::Registry.counted(f64::from(-1000_i16) * DATABASE) > -PROBABLE);
    }

    #[test]
    fn databases_and_paths_together_can_never_make_a_place_probable() {
        let most: f64 = [Group::Registry, Group::Path].map(|group| group.counted(1000.0)).iter().sum();
        assert!(most < PROBABLE, "both rest on where addresses are registered: {most}");
    }

    #[test]
    fn a_name_alone_can_never_make_a_place_probable() {
        assert!(Group::Names.counted(f64::from(8_u16) * NAME) < PROBABLE);
    }

    #[test]
    fn to_outrun_more_addresses_abroad_weighs_more_up_to_being_near() {
        assert!((soon(5) - 1.71).abs() < 0.01);
        assert!(soon(6) > soon(5));
        assert!((soon(1000) - NEAR).abs() < 1e-9);
        assert!(soon(0).abs() < 1e-9);
    }

    #[test]
    fn a_disc_in_glass_can_stand_alone() {
        assert!(Group::Glass.counted(GLASS_DISC) >= PROBABLE);
    }
}
