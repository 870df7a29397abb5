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
    //
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
    RPM_NAME = "rpm/invalid-name", Input,
        "rpm takes letters, digits and `+`, `-`, `.`, `_` in a package name, and a letter, a digit or `_` as its first character. Other characters would make file names and relations ambiguous, and dnf could not name the package. Set another `name` in `[package]`.";
    RPM_VERSION = "rpm/invalid-version", Input,
        "rpm takes letters, digits and `.`, `_`, `+`, `~`, `^` in a version. A hyphen ends the version and begins the release, so fitout writes the prerelease of `1.2.3-rc.1` as `1.2.3~rc.1`, which sorts before `1.2.3`. What is left that rpm does not take is refused, because any other spelling might sort wrongly.";
    RPM_RELEASE = "rpm/invalid-release", Input,
        "The release counts packagings of one version. rpm takes the same characters in it as in a version, and no hyphen. It is `1` unless `release` in `[package]` says otherwise.";
    RPM_DISTRIBUTION = "rpm/unknown-distribution", Input,
        "`distribution` in `[format.rpm]` names the family and its release, such as `el-9` or `fedora-43`; the package's release gets that distribution's suffix (`.el9`, `.fc43`). Leave it unset for a package that suits all supported distributions.";
    RPM_RELATION = "rpm/invalid-relation", Input,
        "A relation is `name`, a name with a comparison such as `name >= 1:2.0-1`, a path, or a rich relation in parentheses such as `(a or b)`. Each stands in a string of its own, with blanks around the comparison. rpm would take a misspelt one as the name of a package that does not exist, and the package could not be installed.";
    RPM_SCRIPT = "rpm/invalid-script", Input,
        "A scriptlet belongs to one of rpm's moments and is run by a program given by its absolute path, or by rpm's own `<lua>`. All parts for one moment run in one program.";
    RPM_TRIGGER = "rpm/invalid-trigger", Input,
        "A trigger waits for packages (`bash`, `zsh >= 5`), a file trigger for absolute path prefixes. rpm ignores what it does not know in a header, so a wrong one would never run; it is refused instead.";
    RPM_PREFIX = "rpm/invalid-prefix", Input,
        "A relocatable prefix is an absolute path under which the package has files; `rpm --prefix` moves them elsewhere at installation. A prefix without files has no effect, so it is probably misspelt.";
    RPM_TEXT = "rpm/invalid-text", Input,
        "The fields of an rpm header are single lines, but for the description, and none of them can hold a NUL. Shorten the text, or move it into `description`.";
    RPM_ENTRY = "rpm/invalid-entry", Input,
        "rpm has no way to say this of a file. A hard link needs its first name in the same package, before it; every path needs a name.";
    RPM_CLOCK = "rpm/time-out-of-range", Input,
        "rpm keeps times as unsigned 32-bit seconds since 1970. The clock of the build is SOURCE_DATE_EPOCH, or else the time of the commit.";
    RPM_HEADER_TOO_LARGE = "rpm/header-too-large", Input,
        "All file names, digests and relations of an rpm stand in its header, and rpm refuses headers over 256 MiB. That is about a million files; ship them as an archive or in several packages.";
    RPM_DAMAGED = "rpm/damaged", Input,
        "The file is no rpm package, or it is cut off, or its headers contradict themselves. Compare its size and digest with those of the original; `rpm -K FILE` says what rpm thinks of it.";
    RPM_ODD = "rpm/odd-content", Lint,
        "The package can be read, and something in it is not as it should be: a path that escapes, a path that is there twice, a payload that fitout cannot unpack. Whoever built it should know.";
    // --- end of rpm ---

    // --- tarball, zip, source archive ---
    //
    ZIP_NAME = "zip/name", Input,
        "A name that a zip archive cannot carry, or that its readers would take for something else: over 65,535 bytes, with a slash or control character where a file name is made of it, or no UTF-8 text. Rename it.";
    ZIP_COMPRESSION = "zip/compression", Input,
        "Every zip reader inflates deflate and stored entries; hardly any reads more. fitout writes only these two: `gzip:6` (or another level) and `none`.";
    ZIP_UNREADABLE = "zip/unreadable", Input,
        "The file has no central directory that could be read: it is no zip archive, was cut off, is split over several files, or claims more entries than fitout reads (a million). Nothing of it can be trusted; fetch or build it again.";
    ZIP_DAMAGED = "zip/damaged", Lint,
        "An entry is not what the central directory says: another size, CRC, name or method, a damaged deflate stream, or content that is encrypted or packed by a method that fitout does not read. The rest of the archive is still listed.";
    ZIP_OVERLAP = "zip/overlap", Lint,
        "Two entries share bytes of the archive, or an entry reaches into the directory. No packer writes such a thing; decompression bombs do, to grow from kilobytes to petabytes. The content of such an entry is not read.";
    ZIP_DUPLICATE = "zip/duplicate", Lint,
        "Two entries have the same path. Which one is extracted depends on the tool, so that a scanner may see another file than the one that is installed.";
    ZIP_ESCAPES = "zip/escapes", Lint,
        "An entry has an absolute path, a drive letter or `..` in it. A careless tool extracts it outside of the folder that was named.";
    // --- end of tarball ---

    // --- oci ---
    //
    // --- end of oci ---

    // --- engine: reading, writing ---
    ENGINE_READ = "engine/read", Environment,
        "A source file could not be read: it vanished after the walk, its permissions forbid it, or the disk failed. Nothing was written under a final name.";
    ENGINE_CHANGED = "engine/changed", Environment,
        "A source file was not the same when it was read as when the plan was made, or when it was read a second time. A package of it would hold neither the old nor the new file. Let whatever writes it finish, then run again; nothing was written under a final name.";
    ENGINE_WRITE = "engine/write", Environment,
        "An artifact, or the scratch file beside it, could not be written: the disk is full, a quota is reached, or the folder is not writable. Artifacts are written under temporary names and renamed when whole, so nothing partial is left under a final name.";
    ENGINE_BUG = "engine/bug", Environment,
        "fitout contradicted itself while it wrote an artifact. That is a fault of fitout, not of your files; please report it with the config.";
    //
    // --- end of engine ---

    // --- artifact: damage that reading back finds ---
    ARTIFACT_DAMAGED = "artifact/damaged", Input,
        "The artifact is not what its format asks for: it ends early, a header is malformed, a checksum is wrong, a compressed stream does not unpack. It was cut off or changed on its way; fetch or build it again.";
    ARTIFACT_UNSUPPORTED = "artifact/unsupported", Input,
        "The artifact is whole as far as can be seen, and uses something that fitout does not read, such as bzip2 compression. The format's own tools read it.";
    ARTIFACT_LIMIT = "artifact/limit", Input,
        "The artifact goes over a limit that keeps a hostile file from taking all memory: number of entries, length of a name, size of a metadata file. No package made in earnest comes near these limits.";
    ARTIFACT_BOMB = "artifact/decompression-bomb", Input,
        "More than a thousand bytes come out of each compressed byte, and more than four gibibytes came out already: the artifact is made to fill a disk or to keep a reader busy. Reading stopped there.";
    ARTIFACT_ESCAPING_PATH = "artifact/escaping-path", Input,
        "A path in the artifact holds `..`, so that an extractor that is not careful would write outside of the folder that it was told. No package needs this; treat the artifact as hostile.";
    ARTIFACT_DUPLICATE = "artifact/duplicate-entry", Input,
        "Two entries of the artifact have the same path. Which of them wins depends on the extractor, so what one tool shows need not be what another installs.";
    ARTIFACT_ODD = "artifact/odd", Input,
        "Something about the artifact is unusual: a name that is not UTF-8, a file stored with holes, data after the end, an unknown member. Reading goes on.";
    // --- end of artifact ---

    // --- lint ---
    //
    // --- end of lint ---

    // --- command line, init, templates ---
    //
    // --- end of command line ---
}
