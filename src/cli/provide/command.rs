//! A command that gives the value: the request on its stdin, the value on its stdout.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::request::{ReceivedRequest, RequestKind};
use crate::cli::ui::text::escape;
use crate::sensitive::{SecretValue, Sensitive};
use crate::settings::Environment;
use crate::wire::MAX_PAYLOAD_BYTES;

/// Time that a command has unless its rule says otherwise.
pub(super) const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// A command that gives a value. It runs without a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueCommand {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    /// Time after which it is killed, with all that it started.
    pub(super) limit: Duration,
}

/// Why a command gave no value. Nothing of its output is in here.
#[derive(Debug, thiserror::Error)]
pub(super) enum ValueCommandError {
    #[error("{program} cannot be run: {error}")]
    NotRun { program: String, error: io::Error },
    #[error("{program} ended with {status}")]
    Failed { program: String, status: ExitStatus },
    #[error("{program} was killed after {} s", limit.as_secs())]
    TimedOut { program: String, limit: Duration },
    #[error("{program} wrote more than a room takes ({} MiB)", MAX_PAYLOAD_BYTES >> 20)]
    TooLarge { program: String },
}

impl ValueCommand {
    /// Runs it. It inherits the environment without our own credentials, and its stderr goes nowhere:
    /// who writes secrets on stdout may write them there too.
    pub(super) async fn run(
        &self,
        received: &ReceivedRequest,
        environment: &Environment,
    ) -> Result<SecretValue, ValueCommandError> {
        let not_run = |error| ValueCommandError::NotRun {
            program: self.shown(),
            error,
        };
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(environment.inheritable())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        // A group of its own, so that what it starts can be killed with it.
        #[cfg(unix)]
        command.process_group(0);
        let mut running = Running(command.spawn().map_err(not_run)?);
        let limit = self.limit.min(received.left());
        let finished = timeout(limit, running.finish(request(received))).await;
        let finished = finished.map_err(|_| ValueCommandError::TimedOut {
            program: self.shown(),
            limit,
        })?;
        match finished.map_err(not_run)? {
            Some((status, value)) if status.success() => Ok(value),
            Some((status, _)) => Err(ValueCommandError::Failed {
                program: self.shown(),
                status,
            }),
            None => Err(ValueCommandError::TooLarge {
                program: self.shown(),
            }),
        }
    }

    /// The program, as it is shown. Its arguments are not: they may hold anything.
    pub(super) fn shown(&self) -> String {
        escape(&self.program)
    }
}

/// The request as the command reads it: one line of JSON.
fn request(received: &ReceivedRequest) -> Vec<u8> {
    let requester = received
        .requester
        .as_ref()
        .map(|requester| json!({"id": requester.id, "name": requester.name}));
    let mut request = json!({
        "requester": requester,
        "delegate_to": received.delegate_to,
        "timeout": received.timeout.as_secs(),
    });
    if let (RequestKind::Secret { url, secret_type }, Value::Object(members)) = (&received.kind, &mut request)
    {
        members.insert("url".to_owned(), url.as_str().into());
        members.insert("type".to_owned(), secret_type.as_str().into());
    }
    format!("{request}\n").into_bytes()
}

/// A running command. Dropping this kills it with everything that it started.
struct Running(Child);

impl Running {
    /// Writes its input and reads its output, then waits for its end. None where it writes too much.
    async fn finish(&mut self, input: Vec<u8>) -> io::Result<Option<(ExitStatus, SecretValue)>> {
        let (stdin, stdout) = (self.0.stdin.take(), self.0.stdout.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // The command need not read its input.
                let _ = stdin.write_all(&input).await;
            }
        };
        let read = async {
            let mut output = Sensitive::<Vec<u8>>::default().into_exposed();
            if let Some(stdout) = stdout {
                let most = u64::try_from(MAX_PAYLOAD_BYTES).unwrap_or(u64::MAX);
                stdout
                    .take(most.saturating_add(1))
                    .read_to_end(&mut output)
                    .await?;
            }
            io::Result::Ok(SecretValue::new(output))
        };
        let ((), output) = tokio::join!(write, read);
        let output = output?;
        if output.expose().len() > MAX_PAYLOAD_BYTES {
            return Ok(None);
        }
        let status = self.0.wait().await?;
        Ok(Some((status, output)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The process has an id until it was waited for; afterwards the number may belong to another process.
        #[cfg(unix)]
        if let Some(group) = self
            .0
            .id()
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw)
        {
            // The command may have ended meanwhile.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::cli::provide::request::tests::received;

    fn shell(script: &str, limit: Duration) -> ValueCommand {
        ValueCommand {
            program: "sh".to_owned(),
            arguments: vec!["-c".to_owned(), script.to_owned()],
            limit,
        }
    }

    async fn run(script: &str, limit: Duration) -> Result<Vec<u8>, ValueCommandError> {
        let path = std::env::var("PATH").unwrap_or_default();
        let environment = Environment::from_pairs([
            ("PATH", path.as_str()),
            ("MESHAGENT_TOKEN", "canary"),
            ("MESHAGENT_API_KEY", "canary"),
            ("OTHER", "kept"),
        ]);
        let value = shell(script, limit)
            .run(&received("https://a", "git"), &environment)
            .await?;
        Ok(value.expose().clone())
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn it_reads_the_request_and_writes_the_value() {
        let value = run("cat; printf '\\0\\377'", LONG).await.unwrap();
        let (json, rest) = value.split_at(value.iter().position(|byte| *byte == b'\n').unwrap());
        let request: Value = serde_json::from_slice(json).unwrap();
        assert_eq!(
            request,
            json!({"url": "https://a", "type": "git", "delegate_to": null, "timeout": 300,
                "requester": {"id": "p1", "name": "bob"}})
        );
        assert_eq!(rest, b"\n\0\xff");
        // One that does not read, and more than a pipe holds.
        assert_eq!(
            run("head -c 1000000 /dev/zero", LONG).await.unwrap().len(),
            1_000_000
        );
        assert_eq!(run(":", LONG).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn it_has_the_environment_but_not_our_credentials() {
        let value = run("env", LONG).await.unwrap();
        let text = String::from_utf8(value).unwrap();
        assert!(text.contains("OTHER=kept") && !text.contains("canary"), "{text}");
    }

    #[tokio::test]
    async fn a_failure_says_nothing_of_its_output() {
        let error = run("echo canary; echo canary >&2; exit 3", LONG)
            .await
            .unwrap_err()
            .to_string();
        assert_eq!(error, "sh ended with exit status: 3");
        let mut missing = shell("", LONG);
        missing.program = "no-such-program".to_owned();
        let error = missing
            .run(&received("u", ""), &Environment::default())
            .await
            .unwrap_err();
        assert!(
            error.to_string().starts_with("no-such-program cannot be run: "),
            "{error}"
        );
    }

    /// What the command started keeps its end of the pipe open: when it is at its end, it was killed.
    #[tokio::test]
    async fn it_is_killed_at_its_limit_with_all_that_it_started() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let reader = {
            let pipe = pipe.clone();
            tokio::task::spawn_blocking(move || std::fs::read(pipe).unwrap())
        };
        let script = format!("exec 3>'{}'; sleep 600 & sleep 600", pipe.display());
        let error = run(&script, Duration::from_secs(1)).await.unwrap_err();
        assert_eq!(error.to_string(), "sh was killed after 1 s");
        assert_eq!(reader.await.unwrap(), b"");
    }

    #[tokio::test]
    async fn what_is_too_much_is_not_read() {
        let error = run("cat /dev/zero", LONG).await.unwrap_err();
        assert!(matches!(error, ValueCommandError::TooLarge { .. }), "{error}");
    }
}
