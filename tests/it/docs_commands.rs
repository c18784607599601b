//! Every command that the pages name, in a sentence, a table or a script that is not run there, exists
//! and has the flags that it is shown with.

use super::docs::{blocks, pages};
use crate::support::TestEnv;

/// The words of each `meshagent …` in a piece of shell, as far as they are the command's own.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for part in text.split(['|', ';', '\n']).flat_map(|part| part.split("&&")) {
        // The last one: before it may stand who runs it, which may be a user of that name.
        let Some(start) = part.rfind("meshagent ") else {
            continue;
        };
        let before = part[..start].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '-' | '.' | '_')) {
            continue;
        }
        // What is left over of a quote or of `$(…)` around the command is no part of it.
        let whole = part[start..].trim_end_matches([')', '\\', ' ']);
        let words = shlex::split(whole)
            .or_else(|| shlex::split(whole.trim_end_matches([')', '\'', '"'])))
            .unwrap_or_else(|| panic!("{part}"));
        let own = words
            .into_iter()
            .take_while(|word| !word.starts_with(['<', '>']) && word != "--" && word != "&" && word != "||")
            .filter(|word| word != "…");
        found.push(own.collect());
    }
    found
}

/// The spans of code in a page's text.
fn spans(page: &str) -> Vec<&str> {
    let mut in_block = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

#[test]
fn every_command_that_is_named_exists() {
    let env = TestEnv::new();
    let mut checked = 0;
    for (path, page) in pages() {
        let mut texts: Vec<String> = spans(&page)
            .into_iter()
            .filter(|span| span.starts_with("meshagent ") && !span.contains("\\|"))
            .map(str::to_owned)
            .collect();
        for kind in ["sh", "yaml"] {
            for block in blocks(&page, kind) {
                let lines: Vec<&str> = block.into_iter().map(|(_, line)| line).collect();
                texts.push(lines.join("\n").replace("\\\n", " "));
            }
        }
        for words in texts.iter().flat_map(|text| commands(text)) {
            // What is missing is not asked for where help is, but what is unknown is found first.
            let ran = env.call(&words[1..]).arg("--help").run();
            assert!(
                ran.status.success(),
                "{}: {}: {}",
                path.display(),
                words.join(" "),
                ran.err()
            );
            checked += 1;
        }
    }
    assert!(checked > 30, "{checked}");
}
