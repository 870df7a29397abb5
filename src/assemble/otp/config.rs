//! The configuration of a release: a file of terms, or what one evaluation gives.
//!
//! Enters: a [`Source`]. Leaves: the bytes of `sys.config`. Where the build step had nothing to do, Elixir has nothing to evaluate: what
//! it gave lies in the cache, under a digest of what the step need not know. A command runs each time.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use crate::assemble::content;
use crate::build::ask;
use crate::build::environment::Environment;
use crate::build::state::EVALUATED;
use crate::codec::hashes::{Hashes, sums};
use crate::codec::hex::hex;
use crate::config::schema::AssemblyKind;
use crate::diagnostic::{Diagnostic, Result, SourceText, Span, codes};
use crate::interrupt;
use crate::resolve::preset::term::make::{atom, list, pair, tuple};
use crate::resolve::preset::term::{self, Term};

use super::find::names;
use super::wanted::Wanted;

/// Where the configuration comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file of Erlang terms, and where it is named.
    Terms(PathBuf, Option<Span>),
    /// A file that Elixir evaluates, and where it is named.
    Elixir(PathBuf, Option<Span>),
    /// A command that prints terms, and where it stands.
    Command(String, Span),
}

/// Evaluates a file as Mix does, which knows the project then, and writes what came of it to another.
const EVALUATE: &str = "[file, out] = System.argv(); \
    Mix.start(); \
    if File.regular?(\"mix.exs\"), do: Code.compile_file(\"mix.exs\"); \
    config = Config.Reader.read!(file, env: Mix.env(), target: Mix.target()); \
    File.write!(out, :io_lib.format(\"~tw.~n\", [config]) |> IO.chardata_to_string())";

impl Source {
    /// Of a file, told by its name.
    pub fn of_file(file: PathBuf, place: Option<Span>) -> Self {
        if file.extension().is_some_and(|extension| extension == "exs") {
            Self::Elixir(file, place)
        } else {
            Self::Terms(file, place)
        }
    }

    /// What its file is called in the release.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Terms(file, _) if file.extension().is_some_and(|extension| extension == "src") => "sys.config.src",
            _ => "sys.config",
        }
    }

    fn place(&self) -> Option<&Span> {
        match self {
            Self::Terms(_, place) | Self::Elixir(_, place) => place.as_ref(),
            Self::Command(_, place) => Some(place),
        }
    }
}

/// The bytes of `sys.config`; none where a release has none. `cache` is where it lies what was evaluated.
///
/// # Errors
/// It cannot be read or evaluated, or holds no configuration.
pub fn read(
    wanted: &Wanted,
    compile_env: Vec<Term>,
    environment: &Environment,
    cache: Option<Kept<'_>>,
) -> Result<Option<Vec<u8>>> {
    let text = match &wanted.config {
        None => None,
        Some(Source::Terms(file, _)) if wanted.kind == AssemblyKind::Relx => {
            let shown = content::show(&wanted.project, file);
            // What is filled at start is no term yet.
            return fs_err::read(file).map(Some).map_err(|error| content::unreadable(&shown, &error));
        }
        Some(Source::Terms(file, _)) => Some(term::read(file, &content::show(&wanted.project, file))?),
        Some(source) => Some(evaluated(wanted, source, environment, cache)?),
    };
    if text.is_none() && wanted.kind == AssemblyKind::Relx {
        return Ok(None);
    }
    let config = match &text {
        None => Vec::new(),
        Some(text) => pairs(wanted, text)?,
    };
    let config = if wanted.has_providers() { with_providers(wanted, config, compile_env) } else { config };
    let all = Term::List(config, None);
    Ok(Some(format!("%% coding: utf-8\n%% RUNTIME_CONFIG=false\n{all}.\n").into_bytes()))
}

/// The pairs of application and settings.
fn pairs(wanted: &Wanted, source: &Arc<SourceText>) -> Result<Vec<Term>> {
    let refused = |at: &[usize]| {
        let message = format!("`{}` holds no configuration", source.name);
        let span = term::place(source, at).unwrap_or_else(|| Span::new(source, 0..1));
        let finding =
            Diagnostic::error(codes::OTP_CONFIG, message).at(&span, "this should be `[{Application, Settings}]`");
        let place = wanted.config.as_ref().and_then(Source::place);
        let finding = place.iter().fold(finding, |finding, place| finding.at(place, "asked for here"));
        finding.help("a configuration is one list, as config(4) describes it")
    };
    let mut terms = term::parse(source)?;
    let Some(Term::List(all, None)) = terms.pop().filter(|_| terms.is_empty()) else { return Err(refused(&[0])) };
    let is_pair = |term: &Term| matches!(term.tuple(), Some([Term::Atom(_), Term::List(_, None)]));
    match all.iter().position(|term| !is_pair(term)) {
        Some(wrong) => Err(refused(&[0, wrong])),
        None => Ok(all),
    }
}

/// Adds what Elixir's configuration providers are started with, as `Config.Provider` of Elixir 1.12 and newer keeps it.
fn with_providers(wanted: &Wanted, mut config: Vec<Term>, compile_env: Vec<Term>) -> Vec<Term> {
    let binary = |text: &str| Term::Binary(text.as_bytes().to_vec());
    let system = |variable: &str, rest: &str| tuple([atom("system"), binary(variable), binary(rest)]);
    let mut providers = Vec::new();
    if wanted.runtime.is_some() {
        let options = [
            pair("env", atom(&wanted.mix_env)),
            pair("target", atom(&wanted.mix_target)),
            pair("imports", atom("disabled")),
        ];
        let path = system("RELEASE_ROOT", &format!("/releases/{}/runtime.exs", wanted.version));
        providers.push(pair("Elixir.Config.Reader", tuple([path, list(options)])));
    }
    providers.extend(wanted.providers.iter().cloned());
    let compile_env = if compile_env.is_empty() { atom("false") } else { list(compile_env) };
    let init = Term::Map(vec![
        (atom("__struct__"), atom("Elixir.Config.Provider")),
        (atom("config_path"), system("RELEASE_SYS_CONFIG", ".config")),
        (atom("extra_config"), list(Vec::new())),
        (atom("providers"), list(providers)),
        (atom("prune_runtime_sys_config_after_boot"), atom("false")),
        (atom("reboot_system_after_config"), atom("false")),
        (atom("validate_compile_env"), compile_env),
    ]);
    let is_elixir = |term: &Term| matches!(term.tuple(), Some([name, _]) if name.atom() == Some("elixir"));
    let own = config.iter().position(is_elixir).map(|at| config.remove(at));
    let own = own.as_ref().and_then(|term| term.tuple()?.get(1)?.list()).unwrap_or_default();
    let settings = own.iter().cloned().chain([pair("config_provider_init", init)]);
    config.push(pair("elixir", list(settings)));
    config
}

/// What was evaluated in an earlier run.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'f> {
    /// The folder that it is in.
    pub folder: &'f Path,
    /// Whether nothing that the evaluation may read has changed since. A configuration may read anything: the build step's inputs are
    /// all that is known of it.
    pub is_true: bool,
}

/// What a source gives, evaluated unless that was done before of the same.
fn evaluated(
    wanted: &Wanted,
    source: &Source,
    environment: &Environment,
    cache: Option<Kept<'_>>,
) -> Result<Arc<SourceText>> {
    // What a command reads is not known.
    let cache = cache.filter(|_| matches!(source, Source::Elixir(..)));
    let kept = cache.map(|cache| cache.folder.join(format!("{EVALUATED}{}", key(wanted, source, environment))));
    let name = match source {
        Source::Elixir(file, _) => format!("what `{}` evaluates to", content::show(&wanted.project, file)),
        _ => "what the command prints".to_owned(),
    };
    let is_true = cache.is_some_and(|cache| cache.is_true);
    if let Some(text) = kept.as_ref().filter(|_| is_true).and_then(|kept| fs_err::read_to_string(kept).ok()) {
        return Ok(Arc::new(SourceText { name, text }));
    }
    let text = run(wanted, source, environment)?;
    if let (Some(Kept { folder, .. }), Some(kept)) = (cache, &kept) {
        for name in names(folder).iter().filter(|name| name.starts_with(EVALUATED)) {
            let _ = fs_err::remove_file(folder.join(name));
        }
        // Without it the next run evaluates again.
        let _ = fs_err::create_dir_all(folder).and_then(|()| interrupt::replace(kept, text.as_bytes()));
    }
    Ok(Arc::new(SourceText { name, text }))
}

fn run(wanted: &Wanted, source: &Source, environment: &Environment) -> Result<String> {
    let failed = |shown: &str, lines: Vec<String>| {
        let finding = Diagnostic::error(codes::OTP_CONFIG_FAILED, format!("{shown} could not be evaluated"));
        let finding = source.place().iter().fold(finding, |finding, place| finding.at(place, "asked for here"));
        let finding = lines.into_iter().fold(finding, Diagnostic::note);
        finding.help("`sys-config` under `[release]` may name a file of Erlang terms instead")
    };
    let mut command;
    match source {
        Source::Terms(..) => Ok(String::new()),
        Source::Command(line, _) => {
            command = Command::new("sh");
            command.args(["-c", line]);
            environment.apply(&mut command);
            ask::answer(&wanted.project, "sh", &mut command).map_err(|refusal| failed("the command", refusal.lines()))
        }
        Source::Elixir(file, _) => {
            let shown = format!("`{}`", content::show(&wanted.project, file));
            let out = tempfile::NamedTempFile::new().map_err(|error| failed(&shown, vec![error.to_string()]))?;
            command = Command::new("elixir");
            command.args(["-e", EVALUATE]);
            command.arg(file).arg(out.path());
            environment.apply(&mut command);
            command.env("MIX_ENV", &wanted.mix_env);
            ask::answer(&wanted.project, "elixir", &mut command).map_err(|refusal| failed(&shown, refusal.lines()))?;
            fs_err::read_to_string(out.path()).map_err(|error| failed(&shown, vec![error.to_string()]))
        }
    }
}

/// Folders without sources of the project's own.
const PASSED: [&str; 5] = ["_build", "deps", ".git", "node_modules", ".elixir_ls"];

/// A digest of what decides whatever the build step is: every `.exs` file of the project and all that lies in a folder `config`, the lock file,
/// the environment.
fn key(wanted: &Wanted, source: &Source, environment: &Environment) -> String {
    let mix = (&wanted.mix_env, &wanted.mix_target);
    let mut text = format!("{source:?}\n{mix:?}\n{:?}\n", environment.deciding());
    let mut files = vec![wanted.project.join("mix.lock")];
    let mut folders = vec![wanted.project.clone()];
    if let Source::Elixir(file, _) = source {
        // Also where it lies elsewhere.
        folders.extend(file.parent().map(Path::to_owned));
    }
    while let Some(folder) = folders.pop() {
        let is_config = folder.components().any(|part| part.as_os_str() == "config");
        for name in names(&folder).into_iter().filter(|name| !PASSED.contains(&name.as_str())) {
            let path = folder.join(&name);
            // Links to folders may lead in a circle.
            match fs_err::symlink_metadata(&path) {
                Ok(meta) if meta.is_dir() => folders.push(path),
                Ok(_) if is_config || path.extension().is_some_and(|kind| kind == "exs") => files.push(path),
                _ => {}
            }
        }
    }
    files.sort();
    files.dedup();
    for file in files {
        let digest = fs_err::read(&file).map(|bytes| hex(&sums(&bytes, Hashes::SHA256).sha256.unwrap_or_default()));
        let _ = writeln!(text, "{} {}", file.display(), digest.unwrap_or_default());
    }
    hex(&sums(text.as_bytes(), Hashes::SHA256).sha256.unwrap_or_default())
}
