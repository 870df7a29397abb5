//! `Contents-ARCH`: which package has a path, for `apt-file`.
//!
//! Enters: the bytes of one, the names of packages that are described anew, and their paths. Leaves: the bytes of the next. It says what
//! the newest version of each package has. Source: Debian repository format, "Contents indices".

use std::collections::{BTreeMap, BTreeSet};

/// The next index. `gone` and `paths` hold packages as `SECTION/NAME`; of `gone` only the name counts.
pub fn merge(old: &str, gone: &BTreeSet<&str>, paths: &BTreeMap<String, BTreeSet<String>>) -> String {
    let mut next = String::with_capacity(old.len() + paths.len() * 64);
    let mut new = paths.iter().peekable();
    for line in old.lines() {
        let Some((path, packages)) = line.rsplit_once(char::is_whitespace) else { continue };
        let path = path.trim_end();
        while let Some((earlier, packages)) = new.next_if(|(new, _)| new.as_str() < path) {
            push(&mut next, earlier, packages.iter().map(String::as_str));
        }
        let is_kept = |package: &&str| !gone.contains(name(package));
        let mut kept: BTreeSet<&str> = packages.split(',').filter(is_kept).collect();
        if let Some((_, packages)) = new.next_if(|(new, _)| new.as_str() == path) {
            kept.extend(packages.iter().map(String::as_str));
        }
        push(&mut next, path, kept);
    }
    for (path, packages) in new {
        push(&mut next, path, packages.iter().map(String::as_str));
    }
    next
}

fn name(package: &str) -> &str {
    package.rsplit('/').next().unwrap_or(package)
}

fn push<'p>(text: &mut String, path: &str, packages: impl IntoIterator<Item = &'p str>) {
    let packages: Vec<&str> = packages.into_iter().collect();
    if !packages.is_empty() {
        text.push_str(path);
        // The path ends at the last blank, so that it may hold some.
        text.push_str("    ");
        text.push_str(&packages.join(","));
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_their_packages() {
        let old = "etc/a    misc/one\nusr/bin/x    misc/one,net/two\nusr/with blank    net/two\n";
        let one = |name: &str| BTreeSet::from([name.to_owned()]);
        let paths = BTreeMap::from([
            ("a".to_owned(), one("misc/one")),
            ("usr/bin/x".to_owned(), one("web/one")),
            ("z".to_owned(), one("misc/one")),
        ]);
        let next = merge(old, &BTreeSet::from(["one"]), &paths);
        assert_eq!(next, "a    misc/one\nusr/bin/x    net/two,web/one\nusr/with blank    net/two\nz    misc/one\n");
        assert_eq!(merge(&next, &BTreeSet::from(["one", "two"]), &BTreeMap::new()), "");
    }
}
