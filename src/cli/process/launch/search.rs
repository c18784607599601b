//! Where a command is, as a shell looks for it (POSIX, "Command Search and Execution").

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// What a search found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Program(PathBuf),
    /// There is a file, and it must not be run.
    NotExecutable,
    Directory,
    Nothing,
}

/// Where commands are if no `PATH` says so.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Looks for a program: a path is taken as it is, a name is looked for along `path`.
pub(super) fn search(program: &OsStr, path: Option<&OsStr>) -> Found {
    if program.as_bytes().contains(&b'/') {
        return look_at(Path::new(program));
    }
    if program.is_empty() {
        return Found::Nothing;
    }
    let mut found = Found::Nothing;
    for directory in std::env::split_paths(path.unwrap_or_else(|| OsStr::new(DEFAULT_PATH))) {
        // An empty entry is the current directory; the name alone would be looked for again.
        let directory = if directory.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &directory
        };
        match look_at(&directory.join(program)) {
            program @ Found::Program(_) => return program,
            Found::NotExecutable => found = Found::NotExecutable,
            Found::Directory | Found::Nothing => {}
        }
    }
    found
}

fn look_at(path: &Path) -> Found {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Found::Directory,
        Ok(_) if access(path, Access::EXEC_OK).is_ok() => Found::Program(path.to_owned()),
        Ok(_) => Found::NotExecutable,
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Found::NotExecutable,
        Err(_) => Found::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_that_can_be_run() {
        let directory = tempfile::tempdir().unwrap();
        for (name, mode) in [
            ("a/tool", 0o644),
            ("b/tool", 0o755),
            ("c/tool", 0o755),
            ("a/text", 0o644),
        ] {
            let file = directory.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir(directory.path().join("a/folder")).unwrap();
        let at = |name: &str| directory.path().join(name);
        let path = std::env::join_paths([at("missing"), at("a"), at("b"), at("c")]).unwrap();
        let look = |program: &str| search(OsStr::new(program), Some(&path));
        assert_eq!(look("tool"), Found::Program(at("b/tool")));
        assert_eq!(look("text"), Found::NotExecutable);
        assert_eq!(look("folder"), Found::Nothing);
        assert_eq!((look("gone"), look("")), (Found::Nothing, Found::Nothing));
        assert_eq!(look(at("a").to_str().unwrap()), Found::Directory);
        assert_eq!(look(at("c/tool").to_str().unwrap()), Found::Program(at("c/tool")));
        assert!(matches!(search(OsStr::new("sh"), None), Found::Program(_)));
    }
}
