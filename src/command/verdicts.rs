//! What the commands that judge have in common: classes by name, and lines on standard output.

use std::io::{self, Write};

use super::Exit;
use crate::dossier::Dossier;
use crate::printable::{Escaped, Printable};
use crate::report::{self, text};
use crate::verdict::policy::Policy;
use crate::verdict::{Standing, judge};
use crate::workload::{DataClass, Endpoint};

/// Why nothing could be judged or shown: how to exit, and what to say, if anything.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Exit, pub(super) String);

impl Refusal {
    /// Says it, in the name of `command`.
    pub(super) fn say(self, command: &str) -> Exit {
        let Self(exit, why) = self;
        if !why.is_empty() {
            // What is refused is quoted, and may be foreign; faults of a configuration are one a line.
            let lines: Vec<_> = why.lines().map(|line| Escaped(line).to_string()).collect();
            // There is nobody left to tell that nobody can be told.
            let _ = writeln!(anstream::stderr(), "pehra {command}: {}", lines.join("\n"));
        }
        exit
    }
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One row each.
    Rows,
    /// A row, and under it the findings, the evidence, what it comes to and what would have changed it.
    Explained,
    /// One JSON object each.
    Json {
        /// With what would have changed it.
        explained: bool,
    },
}

impl Form {
    fn is_explained(self) -> bool {
        match self {
            Self::Explained => true,
            Self::Rows => false,
            Self::Json { explained } => explained,
        }
    }
}

/// Judges dossiers and writes their lines.
pub(super) struct Judged<'p, W> {
    out: W,
    form: Form,
    policy: &'p Policy,
    tally: text::Tally,
    worst: Option<Standing>,
    /// Whether the reader went away, as `head` does: it has what it wanted, and the exit still says the worst.
    closed: bool,
}

impl<'p, W: Write> Judged<'p, W> {
    /// Lines to `out`, judged by `policy`.
    pub(super) fn new(out: W, form: Form, policy: &'p Policy) -> Self {
        Self { out, form, policy, tally: text::Tally::default(), worst: None, closed: false }
    }

    /// Judges one dossier and writes its lines.
    pub(super) fn judge(&mut self, dossier: &Dossier<'_>) -> Result<(), Refusal> {
        let verdict = judge(dossier, self.policy).in_words();
        self.worst = self.worst.max(Some(verdict.standing));
        for line in report::lines(dossier, &verdict, self.policy) {
            self.tally.count(&line);
            let line = if self.form.is_explained() { line.explained(dossier) } else { line };
            let written = self.write(&line);
            self.tell(written)?;
        }
        Ok(())
    }

    /// An endpoint of which nothing came to be known: it cannot be told, and is never compliant.
    pub(super) fn broke_off(&mut self, endpoint: &Endpoint) {
        self.worst = self.worst.max(Some(Standing::Unproven));
        let _ = writeln!(anstream::stderr(), "{}: unproven: its round broke off", Escaped(endpoint.as_str()));
    }

    /// Writes what it all comes to, and says how to exit: where nothing was judged, nothing is known.
    pub(super) fn finish(mut self) -> Result<Exit, Refusal> {
        if !self.closed {
            let written = match self.form {
                Form::Rows | Form::Explained => writeln!(self.out, "{}", self.tally),
                Form::Json { .. } => Ok(()),
            };
            let flushed = written.and_then(|()| self.out.flush());
            self.tell(flushed)?;
        }
        Ok(self.worst.map_or(Exit::Doubt, Exit::of))
    }

    fn tell(&mut self, written: io::Result<()>) -> Result<(), Refusal> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            written => written.map_err(|error| Refusal(Exit::Failed, format!("failed to write the report: {error}"))),
        }
    }

    fn write(&mut self, line: &report::Line<'_>) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        match self.form {
            Form::Rows => writeln!(self.out, "{}", text::row(line)),
            Form::Explained => writeln!(self.out, "{}", text::explained(line)),
            Form::Json { .. } => {
                serde_json::to_writer(&mut self.out, line)?;
                self.out.write_all(b"\n")
            }
        }
    }
}

/// The class of that name or alias.
pub(super) fn known_class(name: &str, policy: &Policy) -> Result<DataClass, Refusal> {
    policy.class_named(name).ok_or_else(|| {
        let known: Vec<_> = policy.classes.keys().map(|class| class.0.as_str()).collect();
        let why = format!("--class {}: the policy knows no such class: write {}", Printable(name), known.join(", "));
        Refusal(Exit::Usage, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::built_in_policy;
    use crate::dossier::{Companions, Instruments};
    use crate::edge::geodb::Geodb;
    use crate::entry::tests::observation;
    use crate::location::disc::Borders;
    use crate::location::{Claim, Says};
    use crate::observation::Observation;
    use crate::place::Home;

    fn policy() -> Policy {
        built_in_policy(Home::of("PK".parse().unwrap())).unwrap()
    }

    /// Restricted data at an address that the operator's own register puts abroad.
    fn breach() -> Observation {
        let mut observation = observation("ntc-isb-1", "https://portal.example.gov.pk");
        observation.claims.extend([Claim {
            about: "203.101.184.84".parse().unwrap(),
            source: "asset-register".to_owned(),
            dated: None,
            says: Says::Registered { prefix: "203.101.184.0/24".parse().unwrap(), country: "DE".parse().unwrap() },
        }]);
        observation
    }

    fn judge_once<W: Write>(judged: &mut Judged<'_, W>, policy: &Policy) {
        let (breach, borders) = (breach(), Borders::new(Geodb::embedded().outlines()));
        let instruments = Instruments { borders: &borders, home: &policy.home, calibration: None };
        judged
            .judge(&Dossier::assemble(&breach, &Companions::default(), instruments, breach.observed, u64::MAX))
            .unwrap();
    }

    /// A pipe of which nobody holds the other end.
    struct Broken;

    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    #[test]
    fn a_breach_stays_a_breach_when_nobody_reads_of_it() {
        let policy = policy();
        for form in [Form::Rows, Form::Explained, Form::Json { explained: true }] {
            let mut at_once = Judged::new(Broken, form, &policy);
            judge_once(&mut at_once, &policy);
            judge_once(&mut at_once, &policy);
            assert_eq!(at_once.finish().unwrap(), Exit::Breach, "{form:?}");
            let mut in_the_end = Judged::new(io::BufWriter::new(Broken), form, &policy);
            judge_once(&mut in_the_end, &policy);
            assert_eq!(in_the_end.finish().unwrap(), Exit::Breach, "{form:?}");
        }
    }

    #[test]
    fn an_endpoint_whose_round_broke_off_is_unproven() {
        let policy = policy();
        let mut judged = Judged::new(Vec::new(), Form::Json { explained: false }, &policy);
        judged.broke_off(&"https://portal.example.gov.pk".parse().unwrap());
        assert_eq!(judged.finish().unwrap(), Exit::Doubt);
        assert_eq!(Judged::new(Vec::new(), Form::Rows, &policy).finish().unwrap(), Exit::Doubt, "nothing was judged");
        let mut judged = Judged::new(Vec::new(), Form::Rows, &policy);
        judged.broke_off(&"https://portal.example.gov.pk".parse().unwrap());
        judge_once(&mut judged, &policy);
        assert_eq!(judged.finish().unwrap(), Exit::Breach);
    }

    #[test]
    fn a_class_is_known_by_its_aliases_too() {
        let policy = policy();
        assert_eq!(known_class("confidential", &policy).unwrap().0, "sensitive");
        assert_eq!(known_class("restricted", &policy).unwrap().0, "restricted");
        let Refusal(exit, why) = known_class("restrictd", &policy).unwrap_err();
        assert_eq!(exit, Exit::Usage);
        assert!(why.contains("write open, public, restricted, secret, sensitive"), "{why}");
    }
}
