use super::*;
use crate::cli::provide::rules::{Action, Origin};
use crate::cli::provide::source::Source;

fn mistake(text: &str) -> (usize, usize, String) {
    let environment = Environment::from_pairs([("SET", "x")]);
    let mistake = parse(text, Path::new("."), &environment)
        .map(|rules| rules.len())
        .unwrap_err();
    let (line, column) = position(text, mistake.at.start);
    (line, column, mistake.what)
}

/// Each text is a rules file with a mistake: its line, its column, and the text of the error.
#[track_caller]
fn are_mistakes(files: &[(&str, usize, usize, &str)]) {
    for (text, line, column, what) in files {
        let found = mistake(text);
        assert_eq!((found.0, found.1), (*line, *column), "{text}: {}", found.2);
        assert!(found.2.contains(what), "{text}: {}", found.2);
        assert!(!found.2.contains('\n'), "{}", found.2);
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    are_mistakes(&[
        ("[[rule]]\nurl = \"u\"\ngive = \"env:GONE\"", 3, 8, "is not set"),
        ("[[rule]]\nurl = \"ü\" give = 1", 2, 11, "expected"),
        (
            "[[rule]]\nurl = \"u\"\ngvie = \"x\"",
            3,
            1,
            "unknown field `gvie`",
        ),
        ("[[rules]]\nask = true", 1, 3, "unknown field `rules`"),
        ("\n[[rule]]\nurl = \"u\"", 2, 1, "needs one of `give`"),
        ("[[rule]]\nask = true\nreject = \"no\"", 1, 1, "names several"),
        ("[[rule]]\nask = false", 2, 7, "only `true`"),
        ("[[rule]]\ngive = \"env:SET\"", 1, 1, "needs `url`"),
        ("[[rule]]\nkind = \"other\"\nask = true", 2, 8, "unknown variant"),
        ("[[rule]]\nurl = \"\"\nask = true", 2, 7, "cannot be empty"),
        (
            "[[rule]]\nurl = \"u\"\ncommand = []",
            3,
            11,
            "a program and its arguments",
        ),
        (
            "[[rule]]\nurl = \"u\"\ncommand = \"sh -c x\"",
            3,
            11,
            "expected a sequence",
        ),
        (
            "[[rule]]\nurl = \"u\"\ncommand = [\"x\"]\ntimeout = 0",
            4,
            11,
            "a second to a year",
        ),
        (
            "[[rule]]\nurl = \"u\"\ngive = \"env:SET\"\ntimeout = 1",
            4,
            11,
            "time of a `command`",
        ),
        (
            "[[rule]]\nask = true\nstrip_newline = true",
            3,
            17,
            "for `give` and `command`",
        ),
        ("[[rule]]\nrequester = []\nask = true", 2, 13, "matches nothing"),
        ("[[rule]]\nrequester = \"a\\nb\"\nask = true", 2, 13, "no name"),
        (
            "[[rule]]\nask = true\nurl = \"https://*db.example/**\"",
            3,
            7,
            "write `*.`",
        ),
        (
            "[[rule]]\nask = true\nurl = \"https://u@a.example\"",
            3,
            7,
            "user name",
        ),
        (
            "[[rule]]\ndelegate_to = 1\nask = true",
            2,
            15,
            "a name, or a list of names",
        ),
    ]);
}

#[test]
fn a_mistake_of_an_oauth_rule_is_told_with_its_place() {
    are_mistakes(&[
        ("[[rule]]\nkind = \"oauth\"", 1, 1, "needs one of `authorize`"),
        (
            "[[rule]]\nkind = \"oauth\"\nhost = \"h\"\nauthorize = true",
            1,
            1,
            "needs `client_id` and `host`",
        ),
        (
            "[[rule]]\nkind = \"oauth\"\nurl = \"u\"\nask = true",
            3,
            7,
            "kind = \"secret\"",
        ),
        (
            "[[rule]]\nclient_id = \"c\"\nask = true",
            2,
            13,
            "kind = \"oauth\"",
        ),
        (
            "[[rule]]\nkind = \"oauth\"\nask = true\nscopes = \"repo read:org\"",
            4,
            10,
            "are a list",
        ),
        (
            "[[rule]]\nkind = \"oauth\"\nask = true\npath = \"authorize\"",
            4,
            8,
            "starts with `/`",
        ),
        (
            "[[rule]]\nkind = \"oauth\"\nask = true\nport = \"https\"",
            4,
            8,
            "or \"*\" for any",
        ),
        (
            "[[rule]]\nkind = \"oauth\"\nask = true\nport = 70000",
            4,
            8,
            "a list of ports",
        ),
        (
            "[[rule]]\nkind = \"oauth\"\nask = true\nallow_http = true",
            4,
            14,
            "rules with `authorize`",
        ),
        (
            "[[rule]]\nask = true\nscopes = \"repo\"",
            3,
            10,
            "kind = \"oauth\"",
        ),
        (
            "[[rule]]\nkind = \"oauth\"\nhost = [\"h\", \"\"]\nask = true",
            3,
            8,
            "not a host",
        ),
    ]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rules.toml");
    let environment = Environment::default();
    assert!(
        read(&path, &environment)
            .unwrap_err()
            .to_string()
            .contains("rules.toml")
    );
    std::fs::write(&path, "x").unwrap();
    let error = read(&path, &environment).unwrap_err().to_string();
    assert!(error.contains("rules.toml, line 1, column 2"), "{error}");
}

#[test]
fn paths_start_from_the_file() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("value"), "x").unwrap();
    let path = directory.path().join("rules.toml");
    std::fs::write(&path, "[[rule]]\nurl = \"u\"\ngive = \"file:value\"").unwrap();
    let rules = read(&path, &Environment::default()).unwrap();
    let [
        Rule {
            action:
                Action::Give {
                    from: Origin::Source(source),
                    ..
                },
            ..
        },
    ] = rules.as_slice()
    else {
        panic!("{rules:?}");
    };
    assert_eq!(*source, Source::File(directory.path().join("value")));
}
