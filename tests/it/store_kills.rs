//! Servers and commands that are killed at random moments while secrets are written, the store's keys change and a
//! backup is made: every value that was acknowledged is there, and no other.
//!
//! `MESHAGENT_TEST_KILL_ROUNDS` says how many rounds there are; a thousand take about half an hour, and need nextest's
//! profile `fuzz`. `MESHAGENT_TEST_KILL_SEED` repeats the choices of a run that failed.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use meshagent::wire::Content;
use meshagent::wire::secrets::tool;
use rustix::process::Signal;
use serde_json::json;

use crate::support::{Participant, TestEnv, TestServer};

const ROUNDS: u64 = 10;
const IDS: u64 = 24;
/// The longest time until something is killed.
const MOST_MILLISECONDS: u64 = 250;

/// What was written of a secret: the number in the value that was acknowledged last, and in the one that was sent last.
#[derive(Debug, Default, Clone, Copy)]
struct Written {
    acknowledged: Option<u64>,
    sent: u64,
}

type AllWritten = Arc<Mutex<BTreeMap<u64, Written>>>;

/// Xorshift (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn choice(&mut self, end: u64) -> usize {
        usize::try_from(self.below(end)).unwrap()
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn number_of(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

fn value(id: u64, number: u64) -> Vec<u8> {
    // Some take several pages.
    let filler = "x".repeat(usize::try_from(id * id * 20).unwrap());
    format!("{id}={number}={filler}").into_bytes()
}

fn set(participant: &mut Participant, id: u64, number: u64) {
    let headers = json!({
        "secret_id": format!("id-{id}"), "type": "text/plain", "name": "", "for_identity": null, "delegated_to": null
    });
    let answer = participant.call(
        tool::SET,
        Content::binary(&headers, value(id, number).into()).unwrap(),
    );
    assert!(matches!(answer, Content::Empty), "{answer:?}");
}

fn get(participant: &mut Participant, id: u64) -> Option<Vec<u8>> {
    match participant.call_json(tool::GET, &json!({"secret_id": format!("id-{id}")})) {
        Content::File { data, .. } => Some(data.into_exposed()),
        Content::Empty => None,
        other => panic!("{other:?}"),
    }
}

/// Every secret is what was acknowledged last, or what was sent after that.
fn check(participant: &mut Participant, all: &AllWritten) {
    for (id, written) in all.lock().unwrap().iter_mut() {
        let found = get(participant, *id);
        let possible = written.acknowledged.unwrap_or(0)..=written.sent;
        let number = possible.clone().find(|number| found == Some(value(*id, *number)));
        match (number, &found) {
            (Some(number), _) => written.acknowledged = Some(number),
            (None, None) if written.acknowledged.is_none() => {}
            _ => panic!("id-{id} was to be one of {possible:?} and is {found:?}"),
        }
    }
}

/// Writes until it is told to stop, or until the server is gone, which makes it panic.
fn write(participant: &mut Participant, all: &AllWritten, stop: &AtomicBool) {
    for turn in 0.. {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let id = turn % IDS;
        let number = {
            let mut all = all.lock().unwrap();
            let written = all.entry(id).or_default();
            written.sent += 1;
            written.sent
        };
        set(participant, id, number);
        all.lock().unwrap().entry(id).or_default().acknowledged = Some(number);
    }
}

/// A data directory with the files of its keys.
struct Store<'a> {
    env: &'a TestEnv,
    key: PathBuf,
    next: PathBuf,
}

impl Store<'_> {
    fn start(&self, arguments: &[&str], key: &PathBuf) -> Child {
        self.env
            .call(arguments)
            .arg("--key-file")
            .arg(key)
            .into_command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn opens(&self, key: &PathBuf) -> bool {
        key.exists()
            && self
                .start(&["room", "key", "status"], key)
                .wait()
                .unwrap()
                .success()
    }

    /// Goes on with the key that opens the store, by chance with either if both do.
    fn choose_key(&mut self, random: &mut Random, must_be_next: bool) {
        let (by_former, by_next) = (self.opens(&self.key), self.opens(&self.next));
        assert!(by_former || by_next, "no key opens the store");
        assert!(!must_be_next || (by_next && !by_former), "{by_former} {by_next}");
        if by_next && (!by_former || random.below(2) == 0) {
            self.key.clone_from(&self.next);
        }
    }
}

/// A command that runs beside the server and is done with the keys, or copies the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Beside {
    Rotate,
    Rekey,
    Backup,
}

/// What is killed first. The server always is in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victims {
    Server,
    Command,
    Both,
}

impl Store<'_> {
    fn backup(&self) -> String {
        self.env.file("backup").to_str().unwrap().to_owned()
    }

    fn start_beside(&self, beside: Beside) -> Child {
        let (next, backup) = (self.next.to_str().unwrap(), self.backup());
        match beside {
            Beside::Rotate => self.start(&["room", "key", "rotate"], &self.key),
            Beside::Rekey => self.start(&["room", "key", "rekey", "--new-key-file", next], &self.key),
            Beside::Backup => {
                let arguments = ["room", "backup", "--force", "--no-encryption", &backup];
                let call = self
                    .env
                    .call(arguments)
                    .into_command()
                    .stderr(Stdio::piped())
                    .spawn();
                call.unwrap()
            }
        }
    }

    /// Serves, writes, runs a command beside that, and kills. Returns the command, and whether it succeeded.
    fn round(&mut self, random: &mut Random, all: &AllWritten) -> (Beside, bool) {
        let server = TestServer::start_with(self.env, &["--key-file", self.key.to_str().unwrap()]);
        let mut writer = Participant::join(server.address(), "room", &server.token("bob", "room", false));
        check(&mut writer, all);
        let stop = Arc::new(AtomicBool::new(false));
        let writing = thread::spawn({
            let (all, stop) = (Arc::clone(all), Arc::clone(&stop));
            move || write(&mut writer, &all, &stop)
        });
        let beside = [Beside::Rotate, Beside::Rekey, Beside::Backup][random.choice(3)];
        let victims = [Victims::Server, Victims::Command, Victims::Both][random.choice(3)];
        let mut command = self.start_beside(beside);
        thread::sleep(Duration::from_micros(random.below(MOST_MILLISECONDS * 1000)));
        if victims != Victims::Command {
            server.signal(Signal::KILL);
        }
        if victims != Victims::Server {
            // It may have ended.
            let _ = command.kill();
        }
        let output = command.wait_with_output().unwrap();
        stop.store(true, Ordering::SeqCst);
        // The writer panics if the server was killed.
        assert!(
            writing.join().is_ok() || victims != Victims::Command,
            "{}",
            server.log()
        );
        server.kill();
        let (succeeded, said) = (output.status.success(), String::from_utf8_lossy(&output.stderr));
        // An unfinished rekey keeps a rotation from beginning, and a rekey waits for the server that was killed.
        let may_fail =
            victims != Victims::Server || beside == Beside::Rekey || said.contains("is not finished");
        assert!(succeeded || may_fail, "{beside:?}: {said}");
        if beside == Beside::Rekey {
            self.choose_key(random, succeeded);
        }
        if beside == Beside::Backup && succeeded {
            let verify = ["room", "restore", "--verify", "--no-encryption", &self.backup()];
            let verified = self.start(&verify, &self.key).wait_with_output().unwrap();
            assert!(
                verified.status.success(),
                "{}",
                String::from_utf8_lossy(&verified.stderr)
            );
        }
        (beside, succeeded)
    }

    /// Finishes what was interrupted last.
    fn finish(&self) {
        let key = self.key.to_str().unwrap();
        for arguments in [
            &["room", "key", "rekey", "--new-key-file", key][..],
            &["room", "key", "rotate"],
        ] {
            assert!(self.start(arguments, &self.key).wait().unwrap().success());
        }
        let status = self
            .env
            .call(["room", "key", "status", "--output", "json", "--key-file"]);
        let status = status.arg(&self.key).run().succeeds().json();
        assert_eq!(status["store_keys"].as_array().unwrap().len(), 1, "{status}");
        assert_eq!(status["sources"].as_array().unwrap().len(), 1, "{status}");
    }
}

#[test]
#[expect(
    clippy::print_stderr,
    reason = "the seed and the figures are for who reads the output"
)]
fn what_is_killed_at_random_moments_loses_nothing_that_was_acknowledged() {
    let rounds = number_of("MESHAGENT_TEST_KILL_ROUNDS").unwrap_or(ROUNDS);
    let seed = number_of("MESHAGENT_TEST_KILL_SEED").unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.as_secs() * 1_000_000 + u64::from(now.subsec_micros())
    });
    eprintln!("MESHAGENT_TEST_KILL_SEED={seed}");
    let mut random = Random(seed | 1);
    let env = TestEnv::new();
    let mut store = Store {
        env: &env,
        key: env.write("key-0", "ab".repeat(32)),
        next: PathBuf::new(),
    };
    fs::set_permissions(&store.key, Permissions::from_mode(0o600)).unwrap();
    let all = AllWritten::default();
    let mut done = BTreeMap::<_, usize>::new();
    for round in 1..=rounds {
        store.next = env.file(&format!("key-{round}"));
        *done.entry(store.round(&mut random, &all)).or_default() += 1;
    }
    let server = TestServer::start_with(&env, &["--key-file", store.key.to_str().unwrap()]);
    check(&mut server.join("bob"), &all);
    server.stop();
    store.finish();
    eprintln!("{rounds} rounds; the commands, and whether they succeeded: {done:?}");
}
