//! Many observations that are judged together or each vantage's alone → by what their times are measured.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Calibration, Hubs, Window};
use crate::location::disc::Borders;
use crate::observation::Observation;
use crate::place::Home;
use crate::vantage::VantageId;

/// In what light observations are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// In that of every vantage.
    Together,
    /// Each in that of what its own vantage measured.
    Alone,
}

/// By what the times of many observations are measured.
#[derive(Clone, Debug)]
pub enum Survey<'a> {
    /// What all say together.
    Together(Box<Calibration>),
    /// What those of each vantage say.
    Alone(BTreeMap<&'a VantageId, Calibration>),
}

impl<'a> Survey<'a> {
    /// What the observations say together, or those of each vantage alone. `borders` must have met their vantages.
    pub fn of(
        light: Light,
        home: &Home,
        window: Window,
        observations: impl IntoIterator<Item = &'a Observation>,
        borders: &Borders,
    ) -> Self {
        let hubs = Arc::new(Hubs::shipped());
        if light == Light::Together {
            return Self::Together(Box::new(Calibration::survey(home, hubs, window, observations, borders)));
        }
        let mut calibrations = BTreeMap::new();
        for observation in observations {
            let begun = || Calibration::new(home, Arc::clone(&hubs), window);
            calibrations.entry(observation.vantage_id()).or_insert_with(begun).handle_observation(observation, borders);
        }
        calibrations.values_mut().for_each(Calibration::finish);
        Self::Alone(calibrations)
    }

    /// By what the times of `vantage` are measured, and of those that it is judged in the light of; `None` when nothing of
    /// it was surveyed.
    pub fn calibration(&self, vantage: &VantageId) -> Option<&Calibration> {
        match self {
            Self::Together(calibration) => Some(calibration),
            Self::Alone(calibrations) => calibrations.get(vantage),
        }
    }

    /// What somebody should look into ([`Calibration::remarks`]).
    pub fn remarks(&self) -> Vec<String> {
        match self {
            Self::Together(calibration) => calibration.remarks(),
            Self::Alone(calibrations) => calibrations.values().flat_map(Calibration::remarks).collect(),
        }
    }
}
