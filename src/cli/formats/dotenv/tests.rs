//! What is read as what, and that what is written comes back: here, in `sh` and in `bash`.

use proptest::prelude::*;

use super::*;

fn read(file: &str) -> Vec<(String, String)> {
    let assignments = parse(file.as_bytes(), Names::Variables).unwrap();
    assignments
        .into_iter()
        .map(|assignment| (assignment.name, assignment.value.into_exposed()))
        .collect()
}

fn value(file: &str) -> String {
    let mut all = read(file);
    assert_eq!(all.len(), 1, "{file}");
    all.remove(0).1
}

fn fault(file: impl AsRef<[u8]>) -> (usize, usize) {
    let error = parse(file.as_ref(), Names::Variables).unwrap_err();
    (error.line, error.column)
}

#[test]
fn values() {
    for (file, expected) in [
        ("A=", ""),
        ("A=b", "b"),
        ("export A=b", "b"),
        (" \texport\t A=b", "b"),
        ("A = b \t", "b"),
        ("A=b c  # comment", "b c"),
        ("A=b#c", "b#c"),
        ("A=#c", "#c"),
        ("A= # comment", ""),
        ("A=a=b==", "a=b=="),
        ("A=$HOME`id`\\n", "$HOME`id`\\n"),
        ("A=it's", "it's"),
        ("A=''", ""),
        ("A=' b '", " b "),
        ("A='b' # comment", "b"),
        ("A='\\n$x\"#'", "\\n$x\"#"),
        ("A='one\ntwo\n'", "one\ntwo\n"),
        ("A=\"one\ntwo\"", "one\ntwo"),
        (r#"A="\n\r\t\\\"\$\`\x""#, "\n\r\t\\\"$`\\x"),
        ("A=\"a\\\nb\"", "ab"),
        ("A=\"$b\"", "$b"),
        ("\u{feff}A=b", "b"),
        ("A=größe 🔑", "größe 🔑"),
        ("A=b\r\n", "b"),
        ("A='b\r\nc'\r\n", "b\nc"),
        ("A='b\r\nc' # x\r\n", "b\nc"),
        ("A='b\r\nc'\n", "b\r\nc"),
        ("A='b\r\nc'", "b\r\nc"),
        ("# x\r\nA='b\r\nc'", "b\nc"),
        ("A=\"b\\\r\nc\"\r\n", "bc"),
        (r"A='it'\''s'", "it's"),
        (r#"A='it'"'"'s'"#, "it's"),
        (r#"A="a"\""b"'c' # d"#, "a\"bc"),
        ("A=b\r", "b"),
        ("A=it's \\' a\u{a0}b", "it's \\' a\u{a0}b"),
        ("A='\r\u{c}\u{1b}\u{2028}'", "\r\u{c}\u{1b}\u{2028}"),
    ] {
        assert_eq!(value(file), expected, "{file:?}");
    }
}

#[test]
fn files() {
    let file = "# first\n\nA=1\n  \n\texport B='x\ny'#\n";
    assert_eq!(fault(file), (6, 3));
    let file = "# first\r\n\r\nA=1\r\n  #\r\n\texport B='x\r\ny'\r\nC=\r\n";
    let expected = [("A", "1"), ("B", "x\ny"), ("C", "")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(read(file), expected);
    assert_eq!(parse(file.as_bytes(), Names::Variables).unwrap()[2].line, 7);
    assert!(read("").is_empty() && read("\n#").is_empty());
}

#[test]
fn faults_have_their_place() {
    for (file, place) in [
        ("A", (1, 2)),
        ("A=1\nB b=2", (2, 3)),
        ("A=1\n  2B=2", (2, 3)),
        ("export", (1, 7)),
        ("export =1", (1, 8)),
        ("A-B=1", (1, 2)),
        ("A.B=1", (1, 2)),
        ("\"A\"=1", (1, 1)),
        ("A=\"\"\"x\"\"\"", (1, 3)),
        ("A=\'\'\'x\'\'\'", (1, 3)),
        (r"A='it\'s'", (1, 8)),
        ("A='x'#y", (1, 6)),
        // Ends of lines that some readers take for one.
        ("A=1\rB=2\r", (1, 4)),
        ("A=1\r\r\n", (1, 4)),
        ("# one\rA=1\n", (1, 6)),
        ("A=1 # one\rB=2\n", (1, 10)),
        ("A='x' # one\rB=2\n", (1, 12)),
        ("A='x'\rB=2\n", (1, 6)),
        ("A=1\u{85}B=2", (1, 4)),
        ("A=1\u{2028}B=2", (1, 4)),
        ("A=1\u{c}B=2", (1, 4)),
        ("A=1\0", (1, 4)),
        ("A=1\u{1b}[2J", (1, 4)),
        ("=1", (1, 1)),
        ("A=1\n\nB='x\ny", (3, 3)),
        ("A=\"x\\\"", (1, 3)),
        ("A='b'c", (1, 6)),
        ("A='ü' b", (1, 7)),
        ("A=`id`", (1, 3)),
        ("A=$'x'", (1, 3)),
        ("A=1\nexport A=2", (2, 1)),
    ] {
        assert_eq!(fault(file), place, "{file:?}");
    }
    assert_eq!(fault(b"A=\xc3\xbc\nB=\xc3\xbc\xff"), (2, 4));
}

#[test]
fn names_of_secrets_may_have_more_characters() {
    let file = "my-key=1\nexport a.b/c:d@e = 'x'\n2=3\n";
    for parse in [|file: &[u8]| parse(file, Names::Ids), docker::parse] {
        let read = parse(b"my-key=1\nspring.db=x\n2=3\n").unwrap();
        let names: Vec<&str> = read.iter().map(|assignment| assignment.name.as_str()).collect();
        assert_eq!(names, ["my-key", "spring.db", "2"]);
        for (file, place) in [
            (&b"=1"[..], (1, 1)),
            (b"a\xc3\xa4=1", (1, 2)),
            (b"A: 1", (1, 3)),
            (b"{\"a\"=1", (1, 1)),
        ] {
            let error = parse(file).unwrap_err();
            assert_eq!(error.line, place.0, "{file:?}");
            assert!(error.to_string().contains("name"), "{error}");
        }
    }
    let read = parse(file.as_bytes(), Names::Ids).unwrap();
    assert_eq!(read[1].name, "a.b/c:d@e");
}

#[test]
fn utf_16_is_called_that() {
    for file in [
        &b"\xff\xfeA\0=\0"[..],
        b"\xfe\xff\0A\0=",
        b"A\0=\x001\0",
        b"\0A\0=",
    ] {
        let error = parse(file, Names::Ids).unwrap_err();
        assert!(error.to_string().contains("UTF-16"), "{error}");
        assert_eq!(docker::parse(file).unwrap_err(), error);
    }
}

/// Lines of the kinds that the readers of other languages (motdotla's dotenv, joho's godotenv) are tested with.
#[test]
fn what_other_readers_are_tested_with_is_read_the_same() {
    for (file, expected) in [
        ("A=basic", "basic"),
        ("A='    spaced    '", "    spaced    "),
        ("A='double \"quotes\" inside'", "double \"quotes\" inside"),
        ("A=\"single 'quotes' inside\"", "single 'quotes' inside"),
        (r#"A="new\nline""#, "new\nline"),
        (r"A=no\nline", r"no\nline"),
        (r"A='no\nline'", r"no\nline"),
        ("A=value # a #comment", "value"),
        ("A='value #1' # a comment", "value #1"),
        ("A=\"value #1\" # a comment", "value #1"),
        ("A=equals==", "equals=="),
        (r#"A={"a": "b"}"#, r#"{"a": "b"}"#),
        (r#"A='{"a": "b"}'"#, r#"{"a": "b"}"#),
        ("A=    some  text ", "some  text"),
        ("A=user@example.com", "user@example.com"),
        ("    A = parsed", "parsed"),
        ("A = ", ""),
        (r#"A = "echo 'a'""#, "echo 'a'"),
        ("A='line 1\nline 2'", "line 1\nline 2"),
        ("A=\"is \\\"quoted\\\"\nhere\"", "is \"quoted\"\nhere"),
        (
            "export A='postgres://h:5432/db?ssl=off'",
            "postgres://h:5432/db?ssl=off",
        ),
    ] {
        assert_eq!(value(file), expected, "{file}");
    }
    for (file, why) in [
        (r"A='is \'quoted\' here'", r"'\''"),
        ("A=`a 'b' \"c\"`", "backquotes"),
        ("A: 1", "name"),
        ("A 1", "`=` is missing"),
        ("lol$wut", "name"),
    ] {
        let error = parse(file.as_bytes(), Names::Variables).unwrap_err();
        assert!(error.to_string().contains(why), "{file}: {error}");
    }
}

#[test]
fn a_fault_shows_nothing_of_the_file() {
    for file in ["canary", "A='canary", "A='x'canary", "canary=1\ncanary=2"] {
        let error = parse(file.as_bytes(), Names::Variables).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{file}");
    }
    let shown = format!("{:?}", parse(b"A=canary", Names::Variables).unwrap());
    assert!(!shown.contains("canary"), "{shown}");
}

fn written(values: &[String]) -> SecretValue {
    let mut file = SecretValue::default();
    for (index, value) in values.iter().enumerate() {
        write(&mut file, &format!("V{index}"), value.as_bytes()).unwrap();
    }
    file
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let mut file = SecretValue::default();
    let mut refused = |name: &str, value: &[u8]| write(&mut file, name, value).unwrap_err();
    assert_eq!(refused("A", b"a\0b"), Unwritable::Nul);
    assert_eq!(refused("A", b"\xff"), Unwritable::Binary);
    assert_eq!(refused("UID", b"0"), Unwritable::ShellVariable);
    assert_eq!(refused("_", b"0"), Unwritable::ShellVariable);
    assert_eq!(file.expose(), b"");
    let mut refused = |value: &[u8]| docker::write(&mut file, "A", value).unwrap_err();
    assert_eq!(refused(b"a\nb"), Unwritable::LineBreak);
    assert_eq!(refused(b"a\r"), Unwritable::LineBreak);
    assert_eq!(refused(b"a\0b"), Unwritable::Nul);
    assert_eq!(refused(&vec![b'x'; (64 << 10) - 2]), Unwritable::TooLong);
    assert_eq!(file.expose(), b"");
    docker::write(&mut file, "A", &vec![b'x'; (64 << 10) - 3]).unwrap();
}

/// Values made of characters that have a meaning in some format or shell.
fn awkward() -> impl Strategy<Value = String> {
    let characters = prop_oneof![
        3 => proptest::sample::select("'\"\\$`#=! \t\n\r~*?[]{}()<>|&;%^-_.:a0é🔑\u{7f}\u{1}\u{1b}\u{85}\u{feff}\u{2028}".chars().collect::<Vec<_>>()),
        1 => proptest::char::any().prop_filter("NUL cannot be held", |character| *character != '\0'),
    ];
    proptest::collection::vec(characters, 0..24).prop_map(|characters| characters.into_iter().collect())
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in proptest::collection::vec(awkward(), 0..8)) {
        let read: Vec<String> = parse(written(&values).expose(), Names::Variables)
            .unwrap()
            .into_iter()
            .map(|assignment| assignment.value.into_exposed())
            .collect();
        prop_assert_eq!(read, values);
    }

    #[test]
    fn what_is_written_for_docker_is_read(value in awkward()) {
        let mut file = SecretValue::default();
        if docker::write(&mut file, "A", value.as_bytes()).is_ok() {
            let read = docker::parse(file.expose()).unwrap();
            prop_assert_eq!(read[0].value.expose(), &value);
        }
    }

    #[test]
    fn no_file_is_too_odd_to_be_read(file in "(?s)[\\PC'\"\\\\#=\r\nA ]{0,40}") {
        let _ = parse(file.as_bytes(), Names::Ids);
        let _ = docker::parse(file.as_bytes());
    }
}

#[test]
fn the_docker_format_is_taken_as_it_stands() {
    let file = "# comment\n\n  A='b' # c \r\nB=\nC==x";
    let read: Vec<(String, String)> = docker::parse(file.as_bytes())
        .unwrap()
        .into_iter()
        .map(|assignment| (assignment.name, assignment.value.into_exposed()))
        .collect();
    let expected =
        [("A", "'b' # c "), ("B", ""), ("C", "=x")].map(|(name, value)| (name.into(), value.into()));
    assert_eq!(read, expected);
    for (file, place) in [("A=1\n B", (2, 3)), ("A B=1", (1, 1)), ("A=1\nA=2", (2, 1))] {
        let error = docker::parse(file.as_bytes()).unwrap_err();
        assert_eq!((error.line, error.column), place, "{file:?}");
    }
}

#[cfg(unix)]
proptest! {
    // A shell is started for each case, with a hundred values.
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn shells_read_what_is_written(values in proptest::collection::vec(awkward(), 100)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file.env");
        std::fs::write(&path, written(&values).expose()).unwrap();
        for shell in ["sh", "bash"] {
            let output = std::process::Command::new(shell)
                .args(["-c", "set -a; . \"$0\"; exec env -0"])
                .arg(&path)
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap_or_default())
                .output()
                .unwrap();
            prop_assert!(output.status.success() && output.stderr.is_empty(), "{:?}", output.stderr);
            let environment = String::from_utf8(output.stdout).unwrap();
            for (index, value) in values.iter().enumerate() {
                let name = format!("V{index}=");
                let found = environment.split('\0').find_map(|variable| variable.strip_prefix(&name));
                prop_assert_eq!(found, Some(value.as_str()), "{}", shell);
            }
        }
    }
}
