//! How a host learns of accounts and of the directories that services write.
//!
//! Enters: the accounts and services of a [`Release`](crate::resolve::Release). Leaves: drafts of sysusers.d(5) and
//! tmpfiles.d(5) for packages; the directories themselves, with fixed numbers, and passwd(5) and group(5) for images that
//! stand on nothing. Not here: which accounts there are (`resolve::account`), and when they are made
//! ([`super::lifecycle`]).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Value, json};

use super::collect::Run;
use super::conflict::Tree;
use super::draft::{Body, Draft};
use super::path;
use super::plan::{Account, Base, Churn, Dialect, FormatSet, Owner, Plan, Role, Service, Step};
use super::service::{Files, packages};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::resolve::Release;
use crate::resolve::account::id_of;
use crate::resolve::lifecycle::Directory;
use crate::template::TemplateError;

const SYSUSERS: &str = "accounts/sysusers.unit";
/// Of what a service writes: its own, readable by its group.
const WRITTEN: u32 = 0o750;
/// Of its log file.
const LOG: u32 = 0o640;
/// Of directories that live as long as the service: others may look for a socket there.
const RUNTIME: u32 = 0o755;

/// Directories that outlive a run of their service, each once, by path.
pub fn lasting(services: &[Service]) -> Vec<Directory> {
    let of_service = |service: &Service| {
        let written = |path: &String| (path.clone(), written(path, &service.user, &service.group, WRITTEN));
        service.directories.lasting().map(written).collect::<Vec<_>>()
    };
    let all: BTreeMap<String, Directory> = services.iter().flat_map(of_service).collect();
    all.into_values().collect()
}

/// Log files that systemd opens for services, as root: they exist before, so that they are the service's own and logrotate
/// can empty them in its name.
fn logs(services: &[Service]) -> Vec<Directory> {
    let of_service = |service: &Service| {
        let file = service.log_file.as_ref()?;
        Some((file.clone(), written(file, &service.user, &service.group, LOG)))
    };
    let all: BTreeMap<String, Directory> = services.iter().filter_map(of_service).collect();
    all.into_values().collect()
}

fn written(path: &str, user: &str, group: &str, mode: u32) -> Directory {
    Directory { path: path.to_owned(), user: user.to_owned(), group: group.to_owned(), mode }
}

/// The text of the package's file of sysusers.d(5).
///
/// # Errors
/// A value that it cannot hold.
pub fn sysusers(plan: &Plan) -> Result<String, TemplateError> {
    plan.templates.render(SYSUSERS, &lines(&plan.accounts))
}

/// Puts the files of accounts and directories into the tree.
pub fn add(run: &Run<'_>, tree: &mut Tree, findings: &mut Findings) {
    let name = &run.release.identity.name.value;
    let packages = packages(run);
    let mut files = Files { tree, findings };
    refuse_shared(run, files.findings);
    if !run.release.accounts.is_empty() {
        let text = run.release.templates.render(SYSUSERS, &lines(&run.release.accounts));
        files.made(&format!("/usr/lib/sysusers.d/{name}.conf"), SYSUSERS, text, Role::Plain, packages);
    }
    let lasting = lasting(&run.release.services);
    let logs = logs(&run.release.services);
    if !lasting.is_empty() || !logs.is_empty() {
        const TEMPLATE: &str = "accounts/tmpfiles.unit";
        let line = |d: &Directory| json!({ "path": d.path, "mode": format!("{:04o}", d.mode), "user": d.user, "group": d.group });
        let lines = |list: &[Directory]| list.iter().map(line).collect::<Vec<Value>>();
        let values = json!({ "directories": lines(&lasting), "logs": lines(&logs) });
        let text = run.release.templates.render(TEMPLATE, &values);
        files.made(&format!("/usr/lib/tmpfiles.d/{name}.conf"), TEMPLATE, text, Role::Plain, packages);
    }
    in_images(run, tree);
}

/// Lintian's tags that are right here, each with the reason: about files that are kept from others on purpose, which only
/// root and an account of the package may read; about calls that lintian takes only from debhelper.
pub fn private(run: &Run<'_>, drafts: &[Draft]) -> Vec<(String, String)> {
    let deb = run.formats(|_, abilities| abilities.dialect == Dialect::Deb);
    let accounts = &run.release.accounts;
    let is_private = |draft: &&Draft| {
        let owner = &draft.owner.0;
        let own = accounts.iter().any(|a| *a.name == *owner.user || *a.group == *owner.group);
        own && draft.formats.intersects(deb) && matches!(draft.mode.0 & 0o7, 0)
    };
    let tag = |draft: &Draft| {
        let (kind, standard) = if draft.is_directory() { ("dir", 0o755) } else { ("file", 0o644) };
        let (mode, path) = (draft.mode.0, draft.path.trim_start_matches('/'));
        let slash = if draft.is_directory() { "/" } else { "" };
        let tag = format!("non-standard-{kind}-perm {mode:04o} != {standard:04o} [{path}{slash}]");
        (tag, "Only root and the account of the service may read it.".to_owned())
    };
    let helper = "maintainer-script-should-not-use-dpkg-maintscript-helper";
    let by_hand = run.release.lifecycle.steps.iter().any(|step| matches!(step, Step::Moved(_)));
    let moved = (by_hand && deb != FormatSet::EMPTY)
        .then(|| (helper.to_owned(), "The calls are those that dh_installdeb writes.".to_owned()));
    drafts.iter().filter(is_private).map(tag).chain(moved).collect()
}

/// A directory of the base system cannot be one service's own: it would take it over at installation, and a purge would
/// remove it.
fn refuse_shared(run: &Run<'_>, findings: &mut Findings) {
    for service in &run.release.services {
        let own = &service.directories;
        for path in own.written().chain(&own.config).filter(|path| path::is_shared(path)) {
            let message = format!("`{path}` is a directory of the base system, and no service can have it as its own");
            findings.push(
                Diagnostic::error(codes::FILES_SHARED_DIRECTORY, message)
                    .at_origin(&service.origin, "")
                    .help(format!("name one below it, such as `{path}/{}`", run.release.identity.name.value)),
            );
        }
    }
}

/// Gives every draft the numbers of the package's accounts. What belongs to one of them is root's for dpkg, which unpacks
/// before the account is there, and would take a number that means nothing on the host: the steps give it to its owner.
pub fn settle(run: &Run<'_>, drafts: Vec<Draft>) -> (Vec<Draft>, Vec<Step>) {
    let deb = run.formats(|_, abilities| abilities.dialect == Dialect::Deb);
    let accounts = &run.release.accounts;
    let (mut settled, mut steps) = (Vec::with_capacity(drafts.len()), Vec::new());
    for mut draft in drafts {
        let owner = &draft.owner.0;
        let user = accounts.iter().find(|account| *account.name == *owner.user);
        let group = accounts.iter().find(|account| *account.group == *owner.group);
        if user.is_none() && group.is_none() {
            settled.push(draft);
            continue;
        }
        draft.owner.0 = self::owner(run.release, &owner.user.clone(), &owner.group.clone());
        if draft.formats.intersects(deb) {
            let mut unpacked = draft.clone();
            draft.formats = draft.formats.without(deb);
            unpacked.formats = deb;
            unpacked.owner.0 = Owner::root();
            // Not for a moment may it run with root's rights.
            unpacked.mode.0 &= 0o1777;
            steps.push(Step::Own {
                path: unpacked.path.clone(),
                owner: format!("{}:{}", draft.owner.0.user, draft.owner.0.group),
                mode: draft.mode.0,
                config: matches!(draft.role, Role::Config { .. }),
            });
            settled.push(unpacked);
        }
        if draft.formats != FormatSet::EMPTY {
            settled.push(draft);
        }
    }
    (settled, steps)
}

/// Lines of sysusers.d(5): a group of its own name comes with each user.
fn lines(accounts: &[Account]) -> Value {
    let id = |id: Option<u32>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let group = |account: &Account| {
        (!account.makes_own_group()).then(|| json!({ "name": account.group, "id": id(account.gid) }))
    };
    let mut groups: Vec<Value> = Vec::new();
    for one in accounts.iter().filter_map(group) {
        if !groups.contains(&one) {
            groups.push(one);
        }
    }
    let user = |account: &Account| {
        // `-:NAME` wants a group that exists; a bare `-` makes one.
        let id =
            if account.makes_own_group() { id(account.uid) } else { format!("{}:{}", id(account.uid), account.group) };
        json!({ "name": account.name, "id": id, "comment": account.comment, "home": account.home, "shell": account.shell })
    };
    let members = accounts
        .iter()
        .flat_map(|account| account.groups.iter().map(|group| json!({ "user": account.name, "group": group })));
    json!({
        "groups": groups,
        "users": accounts.iter().map(user).collect::<Vec<_>>(),
        "members": members.collect::<Vec<_>>(),
    })
}

/// An image has no moment of installation: what would be made then is in it.
fn in_images(run: &Run<'_>, tree: &mut Tree) {
    let formats = run.formats(|_, abilities| abilities.dialect == Dialect::None);
    if formats == FormatSet::EMPTY {
        return;
    }
    let runtime = run.release.services.iter().flat_map(|service| {
        service.directories.runtime.iter().map(|path| written(path, &service.user, &service.group, RUNTIME))
    });
    for directory in lasting(&run.release.services).into_iter().chain(runtime.collect::<Vec<_>>()) {
        let mut draft = added(&directory.path, Body::Directory { shared: false }, "directory of a service", formats);
        draft.owner.0 = owner(run.release, &directory.user, &directory.group);
        draft.mode.0 = directory.mode;
        tree.add(draft);
    }
    if run.release.accounts.is_empty() || run.release.image.base.value != Base::Scratch {
        return;
    }
    let (mut users, mut groups) = (String::from("root:x:0:0:root:/root:/bin/sh\n"), String::from("root:x:0:\n"));
    for account in &run.release.accounts {
        let (uid, gid) = (account.fixed_uid(), account.fixed_gid());
        let _ =
            writeln!(users, "{}:x:{uid}:{gid}:{}:{}:{}", account.name, account.comment, account.home, account.shell);
        let _ = writeln!(groups, "{}:x:{gid}:", account.group);
    }
    for (path, text) in [("/etc/passwd", users), ("/etc/group", groups)] {
        tree.add(added(path, Body::Made(text.into_bytes().into()), "accounts of the image", formats));
    }
}

fn added(path: &str, body: Body, what: &'static str, formats: FormatSet) -> Draft {
    Draft::added(path, body, Role::Plain, Churn::Config, formats, Origin::Generated { what })
}

/// An owner by the numbers of the package's accounts.
fn owner(release: &Release, user: &str, group: &str) -> Owner {
    let accounts = &release.accounts;
    let typed = |name: &str| name.parse().unwrap_or_else(|_| id_of(name));
    let uid = accounts.iter().find(|a| a.name == user).map_or_else(|| typed(user), Account::fixed_uid);
    let gid = accounts.iter().find(|a| a.group == group).map_or_else(|| typed(group), Account::fixed_gid);
    Owner { user: Arc::from(user), uid, group: Arc::from(group), gid }
}
