//! What a unit keeps from its service: systemd.exec(5), "Sandboxing".
//!
//! `strict` is what a service without special needs can do without; `systemd-analyze security` rates it 2.0 or less for a
//! native program and 2.5 or less for one that makes machine code while it runs.

use super::Service;
use crate::resolve::service::{Hardening, Vm};

/// Needed to listen below this port.
const FIRST_FREE_PORT: u16 = 1024;

/// Lines of `[Service]`, in order.
pub(super) fn lines(service: &Service) -> Vec<(&'static str, String)> {
    let mut lines: Vec<(&'static str, String)> = Vec::new();
    let low_port = service.user != "root" && service.ports.iter().any(|port| port.number < FIRST_FREE_PORT);
    let capability = if low_port { "CAP_NET_BIND_SERVICE" } else { "" };
    if low_port {
        lines.push(("AmbientCapabilities", capability.to_owned()));
    }
    let mut set = |key, value: &str| lines.push((key, value.to_owned()));
    if service.hardening == Hardening::Off {
        return lines;
    }
    set("NoNewPrivileges", "yes");
    set("PrivateTmp", "yes");
    set("ProtectHome", "yes");
    set("ProtectKernelTunables", "yes");
    set("ProtectKernelModules", "yes");
    set("ProtectControlGroups", "yes");
    set("RestrictSUIDSGID", "yes");
    set("RestrictRealtime", "yes");
    set("LockPersonality", "yes");
    if service.hardening == Hardening::Basic {
        set("ProtectSystem", "full");
        return lines;
    }
    set("ProtectSystem", "strict");
    set(
        "CapabilityBoundingSet",
        if service.user == "root" {
            "CAP_DAC_OVERRIDE CAP_CHOWN CAP_FOWNER CAP_SETUID CAP_SETGID CAP_NET_BIND_SERVICE"
        } else {
            capability
        },
    );
    set("PrivateDevices", "yes");
    // A capability of the host means nothing in a user namespace.
    if !low_port && service.user != "root" {
        set("PrivateUsers", "yes");
    }
    set("ProtectClock", "yes");
    set("ProtectHostname", "yes");
    set("ProtectKernelLogs", "yes");
    set("ProtectProc", "invisible");
    // A virtual machine reads /proc/meminfo and the list of interfaces.
    if service.vm.is_some() {
        set("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX AF_NETLINK");
    } else {
        set("ProcSubset", "pid");
        set("RestrictAddressFamilies", "AF_INET AF_INET6 AF_UNIX");
        set("MemoryDenyWriteExecute", "yes");
    }
    set("RestrictNamespaces", "yes");
    set("RemoveIPC", "yes");
    set("SystemCallArchitectures", "native");
    set("SystemCallErrorNumber", "EPERM");
    set("SystemCallFilter", "@system-service");
    if service.user != "root" {
        set("SystemCallFilter", "~@privileged @resources");
        // `file:write_file_info` of OTP sets the owner along with the mode, were it to the same: it fails as a whole otherwise.
        if service.vm == Some(Vm::Beam) {
            set("SystemCallFilter", "@chown");
        }
    }
    lines
}
