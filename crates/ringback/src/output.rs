//! What commands print on stdout: data, flushed line by line. Everything else goes to stderr.
//!
//! Names, answers and errors come from others – companies, receivers, services. What is printed for people cannot steer the
//! terminal, whoever wrote it: control characters other than line ends are replaced here. Data for programs (JSON, CSV) is
//! printed as it is.

use std::fmt::Display;
use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::failure::Failure;

/// Prints a line.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    data(format_args!("{}\n", harmless(&text.to_string())))
}

/// Prints text that ends its lines itself.
pub(crate) fn text(text: impl Display) -> Result<(), Failure> {
    data(harmless(&text.to_string()))
}

/// Prints what is for programs, as it is; it ends its lines itself.
pub(crate) fn data(text: impl Display) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    write!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Prints a value as a line of JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::caused(&error))?;
    data(format_args!("{text}\n"))
}

/// Says something that is not data, on stderr. A closed stderr is no reason to stop working.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{}", harmless(&text.to_string()));
}

/// Prints rows under a header, in columns that are as wide as what is in them: a line per row, however long.
pub(crate) fn table(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Result<(), Failure> {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec())
        .add_rows(
            rows.into_iter()
                .map(|row| row.iter().map(|cell| one_line(cell)).collect::<Vec<_>>()),
        );
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    for row in table.lines() {
        line(row.trim_end())?;
    }
    Ok(())
}

/// Text without control characters other than line ends and tabs.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            c if c.is_control() => char::REPLACEMENT_CHARACTER,
            c => c,
        })
        .collect()
}

/// A cell without control characters: what a receiver answered must not move the cursor.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
