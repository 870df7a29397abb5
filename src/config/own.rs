//! What a config names of the project itself: files that hold secrets of whoever publishes, and where caches lie.
//!
//! Enters: the text of a config that has been judged. Leaves: what stands there, of the file and of all its environments: a package of one
//! may hold the secrets of another no more than its own.

use toml::{Table, Value};

use super::rules::sign::DESTINATIONS;

/// See the module; all as it is typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// Files with keys, passphrases, passwords and tokens, relative to the config file.
    pub secrets: Vec<String>,
    /// Addresses that caches lie at.
    pub caches: Vec<String>,
}

/// Beside `[package]`, what no other tool's file with such a table has.
const PARTS: &[&str] = &["build", "files", "release", "sign", "publish"];

impl Own {
    /// Of a text that may be another config of the project; none if it is none. Cargo's has a `[package]` as well.
    pub fn of_another(text: &str) -> Option<Self> {
        let whole: Table = text.parse().ok()?;
        let is_config =
            whole.get("package").is_some_and(Value::is_table) && PARTS.iter().any(|part| whole.contains_key(*part));
        is_config.then(|| Self::of_table(&whole))
    }

    /// Of a text; what breaks the grammar is passed over.
    pub fn of(text: &str) -> Self {
        Self::of_table(&text.parse().unwrap_or_default())
    }

    fn of_table(whole: &Table) -> Self {
        let overlays = whole.get("environment").and_then(Value::as_table);
        let overlays = overlays.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let mut own = Self::default();
        for table in std::iter::once(whole).chain(overlays) {
            own.add(table);
        }
        own
    }

    fn add(&mut self, table: &Table) {
        let sign = table.get("sign");
        self.secret(sign.and_then(|sign| sign.get("passphrase")));
        for key in tables(sign.and_then(|sign| sign.get("keys"))) {
            self.secrets.extend(text(key, "file"));
            self.secret(key.get("passphrase"));
        }
        let list = |name: &str| tables(table.get("publish").and_then(|publish| publish.get(name)));
        for (name, keys, maps) in DESTINATIONS {
            for destination in list(name) {
                keys.iter().for_each(|key| self.secret(destination.get(*key)));
                let values = maps.iter().filter_map(|map| destination.get(*map)?.as_table()).flat_map(Table::values);
                values.for_each(|value| self.secret(Some(value)));
            }
        }
        let cache = table.get("build").and_then(|build| build.get("cache")).and_then(Value::as_table);
        self.caches.extend(cache.and_then(|cache| text(cache, "shared")));
    }

    /// The file of a place of a secret.
    fn secret(&mut self, place: Option<&Value>) {
        self.secrets.extend(place.and_then(Value::as_table).and_then(|place| text(place, "file")));
    }
}

fn tables(list: Option<&Value>) -> impl Iterator<Item = &Table> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
}

fn text(table: &Table, key: &str) -> Option<String> {
    table.get(key)?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_secret_and_cache_of_all_environments_is_found() {
        let own = Own::of(
            "[sign]\nkeys = [{ file = \"a.asc\", passphrase = { file = \"a.pass\" } }, { command = \"x\", public = \"p.asc\" }]\n\
             passphrase = { file = \"all.pass\" }\n\
             [build.cache]\nshared = \"file:/cache\"\n\
             [[publish.http]]\nca = \"ca.pem\"\npassword = { file = \"word\" }\nheaders = { X = { file = \"head\" }, Y = \"typed\" }\n\
             fields = { file = \"a name\" }\n\
             [[publish.command]]\nenv = { T = { file = \"token\" }, U = { env = \"U\" } }\n\
             [environment.live.sign]\nkeys = [{ file = \"live.asc\" }]\n\
             [environment.live.build.cache]\nshared = \"file:/live\"\n",
        );
        assert_eq!(own.secrets, ["all.pass", "a.asc", "a.pass", "word", "head", "token", "live.asc"]);
        assert_eq!(own.caches, ["file:/cache", "file:/live"]);
        assert_eq!(Own::of("[sign"), Own::default());
    }

    #[test]
    fn another_config_is_told_from_a_file_of_another_tool() {
        let config = "[package]\nname = \"a\"\n[sign]\nkeys = [{ file = \"a.asc\" }]\n";
        assert_eq!(Own::of_another(config).unwrap().secrets, ["a.asc"]);
        for other in [
            "[package]\nname = \"a\"\n[dependencies]\n",
            "[build]\nsystem = \"x\"\n",
            "package = 1\nbuild = 2\n",
            "[sign",
        ] {
            assert_eq!(Own::of_another(other), None, "{other}");
        }
    }
}
