//! A program running in a lab: its output as lines, its end as a status. It dies with its handle.

use super::wait::wait_for;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A running program, entered through `nsenter`, which has it as its only child.
pub(crate) struct Process {
    name: String,
    child: Child,
    lines: Receiver<(Stream, String)>,
    seen: Vec<String>,
    /// What was not waited for yet.
    unread: Vec<(Stream, String)>,
}

/// Where a line was said. The order of lines is known within a stream, and not between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    Output,
    Error,
}

impl Process {
    pub(super) fn start(name: &str, command: &mut Command) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("failed to start {name}: {error}"));
        let (sender, lines) = channel();
        forward(Stream::Output, child.stdout.take().expect("piped"), sender.clone());
        forward(Stream::Error, child.stderr.take().expect("piped"), sender);
        Self { name: name.to_owned(), child, lines, seen: Vec::new(), unread: Vec::new() }
    }

    /// The next line that contains `what`; lines before it on the same stream are passed over.
    pub(crate) fn wait_for_line(&mut self, what: &str, within: Duration) -> String {
        let deadline = Instant::now() + within;
        loop {
            if let Some(place) = self.unread.iter().position(|(_, line)| line.contains(what)) {
                let (stream, line) = self.unread.remove(place);
                let mut place = 0..place;
                self.unread.retain(|(passed, _)| place.next().is_none() || *passed != stream);
                return line;
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.take(line),
                Err(RecvTimeoutError::Timeout) => panic!("{}: waited {within:?} for a line with {what:?}", self.name),
                Err(RecvTimeoutError::Disconnected) => panic!("{} ended without saying {what:?}", self.name),
            }
        }
    }

    /// Every line said until now.
    pub(crate) fn lines(&mut self) -> &[String] {
        while let Ok(line) = self.lines.try_recv() {
            self.take(line);
        }
        &self.seen
    }

    fn take(&mut self, line: (Stream, String)) {
        self.seen.push(line.1.clone());
        self.unread.push(line);
    }

    /// Sends a signal (`TERM`, `HUP`) to the program itself, not to `nsenter`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = only_child(self.child.id());
        let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().expect("kill");
        assert!(status.success(), "failed to send {name} to {}", self.name);
    }

    /// Has the program do nothing until it is [`Process::resume`]d.
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Has the program go on, and `nsenter`, which stops when its child does.
    pub(crate) fn resume(&self) {
        self.signal("CONT");
        let status = Command::new("kill").args(["-s", "CONT", &self.child.id().to_string()]).status().expect("kill");
        assert!(status.success(), "failed to resume {}", self.name);
    }

    /// A line of what the kernel says of each of the program's threads (`CapEff`, `CapPrm`).
    pub(crate) fn threads_say(&self, key: &str) -> Vec<String> {
        let tasks = format!("/proc/{}/task", only_child(self.child.id()));
        let tasks =
            std::fs::read_dir(tasks).expect("threads").map(|task| task.expect("a thread").path().join("status"));
        let texts = tasks.filter_map(|status| std::fs::read_to_string(status).ok());
        texts.filter_map(|text| Some(text.lines().find_map(|line| line.strip_prefix(key))?.trim().to_owned())).collect()
    }

    /// How many seconds the program's threads have had a processor.
    pub(crate) fn processor_seconds(&self) -> f64 {
        let tasks = format!("/proc/{}/task", only_child(self.child.id()));
        let tasks = std::fs::read_dir(tasks).expect("threads").map(|task| task.expect("a thread").path());
        // A thread may end meanwhile. The first figure is nanoseconds (Documentation/scheduler/sched-stats.rst).
        let texts = tasks.filter_map(|task| std::fs::read_to_string(task.join("schedstat")).ok());
        texts.map(|text| text.split(' ').next().expect("figures").parse::<f64>().expect("a figure") / 1e9).sum()
    }

    /// Whether the program still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for the program's own end.
    pub(crate) fn wait(&mut self, within: Duration) -> ExitStatus {
        let child = &mut self.child;
        wait_for(&format!("{} to end", self.name), within, || child.try_wait().expect("a child"))
    }

    /// Ends the program at once.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(pid) = child_of(self.child.id()) {
            let _ = Command::new("kill").args(["-s", "KILL", &pid.to_string()]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if thread::panicking() {
            let mut report = format!("--- {} said:\n", self.name);
            for line in self.lines() {
                let _ = writeln!(report, "    {line}");
            }
            eprint!("{report}");
        }
    }
}

fn forward(stream: Stream, output: impl Read + Send + 'static, sender: Sender<(Stream, String)>) {
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send((stream, line)).is_err() {
                return;
            }
        }
    });
}

/// The child of a process that has one child; waits until it has.
pub(super) fn only_child(parent: u32) -> u32 {
    wait_for("the program behind nsenter", Duration::from_secs(5), || child_of(parent))
}

fn child_of(parent: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
