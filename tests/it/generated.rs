//! The generated files are those of this program, and so are the pages that say the same things.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::support::TestEnv;

/// Set to write the files anew instead of comparing them.
const UPDATE: &str = "UPDATE_GENERATED";

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn man_pages_are_up_to_date() {
    let generated = meshagent::cli::generated_files().unwrap();
    let mut stale = Vec::new();
    for (path, content) in &generated {
        let target = project().join(path);
        if std::env::var_os(UPDATE).is_some() {
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(&target, content).unwrap();
        } else if fs::read(&target).ok().as_ref() != Some(content) {
            stale.push(path.display().to_string());
        }
    }
    let known: BTreeSet<_> = generated.iter().map(|(path, _)| project().join(path)).collect();
    for entry in fs::read_dir(project().join("docs/man")).unwrap() {
        let path = entry.unwrap().path();
        if !known.contains(&path) {
            stale.push(path.display().to_string());
        }
    }
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; run `{UPDATE}=1 cargo nextest run --test it generated`, and delete what is left over"
    );
}

/// The words in `text` that look like this program's variables.
fn variables(text: &str) -> BTreeSet<String> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
        .filter(|word| word.starts_with("MESHAGENT_") && !word.ends_with('_'))
        .map(str::to_owned)
        .collect()
}

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else {
            all.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_variable_is_in_the_help_and_in_the_pages() {
    let env = TestEnv::new();
    let help = variables(env.call(["help", "environment"]).run().succeeds().out());
    let page = variables(&fs::read_to_string(project().join("docs/environment.md")).unwrap());
    let mut code = String::new();
    sources(&project().join("src"), &mut code);
    assert_eq!(help, page);
    let mut used = variables(&code);
    // How a shell's script asks for completions; nobody sets it by hand.
    assert!(used.remove("MESHAGENT_COMPLETE"));
    assert_eq!(help, used);
}

#[test]
fn every_exit_code_is_in_the_help_and_in_the_pages() {
    let env = TestEnv::new();
    let help = env.call(["help", "exit-codes"]).run().succeeds().out().to_owned();
    let page = fs::read_to_string(project().join("docs/exit-codes.md")).unwrap();
    let rows: Vec<(&str, &str)> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .filter(|(code, _)| code.parse::<u8>().is_ok_and(|code| code > 0))
        .filter_map(|(code, rest)| Some((code, rest.split('`').nth(1)?)))
        .collect();
    assert!(rows.len() > 8, "{rows:?}");
    for (code, kind) in &rows {
        assert!(help.contains(&format!("{code:>6}  {kind}\n")), "{code} {kind}");
    }
    let kinds = help.split("its `kind`:").nth(1).unwrap();
    assert_eq!(kinds.split_whitespace().count(), 2 * rows.len());
}
