//! Where the system gives less than usual: limits, closed streams, file systems that cannot be written.

use std::fs;
use std::process::Command;

use crate::support::TestEnv;

fn stored() -> TestEnv {
    let env = TestEnv::new();
    env.local().set("a", "value");
    env
}

/// Whether this user may mount in namespaces of its own. Some systems forbid it to all but root.
fn may_unshare() -> bool {
    let tried = Command::new("unshare").args(["-Urm", "true"]).output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn a_limit_of_file_sizes_is_an_error_and_leaves_nothing() {
    let env = TestEnv::new();
    let value = vec![b'x'; 300 << 10];
    env.local().set("a", &value);
    let get = env.local().secret(["get", "a", "--out", "new"]);
    get.by_shell(r#"ulimit -f 200 && exec "$@""#)
        .run()
        .refuses(1)
        .says("ulimit -f");
    assert!(env.files().is_empty());
    let set = env.local().secret(["set", "b"]).stdin("x");
    set.by_shell(r#"ulimit -f 0 && exec "$@""#).run().fails(1);
    env.local().secret(["get", "b"]).run().refuses(3);
}

#[test]
fn a_command_without_descriptors_is_no_bug_of_ours() {
    let env = stored();
    for limit in [4, 6, 8, 10, 12, 14, 16, 18] {
        let get = env.local().secret(["get", "a"]);
        let ran = get.by_shell(&format!(r#"ulimit -n {limit} && exec "$@""#)).run();
        assert!(!ran.err().contains("bug"), "{limit}: {ran:?}");
        assert!(
            ran.status.success() || ran.err().contains("error: "),
            "{limit}: {ran:?}"
        );
    }
}

#[test]
fn get_says_that_stdout_is_closed() {
    let env = stored();
    let get = || env.local().secret(["get", "a"]);
    get()
        .by_shell(r#"exec "$@" >&-"#)
        .run()
        .succeeds()
        .says("note: stdout is closed");
    get()
        .by_shell(r#"exec "$@" >/dev/null"#)
        .run()
        .succeeds()
        .says_nothing();
}

#[test]
fn a_file_that_is_a_mount_point_is_written_in_place() {
    if !may_unshare() {
        return;
    }
    let env = stored();
    let (mounted, behind) = (
        env.write("mounted", "before, and longer"),
        env.write("behind", "before, and longer"),
    );
    let script = format!(
        r#"mount --bind '{}' '{}' && exec "$@""#,
        behind.display(),
        mounted.display()
    );
    let get = |flags: &[&str]| {
        let get = env.local().secret(["get", "a", "--out", "mounted"]).args(flags);
        get.unshared(&script).run()
    };
    get(&[]).refuses(1).says("exists already");
    get(&["--force"]).succeeds().says_nothing();
    assert_eq!(fs::read(&behind).unwrap(), b"value");
    assert_eq!(fs::read(&mounted).unwrap(), b"before, and longer");
    assert_eq!(env.files(), ["behind", "mounted"]);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named_with_its_variable() {
    if !may_unshare() {
        return;
    }
    let env = stored();
    let directory = env.data_dir();
    let directory = directory.display();
    let script = format!(
        r#"mount --bind '{directory}' '{directory}' && mount -o remount,ro,bind '{directory}' && exec "$@""#
    );
    let ran = env
        .local()
        .secret(["get", "a"])
        .unshared(&script)
        .run()
        .refuses(1);
    let ran = ran.says("Read-only file system").says("MESHAGENT_DATA_DIR");
    assert!(!ran.err().contains("--data-dir"), "{ran:?}");
}

#[test]
fn a_store_that_fails_inside_the_command_speaks_of_no_servers_log() {
    let env = stored();
    let database = rusqlite::Connection::open(crate::bad_store::database(&env)).unwrap();
    database
        .execute_batch("ALTER TABLE secret RENAME TO gone")
        .unwrap();
    drop(database);
    for command in ["get", "delete"] {
        let ran = env.local().secret([command, "a"]).run().refuses(1).says("-v");
        assert!(!ran.err().contains("log"), "{ran:?}");
        assert!(!ran.err().contains("SELECT"), "{ran:?}");
    }
    let ran = env.local().secret(["get", "a", "-v"]).run().ends_with(1);
    assert!(
        ran.err().contains("no such table") && !ran.err().contains("SELECT"),
        "{ran:?}"
    );
}
