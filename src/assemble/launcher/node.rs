//! Values of a launcher that starts an Erlang node.

use serde_json::{Value, json};

use super::Words;
use crate::resolve::service::node::Node;
use crate::template::Word;

/// How Elixir's shell is asked for: `user` was a module of its own until 1.14.
fn iex(version: &str) -> &'static str {
    let mut numbers = version.split('.').map_while(|part| part.parse::<u32>().ok());
    let is_old = matches!((numbers.next(), numbers.next()), (Some(1), Some(minor)) if minor < 15);
    if is_old { "-noshell -user Elixir.IEx.CLI" } else { "-user elixir" }
}

/// The values of `launcher/otp.sh`.
pub(super) fn values(node: &Node, words: &Words) -> Value {
    let runtime = &node.runtime;
    let yes = |is| if is { "yes" } else { "" };
    let elixir = runtime.elixir.as_deref().unwrap_or_default();
    json!({
        "release": runtime.name,
        "version": runtime.version,
        "producer": runtime.producer.name(),
        "otp": runtime.otp.map_or_else(String::new, |otp| otp.to_string()),
        "erts": runtime.erts,
        "erts_inside": yes(runtime.erts_included),
        "host_applications": runtime.host_applications.join(" "),
        "boot": runtime.boot,
        "clean": runtime.clean,
        "elixir": elixir,
        "iex": if runtime.iex { iex(elixir) } else { "" },
        "distribution": node.distribution.word(),
        "distribution_given": yes(node.distribution_given),
        "name": node.name.as_deref().unwrap_or_default(),
        "port": node.port.to_string(),
        "epmd": yes(node.epmd),
        "tls": node.tls.as_deref().map_or_else(Word::default, Words::host),
        "root": words.path(&runtime.root),
        "live": words.path(&runtime.live),
        "code_path": runtime.code_path.as_deref().map_or_else(Word::default, |path| words.path(path)),
        "arguments": Words::host(&node.arguments),
        "runtime": Words::host(&node.runtime_dir),
    })
}
