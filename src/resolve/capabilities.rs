//! File capabilities: text (`cap_net_bind_service=ep`) and the value of `security.capability`.
//!
//! Enters: the text form of `cap_from_text(3)`, as far as files can have it. Leaves: the bytes that the kernel reads
//! (`linux/capability.h`, revision 2), and back. Every format carries them, each in its own way, so they are judged here.
//! The kernel keeps one effective bit for the file, so all of its
//! capabilities are effective or none is.

use crate::config::suggest;

/// By number; the names are the kernel's.
const NAMES: &[&str] = &[
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];
const REVISION_2: u32 = 0x0200_0000;
const REVISION_3: u32 = 0x0300_0000;
const EFFECTIVE: u32 = 1;

/// The three sets of a file, one bit a capability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sets {
    effective: u64,
    permitted: u64,
    inheritable: u64,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityError {
    /// Empty.
    #[error("no capability is named")]
    Nothing,
    /// A clause that is a name only.
    #[error("`{}` has none of `=`, `+`, `-`", .0.escape_debug())]
    NoOperator(String),
    /// A letter behind the operator.
    #[error("`{}` is none of the flags `e`, `i`, `p`", .0.escape_debug())]
    Flag(char),
    /// A name that the kernel does not have.
    #[error("there is no capability `{}`", .0.escape_debug())]
    Unknown(String),
    /// Some are effective, some are not.
    #[error("a file's capabilities are effective all or none")]
    Mixed,
}

impl CapabilityError {
    /// What to type instead.
    pub fn help(&self) -> String {
        match self {
            Self::Unknown(name) => {
                let known: Vec<String> = NAMES.iter().map(|name| format!("cap_{name}")).collect();
                let known = || known.iter().map(String::as_str);
                let bare = format!("cap_{name}");
                match suggest::nearest(name, known()).or_else(|| suggest::nearest(&bare, known())) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "capabilities(7) lists them; write them like `cap_net_bind_service=ep`".to_owned(),
                }
            }
            Self::NoOperator(clause) => format!("write `{}=ep` to grant it at the start", clause.escape_debug()),
            Self::Mixed => "give `e` to all of them, or to none".to_owned(),
            Self::Nothing | Self::Flag(_) => "write them like `cap_net_bind_service=ep`".to_owned(),
        }
    }
}

/// The value of `security.capability`.
///
/// # Errors
/// What is wrong with the text.
pub fn encode(text: &str) -> Result<[u8; 20], CapabilityError> {
    let sets = parse(text)?;
    let any = sets.permitted | sets.inheritable;
    if sets.effective != 0 && sets.effective != any {
        return Err(CapabilityError::Mixed);
    }
    let magic = REVISION_2 | if sets.effective == 0 { 0 } else { EFFECTIVE };
    let mut out = [0; 20];
    out[..4].copy_from_slice(&magic.to_le_bytes());
    // Low words of both sets, then high words.
    let (permitted, inheritable) = (sets.permitted.to_le_bytes(), sets.inheritable.to_le_bytes());
    for (at, word) in [(4, &permitted[..4]), (8, &inheritable[..4]), (12, &permitted[4..]), (16, &inheritable[4..])] {
        out[at..at + 4].copy_from_slice(word);
    }
    Ok(out)
}

/// The text of a value; none if the kernel would not take it.
pub fn decode(value: &[u8]) -> Option<String> {
    let word = |at: usize| Some(u32::from_le_bytes(value.get(at..at + 4)?.try_into().ok()?));
    let magic = word(0)?;
    let known = (magic & !EFFECTIVE == REVISION_2 && value.len() == 20)
        || (magic & !EFFECTIVE == REVISION_3 && value.len() == 24);
    if !known {
        return None;
    }
    let permitted = u64::from(word(4)?) | u64::from(word(12)?) << 32;
    let inheritable = u64::from(word(8)?) | u64::from(word(16)?) << 32;
    let effective = magic & EFFECTIVE != 0;
    let mut clauses: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for bit in (0..64).filter(|bit| (permitted | inheritable) >> bit & 1 != 0) {
        let mut flags = String::new();
        for (flag, on) in [('e', effective), ('i', inheritable >> bit & 1 != 0), ('p', permitted >> bit & 1 != 0)] {
            flags.extend(on.then_some(flag));
        }
        let name = NAMES.get(bit).map_or_else(|| format!("{bit}"), |name| format!("cap_{name}"));
        clauses.entry(flags).or_default().push(name);
    }
    let text: Vec<_> = clauses.iter().map(|(flags, names)| format!("{}={flags}", names.join(","))).collect();
    Some(text.join(" "))
}

/// Clauses of `names op flags`, separated by white space; a clause may have more than one `op flags`.
fn parse(text: &str) -> Result<Sets, CapabilityError> {
    let mut sets = Sets::default();
    if text.trim().is_empty() {
        return Err(CapabilityError::Nothing);
    }
    for clause in text.split_whitespace() {
        let start = clause.find(['=', '+', '-']).ok_or_else(|| CapabilityError::NoOperator(clause.to_owned()))?;
        let (names, mut actions) = clause.split_at(start);
        let bits = match names {
            "" | "all" => (1_u64 << NAMES.len()) - 1,
            names => names.split(',').try_fold(0, |bits, name| number(name).map(|bit| bits | 1 << bit))?,
        };
        while let Some(operator) = actions.chars().next() {
            let end = actions[1..].find(['=', '+', '-']).map_or(actions.len(), |at| at + 1);
            apply(&mut sets, bits, operator, &actions[1..end])?;
            actions = &actions[end..];
        }
    }
    Ok(sets)
}

fn apply(sets: &mut Sets, bits: u64, operator: char, flags: &str) -> Result<(), CapabilityError> {
    if operator == '=' {
        for set in [&mut sets.effective, &mut sets.permitted, &mut sets.inheritable] {
            *set &= !bits;
        }
    }
    for flag in flags.chars() {
        let set = match flag {
            'e' => &mut sets.effective,
            'p' => &mut sets.permitted,
            'i' => &mut sets.inheritable,
            other => return Err(CapabilityError::Flag(other)),
        };
        *set = if operator == '-' { *set & !bits } else { *set | bits };
    }
    Ok(())
}

fn number(name: &str) -> Result<usize, CapabilityError> {
    let lower = name.to_ascii_lowercase();
    let found = lower.strip_prefix("cap_").and_then(|bare| NAMES.iter().position(|n| *n == bare));
    found.ok_or_else(|| CapabilityError::Unknown(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_bytes() {
        // As `setcap cap_net_bind_service=ep` and getfattr show it.
        let value = encode("cap_net_bind_service=ep").unwrap();
        assert_eq!(value, [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(encode("cap_bpf+p").unwrap()[12..16], [0x80, 0, 0, 0]);
    }

    #[test]
    fn text_there_and_back() {
        for (text, canonical) in [
            ("cap_net_bind_service=ep", "cap_net_bind_service=ep"),
            ("CAP_NET_RAW,cap_net_admin+eip", "cap_net_admin,cap_net_raw=eip"),
            ("cap_chown=p cap_fowner=i", "cap_fowner=i cap_chown=p"),
            ("cap_chown=eip cap_chown-i", "cap_chown=ep"),
            ("cap_chown=p+i", "cap_chown=ip"),
        ] {
            assert_eq!(decode(&encode(text).unwrap()).unwrap(), canonical);
        }
        assert!(decode(&encode("all=p").unwrap()).unwrap().ends_with("cap_checkpoint_restore=p"));
    }

    #[test]
    fn the_help_names_what_was_meant() {
        for (bad, wanted) in [
            ("cap_net_bind_servce=ep", "`cap_net_bind_service`"),
            ("net_raw=p", "`cap_net_raw`"),
            ("cap_chown", "`cap_chown=ep`"),
            ("cap_foo=ep", "capabilities(7)"),
        ] {
            let help = encode(bad).unwrap_err().help();
            assert!(help.contains(wanted), "{bad}: {help}");
        }
    }

    #[test]
    fn what_is_no_capability_is_refused() {
        for bad in ["", "cap_nonsense=ep", "cap_chown", "cap_chown=x", "net_raw=p", "cap_chown=ep cap_fowner=p"] {
            assert!(encode(bad).is_err(), "{bad}");
        }
        for bad in [&[0; 20][..], &[1, 0, 0, 2], &[1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(decode(bad), None);
        }
    }
}
