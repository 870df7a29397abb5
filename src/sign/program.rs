//! A key that another program has: gpg-agent and what stands behind it, or a command that speaks to an HSM or a KMS.
//!
//! Enters: the bytes to be signed. Leaves: the signature that the program printed, verified with the public key before
//! anybody uses it. Such a program says itself when it signed; the time that fitout was given does not reach it.
//!
//! A command is run by `sh` with one more argument: `binary` for a signature over the bytes of standard input as they are
//! (type 0x00), `text` for one over a text (type 0x01), whose lines end in CRLF already and have no blanks at their ends.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgp::packet::{Signature, SignatureType};

use super::certificate::Certificate;
use super::error::{ProgramProblem, Refusal, SignError};
use super::key::Fingerprint;
use super::verify::read_certificates;
use super::{Content, armor, verify};
use crate::build::environment::Variables;
use crate::interrupt;

/// What is run.
#[derive(Debug, Clone)]
pub(super) enum Which {
    /// gpg, which knows the key of this fingerprint.
    Agent(Fingerprint),
    /// The user's own.
    Shell(String),
}

/// A program that signs.
#[derive(Debug, Clone)]
pub(super) struct Program {
    which: Which,
    folder: PathBuf,
    variables: Variables,
}

impl Program {
    /// It runs in `folder` and sees `variables`, nothing else.
    pub(super) fn new(which: Which, folder: &Path, variables: Variables) -> Self {
        Self { which, folder: folder.to_owned(), variables }
    }

    /// The public key, as gpg has it.
    pub(super) fn export(&self, fingerprint: &Fingerprint) -> Result<Vec<Certificate>, SignError> {
        let mut command = Command::new("gpg");
        command.args(["--batch", "--armor", "--export-options", "export-minimal", "--export"]);
        let exported = self.run(command.arg(fingerprint.as_str()), &mut io::empty())?;
        if exported.is_empty() {
            return Err(SignError::Count { name: format!("gpg, asked for {fingerprint},"), count: 0 });
        }
        read_certificates("gpg", &exported)
    }

    /// Lets the program sign the content, and verifies what it printed.
    pub(super) fn sign(
        &self,
        kind: SignatureType,
        content: &Content<'_>,
        certificate: &Certificate,
        now: i64,
    ) -> Result<Signature, SignError> {
        let mut command = self.command(kind == SignatureType::Text);
        let printed = self.run(&mut command, &mut *content().map_err(SignError::Content)?)?;
        let Ok([signature]) = armor::signatures(&printed).map_or(Err(Vec::new()), <[Signature; 1]>::try_from) else {
            return Err(self.failed(ProgramProblem::NoSignature));
        };
        // Its clock is the real one, `now` may be that of the commit: only the signature itself is judged here.
        let made = signature.created().map_or(now, |time| i64::from(time.as_secs()).max(now));
        match verify::verify(std::slice::from_ref(certificate), std::slice::from_ref(&signature), kind, content, made) {
            Ok(_) => Ok(signature),
            Err(SignError::Content(source)) => Err(SignError::Content(source)),
            // Of the digest that the program chose, most likely.
            Err(SignError::Refused { why, .. }) if !matches!(why, Refusal::Kind) => {
                Err(self.failed(ProgramProblem::Refused(why)))
            }
            Err(_) => Err(self.failed(ProgramProblem::Other(certificate.fingerprint().clone()))),
        }
    }

    fn command(&self, text: bool) -> Command {
        match &self.which {
            Which::Agent(fingerprint) => {
                let mut command = Command::new("gpg");
                command.args(["--batch", "--quiet", "--no-tty", "--digest-algo", "SHA512", "--local-user"]);
                command.arg(fingerprint.as_str());
                if text {
                    command.arg("--textmode");
                }
                command.args(["--armor", "--detach-sign", "--output", "-"]);
                command
            }
            Which::Shell(line) => {
                let mut command = Command::new("sh");
                command.args(["-c", &format!("{line} \"$@\""), "sh", if text { "text" } else { "binary" }]);
                command
            }
        }
    }

    fn failed(&self, problem: ProgramProblem) -> SignError {
        let program = match &self.which {
            Which::Agent(_) => "gpg".to_owned(),
            Which::Shell(line) => line.clone(),
        };
        SignError::Program { program, problem }
    }

    fn run(&self, command: &mut Command, input: &mut dyn Read) -> Result<Vec<u8>, SignError> {
        command.current_dir(&self.folder).env_clear().envs(&self.variables).env("LC_ALL", "C.UTF-8");
        // Whoever enters a PIN takes the time that it takes.
        let Output { status, stdout, stderr } =
            interrupt::talk(command, input, None).map_err(|error| self.failed(error.into()))?;
        if status.success() {
            return Ok(stdout);
        }
        let stderr = String::from_utf8_lossy(&stderr);
        let last = stderr.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Err(self.failed(ProgramProblem::Ended { status, stderr: last.trim().to_owned() }))
    }
}
