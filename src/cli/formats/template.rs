//! Text with places for secrets: `{{ secret "ID" }}`.
//!
//! Only that is looked at: other braces, as other template languages have them, stay as they are, and so
//! does every other byte. In the id, `\"` is a quote and `\\` a backslash. A backslash before the braces keeps
//! a place as text: `\{{ secret "ID" }}` becomes `{{ secret "ID" }}`; two of them are one backslash and a
//! secret.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use super::syntax::SyntaxError;
use crate::secrets::Secret;
use crate::sensitive::SecretValue;
use crate::wire::SecretId;

/// A template that was read and has no fault.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Template<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a [u8]),
    Secret(SecretId),
}

/// What a place starts and ends with, and the word in it.
const OPEN: &[u8] = b"{{";
const CLOSE: &[u8] = b"}}";
const WORD: &[u8] = b"secret";

impl<'a> Template<'a> {
    /// Reads a template; it may be in any encoding that ASCII is a part of.
    pub(in crate::cli) fn parse(text: &'a [u8]) -> Result<Self, SyntaxError> {
        let mut parts = Vec::new();
        let (mut written, mut at) = (0, 0);
        while let Some(found) = find(text, at, OPEN) {
            let Some(start) = place(text, found) else {
                at = found + 1;
                continue;
            };
            let before = text.get(written..found).unwrap_or_default();
            let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
            // Half of them, as each keeps the one after it from its meaning.
            let kept = before.len() - backslashes.div_ceil(2);
            parts.push(Part::Text(before.get(..kept).unwrap_or_default()));
            if backslashes % 2 == 1 {
                written = found;
                at = start;
                continue;
            }
            let (id, end) = secret(text, start)?;
            parts.push(Part::Secret(id));
            (written, at) = (end, end);
        }
        parts.push(Part::Text(text.get(written..).unwrap_or_default()));
        Ok(Self { parts })
    }

    /// The secrets that it has places for.
    pub(in crate::cli) fn ids(&self) -> BTreeSet<SecretId> {
        let id = |part: &Part<'_>| match part {
            Part::Text(_) => None,
            Part::Secret(id) => Some(id.clone()),
        };
        self.parts.iter().filter_map(id).collect()
    }

    /// The text with the secrets in their places. One that was not read is left out; see [`Template::ids`].
    pub(in crate::cli) fn fill(&self, secrets: &BTreeMap<SecretId, Secret>) -> SecretValue {
        let mut filled = SecretValue::default();
        for part in &self.parts {
            let bytes = match part {
                Part::Text(text) => text,
                Part::Secret(id) => secrets
                    .get(id)
                    .map_or(&[][..], |secret| secret.value.expose().as_slice()),
            };
            // Writing to memory does not fail.
            let _ = filled.write_all(bytes);
        }
        filled
    }
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let rest = text.get(from..)?;
    Some(from + rest.windows(what.len()).position(|window| window == what)?)
}

/// Where the word of a place ends, if one starts here.
fn place(text: &[u8], open: usize) -> Option<usize> {
    let word = skip_blanks(text, open + OPEN.len());
    let end = word + WORD.len();
    let follows = text.get(end);
    let is_word = text.get(word..end) == Some(WORD);
    let ends = follows.is_none_or(|byte| !(byte.is_ascii_alphanumeric() || b"_-.".contains(byte)));
    (is_word && ends).then_some(end)
}

/// The id of a place whose word ends here, and where the place ends.
fn secret(text: &[u8], word_end: usize) -> Result<(SecretId, usize), SyntaxError> {
    let quote = skip_blanks(text, word_end);
    if text.get(quote) != Some(&b'"') {
        return Err(fault(
            text,
            quote,
            "an id in double quotes is missing, as in {{ secret \"ID\" }}",
        ));
    }
    let mut id = Vec::new();
    let mut at = quote + 1;
    loop {
        match text.get(at) {
            Some(b'"') => break,
            Some(b'\\') => match text.get(at + 1) {
                Some(escaped @ (b'"' | b'\\')) => {
                    id.push(*escaped);
                    at += 2;
                }
                _ => return Err(fault(text, at, "a backslash in an id stands before `\"` or `\\`")),
            },
            Some(b'\n') | None => return Err(fault(text, quote, "the quote that opens here is not closed")),
            Some(byte) => {
                id.push(*byte);
                at += 1;
            }
        }
    }
    let close = skip_blanks(text, at + 1);
    let end = close + CLOSE.len();
    if text.get(close..end) != Some(CLOSE) {
        return Err(fault(text, close, "`}}` is missing after the id"));
    }
    let id = String::from_utf8(id).map_err(|_| fault(text, quote, "this id is not UTF-8 text"))?;
    let id = SecretId::new(id).map_err(|_| {
        fault(
            text,
            quote,
            "this is no id of a secret: it is empty, too long or has a control character",
        )
    })?;
    Ok((id, end))
}

fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        at += 1;
    }
    at
}

fn fault(text: &[u8], at: usize, what: &'static str) -> SyntaxError {
    let before = text.get(..at).unwrap_or(text);
    SyntaxError::after(&String::from_utf8_lossy(before), what)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Fills each place with its id in angle brackets.
    fn filled(text: &[u8]) -> Vec<u8> {
        let template = Template::parse(text).unwrap();
        let secret = |id: SecretId| {
            let value = format!("<{id}>").into_bytes().into();
            let (name, secret_type) = (id.to_string(), String::new());
            (
                id,
                Secret {
                    name,
                    secret_type,
                    owner: None,
                    value,
                },
            )
        };
        let secrets = template.ids().into_iter().map(secret).collect();
        template.fill(&secrets).into_exposed()
    }

    #[test]
    fn places_are_filled_and_nothing_else() {
        for (text, expected) in [
            ("", ""),
            ("a{{ secret \"b\" }}c", "a<b>c"),
            ("{{secret \"b\"}}{{\tsecret\t\"c d\"\t}}", "<b><c d>"),
            ("{{ secret \"a\" }}{{ secret \"a\" }}", "<a><a>"),
            (r#"{{ secret "a\"b\\c" }}"#, "<a\"b\\c>"),
            ("{{ secret \"}}\" }}", "<}}>"),
            ("{{{ secret \"a\" }}}", "{<a>}"),
            (
                "{{ .Values.a }} {{ secrets }} {{ secret_x }} {{ secret.x }} {{",
                "{{ .Values.a }} {{ secrets }} {{ secret_x }} {{ secret.x }} {{",
            ),
            ("{{\nsecret \"a\" }}", "{{\nsecret \"a\" }}"),
            ("a\r\n{{ secret \"b\" }}\r\n", "a\r\n<b>\r\n"),
            (r#"\{{ secret "a" }}"#, r#"{{ secret "a" }}"#),
            (r#"x\\{{ secret "a" }}"#, r"x\<a>"),
            (r#"\\\{{ secret "a" }} \\n"#, r#"\{{ secret "a" }} \\n"#),
            (
                r#"\{{ secret }} \{{ secret "a" }}{{ secret "b" }}"#,
                r#"{{ secret }} {{ secret "a" }}<b>"#,
            ),
            (r"C:\{{x}} \\", r"C:\{{x}} \\"),
        ] {
            assert_eq!(filled(text.as_bytes()), expected.as_bytes(), "{text}");
        }
        assert_eq!(filled(b"\xff\0{{ secret \"a\" }}\xfe"), b"\xff\0<a>\xfe");
    }

    #[test]
    fn faults_have_their_place() {
        for (text, place) in [
            ("{{ secret }}", (1, 11)),
            ("a\nü {{ secret 'a' }}", (2, 13)),
            ("{{ secret \"a }}\n\" }}", (1, 11)),
            ("{{ secret \"a\" }", (1, 15)),
            ("{{ secret \"a\" | json }}", (1, 15)),
            ("{{ secret \"\" }}", (1, 11)),
            (r#"{{ secret "a\b" }}"#, (1, 13)),
            ("{{ secret", (1, 10)),
        ] {
            let error = Template::parse(text.as_bytes()).unwrap_err();
            assert_eq!((error.line, error.column), place, "{text} {error}");
        }
    }

    proptest! {
        #[test]
        fn without_places_nothing_changes(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assume!(find(&text, 0, OPEN).is_none());
            prop_assert_eq!(filled(&text), text);
        }

        #[test]
        fn any_id_can_be_written(id in "[^\\pC]{1,40}") {
            let escaped = id.replace('\\', r"\\").replace('"', "\\\"");
            let text = format!("{{{{ secret \"{escaped}\" }}}}");
            prop_assert_eq!(filled(text.as_bytes()), format!("<{id}>").into_bytes());
        }

        #[test]
        fn no_template_is_too_odd_to_be_read(text in "(\\{\\{|\\}\\}|secret|\"|\\\\| |a|ü|\n){0,20}") {
            let _ = Template::parse(text.as_bytes());
        }
    }
}
