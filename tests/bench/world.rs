//! Observations such as five vantages make of a thousand addresses.

use std::net::{IpAddr, Ipv4Addr};

use jiff::{SignedDuration, Timestamp};
use pehra::contact::{Contact, ContactOutcome};
use pehra::location::{Claim, Says};
use pehra::moment::Rtt;
use pehra::network::{Asn, NetworkKind, Protocol};
use pehra::observation::{Declared, Observation, SCHEMA};
use pehra::place::{Coordinates, CountryCode, CountrySet, Distance};
use pehra::resolution::{AddressFamily, Addressed, Answer, Outcome, Resolution, View};
use pehra::trace::{AnswerKind, Ending, Hop, HopAnswer, Trace};
use pehra::vantage::{Position, Vantage, VantageId};
use pehra::workload::{DataClass, Jurisdiction, WorkloadId};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// How many addresses are watched.
pub(crate) const ADDRESSES: u32 = 1_000;

/// How far away a target is, in hops.
pub(crate) const HOPS: u8 = 12;

/// The databases that are asked.
pub(crate) const DATABASES: [&str; 3] = ["dbip-country", "geolite2-country", "ipinfo-country"];

/// Where they stand, and in which network: three at home, two abroad.
const VANTAGES: [(&str, f64, f64, f64, u32); 5] = [
    ("ntc-isb-1", 33.7215, 73.0433, 5.0, 23_888),
    ("ptcl-khi-1", 24.8607, 67.0011, 5.0, 17_557),
    ("nayatel-lhe-1", 31.5497, 74.3436, 25.0, 23_674),
    ("fra-1", 50.1109, 8.6821, 5.0, 24_940),
    ("sin-1", 1.3521, 103.8198, 5.0, 16_509),
];

/// The vantages.
pub(crate) fn vantages() -> Vec<Vantage> {
    let vantage = |(id, latitude, longitude, uncertainty_km, asn): (&str, f64, f64, f64, u32)| {
        let coordinates = Coordinates::new(latitude, longitude).unwrap();
        let position = Some(Position { coordinates, uncertainty: Distance::from_km(uncertainty_km) });
        Vantage { id: VantageId(id.to_owned()), position, asn: Some(Asn(asn)) }
    };
    VANTAGES.map(vantage).into()
}

/// One round of every address from every vantage; the same for the same `seed`.
pub(crate) fn rounds(seed: u64) -> Vec<Observation> {
    let mut random = SmallRng::seed_from_u64(seed);
    let mut observations = Vec::new();
    for index in 0..ADDRESSES {
        let target = Target::of(index);
        for (number, vantage) in vantages().into_iter().enumerate() {
            observations.push(target.seen_from(vantage, number, &mut random));
        }
    }
    observations
}

/// An address, and where it is: two in three at home, the others in Germany or Singapore.
struct Target {
    index: u32,
    address: IpAddr,
    country: CountryCode,
    network: u32,
}

impl Target {
    fn of(index: u32) -> Self {
        let (code, network) =
            [("PK", 9_541), ("PK", 23_888), ("DE", 24_940), ("PK", 17_557), ("PK", 45_595), ("SG", 16_509)]
                [index as usize % 6];
        let address = IpAddr::V4(Ipv4Addr::from(0x2720_0000 + index * 257));
        Self { index, address, country: code.parse().unwrap(), network }
    }

    /// How long an answer takes to the vantage of that number, in milliseconds, without queues.
    fn rtt_ms(&self, vantage: usize) -> f64 {
        let is_at_home = vantage < 3;
        match (self.country.as_str(), is_at_home) {
            ("PK", true) => [4.0, 18.0, 9.0][vantage] + f64::from(self.index % 7),
            ("PK", false) => 120.0,
            ("DE", false) if vantage == 3 => 3.0,
            ("SG", false) if vantage == 4 => 2.0,
            (_, true) => 130.0,
            (_, false) => 160.0,
        }
    }

    fn seen_from(&self, vantage: Vantage, number: usize, random: &mut SmallRng) -> Observation {
        let seconds = i64::from(self.index) * 7 + i64::try_from(number).unwrap() * 60;
        let observed: Timestamp = "2026-11-21T06:00:00Z".parse().unwrap();
        let observed = observed + SignedDuration::from_secs(seconds);
        let host = format!("service-{}.example.gov.pk", self.index);
        let far = self.rtt_ms(number);
        let hops: Vec<_> = (1..=HOPS).map(|ttl| self.hop(ttl, number, far, random)).collect();
        let trace = Trace {
            target: self.address,
            protocol: Protocol::Icmp,
            started: observed,
            port: None,
            flow: Some(7),
            hops,
            ending: Ending::Reached,
        };
        let rtt_ns = queued(far, random);
        let outcome = ContactOutcome::Connected { rtt_ns, samples: 3 };
        let contact = Contact::silent(self.address, 443, observed, 3, outcome);
        Observation {
            schema: SCHEMA,
            endpoint: format!("https://{host}").parse().unwrap(),
            declared: self.declared(),
            vantage,
            observed,
            elapsed_ns: queued(4_000.0, random),
            resolutions: vec![self.resolution(&host, observed)],
            claims: trace.responders().into_iter().flat_map(|responder| self.claims(responder)).collect(),
            denied: Vec::new(),
            traces: vec![trace],
            contacts: vec![contact],
            pings: Vec::new(),
            pointers: Vec::new(),
            zone: None,
            canaries: Vec::new(),
            related: Vec::new(),
            operators: Vec::new(),
            databases: Vec::new(),
        }
    }

    fn declared(&self) -> Declared {
        let class = ["restricted", "sensitive", "public"][self.index as usize % 3];
        Declared {
            workload: WorkloadId(format!("service-{}", self.index)),
            entity: "Punjab Land Records Authority".to_owned(),
            jurisdiction: Jurisdiction("punjab".to_owned()),
            class: Some(DataClass(class.to_owned())),
            provider: None,
        }
    }

    fn resolution(&self, host: &str, asked: Timestamp) -> Resolution {
        let addresses = vec![Addressed { address: self.address, ttl: 300 }];
        Resolution {
            name: host.parse().unwrap(),
            family: AddressFamily::A,
            view: View("system".to_owned()),
            server: None,
            asked,
            elapsed_ns: Rtt::from_ms(3.0).unwrap(),
            followed: Vec::new(),
            subnet: None,
            outcome: Outcome::Answered(Answer { chain: Vec::new(), addresses, authenticated: false, left_out: 0 }),
        }
    }

    /// Three answers: the gateway, networks on the way, at last the target.
    fn hop(&self, ttl: u8, vantage: usize, far: f64, random: &mut SmallRng) -> Hop {
        let responder = match ttl {
            1 => Ipv4Addr::new(192, 168, 1, 1).into(),
            HOPS => self.address,
            ttl => Ipv4Addr::new(
                103,
                31,
                u8::try_from(vantage).unwrap() * 16 + ttl,
                u8::try_from(self.index % 200).unwrap(),
            )
            .into(),
        };
        let kind = if ttl == HOPS { AnswerKind::EchoReply } else { AnswerKind::TimeExceeded };
        let so_far = far * f64::from(ttl) / f64::from(HOPS);
        let answer = |_| HopAnswer {
            from: responder,
            rtt_ns: queued(so_far, random),
            kind,
            late: false,
            unmatched: false,
            extras: None,
        };
        Hop { ttl, answers: (0..3).map(answer).collect(), silent: 0, inherited: None }
    }

    /// What three databases and the table of networks say of a responder.
    fn claims(&self, about: IpAddr) -> Vec<Claim> {
        if about == IpAddr::V4(Ipv4Addr::new(192, 168, 1, 1)) {
            return Vec::new();
        }
        let (country, dated) = (self.country, Some("2026-11-01".parse().unwrap()));
        let say = |source: &str, says| Claim { about, source: source.to_owned(), dated, says };
        let announced = Says::Announced {
            asn: Asn(self.network),
            name: "Example Networks".to_owned(),
            kind: NetworkKind::Ordinary,
            country: Some(country),
            countries: CountrySet::default(),
        };
        let databases = DATABASES.into_iter().map(|source| say(source, Says::Country(country)));
        databases.chain([say("routed-asn", announced)]).collect()
    }
}

/// A time with up to 2 ms of queues in it.
fn queued(ms: f64, random: &mut SmallRng) -> Rtt {
    Rtt::from_ms(ms + random.random_range(0.05..2.0)).unwrap()
}
