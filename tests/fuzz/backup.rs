//! Backups, as somebody may have changed them.

use std::io::{Read, Write};

use super::container::{ContainerReader, ContainerWriter};
use super::manifest::Manifest;
use crate::fuzz::check;

/// No edit of a container gives out anything but a start of the content, and no edit is taken for the whole.
#[test]
fn container() {
    let mut seed = Vec::new();
    let mut writer = ContainerWriter::new(&mut seed, None).unwrap();
    writer.write_all(b"the content of a backup").unwrap();
    writer.finish().unwrap();
    check!([seed], |input| {
        let Ok(mut reader) = ContainerReader::new(input, None) else {
            return;
        };
        let mut content = Vec::new();
        if reader.read_to_end(&mut content).is_ok() {
            assert_eq!(content, b"the content of a backup");
        }
    });
}

/// What is read comes back the same when it is written.
#[test]
fn manifest() {
    let json = r#"{"program_version":"0.1.0","created_at":1,"database_format":2,"database_id":"00","commits":1,
        "secrets":{"stored":1,"oauth":18446744073709551615},"database_bytes":1,"database_sha256":"00","includes_key":true}"#;
    let seed = [
        u32::try_from(json.len()).unwrap().to_be_bytes().as_slice(),
        json.as_bytes(),
    ]
    .concat();
    check!([seed], |input| {
        if let Ok(manifest) = Manifest::read(&mut &*input) {
            manifest.secret_count();
            let again = manifest.to_bytes().unwrap();
            assert_eq!(Manifest::read(&mut again.as_slice()).unwrap(), manifest);
        }
    });
}
