//! Traces for others: as lines that tools read ([`atlas`]), and as a path that a person reads ([`text`]); all the ways to
//! an address the same ([`multipath`], [`ways`]).

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;

use crate::trace::Trace;
use crate::trace::multipath::Multipaths;
use crate::workload::HostName;

pub mod atlas;
pub mod multipath;
pub mod text;
pub mod ways;

/// A trace, and what it was made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// The name that led to its target; `None` where that was asked for as an address.
    pub name: Option<HostName>,
    /// The path.
    pub trace: Trace,
    /// When it ended.
    pub ended: Timestamp,
    /// Whether somebody broke it off before all was asked, though the target may have answered.
    pub is_broken_off: bool,
}

impl Traced {
    /// The target, by name and address.
    fn title(&self) -> Title<'_> {
        Title { name: self.name.as_ref(), address: self.trace.target }
    }
}

/// All the ways to an address, and what they were looked for for.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapped {
    /// The name that led to the target; `None` where that was asked for as an address.
    pub name: Option<HostName>,
    /// The ways.
    pub paths: Multipaths,
    /// When the last answer was in.
    pub ended: Timestamp,
}

impl Mapped {
    /// The target, by name and address.
    fn title(&self) -> Title<'_> {
        Title { name: self.name.as_ref(), address: self.paths.target }
    }
}

struct Title<'a> {
    name: Option<&'a HostName>,
    address: IpAddr,
}

impl fmt::Display for Title<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{name} ({})", self.address),
            None => self.address.fmt(f),
        }
    }
}
