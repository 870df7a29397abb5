//! System accounts: who the services run as, and who owns what they write.
//!
//! Enters: `[[account]]`, and the users of the services. Leaves: each [`Account`] once, sorted by name. Not here: how a host
//! is told of them (`assemble::service` for sysusers.d, `assemble::maintainer` for the scripts).
//!
//! Numbers: formats such as OCI carry ids, and no two hosts agree on ids but root's. So every other name gets an id that
//! is derived from the name alone, `10001 + crc32(name) mod 49999`: stable over builds, above what distributions give
//! to system accounts and below `nobody`.

use std::collections::BTreeMap;

use crate::config::schema::{self, At, Text};
use crate::diagnostic::{Diagnostic, Origin, codes};

use super::facts::host_path;
use super::ground::Ground;
use super::service::Service;

/// First derived id.
const FIRST_ID: u32 = 10_001;
/// How many derived ids there are: up to 59999.
const IDS: u32 = 49_999;
/// Longest name that useradd takes on every distribution.
const LONGEST_NAME: usize = 32;
/// Where a program lies that lets nobody in; every distribution has it at least as a link.
const NOLOGIN: &str = "/usr/sbin/nologin";

/// A system account that the package makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Name of the user.
    pub name: String,
    /// Its own group.
    pub group: String,
    /// Further groups.
    pub groups: Vec<String>,
    /// Who it is, without `:`.
    pub comment: String,
    /// Its home, absolute.
    pub home: String,
    /// Its shell, absolute.
    pub shell: String,
    /// The same number on every host, if one was asked for.
    pub uid: Option<u32>,
    /// The same for its group.
    pub gid: Option<u32>,
    /// Who asked for it.
    pub origin: Origin,
}

impl Account {
    /// Number of the user in formats that carry numbers.
    pub fn fixed_uid(&self) -> u32 {
        self.uid.unwrap_or_else(|| id_of(&self.name))
    }

    /// Whether its group comes with it: sysusers.d(5) makes both by one line.
    pub fn makes_own_group(&self) -> bool {
        self.group == self.name && self.gid.is_none()
    }

    /// Number of its group in formats that carry numbers.
    pub fn fixed_gid(&self) -> u32 {
        self.gid.unwrap_or_else(|| id_of(&self.group))
    }
}

/// The numeric id of a user or group name: 0 for root, else derived from the name.
pub fn id_of(name: &str) -> u32 {
    if name == "root" { 0 } else { FIRST_ID + crc32fast::hash(name.as_bytes()) % IDS }
}

/// `[a-z_][a-z0-9_-]*[$]?`, at most 32 characters: useradd(8).
///
/// # Errors
/// What is wrong, to stand after "a name that".
pub fn check_name(name: &str) -> Result<(), String> {
    if name.len() > LONGEST_NAME {
        return Err(format!("has {} characters; the most is {LONGEST_NAME}", name.chars().count()));
    }
    let body = name.strip_suffix('$').unwrap_or(name);
    if !body.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') {
        return Err("does not begin with a lower-case letter or `_`".to_owned());
    }
    let odd = body.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-')));
    odd.map_or(Ok(()), |odd| Err(format!("holds {odd:?}")))
}

/// A name that the config gives for a user or group; reported and none if it cannot be one.
pub(super) fn name(ground: &Ground, text: &Text, what: &str) -> Option<String> {
    let told = |why| {
        let message = format!("`{}` is no name of a {what}: it {why}", text.escape_debug());
        let help = "names are made of `a`-`z`, `0`-`9`, `_` and `-`, and begin with a letter";
        ground.refuse(codes::CONFIG_INVALID_VALUE, text, message, help);
    };
    check_name(text).map_err(told).ok().map(|()| text.value.clone())
}

/// The accounts of the config, and one for each user of a service that has none there.
pub(super) fn read(
    ground: &Ground,
    typed: &[At<schema::Account>],
    services: &[Service],
    summary: &str,
) -> Option<Vec<Account>> {
    let mut all: BTreeMap<String, Account> = BTreeMap::new();
    let mut good = true;
    for account in typed {
        let Some(account) = one(ground, account, services, summary) else {
            good = false;
            continue;
        };
        if let Some(first) = all.get(&account.name) {
            let told =
                Diagnostic::error(codes::CONFIG_INVALID_VALUE, format!("two accounts are called `{}`", account.name))
                    .at_origin(&account.origin, "here")
                    .at_origin(&first.origin, "and here");
            ground.report(told.help("write one `[[account]]` for each name"));
            good = false;
        }
        all.insert(account.name.clone(), account);
    }
    for service in services.iter().filter(|service| service.user != "root") {
        all.entry(service.user.clone()).or_insert_with(|| of_service(service, summary));
    }
    good.then(|| all.into_values().collect())
}

fn of_service(service: &Service, summary: &str) -> Account {
    Account {
        name: service.user.clone(),
        group: service.group.clone(),
        groups: Vec::new(),
        comment: comment(summary),
        home: service.home().to_owned(),
        shell: NOLOGIN.to_owned(),
        uid: None,
        gid: None,
        origin: service.origin.clone(),
    }
}

fn one(ground: &Ground, account: &At<schema::Account>, services: &[Service], summary: &str) -> Option<Account> {
    let path = |text: &Option<Text>, default: &str| match text {
        None => Some(default.to_owned()),
        Some(text) => ground.ok(host_path(text, &ground.span(&text.range))).map(|()| text.value.clone()),
    };
    let own = name(ground, &account.name, "user").filter(|own| {
        let root = own == "root";
        if root {
            let help = "a service that must run as root says `user = \"root\"`, without an `[[account]]`";
            ground.refuse(codes::CONFIG_INVALID_VALUE, &account.name, "`root` is on every host", help);
        }
        !root
    });
    let group = account.group.as_ref().map(|group| name(ground, group, "group"));
    let groups: Vec<Option<String>> = account.groups.iter().map(|group| name(ground, group, "group")).collect();
    let service = services.iter().find(|service| service.user == *account.name.value);
    let home = path(&account.home, service.map_or("/", |service| service.home()));
    let shell = path(&account.shell, NOLOGIN);
    let text = account.comment.as_ref().map_or(summary, |text| text.value.as_str());
    if let Some(at) =
        account.comment.as_ref().filter(|text| text.contains([':', '"', '\\']) || text.chars().any(char::is_control))
    {
        let help = "passwd(5) has no place for `:`, quotes and control characters";
        ground.refuse(codes::CONFIG_INVALID_VALUE, at, "this cannot be the comment of an account", help);
        return None;
    }
    let own = own?;
    Some(Account {
        group: group.map_or(Some(own.clone()), |group| group)?,
        name: own,
        groups: groups.into_iter().collect::<Option<_>>()?,
        comment: comment(text),
        home: home?,
        shell: shell?,
        uid: account.uid.as_ref().map(|uid| uid.value),
        gid: account.gid.as_ref().map(|gid| gid.value),
        origin: ground.origin(&account.name),
    })
}

/// What passwd(5) and sysusers.d(5) take between their delimiters.
fn comment(text: &str) -> String {
    let legal: String =
        text.chars().map(|c| if matches!(c, ':' | '"' | '\\' | ',') || c.is_control() { ' ' } else { c }).collect();
    legal.split_whitespace().collect::<Vec<_>>().join(" ")
}
