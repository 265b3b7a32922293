//! Tables without lines: columns that line up.

use std::io::IsTerminal;

use comfy_table::{Attribute, Cell, Color, ContentArrangement, presets};

use crate::look::layout::{visible, width};

/// What ends a colour.
const RESET: &str = "\u{1b}[0m";

/// A table under construction.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// With these headings.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        // Colours are taken out when the text is written, if they do not belong there.
        table.enforce_styling();
        if std::io::stdout().is_terminal() {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(u16::try_from(width()).unwrap_or(u16::MAX));
        }
        table.set_header(headings.iter().map(|heading| Cell::new(heading).add_attribute(Attribute::Bold)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Self(table)
    }

    /// Adds a row; `urgent` colours its first two cells.
    pub(crate) fn row(&mut self, cells: &[String], urgency: Urgency) {
        let row = cells.iter().enumerate().map(|(column, text)| {
            let cell = Cell::new(visible(text));
            match urgency {
                Urgency::Act if column == 1 => cell.fg(Color::Red),
                Urgency::Look if column == 1 => cell.fg(Color::Yellow),
                Urgency::Fine if column == 1 => cell.fg(Color::Green),
                Urgency::Act | Urgency::Look | Urgency::Fine | Urgency::None => cell,
            }
        });
        self.0.add_row(row);
    }
}

/// How the second cell of a row is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// A person should act.
    Act,
    /// A person should look.
    Look,
    /// All is well.
    Fine,
    /// It has no colour.
    None,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in self.0.lines() {
            // Spaces that fill the last column, with or without a colour around them.
            match line.strip_suffix(RESET) {
                Some(coloured) => writeln!(f, "{}{RESET}", coloured.trim_end())?,
                None => writeln!(f, "{}", line.trim_end())?,
            }
        }
        Ok(())
    }
}
