//! What a config names of the project itself: files that hold secrets of whoever publishes, and places that are published to.
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
    /// Addresses that are published to or that caches lie at, with their holes.
    pub places: Vec<String>,
}

/// Lists with places, and `to` in each.
const PLACES: &[&str] = &["apt", "yum", "files"];

impl Own {
    /// Of a text; what breaks the grammar is passed over.
    pub fn of(text: &str) -> Self {
        let whole: Table = text.parse().unwrap_or_default();
        let overlays = whole.get("environment").and_then(Value::as_table);
        let overlays = overlays.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        let mut own = Self::default();
        for table in std::iter::once(&whole).chain(overlays) {
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
        self.places.extend(PLACES.iter().flat_map(|name| list(name)).filter_map(|place| text(place, "to")));
        let cache = table.get("build").and_then(|build| build.get("cache")).and_then(Value::as_table);
        self.places.extend(cache.and_then(|cache| text(cache, "shared")));
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
    fn every_secret_and_place_of_all_environments_is_found() {
        let own = Own::of(
            "[sign]\nkeys = [{ file = \"a.asc\", passphrase = { file = \"a.pass\" } }, { command = \"x\", public = \"p.asc\" }]\n\
             passphrase = { file = \"all.pass\" }\n\
             [build.cache]\nshared = \"file:/cache\"\n\
             [[publish.apt]]\nto = \"file:apt\"\n\
             [[publish.http]]\nca = \"ca.pem\"\npassword = { file = \"word\" }\nheaders = { X = { file = \"head\" }, Y = \"typed\" }\n\
             fields = { file = \"a name\" }\n\
             [[publish.command]]\nenv = { T = { file = \"token\" }, U = { env = \"U\" } }\n\
             [environment.live.sign]\nkeys = [{ file = \"live.asc\" }]\n\
             [[environment.live.publish.files]]\nto = \"file:out/{version}\"\n",
        );
        assert_eq!(own.secrets, ["all.pass", "a.asc", "a.pass", "word", "head", "token", "live.asc"]);
        assert_eq!(own.places, ["file:apt", "file:/cache", "file:out/{version}"]);
        assert_eq!(Own::of("[sign"), Own::default());
    }
}
