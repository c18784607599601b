//! The program on a terminal of its own.

use std::thread;
use std::time::{Duration, Instant};

use expectrl::process::unix::PtyStream;
use expectrl::process::unix::UnixProcess;
use expectrl::{Expect, Session};
use rustix::process::{Pid, Signal, kill_process};

use super::Call;

/// The longest that anything on the terminal is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the command, then says how it ended, how it left the terminal, and what of that which was typed it left
/// to the shell. The shell must outlive a Ctrl-C, which the terminal sends to it too. It starts with a line that is
/// typed: until then the terminal's size is set from outside as well.
const SHELL: &str = r#"
trap : INT
read -r go
stty echo cols 60 rows 20
modes=$(stty -g)
sh -c 'echo "[start $$]"; exec "$0" "$@"' "$0" "$@"
code=$?
settings=$(stty -a)
[ "$modes" = "$(stty -g)" ] && settings="restored $settings"
stty -icanon min 0 time 1
echo "[code $code]"
echo "[left $(head -c 99)]"
echo "$settings [end]"
"#;

/// What a terminal is sent before a question: mark pastes, and report.
pub(crate) const ASKED_OF_TERMINAL: &str = "\x1b[?2004h\x1b[5n";

/// What it is sent after a question: mark pastes no more.
pub(crate) const PASTES_UNMARKED: &str = "\x1b[?2004l";

/// A terminal's report. Tests are terminals that do not report, unless they say otherwise.
pub(crate) const REPORT: &str = "\x1b[0n";

/// A command that runs on a terminal of 60 columns.
pub(crate) struct Terminal {
    session: Session<UnixProcess, PtyStream>,
    command: Pid,
}

/// What was on the terminal when the command had ended.
#[derive(Debug)]
pub(crate) struct Screen {
    pub(crate) code: i32,
    /// All that was shown since the last thing that was waited for.
    pub(crate) text: String,
    /// Whether the terminal shows what is typed.
    pub(crate) echo: bool,
    /// What of that which was typed was left to the shell.
    pub(crate) left: String,
    /// Whether every mode of the terminal is as it was before the command.
    pub(crate) is_restored: bool,
}

impl Screen {
    /// What was shown after a line that moved was taken away.
    pub(crate) fn after_moving(&self) -> &str {
        let (_, after) = self.text.rsplit_once("\u{1b}[2K").unwrap();
        after.trim()
    }
}

impl Terminal {
    pub(crate) fn run(call: Call) -> Self {
        let command = call.into_command();
        let mut shell = std::process::Command::new("sh");
        shell
            .args(["-c", SHELL])
            .arg(command.get_program())
            .args(command.get_args());
        shell.env_clear();
        for (name, value) in command.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        shell.current_dir(command.get_current_dir().unwrap());
        let mut session = Session::spawn(shell).unwrap();
        session.set_expect_timeout(Some(PATIENCE));
        session.send("\n").unwrap();
        session.expect("[start ").unwrap();
        let found = session.expect("]\r\n").unwrap();
        let command = str::from_utf8(found.before()).unwrap().parse().unwrap();
        Self {
            session,
            command: Pid::from_raw(command).unwrap(),
        }
    }

    /// Waits for a text, and gives what was shown before it.
    pub(crate) fn shows(&mut self, text: &str) -> String {
        let found = self.session.expect(text).unwrap();
        String::from_utf8(found.before().to_vec()).unwrap()
    }

    /// Waits until what is typed is not shown.
    pub(crate) fn hides(&mut self) {
        let started = Instant::now();
        while self.session.get_process().get_echo().unwrap() {
            assert!(started.elapsed() < PATIENCE, "what is typed is shown");
            thread::yield_now();
        }
    }

    pub(crate) fn types(&mut self, keys: &str) {
        self.pastes(keys.as_bytes());
    }

    /// Types all of this at once, text or not.
    pub(crate) fn pastes(&mut self, bytes: &[u8]) {
        self.session.send(bytes).unwrap();
    }

    pub(crate) fn signals(&self, by: Signal) {
        kill_process(self.command, by).unwrap();
    }

    /// Pastes this as a terminal does that marks it.
    pub(crate) fn pastes_marked(&mut self, text: &str) {
        self.types(&format!("\x1b[200~{text}\x1b[201~"));
    }

    /// Waits for the command's end.
    pub(crate) fn ends(mut self) -> Screen {
        let text = self.shows("[code ");
        let code = self.shows("]\r\n").parse().unwrap();
        self.shows("[left ");
        let left = self.shows("]\r\n");
        let settings = self.shows("[end]");
        Screen {
            code,
            text,
            left,
            is_restored: settings.starts_with("restored"),
            echo: settings.split_whitespace().any(|setting| setting == "echo"),
        }
    }
}
