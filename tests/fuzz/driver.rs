//! Fuzz targets for everything that reads what others wrote.
//!
//! `tests/fuzz/MODULE.rs` is the module `fuzz` of `src/MODULE`, so that a target reaches decoders that are
//! private. Each target starts from inputs that are valid and edits them at random. `cargo nextest run`
//! gives each a third of a second, `tests/run fuzz` two seconds, and `tests/fuzz/run` as long as wanted, with
//! libFuzzer, whose inputs follow the code that they reach.
//!
//! An input that fails is shown, in its shortest form. It becomes one of the target's seeds, so that it is
//! tried in every run from then on.

use std::fmt::{Debug, Display};

use bolero::{Driver, TypeGenerator, ValueGenerator, produce};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most edits of one input.
const MAX_EDITS: usize = 6;

/// What stands for a secret in the seeds.
pub(crate) const CANARY: &str = "canary";

/// Characters that mean something in one format or another.
const TOKENS: &[&str] = &[
    "\0",
    "\n",
    "\r\n",
    "\t",
    " ",
    "\"",
    "'",
    "\\",
    "=",
    "#",
    "$",
    "`",
    "{",
    "}",
    "{{",
    "}}",
    "[",
    "]",
    "<",
    ">",
    "%",
    "%00",
    "&",
    "?",
    ":",
    "//",
    "@",
    ".",
    "..",
    ",",
    ";",
    "-",
    "_",
    "*",
    "**",
    "+",
    "~",
    "|",
    "0",
    "-1",
    "1e999",
    "18446744073709551616",
    "null",
    "true",
    "é",
    "\u{feff}",
    "\u{1b}[2J",
    "\u{202e}",
];

/// A change to an input. Positions and lengths wrap around.
#[derive(Debug, TypeGenerator)]
enum Edit {
    Flip {
        at: u16,
        bit: u8,
    },
    Replace {
        at: u16,
        byte: u8,
    },
    Insert {
        at: u16,
        bytes: Vec<u8>,
    },
    Token {
        at: u16,
        token: u8,
    },
    Remove {
        at: u16,
        length: u8,
    },
    Repeat {
        at: u16,
        length: u8,
        times: u8,
    },
    Splice {
        at: u16,
        seed: u8,
        from: u16,
        length: u8,
    },
    Truncate {
        at: u16,
    },
}

impl Edit {
    fn apply(self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let place = |at: u16| usize::from(at) % (input.len() + 1);
        match self {
            Self::Flip { at, bit } => {
                if let Some(byte) = input.get_mut(usize::from(at)) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Replace { at, byte } => {
                if let Some(found) = input.get_mut(usize::from(at)) {
                    *found = byte;
                }
            }
            Self::Insert { at, bytes } => insert(input, place(at), &bytes),
            Self::Token { at, token } => {
                let token = TOKENS[usize::from(token) % TOKENS.len()];
                insert(input, place(at), token.as_bytes());
            }
            Self::Remove { at, length } => {
                let at = place(at);
                input.drain(at..input.len().min(at + usize::from(length)));
            }
            Self::Repeat { at, length, times } => {
                let at = place(at);
                let piece = piece(input, at, length).repeat(usize::from(times));
                insert(input, at, &piece);
            }
            Self::Splice {
                at,
                seed,
                from,
                length,
            } => {
                let seed = &seeds[usize::from(seed) % seeds.len()];
                let piece = piece(seed, usize::from(from) % (seed.len() + 1), length).to_vec();
                insert(input, place(at), &piece);
            }
            Self::Truncate { at } => input.truncate(place(at)),
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    input.splice(at..at, bytes.iter().copied());
}

fn piece(bytes: &[u8], at: usize, length: u8) -> &[u8] {
    &bytes[at..bytes.len().min(at + usize::from(length))]
}

/// The seeds as they are, and edited.
#[derive(Debug)]
pub(crate) struct Edited {
    seeds: Vec<Vec<u8>>,
}

impl Edited {
    pub(crate) fn new<T: AsRef<[u8]>>(seeds: impl IntoIterator<Item = T>) -> Self {
        let seeds: Vec<_> = seeds.into_iter().map(|seed| seed.as_ref().to_vec()).collect();
        assert!(!seeds.is_empty(), "a target needs a seed");
        Self { seeds }
    }
}

impl ValueGenerator for Edited {
    type Output = Vec<u8>;

    fn generate<D: Driver>(&self, driver: &mut D) -> Option<Vec<u8>> {
        let seed = (0..self.seeds.len()).generate(driver)?;
        let edits = produce::<Vec<Edit>>()
            .with()
            .len(0..=MAX_EDITS)
            .generate(driver)?;
        let mut input = self.seeds[seed].clone();
        for edit in edits {
            edit.apply(&mut input, &self.seeds);
        }
        Some(input)
    }
}

/// Runs a target: a function of a `&[u8]` that panics where the decoder is wrong.
macro_rules! check {
    ($seeds:expr, $target:expr) => {{
        let target: fn(&[u8]) = $target;
        bolero::check!()
            .with_test_time(std::time::Duration::from_millis(300))
            .with_generator($crate::fuzz::Edited::new($seeds))
            .for_each(|input: &Vec<u8>| target(input));
    }};
}
pub(crate) use check;

/// Runs a target on text: a function of a `&str`.
macro_rules! check_text {
    ($seeds:expr, $target:expr) => {
        $crate::fuzz::check!($seeds, |input| {
            let target: fn(&str) = $target;
            target(&String::from_utf8_lossy(input));
        })
    };
}
pub(crate) use check_text;

/// Fails if an error shows the secret of a seed.
#[track_caller]
pub(crate) fn hides(error: &(impl Display + Debug)) {
    debug_hides(error);
    assert!(!error.to_string().contains(CANARY), "{error}");
}

/// Fails if `Debug` shows the secret of a seed.
#[track_caller]
pub(crate) fn debug_hides(value: &impl Debug) {
    let shown = format!("{value:?} {value:#?}");
    assert!(!shown.contains(CANARY), "{shown}");
}

/// Reads JSON as `T`. What was read must come back the same when it is written and read once more.
#[track_caller]
pub(crate) fn json<T: Serialize + DeserializeOwned>(input: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(input).ok()?;
    let written = serde_json::to_vec(&value).unwrap();
    let again: T = serde_json::from_slice(&written).unwrap();
    assert_eq!(
        serde_json::to_value(&value).unwrap(),
        serde_json::to_value(again).unwrap()
    );
    Some(value)
}
