//! The copyright file, in Debian's machine-readable form (copyright-format 1.0, policy 12.5).
//!
//! Enters: the package's identity and the licence's text. Leaves: text; in which formats it goes is
//! [`super::documents`]'s matter.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::plan::Identity;
use crate::resolve::spdx;

/// SPDX id (without `-only`, `-or-later`, `+`) and its file in /usr/share/common-licenses: base-files of Debian 12.
const COMMON: &[(&str, &str)] = &[
    ("Apache-2.0", "Apache-2.0"),
    ("Artistic-1.0-Perl", "Artistic"),
    ("CC0-1.0", "CC0-1.0"),
    ("GFDL-1.2", "GFDL-1.2"),
    ("GFDL-1.3", "GFDL-1.3"),
    ("GPL-1.0", "GPL-1"),
    ("GPL-2.0", "GPL-2"),
    ("GPL-3.0", "GPL-3"),
    ("LGPL-2.0", "LGPL-2"),
    ("LGPL-2.1", "LGPL-2.1"),
    ("LGPL-3.0", "LGPL-3"),
    ("MPL-1.1", "MPL-1.1"),
    ("MPL-2.0", "MPL-2.0"),
];

/// The whole file.
pub fn text(identity: &Identity, license_text: Option<&str>) -> String {
    let mut text = String::from("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n");
    let mut field = |name: &str, value: &str| {
        let _ = writeln!(text, "{name}: {}", one_line(value));
    };
    field("Upstream-Name", &identity.name);
    field("Upstream-Contact", &identity.maintainer);
    if let Some(url) = identity.repository.as_ref().or(identity.homepage.as_ref()) {
        field("Source", url);
    }
    let holders: Vec<String> = identity.copyright.iter().map(|line| one_line(line)).collect();
    // The field may not be empty.
    let holders = if holders.is_empty() { vec![one_line(&identity.maintainer)] } else { holders };
    let _ = write!(text, "\nFiles: *\nCopyright: {}", holders.join("\n           "));
    let ids = ids(&identity.license);
    let _ = writeln!(text, "\nLicense: {}", expression(&identity.license));
    // One licence: its text belongs to this paragraph. Several: each gets a paragraph of its own.
    if let [id] = ids.as_slice() {
        text.push_str(&body(id, license_text));
    } else {
        for (i, id) in ids.iter().enumerate() {
            // Which of several licences one text is cannot be told, so it stands under the first without a common file.
            let own = ids.iter().position(|id| common(id).is_none()) == Some(i);
            let _ = write!(text, "\nLicense: {id}\n{}", body(id, license_text.filter(|_| own)));
        }
    }
    text
}

/// The licence's words, each line indented, an empty one as ` .`.
fn body(id: &str, license_text: Option<&str>) -> String {
    if let Some(file) = common(id) {
        return format!(" Debian systems hold its full text in \"/usr/share/common-licenses/{file}\".\n");
    }
    let Some(given) = license_text.map(str::trim_end).filter(|text| !text.is_empty()) else {
        return if spdx::is_listed(id) {
            format!(" The SPDX license list has its full text: https://spdx.org/licenses/{id}.html\n")
        } else {
            " Whoever holds the copyright has its full text.\n".to_owned()
        };
    };
    given.lines().fold(String::new(), |mut text, line| {
        let line = line.trim_end().replace(|c: char| c.is_control() && c != '\t', "");
        text.push_str(if line.is_empty() { " ." } else { " " });
        text.push_str(&line);
        text.push('\n');
        text
    })
}

fn common(id: &str) -> Option<&'static str> {
    let base = id.trim_end_matches('+').trim_end_matches("-only").trim_end_matches("-or-later");
    COMMON.iter().find(|(spdx, _)| *spdx == base).map(|(_, file)| *file)
}

/// Ids of an SPDX expression, once each, in its order; `WITH` joins its exception to the licence.
fn ids(license: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let spaced = license.replace(['(', ')'], " ");
    let words = spaced.split_whitespace().collect::<Vec<_>>();
    let mut ids = Vec::new();
    let mut exception = false;
    for word in words {
        match word {
            "AND" | "OR" | "and" | "or" => {}
            "WITH" | "with" => exception = true,
            _ if exception => exception = false,
            id if seen.insert(id) => ids.push(id.to_owned()),
            _ => {}
        }
    }
    ids
}

/// The expression in the form's own words: lower-case `and`, `or`, no brackets but by a comma, exceptions by `with`.
fn expression(license: &str) -> String {
    let mut words = Vec::new();
    for word in license.replace(['(', ')'], " ").split_whitespace() {
        words.push(match word {
            "AND" => "and".to_owned(),
            "OR" => "or".to_owned(),
            "WITH" => "with".to_owned(),
            id => id.to_owned(),
        });
    }
    words.join(" ")
}

fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{fact, plan_of};
    use super::*;

    fn identity(license: &str) -> Identity {
        let mut identity = plan_of(Vec::new()).identity;
        identity.license = fact(license.to_owned());
        identity
    }

    #[test]
    fn a_common_licence_is_pointed_at() {
        let text = text(&identity("Apache-2.0"), Some("Apache License\nVersion 2.0"));
        assert_eq!(
            text,
            "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\
             Upstream-Name: hello\nUpstream-Contact: Ops Team <ops@example.org>\nSource: https://example.org/hello\n\n\
             Files: *\nCopyright: 2026 Ops Team\nLicense: Apache-2.0\n \
             Debian systems hold its full text in \"/usr/share/common-licenses/Apache-2.0\".\n"
        );
    }

    #[test]
    fn another_licence_is_quoted() {
        let text = text(&identity("MIT"), Some("Permission\n\n  is granted\n\n"));
        assert!(text.ends_with("License: MIT\n Permission\n .\n   is granted\n"), "{text}");
    }

    #[test]
    fn only_what_is_listed_gets_a_page() {
        assert!(text(&identity("ISC"), None).contains("https://spdx.org/licenses/ISC.html"));
        for own in ["LicenseRef-Ours", "Apache2", "MIT+"] {
            let text = text(&identity(own), None);
            assert!(!text.contains("spdx.org"), "{text}");
            assert!(text.ends_with(&format!("License: {own}\n Whoever holds the copyright has its full text.\n")));
        }
    }

    #[test]
    fn several_licences_get_a_paragraph_each() {
        let text = text(&identity("MIT OR (GPL-3.0-or-later WITH X-exception AND MIT)"), Some("Permission"));
        assert!(
            text.contains("License: MIT or GPL-3.0-or-later with X-exception and MIT\n\nLicense: MIT\n Permission\n")
        );
        assert!(text.ends_with(
            "\nLicense: GPL-3.0-or-later\n Debian systems hold its full text in \"/usr/share/common-licenses/GPL-3\".\n"
        ));
    }

    #[test]
    fn every_common_licence_is_there_on_this_debian() {
        let folder = std::path::Path::new("/usr/share/common-licenses");
        for (_, file) in COMMON.iter().filter(|_| folder.is_dir()) {
            assert!(folder.join(file).exists(), "{file}");
        }
    }
}
