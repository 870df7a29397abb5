//! `[[files]]` -> [`Rule`]s: each key checked, holes filled. Whether anything is there to take is for `assemble` to say.

use crate::config::rules;
use crate::config::schema::{self, At, Files, Text};
use crate::diagnostic::{Diagnostic, Origin, codes};
use crate::resolve::identity::Fact;
use crate::resolve::release::{Churn, Role};

use super::capabilities;
use super::ground::Ground;
use super::holes::{self, Holes, Unset};
use super::{Rule, Take};

/// The rules in the order of the config, with the holes of their paths filled by `values`.
pub(crate) fn rules(ground: &Ground, files: &[At<Files>], values: &Holes) -> Option<Vec<Rule>> {
    let rules: Vec<Option<Rule>> = files.iter().map(|file| one(ground, file, values)).collect();
    rules.into_iter().collect()
}

fn one(ground: &Ground, file: &At<Files>, values: &Holes) -> Option<Rule> {
    let filled = |text: &Text| {
        let told = |unset: &Unset| ground.report(unset.diagnostic(values).at(&ground.span(&text.range), ""));
        holes::fill(&text.value, values).map_err(|unset| unset.iter().for_each(told)).ok()
    };
    let take = take(ground, file, filled);
    if file.to.is_none() {
        let finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, "`to` is missing in this `[[files]]` rule");
        let help = "`to` is the path on the host, such as `\"/usr/share/NAME/\"`";
        ground.report(finding.at(&ground.span(&file.range), "").help(help));
    }
    let to = file.to.as_ref().and_then(|to| filled(to).filter(|path| absolute(ground, to, path)));
    let role = role(file);
    let capabilities = file.capabilities.as_ref().map(|text| capable(ground, text));
    let mode = file.mode.as_ref().map(|text| mode(ground, text));
    let dir_mode = file.dir_mode.as_ref().map(|text| self::mode(ground, text));
    // Every check above has spoken; now the first that failed ends it.
    let (take, take_origin) = take?;
    Some(Rule {
        take,
        to: to?,
        exclude: ground.facts(&file.exclude),
        role,
        owner: file.owner.as_ref().map(|owner| ground.fact(owner)),
        mode: mode.map_or(Some(None), |mode| mode.map(Some))?,
        dir_mode: dir_mode.map_or(Some(None), |mode| mode.map(Some))?,
        capabilities: capabilities.map_or(Some(None), |text| text.map(Some))?,
        render: file.render,
        replace: file.replace,
        churn: if matches!(role, Role::Config { .. }) { Churn::Config } else { Churn::Application },
        when: file.when.as_ref().map(|when| when.0.clone()),
        origin: ground.origin(file),
        take_origin,
        to_origin: file.to.as_ref().map_or(Origin::Default, |to| ground.origin(to)),
    })
}

/// What the rule takes. The loader has seen to it that exactly one of the four is there.
fn take(ground: &Ground, file: &At<Files>, filled: impl Fn(&Text) -> Option<String>) -> Option<(Take, Origin)> {
    if let Some(from) = &file.from {
        return Some((Take::Path(filled(from)?), ground.origin(from)));
    }
    if let Some(link) = &file.link {
        if link.is_empty() || link.contains('\0') {
            ground.refuse(codes::CONFIG_INVALID_VALUE, link, "`link` is not a path", "give the target of the link");
            return None;
        }
        return Some((Take::Link(filled(link)?), ground.origin(link)));
    }
    // Its holes are filled where `render` is set, as those of any other content.
    if let Some(text) = &file.text {
        return Some((Take::Text(text.value.clone()), ground.origin(text)));
    }
    Some((Take::Directory, ground.origin(file)))
}

/// Only the form; `assemble` normalises and looks for conflicts.
fn absolute(ground: &Ground, to: &Text, filled: &str) -> bool {
    let escapes = filled.split('/').any(|part| part == "..");
    if filled.starts_with('/') && !escapes && !filled.chars().any(char::is_control) {
        return true;
    }
    let shown = filled.escape_debug();
    let (what, help) = if escapes {
        (format!("`{shown}` has `..` in it"), "write the place that is meant, without `..`".to_owned())
    } else if filled.starts_with('/') {
        (format!("`{shown}` has a control character in it"), "take the newline or control character out".to_owned())
    } else {
        let root = filled.trim_start_matches("./").escape_debug();
        (format!("`{shown}` is not an absolute path"), format!("it begins with `/`: `/{root}`"))
    };
    ground.refuse(codes::RESOLVE_PATH, to, what, help);
    false
}

fn role(file: &Files) -> Role {
    match file.role.as_ref().map(|role| role.value) {
        None | Some(schema::Role::Plain) => Role::Plain,
        Some(schema::Role::Config) => {
            Role::Config { noreplace: file.noreplace.unwrap_or(true), missingok: file.missingok }
        }
        Some(schema::Role::Doc) => Role::Doc,
        Some(schema::Role::License) => Role::License,
        Some(schema::Role::Ghost) => Role::Ghost,
    }
}

/// `"cap_net_bind_service=ep"`
fn capable(ground: &Ground, text: &Text) -> Option<String> {
    let refuse = |error: capabilities::CapabilityError| {
        let message = format!("`{}` are no capabilities of a file: {error}", text.escape_debug());
        ground.refuse(codes::FILES_CAPABILITIES, text, message, error.help());
    };
    capabilities::encode(text).map_err(refuse).ok().map(|_| text.value.clone())
}

/// `"0640"`
fn mode(ground: &Ground, text: &Text) -> Option<Fact<u32>> {
    let mode = rules::parse_mode(text);
    if mode.is_none() {
        let help = "it is octal with a leading zero, such as `\"0644\"`";
        ground.refuse(codes::CONFIG_INVALID_VALUE, text, format!("`{}` is no mode", text.escape_debug()), help);
    }
    mode.map(|value| Fact { value, origin: ground.origin(text) })
}
