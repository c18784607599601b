//! Letters that are taken for others: Cyrillic `а` for Latin `a`, for example. The data are those of Unicode
//! Technical Standard #39, "Unicode Security Mechanisms".

use unicode_script::{Script, UnicodeScript};
use unicode_security::GeneralSecurityProfile;
use unicode_security::confusable_detection::skeleton;
use unicode_security::mixed_script::AugmentedScriptSet;

/// A part of a text: letters and digits side by side, or something else.
pub(super) struct Word<'a> {
    text: &'a str,
    /// Whether its letters are of scripts that are not written together, as Latin and Japanese are.
    is_mixed: bool,
    has_latin: bool,
}

/// The words of a text and what is between them.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let is_letter = is_of_word(rest.chars().next()?);
        let end = rest.find(|c| is_of_word(c) != is_letter).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(Word::new(word))
    })
}

impl<'a> Word<'a> {
    fn new(text: &'a str) -> Self {
        let is_mixed = !text.is_ascii() && is_mixed(text);
        let has_latin = text.chars().any(is_latin);
        Self {
            text,
            is_mixed,
            has_latin,
        }
    }

    pub(super) fn chars(&self) -> impl Iterator<Item = char> {
        self.text.chars()
    }

    /// Whether the character is of another script than the word seems to be.
    pub(super) fn is_foreign(&self, character: char) -> bool {
        self.is_mixed && !character.is_ascii() && !is_latin(character)
    }
}

/// Which characters of a name could be taken for ASCII, where the name gives a reason to.
pub(super) struct Lookalikes {
    has_latin: bool,
}

impl Lookalikes {
    pub(super) fn of_name(name: &str) -> Self {
        Self {
            has_latin: name.chars().any(is_latin),
        }
    }

    /// Whether a character of a word is one: a symbol, a letter that no language writes names with (full-width
    /// or mathematical), or one of another script beside Latin letters. Names in one script are left alone.
    pub(super) fn contains(&self, word: &Word<'_>, character: char) -> bool {
        if !looks_like_ascii(character) {
            return false;
        }
        if !character.is_alphanumeric() || !character.identifier_allowed() {
            return true;
        }
        let beside_latin = word.has_latin || word.chars().all(|c| c.is_ascii() || looks_like_ascii(c));
        self.has_latin && !is_latin(character) && beside_latin
    }
}

fn is_of_word(character: char) -> bool {
    character.is_alphanumeric() || !character.is_ascii() && character.script() != Script::Common
}

fn is_latin(character: char) -> bool {
    character.script() == Script::Latin
}

fn looks_like_ascii(character: char) -> bool {
    let mut buffer = [0; 4];
    !character.is_ascii() && skeleton(character.encode_utf8(&mut buffer)).all(|c| c.is_ascii())
}

/// "Highly restrictive" (UTS #39, section 5.2): one script, or Latin with those of Chinese, Japanese or Korean.
fn is_mixed(word: &str) -> bool {
    if !AugmentedScriptSet::for_str(word).is_empty() {
        return false;
    }
    let mut others = AugmentedScriptSet::default();
    for character in word.chars().filter(|c| !is_latin(*c)) {
        others.intersect_with(AugmentedScriptSet::for_char(character));
    }
    !(others.hanb || others.jpan || others.kore)
}
