//! A home, a data directory and an environment that nothing else uses, and the program run in them.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::Ran;

/// The longest that a file is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// A home, a data directory and an environment of its own.
pub(crate) struct TestEnv {
    root: TempDir,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for name in ["home", "tmp", "work"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        Self { root }
    }

    /// All that belongs to this environment.
    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// `MESHAGENT_DATA_DIR`; made by the program, not here.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// A file of the directory that commands run in.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root.path().join("work").join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.file(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A named pipe, which nobody has open.
    pub(crate) fn pipe(&self, name: &str) -> PathBuf {
        let path = self.file(name);
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        path
    }

    /// Waits until a file is there.
    pub(crate) fn awaits(&self, name: &str) {
        let started = Instant::now();
        while !self.file(name).exists() {
            assert!(started.elapsed() < PATIENCE, "{name} is not there");
            thread::yield_now();
        }
    }

    /// The names in the directory that commands run in, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root.path().join("work")).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// `meshagent` with these arguments.
    pub(crate) fn call<I, A>(&self, arguments: I) -> Call
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        let mut command = self.command(env!("CARGO_BIN_EXE_meshagent"));
        command.args(arguments);
        Call {
            command,
            stdin: Vec::new(),
        }
    }

    /// Another program, to be run like ours.
    pub(crate) fn program(&self, name: &str) -> Call {
        Call {
            command: self.command(name),
            stdin: Vec::new(),
        }
    }

    /// Any program in this environment.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let root = self.root.path();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", root.join("home"))
            .env("TMPDIR", root.join("tmp"))
            .env("MESHAGENT_DATA_DIR", self.data_dir())
            .env("USER", "alice")
            .env("TERM", "xterm")
            .env("COLUMNS", "80")
            .current_dir(root.join("work"));
        command
    }

    /// The directory of the program.
    #[expect(clippy::unused_self, reason = "it is what this environment runs")]
    pub(crate) fn program_dir(&self) -> &'static Path {
        Path::new(env!("CARGO_BIN_EXE_meshagent")).parent().unwrap()
    }

    /// The room `room` of local mode, as the user's own.
    pub(crate) fn local(&self) -> Way<'_> {
        Way::new(self, &[], &["--local", "--room", "room"])
    }

    /// The room `room` of local mode, as `identity`.
    pub(crate) fn local_as(&self, identity: &str) -> Way<'_> {
        Way::new(self, &[], &["--local", "--room", "room", "--identity", identity])
    }
}

/// A way into a room: the variables and flags that lead there.
#[derive(Clone)]
pub(crate) struct Way<'a> {
    env: &'a TestEnv,
    variables: Vec<(String, String)>,
    flags: Vec<String>,
}

impl<'a> Way<'a> {
    pub(crate) fn new(env: &'a TestEnv, variables: &[(&str, &str)], flags: &[&str]) -> Self {
        Self {
            env,
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
        }
    }

    /// `meshagent room secret …` in that room.
    pub(crate) fn secret<I, A>(&self, arguments: I) -> Call
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        self.lead(self.env.call(["room", "secret"]).args(arguments))
    }

    /// `meshagent room …` in that room.
    pub(crate) fn room<I, A>(&self, arguments: I) -> Call
    where
        I: IntoIterator<Item = A>,
        A: AsRef<OsStr>,
    {
        self.lead(self.env.call(["room"]).args(arguments))
    }

    fn lead(&self, call: Call) -> Call {
        let mut call = call.args(&self.flags);
        for (name, value) in &self.variables {
            call.command.env(name, value);
        }
        call
    }

    /// Stores a value, which must succeed.
    pub(crate) fn set(&self, id: &str, value: impl AsRef<[u8]>) -> Ran {
        let call = self.secret(["set", id, "--allow-empty"]);
        call.stdin(value).run().succeeds()
    }

    /// Reads a value, which must be there.
    pub(crate) fn get(&self, id: &str) -> Vec<u8> {
        self.secret(["get", id]).run().succeeds().stdout
    }
}

/// A command about to be run.
pub(crate) struct Call {
    command: Command,
    stdin: Vec<u8>,
}

impl Call {
    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub(crate) fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_vec();
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(self) -> Ran {
        let line = format!("{:?}", self.command.get_args().collect::<Vec<_>>());
        let bytes = self.stdin.clone();
        let started = Instant::now();
        let mut child = self.spawn();
        let mut stdin = child.stdin.take().unwrap();
        // Beside the reading, so that neither side waits for the other; a command that does not read
        // its stdin closes it.
        let writer = thread::spawn(move || drop(stdin.write_all(&bytes)));
        let output = child.wait_with_output().unwrap();
        let took = started.elapsed();
        writer.join().unwrap();
        Ran {
            line,
            status: output.status,
            stdout: output.stdout,
            stderr: output.stderr,
            took,
        }
    }

    /// Starts it with pipes to its standard streams.
    pub(crate) fn spawn(mut self) -> Child {
        self.command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// The same with a file on stdin, where there would be a terminal.
    pub(crate) fn reading(self, path: &Path) -> Self {
        self.through(&["sh", "-c", r#"file=$0; exec "$@" <"$file""#], path)
    }

    /// The same, started by a shell with this script, which has `"$@"` in it.
    pub(crate) fn by_shell(self, script: &str) -> Self {
        self.through(&["bash", "-c", script], "bash")
    }

    /// The same, started by a script in namespaces of its own, where it is root and may mount.
    pub(crate) fn unshared(self, script: &str) -> Self {
        self.through(&["unshare", "-Urm", "bash", "-c", script], "bash")
    }

    fn through(self, program: &[&str], name: impl AsRef<OsStr>) -> Self {
        let [program, arguments @ ..] = program else {
            unreachable!()
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .arg(name)
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .current_dir(self.command.get_current_dir().unwrap())
            .env_clear();
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        Self {
            command,
            stdin: self.stdin,
        }
    }

    pub(crate) fn into_command(self) -> Command {
        self.command
    }
}
