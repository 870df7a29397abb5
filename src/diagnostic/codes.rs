//! Every code, in one list: name, whose fault, and the page that `fitout explain CODE` shows.

use std::fmt;

/// Whose fault a finding is; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The config, the command line, or the files that were given (exit 2).
    Input,
    /// The machine: I/O, disk full, a tool that failed, a file that changed while it was read (exit 3).
    Environment,
    /// fitout itself (exit 101).
    Bug,
    /// Publishing stopped half-way (exit 4).
    HalfWay,
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
        "The value has the right type and is not one of those that the key takes, or stands beside a key that gives it no meaning. A value that would do nothing is refused: whoever wrote it expected something. The help line lists the choices or shows the form.";
    CONFIG_MISSING_KEY = "config/missing-key", Input,
        "A key that has no default is not there. In an environment only lists must be whole: its tables may leave out what the file itself says, and are judged after the merge. The help line says what the key takes.";
    CONFIG_NOT_YET = "config/not-yet", Input,
        "The grammar reserves this section or value, and this version of fitout does not implement it. It is refused, never ignored: a package without the service that its config asks for is worse than no package.";
    CONFIG_LOCK = "config/lock", Input,
        "`fitout.lock` holds the digests that names in the config stood for when they were looked up. It is written by fitout and committed; an edit or a merge has left something else in it. Take it from version control again, or remove it and build: names are looked up anew then.";
    CONFIG_NOT_FOUND = "config/not-found", Input,
        "There is no fitout.toml in this folder. `fitout init` writes one; `-C DIR` and `--config FILE` name another place.";
    CONFIG_NO_ENVIRONMENT = "config/no-environment", Input,
        "`--environment` names an environment that the config does not have. Each is a table `[environment.NAME]`, which may hold any section of the file but `environment`; the help line lists those that exist.";
    CONFIG_UNSET_HOLE = "config/unset-hole", Input,
        "A `{name}` hole has no value. Holes are filled when the package is built, from facts such as `{name}`, `{version}`, `{arch}`; a literal brace is written twice. `${NAME}` is filled at start on the host instead.";

    // --- assembling an OTP release ---
    OTP_NO_ROOT = "otp/no-root", Input,
        "A release is assembled from the files of an Erlang/OTP, and of an Elixir where the project is one of Mix. fitout reads where `erl` and `elixir` on the `PATH` lead to and does not run them, so a shim of a version manager tells it nothing. `otp` and `elixir` under `[release]` name the roots: the folder with `bin/start_clean.boot`, the one with `lib/elixir`.";
    OTP_NOT_COMPILED = "otp/not-compiled", Input,
        "`[release]` puts compiled applications together; it compiles none. `tool = \"mix\"` or `\"rebar3\"` under `[build]` does, or a `command`. Each application is a folder with an `ebin`, below `_build/prod/lib` or what `lib` names.";
    OTP_BAD_APP = "otp/bad-app", Input,
        "The `.app` file of an application says its name, version, modules and dependencies, as app(4) describes it. Compilers write it; one that was written by hand may lack something that a boot script needs.";
    OTP_NO_APPLICATION = "otp/no-application", Input,
        "An application that the release asks for, or one that another must have started before it, is not there. It is looked for among the compiled applications of the project, then in OTP, then in Elixir. Distributions pack applications of OTP by themselves, such as `erlang-ssl`.";
    OTP_OPTIONAL = "otp/optional-application", Input,
        "An application lists another in `optional_applications`, which is not there. The release is made without it; whether that is meant only its authors know.";
    OTP_VERSION = "otp/application-version", Input,
        "`versions` under `[release]` says which version of an application is to be in the release, and another one is compiled.";
    OTP_CIRCLE = "otp/circular-dependency", Input,
        "Each of some applications must be started after another of them, so none can be started first. The labels show the circle.";
    OTP_START_TYPE = "otp/start-type", Input,
        "An application that is started needs one that is only loaded, or not even that: its start would fail, and the node with it. Applications that are needed are started as strongly as whoever needs them, unless `applications` under `[release]` says otherwise.";
    OTP_MODULE = "otp/duplicate-module", Input,
        "Two applications have a module of the same name, and a node has room for one. Which of them it would be depends on the order of the code path.";
    OTP_REGISTERED = "otp/registered-name", Input,
        "Two applications list the same name in `registered`. Whichever is started second fails.";
    OTP_INCLUDED = "otp/included-twice", Input,
        "An included application is started by the one that includes it, and two applications include this one.";
    OTP_NO_MODULE = "otp/no-module", Input,
        "An `.app` file names a module, and there is no compiled one of that name: half of a build, or a rename that the file does not know of. A node that loads all modules at its start stops there.";
    OTP_BAD_BEAM = "otp/bad-beam", Input,
        "A file that is called `.beam` is not a compiled module, or is damaged, so nothing can be taken out of it.";
    OTP_NO_FILE = "otp/no-file", Input,
        "A folder that goes into the release has something in it that a release cannot have: a socket or device, or a name that is not UTF-8.";
    OTP_PLACE = "otp/place", Input,
        "Where `[release]` is set, `[build] input` says where the release goes, and what is there is replaced by it. A folder that has something else in it, or that holds the project, is not replaced.";
    OTP_TEMPLATE = "otp/template", Input,
        "A template of `rel/` computes something, which only Elixir can do. fitout fills the name and the version of the release and nothing else. Write the file without it; what depends on the host belongs in variables, which are filled at start.";
    OTP_NO_APPUP = "otp/no-appup", Input,
        "A relup takes a node from one version of a release to another while it runs. It is made of the appups of the applications whose versions differ: `APP.appup` beside `APP.app` says which modules are loaded, which processes convert their state, in which order, for each older version by its name. `fitout release appup OLD NEW` proposes them from the modules that are different; whether `code_change` does what it must is for a person to see.";
    OTP_BAD_APPUP = "otp/bad-appup", Input,
        "An `.appup` file holds one term, `{\"NEW\", [{\"OLD\", [INSTRUCTION, …]}], [{\"OLD\", [INSTRUCTION, …]}]}`, the ways from older versions and those back to them. appup(4) has the instructions. Modules that they name must be in an application of the release, each once; patterns in place of versions are not understood.";
    OTP_CONFIG = "otp/config", Input,
        "The configuration of a release is one list of pairs, an application and its settings, as config(4) describes it.";
    OTP_CONFIG_FAILED = "otp/config-failed", Environment,
        "`config/config.exs` is a program: it is run once by Elixir, when it changes, to make the `sys.config` of the release. Or `sys-config` names a command. It ended with an error.";

    // --- templates ---
    TEMPLATE_REPLACED = "template/replaced", Input,
        "A template of yours, in the folder that `[package] templates` names, is not one that Handlebars can fill, asks for a value that fitout does not give, or has the name of no template. `fitout templates list` names them all, `fitout templates diff NAME` shows how yours differs from fitout's own.";
    TEMPLATE_VALUE = "template/value", Input,
        "A script that fitout writes itself could not be made. Values are quoted, so that they may hold anything but a NUL byte, which no shell can hold. If the message speaks of anything else, it is a mistake of fitout.";

    // --- publish ---
    PUBLISH_NOWHERE = "publish/nowhere", Input,
        "The config has no destination. `[[publish.apt]]` names an apt repository, `[[publish.yum]]` a yum repository: a folder, or a bucket of S3, Google Cloud Storage or Azure. `[[publish.registry]]` names an image in a registry.";
    PUBLISH_NO_MANIFEST = "publish/no-manifest", Input,
        "What is published is what `fitout build` made: `manifest.json` in the output folder lists it. There is no such list there. `--out` names another folder, `--environment` that of an environment.";
    PUBLISH_CHANGED = "publish/changed", Input,
        "A file of the output folder is gone, or is not the one that was built: its size or digest is another than `manifest.json` says. Nothing was published. `fitout build` makes it again.";
    PUBLISH_OTHER_BYTES = "publish/other-bytes", Input,
        "A package of this name and version is in the repository already, and it is another: hosts that have installed it would never see the new one, and caches would serve either. Raise the version, or `[package] release`. `--replace` puts the new one in place of the old all the same, under a name of its own in the pool.";
    PUBLISH_RENAMED = "publish/renamed", Input,
        "Suite, code name, origin and label of an apt repository are what hosts pin and remember. When one changes, `apt update` stops on every host until its user agrees. Set the key back to what the repository says, or publish once with `--replace`.";
    PUBLISH_DAMAGED = "publish/damaged", Input,
        "A repository has no state but its published files, and one of them is not what its root says: somebody else removed, replaced or edited it. Nothing is built upon it, because a list that lacks packages would take them from every host.";
    PUBLISH_NO_ARTIFACT = "publish/no-artifact", Input,
        "The artifacts that are published have no format that this destination takes, so it gets none of them: the build was narrowed by `--format`, or the config makes other formats. Where runners build one version for different formats, `fitout merge` brings their output folders together.";
    PUBLISH_UNSIGNED = "publish/unsigned-plan", Input,
        "`fitout publish --dry-run` signs in memory to tell what would be put, and the keys of `[sign]` are not at hand here. What depends on them is not in its list: public keys, packages that bring them to hosts, and the digests of signed packages.";
    PUBLISH_SECRET = "publish/secret", Input,
        "A secret of a destination is in a variable that is not set, in a file that cannot be read, or has more than one line. Secrets never stand in the config: it names where they are.";
    PUBLISH_NOT_OURS = "publish/not-ours", Input,
        "The root of the repository has no signature that holds by a key of `[sign]`, so nobody knows who wrote it. Publishing would sign it anew, with all that it names: whoever can write to the store could have any package signed. Where a repository came from elsewhere, or its last key is gone for good, publish once with `--replace`; where a key was changed, list the old one in `[sign]` beside the new one until then.";
    PUBLISH_RECORD = "publish/record", Input,
        "The record of this release is there already, and it names other artifacts, or other commits: another publisher has put it. It stays, and all else is published. Where runners build one version for different targets or formats, `fitout merge` brings their output folders together, so that one record names all. `--replace` puts the new one in its place.";
    PUBLISH_HALF_WAY = "publish/half-way", HalfWay,
        "Something was put before publishing stopped. Readers are safe: packages and lists are put under names that nobody reads yet, and the root that names them is replaced last and whole. Run `fitout publish` again: what is there is found and not sent twice.";

    REPO_MISSING = "repo/missing", Lint,
        "Something that the root of a repository names, or that has to be beside it, is not there. Hosts that ask for it fail. Publishing again puts lists and signatures back; a package has to be put back where it was, or retracted.";
    REPO_CHANGED = "repo/changed", Lint,
        "The bytes of an object are not those that were published: its digest is another than the one in the list that names it, a list says something else of a package than the package itself, or a signature does not stand as it was written. Hosts refuse it.";
    REPO_SIGNATURE = "repo/signature", Lint,
        "A signature does not hold, is by a key that is not among those that are judged by, or is one that the strictest of gpgv, sqv and rpm refuses.";
    REPO_EXPIRED = "repo/expired", Lint,
        "The lists of the suite were valid until a time that has passed (`valid-for`): apt refuses them. `fitout publish` renews them when half of the time is over; run it by a timer.";
    REPO_STRAY = "repo/stray", Lint,
        "No list names the object, so nothing says what it should be. Packages that retention or `repo retract` took out of the lists are such, for readers that have an older list. `fitout repo prune` removes them after some days.";
    REPO_NO_PACKAGE = "repo/no-package", Input,
        "No repository of the config lists a package of this name in this version. A version is spelled as in the config (`1.0-rc.1`) or as a repository does (`1.0~rc.1`, `1.0~rc.1-1`); without a revision every one of it is meant.";

    REPO_NO_CHANNEL = "repo/no-channel", Input,
        "A channel is the `suite` of a `[[publish.apt]]` or the `channel` of a `[[publish.yum]]`, and no destination of the config is the one that is named. Promotion goes from one destination of the config to another: give each channel a table of its own. For an image a channel is a tag that is there.";

    // --- store: folders and buckets ---
    STORE_NO_CREDENTIALS = "store/no-credentials", Input,
        "The store wants to know who asks, and nothing says it. For S3 fitout reads the `AWS_*` variables, the profile of `AWS_PROFILE` in the shared config and credentials files with its `credential_process`, web identities, and what ECS, EKS and EC2 give to their machines; for Google Cloud Storage `GOOGLE_*`, for Azure `AZURE_*`.";
    STORE_WRONG_CREDENTIALS = "store/wrong-credentials", Input,
        "The store does not know the key, or the key does not fit, or its session is over.";
    STORE_FORBIDDEN = "store/forbidden", Input,
        "The store knows who asks and does not let them. Publishing lists, reads, writes and deletes objects below the prefix; a folder has to be writable.";
    STORE_NO_BUCKET = "store/no-bucket", Input,
        "The bucket or container that the address names is not there, or is in another account. fitout makes none: whoever makes it decides who may read it.";
    STORE_CLOCK = "store/clock", Environment,
        "Requests to object stores are signed with the time, and taken only if it is within some minutes of the store's own. The clock of this machine is not.";
    STORE_HELD = "store/held", Environment,
        "Where a store keeps no conditions, one writer at a time holds a lease, an object beside the one that is replaced. Another run has held it for too long. A lease of a run that died ends by itself after a minute.";
    STORE_UNSUPPORTED = "store/unsupported", Input,
        "This fitout was built without the feature `network` and reaches folders only.";
    STORE_FAILED = "store/failed", Environment,
        "The store does not answer, or not as a store of its kind should. Requests are tried again for a minute before this is said.";

    // --- image registries ---
    REGISTRY_IMAGE = "registry/image", Input,
        "`image` of a `[[publish.registry]]` is a host and a path without a tag or digest: `ghcr.io/team/app`, `registry.example.org:5000/app`, `docker.io/team/app`. Tags have a key of their own.";
    REGISTRY_TAG = "registry/tag", Input,
        "A tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with none of the last two. `{name}`, `{version}`, `{major}`, `{minor}` and `{patch}` are filled in; a `+` of the version becomes `-`. Tags that would have an empty part are left out.";
    REGISTRY_SEVERAL = "registry/several", Input,
        "A tag names one image. The output folder has images for several targets and no archive that holds them all, so they would take the tag from each other. `fitout build` with all targets makes one, `-multi.oci.tar`.";
    REGISTRY_NO_CREDENTIALS = "registry/no-credentials", Input,
        "The registry wants to know who asks. fitout reads what `docker login` and `podman login` leave, with their helpers (`credsStore`, `credHelpers`): the files of `REGISTRY_AUTH_FILE` and `DOCKER_CONFIG`, `$XDG_RUNTIME_DIR/containers/auth.json`, `~/.config/containers/auth.json`, `~/.docker/config.json`; the first that knows the host counts.";
    REGISTRY_WRONG_CREDENTIALS = "registry/wrong-credentials", Input,
        "The registry, or the server that gives its tokens, does not take the name and password or the token that was found for it.";
    REGISTRY_FORBIDDEN = "registry/forbidden", Input,
        "The registry knows who asks and does not let them. Publishing pulls and pushes; promoting does, too. In CI the job's token often may only pull unless it is given more (`packages: write` on GitHub).";
    REGISTRY_NO_REPOSITORY = "registry/no-repository", Input,
        "Some registries make a repository with its first image, others (ECR, Harbor's projects, Artifactory) want it to be made before.";
    REGISTRY_CERTIFICATE = "registry/certificate", Input,
        "The registry's certificate is not signed by anybody whom this machine trusts, `ca` names no certificate, or the registry speaks plain HTTP. Credentials are never sent to it then.";
    REGISTRY_LOGIN = "registry/login", Input,
        "The file in which `docker login` or `podman login` keep credentials is there and cannot be read, or it names a helper, `docker-credential-NAME`, that is not there or fails. An entry that lies beside a helper may be old: it is taken only if the helper knows nothing.";
    REGISTRY_REFUSED = "registry/refused", Input,
        "The registry takes something for wrong, in words of its own. Tags are put last, so nothing refers to what was sent before.";
    REGISTRY_FAILED = "registry/failed", Environment,
        "The registry does not answer, or not as a registry should. Requests are tried six times, with the pauses that it asks for, before this is said.";
    REGISTRY_NOTE = "registry/note", Lint,
        "The registry has said something besides its answer (`Warning: 299`): a deprecation, a quota. Nothing has failed.";

    // --- http ---
    HTTP_NO_CREDENTIALS = "http/no-credentials", Input,
        "The server asks who is there (status 401), and this `[[publish.http]]` does not say it: it has no `token`, no `username`, no header with a secret.";
    HTTP_WRONG_CREDENTIALS = "http/wrong-credentials", Input,
        "The server does not know whoever asks (status 401): the token has ended or is of another server, or it stands in another header than the server reads. GitLab reads `PRIVATE-TOKEN`, in jobs `JOB-TOKEN`; `token-header` says which.";
    HTTP_FORBIDDEN = "http/forbidden", Input,
        "The server knows who asks and does not let them (status 403). Some servers say this too where a file is there already and may not be replaced; what it said is in the note.";
    HTTP_NOT_FOUND = "http/not-found", Input,
        "There is nothing at the address (status 404): the repository, project or owner is another, or may not be seen with these credentials.";
    HTTP_CERTIFICATE = "http/certificate", Input,
        "The server speaks no TLS, or has a certificate that nobody here knows. `ca` names a file with one that is trusted as well; `insecure = true` is for servers that speak plain HTTP. Credentials are never sent without TLS unless it says so.";
    HTTP_REFUSED = "http/refused", Input,
        "The server takes what is sent for wrong: its status is neither one of `success` nor one of `exists`. It would say the same again, so it was not sent again.";
    HTTP_FAILED = "http/failed", Environment,
        "The server did not answer, or not as it should, several times in a row; longer pauses lay between, or those that it asked for. Run it again: what is there is found and not sent twice.";
    HTTP_TASK = "http/task", Environment,
        "The server takes packages in after it has answered, and was asked how that went: it says that it failed, or had not done it in time (`poll.within`).";
    HTTP_UNPROVEN = "http/unproven", Lint,
        "A file of the same name is on the server, and it does not say which bytes it has: neither a digest nor a size, and there is no `bytes` in `[publish.http.check]` to fetch it from. It is taken for the same. Raise the version if it is not.";

    COMMAND_NOT_FOUND = "command/not-found", Input,
        "`[[publish.command]]` names a program that is not there. It is run without a shell: what the shell would know (`~`, `|`, its own commands) means nothing here. `run = [\"sh\", \"-c\", \"…\"]` is a shell.";
    COMMAND_FAILED = "command/failed", Environment,
        "The program of a `[[publish.command]]` ended with another exit code than 0, was killed, or took longer than `within` says. What it said last is in the notes. It sees `PATH`, `HOME` and what `env` and `pass-env` name, and nothing on its standard input: one that asks for a password has to be given a key or an agent.";

    // --- resolve: version, target, clock, environment, presets, build command ---
    RESOLVE_VERSION = "resolve/version", Input,
        "The version is empty, has a part that is empty, or has characters that no format could carry. A version begins with a letter or digit and goes on with letters, digits and `.`, `+`, `-`, `~`, `_`, `^`; a leading `v` is dropped. An epoch is not part of it: that is `epoch = 1` under `[package]`.";
    RESOLVE_NO_VERSION = "resolve/no-version", Input,
        "The place that `version = { from = … }` names does not give a version: no such file, no such line, no literal in it, no git repository, or a clone without the history that the tag is in. fitout never takes a version from an environment variable, because then the same sources would make different packages. Name another place, or write the version itself.";
    RESOLVE_COMMAND_FAILED = "resolve/command-failed", Environment,
        "A program that fitout asked for a fact (git, cargo, or the command of `version = { from = \"command:…\" }`) could not be started or ended with an error. Its last lines are quoted; run it by hand in the folder of fitout.toml to see all of it.";
    RESOLVE_SOURCE_DATE_EPOCH = "resolve/source-date-epoch", Input,
        "`SOURCE_DATE_EPOCH` is set and is not a whole number of seconds since 1970 between 0 and 4294967295, the last second that rpm and gzip can store. It is the time stamped on everything; unset, the time of the last commit is taken, and without git 1980-01-01.";
    RESOLVE_UNKNOWN_TARGET = "resolve/unknown-target", Input,
        "A target is `os/arch` as Go and OCI spell it, such as `linux/amd64`; the system is always `linux`. Rust triples, `uname -m`, Debian's and rpm's names are understood well enough to say which target was meant, and refused all the same: one spelling in the config keeps it searchable.";
    RESOLVE_NAME = "resolve/name", Input,
        "The package name becomes part of paths and file names, so it begins with a letter or digit and goes on with letters, digits and `+`, `-`, `.`, `_`. A format may ask for more; Debian takes lower case only and no `_`.";
    RESOLVE_MAINTAINER = "resolve/maintainer", Input,
        "A maintainer is written `Name <mail>`, on one line: deb and rpm both store it in this form, and tools take the address out of the angle brackets.";
    RESOLVE_LICENSE = "resolve/license", Input,
        "The licence is an SPDX expression: identifiers of the SPDX list such as `MIT` or `Apache-2.0`, spelled as they are there, joined by `AND`, `OR` and `WITH`, with parentheses where needed. rpm and Debian take the same words, and tools that collect licences look for them. For a licence that SPDX does not list, write `LicenseRef-` and a name of your own.";
    RESOLVE_LICENSE_DEPRECATED = "resolve/license-deprecated", Input,
        "The SPDX list keeps this identifier for old expressions only, most often because it does not say whether later versions of the licence may be chosen: `GPL-2.0` is `GPL-2.0-only` or `GPL-2.0-or-later` today. The package is made all the same; whoever reads its licence may take it for something else.";
    RESOLVE_HOMEPAGE = "resolve/homepage", Input,
        "A homepage or source repository is a URL that begins with `https://` or `http://` and has no blanks.";
    RESOLVE_PATH = "resolve/path", Input,
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
    RESOLVE_OTP_VERSION = "resolve/otp-version", Input,
        "The release has no Erlang of its own (`include_erts: false`) and was made with another major version of OTP than the distribution of `[format.deb]` has. Compiled modules and boot scripts are of one version, so the package would ask for an Erlang that nobody can install there. Make the release with the distribution's version, include the runtime, or make the package for a distribution that has it.";
    RESOLVE_COOKIE = "resolve/cookie", Input,
        "A file of the release sets the distribution cookie, and would carry one secret to every host, readable by anyone there. fitout ships neither `releases/COOKIE` nor a `-setcookie` of vm.args: the launcher makes a cookie of its own on each host, and takes one for a cluster from `RELEASE_COOKIE`.";
    RESOLVE_CARGO = "resolve/cargo", Input,
        "`cargo metadata` answered, and the package to be made could not be told from its answer: a workspace has several. Name the one by `name` under `[package]`, or put fitout.toml beside its Cargo.toml.";
    RESOLVE_NOT_BUILT = "resolve/not-built", Input,
        "The preset knows what the project makes (binaries of Cargo, a release of Mix or rebar3), and it is not there. Build it first, or let `[build] command` do so, which `fitout build` runs and `plan`, `lint` and `explain` do not.";
    BUILD_COMMAND_FAILED = "build/command-failed", Environment,
        "The `[build] command`, or a step of `[build] tool`, could not be started, ended with an error, or was killed. Nothing was packed. Its last lines are quoted, and the log that the finding names has all of them. It sees a part of the environment only: `env` and `pass-env` under `[build]` add to it.";
    BUILD_TEST_FAILED = "build/test-failed", Environment,
        "The `[build] test` failed, so nothing was packed. Its last lines are quoted, and the log that the finding names has all of them. It runs after every build, with the environment of the build; with a tool also with what its tests need, such as `MIX_ENV=test`.";
    BUILD_HOOK_FAILED = "build/hook-failed", Environment,
        "A hook of `[build.hooks]` failed. Nothing is packed after a failing hook but `after-package`; after a failing `after-package` the artifacts are there all the same.";
    BUILD_CACHE = "build/cache", Environment,
        "The cache of the build step could not be read or written, or an entry of it is not what was put there. This is only told, because the build is right all the same: what is read from the cache is checked, and what does not pass is not used. It costs the time that the cache would have saved.";
    BUILD_INPUTS = "build/inputs", Environment,
        "Which files the build step reads could not be told: git refuses to read the repository, perhaps because it belongs to another user, or is absent; a name is not UTF-8; a folder cannot be read; or a symbolic link leads to more files than are looked at. This is only told, because the build is right all the same: the step runs, and runs each time, and nothing of what the tool keeps is taken from the cache or put there. Mend what the note says, or name the files by `inputs` under `[build]`.";
    BUILD_NO_TOOL = "build/no-tool", Environment,
        "The program of `[build] tool` is not in any folder of the `PATH`. Install it, or put its folder on the PATH of whoever runs fitout: in CI that is often a step of its own, which must come before.";
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
    FILES_OUTPUT = "files/output", Input,
        "The folder that the rule takes is the one that the artifacts are written to. The next build would pack the artifacts of this one. Write them elsewhere with `--out`. A folder that only contains the output folder can be taken: never taken with it are the config file, `.git`, `dist`, artifacts that a `manifest.json` beside them lists, folders that were published to, and files with secrets that the config names.";
    FILES_SECRET = "files/secret", Input,
        "A rule names a file that `[sign]` or `[publish]` names as a secret: a private key, a passphrase, a password or a token of whoever publishes. Everybody who has the package would have it. Such files are never taken with a folder either, and git must not track one where a source archive is made. Public keys are published beside the repository.";
    FILES_PUBLISHED = "files/published", Input,
        "In the folder that a rule takes lies one that was published to: `.fitout.lock` in it is what every publisher locks. All of it is passed over, or the package would bring the packages before it. Where sources of yours lie there too, publish elsewhere, or take them by a rule that names the folder or the files.";
    FILES_UNREADABLE = "files/unreadable", Environment,
        "A file or folder that a rule takes cannot be read. The line says what the system answered. Mend its permissions or exclude it; fitout never packs part of what was asked for.";
    FILES_SPECIAL = "files/special", Input,
        "A socket, fifo or device stands in the tree. Packages carry files, directories and links; such things are made on the host when the service runs. Exclude it.";
    FILES_NAME = "files/name", Input,
        "A file name or link target is not UTF-8, or holds a newline or another control character. rpm, zip and image layers have no place for the first and their readers guess differently; lists such as md5sums and conffiles have one name a line, so the second breaks a package or worse. Rename or exclude the file.";
    FILES_PATH = "files/path", Input,
        "A path on the host must be absolute, without `.`, `..` or empty parts, each part at most 255 bytes and the whole at most 4095. A path that climbs with `..` could leave the place that it seems to name.";
    FILES_NOT_A_DIRECTORY = "files/not-a-directory", Input,
        "One entry lies under a path that another entry makes a file or a link. No file system can hold both. Change one of the two places, or exclude one of them.";
    FILES_CONFLICT = "files/conflict", Input,
        "Two rules put something at the same path. Which one was meant cannot be told, so fitout does not choose: exclude the path from one of them, give them different formats with `when`, or write `replace = true` in the later one. Directories of two trees merge when owner and mode agree.";
    FILES_ESCAPING_LINK = "files/escaping-link", Input,
        "A symbolic link of the taken tree leads out of it: into the folder where the package is built, or to a place that is neither in the package nor in a base system. On the host it would point at nothing, or at something else. Links are kept as they are written; take what it points at instead, or write the link as a rule with `link`.";
    FILES_DANGLING_LINK = "files/dangling-link", Input,
        "A symbolic link points to a path that the package should hold and does not. Exclude it, or take what it points at too. A link to something that another package brings is written as a rule with `link`, which is not checked against the tree.";
    FILES_LINK_LOOP = "files/link-loop", Input,
        "Following the symbolic link leads back to itself. Whoever opens it on the host gets `Too many levels of symbolic links`.";
    FILES_OWNER = "files/owner", Input,
        "`owner` is `user:group` or `user` (its group has the same name), by name or by number. Names begin with a lower-case letter or `_`, go on with those, digits and `-`, may end in `$`, and have at most 32 characters: what useradd takes on every distribution.";
    FILES_OWNER_COLLISION = "files/owner-collision", Input,
        "Image layers and other numeric formats carry ids. Every name but root gets an id between 10001 and 59999 that is derived from the name, so that it is the same in every build; two names of this package get the same one. Rename one of them or give it as a number.";
    FILES_OWNER_WITHOUT_ACCOUNT = "files/owner-without-account", Lint,
        "Something belongs to a user or group that this package does not create. Where the account is missing on the host, dpkg refuses the package and rpm gives the file to root. Create the account in a script before the files are unpacked, or depend on the package that does.";
    FILES_MODE = "files/mode", Input,
        "A mode is octal with a leading zero and has at most the bits `07777`.";
    FILES_CAPABILITIES = "files/capabilities", Input,
        "File capabilities are written as setcap(8) takes them: `cap_net_bind_service=ep`, several joined by commas. The kernel keeps one effective bit for a file, so either all of its capabilities are effective or none is.";
    FILES_SHARED_DIRECTORY = "files/shared-directory", Input,
        "Directories such as `/usr/bin`, `/etc` and `/var/log` belong to the base system. dpkg and rpm let any package set their owner and mode, so that one package could lock out all others. Files go into them; the directories stay as they are.";
    FILES_NOT_TEXT = "files/not-text", Input,
        "`render = true` fills `{name}` holes, which only text can have: the file must be UTF-8 and at most 16 MiB. Take other files by a rule without `render`.";
    FILES_BUNDLE_LIBC = "files/bundle-libc", Input,
        "`bundle`, or a key `libc`, asks for the C library or a part of it. The dynamic loader that starts a program is the host's, and it works only with the C library of its own build, so a bundled one would crash on every host but the builder's. With a loader of its own in the package it would start, and then look up users and hosts with the host's modules (NSS), and locales and character sets with the host's files, which belong to the host's C library; and an Erlang node starts programs of the host besides. Leave it out: the package depends on a C library that is new enough. To run on older hosts, build on the oldest of them (`sandbox` under `[build]` does so anywhere), or link statically (musl). `fitout inspect` says of a folder, a program or a package which distributions have what it needs.";
    FILES_BUNDLE_NOT_FOUND = "files/bundle-not-found", Input,
        "`bundle` names a library that the build host does not have for the architecture of the package. It is looked for by soname in the directories of /etc/ld.so.conf and in the usual ones, foreign architectures included. Install the library, or take the file by a `[[files]]` rule.";
    FILES_MERGED_USR = "files/merged-usr", Input,
        "On every supported system `/bin`, `/sbin`, `/lib` and `/lib64` are links into `/usr`, so `/lib/x` and `/usr/lib/x` are one file with two names. dpkg compares names: a file that packages have under both is lost when one of them is removed or upgraded (Debian's DEP 17). In an image, a directory `lib` hides the link of the base, and no program starts any more. So packages, and images on a base, have all under `/usr`: units go to `/usr/lib/systemd/system`, commands to `/usr/bin`. Archives and images from scratch may have such paths.";
    FORMAT_CANNOT_CARRY = "format/cannot-carry", Input,
        "A format of this run has no place for something that the config asks for: zip has no owners, tar as dpkg reads it no file capabilities, each a largest file. What cannot be carried is left out with a warning, or refused where a file would be lost. `when = [...]` limits a rule to the formats that can.";
    // --- end of files ---

    // --- elf ---
    ELF_WRONG_ARCH = "elf/wrong-arch", Input,
        "An ELF file is made for another architecture than the package: it would install and not run. Build for the target, set `targets`, or exclude the file if it is data for another machine.";
    ELF_WRONG_LIBC = "elf/wrong-libc", Input,
        "A program was built for another C library than the distribution has: for musl (Alpine) together with other libraries of the system, which are glibc's there, or for a glibc that is newer than that of `distribution`. It would install and not start. Build it on the oldest distribution that it is to run on, such as in an image of that by `sandbox = \"podman:debian:bookworm\"` under `[build]`, or make an image from a base that has the right one.";
    ELF_NOT_IN_DISTRIBUTION = "elf/not-in-distribution", Input,
        "An ELF file, most often a NIF or another module, needs a shared library that the distribution of `[format.deb]` does not have, though others have it: the package was built on another release than it is made for. Build it on that release, pack the library (`bundle`), or say under `[format.deb.libraries]` which package has it.";
    ELF_UNREADABLE = "elf/unreadable", Environment,
        "A file could not be read while fitout looked for what it needs. Dependencies are derived from the headers of every ELF file in the tree, so each of them must be readable.";
    ELF_DAMAGED = "elf/damaged", Lint,
        "The file begins like an ELF file, but its headers contradict themselves or point behind its end. It is packaged as it is, and no dependency is derived from it. Build it again if it is meant to run; if it is test data, leave it out with `exclude`.";
    ELF_UNKNOWN_SONAME = "elf/unknown-soname", Lint,
        "An ELF file needs a shared library that neither the package contains nor fitout's table knows, so the package would install and not start. Say which package has it under `[format.deb.libraries]`: `\"libfoo.so.1\" = \"libfoo1 (>= 1.2)\"`. An empty string says that nothing is needed, for a library that is loaded from elsewhere.";
    ELF_PRIVATE_SYMBOL = "elf/private-symbol", Lint,
        "The file uses symbols with the version `GLIBC_PRIVATE`, which belong to one build of the C library and may be gone in the next. It works only with the C library that it was built with, and no dependency can say that across distributions. Link against the public interface instead.";
    ELF_NOT_ON_PATH = "elf/not-on-path", Lint,
        "An ELF file needs a library that the package contains, in a directory where the dynamic loader does not look: not on the file's run path (`DT_RUNPATH`, which serves the file itself), not on that of a program that loads it (`DT_RPATH`, unless the file has a `DT_RUNPATH`), not in a system directory; ld.so(8) has the rules. Unless something sets `LD_LIBRARY_PATH` or loads the library first, it does not start, or, if the host has the library too, runs with that one, so that the package keeps depending on it. For a library of `bundle` fitout puts its directory on the run path of the packaged file by itself, and tells this where it cannot. Link with `-Wl,-rpath,'$ORIGIN/…'`, mend the file with `patchelf --set-rpath`, or start a service with `Environment=LD_LIBRARY_PATH=…`.";
    ELF_BUNDLED_UNUSED = "elf/bundled-unused", Lint,
        "`bundle` brings a library that no ELF file of the package needs, so nothing loads it. Take it out; its soname may have changed since (`readelf -d FILE` lists what a file needs). A program that loads it by dlopen(3) does not say so in its headers: link it with a run path that leads to `PREFIX/lib`, and allow this in `[[lint.allow]]`.";
    ELF_UNKNOWN_VERSION = "elf/unknown-version", Lint,
        "An ELF file needs a version of a library's symbols that is newer than fitout's table, so the lower bound in the dependency may be too low and the package could be installed where the file does not start. Give the bound under `[format.deb.libraries]`, or use a fitout that knows the version.";
    // --- end of elf ---

    // --- deb ---
    DEB_NAME = "deb/name", Input,
        "A Debian package name has lower-case letters, digits, `+`, `-` and `.`, at least two of them, and begins with a letter or digit (Debian policy 5.6.1). fitout does not map other names silently, because users, scripts and dependencies must know the name. Set another one under `[package] name`.";
    DEB_VERSION = "deb/version", Input,
        "A Debian version has letters, digits, `.`, `+` and `~`, and begins with a digit (deb-version(7)). fitout spells a SemVer prerelease `1.2.3-rc.1` as `1.2.3~rc.1`, so that it sorts before the release; anything else that dpkg would refuse must be changed in the version itself.";
    DEB_RELATION = "deb/relation", Input,
        "The relation is not in the syntax of deb-control(5): `name`, `name (>= 1.2)`, `a | b`, `name:any`. Operators are `<<`, `<=`, `=`, `>=` and `>>`. Alternatives stand only in Pre-Depends, Depends, Recommends, Suggests and Enhances, and Provides takes only `=`.";
    DEB_MAINTAINER = "deb/maintainer", Input,
        "The Maintainer field is `Name <mail>` on one line, with one mail address (Debian policy 5.6.2). Tools such as lintian and the archive software refuse other forms.";
    DEB_FIELD = "deb/field", Input,
        "A control field has a name of printable ASCII without blanks and colons, and a value that is not empty (deb-control(5)). Fields that fitout writes from its own keys cannot be set a second time under `fields`.";
    DEB_TRIGGER = "deb/trigger", Input,
        "A line of the triggers file is `interest NAME` or `activate NAME`, with `-await` or `-noawait` after the first word if wanted (deb-triggers(5)). dpkg refuses to install a package with any other line.";
    DEB_SCRIPT = "deb/script", Input,
        "dpkg runs a maintainer script as a program, so it must begin with `#!` and an absolute path. File capabilities are set by a few lines of shell in the postinst, because a .deb cannot carry them; a postinst in another language cannot take them.";
    DEB_PATH = "deb/path", Input,
        "The path, link target or owner cannot stand in a .deb: the tar of dpkg takes owner names up to 31 bytes, and the lists of conffiles and checksums are lines.";
    DEB_TOO_LARGE = "deb/too-large", Input,
        "A .deb is an ar archive, whose headers say sizes with ten decimal digits: its data member ends at 9,999,999,999 bytes. Choose a compression, or split the package.";
    // --- end of deb ---

    // --- rpm ---
    RPM_NAME = "rpm/name", Input,
        "rpm takes letters, digits and `+`, `-`, `.`, `_` in a package name, and a letter, a digit or `_` as its first character. Other characters would make file names and relations ambiguous, and dnf could not name the package. Set another `name` in `[package]`.";
    RPM_VERSION = "rpm/version", Input,
        "rpm takes letters, digits and `.`, `_`, `+`, `~`, `^` in a version. A hyphen ends the version and begins the release, so fitout writes the prerelease of `1.2.3-rc.1` as `1.2.3~rc.1`, which sorts before `1.2.3`. What is left that rpm does not take is refused, because any other spelling might sort wrongly.";
    RPM_RELEASE = "rpm/release", Input,
        "The release counts packagings of one version. rpm takes the same characters in it as in a version, and no hyphen. It is `1` unless `release` in `[package]` says otherwise.";
    RPM_DISTRIBUTION = "rpm/unknown-distribution", Input,
        "`distribution` in `[format.rpm]` names the family and its release, such as `el-9` or `fedora-43`; the package's release gets that distribution's suffix (`.el9`, `.fc43`). Leave it unset for a package that suits all supported distributions.";
    RPM_RELATION = "rpm/relation", Input,
        "A relation is `name`, a name with a comparison such as `name >= 1:2.0-1`, a path, or a rich relation in parentheses such as `(a or b)`. Each stands in a string of its own, with blanks around the comparison. rpm would take a misspelt one as the name of a package that does not exist, and the package could not be installed.";
    RPM_SCRIPT = "rpm/script", Input,
        "A scriptlet belongs to one of rpm's moments and is run by a program given by its absolute path, or by rpm's own `<lua>`. All parts for one moment run in one program: what fitout adds for services and accounts is written in shell, so a scriptlet of that moment must be too.";
    RPM_TRIGGER = "rpm/trigger", Input,
        "A trigger waits for packages (`bash`, `zsh >= 5`), a file trigger for absolute path prefixes. rpm ignores what it does not know in a header, so a wrong one would never run; it is refused instead.";
    RPM_PREFIX = "rpm/prefix", Input,
        "A relocatable prefix is an absolute path under which the package has files; `rpm --prefix` moves them elsewhere at installation. A prefix without files has no effect, so it is probably misspelt.";
    RPM_TEXT = "rpm/text", Input,
        "The fields of an rpm header are single lines, but for the description, and none of them can hold a NUL. Shorten the text, or move it into `description`.";
    RPM_ENTRY = "rpm/entry", Input,
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
    TARBALL_NAME = "tarball/name", Input,
        "Name, version and architecture become the file name of the archive and the folder inside it. They may hold letters, digits, `.`, `_`, `+`, `~` and `-`, and begin with a letter or digit, so that no shell, file system or URL reads them otherwise.";
    TARBALL_PATH = "tarball/path", Input,
        "The path, link target or owner cannot stand in a tar archive: owner names end at 31 bytes, times begin in 1970.";
    SOURCE_GIT = "source/git", Environment,
        "The source archive holds what git tracks, and `git` could not be started or refused to say what that is. The note shows its answer.";
    SOURCE_UNTRACKED = "source/untracked", Input,
        "`source-archive = true` under `[build]` asks for an archive of what git tracks, and the project's folder is in no git repository, or git tracks nothing in it. Build where the repository is, or take the key out.";
    SOURCE_DIRTY = "source/dirty", Input,
        "Tracked files differ from the last commit. The source archive holds them as they are in the work tree, so that it is the source of the packages of the same run; commit first if it is to be published.";
    SOURCE_SUBMODULE = "source/submodule", Input,
        "The project has a git submodule. Its files are not tracked by the project, so the source archive leaves them out and cannot be built as it is.";
    SOURCE_PATH = "source/path", Input,
        "A tracked path cannot stand in the source archive: it is not UTF-8 or not a regular file or link in the work tree.";
    ZIP_PATH = "zip/path", Input,
        "The length of a path has 16 bits in a zip archive, so that a path with its folder has at most 65,535 bytes. Linux takes 4,095, so that such a file could not be extracted anyway.";
    ZIP_COMPRESSION = "zip/compression", Input,
        "Every zip reader inflates deflate and stored entries; hardly any reads more. fitout writes only these two: `gzip:6` (or another level) and `none`.";
    ZIP_OVERLAP = "zip/overlap", Input,
        "Two entries share bytes of the archive, or an entry reaches into the directory. No packer writes such a thing; decompression bombs do, to grow from kilobytes to petabytes. The content of such an entry is not read.";
    // --- end of tarball ---

    // --- oci ---
    //
    OCI_TAG = "oci/tag", Input,
        "A tag has up to 128 letters, digits, `_`, `.` and `-`, and does not begin with `.` or `-`. fitout makes it of the version, with `+` as `-`; a version that has more than that in it (`~`, `:`) is refused rather than mangled. Set `tag` in `[format.oci]`.";
    OCI_REPOSITORY = "oci/repository", Input,
        "A repository is an optional host with port and a path of small letters, digits and single separators, such as `localhost/app` or `registry.example.org:5000/team/app`. The tag is not part of it.";
    OCI_COMPRESSION = "oci/compression", Input,
        "Layers of an image are plain, gzip or zstd (image-spec, layer media types). Everything reads gzip; zstd needs a container engine of 2021 or later and cannot stand in a docker-archive, so that `docker load` before version 25 does not take it.";
    OCI_CONFIG = "oci/config", Input,
        "A setting of the image that container engines would refuse or misread: a user that is no number, a port that is none, a variable name with `=`, a folder that is not absolute, an owner longer than a tar header can say. Mend it in `[format.oci]` or in the rule that sets it.";
    OCI_BASE = "oci/base", Input,
        "The base image cannot be read, is damaged, or has no image for the target. A base is an OCI layout, as a folder or as a tar; `skopeo copy` makes one of any image. Where it holds several images, name one after the path.";
    OCI_NO_BASE = "oci/no-base", Input,
        "The registry answers, and has no such image: its name or tag is another, the tag was removed, or it is private and nobody has logged in: registries do not tell these apart. `fitout.lock` may name a digest that is gone; `fitout build --update` looks the name up anew.";
    OCI_BASE_DIGEST = "oci/base-digest", Input,
        "A file of the base image has other content than its digest says: it was damaged on its way or changed afterwards. Engines refuse such an image, so it is refused before anything is written.";
    // --- end of oci ---

    // --- engine: reading, writing ---
    ENGINE_READ = "engine/read", Environment,
        "A source file could not be read: it vanished after the walk, its permissions forbid it, or the disk failed. Nothing was written under a final name.";
    ENGINE_CHANGED = "engine/changed", Environment,
        "A source file was not the same when it was read as when the plan was made, or when it was read a second time. A package of it would hold neither the old nor the new file. Let whatever writes it finish, then run again; nothing was written under a final name.";
    ENGINE_WRITE = "engine/write", Environment,
        "An artifact, or the scratch file beside it, could not be written: the disk is full, a quota is reached, or the folder is not writable. Artifacts are written under temporary names and renamed when whole, so nothing partial is left under a final name.";
    ENGINE_CACHE = "engine/cache", Environment,
        "What earlier builds compressed is kept in the cache folder, and is checked when it is used. A file of it was not what was put there, or nothing could be kept for the next build. As a warning this costs only time, because what is wrong is made again. It is an error when a file changed in the very moment between the check and its use; then nothing was written under a final name, and the next run is right.";
    ENGINE_BUG = "engine/bug", Bug,
        "fitout contradicted itself while it wrote an artifact. That is a fault of fitout, not of your files; please report it with the config.";
    //
    // --- end of engine ---

    // --- artifact: damage that reading back finds ---
    ARTIFACT_DIGEST = "artifact/digest", Lint,
        "A digest that the artifact carries does not match what it holds: it was cut, altered or corrupted. Fetch it again and compare the digest with the publisher's.";
    ARTIFACT_NOT_FOUND = "artifact/not-found", Input,
        "There is no file of that name. `fitout build` prints the paths of the artifacts that it made.";
    ARTIFACT_READ = "artifact/read", Environment,
        "The artifact could not be opened or read: it is not there, its permissions forbid it, or the disk failed.";
    ARTIFACT_UNKNOWN = "artifact/unknown-format", Input,
        "The file is none of the formats that fitout reads: deb, rpm, tarball (plain, gzip, xz, zstd), zip, OCI or docker archive. The first bytes decide, not the name.";
    //
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
    LINT_SUMMARY = "lint/summary", Lint,
        "The one-line summary is not in the form that lists of packages need: a capital letter, no article, no full stop, at most 80 characters (Debian policy 3.4.1; rpmlint).";
    LINT_VERSION_ORDER = "lint/version-order", Lint,
        "SemVer, dpkg and rpm do not order every prerelease alike. `1.2.3-1` is a prerelease of 1.2.3 by SemVer, so the package is older than 1.2.3: a revision of the packaging goes into `release`. A word with digits (`rc10`) is taken apart by dpkg and rpm, which put `rc9` before it, while SemVer compares letters and puts it after: with `rc.10` all agree. A hyphen after the first one (`rc-1`) becomes a dot, because dpkg ends the version at the last hyphen, so `rc-1` and `rc.1` are the same version there.";
    LINT_DESCRIPTION = "lint/description", Lint,
        "Package lists show the summary; whoever looks closer reads the description. A description that is missing or repeats the summary tells them nothing. Add two lines or more under [package].";
    LINT_ETC = "lint/etc-without-config", Lint,
        "A file below /etc is the administrator's to edit. Unless it is marked `role = \"config\"`, an upgrade overwrites the edits without asking (Debian policy 10.7.3).";
    LINT_PLACE = "lint/place", Lint,
        "The path lies where packages must not put anything: the place belongs to the administrator, to users or to the kernel, or is emptied at boot (Filesystem Hierarchy Standard 3.0).";
    LINT_WRITABLE = "lint/writable-by-all", Lint,
        "Every user of the host may change this path, and so what the application reads or runs. Directories with the sticky bit, such as /tmp, are not meant.";
    LINT_DROPPED_MODE = "lint/dropped-mode", Lint,
        "The modes of packaged files are 0644 and 0755, whatever the builder's are, so that no umask shows in a package: only the x bits of a file count. This one had a mode on the builder that no umask makes while the config beside it is readable for all: it was closed to others, or setuid, setgid or sticky. If that was meant, write the mode into a rule; a rule with the mode that it has now says that it was not.";
    LINT_PRIVILEGED = "lint/privileged", Lint,
        "The program runs with the rights of its owner or group, whoever starts it. Where it only needs to bind a low port or to read raw packets, a file capability is the smaller right. If it is meant, allow it with a reason.";
    LINT_RUNPATH = "lint/runpath", Lint,
        "The ELF file carries a library search path (DT_RPATH or DT_RUNPATH) that exists where it was built and hardly on a host. Whoever can create that path there can load a library into the program.";
    LINT_UNSTRIPPED = "lint/unstripped", Lint,
        "The ELF file carries a symbol table or debug sections. They are of no use at run time and are often more than half of the file. Strip it in the build, or keep the symbols in a package of their own.";
    LINT_NOT_EXECUTABLE = "lint/not-executable", Lint,
        "A program has no x bit, so nobody may start it: one that a service or the image starts, one in a folder of commands, or a file that is linked as a program. Systems that carry files from one job to the next often lose modes: GitHub's upload-artifact does. Restore the bit with `chmod +x` before the packages are made, carry the files in a tar, or set `mode = \"0755\"` in a rule.";
    LINT_NO_BASE = "lint/no-base", Lint,
        "The image stands on `scratch`, which holds nothing, and lacks what its program needs to start: the dynamic loader that a linked program names (PT_INTERP), the interpreter of a script's first line, the C library and the shell of an Erlang runtime, or the program itself. The kernel then says `no such file or directory`. Name a base under [format.oci], or link the program statically.";
    LINT_NO_COMMAND = "lint/no-command", Lint,
        "Neither [format.oci] nor a service nor the base image says what a container runs: engines refuse to start it without a command (`no command or entrypoint provided`). An image is for the only service, or for the one with the package's name. Set `entrypoint`, or leave the image out of `formats` under [build]; where it only carries files, allow this with a reason.";
    LINT_NO_MANUAL = "lint/no-manual", Lint,
        "A program on the PATH should have a manual page (Debian policy 12.1); the first thing that an administrator types is `man NAME`. clap_mangen, help2man or pandoc make one.";
    LINT_SECRET = "lint/secret-in-image", Lint,
        "A variable of the image's environment has the name of a secret. Everybody who can pull the image can read it, and it stays in every copy. Hand secrets over when the container starts.";
    LINT_SERVICE_ROOT = "lint/service-as-root", Lint,
        "The service runs as root, so whoever takes it over has the host. Leave `user` out: the package then makes an account of its own name. A low port needs no root: `ports` below 1024 give the service the capability to listen there.";
    LINT_SERVICE_WRITES = "lint/service-writes", Lint,
        "The service is told to write where it may not: a variable, its working directory or its log file names a place that is in none of its directories. Under `hardening = \"strict\"` the write fails. Name the place under `state`, `cache`, `logs`, `runtime` or `write`.";
    LINT_SERVICE_SECRET = "lint/service-secret", Lint,
        "A secret stands in the package: as a variable of a unit, or in a config file that is shipped. Everybody who has the package has it, and it is the same on all hosts. Put it into a file on the host and name that under `[service.secrets]`.";
    LINT_SECRET_READABLE = "lint/readable-secret", Lint,
        "A file that holds secrets may be read by every account of the host: an environment file, a cookie, a private key. Give it `mode = \"0640\"` and `owner = \"root:NAME\"`, or `\"0600\"` where only the service manager reads it. A private key that was known by its content is better left out: whoever has the package has it.";
    LINT_SERVICE_CUTS = "lint/service-cuts-connections", Lint,
        "The service can read its configuration again while it runs, and an upgrade restarts it all the same, which cuts connections. A restart is needed to run new code; where the service replaces its own workers, `on-upgrade = \"reload\"` is enough.";
    LINT_SERVICE_PROGRAM = "lint/service-program", Lint,
        "The service starts a program below the package's own folder, and the package has no such file: the unit would fail at once.";
    LINT_PHOENIX = "lint/phoenix-server", Lint,
        "Phoenix is in the release, and its endpoint is not switched on: the application starts, listens on no port and answers nobody. `config/runtime.exs` of a new project looks for `PHX_SERVER`: put `PHX_SERVER=true` into the environment file or `env` of the service, or `server: true` into the configuration of the endpoint.";
    LINT_TEMPLATE_DRIFT = "lint/template-drift", Lint,
        "A template of yours was taken from one of fitout's that has changed since: a fix or a new key may be missing in yours. `fitout templates diff NAME` shows the difference; when yours is right, put the digest that the finding names into its first line.";
    LINT_SERVICE_OPEN = "lint/service-not-hardened", Lint,
        "`hardening = \"off\"` leaves the whole system within reach of the service. `basic` is what hardly any service misses; single lines are relaxed under `[service.unit.Service]`.";
    //
    // --- end of lint ---

    // --- sign ---
    SIGN_NO_KEY = "sign/no-key", Input,
        "There is nothing to sign with: `[sign]` names no key, or the variable or file of a key or passphrase is not there. A secret never stands in fitout.toml: `{ env = \"NAME\" }` or `{ file = \"PATH\" }` says where it is.";
    SIGN_NOT_A_KEY = "sign/not-a-key", Input,
        "What is named is not one OpenPGP secret key: it is something else, holds none or several, is the public half only, or is named twice. A key is read armored (`-----BEGIN PGP PRIVATE KEY BLOCK-----`), in binary, or as base64 of either. `fitout keys new` makes one, `gpg --armor --export-secret-keys ID` prints one.";
    SIGN_LOCKED = "sign/locked", Input,
        "The secret key is locked by a passphrase, and there is none, or another. `passphrase = { env = \"NAME\" }` stands beside the key, or under [sign] for all of them. fitout never asks: it runs where nobody could answer.";
    SIGN_CANNOT_SIGN = "sign/cannot-sign", Input,
        "No part of the key is for signing, or the secret of that part is not there: a key that only encrypts or certifies, a subkey that the primary key did not bind, an export that holds a stub in place of the secret.";
    SIGN_WEAK_KEY = "sign/weak-key", Input,
        "Package managers refuse the key, or will soon: RSA below 2048 bits, DSA, an algorithm that gpgv or rpm do not know, or a self-signature over SHA-1, which apt 3 and EL 9 have not taken since 2026-02. RSA below 3072 bits is a warning: apt refuses it from 2030-02. A repository that is signed by such a key cannot be used, and on the hosts it looks as if somebody had tampered with it. `fitout keys new` makes a key that all of them take.";
    SIGN_EXPIRED = "sign/expired", Input,
        "The key has expired, was revoked, or is from the future. Nothing that it signs would be taken. Of two keys in `[sign]` an expired one must go: its signature is worth nothing, and some set-ups of apt refuse the good one beside it.";
    SIGN_EXPIRES_SOON = "sign/expires-soon", Input,
        "The key ends within 90 days. Hosts must get its successor from something that the old key has signed, so there must be time in which both sign: `fitout keys rotate` makes the successor and says what to do when.";
    SIGN_PROGRAM = "sign/program", Environment,
        "gpg, or the command of a key, could not be run, ended with an error, or printed something else than one detached OpenPGP signature by the key that is named. Every signature is verified before it is used. The command runs by `sh` in the folder of fitout.toml; the last line of what it said is quoted.";
    SIGN_FAILED = "sign/failed", Environment,
        "The signature could not be made, or the signed copy not be written: a full disk, a folder that is not there. What is signed is a copy; the package itself is as it was.";
    SIGN_DAMAGED = "sign/damaged", Input,
        "The package that is to be signed cannot be read as one.";
    SIGN_BAD_SIGNATURE = "sign/bad-signature", Lint,
        "A signature does not hold, is by nobody who is known, or is one that package managers refuse: over SHA-1, by a weak key, by a key that has expired or was revoked. What it is over must not be trusted.";
    SIGN_NO_NAME = "sign/no-name", Input,
        "A key says whose it is, in one line: `Name <mail>`. It is what people see when they are asked whether they trust it. `--name` gives it; else it is the maintainer of fitout.toml.";
    SIGN_EXISTS = "sign/exists", Input,
        "The file that a new key should go to is there already. It is never written over: if it holds a key, nothing could bring that back.";
    // --- end of sign ---

    // --- run ---
    RUN_SAME_NAME = "run/same-name", Input,
        "A package without ELF files suits every architecture, so its name says none (`all` in deb, `noarch` in rpm) and it is made once for all targets. Here the targets would put different things into that one package, most often because a rendered file holds `{arch}`. Either both targets must give the same, or each is built by itself into a folder of its own.";
    RUN_OTHER_PACKAGE = "run/other-package", Input,
        "The output folder holds the artifacts of another package. `manifest.json` there lists those of one package, which is what `publish` sends: a second package in the folder would take the place of the first in the list, and the first would never be sent. Two config files of one project build into folders of their own, by `--out`. After a package got another name, or where the other one is not wanted any more, remove what is left of it.";
    RUN_OTHER_RELEASE = "run/other-release", Input,
        "`fitout merge` makes one output folder of several, each with the artifacts of some targets. They must be of one release: name, version, environment, commit and time are the same in all of their lists.";
    RUN_OTHER_BYTES = "run/other-bytes", Input,
        "Two of the folders that `fitout merge` was given have a file of the same name and other bytes in it. A package without ELF files suits every architecture; each run makes it, and it must come out the same. Most often a rendered file holds `{arch}`, or the build put a path or a time into what it made.";
    // --- end of run ---

    // --- command line, init, templates ---
    CLI_USAGE = "cli/usage", Input,
        "The command line is not one that fitout takes: a verb or flag that it does not know, a value that is missing or not of the kind that is wanted, flags that exclude each other. `fitout help VERB` shows what a verb takes.";
    CLI_NO_FOLDER = "cli/no-folder", Input,
        "`-C` names a folder that is not there or may not be entered; or there is no folder for caches, because neither XDG_CACHE_HOME nor HOME is set.";
    CLI_SERVE = "cli/serve", Input,
        "`fitout repo serve` serves a folder to this machine. The folder is not there, or the port is taken.";
    CLI_NO_PLACE = "cli/no-place", Input,
        "What is typed is no address of a folder or bucket: `file:PATH` or the path of a folder, `s3://BUCKET/PREFIX`, `gs://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`.";
    CLI_THREADS = "cli/threads", Environment,
        "The system does not let fitout start its threads: a limit of processes or of memory is reached. `--jobs 1` needs the fewest.";
    CLI_STDOUT = "cli/stdout", Environment,
        "The result could not be written to standard output: the disk behind it is full, or it is closed. What was built is in the output folder.";
    CLI_UNKNOWN_FORMAT = "cli/unknown-format", Input,
        "`--format` takes the names of formats, separated by commas.";
    CLI_NOT_IN_PLAN = "cli/not-in-plan", Input,
        "`fitout explain` takes a path that is in the plan (absolute, as it will be on the host), or the code of a finding.";
    CLI_NO_TEMPLATE = "cli/no-template", Input,
        "There is no template of that name; `fitout templates list` names them all.";
    //
    // --- end of command line ---
}
