//! The one rule of the tree: imports point down. The layers are here, from the top; what stands in one row may not
//! import each other.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The crate's modules.
const CRATE: &[&[&str]] = &[
    &["main", "lib"],
    &["cli"],
    &["account"],
    &["server", "secrets", "settings"],
    &["token", "oauth", "room"],
    &["net"],
    &["wire", "fs"],
    &["sensitive", "clock"],
];

/// What `cli` is made of.
const CLI: &[&[&str]] = &[
    &["mod"],
    &["entry"],
    &["commands"],
    &["provide"],
    &["completion", "sign_in"],
    &["room"],
    &["args"],
    &["formats", "process", "context"],
    &["help", "ui"],
    &["error"],
];

/// What `server` is made of.
const SERVER: &[&[&str]] = &[
    &["mod"],
    &["http"],
    &["session"],
    &["toolkit"],
    &["participant", "scrape"],
    &["state"],
    &["rooms", "fair_store", "response_budget"],
    &["config"],
    &["oauth", "keys", "backup"],
    &["audit"],
    &["store"],
    &["data_dir", "listener"],
    &["memory", "tls"],
    &["caller", "connections", "fair_queue", "slots"],
    &["shutdown", "shares", "log_interval", "metrics"],
];

/// The source files below `folder`, each as the names that lead to it, and its text without comments.
fn sources(folder: &Path) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let names = path.strip_prefix(folder).unwrap().with_extension("");
                let mut names: Vec<String> = names
                    .iter()
                    .map(|name| name.to_str().unwrap().to_owned())
                    .collect();
                if names.len() > 1 {
                    names.retain(|name| name != "mod");
                }
                // A file of tests beside the file that declares it.
                if let Some((of, "")) = names.last().and_then(|name| name.rsplit_once("_tests")) {
                    let of = of.to_owned();
                    names.pop();
                    names.extend([of, "tests".to_owned()]);
                }
                let text = fs::read_to_string(&path).unwrap();
                found.push((names, without_comments(&text)));
            }
        }
    }
    found
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths in `text`, a file of `module`, that begin with `crate` or `super`.
fn imports(module: &[String], text: &str) -> BTreeSet<Vec<String>> {
    let tests = text.find("\nmod tests {").unwrap_or(text.len());
    let starts = text.match_indices("crate::").chain(text.match_indices("super::"));
    let mut found = BTreeSet::new();
    for (at, _) in starts {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
            || text[..at].ends_with("pub(in ")
        {
            continue;
        }
        for path in expand(&text[at..]) {
            found.extend(absolute(module, &path, usize::from(at > tests)));
        }
    }
    found
}

/// The paths that a path with `{…}` in it stands for.
fn expand(text: &str) -> Vec<Vec<String>> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len());
    let names: Vec<String> = text[..end]
        .split("::")
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    if !text[end..].starts_with('{') || !text[..end].ends_with("::") {
        return vec![names];
    }
    let mut found = Vec::new();
    let (mut depth, mut begin) = (0_usize, end + 1);
    for (at, c) in text.char_indices().skip_while(|(at, _)| *at < end) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (depth == 1 && c == ',') || depth == 0 {
            let item = text[begin..at].trim();
            found.extend(
                expand(item)
                    .into_iter()
                    .map(|item| [names.clone(), item].concat()),
            );
            begin = at + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found
}

fn absolute(module: &[String], path: &[String], inner: usize) -> Option<Vec<String>> {
    if path.first()? == "crate" {
        return Some(path[1..].to_vec());
    }
    let ups = path.iter().take_while(|name| *name == "super").count();
    let kept = (module.len() + inner).checked_sub(ups)?;
    let base = &module[..kept.min(module.len())];
    Some([base, &path[ups..]].concat())
}

/// What is wrong with the imports in `sources` between the children of `parent`, which have these layers. A child that
/// is in none is wrong too.
fn upward(parent: &[&str], layers: &[&[&str]], sources: &[(Vec<String>, String)]) -> Vec<String> {
    let layer = |name: &str| layers.iter().position(|row| row.contains(&name));
    // The child that a path leads through; the parent's own items are `mod`.
    let child = |path: &[String]| {
        let inside = path.len() >= parent.len() && path.iter().zip(parent).all(|(one, other)| one == other);
        let name = path.get(parent.len()).map_or("mod", String::as_str);
        inside.then(|| {
            if layer(name).is_none() && path.len() == parent.len() + 1 {
                "mod"
            } else {
                name
            }
            .to_owned()
        })
    };
    let mut wrong = Vec::new();
    for (module, text) in sources {
        let Some(from) = child(module)
            .is_some()
            .then(|| module.get(parent.len()).map_or("mod", String::as_str))
        else {
            continue;
        };
        let Some(here) = layer(from) else {
            wrong.push(format!("{} has no layer", module.join("::")));
            continue;
        };
        for path in imports(module, text) {
            let Some(to) = child(&path).filter(|to| to != from) else {
                continue;
            };
            if layer(&to).is_none_or(|there| here >= there) {
                wrong.push(format!("{} imports {}", module.join("::"), path.join("::")));
            }
        }
    }
    wrong
}

#[test]
fn imports_point_down() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.len() > 100, "only {} files were read", sources.len());
    let mut wrong = upward(&[], CRATE, &sources);
    wrong.extend(upward(&["cli"], CLI, &sources));
    wrong.extend(upward(&["server"], SERVER, &sources));
    assert!(
        wrong.is_empty(),
        "{} imports run up:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn an_import_that_runs_up_is_found_however_it_is_written() {
    let file = |names: &[&str], text: &str| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        vec![(names, without_comments(text))]
    };
    let layers: &[&[&str]] = &[&["mod"], &["top"], &["left", "right"], &["low"]];
    for text in [
        "use crate::cli::top::Thing;",
        "use super::top;",
        "use super::{low, top::Thing};",
        "use crate::{\n    cli::{low::A, top::{B}},\n};",
        "fn f() { super::top::g(); }",
        "use super::right::Thing;",
        "use super::RootThing;",
        "\nmod tests {\n    use super::super::top::Thing;\n}",
        "use super::strange::Thing;",
    ] {
        let wrong = upward(&["cli"], layers, &file(&["cli", "left"], text));
        assert_eq!(wrong.len(), 1, "{text}: {wrong:?}");
    }
    for text in [
        "use super::low::{A, B};",
        "// use super::top;",
        "use crate::wire::top;",
        "use self::inner::top;",
        "\nmod tests {\n    use super::top;\n}",
    ] {
        let wrong = upward(&["cli"], layers, &file(&["cli", "left"], text));
        assert!(wrong.is_empty(), "{text}: {wrong:?}");
    }
}
