//! Headings with labelled lines below them, wrapped to the width of the terminal.

use std::{borrow::Cow, fmt::Write, io::IsTerminal};

use keywheel::core::plan::Paragraph;
use owo_colors::OwoColorize;
use textwrap::WordSplitter;

/// Beyond this the eye loses the line.
const WIDEST: usize = 110;

/// What a file or a pipe gets: it has no width.
const WITHOUT_TERMINAL: usize = 100;

/// Columns that text may fill.
pub(super) fn width() -> usize {
    if std::io::stdout().is_terminal() || std::io::stderr().is_terminal() {
        textwrap::termwidth().min(WIDEST)
    } else {
        WITHOUT_TERMINAL
    }
}

/// Paragraphs with an empty line between them, all labels in one column.
pub(crate) fn paragraphs(paragraphs: &[Paragraph]) -> String {
    let labels = paragraphs
        .iter()
        .flat_map(|paragraph| &paragraph.lines)
        .map(|(label, _)| label.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for each in paragraphs {
        let _ = writeln!(text, "{}", each.heading.bold());
        lines(&mut text, &each.lines, 2, labels);
        text.push('\n');
    }
    text
}

/// One heading with lines below it.
pub(crate) fn paragraph(heading: &str, lines: &[(&'static str, String)]) -> String {
    paragraphs(&[Paragraph { heading: heading.to_owned(), lines: lines.to_vec() }])
}

/// A heading with times down the left.
pub(crate) fn timeline(heading: &str, of: &[(String, String)]) -> String {
    let mut text = format!("{}\n", heading.bold());
    for (time, words) in of {
        let room = width().saturating_sub(time.len() + 4).max(30);
        for (number, line) in wrapped(words, room).into_iter().enumerate() {
            let time = if number == 0 {
                format!("{:width$}", time, width = time.len())
            } else {
                " ".repeat(time.len())
            };
            let _ = writeln!(text, "  {}  {line}", time.dimmed());
        }
    }
    text
}

/// Labelled lines without a heading.
pub(crate) fn labelled(of: &[(&'static str, String)], indent: usize) -> String {
    groups(std::slice::from_ref(&of), indent)
}

/// Groups of labelled lines, all labels in one column.
pub(crate) fn groups(of: &[impl AsRef<[(&'static str, String)]>], indent: usize) -> String {
    let all = of.iter().flat_map(AsRef::as_ref);
    let labels = all.map(|(label, _)| label.len()).max().unwrap_or(0);
    let mut text = String::new();
    for group in of {
        lines(&mut text, group.as_ref(), indent, labels);
    }
    text
}

fn lines(text: &mut String, of: &[(&'static str, String)], indent: usize, labels: usize) {
    let start = indent + labels + 2;
    let room = width().saturating_sub(start).max(30);
    let mut before = "";
    for (label, words) in of {
        // A label that repeats the one above says nothing new.
        let shown = if *label == before { "" } else { label };
        before = label;
        for (number, line) in wrapped(words, room).into_iter().enumerate() {
            let label = if number == 0 { shown } else { "" };
            let _ = writeln!(text, "{:indent$}{}  {line}", "", painted(label, labels));
        }
    }
}

/// The label, padded to `width` before it is coloured: colour codes have no width.
fn painted(label: &str, width: usize) -> String {
    let padded = format!("{label:width$}");
    match label {
        "error" => padded.red().bold().to_string(),
        "mind" | "warning" => padded.yellow().to_string(),
        "next" | "you" => padded.cyan().to_string(),
        _ => padded.dimmed().to_string(),
    }
}

/// Lines of at most `room` columns. Names are not cut at their hyphens: people copy them.
fn wrapped(words: &str, room: usize) -> Vec<String> {
    let options = textwrap::Options::new(room).word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(&visible(words), options).into_iter().map(Cow::into_owned).collect()
}

/// Text from providers and files could move the cursor or recolour the terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .map(
            |letter| if letter.is_control() && letter != '\n' { char::REPLACEMENT_CHARACTER } else { letter },
        )
        .collect()
}
