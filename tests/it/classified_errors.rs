//! Every error of the library has a place in `cli/error/classify*.rs`, which decides exit code and hint: by itself, or
//! inside an error that has one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Errors that never get as far: the file that handles each, and the text by which it does.
const HANDLED_WHERE_THEY_OCCUR: [(&str, &str, &str); 6] = [
    ("BrowserError", "cli/sign_in/mod.rs", "browser::failed("),
    (
        "EndpointGrantError",
        "cli/commands/token/generate.rs",
        "secrets.check()",
    ),
    (
        "ListenAddressError",
        "cli/args/listen.rs",
        "{VARIABLE} cannot be used: {error}",
    ),
    ("PastedError", "cli/sign_in/paste.rs", "PastedError::"),
    ("ReadError", "server/data_dir/mod.rs", "ReadError::NotPrivate"),
    // The argument parser shows it as a usage error.
    (
        "ScopeError",
        "cli/sign_in/oauth_client.rs",
        "type Err = ScopeError",
    ),
];

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn errors_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| word.ends_with("Error"))
}

/// The error types that a file declares, each with the other errors that it has inside.
fn declared(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let mut errors = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let declaration = line.trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        let is_declaration = declaration.starts_with("enum ") || declaration.starts_with("struct ");
        if line.starts_with("pub")
            && is_declaration
            && let Some(name) = errors_in(declaration).next()
        {
            let body = lines.by_ref().take_while(|line| *line != "}");
            let inside = body.flat_map(errors_in).map(str::to_owned).collect();
            errors.push((name.to_owned(), inside));
        }
    }
    errors
}

/// The errors without a class: neither named by `classifier` nor inside one that has a class.
fn without_class(errors: &BTreeMap<String, BTreeSet<String>>, classifier: &str) -> Vec<String> {
    let named = ["downcast_ref::<", "is::<"].into_iter().flat_map(|call| {
        let after = classifier.split(call).skip(1);
        after.filter_map(|rest| rest.split('>').next())
    });
    let mut pending: Vec<&str> = named.collect();
    let mut done = BTreeSet::new();
    while let Some(name) = pending.pop() {
        if done.insert(name) {
            pending.extend(errors.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    let missing = errors.keys().filter(|name| !done.contains(name.as_str()));
    missing.cloned().collect()
}

#[test]
fn every_error_of_the_library_is_classified() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    files.retain(|file| !file.starts_with(src.join("cli")));
    let errors: BTreeMap<_, _> = files
        .iter()
        .flat_map(|file| declared(&std::fs::read_to_string(file).unwrap()))
        .collect();
    assert!(errors.len() > 20, "{errors:?}");
    let read = |path: &str| std::fs::read_to_string(src.join(path)).unwrap();
    let classifier = read("cli/error/classify.rs") + &read("cli/error/classify_account.rs");
    let mut handled = HANDLED_WHERE_THEY_OCCUR.map(|(name, ..)| name).to_vec();
    for name in without_class(&errors, &classifier) {
        let place = HANDLED_WHERE_THEY_OCCUR.iter().find(|(error, ..)| *error == name);
        let Some((_, file, text)) = place else {
            panic!("{name} has no class: add it to src/cli/error/classify.rs");
        };
        assert!(
            read(file).contains(text),
            "{file} does not handle {name} any more"
        );
        handled.retain(|error| *error != name);
    }
    assert!(handled.is_empty(), "{handled:?} need no place of their own");
}

#[test]
fn an_error_that_is_nowhere_is_found() {
    let errors = BTreeMap::from([
        ("AError".to_owned(), BTreeSet::from(["BError".to_owned()])),
        ("BError".to_owned(), BTreeSet::new()),
        ("CError".to_owned(), BTreeSet::new()),
    ]);
    assert_eq!(without_class(&errors, "cause.is::<AError>()"), ["CError"]);
}
