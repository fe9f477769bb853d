//! What strangers, friends and forgers say of an address: now true, now home, now anything.

use std::net::IpAddr;

use ipnet::IpNet;
use pehra::location::source::regions::Cloud;
use pehra::location::{Claim, Says};
use pehra::network::{Asn, NetworkKind};
use pehra::place::{CountryCode, CountrySet, Home};

use super::dice::Dice;

/// Countries that a claim may name for no reason.
const ANY: [&str; 12] = ["PK", "IN", "AE", "US", "DE", "SG", "CN", "IR", "AF", "FJ", "XX", "RE"];

/// The sources, so that a claim can be told from every other about the same address.
const SOURCES: [&str; 6] = ["first", "second", "third", "fourth", "fifth", "sixth"];

/// The networks that announce, and publish feeds.
const NETWORKS: [u32; 3] = [64_500, 64_501, 64_502];

/// Claims about `address`, which is really in `truth`.
pub(crate) fn claims(dice: &mut Dice, address: IpAddr, truth: CountryCode, home: &Home) -> Vec<Claim> {
    let count = dice.below(SOURCES.len() + 1);
    let claim = |source: &&str| {
        let country = country(dice, truth, home);
        let says = says(dice, IpNet::from(address), country);
        let dated = dice.percent(20).then(|| "2026-06-01".parse().expect("a day"));
        Claim { about: address, source: (*source).to_owned(), dated, says }
    };
    SOURCES.iter().take(count).map(claim).collect()
}

fn country(dice: &mut Dice, truth: CountryCode, home: &Home) -> CountryCode {
    match dice.below(10) {
        0..4 => truth,
        4..7 => home.countries().iter().next().expect("a home"),
        _ => dice.pick(&ANY).parse().expect("two letters"),
    }
}

fn says(dice: &mut Dice, prefix: IpNet, country: CountryCode) -> Says {
    match dice.below(26) {
        0..8 => Says::Country(country),
        8 => Says::NoEntry,
        9..12 => Says::Registered { prefix, country },
        12 => Says::Serving {
            label: "forged-1".to_owned(),
            place: "Forged".to_owned(),
            country,
            operator: vec![Asn(*dice.pick(&NETWORKS))],
        },
        13..16 => Says::Geofeed { prefix, country, publisher: vec![Asn(*dice.pick(&NETWORKS))] },
        16 => Says::Region { provider: Cloud::Aws, region: "forged-1".to_owned(), country },
        17 => Says::Delegated { registry: "forged".to_owned(), country },
        18 => shared(dice, prefix),
        19 | 20 => Says::Named {
            name: "fra1.forged.example".to_owned(),
            code: "fra".to_owned(),
            place: "Forged".to_owned(),
            country,
            operator: vec![Asn(*dice.pick(&NETWORKS))],
        },
        _ => announced(dice, country),
    }
}

/// A network that is nearly all in `country`, or there and elsewhere.
fn announced(dice: &mut Dice, country: CountryCode) -> Says {
    let (asn, name, kind) = (Asn(*dice.pick(&NETWORKS)), "Forged".to_owned(), NetworkKind::Ordinary);
    let elsewhere = dice.pick(&ANY).parse().expect("two letters");
    let (country, countries) = if dice.percent(50) {
        (Some(country), CountrySet::default())
    } else {
        (None, [country, elsewhere].into_iter().collect())
    };
    Says::Announced { asn, name, kind, country, countries }
}

/// A claim that says, rightly or not, that several sites answer for the address.
fn shared(dice: &mut Dice, prefix: IpNet) -> Says {
    let (asn, name, countries) = (Asn(64_510), "Shared".to_owned(), CountrySet::default());
    let announced = |kind| Says::Announced { asn, name, kind, country: None, countries };
    match dice.below(4) {
        0 => Says::Anycast { prefix },
        1 => Says::Edge { provider: Cloud::Aws, service: "CLOUDFRONT".to_owned() },
        2 => announced(NetworkKind::Edge),
        _ => announced(NetworkKind::Cloud),
    }
}

/// Tells that several sites answer for `address`.
pub(crate) fn told_shared(dice: &mut Dice, address: IpAddr) -> Claim {
    let says = shared(dice, IpNet::from(address));
    Claim { about: address, source: "told".to_owned(), dated: None, says }
}
