//! `[service.node]` -> [`Node`]: of a service that the preset starts as an Erlang node.

use super::super::Directories;
use super::super::node::{Distribution, Node, Runtime, port_of};
use super::One;
use crate::config::schema::Text;
use crate::diagnostic::{Diagnostic, codes};
use crate::resolve::image::invalid;

impl One<'_> {
    /// The node, where the preset knows of one and the config starts nothing else.
    pub(super) fn node(
        &self,
        name: &str,
        runtime: Option<Runtime>,
        directories: Option<&Directories>,
    ) -> Option<Option<Node>> {
        let typed = &self.typed.node;
        let runtime = runtime.filter(|_| self.typed.exec.is_none() && !name.ends_with('@'));
        let Some(runtime) = runtime else {
            let Some(at) = typed else { return Some(None) };
            let told = "this service is no Erlang node that fitout starts";
            let help = "take `node` out; it is for services of `preset = \"otp\"` without an `exec` of their own, and not \
                        for template units";
            self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, told, help);
            return None;
        };
        let default = crate::config::schema::Node::default();
        let node = typed.as_ref().map_or(&default, |at| &at.value);
        let name_of = Self::maybe(node.name.as_ref(), |text| self.node_name(text));
        let tls = Self::maybe(node.tls.as_ref(), |text| self.path(text));
        let port = match &node.port {
            None => Some(port_of(name)),
            Some(at) => match u16::try_from(at.value) {
                Ok(port) if port > 0 => Some(port),
                _ => {
                    let told = format!("`{}` is no port", at.value);
                    self.ground.refuse(codes::CONFIG_INVALID_VALUE, at, told, "give a number from 1 to 65535");
                    None
                }
            },
        };
        let distribution = node.distribution.as_ref().map_or(Distribution::Local, |at| at.value);
        let first = directories.and_then(|directories| directories.runtime.first()).cloned();
        let epmd = node.epmd.unwrap_or(!runtime.can_do_without_epmd());
        if let (Some(false), false) = (node.epmd, runtime.can_do_without_epmd()) {
            let told = format!("a node of ERTS {} needs epmd", runtime.erts);
            let told = Diagnostic::error(codes::CONFIG_INVALID_VALUE, told);
            let place = typed.as_ref().map_or(&self.typed.range, |at| &at.range);
            self.ground
                .report(told.at(&self.ground.span(place), "").help("take `epmd` out: OTP 25 and newer do without"));
            return None;
        }
        Some(Some(Node {
            runtime,
            distribution,
            distribution_given: node.distribution.is_some(),
            name: name_of?,
            port: port?,
            epmd,
            tls: tls?,
            arguments: format!("/etc/{}/vm.args", self.package.name),
            runtime_dir: first.unwrap_or_else(|| format!("/run/{}", self.package.name)),
        }))
    }

    /// `name@host`, of which a part may be filled at start.
    fn node_name(&self, text: &Text) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:@${}".contains(c);
        let (alive, host) = text.split_once('@').unwrap_or_default();
        if alive.is_empty() || host.is_empty() || host.contains('@') || !text.chars().all(plain) {
            let help = "write its whole name, such as `hello@10.0.0.1` or `hello@${HOST_NAME}`";
            return invalid(self.ground, text, "name of a node", help);
        }
        Some(text.value.clone())
    }
}
