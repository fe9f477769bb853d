//! stub
use crate::location::OutlinesId;
use crate::place::{Coordinates, CountryCode, CountrySet, Distance};
/// x
#[derive(Debug, Clone)]
pub struct Outlines(OutlinesId);
/// x
#[derive(Debug, Clone)]
pub struct Reach;
impl Outlines {
    /// x
    pub fn reach(&self, _: Coordinates) -> Reach {
        Reach
    }
    /// x
    pub fn id(&self) -> &OutlinesId {
        &self.0
    }
}
impl Reach {
    /// x
    pub fn within(&self, _: Distance) -> CountrySet {
        CountrySet::default()
    }
    /// x
    pub fn distance_to(&self, _: CountryCode) -> Option<Distance> {
        None
    }
}
