//! `git-credential`: the real git gets into a repository over HTTP that wants a password.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{FakeServer, Provider, Ran, TestEnv, TestServer, Way, read_request, respond};

/// A user and a password as awkward as HTTP's basic authentication and git's lines allow.
const USER: &str = "ad\u{e4} =\"$x'\\#";
const PASSWORD: &str = "  p=1 $HOME \"quoted\" it's \\n # \u{1f511}";

/// git, with the helper as its only one and nobody to ask.
fn git(env: &TestEnv, helper: &str) -> Command {
    let mut command = env.command("git");
    command
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "A")
        .env("GIT_AUTHOR_EMAIL", "a@example.com")
        .env("GIT_COMMITTER_NAME", "A")
        .env("GIT_COMMITTER_EMAIL", "a@example.com")
        .env("MESHAGENT_LOCAL", "1")
        .env("MESHAGENT_ROOM", "room")
        .stdin(Stdio::null())
        .args(["-c", &format!("credential.helper={helper}")]);
    command
}

/// The helper as it stands in git's configuration.
fn helper(flags: &str) -> String {
    let program = env!("CARGO_BIN_EXE_meshagent");
    format!("!'{program}' room secret git-credential {flags}")
}

fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A repository with one file, as a server without git in it serves it.
fn repository(env: &TestEnv) -> PathBuf {
    let work = env.root().join("source");
    let run = |arguments: &[&str]| succeeds(git(env, "").arg("-C").arg(&work).args(arguments));
    fs::create_dir(&work).unwrap();
    run(&["init", "--quiet", "--initial-branch=main"]);
    fs::write(work.join("file"), "content\n").unwrap();
    run(&["add", "file"]);
    run(&["commit", "--quiet", "--message=First"]);
    run(&["update-server-info"]);
    work.join(".git")
}

/// Serves a repository's files below `/owner/repository.git` to who has the password.
struct GitServer {
    server: FakeServer,
    password: Arc<Mutex<String>>,
}

impl GitServer {
    fn start(env: &TestEnv, password: &str) -> Self {
        let files = repository(env);
        let password = Arc::new(Mutex::new(password.to_owned()));
        let wanted = Arc::clone(&password);
        let server = FakeServer::start(move |_, mut stream| {
            let password = wanted.lock().unwrap().clone();
            answer(&mut stream, &files, &format!("{USER}:{password}"));
        });
        Self { server, password }
    }

    fn url(&self) -> String {
        format!("{}/owner/repository.git", self.server.url())
    }

    fn set_password(&self, password: &str) {
        password.clone_into(&mut self.password.lock().unwrap());
    }
}

fn answer(stream: &mut TcpStream, files: &Path, credential: &str) {
    let request = read_request(stream);
    let expected = format!("authorization: basic {}", STANDARD.encode(credential));
    let allowed = request.lines().any(|line| line.eq_ignore_ascii_case(&expected));
    let path = request.split_whitespace().nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let file = path
        .strip_prefix("/owner/repository.git/")
        .map(|path| fs::read(files.join(path)));
    let refusal = "text/plain\r\nWWW-Authenticate: Basic realm=\"r\"";
    let answer = match (allowed, file) {
        (false, _) => respond("401 Unauthorized", refusal, "").into_bytes(),
        (true, Some(Ok(content))) => {
            let length = format!("Content-Length: {}", content.len());
            let head = respond("200 OK", "text/plain", "").replace("Content-Length: 0", &length);
            [head.into_bytes(), content].concat()
        }
        (true, _) => respond("404 Not Found", "text/plain", "").into_bytes(),
    };
    // Whoever asked may be gone.
    let _ = stream.write_all(&answer);
}

/// Clones, which must give the file; removes it again.
fn clones(env: &TestEnv, url: &str, flags: &str) {
    succeeds(git(env, &helper(flags)).args(["clone", "--quiet", url, "copy"]));
    assert_eq!(fs::read(env.file("copy/file")).unwrap(), b"content\n");
    fs::remove_dir_all(env.file("copy")).unwrap();
}

fn does_not_clone(env: &TestEnv, url: &str, flags: &str) {
    let output = git(env, &helper(flags))
        .args(["clone", "--quiet", url, "copy"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("canary"), "{said}");
}

/// The JSON of a credential.
fn credential(username: &str, password: &str) -> String {
    json!({"username": username, "password": password}).to_string()
}

fn ask(way: &Way<'_>, operation: &str, lines: &str) -> Ran {
    way.secret(["git-credential", operation]).stdin(lines).run()
}

#[test]
fn git_gets_in_with_a_stored_credential() {
    let env = TestEnv::new();
    let server = GitServer::start(&env, PASSWORD);
    does_not_clone(&env, &server.url(), "");
    let id = server.server.url();
    env.local().set(&id, credential(USER, PASSWORD));
    clones(&env, &server.url(), "");
    // One for a path goes where git says the path.
    env.local().set(&id, credential(USER, "wrong canary"));
    env.local().set("own", credential(USER, PASSWORD));
    clones(&env, &server.url(), "--id own");
    env.local().set(&server.url(), credential(USER, PASSWORD));
    succeeds(git(&env, "").args(["config", "--global", "credential.useHttpPath", "true"]));
    clones(&env, &server.url(), "");
}

#[test]
fn git_has_a_wrong_credential_erased() {
    let env = TestEnv::new();
    let server = GitServer::start(&env, PASSWORD);
    let id = server.server.url();
    env.local().set(&id, credential(USER, PASSWORD));
    server.set_password("another");
    does_not_clone(&env, &server.url(), "");
    env.local().secret(["get", &id]).run().refuses(3);
}

#[test]
fn git_has_what_let_it_in_stored() {
    let env = TestEnv::new();
    let server = GitServer::start(&env, "plain");
    let url = server.url();
    // The other helper knows the password, as the user would.
    let knows = format!(
        "!f() {{ test \"$1\" = get && printf 'username=%s\\npassword=plain\\n' '{}'; }}; f",
        USER.replace('\'', "'\\''")
    );
    succeeds(
        git(&env, &helper(""))
            .args(["-c", &format!("credential.helper={knows}")])
            .args(["clone", "--quiet", &url, "copy"]),
    );
    let stored: Value = serde_json::from_slice(&env.local().get(&server.server.url())).unwrap();
    assert_eq!(stored, json!({"username": USER, "password": "plain"}));
    let list = env.local().secret(["list"]).run().json();
    assert_eq!(list[0]["type"], "git");
}

#[test]
fn what_is_asked_is_answered() {
    let env = TestEnv::new();
    let way = env.local();
    let get = |lines: &str| ask(&way, "get", lines).succeeds().says_nothing().out().to_owned();
    let of_host = "protocol=https\nhost=example.com\n";
    assert_eq!(get(of_host), "");
    let store = |user: &str, password: &str| {
        let lines = format!("{of_host}username={user}\npassword={password}\n");
        assert_eq!(ask(&way, "store", &lines).succeeds().says_nothing().out(), "");
    };
    store("ada", "first");
    store("bob", "other");
    assert_eq!(get(of_host), "username=ada\npassword=first\n");
    assert_eq!(
        get(&format!("{of_host}username=bob\n")),
        "username=bob\npassword=other\n"
    );
    assert_eq!(get(&format!("{of_host}username=carol\n")), "");
    assert_eq!(get("protocol=http\nhost=example.com\n"), "");
    assert_eq!(get(&format!("{of_host}path=a/b\n")), "");
    store("ada", "second");
    assert_eq!(
        get(&format!(
            "capability[]=authtype\n{of_host}wwwauth[]=Basic\n\nhost=ignored"
        )),
        "username=ada\npassword=second\n"
    );
    // A password that has changed meanwhile is not the one that was wrong.
    let erase = |rest: &str| {
        ask(&way, "erase", &format!("{of_host}{rest}"))
            .succeeds()
            .says_nothing()
    };
    erase("username=ada\npassword=first\n");
    assert_eq!(get(of_host), "username=ada\npassword=second\n");
    erase("username=ada\npassword=second\n");
    assert_eq!(get(of_host), "");
    assert_eq!(
        get(&format!("{of_host}username=bob\n")),
        "username=bob\npassword=other\n"
    );
    erase("username=nobody\n");
}

#[test]
fn what_is_not_gits_is_neither_replaced_nor_erased() {
    let env = TestEnv::new();
    let way = env.local();
    let of_host = "protocol=https\nhost=example.com\n";
    let bob = format!("{of_host}username=bob\npassword=canary\n");
    let (general, own) = ("https://example.com", "https://bob@example.com");
    way.set(general, "not git's");
    let ran = ask(&way, "store", &bob).succeeds().says_nothing();
    assert_eq!(ran.out(), "");
    let get = || ask(&way, "get", &format!("{of_host}username=bob\n")).succeeds();
    assert_eq!(get().out(), "username=bob\npassword=canary\n");
    ask(&way, "erase", &bob).succeeds();
    way.secret(["get", own]).run().refuses(3);
    // No place is left.
    way.set(own, "not git's either");
    let ran = ask(&way, "store", &bob).succeeds().says("bob was not stored");
    assert!(!ran.err().contains("canary"), "{ran:?}");
    ask(&way, "erase", &bob).succeeds();
    assert_eq!(way.get(general), b"not git's");
    assert_eq!(way.get(own), b"not git's either");
}

#[test]
fn a_secret_that_was_named_keeps_its_user() {
    let env = TestEnv::new();
    let way = env.local();
    way.set("work/git", credential("ada", "first"));
    let tell = |operation: &str, user: &str| {
        let call = way.secret(["git-credential", operation, "--id", "work/git"]);
        let lines = format!("protocol=https\nhost=example.com\nusername={user}\npassword=next\n");
        call.stdin(lines).run().succeeds()
    };
    tell("store", "bob").says("`work/git` holds another");
    tell("erase", "bob").says_nothing();
    assert_eq!(way.get("work/git"), credential("ada", "first").as_bytes());
    tell("store", "ada").says_nothing();
    let stored: Value = serde_json::from_slice(&way.get("work/git")).unwrap();
    assert_eq!(stored, json!({"username": "ada", "password": "next"}));
}

#[test]
fn git_gets_in_with_what_a_participant_gives() {
    let env = TestEnv::new();
    let server = GitServer::start(&env, PASSWORD);
    let rooms = TestServer::start(&env);
    let ada = rooms.with_token("ada", "room");
    ada.set("own", credential(USER, PASSWORD));
    let rule = format!("--secret={}=id:own", server.server.url());
    let mut provider = Provider::start(&ada, &[&rule]);
    let by_id = format!("--from-participant-id {}", provider.id);
    clones(&env, &server.url(), "--from ada");
    provider.answers(1);
    // The server keeps the answer until it does not let git in.
    clones(&env, &server.url(), &by_id);
    server.set_password("next");
    does_not_clone(&env, &server.url(), "--from ada");
    ada.set("own", credential(USER, "next"));
    clones(&env, &server.url(), &by_id);
    provider.answers(1);
    let said = provider.stop();
    assert_eq!(said.len(), 4, "{said:#?}");
    // Neither needs anybody to be there.
    let host = server.server.url().replace("http://", "protocol=http\nhost=");
    let wrong = format!("{host}\nusername=u\npassword=canary\n");
    for operation in ["store", "erase", "erase"] {
        let call = env.local().secret(["git-credential", operation, "--from", "ada"]);
        let ran = call.stdin(&wrong).run().succeeds().says_nothing();
        assert_eq!(ran.out(), "");
    }
    let ran = env
        .local()
        .secret(["git-credential", "get", "--from", "ada"])
        .stdin(&host)
        .run();
    ran.refuses(3).says("no participant `ada`");
    rooms.stop();
}

#[test]
fn what_a_participant_gives_that_git_does_not_want() {
    let env = TestEnv::new();
    let rooms = TestServer::start(&env);
    let ada = rooms.with_token("ada", "room");
    ada.set("own", credential("carol", "canary"));
    ada.set("odd", "canary");
    let flags = ["--secret=https://a=id:own", "--secret=https://b=id:odd"];
    let provider = Provider::start(&ada, &flags);
    let bob = rooms.with_token("bob", "room");
    let get = |lines: &str| {
        let call = bob.secret(["git-credential", "get", "--from", "ada"]);
        call.stdin(format!("protocol=https\n{lines}\n")).run()
    };
    for (lines, why) in [
        ("host=a\nusername=dave", "is for another user than git wants"),
        ("host=b", "is no credential for git"),
    ] {
        let ran = get(lines)
            .succeeds()
            .says(why)
            .says("delete-requested --type git");
        assert!(ran.out().is_empty() && !ran.err().contains("canary"), "{ran:?}");
    }
    let ran = get("host=a\nusername=carol").succeeds().says("(up to 5m)");
    assert_eq!(ran.out(), "username=carol\npassword=canary\n");
    // Nobody says yes, and git goes on to whom it asks next.
    let ran = get("host=c").ends_with(5);
    assert_eq!(ran.out(), "");
    provider.stop();
    rooms.stop();
}

#[test]
fn a_participant_or_a_secret() {
    let env = TestEnv::new();
    for flag in ["--id", "--delegated-to", "--from-participant-id"] {
        let call = env
            .local()
            .secret(["git-credential", "get", "--from", "ada", flag, "x"]);
        call.run().ends_with(2).says("cannot be used with");
    }
}

#[test]
fn what_git_may_come_to_ask_is_ignored() {
    let env = TestEnv::new();
    let ran = env.call(["room", "secret", "git-credential", "capability"]).run();
    assert_eq!(ran.succeeds().says_nothing().out(), "");
    assert!(!env.data_dir().exists());
}

#[test]
fn what_is_no_credential_is_not_given_to_git() {
    let env = TestEnv::new();
    let way = env.local();
    let lines = "protocol=https\nhost=example.com\n";
    for value in [
        "canary",
        "",
        r#"{"username":"canary"}"#,
        r#"["canary","p"]"#,
        r#"{"username":"u","password":"canary\nhost=evil"}"#,
    ] {
        way.set("https://example.com", value);
        let ran = ask(&way, "get", lines)
            .succeeds()
            .says("is no credential for git");
        assert!(ran.out().is_empty() && !ran.err().contains("canary"), "{ran:?}");
    }
    ask(&way, "get", "canary").refuses(2);
    ask(&way, "get", "protocol=https\n").refuses(2);
    let ran = ask(&way, "get", "protocol=https\nhost=a\u{1b}[2Jb\n").ends_with(2);
    assert!(!ran.err().contains('\u{1b}'));
}

#[test]
fn git_gets_what_another_delegated_only_from_an_owner_that_is_named() {
    let env = TestEnv::new();
    let delegate = |owner: &str, password: &str| {
        let way = env.local_as(owner);
        let set = way.secret(["set", "https://example.com", "--delegated-to", "bob"]);
        set.stdin(credential("u", password)).run().succeeds();
    };
    let way = env.local_as("bob");
    let ask = |operation: &str, flags: &[&str], lines: &str| {
        let call = way.secret(["git-credential", operation]).args(flags);
        let ran = call
            .stdin(format!("protocol=https\nhost=example.com\n{lines}"))
            .run();
        ran.succeeds()
    };
    let (to_bob, by_alice) = (["--delegated-to", "bob"], ["--delegated-by", "alice"]);
    delegate("mallory", "mallory's");
    assert_eq!(ask("get", &[], "").says_nothing().out(), "");
    assert_eq!(ask("get", &by_alice, "").says_nothing().out(), "");
    // Whoever delegated it, and even alone: git would hand over what is pushed to a server of theirs.
    let unnamed = ask("get", &to_bob, "");
    assert_eq!(unnamed.out(), "");
    unnamed.says("mallory delegated `https://example.com` to you: add --delegated-by mallory");

    delegate("alice", "p");
    let given = "username=u\npassword=p\n";
    assert_eq!(ask("get", &by_alice, "").says_nothing().out(), given);
    let from_variable = way
        .secret(["git-credential", "get"])
        .env("MESHAGENT_DELEGATED_BY", "alice");
    let from_variable = from_variable.stdin("protocol=https\nhost=example.com\n").run();
    assert_eq!(from_variable.succeeds().out(), given);
    // Git stores what let it in, and has erased what did not: that is Alice's, and no copy of it becomes Bob's.
    ask("store", &by_alice, given).says_nothing();
    ask("erase", &by_alice, given).says_nothing();
    assert_eq!(ask("get", &[], "").out(), "");
    delegate("alice", "new");
    assert_eq!(ask("get", &by_alice, "").out(), "username=u\npassword=new\n");

    // What Bob types himself is his own, and goes first.
    ask("store", &by_alice, "username=u\npassword=bob's\n");
    for flags in [&[][..], &by_alice] {
        assert_eq!(ask("get", flags, "").out(), "username=u\npassword=bob's\n");
    }
    let to_himself = way.secret(["set", "https://example.com", "--delegated-to", "bob"]);
    to_himself.stdin(credential("u", "for bob")).run().succeeds();
    assert_eq!(
        ask("get", &to_bob, "").says_nothing().out(),
        "username=u\npassword=for bob\n"
    );
}

#[test]
fn git_gets_back_what_it_keeps_with_a_credential() {
    let env = TestEnv::new();
    let url = "http://example.com/r.git";
    // What a helper for OAuth says is stored with what it says of the expiry, as in git's own cache.
    let said = "username=ada\npassword=p\npassword_expiry_utc=9999999999\noauth_refresh_token=r=\n";
    let approve = format!("url={url}\n{said}");
    let mut child = git(&env, &helper(""))
        .args(["credential", "approve"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(approve.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let mut command = git(&env, &helper(""));
    let mut child = command
        .args(["credential", "fill"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(format!("url={url}\n").as_bytes())
        .unwrap();
    let filled = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    for line in said.lines() {
        assert!(filled.lines().any(|found| found == line), "{line}: {filled}");
    }
}

#[test]
fn an_address_that_is_too_long_for_an_id_is_named() {
    let env = TestEnv::new();
    let lines = format!("protocol=https\nhost=h\npath={}\n", "x".repeat(250));
    ask(&env.local(), "get", &lines)
        .refuses(2)
        .says("credential.useHttpPath");
}
