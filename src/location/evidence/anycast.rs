//! Several sites behind one address.
//!
//! - Source: two discs by light in vacuum that do not meet (no single responder can have given both answers), or a list
//!   of anycast prefixes.
//! - Direction: none; the address becomes shared, and what other vantages saw no longer applies to what answers here.
//! - Weight: proof, where sound discs show it. Where hops on the way overtook one of them, what other vantages saw says
//!   nothing either, and nothing is proven.
//! - Where nothing points to several sites, a proof by the disc of another vantage says that one site is assumed.

use std::fmt;

use ipnet::IpNet;

use super::Evidence;
use crate::location::setting::Apart;
use crate::location::{Claim, Weight};

/// What points to several sites.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement<'a> {
    /// Two answers that cannot come from one place.
    Apart(Apart<'a>),
    /// A list holds the prefix.
    Listed(IpNet),
    /// Nothing does, and one site is assumed.
    Assumed,
}

pub(in crate::location) fn apart(apart: Apart<'_>) -> Evidence<'_> {
    let told = Evidence::note("discs", super::Statement::Anycast(Statement::Apart(apart)));
    if apart.is_proof() { Evidence { weight: Weight::Proof, ..told } } else { told }
}

pub(in crate::location) fn listed(claim: &Claim, prefix: IpNet) -> Evidence<'_> {
    let told = Evidence::note(&claim.source, super::Statement::Anycast(Statement::Listed(prefix)));
    Evidence { dated: claim.dated, ..told }
}

pub(in crate::location) fn assumed() -> Evidence<'static> {
    Evidence::note("discs", super::Statement::Anycast(Statement::Assumed))
}

impl fmt::Display for Statement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apart(apart) => {
                write!(f, "{} and {} cannot come from one place", apart.one.measured(), apart.other.measured())?;
                let unless = ", unless somebody nearer gave one of them in its name";
                f.write_str(if apart.is_proof() { "" } else { unless })
            }
            Self::Listed(prefix) => write!(f, "lists {prefix}: several sites answer for it"),
            Self::Assumed => f.write_str("nothing points to several sites behind this address: one site is assumed"),
        }
    }
}
