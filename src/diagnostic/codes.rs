//! Every code, in one list: name, whose fault, and the page that `fitout explain CODE` shows.

use std::fmt;

/// Whose fault a finding is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The config, the command line, or the files that were given (exit 2).
    Input,
    /// The machine: I/O, disk full, a tool that failed, a file that changed while it was read (exit 3).
    Environment,
    /// Something that `lint` or `verify` looks for (exit 1).
    Lint,
}

/// A stable code such as `config/unknown-key`.
#[derive(Clone, Copy)]
pub struct Code {
    /// `room/what`.
    pub name: &'static str,
    /// Whose fault.
    pub fault: Fault,
    /// The page: what it means, why it matters, how to mend it.
    pub page: &'static str,
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}
impl Eq for Code {}
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $id:ident = $name:literal, $fault:ident, $page:literal;)*) => {
        $($(#[$doc])* #[allow(missing_docs)] pub const $id: Code = Code { name: $name, fault: Fault::$fault, page: $page };)*
        /// Every code, in the order of this file.
        pub const ALL: &[Code] = &[$($id),*];
    };
}

codes! {
    // --- config ---
    CONFIG_SYNTAX = "config/syntax", Input,
        "The file is not valid TOML. The label shows the place where the parser gave up; the mistake is there or just before it.";
    CONFIG_UNKNOWN_KEY = "config/unknown-key", Input,
        "fitout's grammar is closed: a key that it does not know is an error, because a misspelt key that is silently ignored makes a package that is silently wrong. The help line lists the keys that the table takes.";
    CONFIG_WRONG_TYPE = "config/wrong-type", Input,
        "The value has another type than the key takes: a string where a list is wanted, a number where a string is wanted. Modes are strings with a leading zero (`\"0644\"`), because a bare number would be read as decimal.";
    CONFIG_INVALID_VALUE = "config/invalid-value", Input,
        "The value has the right type and is not one of those that the key takes. The help line lists them or shows the form.";
    CONFIG_MISSING_KEY = "config/missing-key", Input,
        "A key that has no default is not there.";
    CONFIG_NOT_YET = "config/not-yet", Input,
        "The grammar reserves this section or value, and this version of fitout does not implement it. It is refused, never ignored: a package without the service that its config asks for is worse than no package.";
    CONFIG_NOT_FOUND = "config/not-found", Input,
        "There is no fitout.toml in this folder. `fitout init` writes one; `-C DIR` and `--config FILE` name another place.";
    CONFIG_NO_ENVIRONMENT = "config/no-environment", Input,
        "`--environment` names an environment that the config does not have. Each is a table `[environment.NAME]`.";
    CONFIG_UNSET_HOLE = "config/unset-hole", Input,
        "A `{name}` hole has no value. Holes are filled when the package is built, from facts such as `{name}`, `{version}`, `{arch}`; a literal brace is written twice. `${NAME}` is filled at start on the host instead.";

    // --- resolve: version, target, clock, environment, presets, build command ---
    RESOLVE_INVALID_VERSION = "resolve/invalid-version", Input,
        "The version is empty, has a part that is empty, or has characters that no format could carry. A version begins with a letter or digit and goes on with letters, digits and `.`, `+`, `-`, `~`, `_`, `^`; a leading `v` is dropped. An epoch is not part of it: that is `epoch = 1` under `[package]`.";
    RESOLVE_NO_VERSION = "resolve/no-version", Input,
        "The place that `version = { from = … }` names does not give a version: no such file, no such line, no literal in it, no git repository, or a clone without the history that the tag is in. fitout never takes a version from an environment variable, because then the same sources would make different packages. Name another place, or write the version itself.";
    RESOLVE_COMMAND_FAILED = "resolve/command-failed", Environment,
        "A program that fitout asked for a fact (git, cargo, or the command of `version = { from = \"command:…\" }`) could not be started or ended with an error. Its last lines are quoted; run it by hand in the folder of fitout.toml to see all of it.";
    RESOLVE_SOURCE_DATE_EPOCH = "resolve/source-date-epoch", Input,
        "`SOURCE_DATE_EPOCH` is set and is not a whole number of seconds since 1970 between 0 and 4294967295, the last second that rpm and gzip can store. It is the time stamped on everything; unset, the time of the last commit is taken, and without git 1980-01-01.";
    RESOLVE_UNKNOWN_TARGET = "resolve/unknown-target", Input,
        "A target is `os/arch` as Go and OCI spell it, such as `linux/amd64`; the system is always `linux`. Rust triples, `uname -m`, Debian's and rpm's names are understood well enough to say which target was meant, and refused all the same: one spelling in the config keeps it searchable.";
    RESOLVE_INVALID_NAME = "resolve/invalid-name", Input,
        "The package name becomes part of paths and file names, so it begins with a letter or digit and goes on with letters, digits and `+`, `-`, `.`, `_`. A format may ask for more; Debian takes lower case only and no `_`.";
    RESOLVE_INVALID_MAINTAINER = "resolve/invalid-maintainer", Input,
        "A maintainer is written `Name <mail>`, on one line: deb and rpm both store it in this form, and tools take the address out of the angle brackets.";
    RESOLVE_INVALID_LICENSE = "resolve/invalid-license", Input,
        "The licence is an SPDX expression: identifiers such as `MIT` or `Apache-2.0`, joined by `AND`, `OR` and `WITH`, with parentheses where needed. For a licence that SPDX does not list, write `LicenseRef-` and a name of your own.";
    RESOLVE_INVALID_HOMEPAGE = "resolve/invalid-homepage", Input,
        "A homepage is a URL that begins with `https://` or `http://` and has no blanks.";
    RESOLVE_INVALID_PATH = "resolve/invalid-path", Input,
        "A path on the host is absolute and normalised: it begins with `/` and has no `.`, `..`, empty part or line break. What a package installs must not depend on where it is unpacked.";
    RESOLVE_NOT_FOUND = "resolve/not-found", Input,
        "A file or folder that the config names is not there. Paths are relative to the folder of fitout.toml. If it is made by the build, run `fitout build`, which runs `[build] command` first, or the command itself.";
    RESOLVE_UNREADABLE = "resolve/unreadable", Environment,
        "A file is there and could not be read as text: a permission, an I/O error, a size that no such file has, or bytes that are not UTF-8.";
    RESOLVE_BAD_CHANGELOG = "resolve/bad-changelog", Input,
        "The change log is neither a Debian changelog (deb-changelog(5)) nor Markdown in the manner of Keep a Changelog (`## [1.2.3] - 2026-01-31`). deb and rpm carry its records with version, author and date, so each record must have them in a form that can be read.";
    RESOLVE_BAD_SCRIPT = "resolve/bad-script", Input,
        "A maintainer script cannot be used as it stands. dpkg executes scripts directly, so each begins with `#!` and its interpreter; rpm takes the interpreter from the config or from that line. No script may hold a NUL byte, and none may be empty.";
    RESOLVE_NOTHING = "resolve/nothing-to-pack", Input,
        "Neither `[build] input` nor a `[[files]]` rule says what is to be in the package, so it would be empty.";
    RESOLVE_NOT_A_RELEASE = "resolve/not-a-release", Input,
        "The folder is not an assembled OTP release. One has `releases/start_erl.data`, which names the version of the runtime and of the release, and `releases/VERSION/NAME.rel`. `mix release`, relx (`rebar3 release`) and Distillery make such a folder; the input is that folder, not the project.";
    RESOLVE_BAD_TERM = "resolve/bad-term", Input,
        "A file that should hold one Erlang term (`.rel`, `.app`) does not. These files are written by the release tool; one that cannot be read was cut off or edited by hand. Make the release anew.";
    RESOLVE_STALE_PART = "resolve/stale-part", Input,
        "The release folder holds parts of another version than the live one, left over from an earlier build. They are left out of the package. `mix release --overwrite` does not remove them; deleting the folder before the build does.";
    RESOLVE_COOKIE = "resolve/cookie", Input,
        "A file of the release sets the distribution cookie, and would carry one secret to every host, readable by anyone there. fitout never ships `releases/COOKIE`; a `-setcookie` in vm.args is yours to take out. Give the cookie to the node at start instead.";
    RESOLVE_CARGO = "resolve/cargo", Input,
        "`cargo metadata` answered, and the package to be made could not be told from its answer: a workspace has several. Name the one by `name` under `[package]`, or put fitout.toml beside its Cargo.toml.";
    RESOLVE_NOT_BUILT = "resolve/not-built", Input,
        "The preset knows which binaries the project makes, and one of them is not in the target folder. Build it first, or let `[build] command` do so.";
    BUILD_COMMAND_FAILED = "build/command-failed", Environment,
        "The `[build] command` could not be started, ended with an error, or was killed. Nothing was packed. Its last lines are quoted; run it by hand in the folder of fitout.toml to see all of it.";
    // --- end of resolve ---

    // --- files: rules, paths, owners, modes, conflicts ---
    //
    // --- end of files ---

    // --- elf ---
    //
    // --- end of elf ---

    // --- deb ---
    //
    // --- end of deb ---

    // --- rpm ---
    //
    // --- end of rpm ---

    // --- tarball, zip, source archive ---
    //
    // --- end of tarball ---

    // --- oci ---
    //
    // --- end of oci ---

    // --- engine: reading, writing ---
    //
    // --- end of engine ---

    // --- artifact: damage that reading back finds ---
    //
    // --- end of artifact ---

    // --- lint ---
    //
    // --- end of lint ---

    // --- command line, init, templates ---
    //
    // --- end of command line ---
}
