//! Takes out of the tree what was found wrong, so that the rest of the file can be judged in the same run.
//!
//! Enters: a tree, its grammar, and the places of wrong keys and values. Leaves: a tree that can be read, and the paths of
//! what it lost: nobody should be told that a key is missing which stands there, only wrong.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::check::same_type;
use super::grammar::{Grammar, Keys};
use super::rules::DECIDING;
use super::suggest;

/// Paths of keys as in a header: `package.name`. A list that lost one of its values is among them.
pub type Lost = BTreeSet<String>;

/// Takes out whatever begins and ends at one of these places, and with it the table or rule that means nothing without it.
pub fn prune(grammar: &Grammar, tree: &mut DeTable<'_>, wrong: &[Range<usize>]) -> Lost {
    let mut prune = Prune { wrong, path: Vec::new(), lost: Lost::new() };
    if let Grammar::Table(root) = grammar {
        prune.table(root, tree);
    }
    prune.lost
}

struct Prune<'a> {
    wrong: &'a [Range<usize>],
    path: Vec<String>,
    lost: Lost,
}

impl Prune<'_> {
    fn is_wrong(&self, place: &Range<usize>) -> bool {
        self.wrong.contains(place)
    }

    fn lose(&mut self) {
        self.lost.insert(self.path.join("."));
    }

    /// Prunes a table; whether it still means what it should.
    fn table(&mut self, keys: &Keys, table: &mut DeTable<'_>) -> bool {
        let of_list = DECIDING.iter().find(|(list, _)| self.path.last().is_some_and(|key| key == list));
        let deciding = of_list.map_or(&[][..], |(_, keys)| keys);
        let mut whole = true;
        for (key, mut value) in std::mem::take(table) {
            let name = key.get_ref().to_string();
            let grammar = keys.grammar(&name);
            // An unknown key stands for the known one that it was probably meant to be.
            let known = || suggest::nearest(&name, keys.known.keys().map(String::as_str));
            let meant = grammar.map_or_else(|| known().unwrap_or(&name), |_| &name).to_owned();
            let decides = keys.required.contains(&meant) || deciding.contains(&meant.as_str());
            self.path.push(meant);
            let good = !self.is_wrong(&key.span()) && grammar.is_some_and(|g| self.value(g, &mut value, false));
            if !good {
                self.lose();
                whole &= !decides;
            }
            self.path.pop();
            if good {
                table.insert(key, value);
            }
        }
        whole
    }

    /// Prunes a value; whether it may stay.
    fn value(&mut self, grammar: &Grammar, value: &mut Spanned<DeValue<'_>>, is_element: bool) -> bool {
        if let Grammar::Either(forms) = grammar {
            let form = forms.iter().find(|form| same_type(form, value.get_ref()));
            return form.is_some_and(|form| self.value(form, value, is_element));
        }
        let wrong = self.is_wrong(&value.span());
        let is_section = |keys: &Keys| !is_element && keys.required.is_empty();
        match (grammar, value.get_mut()) {
            // Its place may be that of its first table, so it is wrong only if nothing in it can be.
            (Grammar::List(items), DeValue::Array(list)) if !list.is_empty() => {
                let all = std::mem::replace(list, DeArray::new());
                for mut item in all {
                    if self.value(items, &mut item, true) {
                        list.push(item);
                    } else {
                        self.lose();
                    }
                }
                !list.is_empty()
            }
            // A section is not taken out for what it lacks; the tables that need a key are.
            (Grammar::Table(keys), DeValue::Table(table)) if !wrong || is_section(keys) => {
                self.table(keys, table) || is_section(keys)
            }
            _ => !wrong,
        }
    }
}
