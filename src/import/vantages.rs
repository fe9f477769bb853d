//! Where imported vantages stood, by their names.

use std::collections::BTreeMap;

use crate::vantage::{Vantage, VantageId};

/// Where vantages stood, by their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vantages(BTreeMap<VantageId, Vantage>);

impl FromIterator<Vantage> for Vantages {
    fn from_iter<I: IntoIterator<Item = Vantage>>(vantages: I) -> Self {
        Self(vantages.into_iter().map(|vantage| (vantage.id.clone(), vantage)).collect())
    }
}

impl Vantages {
    /// The vantage called `id`; one that is not described has no coordinates and can prove nothing.
    pub fn find(&self, id: &str) -> Vantage {
        let id = VantageId(id.to_owned());
        self.0.get(&id).cloned().unwrap_or(Vantage { id, position: None, asn: None })
    }

    /// How many are described.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
