//! DER → certificates (RFC 5280), read leniently: what a certificate is worth is for others to say.
//!
//! What is written in it is a stranger's text. It is cut here, and shown through [`crate::printable`].

use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::asn1_rs::{Any, Class, FromDer, Tag};
use x509_parser::certificate::X509CertificateParser;
use x509_parser::extensions::{GeneralName, SubjectAlternativeName};
use x509_parser::nom::Parser;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::oid_registry::OID_X509_EXT_SUBJECT_ALT_NAME;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

use super::{Certificate, MOST_NAMES, MOST_WORDS};
use crate::digest::Digest;

/// The most characters of a country's code that are kept: it has two, where it is one.
const MOST_COUNTRY: usize = 8;

/// The most characters of a name that are kept: as long as the name of a host may be.
const MOST_NAME: usize = 253;

impl Certificate {
    /// What a certificate in DER says; `None` where it is none.
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = X509CertificateParser::new().with_deep_parse_extensions(false).parse(der).ok()?;
        let names = certificate.extensions().iter().find(|extension| extension.oid == OID_X509_EXT_SUBJECT_ALT_NAME);
        let names = names.and_then(|extension| Some(SubjectAlternativeName::from_der(extension.value).ok()?.1));
        let names = names.iter().flat_map(|names| &names.general_names).filter_map(name);
        let issuer_country = certificate.issuer().iter_country().next();
        Some(Self {
            sha256: Digest::of_bytes(der),
            subject: distinguished_name(certificate.subject()),
            issuer: distinguished_name(certificate.issuer()),
            issuer_country: issuer_country.map(|country| cut(&value(country.attr_value()), MOST_COUNTRY)),
            names: names.take(MOST_NAMES).collect(),
            not_before: timestamp(certificate.validity().not_before),
            not_after: timestamp(certificate.validity().not_after),
        })
    }
}

/// The text of a name (RFC 4514): what comes last in it comes first.
fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut text = String::new();
    let parts: Vec<_> = name.iter().collect();
    for part in parts.into_iter().rev() {
        for (at, attribute) in part.iter().enumerate() {
            let separator = if at > 0 { "+" } else { "," };
            text.push_str(if text.is_empty() { "" } else { separator });
            text.push_str(&assertion(attribute));
        }
        if text.len() > 4 * MOST_WORDS {
            break;
        }
    }
    cut(&text, MOST_WORDS)
}

/// `CN=pbs.gov.pk`.
fn assertion(attribute: &AttributeTypeAndValue<'_>) -> String {
    let kind = attribute.attr_type();
    let kind = oid2abbrev(kind, oid_registry()).map_or_else(|_| kind.to_id_string(), str::to_owned);
    let mut text = format!("{kind}=");
    for character in cut(&value(attribute.attr_value()), MOST_WORDS).chars() {
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            text.push('\\');
        }
        text.push(character);
    }
    text
}

/// A string of any of the kinds there are: of UTF-16, or of bytes of which most are ASCII.
fn value(value: &Any<'_>) -> String {
    let is_wide = value.class() == Class::Universal && value.tag() == Tag::BmpString;
    if !is_wide {
        return String::from_utf8_lossy(value.data).into_owned();
    }
    let (pairs, _) = value.data.as_chunks::<2>();
    let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// The name of a host, or an address.
#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum with a variant for all that may have a name")]
fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(cut(name, MOST_NAME)),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

/// A time; where ours end before it, the last of ours.
fn timestamp(time: ASN1Time) -> Timestamp {
    let seconds = time.timestamp();
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(end)
}

fn cut(text: &str, at_most: usize) -> String {
    text.chars().take(at_most).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::string::BmpString;
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(of: &[(DnType, &str)], names: Vec<String>) -> Vec<u8> {
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, text) in of {
            params.distinguished_name.push(kind.clone(), *text);
        }
        params.not_before = date_time_ymd(2026, 1, 2);
        params.not_after = date_time_ymd(2027, 1, 2);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_says_whose_it_is_by_whom_and_for_how_long() {
        let country = (DnType::CountryName, "PK");
        let names = ["pbs.gov.pk", "192.0.2.1", "2001:db8::1"];
        let whose = [country, (DnType::OrganizationName, "Bureau, of \"Statistics\""), (DnType::CommonName, "pbs")];
        let read = Certificate::from_der(&certificate(&whose, names.map(String::from).into())).unwrap();
        assert_eq!(read.subject, "CN=pbs,O=Bureau\\, of \\\"Statistics\\\",C=PK");
        assert_eq!((read.issuer, read.issuer_country.as_deref()), (read.subject, Some("PK")));
        assert_eq!(read.names, names);
        assert_eq!(read.not_before.to_string(), "2026-01-02T00:00:00Z");
        assert_eq!(read.not_after.to_string(), "2027-01-02T00:00:00Z");
    }

    #[test]
    fn what_strangers_write_is_kept_and_cut() {
        let whose = [(DnType::CommonName, "<script>\u{1b}[2J\u{202e}"), (DnType::LocalityName, &"x".repeat(10_000))];
        let names = (0..1_000).map(|number| format!("{number}.example.com")).collect();
        let read = Certificate::from_der(&certificate(&whose, names)).unwrap();
        assert_eq!((read.subject.chars().count(), read.names.len()), (MOST_WORDS, MOST_NAMES));
        let read = Certificate::from_der(&certificate(&whose[..1], Vec::new())).unwrap();
        assert_eq!((read.subject.as_str(), read.names.len()), ("CN=\\<script\\>\u{1b}[2J\u{202e}", 0));
    }

    #[test]
    fn names_in_two_bytes_a_character_are_read() {
        let mut params = CertificateParams::default();
        let name = DnValue::BmpString(BmpString::try_from("پہرا").unwrap());
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        assert_eq!(Certificate::from_der(der.der()).unwrap().subject, "CN=پہرا");
    }

    #[test]
    fn times_beyond_ours_end_with_ours() {
        let mut params = CertificateParams::default();
        (params.not_before, params.not_after) = (date_time_ymd(1950, 1, 1), date_time_ymd(9999, 12, 31));
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let read = Certificate::from_der(der.der()).unwrap();
        assert_eq!((read.not_before.to_string().as_str(), read.not_after), ("1950-01-01T00:00:00Z", Timestamp::MAX));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
            Certificate::from_der(&bytes);
        }

        #[test]
        fn no_damage_is_too_odd(at in 0..2_000_usize, to in any::<u8>(), end in 0..2_000_usize) {
            let mut der = certificate(&[(DnType::CommonName, "pbs")], vec!["pbs.gov.pk".into()]);
            let length = der.len();
            der[at % length] = to;
            Certificate::from_der(&der[..end.min(length)]);
        }
    }
}
