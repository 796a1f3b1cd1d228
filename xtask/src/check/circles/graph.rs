//! Circles in a graph of imports.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A file imports another one, first in this line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Import {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) line: usize,
}

/// The shortest circle through each file that is part of one, each circle once.
pub(super) fn circles(imports: &[Import]) -> Vec<Vec<Import>> {
    let mut by_file: BTreeMap<usize, Vec<Import>> = BTreeMap::new();
    for import in imports {
        by_file.entry(import.from).or_default().push(*import);
    }
    let mut known = BTreeSet::new();
    let mut circles = Vec::new();
    for file in by_file.keys() {
        let Some(circle) = shortest(&by_file, *file) else { continue };
        let files: BTreeSet<usize> = circle.iter().map(|import| import.from).collect();
        if known.insert(files) {
            circles.push(circle);
        }
    }
    circles
}

/// The shortest way from a file back to itself.
fn shortest(by_file: &BTreeMap<usize, Vec<Import>>, start: usize) -> Option<Vec<Import>> {
    let mut came_by: BTreeMap<usize, Import> = BTreeMap::new();
    let mut todo = VecDeque::from([start]);
    while let Some(file) = todo.pop_front() {
        for import in by_file.get(&file).into_iter().flatten() {
            if came_by.contains_key(&import.to) {
                continue;
            }
            came_by.insert(import.to, *import);
            if import.to == start {
                return Some(way_back(&came_by, start));
            }
            todo.push_back(import.to);
        }
    }
    None
}

fn way_back(came_by: &BTreeMap<usize, Import>, start: usize) -> Vec<Import> {
    let mut way = Vec::new();
    let mut file = start;
    while let Some(import) = came_by.get(&file) {
        way.push(*import);
        file = import.from;
        if file == start {
            break;
        }
    }
    way.reverse();
    way
}
