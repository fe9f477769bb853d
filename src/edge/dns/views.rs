//! What the configuration says of a view → what asks for it.

use std::io::Read;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::authoritative::Authoritative;
use super::exchange::Carrier;
use super::https::Https;
use super::system::System;
use super::tls::Tls;
use crate::config::Fault;
use crate::config::resolver::{NamedFile, ResolverAddress, ResolverConfig, Transport};
use crate::edge::input;
use crate::resolution::hints;
use crate::round::Probing;

/// The most bytes of a file that a view names: the certificate authorities of a whole host are a quarter of it.
const LARGEST_FILE: u64 = 1 << 20;

/// One view, ready to be asked.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) whom: Whom,
    /// How long an answer may take, retries included.
    pub(super) timeout: Duration,
    /// For whom it asks.
    pub(super) subnet: Option<IpNet>,
}

/// Whom a view asks.
#[derive(Debug)]
pub(super) enum Whom {
    /// Whomever this host asks.
    System(System),
    /// One server.
    Server(SocketAddr, Carrier),
    /// The servers of each zone.
    Authoritative(Box<Authoritative>),
}

impl Opened {
    /// Opens the view that `config` describes; what it learns of name servers is held against `probing`.
    pub(super) fn open(config: &ResolverConfig, probing: &Probing) -> Result<Self, Fault> {
        let whom = match &config.server {
            ResolverAddress::System => Whom::System(System::default()),
            ResolverAddress::Server { address, transport } => Whom::Server(*address, carrier(*address, transport)?),
            ResolverAddress::Authoritative { hints } => {
                let roots = hints.as_ref().map(read_hints).transpose()?;
                Whom::Authoritative(Box::new(Authoritative::new(roots, probing.clone())))
            }
        };
        Ok(Self { whom, timeout: config.timeout, subnet: config.subnet })
    }
}

fn carrier(address: SocketAddr, transport: &Transport) -> Result<Carrier, Fault> {
    match transport {
        Transport::Udp => Ok(Carrier::Udp),
        Transport::Tcp => Ok(Carrier::Tcp),
        Transport::Tls(authentication) => Tls::open(address.ip(), authentication).map(Arc::new).map(Carrier::Tls),
        Transport::Https { authentication, path } => {
            Https::open(address, authentication, path).map(Arc::new).map(Carrier::Https)
        }
    }
}

fn read_hints(file: &NamedFile) -> Result<Vec<std::net::IpAddr>, Fault> {
    let bytes = read(file)?;
    hints::parse(&String::from_utf8_lossy(&bytes)).map_err(|error| {
        let path = file.path.display();
        let message = format!(
            "{path} is no hint file: {error}: take https://www.internic.net/domain/named.root, or leave it out"
        );
        Fault { spot: file.spot.clone(), message }
    })
}

/// The bytes of a file that the configuration names.
pub(super) fn read(file: &NamedFile) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    let read = input::open_file(&file.path, LARGEST_FILE).and_then(|mut input| input.reader.read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|error| {
        let path = file.path.display();
        let message = format!("failed to read {path}: {error}: correct the path or its permissions");
        Fault { spot: file.spot.clone(), message }
    })
}
