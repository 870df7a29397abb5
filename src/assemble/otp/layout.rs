//! What both layouts have in common: applications, the runtime, boot scripts, the texts beside them.
//!
//! Enters: the applications of a release, in order. Leaves: a [`Tree`] that [`mix`] or [`relx`] completes.

use std::path::Path;

use crate::assemble::content;
use crate::config::schema::{AssemblyKind, StartType};
use crate::diagnostic::{Diagnostic, Result, codes};
use crate::resolve::preset::term::Term;

use super::app::Home;
use super::boot::{self, Extra, Part, Template};
use super::closure::Chosen;
use super::etf;
use super::tree::Tree;
use super::wanted::Wanted;
use super::{mix, relx};

/// Starts a node of the release where no launcher of a package does.
const START: &str = include_str!("scripts/start.sh");
/// The runtime's own start script, which finds itself.
const ERL: &str = include_str!("scripts/erl.sh");

/// A release that is being laid out.
pub(super) struct Layout<'a> {
    pub wanted: &'a Wanted,
    pub chosen: &'a [Chosen],
    pub template: Template,
    pub tree: Tree,
}

impl<'a> Layout<'a> {
    /// The whole release.
    pub fn of(wanted: &'a Wanted, chosen: &'a [Chosen], config: Option<&[u8]>) -> Result<Tree> {
        let file = wanted.places.otp.join("bin/start_clean.boot");
        let shown = content::show(&wanted.project, &file);
        let bytes = fs_err::read(&file).map_err(|error| content::unreadable(&shown, &error))?;
        let template = Template::read(&bytes).map_err(|why| {
            Diagnostic::error(codes::OTP_NO_ROOT, format!("`{shown}` is not as OTP has it: {why}"))
                .path(&shown)
                .help("`otp` under `[release]` names a whole Erlang/OTP")
        })?;
        let mut layout = Self { wanted, chosen, template, tree: Tree::new(&wanted.project) };
        layout.applications()?;
        if wanted.erts {
            layout.runtime()?;
        }
        layout.tree.text("releases/start_erl.data", format!("{} {}", wanted.places.erts, wanted.version));
        layout.tree.text(layout.live(&format!("{}.rel", wanted.name)), layout.rel().into_bytes());
        match wanted.kind {
            AssemblyKind::Mix => mix::complete(&mut layout, config)?,
            AssemblyKind::Relx => relx::complete(&mut layout, config)?,
        }
        layout.tree.script(format!("bin/{}", wanted.name), START);
        for overlay in &wanted.overlays {
            layout.tree.copy(overlay, "", &None)?;
        }
        Ok(layout.tree)
    }

    /// A path in the folder of the version.
    pub fn live(&self, name: &str) -> String {
        format!("releases/{}/{name}", self.wanted.version)
    }

    fn applications(&mut self) -> Result<()> {
        let folders: &[&str] = if self.wanted.old_mix { &["priv"] } else { &["priv", "include"] };
        for chosen in self.chosen.iter().filter(|chosen| chosen.is_inside(self.wanted.erts)) {
            let application = &chosen.application;
            let to = format!("lib/{}", application.folder());
            self.tree.copy(&application.dir.join("ebin"), &format!("{to}/ebin"), &self.wanted.strip)?;
            for name in folders {
                // A link in the build leads to the folder of the source.
                let folder = application.dir.join(name);
                match fs_err::canonicalize(&folder) {
                    Ok(from) => self.tree.copy(&from, &format!("{to}/{name}"), &None)?,
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(error) => {
                        return Err(content::unreadable(&content::show(&self.wanted.project, &folder), &error));
                    }
                }
            }
        }
        Ok(())
    }

    fn runtime(&mut self) -> Result<()> {
        let folder = format!("erts-{}/bin", self.wanted.places.erts);
        self.tree.copy(&self.wanted.places.otp.join(&folder), &folder, &None)?;
        self.tree.files.remove(&format!("{folder}/erl.ini"));
        self.tree.script(format!("{folder}/erl"), ERL);
        Ok(())
    }

    /// A boot script and what is printed of it, by path without suffix.
    fn boot(&mut self, path: &str, parts: &[Part<'_>], extra: Extra<'_>) -> Result<()> {
        let script = boot::script(parts, &self.template, extra).map_err(|circle| self.circle(&circle))?;
        let bytes = etf::encode(&script, self.template.atoms).map_err(|error| {
            Diagnostic::error(codes::OTP_BAD_APP, format!("the boot script cannot be written: {error}"))
                .help("one of the `.app` files of the release holds it")
        })?;
        self.tree.text(format!("{path}.boot"), bytes);
        self.tree.text(format!("{path}.script"), printed(&script).into_bytes());
        Ok(())
    }

    /// Where the modules of each application are, as boot scripts say it.
    pub fn paths(&self) -> Vec<String> {
        let root = |chosen: &Chosen| match (self.wanted.kind, chosen.application.home) {
            (AssemblyKind::Mix, Home::Otp) => "$ROOT/lib",
            (AssemblyKind::Mix, _) => "$RELEASE_LIB",
            (AssemblyKind::Relx, Home::Otp) if !self.wanted.erts => "$ERTS_LIB_DIR",
            (AssemblyKind::Relx, _) if !self.wanted.erts => "$RELEASE_LIB",
            (AssemblyKind::Relx, _) => "$ROOT/lib",
        };
        self.chosen.iter().map(|chosen| format!("{}/{}/ebin", root(chosen), chosen.application.folder())).collect()
    }

    /// A script of all applications; `start` says how each is started.
    pub fn boot_all(
        &mut self,
        path: &str,
        paths: &[String],
        extra: Extra<'_>,
        start: impl Fn(&Chosen) -> StartType,
    ) -> Result<()> {
        self.boot(path, &parts(self.chosen, paths, start), extra)
    }

    /// A script of what every node needs and nothing else.
    pub fn boot_bare(&mut self, path: &str, paths: &[String], extra: Extra<'_>) -> Result<()> {
        let mut parts = parts(self.chosen, paths, Self::clean);
        parts.retain(|part| part.start.starts());
        self.boot(path, &parts, extra)
    }

    /// How an application is started in a node that starts nothing but what every node needs.
    pub fn clean(chosen: &Chosen) -> StartType {
        match chosen.application.name.as_str() {
            "kernel" | "stdlib" => StartType::Permanent,
            _ => StartType::None,
        }
    }

    /// The `.rel` file, in the form that the tools of Erlang print.
    fn rel(&self) -> String {
        let text = |text: &str| format!("{:#}", Term::Text(text.to_owned()));
        let application = |chosen: &Chosen| {
            let application = &chosen.application;
            let name = Term::Atom(application.name.clone());
            let start = match (self.wanted.kind, chosen.start) {
                (AssemblyKind::Relx, StartType::Permanent) => String::new(),
                (_, start) => format!(",{}", start.word()),
            };
            let included = Term::List(application.includes.iter().cloned().map(Term::Atom).collect(), None);
            let says = self.wanted.kind == AssemblyKind::Mix && !application.includes.is_empty();
            let included = if says { format!(",{included}") } else { String::new() };
            format!("{{{name},{}{start}{included}}}", text(&application.version))
        };
        let applications: Vec<String> = self.chosen.iter().map(application).collect();
        format!(
            "%% coding: utf-8\n{{release,{{{},{}}},\n         {{erts,{}}},\n         [{}]}}.\n",
            text(&self.wanted.name),
            text(&self.wanted.version),
            text(&self.wanted.places.erts),
            applications.join(",\n          ")
        )
    }

    fn circle(&self, names: &[String]) -> Diagnostic {
        super::check::circle(self.chosen, names)
    }
}

fn parts<'p>(chosen: &'p [Chosen], paths: &'p [String], start: impl Fn(&Chosen) -> StartType) -> Vec<Part<'p>> {
    let part = |(chosen, path): (&'p Chosen, &'p String)| Part {
        application: &chosen.application,
        start: start(chosen),
        path,
    };
    chosen.iter().zip(paths).map(part).collect()
}

/// A script, one instruction a line.
fn printed(script: &Term) -> String {
    let lines = |all: &[Term]| all.iter().map(|term| format!("{term:#}")).collect::<Vec<_>>().join(",\n     ");
    match script.tuple() {
        Some([kind, identity, Term::List(all, None)]) => {
            format!("%% coding: utf-8\n{{{kind},{identity:#},\n    [{}]}}.\n", lines(all))
        }
        _ => format!("%% coding: utf-8\n{script:#}.\n"),
    }
}

/// A text of the project whose few holes fitout can fill: the release's name and version.
pub(super) fn literal(wanted: &Wanted, file: &Path, key: &str) -> Result<Vec<u8>> {
    let shown = content::show(&wanted.project, file);
    let source = crate::resolve::preset::term::read(file, &shown)?;
    let text = source.text.replace("<%= @release.name %>", &wanted.name);
    let text = text.replace("<%= @release.version %>", &wanted.version);
    let is_template = file.extension().is_some_and(|extension| extension == "eex");
    if let Some(at) = source.text.match_indices("<%").map(|(at, _)| at).find(|at| {
        let rest = &source.text[*at..];
        is_template && !rest.starts_with("<%= @release.name %>") && !rest.starts_with("<%= @release.version %>")
    }) {
        let end = source.text[at..].find("%>").map_or(at + 2, |end| at + end + 2);
        let span = crate::diagnostic::Span::new(&source, at..end);
        let help = if key.is_empty() {
            "write a file without it: variables of the host are filled at start".to_owned()
        } else {
            format!("set `{key}` under `[release]` to a file without it")
        };
        return Err(Diagnostic::error(codes::OTP_TEMPLATE, format!("`{shown}` has a hole that only Elixir can fill"))
            .at(&span, "this needs Elixir")
            .help(help)
            .note("fitout fills `<%= @release.name %>` and `<%= @release.version %>`"));
    }
    Ok(text.into_bytes())
}
