//! What is to be traced: from the command line and from a file, all of it checked before anything is sent.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;

use super::lines::{Lines, Place, first};
use crate::command::Exit;
use crate::command::verdicts::Refusal;
use crate::network::AddressScope;
use crate::printable::Printable;
use crate::round::deny::DenyList;
use crate::trace::courtesy::Prefix;
use crate::workload::Host;

/// What is to be traced: the first of each network in the order in which they were named, then the second of each, and so
/// on, so that few of those that are traced at once wait for each other.
#[derive(Debug, Default)]
pub(super) struct Targets {
    pub(super) hosts: Vec<Host>,
    /// What is to be said of them before they are traced.
    pub(super) remarks: Vec<String>,
}

/// Reads the targets of a command line and of a file.
struct Reading<'a> {
    /// Whether addresses of private networks, or behind relays, are traced wherever they are named.
    private: bool,
    deny: &'a DenyList,
    hosts: Vec<Host>,
    seen: BTreeMap<Host, Place<'a>>,
    faults: Vec<String>,
    repeated: Vec<String>,
    denied: Vec<String>,
}

impl Targets {
    /// The targets named on the command line, and those in the file at `path` (`-` is standard input), each once. Faults
    /// are told all together. Those that `deny` holds are left out, and that is remarked.
    pub(super) fn read(named: &[Host], path: Option<&Path>, private: bool, deny: &DenyList) -> Result<Self, Refusal> {
        let lines = Lines::read(path)?;
        let (hosts, seen, faults, repeated, denied) = Default::default();
        let mut reading = Reading { private, deny, hosts, seen, faults, repeated, denied };
        for host in named {
            reading.take(host.clone(), Place::CommandLine);
        }
        let exit = if reading.faults.is_empty() { Exit::Unreadable } else { Exit::Usage };
        reading.read(&lines);
        if reading.faults.is_empty() && reading.hosts.is_empty() && !reading.denied.is_empty() {
            let why = [first(reading.denied), vec!["every target is denied: nothing is traced".to_owned()]].concat();
            return Err(Refusal(Exit::NoHost, why.join("\n")));
        }
        if reading.faults.is_empty() && reading.hosts.is_empty() {
            let why = format!("{}: names no target: write an address or a name on each line", lines.file());
            reading.faults.push(why);
        }
        if !reading.faults.is_empty() {
            return Err(Refusal(exit, first(reading.faults).join("\n")));
        }
        let remarks = [first(reading.repeated), first(reading.denied)].concat();
        Ok(Self { hosts: spread(reading.hosts), remarks })
    }
}

fn spread(hosts: Vec<Host>) -> Vec<Host> {
    let mut seen: BTreeMap<Prefix, usize> = BTreeMap::new();
    let mut placed: Vec<(usize, Host)> = Vec::with_capacity(hosts.len());
    for host in hosts {
        let before = match host {
            Host::Address(address) => {
                let count = seen.entry(Prefix::of(address)).or_default();
                std::mem::replace(count, *count + 1)
            }
            // Nobody knows yet where it leads.
            Host::Name(_) => 0,
        };
        placed.push((before, host));
    }
    placed.sort_by_key(|(before, _)| *before);
    placed.into_iter().map(|(_, host)| host).collect()
}

impl<'a> Reading<'a> {
    /// One target a line.
    fn read(&mut self, lines: &'a Lines) {
        for (place, written) in lines.written("an address or a name") {
            let host = written.and_then(|written| {
                host(written).ok_or_else(|| {
                    format!(
                        "{} is neither an address nor a host name: write one on each line, such as 203.101.184.84 or \
                         portal.example.gov.pk",
                        Printable(written)
                    )
                })
            });
            match host {
                Ok(host) => self.take(host, place),
                Err(why) => self.faults.push(format!("{place}: {why}")),
            }
        }
    }

    fn take(&mut self, host: Host, place: Place<'a>) {
        if let Host::Address(address) = host
            && let Some(why) = refused(address, self.private || place == Place::CommandLine)
        {
            self.faults.push(format!("{place}: {address} {why}"));
            return;
        }
        if let Host::Address(address) = host
            && let Some(by) = self.deny.told(address)
        {
            self.denied.push(format!("{place}: {address} {}", denied(by)));
            return;
        }
        match self.seen.entry(host) {
            Entry::Vacant(vacant) => {
                self.hosts.push(vacant.key().clone());
                vacant.insert(place);
            }
            Entry::Occupied(known) => {
                self.repeated.push(format!("{place}: {} was named before ({}): traced once", known.key(), known.get()));
            }
        }
    }
}

/// Why nothing is sent to an address that the prefix `by` holds.
pub(super) fn denied(by: IpNet) -> String {
    format!("is denied ({by}): it is sent nothing")
}

/// Why nothing is sent to `address`, and what to do; `None` where something is.
pub(super) fn refused(address: IpAddr, private: bool) -> Option<&'static str> {
    if address.to_canonical() != address {
        return Some("is an IPv4 address in the dress of IPv6: leave it out");
    }
    match AddressScope::of(address) {
        AddressScope::Global => None,
        AddressScope::Private | AddressScope::Shared | AddressScope::Loopback | AddressScope::Relayed if private => {
            None
        }
        AddressScope::Relayed => {
            Some("is reached by way of some relay, and in no place: name it on the command line, or add --private")
        }
        AddressScope::Private | AddressScope::Shared | AddressScope::Loopback => {
            Some("is an address of a private network: name it on the command line, or add --private")
        }
        AddressScope::LinkLocal => Some("is an address of one link, so that no path leads there: leave it out"),
        AddressScope::Multicast => Some("is an address of many receivers: leave it out"),
        AddressScope::Reserved => Some("is reserved (broadcast, documentation, benchmarks, unspecified): leave it out"),
    }
}

/// An address, in brackets or without, or a name.
fn host(text: &str) -> Option<Host> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes the file that is read")]
mod tests {
    use super::*;

    /// Targets and remarks, or how it exits and the faults; without the name of the file.
    type Said = Result<(Vec<String>, Vec<String>), (Exit, Vec<String>)>;

    fn read(named: &[&str], text: &[u8], private: bool) -> Said {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("targets");
        std::fs::write(&file, text).unwrap();
        let named: Vec<Host> = named.iter().map(|text| text.parse().unwrap()).collect();
        let place = format!("{}:", file.display());
        let bare = |lines: Vec<String>| lines.iter().map(|line| line.replace(&place, "")).collect();
        let deny = ["203.99.0.0/16".parse().unwrap()].into_iter().collect();
        Targets::read(&named, Some(&file), private, &deny)
            .map(|targets| (targets.hosts.iter().map(ToString::to_string).collect(), bare(targets.remarks)))
            .map_err(|Refusal(exit, why)| (exit, bare(why.lines().map(str::to_owned).collect())))
    }

    #[test]
    fn a_file_has_a_target_on_each_line() {
        let text =
            "\u{feff}# ministries\n1.1.1.1\r\n\n  Portal.Example.gov.pk.  # the portal\n[2400:adc0::1]\n::ffff:9.9.9.9";
        let (hosts, remarks) = read(&["pbs.gov.pk"], text.as_bytes(), false).unwrap();
        assert_eq!(hosts, ["pbs.gov.pk", "1.1.1.1", "portal.example.gov.pk", "[2400:adc0::1]", "9.9.9.9"]);
        assert_eq!(remarks, Vec::<String>::new());
    }

    #[test]
    fn everything_wrong_with_a_file_is_told_at_once_with_its_line() {
        let text = b"1.1.1.1\n1.1.1.0/24\n300.1.1.1\nhttps://pbs.gov.pk\na b\n\x1b[2J\n\xff\xfe\n224.0.0.5\n\
                     255.255.255.255\n0.0.0.0\n192.0.2.1\nff02::1\nfe80::1\n10.0.0.1\n127.0.0.1\n100.64.0.1\nfd00::1\n";
        let (exit, faults) = read(&[], text, false).unwrap_err();
        assert_eq!(exit, Exit::Unreadable);
        let neither = "is neither an address nor a host name: write one on each line";
        let private = "is an address of a private network: name it on the command line, or add --private";
        for (line, words) in [
            (2, neither),
            (3, neither),
            (4, neither),
            (5, neither),
            (6, "\\u{1b}[2J is neither"),
            (7, "is not UTF-8"),
            (8, "224.0.0.5 is an address of many receivers"),
            (9, "255.255.255.255 is reserved (broadcast"),
            (10, "0.0.0.0 is reserved"),
            (11, "192.0.2.1 is reserved"),
            (12, "ff02::1 is an address of many receivers"),
            (13, "fe80::1 is an address of one link"),
            (14, private),
            (15, private),
            (16, private),
            (17, private),
        ] {
            let fault = &faults[line - 2];
            assert!(fault.starts_with(&format!("{line}: ")) && fault.contains(words), "{line}: {fault}");
        }
        assert_eq!(faults.len(), 16);
    }

    #[test]
    fn private_addresses_are_traced_where_that_is_meant() {
        assert_eq!(read(&["10.0.0.1"], b"1.1.1.1", false).unwrap().0, ["10.0.0.1", "1.1.1.1"]);
        assert_eq!(read(&[], b"10.0.0.1\nfd00::1\n127.0.0.1", true).unwrap().0, ["10.0.0.1", "[fd00::1]", "127.0.0.1"]);
        for never in ["224.0.0.1", "255.255.255.255", "169.254.1.1", "fe80::1"] {
            let (exit, faults) = read(&[never], b"1.1.1.1", true).unwrap_err();
            assert_eq!((exit, faults.len()), (Exit::Usage, 1), "{faults:?}");
            assert!(faults[0].starts_with(&format!("command line: {never} is ")), "{faults:?}");
        }
    }

    #[test]
    fn denied_targets_are_left_out_and_told_and_nothing_else_is_no_success() {
        let (hosts, remarks) = read(&["203.99.1.1"], b"1.1.1.1\n203.99.2.2\n", false).unwrap();
        assert_eq!(hosts, ["1.1.1.1"]);
        let told = "203.99.1.1 is denied (203.99.0.0/16): it is sent nothing";
        assert_eq!(remarks[0], format!("command line: {told}"));
        assert!(remarks[1].starts_with("2: 203.99.2.2 is denied"), "{remarks:?}");
        let (exit, why) = read(&["203.99.1.1"], b"# none\n", false).unwrap_err();
        assert_eq!((exit, why[1].as_str()), (Exit::NoHost, "every target is denied: nothing is traced"));
    }

    #[test]
    fn targets_of_one_network_are_spread_among_the_others() {
        let text = b"1.1.1.1\n1.1.1.2\n1.1.1.3\npbs.gov.pk\n2400:adc0::1\n2400:adc0::2\n1.1.2.1\n";
        let (hosts, _) = read(&[], text, false).unwrap();
        assert_eq!(
            hosts,
            ["1.1.1.1", "pbs.gov.pk", "[2400:adc0::1]", "1.1.2.1", "1.1.1.2", "[2400:adc0::2]", "1.1.1.3"]
        );
    }

    #[test]
    fn what_is_named_twice_is_traced_once_and_told() {
        let text = b"1.1.1.1\nPBS.gov.pk\n001.1.1.1\n".to_vec();
        assert!(read(&[], &text, false).is_err(), "no address has a leading zero");
        let (hosts, remarks) = read(&["pbs.gov.pk"], b"1.1.1.1\nPBS.gov.pk.\n::ffff:1.1.1.1\n", false).unwrap();
        assert_eq!(hosts, ["pbs.gov.pk", "1.1.1.1"]);
        assert_eq!(
            remarks,
            [
                "2: pbs.gov.pk was named before (command line): traced once",
                "3: 1.1.1.1 was named before (1): traced once"
            ]
        );
        let (_, remarks) = read(&[], "1.1.1.1\n".repeat(100).as_bytes(), false).unwrap();
        assert_eq!((remarks.len(), remarks[20].as_str()), (21, "and 79 more like these"));
    }

    #[test]
    fn a_file_without_a_target_or_that_is_not_there_is_refused() {
        let (exit, faults) = read(&[], b"# nothing\n\n", false).unwrap_err();
        assert!(exit == Exit::Unreadable && faults[0].contains("names no target"), "{faults:?}");
        let Refusal(exit, why) =
            Targets::read(&[], Some(Path::new("/nowhere/targets")), false, &DenyList::default()).unwrap_err();
        assert!(exit == Exit::Unreadable && why.starts_with("/nowhere/targets: failed to read: "), "{why}");
    }
}
