//! The table that the tests print.

use std::{collections::BTreeMap, fmt};

use super::kill::Recovered;

/// Points and results, counted.
pub struct Table {
    heading: String,
    rows: Vec<(String, Row)>,
    broken: Vec<String>,
}

#[derive(Default)]
struct Row {
    points: usize,
    recovered: BTreeMap<Recovered, usize>,
}

impl Row {
    fn recovered(&self) -> usize {
        self.recovered.values().sum()
    }

    fn count(&self, how: Recovered) -> usize {
        self.recovered.get(&how).copied().unwrap_or_default()
    }

    /// How those ended that were not killed.
    fn remarks(&self) -> String {
        let remarks: Vec<_> = [
            (Recovered::ByItself, "by itself"),
            (Recovered::ByResume, "by resume"),
            (Recovered::TurnedBack, "turned back"),
        ]
        .into_iter()
        .map(|(how, words)| (self.count(how), words))
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
        if remarks.is_empty() { String::new() } else { format!(": {}", remarks.join(", ")) }
    }
}

impl Table {
    /// An empty one, with the heading of its first columns.
    pub fn new(heading: String) -> Self {
        Self { heading, rows: Vec::new(), broken: Vec::new() }
    }

    /// Counts a point in its row, whose first columns are `name`: a new one if there is none.
    pub fn add(&mut self, name: String, point: &dyn fmt::Display, result: &Result<Recovered, String>) {
        let known = self.rows.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            self.rows.push((name, Row::default()));
            self.rows.len() - 1
        });
        let row = &mut self.rows[known].1;
        row.points += 1;
        match result {
            Ok(recovered) => *row.recovered.entry(*recovered).or_default() += 1,
            Err(why) => self.broken.push(format!("{point}: {why}")),
        }
    }

    /// How many points did not end well.
    pub fn broken(&self) -> usize {
        self.broken.len()
    }

    /// How many points there are.
    pub fn points(&self) -> usize {
        self.rows.iter().map(|(_, row)| row.points).sum()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { heading, rows, broken } = self;
        writeln!(f, "{heading} {:>6} {:>9} {:>12}  result", "points", "recovered", "killed twice")?;
        let mut total = [0; 3];
        for (name, row) in rows {
            let figures = [row.points, row.recovered(), row.count(Recovered::KilledTwice)];
            let [points, recovered, killed_twice] = figures;
            let result = if recovered == points { "ok" } else { "BROKEN" };
            let remarks = row.remarks();
            writeln!(f, "{name} {points:>6} {recovered:>9} {killed_twice:>12}  {result}{remarks}")?;
            for (sum, figure) in total.iter_mut().zip(figures) {
                *sum += figure;
            }
        }
        let [points, recovered, killed_twice] = total;
        let width = heading.len();
        writeln!(f, "{:<width$} {points:>6} {recovered:>9} {killed_twice:>12}", "total")?;
        broken.iter().try_for_each(|broken| writeln!(f, "\nBROKEN {broken}"))
    }
}
