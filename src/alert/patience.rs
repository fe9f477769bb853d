//! Raise after n of the last m rounds, clear after k rounds without: one odd packet pages nobody.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::Severity;

/// The longest memory, in rounds.
pub const ROUNDS_AT_MOST: u8 = 64;

/// How many rounds it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Raised when this many …
    pub raise: usize,
    /// … of this many last rounds had it (1 to [`ROUNDS_AT_MOST`]).
    pub of: usize,
    /// Eased or cleared after this many rounds in a row without it (1 to [`ROUNDS_AT_MOST`]).
    pub clear: usize,
}

/// What the last rounds said of one (endpoint, rule), newest last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Recent(VecDeque<Option<Severity>>);

impl Recent {
    /// Takes note of a round. Whether the rounds that `patience` looks back on are others than before.
    pub fn note(&mut self, seen: Option<Severity>, patience: Patience) -> bool {
        let looked_back_on = patience.of.max(patience.clear);
        let before: Vec<_> = self.0.iter().rev().take(looked_back_on).copied().collect();
        self.0.push_back(seen);
        while self.0.len() > usize::from(ROUNDS_AT_MOST) {
            self.0.pop_front();
        }
        !self.0.iter().rev().take(looked_back_on).eq(&before)
    }

    /// Whether no round that is remembered had it.
    pub fn is_quiet(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Whether the last round had it.
    pub fn is_present(&self) -> bool {
        self.last().is_some()
    }

    /// How severe it was in the last round, if that had it.
    pub fn last(&self) -> Option<Severity> {
        self.0.back().copied().flatten()
    }

    /// How severe the alert should now be that was `standing` until this round.
    ///
    /// It rises to what n of the last m rounds had at least, if the last round had it too; it falls to the worst of the
    /// last k rounds.
    pub fn decide(&self, standing: Option<Severity>, patience: Patience) -> Option<Severity> {
        let risen = self.risen(patience);
        if risen > standing {
            return risen;
        }
        let clear = patience.clear.clamp(1, usize::from(ROUNDS_AT_MOST));
        if self.0.len() < clear {
            return standing;
        }
        let worst = self.0.iter().rev().take(clear).max().copied().flatten();
        standing.min(worst)
    }

    fn risen(&self, patience: Patience) -> Option<Severity> {
        let last = self.last()?;
        let had = |least: Severity| {
            let rounds = self.0.iter().rev().take(patience.of.clamp(1, usize::from(ROUNDS_AT_MOST)));
            rounds.filter(|seen| **seen >= Some(least)).count() >= patience.raise
        };
        [Severity::Critical, Severity::Warning, Severity::Info].into_iter().find(|s| *s <= last && had(*s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_OF_THREE: Patience = Patience { raise: 2, of: 3, clear: 2 };
    const AT_ONCE: Patience = Patience { raise: 1, of: 1, clear: 2 };

    /// The severity after each round; a round is `.`, `i`, `w` or `c`.
    fn course(rounds: &str, patience: Patience) -> String {
        let (mut recent, mut standing) = (Recent::default(), None);
        let mut course = String::new();
        for round in rounds.chars() {
            let seen = match round {
                'i' => Some(Severity::Info),
                'w' => Some(Severity::Warning),
                'c' => Some(Severity::Critical),
                _ => None,
            };
            recent.note(seen, patience);
            standing = recent.decide(standing, patience);
            course.push(standing.map_or('.', |s| s.as_str().chars().next().unwrap()));
        }
        course
    }

    #[test]
    fn it_is_raised_after_n_of_m_and_cleared_after_k() {
        assert_eq!(course("w..w....", TWO_OF_THREE), "........");
        assert_eq!(course("w.w....", TWO_OF_THREE), "..ww...");
        assert_eq!(course("c..", AT_ONCE), "cc.");
    }

    #[test]
    fn a_flapping_finding_is_one_alert() {
        assert_eq!(course("w.w.w.w.w.w..", TWO_OF_THREE), "..wwwwwwwwww.");
    }

    #[test]
    fn it_worsens_and_eases_with_the_same_patience() {
        assert_eq!(course("wwcwcwww", TWO_OF_THREE), ".wwwccww");
        assert_eq!(course("wwccww..", TWO_OF_THREE), ".wwccww.");
        assert_eq!(course("cww..", AT_ONCE), "ccww.");
    }

    #[test]
    fn mixed_severities_raise_what_enough_rounds_had_at_least() {
        assert_eq!(course("cw", TWO_OF_THREE), ".w");
        assert_eq!(course("ic", TWO_OF_THREE), ".i");
    }

    #[test]
    fn a_round_like_those_that_count_changes_nothing() {
        let mut recent = Recent::default();
        let rounds = [Some(Severity::Info), Some(Severity::Info), Some(Severity::Info), Some(Severity::Info), None];
        assert_eq!(rounds.map(|seen| recent.note(seen, TWO_OF_THREE)), [true, true, true, false, true]);
    }

    #[test]
    fn nonsense_settings_still_terminate() {
        let patience = Patience { raise: 0, of: 0, clear: 0 };
        assert_eq!(course("w.", patience), "w.");
    }
}
