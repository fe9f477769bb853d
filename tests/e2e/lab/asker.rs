//! What a resolver and the servers of a zone say of names, asked as the daemon asks.

use super::Lab;
use pehra::config::probing::ProbingConfig;
use pehra::config::resolver::{ResolverAddress, ResolverConfig, Transport};
use pehra::edge::dns::Resolvers;
use pehra::edge::dns::signatures::Anchors;
use pehra::edge::dns::zones::Zones;
use pehra::network::AddressScope;
use pehra::resolution::View;
use pehra::resolution::zone::Zone;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// The argument that makes this program play the part.
pub(super) const ROLE: &str = "--play-asker";

/// Asks `resolver` on `node` about the zones of `names`, trusting the keys in `anchor`.
pub(crate) fn ask_zones(lab: &Lab, node: &'static str, resolver: IpAddr, anchor: &Path, names: &[&str]) -> Vec<Zone> {
    let program = std::env::current_exe().expect("this program").display().to_string();
    let (resolver, anchor) = (resolver.to_string(), anchor.display().to_string());
    let command = [&[program.as_str(), ROLE, &resolver, &anchor], names].concat();
    let said = lab.output(node, &command);
    said.lines().map(|line| serde_json::from_str(line).expect("a zone")).collect()
}

/// Runs the program.
pub(super) fn play(arguments: &[String]) -> ExitCode {
    let [resolver, anchor, names @ ..] = arguments else {
        eprintln!("a resolver is needed, a file of keys, and names");
        return ExitCode::FAILURE;
    };
    let view = View("lab".to_owned());
    let address = SocketAddr::new(resolver.parse().expect("an address"), 53);
    let server = ResolverAddress::Server { address, transport: Transport::Udp };
    let timeout = Duration::from_secs(3);
    let resolvers = ResolverConfig { view: view.clone(), server, timeout, subnet: None };
    let resolvers = Resolvers::open(&[resolvers], &ProbingConfig::default().round).expect("a view");
    let zones = Zones::new(Duration::from_secs(3600), Anchors::open(Path::new(anchor)).expect("keys"));
    let permits = |address| AddressScope::of(address).is_global();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for name in names {
        let name = name.parse().expect("a name");
        let zone = runtime.block_on(zones.zone(&resolvers, &view, &name, &permits));
        println!("{}", serde_json::to_string(&zone).expect("JSON"));
    }
    ExitCode::SUCCESS
}
