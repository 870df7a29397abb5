//! To whom an entry belongs: rule, else role, else preset, else root:root. The builder's own ids are never used.
//!
//! Enters: owners as typed. Leaves: names and numbers. A preset's word arrives as the owner of its own rules; no role
//! asks for an owner today. Accounts are not created here; `resolve::account` says how a name gets its number.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::plan::{Fact, Owner};
use crate::diagnostic::{Diagnostic, Findings, Origin, codes};
use crate::resolve::account::{check_name, id_of};

/// The last number that is an id; the one above means "unchanged" in chown(2).
const LAST_NUMERIC: u32 = u32::MAX - 1;

/// Owners of one run: each typed owner is judged once, and derived ids must not collide.
#[derive(Debug, Default)]
pub struct Owners {
    users: BTreeMap<u32, Arc<str>>,
    groups: BTreeMap<u32, Arc<str>>,
}

impl Owners {
    /// The owner of what a rule takes, and which step of the ladder gave it. A wrong one becomes a finding and root.
    pub fn decide(&mut self, typed: Option<&Fact<String>>, findings: &mut Findings) -> (Owner, Arc<Origin>) {
        let Some(typed) = typed else {
            return (Owner::root(), Arc::new(Origin::Default));
        };
        let owner = match parse(&typed.value) {
            Ok(owner) => owner,
            Err(problem) => {
                findings.push(
                    Diagnostic::error(codes::FILES_OWNER, format!("owner `{}` {problem}", typed.value))
                        .at_origin(&typed.origin, "")
                        .help("write `user:group`, `user`, or numbers such as `1000:1000`"),
                );
                Owner::root()
            }
        };
        collide(&mut self.users, owner.uid, &owner.user, "users", typed, findings);
        collide(&mut self.groups, owner.gid, &owner.group, "groups", typed, findings);
        (owner, Arc::new(typed.origin.clone()))
    }
}

fn collide(
    taken: &mut BTreeMap<u32, Arc<str>>,
    id: u32,
    name: &Arc<str>,
    what: &str,
    typed: &Fact<String>,
    findings: &mut Findings,
) {
    // A number that is typed is meant, even where it is the id of a name.
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return;
    }
    let first = taken.entry(id).or_insert_with(|| Arc::clone(name));
    if first != name {
        findings.push(
            Diagnostic::error(
                codes::FILES_OWNER_COLLISION,
                format!("the {what} `{first}` and `{name}` get the same id {id}"),
            )
            .at_origin(&typed.origin, "")
            .help(format!("rename one of them, or write a number instead of `{name}`")),
        );
    }
}

/// `user:group`, `user`, `1000:1000`; the message completes "owner `x` …".
pub fn parse(typed: &str) -> Result<Owner, String> {
    let (user, group) = typed.split_once(':').unwrap_or((typed, typed));
    let (user, uid) = account(user, "user")?;
    let (group, gid) = account(group, "group")?;
    Ok(Owner { user, uid, group, gid })
}

fn account(typed: &str, what: &str) -> Result<(Arc<str>, u32), String> {
    if typed.is_empty() {
        return Err(format!("has no {what}"));
    }
    if typed.bytes().all(|b| b.is_ascii_digit()) {
        let id = typed.parse::<u32>().ok().filter(|id| *id <= LAST_NUMERIC);
        let id = id.ok_or_else(|| format!("has a {what} number over {LAST_NUMERIC}"))?;
        return Ok(if id == 0 { ("root".into(), 0) } else { (id.to_string().into(), id) });
    }
    check_name(typed).map_err(|why| format!("has a {what} name that {why}"))?;
    Ok((typed.into(), id_of(typed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(owner: &str) -> Fact<String> {
        Fact { value: owner.to_owned(), origin: Origin::Default }
    }

    #[test]
    fn owners_by_name_and_number() {
        assert_eq!(parse("root"), Ok(Owner::root()));
        assert_eq!(parse("0:0"), Ok(Owner::root()));
        let hello = parse("root:hello").unwrap();
        assert_eq!((hello.user.as_ref(), hello.uid, hello.group.as_ref()), ("root", 0, "hello"));
        assert!((10_001..=59_999).contains(&hello.gid));
        let number = parse("1000:1001").unwrap();
        assert_eq!((number.user.as_ref(), number.uid, number.gid), ("1000", 1000, 1001));
        assert_eq!(parse("hello").unwrap().group.as_ref(), "hello");
        assert!(parse("machine$").is_ok());
    }

    /// Published packages hold these numbers: they must never change.
    #[test]
    fn derived_ids_are_stable() {
        assert_eq!(id_of("hello"), 10_001 + 0x3610_a686 % 49_999);
        assert_eq!(id_of("root"), 0);
    }

    #[test]
    fn bad_owners_say_why() {
        for (owner, why) in [
            ("", "has no user"),
            ("a:", "has no group"),
            (":a", "has no user"),
            ("Hello", "does not begin"),
            ("1abc", "does not begin"),
            ("he llo", "holds ' '"),
            ("a:b:c", "holds ':'"),
            ("4294967295", "number over"),
            ("99999999999999", "number over"),
            ("abcdefghijklmnopqrstuvwxyzabcdefg", "has 33 characters"),
        ] {
            let told = parse(owner).unwrap_err();
            assert!(told.contains(why), "{owner}: {told}");
        }
        let mut findings = Vec::new();
        let (owner, _) = Owners::default().decide(Some(&typed("He")), &mut findings);
        assert_eq!(owner, Owner::root());
        assert_eq!(findings[0].code, codes::FILES_OWNER);
    }

    #[test]
    fn two_names_with_one_id_are_refused() {
        let mut seen = BTreeMap::new();
        let (a, b) =
            (0..).map(|i| format!("u{i}")).find_map(|n| seen.insert(id_of(&n), n.clone()).map(|o| (o, n))).unwrap();
        let (mut owners, mut findings) = (Owners::default(), Vec::new());
        owners.decide(Some(&typed(&format!("{a}:root"))), &mut findings);
        owners.decide(Some(&typed(&format!("root:{b}"))), &mut findings);
        owners.decide(Some(&typed(&format!("{}:root", id_of(&a)))), &mut findings);
        assert!(findings.is_empty(), "users and groups are counted apart, numbers are meant: {findings:?}");
        owners.decide(Some(&typed(&format!("{b}:root"))), &mut findings);
        assert_eq!(findings[0].code, codes::FILES_OWNER_COLLISION);
        assert!(findings[0].message.contains(&a) && findings[0].message.contains(&b));
    }
}
