//! Records of a message → what a zone says of itself, as text that obeys nobody.

use std::fmt::Write;
use std::net::IpAddr;

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::svcb::{SVCB, SvcParamValue};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use crate::resolution::zone::fold::{Data, Kind, Statement, Statements};

/// The most octets of a text of strangers that are kept: what one character string of a TXT record holds.
const MOST_OCTETS: usize = 255;

/// The type of record in which a zone says it.
pub(super) fn record_type(kind: Kind) -> RecordType {
    match kind {
        Kind::Origin => RecordType::SOA,
        Kind::Servers => RecordType::NS,
        Kind::Mail => RecordType::MX,
        Kind::Services => RecordType::HTTPS,
        Kind::Issuers => RecordType::CAA,
    }
}

/// What `message` says of zones.
pub(super) fn read(message: &Message) -> Statements {
    let of = |records: &[Record]| {
        let internet = records.iter().filter(|record| record.dns_class == DNSClass::IN);
        internet.filter_map(statement).collect()
    };
    Statements { answer: of(&message.answers), authority: of(&message.authorities) }
}

fn statement(record: &Record) -> Option<Statement> {
    let data = if let RData::SOA(_) = &record.data {
        Data::Origin
    } else if let RData::NS(server) = &record.data {
        Data::Server(name_text(&server.0))
    } else if let RData::MX(mail) = &record.data {
        Data::Exchanger { preference: mail.preference, name: name_text(&mail.exchange) }
    } else if let RData::HTTPS(service) = &record.data {
        service_data(&service.0)
    } else if let RData::CAA(issuer) = &record.data {
        Data::Issuer { tag: shown(issuer.tag.as_bytes()).to_ascii_lowercase(), value: shown(&issuer.value) }
    } else {
        return None;
    };
    Some(Statement { owner: name_text(&record.name), data })
}

fn service_data(service: &SVCB) -> Data {
    let hints = service.svc_params.iter().flat_map(|(_, value)| hints_in(value)).collect();
    Data::Service { priority: service.svc_priority, target: name_text(&service.target_name), hints }
}

fn hints_in(value: &SvcParamValue) -> Vec<IpAddr> {
    if let SvcParamValue::Ipv4Hint(hint) = value {
        hint.0.iter().map(|address| IpAddr::V4(address.0)).collect()
    } else if let SvcParamValue::Ipv6Hint(hint) = value {
        hint.0.iter().map(|address| IpAddr::V6(address.0)).collect()
    } else {
        Vec::new()
    }
}

/// The first text in the answer, if there is one.
pub(super) fn text(message: &Message) -> Option<String> {
    let texts = message.answers.iter().filter_map(|record| {
        let RData::TXT(text) = &record.data else { return None };
        Some(shown(&text.txt_data.concat()))
    });
    texts.into_iter().find(|text| !text.is_empty())
}

/// A name of any octets as text without the dot of the root, escaped as in a zone file (RFC 4343 section 2.1).
pub(super) fn name_text(name: &Name) -> String {
    let mut text = String::new();
    for label in name {
        if !text.is_empty() {
            text.push('.');
        }
        for octet in label {
            if *octet == b'.' { text.push_str("\\.") } else { push(&mut text, *octet) }
        }
    }
    text
}

/// Octets of any kind as text, escaped as in a zone file, with spaces as they are and cut at [`MOST_OCTETS`].
pub(super) fn shown(octets: &[u8]) -> String {
    let mut text = String::new();
    for octet in octets.iter().take(MOST_OCTETS) {
        if *octet == b' ' { text.push(' ') } else { push(&mut text, *octet) }
    }
    text
}

fn push(text: &mut String, octet: u8) {
    match octet {
        b'\\' => text.push_str("\\\\"),
        b'!'..=b'~' => text.push(char::from(octet)),
        other => {
            let _ = write!(text, "\\{other:03}");
        }
    }
}
