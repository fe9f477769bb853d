//! `deny` held against the rest: what is never sent anything although the file seems to want it, or is sent something all
//! the same.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::round::deny::DenyList;

use super::fault::{Faults, Spot};
use super::section::At;

/// Warns of networks that are allowed and of which nothing is left, and of those that leave nobody.
pub(super) fn warn_of_shadowed(allow: &[At<IpNet>], deny: &[At<IpNet>], faults: &Faults) {
    for allowed in allow {
        if let Some(by) = deny.iter().find(|denied| denied.value.contains(&allowed.value)) {
            let (prefix, whole) = (allowed.value, by.value);
            let never = format!("{prefix} is never sent anything all the same, as {whole} is denied");
            faults.warn(&allowed.spot, format!("{never}: leave one of them out, or narrow \"deny\""));
        }
    }
    for denied in deny.iter().filter(|denied| denied.value.prefix_len() == 0) {
        let family = if denied.value.addr().is_ipv4() { "IPv4" } else { "IPv6" };
        let everybody = format!("{} is everybody, so that nothing is measured by {family}", denied.value);
        faults.warn(&denied.spot, format!("{everybody}: name the networks that are meant"));
    }
}

/// Warns of what is an address and is never sent anything, so that `outcome`.
pub(super) fn warn_of_silenced(address: IpAddr, deny: &DenyList, outcome: &str, spot: &Spot, faults: &Faults) {
    if let Some(by) = deny.denies(address) {
        let never = format!("{address} is never sent anything, as {by} is denied");
        faults.warn(spot, format!("{never}: {outcome}, leave one of them out"));
    }
}

/// What is to be said of a resolver that is asked for names although `deny` holds it; nothing where it does not. What is
/// measured is kept from such a network, and not what is asked.
pub(crate) fn asked(server: IpAddr, deny: &DenyList) -> Option<String> {
    let by = deny.told(server)?;
    Some(format!(
        "{server} is asked for names although {by} is denied: \"deny\" keeps probes and connections from a network, and \
         no questions; name another resolver if it wants none"
    ))
}
