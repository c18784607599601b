//! The documentation: its examples run as they are written, and its links lead somewhere.
//!
//! Every `console` block of the Markdown files at the top and in `docs` is run: a line that starts with `$ ` is a
//! command, lines that start with `> ` go on with it, and the rest is what it prints, stdout and stderr
//! together. In what is expected, `…` stands for any text within a line. The blocks of one file run one
//! after the other in one shell, in a home directory of their own.

#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use meshagent::server::data_dir::DataDir;
use meshagent::server::store::{KeySource, SqliteStore};
use meshagent::server::{Server, ServerConfig, ServerKeys};
use meshagent::token::{ApiScope, ParticipantToken};
use meshagent::wire::{Identity, RoomName};
use tokio::net::TcpListener;

/// Ends what a command printed; a control character, so that no example prints it.
const MARK: char = '\u{1}';

/// Longest time that the examples of one file may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// A command of an example, and what it must print.
#[derive(Debug)]
struct Example {
    line: usize,
    command: String,
    expected: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Markdown files at the top and in `docs`, with their text.
pub(crate) fn pages() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<PathBuf> = [root().to_owned(), root().join("docs")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    let text = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    };
    paths.into_iter().map(text).collect()
}

/// The lines of the blocks of this kind, each with its number.
pub(crate) fn blocks<'a>(page: &'a str, kind: &str) -> Vec<Vec<(usize, &'a str)>> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, Vec<(usize, &str)>)> = None;
    for (number, line) in (1..).zip(page.lines()) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(found), None) => open = Some((found == kind, Vec::new())),
            (Some(_), Some(_)) => {
                if let Some((true, lines)) = open.take() {
                    blocks.push(lines);
                }
            }
            (None, Some((_, lines))) => lines.push((number, line)),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of code is not closed");
    blocks
}

fn examples(page: &str) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for block in blocks(page, "console") {
        let first = examples.len();
        for (line, text) in block {
            if let Some(command) = text.strip_prefix("$ ") {
                examples.push(Example {
                    line,
                    command: command.to_owned(),
                    expected: String::new(),
                });
                continue;
            }
            assert!(
                examples.len() > first,
                "line {line}: a block starts with a command"
            );
            let example = examples.last_mut().unwrap();
            match text.strip_prefix("> ") {
                Some(more) if example.expected.is_empty() => {
                    example.command.push('\n');
                    example.command.push_str(more);
                }
                _ => {
                    example.expected.push_str(text);
                    example.expected.push('\n');
                }
            }
        }
    }
    examples
}

/// Runs the commands in one shell; what each of them printed.
fn replay(examples: &[Example]) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let bin = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_meshagent"), bin.path().join("meshagent")).unwrap();
    let mut script = String::from("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n");
    for example in examples {
        // The mark goes out without touching the exit status, which the next command may ask for.
        script.push_str(&example.command);
        script.push_str("\n{ status=$?; printf '\\001'; (exit $status); }\n");
    }
    let path = format!(
        "{}:{}",
        bin.path().display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let run = assert_cmd::Command::new("bash")
        .args(["--noprofile", "--norc", "-c", &script])
        .current_dir(home.path())
        .env_clear()
        .envs([("PATH", path.as_str()), ("USER", "ada"), ("LC_ALL", "C.UTF-8")])
        .env("HOME", home.path())
        .timeout(PATIENCE)
        .output()
        .unwrap();
    let printed = String::from_utf8(run.stdout).unwrap();
    let mut outputs: Vec<String> = printed.split(MARK).map(str::to_owned).collect();
    assert_eq!(
        outputs.len(),
        examples.len() + 1,
        "the shell stopped early, after: {printed}"
    );
    outputs.pop();
    outputs
}

/// Whether a line is the expected one, in which `…` stands for anything.
fn line_fits(expected: &str, line: &str) -> bool {
    let Some((start, rest)) = expected.split_once('…') else {
        return expected == line;
    };
    let Some(mut line) = line.strip_prefix(start) else {
        return false;
    };
    let mut pieces: Vec<&str> = rest.split('…').collect();
    let end = pieces.pop().unwrap_or_default();
    for piece in pieces {
        match line.split_once(piece) {
            Some((_, after)) => line = after,
            None => return false,
        }
    }
    line.ends_with(end)
}

/// Whether an output is the expected one. The newline at its end may be missing, as that of a value is.
fn fits(expected: &str, output: &str) -> bool {
    let output = output.strip_suffix('\n').unwrap_or(output);
    let expected = expected.strip_suffix('\n').unwrap_or(expected);
    let (lines, expected) = (output.split('\n'), expected.split('\n'));
    lines.clone().count() == expected.clone().count()
        && lines
            .zip(expected)
            .all(|(line, expected)| line_fits(expected, line))
}

fn replay_page(name: &str) {
    let page = fs::read_to_string(root().join(name)).unwrap();
    let examples = examples(&page);
    assert!(!examples.is_empty(), "{name} has no examples");
    for (example, output) in examples.iter().zip(replay(&examples)) {
        assert!(
            fits(&example.expected, &output),
            "{name}:{}: `{}` should print\n{}\nand prints\n{output}",
            example.line,
            example.command,
            example.expected,
        );
    }
}

/// A test for each page that has examples, and the list of them.
macro_rules! replayed {
    ($($test:ident: $page:literal,)+) => {
        const REPLAYED: &[&str] = &[$($page,)+];
        $(
            #[test]
            fn $test() {
                replay_page($page);
            }
        )+
    };
}

replayed! {
    the_readme_does_what_it_says: "README.md",
    the_concepts_do_what_they_say: "docs/concepts.md",
    the_environment_does_what_it_says: "docs/environment.md",
    the_exchange_does_what_it_says: "docs/exchange.md",
    the_exit_codes_are_what_they_say: "docs/exit-codes.md",
    the_formats_are_what_they_say: "docs/formats.md",
    the_page_from_other_tools_does_what_it_says: "docs/from-others.md",
    the_page_from_python_does_what_it_says: "docs/from-python.md",
    the_guide_does_what_it_says: "docs/guide.md",
    the_oauth_page_does_what_it_says: "docs/oauth.md",
    the_server_page_does_what_it_says: "docs/server.md",
}

/// A page that has examples must be in the list above.
#[test]
fn no_page_with_examples_is_left_out() {
    for (path, page) in pages() {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
        let replayed = REPLAYED.contains(&name);
        assert_eq!(replayed, !examples(&page).is_empty(), "{name}");
    }
}

#[test]
fn the_wildcard_stands_for_a_part_of_a_line() {
    assert!(fits("a\n", "a") && fits("a\n", "a\n") && fits("", ""));
    assert!(fits("a…c…e\n", "abcde\n") && fits("…\n", "\n") && fits("A=…", "A=1"));
    for (expected, output) in [
        ("a\n", "b\n"),
        ("a\n", "a\nb\n"),
        ("…\n", "a\nb\n"),
        ("", "a\n"),
        ("ab…b", "ab"),
    ] {
        assert!(!fits(expected, output), "{expected:?} {output:?}");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for (path, page) in pages() {
        let targets = page.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            assert!(file.exists(), "{}: {target}", path.display());
            let has_heading = |text: &str| {
                text.lines()
                    .any(|line| line.starts_with('#') && heading_anchor(line) == anchor)
            };
            assert!(
                anchor.is_empty() || has_heading(&fs::read_to_string(&file).unwrap()),
                "{}: {target}",
                path.display()
            );
        }
    }
}

/// The anchor that GitHub gives a heading.
fn heading_anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[rustfmt::skip]
mod library {
// README: begin
use meshagent::net::HttpClient;
use meshagent::room::RoomClient;
use meshagent::secrets::{GetOptions, SecretsClient, SetOptions};
use meshagent::sensitive::{SecretValue, SensitiveText};
use meshagent::wire::SecretId;

/// Stores a secret in the room at `room_url` and reads it back.
async fn store_and_read(
    room_url: &str,
    token: SensitiveText,
) -> Result<Option<SecretValue>, Box<dyn std::error::Error>> {
    let room = RoomClient::join(&HttpClient::from_env(), &room_url.parse()?, &token).await?;
    let secrets = SecretsClient::new(&room);
    let id = SecretId::new("db/password")?;
    let value = SecretValue::new(b"s3cret".to_vec());
    secrets.set_secret(&id, value, SetOptions::default()).await?;
    let secret = secrets.get_secret(&id, GetOptions::default()).await?;
    room.close().await;
    Ok(secret.map(|secret| secret.value))
}
// README: end

    use super::*;

    #[tokio::test]
    async fn the_library_example_works() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = DataDir::open_to_serve(directory.path()).unwrap();
        let store = Arc::new(SqliteStore::open(&data_dir, &KeySource::Default).unwrap());
        let keys = ServerKeys::load(store.clone()).await.unwrap();
        let (room, ada) = (RoomName::new("demo").unwrap(), Identity::new("ada").unwrap());
        let token = ParticipantToken::new(ada.clone(), room, ApiScope::participant())
            .sign(keys.ring().current())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/rooms/demo", listener.local_addr().unwrap());
        let server = Server::new(ServerConfig::default(), keys, ada, store);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let shutdown = async {
            let _ = stopped.await;
        };
        let client = async {
            let value = store_and_read(&url, token).await.unwrap().unwrap();
            assert_eq!(value.expose(), b"s3cret");
            stop.send(()).unwrap();
        };
        tokio::join!(server.run([listener.into()], shutdown), client);
    }
}

#[test]
fn the_readme_shows_the_library_example() {
    let source = include_str!("docs.rs");
    let (_, rest) = source.split_once("// README: begin\n").unwrap();
    let (example, _) = rest.split_once("// README: end\n").unwrap();
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let shown: Vec<String> = blocks(&readme, "rust")
        .into_iter()
        .map(|lines| lines.into_iter().flat_map(|(_, line)| [line, "\n"]).collect())
        .collect();
    assert_eq!(shown, [example]);
}
