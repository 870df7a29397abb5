//! Recognises an assembled OTP release, by its own files alone; no Erlang is run.
//!
//! Enters: a folder. Leaves: name, version, runtime, applications, who assembled it. [`rules`] says what goes where.

use crate::diagnostic::{Diagnostic, Result, codes};
use crate::resolve::ground::{not_found, read_text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::term::{self, Term};

mod arguments;
pub(crate) mod host;
mod links;
pub mod node;
pub(crate) mod rules;
mod scripts;

/// An assembled release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtpRelease {
    /// The folder.
    pub dir: PathBuf,
    /// The folder as it is to be named in rules and messages: relative to the project where it was typed so.
    pub typed: String,
    /// Name, as in `bin/NAME`.
    pub name: String,
    /// Version.
    pub version: String,
    /// Version of the runtime system (ERTS).
    pub erts: String,
    /// Whether `erts-V` is inside.
    pub erts_included: bool,
    /// Name and version of each application, in the order of the `.rel` file.
    pub applications: Vec<(String, String)>,
    /// Which tool assembled it.
    pub producer: Producer,
    /// What the application itself says that it is, if that is more than its name.
    pub summary: Option<String>,
}

/// Name and version of each application, in the order of the `.rel` file.
type Applications = Vec<(String, String)>;

/// Who assembled a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Producer {
    /// `mix release`
    Mix,
    /// Distillery
    Distillery,
    /// relx, by `rebar3 release`
    Relx,
}

impl Producer {
    /// As its users call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mix => "mix release",
            Self::Distillery => "Distillery",
            Self::Relx => "relx",
        }
    }
}

impl OtpRelease {
    /// Reads a release folder; `typed` names it in messages.
    ///
    /// # Errors
    /// It is not there, is not a release, or has a `.rel` or `.app` file that cannot be read.
    pub fn read(dir: &Path, typed: &str) -> Result<Self> {
        if !dir.is_dir() {
            return Err(not_found(dir, typed));
        }
        let refused = |why: String| {
            Diagnostic::error(codes::RESOLVE_NOT_A_RELEASE, format!("`{typed}` is not an OTP release: {why}"))
                .path(typed)
                .help("the input is the folder that `mix release` or `rebar3 release` makes, such as `_build/prod/rel/NAME`")
        };
        let (erts, version) = live_version(dir).map_err(refused)?;
        let live = dir.join("releases").join(&version);
        let found = rel_file(&live, typed, &version)?
            .ok_or_else(|| refused(format!("no `.rel` file in `releases/{version}` is of version {version}")))?;
        let Rel { name, applications, .. } = found;
        let erts = erts.unwrap_or(found.erts);
        if erts.is_empty() || erts.contains('/') {
            return Err(refused(format!("its `.rel` file in `releases/{version}` names no version of the runtime")));
        }
        let mut release = Self {
            dir: dir.to_owned(),
            typed: typed.to_owned(),
            erts_included: dir.join(format!("erts-{erts}")).is_dir(),
            producer: producer(dir, &live),
            summary: None,
            name,
            version,
            erts,
            applications,
        };
        let described = release.described()?;
        release.summary = release.own_description(&described);
        Ok(release)
    }

    /// What the `.app` file of each application inside says. One in another encoding than UTF-8 says nothing here.
    fn described(&self) -> Result<BTreeMap<&str, Vec<term::Term>>> {
        let mut all = BTreeMap::new();
        for (name, version) in &self.applications {
            let file = format!("lib/{name}-{version}/ebin/{name}.app");
            let Ok(text) = read_text(&self.dir.join(&file), &format!("{}/{file}", self.typed)) else { continue };
            all.insert(name.as_str(), term::parse(&text)?);
        }
        Ok(all)
    }

    /// Whether an application is the release's own code: it has the release's name, or its version (applications of an
    /// umbrella commonly do).
    pub(crate) fn is_own(&self, application: &str, version: &str) -> bool {
        application == self.name || version == self.version
    }

    /// Native files (ELF) under `lib/*/priv` and `erts-*/bin`, relative and sorted: told by their first bytes, because
    /// neither name nor x bit tells.
    pub fn native_files(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (application, version) in &self.applications {
            let base = format!("lib/{application}-{version}/priv");
            native(&self.dir.join(&base), &base, 0, &mut found);
        }
        let base = format!("erts-{}/bin", self.erts);
        native(&self.dir.join(&base), &base, 0, &mut found);
        found.sort();
        found
    }

    /// The description in the `.app` file of the application that has the release's name.
    fn own_description(&self, described: &BTreeMap<&str, Vec<term::Term>>) -> Option<String> {
        let name = self.name.as_str();
        let terms = described.get(name)?;
        let [_, _, facts] = terms.first()?.tuple()? else { return None };
        let description = facts.property("description")?.text()?.trim();
        // What the project generators of mix and rebar3 put there says nothing.
        let says = !description.is_empty() && description != name && description != "An OTP application";
        says.then(|| description.to_owned())
    }
}

/// Versions of the runtime, if that is said, and of the release: those of `start_erl.data`, else of the only version there
/// is; or what is wrong.
fn live_version(dir: &Path) -> std::result::Result<(Option<String>, String), String> {
    let releases = dir.join("releases");
    if !releases.is_dir() {
        return Err("it has no folder `releases`".into());
    }
    let Ok(start) = fs_err::read_to_string(releases.join("start_erl.data")) else {
        let entries = fs_err::read_dir(&releases).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| rel_files(&entry.path()).next().is_some());
        let mut versions: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        versions.sort();
        return match &versions[..] {
            [] => Err("it has no `releases/start_erl.data`, and no `.rel` file in a folder of `releases`".into()),
            [one] => Ok((None, one.clone())),
            all => Err(format!(
                "it has the versions {}, and no `releases/start_erl.data` that says which one is live",
                all.join(", ")
            )),
        };
    };
    let words: Vec<&str> = start.split_whitespace().collect();
    let [erts, version] = words[..] else {
        return Err("`releases/start_erl.data` does not hold two versions".into());
    };
    // Both become parts of paths.
    if [erts, version].iter().any(|word| word.contains('/') || word.starts_with('.')) {
        return Err("`releases/start_erl.data` holds a path, not a version".into());
    }
    if !releases.join(version).is_dir() {
        return Err(format!(
            "`releases/start_erl.data` names version {version}, and `releases/{version}` is not there"
        ));
    }
    Ok((Some(erts.to_owned()), version.to_owned()))
}

/// What a `.rel` file says.
struct Rel {
    name: String,
    version: String,
    erts: String,
    applications: Applications,
}

/// Names of the `.rel` files in a folder, but for those of boot scripts that every release has.
fn rel_files(live: &Path) -> impl Iterator<Item = String> + use<> {
    let names =
        fs_err::read_dir(live).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| {
        Path::new(name).extension().is_some_and(|e| e == "rel")
            && name != "start_clean.rel"
            && name != "no_dot_erlang.rel"
    })
}

/// The live `.rel` file.
fn rel_file(live: &Path, typed: &str, version: &str) -> Result<Option<Rel>> {
    let mut files: Vec<String> = rel_files(live).collect();
    files.sort();
    for file in files {
        let source = term::read(&live.join(&file), &format!("{typed}/releases/{version}/{file}"))?;
        let terms = term::parse(&source)?;
        if let Some(found) = terms.first().and_then(release)
            && found.version == version
            && !found.name.is_empty()
            && !found.name.contains('/')
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// `{release,{"NAME","VSN"},{erts,"V"},[{App,"Vsn"} | {App,"Vsn",Type} | …]}`
fn release(term: &Term) -> Option<Rel> {
    let [kind, identity, runtime, applications] = term.tuple()? else { return None };
    let [name, version] = identity.tuple()? else { return None };
    if kind.atom() != Some("release") {
        return None;
    }
    let applications = applications.list()?.iter().map(|application| match application.tuple()? {
        [name, version, ..] => Some((name.atom()?.to_owned(), version.text()?.to_owned())),
        _ => None,
    });
    let erts = runtime.tuple().and_then(|parts| parts.get(1)?.text()).unwrap_or_default();
    Some(Rel {
        name: name.text()?.to_owned(),
        version: version.text()?.to_owned(),
        erts: erts.to_owned(),
        applications: applications.collect::<Option<_>>()?,
    })
}

fn producer(dir: &Path, live: &Path) -> Producer {
    if live.join("libexec").is_dir() {
        Producer::Distillery
    } else if dir.join("bin/nodetool").exists() {
        Producer::Relx
    } else if live.join("elixir").exists() || dir.join("releases/COOKIE").exists() {
        Producer::Mix
    } else {
        Producer::Relx
    }
}

/// Names in a folder of the release, sorted.
fn names(release: &OtpRelease, folder: &str) -> Vec<String> {
    let entries = fs_err::read_dir(release.dir.join(folder)).into_iter().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

fn native(dir: &Path, base: &str, depth: usize, found: &mut Vec<String>) {
    let Ok(entries) = fs_err::read_dir(dir) else { return };
    for entry in entries.flatten() {
        let name = format!("{base}/{}", entry.file_name().to_string_lossy());
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && depth < 32 => native(&entry.path(), &name, depth + 1, found),
            Ok(kind) if kind.is_file() && is_elf(&entry.path()) => found.push(name),
            _ => {}
        }
    }
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    fs_err::File::open(path).and_then(|mut file| std::io::Read::read_exact(&mut file, &mut magic)).is_ok()
        && magic == *b"\x7fELF"
}

#[cfg(test)]
pub(crate) mod tests;
