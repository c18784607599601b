//! `client.env`: the environment variables that a client of this server needs, as `KEY=VALUE` lines that shells and
//! other readers understand in the same way.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::sensitive::SensitiveText;

/// Largest `client.env` that is read, in bytes.
pub(super) const MAX_BYTES: usize = 64 << 10;

/// The lines of the file, or the name of the variable that cannot be written.
pub(super) fn format(variables: &[(&str, &SensitiveText)]) -> Result<Zeroizing<String>, String> {
    let length = variables
        .iter()
        .map(|(name, value)| name.len() + value.expose().len() + 2)
        .sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for (name, value) in variables {
        if !is_name(name) || !is_plain(value.expose()) {
            return Err((*name).to_owned());
        }
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}={}", value.expose());
    }
    Ok(text)
}

/// The variables of the file in their order, or the number of the first line that is not a variable. Empty lines and
/// lines that start with `#` are skipped.
pub(super) fn parse(text: &str) -> Result<Vec<(String, SensitiveText)>, usize> {
    let mut variables = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            Some((name, value)) if is_name(name) && is_plain(value) => {
                variables.push((name.to_owned(), value.to_owned().into()));
            }
            _ => return Err(number),
        }
    }
    Ok(variables)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether a shell takes the text literally.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~/:@%+=,[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let (url, key) = (
            "http://[::1]:80/".to_owned().into(),
            "ma-a.b_c-d-e".to_owned().into(),
        );
        let text = format(&[("URL", &url), ("KEY", &key)]).unwrap();
        assert_eq!(*text, "URL=http://[::1]:80/\nKEY=ma-a.b_c-d-e\n");
        let read = parse(&text).unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| (name.as_str(), value.expose().as_str()))
            .collect();
        assert_eq!(read, [("URL", "http://[::1]:80/"), ("KEY", "ma-a.b_c-d-e")]);
    }

    #[test]
    fn nothing_that_a_shell_reads_differently_is_written() {
        for value in ["a b", "a\nB=c", "$HOME", "`x`", "'a'", "a;b", "a#b", "é"] {
            assert_eq!(
                format(&[("A", &value.to_owned().into())]).unwrap_err(),
                "A",
                "{value:?}"
            );
        }
    }

    #[test]
    fn a_bad_line_is_named() {
        assert_eq!(parse("# comment\n\nA=b\nnonsense\n").unwrap_err(), 4);
        assert_eq!(parse("=b").unwrap_err(), 1);
    }
}
