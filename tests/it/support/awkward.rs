//! Values that something or other along the way might change.

/// Text that every environment variable can hold, each with a name for it.
pub(crate) fn awkward_texts() -> Vec<(&'static str, &'static str)> {
    vec![
        ("NEWLINES", "one\ntwo\n\nfour\n"),
        ("CRLF", "one\r\ntwo\r\n"),
        ("CR", "a\rb\r"),
        ("SINGLE", "it's 'quoted'"),
        ("DOUBLE", "say \"x\""),
        ("BOTH", "it's \"both\" and `more`"),
        ("DOLLAR", "$HOME ${HOME} $(id) $$ $'x'"),
        ("BACKSLASH", "a\\b\\n\\\\ \\"),
        ("BACKSLASH_QUOTE", "'\\\n\\'\\\"\\$"),
        ("EQUALS", "a=b=="),
        ("HASH", "#a #b # c"),
        ("SPACES", "   a  b   "),
        ("TABS", "\ta\tb\t"),
        ("EMOJI", "gr\u{fc}\u{df}e \u{1f511}\u{200d}\u{1f5dd}"),
        ("CONTROL", "\u{1}\u{1b}[2J\u{7f}\u{9b}"),
        ("MARK", "\u{feff}a"),
        ("REFERENCE", "secret://other"),
        ("TEMPLATE", "{{ secret \"other\" }}"),
        ("JSON", "{\"a\": [\"\\u0000\"]}"),
        ("GLOB", "* ? [a] ~ !x & | ; < > ( )"),
        ("EMPTY", ""),
    ]
}

/// Bytes that no environment file can hold.
pub(crate) fn awkward_bytes() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("NUL", b"a\0b".to_vec()),
        ("LONE_NUL", b"\0".to_vec()),
        ("NOT_UTF8", b"\xff\xfe\x80".to_vec()),
        ("ALL_BYTES", (0..=u8::MAX).collect()),
    ]
}

/// A megabyte of text with quotes and line breaks in it.
pub(crate) fn a_megabyte() -> String {
    let mut text = "it's a long \"line\" of $text\n".repeat((1 << 20) / 27 + 1);
    text.truncate(1 << 20);
    text
}

/// Ids of secrets that a shell could run, expand or take apart. Each begins with a character of its own and a
/// number, and all of ASCII's punctuation is first, inside and last in one of them.
pub(crate) fn hostile_ids() -> Vec<String> {
    let punctuation = ('!'..='~').filter(char::is_ascii_punctuation);
    punctuation.map(|c| format!("{c}1 x{c}y{c}{c} {c}")).collect()
}

/// Ids that run a command, name files or vanish where a shell reads them unquoted. Each begins with `k` and a
/// number.
pub(crate) fn hostile_words() -> Vec<String> {
    let ends = [
        "$(touch x)",
        "`touch x`",
        ";touch x;",
        "&&touch x",
        "|touch x",
        ">x",
        "'$(touch x)'",
        "\"$(touch x)\"",
        "'\"`touch x`\"'",
        " !! !touch ^a^b",
        " ~root ~",
        " * ? [a-z] **",
        "{a,b} $HOME ${HOME} $'x'",
        " gr\u{f6}\u{df}e \u{1f511} \u{65e5}\u{672c}",
        "\\",
        "'",
        "\"",
        "https://a.example:1/b?c=d&e=f#g",
        "  two  spaces",
        " # none",
        "=:=",
        "/",
    ];
    let numbered = ends.iter().enumerate();
    numbered
        .map(|(number, end)| format!("k{number:02}{end}"))
        .collect()
}
