//! A program that prints the key, such as the client of a key management service, `age` or a keyring.

use std::fmt;
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::StoreError;
use super::seal::Key;

/// How long the program may take; it may ask for a password.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How often it is looked whether it has ended, after it has closed its stdout.
const PAUSE: Duration = Duration::from_millis(5);
/// Most bytes of its output that are read.
pub(super) const MAX_OUTPUT_BYTES: usize = 256;

/// A program and its arguments. It is run once, when the key is first needed, without a shell. Its stdin is empty, and
/// its stderr is this program's.
#[derive(Clone)]
pub struct KeyCommand {
    program: String,
    arguments: Vec<String>,
    timeout: Duration,
    /// The key, once it has been printed.
    key: Arc<OnceLock<Key>>,
}

/// The arguments may hold a password.
impl fmt::Debug for KeyCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCommand")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

impl KeyCommand {
    /// The program is the first of `words`. None if there is none.
    pub fn new(words: Vec<String>) -> Option<Self> {
        let mut words = words.into_iter();
        Some(Self {
            program: words.next()?,
            arguments: words.collect(),
            timeout: TIMEOUT,
            key: Arc::default(),
        })
    }

    /// The key that the program prints. Blocks, for a minute at most.
    ///
    /// # Errors
    /// [`StoreError::KeyCommand`].
    pub(super) fn key(&self, parse: impl FnOnce(&str) -> Option<Key>) -> Result<Key, StoreError> {
        if let Some(key) = self.key.get() {
            return Ok(key.clone());
        }
        let output = self.output().map_err(|reason| StoreError::KeyCommand {
            program: self.program.clone(),
            reason,
        })?;
        let key = str::from_utf8(&output).ok().and_then(parse);
        let key = key.ok_or_else(|| StoreError::KeyCommand {
            program: self.program.clone(),
            reason: "what it printed is not 32 bytes in base64 or hex".to_owned(),
        })?;
        Ok(self.key.get_or_init(|| key).clone())
    }

    fn output(&self) -> Result<Zeroizing<Vec<u8>>, String> {
        let deadline = Instant::now() + self.timeout;
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("it could not be started: {error}"))?;
        let outcome = finish(&mut child, deadline, self.timeout);
        if outcome.is_err() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
        outcome
    }
}

/// Reads what `child` prints, and waits until it has ended.
fn finish(child: &mut Child, deadline: Instant, timeout: Duration) -> Result<Zeroizing<Vec<u8>>, String> {
    let late = || format!("it did not end within {} s", timeout.as_secs_f32());
    let stdout = child.stdout.take().ok_or("it has no stdout")?;
    let (send, read) = mpsc::channel();
    // Ends when the program, and what it has started, close their stdout.
    thread::spawn(move || {
        let mut output = Zeroizing::new(Vec::with_capacity(MAX_OUTPUT_BYTES + 1));
        let outcome = stdout.take(MAX_OUTPUT_BYTES as u64 + 1).read_to_end(&mut output);
        // The receiver may have stopped waiting.
        let _ = send.send(outcome.map(|_| output));
    });
    let output = match read.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(output) => output.map_err(|error| format!("its output could not be read: {error}"))?,
        Err(RecvTimeoutError::Timeout) => return Err(late()),
        Err(RecvTimeoutError::Disconnected) => return Err("its output could not be read".to_owned()),
    };
    if output.len() > MAX_OUTPUT_BYTES {
        return Err(format!("it printed more than {MAX_OUTPUT_BYTES} bytes"));
    }
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(output),
            Ok(Some(status)) => return Err(format!("it failed ({status})")),
            Ok(None) if Instant::now() >= deadline => return Err(late()),
            Ok(None) => thread::sleep(PAUSE),
            Err(error) => return Err(format!("it could not be waited for: {error}")),
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Duration) -> KeyCommand {
        let words = ["sh", "-c", script].map(str::to_owned).to_vec();
        KeyCommand {
            timeout,
            ..KeyCommand::new(words).unwrap()
        }
    }

    fn run(script: &str) -> Result<Key, StoreError> {
        shell(script, TIMEOUT).key(|text| Some(Key::new([u8::try_from(text.len()).ok()?; 32])))
    }

    fn reason(outcome: Result<Key, StoreError>) -> String {
        match outcome {
            Err(StoreError::KeyCommand { program, reason }) => {
                assert_eq!(program, "sh");
                reason
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_key_command_prints_is_the_key() {
        assert_eq!(*run("echo four").unwrap(), [5; 32]);
        assert_eq!(*run("cat").unwrap(), [0; 32]);
    }

    #[test]
    fn a_key_command_that_fails_or_prints_too_much_gives_no_key() {
        assert!(reason(run("echo four; exit 3")).contains("exit status: 3"));
        assert!(reason(run("kill -9 $$")).contains("signal: 9"));
        assert!(reason(run("head -c 257 /dev/zero")).contains("more than 256 bytes"));
        // One that never ends is stopped.
        assert!(reason(run("exec cat /dev/zero")).contains("more than 256 bytes"));
        let not_a_key = shell("echo four", TIMEOUT).key(|_| None);
        assert!(reason(not_a_key).contains("is not 32 bytes"));
        let missing = KeyCommand::new(vec!["/nonexistent/program".to_owned()]).unwrap();
        let error = missing.key(|_| None).unwrap_err();
        assert!(error.to_string().contains("could not be started"), "{error}");
        assert!(KeyCommand::new(Vec::new()).is_none());
    }

    #[test]
    fn a_key_command_that_hangs_is_stopped() {
        for script in ["exec sleep 1000", "exec >&-; exec sleep 1000"] {
            let hanging = shell(script, Duration::from_millis(200));
            assert!(
                reason(hanging.key(|_| None)).contains("did not end within 0.2 s"),
                "{script}"
            );
        }
    }

    #[test]
    fn a_key_command_is_run_once() {
        let directory = tempfile::tempdir().unwrap();
        let marker = directory.path().join("ran");
        let script = format!("mkdir '{}' && echo key", marker.display());
        let command = shell(&script, TIMEOUT);
        for command in [command.clone(), command] {
            command.key(|_| Some(Key::new([1; 32]))).unwrap();
        }
    }

    #[test]
    fn arguments_are_not_shown() {
        let command = shell("password", TIMEOUT);
        assert!(!format!("{command:?}").contains("password"));
    }
}
