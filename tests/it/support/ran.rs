//! How a command ended, and what may be expected of that.

use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

/// The longest that a command may take which finds a mistake at once; well below its time limit.
const AT_ONCE: Duration = Duration::from_secs(15);

/// A command that was run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) line: String,
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) took: Duration,
}

impl Ran {
    /// It ended with 0.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.ends_with(0)
    }

    /// It ended with this code.
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{} ended with {}; stderr: {}",
            self.line,
            self.status,
            self.err()
        );
        self
    }

    /// It failed with this code, at once, and said so in one sentence and a hint; stdout is empty.
    #[track_caller]
    pub(crate) fn refuses(self, code: i32) -> Self {
        let ran = self.fails(code);
        assert!(ran.took < AT_ONCE, "{} took {:?}", ran.line, ran.took);
        ran
    }

    /// As [`Ran::refuses`], whenever it came.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> Self {
        let ran = self.ends_with(code);
        assert_eq!(ran.stdout, b"", "{}", ran.line);
        let lines: Vec<&str> = ran.err().lines().collect();
        assert!(
            lines.len() == 2
                && lines[0].starts_with("error: ")
                && lines[1].starts_with("hint: ")
                && lines.iter().all(|line| line.len() < 300),
            "{} said: {}",
            ran.line,
            ran.err()
        );
        ran
    }

    /// stderr has this in it.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(
            self.err().contains(text),
            "{} did not say `{text}` but: {}",
            self.line,
            self.err()
        );
        self
    }

    /// stderr is empty.
    #[track_caller]
    pub(crate) fn says_nothing(self) -> Self {
        assert_eq!(self.err(), "", "{}", self.line);
        self
    }

    pub(crate) fn err(&self) -> &str {
        std::str::from_utf8(&self.stderr).unwrap()
    }

    pub(crate) fn out(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap()
    }
}
