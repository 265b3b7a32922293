//! The table that the test prints.

use std::{collections::BTreeMap, fmt};

use crate::play::{Point, Recovered};

/// Points and results, counted.
pub(crate) struct Table {
    rows: Vec<(String, Row)>,
    broken: Vec<String>,
    points: usize,
}

#[derive(Default)]
struct Row {
    points: usize,
    recovered: usize,
    killed_twice: usize,
    by_place: BTreeMap<String, usize>,
}

impl Table {
    pub(crate) fn new(points: &[Point], results: &[Result<Recovered, String>]) -> Self {
        let mut rows: BTreeMap<(usize, usize), (String, Row)> = BTreeMap::new();
        let mut broken = Vec::new();
        for (point, result) in points.iter().zip(results) {
            let name = format!("{:<15} {:<26}", point.form, point.story);
            let (_, row) = rows
                .entry((point.form as usize, point.story as usize))
                .or_insert_with(|| (name, Row::default()));
            row.points += 1;
            *row.by_place.entry(point.at.clone()).or_default() += 1;
            match result {
                Ok(recovered) => {
                    row.recovered += 1;
                    row.killed_twice += usize::from(*recovered == Recovered::KilledTwice);
                }
                Err(why) => broken.push(format!("{point}: {why}")),
            }
        }
        Self { rows: rows.into_values().collect(), broken, points: points.len() }
    }

    pub(crate) fn broken(&self) -> usize {
        self.broken.len()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<15} {:<26} {:>6} {:>9} {:>12}  result",
            "secret", "flow", "points", "recovered", "killed twice"
        )?;
        for (name, row) in &self.rows {
            let result = if row.recovered == row.points { "ok" } else { "BROKEN" };
            writeln!(f, "{name} {:>6} {:>9} {:>12}  {result}", row.points, row.recovered, row.killed_twice)?;
        }
        let (recovered, twice) = self.rows.iter().fold((0, 0), |(recovered, twice), (_, row)| {
            (recovered + row.recovered, twice + row.killed_twice)
        });
        writeln!(f, "{:<42} {:>6} {recovered:>9} {twice:>12}", "total", self.points)?;
        for broken in &self.broken {
            writeln!(f, "\nBROKEN {broken}")?;
        }
        Ok(())
    }
}
