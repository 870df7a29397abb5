//! Terms that are put together.

use super::Term;

/// `name`
pub fn atom(name: &str) -> Term {
    Term::Atom(name.to_owned())
}

/// `[…]`
pub fn list(all: impl IntoIterator<Item = Term>) -> Term {
    Term::List(all.into_iter().collect(), None)
}

/// `{…}`
pub fn tuple<const N: usize>(all: [Term; N]) -> Term {
    Term::Tuple(all.into())
}

/// `{key, Value}`
pub fn pair(key: &str, value: Term) -> Term {
    tuple([atom(key), value])
}
