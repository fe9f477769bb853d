//! What the commands that judge have in common: classes by name, and lines on standard output.

use std::io::{self, Write};

use super::Exit;
use crate::dossier::Dossier;
use crate::printable::Printable;
use crate::report::{self, text};
use crate::verdict::policy::Policy;
use crate::verdict::{Standing, judge};
use crate::workload::DataClass;

/// Why nothing could be judged or shown: how to exit, and what to say, if anything.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Exit, pub(super) String);

impl Refusal {
    /// Says it, in the name of `command`.
    pub(super) fn say(self, command: &str) -> Exit {
        let Self(exit, why) = self;
        if !why.is_empty() {
            // There is nobody left to tell that nobody can be told.
            let _ = writeln!(anstream::stderr(), "pehra {command}: {why}");
        }
        exit
    }
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One row each.
    Rows,
    /// A row, and under it the findings and the evidence.
    Explained,
    /// One JSON object each.
    Json,
}

/// Judges dossiers and writes their lines.
pub(super) struct Judged<'p, W> {
    out: W,
    form: Form,
    policy: &'p Policy,
    tally: text::Tally,
    worst: Option<Standing>,
}

impl<'p, W: Write> Judged<'p, W> {
    /// Lines to `out`, judged by `policy`.
    pub(super) fn new(out: W, form: Form, policy: &'p Policy) -> Self {
        Self { out, form, policy, tally: text::Tally::default(), worst: None }
    }

    /// Judges one dossier and writes its lines.
    pub(super) fn judge(&mut self, dossier: &Dossier) -> Result<(), Refusal> {
        let verdict = judge(dossier, self.policy);
        self.worst = self.worst.max(Some(verdict.standing));
        for line in report::lines(dossier, &verdict, self.policy) {
            self.tally.count(&line);
            self.write(&line).map_err(|error| unwritable(&error))?;
        }
        Ok(())
    }

    /// Writes what it all comes to, and says how to exit.
    pub(super) fn finish(mut self) -> Result<Exit, Refusal> {
        let written = match self.form {
            Form::Rows | Form::Explained => writeln!(self.out, "{}", self.tally),
            Form::Json => Ok(()),
        };
        written.and_then(|()| self.out.flush()).map_err(|error| unwritable(&error))?;
        Ok(self.worst.map_or(Exit::Fine, Exit::of))
    }

    fn write(&mut self, line: &report::Line<'_>) -> io::Result<()> {
        match self.form {
            Form::Rows => writeln!(self.out, "{}", text::row(line)),
            Form::Explained => writeln!(self.out, "{}", text::explained(line)),
            Form::Json => {
                serde_json::to_writer(&mut self.out, line)?;
                self.out.write_all(b"\n")
            }
        }
    }
}

/// A reader that went away, as `head` does, has what it wanted.
fn unwritable(error: &io::Error) -> Refusal {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Refusal(Exit::Fine, String::new());
    }
    Refusal(Exit::Failed, format!("failed to write the report: {error}"))
}

/// The class of that name.
pub(super) fn known_class(name: &str, policy: &Policy) -> Result<DataClass, Refusal> {
    let class = DataClass(name.to_owned());
    if policy.classes.contains_key(&class) {
        return Ok(class);
    }
    let known: Vec<_> = policy.classes.keys().map(|class| class.0.as_str()).collect();
    let why = format!("--class {}: the policy knows no such class: write {}", Printable(name), known.join(", "));
    Err(Refusal(Exit::Usage, why))
}
