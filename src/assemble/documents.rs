//! What every format wants besides the user's files: copyright, licence, change log, lintian overrides; and manual pages
//! in the form that policy asks for.
//!
//! Enters: the facts of a [`Release`](crate::resolve::Release). Leaves: drafts that yield to a rule for the same path.
//! The texts themselves are made in [`super::copyright`] and [`super::changelog`].

use std::fmt::Write;
use std::sync::Arc;

use super::collect::Run;
use super::conflict::Tree;
use super::content::show;
use super::draft::{Body, Draft};
use super::plan::{Churn, FormatSet, Role};
use super::{changelog, content, copyright, path};
use crate::codec::gzip;
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};

/// Best that libdeflate does; `gzip -9` is what Debian policy 12.1 and 12.7 ask for, and lintian looks at the header byte.
const BEST: u8 = 12;
/// A larger file is no manual page, whatever its place; in bytes.
const LARGEST_MANUAL: u64 = 16 << 20;

/// Puts the generated documents into the tree. `private` are tags of lintian that are right here, with the reason.
pub fn add(run: &Run<'_>, private: &[(String, String)], tree: &mut Tree, findings: &mut Findings) {
    let release = run.release;
    let name = &release.identity.name.value;
    let only = |format: &str| run.formats(|name, _| name == format);
    let mut put = |path: String, bytes: Vec<u8>, role, churn, formats: FormatSet, what| {
        if formats == FormatSet::EMPTY {
            return;
        }
        if let Err(problem) = path::place(&path) {
            let error = Diagnostic::error(codes::FILES_PATH, format!("the path `{}` {problem}", path.escape_debug()));
            findings.push(error.at_origin(&release.identity.name.origin, "it holds the package's name"));
            return;
        }
        tree.add(Draft::added(&path, Body::Made(bytes.into()), role, churn, formats, Origin::Generated { what }));
    };
    let documents = format!("/usr/share/doc/{name}");
    let copyright = copyright::text(&release.identity, release.license_text.as_deref());
    put(format!("{documents}/copyright"), copyright.into_bytes(), Role::Doc, Churn::Application, run.all, "copyright");
    if let Some(text) = &release.license_text {
        let path = format!("/usr/share/licenses/{name}/LICENSE");
        put(path, text.clone().into_bytes(), Role::License, Churn::Application, only("rpm"), "licence text");
    }
    let (file, text) = changelog::debian(&release.identity, &release.changelog);
    let text = gzip::whole(text.as_bytes(), BEST);
    put(format!("{documents}/{file}"), text, Role::Doc, Churn::Config, only("deb"), "change log");
    let right = [private, &release.lintian_overrides].concat();
    if !right.is_empty() {
        let text = overrides(name, &right);
        let path = format!("/usr/share/lintian/overrides/{name}");
        put(path, text.into_bytes(), Role::Plain, Churn::Application, only("deb"), "lintian overrides");
    }
}

/// The file of lintian(1)'s overrides: the reason as comment, then the tag.
fn overrides(name: &str, list: &[(String, String)]) -> String {
    let mut text = String::new();
    for (tag, reason) in list {
        for line in reason.lines() {
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "{name}: {tag}");
    }
    text
}

/// Manual pages are compressed in every format (Debian policy 12.1), so that the trees agree; links between them follow.
pub fn compress_manuals(drafts: &mut [Draft], run: &Run<'_>, findings: &mut Findings) {
    for draft in drafts.iter_mut().filter(|draft| is_plain_manual(&draft.path)) {
        match &draft.body {
            Body::File(_, on_disk) if on_disk.stat.size > LARGEST_MANUAL => continue,
            Body::File(file, _) => match fs_err::read(file) {
                Ok(text) => draft.body = Body::Made(gzip::whole(&text, BEST).into()),
                Err(error) => {
                    findings.push(content::unreadable(&show(&run.release.project, file), &error));
                    continue;
                }
            },
            Body::Made(text) => draft.body = Body::Made(gzip::whole(text, BEST).into()),
            Body::Symlink { target, tree } => {
                let target: Arc<str> =
                    if is_packed(target) { Arc::clone(target) } else { format!("{target}.gz").into() };
                draft.body = Body::Symlink { target, tree: tree.clone() };
            }
            Body::Directory { .. } => continue,
        }
        draft.path = format!("{}.gz", draft.path).into();
    }
}

/// `/usr/share/man/man1/hello.1`, `/usr/share/man/de/man1/hello.1`
fn is_plain_manual(path: &str) -> bool {
    let Some((folder, name)) = path.strip_prefix("/usr/share/man/").and_then(|inner| inner.rsplit_once('/')) else {
        return false;
    };
    let section = folder.rsplit('/').next().unwrap_or_default();
    path::is_section(section) && !is_packed(name)
}

fn is_packed(name: &str) -> bool {
    [".gz", ".bz2", ".xz", ".zst", ".lzma", ".Z"].iter().any(|suffix| name.ends_with(suffix))
}
