//! A small Plan for the unit tests of the formats: every kind of entry once.

use std::collections::BTreeMap;

use super::plan::*;
use crate::diagnostic::Origin;

/// All five formats, in the order of the list.
pub const FORMATS: &[&str] = &["deb", "rpm", "tarball", "zip", "oci"];

/// A fact without a place.
pub fn fact<T>(value: T) -> Fact<T> {
    Fact { value, origin: Origin::Default }
}

/// An entry of root with the default mode of its kind.
pub fn entry(path: &str, kind: Kind) -> Entry {
    let mode = match kind {
        Kind::Directory { .. } => 0o755,
        Kind::Symlink { .. } => 0o777,
        _ => 0o644,
    };
    Entry::of_root(path, kind, mode, Origin::Default)
}

/// `hello` 1.4.0-rc.1+b5 for amd64 with these entries, which must be sorted and have their parents.
pub fn plan_of(entries: Vec<Entry>) -> Plan {
    let gzip = fact(Compression::Gzip(6));
    Plan {
        identity: Identity {
            name: fact("hello".into()),
            version: fact(Version {
                text: "1.4.0-rc.1+b5".into(),
                core: "1.4.0".into(),
                prerelease: Some("rc.1".into()),
                build: Some("b5".into()),
            }),
            epoch: None,
            release: None,
            summary: fact("Greets people over HTTP".into()),
            description: "A server that greets.\n\nIt does nothing else.".into(),
            maintainer: fact("Ops Team <ops@example.org>".into()),
            license: fact("Apache-2.0".into()),
            copyright: vec!["2026 Ops Team".into()],
            homepage: Some(fact("https://example.org/hello".into())),
            repository: None,
            vendor: None,
            revision: None,
            replaces: Vec::new(),
        },
        target: Target { os: "linux", arch: Arch::Amd64, independent: false },
        environment: None,
        clock: 1_700_000_000,
        entries: entries.into(),
        formats: FORMATS.to_vec(),
        elf: ElfFacts::default(),
        templates: Default::default(),
        services: Vec::new(),
        accounts: Vec::new(),
        lifecycle: Lifecycle::default(),
        changelog: vec![Change {
            version: "1.4.0-rc.1+b5".into(),
            time: 1_700_000_000,
            author: "Ops Team <ops@example.org>".into(),
            lines: vec!["Release 1.4.0-rc.1+b5".into()],
        }],
        deb: Deb {
            compression: gzip.clone(),
            distribution: None,
            section: "misc".into(),
            priority: "optional".into(),
            source: None,
            essential: false,
            multi_arch: None,
            relations: BTreeMap::new(),
            fields: BTreeMap::new(),
            libraries: BTreeMap::new(),
            auto_depends: true,
            triggers: Vec::new(),
        },
        rpm: Rpm {
            compression: gzip.clone(),
            distribution: None,
            format_version: 4,
            group: fact("Applications/System".into()),
            packager: fact("Ops Team <ops@example.org>".into()),
            relations: BTreeMap::new(),
            auto_requires: true,
            prefixes: Vec::new(),
        },
        tarball: Tarball { compression: gzip.clone() },
        zip: Zip { compression: gzip.clone() },
        base: None,
        image: Image {
            compression: gzip,
            base: fact(Base::Scratch),
            repository: fact("localhost/hello".into()),
            tag: None,
            user: None,
            entrypoint: None,
            cmd: None,
            env: BTreeMap::new(),
            ports: Vec::new(),
            volumes: Vec::new(),
            working_dir: None,
            stop_signal: "SIGTERM".into(),
            health_check: None,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        },
    }
}

/// A plan with every kind of entry, and its sources.
pub fn plan() -> (Plan, Sources) {
    let mut sources = Sources::default();
    let shared = |p: &str| entry(p, Kind::Directory { shared: true });
    let own = |p: &str| entry(p, Kind::Directory { shared: false });
    let mut binary = entry("/usr/bin/hello", Kind::File(sources.made(b"#!/bin/sh\necho hello\n".to_vec())));
    binary.mode = 0o755;
    let mut config = entry("/etc/hello/env", Kind::File(sources.made(b"PORT=80\n".to_vec())));
    config.role = Role::Config { noreplace: true, missingok: false };
    config.churn = Churn::Config;
    let big: Vec<u8> = (0..40_000u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
    let entries = vec![
        shared("/etc"),
        own("/etc/hello"),
        config,
        shared("/usr"),
        shared("/usr/bin"),
        binary,
        entry("/usr/bin/hi", Kind::Symlink { target: "hello".into() }),
        shared("/usr/lib"),
        own("/usr/lib/hello"),
        entry("/usr/lib/hello/data", Kind::File(sources.made(big))),
        entry("/usr/lib/hello/data2", Kind::Hardlink { target: "/usr/lib/hello/data".into() }),
        own("/usr/lib/hello/empty"),
        entry("/usr/lib/hello/nothing", Kind::File(sources.made(Vec::new()))),
    ];
    (plan_of(entries), sources)
}
