//! Verdicts for a person who watches the terminal: a line for each endpoint whose standing changed.

use std::io::{self, Write};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use tokio::sync::oneshot;

use crate::ledger::Record;
use crate::printable::Printable;
use crate::report::text::style_of;
use crate::verdict::Finding;
use crate::workload::Endpoint;

/// The most lines that wait for whoever reads them.
const QUEUE: usize = 1024;

/// What the daemon watches, in a few lines.
pub fn greet(lines: &[String]) {
    let mut out = anstream::stdout().lock();
    let mut greet = || lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    forgive(greet());
}

/// Lines on their way to standard output, which may be a terminal that is stopped or a pipe that is full: a thread waits
/// for it, and nobody waits for the thread. What does not fit is left out, and counted.
#[derive(Debug)]
pub struct Screen {
    lines: SyncSender<String>,
    left_out: u64,
    ended: oneshot::Receiver<()>,
}

impl Screen {
    /// Lines to standard output.
    pub fn open() -> io::Result<Self> {
        Self::over(anstream::stdout())
    }

    fn over(mut out: impl Write + Send + 'static) -> io::Result<Self> {
        let (lines, queued) = sync_channel::<String>(QUEUE);
        let (ending, ended) = oneshot::channel();
        thread::Builder::new().name("screen".to_owned()).spawn(move || {
            for line in queued {
                forgive(writeln!(out, "{line}"));
            }
            drop(ending);
        })?;
        Ok(Self { lines, left_out: 0, ended })
    }

    /// Shows a line as soon as somebody reads; does not wait for that.
    pub fn show(&mut self, line: String) {
        self.tell_left_out();
        if self.left_out > 0 || self.lines.try_send(line).is_err() {
            self.left_out += 1;
        }
    }

    /// Waits until everything is shown that was not left out.
    pub async fn ended(mut self) {
        self.tell_left_out();
        drop(self.lines);
        // The sender is dropped, never used: an error is how this ends.
        let _ = self.ended.await;
    }

    fn tell_left_out(&mut self) {
        let told = || format!("… {} lines were left out: nobody read them", self.left_out);
        if self.left_out > 0 && self.lines.try_send(told()).is_ok() {
            self.left_out = 0;
        }
    }
}

/// How `endpoint` stands now.
pub fn standing(endpoint: &Endpoint, record: &Record, worst: Option<&Finding>) -> String {
    let standing = record.standing();
    let style = style_of(standing);
    let places = record.seen.as_ref().map_or_else(
        || "not seen yet".to_owned(),
        |seen| {
            let places = seen.grades().into_keys().map(|(place, grade)| format!("{place} ({grade})"));
            let places = places.collect::<Vec<_>>().join(", ");
            if places.is_empty() { "no address".to_owned() } else { places }
        },
    );
    let why = worst.map_or_else(String::new, |finding| {
        let because = finding.because.first().map_or("", String::as_str);
        format!("  {}: {}", finding.rule, Printable(because))
    });
    format!("{style}{standing:<10}{style:#} {:<40} {places}{why}", endpoint.as_str())
}

/// A terminal that is gone is no reason to stop watching.
fn forgive(shown: io::Result<()>) {
    if let Err(error) = shown {
        tracing::debug!(%error, "nobody reads what is shown");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A pipe of which each line is read only when that is allowed.
    struct Pipe {
        allowed: Receiver<()>,
        read: Sender<String>,
        line: Vec<u8>,
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.line.extend(bytes);
            if self.line.ends_with(b"\n") {
                self.allowed.recv().map_err(io::Error::other)?;
                let line = String::from_utf8(std::mem::take(&mut self.line)).unwrap();
                self.read.send(line.trim_end().to_owned()).map_err(io::Error::other)?;
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_full_pipe_holds_nobody_up_and_what_was_left_out_is_counted() {
        let ((allow, allowed), (read, lines)) = (channel(), channel());
        let mut screen = Screen::over(Pipe { allowed, read, line: Vec::new() }).unwrap();
        screen.show("first".to_owned());
        allow.send(()).unwrap();
        assert_eq!(lines.recv().unwrap(), "first");

        for number in 0..QUEUE + 10 {
            screen.show(number.to_string());
        }
        let left_out = screen.left_out;
        assert!((9..=10).contains(&left_out), "one may be on its way: {left_out}");
        let shown = QUEUE + 10 - usize::try_from(left_out).unwrap();
        for number in 0..shown {
            allow.send(()).unwrap();
            assert_eq!(lines.recv().unwrap(), number.to_string());
        }

        screen.show("last".to_owned());
        allow.send(()).unwrap();
        allow.send(()).unwrap();
        screen.ended().await;
        let rest: Vec<String> = lines.iter().collect();
        assert_eq!(rest, [format!("… {left_out} lines were left out: nobody read them"), "last".to_owned()]);
    }
}
