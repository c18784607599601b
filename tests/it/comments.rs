//! Comments of the source.

use std::fs;
use std::path::{Path, PathBuf};

/// A comment that names the source of a rule names a section that is there.
#[test]
fn comments_name_sections_of_the_protocol_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    let sections: Vec<&str> = page
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#').trim()))
        .collect();
    let mut named = 0;
    for file in sources(&root.join("src")) {
        // A comment may break a line inside of a reference.
        let text = fs::read_to_string(&file).unwrap();
        let lines = text
            .lines()
            .map(|line| line.trim_start().trim_start_matches(['/', '!']));
        let text: String = lines.collect();
        for reference in text.split("(protocol, ").skip(1) {
            let (reference, _) = reference.split_once(')').unwrap();
            for section in reference.split('"').skip(1).step_by(2) {
                assert!(sections.contains(&section), "{}: {section}", file.display());
                named += 1;
            }
        }
    }
    assert!(named > 20, "{named}");
}

fn sources(directory: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .collect()
}
