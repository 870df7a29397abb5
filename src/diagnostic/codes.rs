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
    FILES_NOT_FOUND = "files/not-found", Input,
        "`from` names a file or folder that is not there. Paths are relative to the folder of fitout.toml; the help line names the nearest thing that exists. If a build command makes the file, see whether it ran and where it writes.";
    FILES_NO_MATCH = "files/no-match", Input,
        "The glob of `from` matches nothing. `*` and `?` stop at a `/`, `**` does not. A rule that silently takes nothing makes a package that silently lacks something, so it is an error; the help line names the nearest thing that exists.";
    FILES_BAD_GLOB = "files/bad-glob", Input,
        "A pattern of `from` or `exclude` is no glob: an open bracket or brace, or `**` glued to other characters. Write a literal special character in brackets, such as `[*]`.";
    FILES_EMPTY_TREE = "files/empty-tree", Input,
        "The folder that the rule takes is empty, or `exclude` leaves nothing of it. Most often the build has not run or writes elsewhere. An empty directory that is wanted is written as `directory = true`.";
    FILES_UNREADABLE = "files/unreadable", Environment,
        "A file or folder that a rule takes cannot be read. The line says what the system answered. Mend its permissions or exclude it; fitout never packs part of what was asked for.";
    FILES_SPECIAL = "files/special", Input,
        "A socket, fifo or device stands in the tree. Packages carry files, directories and links; such things are made on the host when the service runs. Exclude it.";
    FILES_NON_UTF8_NAME = "files/non-utf8-name", Input,
        "A file name or link target is not UTF-8. rpm, zip and OCI images have no place for such names and their readers guess differently, so it is refused everywhere. Rename or exclude the file.";
    FILES_CONTROL_CHARACTER = "files/control-character", Input,
        "A name or link target holds a newline or another control character. Lists such as md5sums and conffiles have one name a line, so a package with such a name is broken or worse. Rename or exclude the file.";
    FILES_BAD_PATH = "files/bad-path", Input,
        "A path on the host must be absolute, without `.`, `..` or empty parts, each part at most 255 bytes and the whole at most 4095. A path that climbs with `..` could leave the place that it seems to name.";
    FILES_NOT_A_DIRECTORY = "files/not-a-directory", Input,
        "One entry lies under a path that another entry makes a file or a link. No file system can hold both. Change one of the two places, or exclude one of them.";
    FILES_CONFLICT = "files/conflict", Input,
        "Two rules put something at the same path. Which one was meant cannot be told, so fitout does not choose: exclude the path from one of them, give them different formats with `when`, or write `replace = true` in the later one. Directories of two trees merge when owner and mode agree.";
    FILES_LINK_ESCAPES = "files/link-escapes", Input,
        "A symbolic link of the taken tree leads out of it: into the folder where the package is built, or to a place that is neither in the package nor in a base system. On the host it would point at nothing, or at something else. Links are kept as they are written; take what it points at instead, or write the link as a rule with `link`.";
    FILES_DANGLING_LINK = "files/dangling-link", Input,
        "A symbolic link points to a path that the package should hold and does not. Exclude it, or take what it points at too. A link to something that another package brings is written as a rule with `link`, which is not checked against the tree.";
    FILES_LINK_LOOP = "files/link-loop", Input,
        "Following the symbolic link leads back to itself. Whoever opens it on the host gets `Too many levels of symbolic links`.";
    FILES_INVALID_OWNER = "files/invalid-owner", Input,
        "`owner` is `user:group` or `user` (its group has the same name), by name or by number. Names begin with a lower-case letter or `_`, go on with those, digits and `-`, may end in `$`, and have at most 32 characters: what useradd takes on every distribution.";
    FILES_OWNER_COLLISION = "files/owner-collision", Input,
        "Image layers and other numeric formats carry ids. Every name but root gets an id between 10001 and 59999 that is derived from the name, so that it is the same in every build; two names of this package get the same one. Rename one of them or give it as a number.";
    FILES_OWNER_WITHOUT_ACCOUNT = "files/owner-without-account", Lint,
        "Something belongs to a user or group that this package does not create. Where the account is missing on the host, dpkg refuses the package and rpm gives the file to root. Create the account in a script before the files are unpacked, or depend on the package that does.";
    FILES_INVALID_MODE = "files/invalid-mode", Input,
        "A mode is octal with a leading zero and has at most the bits `07777`.";
    FILES_NOT_TEXT = "files/not-text", Input,
        "`render = true` fills `{name}` holes, which only text can have: the file must be UTF-8 and at most 16 MiB. Take other files by a rule without `render`.";
    FILES_BUNDLE_NOT_FOUND = "files/bundle-not-found", Input,
        "`bundle` names a library that the build host does not have for the architecture of the package. It is looked for by soname in the directories of /etc/ld.so.conf and in the usual ones, foreign architectures included. Install the library, or take the file by a `[[files]]` rule.";
    FORMAT_CANNOT_CARRY = "format/cannot-carry", Input,
        "A format of this run has no place for something that the config asks for: zip has no owners, tar as dpkg reads it no file capabilities, each a largest file. What cannot be carried is left out with a warning, or refused where a file would be lost. `when = [...]` limits a rule to the formats that can.";
    // --- end of files ---

    // --- elf ---
    ELF_WRONG_ARCH = "elf/wrong-arch", Input,
        "An ELF file is made for another architecture than the package: it would install and not run. Build for the target, set `targets`, or exclude the file if it is data for another machine.";
    ELF_UNREADABLE = "elf/unreadable", Environment,
        "A file could not be read while fitout looked for what it needs. Dependencies are derived from the headers of every ELF file in the tree, so each of them must be readable.";
    ELF_DAMAGED = "elf/damaged", Input,
        "The file begins like an ELF file, but its headers contradict themselves or point behind its end. It is packaged as it is, and no dependency is derived from it. Build it again if it is meant to run; if it is test data, leave it out with `exclude`.";
    ELF_UNKNOWN_SONAME = "elf/unknown-soname", Input,
        "An ELF file needs a shared library that neither the package contains nor fitout's table knows, so the package would install and not start. Say which package has it under `[format.deb.libraries]`: `\"libfoo.so.1\" = \"libfoo1 (>= 1.2)\"`. An empty string says that nothing is needed, for a library that is loaded from elsewhere.";
    ELF_PRIVATE_SYMBOL = "elf/private-symbol", Input,
        "The file uses symbols with the version `GLIBC_PRIVATE`, which belong to one build of the C library and may be gone in the next. It works only with the C library that it was built with, and no dependency can say that across distributions. Link against the public interface instead.";
    ELF_NOT_ON_PATH = "elf/not-on-path", Input,
        "An ELF file needs a library that the package contains, in a directory where the dynamic loader does not look: not in the file's run path, not beside the file, not in a system directory. Unless something sets `LD_LIBRARY_PATH` or loads the library first, it does not start. Link with `-Wl,-rpath,'$ORIGIN/…'`, or mend the file with `patchelf --set-rpath`.";
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
