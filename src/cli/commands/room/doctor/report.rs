//! What was found, in text and in JSON.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::error::Failure;
use crate::cli::ui::text::{count, escape_name};

/// How good or bad something that was found is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    /// It works, and may not go on like this.
    Warning,
    /// It does not work.
    Problem,
}

/// Something that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    /// The group and what was looked at, like `store.format`. Scripts find it by this.
    check: &'static str,
    level: Level,
    text: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// All that was found, in the order in which it was looked at.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    pub(super) fn ok(&mut self, check: &'static str, text: impl AsRef<str>) {
        self.add(check, Level::Ok, text.as_ref(), None);
    }

    pub(super) fn warning(&mut self, check: &'static str, text: impl AsRef<str>, hint: impl AsRef<str>) {
        self.add(check, Level::Warning, text.as_ref(), Some(hint.as_ref()));
    }

    pub(super) fn problem(&mut self, check: &'static str, text: impl AsRef<str>, hint: impl AsRef<str>) {
        self.add(check, Level::Problem, text.as_ref(), Some(hint.as_ref()));
    }

    /// A problem that a library's error tells of.
    pub(super) fn error(&mut self, check: &'static str, error: impl Into<anyhow::Error>) {
        let failure = Failure::of(&error.into());
        self.add(check, Level::Problem, &failure.message, failure.hint.as_deref());
    }

    fn add(&mut self, check: &'static str, level: Level, text: &str, hint: Option<&str>) {
        self.0.push(Finding {
            check,
            level,
            text: escape_name(text),
            hint: hint.map(escape_name),
        });
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|finding| finding.level == level).count()
    }

    pub(super) fn problems(&self) -> usize {
        self.count(Level::Problem)
    }

    /// A line for each finding, and one for what to do about it.
    pub(super) fn to_text(&self) -> String {
        let width = self.0.iter().map(|finding| finding.check.len()).max();
        let width = width.unwrap_or_default();
        let mut lines = Vec::new();
        for finding in &self.0 {
            let level = match finding.level {
                Level::Ok => "ok",
                Level::Warning => "warning",
                Level::Problem => "PROBLEM",
            };
            lines.push(format!("{level:<7}  {:<width$}  {}", finding.check, finding.text));
            if let Some(hint) = &finding.hint {
                lines.push(format!("{:<7}  {:<width$}  -> {hint}", "", ""));
            }
        }
        let problems = count(self.problems(), "problem");
        let warnings = count(self.count(Level::Warning), "warning");
        lines.push(format!("{problems}, {warnings}"));
        lines.join("\n")
    }

    pub(super) fn to_json(&self) -> Value {
        json!({
            "problems": self.problems(),
            "warnings": self.count(Level::Warning),
            "findings": self.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_a_line_for_each_finding_and_for_each_hint() {
        let mut report = Report::default();
        report.ok("a", "fine");
        report.warning("long.name", "old\n", "renew it");
        report.problem("b", "broken", "repair it");
        assert_eq!(
            report.to_text(),
            "ok       a          fine\n\
             warning  long.name  old\\u{a}\n                    -> renew it\n\
             PROBLEM  b          broken\n                    -> repair it\n\
             1 problem, 1 warning"
        );
        let json = report.to_json();
        assert_eq!(json["problems"], 1);
        assert_eq!(
            json["findings"][0],
            json!({"check": "a", "level": "ok", "text": "fine"})
        );
        assert_eq!(json["findings"][2]["hint"], "repair it");
    }
}
