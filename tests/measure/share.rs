//! How many of how many, and how sure that is.

use serde::Serialize;

/// The quantile of the normal distribution that leaves 2.5 % on either side.
const Z: f64 = 1.959_963_984_540_054;

/// So many of so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(into = "Written")]
pub(crate) struct Share {
    pub(crate) hits: u32,
    pub(crate) of: u32,
}

/// An estimate, and the bounds within which the truth is with 95 % confidence.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

#[derive(Serialize)]
struct Written {
    hits: u32,
    of: u32,
    #[serde(flatten)]
    estimate: Option<Estimate>,
}

impl From<Share> for Written {
    fn from(share: Share) -> Self {
        Self { hits: share.hits, of: share.of, estimate: share.estimate() }
    }
}

impl Share {
    /// Counts one more, and whether it is a hit.
    pub(crate) fn count(&mut self, hit: bool) {
        self.hits += u32::from(hit);
        self.of += 1;
    }

    /// The share, with Wilson's score interval (E. B. Wilson, 1927), which unlike the textbook one is right for few
    /// cases and for none or all of them. `None` of nothing.
    pub(crate) fn estimate(self) -> Option<Estimate> {
        if self.of == 0 {
            return None;
        }
        let (n, value) = (f64::from(self.of), f64::from(self.hits) / f64::from(self.of));
        let scale = 1.0 + Z * Z / n;
        let centre = (value + Z * Z / (2.0 * n)) / scale;
        let half = Z * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt() / scale;
        let low = if self.hits == 0 { 0.0 } else { centre - half };
        let high = if self.hits == self.of { 1.0 } else { centre + half };
        Some(Estimate { value, low, high })
    }
}

/// How many of those that are called something would rightly be called so, were `base_rate` of all addresses that: the
/// mixture of a corpus says nothing of the mixture in use. The bounds take both rates at their worst and at their best.
pub(crate) fn precision_at(base_rate: f64, found: Share, false_alarms: Share) -> Option<Estimate> {
    let (found, alarms) = (found.estimate()?, false_alarms.estimate()?);
    let precision = |found: f64, alarms: f64| {
        let (right, wrong) = (found * base_rate, alarms * (1.0 - base_rate));
        (right + wrong > 0.0).then(|| right / (right + wrong))
    };
    Some(Estimate {
        value: precision(found.value, alarms.value)?,
        low: precision(found.low, alarms.high)?,
        high: precision(found.high, alarms.low)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 0.000_051
    }

    /// The first four from R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I,
    /// method 3; the others follow from the formula: z²/(n + z²) for none of n.
    #[test]
    fn intervals_are_those_of_the_literature() {
        for (hits, of, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
            (0, 10, 0.0, 0.2775),
            (10, 10, 0.7225, 1.0),
            (58, 67, 0.7640, 0.9277),
        ] {
            let found = Share { hits, of }.estimate().unwrap();
            assert!(near(found.low, low) && near(found.high, high), "{hits} of {of}: {found:?}");
        }
        assert_eq!(Share::default().estimate(), None);
    }

    #[test]
    fn precision_is_told_for_the_mixture_in_use() {
        // Nine of ten violations found, one alarm in a hundred on the innocent: of 1000 addresses 50 are outside, 45 of
        // them are called so, with 9.5 of the other 950.
        let found = precision_at(0.05, Share { hits: 90, of: 100 }, Share { hits: 1, of: 100 }).unwrap();
        assert!(near(found.value, 45.0 / 54.5), "{found:?}");
        assert!(found.low < found.value && found.value < found.high, "{found:?}");
        let half = precision_at(0.5, Share { hits: 90, of: 100 }, Share { hits: 1, of: 100 }).unwrap();
        assert!(near(half.value, 90.0 / 91.0), "{half:?}");
    }

    #[test]
    fn without_a_false_alarm_the_lower_bound_still_knows_how_few_were_tried() {
        let found = precision_at(0.05, Share { hits: 32, of: 32 }, Share { hits: 0, of: 18 }).unwrap();
        assert!(near(found.value, 1.0) && near(found.high, 1.0) && found.low < 0.25, "{found:?}");
    }

    #[test]
    fn nothing_called_has_no_precision() {
        assert_eq!(precision_at(0.05, Share { hits: 0, of: 9 }, Share { hits: 0, of: 9 }), None);
        assert_eq!(precision_at(0.05, Share { hits: 9, of: 9 }, Share::default()), None);
    }
}
