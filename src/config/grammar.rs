//! The grammar of the config, as the check needs it.
//!
//! Enters: the JSON schema that [`super::schema`] derives from its types. Leaves: a [`Grammar`], which says of each place
//! what may stand there. No key is named here: what the schema does not say, the check does not know.

use std::collections::BTreeMap;

use serde_json::Value;

/// More choices than this are not listed in a help line: only the codes of findings are so many.
const LISTED: usize = 8;
/// What the code of a finding is called.
const CODE: &str = "code";

/// What the config cannot know of itself: names that later rooms own.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    /// Names of the formats, in the order in which they are shown.
    pub formats: &'a [&'a str],
}

/// What may stand in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grammar {
    /// A string.
    Text(Words),
    /// A whole number from 0 to `max`.
    Integer {
        /// The largest.
        max: u64,
    },
    /// `true` or `false`.
    Boolean,
    /// A list of such values.
    List(Box<Grammar>),
    /// A table.
    Table(Keys),
    /// One of these, told apart by their TOML type.
    Either(Vec<Grammar>),
    /// The schema says what this module does not understand; a test sees to it that there is none.
    Anything,
}

/// What a string may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// What the string is called (`role`), if it has a name of its own.
    pub noun: Option<String>,
    /// The only strings that it may be; empty means any.
    pub choices: Vec<String>,
}

/// What a table may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The keys that it knows.
    pub known: BTreeMap<String, Key>,
    /// Those of them that must be there.
    pub required: Vec<String>,
    /// What any other key may hold; none refuses other keys.
    pub others: Option<Box<Grammar>>,
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// What it may hold.
    pub grammar: Grammar,
    /// What it is for: the first line of its documentation, to be read after a colon.
    pub about: String,
}

impl Grammar {
    /// Reads a whole JSON schema, which must not refer to itself in a circle.
    pub fn of(schema: &Value) -> Self {
        Self::node(schema, schema)
    }

    fn node(root: &Value, node: &Value) -> Self {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return target.map_or(Self::Anything, |target| Self::node(root, target));
        }
        if let Some(forms) = node.get("anyOf").and_then(Value::as_array) {
            return Self::Either(forms.iter().map(|form| Self::node(root, form)).collect());
        }
        if let Some(constants) = node.get("oneOf").and_then(Value::as_array) {
            return Self::text(node, constants.iter().filter_map(|constant| constant.get("const")));
        }
        match node.get("type").and_then(Value::as_str) {
            Some("string") => Self::text(node, node.get("enum").and_then(Value::as_array).into_iter().flatten()),
            Some("integer") => {
                let wide = node.get("format").and_then(Value::as_str) != Some("uint32");
                Self::Integer { max: if wide { i64::MAX.unsigned_abs() } else { u64::from(u32::MAX) } }
            }
            Some("boolean") => Self::Boolean,
            Some("array") => {
                let items = node.get("items").map_or(Self::Anything, |items| Self::node(root, items));
                Self::List(Box::new(items))
            }
            Some("object") => Self::Table(Keys::of(root, node)),
            _ => Self::Anything,
        }
    }

    fn text<'v>(node: &Value, choices: impl Iterator<Item = &'v Value>) -> Self {
        Self::Text(Words {
            noun: node.get("title").and_then(Value::as_str).map(str::to_owned),
            choices: choices.filter_map(Value::as_str).map(str::to_owned).collect(),
        })
    }

    /// What may stand here, as a person says it: `a list of strings`.
    pub fn wanted(&self) -> String {
        match self {
            Self::Text(_) => "a string".to_owned(),
            Self::Integer { .. } => "an integer".to_owned(),
            Self::Boolean => "`true` or `false`".to_owned(),
            Self::List(items) => format!("a list of {}", items.plural()),
            Self::Table(_) => "a table".to_owned(),
            Self::Either(forms) => forms.iter().map(Self::wanted).collect::<Vec<_>>().join(" or "),
            Self::Anything => "a value".to_owned(),
        }
    }

    fn plural(&self) -> &'static str {
        match self {
            Self::Text(_) => "strings",
            Self::Integer { .. } => "integers",
            Self::Table(_) => "tables",
            _ => "values",
        }
    }
}

impl Words {
    /// A help line that names the choices, if they are few enough to be read.
    pub fn help(&self) -> String {
        let noun = self.noun.as_deref().unwrap_or("value");
        if noun == CODE && self.choices.len() > LISTED {
            return format!("each finding shows its {noun} in brackets");
        }
        format!("a {noun} is one of: {}", self.choices.join(", "))
    }
}

impl Keys {
    fn of(root: &Value, node: &Value) -> Self {
        let known = node.get("properties").and_then(Value::as_object).into_iter().flatten();
        let required = node.get("required").and_then(Value::as_array).into_iter().flatten();
        let others = node.get("additionalProperties").filter(|others| others.is_object());
        Self {
            known: known.map(|(name, key)| (name.clone(), Key::of(root, key))).collect(),
            required: required.filter_map(Value::as_str).map(str::to_owned).collect(),
            others: others.map(|others| Box::new(Grammar::node(root, others))),
        }
    }

    /// What a key may hold; none if the table does not take it.
    pub fn grammar(&self, name: &str) -> Option<&Grammar> {
        self.known.get(name).map(|known| &known.grammar).or(self.others.as_deref())
    }

    /// Headers of the tables, at any depth, that know this key: `[format.deb]`.
    pub fn homes(&self, key: &str) -> Vec<String> {
        let mut homes = Vec::new();
        for (name, inner) in &self.known {
            collect_homes(&inner.grammar, key, name, ("[", "]"), &mut homes);
        }
        homes
    }
}

fn collect_homes(grammar: &Grammar, key: &str, path: &str, (open, close): (&str, &str), homes: &mut Vec<String>) {
    match grammar {
        Grammar::List(items) => collect_homes(items, key, path, ("[[", "]]"), homes),
        Grammar::Table(keys) => {
            if keys.known.contains_key(key) {
                homes.push(format!("{open}{path}{close}"));
            }
            for (name, inner) in &keys.known {
                collect_homes(&inner.grammar, key, &format!("{path}.{name}"), ("[", "]"), homes);
            }
        }
        _ => {}
    }
}

impl Key {
    fn of(root: &Value, node: &Value) -> Self {
        let about = node.get("description").and_then(Value::as_str).unwrap_or_default();
        let line = about.lines().next().unwrap_or_default().trim_end_matches('.');
        let mut letters = line.chars();
        let about = letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect());
        Self { grammar: Grammar::node(root, node), about }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema;

    fn whole() -> Grammar {
        Grammar::of(&schema::json_schema(&Vocabulary { formats: &["deb", "rpm"] }))
    }

    fn at<'g>(grammar: &'g Grammar, path: &str) -> &'g Grammar {
        path.split('.').fold(grammar, |grammar, name| match grammar {
            Grammar::Table(keys) => {
                keys.known.get(name).map(|key| &key.grammar).or(keys.others.as_deref()).expect(name)
            }
            Grammar::List(items) if name == "*" => items,
            other => panic!("{other:?} has no {name}"),
        })
    }

    #[test]
    fn understands_all_of_the_schema() {
        fn walk(grammar: &Grammar, path: &str) {
            match grammar {
                Grammar::Anything => panic!("{path} is not understood"),
                Grammar::List(items) => walk(items, path),
                Grammar::Either(forms) => forms.iter().for_each(|form| walk(form, path)),
                Grammar::Table(keys) => {
                    keys.known.iter().for_each(|(name, key)| walk(&key.grammar, &format!("{path}.{name}")));
                    keys.others.iter().for_each(|others| walk(others, &format!("{path}.*")));
                    assert!(!keys.known.is_empty() || keys.others.is_some(), "{path} takes nothing");
                }
                Grammar::Text(_) | Grammar::Integer { .. } | Grammar::Boolean => {}
            }
        }
        walk(&whole(), "");
    }

    #[test]
    fn says_what_is_wanted() {
        let grammar = whole();
        assert_eq!(at(&grammar, "package.name").wanted(), "a string");
        assert_eq!(at(&grammar, "package.epoch").wanted(), "an integer");
        assert_eq!(at(&grammar, "package.version").wanted(), "a string or a table");
        assert_eq!(at(&grammar, "files").wanted(), "a list of tables");
        assert_eq!(at(&grammar, "files.*.when").wanted(), "a string or a list of strings");
        assert_eq!(at(&grammar, "files.*.render").wanted(), "`true` or `false`");
    }

    #[test]
    fn carries_choices_from_enums_and_from_the_vocabulary() {
        let grammar = whole();
        let words = |noun: &str, choices: &[&str]| {
            let choices = choices.iter().map(|&choice| choice.to_owned()).collect();
            Grammar::Text(Words { noun: Some(noun.to_owned()), choices })
        };
        assert_eq!(at(&grammar, "build.preset"), &words("preset", &["plain", "rust", "otp"]));
        assert_eq!(at(&grammar, "build.formats.*"), &words("format", &["deb", "rpm"]));
    }

    #[test]
    fn an_environment_has_the_grammar_of_the_file_without_environments() {
        let grammar = whole();
        assert_eq!(at(&grammar, "environment.any.package"), at(&grammar, "package"));
        let Grammar::Table(keys) = at(&grammar, "environment.any") else { panic!("a table") };
        assert!(!keys.known.contains_key("environment"));
    }

    #[test]
    fn knows_where_a_key_lives() {
        let Grammar::Table(keys) = whole() else { panic!("a table") };
        assert_eq!(keys.homes("depends"), ["[format.deb]"]);
        assert_eq!(keys.homes("owner"), ["[[files]]"]);
        assert!(keys.homes("nothing").is_empty());
    }
}
