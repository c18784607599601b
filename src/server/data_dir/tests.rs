use std::fs;
use std::time::Duration;

use super::*;

const NO_PATIENCE: Duration = Duration::ZERO;

fn address() -> Url {
    "http://127.0.0.1:4711/".parse().unwrap()
}

fn text(text: &str) -> SensitiveText {
    text.to_owned().into()
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[test]
fn everything_is_made_for_its_owner_alone() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("a/b");
    let directory = DataDir::open_to_serve(&path).unwrap();
    directory.publish(&address(), &[("KEY", &text("value"))]).unwrap();
    assert_eq!((mode(&parent.path().join("a")), mode(&path)), (0o700, 0o700));
    for name in [LOCK, ADDRESS, CLIENT_ENV] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
}

#[test]
fn a_second_server_is_told_where_the_first_one_is() {
    let path = tempfile::tempdir().unwrap();
    let first = DataDir::open_to_serve(path.path()).unwrap();
    assert!(matches!(
        DataDir::open_to_serve(path.path()),
        Err(DataDirError::AlreadyServed { url: None, .. })
    ));
    first.publish(&address(), &[]).unwrap();
    let error = DataDir::open_to_serve(path.path()).unwrap_err();
    assert!(
        error.to_string().ends_with("at http://127.0.0.1:4711/"),
        "{error}"
    );
    drop(first);
    assert!(DataDir::open_to_serve(path.path()).is_ok());
}

#[test]
fn a_local_command_is_sent_to_the_server() {
    let path = tempfile::tempdir().unwrap();
    let server = DataDir::open_to_serve(path.path()).unwrap();
    let early = DataDir::open_local_within(path.path(), NO_PATIENCE);
    assert!(matches!(early, Err(DataDirError::NotReady { .. })), "{early:?}");
    server.publish(&address(), &[]).unwrap();
    let access = DataDir::open_local(path.path()).unwrap();
    assert!(matches!(access, LocalAccess::Served(url) if url == address()));
    server.withdraw();
    assert!(DataDir::open_local_within(path.path(), NO_PATIENCE).is_err());
    drop(server);
    assert!(matches!(
        DataDir::open_local(path.path()).unwrap(),
        LocalAccess::Here(_)
    ));
}

#[test]
fn a_starting_server_is_waited_for() {
    let path = tempfile::tempdir().unwrap();
    let server = DataDir::open_to_serve(path.path()).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| DataDir::open_local(path.path()));
        server.publish(&address(), &[]).unwrap();
        assert!(matches!(waiting.join().unwrap().unwrap(), LocalAccess::Served(_)));
    });
}

#[test]
fn local_commands_share_and_a_server_waits_for_them() {
    let path = tempfile::tempdir().unwrap();
    let one = DataDir::open_local(path.path()).unwrap();
    let two = DataDir::open_local(path.path()).unwrap();
    let refused = DataDir::open_to_serve_within(path.path(), NO_PATIENCE);
    assert!(matches!(refused, Err(DataDirError::Busy { .. })), "{refused:?}");
    std::thread::scope(|scope| {
        let serving = scope.spawn(|| DataDir::open_to_serve(path.path()));
        drop((one, two));
        assert!(serving.join().unwrap().is_ok());
    });
}

#[test]
fn an_address_left_behind_is_not_believed() {
    let path = tempfile::tempdir().unwrap();
    fs::write(path.path().join(ADDRESS), "http://127.0.0.1:1/").unwrap();
    assert!(matches!(
        DataDir::open_local(path.path()).unwrap(),
        LocalAccess::Here(_)
    ));
    let _server = DataDir::open_to_serve(path.path()).unwrap();
    assert!(!path.path().join(ADDRESS).exists());
    assert!(matches!(
        DataDir::open_local_within(path.path(), NO_PATIENCE),
        Err(DataDirError::NotReady { .. })
    ));
}

#[test]
fn client_env_is_read_back_and_survives_the_server() {
    let path = tempfile::tempdir().unwrap();
    let server = DataDir::open_to_serve(path.path()).unwrap();
    for value in ["old", "new"] {
        server
            .publish(&address(), &[("MESHAGENT_API_KEY", &text(value))])
            .unwrap();
    }
    drop(server);
    let variables = DataDir::read_client_env(path.path()).unwrap();
    assert_eq!(variables.len(), 1);
    assert_eq!(variables[0].1.expose(), "new");
    assert!(!format!("{variables:?}").contains("new"));
    let missing = DataDir::read_client_env(&path.path().join("none")).unwrap_err();
    assert!(matches!(missing, DataDirError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound));
}

#[test]
fn a_value_is_not_named_in_an_error() {
    let path = tempfile::tempdir().unwrap();
    let server = DataDir::open_to_serve(path.path()).unwrap();
    let error = server
        .publish(&address(), &[("KEY", &text("canary value"))])
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[test]
fn what_is_no_directory_is_refused() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        DataDir::open_to_serve(&file),
        Err(DataDirError::NotADirectory { .. })
    ));
    let error = DataDir::open_local(&file.join("below")).unwrap_err();
    assert!(matches!(error, DataDirError::Io { .. }), "{error:?}");
    assert!(!error.hint().is_empty());
}

#[cfg(unix)]
#[test]
fn a_directory_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let path = tempfile::tempdir().unwrap();
    fs::set_permissions(path.path(), fs::Permissions::from_mode(0o770)).unwrap();
    let error = DataDir::open_local(path.path()).unwrap_err();
    assert!(
        matches!(
            error,
            DataDirError::NotPrivate {
                reason: NotPrivate::OpenToOthers,
                ..
            }
        ),
        "{error:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_client_env_that_others_may_read_or_that_is_a_link_is_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let path = tempfile::tempdir().unwrap();
    let file = path.path().join(CLIENT_ENV);
    fs::write(&file, "A=b\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let open = DataDir::read_client_env(path.path()).unwrap_err();
    assert!(
        matches!(
            open,
            DataDirError::NotPrivate {
                reason: NotPrivate::OpenToOthers,
                ..
            }
        ),
        "{open:?}"
    );
    fs::rename(&file, path.path().join("elsewhere")).unwrap();
    symlink("elsewhere", &file).unwrap();
    let link = DataDir::read_client_env(path.path()).unwrap_err();
    assert!(
        matches!(
            link,
            DataDirError::NotPrivate {
                reason: NotPrivate::NotAFile,
                ..
            }
        ),
        "{link:?}"
    );
}
