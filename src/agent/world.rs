//! Whom rounds ask, for as long as the daemon runs or a command takes.

use std::sync::Arc;

use crate::config::Config;
use crate::edge::client;
use crate::edge::contact::Caller;
use crate::edge::contact::recent::Recent;
use crate::edge::dns::Resolvers;
use crate::edge::dns::pointers::Pointers;
use crate::edge::dns::signatures::{Anchors, AnchorsError};
use crate::edge::dns::zones::Zones;
use crate::edge::geodb::Geodb;
use crate::edge::prober::ProberHandle;
use crate::edge::turns::Turns;

/// Whom a round asks.
#[derive(Clone, Debug)]
pub struct World {
    /// Every view.
    pub resolvers: Arc<Resolvers>,
    /// What addresses are called, as far as it was asked.
    pub pointers: Arc<Pointers>,
    /// Traces.
    pub prober: ProberHandle,
    /// Conversations.
    pub caller: Arc<Caller>,
    /// What was said lately to hosts that endpoints share.
    pub recent: Arc<Recent>,
    /// What zones say, as far as they were asked.
    pub zones: Arc<Zones>,
    /// When connections may be attempted.
    pub turns: Arc<Turns>,
    /// The sources of claims.
    pub geodb: Geodb,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The TLS library refuses its settings.
    #[error("set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The keys that signatures are checked from.
    #[error(transparent)]
    Anchors(#[from] AnchorsError),
}

impl World {
    /// Opens what `config` says is asked.
    pub fn open(
        config: &Config,
        resolvers: Arc<Resolvers>,
        prober: ProberHandle,
        geodb: Geodb,
    ) -> Result<Self, WorldError> {
        Ok(Self {
            resolvers,
            pointers: Arc::default(),
            prober,
            caller: Arc::new(Caller::new(client::authorities())?),
            recent: Arc::new(recent(config)),
            zones: Arc::new(zones(config)?),
            turns: Arc::new(Turns::new(config.probing.courtesy())),
            geodb,
        })
    }

    /// Asks by another configuration from now on. What was said lately is forgotten; what must not be asked faster than so
    /// much keeps its pace.
    pub fn reconfigure(&mut self, config: &Config, resolvers: Arc<Resolvers>, geodb: Geodb) -> Result<(), WorldError> {
        self.zones = Arc::new(zones(config)?);
        self.recent = Arc::new(recent(config));
        self.resolvers = resolvers;
        self.geodb = geodb;
        Ok(())
    }
}

/// No conversation serves two whole rounds of one endpoint.
fn recent(config: &Config) -> Recent {
    Recent::new(config.schedule.shortest() / 2)
}

fn zones(config: &Config) -> Result<Zones, AnchorsError> {
    Ok(Zones::new(config.zones.interval, Anchors::of(&config.zones)?))
}
