//! What is proven is true: in generated worlds, whatever databases, registers, names and routes say, a proof never errs.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::IpAddr;
use std::sync::LazyLock;

use pehra::dossier::{Companions, Dossier, Instruments};
use pehra::location::evidence::{Evidence, Statement, anycast};
use pehra::location::light::Speed;
use pehra::location::{Grade, Location, Place, Says, Weight};
use pehra::network::AddressScope;
use pehra::place::CountryCode;

use super::worlds::{Anycast, Dice, Fleet, Globe, Moves, NOW, Standing, Target, World};

/// How many worlds are generated.
const WORLDS: u64 = 100_000;

/// How many worlds one fleet watches.
const WORLDS_A_FLEET: u64 = 200;

/// The kinds of verdict and of world that have to come up, each at least so often in [`WORLDS`]: otherwise the property
/// would hold for want of anything to hold of.
const KINDS: [(&str, u64); 17] = [
    ("proven inside", 2000),
    ("proven outside", 10_000),
    ("proven to be several sites", 1000),
    ("attested inside", 500),
    ("attested outside", 500),
    ("probable inside", 100),
    ("probable outside", 100),
    ("conflict", 500),
    ("edge", 1000),
    ("edge attested", 100),
    ("unknown", 10_000),
    ("private", 1000),
    ("refuted by light in vacuum", 5000),
    ("refuted by light in glass", 5000),
    ("proven against an attestation", 1000),
    ("two addresses in different places", 400),
    ("with a vantage that is not where it says", 10_000),
];

/// How many worlds are generated in which nobody tells that several sites answer for an address.
const UNTOLD: u64 = 10_000;

/// The seed of this run, and the places that follow from it.
static GLOBE: LazyLock<(u64, Globe)> = LazyLock::new(|| {
    let seed = seed();
    (seed, Globe::of(seed))
});

/// What was found, by kind, and what was wrong.
#[derive(Default)]
struct Findings {
    kinds: BTreeMap<&'static str, u64>,
    wrong: Vec<String>,
}

impl Findings {
    fn count(&mut self, kind: &'static str) {
        *self.kinds.entry(kind).or_default() += 1;
    }

    fn add(&mut self, other: Self) {
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.wrong.extend(other.wrong);
    }
}

#[test]
fn nothing_proven_is_wrong_in_a_hundred_thousand_worlds() {
    let (seed, globe) = &*GLOBE;
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    let mut all = Findings::default();
    std::thread::scope(|scope| {
        let share = |thread| move || judge_worlds(*seed, globe, thread, threads);
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(share(thread))).collect();
        for worker in workers {
            all.add(worker.join().expect("worlds are judged"));
        }
    });
    tell(&format!("{WORLDS} worlds of PEHRA_WORLDS_SEED={seed}: {:?}", all.kinds));
    let first = all.wrong.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(all.wrong.is_empty(), "PEHRA_WORLDS_SEED={seed}: {} are wrong, such as\n{first}", all.wrong.len());
    for (kind, least) in KINDS {
        let found = all.kinds.get(kind).copied().unwrap_or_default();
        assert!(found >= least, "PEHRA_WORLDS_SEED={seed}: only {found} of {WORLDS} worlds are {kind:?}");
    }
}

/// The seed of the environment, for worlds that were seen before, or a new one.
#[expect(clippy::disallowed_methods, reason = "a run can be repeated")]
fn seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    let given = std::env::var("PEHRA_WORLDS_SEED").ok();
    let seed = given.map(|seed| seed.parse().expect("PEHRA_WORLDS_SEED is a number"));
    seed.unwrap_or_else(|| RandomState::new().hash_one(NOW))
}

/// Says something on every run, and not only when the test fails.
fn tell(what: &str) {
    writeln!(std::io::stderr(), "{what}").expect("there is an error stream");
}

fn judge_worlds(seed: u64, globe: &Globe, thread: u64, threads: u64) -> Findings {
    let mut findings = Findings::default();
    for fleet_number in (0..WORLDS / WORLDS_A_FLEET).filter(|number| number % threads == thread) {
        let fleet = Fleet::generate(&mut Dice::new(seed, fleet_number), globe, Moves::Contradicted);
        for wrong in fleet.standings.iter().filter_map(|standing| misjudged(&fleet, standing)) {
            findings.wrong.push(wrong);
        }
        for number in 0..WORLDS_A_FLEET {
            let turn = (fleet_number + 1) * 1_000_000 + number;
            let world = World::generate(&mut Dice::new(seed, turn), globe, &fleet, Anycast::Told);
            judge_world(globe, &world, &mut findings);
        }
    }
    findings
}

/// One assumption is left: that one site answers for an address of which nothing says otherwise. Where it does not hold, a
/// proof by the disc of another vantage may be wrong; it states the assumption, and falls once anybody tells.
#[test]
fn a_proof_that_assumes_one_site_says_so_and_falls_when_it_is_told_of_several() {
    let (seed, globe) = &*GLOBE;
    let mut wrong = 0;
    for fleet_number in 0..UNTOLD / WORLDS_A_FLEET {
        let fleet = Fleet::generate(&mut Dice::new(*seed, fleet_number), globe, Moves::Contradicted);
        for number in 0..WORLDS_A_FLEET {
            let mut dice = Dice::new(*seed, (fleet_number + 1) * 1_000_000 + number);
            let mut world = World::generate(&mut dice, globe, &fleet, Anycast::Untold);
            for error in errors(&world, instruments(globe, &fleet)) {
                assert!(error.assumes_one_site, "PEHRA_WORLDS_SEED={seed}: {}", error.says);
                wrong += 1;
            }
            world.tell(&mut dice);
            let errors = errors(&world, instruments(globe, &fleet));
            assert!(errors.is_empty(), "PEHRA_WORLDS_SEED={seed}: {}", errors[0].says);
        }
    }
    tell(&format!(
        "{UNTOLD} worlds of PEHRA_WORLDS_SEED={seed}: {wrong} proofs assume one site where there are several"
    ));
    assert!(wrong > UNTOLD / 1000, "only {wrong}");
}

/// A vantage that is in quarantine and stands where it says, or the other way round.
fn misjudged(fleet: &Fleet<'_>, standing: &Standing) -> Option<String> {
    let quarantine = fleet.calibration.quarantine(&standing.vantage, NOW.parse().expect("a moment"));
    let (id, stands) = (&standing.vantage.id, standing.stands);
    (quarantine.is_some() != standing.is_moved).then(|| match quarantine {
        Some(why) => format!("{id} stands where it says: {why}"),
        None => format!("nobody noticed that {id} does not stand at {:?} but at {stands}", standing.stated()),
    })
}

/// What nobody can tell is that a vantage stands elsewhere which never got an answer soon enough to show it. A proof by its
/// disc may be wrong, and falls once the vantage says where it stands.
#[test]
fn a_proof_by_a_vantage_that_nothing_contradicts_falls_when_its_position_is_put_right() {
    let (seed, globe) = &*GLOBE;
    let mut wrong = 0;
    for fleet_number in 0..UNTOLD / WORLDS_A_FLEET {
        let fleet = Fleet::generate(&mut Dice::new(*seed, fleet_number), globe, Moves::Unnoticed);
        let mut borders = globe.borders.clone();
        for number in 0..WORLDS_A_FLEET {
            let mut dice = Dice::new(*seed, (fleet_number + 1) * 1_000_000 + number);
            let mut world = World::generate(&mut dice, globe, &fleet, Anycast::Told);
            let errors_before = errors(&world, instruments(globe, &fleet));
            if errors_before.is_empty() {
                continue;
            }
            wrong += errors_before.len();
            world.put_right();
            world.observations.iter().for_each(|seen| borders.meet(&seen.vantage));
            world.tell(&mut dice);
            let right = Instruments { borders: &borders, home: fleet.home, calibration: None };
            let errors = errors(&world, right);
            assert!(errors.is_empty(), "PEHRA_WORLDS_SEED={seed}: {}", errors[0].says);
        }
    }
    tell(&format!("{UNTOLD} worlds of PEHRA_WORLDS_SEED={seed}: {wrong} proofs by vantages that nothing contradicts"));
}

struct Wrong {
    says: String,
    assumes_one_site: bool,
}

fn instruments<'a>(globe: &'a Globe, fleet: &'a Fleet<'a>) -> Instruments<'a> {
    Instruments { borders: &globe.borders, home: fleet.home, calibration: Some(&fleet.calibration) }
}

fn errors(world: &World<'_>, instruments: Instruments<'_>) -> Vec<Wrong> {
    let dossier = dossier(world, instruments);
    let wrong = world.targets.iter().filter_map(|target| {
        let location = &dossier.found(target.address).expect("an address of the subject").location;
        let says = misproven(world, target, location)?;
        let assumed = Statement::Anycast(anycast::Statement::Assumed);
        let assumes_one_site = location.evidence.iter().any(|evidence| evidence.statement == assumed);
        Some(Wrong { says: told(world, target, location, &says), assumes_one_site })
    });
    wrong.collect()
}

fn dossier<'a>(world: &'a World<'_>, instruments: Instruments<'a>) -> Dossier<'a> {
    let (subject, others) = world.seen();
    let companions = Companions::new(others, instruments.borders, instruments.home);
    Dossier::assemble(subject, &companions, instruments, subject.observed, 3600)
}

fn judge_world(globe: &Globe, world: &World<'_>, findings: &mut Findings) {
    let dossier = dossier(world, instruments(globe, world.fleet));
    for target in &world.targets {
        let location = &dossier.found(target.address).expect("an address of the subject").location;
        kinds(target, location, findings);
        if let Some(wrong) = misproven(world, target, location).or_else(|| misrefuted(world, target, location)) {
            findings.wrong.push(told(world, target, location, &wrong));
        }
    }
    let places: Vec<_> = dossier.locations().filter(|l| l.grade == Grade::Proven).map(|l| l.place).collect();
    if places.contains(&Place::Inside) && places.contains(&Place::Outside) {
        findings.count("two addresses in different places");
    }
    let moved = world.fleet.standings.iter().filter(|standing| standing.is_moved).count();
    if moved > 0 {
        findings.count("with a vantage that is not where it says");
    }
}

/// A mistake with everything it rests on.
fn told(world: &World<'_>, target: &Target, location: &Location<'_>, wrong: &str) -> String {
    let evidence: Vec<_> =
        location.evidence.iter().map(|e| format!("\n  {} ({}): {e}", e.source, e.weight.as_str())).collect();
    let stands = world.fleet.standings.iter().map(|s| format!("\n  {} stands at {:?}", s.vantage.id, s.stands));
    format!("{wrong}; sites {:?}{}{}", target.sites, evidence.concat(), stands.collect::<String>())
}

/// What is proven and wrong.
fn misproven(world: &World<'_>, target: &Target, location: &Location<'_>) -> Option<String> {
    let home = world.fleet.home;
    let truth = target.reached_by(world.subject).country;
    let wrong = match location.place {
        Place::Inside => !home.contains(truth),
        Place::Outside => home.contains(truth),
        Place::Edge => target.sites.len() == 1,
        Place::Unknown => true,
    };
    let left_out = location.place != Place::Edge && !location.countries.contains(truth);
    let errs = location.grade == Grade::Proven && (wrong || left_out || !is_public(target.address));
    errs.then(|| format!("{} is proven {} and is in {truth}", target.address, location.place))
}

/// What light in vacuum refutes and is true.
fn misrefuted(world: &World<'_>, target: &Target, location: &Location<'_>) -> Option<String> {
    let truth = target.reached_by(world.subject).country;
    let refuted = location.evidence.iter().filter(|evidence| evidence.weight == Weight::Refuted);
    let by_light = refuted.filter(|e| e.refutation.is_some_and(|refutation| refutation.speed == Speed::Vacuum));
    let mut named = by_light.filter_map(|e| Some((e.source, country(&world.claim(target.address, e.source)?.says)?)));
    let (source, _) = named.find(|(_, country)| *country == truth)?;
    Some(format!("what {source} says of {} is refuted and true: {truth}", target.address))
}

fn country(says: &Says) -> Option<CountryCode> {
    match says {
        Says::Country(country)
        | Says::Registered { country, .. }
        | Says::Serving { country, .. }
        | Says::Geofeed { country, .. }
        | Says::Region { country, .. }
        | Says::Delegated { country, .. }
        | Says::Named { country, .. }
        | Says::Landmark { country, .. } => Some(*country),
        Says::Announced { country, .. } => *country,
        Says::NoEntry | Says::Edge { .. } | Says::Anycast { .. } => None,
    }
}

fn is_public(address: IpAddr) -> bool {
    AddressScope::of(address).is_global()
}

fn kinds(target: &Target, location: &Location<'_>, findings: &mut Findings) {
    findings.count(match (location.place, location.grade) {
        _ if !is_public(target.address) => "private",
        (Place::Inside, Grade::Proven) => "proven inside",
        (Place::Outside, Grade::Proven) => "proven outside",
        (Place::Edge, Grade::Proven) => "proven to be several sites",
        (Place::Inside, Grade::Attested) => "attested inside",
        (Place::Outside, Grade::Attested) => "attested outside",
        (Place::Edge, Grade::Attested) => "edge attested",
        (Place::Inside, Grade::Probable) => "probable inside",
        (Place::Outside, Grade::Probable) => "probable outside",
        (_, Grade::Conflict) => "conflict",
        (Place::Edge, _) => "edge",
        (Place::Inside | Place::Outside | Place::Unknown, _) => "unknown",
    });
    let refuted = |speed| {
        let by = |e: &Evidence<'_>| e.refutation.is_some_and(|found| found.speed == speed);
        location.evidence.iter().any(by)
    };
    if refuted(Speed::Vacuum) {
        findings.count("refuted by light in vacuum");
        if location.grade == Grade::Proven {
            findings.count("proven against an attestation");
        }
    }
    if refuted(Speed::Glass) {
        findings.count("refuted by light in glass");
    }
}
