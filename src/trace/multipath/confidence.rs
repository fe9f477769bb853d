//! How sure it shall be that no next hop was missed, and how many flows that takes.

use std::fmt;
use std::str::FromStr;

/// How likely it is at least, from 0.5 to 0.999, that a hop has no more next hops than were found, if routers spread
/// flows evenly.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Confidence(f64);

impl Confidence {
    /// `probability` as a confidence; `None` outside 0.5 to 0.999.
    pub fn new(probability: f64) -> Option<Self> {
        (0.5..=0.999).contains(&probability).then_some(Self(probability))
    }

    /// 99.9 %, the highest there is.
    pub const HIGHEST: Self = Self(0.999);

    /// The probability.
    pub fn probability(self) -> f64 {
        self.0
    }
}

impl Default for Confidence {
    /// 95 %, as in the papers.
    fn default() -> Self {
        Self(0.95)
    }
}

impl FromStr for Confidence {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().and_then(Self::new).ok_or("write a probability from 0.5 to 0.999")
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", (self.0 * 1e5).round() / 1e3)
    }
}

/// The stopping points (Augustin et al. 2007; Veitch et al. 2009, "Failure control in multipath route tracing"): after
/// so many flows in which `k` next hops were seen, there are no more than `k`.
///
/// They are the smallest for which whoever follows all of them fails with no more than the probability allowed, however
/// many next hops there are. The tables that tools carry leave out that one may have stopped too early before, at a
/// smaller `k`: for 7, 8 and 25 next hops at 95 % they allow a little more failure than they say, and have one flow less.
#[derive(Clone, Debug)]
pub(super) struct Stops {
    failure: f64,
    /// For 1 next hop and more.
    points: Vec<usize>,
    /// Beyond this nobody asks.
    most: usize,
}

impl Stops {
    pub(super) fn new(confidence: Confidence, most: usize) -> Self {
        let mut stops = Self { failure: 1.0 - confidence.0, points: Vec::new(), most };
        stops.learn(1);
        stops
    }

    /// How many flows it takes when `seen` next hops have been seen (0 is as 1); without bound where [`Stops::learn`]
    /// was not told of as many, or where nobody asks that much.
    pub(super) fn after(&self, seen: usize) -> usize {
        self.points.get(seen.max(1) - 1).copied().unwrap_or(usize::MAX)
    }

    /// Works out the points for up to `seen` next hops.
    pub(super) fn learn(&mut self, seen: usize) {
        while self.points.len() < seen && self.points.last() != Some(&usize::MAX) {
            self.points.push(self.next());
        }
    }

    /// The point for one next hop more than are known: where there is yet one more, too few are found by whoever stops
    /// there or has stopped before.
    fn next(&self) -> usize {
        let (seen, there) = (self.points.len() + 1, self.points.len() + 2);
        // How likely it is that so many have been seen, and that one goes on.
        let mut seeing = vec![0.0; seen + 1];
        let mut failed = 0.0;
        let mut points = self.points.iter().zip(1..).peekable();
        for flows in 1..=self.most {
            for already in (1..=seen).rev() {
                let (stays, grows) = (share(already, there), share(there + 1 - already, there));
                let before =
                    if already == 1 { f64::from(u8::from(flows == 1)) } else { probability(&seeing, already - 1) };
                let now = probability(&seeing, already) * stays + before * grows;
                if let Some(place) = seeing.get_mut(already) {
                    *place = now;
                }
            }
            if let Some((_, stopped)) = points.next_if(|(point, _)| **point == flows) {
                failed += probability(&seeing, stopped);
                if let Some(place) = seeing.get_mut(stopped) {
                    *place = 0.0;
                }
            }
            if points.peek().is_none() && failed + seeing.iter().sum::<f64>() <= self.failure {
                return flows;
            }
        }
        usize::MAX
    }
}

fn probability(seeing: &[f64], seen: usize) -> f64 {
    seeing.get(seen).copied().unwrap_or(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(confidence: f64, many: usize) -> Vec<usize> {
        let mut stops = Stops::new(Confidence::new(confidence).unwrap(), 100_000);
        stops.learn(many);
        (1..=many).map(|seen| stops.after(seen)).collect()
    }

    #[test]
    fn the_points_are_the_published_ones_or_one_more() {
        // The tables of Augustin et al. and Veitch et al., as tools carry them.
        let published: [(f64, &[usize]); 2] = [
            (0.95, &[6, 11, 16, 21, 27, 33, 38, 44, 51, 57, 63, 70, 76, 83, 90, 96, 103, 110, 117, 124, 131, 138, 145]),
            (0.99, &[8, 15, 21, 28, 36, 43, 51, 58, 66, 74, 82, 90, 98, 106, 115, 123, 132, 140, 149, 157]),
        ];
        for (confidence, published) in published {
            let ours = points(confidence, published.len());
            let more: Vec<_> = ours.iter().zip(published).map(|(ours, theirs)| ours - theirs).collect();
            assert!(more.iter().all(|more| *more <= 1) && more.iter().sum::<usize>() <= 2, "{confidence}: {ours:?}");
        }
        assert_eq!(points(0.95, 8), [6, 11, 16, 21, 27, 33, 39, 45]);
    }

    /// How often whoever follows the points stops with fewer than the `there` next hops that are there: exactly, flow by
    /// flow.
    fn failure(points: &[usize], there: usize) -> f64 {
        let mut seeing = vec![0.0; there + 1];
        seeing[0] = 1.0;
        let mut failed = 0.0;
        for flows in 1..=*points.last().unwrap() {
            for seen in (0..=there).rev() {
                let grows = if seen == 0 { 0.0 } else { seeing[seen - 1] * share(there + 1 - seen, there) };
                seeing[seen] = seeing[seen] * share(seen, there) + grows;
            }
            for seen in (1..there).filter(|seen| points[seen - 1] == flows) {
                failed += std::mem::take(&mut seeing[seen]);
            }
        }
        failed
    }

    #[test]
    fn whoever_follows_the_points_fails_with_no_more_than_is_allowed_and_nearly_as_much() {
        for confidence in [0.5, 0.8, 0.95, 0.999] {
            let points = points(confidence, 60);
            for there in 2..=60 {
                let failure = failure(&points, there);
                assert!(failure <= 1.0 - confidence + 1e-12, "{there} at {confidence}: {failure}");
                assert!(failure >= (1.0 - confidence) / 2.0, "{there} at {confidence}: {failure}");
            }
        }
    }

    #[test]
    fn one_next_hop_takes_as_many_flows_as_two_must_not_agree_in() {
        for (confidence, flows) in [(0.5, 2), (0.75, 3), (0.95, 6), (0.999, 11)] {
            assert_eq!(points(confidence, 1), [flows], "{confidence}");
        }
    }

    #[test]
    fn points_beyond_what_anybody_asks_are_not_worked_out() {
        let mut stops = Stops::new(Confidence::default(), 100);
        stops.learn(10_000);
        assert_eq!((stops.after(16), stops.after(17), stops.points.len()), (96, usize::MAX, 17));
    }

    #[test]
    fn a_confidence_is_a_probability_that_can_be_had() {
        for wrong in ["", "1", "0.4999", "0.9991", "nan", "95"] {
            assert!(wrong.parse::<Confidence>().is_err(), "{wrong}");
        }
        assert_eq!("0.95".parse::<Confidence>(), Ok(Confidence::default()));
        assert_eq!(["0.95", "0.999"].map(|text| text.parse::<Confidence>().unwrap().to_string()), ["95 %", "99.9 %"]);
    }
}
