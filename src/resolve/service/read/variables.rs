//! Variables of a service: `env` and `secrets`. A launcher sets them in a shell, which knows fewer names than an image does.

use std::collections::BTreeMap;

use super::super::Secret;
use super::One;
use crate::build::environment;
use crate::config::schema::{At, HandOver, Text};
use crate::diagnostic::codes;
use crate::resolve::image;

impl One<'_> {
    pub(super) fn environment(&self) -> Option<BTreeMap<String, String>> {
        let given: Vec<(&String, &Text)> =
            self.typed.env.iter().filter(|(name, value)| self.is_variable(name, value)).collect();
        let whole = given.len() == self.typed.env.len();
        let given = given.into_iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let env = image::environment(self.ground, &given).filter(|_| whole)?;
        Some(env.into_iter().map(|(name, fact)| (name, fact.value)).collect())
    }

    pub(super) fn secrets(&self) -> Option<BTreeMap<String, Secret>> {
        let mut all = BTreeMap::new();
        let mut good = true;
        for (name, at) in &self.typed.secrets {
            let path = self.path(&at.file);
            match (path, self.is_variable(name, at)) {
                (Some(file), true) => {
                    let in_environment = at.hand_over.as_ref().is_some_and(|how| how.value == HandOver::Env);
                    all.insert(name.clone(), Secret { file, in_environment, generate: at.generate });
                }
                _ => good = false,
            }
        }
        good.then_some(all)
    }

    /// Whether a shell takes this name for a variable, and it means nothing to a launcher itself; reported if not.
    fn is_variable<T>(&self, name: &str, at: &At<T>) -> bool {
        let legal = environment::is_variable(name);
        let own = name == "IFS" || name.to_ascii_lowercase().starts_with("svc_");
        let (message, help) = match (legal, own) {
            (true, false) => return true,
            (true, true) => (
                format!("`{name}` means something to the start/stop script itself"),
                "give it another name: `IFS` and what begins with `svc_` are not the service's",
            ),
            (false, _) => (
                format!("`{}` is no name of a variable", name.escape_debug()),
                "names are made of letters, digits and `_`, and do not begin with a digit",
            ),
        };
        self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, message, help);
        false
    }
}
