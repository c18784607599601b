//! Opens a URL in the user's browser.

use std::collections::BTreeMap;
use std::ffi::OsString;
#[cfg(unix)]
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::wire::HttpEndpoint;

/// Why no browser was opened. No variant holds the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BrowserError {
    /// No command could be started.
    #[error("no browser was found")]
    NotFound,
}

/// The user's surroundings, as far as they decide about a browser.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings<'a> {
    /// `$BROWSER`: commands with `:` between them (`;` on Windows). `%s` in a command stands for the URL, which is
    /// appended without it. A program whose path has blanks may stand there as it is if it exists, in quotes, or with
    /// backslashes.
    pub browser: Option<&'a str>,
    /// True in an SSH session.
    pub ssh: bool,
    /// True if there is a graphical display.
    pub display: bool,
}

impl Surroundings<'_> {
    /// Whether the user would see a browser that is opened on this machine.
    pub const fn have_browser(&self) -> bool {
        self.browser.is_some() || (self.display && !self.ssh)
    }

    /// Opens the URL: with the first command of `$BROWSER` that can be started, else with the system's browser.
    ///
    /// The child inherits the variables in `inherited` and no standard streams, and it is in a process group of its
    /// own, which Ctrl-C does not reach. The child is returned at once, because it may run for as long as the browser.
    ///
    /// # Errors
    /// [`BrowserError::NotFound`].
    pub fn open(
        &self,
        url: &HttpEndpoint,
        inherited: &BTreeMap<OsString, OsString>,
    ) -> Result<Child, BrowserError> {
        let url = url.url();
        let commands = match self.browser {
            Some(browser) => named(browser, url.as_str()),
            None => open::commands(url.as_str()),
        };
        commands
            .into_iter()
            .find_map(|command| start(command, inherited).ok())
            .ok_or(BrowserError::NotFound)
    }
}

fn start(mut command: Command, inherited: &BTreeMap<OsString, OsString>) -> std::io::Result<Child> {
    // Ctrl-C ends the sign-in but must not end the browser, whose other windows may belong to the same process.
    #[cfg(unix)]
    command.process_group(0);
    command
        .env_clear()
        .envs(inherited)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// What separates the commands of `$BROWSER`; a path of Windows has a colon.
const SEPARATOR: char = if cfg!(windows) { ';' } else { ':' };

/// The commands of `$BROWSER`.
fn named(browser: &str, url: &str) -> Vec<Command> {
    let command = |text: &str| {
        let mut words = words(text).into_iter();
        let mut command = Command::new(words.next()?);
        let mut placed = false;
        for word in words {
            placed |= word.contains("%s");
            command.arg(word.replace("%s", url));
        }
        if !placed {
            command.arg(url);
        }
        Some(command)
    };
    browser.split(SEPARATOR).filter_map(command).collect()
}

/// The program and its arguments. Where words in quotes or with backslashes make no sense, blanks separate them.
fn words(text: &str) -> Vec<String> {
    let text = text.trim();
    if let Some(end) = program_with_blanks(text) {
        let (program, rest) = text.split_at(end);
        let rest = rest.split_whitespace().map(str::to_owned);
        return std::iter::once(program.to_owned()).chain(rest).collect();
    }
    let is_quoted = text.contains(['"', '\'']) || text.contains("\\ ");
    let quoted = is_quoted.then(|| shlex::split(text)).flatten();
    quoted.unwrap_or_else(|| text.split_whitespace().map(str::to_owned).collect())
}

/// Where the program's path ends, if it has blanks in it and is a file.
fn program_with_blanks(text: &str) -> Option<usize> {
    if !text.contains(std::path::is_separator) {
        return None;
    }
    let blanks = text.match_indices(char::is_whitespace).map(|(end, _)| end);
    let mut ends = blanks.chain([text.len()]);
    ends.find(|end| text.get(..*end).is_some_and(|path| Path::new(path).is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(browser: &str) -> Vec<Vec<String>> {
        let words = |command: Command| {
            let program = std::iter::once(command.get_program());
            program
                .chain(command.get_args())
                .map(|word| word.to_str().unwrap().to_owned())
                .collect()
        };
        named(browser, "https://h/?a b").into_iter().map(words).collect()
    }

    #[test]
    fn the_browser_variable() {
        assert_eq!(lines("firefox"), [["firefox", "https://h/?a b"]]);
        assert_eq!(
            lines("a --to=%s -x::b -n"),
            [
                vec!["a", "--to=https://h/?a b", "-x"],
                vec!["b", "-n", "https://h/?a b"]
            ]
        );
        assert!(lines(" : ").is_empty());
    }

    #[test]
    fn a_program_in_a_folder_with_blanks() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("Program Files (x86)/a browser.exe");
        std::fs::create_dir(program.parent().unwrap()).unwrap();
        std::fs::write(&program, "").unwrap();
        let program = program.to_str().unwrap();
        let url = "https://h/?a b";
        for browser in [
            program.to_owned(),
            format!("{program} %s"),
            format!("'{program}' %s"),
            format!("\"{program}\""),
            program
                .replace(' ', "\\ ")
                .replace('(', "\\(")
                .replace(')', "\\)"),
        ] {
            assert_eq!(lines(&browser), [[program, url]], "{browser}");
        }
        assert_eq!(
            lines(&format!("{program} --new-window:b")),
            [vec![program, "--new-window", url], vec!["b", url]]
        );
        // A file that is not there is a program and its arguments, and so is what has an odd quote.
        assert_eq!(lines("/nowhere/a b"), [["/nowhere/a", "b", url]]);
        assert_eq!(lines("a it's"), [["a", "it's", url]]);
    }

    #[test]
    fn a_browser_that_cannot_be_started() {
        let url = HttpEndpoint::parse("https://h/").unwrap();
        let path = std::env::vars_os().filter(|(name, _)| name == "PATH").collect();
        let with = |browser| Surroundings {
            browser: Some(browser),
            ..Surroundings::default()
        };
        assert!(matches!(
            with("/nonexistent/browser").open(&url, &path),
            Err(BrowserError::NotFound)
        ));
        let mut child = with("/nonexistent/browser:true").open(&url, &path).unwrap();
        assert!(child.wait().unwrap().success());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_browser_is_in_a_process_group_of_its_own() {
        let surroundings = Surroundings {
            browser: Some("tail -f /dev/null"),
            ..Surroundings::default()
        };
        let path = std::env::vars_os().filter(|(name, _)| name == "PATH").collect();
        let mut child = surroundings
            .open(&HttpEndpoint::parse("https://h/").unwrap(), &path)
            .unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let group = stat.rsplit(')').next().unwrap().split_whitespace().nth(2);
        assert_eq!(group, Some(child.id().to_string().as_str()));
    }

    #[test]
    fn where_a_browser_is_seen() {
        let have = |browser, ssh, display| {
            Surroundings {
                browser,
                ssh,
                display,
            }
            .have_browser()
        };
        assert!(have(None, false, true) && have(Some("b"), true, false));
        assert!(!have(None, true, true) && !have(None, false, false));
    }
}
