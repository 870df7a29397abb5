//! `fitout keys`

use std::io::Write as _;
use std::path::Path;

use fs_err::os::unix::fs::OpenOptionsExt as _;
use serde_json::{Value, json};

use super::args::{Common, KeyAlgorithm, Keys, KeysAction, NewKey};
use super::exit::Exit;
use super::ui::{Terminal, draw};
use super::{absolute, env, shown};
use crate::diagnostic::{Diagnostic, Findings, codes, has_errors};
use crate::engine::EngineError;
use crate::report::keys as report;
use crate::resolve::clock::now;
use crate::resolve::environment;
use crate::run;
use crate::sign::{self, Algorithm, Ground, Seen, SignError};

/// Makes a key, shows keys, or makes the successor of one.
pub fn run(common: &Common, args: &Keys, terminal: &Terminal) -> Result<Exit, Findings> {
    match &args.action {
        KeysAction::New { out, name, algorithm, made } => {
            let name = name.clone().map_or_else(|| maintainer(common), Ok)?;
            let seen = make(&name, (*algorithm).into(), made, out, terminal)?;
            let line = format!("keys = [{{ file = \"{}\" }}]", shown(out));
            let steps = [
                format!("name it in the config: `{line}` under [sign]"),
                "keep it out of git, and a copy of it where nothing else is: nobody can make it again".to_owned(),
            ];
            print(common, terminal, &seen, &steps);
            Ok(Exit::Done)
        }
        KeysAction::Show { files, public, environment } => {
            let (seen, findings) =
                if files.is_empty() { configured(common, environment.as_deref())? } else { of_files(files)? };
            show(common, terminal, &seen, &findings, *public)
        }
        KeysAction::Rotate { file, out, name, algorithm, made } => {
            let (old, _) = of_files(std::slice::from_ref(file))?;
            let [old] = &old[..] else {
                let name = format!("`{}`", shown(file));
                return Err(vec![SignError::Count { name, count: old.len() }.into()]);
            };
            let name = name.as_ref().unwrap_or(&old.key.user_id);
            let algorithm = algorithm.map_or_else(|| Algorithm::like(&old.key.algorithm), Algorithm::from);
            let seen = make(name, algorithm, made, out, terminal)?;
            print(common, terminal, &seen, &report::steps(&old.key, &seen[0].key, &shown(file), &shown(out)));
            Ok(Exit::Done)
        }
    }
}

impl From<KeyAlgorithm> for Algorithm {
    fn from(algorithm: KeyAlgorithm) -> Self {
        match algorithm {
            KeyAlgorithm::Ed25519 => Self::Ed25519,
            KeyAlgorithm::Rsa3072 => Self::Rsa3072,
            KeyAlgorithm::Rsa4096 => Self::Rsa4096,
        }
    }
}

/// Makes a key and writes it.
fn make(
    name: &str,
    algorithm: Algorithm,
    made: &NewKey,
    out: &Path,
    terminal: &Terminal,
) -> Result<Vec<Seen>, Findings> {
    if name.trim().is_empty() || name.contains(char::is_control) {
        return Err(vec![
            Diagnostic::error(codes::SIGN_NO_NAME, "a key must say in one line whose it is")
                .help("`--name \"Ops Team <ops@example.org>\"`"),
        ]);
    }
    let passphrase = passphrase(made)?;
    if passphrase.as_deref().is_some_and(|passphrase| sign::one_line(passphrase).is_empty()) {
        return Err(vec![
            Diagnostic::error(codes::SIGN_LOCKED, "the passphrase is empty")
                .help("give one, or leave `--passphrase-file` out for a key that is not locked"),
        ]);
    }
    let created = now();
    let new = sign::NewKey {
        user_id: name,
        algorithm,
        created,
        life: made.expires.0,
        passphrase: passphrase.as_deref().map(sign::one_line),
    };
    let key = sign::generate(&new).map_err(|error| vec![error.into()])?;
    write_secret(out, &key)?;
    let locked = if passphrase.is_some() { "locked by the passphrase" } else { "not locked" };
    terminal.step("Wrote", &format!("{}, the secret key, {locked}; only you may read it", shown(out)));
    let (seen, _) = sign::look_at(&shown(out), &key, created).map_err(|error| vec![error.into()])?;
    Ok(seen)
}

fn passphrase(made: &NewKey) -> Result<Option<Vec<u8>>, Findings> {
    if let Some(variable) = &made.passphrase_env {
        let unset = || vec![SignError::Unset { variable: variable.clone() }.into()];
        return env::get(variable).map(|value| Some(value.into_bytes())).ok_or_else(unset);
    }
    let Some(file) = &made.passphrase_file else { return Ok(None) };
    fs_err::read(file).map(Some).map_err(|source| vec![SignError::Unreadable { name: shown(file), source }.into()])
}

/// Nobody but the owner may ever open it, not even between its making and its end.
fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), Findings> {
    let file = fs_err::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(|source| {
        vec![if source.kind() == std::io::ErrorKind::AlreadyExists {
            Diagnostic::error(codes::SIGN_EXISTS, format!("`{}` is there already", shown(path)))
                .help("name another file: a key is never written over")
        } else {
            EngineError::Write { path: path.into(), source }.into()
        }]
    })
}

/// `[package] maintainer`
fn maintainer(common: &Common) -> Result<String, Findings> {
    let none = || {
        vec![
            Diagnostic::error(codes::SIGN_NO_NAME, "nothing says whose the key is")
                .help("`--name \"Ops Team <ops@example.org>\"`, or `maintainer` under [package]"),
        ]
    };
    if !common.config.exists() {
        return Err(none());
    }
    let document = run::read_config(&common.config)?;
    let (tree, lost) = document.tree(&[]);
    // What else is wrong with the config is for other verbs to tell.
    document.read(tree, lost, None).manifest.package.maintainer.map(|text| text.value).ok_or_else(none)
}

fn configured(common: &Common, environment: Option<&str>) -> Result<(Vec<Seen>, Findings), Findings> {
    let document = run::read_config(&common.config)?;
    let reading = environment::read(&document, environment, &[])?;
    if has_errors(&reading.findings) {
        return Err(reading.findings);
    }
    let config = absolute(&common.config);
    let folder = config.parent().unwrap_or(Path::new("/"));
    let (source, variables) = (document.source(), env::all());
    let ground = Ground { source, folder, variables: &variables, now: now() };
    Ok(sign::look(&reading.manifest.sign, ground))
}

fn of_files(files: &[std::path::PathBuf]) -> Result<(Vec<Seen>, Findings), Findings> {
    let (mut all, mut findings) = (Vec::new(), Findings::new());
    for file in files {
        let name = shown(file);
        let looked = fs_err::read(file)
            .map_err(|source| SignError::Unreadable { name: name.clone(), source })
            .and_then(|bytes| sign::look_at(&name, &bytes, now()));
        match looked {
            Ok((seen, found)) => {
                all.extend(seen);
                findings.extend(found);
            }
            Err(error) => findings.push(error.into()),
        }
    }
    if all.is_empty() { Err(findings) } else { Ok((all, findings)) }
}

fn show(
    common: &Common,
    terminal: &Terminal,
    seen: &[Seen],
    findings: &[Diagnostic],
    public: bool,
) -> Result<Exit, Findings> {
    if common.json {
        let findings: Vec<Value> = findings.iter().map(draw::json).collect();
        let keys = report::json(seen).map_err(|error| vec![error.into()])?;
        terminal.document(&json!({ "schema": "fitout/keys/1", "keys": keys, "findings": findings }));
    } else if public {
        for one in seen {
            let text = one.certificate.armored().map_err(|error| vec![error.into()])?;
            terminal.data(&String::from_utf8_lossy(&text));
        }
    } else {
        terminal.data(&report::text(seen, now()));
    }
    terminal.findings(findings);
    Ok(Exit::of(findings))
}

/// What was made, and what is to be done with it.
fn print(common: &Common, terminal: &Terminal, seen: &[Seen], steps: &[String]) {
    if common.json {
        // What was just made can be written.
        let keys = report::json(seen).unwrap_or_default();
        terminal.document(&json!({ "schema": "fitout/keys/1", "keys": keys, "steps": steps }));
    } else {
        terminal.data(&report::text(seen, now()));
    }
    for step in steps {
        terminal.step("Next", step);
    }
}
