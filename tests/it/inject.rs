//! `inject`: secrets in their places in a text, or nothing at all.

use std::fs;

use crate::support::{Terminal, TestEnv, Way, a_megabyte, awkward_bytes, awkward_texts};

fn place(id: &str) -> String {
    format!("{{{{ secret \"{id}\" }}}}")
}

fn inject(way: &Way<'_>, text: impl AsRef<[u8]>, flags: &[&str]) -> crate::support::Ran {
    way.secret(["inject"]).args(flags).stdin(text).run()
}

#[test]
fn awkward_values_are_put_in_as_they_are() {
    let env = TestEnv::new();
    let way = env.local();
    let (mut text, mut expected) = (String::new(), Vec::new());
    let texts = awkward_texts()
        .into_iter()
        .map(|(id, text)| (id, text.as_bytes().to_vec()));
    for (id, value) in texts
        .chain(awkward_bytes())
        .chain([("MEGABYTE", a_megabyte().into_bytes())])
    {
        way.set(id, &value);
        text.extend(["<", &place(id), ">\r\n"]);
        expected.extend([b"<", value.as_slice(), b">\r\n"].concat());
    }
    let ran = inject(&way, &text, &[]).succeeds().says_nothing();
    assert!(ran.stdout == expected);
    env.write("text", &text);
    way.secret(["inject", "--in", "text", "--out", "filled"])
        .run()
        .succeeds();
    assert!(fs::read(env.file("filled")).unwrap() == expected);
}

#[test]
fn all_else_stays_as_it_is() {
    let env = TestEnv::new();
    let way = env.local();
    way.set("db/pass \"word\"", "x");
    let text = r#"{{ .Values.a }} {{- if x }} ${{ secrets.A }} {{secret "db/pass \"word\""}} \{{ secret "kept" }} \\"#;
    let ran = inject(&way, text, &[]).succeeds();
    assert_eq!(
        ran.out(),
        r#"{{ .Values.a }} {{- if x }} ${{ secrets.A }} x {{ secret "kept" }} \\"#
    );
    let bytes = [&b"\xff\0"[..], place("db/pass \\\"word\\\"").as_bytes(), b"\xfe"].concat();
    assert_eq!(inject(&way, bytes, &[]).succeeds().stdout, b"\xff\0x\xfe");
}

#[test]
fn a_text_without_places_is_as_it_was() {
    let env = TestEnv::new();
    // No room is needed for that.
    let ran = env
        .call(["room", "secret", "inject"])
        .stdin("plain\n")
        .run()
        .succeeds();
    assert_eq!(ran.out(), "plain\n");
    ran.says("warning: the text has no {{ secret \"ID\" }} in it");
}

#[test]
fn a_missing_secret_leaves_nothing() {
    let env = TestEnv::new();
    let way = env.local();
    way.set("a", "canary");
    let kept = env.write("kept", "before");
    let text = [place("a"), place("gone/1"), place("gone/2")].concat();
    for flags in [&[][..], &["--out", "new"], &["--out", "kept", "--force"]] {
        let ran = inject(&way, &text, flags).refuses(3).says("`gone/1`, `gone/2`");
        assert!(!ran.err().contains("canary"));
    }
    assert_eq!(fs::read(kept).unwrap(), b"before");
    assert_eq!(env.files(), ["kept"]);
}

#[test]
fn a_fault_has_its_place() {
    let env = TestEnv::new();
    for (text, says) in [
        (
            "a\n{{ secret }}",
            "stdin: line 2, column 11: an id in double quotes is missing",
        ),
        ("{{ secret 'a' }}", "stdin: line 1, column 11"),
        ("{{ secret \"a }}", "stdin: line 1, column 11: the quote"),
        ("{{ secret \"a\" }", "stdin: line 1, column 15: `}}` is missing"),
        ("{{ secret \"\" }}", "stdin: line 1, column 11: this is no id"),
    ] {
        inject(&env.local(), text, &["--out", "new"])
            .refuses(1)
            .says(says);
    }
    let ran = env.local().secret(["inject", "--in", "gone"]).run();
    ran.refuses(1).says("gone cannot be read");
    assert!(env.files().is_empty() && !env.data_dir().exists());
}

#[test]
fn a_text_may_be_filled_in_place() {
    let env = TestEnv::new();
    env.local().set("a", "x");
    env.write("file", place("a"));
    let inject = |flags: &[&str]| {
        env.local()
            .secret(["inject", "--in", "file", "--out", "file"])
            .args(flags)
            .run()
    };
    inject(&[]).refuses(1).says("exists already");
    inject(&["--force"]).succeeds();
    assert_eq!(fs::read(env.file("file")).unwrap(), b"x");
}

#[test]
fn a_terminal_is_no_text() {
    let env = TestEnv::new();
    let screen = Terminal::run(env.local().secret(["inject", "--color=never"])).ends();
    assert_eq!(screen.code, 2);
    assert!(screen.text.starts_with("error: no text was given"), "{screen:?}");
}

#[test]
fn delegated_secrets_by_name() {
    let env = TestEnv::new();
    let set = env.local().secret(["set", "a", "--delegated-to", "bob"]);
    set.stdin("for bob").run().succeeds();
    let bob = env.local_as("bob");
    assert_eq!(
        inject(&bob, place("a"), &["--delegated-to", "bob"])
            .succeeds()
            .out(),
        "for bob"
    );
    inject(&bob, place("a"), &[]).refuses(3);
}
