//! Signals and closed pipes: a command ends at once, and does nothing half.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::process::Signal;

use crate::support::{Call, FakeServer, TestEnv, ends_soon, read_request, signal};

/// More than a pipe holds: who has written it to a command's stdin knows that the command reads.
const MORE_THAN_A_PIPE: usize = 1 << 20;

#[test]
fn a_signal_ends_a_command_that_waits_for_its_stdin() {
    for (by, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let env = TestEnv::new();
        let mut child = env.local().secret(["set", "a"]).spawn();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&vec![b'x'; MORE_THAN_A_PIPE]).unwrap();
        signal(&child, by);
        let output = ends_soon(child);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!((output.stdout, output.stderr), (Vec::new(), Vec::new()));
        drop(stdin);
        env.local().secret(["get", "a"]).run().refuses(3);
    }
}

#[test]
fn a_signal_ends_a_command_that_waits_for_its_input_file() {
    let env = TestEnv::new();
    let pipe = env.pipe("pipe");
    let set = ["set", "a", "--in", "pipe"];
    let child = env.local().secret(set).spawn();
    // Opened once the command reads; it waits for more, and for the end.
    let mut writer = File::options().write(true).open(&pipe).unwrap();
    writer.write_all(b"half").unwrap();
    signal(&child, Signal::INT);
    let output = ends_soon(child);
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    assert_eq!((output.stdout, output.stderr), (Vec::new(), Vec::new()));
    drop(writer);
    env.local().secret(["get", "a"]).run().refuses(3);
}

#[test]
fn a_signal_ends_a_command_that_waits_for_the_server() {
    for (by, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let env = TestEnv::new();
        let (asked, was_asked) = std::sync::mpsc::channel();
        let server = FakeServer::start(move |_, mut stream| {
            read_request(&mut stream);
            asked.send(()).unwrap();
            // No answer, until the client hangs up.
            read_request(&mut stream);
        });
        let get = ["get", "a", "--out", "file"];
        let child = server.connecting(&env).secret(get).spawn();
        was_asked.recv().unwrap();
        signal(&child, by);
        let output = ends_soon(child);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!((output.stdout, output.stderr), (Vec::new(), Vec::new()));
        assert_eq!(env.files(), [""; 0]);
    }
}

#[test]
fn a_signal_ends_a_command_whose_answer_nobody_takes() {
    let env = TestEnv::new();
    env.local().set("a", vec![b'x'; MORE_THAN_A_PIPE]);
    for (by, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut child = env.local().secret(["get", "a"]).spawn();
        let mut stdout = child.stdout.take().unwrap();
        // It writes, and cannot come to an end.
        stdout.read_exact(&mut [0]).unwrap();
        signal(&child, by);
        let output = ends_soon(child);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(output.stderr, b"");
        drop(stdout);

        let pipe = env.pipe("pipe");
        // Open for both, so that neither side waits for the other.
        let mut reader = File::options().read(true).write(true).open(&pipe).unwrap();
        let get = ["get", "a", "--out", "pipe", "--force"];
        let child = env.local().secret(get).spawn();
        reader.read_exact(&mut [0]).unwrap();
        signal(&child, by);
        let output = ends_soon(child);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert_eq!(output.stderr, b"");
        std::fs::remove_file(&pipe).unwrap();
    }
}

/// A command that SIGHUP has its usual meaning for, whoever runs this.
#[cfg(target_os = "linux")]
fn with_hang_up(call: Call, how: &str) -> Child {
    let command = call.into_command();
    let mut shell = Command::new("env");
    shell
        .arg(format!("--{how}-signal=HUP"))
        .arg(command.get_program());
    shell.args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    shell.current_dir(command.get_current_dir().unwrap());
    shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    shell.spawn().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn the_end_of_the_terminal_ends_a_command_in_good_order() {
    let env = TestEnv::new();
    for (how, code) in [("default", 129), ("ignore", 0)] {
        let mut child = with_hang_up(env.local().secret(["inject", "--out", "file"]), how);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&vec![b'x'; MORE_THAN_A_PIPE]).unwrap();
        signal(&child, Signal::HUP);
        if code == 0 {
            drop(stdin);
        }
        let output = ends_soon(child);
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        let left = if code == 0 { &["file"][..] } else { &[] };
        assert_eq!(env.files(), left);
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let env = TestEnv::new();
    for length in [1, MORE_THAN_A_PIPE] {
        env.local().set("a", vec![b'x'; length]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = env.local().secret(["get", "a"]).into_command();
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        let output = ends_soon(command.spawn().unwrap());
        assert_eq!(output.status.code(), Some(141), "{output:?}");
        assert_eq!(output.stderr, b"");
    }
}

#[test]
fn a_short_answer_waits_for_a_reader_whose_pipe_is_full() {
    let env = TestEnv::new();
    env.local().set("a", "value");
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    let mut filler = 0;
    while let Ok(length) = writer.write(&[b'x'; 512]) {
        filler += length;
    }
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    let mut command = env.local().secret(["get", "a"]).into_command();
    command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // It has the other end now.
    drop(command);
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert_eq!(read.split_off(filler), b"value");
    assert!(ends_soon(child).status.success());
}
