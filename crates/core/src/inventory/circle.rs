//! Circles among dependencies.

use crate::inventory::model::SecretEntry;

/// One secret of each circle among `secrets`, with the way round it, as positions. `dependencies` gives the positions
/// that an entry depends on.
pub(super) fn circles(
    secrets: &[SecretEntry],
    dependencies: impl Fn(usize) -> Vec<usize>,
) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnPath,
        Done,
    }
    let mut marks = vec![Mark::New; secrets.len()];
    let mut circles = Vec::new();
    for start in 0..secrets.len() {
        if marks[start] != Mark::New || secrets[start].depends_on.is_empty() {
            continue;
        }
        // A path of positions, each with those of its dependencies that are still to be followed: no recursion, for
        // a chain may be as long as the inventory.
        let mut path = vec![(start, dependencies(start))];
        marks[start] = Mark::OnPath;
        while let Some((position, left)) = path.last_mut() {
            let position = *position;
            let Some(next) = left.pop() else {
                marks[position] = Mark::Done;
                path.pop();
                continue;
            };
            match marks[next] {
                Mark::New => {
                    marks[next] = Mark::OnPath;
                    path.push((next, dependencies(next)));
                }
                Mark::OnPath => {
                    let from = path.iter().position(|(other, _)| *other == next).unwrap_or(0);
                    circles.push(path[from..].iter().map(|(position, _)| *position).collect());
                }
                Mark::Done => {}
            }
        }
    }
    circles
}
