//! `get --out`: a file appears whole or not at all, and nothing is replaced unasked.

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use crate::support::{Ran, TestEnv};

/// An environment with the secret `a`.
fn stored() -> TestEnv {
    let env = TestEnv::new();
    env.local().set("a", "value\n");
    env
}

fn get(env: &TestEnv, flags: &[&str]) -> Ran {
    env.local().secret(["get", "a"]).args(flags).run()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_new_file_is_for_its_owner_alone() {
    let env = stored();
    let ran = get(&env, &["--out", "new"]).succeeds();
    assert_eq!(ran.out(), "");
    assert_eq!(fs::read(env.file("new")).unwrap(), b"value\n");
    assert_eq!(mode(&env.file("new")), 0o600);
    assert_eq!(env.files(), ["new"]);
}

#[test]
fn the_mode_is_what_was_asked_for_whatever_the_umask() {
    let env = stored();
    for (text, expected) in [("0640", 0o640), ("644", 0o644), ("0o400", 0o400)] {
        get(&env, &["--out", text, "--file-mode", text]).succeeds();
        assert_eq!(mode(&env.file(text)), expected);
    }
    for bad in ["", "888", "01777", "rw"] {
        get(&env, &["--out", "bad", "--file-mode", bad]).ends_with(2);
    }
    get(&env, &["--file-mode", "0600"]).ends_with(2);
    get(&env, &["--force"]).ends_with(2);
}

#[test]
fn an_existing_file_is_replaced_only_by_force() {
    let env = stored();
    let path = env.write("there", "before");
    get(&env, &["--out", "there"]).refuses(1).says("there");
    assert_eq!(fs::read(&path).unwrap(), b"before");
    let before = fs::metadata(&path).unwrap().ino();
    get(&env, &["--out", "there", "--force"]).succeeds();
    assert_eq!(fs::read(&path).unwrap(), b"value\n");
    assert_eq!(mode(&path), 0o600);
    assert_ne!(
        fs::metadata(&path).unwrap().ino(),
        before,
        "it was written in place"
    );
    assert_eq!(env.files(), ["there"]);
}

#[test]
fn a_symbolic_link_is_refused_by_force_too() {
    let env = stored();
    let target = env.write("target", "before");
    symlink(&target, env.file("link")).unwrap();
    symlink(env.file("nowhere"), env.file("dangling")).unwrap();
    symlink("link-to-itself", env.file("link-to-itself")).unwrap();
    for link in ["link", "dangling", "link-to-itself"] {
        for flags in [&["--out", link][..], &["--out", link, "--force"]] {
            get(&env, flags).refuses(1).says("symbolic link");
        }
    }
    assert_eq!(fs::read(&target).unwrap(), b"before");
    assert_eq!(env.files(), ["dangling", "link", "link-to-itself", "target"]);
}

#[test]
fn a_directory_is_refused() {
    let env = stored();
    fs::create_dir(env.file("directory")).unwrap();
    for flags in [
        &["--out", "directory"][..],
        &["--out", "directory", "--force"],
        &["--out", "."],
    ] {
        get(&env, flags).refuses(1).says("directory");
    }
    assert_eq!(fs::read_dir(env.file("directory")).unwrap().count(), 0);
}

#[test]
fn where_nothing_can_be_written_says_so() {
    let env = stored();
    env.write("file", "x");
    // Not even root makes files there.
    for path in ["missing/new", "file/new", "/proc/meshagent-test"] {
        let ran = get(&env, &["--out", path]).refuses(1).says(path);
        // The file beside it, of which nobody knows, is not named.
        assert!(!ran.err().contains(".meshagent-"), "{}", ran.err());
    }
    assert_eq!(env.files(), ["file"]);
}

#[test]
fn a_full_device_is_an_error() {
    let env = stored();
    get(&env, &["--out", "/dev/full"]).refuses(1);
    get(&env, &["--out", "/dev/full", "--force"])
        .refuses(1)
        .says("No space left");
    get(&env, &["--out", "/dev/null", "--force"]).succeeds();
    assert_eq!(env.files(), [""; 0]);
}

#[test]
fn a_full_stdout_is_an_error() {
    let env = stored();
    let mut command = env.local().secret(["get", "a"]).into_command();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdin(Stdio::null()).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("No space left") && said.contains("\nhint: "),
        "{said}"
    );
}

#[test]
fn a_pipe_is_written_to_and_one_that_nobody_reads_is_an_error() {
    let env = stored();
    let pipe = env.pipe("pipe");
    get(&env, &["--out", "pipe"])
        .refuses(1)
        .says("pipe is not a regular file")
        .says("--force writes to it");
    get(&env, &["--out", "pipe", "--force"])
        .refuses(1)
        .says("nobody reads it");
    // Open for both, so that opening it waits for nobody.
    let mut reader = fs::File::options().read(true).write(true).open(&pipe).unwrap();
    get(&env, &["--out", "pipe", "--force"]).succeeds();
    let mut read = [0; 6];
    reader.read_exact(&mut read).unwrap();
    assert_eq!(&read, b"value\n");
}

#[test]
fn stdout_by_its_name_as_a_file_is_named_otherwise() {
    let env = stored();
    get(&env, &["--out", "/dev/stdout"])
        .refuses(1)
        .says("/dev/stdout is stdout")
        .says("--out -");
    assert_eq!(get(&env, &["--out", "-"]).succeeds().out(), "value\n");
}

#[test]
fn a_mode_that_keeps_the_owner_out_is_refused() {
    let env = stored();
    for mode in ["0", "0200", "0377"] {
        get(&env, &["--out", "new", "--file-mode", mode])
            .ends_with(2)
            .says("its owner could not read the file");
    }
    assert!(env.files().is_empty());
}

#[test]
fn a_missing_secret_leaves_no_file() {
    let env = stored();
    let kept = env.write("kept", "before");
    let missing = |flags: &[&str]| env.local().secret(["get", "gone"]).args(flags).run().refuses(3);
    missing(&["--out", "new"]);
    missing(&["--out", "kept", "--force"]);
    assert_eq!(fs::read(kept).unwrap(), b"before");
    assert_eq!(env.files(), ["kept"]);
}

#[test]
fn the_file_is_checked_before_anything_is_asked_for() {
    let env = stored();
    env.write("there", "before");
    // Nothing listens on port 1: an attempt to connect would be another error.
    let ran = env
        .call(["room", "secret", "get", "a", "--room", "room", "--out", "there"])
        .env("MESHAGENT_API_URL", "http://127.0.0.1:1")
        .env("MESHAGENT_TOKEN", "token")
        .env("MESHAGENT_ROOM", "room")
        .run();
    ran.refuses(1).says("exists already");
}
