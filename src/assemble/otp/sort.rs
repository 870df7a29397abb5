//! The order in which applications are loaded and started.
//!
//! Enters: the applications in the order of the `.rel` file. Leaves: the same, each behind all that it uses and includes; what
//! does not depend on each other stays as it was. The order is that of `systools`, so that boot files come out the same.

use std::collections::{BTreeMap, VecDeque};

/// What the order of an application depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// What must be started before it.
    pub uses: Vec<String>,
    /// What it starts by itself.
    pub includes: Vec<String>,
}

/// An application that uses one which is included elsewhere has to wait for the one at the top, which starts it. One that is
/// included below the same top does not wait for it.
pub fn wait_for_tops(nodes: &mut [Node]) {
    let mut included_in: BTreeMap<String, String> = BTreeMap::new();
    for node in nodes.iter() {
        for included in &node.includes {
            included_in.entry(included.clone()).or_insert_with(|| node.name.clone());
        }
    }
    let top_of = |name: &str| {
        let mut top = name;
        // No chain is longer than there are applications, unless it goes in a circle.
        for _ in 0..included_in.len() {
            let Some(next) = included_in.get(top) else { break };
            top = next;
        }
        top.to_owned()
    };
    for node in nodes.iter_mut() {
        let own = top_of(&node.name);
        for used in node.uses.clone() {
            if used == own {
                remove(&mut node.uses, &used);
                continue;
            }
            if !included_in.contains_key(&used) {
                continue;
            }
            let top = top_of(&used);
            if node.uses.contains(&top) {
                remove(&mut node.uses, &used);
            } else if top != own {
                remove(&mut node.uses, &used);
                node.uses.push(top);
            }
        }
    }
}

fn remove(names: &mut Vec<String>, name: &str) {
    if let Some(at) = names.iter().position(|other| other == name) {
        names.remove(at);
    }
}

/// Puts what each uses and includes into the order of the applications; what is not among them comes last.
pub fn by_position(nodes: &mut [Node]) {
    let positions: BTreeMap<String, usize> =
        nodes.iter().enumerate().map(|(index, node)| (node.name.clone(), index)).collect();
    let position = |name: &String| positions.get(name).copied().unwrap_or(usize::MAX);
    for node in nodes.iter_mut() {
        node.uses.sort_by_key(position);
        node.includes.sort_by_key(position);
    }
}

/// Indexes of the nodes in the order of their start; or names of a circle.
///
/// # Errors
/// Applications that wait for each other.
pub fn started(nodes: &[Node]) -> Result<Vec<usize>, Vec<String>> {
    let mut waiting: VecDeque<usize> = (0..nodes.len()).collect();
    let (mut visited, mut sorted) = (vec![false; nodes.len()], Vec::new());
    while let Some(next) = waiting.pop_front() {
        let node = &nodes[next];
        let before: Vec<usize> = [&node.uses, &node.includes]
            .into_iter()
            .flat_map(|names| take(nodes, &node.name, names, &mut waiting))
            .collect();
        if before.is_empty() {
            sorted.push(next);
            visited[next] = true;
            continue;
        }
        if let Some(again) = before.iter().find(|index| visited[**index]) {
            return Err(circle(nodes, *again));
        }
        visited[next] = true;
        waiting.push_front(next);
        before.into_iter().rev().for_each(|index| waiting.push_front(index));
    }
    Ok(sorted)
}

/// Takes what is waiting of these names, but what includes the one that asks: it starts it anyway.
fn take(nodes: &[Node], asking: &str, names: &[String], waiting: &mut VecDeque<usize>) -> Vec<usize> {
    let found = names.iter().filter_map(|name| {
        let at = waiting.iter().position(|index| nodes[*index].name == *name)?;
        let includes_it = nodes[waiting[at]].includes.iter().any(|included| included == asking);
        if includes_it { None } else { waiting.remove(at) }
    });
    found.collect()
}

/// The names of a circle that an application is in, the first of them last again.
fn circle(nodes: &[Node], from: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = from;
    while !path.contains(&at) {
        path.push(at);
        let node = &nodes[at];
        let reaches = |name: &String| {
            let index = nodes.iter().position(|other| other.name == *name)?;
            let includes_it = nodes[index].includes.contains(&node.name);
            (!includes_it && leads_to(nodes, index, from)).then_some(index)
        };
        match node.uses.iter().chain(&node.includes).find_map(reaches) {
            Some(next) => at = next,
            None => break,
        }
    }
    let start = path.iter().position(|index| *index == at).unwrap_or_default();
    path[start..].iter().chain([&at]).map(|index| nodes[*index].name.clone()).collect()
}

/// Whether one waits for the other, were it for others in between.
fn leads_to(nodes: &[Node], from: usize, to: usize) -> bool {
    let mut seen = vec![false; nodes.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        let node = &nodes[at];
        let next = node.uses.iter().chain(&node.includes).filter_map(|name| nodes.iter().position(|n| n.name == *name));
        open.extend(next.filter(|index| !nodes[*index].includes.contains(&node.name)));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, uses: &[&str], includes: &[&str]) -> Node {
        let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Node { name: name.into(), uses: all(uses), includes: all(includes) }
    }

    fn order(mut nodes: Vec<Node>) -> Result<Vec<String>, Vec<String>> {
        wait_for_tops(&mut nodes);
        by_position(&mut nodes);
        started(&nodes).map(|all| all.into_iter().map(|index| nodes[index].name.clone()).collect())
    }

    #[test]
    fn what_is_used_comes_first_and_the_rest_stays() {
        let nodes = vec![node("a", &["c", "b"], &[]), node("b", &[], &[]), node("c", &["b"], &[]), node("d", &[], &[])];
        assert_eq!(order(nodes).unwrap(), ["b", "c", "a", "d"]);
    }

    #[test]
    fn who_uses_an_included_one_waits_for_the_top() {
        let nodes =
            vec![node("x", &["a"], &[]), node("t", &[], &["m"]), node("m", &["t"], &["a"]), node("a", &[], &[])];
        assert_eq!(order(nodes).unwrap(), ["a", "m", "t", "x"]);
    }

    #[test]
    fn a_circle_is_named() {
        let nodes =
            vec![node("k", &[], &[]), node("a", &["k", "b"], &[]), node("b", &["c"], &[]), node("c", &["a"], &[])];
        let found = order(nodes).unwrap_err();
        assert_eq!(found.first(), found.last());
        assert_eq!(found.len(), 4, "{found:?}");
    }
}
