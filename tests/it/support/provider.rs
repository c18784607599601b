//! A running `meshagent room secret provide`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Output};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use super::{Call, Way, ends_soon, signal};

/// The longest that a line is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What stands before the participant's id in the command that others are told to run.
const BEFORE_ID: &str = "--from-participant-id ";

/// A participant that answers, without a terminal.
pub(crate) struct Provider {
    child: Child,
    lines: Receiver<String>,
    /// All that it said so far.
    pub(crate) said: Vec<String>,
    /// Its id in the room.
    pub(crate) id: String,
}

impl Provider {
    /// Starts it, and waits until it is in the room.
    pub(crate) fn start(way: &Way<'_>, arguments: &[&str]) -> Self {
        Self::run(way.secret(["provide"]).args(arguments))
    }

    pub(crate) fn run(call: Call) -> Self {
        let mut child = call.spawn();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (said, lines) = channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // The test may be over.
                let _ = said.send(line);
            }
        });
        let mut provider = Self {
            child,
            lines,
            said: Vec::new(),
            id: String::new(),
        };
        provider.joins();
        provider
    }

    /// Waits until it is in the room, again, and notes its id.
    pub(crate) fn joins(&mut self) {
        let line = self.says(BEFORE_ID);
        let (_, rest) = line.split_once(BEFORE_ID).unwrap();
        rest.split(' ').next().unwrap().clone_into(&mut self.id);
    }

    /// Waits for a line with this in it, and gives it.
    #[track_caller]
    pub(crate) fn says(&mut self, text: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("provide did not say `{text}` but: {:#?}", self.said);
            };
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until it has said of so many requests what became of them; all that it said of them.
    #[track_caller]
    pub(crate) fn answers(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.says(" asked for ")).collect()
    }

    pub(crate) fn signal(&self, by: Signal) {
        signal(&self.child, by);
    }

    /// Waits for its end, which must come now. All that it said is in `said` then.
    pub(crate) fn ends(mut self) -> (Output, Vec<String>) {
        let output = ends_soon(self.child);
        self.said.extend(self.lines.iter());
        (output, self.said)
    }

    /// Tells it to stop, which it must do at once; all that it said.
    #[track_caller]
    pub(crate) fn stop(self) -> Vec<String> {
        self.signal(Signal::TERM);
        let (output, said) = self.ends();
        assert_eq!(output.status.code(), Some(143), "{output:?} {said:?}");
        assert_eq!(output.stdout, b"", "{said:?}");
        said
    }
}
