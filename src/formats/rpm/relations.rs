//! What packages say of each other, in rpm's words.
//!
//! Enters: `foo >= 1:2.0-1`, `(a or b)`, `/usr/bin/perl`, `config(x) = 1`. Leaves: a [`Relation`], or why it is none.
//! Not here: which relations a package has.
//!
//! Sources: rpm's manual, "Dependencies" and "Boolean Dependencies"; `lib/rpmds.c`, `build/parseReqs.c`.

use ::rpm::{DependencyFlags, IndexTag};

use super::naming::check_version;

/// Deepest nesting of a rich relation that is taken.
const DEEPEST: usize = 16;

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
    /// `(a or b)` is taken.
    rich: bool,
    /// Paths are taken.
    paths: bool,
}

macro_rules! kinds {
    ($($word:literal $name:ident $flags:ident $version:ident $rich:literal $paths:literal;)*) => {
        /// Every kind, in the order of their tags.
        pub const KINDS: &[Kind] = &[$(Kind {
            word: $word,
            names: IndexTag::$name,
            flags: IndexTag::$flags,
            versions: IndexTag::$version,
            rich: $rich,
            paths: $paths,
        }),*];
    };
}
kinds! {
    "Provides" RPMTAG_PROVIDENAME RPMTAG_PROVIDEFLAGS RPMTAG_PROVIDEVERSION false true;
    "Requires" RPMTAG_REQUIRENAME RPMTAG_REQUIREFLAGS RPMTAG_REQUIREVERSION true true;
    "Conflicts" RPMTAG_CONFLICTNAME RPMTAG_CONFLICTFLAGS RPMTAG_CONFLICTVERSION true true;
    "Obsoletes" RPMTAG_OBSOLETENAME RPMTAG_OBSOLETEFLAGS RPMTAG_OBSOLETEVERSION false false;
    "OrderWithRequires" RPMTAG_ORDERNAME RPMTAG_ORDERFLAGS RPMTAG_ORDERVERSION false true;
    "Recommends" RPMTAG_RECOMMENDNAME RPMTAG_RECOMMENDFLAGS RPMTAG_RECOMMENDVERSION true true;
    "Suggests" RPMTAG_SUGGESTNAME RPMTAG_SUGGESTFLAGS RPMTAG_SUGGESTVERSION true true;
    "Supplements" RPMTAG_SUPPLEMENTNAME RPMTAG_SUPPLEMENTFLAGS RPMTAG_SUPPLEMENTVERSION true true;
    "Enhances" RPMTAG_ENHANCENAME RPMTAG_ENHANCEFLAGS RPMTAG_ENHANCEVERSION true true;
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
        if !kind.rich {
            return Err(format!("{} take no rich relation", kind.word));
        }
        return Ok(Relation::any(parse_rich(text)?));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let relation = parse_simple(&words)?;
    if relation.name.starts_with('/') && !kind.paths {
        return Err(format!("{} take no path", kind.word));
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

fn parse_simple(words: &[&str]) -> Result<Relation, String> {
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

/// Checks a rich relation and spells it with single blanks.
fn parse_rich(text: &str) -> Result<String, String> {
    let mut tokens = tokens(text)?.into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    rich(&mut tokens, &mut out, 0)?;
    match tokens.next() {
        None => Ok(out),
        Some(token) => Err(format!("`{token}` stands behind its end")),
    }
}

/// Words, and parentheses that stand alone: those of `perl(Foo)` belong to the word.
fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_start_matches('(');
        tokens.extend(std::iter::repeat_n("(", word.len() - bare.len()));
        let (mut open, mut end) = (0u32, bare.len());
        for (at, c) in bare.char_indices() {
            match c {
                '(' => open += 1,
                ')' if open > 0 => open -= 1,
                ')' => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        if !bare[..end].is_empty() {
            tokens.push(&bare[..end]);
        }
        if !bare[end..].bytes().all(|b| b == b')') {
            return Err(format!("`{}` follows a parenthesis", bare[end..].trim_start_matches(')')));
        }
        tokens.extend(std::iter::repeat_n(")", bare.len() - end));
    }
    Ok(tokens)
}

type Tokens<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

fn rich(tokens: &mut Tokens<'_>, out: &mut String, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("it nests deeper than {DEEPEST}"));
    }
    tokens.next();
    out.push('(');
    operand(tokens, out, depth)?;
    let mut before: Option<&str> = None;
    loop {
        let word = tokens.next().ok_or("it does not close a parenthesis")?;
        if word == ")" {
            out.push(')');
            return Ok(());
        }
        let chains = matches!(word, "and" | "or" | "with");
        match (before, word) {
            (None, "and" | "or" | "with" | "without" | "if" | "unless") | (Some("if" | "unless"), "else") => {}
            (Some(one), _) if one == word && chains => {}
            (Some(one), "and" | "or" | "with" | "without" | "if" | "unless" | "else") => {
                return Err(format!("`{word}` cannot follow `{one}` without parentheses"));
            }
            _ => return Err(format!("`{word}` is none of `and`, `or`, `with`, `without`, `if`, `unless`")),
        }
        out.push(' ');
        out.push_str(word);
        out.push(' ');
        operand(tokens, out, depth)?;
        before = Some(word);
    }
}

fn operand(tokens: &mut Tokens<'_>, out: &mut String, depth: usize) -> Result<(), String> {
    if tokens.peek() == Some(&"(") {
        return rich(tokens, out, depth + 1);
    }
    let name = tokens.next().filter(|t| *t != ")").ok_or("it lacks an operand")?;
    let mut words = vec![name];
    if tokens.peek().is_some_and(|t| t.starts_with(['<', '>', '='])) {
        words.extend(tokens.next());
        words.extend(tokens.next());
    }
    out.push_str(&parse_simple(&words)?.spelled());
    Ok(())
}
