//! What is known of places on the way, and how it is found again.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::trace::Protocol;

/// A place on the way: so many silent hops before somebody. What differs most comes first, as places are compared often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Who follows, and how far that is: a router, or the first address of the target's network, for the target itself.
    pub(super) follower: IpAddr,
    pub(super) ttl: u8,
    pub(super) silent: u8,
    pub(super) protocol: Protocol,
    /// Whose neighbours alone know it, where who follows has an address that others may use as well.
    pub(super) within: Option<IpAddr>,
}

/// What is known of each place.
#[derive(Debug)]
pub(super) struct Places<T> {
    numbers: BTreeMap<Place, u32>,
    /// By number.
    known: Vec<(Place, T)>,
}

/// Where somebody who walks the same way again and again has found what is known of the places on it, by how far they are.
/// It is a guess that saves most searches: what is there now may be about another place.
#[derive(Debug, Default)]
pub(super) struct Trodden(Vec<u32>);

impl<T> Places<T> {
    /// How many places there are.
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// What is known of the place.
    pub(super) fn get(&mut self, place: Place, trodden: &mut Trodden) -> Option<&mut T> {
        let number = self.number(&place, trodden)?;
        self.at(number)
    }

    /// What is known of the place; of one that is not known yet, `begun`.
    pub(super) fn get_or_begin(
        &mut self,
        place: Place,
        trodden: &mut Trodden,
        begun: impl FnOnce() -> T,
    ) -> Option<&mut T> {
        if self.number(&place, trodden).is_none() {
            let number = u32::try_from(self.known.len()).ok()?;
            self.numbers.insert(place, number);
            self.known.push((place, begun()));
        }
        self.get(place, trodden)
    }

    /// What is known of all places.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut T> {
        self.known.iter_mut().map(|(_, known)| known)
    }

    /// Forgets all other places.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        self.known.retain(|(_, known)| is_kept(known));
        self.numbers = self.known.iter().zip(0..).map(|((place, _), number)| (*place, number)).collect();
    }

    fn number(&self, place: &Place, trodden: &mut Trodden) -> Option<u32> {
        let is_there = |number: u32| {
            let known = usize::try_from(number).ok().and_then(|number| self.known.get(number));
            known.is_some_and(|(known, _)| known == place)
        };
        let step = usize::from(place.ttl.saturating_sub(place.silent));
        if let Some(number) = trodden.0.get(step).copied().filter(|number| is_there(*number)) {
            return Some(number);
        }
        let number = *self.numbers.get(place)?;
        if trodden.0.len() <= step {
            trodden.0.resize(step + 1, u32::MAX);
        }
        if let Some(before) = trodden.0.get_mut(step) {
            *before = number;
        }
        Some(number)
    }

    fn at(&mut self, number: u32) -> Option<&mut T> {
        self.known.get_mut(usize::try_from(number).ok()?).map(|(_, known)| known)
    }
}

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self { numbers: BTreeMap::new(), known: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(last: u8, ttl: u8) -> Place {
        Place { follower: [192, 0, 2, last].into(), ttl, silent: 0, protocol: Protocol::Icmp, within: None }
    }

    #[test]
    fn whoever_walks_another_way_or_comes_after_places_were_forgotten_finds_the_right_ones() {
        let (mut places, mut trodden) = (Places::default(), Trodden::default());
        for last in 0..20 {
            // All are as far, so that each is looked for where the one before was found.
            assert_eq!(places.get(place(last, 7), &mut trodden), None);
            assert_eq!(places.get_or_begin(place(last, 7), &mut trodden, || last), Some(&mut last.clone()));
        }
        assert_eq!(places.get_or_begin(place(3, 7), &mut trodden, || 99), Some(&mut 3));
        assert_eq!(places.get(place(3, 8), &mut trodden), None);
        places.retain(|last| last % 2 == 0);
        assert_eq!(places.len(), 10);
        for last in 0..20 {
            assert_eq!(places.get(place(last, 7), &mut trodden).is_some(), last % 2 == 0);
        }
    }
}
