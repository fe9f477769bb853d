//! Questions and answers as bytes.

use std::net::IpAddr;
use std::str::FromStr;

use hickory_proto::op::{Edns, Header, Message, MessageType, Metadata, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption, NSIDPayload};
use hickory_proto::rr::{DNSClass, Name, RData, Record as WireRecord, RecordType};
use hickory_proto::serialize::binary::BinDecodable;
use ipnet::IpNet;

use super::referral::Referral;
use super::statement::{self, name_text};
use crate::resolution::chain::{Data, Record};
use crate::resolution::zone::fold::{Kind, Statements};
use crate::resolution::{AddressFamily, NameFailure};
use crate::workload::HostName;

/// The largest UDP answer we ask for: what passes everywhere without fragments (DNS flag day 2020).
const UDP_PAYLOAD: u16 = 1232;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    /// The addresses of a name.
    Addresses(&'a HostName, AddressFamily),
    /// The names of an address.
    Names(IpAddr),
    /// What a zone says of a name.
    Statements(&'a HostName, Kind),
    /// How a server calls itself (RFC 4892): the text under this name of class CH.
    Identity(&'static str),
    /// What the validator of signatures has to know: the records with their signatures, whatever a resolver that
    /// validates thinks of them (RFC 6840 section 5.9).
    Signed(&'a Query),
    /// The name servers of a zone.
    Servers(&'a Name),
}

/// How it is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Whether the server shall ask others (RD).
    pub(super) recursion: bool,
    /// Whether the server shall say how it calls itself (NSID, RFC 5001).
    pub(super) identity: bool,
    /// For whom it shall answer (EDNS Client Subnet, RFC 7871).
    pub(super) subnet: Option<IpNet>,
}

impl Default for Manner {
    /// Of a resolver, whoever it is, for ourselves.
    fn default() -> Self {
        Self { recursion: true, identity: false, subnet: None }
    }
}

impl Wanted<'_> {
    /// Whether the answer is wanted as it is: that a name does not exist says something too, in its other sections.
    fn is_whole(self) -> bool {
        match self {
            Self::Addresses(..) | Self::Names(_) | Self::Servers(_) => false,
            Self::Statements(..) | Self::Identity(_) | Self::Signed(_) => true,
        }
    }

    /// The name under which it is found, as the wire has it.
    pub(super) fn owner(self) -> Result<Name, NameFailure> {
        self.query().map(|query| query.name)
    }

    fn query(self) -> Result<Query, NameFailure> {
        let (mut name, kind) = match self {
            Self::Addresses(name, family) => {
                let kind = match family {
                    AddressFamily::A => RecordType::A,
                    AddressFamily::Aaaa => RecordType::AAAA,
                };
                (wire_name(name)?, kind)
            }
            Self::Names(address) => (Name::from(address), RecordType::PTR),
            Self::Statements(name, kind) => (wire_name(name)?, statement::record_type(kind)),
            Self::Identity(name) => {
                let mut query =
                    Query::query(Name::from_str(name).map_err(|_| NameFailure::Malformed)?, RecordType::TXT);
                query.set_query_class(DNSClass::CH);
                return Ok(query);
            }
            Self::Signed(query) => return Ok(query.clone()),
            Self::Servers(zone) => (zone.clone(), RecordType::NS),
        };
        name.set_fqdn(true);
        Ok(Query::query(name, kind))
    }
}

/// A host name as it goes into a message.
pub(super) fn wire_name(name: &HostName) -> Result<Name, NameFailure> {
    let mut name = Name::from_str(name.as_str()).map_err(|_| NameFailure::Malformed)?;
    name.set_fqdn(true);
    Ok(name)
}

/// The name under which the names of `address` are asked for, as text.
pub(super) fn reverse_name(address: IpAddr) -> String {
    Name::from(address).to_ascii()
}

/// One question, with the unguessable number that its answer has to carry.
pub(super) struct Question {
    id: u16,
    query: Query,
    with_edns: bool,
    is_whole: bool,
    subnet: Option<IpNet>,
    /// As it is sent.
    pub(super) bytes: Vec<u8>,
}

impl Question {
    /// Asks for the AD bit (RFC 6840 section 5.7) and, with EDNS, for answers of up to 1232 bytes. Without EDNS it cannot
    /// be said for whom it is asked.
    pub(super) fn with(wanted: Wanted<'_>, with_edns: bool, manner: Manner) -> Result<Self, NameFailure> {
        let query = wanted.query()?;
        let is_signed = matches!(wanted, Wanted::Signed(_));
        let mut message = Message::query();
        message.metadata.recursion_desired = manner.recursion;
        message.metadata.authentic_data = true;
        message.metadata.checking_disabled = is_signed;
        message.add_query(query.clone());
        if with_edns {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_PAYLOAD);
            edns.set_dnssec_ok(is_signed);
            if manner.identity {
                let nobody = NSIDPayload::new([]).map_err(|_| NameFailure::Malformed)?;
                edns.options_mut().insert(EdnsOption::NSID(nobody));
            }
            if let Some(subnet) = manner.subnet {
                edns.options_mut().insert(EdnsOption::Subnet(subnet.into()));
            }
            message.set_edns(edns);
        }
        let subnet = manner.subnet.filter(|_| with_edns);
        let bytes = message.to_vec().map_err(|_| NameFailure::Malformed)?;
        Ok(Self { id: message.metadata.id, query, with_edns, is_whole: wanted.is_whole(), subnet, bytes })
    }

    /// What `bytes` are to this question. Of an answer that was cut in the middle of a record, that much is read.
    pub(super) fn hear(&self, bytes: &[u8]) -> Heard {
        if let Ok(message) = Message::from_vec(bytes) {
            let is_answer =
                self.is_answered_by(message.metadata) && self.is_echoed(&message) && self.is_for_whom(&message);
            return if is_answer { Heard::Reply(Box::new(Reply::from_message(self, &message))) } else { Heard::Stray };
        }
        match Header::from_bytes(bytes).map(|header| header.metadata) {
            Ok(header) if self.is_answered_by(header) && header.truncation => {
                Heard::Reply(Box::new(Reply::cut(header)))
            }
            Ok(header) if self.is_answered_by(header) => Heard::Unreadable,
            Ok(_) | Err(_) => Heard::Stray,
        }
    }

    fn is_answered_by(&self, header: Metadata) -> bool {
        let is_response = header.message_type == MessageType::Response && header.op_code == OpCode::Query;
        is_response && header.id == self.id
    }

    /// Whether the answer repeats for whom it was asked, if it says so at all: another's must be dropped (RFC 7871
    /// section 7.3).
    fn is_for_whom(&self, message: &Message) -> bool {
        let Some(asked) = self.subnet.map(ClientSubnet::from) else { return true };
        client_subnet(message)
            .is_none_or(|said| (said.addr(), said.source_prefix()) == (asked.addr(), asked.source_prefix()))
    }

    /// Whether the answer repeats the question. A server that says it could not read the question need not.
    fn is_echoed(&self, message: &Message) -> bool {
        let code = message.metadata.response_code;
        match message.queries.as_slice() {
            [query] => *query == self.query,
            [] => code != ResponseCode::NoError && code != ResponseCode::NXDomain,
            _ => false,
        }
    }
}

fn client_subnet(message: &Message) -> Option<ClientSubnet> {
    let option = message.edns.as_ref()?.option(EdnsCode::Subnet)?;
    if let EdnsOption::Subnet(subnet) = option { Some(*subnet) } else { None }
}

/// What bytes are to a question.
#[derive(Debug)]
pub(super) enum Heard {
    /// Its answer.
    Reply(Box<Reply>),
    /// They carry its number, and cannot be read.
    Unreadable,
    /// No answer to it.
    Stray,
}

/// An answer to our question.
#[derive(Debug)]
pub(super) struct Reply {
    header: Metadata,
    answers_edns: bool,
    holds_soa: bool,
    refers: bool,
    /// The length of the prefix that it holds for, where it was asked for somebody and says so.
    pub(super) scope: Option<u8>,
    /// The name servers that it names, where it names some.
    pub(super) referral: Option<Box<Referral>>,
    /// The records of the class that was asked for in its answer section.
    pub(super) records: Vec<Record>,
    /// How the server calls itself (NSID), where that was asked and said.
    pub(super) identity: Option<String>,
    /// All of it, where what was asked for wants that.
    pub(super) whole: Option<Message>,
}

/// A failure, and the records that came with it.
#[derive(Debug)]
pub(super) struct Failed {
    /// Why there is no answer.
    pub(super) why: NameFailure,
    /// The records of the class that was asked for in the answer section; none where there was no answer at all.
    pub(super) records: Vec<Record>,
}

impl From<NameFailure> for Failed {
    fn from(why: NameFailure) -> Self {
        Self { why, records: Vec::new() }
    }
}

impl Reply {
    fn from_message(question: &Question, message: &Message) -> Self {
        let authority_holds = |kind| message.authorities.iter().any(|record| record.record_type() == kind);
        let class = question.query.query_class;
        Self {
            header: message.metadata,
            answers_edns: !question.with_edns || message.edns.is_some(),
            holds_soa: authority_holds(RecordType::SOA),
            refers: authority_holds(RecordType::NS),
            scope: question.subnet.and_then(|_| client_subnet(message)).map(|subnet| subnet.scope_prefix()),
            referral: Referral::of(message).map(Box::new),
            records: message.answers.iter().filter(|r| r.dns_class == class).map(record).collect(),
            identity: identity(message),
            whole: question.is_whole.then(|| message.clone()),
        }
    }

    fn cut(header: Metadata) -> Self {
        Self {
            header,
            answers_edns: true,
            holds_soa: false,
            refers: false,
            scope: None,
            referral: None,
            records: Vec::new(),
            identity: None,
            whole: None,
        }
    }

    /// What it says of zones.
    pub(super) fn statements(&self) -> Statements {
        self.whole.as_ref().map(statement::read).unwrap_or_default()
    }

    /// The first text in its answer, escaped as in a zone file.
    pub(super) fn text(&self) -> Option<String> {
        self.whole.as_ref().and_then(statement::text)
    }

    /// Whether it was cut to fit into a datagram.
    pub(super) fn is_truncated(&self) -> bool {
        self.header.truncation
    }

    /// Whether the server says that the zone is its own (AA).
    pub(super) fn is_authoritative(&self) -> bool {
        self.header.authoritative
    }

    /// Whether the resolver says that it validated it.
    pub(super) fn is_authenticated(&self) -> bool {
        self.header.authentic_data
    }

    /// Whether the server may only have disliked EDNS (RFC 6891 section 7): it is then asked without.
    pub(super) fn rejects_edns(&self) -> bool {
        !self.answers_edns && matches!(self.header.response_code, ResponseCode::FormErr | ResponseCode::NotImp)
            || self.header.response_code == ResponseCode::BADVERS
    }

    /// Whether a recursive server says that there is nothing beyond the aliases it gave (RFC 2308 section 2.2).
    pub(super) fn denies_more(&self) -> bool {
        self.header.recursion_available && self.holds_soa
    }

    /// The answer, or the failure that it consists of.
    pub(super) fn or_failure(self) -> Result<Self, Failed> {
        match self.failure() {
            Some(why) => Err(Failed { why, records: self.records }),
            None => Ok(self),
        }
    }

    fn failure(&self) -> Option<NameFailure> {
        let Metadata { response_code: code, authoritative, recursion_available, .. } = self.header;
        let is_of_the_zone = authoritative || self.holds_soa;
        if code == ResponseCode::NXDomain {
            self.whole.is_none().then_some(NameFailure::NoSuchName)
        } else if code == ResponseCode::ServFail {
            Some(NameFailure::ServerFailure)
        } else if code != ResponseCode::NoError {
            Some(NameFailure::Refused)
        } else if self.records.is_empty() && !is_of_the_zone && (self.refers || !recursion_available) {
            Some(NameFailure::Lame)
        } else {
            None
        }
    }
}

fn record(record: &WireRecord) -> Record {
    let data = if let RData::CNAME(target) = &record.data {
        Data::Alias(target.0.to_ascii())
    } else if let RData::PTR(name) = &record.data {
        Data::Pointer(name_text(&name.0))
    } else {
        record.data.ip_addr().map_or(Data::Other, Data::Address)
    };
    Record { name: record.name.to_ascii(), ttl: record.ttl, data }
}

/// NSID of a message.
fn identity(message: &Message) -> Option<String> {
    let option = message.edns.as_ref()?.option(EdnsCode::NSID)?;
    let EdnsOption::NSID(payload) = option else { return None };
    Some(statement::shown(payload.as_ref())).filter(|name| !name.is_empty())
}
