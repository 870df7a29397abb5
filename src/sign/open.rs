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
use super::{Holder, Member, Signer, armor, check};
use crate::build::environment::Variables;
use crate::config::schema::{Confidential, Sign, SignKey, Text};
use crate::diagnostic::{Diagnostic, Findings, SourceText, Span, codes, has_errors};

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
    if sign.keys.is_empty() {
        return Err(vec![
            Diagnostic::error(codes::SIGN_NO_KEY, "there is no key to sign with")
                .help("`fitout keys new --out FILE` makes one; name it: `[sign] keys = [{ file = \"FILE\" }]`"),
        ]);
    }
    let (mut members, mut findings): (Vec<Member>, Findings) = (Vec::new(), Vec::new());
    let hidden = Hidden::of(sign);
    for key in &sign.keys {
        let span = Span::new(ground.source, key.range.clone());
        match member(key, sign.passphrase.as_deref(), ground, &hidden) {
            Ok(member) => {
                let several = sign.keys.len() > 1;
                let judged = check::judge(&member.name, &member.certificate, &member.part, ground.now, several);
                findings.extend(judged.into_iter().map(|finding| finding.at(&span, "")));
                if members.iter().any(|other| other.certificate.fingerprint() == member.certificate.fingerprint()) {
                    let message = format!("{} is the same key as one before it", member.name);
                    let finding = Diagnostic::error(codes::SIGN_NOT_A_KEY, message).at(&span, "");
                    findings.push(finding.help("name each key once"));
                }
                members.push(member);
            }
            Err(error) => findings.push(Diagnostic::from(error).at(&span, "")),
        }
    }
    if has_errors(&findings) { Err(findings) } else { Ok((Signer::new(members), findings)) }
}

/// Opens one secret key that stands in a file by itself, as `keys show FILE` and `keys rotate FILE` do.
///
/// # Errors
/// It cannot be read or unlocked. Whether it may be used is not judged.
pub(super) fn open_secret(name: &str, bytes: &[u8], pass: Option<&Password>, now: i64) -> Result<Member, SignError> {
    let mut keys = armor::keys(name, bytes)?;
    let key = match (keys.pop(), keys.len()) {
        (Some(key), 0) => key,
        (key, rest) => {
            return Err(SignError::Count { name: name.into(), count: rest + usize::from(key.is_some()) });
        }
    };
    let PublicOrSecret::Secret(key) = key else { return Err(SignError::PublicOnly { name: name.into() }) };
    let Unlocked { secret, certificate, part } = Secret::unlock(name, key, pass, now)?;
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
    let cannot = || SignError::CannotSign { name: name.clone(), key: certificate.fingerprint().clone() };
    let part = certificate.signing(now, |_| true).ok_or_else(cannot)?.clone();
    Ok(Member { name, certificate, part, holder: Holder::Program(program) })
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
    Ok(passphrase(&bytes))
}

/// A passphrase as an editor or `echo` writes it: one end of line is not part of it.
pub(super) fn passphrase(bytes: &[u8]) -> Password {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    Password::from(line.strip_suffix(b"\r").unwrap_or(line))
}
