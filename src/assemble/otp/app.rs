//! `.app` file -> [`Application`].
//!
//! Enters: an `ebin` folder. Leaves: what the runtime is told of an application, with the text that it came from, so that what
//! is wrong later can be pointed at. Source: app(4).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::assemble::content;
use crate::diagnostic::{Diagnostic, Result, SourceText, Span, codes};
use crate::resolve::preset::term::{self, Term};

/// Where an application was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// Compiled for the project: its own, or a dependency.
    Project,
    /// Of the OTP that the release is made with.
    Otp,
    /// Of the Elixir that the release is made with.
    Elixir,
}

/// An application as its `.app` file describes it.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its folder, with `ebin` in it.
    pub dir: PathBuf,
    /// Whose it is.
    pub home: Home,
    /// Its modules.
    pub modules: Vec<String>,
    /// Names of processes that it registers.
    pub registered: Vec<String>,
    /// Applications that must be started before it.
    pub uses: Vec<String>,
    /// Those of them that need not be there.
    pub optional: Vec<String>,
    /// Applications that it starts by itself.
    pub includes: Vec<String>,
    /// Its callback module.
    pub start_module: Option<String>,
    /// The `.app` file.
    pub source: Arc<SourceText>,
    /// All its properties.
    properties: Term,
}

impl Application {
    /// Reads `NAME.app` in the `ebin` of a folder; messages show it relative to `project`.
    ///
    /// # Errors
    /// It cannot be read, is no Erlang term, or does not describe the application.
    pub fn read(project: &Path, dir: &Path, name: &str, home: Home) -> Result<Self> {
        let file = dir.join("ebin").join(format!("{name}.app"));
        let source = term::read(&file, &content::show(project, &file))?;
        let mut terms = term::parse(&source).map_err(|finding| Diagnostic {
            helps: vec!["the compiler writes this file: compile the application anew".into()],
            ..finding
        })?;
        let refused = |at: &[usize], why: &str| refused(&source, name, at, why);
        let properties = match terms.pop().filter(|_| terms.is_empty()) {
            Some(Term::Tuple(parts)) => match <[Term; 3]>::try_from(parts) {
                Ok([Term::Atom(kind), Term::Atom(of), properties @ Term::List(_, None)]) if kind == "application" => {
                    if of != name {
                        return Err(refused(&[0, 1], "it is of another application"));
                    }
                    properties
                }
                _ => return Err(refused(&[0], "this should be `{application, Name, [Properties]}`")),
            },
            _ => return Err(refused(&[0], "a file has one term: `{application, Name, [Properties]}`")),
        };
        let app = File { source: &source, name, properties: &properties };
        Ok(Self {
            name: name.to_owned(),
            version: app.version()?,
            dir: dir.to_owned(),
            home,
            modules: app.names("modules")?,
            registered: app.names("registered")?,
            uses: app.names("applications")?,
            optional: app.names("optional_applications")?,
            includes: app.names("included_applications")?,
            start_module: app.start_module()?,
            properties: properties.clone(),
            source: Arc::clone(&source),
        })
    }

    /// `NAME-VERSION`: its folder in a release.
    pub fn folder(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }

    /// A property of the file.
    pub fn property(&self, key: &str) -> Option<&Term> {
        property(&self.properties, key).map(|(_, term)| term)
    }

    /// Where the value of a property stands, or an atom in it; the name of the application if there is none.
    pub fn place(&self, key: &str, element: Option<&str>) -> Span {
        let mut path = vec![0, 1];
        if let Some((index, value)) = property(&self.properties, key) {
            path = vec![0, 2, index, 1];
            let all = value.list().or_else(|| value.tuple()).unwrap_or_default();
            path.extend(element.and_then(|name| all.iter().position(|term| term.atom() == Some(name))));
        }
        term::place(&self.source, &path).unwrap_or_else(|| Span::new(&self.source, 0..1))
    }
}

/// What is read of.
struct File<'a> {
    source: &'a Arc<SourceText>,
    name: &'a str,
    properties: &'a Term,
}

impl File<'_> {
    fn refused(&self, key: &str, why: &str) -> Diagnostic {
        let at = property(self.properties, key).map_or_else(|| vec![0, 1], |(index, _)| vec![0, 2, index, 1]);
        refused(self.source, self.name, &at, why)
    }

    fn version(&self) -> Result<String> {
        let Some(version) = property(self.properties, "vsn").and_then(|(_, term)| term.text()) else {
            return Err(self.refused("vsn", "it says no version: `{vsn, \"1.2.3\"}`"));
        };
        if version.is_empty() || version.contains('/') || version.starts_with('.') {
            return Err(self.refused("vsn", "no folder can have this version in its name"));
        }
        Ok(version.to_owned())
    }

    fn names(&self, key: &str) -> Result<Vec<String>> {
        let Some((_, list)) = property(self.properties, key) else { return Ok(Vec::new()) };
        let all = list.list().and_then(|all| all.iter().map(|term| Some(term.atom()?.to_owned())).collect());
        all.ok_or_else(|| self.refused(key, "this should be a list of atoms"))
    }

    fn start_module(&self) -> Result<Option<String>> {
        match property(self.properties, "mod") {
            None => Ok(None),
            Some((_, Term::List(all, None))) if all.is_empty() => Ok(None),
            Some((_, Term::Tuple(parts))) if parts.len() == 2 && parts[0].atom().is_some() => {
                Ok(parts[0].atom().map(str::to_owned))
            }
            Some(_) => Err(self.refused("mod", "this should be `{Module, Arguments}`")),
        }
    }
}

fn refused(source: &Arc<SourceText>, name: &str, at: &[usize], why: &str) -> Diagnostic {
    let span = term::place(source, at).unwrap_or_else(|| Span::new(source, 0..1));
    Diagnostic::error(codes::OTP_BAD_APP, format!("`{}` does not describe the application `{name}`", source.name))
        .at(&span, why)
        .help("compile the application anew, or see app(4) for what the file holds")
}

/// The first `{key, Value}` of a list, and its index.
fn property<'t>(properties: &'t Term, key: &str) -> Option<(usize, &'t Term)> {
    properties.list()?.iter().enumerate().find_map(|(index, term)| match term.tuple()? {
        [name, value] if name.atom() == Some(key) => Some((index, value)),
        _ => None,
    })
}
