//! The records of answers → who serves a zone, who takes its mail, who serves its pages, who certifies it.
//!
//! Records come in any order and are written by strangers. Only those of the name that was asked about count, and only
//! names that are host names: what is none cannot be asked anything, and is told of as [`NameFailure::Malformed`].
//!
//! [`NameFailure::Malformed`]: crate::resolution::NameFailure::Malformed

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{MOST_SERVERS, MailExchanger, ServiceBinding};
use crate::workload::HostName;

/// What a zone can be asked about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Where the zone begins (SOA).
    Origin,
    /// Who serves it (NS).
    Servers,
    /// Who takes its mail (MX).
    Mail,
    /// Who serves its pages, by port 443 (HTTPS, RFC 9460).
    Services,
    /// Who may issue certificates for it (CAA, RFC 8659).
    Issuers,
}

impl Kind {
    /// The type of record, as it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Origin => "SOA",
            Self::Servers => "NS",
            Self::Mail => "MX",
            Self::Services => "HTTPS",
            Self::Issuers => "CAA",
        }
    }
}

/// What one answer says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statements {
    /// In its answer section.
    pub answer: Vec<Statement>,
    /// In its authority section.
    pub authority: Vec<Statement>,
}

/// One record of class IN. Names are text without the dot of the root, escaped as in a zone file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose record it is.
    pub owner: String,
    /// What it says.
    pub data: Data,
}

/// What a record says of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// SOA: a zone begins here.
    Origin,
    /// NS: this name serves the zone.
    Server(String),
    /// MX.
    Exchanger {
        /// Lower is preferred.
        preference: u16,
        /// Its name; empty where no mail is taken (RFC 7505).
        name: String,
    },
    /// HTTPS.
    Service {
        /// 0 for an alias.
        priority: u16,
        /// Who serves it; empty for the owner itself.
        target: String,
        /// Addresses of the target.
        hints: Vec<IpAddr>,
    },
    /// CAA.
    Issuer {
        /// What is restricted, in lower case: `issue`, `issuewild`.
        tag: String,
        /// To whom.
        value: String,
    },
}

/// What was found among the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// In order, each once, [`MOST_SERVERS`] at most.
    pub all: Vec<T>,
    /// Whether there was something that names no host.
    pub is_torn: bool,
}

impl Statements {
    /// The zone that holds `asked`, by an answer to the question for its SOA: the owner of that, which a negative answer
    /// has as well (RFC 2308 section 2). Where `asked` is an alias it says nothing: the SOA may be that of the target.
    pub fn apex(&self, asked: &HostName) -> Option<HostName> {
        let records = self.answer.iter().chain(&self.authority);
        let origins = records.filter(|record| record.data == Data::Origin);
        let owners = origins.filter_map(|record| record.owner.parse().ok()).filter(|owner| is_within(asked, owner));
        owners.max_by_key(|owner: &HostName| owner.as_str().len())
    }

    /// The name servers of the zone that begins at `apex`.
    pub fn servers(&self, apex: &HostName) -> Found<HostName> {
        let section = if of(&self.answer, apex).any(is_server) { &self.answer } else { &self.authority };
        let names = of(section, apex).filter_map(|data| match data {
            Data::Server(name) => Some(name.parse().ok()),
            Data::Origin | Data::Exchanger { .. } | Data::Service { .. } | Data::Issuer { .. } => None,
        });
        Found::gather(names)
    }

    /// Who takes the mail of `name`: nobody, where it says so; `None` where it says nothing.
    pub fn mail(&self, name: &HostName) -> Option<Found<MailExchanger>> {
        let exchangers: Vec<_> = of(&self.answer, name)
            .filter_map(|data| match data {
                Data::Exchanger { preference, name } => Some((*preference, name.as_str())),
                Data::Origin | Data::Server(_) | Data::Service { .. } | Data::Issuer { .. } => None,
            })
            .collect();
        if let [(_, "")] = exchangers.as_slice() {
            return Some(Found { all: Vec::new(), is_torn: false });
        }
        let is_told = !exchangers.is_empty();
        let exchanger = |(preference, name): (u16, &str)| Some(MailExchanger { preference, name: name.parse().ok()? });
        is_told.then(|| Found::gather(exchangers.into_iter().map(exchanger)))
    }

    /// Who serves the pages of `name`.
    pub fn services(&self, name: &HostName) -> Found<ServiceBinding> {
        let services = of(&self.answer, name).filter_map(|data| match data {
            Data::Service { priority, target, hints } => Some(service(*priority, target, hints, name)),
            Data::Origin | Data::Server(_) | Data::Exchanger { .. } | Data::Issuer { .. } => None,
        });
        Found::gather(services)
    }

    /// Who may issue certificates for `name`, and for what, as `issue "ca.example"`; `None` where it says nothing, so that
    /// the name above it is to be asked (RFC 8659 section 3).
    pub fn issuers(&self, name: &HostName) -> Option<Vec<String>> {
        let properties: Vec<_> = of(&self.answer, name)
            .filter_map(|data| match data {
                Data::Issuer { tag, value } => Some((tag, value)),
                Data::Origin | Data::Server(_) | Data::Exchanger { .. } | Data::Service { .. } => None,
            })
            .collect();
        let is_told = !properties.is_empty();
        let issuing = properties.into_iter().filter(|(tag, _)| tag.starts_with("issue"));
        let all = issuing.map(|(tag, value)| Some(format!("{tag} \"{value}\"")));
        is_told.then(|| Found::gather(all).all)
    }
}

impl<T: Ord> Found<T> {
    fn gather(found: impl Iterator<Item = Option<T>>) -> Self {
        let (mut all, mut is_torn) = (BTreeSet::new(), false);
        for one in found {
            match one {
                Some(one) => _ = all.insert(one),
                None => is_torn = true,
            }
        }
        Self { all: all.into_iter().take(MOST_SERVERS).collect(), is_torn }
    }
}

fn is_server(data: &Data) -> bool {
    matches!(data, Data::Server(_))
}

fn service(priority: u16, target: &str, hints: &[IpAddr], owner: &HostName) -> Option<ServiceBinding> {
    let target = if target.is_empty() { owner.clone() } else { target.parse().ok()? };
    let hints: BTreeSet<_> = hints.iter().copied().collect();
    Some(ServiceBinding { priority, target, hints: hints.into_iter().take(MOST_SERVERS).collect() })
}

fn of<'a>(records: &'a [Statement], name: &HostName) -> impl Iterator<Item = &'a Data> {
    let of_name = records.iter().filter(move |record| record.owner.eq_ignore_ascii_case(name.as_str()));
    of_name.map(|record| &record.data)
}

/// Whether `name` is `zone` or below it.
pub fn is_within(name: &HostName, zone: &HostName) -> bool {
    let above = name.as_str().strip_suffix(zone.as_str());
    above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// The name above `name`; `None` for one of the top.
pub fn parent(name: &HostName) -> Option<HostName> {
    name.as_str().split_once('.').and_then(|(_, above)| above.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> HostName {
        text.parse().unwrap()
    }

    fn statement(owner: &str, data: Data) -> Statement {
        Statement { owner: owner.to_owned(), data }
    }

    fn answer(records: impl IntoIterator<Item = (&'static str, Data)>) -> Statements {
        let answer = records.into_iter().map(|(owner, data)| statement(owner, data)).collect();
        Statements { answer, authority: Vec::new() }
    }

    fn server(text: &str) -> Data {
        Data::Server(text.to_owned())
    }

    fn exchanger(preference: u16, text: &str) -> Data {
        Data::Exchanger { preference, name: text.to_owned() }
    }

    fn issuer(tag: &str, value: &str) -> Data {
        Data::Issuer { tag: tag.to_owned(), value: value.to_owned() }
    }

    fn texts<T: ToString>(all: &[T]) -> Vec<String> {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_zone_is_where_its_soa_is_in_an_answer_or_in_a_denial() {
        let asked = name("www.portal.example.gov.pk");
        let denial = |owner: &str| Statements { answer: vec![], authority: vec![statement(owner, Data::Origin)] };
        assert_eq!(denial("Example.GOV.pk").apex(&asked), Some(name("example.gov.pk")));
        assert_eq!(answer([("www.portal.example.gov.pk", Data::Origin)]).apex(&asked), Some(asked.clone()));
        for elsewhere in ["", "ample.gov.pk", "cdn.example", "a.www.portal.example.gov.pk", "gov\\.pk", "\\000.pk"] {
            assert_eq!(denial(elsewhere).apex(&asked), None, "{elsewhere}");
        }
        let both = [("pk", Data::Origin), ("gov.pk", Data::Origin)];
        assert_eq!(answer(both).apex(&asked), Some(name("gov.pk")));
    }

    #[test]
    fn servers_are_those_of_the_zone_each_once_in_order_and_hosts_only() {
        let records = [
            ("example.gov.pk", server("ns2.example.net")),
            ("EXAMPLE.gov.pk", server("NS1.example.gov.pk")),
            ("example.gov.pk", server("ns1.example.gov.pk")),
            ("bank.example", server("ns.bank.example")),
        ];
        let found = answer(records.clone()).servers(&name("example.gov.pk"));
        assert_eq!((texts(&found.all), found.is_torn), (texts(&["ns1.example.gov.pk", "ns2.example.net"]), false));
        let referral = Statements { answer: Vec::new(), authority: answer(records).answer };
        assert_eq!(referral.servers(&name("example.gov.pk")), found);
        for hostile in ["", "<script>.example", "\\027[2J.example", "a\\.b.example", "-a.example", "a b.example"] {
            let found = answer([("a.pk", server(hostile)), ("a.pk", server("ns.a.pk"))]).servers(&name("a.pk"));
            assert_eq!((texts(&found.all), found.is_torn), (texts(&["ns.a.pk"]), true), "{hostile}");
        }
    }

    #[test]
    fn mail_is_in_order_of_preference_and_none_is_an_answer() {
        let found =
            answer([("a.pk", exchanger(20, "b.mx")), ("a.pk", exchanger(10, "c.mx")), ("b.pk", exchanger(1, "d"))]);
        let all: Vec<_> = found.mail(&name("a.pk")).unwrap().all.iter().map(|mail| mail.name.to_string()).collect();
        assert_eq!(all, ["c.mx", "b.mx"]);
        let none = answer([("a.pk", exchanger(0, ""))]).mail(&name("a.pk"));
        assert_eq!(none, Some(Found { all: Vec::new(), is_torn: false }));
        let torn = answer([("a.pk", exchanger(0, "")), ("a.pk", exchanger(1, "b.mx"))]).mail(&name("a.pk")).unwrap();
        assert_eq!((torn.all.len(), torn.is_torn), (1, true));
        assert_eq!(answer([]).mail(&name("a.pk")), None);
    }

    #[test]
    fn services_keep_their_hints_and_a_target_that_is_the_name_itself() {
        let hints = vec!["203.0.113.7".parse().unwrap(), "2001:db8::7".parse().unwrap()];
        let service =
            |priority, target: &str| Data::Service { priority, target: target.to_owned(), hints: hints.clone() };
        let found =
            answer([("a.pk", service(2, "edge.example")), ("a.pk", service(1, "")), ("a.pk", service(3, "a b"))]);
        let found = found.services(&name("a.pk"));
        let shown: Vec<_> = found.all.iter().map(|it| (it.priority, it.target.as_str(), it.hints.len())).collect();
        assert_eq!((shown, found.is_torn), (vec![(1, "a.pk", 2), (2, "edge.example", 2)], true));
    }

    #[test]
    fn issuers_are_as_written_and_a_name_without_any_is_told_from_one_that_restricts_nothing() {
        let written =
            [issuer("issue", "ca.example; policy=ev"), issuer("iodef", "mailto:x@a.pk"), issuer("issuewild", ";")];
        let found = answer(written.map(|data| ("a.pk", data))).issuers(&name("a.pk"));
        assert_eq!(found, Some(texts(&["issue \"ca.example; policy=ev\"", "issuewild \";\""])));
        assert_eq!(answer([("a.pk", issuer("iodef", "x"))]).issuers(&name("a.pk")), Some(Vec::new()));
        assert_eq!(answer([("pk", issuer("issue", "x"))]).issuers(&name("a.pk")), None);
    }

    #[test]
    fn of_ten_thousand_of_each_sixteen_are_kept() {
        let many = (0..10_000_u16).flat_map(|n| {
            let host = format!("h{n}.example");
            let hints = (0..50_u8).map(|last| IpAddr::from([203, 0, 113, last])).collect();
            let service = Data::Service { priority: n, target: host.clone(), hints };
            [server(&host), exchanger(n, &host), service, issuer("issue", &host)]
        });
        let many = answer(many.map(|data| ("a.pk", data)));
        let a = name("a.pk");
        let (mail, services) = (many.mail(&a).unwrap().all, many.services(&a).all);
        let lengths = [many.servers(&a).all.len(), mail.len(), services.len(), many.issuers(&a).unwrap().len()];
        assert_eq!(lengths, [MOST_SERVERS; 4]);
        assert!(services.iter().all(|service| service.hints.len() == MOST_SERVERS));
    }

    #[test]
    fn the_names_above_a_name_end_at_the_top() {
        assert_eq!(parent(&name("www.gov.pk")), Some(name("gov.pk")));
        assert_eq!(parent(&name("pk")), None);
        assert!(is_within(&name("gov.pk"), &name("gov.pk")) && is_within(&name("a.gov.pk"), &name("pk")));
        assert!(!is_within(&name("agov.pk"), &name("gov.pk")) && !is_within(&name("pk"), &name("gov.pk")));
    }

    proptest! {
        #[test]
        fn whatever_strangers_write_what_is_kept_is_bounded(
            written in prop::collection::vec(("[a-c.\\\\]{0,5}|.*", "[a-c.]{0,4}|.*", any::<u16>()), 0..40),
        ) {
            let records = written.iter().flat_map(|(owner, text, preference)| {
                let service = Data::Service { priority: *preference, target: text.clone(), hints: Vec::new() };
                let data = [server(text), exchanger(*preference, text), service, issuer(text, text), Data::Origin];
                data.map(|data| statement(owner, data))
            });
            let all = Statements { answer: records.clone().collect(), authority: records.collect() };
            let a = name("a.b");
            prop_assert!(all.apex(&a).is_none_or(|apex| is_within(&a, &apex)));
            prop_assert!(all.servers(&a).all.len() <= MOST_SERVERS && all.services(&a).all.len() <= MOST_SERVERS);
            prop_assert!(all.mail(&a).is_none_or(|mail| mail.all.len() <= MOST_SERVERS));
            prop_assert!(all.issuers(&a).is_none_or(|issuers| issuers.len() <= MOST_SERVERS));
        }
    }
}
