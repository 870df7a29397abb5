//! What packages say of each other, in rpm's words.
//!
//! Enters: `foo >= 1:2.0-1`, `(a or b)`, `/usr/bin/perl`, `config(x) = 1`. Leaves: a [`Relation`], or why it is none.
//! Not here: which relations a package has.
//!
//! Sources: rpm's manual, "Dependencies" and "Boolean Dependencies"; `lib/rpmds.c`, `build/parseReqs.c`.

use ::rpm::{DependencyFlags, IndexTag};

use super::naming::{check_name, check_version};
use super::rich::{self, Context};

/// One relation as the header holds it. The order is the one that rpmbuild writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Relation {
    /// A package, capability, path or a whole rich relation.
    pub name: String,
    /// `[epoch:]version[-release]`; empty without comparison.
    pub version: String,
    /// Comparison and context: bits of [`DependencyFlags`].
    pub flags: u32,
}

impl Relation {
    /// A bare name.
    pub fn any(name: impl Into<String>) -> Self {
        Self { name: name.into(), version: String::new(), flags: 0 }
    }

    /// `name = version`
    pub fn equal(name: impl Into<String>, version: impl Into<String>) -> Self {
        Self { name: name.into(), version: version.into(), flags: DependencyFlags::EQUAL.bits() }
    }

    /// The same in a context: an interpreter, a scriptlet.
    #[must_use]
    pub fn with(mut self, flags: DependencyFlags) -> Self {
        self.flags |= flags.bits();
        self
    }

    /// Whether it is `(a or b)` and the like.
    pub fn is_rich(&self) -> bool {
        self.name.starts_with('(')
    }

    /// As a spec file has it.
    pub fn spelled(&self) -> String {
        match operator(self.flags) {
            "" => self.name.clone(),
            operator => format!("{} {operator} {}", self.name, self.version),
        }
    }
}

/// `>=` and the like; empty without comparison.
fn operator(flags: u32) -> &'static str {
    let sense = DependencyFlags::LESS | DependencyFlags::GREATER | DependencyFlags::EQUAL;
    match DependencyFlags::from_bits_truncate(flags) & sense {
        DependencyFlags::LESS => "<",
        DependencyFlags::GREATER => ">",
        DependencyFlags::EQUAL => "=",
        DependencyFlags::LE => "<=",
        DependencyFlags::GE => ">=",
        _ => "",
    }
}

/// A kind of relation: its three tags, and what it may say.
#[derive(Debug)]
pub struct Kind {
    /// The word of spec files.
    pub word: &'static str,
    /// Tag of the names.
    pub names: IndexTag,
    /// Tag of the flags.
    pub flags: IndexTag,
    /// Tag of the versions.
    pub versions: IndexTag,
    /// What surrounds a rich relation of this kind; none if it takes none.
    rich: Option<Context>,
    /// Takes names of packages only: no paths and no capabilities.
    packages: bool,
}

macro_rules! kinds {
    ($($word:literal $name:ident $flags:ident $version:ident $rich:expr, $packages:literal;)*) => {
        /// Every kind, in the order of their tags.
        pub const KINDS: &[Kind] = &[$(Kind {
            word: $word,
            names: IndexTag::$name,
            flags: IndexTag::$flags,
            versions: IndexTag::$version,
            rich: $rich,
            packages: $packages,
        }),*];
    };
}
kinds! {
    "Provides" RPMTAG_PROVIDENAME RPMTAG_PROVIDEFLAGS RPMTAG_PROVIDEVERSION None, false;
    "Requires" RPMTAG_REQUIRENAME RPMTAG_REQUIREFLAGS RPMTAG_REQUIREVERSION Some(Context::And), false;
    "Conflicts" RPMTAG_CONFLICTNAME RPMTAG_CONFLICTFLAGS RPMTAG_CONFLICTVERSION Some(Context::Or), false;
    "Obsoletes" RPMTAG_OBSOLETENAME RPMTAG_OBSOLETEFLAGS RPMTAG_OBSOLETEVERSION None, true;
    "OrderWithRequires" RPMTAG_ORDERNAME RPMTAG_ORDERFLAGS RPMTAG_ORDERVERSION None, false;
    "Recommends" RPMTAG_RECOMMENDNAME RPMTAG_RECOMMENDFLAGS RPMTAG_RECOMMENDVERSION Some(Context::And), false;
    "Suggests" RPMTAG_SUGGESTNAME RPMTAG_SUGGESTFLAGS RPMTAG_SUGGESTVERSION Some(Context::And), false;
    "Supplements" RPMTAG_SUPPLEMENTNAME RPMTAG_SUPPLEMENTFLAGS RPMTAG_SUPPLEMENTVERSION Some(Context::Or), false;
    "Enhances" RPMTAG_ENHANCENAME RPMTAG_ENHANCEFLAGS RPMTAG_ENHANCEVERSION Some(Context::Or), false;
}

/// Qualifiers of Requires and the bit of each.
pub const QUALIFIERS: &[(&str, DependencyFlags)] = &[
    ("pre", DependencyFlags::SCRIPT_PRE),
    ("post", DependencyFlags::SCRIPT_POST),
    ("preun", DependencyFlags::SCRIPT_PREUN),
    ("postun", DependencyFlags::SCRIPT_POSTUN),
    ("pretrans", DependencyFlags::PRETRANS),
    ("posttrans", DependencyFlags::POSTTRANS),
    ("verify", DependencyFlags::SCRIPT_VERIFY),
];

/// The kind and the flags of a word: `Requires(post)` is Requires with a bit.
pub fn kind(word: &str) -> Option<(&'static Kind, DependencyFlags)> {
    let (stem, flags) = match word.strip_suffix(')').and_then(|w| w.split_once('(')) {
        Some(("Requires", qualifier)) => ("Requires", QUALIFIERS.iter().find(|(q, _)| *q == qualifier)?.1),
        Some(_) => return None,
        None => (word, DependencyFlags::ANY),
    };
    KINDS.iter().find(|k| k.word == stem).map(|k| (k, flags))
}

/// Reads one relation of a kind.
///
/// # Errors
/// Why it is none: a clause that follows "rpm does not take `…`:".
pub fn parse(text: &str, kind: &Kind) -> Result<Relation, String> {
    let text = text.trim();
    if text.starts_with('(') {
        let context = kind.rich.ok_or_else(|| format!("{} take no rich relation", kind.word))?;
        return Ok(Relation::any(rich::parse(text, context)?));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let relation = parse_simple(&words)?;
    if kind.packages {
        check_name(&relation.name).map_err(|why| format!("{} take names of packages only: {why}", kind.word))?;
    }
    Ok(relation)
}

/// A package with an optional version, as triggers have it.
///
/// # Errors
/// As [`parse`].
pub fn parse_plain(text: &str) -> Result<Relation, String> {
    parse_simple(&text.split_whitespace().collect::<Vec<_>>())
}

/// A name, or a name, a comparison and a version.
pub(super) fn parse_simple(words: &[&str]) -> Result<Relation, String> {
    let (name, sign, version) = match words {
        [] => return Err("it is empty".into()),
        [name] => return check_relation_name(name).map(|()| Relation::any(*name)),
        [name, sign, version] => (*name, *sign, *version),
        [name, sign] if sign.starts_with(['<', '>', '=']) => return Err(format!("`{name} {sign}` lacks a version")),
        _ => return Err("it is not `name` or `name >= version`; each relation is a string of its own".into()),
    };
    check_relation_name(name)?;
    if name.starts_with('/') {
        return Err("a path has no version".into());
    }
    let flags = match sign {
        "<" => DependencyFlags::LESS,
        ">" => DependencyFlags::GREATER,
        "=" | "==" => DependencyFlags::EQUAL,
        "<=" | "=<" => DependencyFlags::LE,
        ">=" | "=>" => DependencyFlags::GE,
        _ => return Err(format!("`{sign}` is none of `<`, `<=`, `=`, `>=`, `>`")),
    };
    check_evr(version).map_err(|why| format!("its version `{version}` is wrong: {why}"))?;
    Ok(Relation { name: name.to_owned(), version: version.to_owned(), flags: flags.bits() })
}

fn check_relation_name(name: &str) -> Result<(), String> {
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '/') {
        return Err("it does not begin with a letter, a digit, `_` or `/`".into());
    }
    if let Some(c) = name.chars().find(|c| "<>=,%{}\"'\\".contains(*c) || c.is_control()) {
        let hint = if "<>=".contains(c) { "; put blanks around the comparison" } else { "" };
        return Err(format!("its name has {c:?}{hint}"));
    }
    let mut open = 0u32;
    for c in name.chars() {
        match c {
            '(' => open += 1,
            ')' => open = open.checked_sub(1).ok_or("it closes a parenthesis that is not open")?,
            _ => {}
        }
    }
    if open > 0 { Err("it does not close a parenthesis".into()) } else { Ok(()) }
}

/// `[epoch:]version[-release]`
fn check_evr(evr: &str) -> Result<(), String> {
    let (epoch, rest) = evr.split_once(':').map_or((None, evr), |(e, r)| (Some(e), r));
    if let Some(epoch) = epoch
        && (epoch.is_empty() || epoch.parse::<u32>().is_err())
    {
        return Err(format!("`{epoch}` is no epoch"));
    }
    let (version, release) = rest.rsplit_once('-').map_or((rest, None), |(v, r)| (v, Some(r)));
    check_version(version)?;
    release.map_or(Ok(()), check_version)
}
