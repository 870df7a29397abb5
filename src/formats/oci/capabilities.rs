//! File capabilities: text (`cap_net_bind_service=ep`) and the value of `security.capability`.
//!
//! Enters: the text form of `cap_from_text(3)`, as far as files can have it. Leaves: the bytes that the kernel reads
//! (`linux/capability.h`, revision 2), and back. The kernel keeps one effective bit for the file, so all of its
//! capabilities are effective or none is.

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

/// The value of `security.capability`, or what is wrong with the text.
pub(super) fn encode(text: &str) -> Result<[u8; 20], String> {
    let sets = parse(text)?;
    let any = sets.permitted | sets.inheritable;
    if sets.effective != 0 && sets.effective != any {
        return Err("a file's capabilities are effective all or none".to_owned());
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
pub(super) fn decode(value: &[u8]) -> Option<String> {
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
fn parse(text: &str) -> Result<Sets, String> {
    let mut sets = Sets::default();
    if text.trim().is_empty() {
        return Err("no capability is named".to_owned());
    }
    for clause in text.split_whitespace() {
        let start = clause.find(['=', '+', '-']).ok_or_else(|| format!("`{clause}` has none of `=`, `+`, `-`"))?;
        let (names, mut actions) = clause.split_at(start);
        let bits = match names {
            "" | "all" => (1_u64 << NAMES.len()) - 1,
            names => names.split(',').try_fold(0, |bits, name| Ok::<_, String>(bits | 1 << number(name)?))?,
        };
        while let Some(operator) = actions.chars().next() {
            let end = actions[1..].find(['=', '+', '-']).map_or(actions.len(), |at| at + 1);
            apply(&mut sets, bits, operator, &actions[1..end])?;
            actions = &actions[end..];
        }
    }
    Ok(sets)
}

fn apply(sets: &mut Sets, bits: u64, operator: char, flags: &str) -> Result<(), String> {
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
            other => return Err(format!("`{other}` is none of the flags `e`, `i`, `p`")),
        };
        *set = if operator == '-' { *set & !bits } else { *set | bits };
    }
    Ok(())
}

fn number(name: &str) -> Result<usize, String> {
    let lower = name.to_ascii_lowercase();
    let found = lower.strip_prefix("cap_").and_then(|bare| NAMES.iter().position(|n| *n == bare));
    found.ok_or_else(|| format!("there is no capability `{name}`"))
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
    fn what_is_no_capability_is_refused() {
        for bad in ["", "cap_nonsense=ep", "cap_chown", "cap_chown=x", "net_raw=p", "cap_chown=ep cap_fowner=p"] {
            assert!(encode(bad).is_err(), "{bad}");
        }
        for bad in [&[0; 20][..], &[1, 0, 0, 2], &[1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(decode(bad), None);
        }
    }
}
