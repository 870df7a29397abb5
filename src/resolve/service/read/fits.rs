//! What no key of a service can know by itself: whether they fit together.

use std::collections::BTreeSet;

use super::super::Service;
use super::One;
use crate::config::schema::OnUpgrade;
use crate::diagnostic::{Diagnostic, Origin, codes};

impl One<'_> {
    /// What no key by itself can know.
    pub(super) fn fits(&self, service: &mut Service) -> bool {
        let typed = &self.typed.value;
        let mut good = true;
        let mut refuse = |at: &dyn Fn() -> Origin, message: &str, help: &str| {
            let told = Diagnostic::error(codes::CONFIG_INVALID_VALUE, message);
            self.ground.report(told.at_origin(&at(), "").help(help));
            good = false;
        };
        let whole = || self.ground.origin(self.typed);
        if service.socket.as_ref().is_some_and(|socket| socket.accept) && !service.is_template() {
            refuse(
                &whole,
                "`accept` starts one instance for each connection, and this is no template unit",
                "end its `name` with `@`",
            );
        }
        if service.timer.is_some() && service.socket.is_some() {
            refuse(&whole, "a service is started by a timer or by a socket, not by both", "make it two services");
        }
        if let Some(at) =
            typed.on_upgrade.as_ref().filter(|at| at.value == OnUpgrade::Reload && service.reload.is_none())
        {
            let help = "set `reload` to the command that does it, or `reload-signal = \"SIGHUP\"`";
            refuse(&|| self.ground.origin(at), "nothing says how this service reads its configuration again", help);
        }
        if let Some(at) = typed.on_upgrade.as_ref().filter(|at| at.value == OnUpgrade::Hot && service.node.is_none()) {
            let help = "take `restart`, or `reload` where the program can do that";
            refuse(&|| self.ground.origin(at), "only an Erlang node takes new code while it runs", help);
        }
        if service.is_template() && (!service.init.is_empty() || service.is_prepared() || service.log_file.is_some()) {
            refuse(
                &whole,
                "a template unit has no launcher: `init`, `configure`, `log-file` and secrets in the environment need one",
                "take them out, or write a unit for each instance",
            );
        }
        if let Some(at) = typed.command.as_ref().filter(|at| service.exec.first() == Some(&at.value)) {
            let help = "give the launcher a name of its own, such as `/usr/bin/NAME-ctl`";
            refuse(&|| self.ground.origin(at), "this is the program itself", help);
        }
        if !service.init.is_empty() && (service.timer.is_some() || service.socket.is_some()) {
            let help = "take `init` out: only systemd starts a service by a timer or a socket";
            refuse(&whole, "an init script starts a service at boot", help);
        }
        let writes: BTreeSet<&String> = service.directories.written().chain(&service.write).collect();
        for (configure, at) in service.configure.iter().zip(&typed.configure) {
            if !writes.iter().any(|folder| configure.to.starts_with(&format!("{folder}/"))) {
                let help = "name a place below one of its `runtime` or `state` directories";
                refuse(&|| self.ground.origin(&at.to), "the service may not write there", help);
            }
        }
        good
    }
}
