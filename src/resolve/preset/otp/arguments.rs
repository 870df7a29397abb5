//! Arguments of a node that hold its cookie: one secret for all hosts, which anybody could read in the package.
//!
//! Enters: an [`OtpRelease`]. Leaves: rules for its files of arguments without the cookie. A variable that it is taken from at
//! start stays, without the value that stands in for it.

use super::OtpRelease;
use crate::diagnostic::{Diagnostic, codes};
use crate::resolve::ground::Ground;
use crate::resolve::preset::{fact, rule};
use crate::resolve::release::Churn;
use crate::resolve::{Rule, Take};

const FLAG: &str = "-setcookie";

/// Takes the cookie out of `vm.args` and `vm.args.src`, and says so.
pub(super) fn without_cookie(release: &OtpRelease, ground: &Ground, prefix: &str) -> Vec<Rule> {
    let one = |name: &str| {
        let path = format!("releases/{}/{name}", release.version);
        let text = fs_err::read_to_string(release.dir.join(&path)).ok()?;
        let without: String = text.split_inclusive('\n').map(line_without).collect();
        if without == text {
            return None;
        }
        let shown = format!("{}/{path}", release.typed);
        let finding =
            Diagnostic::warning(codes::RESOLVE_COOKIE, format!("the cookie in `{shown}` is left out of the package"))
                .path(&shown)
                .help("each host makes its own at the first start; give nodes of a cluster one by `RELEASE_COOKIE`");
        ground.report(finding);
        let origin = fact("otp", "arguments without the cookie", ()).origin;
        let mut made = rule(String::new(), format!("{prefix}/{path}"), Churn::Config, origin);
        made.take = Take::Text(without);
        // It is part of the tree of `releases`, too.
        made.replace = true;
        Some(made)
    };
    ["vm.args", "vm.args.src"].into_iter().filter_map(one).collect()
}

/// A line of arguments with its end.
fn line_without(line: &str) -> String {
    let Some(at) = line.find(FLAG).filter(|_| !line.trim_start().starts_with('#')) else { return line.to_owned() };
    let (before, rest) = line.split_at(at);
    let value = rest[FLAG.len()..].trim_start_matches([' ', '\t']);
    let (value, after) = value.split_at(value.find(char::is_whitespace).unwrap_or(value.len()));
    let variable = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let kept = match variable.map(|inside| inside.split_once(":-").map_or(inside, |(name, _)| name)) {
        Some(name) if variable == Some(name) => return line.to_owned(),
        Some(name) => format!("{FLAG} ${{{name}:-}}"),
        None => String::new(),
    };
    let whole = format!("{before}{kept}{after}");
    if whole.trim().is_empty() { String::new() } else { whole }
}

#[cfg(test)]
mod tests {
    use super::line_without;

    #[test]
    fn the_cookie_goes_and_its_variable_stays() {
        for (line, without) in [
            ("-setcookie secret\n", ""),
            ("-name a@b -setcookie secret +K true\n", "-name a@b  +K true\n"),
            ("  -setcookie \tsecret", ""),
            ("-setcookie ${COOKIE}\n", "-setcookie ${COOKIE}\n"),
            ("-setcookie ${COOKIE:-secret}\n", "-setcookie ${COOKIE:-}\n"),
            ("## -setcookie secret\n", "## -setcookie secret\n"),
            ("+sbwt none\n", "+sbwt none\n"),
        ] {
            assert_eq!(line_without(line), without, "{line}");
        }
    }
}
