//! When rounds began and how many were completed.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::workload::Endpoint;

/// The rounds of a run.
#[derive(Debug, Default)]
pub(super) struct Diary {
    begun: BTreeMap<Endpoint, Vec<Duration>>,
    ended: BTreeMap<Endpoint, usize>,
}

impl Diary {
    pub(super) fn begin(&mut self, endpoint: &Endpoint, elapsed: Duration) {
        self.begun.entry(endpoint.clone()).or_default().push(elapsed);
    }

    pub(super) fn end(&mut self, endpoint: &Endpoint) {
        *self.ended.entry(endpoint.clone()).or_default() += 1;
    }

    /// How many rounds of an endpoint were completed and kept.
    pub(super) fn ended(&self, endpoint: &Endpoint) -> usize {
        self.ended.get(endpoint).copied().unwrap_or(0)
    }

    /// The times between the beginnings of successive rounds of the same endpoint.
    pub(super) fn gaps(&self) -> impl Iterator<Item = (&Endpoint, Duration)> {
        let pairs = |(endpoint, times)| {
            let times: &Vec<Duration> = times;
            times.iter().zip(times.iter().skip(1)).map(move |(a, b)| (endpoint, b.saturating_sub(*a)))
        };
        self.begun.iter().flat_map(pairs)
    }

    /// The most rounds that began within any one second.
    pub(super) fn most_in_a_second(&self) -> usize {
        let mut times: Vec<_> = self.begun.values().flatten().copied().collect();
        times.sort_unstable();
        let mut most = 0;
        let mut first = 0;
        for (last, time) in times.iter().enumerate() {
            while times.get(first).is_some_and(|begin| *begin + Duration::from_secs(1) <= *time) {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_may_begin_anywhere() {
        let mut diary = Diary::default();
        let (a, b): (Endpoint, Endpoint) = ("a.gov.pk".parse().unwrap(), "b.gov.pk".parse().unwrap());
        for millis in [0, 900, 1800] {
            diary.begin(&a, Duration::from_millis(millis));
        }
        diary.begin(&b, Duration::from_millis(1899));
        assert_eq!(diary.most_in_a_second(), 3);
        assert_eq!(diary.gaps().map(|(_, gap)| gap.as_millis()).collect::<Vec<_>>(), [900, 900]);
    }
}
