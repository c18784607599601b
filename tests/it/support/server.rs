//! The real server in a process of its own.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::{Call, Participant, TestEnv, Way};

/// The longest that a server may take to stop: it gives those in it 5 s.
const STOP_TIME: Duration = Duration::from_secs(10);

/// The longest that a line of the log is waited for.
const LOG_TIME: Duration = Duration::from_secs(20);

/// The command, up to its data directory.
const SERVE: [&str; 5] = ["room", "serve", "--listen", "127.0.0.1:0", "--data-dir"];

/// Sends a signal to a child that was not waited for yet.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Waits for a child that must end now; it is killed if it does not.
pub(crate) fn ends_soon(child: Child) -> Output {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let (ended, output) = mpsc::channel();
    thread::spawn(move || ended.send(child.wait_with_output().unwrap()));
    output.recv_timeout(STOP_TIME).unwrap_or_else(|_| {
        kill_process(pid, Signal::KILL).unwrap();
        panic!("process {pid:?} did not end")
    })
}

/// A running `meshagent room serve` on the data directory of a [`TestEnv`].
pub(crate) struct TestServer<'a> {
    env: &'a TestEnv,
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
    log: PathBuf,
}

impl<'a> TestServer<'a> {
    pub(crate) fn start(env: &'a TestEnv) -> Self {
        Self::start_with(env, &[])
    }

    /// Starts it, and waits for the line that says where it listens.
    pub(crate) fn start_with(env: &'a TestEnv, flags: &[&str]) -> Self {
        Self::start_with_variables(env, flags, &[])
    }

    /// Starts it on its data directory without saying where to listen, but for these flags.
    pub(crate) fn start_listening(env: &'a TestEnv, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = File::create(Self::log_of(env)).unwrap();
        let call = env.call(["room", "serve", "--data-dir"]);
        Self::spawn_by(call, env, flags, variables, log.into())
    }

    /// As [`TestServer::start_with`], with more in its environment.
    pub(crate) fn start_with_variables(env: &'a TestEnv, flags: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = File::options()
            .create(true)
            .append(true)
            .open(Self::log_of(env))
            .unwrap();
        Self::spawn(env, flags, variables, log.into())
    }

    /// As [`TestServer::start_with`], with its stderr elsewhere than in the file that [`TestServer::log`] reads.
    pub(crate) fn start_with_stderr(env: &'a TestEnv, flags: &[&str], stderr: impl Into<Stdio>) -> Self {
        Self::spawn(env, flags, &[], stderr.into())
    }

    fn log_of(env: &TestEnv) -> PathBuf {
        env.root().join("server.log")
    }

    /// As [`TestServer::start_with`], by a shell that first runs `ulimit` with these arguments.
    pub(crate) fn start_with_ulimit(env: &'a TestEnv, ulimit: &str, flags: &[&str]) -> Self {
        let log = File::create(Self::log_of(env)).unwrap();
        let script = format!("ulimit {ulimit} && exec \"$0\" \"$@\"");
        let shell = env
            .program("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_meshagent")]);
        Self::spawn_by(shell.args(SERVE), env, flags, &[], log.into())
    }

    fn spawn(env: &'a TestEnv, flags: &[&str], variables: &[(&str, &str)], stderr: Stdio) -> Self {
        Self::spawn_by(env.call(SERVE), env, flags, variables, stderr)
    }

    fn spawn_by(
        serve: Call,
        env: &'a TestEnv,
        flags: &[&str],
        variables: &[(&str, &str)],
        stderr: Stdio,
    ) -> Self {
        let log = Self::log_of(env);
        let mut child = serve
            .arg(env.data_dir())
            .args(flags)
            .into_command()
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .unwrap();
        let mut server = Self {
            env,
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            url: String::new(),
            log,
        };
        server.url = server.next_address();
        server
    }

    /// The next of the addresses that it says it listens on, of which [`TestServer::url`] is the first.
    pub(crate) fn next_address(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let address = line.trim_end().to_owned();
        assert!(
            address.starts_with("http") || address.starts_with("unix:"),
            "{line:?}; {}",
            self.log()
        );
        address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// Waits until its log has this text.
    pub(crate) fn await_log(&self, text: &str) {
        let started = Instant::now();
        while !self.log().contains(text) {
            assert!(started.elapsed() < LOG_TIME, "{}", self.log());
            thread::yield_now();
        }
    }

    /// What it logged so far; nothing if its stderr is elsewhere.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The variables of `client.env`.
    pub(crate) fn client_env(&self) -> BTreeMap<String, String> {
        let text = fs::read_to_string(self.env.data_dir().join("client.env")).unwrap();
        text.lines()
            .map(|line| line.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    pub(crate) fn api_key(&self) -> String {
        self.client_env()["MESHAGENT_API_KEY"].clone()
    }

    /// A participant token, made by the command for it.
    pub(crate) fn token(&self, identity: &str, room: &str, admin: bool) -> String {
        let flags: &[&str] = if admin { &["--admin"] } else { &[] };
        self.token_with(&["--identity", identity, "--room", room], flags)
    }

    pub(crate) fn token_with(&self, arguments: &[&str], flags: &[&str]) -> String {
        let mut call = self.env.call(["token", "generate"]).args(arguments).args(flags);
        for (name, value) in self.client_env() {
            call = call.env(&name, value);
        }
        call.run().succeeds().out().trim_end().to_owned()
    }

    /// Joins the room `room` as `identity`, by hand.
    pub(crate) fn join(&self, identity: &str) -> Participant {
        self.join_room(identity, "room")
    }

    pub(crate) fn join_room(&self, identity: &str, room: &str) -> Participant {
        Participant::join(self.address(), room, &self.token(identity, room, false))
    }

    /// Into `room` with the API key.
    pub(crate) fn with_key(&self, room: &str) -> Way<'a> {
        self.way(&["--room", room])
    }

    /// Into `room` with the API key, as `identity`.
    pub(crate) fn with_identity(&self, identity: &str, room: &str) -> Way<'a> {
        self.way(&["--room", room, "--identity", identity])
    }

    /// Into `room` as `identity`, with a participant token that was made for it.
    pub(crate) fn with_token(&self, identity: &str, room: &str) -> Way<'a> {
        self.with_this_token(&self.token(identity, room, false), room)
    }

    pub(crate) fn with_this_token(&self, token: &str, room: &str) -> Way<'a> {
        let variables = [
            ("MESHAGENT_API_URL", self.url.as_str()),
            ("MESHAGENT_TOKEN", token),
            ("MESHAGENT_ROOM", room),
        ];
        Way::new(self.env, &variables, &[])
    }

    fn way(&self, flags: &[&str]) -> Way<'a> {
        let variables = self.client_env();
        let variables: Vec<(&str, &str)> = variables.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        Way::new(self.env, &variables, flags)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, by: Signal) {
        signal(&self.child, by);
    }

    /// Asks it to stop, and waits for nothing.
    pub(crate) fn ask_to_stop(&self) {
        signal(&self.child, Signal::TERM);
    }

    /// Asks it to stop; it does within seconds, with 0, and has said nothing more on stdout.
    pub(crate) fn stop(self) {
        self.interrupt(Signal::TERM);
    }

    /// As [`TestServer::stop`], by this signal.
    pub(crate) fn interrupt(mut self, by: Signal) {
        let asked = Instant::now();
        signal(&self.child, by);
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}; {}", self.log());
        assert_eq!(rest, "");
        assert!(asked.elapsed() < STOP_TIME, "{:?}", asked.elapsed());
    }

    /// Ends it without asking.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for TestServer<'_> {
    fn drop(&mut self) {
        // Gone already after `stop`; else the test has failed or does not care.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
