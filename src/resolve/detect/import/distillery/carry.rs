//! One setting of Distillery -> what of it goes where.

use std::path::{Component, Path};

use super::super::{quoted, text};
use super::{Form, Import, Left, Source, Value, cookie};
use crate::resolve::service::LAUNCHER_COMMANDS;

/// Hooks of Distillery and of `[service.hooks]`.
const HOOKS: &[(&str, &str)] = &[
    ("pre_configure", "pre-configure"),
    ("post_configure", "post-configure"),
    ("pre_start", "pre-start"),
    ("post_start", "post-start"),
    ("pre_stop", "pre-stop"),
    ("post_stop", "post-stop"),
    ("pre_upgrade", "pre-upgrade"),
    ("post_upgrade", "post-upgrade"),
];
/// What neither `mix release` nor fitout needs to be told.
const NO_MATTER: &[&str] =
    &["dev_mode", "include_system_libs", "strip_debug_info", "quiet", "output_dir", "profile", "no_dot_erlang", "app"];
/// What is left, and why.
const LEFT: &[(&str, &str)] = &[
    ("appup_transforms", "mix release makes no appups"),
    ("code_paths", "mix release has no such key: a step of mix.exs may copy what is missing"),
    (
        "config_providers",
        "what is read at start belongs into `config/runtime.exs`, or into `config_providers` of mix.exs",
    ),
    ("erl_opts", "arguments of the runtime go into `rel/vm.args.eex`"),
    ("exec_opts", "no self-extracting archive is made"),
    ("executable", "no self-extracting archive is made"),
    ("included_configs", "what is read at start belongs into `config/runtime.exs`"),
    ("overlay_vars", "templates are not evaluated"),
    ("run_erl_env", "the log goes to the journal, or to `log-file` of the `[[service]]`"),
    ("sys_config", "mix release makes sys.config from `config/*.exs`"),
];
/// Words of the script of Distillery that its hooks and commands use.
const OF_ITS_SCRIPT: &[&str] =
    &["release_ctl", "release_remote_ctl", "nodetool", "$RELEASE_ROOT_DIR/bin/", "${RELEASE_ROOT_DIR}/bin/"];

/// Takes over one setting.
pub(super) fn setting(dir: &Path, source: &Source, import: &mut Import, key: &str, value: &Value) {
    let hook =
        HOOKS.iter().find(|(name, _)| key.strip_prefix(name).is_some_and(|rest| matches!(rest, "_hook" | "_hooks")));
    match (key, &value.form) {
        _ if NO_MATTER.contains(&key) => {}
        ("cookie", _) => import.left.push(source.left(value.line, "cookie: …", cookie(&import.package()))),
        // Mix takes that of the application.
        ("version", Form::Text(version)) => {
            import.for_mix.push(format!("version: {version:?}"));
            import.release.push(("version", quoted(version)));
        }
        ("version", Form::Other(text)) if text.starts_with("current_version") => {}
        ("include_erts", _) if value.bool() == Some(true) => {}
        ("include_src", _) if value.bool() == Some(false) => {}
        ("include_erts", _) if value.other().is_none() => {
            import.for_mix.push(format!("include_erts: {}", value.spelled()));
            import.release.extend(value.bool().map(|is| ("erts", is.to_string())));
        }
        ("applications", Form::List(all)) if value.other().is_none() => applications(import, all),
        ("vm_args", Form::Text(path)) => vm_args(dir, source, import, value.line, path),
        ("overlays", Form::List(overlays)) => overlays.iter().for_each(|one| overlay(dir, source, import, one)),
        ("commands", Form::List(_)) => value.pairs().for_each(|(name, file)| command(dir, source, import, name, file)),
        (_, Form::Text(path)) if let Some((_, moment)) = hook => hooks(dir, source, import, (moment, path), value.line),
        _ => {
            let known = LEFT.iter().find(|(name, _)| *name == key).map(|(_, why)| *why);
            let why = match known {
                Some(why) => why,
                None if value.other().is_some() => "it is computed: fitout reads literals and runs no code",
                None => "there is nothing like it",
            };
            import.left.push(source.key_left(key, value, why));
        }
    }
}

/// What mix.exs says as `applications: [a: :permanent]`, and `[release]` in its own words.
fn applications(import: &mut Import, all: &[Value]) {
    let one = |value: &'_ Value| match value.pair() {
        Some((name, kind)) => Some((name.to_owned(), kind.atom()?.to_owned())),
        None => Some((value.atom()?.to_owned(), "permanent".to_owned())),
    };
    let all: Vec<(String, String)> = all.iter().filter_map(one).collect();
    if let Some(table) = super::super::applications(all.iter().map(|(name, kind)| (name.as_str(), kind.as_str()))) {
        // What belongs to Erlang and Elixir comes along in both.
        let own = ["elixir", "kernel", "stdlib", "sasl"];
        let others = all.iter().filter(|(name, _)| !own.contains(&name.as_str()));
        let spelled: Vec<String> = others.map(|(name, kind)| format!("{name}: :{kind}")).collect();
        import.for_mix.push(format!("applications: [{}]", spelled.join(", ")));
        import.release.push(("applications", table));
    }
}

/// Arguments of the runtime: a config file of the host.
fn vm_args(dir: &Path, source: &Source, import: &mut Import, line: usize, path: &str) {
    let Some(text) = text(&dir.join(path)) else {
        return import.left.push(source.left(line, format!("vm_args: {path:?}"), "the file is not there"));
    };
    if let Some(at) = text.lines().position(|line| line.contains("<%")) {
        let why = format!(
            "line {} of it is computed: make it `rel/vm.args.eex` for `mix release`, without name and cookie, which `[service.node]` \
             and the host have",
            at + 1
        );
        return import.left.push(source.left(line, format!("vm_args: {path:?}"), why));
    }
    // Where the launcher looks for it.
    let to = format!("/etc/{}/vm.args", import.package());
    import.files.push(vec![("from", quoted(path)), ("to", quoted(&to)), ("role", quoted("config"))]);
}

/// A path below the release, spelled on the host.
fn place(import: &Import, path: &str) -> Option<String> {
    let path = path.replace("<%= release_name %>", &import.name);
    let is_below = Path::new(&path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let path = path.trim_start_matches("./").trim_end_matches('/');
    (is_below && !path.is_empty() && !path.contains(['<', '{', '}']))
        .then(|| format!("/usr/lib/{}/{path}", import.package()))
}

fn overlay(dir: &Path, source: &Source, import: &mut Import, overlay: &Value) {
    match rule(dir, import, overlay) {
        Ok(rule) => import.files.push(rule),
        Err(why) => import.left.push(source.left(overlay.line, format!("overlay {}", overlay.spelled()), why)),
    }
}

/// The rule of an overlay, or why there is none.
fn rule(dir: &Path, import: &Import, overlay: &Value) -> Result<Vec<(&'static str, String)>, &'static str> {
    let parts = overlay.tuple().unwrap_or_default();
    let texts: Vec<&str> = parts.iter().skip(1).filter_map(Value::text).collect();
    match (parts.first().and_then(Value::atom), texts.as_slice()) {
        (Some("mkdir"), [path]) => {
            let to = place(import, path).ok_or("its path is computed, or not below the release")?;
            Ok(vec![("directory", "true".to_owned()), ("to", quoted(&to))])
        }
        (Some(kind @ ("copy" | "link" | "template")), [from, to]) => {
            if !dir.join(from).exists() {
                return Err("the file is not there");
            }
            if kind == "template" && text(&dir.join(from)).is_none_or(|text| text.contains("<%")) {
                return Err(
                    "templates of Elixir are not evaluated; `render = true` of a `[[files]]` rule fills `{name}` and `{version}`",
                );
            }
            let to = place(import, to).ok_or("its target is computed, or not below the release")?;
            Ok(vec![("from", quoted(from)), ("to", quoted(&to))])
        }
        _ => Err("it is not understood"),
    }
}

/// Scripts of a folder, or one.
fn hooks(dir: &Path, source: &Source, import: &mut Import, (moment, path): (&'static str, &str), line: usize) {
    let mut files = vec![path.to_owned()];
    if dir.join(path).is_dir() {
        let entries = fs_err::read_dir(dir.join(path)).into_iter().flatten();
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let names = names.filter(|name| !name.starts_with('.'));
        files = names.map(|name| format!("{}/{name}", path.trim_end_matches('/'))).collect();
        files.sort();
    }
    for file in files {
        if script(dir, source, &mut import.left, &format!("{moment} hook"), (&file, line)) {
            import.hooks.entry(moment).or_default().push(file);
        }
    }
}

fn command(dir: &Path, source: &Source, import: &mut Import, name: &str, file: &Value) {
    let spelled = name.replace('_', "-");
    let Some(path) = file.text() else {
        let why = "it is computed: fitout reads literals and runs no code";
        return import.left.push(source.key_left(&format!("command {name}"), file, why));
    };
    if LAUNCHER_COMMANDS.contains(&name) || LAUNCHER_COMMANDS.contains(&spelled.as_str()) {
        let why = "the launcher has a command of this name";
        return import.left.push(source.key_left(&format!("command {name}"), file, why));
    }
    if script(dir, source, &mut import.left, &format!("command {name}"), (path, file.line)) {
        import.commands.insert(name.to_owned(), path.to_owned());
    }
}

/// Whether a script can be taken over; what is to be said of it is.
fn script(dir: &Path, source: &Source, left: &mut Vec<Left>, what: &str, (file, line): (&str, usize)) -> bool {
    let mut tell = |line: usize, why: String| left.push(source.left(line, format!("{what} {file:?}"), why));
    let Some(text) = text(&dir.join(file)) else {
        tell(line, "the file is not there, or no text".to_owned());
        return false;
    };
    if !text.starts_with("#!/") {
        let why = "its first line does not say what runs it: begin it with `#!/bin/bash`, then name it in the config";
        tell(line, why.to_owned());
        return false;
    }
    for (at, word) in text.lines().enumerate().filter_map(|(at, line)| {
        let code = line.trim_start();
        let word = OF_ITS_SCRIPT.iter().find(|word| !code.starts_with('#') && code.contains(**word))?;
        Some((at + 1, word))
    }) {
        tell(
            line,
            format!(
                "it is taken over, but line {at} of it calls `{word}` of Distillery's script: `NAME eval` and `NAME rpc` do that now"
            ),
        );
    }
    true
}
