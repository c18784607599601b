//! `run`: a command that has secrets in its environment, and is otherwise as if it had been started by
//! itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::support::{
    Call, Ran, Terminal, TestEnv, TestServer, a_megabyte, awkward_bytes, awkward_texts, ends_soon, signal,
};

/// `run` in the room of local mode, with these flags and this command.
fn run(env: &TestEnv, flags: &[&str], command: &[&str]) -> Call {
    env.local().secret(["run"]).args(flags).arg("--").args(command)
}

/// What a shell says with the secret `a` in the variable `A`.
fn shell(env: &TestEnv, script: &str) -> Ran {
    run(env, &["--env-secret", "A=a"], &["sh", "-c", script]).run()
}

/// An environment with the secret `a`.
fn stored() -> TestEnv {
    let env = TestEnv::new();
    env.local().set("a", "value");
    env
}

#[test]
fn awkward_values_arrive_as_they_are() {
    let env = TestEnv::new();
    let mut flags = vec!["--no-inherit-env".to_owned()];
    let mut expected = Vec::new();
    for (name, text) in awkward_texts() {
        env.local().set(name, text);
        flags.push(format!("--env-secret={name}={name}"));
        expected.push(format!("{name}={text}"));
    }
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let ran = run(&env, &flags, &["env", "-0"]).run().succeeds().says_nothing();
    let mut found: Vec<&str> = ran.out().split_terminator('\0').collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn binary_values_arrive_unless_they_have_a_nul() {
    let env = TestEnv::new();
    env.local().set("a", b"\xff\xfe\x80");
    assert_eq!(shell(&env, "printf %s \"$A\"").succeeds().stdout, b"\xff\xfe\x80");
    for (id, value) in awkward_bytes()
        .into_iter()
        .filter(|(_, value)| value.contains(&0))
    {
        env.local().set(id, value);
        let flag = format!("B_{id}={id}");
        let ran = run(
            &env,
            &["--env-secret", "A=a", "--env-secret", &flag],
            &["touch", "ran"],
        );
        ran.run().refuses(1).says(&format!("B_{id}")).says("NUL");
    }
    assert_eq!(env.files(), [""; 0]);
}

/// On Linux a single variable is limited to 128 KiB.
#[test]
#[cfg(target_os = "linux")]
fn what_the_system_does_not_take_is_named() {
    let env = TestEnv::new();
    env.local().set("a", a_megabyte());
    let ran = shell(&env, "echo ran").refuses(126);
    assert!(
        ran.err().contains("too long") && ran.err().contains("A, with 1048576 bytes"),
        "{}",
        ran.err()
    );
}

#[test]
fn exit_codes_are_the_commands_own() {
    let env = stored();
    for code in [0, 1, 2, 3, 37, 130, 255] {
        shell(&env, &format!("exit {code}"))
            .ends_with(code)
            .says_nothing();
    }
}

#[test]
fn signals_are_the_commands_own() {
    let env = stored();
    for (name, number) in [("TERM", 15), ("INT", 2), ("KILL", 9), ("PIPE", 13), ("HUP", 1)] {
        let ran = shell(&env, &format!("kill -{name} $$; echo survived"));
        assert_eq!(ran.status.signal(), Some(number), "{name}: {ran:?}");
        assert_eq!((ran.out(), ran.err()), ("", ""));
    }
}

#[test]
fn the_command_takes_our_place() {
    let env = stored();
    let child = run(
        &env,
        &["--env-secret", "A=a"],
        &["sh", "-c", "echo $$; ps -o args= -p $$ || :"],
    )
    .spawn();
    let pid = child.id();
    let output = ends_soon(child);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.lines().next(), Some(pid.to_string().as_str()));
    assert!(!said.contains("meshagent"), "{said}");
}

#[test]
fn a_signal_from_outside_reaches_the_command() {
    let env = stored();
    let script = "trap 'echo heard; exit 3' TERM; echo ready >&2; while :; do read -r _ || exit 4; done";
    let mut child = run(&env, &["--env-secret", "A=a"], &["sh", "-c", script]).spawn();
    let mut ready = [0; 6];
    std::io::Read::read_exact(child.stderr.as_mut().unwrap(), &mut ready).unwrap();
    signal(&child, Signal::TERM);
    // A shell may finish its `read` first.
    let output = ends_soon({
        drop(child.stdin.take());
        child
    });
    assert_eq!(output.stdout, b"heard\n", "{output:?}");
    assert_eq!(output.status.code(), Some(3));
}

#[test]
fn what_cannot_be_run() {
    let env = stored();
    let with_mode = |name: &str, mode: u32, content: &str| {
        let path = env.write(name, content);
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    with_mode("text", 0o644, "#!/bin/sh\necho ran\n");
    with_mode("runnable", 0o755, "#!/bin/sh\necho ran\n");
    with_mode("lost", 0o755, "#!/no/such/interpreter\n");
    fs::create_dir(env.file("directory")).unwrap();
    let start = |command: &[&str]| run(&env, &["--env-secret", "A=a"], command).run();
    for missing in [
        "no-such-command",
        "./no-such-command",
        "/no/such/command",
        "runnable",
        "",
    ] {
        start(&[missing]).refuses(127).says("there is no command");
    }
    for (there, why) in [
        ("./text", "not executable"),
        ("./directory", "directory"),
        ("./lost", "interpreter"),
    ] {
        start(&[there]).refuses(126).says(why);
    }
    assert_eq!(start(&["./runnable"]).succeeds().out(), "ran\n");
    let json = run(
        &env,
        &["--env-secret", "A=a", "--error-format=json"],
        &["no-such-command"],
    )
    .run();
    assert!(json.ends_with(127).err().contains(r#""kind":"no_such_command""#));
}

#[test]
fn a_missing_secret_means_that_nothing_runs() {
    let env = stored();
    let flags = [
        "--env-secret",
        "A=a",
        "--env-secret",
        "B=gone/1",
        "--env-secret",
        "C=gone/2",
        "--env-secret",
        "D=gone/1",
    ];
    let ran = run(&env, &flags, &["touch", "ran"]).run().refuses(3);
    assert!(
        ran.err().contains("no secrets `gone/1`, `gone/2` of yours"),
        "{}",
        ran.err()
    );
    assert_eq!(env.files(), [""; 0]);
}

#[test]
fn our_credentials_stay_with_us() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_key("room");
    way.set("a", "value");
    let run = |flags: &[&str]| {
        way.secret(["run", "--env-secret", "A=a"])
            .args(flags)
            .env("MESHAGENT_TOKEN", "canary")
            .env("MESHAGENT_KEY", "canary")
            .env("MESHAGENT_OAUTH_CLIENT_SECRET", "canary")
            .env("OTHER", "kept")
            .args(["--", "env"])
            .run()
            .succeeds()
    };
    let ran = run(&[]);
    let variables: Vec<&str> = ran.out().lines().collect();
    for gone in [
        "MESHAGENT_API_KEY=",
        "MESHAGENT_TOKEN=",
        "MESHAGENT_KEY=",
        "MESHAGENT_OAUTH_CLIENT_SECRET=",
    ] {
        assert!(
            !variables.iter().any(|variable| variable.starts_with(gone)),
            "{}",
            ran.out()
        );
    }
    assert!(!ran.out().contains(&server.api_key()));
    for kept in ["OTHER=kept", "A=value", "USER=alice"] {
        assert!(variables.contains(&kept), "{}", ran.out());
    }
    // Unless it is asked for.
    let ran = run(&["--env-secret", "MESHAGENT_TOKEN=a"]);
    assert!(
        ran.out()
            .lines()
            .any(|variable| variable == "MESHAGENT_TOKEN=value")
    );
    assert_eq!(run(&["--no-inherit-env"]).out(), "A=value\n");
    server.stop();
}

#[test]
fn all_secrets_come_over_one_connection() {
    let env = TestEnv::new();
    let server = TestServer::start(&env);
    let way = server.with_key("room");
    let mut flags = Vec::new();
    for number in 0..20 {
        way.set(&format!("s{number}"), format!("{number}"));
        flags.push(format!("--env-secret=V{number}=s{number}"));
    }
    let joined = || server.log().matches("joined").count();
    let before = joined();
    let ran = way
        .secret(["run"])
        .args(flags)
        .args(["--", "sh", "-c", "echo $V0 $V10 $V19"]);
    assert_eq!(ran.run().succeeds().out(), "0 10 19\n");
    assert_eq!(joined(), before + 1, "{}", server.log());
    server.stop();
}

#[test]
fn a_file_of_variables() {
    let env = TestEnv::new();
    env.local().set("db/pass word", "it's $ecret");
    env.local().set("a", "from the flag");
    let file = "# comment\nexport PLAIN=plain\r\nQUOTED=\"two\nlines\"\nREF='secret://db/pass word'\nPLAIN2=${HOME}\nTWICE=first\nFLAG=file\n";
    env.write("first.env", file);
    env.write("second.env", "TWICE=second\nHOME=elsewhere\n");
    let flags = [
        "--env-file",
        "first.env",
        "--env-secret",
        "FLAG=a",
        "--env-file",
        "second.env",
    ];
    let ran = run(&env, &flags, &["env", "-0"]).run().succeeds();
    let found: Vec<&str> = ran.out().split('\0').collect();
    for expected in [
        "PLAIN=plain",
        "QUOTED=two\nlines",
        "REF=it's $ecret",
        "PLAIN2=${HOME}",
        "TWICE=second",
        "FLAG=from the flag",
        "HOME=elsewhere",
        "USER=alice",
    ] {
        assert!(found.contains(&expected), "{expected}: {found:?}");
    }
    // No room is needed where no secret is.
    let alone = env.call([
        "room",
        "secret",
        "run",
        "--env-file",
        "second.env",
        "--",
        "printenv",
        "TWICE",
    ]);
    assert_eq!(alone.run().succeeds().out(), "second\n");
}

#[test]
fn a_file_of_variables_with_a_fault() {
    let env = stored();
    for (file, says) in [
        ("A=1\nB='canary", "faulty.env: line 2, column 3: the quote"),
        ("A=secret://", "faulty.env: line 1: this is no id of a secret"),
        (
            "A='canary\0'",
            "faulty.env: line 1: the value of A has a NUL byte",
        ),
        (
            "A=1\nA=canary",
            "faulty.env: line 2, column 1: this name comes a second time",
        ),
    ] {
        env.write("faulty.env", file);
        let ran = run(&env, &["--env-file", "faulty.env"], &["touch", "ran"]).run();
        assert!(!ran.refuses(1).says(says).err().contains("canary"));
    }
    run(&env, &["--env-file", "gone.env"], &["touch", "ran"])
        .run()
        .refuses(1)
        .says("gone.env");
    assert_eq!(env.files(), ["faulty.env"]);
}

#[test]
fn wrong_usage() {
    let env = stored();
    for flags in [
        &["--env-secret", "A"][..],
        &["--env-secret", "A-B=a"],
        &["--env-secret", "=a"],
        &["--env-secret", "A="],
        &["--env-secret", "A=a", "--env-secret", "A=b"],
        &[],
        &["--env-secret", "A=a", "--no-inherit"],
    ] {
        let ran = run(&env, flags, &["touch", "ran"]).run().ends_with(2);
        assert_eq!(ran.stdout, b"");
    }
    env.local()
        .secret(["run", "--env-secret", "A=a"])
        .run()
        .ends_with(2);
    assert_eq!(env.files(), [""; 0]);
}

#[test]
fn flags_after_the_command_are_the_commands() {
    let env = stored();
    for command in [
        &["--", "echo", "--quiet", "-v", "--", "--help"][..],
        &["echo", "--quiet", "-v", "--", "--help"],
    ] {
        let call = env.call([
            "room",
            "secret",
            "run",
            "--local",
            "--room=room",
            "--env-secret=A=a",
        ]);
        assert_eq!(
            call.args(command).run().succeeds().out(),
            "--quiet -v -- --help\n"
        );
    }
}

#[test]
fn a_delegated_secret() {
    let env = TestEnv::new();
    let set = env.local().secret(["set", "a", "--delegated-to", "bob"]);
    set.stdin("for bob").run().succeeds();
    let as_bob = |flags: &[&str]| {
        let way = env.local_as("bob");
        way.secret(["run", "--env-secret", "A=a"])
            .args(flags)
            .args(["--", "printenv", "A"])
            .run()
    };
    assert_eq!(as_bob(&["--delegated-to", "bob"]).succeeds().out(), "for bob\n");
    as_bob(&[]).refuses(3);
}

#[test]
fn stdin_and_stdout_are_the_commands() {
    let env = stored();
    let ran = run(&env, &["--env-secret", "A=a"], &["cat"])
        .stdin(a_megabyte())
        .run()
        .succeeds();
    assert_eq!(ran.out(), a_megabyte());
}

/// Even where core dumps are wanted, as they are of this process from here on.
#[test]
#[cfg(target_os = "linux")]
fn the_command_is_as_if_it_had_been_started_by_itself() {
    let maximum = getrlimit(Resource::Core).maximum;
    let current = maximum;
    setrlimit(Resource::Core, Rlimit { current, maximum }).unwrap();
    let env = stored();
    let script = "ls /proc/self/fd; grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status; ulimit -S -c; umask; pwd";
    let mut alone = env.command("sh");
    alone.args(["-c", script]).stdin(Stdio::piped());
    let alone = alone.output().unwrap();
    assert_eq!(
        shell(&env, script).succeeds().out(),
        String::from_utf8(alone.stdout).unwrap()
    );
}

/// As a shell has it for commands in the background, and `nohup`.
#[test]
fn signals_that_were_ignored_stay_ignored() {
    let env = stored();
    let call = run(
        &env,
        &["--env-secret", "A=a"],
        &["sh", "-c", "kill -INT $$; kill -HUP $$; echo survived"],
    );
    let command = call.into_command();
    let mut shell = env.command("sh");
    shell.args(["-c", "trap '' INT HUP; exec \"$0\" \"$@\""]);
    shell.arg(command.get_program()).args(command.get_args());
    let output = shell.stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.stdout, b"survived\n", "{output:?}");
}

#[test]
fn ctrl_c_on_a_terminal_reaches_the_command() {
    let env = stored();
    let script = "trap 'echo [heard]; exit 7' INT; echo [ready]; while :; do read -r _; done";
    let mut terminal = Terminal::run(run(&env, &["--env-secret", "A=a"], &["sh", "-c", script]));
    terminal.shows("[ready]");
    terminal.types("\x03");
    terminal.shows("[heard]");
    assert_eq!(terminal.ends().code, 7);
    let mut terminal = Terminal::run(run(
        &env,
        &["--env-secret", "A=a"],
        &["sh", "-c", "echo [ready]; exec cat"],
    ));
    terminal.shows("[ready]");
    terminal.types("\x03");
    assert_eq!(terminal.ends().code, 130);
}

#[test]
fn the_terminal_is_the_commands() {
    let env = stored();
    let screen = Terminal::run(run(&env, &["--env-secret", "A=a"], &["stty", "size"])).ends();
    assert_eq!((screen.code, screen.text.as_str()), (0, "20 60\r\n"));
    let mut terminal = Terminal::run(run(
        &env,
        &["--env-secret", "A=a"],
        &["sh", "-c", "read -r x; echo \"<$x>\""],
    ));
    terminal.types("typed\r");
    terminal.shows("<typed>");
    assert_eq!(terminal.ends().code, 0);
}

#[test]
fn variables_come_from_stdin_too() {
    let env = stored();
    let call = run(&env, &["--env-file", "-"], &["sh", "-c", "echo \"$A $B\"; cat"]);
    let ran = call
        .stdin("A=secret://a\nB=text\n")
        .run()
        .succeeds()
        .says_nothing();
    assert_eq!(ran.out(), "value text\n");
    let call = run(&env, &["--env-file", "-"], &["touch", "ran"]);
    call.stdin("nonsense\n").run().refuses(1).says("stdin: ");
    assert_eq!(env.files(), [""; 0]);
}

#[test]
fn one_of_two_flags_names_the_variables() {
    let env = stored();
    let ran = run(&env, &[], &["env"]).run().ends_with(2);
    ran.says("--env-secret <NAME=ID>|--env-file <FILE>");
}
