//! YAML 1.2 as JSON: what the core schema makes of each value, on the lines where it was.
//!
//! JSON has its reader in the program already, and the faults that it finds name lines.

use std::collections::HashMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::{Number, Value};
use thiserror::Error;

/// The most bytes of JSON that a text becomes. Aliases repeat what they stand for: a few lines can mean gigabytes.
const MOST_BYTES: usize = 1 << 20;

/// A text that is no YAML, or says what JSON cannot.
#[derive(Debug, Error)]
#[error("{what}")]
pub(in crate::cli) struct YamlError {
    /// Where: the first line is 1.
    pub(in crate::cli) line: usize,
    what: String,
}

impl From<ScanError> for YamlError {
    fn from(error: ScanError) -> Self {
        Self {
            line: error.marker().line(),
            what: error.kind().to_string(),
        }
    }
}

/// The JSON of a YAML document. Each value begins on the line on which it did.
///
/// # Errors
/// If the text is no YAML, has more than one document, a tag, a key that is no scalar, or becomes more than 1 MiB.
pub(in crate::cli) fn to_json(yaml: &str) -> Result<String, YamlError> {
    let mut writer = Writer::default();
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event?;
        let line = span.start.line();
        writer.event(event, line).map_err(|what| YamlError {
            line,
            what: what.to_owned(),
        })?;
    }
    if writer.json.trim_ascii_start().is_empty() {
        writer.json.push_str("null");
    }
    Ok(writer.json)
}

/// A sequence or a mapping that has not ended.
#[derive(Debug)]
struct Open {
    is_mapping: bool,
    /// How many nodes it has so far; in a mapping keys count too.
    nodes: usize,
    anchor: usize,
    start: usize,
}

impl Open {
    /// Whether the next node is a key.
    const fn wants_key(&self) -> bool {
        self.is_mapping && self.nodes.is_multiple_of(2)
    }
}

#[derive(Debug, Default)]
struct Writer {
    json: String,
    lines: usize,
    documents: usize,
    open: Vec<Open>,
    /// Where in the JSON the nodes are that aliases can name.
    anchors: HashMap<usize, Range<usize>>,
}

impl Writer {
    fn event(&mut self, event: Event<'_>, line: usize) -> Result<(), &'static str> {
        match event {
            Event::DocumentStart(..) => {
                self.documents = self.documents.saturating_add(1);
                if self.documents > 1 {
                    return Err("a second document begins here; one is expected");
                }
            }
            Event::Scalar(text, style, anchor, tag) => {
                if tag.is_some() {
                    return Err("tags are not read");
                }
                let is_key = self.begin_node(line)?;
                let value = if is_key || style != ScalarStyle::Plain {
                    Value::String(text.into_owned())
                } else {
                    plain(&text)
                };
                let start = self.json.len();
                self.json.push_str(&value.to_string());
                self.end_node(anchor, start, is_key);
            }
            Event::SequenceStart(_, anchor, tag) => self.begin(false, anchor, tag.is_some(), line)?,
            Event::MappingStart(_, anchor, tag) => self.begin(true, anchor, tag.is_some(), line)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    self.json.push(if open.is_mapping { '}' } else { ']' });
                    self.end_node(open.anchor, open.start, false);
                }
            }
            Event::Alias(anchor) => {
                let is_key = self.begin_node(line)?;
                let node = self.anchors.get(&anchor).cloned();
                let Some(json) = node.and_then(|node| self.json.get(node)) else {
                    return Err("an alias of what has not ended");
                };
                if is_key && !json.starts_with('"') {
                    return Err("a key must be a text");
                }
                if self.json.len().saturating_add(json.len()) > MOST_BYTES {
                    return Err("its aliases make it too long");
                }
                // Inside of texts a line ends as `\n`: these are the line ends around values.
                let json = json.replace('\n', " ");
                self.json.push_str(&json);
                self.end_node(0, 0, is_key);
            }
            _ => {}
        }
        if self.json.len() > MOST_BYTES {
            return Err("it is too long");
        }
        Ok(())
    }

    fn begin(
        &mut self,
        is_mapping: bool,
        anchor: usize,
        is_tagged: bool,
        line: usize,
    ) -> Result<(), &'static str> {
        if is_tagged {
            return Err("tags are not read");
        }
        if self.begin_node(line)? {
            return Err("a key must be a text");
        }
        let start = self.json.len();
        self.json.push(if is_mapping { '{' } else { '[' });
        self.open.push(Open {
            is_mapping,
            nodes: 0,
            anchor,
            start,
        });
        Ok(())
    }

    /// Writes what stands before a node. Whether the node is a key of a mapping.
    fn begin_node(&mut self, line: usize) -> Result<bool, &'static str> {
        let mut is_key = false;
        if let Some(open) = self.open.last_mut() {
            is_key = open.wants_key();
            if open.nodes > 0 && (is_key || !open.is_mapping) {
                self.json.push(',');
            }
            open.nodes = open.nodes.saturating_add(1);
        }
        while self.lines.saturating_add(1) < line {
            self.json.push('\n');
            self.lines = self.lines.saturating_add(1);
        }
        if self.json.len() > MOST_BYTES {
            return Err("it is too long");
        }
        Ok(is_key)
    }

    fn end_node(&mut self, anchor: usize, start: usize, is_key: bool) {
        if anchor != 0 {
            self.anchors.insert(anchor, start..self.json.len());
        }
        if is_key {
            self.json.push(':');
        }
    }
}

/// What the core schema makes of a scalar without quotes (YAML 1.2.2, section 10.3.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let number = if let Some(digits) = text.strip_prefix("0x") {
        u64::from_str_radix(digits, 16).ok().map(Number::from)
    } else if let Some(digits) = text.strip_prefix("0o") {
        u64::from_str_radix(digits, 8).ok().map(Number::from)
    } else if let Ok(number) = text.parse::<i64>() {
        Some(Number::from(number))
    } else if text.ends_with(|last: char| last.is_ascii_digit() || last == '.') {
        // Rust reads `inf` and `nan` as numbers too.
        text.parse().ok().and_then(Number::from_f64)
    } else {
        None
    };
    number.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(yaml: &str) -> Value {
        serde_json::from_str(&to_json(yaml).unwrap()).unwrap()
    }

    fn refused(yaml: &str) -> (usize, String) {
        let error = to_json(yaml).unwrap_err();
        (error.line, error.to_string())
    }

    #[test]
    fn values_of_the_core_schema() {
        let yaml = "a: [1, -2, 0x1F, 0o17, 1.5, '1', \"x\\n\", yes, true, ~, 1e3, inf, 1.2.3]\nb:\n";
        let json = json!({
            "a": [1, -2, 31, 15, 1.5, "1", "x\n", "yes", true, null, 1000.0, "inf", "1.2.3"],
            "b": null,
        });
        assert_eq!(read(yaml), json);
        assert_eq!(
            read("--- # one\n- - a\n  - {}\n- |\n  two\n  lines\n"),
            json!([["a", {}], "two\nlines\n"])
        );
        assert_eq!(read("1: x\ntrue: y\n"), json!({"1": "x", "true": "y"}));
        assert_eq!(read(""), Value::Null);
        assert_eq!(read("# nothing\n"), Value::Null);
    }

    #[test]
    fn aliases_stand_for_what_they_name() {
        let yaml = "a: &a\n  - x\n  - &b y\nc: *a\nd: {*b : *b}\n";
        let json = json!({"a": ["x", "y"], "c": ["x", "y"], "d": {"y": "y"}});
        assert_eq!(read(yaml), json);
        let mut bomb = String::from("l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let below = format!("*l{}, ", level - 1).repeat(10);
            bomb = format!("{bomb}l{level}: &l{level} [{below}]\n");
        }
        assert_eq!(refused(&bomb).1, "its aliases make it too long");
    }

    #[test]
    fn values_stay_on_their_lines() {
        let json = to_json("a: 1\n\n# c\nb:\n  - x\n  - y: 'p\n      q'\nz: 0\n").unwrap();
        let line = |text: &str| json.lines().position(|line| line.contains(text));
        assert_eq!(line("\"b\""), Some(3));
        assert_eq!(line("\"x\""), Some(4));
        assert_eq!(line("\"z\""), Some(7));
    }

    #[test]
    fn what_is_refused_names_its_line() {
        assert_eq!(refused("a: 1\n---\nb: 2\n").0, 2);
        assert_eq!(refused("a: 1\nb: !!str 2\n"), (2, "tags are not read".to_owned()));
        assert_eq!(
            refused("a: 1\n? [b]\n: 2\n"),
            (2, "a key must be a text".to_owned())
        );
        assert_eq!(refused("a: 1\nb: [\n").0, 2);
        assert_eq!(
            refused("&a [*a]\n"),
            (1, "an alias of what has not ended".to_owned())
        );
        assert!(refused("a: b: c\n").0 == 1);
    }
}
