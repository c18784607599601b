//! Patterns for plain text: `*` and `**`, and nothing else that is special.
//!
//! Not the globs of file names: `?`, `[` and `{` are ordinary here, because types and client ids have them.

use std::str::FromStr;

/// A text in which `*` stands for any characters but `/`, and `**` for any characters. Either may stand
/// for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli::provide) struct Pattern(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    One(char),
    Star,
    DoubleStar,
}

/// A pattern of no characters, which would match nothing that is ever asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pattern cannot be empty; `**` matches everything")]
pub(in crate::cli::provide) struct EmptyPattern;

impl Pattern {
    /// A pattern that this text alone fits.
    pub(in crate::cli::provide) fn exactly(text: &str) -> Self {
        Self(text.chars().map(Piece::One).collect())
    }
}

impl FromStr for Pattern {
    type Err = EmptyPattern;

    fn from_str(text: &str) -> Result<Self, EmptyPattern> {
        if text.is_empty() {
            return Err(EmptyPattern);
        }
        let mut pieces: Vec<Piece> = Vec::new();
        for character in text.chars() {
            match (character, pieces.last_mut()) {
                ('*', Some(last @ (Piece::Star | Piece::DoubleStar))) => *last = Piece::DoubleStar,
                ('*', _) => pieces.push(Piece::Star),
                (other, _) => pieces.push(Piece::One(other)),
            }
        }
        Ok(Self(pieces))
    }
}

impl Pattern {
    /// Whether all of `text` fits. Takes time in the product of both lengths, whatever they are.
    pub(in crate::cli::provide) fn matches(&self, text: &str) -> bool {
        // reached[i]: the text so far fits the first i pieces.
        let mut reached = vec![true];
        for piece in &self.0 {
            let before = reached.last() == Some(&true);
            reached.push(before && !matches!(piece, Piece::One(_)));
        }
        for character in text.chars() {
            let mut after = vec![false];
            for (piece, pair) in self.0.iter().zip(reached.windows(2)) {
                let &[before, here] = pair else { continue };
                let skipped = after.last() == Some(&true);
                after.push(match piece {
                    Piece::One(own) => before && *own == character,
                    Piece::Star => skipped || (here && character != '/'),
                    Piece::DoubleStar => skipped || here,
                });
            }
            reached = after;
        }
        reached.last() == Some(&true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        pattern.parse::<Pattern>().unwrap().matches(text)
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        for (pattern, text) in [
            ("https://a.example", "https://a.example"),
            ("https://*.example/*", "https://a.b.example/x"),
            ("https://*.example/**", "https://a.example/x/y?z=[1]"),
            ("https://*.example/**", "https://a.example/"),
            ("**", ""),
            ("**", "any/thing"),
            ("text/*", "text/plain"),
            ("*a*b*", "xxaxxabxx"),
            ("**/x", "a/b/x"),
            ("***", "a/b"),
            ("https://[::1]/?a={b}", "https://[::1]/?a={b}"),
            ("gr\u{f6}\u{df}e-*", "gr\u{f6}\u{df}e-\u{1f511}"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("https://a.example", "https://a.example/"),
            ("https://a.example", "https://aXexample"),
            ("https://*.example/*", "https://a.example/x/y"),
            ("https://*.example/**", "https://evil.test/.example/x"),
            ("https://*.example/**", "http://a.example/x"),
            ("*", "a/b"),
            ("a*", "ba"),
            ("a?c", "abc"),
            ("A", "a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        assert_eq!("".parse::<Pattern>(), Err(EmptyPattern));
        assert!(Pattern::exactly("a*").matches("a*") && !Pattern::exactly("a*").matches("ab"));
    }

    #[test]
    fn many_stars_take_no_longer() {
        let pattern = "*a".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(2_000)));
    }

    proptest! {
        #[test]
        fn a_text_without_stars_matches_itself_alone(text in "[^*]{1,20}", other in "[^*]{0,20}") {
            prop_assert!(matches(&text, &text));
            prop_assert_eq!(matches(&text, &other), text == other);
            let (pattern, longer) = (format!("**{text}**"), format!("{other}{text}{other}"));
            prop_assert!(matches(&pattern, &longer));
        }
    }
}
