//! The simulated world: the internet, the names and what databases say, compiled from a scenario and changed by its steps.

use ipnet::IpNet;

use super::claims::Claims;
use super::internet::Internet;
use super::names::Names;
use super::scenario::Invalid;
use super::topology::{NodeId, Topology, milliseconds};
use super::written::{ChangeWritten, EstateWritten, NameWritten, Written};

/// The most endpoints of one estate; a daemon that watches more is not what is simulated.
const LARGEST_ESTATE: u32 = 100_000;

/// Everything outside the daemon, but for those it tells of alerts.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) internet: Internet,
    pub(super) names: Names,
    pub(super) claims: Claims,
    /// Where the daemon stands.
    pub(super) vantage: NodeId,
}

impl World {
    /// The world of these parts, a later one adding to the ones before it; each part comes with the file it is from.
    pub(super) fn compile(parts: &[(&str, &Written)]) -> Result<Self, (String, Invalid)> {
        let mut world = Self {
            internet: Internet::new(Topology::new()),
            names: Names::default(),
            claims: Claims::default(),
            vantage: NodeId::default(),
        };
        for (file, part) in parts {
            world.add(part).map_err(|invalid| ((*file).to_owned(), invalid))?;
        }
        match parts.last() {
            Some((file, _)) if parts.iter().all(|(_, part)| part.vantage.is_none()) => {
                let what = "is missing: name the node at which the daemon stands";
                Err(((*file).to_owned(), Invalid::new("vantage", what)))
            }
            Some(_) | None => Ok(world),
        }
    }

    fn add(&mut self, part: &Written) -> Result<(), Invalid> {
        add_network(&mut self.internet.topology, part)?;
        add_names(&mut self.names, part)?;
        self.claims.add(&part.says, &part.network);
        let jitter = part.jitter_ms.map(|ms| milliseconds("jitter_ms", ms)).transpose()?;
        self.internet.set_chance(jitter, part.seed);
        if let Some(name) = &part.vantage {
            self.vantage = self.internet.topology.find("vantage", name)?;
        }
        Ok(())
    }

    /// Changes what `change` says of the world.
    pub(super) fn change(&mut self, key: &str, change: &ChangeWritten) -> Result<(), Invalid> {
        for (name, node) in &change.node {
            self.internet.topology.set_node(&format!("{key}.node.{name}"), name, node)?;
        }
        for (index, path) in change.path.iter().enumerate() {
            self.internet.topology.set_path(&format!("{key}.path[{index}]"), path)?;
        }
        for name in &change.name {
            self.names.set(name.clone());
        }
        for pointer in &change.pointer {
            self.names.set_pointer(pointer);
        }
        if let Some(connection) = change.network {
            self.internet.connection = connection;
        }
        Ok(())
    }
}

fn add_network(topology: &mut Topology, part: &Written) -> Result<(), Invalid> {
    topology.set_lengths(part.inflation, part.hop_ms)?;
    topology.add_places(&part.place)?;
    for (name, node) in &part.node {
        topology.set_node(&format!("node.{name}"), name, node)?;
    }
    for (index, link) in part.link.iter().enumerate() {
        topology.set_link(&format!("link[{index}]"), link)?;
    }
    for (index, path) in part.path.iter().enumerate() {
        topology.set_path(&format!("path[{index}]"), path)?;
    }
    Ok(())
}

fn add_names(names: &mut Names, part: &Written) -> Result<(), Invalid> {
    for (index, estate) in part.estate.iter().enumerate() {
        for name in estate_names(&format!("estate[{index}]"), estate)? {
            names.set(name);
        }
    }
    for name in &part.name {
        names.set(name.clone());
    }
    for pointer in &part.pointer {
        names.set_pointer(pointer);
    }
    Ok(())
}

/// The names of an estate, each with its address.
pub(super) fn estate_names(key: &str, estate: &EstateWritten) -> Result<Vec<NameWritten>, Invalid> {
    if estate.count > LARGEST_ESTATE {
        return Err(Invalid::new(format!("{key}.count"), format!("is beyond {LARGEST_ESTATE}: write fewer")));
    }
    let IpNet::V4(prefix) = estate.prefix else {
        return Err(Invalid::new(format!("{key}.prefix"), "write an IPv4 prefix"));
    };
    let addresses = (1..=estate.count).zip(prefix.hosts());
    let names: Vec<_> = addresses.map(|(n, address)| named(key, estate, n, address)).collect::<Result<_, _>>()?;
    if names.len() == usize::try_from(estate.count).unwrap_or(usize::MAX) {
        Ok(names)
    } else {
        Err(Invalid::new(format!("{key}.prefix"), "holds fewer addresses than count: write a shorter prefix"))
    }
}

fn named(key: &str, estate: &EstateWritten, n: u32, address: std::net::Ipv4Addr) -> Result<NameWritten, Invalid> {
    let name = estate.name.replace("{}", &n.to_string());
    let name = name.parse().map_err(|e| Invalid::new(format!("{key}.name"), e))?;
    Ok(NameWritten { name, view: None, ttl: estate.ttl, a: vec![address], aaaa: Vec::new(), cname: None, fails: None })
}
