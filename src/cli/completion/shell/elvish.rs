//! Elvish parses the words, and quotes what it puts onto the line.

use super::Dialect;
use crate::cli::completion::candidate::Candidate;
use crate::cli::completion::line::Line;

#[derive(Debug)]
pub(in crate::cli::completion) struct Elvish;

impl Dialect for Elvish {
    fn line(&self, asked: &[&str]) -> Option<Line> {
        Line::of_words(asked)
    }

    fn answer(&self, _line: &Line, candidates: &[Candidate]) -> Vec<String> {
        candidates
            .iter()
            .map(|candidate| candidate.value.clone())
            .collect()
    }
}
