//! The figures, as a person reads them.

use std::io::{self, Write};

use super::device::Ran;
use super::engine::Engine;
use super::first_hop::Spread;
use super::measured::Cost;
use super::score::{Score, float};

/// One tracer over one list of destinations.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) engine: Engine,
    pub(crate) destinations: u32,
    pub(crate) cost: Cost,
    pub(crate) score: Score,
    pub(crate) first_hop: Spread,
    pub(crate) ran: Ran,
}

const HEAD: &str = "\
                 destinations    wall s  CPU ms/trace  peak MB  packets/trace   hops %  hosts %  wrong  RTT error ms  \
| of scamper -N 4: wall   CPU packets";

impl Row {
    pub(crate) fn head(out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{HEAD}")
    }

    /// One line; with what it makes of `scamper`'s figures, where there are some.
    pub(crate) fn write(&self, scamper: Option<&Row>, out: &mut impl Write) -> io::Result<()> {
        let (cost, score) = (&self.cost, &self.score);
        write!(
            out,
            "{:16} {:>12} {:>9.2} {:>13.4} {:>8.1} {:>14.2} {:>8.2} {:>8.2} {:>6} {:>13.3}  |",
            self.engine.name(),
            self.destinations,
            cost.wall_s,
            self.cpu_ms(),
            float(cost.peak_kib) / 1024.0,
            self.packets(),
            score.hops_share() * 100.0,
            score.hosts_share() * 100.0,
            score.wrong,
            score.median_rtt_error_us / 1000.0,
        )?;
        if let Some(scamper) = scamper {
            let (wall, cpu) = (cost.wall_s / scamper.cost.wall_s, self.cpu_ms() / scamper.cpu_ms());
            write!(out, " {wall:>20.3} {cpu:>5.3} {:>7.3}", self.packets() / scamper.packets())?;
        }
        writeln!(out)?;
        self.doubts(out)
    }

    fn cpu_ms(&self) -> f64 {
        self.cost.cpu_s * 1000.0 / f64::from(self.destinations)
    }

    fn packets(&self) -> f64 {
        float(self.ran.counts.probes) / f64::from(self.destinations)
    }

    /// Says so when the figures are rather those of the lab.
    fn doubts(&self, out: &mut impl Write) -> io::Result<()> {
        let (ran, failures) = (&self.ran, self.cost.failures);
        if failures > 0 {
            writeln!(out, "  ! {failures} of its processes failed")?;
        }
        if ran.dropped > 0 {
            writeln!(out, "  ! the lab lost {} packets that it had no time to read", ran.dropped)?;
        }
        if ran.late_one_in_a_hundred_us > 1000 {
            let (median, worst) = (ran.median_late_us, ran.late_one_in_a_hundred_us);
            writeln!(out, "  ! one in a hundred answers of the lab was {worst} µs late, half of them {median} µs")?;
        }
        let busy = ran.busy.as_secs_f64() / ran.lasted.as_secs_f64() * 100.0;
        if busy > 80.0 {
            writeln!(out, "  ! the lab was busy {busy:.0} % of the time")?;
        }
        Ok(())
    }
}
