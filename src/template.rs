//! The texts under `templates/`, compiled in, and how they are filled.
//!
//! Enters: a template's name and its values. Leaves: a text in which no value means anything but itself, whatever it
//! holds. Each language quotes differently, so each has a registry of its own; Handlebars' own escaping is for HTML. A user
//! may put a text of their own in the place of any. Not here: `{name}` holes of the user's texts (`resolve::holes`), and
//! when a script is run (`assemble::maintainer`).

use std::collections::BTreeMap;
use std::sync::Arc;

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderError, RenderErrorReason};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::codec::hex::hex;
use crate::diagnostic::{Diagnostic, SourceText, codes};

mod shell;
mod unit;
mod yaml;
pub use shell::Word;
pub use unit::command as command_line;

/// A text that fitout fills with facts of the package.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// `room/name.language`, as its file below `templates/` is called without `.hbs`.
    pub name: &'static str,
    /// What is made with it, a few words.
    pub about: &'static str,
    /// Its text, with `{{value}}` where a value goes.
    pub text: &'static str,
    language: Language,
}

/// What is written with a template, which decides how values are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    /// What browsers read.
    Html,
    /// POSIX shell.
    Shell,
    /// What systemd and logrotate read: lines of `Key=value`, or of words.
    Unit,
    /// What CI systems read.
    Yaml,
}

/// Why a template could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// No template has this name.
    #[error("there is no template `{0}`")]
    Unknown(String),
    /// The values are not those that the template takes: a mistake in fitout.
    #[error("the template `{name}` cannot be filled")]
    Values {
        /// The template.
        name: &'static str,
        /// What Handlebars says.
        source: Box<RenderError>,
    },
    /// A template of the user is none, or asks for a value that there is not.
    #[error("the template `{file}` cannot be filled")]
    Replaced {
        /// Its file.
        file: String,
        /// What Handlebars says.
        source: Box<RenderError>,
    },
    /// A value holds a character that cannot be quoted there.
    #[error("a value of the template `{name}` holds a character that has no place there")]
    Unquotable {
        /// The template.
        name: &'static str,
    },
}

macro_rules! template {
    ($language:ident, $name:literal, $about:literal) => {
        Template {
            name: $name,
            about: $about,
            text: include_str!(concat!("../templates/", $name, ".hbs")),
            language: Language::$language,
        }
    };
}

/// Every template, by name.
pub const TEMPLATES: &[Template] = &[
    template!(Unit, "accounts/sysusers.unit", "system accounts, for systemd-sysusers"),
    template!(Unit, "accounts/tmpfiles.unit", "directories that services write, for systemd-tmpfiles"),
    template!(Yaml, "ci/github.yml", "the workflow of `fitout init --ci github`"),
    template!(Yaml, "ci/gitlab.yml", "the pipeline of `fitout init --ci gitlab`"),
    template!(Shell, "launcher/command.sh", "the name on the PATH of what lies elsewhere"),
    template!(Shell, "launcher/environment.sh", "of a launcher: its place, its environment, secrets, filled files"),
    template!(Shell, "launcher/openrc.sh", "/etc/init.d/NAME for OpenRC"),
    template!(Shell, "launcher/otp-commands.sh", "of a launcher: commands that ask the Erlang node"),
    template!(Shell, "launcher/otp-upgrade.sh", "of a launcher: an Erlang node that runs takes another version"),
    template!(Shell, "launcher/otp.sh", "of a launcher: the Erlang node that it starts"),
    template!(Shell, "launcher/process.sh", "of a launcher: the process where there is no systemd"),
    template!(Shell, "launcher/service.sh", "the start/stop script of a service"),
    template!(Shell, "launcher/sysv.sh", "/etc/init.d/NAME with the header of the LSB"),
    template!(Shell, "launcher/tell.sh", "of a launcher: status, logs, description, help"),
    template!(
        Shell,
        "maintainer/deb/gone.sh",
        "of a postrm: units stopped that an upgrade drops, units forgotten, state purged"
    ),
    template!(Shell, "maintainer/deb/hooks.sh", "of a preinst and a postinst: hooks of services around an upgrade"),
    template!(Shell, "maintainer/deb/init.sh", "of all four scripts: init scripts, where there is no systemd"),
    template!(
        Shell,
        "maintainer/deb/moved.sh",
        "of preinst, postinst and postrm: config files that were moved or dropped"
    ),
    template!(
        Shell,
        "maintainer/deb/renamed.sh",
        "of a postinst: config files of packages that this one takes the place of"
    ),
    template!(Shell, "maintainer/deb/setup.sh", "of a postinst: accounts, directories, owners, capabilities, secrets"),
    template!(Shell, "maintainer/deb/start.sh", "of a postinst: units enabled, started, restarted"),
    template!(Shell, "maintainer/deb/stop.sh", "of a prerm: units stopped"),
    template!(
        Shell,
        "maintainer/plain/files.sh",
        "of an install.sh: accounts, directories, config files, names on the PATH"
    ),
    template!(Shell, "maintainer/plain/install.sh", "install.sh of tarball and zip"),
    template!(Shell, "maintainer/plain/releases.sh", "of an install.sh: the versions, and which is current"),
    template!(Shell, "maintainer/plain/services.sh", "of an install.sh: units, init scripts, and what runs"),
    template!(Shell, "maintainer/rpm/accounts.sh", "of a %pre: accounts"),
    template!(Shell, "maintainer/rpm/enable.sh", "of a %post: units that came with this version enabled"),
    template!(
        Shell,
        "maintainer/rpm/finish.sh",
        "of a %posttrans: moved config files, the one restart of an upgrade, units started"
    ),
    template!(Shell, "maintainer/rpm/gone.sh", "of a %postun: units forgotten"),
    template!(Shell, "maintainer/rpm/hooks.sh", "of a %pre and a %post: hooks of services around an upgrade"),
    template!(Shell, "maintainer/rpm/note.sh", "of a %pre: what the later scripts cannot see"),
    template!(Shell, "maintainer/rpm/setup.sh", "of a %post: directories and secrets"),
    template!(Shell, "maintainer/rpm/stop.sh", "of a %preun: units stopped and disabled"),
    template!(Html, "publish/index.html", "the page of a published repository"),
    template!(Unit, "systemd/logrotate.unit", "rotation of log files"),
    template!(Unit, "systemd/preset.unit", "which units the first installation enables"),
    template!(Unit, "systemd/service.unit", "NAME.service"),
    template!(Unit, "systemd/socket.unit", "NAME.socket"),
    template!(Unit, "systemd/timer.unit", "NAME.timer"),
];

/// The template of this name.
///
/// # Errors
/// There is none.
pub fn find(name: &str) -> Result<&'static Template, TemplateError> {
    TEMPLATES.iter().find(|template| template.name == name).ok_or_else(|| TemplateError::Unknown(name.to_owned()))
}

/// The templates of a package: fitout's own, some of them replaced by the user's.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    replaced: Arc<BTreeMap<&'static str, Arc<SourceText>>>,
}

impl Templates {
    /// With these texts in the place of fitout's own, by name.
    pub fn replacing(replaced: BTreeMap<&'static str, Arc<SourceText>>) -> Self {
        Self { replaced: Arc::new(replaced) }
    }

    /// Those of the user.
    pub fn replaced(&self) -> impl Iterator<Item = (&'static Template, &Arc<SourceText>)> {
        self.replaced.iter().filter_map(|(name, text)| Some((find(name).ok()?, text)))
    }

    /// The user's text in the place of a template, if there is one, and the text that counts.
    fn text_of(&self, template: &'static Template) -> (Option<&Arc<SourceText>>, &str) {
        let own = self.replaced.get(template.name);
        (own, own.map_or(template.text, |own| &own.text))
    }

    /// Fills a template, with those that it names as `{{> NAME}}` in it.
    ///
    /// # Errors
    /// No such template, a value that it takes and is not given, or a value with a NUL byte.
    pub fn render(&self, name: &str, values: &impl Serialize) -> Result<String, TemplateError> {
        let template = find(name)?;
        let name = template.name;
        let (own, text) = self.text_of(template);
        let failed = |source| match own {
            Some(own) => TemplateError::Replaced { file: own.name.clone(), source: Box::new(source) },
            None => TemplateError::Values { name, source: Box::new(source) },
        };
        let mut registry = registry(template.language);
        for part in TEMPLATES.iter().filter(|part| text.contains(&format!("{{{{> {}}}}}", part.name))) {
            let told = registry.register_partial(part.name, self.text_of(part).1);
            told.map_err(|source| failed(RenderErrorReason::from(source).into()))?;
        }
        let filled = registry.render_template(text, values).map_err(failed)?;
        if filled.contains(UNQUOTABLE) { Err(TemplateError::Unquotable { name }) } else { Ok(filled) }
    }
}

/// Fills a template of fitout's own: see [`Templates::render`].
///
/// # Errors
/// As there.
pub fn render(name: &str, values: &impl Serialize) -> Result<String, TemplateError> {
    Templates::default().render(name, values)
}

impl Template {
    /// Whether it has changed since `text` was taken from it: none if `text` does not say what it was taken from.
    pub fn has_drifted(&self, text: &str) -> Option<bool> {
        let (_, rest) = text.lines().next()?.split_once(EJECTED)?;
        Some(rest.split_whitespace().next()? != self.digest())
    }

    /// Its text with a first line that says which text it was: that line is a comment, and gone where the template is
    /// filled.
    pub fn ejected(&self) -> String {
        format!("{{{{!-- {EJECTED}{} of fitout {} --}}}}\n{}", self.digest(), env!("CARGO_PKG_VERSION"), self.text)
    }

    fn digest(&self) -> String {
        hex(&Sha256::digest(self.text.as_bytes()))
    }
}

/// What stands before the digest in the first line of a template that was taken from fitout's own.
const EJECTED: &str = "ejected from sha256:";

/// What stands for a value that cannot be quoted: no text that fitout makes holds it.
const UNQUOTABLE: char = '\0';

fn registry(language: Language) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    // A value that is not there is an error, not an empty text.
    registry.set_strict_mode(true);
    match language {
        // Handlebars' own escaping is for it.
        Language::Html => {}
        Language::Shell => shell::register(&mut registry),
        Language::Unit => unit::register(&mut registry),
        Language::Yaml => yaml::register(&mut registry),
    }
    registry
}

impl From<TemplateError> for Diagnostic {
    fn from(error: TemplateError) -> Self {
        let told = |code| Self::error(code, error.to_string());
        match &error {
            TemplateError::Unknown(_) => told(codes::CLI_NO_TEMPLATE).help("`fitout templates list` names them all"),
            TemplateError::Values { source, .. } => {
                told(codes::TEMPLATE_VALUE).note(source.to_string()).help("this is a bug of fitout")
            }
            TemplateError::Replaced { file, source } => told(codes::TEMPLATE_REPLACED)
                .path(file)
                .note(source.to_string())
                .help("`fitout templates diff` shows how it differs from fitout's own"),
            TemplateError::Unquotable { .. } => told(codes::TEMPLATE_VALUE)
                .help("take control characters, quotes and blanks out of the names and paths of the config"),
        }
    }
}

/// Makes a helper known: a text of its values, or none where they are not what it takes.
fn helper(registry: &mut Handlebars<'static>, name: &'static str, text: fn(&[&Value]) -> Option<String>) {
    registry.register_helper(
        name,
        Box::new(
            move |given: &Helper,
                  _: &Handlebars,
                  _: &Context,
                  _: &mut RenderContext,
                  out: &mut dyn Output|
                  -> HelperResult {
                let values: Vec<&Value> = given.params().iter().map(handlebars::PathAndJson::value).collect();
                out.write(&text(&values).ok_or(RenderErrorReason::ParamNotFoundForIndex(name, 0))?)?;
                Ok(())
            },
        ),
    );
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    /// Names of all files below `templates/`, without `.hbs`.
    fn files(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, root, found);
            } else {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                found.push(name.strip_suffix(".hbs").expect("NAME.LANGUAGE.hbs").to_owned());
            }
        }
        found.sort();
    }

    #[test]
    fn the_list_is_the_folder() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut found = Vec::new();
        files(&root, &root, &mut found);
        assert_eq!(TEMPLATES.iter().map(|template| template.name).collect::<Vec<_>>(), found);
        for Template { name, text, language, .. } in TEMPLATES {
            let suffix = match language {
                Language::Html => ".html",
                Language::Shell => ".sh",
                Language::Unit => ".unit",
                Language::Yaml => ".yml",
            };
            assert!(name.ends_with(suffix), "{name}");
            // These put a value in as it is.
            assert!(!text.contains("{{{") && !text.contains("{{&"), "{name}");
        }
    }

    #[test]
    fn values_are_words_of_the_shell() {
        let line = |program: &str| {
            let values = json!({ "path": "/usr/bin/a", "program": program });
            let text = render("launcher/command.sh", &values).unwrap();
            text.lines().find(|line| line.starts_with("program=")).unwrap().to_owned()
        };
        assert_eq!(line("/opt/a/bin/a"), "program='/opt/a/bin/a'");
        assert_eq!(line("/opt/o'k $(x)&<>"), r"program='/opt/o'\''k $(x)&<>'");
        assert_eq!(line(""), "program=''");
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        const COMMAND: &str = "launcher/command.sh";
        let refused = |name, values| Diagnostic::from(render(name, &values).unwrap_err());
        for (told, code, message) in [
            (refused(COMMAND, json!({})), codes::TEMPLATE_VALUE, "the template `launcher/command.sh` cannot be filled"),
            (
                refused(COMMAND, json!({ "path": "/a", "program": "a\0b" })),
                codes::TEMPLATE_VALUE,
                "a value of the template `launcher/command.sh` holds a character that has no place there",
            ),
            (refused("comand.sh", json!({})), codes::CLI_NO_TEMPLATE, "there is no template `comand.sh`"),
        ] {
            assert_eq!((told.code, told.message.as_str(), told.helps.len()), (code, message, 1));
        }
    }
}
