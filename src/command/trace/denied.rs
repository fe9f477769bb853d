//! Whom nothing is sent to: networks from the command line and from a file.

use std::path::Path;

use ipnet::IpNet;

use super::lines::{Lines, first};
use crate::command::Exit;
use crate::command::verdicts::Refusal;
use crate::network;
use crate::round::deny::DenyList;

/// The networks named on the command line, and those in the file at `path` (`-` is standard input). Faults are told all
/// together.
pub(super) fn read(named: &[IpNet], path: Option<&Path>) -> Result<DenyList, Refusal> {
    let lines = Lines::read(path)?;
    let (mut prefixes, mut faults) = (named.to_vec(), Vec::new());
    for (place, written) in lines.written("a prefix") {
        match written.and_then(|written| network::prefix(written).map_err(|error| error.to_string())) {
            Ok(prefix) => prefixes.push(prefix),
            Err(why) => faults.push(format!("{place}: {why}")),
        }
    }
    if faults.is_empty() {
        Ok(prefixes.into_iter().collect())
    } else {
        Err(Refusal(Exit::Unreadable, first(faults).join("\n")))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "writes the file that is read")]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<DenyList, Vec<String>> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("deny");
        std::fs::write(&file, text).unwrap();
        let place = format!("{}:", file.display());
        read(&["198.51.100.0/24".parse().unwrap()], Some(&file)).map_err(|Refusal(exit, why)| {
            assert_eq!(exit, Exit::Unreadable);
            why.lines().map(|line| line.replace(&place, "")).collect()
        })
    }

    #[test]
    fn a_file_has_a_prefix_on_each_line() {
        let list = read_text(b"# asked us to stop\n203.0.113.0/24\r\n\n  2001:db8::/32 # and these\n").unwrap();
        let told = |address: &str| list.told(address.parse().unwrap()).map(|prefix| prefix.to_string());
        assert_eq!(told("203.0.113.9").as_deref(), Some("203.0.113.0/24"));
        assert_eq!(told("2001:db8::9").as_deref(), Some("2001:db8::/32"));
        assert_eq!(told("198.51.100.9").as_deref(), Some("198.51.100.0/24"));
        assert_eq!(told("9.9.9.9"), None);
    }

    #[test]
    fn everything_wrong_with_a_file_is_told_at_once_with_its_line_and_its_cure() {
        let text = b"203.0.113.0/24\n203.0.113.7/24\n203.0.113.7\nexample.com\n\xff\n";
        assert_eq!(
            read_text(text).unwrap_err(),
            [
                "2: 203.0.113.7/24 has host bits set: write 203.0.113.0/24 for the whole prefix",
                "3: 203.0.113.7 is an address alone: write 203.0.113.7/32",
                "4: \"example.com\" is not a prefix: write 203.101.184.0/24",
                "5: is not UTF-8: write a prefix",
            ]
        );
        assert!(read(&[], Some(Path::new("/nowhere/deny"))).is_err());
    }
}
