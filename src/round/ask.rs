//! What a round wants to know of the world.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::contact::call::Call;
use crate::contact::pop::PopLabel;
use crate::resolution::{AddressFamily, View};
use crate::trace::plan::Plan;
use crate::workload::HostName;

/// Something the world is to be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// Look a name up.
    Lookup {
        /// By this view.
        view: View,
        /// This name.
        name: HostName,
        /// For addresses of this family.
        family: AddressFamily,
    },
    /// Trace the path to an address.
    Trace(Plan),
    /// Speak to an address of the endpoint.
    Contact(Call),
    /// Speak to an address of another host. What was said lately for another endpoint serves as well.
    Visit(Call),
    /// Ask what an address is called.
    Pointer {
        /// Ask this view.
        view: View,
        /// The address.
        address: IpAddr,
    },
    /// Ask who serves the zone of a name, and what it says of itself.
    Zone {
        /// Ask this view, and the servers of the zone.
        view: View,
        /// The name.
        name: HostName,
    },
    /// Ask every source what it says of these addresses and names.
    Claims {
        /// The addresses.
        addresses: BTreeSet<IpAddr>,
        /// What some of them are called.
        names: Vec<(IpAddr, String)>,
        /// What some of them call themselves.
        labels: Vec<(IpAddr, PopLabel)>,
        /// The names over which they were come to.
        aliases: BTreeSet<HostName>,
    },
}
