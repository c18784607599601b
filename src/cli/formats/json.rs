//! Secrets as JSON: a list of objects with `id`, `type`, `name`, `delegated_to`, and the value as `value`
//! where it is text, else as `base64`. A plain object of names and texts is read too.

use std::fmt;
use std::io::Write;

use anyhow::Context as _;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as DeriveDeserialize, Serialize};
use serde_json::error::Category;

use super::Record;
use super::syntax::SyntaxError;
use crate::cli::ui::text::escape_name;
use crate::sensitive::{SecretValue, SensitiveText};
use crate::wire::{Identity, SecretId};

#[derive(Serialize)]
struct Written<'a> {
    id: &'a SecretId,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    secret_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delegated_to: Option<&'a Identity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<&'a str>,
}

/// The file; the same secrets give the same bytes.
pub(super) fn write(records: &[Record]) -> anyhow::Result<SecretValue> {
    let encoded: Vec<Option<SensitiveText>> = records.iter().map(|record| encode(&record.value)).collect();
    let written: Vec<Written<'_>> = records
        .iter()
        .zip(&encoded)
        .map(|(record, encoded)| Written {
            id: &record.id,
            secret_type: record.secret_type.as_deref(),
            name: record.name.as_deref(),
            delegated_to: record.delegated_to.as_ref(),
            value: as_text(&record.value),
            base64: encoded.as_ref().map(|text| text.expose().as_str()),
        })
        .collect();
    let mut file = SecretValue::default();
    serde_json::to_writer_pretty(&mut file, &written).context("the secrets cannot be written as JSON")?;
    file.write_all(b"\n")?;
    Ok(file)
}

/// A value that is text: UTF-8, and without NUL, which makes it binary for most readers.
fn as_text(value: &SecretValue) -> Option<&str> {
    let text = std::str::from_utf8(value.expose()).ok()?;
    (!text.contains('\0')).then_some(text)
}

/// A value that is no text, in base64.
fn encode(value: &SecretValue) -> Option<SensitiveText> {
    as_text(value)
        .is_none()
        .then(|| STANDARD.encode(value.expose()).into())
}

#[derive(DeriveDeserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    id: String,
    #[serde(rename = "type")]
    secret_type: Option<String>,
    name: Option<String>,
    delegated_to: Option<String>,
    value: Option<Text>,
    base64: Option<Text>,
}

struct Text(SensitiveText);

/// What is wrong with a value that is no [`Text`].
const NO_TEXT: &str = "a value must be text, in quotes";

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(TextVisitor)
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NO_TEXT)
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Text, E> {
        Ok(Text(SensitiveText::new(text)))
    }
}

/// The secrets of a file, or why it has none, without repeating any of it but ids.
pub(super) fn read(file: &[u8]) -> Result<Vec<Record>, String> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let Document(read) = serde_json::from_slice(file).map_err(|error| fault(&error).to_string())?;
    read.into_iter().map(record).collect()
}

/// What is wrong and where. The library's own message may hold what it read.
fn fault(error: &serde_json::Error) -> SyntaxError {
    SyntaxError {
        line: error.line(),
        column: error.column(),
        what: match error.classify() {
            Category::Eof => "the JSON ends too early",
            Category::Syntax | Category::Io => "this is not JSON",
            Category::Data if error.to_string().contains(NO_TEXT) => NO_TEXT,
            Category::Data => "this has no place in a list of secrets",
        },
    }
}

fn record(read: Read) -> Result<Record, String> {
    let shown = escape_name(&read.id);
    let of_this = |why: &str| format!("the secret `{shown}`: {why}");
    let id = SecretId::create(read.id.as_str())
        .map_err(|error| of_this(&format!("its id cannot be used: {error}")))?;
    let delegated_to = read.delegated_to.map(Identity::create).transpose();
    let delegated_to =
        delegated_to.map_err(|error| of_this(&format!("`delegated_to` cannot be used: {error}")))?;
    let value = match (read.value, read.base64) {
        (Some(Text(value)), None) => value.into_exposed().into_bytes(),
        (None, Some(Text(text))) => STANDARD
            .decode(text.expose())
            .map_err(|_| of_this("`base64` is not base64"))?,
        (None, None) => return Err(of_this("it has neither `value` nor `base64`")),
        (Some(_), Some(_)) => return Err(of_this("it has both `value` and `base64`")),
    };
    Ok(Record {
        id,
        secret_type: read.secret_type,
        name: read.name,
        delegated_to,
        value: value.into(),
    })
}

/// A list of secrets, or an object of ids and values.
struct Document(Vec<Read>);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of secrets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Document, A::Error> {
        let mut all = Vec::new();
        while let Some(read) = list.next_element()? {
            all.push(read);
        }
        Ok(Document(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Document, A::Error> {
        let mut all = Vec::new();
        while let Some((id, value)) = object.next_entry()? {
            all.push(Read {
                id,
                secret_type: None,
                name: None,
                delegated_to: None,
                value: Some(value),
                base64: None,
            });
        }
        Ok(Document(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: &str, value: &[u8]) -> Record {
        Record {
            id: SecretId::new(id).unwrap(),
            secret_type: Some("text/plain".to_owned()),
            name: Some("Name".to_owned()),
            delegated_to: None,
            value: value.to_vec().into(),
        }
    }

    #[test]
    fn any_value_comes_back() {
        let large = vec![b'x'; 1 << 20];
        let values: [&[u8]; 8] = [
            b"",
            b"a\nb",
            b"\"\\$'",
            b"\0",
            b"\xff\xfe",
            "🔑".as_bytes(),
            b" x ",
            &large,
        ];
        let mut records: Vec<Record> = values.iter().map(|value| record("db/pass word", value)).collect();
        records[0].delegated_to = Some(Identity::new("bob").unwrap());
        records[1].name = None;
        let file = write(&records).unwrap();
        let read = read(file.expose()).unwrap();
        assert_eq!(read.len(), records.len());
        for (read, written) in read.iter().zip(&records) {
            assert_eq!(read.value.expose(), written.value.expose());
            let others = |record: &Record| {
                let Record {
                    id,
                    secret_type,
                    name,
                    delegated_to,
                    ..
                } = record.clone();
                (id, secret_type, name, delegated_to)
            };
            assert_eq!(others(read), others(written));
        }
        let text = std::str::from_utf8(file.expose()).unwrap();
        assert!(
            text.contains(r#""base64": "//4=""#) && text.contains(r#""base64": "AA==""#),
            "{text:.400}"
        );
    }

    #[test]
    fn an_object_of_texts_is_read() {
        let read = read(br#"{"A": "1", "db/b": "x\ny"}"#).unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|record| (record.id.as_str(), record.value.expose().as_slice()))
            .collect();
        assert_eq!(read, [("A", &b"1"[..]), ("db/b", b"x\ny")]);
    }

    #[test]
    fn a_fault_has_its_place_and_shows_no_value() {
        for (file, place) in [
            (
                r#"[{"id": "a", "value": "canary""#,
                "line 1, column 30: the JSON ends too early",
            ),
            (
                "[\n{\"id\": \"a\", \"value\": canary}]",
                "line 2, column 22: this is not JSON",
            ),
            (
                r#"[{"id": "a", "value": 1}]"#,
                "line 1, column 23: a value must be text, in quotes",
            ),
            (r#"["canary"]"#, "line 1, column 9: this has no place"),
            (r#""canary""#, "line 1, column 8: this has no place"),
            (r#"[{"id": "a", "canary": 1}]"#, "this has no place"),
            (r#"{"A": {"canary": 1}}"#, "a value must be text, in quotes"),
            (
                r#"{"A": 31}"#,
                "line 1, column 8: a value must be text, in quotes",
            ),
            (r#"[{"id": 1}]"#, "this has no place"),
            (r#"[{"id": "a"}]"#, "the secret `a`: it has neither"),
            (
                r#"[{"id": "a", "value": "canary", "base64": "eA=="}]"#,
                "the secret `a`: it has both",
            ),
            (
                r#"[{"id": "a", "base64": "canary!"}]"#,
                "the secret `a`: `base64` is not base64",
            ),
            (
                r#"[{"id": "a\nb", "value": "canary"}]"#,
                "the secret `a\\u{a}b`: its id cannot be used",
            ),
            (
                r#"[{"id": "a", "value": "canary", "delegated_to": ""}]"#,
                "`delegated_to` cannot be used",
            ),
        ] {
            let error = read(file.as_bytes()).unwrap_err();
            assert!(
                error.contains(place) && !error.contains("canary"),
                "{file}: {error}"
            );
        }
    }
}
