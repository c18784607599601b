//! The rules file of `provide`.

use std::path::Path;

use super::super::pattern::Pattern;
use super::{parse, position};
use crate::fuzz::check_text;
use crate::settings::Environment;

#[test]
fn rules_file() {
    let seeds = [
        "[[rule]]\nurl = \"https://*.example/**\"\ntype = \"t\"\nrequester = [\"ada\", \"bob\"]\ngive = \"env:SET\"\n",
        "[[rule]]\nurl = 'u'\ncommand = [\"pass\", \"show\", \"x\"]\ntimeout = \"90s\"\nstrip_newline = true\n",
        "[[rule]]\nkind = \"oauth\"\nclient_id = \"c\"\nhost = \"h\"\nauthorize = true\n[[rule]]\nask = true\n",
        "[[rule]]\nreject = \"no\"\n",
    ];
    check_text!(seeds, |text| {
        let environment = Environment::from_pairs([("SET", "x")]);
        if let Err(mistake) = parse(text, Path::new("/nowhere"), &environment) {
            assert!(mistake.at.start <= text.len(), "{mistake:?}");
            let (line, column) = position(text, mistake.at.start);
            assert!(
                line <= text.matches('\n').count() + 1 && column > 0,
                "{mistake:?}"
            );
            assert!(
                !mistake.what.is_empty() && !mistake.what.contains('\n'),
                "{mistake:?}"
            );
        }
    });
}

/// A pattern and a text, with a newline between them.
#[test]
fn pattern() {
    check_text!(
        [
            "https://*.example/**\nhttps://a.example/b/c",
            "a?[b]\na?[b]",
            "**\n"
        ],
        |input| {
            let Some((pattern, text)) = input.split_once('\n') else {
                return;
            };
            let Ok(parsed) = pattern.parse::<Pattern>() else {
                return;
            };
            let matches = parsed.matches(text);
            if !pattern.contains('*') {
                assert_eq!(matches, pattern == text);
            }
            let (start, end) = (pattern.split('*').next(), pattern.rsplit('*').next());
            let fits = text.starts_with(start.unwrap_or_default()) && text.ends_with(end.unwrap_or_default());
            assert!(fits || !matches);
        }
    );
}
