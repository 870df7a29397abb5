//! The order of terms, as the runtime compares them: keys of a small map are written in it.

use std::cmp::Ordering;

use crate::resolve::preset::term::Term;
use crate::resolve::preset::term::number::Number;

/// The order of terms: number, atom, tuple, map, nil, list, binary.
pub(super) fn order(one: &Term, other: &Term) -> Ordering {
    fn rank(term: &Term) -> u8 {
        match term {
            Term::Number(_) => 0,
            Term::Atom(_) => 1,
            Term::Tuple(_) => 2,
            Term::Map(_) => 3,
            Term::Text(text) if text.is_empty() => 4,
            Term::List(all, None) if all.is_empty() => 4,
            Term::Text(_) | Term::List(..) => 5,
            Term::Binary(_) => 6,
        }
    }
    match (one, other) {
        (Term::Number(one), Term::Number(other)) => numbers(one, other),
        (Term::Atom(one), Term::Atom(other)) => one.cmp(other),
        (Term::Binary(one), Term::Binary(other)) => one.cmp(other),
        (Term::Text(one), Term::Text(other)) => one.chars().cmp(other.chars()),
        (Term::Tuple(one), Term::Tuple(other)) => {
            let each = || one.iter().zip(other).map(|(one, other)| order(one, other));
            one.len().cmp(&other.len()).then_with(|| each().find(|order| order.is_ne()).unwrap_or(Ordering::Equal))
        }
        // Lists as keys are not met; they keep an order all the same.
        _ => rank(one).cmp(&rank(other)).then_with(|| one.to_string().cmp(&other.to_string())),
    }
}

fn numbers(one: &str, other: &str) -> Ordering {
    let value = |text: &str| Number::parse(text);
    match (value(one), value(other)) {
        (Some(one), Some(other)) => match (one.small(), other.small()) {
            (Some(one), Some(other)) => one.cmp(&other),
            _ => one.text().cmp(&other.text()),
        },
        _ => one.cmp(other),
    }
}
