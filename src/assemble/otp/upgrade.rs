//! Two assembled releases -> the relup between them, and appups that nobody has written yet.
//!
//! Enters: the folders of two releases. Leaves: texts; nothing is written. A relup holds what `systools:make_relup` would put
//! there for the same appups. [`instructions`] turns those into a script, [`appup`] proposes one from what is different.
//! How a node that runs is upgraded by a relup is in `templates/launcher/otp-upgrade.sh.hbs`.

use std::fmt::Write as _;
use std::path::Path;

use super::app::{Application, Home};
use crate::diagnostic::{Diagnostic, Findings, Result, codes};
use crate::resolve::preset::otp::OtpRelease;
use crate::resolve::preset::term::make::{atom, pair, tuple};
use crate::resolve::preset::term::{self, Term};

pub mod appup;
mod instructions;
#[cfg(test)]
mod tests;

use instructions::Way;

/// The applications of a release that are in its folder.
#[derive(Debug, Default)]
pub struct Applications(Vec<Of>);

/// What a script must know of an application.
#[derive(Debug, Clone)]
pub struct Of {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its modules, as its `.app` file lists them.
    pub modules: Vec<String>,
    /// How it is started.
    pub kind: String,
}

impl Applications {
    fn get(&self, name: &str) -> Option<&Of> {
        self.0.iter().find(|of| of.name == name)
    }

    /// Name and version of the application that has a module.
    fn of_module(&self, module: &str) -> Option<(&str, &str)> {
        let found = self.0.iter().find(|of| of.modules.iter().any(|own| own == module));
        found.map(|of| (of.name.as_str(), of.version.as_str()))
    }
}

/// One of two releases.
pub struct Side {
    release: OtpRelease,
    applications: Applications,
}

impl Side {
    /// Reads the folder of a release; of Erlang's own applications only those that are in it are known.
    ///
    /// # Errors
    /// It is no release, or one of its files cannot be read.
    pub fn read(dir: &Path) -> std::result::Result<Self, Findings> {
        let typed = dir.display().to_string();
        let release = OtpRelease::read(dir, &typed).map_err(|finding| vec![finding])?;
        let rel = dir.join(format!("releases/{}/{}.rel", release.version, release.name));
        let terms =
            term::read(&rel, &rel.display().to_string()).and_then(|source| term::parse(&source)).unwrap_or_default();
        let listed = terms.first().and_then(|term| term.tuple()?.get(3)?.list()).unwrap_or_default();
        let kind = |name: &str| {
            let parts =
                listed.iter().filter_map(Term::tuple).find(|parts| parts.first().and_then(Term::atom) == Some(name));
            parts.and_then(|parts| parts.get(2)?.atom()).unwrap_or("permanent").to_owned()
        };
        let (mut all, mut findings) = (Vec::new(), Findings::new());
        for (name, version) in &release.applications {
            let folder = dir.join("lib").join(format!("{name}-{version}"));
            let mut of = Of { name: name.clone(), version: version.clone(), modules: Vec::new(), kind: kind(name) };
            if folder.is_dir() {
                match Application::read(dir, &folder, name, Home::Project) {
                    Ok(application) => of.modules = application.modules,
                    Err(finding) => findings.push(finding),
                }
            }
            all.push(of);
        }
        if findings.is_empty() { Ok(Self { release, applications: Applications(all) }) } else { Err(findings) }
    }

    /// Where the `ebin` of an application is.
    fn ebin(&self, of: &Of) -> std::path::PathBuf {
        self.release.dir.join(format!("lib/{}-{}/ebin", of.name, of.version))
    }
}

/// The text of the relup that takes a node from `old` to `new` and back.
///
/// # Errors
/// An appup is missing, has nothing for the other version, or cannot be understood; all of them at once.
pub fn relup(old: &Side, new: &Side) -> std::result::Result<String, Findings> {
    let (mut up, mut down, mut findings) = (Vec::new(), Vec::new(), Findings::new());
    for of in &new.applications.0 {
        let Some(before) = old.applications.get(&of.name).filter(|before| before.version != of.version) else {
            continue;
        };
        match written(new, of, &before.version) {
            Ok([forth, back]) => {
                up.push(forth);
                down.push(back);
            }
            Err(finding) => findings.push(finding),
        }
    }
    if !findings.is_empty() {
        return Err(findings);
    }
    around(&mut up, &new.applications, &old.applications);
    around(&mut down, &old.applications, &new.applications);
    if old.release.erts != new.release.erts {
        for scripts in [&mut up, &mut down] {
            scripts.insert(0, vec![Term::Atom("restart_new_emulator".to_owned())]);
        }
    }
    let made = |way, scripts: &[Vec<Term>], to: &Side, from: &Side| {
        instructions::script(way, scripts, &to.applications, &from.applications).map_err(|why| {
            let message =
                format!("no relup can be made from version {} to {}: {why}", from.release.version, to.release.version);
            vec![
                Diagnostic::error(codes::OTP_BAD_APPUP, message)
                    .path(&new.release.typed)
                    .help("appup(4) has the instructions of an `.appup`"),
            ]
        })
    };
    let up = made(Way::Up, &up, new, old)?;
    let down = made(Way::Down, &down, old, new)?;
    let (old, new) = (&old.release.version, &new.release.version);
    let lines = |script: &[Term]| script.iter().map(|term| format!("\n    {term:#}")).collect::<Vec<_>>().join(",");
    let one = |script: &[Term]| format!("[{{{:#}, [], [{}]}}]", Term::Text(old.clone()), lines(script));
    Ok(format!("%% coding: utf-8\n{{{:#},\n {},\n {}}}.\n", Term::Text(new.clone()), one(&up), one(&down)))
}

/// What comes is there before the others, what goes stays until they are done.
fn around(scripts: &mut Vec<Vec<Term>>, to: &Applications, from: &Applications) {
    let comes = to.0.iter().filter(|of| from.get(&of.name).is_none());
    let comes = comes.map(|of| vec![tuple([atom("add_application"), atom(&of.name), atom(&of.kind)])]);
    let goes = from.0.iter().filter(|of| to.get(&of.name).is_none());
    let goes = goes.map(|of| vec![pair("remove_application", atom(&of.name))]);
    *scripts = comes.chain(std::mem::take(scripts)).chain(goes).collect();
}

/// The instructions of an `.appup`, forth from an older version and back to it.
fn written(side: &Side, of: &Of, older: &str) -> Result<[Vec<Term>; 2]> {
    let file = side.ebin(of).join(format!("{}.appup", of.name));
    let shown = file.display().to_string();
    let missing = |message: String| {
        Diagnostic::error(codes::OTP_NO_APPUP, message)
            .path(&shown)
            .help("`fitout release appup OLD NEW` proposes one from what is different")
    };
    if !file.is_file() {
        let message =
            format!("`{}` has another version than before, {} after {older}, and no appup", of.name, of.version);
        return Err(missing(message));
    }
    let source = term::read(&file, &shown)?;
    let terms = term::parse(&source).map_err(|finding| Diagnostic {
        code: codes::OTP_BAD_APPUP,
        helps: vec!["appup(4) has its form: one term, which a full stop ends".into()],
        ..finding
    })?;
    let refused = |at: &[usize], why: &str| {
        let span = term::place(&source, at).unwrap_or_else(|| crate::diagnostic::Span::new(&source, 0..1));
        Diagnostic::error(codes::OTP_BAD_APPUP, format!("`{shown}` is no appup"))
            .at(&span, why)
            .help("write `{\"NEW\", [{\"OLD\", [INSTRUCTION, …]}], [{\"OLD\", [INSTRUCTION, …]}]}`: appup(4)")
    };
    let form = "this should be `{Version, [{Older, Instructions}], [{Older, Instructions}]}`";
    let [Term::Tuple(parts)] = terms.as_slice() else { return Err(refused(&[0], form)) };
    let [version, up, down] = parts.as_slice() else { return Err(refused(&[0], form)) };
    if version.text() != Some(of.version.as_str()) {
        return Err(refused(&[0, 0], &format!("the application has version {}", of.version)));
    }
    let script = |at: usize, list: &Term| {
        let all = list.list().ok_or_else(|| refused(&[0, at], "this should be a list"))?;
        for (index, entry) in all.iter().enumerate() {
            let Some([version, script]) = entry.tuple() else {
                return Err(refused(&[0, at, index], "this should be `{Older, Instructions}`"));
            };
            if matches!(version, Term::Binary(_)) {
                return Err(refused(&[0, at, index, 0], "patterns of versions are not understood: name the version"));
            }
            if version.text() == Some(older) {
                let script = script
                    .list()
                    .ok_or_else(|| refused(&[0, at, index, 1], "this should be a list of instructions"))?;
                return Ok(script.to_vec());
            }
        }
        let which = if at == 1 { "from" } else { "back to" };
        Err(missing(format!(
            "the appup of `{}` {} says nothing of the way {which} version {older}",
            of.name, of.version
        )))
    };
    Ok([script(1, up)?, script(2, down)?])
}

/// A proposed `.appup`: the file that it belongs into, and its text.
pub struct Proposed {
    /// In the newer release.
    pub file: std::path::PathBuf,
    /// The text.
    pub text: String,
    /// Whether there is one already.
    pub is_there: bool,
}

/// Appups of all applications whose versions differ.
///
/// # Errors
/// A module that cannot be read, or is none.
pub fn appups(old: &Side, new: &Side) -> std::result::Result<Vec<Proposed>, Findings> {
    let (mut all, mut findings) = (Vec::new(), Findings::new());
    for of in &new.applications.0 {
        let Some(before) = old.applications.get(&of.name).filter(|before| before.version != of.version) else {
            continue;
        };
        let file = new.ebin(of).join(format!("{}.appup", of.name));
        match appup::between(&old.ebin(before), &new.ebin(of)) {
            Ok(script) => {
                let is_there = file.is_file();
                all.push(Proposed { file, text: text(&of.version, &before.version, &script), is_there });
            }
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() { Ok(all) } else { Err(findings) }
}

fn text(new: &str, old: &str, [up, down]: &[Vec<Term>; 2]) -> String {
    let (new, old) = (Term::Text(new.to_owned()), Term::Text(old.to_owned()));
    let mut out = format!("%% coding: utf-8\n{{{new:#}");
    for script in [up, down] {
        let lines: Vec<String> = script.iter().map(|term| format!("\n    {term:#}")).collect();
        let _ = write!(out, ",\n [{{{old:#}, [{}]}}]", lines.join(","));
    }
    out + "}.\n"
}
