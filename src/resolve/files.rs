//! `[[files]]` -> [`Rule`]s: each key checked, holes filled. Whether anything is there to take is for `assemble` to say.

use std::collections::BTreeMap;

use crate::assemble::plan::{Churn, Fact, Role};
use crate::config::schema::{self, At, Files, Text};
use crate::diagnostic::{Diagnostic, Origin, codes};

use super::ground::Ground;
use super::{Request, Rule, Take, holes, near};

/// The rules in the order of the config. Without values for holes (a fact is missing) they are only checked.
pub(crate) fn rules(
    ground: &Ground,
    files: &[At<Files>],
    values: Option<&BTreeMap<String, String>>,
    request: &Request,
) -> Option<Vec<Rule>> {
    let rules: Vec<Option<Rule>> = files.iter().map(|file| one(ground, file, values, request)).collect();
    rules.into_iter().collect()
}

fn one(
    ground: &Ground,
    file: &At<Files>,
    values: Option<&BTreeMap<String, String>>,
    request: &Request,
) -> Option<Rule> {
    let fill = |text: &Text| match values {
        Some(values) => ground.ok(holes::fill(&text.value, values, &ground.span(&text.range))),
        None => Some(text.value.clone()),
    };
    let take = take(ground, file, fill);
    let to = match &file.to {
        Some(to) => fill(to).filter(|filled| absolute(ground, to, filled)),
        None => {
            let finding = Diagnostic::error(codes::CONFIG_MISSING_KEY, "`to` is missing in this `[[files]]` rule");
            ground.report(
                finding
                    .at(&ground.span(&file.range), "")
                    .help("`to` is the path on the host, such as `\"/usr/share/NAME/\"`"),
            );
            None
        }
    };
    let role = role(ground, file);
    let mode = file.mode.as_ref().map(|text| mode(ground, text));
    let dir_mode = file.dir_mode.as_ref().map(|text| self::mode(ground, text));
    let when = file.when.as_ref().map(|when| formats(ground, when, request));
    // Every check above has spoken; now the first that failed ends it.
    let (take, take_origin) = take?;
    Some(Rule {
        take,
        to: to?,
        exclude: ground.facts(&file.exclude),
        role: role?,
        owner: file.owner.as_ref().map(|owner| ground.fact(owner)),
        mode: mode.map_or(Some(None), |mode| mode.map(Some))?,
        dir_mode: dir_mode.map_or(Some(None), |mode| mode.map(Some))?,
        capabilities: file.capabilities.as_ref().map(|text| text.value.clone()),
        render: file.render,
        replace: file.replace,
        churn: if matches!(role, Some(Role::Config { .. })) { Churn::Config } else { Churn::Application },
        when: when.map_or(Some(None), |when| when.map(Some))?,
        origin: ground.origin(file),
        take_origin,
        to_origin: file.to.as_ref().map_or(Origin::Default, |to| ground.origin(to)),
    })
}

/// What the rule takes: exactly one of four keys. A ghost has no content, so it needs none of them.
fn take(ground: &Ground, file: &At<Files>, fill: impl Fn(&Text) -> Option<String>) -> Option<(Take, Origin)> {
    let is_ghost = file.role.as_ref().is_some_and(|role| role.value == schema::Role::Ghost);
    match (&file.from, &file.link, &file.text, file.directory) {
        (Some(from), None, None, false) => Some((Take::Path(fill(from)?), ground.origin(from))),
        (None, Some(link), None, false) => {
            if link.is_empty() || link.contains('\0') {
                ground.refuse(codes::CONFIG_INVALID_VALUE, link, "`link` is not a path", "give the target of the link");
                return None;
            }
            Some((Take::Link(fill(link)?), ground.origin(link)))
        }
        // Its holes are filled where `render` is set, as those of any other content.
        (None, None, Some(text), false) => Some((Take::Text(text.value.clone()), ground.origin(text))),
        (None, None, None, true) => Some((Take::Directory, ground.origin(file))),
        (None, None, None, false) if is_ghost => Some((Take::Text(String::new()), ground.origin(file))),
        (from, link, text, directory) => {
            let keys = [
                ("from", from.is_some()),
                ("link", link.is_some()),
                ("text", text.is_some()),
                ("directory", directory),
            ];
            let there: Vec<String> = keys.iter().filter(|key| key.1).map(|key| format!("`{}`", key.0)).collect();
            let finding = if there.is_empty() {
                Diagnostic::error(codes::CONFIG_MISSING_KEY, "this `[[files]]` rule does not say what to take")
            } else {
                let message = format!("this `[[files]]` rule has {} at once", there.join(" and "));
                Diagnostic::error(codes::CONFIG_INVALID_VALUE, message)
            };
            let help = "give exactly one of `from`, `link`, `text` and `directory = true`";
            ground.report(finding.at(&ground.span(&file.range), "").help(help));
            None
        }
    }
}

/// Only the form; `assemble` normalises and looks for conflicts.
fn absolute(ground: &Ground, to: &Text, filled: &str) -> bool {
    let escapes = filled.split('/').any(|part| part == "..");
    if filled.starts_with('/') && !escapes && !filled.chars().any(char::is_control) {
        return true;
    }
    let help =
        if escapes { "it has no `..`".to_owned() } else { format!("it begins with `/`: `/{}`", filled.escape_debug()) };
    ground.refuse(
        codes::RESOLVE_INVALID_PATH,
        to,
        format!("`{}` is not an absolute path", filled.escape_debug()),
        help,
    );
    false
}

fn role(ground: &Ground, file: &At<Files>) -> Option<Role> {
    let role = match file.role.as_ref().map(|role| role.value) {
        None | Some(schema::Role::Plain) => Role::Plain,
        Some(schema::Role::Config) => {
            return Some(Role::Config { noreplace: file.noreplace.unwrap_or(true), missingok: file.missingok });
        }
        Some(schema::Role::Doc) => Role::Doc,
        Some(schema::Role::License) => Role::License,
        Some(schema::Role::Ghost) => Role::Ghost,
    };
    if file.noreplace.is_none() && !file.missingok {
        return Some(role);
    }
    let key = if file.missingok { "missingok" } else { "noreplace" };
    let finding = Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("`{key}` is for config files only"));
    ground
        .report(finding.at(&ground.span(&file.range), "").help(format!("add `role = \"config\"` or take `{key}` out")));
    None
}

/// `"0640"`
fn mode(ground: &Ground, text: &Text) -> Option<Fact<u32>> {
    let digits = text.strip_prefix('0').filter(|rest| (3..=4).contains(&rest.len()));
    let mode = digits.filter(|d| d.bytes().all(|b| b.is_ascii_digit())).and_then(|d| u32::from_str_radix(d, 8).ok());
    if let Some(mode) = mode {
        return Some(Fact { value: mode, origin: ground.origin(text) });
    }
    let bare = text.len() == 3 && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
    let help = if bare {
        format!("write `\"0{}\"`", text.value)
    } else {
        "it is octal with a leading zero, such as `\"0644\"`, `\"0755\"` or `\"02750\"`".into()
    };
    ground.refuse(codes::CONFIG_INVALID_VALUE, text, format!("`{}` is no mode", text.escape_debug()), help);
    None
}

fn formats(ground: &Ground, when: &At<schema::OneOrMany>, request: &Request) -> Option<Vec<String>> {
    let mut all_good = true;
    for name in &when.0 {
        if request.known_formats.contains(&name.as_str()) {
            continue;
        }
        all_good = false;
        unknown_format(ground, when, name, &request.known_formats);
    }
    all_good.then(|| when.0.clone())
}

/// Says that there is no such format, and which one was probably meant.
pub(crate) fn unknown_format<T>(ground: &Ground, at: &At<T>, name: &str, known: &[&str]) {
    let label =
        near::word(name, known.iter().copied()).map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
    let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    let finding =
        Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("there is no format `{}`", name.escape_debug()));
    ground.report(finding.at(&ground.span(&at.range), label).help(format!("formats are {}", all.join(", "))));
}
