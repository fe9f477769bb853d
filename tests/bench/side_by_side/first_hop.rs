//! What a tracer says of the first hop beyond the truth, under load and at leisure: the first hop is nearest, so that what a
//! tracer is late itself shows there best.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use super::device::{Device, Ran};
use super::engine::{Engine, Task};
use super::internet::{Flows, Weather};
use super::score::float;
use super::seen::Seen;
use super::world::{There, World};

/// How much later than it was due each host's answer from the first hop was written, in nanoseconds. Those whose probe the
/// internet was late to read are not among them.
pub(crate) type Late = BTreeMap<Ipv4Addr, u64>;

/// Probes a second at leisure: one each ten milliseconds.
const LEISURE: u32 = 100;

/// Of the tracer that is a process for each destination, one runs at a time, and of so many destinations one is traced.
const ONE_IN: usize = 4;

/// How far off the times of the first hop are that were told, in microseconds; later than the truth is more than 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) samples: usize,
    pub(crate) median_us: f64,
    pub(crate) p95_us: f64,
    pub(crate) p99_us: f64,
}

impl Spread {
    /// Of every destination whose first hop was asked, and that was read at once: what was taken over from elsewhere has been
    /// counted there. What the internet was late itself is taken off.
    pub(crate) fn of(world: &World, (flows, late): (&Flows, &Late), seen: &Seen) -> Self {
        let mut beyond_us = Vec::new();
        for (&host, &late_ns) in late {
            let sights = seen.0.get(&host).map_or(&[][..], Vec::as_slice);
            let asked = flows.get(&host).into_iter().flatten().filter(|(ttl, _)| *ttl == 1);
            for (ttl, flow) in asked {
                let Some(there @ There::Router(_, router)) = world.at(host, *ttl, *flow) else { continue };
                let truth_ns = world.round_trip_ns(host, *ttl, there) + late_ns;
                let told = sights.iter().filter(|sight| (sight.ttl, sight.from) == (*ttl, router.address));
                beyond_us.extend(told.filter_map(|sight| Some((sight.rtt_ns? - float(truth_ns)) / 1000.0)));
            }
        }
        beyond_us.sort_unstable_by(f64::total_cmp);
        let samples = beyond_us.len();
        let percentile = |of: usize| beyond_us.get((samples * of / 100).min(samples.saturating_sub(1)));
        let [median_us, p95_us, p99_us] = [50, 95, 99].map(|of| percentile(of).copied().unwrap_or(f64::NAN));
        Self { samples, median_us, p95_us, p99_us }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let [median, p95, p99] = [self.median_us, self.p95_us, self.p99_us].map(|us| us / 1000.0);
        write!(out, "{:>8} {median:>8.3} {p95:>8.3} {p99:>8.3}", self.samples)
    }
}

/// Traces `destinations` so slowly that no probe waits for another.
pub(crate) fn at_leisure(
    engine: Engine,
    destinations: &[Ipv4Addr],
    pehra: &Path,
    (world, device): (&World, &Device),
) -> io::Result<Spread> {
    let lists: Vec<&[Ipv4Addr]> = match engine {
        Engine::Traceroute => destinations.chunks(1).step_by(ONE_IN).collect(),
        Engine::Scamper | Engine::ScamperOneByOne | Engine::Pehra | Engine::PehraSharing => vec![destinations],
    };
    let (mut seen, mut flows, mut late) = (Seen::default(), Flows::new(), Late::new());
    for destinations in lists {
        let directory = tempfile::Builder::new().prefix("pehra-tracing-").tempdir()?;
        let directory = directory.path();
        let task = Task { destinations, rate: LEISURE, pehra, is_lossy: false, further: &[], directory };
        let (cost, ran) = device.run_sleepless(world, Weather::default(), || engine.trace(&task))?;
        cost?;
        let Ran { flows: asked, first_hop_late, .. } = ran;
        seen.0.extend(engine.seen(&task)?.0);
        flows.extend(asked);
        late.extend(first_hop_late);
    }
    Ok(Spread::of(world, (&flows, &late), &seen))
}

/// The head of the table.
pub(crate) fn head(out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "first hop, ms told          under load                       |             at leisure\n\
         beyond the truth    samples   median      p95      p99  |  samples   median      p95      p99"
    )
}

/// The line of a tracer.
pub(crate) fn write(engine: Engine, load: &Spread, leisure: Option<&Spread>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "{:18} ", engine.name())?;
    load.write(out)?;
    if let Some(leisure) = leisure {
        write!(out, "  | ")?;
        leisure.write(out)?;
    }
    writeln!(out)
}
