//! A command line that is being typed.

/// The words of a command line up to the cursor, without their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The words before the one at the cursor; the first is the program.
    pub(super) before: Vec<String>,
    /// The word at the cursor, as far as it was typed.
    pub(super) word: String,
    /// How a shell has to put the word's end onto the line, where the shell leaves that to the program.
    pub(super) opened: Opened,
}

/// What stays of the word at the cursor when a candidate is put onto the line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Opened {
    /// The beginning of the word that the shell leaves as it is, without its quotes.
    pub(super) kept: String,
    /// The quote in which that beginning ends.
    pub(super) quote: Option<char>,
}

impl Line {
    /// A line of words that the shell has parsed already.
    pub(super) fn of_words(words: &[&str]) -> Option<Self> {
        let (word, before) = words.split_last()?;
        Some(Self {
            before: before.iter().map(|&word| word.to_owned()).collect(),
            word: (*word).to_owned(),
            opened: Opened::default(),
        })
    }

    /// Whether an argument `--` came before the word: what follows it is no flag.
    pub(super) fn is_escaped(&self) -> bool {
        self.before.iter().any(|word| word == "--")
    }
}
