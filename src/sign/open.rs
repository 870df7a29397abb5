//! From `[sign]` to keys that sign.
//!
//! Enters: the table, where its files are, the environment, the time. Leaves: a [`Signer`] with warnings, or every finding at
//! once. All keys are looked at and unlocked before the first of them signs.

use std::path::Path;
use std::sync::Arc;

use pgp::composed::PublicOrSecret;
use pgp::types::Password;

use super::certificate::Certificate;
use super::error::SignError;
use super::program::{Program, Which};
use super::secret::{Secret, Unlocked};
use super::verify::read_certificates;
use super::{Holder, Key, Member, Signer, armor, check};
use crate::build::environment::Variables;
use crate::config::schema::{Confidential, Sign, SignKey, Text};
use crate::diagnostic::{Diagnostic, Findings, SourceText, Span, codes, has_errors};

/// A key that was looked at.
#[derive(Debug)]
pub struct Seen {
    /// Where it comes from, in words of a message: a file in backticks, a variable, gpg.
    pub name: String,
    /// What is told of it.
    pub key: Key,
    /// Its public half.
    pub certificate: Certificate,
}

/// What `[sign]` is read against.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// The text of the config, which findings point into.
    pub source: &'a Arc<SourceText>,
    /// The folder of the config file: paths are relative to it, commands run in it.
    pub folder: &'a Path,
    /// The environment as the command line found it.
    pub variables: &'a Variables,
    /// Seconds since 1970: when keys are judged.
    pub now: i64,
}

/// Opens every key of `[sign]`; beside the signer, the warnings.
///
/// # Errors
/// There is no key, or one cannot be read, unlocked or used: all such findings.
pub fn open(sign: &Sign, ground: Ground<'_>) -> Result<(Signer, Findings), Findings> {
    let (members, findings) = members(sign, ground);
    if has_errors(&findings) { Err(findings) } else { Ok((Signer::new(members), findings)) }
}

/// Looks at every key of `[sign]` as [`open`] does, for whoever only wants to know: the keys that could be opened, and what
/// is to be said of all of them.
pub fn look(sign: &Sign, ground: Ground<'_>) -> (Vec<Seen>, Findings) {
    let (members, findings) = members(sign, ground);
    let seen = members.into_iter().map(|member| Seen {
        key: member.certificate.key(&member.part),
        name: member.name,
        certificate: member.certificate,
    });
    (seen.collect(), findings)
}

/// Looks at the keys of a file, public or secret, which need not be unlocked; `name` is what findings call it.
///
/// # Errors
/// It holds no OpenPGP key.
pub fn look_at(name: &str, bytes: &[u8], now: i64) -> Result<(Vec<Seen>, Findings), SignError> {
    let (mut seen, mut findings) = (Vec::new(), Findings::new());
    let name = format!("`{name}`");
    let certificates = read_certificates(&name, bytes)?;
    let several = certificates.len() > 1;
    for certificate in certificates {
        match certificate.signing(now, |_| true) {
            Some(part) => findings.extend(check::judge(&name, &certificate, part, now, several)),
            None => findings.push(cannot_sign(&name, &certificate).into()),
        }
        let part = certificate.signing(now, |_| true).unwrap_or(&certificate.parts[0]);
        seen.push(Seen { name: name.clone(), key: certificate.key(part), certificate });
    }
    Ok((seen, findings))
}

fn members(sign: &Sign, ground: Ground<'_>) -> (Vec<Member>, Findings) {
    let (mut members, mut findings): (Vec<Member>, Findings) = (Vec::new(), Vec::new());
    if sign.keys.is_empty() {
        findings.push(
            Diagnostic::error(codes::SIGN_NO_KEY, "there is no key to sign with")
                .help("`fitout keys new --out FILE` makes one; name it: `[sign] keys = [{ file = \"FILE\" }]`"),
        );
    }
    let (hidden, several) = (Hidden::of(sign), sign.keys.len() > 1);
    for key in &sign.keys {
        let span = Span::new(ground.source, key.range.clone());
        let member = match member(key, sign.passphrase.as_deref(), ground, &hidden) {
            Ok(member) => member,
            Err(error) => {
                findings.push(Diagnostic::from(error).at(&span, ""));
                continue;
            }
        };
        let judged = check::judge(&member.name, &member.certificate, &member.part, ground.now, several);
        findings.extend(judged.into_iter().map(|finding| finding.at(&span, "")));
        if members.iter().any(|other| other.certificate.fingerprint() == member.certificate.fingerprint()) {
            let message = format!("{} is the same key as one before it", member.name);
            let finding = Diagnostic::error(codes::SIGN_NOT_A_KEY, message).at(&span, "");
            findings.push(finding.help("name each key once"));
        }
        members.push(member);
    }
    (members, findings)
}

/// Opens one secret key that stands by itself.
fn open_secret(name: &str, bytes: &[u8], passphrase: Option<&Password>, now: i64) -> Result<Member, SignError> {
    let mut keys = armor::keys(name, bytes)?;
    let key = match (keys.pop(), keys.len()) {
        (Some(key), 0) => key,
        (key, rest) => {
            return Err(SignError::Count { name: name.into(), count: rest + usize::from(key.is_some()) });
        }
    };
    let PublicOrSecret::Secret(key) = key else { return Err(SignError::PublicOnly { name: name.into() }) };
    let Unlocked { secret, certificate, part } = Secret::unlock(name, key, passphrase, now)?;
    Ok(Member { name: name.into(), certificate, part, holder: Holder::Secret(Box::new(secret)) })
}

/// Variables that no program needs to see: those that hold keys and passphrases.
struct Hidden(Vec<String>);

impl Hidden {
    fn of(sign: &Sign) -> Self {
        let passphrases = sign.keys.iter().map(|key| &key.passphrase).chain([&sign.passphrase]);
        let of_passphrases = passphrases.flatten().filter_map(|place| place.env.as_ref());
        let of_keys = sign.keys.iter().filter_map(|key| key.env.as_ref());
        Self(of_passphrases.chain(of_keys).map(|name| name.value.clone()).collect())
    }

    fn from(&self, variables: &Variables) -> Variables {
        let is_hidden = |name: &std::ffi::OsStr| self.0.iter().any(|hidden| name == hidden.as_str());
        variables
            .iter()
            .filter(|(name, _)| !is_hidden(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

fn member(
    key: &SignKey,
    passphrase: Option<&Confidential>,
    ground: Ground<'_>,
    hidden: &Hidden,
) -> Result<Member, SignError> {
    if let Some(fingerprint) = &key.agent {
        return agent(fingerprint, ground, hidden);
    }
    if let Some(command) = &key.command {
        return by_command(command, key.public.as_ref(), ground, hidden);
    }
    let place = Confidential { env: key.env.clone(), file: key.file.clone() };
    let passphrase = key.passphrase.as_deref().or(passphrase).map(|place| unlocking(place, ground)).transpose()?;
    let (name, bytes) = read(&place, ground)?;
    open_secret(&name, &bytes, passphrase.as_ref(), ground.now)
}

fn agent(fingerprint: &Text, ground: Ground<'_>, hidden: &Hidden) -> Result<Member, SignError> {
    let name = format!("gpg (`{}`)", fingerprint.value);
    let wrong = |_| SignError::Fingerprint { text: fingerprint.value.clone() };
    let parsed: super::Fingerprint = fingerprint.parse().map_err(wrong)?;
    let program = Program::new(Which::Agent(parsed.clone()), ground.folder, hidden.from(ground.variables));
    let certificates = program.export(&parsed)?;
    outside(name, certificates, program, ground.now)
}

fn by_command(command: &Text, public: Option<&Text>, ground: Ground<'_>, hidden: &Hidden) -> Result<Member, SignError> {
    let place = Confidential { env: None, file: public.cloned() };
    let (name, bytes) = read(&place, ground)?;
    let program = Program::new(Which::Shell(command.value.clone()), ground.folder, hidden.from(ground.variables));
    outside(name.clone(), read_certificates(&name, &bytes)?, program, ground.now)
}

fn outside(name: String, mut found: Vec<Certificate>, program: Program, now: i64) -> Result<Member, SignError> {
    let (Some(certificate), 0) = (found.pop(), found.len()) else {
        return Err(SignError::Count { name, count: found.len() + 1 });
    };
    let part = certificate.signing(now, |_| true).ok_or_else(|| cannot_sign(&name, &certificate))?.clone();
    Ok(Member { name, certificate, part, holder: Holder::Program(program) })
}

fn cannot_sign(name: &str, certificate: &Certificate) -> SignError {
    SignError::CannotSign { name: name.into(), key: certificate.fingerprint().clone() }
}

/// What a place holds, and how it is called.
fn read(place: &Confidential, ground: Ground<'_>) -> Result<(String, Vec<u8>), SignError> {
    if let Some(variable) = &place.env {
        use std::os::unix::ffi::OsStrExt as _;
        let value = ground.variables.get(std::ffi::OsStr::new(&variable.value)).filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| SignError::Unset { variable: variable.value.clone() })?;
        return Ok((format!("`${}`", variable.value), value.as_bytes().to_vec()));
    }
    // The grammar sees to it that one of both is there.
    let name = place.file.as_ref().map_or("", |file| file.value.as_str());
    let unreadable = |source| SignError::Unreadable { name: name.to_owned(), source };
    let bytes = fs_err::read(ground.folder.join(name)).map_err(unreadable)?;
    Ok((format!("`{name}`"), bytes))
}

fn unlocking(place: &Confidential, ground: Ground<'_>) -> Result<Password, SignError> {
    let (_, bytes) = read(place, ground)?;
    Ok(Password::from(one_line(&bytes)))
}

/// A passphrase as an editor or `echo` writes it: one end of line is not part of it.
pub fn one_line(bytes: &[u8]) -> &[u8] {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    line.strip_suffix(b"\r").unwrap_or(line)
}
