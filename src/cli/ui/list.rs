//! Lists: a table for people, JSON for programs.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Ui;
use super::text::escape_name;

/// In which form a list is shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListFormatArgs {
    /// Form of the list; a table on a terminal, JSON otherwise
    #[arg(long, value_enum, value_name = "FORMAT")]
    output: Option<ListFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    Table,
    Json,
}

impl ListFormatArgs {
    /// Shows `items`: as JSON they are what they are; in a table each is the cells that `row` makes of it, under
    /// `header`, of which the first is never cut; columns but the first that are empty are left out. `empty` is printed
    /// where there would be no row.
    pub(in crate::cli) async fn show<T: Serialize, const N: usize>(
        &self,
        ui: &Ui,
        items: &[T],
        header: [&str; N],
        row: impl Fn(&T) -> [String; N],
        empty: &str,
    ) -> anyhow::Result<()> {
        if !self.is_table(ui) {
            return ui.answer_line(&serde_json::to_string_pretty(items)?).await;
        }
        if items.is_empty() {
            ui.note(empty);
            return Ok(());
        }
        let rows: Vec<[String; N]> = items
            .iter()
            .map(|item| row(item).map(|cell| escape_name(&cell)))
            .collect();
        let is_full = |column: usize| {
            column == 0
                || rows
                    .iter()
                    .any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()))
        };
        let shown: Vec<bool> = (0..N).map(is_full).collect();
        let header = header.map(str::to_owned);
        let lines = std::iter::once(header).chain(rows).map(|cells| {
            let cells = cells.into_iter().zip(&shown);
            cells.filter_map(|(cell, shown)| shown.then_some(cell)).collect()
        });
        ui.answer_table(&lines.collect::<Vec<_>>(), 0).await
    }

    /// Whether a table is wanted.
    pub(in crate::cli) fn is_table(&self, ui: &Ui) -> bool {
        match self.output {
            None => ui.answers_to_terminal(),
            Some(format) => format == ListFormat::Table,
        }
    }
}
