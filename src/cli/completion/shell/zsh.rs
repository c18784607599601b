//! zsh parses the words, and quotes what it puts onto the line.

use super::Dialect;
use crate::cli::completion::candidate::Candidate;
use crate::cli::completion::line::Line;

#[derive(Debug)]
pub(in crate::cli::completion) struct Zsh;

impl Dialect for Zsh {
    fn line(&self, asked: &[&str]) -> Option<Line> {
        Line::of_words(asked)
    }

    /// Lines `whole:VALUE:HELP`, or `part:…` where no space follows. In a value and a help that
    /// `_describe` takes apart, `:` and `\` are escaped.
    fn answer(&self, _line: &Line, candidates: &[Candidate]) -> Vec<String> {
        let line = |candidate: &Candidate| {
            let kind = if candidate.is_part { "part" } else { "whole" };
            let value = candidate.value.replace('\\', "\\\\").replace(':', "\\:");
            let help = candidate.help.replace('\\', "\\\\");
            format!("{kind}:{value}:{help}")
        };
        candidates.iter().map(line).collect()
    }
}
