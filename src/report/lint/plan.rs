//! Rules over a plan: what would be wrong in every format, before anything is packed.

use super::about;
use super::secret;
use crate::assemble::plan::{Entry, FormatSet, Kind, Plan, Role};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::report::words::plural;

/// The one-line summary, by the rules of Debian policy 3.4.1 and rpmlint.
pub fn summary(plan: &Plan) -> Findings {
    let fact = &plan.identity.summary;
    let text = fact.value.as_str();
    let mut findings = Findings::new();
    let mut say = |what: &str, help: String| {
        findings.push(
            Diagnostic::warning(codes::LINT_SUMMARY, format!("the summary {what}"))
                .at_origin(&fact.origin, "")
                .help(help),
        );
    };
    if text.trim_end().ends_with('.') {
        say("ends with a full stop", format!("write `{}`", text.trim_end().trim_end_matches('.')));
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    if ["a", "an", "the"].contains(&first.to_lowercase().as_str()) {
        say("begins with an article", "leave the article out: lists of packages are read by their first words".into());
    }
    if first.chars().next().is_some_and(char::is_lowercase) {
        say("begins with a small letter", "begin with a capital letter".into());
    }
    if text.chars().count() > 80 {
        say("has more than 80 characters", "put the rest into `description`".into());
    }
    findings
}

/// Forms of a version that `SemVer`, dpkg and rpm order differently; the boundary is at both formats' `naming`.
pub fn version_order(plan: &Plan) -> Findings {
    let version = &plan.identity.version;
    let Some(prerelease) = version.prerelease.as_deref() else { return Vec::new() };
    let packaged = plan.formats.iter().any(|format| ["deb", "rpm"].contains(format));
    let say = |what: String, help: String| {
        Diagnostic::warning(codes::LINT_VERSION_ORDER, what).at_origin(&version.origin, "").help(help)
    };
    let mut findings = Findings::new();
    let core = &version.core;
    if prerelease.chars().all(|c| c.is_ascii_digit()) {
        let help = format!("for a revision of the packaging write version `{core}` and `release = \"{prerelease}\"`");
        findings.push(say(format!("`{}` is a prerelease: it sorts before `{core}`", version.text), help));
    }
    for identifier in prerelease.split('.').filter(|_| packaged) {
        if identifier.contains('-') {
            let what = format!("dpkg and rpm take `{identifier}` for `{}`", identifier.replace('-', "."));
            findings.push(say(what, "write a version without a second hyphen".into()));
        } else if let Some(split) = word_and_number(identifier) {
            let (word, number) = identifier.split_at(split);
            let what = format!("dpkg and rpm sort `{word}9` before `{word}10`, SemVer after it");
            findings.push(say(what, format!("write `{word}.{number}`, which all of them sort by its number")));
        }
    }
    findings
}

/// Where the number of `rc10` begins.
fn word_and_number(identifier: &str) -> Option<usize> {
    let word = identifier.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic());
    (is_word && word.len() < identifier.len()).then_some(word.len())
}

/// A description that says more than the summary.
pub fn description(plan: &Plan) -> Findings {
    let text = plan.identity.description.trim();
    if !text.is_empty() && text != plan.identity.summary.value.trim() {
        return Vec::new();
    }
    let message = "the package has no description besides its summary";
    vec![
        Diagnostic::warning(codes::LINT_DESCRIPTION, message)
            .help("add `description = \"…\"` under [package]: two lines or more"),
    ]
}

/// Files under /etc belong to the administrator (Debian policy 10.7.3, rpm `%config`).
pub fn etc_without_config(plan: &Plan) -> Findings {
    // An image is replaced as a whole; nobody edits it.
    let image = plan.format_set("oci");
    files(plan)
        .filter(|entry| entry.formats.without(image) != FormatSet::EMPTY)
        .filter(|entry| entry.path.starts_with("/etc/") && !matches!(entry.role, Role::Config { .. }))
        .map(|entry| {
            about(codes::LINT_ETC, &entry.path, format!("`{}` is not marked as config", entry.path))
                .at_origin(&entry.origin, "")
                .help("add `role = \"config\"` to its rule, or put it below /usr")
        })
        .collect()
}

/// Places that packages must leave alone (FHS 3.0; Debian policy 9.1).
pub fn odd_places(plan: &Plan) -> Findings {
    const PLACES: &[(&str, &str)] = &[
        ("usr/local", "it belongs to the administrator"),
        ("home", "it belongs to users"),
        ("root", "it belongs to the administrator"),
        ("srv", "its layout belongs to the administrator"),
        ("tmp", "it is emptied at boot"),
        ("run", "it is emptied at boot"),
        ("var/run", "it is emptied at boot"),
        ("var/tmp", "it is emptied from time to time"),
        ("proc", "it is the kernel's"),
        ("sys", "it is the kernel's"),
        ("dev", "it is the kernel's"),
    ];
    // An image is not booted: it holds what a service finds in /run of a host.
    const OF_A_BOOT: [&str; 2] = ["run", "var/run"];
    let image = plan.format_set("oci");
    let entries = plan.entries.iter().filter(|entry| !matches!(entry.kind, Kind::Directory { shared: true }));
    entries
        .filter_map(|entry| {
            let is_of_image = entry.formats.without(image) == FormatSet::EMPTY;
            let below = |place: &str| entry.path.strip_prefix('/')?.strip_prefix(place)?.strip_prefix('/');
            let (place, why) = PLACES.iter().find(|(place, _)| below(place).is_some())?;
            let is_fine = is_of_image && OF_A_BOOT.contains(place);
            (!is_fine).then(|| {
                about(codes::LINT_PLACE, &entry.path, format!("`{}` lies in `/{place}/`: {why}", entry.path))
                    .at_origin(&entry.origin, "")
                    .help("code goes below /usr/lib/NAME or /opt/NAME, state to /var/lib/NAME")
            })
        })
        .collect()
}

/// Anybody may change it.
pub fn writable_by_all(plan: &Plan) -> Findings {
    let entries =
        plan.entries.iter().filter(|entry| !matches!(entry.kind, Kind::Symlink { .. } | Kind::Hardlink { .. }));
    entries
        .filter(|entry| entry.mode & 0o002 != 0 && entry.mode & 0o1000 == 0)
        .map(|entry| {
            about(
                codes::LINT_WRITABLE,
                &entry.path,
                format!("everybody may write `{}` (mode {:04o})", entry.path, entry.mode),
            )
            .at_origin(&entry.mode_origin, "")
            .help("set a `mode` without write permission for others")
        })
        .collect()
}

/// Its mode on the builder was a decision, perhaps, and a package keeps none of it but the x bits.
pub fn dropped_modes(plan: &Plan) -> Findings {
    let mut told: Vec<((&Origin, u32, u32), Diagnostic, usize)> = Vec::new();
    for entry in plan.entries.iter().filter(|entry| !secret::is_readable(plan, entry)) {
        let Origin::Dropped { mode: found, .. } = *entry.mode_origin else { continue };
        let (path, mode) = (&entry.path, entry.mode);
        let key = (&*entry.origin, found, mode);
        if let Some((_, _, more)) = told.iter_mut().find(|(known, ..)| *known == key) {
            *more += 1;
            continue;
        }
        let message = match found & !mode & 0o7000 {
            0 => format!(
                "`{path}` was closed to others where it was built ({found:04o}), and is not in the package ({mode:04o})"
            ),
            bits => {
                let names = [(0o4000, "setuid"), (0o2000, "setgid"), (0o1000, "sticky")];
                let names: Vec<&str> = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
                let names = names.join(" and ");
                format!("`{path}` was {names} where it was built ({found:04o}), and is not in the package ({mode:04o})")
            }
        };
        let word = if matches!(entry.kind, Kind::Directory { .. }) { "dir-mode" } else { "mode" };
        let help =
            format!("write `{word} = \"{found:04o}\"` in a rule for it, or `{word} = \"{mode:04o}\"` if that is right");
        let finding = about(codes::LINT_DROPPED_MODE, path, message).at_origin(&entry.origin, "").help(help);
        told.push((key, finding, 0));
    }
    let all = told.into_iter().map(|(_, finding, more)| match more {
        0 => finding,
        more => finding.note(format!("so it is with {} of this rule", plural(more, "more path", "more paths"))),
    });
    all.collect()
}

/// It runs with more rights than its caller.
pub fn privileged(plan: &Plan) -> Findings {
    files(plan)
        .filter(|entry| entry.mode & 0o6000 != 0)
        .map(|entry| {
            about(
                codes::LINT_PRIVILEGED,
                &entry.path,
                format!("`{}` is setuid or setgid (mode {:04o})", entry.path, entry.mode),
            )
            .at_origin(&entry.mode_origin, "")
            .help("give it `capabilities` instead, or allow it in [[lint.allow]] with a reason")
        })
        .collect()
}

/// A library path that only exists where it was built.
pub fn runpath_of_the_builder(plan: &Plan) -> Findings {
    let suspicious = |path: &str| {
        !path.starts_with("$ORIGIN")
            && !path.starts_with("${ORIGIN}")
            && !["/usr/", "/lib", "/opt/"].iter().any(|place| path.starts_with(place))
    };
    let files = plan.elf.files.iter();
    files
        .filter_map(|(path, file)| {
            let bad = file.rpath.iter().chain(&file.runpath).find(|path| suspicious(path))?;
            Some(
                about(codes::LINT_RUNPATH, path, format!("`{path}` looks for libraries in `{bad}`"))
                    .help("link it without that RPATH, or with one that begins with `$ORIGIN`"),
            )
        })
        .collect()
}

/// Symbols that nobody needs at run time.
pub fn unstripped(plan: &Plan) -> Findings {
    let files = plan.elf.files.iter().filter(|(_, file)| file.unstripped && file.linked);
    files
        .map(|(path, _)| {
            about(codes::LINT_UNSTRIPPED, path, format!("`{path}` carries its symbol table"))
                .help("strip it in the build (`strip = true` in a Cargo profile), or allow it in [[lint.allow]]")
        })
        .collect()
}

/// A program on the PATH without a manual page (Debian policy 12.1).
pub fn command_without_manual(plan: &Plan) -> Findings {
    if !plan.formats.iter().any(|format| ["deb", "rpm"].contains(format)) {
        return Vec::new();
    }
    let pages: std::collections::BTreeSet<&str> = plan
        .entries
        .iter()
        .filter_map(|entry| entry.path.strip_prefix("/usr/share/man/man")?.split('/').nth(1)?.split('.').next())
        .collect();
    let commands = plan.entries.iter().filter(|entry| !matches!(entry.kind, Kind::Directory { .. }));
    commands
        .filter_map(|entry| {
            let name = entry.path.strip_prefix("/usr/bin/").or_else(|| entry.path.strip_prefix("/usr/sbin/"))?;
            let page = name.split('.').next().unwrap_or(name);
            (!pages.contains(page)).then(|| {
                about(codes::LINT_NO_MANUAL, &entry.path, format!("`{name}` has no manual page"))
                    .help(format!("add one at /usr/share/man/man1/{name}.1"))
            })
        })
        .collect()
}

/// Everybody who can pull an image can read its environment.
pub fn secrets_in_image_environment(plan: &Plan) -> Findings {
    let names = plan.image.env.iter().filter(|_| plan.formats.contains(&"oci"));
    names
        .filter(|(name, value)| !value.is_empty() && is_secret(name))
        .map(|(name, value)| {
            Diagnostic::warning(codes::LINT_SECRET, format!("the image's environment carries `{name}`"))
                .at_origin(&value.origin, "in every copy of the image")
                .help("hand secrets over when the container starts")
        })
        .collect()
}

/// A template of the user whose original has changed since.
pub fn drifted_templates(plan: &Plan) -> Findings {
    let told = plan.templates.replaced().filter_map(|(template, own)| {
        let message = match template.has_drifted(&own.text) {
            Some(false) => return None,
            Some(true) => format!("`{}` has changed since `{}` was taken from it", template.name, own.name),
            None => format!("`{}` does not say which text of `{}` it was taken from", own.name, template.name),
        };
        let first = template.ejected();
        let first = first.lines().next().unwrap_or_default().to_owned();
        Some(
            about(codes::LINT_TEMPLATE_DRIFT, &own.name, message)
                .help(format!("`fitout templates diff {}` shows the difference", template.name))
                .help(format!("when yours is right, make this its first line: {first}")),
        )
    });
    told.collect()
}

/// Whether a variable has the name of a secret; one that names a file with it does not.
pub(super) fn is_secret(name: &str) -> bool {
    const WORDS: &[&str] = &["SECRET", "PASSWORD", "PASSWD", "TOKEN", "PRIVATE_KEY", "API_KEY", "COOKIE"];
    let name = name.to_uppercase();
    !name.ends_with("_FILE") && !name.ends_with("_PATH") && WORDS.iter().any(|word| name.contains(word))
}

pub(super) fn files(plan: &Plan) -> impl Iterator<Item = &Entry> {
    plan.entries.iter().filter(|entry| matches!(entry.kind, Kind::File(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::sample::{entry, plan_of};

    #[test]
    fn what_a_host_empties_at_boot_stays_in_an_image() {
        let mut runtime = entry("/run/hello", Kind::Directory { shared: false });
        let told = |entry: &Entry| odd_places(&plan_of(vec![entry.clone()])).len();
        assert_eq!(told(&runtime), 1);
        runtime.formats = plan_of(Vec::new()).format_set("oci");
        assert_eq!(told(&runtime), 0);
        runtime.path = "/home/hello".into();
        assert_eq!(told(&runtime), 1, "that is the user's everywhere");
    }

    #[test]
    fn versions_whose_order_is_not_the_same_everywhere() {
        let told = |prerelease: &str| {
            let mut plan = plan_of(Vec::new());
            let version = &mut plan.identity.version.value;
            (version.core, version.prerelease) = ("1.2.3".into(), Some(prerelease.into()));
            version.text = format!("1.2.3-{prerelease}");
            version_order(&plan).into_iter().map(|f| (f.message, f.helps[0].clone())).collect::<Vec<_>>()
        };
        for fine in ["rc.1", "alpha", "rc.10", "beta.2.3", "20240101.alpha", "rc.1a2b"] {
            assert_eq!(told(fine), [], "{fine}");
        }
        let one = |prerelease, message: &str, help: &str| {
            assert_eq!(told(prerelease), [(message.to_owned(), help.to_owned())]);
        };
        one(
            "1",
            "`1.2.3-1` is a prerelease: it sorts before `1.2.3`",
            "for a revision of the packaging write version `1.2.3` and `release = \"1\"`",
        );
        one(
            "rc10",
            "dpkg and rpm sort `rc9` before `rc10`, SemVer after it",
            "write `rc.10`, which all of them sort by its number",
        );
        one("rc-1", "dpkg and rpm take `rc-1` for `rc.1`", "write a version without a second hyphen");
    }
}
