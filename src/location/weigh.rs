//! What hints weigh: log-odds in nats, above zero for inside, below for outside, capped for each group of sources that
//! may share their mistakes.

/// A group of hints that are not independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Databases, registries and announcing networks: they copy one another.
    Registry,
    /// Discs by light in glass.
    Glass,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 2] = [Self::Registry, Self::Glass];

    /// The most the group may weigh, in nats.
    pub fn cap(self) -> f64 {
        match self {
            Self::Registry => REGISTRY_CAP,
            Self::Glass => GLASS_DISC,
        }
    }
}

/// ln(58/9): of 67 infrastructure addresses with independently known places on which every database agreed, 58 were
/// right (M-Lab sites in transit networks, June 2026).
pub const REGISTRY_CAP: f64 = 1.9;

/// ln(0.70/0.30): one database alone names the right country for about 70 % of the same addresses.
pub const DATABASE: f64 = 0.85;

/// Half a database: the country of nearly all of a network's addresses is derived from a database, and says less of one
/// address than an entry of its own.
pub const NETWORK_COUNTRY: f64 = 0.42;

/// As much as a database. A network knows best where its prefixes are, and nobody checks what it writes: of the entries of
/// all public feeds (RFC 8805, found as RFC 9632 has it) that were measured, 92 % named the right country, but mostly those
/// of access networks, and one feed put 101,000 prefixes in 249 countries (`IPinfo` at NANOG 96). Databases copy feeds.
pub const GEOFEED: f64 = DATABASE;

/// A disc in glass that excludes home, or holds no foreign land. Of 58,788 pairs of cities in a mesh of 245 servers, 13
/// beat this speed, 10 of which beat light in vacuum and were wrong coordinates; ln of that is far more than 4, which is
/// what is granted while hollow-core fibre and low orbits spread.
pub const GLASS_DISC: f64 = 4.0;

/// The least sum, in nats, that makes a place probable.
pub const PROBABLE: f64 = 3.0;

/// The sum of a group's hints, and what counts of it after the cap.
pub fn capped(group: Group, sum: f64) -> f64 {
    sum.clamp(-group.cap(), group.cap())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_alone_can_never_make_a_place_probable() {
        assert!(capped(Group::Registry, f64::from(1000_u16) * DATABASE) < PROBABLE);
        assert!(capped(Group::Registry, f64::from(-1000_i16) * DATABASE) > -PROBABLE);
    }

    #[test]
    fn a_disc_in_glass_can_stand_alone() {
        assert!(capped(Group::Glass, GLASS_DISC) >= PROBABLE);
    }
}
