//! Runtime configuration -> the environment variables that it reads.
//!
//! Enters: a folder with `config/runtime.exs` of a Mix project, or `sys.config.src` and `vm.args.src` of one of rebar3.
//! Leaves: names, with the defaults that are literals there. No Elixir is run: what is read through a function of the
//! project's own is not found.

use std::path::Path;

/// A variable that an application reads when it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    pub name: String,
    /// What is taken where it is not set, if that is a literal.
    pub default: Option<String>,
    /// Whether nothing starts without it.
    pub needed: bool,
}

/// Files that a release of Mix evaluates when it starts; the second before Elixir 1.11.
const RUNTIME: [&str; 2] = ["config/runtime.exs", "config/releases.exs"];
/// Files that relx fills when a release starts.
const FILLED: [&str; 2] = ["config/sys.config.src", "config/vm.args.src"];

/// The file that reads most of them, and what is read, in the order of the text.
pub(super) fn read(dir: &Path) -> Option<(&'static str, Vec<Variable>)> {
    let text = |path: &&str| fs_err::read_to_string(dir.join(path)).ok();
    let elixir = RUNTIME.iter().find_map(|path| Some((*path, of_elixir(&text(path)?))));
    let filled = || {
        let texts: Vec<(&str, String)> = FILLED.iter().filter_map(|path| Some((*path, text(path)?))).collect();
        let first = texts.first()?.0;
        Some((first, unique(texts.iter().flat_map(|(_, text)| of_holes(text)))))
    };
    elixir.or_else(filled).filter(|(_, variables)| !variables.is_empty())
}

/// Calls of `System.get_env`, `fetch_env` and `fetch_env!` with a literal name.
fn of_elixir(text: &str) -> Vec<Variable> {
    let text: String =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(|l| [l, "\n"]).collect();
    let calls = text.match_indices("System.").filter_map(|(at, word)| {
        let (function, rest) = text[at + word.len()..].split_once('(')?;
        let known = matches!(function, "get_env" | "fetch_env" | "fetch_env!");
        let (name, rest) = literal(rest.trim_start()).filter(|(name, _)| known && is_name(name))?;
        let rest = rest.trim_start();
        let second = rest.strip_prefix(',').map(str::trim_start);
        let other = rest.strip_prefix(')').and_then(|rest| rest.trim_start().strip_prefix("||")).map(str::trim_start);
        let default = second.or(other).and_then(literal).map(|(text, _)| text.to_owned());
        let needed = function == "fetch_env!" || other.is_some_and(|rest| rest.starts_with("raise"));
        Some(Variable { name: name.to_owned(), default, needed })
    });
    unique(calls)
}

/// `${NAME}` and `${NAME:-default}`.
fn of_holes(text: &str) -> impl Iterator<Item = Variable> {
    text.split("${").skip(1).filter_map(|rest| {
        let inside = &rest[..rest.find('}')?];
        let (name, default) = inside.split_once(":-").map_or((inside, None), |(name, text)| (name, Some(text)));
        let variable =
            Variable { name: name.to_owned(), default: default.map(str::to_owned), needed: default.is_none() };
        is_name(name).then_some(variable)
    })
}

/// The text of a `"…"` without interpolation, and what follows it.
fn literal(text: &str) -> Option<(&str, &str)> {
    let (inside, rest) = text.strip_prefix('"')?.split_once('"')?;
    (!inside.contains(['\\', '\n']) && !inside.contains("#{")).then_some((inside, rest))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.as_bytes()[0].is_ascii_digit()
}

/// Each name once; one place that needs it is enough.
fn unique(all: impl Iterator<Item = Variable>) -> Vec<Variable> {
    all.fold(Vec::new(), |mut kept: Vec<Variable>, new| {
        match kept.iter_mut().find(|known| known.name == new.name) {
            Some(known) => {
                known.needed |= new.needed;
                known.default = known.default.take().or(new.default);
            }
            None => kept.push(new),
        }
        kept
    })
}

/// What the environment file of a service begins with. `secrets` have a place of their own.
pub(super) fn file(from: &str, variables: &[Variable], secrets: &[&str]) -> String {
    let mut out = format!(
        "# Environment of the service: NAME=value, one a line; systemd and the start script read it.\n# What {from} reads:\n"
    );
    for Variable { name, default, needed } in variables.iter().filter(|v| !secrets.contains(&v.name.as_str())) {
        let default = default.as_deref().unwrap_or_default();
        let line = match (name.as_str(), needed) {
            // Without it Phoenix starts and answers nobody.
            ("PHX_SERVER", _) => "\nPHX_SERVER=true\n".to_owned(),
            (name, true) => format!("\n# It does not start without this.\n#{name}={default}\n"),
            (name, false) => format!("\n#{name}={default}\n"),
        };
        out.push_str(&line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, default: Option<&str>, needed: bool) -> Variable {
        Variable { name: name.into(), default: default.map(str::to_owned), needed }
    }

    #[test]
    fn what_runtime_exs_of_phoenix_reads() {
        let text = r#"
import Config
# System.get_env("COMMENTED")
if System.get_env("PHX_SERVER") do
  config :heron, HeronWeb.Endpoint, server: true
end
if config_env() == :prod do
  database_url =
    System.get_env("DATABASE_URL") ||
      raise """
      environment variable DATABASE_URL is missing.
      """
  maybe_ipv6 = if System.get_env("ECTO_IPV6") in ~w(true 1), do: [:inet6], else: []
  pool = String.to_integer(System.get_env("POOL_SIZE") || "10")
  port = String.to_integer(System.get_env("PORT", "4000"))
  secret_key_base = System.fetch_env!("SECRET_KEY_BASE")
  again = System.get_env("SECRET_KEY_BASE")
  other = System.get_env(name) || System.get_env("A#{b}")
end
"#;
        let expected = [
            variable("PHX_SERVER", None, false),
            variable("DATABASE_URL", None, true),
            variable("ECTO_IPV6", None, false),
            variable("POOL_SIZE", Some("10"), false),
            variable("PORT", Some("4000"), false),
            variable("SECRET_KEY_BASE", None, true),
        ];
        assert_eq!(of_elixir(text), expected);
        let file = file("config/runtime.exs", &expected, &["SECRET_KEY_BASE"]);
        assert!(file.contains("\n# It does not start without this.\n#DATABASE_URL=\n"), "{file}");
        assert!(file.contains("\nPHX_SERVER=true\n") && file.contains("\n#PORT=4000\n"), "{file}");
        assert!(!file.contains("SECRET_KEY_BASE"), "{file}");
    }

    #[test]
    fn what_relx_fills() {
        let text = "-name ${NODE:-demo@127.0.0.1}\n[{demo, [{port, ${PORT}}, {x, \"${not a name}\"}]}].\n${PORT:-1}";
        let expected = [variable("NODE", Some("demo@127.0.0.1"), false), variable("PORT", Some("1"), true)];
        assert_eq!(unique(of_holes(text)), expected);
    }
}
