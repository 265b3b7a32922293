//! The table that the test prints.

use std::{collections::BTreeMap, fmt};

use crate::{
    play::{Point, Recovered},
    server::Strategy,
    story::Story,
};

/// Points and results, counted.
pub(crate) struct Table {
    server: &'static str,
    rows: BTreeMap<(Strategy, Story), Row>,
    broken: Vec<String>,
}

#[derive(Default)]
struct Row {
    points: usize,
    recovered: usize,
    killed_twice: usize,
}

impl Table {
    pub(crate) fn new(server: &'static str, points: &[Point], results: &[Result<Recovered, String>]) -> Self {
        let mut table = Self { server, rows: BTreeMap::new(), broken: Vec::new() };
        for (point, result) in points.iter().zip(results) {
            let row = table.rows.entry((point.strategy, point.story)).or_default();
            row.points += 1;
            match result {
                Ok(recovered) => {
                    row.recovered += 1;
                    row.killed_twice += usize::from(*recovered == Recovered::KilledTwice);
                }
                Err(why) => table.broken.push(format!("{point}: {why}")),
            }
        }
        table
    }

    pub(crate) fn broken(&self) -> usize {
        self.broken.len()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, rows, broken } = self;
        writeln!(
            f,
            "{:<12} {:<12} {:<26} {:>6} {:>9} {:>12}  result",
            "server", "strategy", "flow", "points", "recovered", "killed twice"
        )?;
        let mut total = Row::default();
        for ((strategy, story), row) in rows {
            let Row { points, recovered, killed_twice } = row;
            let result = if recovered == points { "ok" } else { "BROKEN" };
            writeln!(
                f,
                "{server:<12} {strategy:<12} {story:<26} {points:>6} {recovered:>9} {killed_twice:>12}  {result}"
            )?;
            total.points += points;
            total.recovered += recovered;
            total.killed_twice += killed_twice;
        }
        let Row { points, recovered, killed_twice } = total;
        writeln!(f, "{:<52} {points:>6} {recovered:>9} {killed_twice:>12}", "total")?;
        broken.iter().try_for_each(|broken| writeln!(f, "\nBROKEN {broken}"))
    }
}
