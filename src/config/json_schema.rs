//! The JSON schema of `fitout.toml`: `fitout generate schema` prints it for editors, and [`super::check`] judges by it.
//!
//! Enters: the types of [`super::schema`] and the names that later rooms own. Leaves: one JSON document. What a key means
//! is written at its field; here is only what no derive can say: overlays, and that TOML has no null.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use serde_json::{Map, Value, json};

use super::grammar::Vocabulary;
use super::schema::Manifest;

/// The JSON schema (draft 2020-12) of the file, for editors and for our own check. Sections of
/// [`super::schema::NOT_YET`] are not in it.
pub fn json_schema(known: &Vocabulary<'_>) -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<Manifest>();
    RecursiveTransform(without_null).transform(&mut schema);
    let overlay = overlay(&schema);
    if let Some(formats) = schema.pointer_mut("/$defs/FormatName").and_then(Value::as_object_mut) {
        formats.insert("enum".to_owned(), json!(known.formats));
    }
    if let Some(names) = schema.pointer_mut("/$defs/FilesName").and_then(Value::as_object_mut) {
        let all: Vec<&str> = known.formats.iter().copied().chain(["record"]).collect();
        names.insert("enum".to_owned(), json!(all));
    }
    if let Some(definitions) = schema.pointer_mut("/$defs").and_then(Value::as_object_mut) {
        definitions.insert("Environment".to_owned(), overlay);
    }
    if let Some(environments) = schema.pointer_mut("/properties/environment").and_then(Value::as_object_mut) {
        environments.insert("additionalProperties".to_owned(), json!({ "$ref": "#/$defs/Environment" }));
        environments.insert("propertyNames".to_owned(), json!({ "pattern": super::environments::PATTERN }));
    }
    schema.to_value()
}

/// An environment may hold what the file may hold, but no environments.
fn overlay(whole: &Schema) -> Value {
    let mut properties = whole.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.remove("environment");
    json!({
        "title": "[environment.NAME]",
        "description": "What is different in one environment: tables are merged key by key, anything else is replaced.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// TOML has no null: `Option` means that the key may be left out, and a null default says nothing.
fn without_null(schema: &mut Schema) {
    let Some(node) = schema.as_object_mut() else { return };
    if node.get("default").is_some_and(Value::is_null) {
        node.remove("default");
    }
    if let Some(Value::Array(types)) = node.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_mut_slice() {
            let only = only.take();
            node.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(forms)) = node.get_mut("anyOf") {
        forms.retain(|form| form.get("type") != Some(&json!("null")));
        if let [Value::Object(only)] = forms.as_mut_slice() {
            let only: Map<String, Value> = std::mem::take(only);
            node.remove("anyOf");
            node.extend(only);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::NOT_YET;

    fn schema() -> Value {
        json_schema(&Vocabulary { formats: &["deb", "rpm"] })
    }

    fn walk(node: &Value, path: &str, look: &mut impl FnMut(&str, &Map<String, Value>)) {
        match node {
            Value::Object(map) => {
                look(path, map);
                map.iter().for_each(|(key, inner)| walk(inner, &format!("{path}/{key}"), look));
            }
            Value::Array(list) => list.iter().for_each(|inner| walk(inner, path, look)),
            _ => {}
        }
    }

    #[test]
    fn says_its_draft_and_knows_no_null() {
        let schema = schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert!(!schema.to_string().contains("null"));
    }

    #[test]
    fn every_key_is_documented_and_every_table_closed() {
        walk(&schema(), "", &mut |path, node| {
            if let Some(properties) = node.get("properties").and_then(Value::as_object) {
                assert_eq!(node["additionalProperties"], false, "{path} is open");
                for (key, about) in properties {
                    let text = about.get("description").and_then(Value::as_str).unwrap_or_default();
                    assert!(text.len() >= 8, "{path}: `{key}` says only {text:?}");
                }
            }
        });
    }

    #[test]
    fn every_definition_has_a_title_or_is_a_choice_of_forms() {
        for (name, definition) in schema()["$defs"].as_object().expect("definitions") {
            assert!(definition.get("title").is_some() || definition.get("anyOf").is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_not_there_yet_is_not_in_it() {
        let schema = schema();
        for (section, _) in NOT_YET {
            assert!(schema["properties"].get(section).is_none(), "{section}");
            assert!(schema["$defs"]["Environment"]["properties"].get(section).is_none(), "{section}");
        }
    }
}
