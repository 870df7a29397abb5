//! Credentials from a program: `credential_process` of a profile.
//!
//! Enters: the command line. Leaves: a provider that asks the program again when what it said is about to end. Source: AWS SDKs and
//! Tools Reference Guide, "Process credential provider".

use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use serde::Deserialize;

use super::{StoreError, TELLS_WITHIN, Trouble, Variables};
use crate::codec::calendar;
use crate::interrupt;

/// Seconds before the end at which the program is asked again.
const MARGIN: i64 = 120;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// See the module.
pub(super) struct Process {
    place: String,
    command: String,
    variables: Variables,
    now: fn() -> i64,
    within: Duration,
    last: Mutex<Option<(Arc<AwsCredential>, Option<i64>)>>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("credential_process")
    }
}

impl Process {
    /// The program is run when credentials are needed.
    pub(super) fn new(place: &str, command: String, variables: Variables, now: fn() -> i64) -> Self {
        Self { place: place.to_owned(), command, variables, now, within: TELLS_WITHIN, last: Mutex::default() }
    }

    /// What it says now, or said before.
    pub(super) fn ask(&self) -> Result<Arc<AwsCredential>, StoreError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((credential, until)) = last.as_ref()
            && until.is_none_or(|until| (self.now)() + MARGIN < until)
        {
            return Ok(Arc::clone(credential));
        }
        let failed = |message: String| {
            StoreError::new(&*self.place, Trouble::NoCredentials, format!("`credential_process`: {message}"))
        };
        let mut command = Command::new("sh");
        command.args(["-c", &self.command]).env_clear().envs(&self.variables);
        let output = interrupt::talk(&mut command, &mut std::io::empty(), Some(self.within))
            .map_err(|error| failed(error.to_string()))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(failed(format!("{}: {told}", output.status)));
        }
        // What it printed is secret: a parser's words about it are not told.
        let answer: Answer = serde_json::from_slice(&output.stdout)
            .ok()
            .filter(|answer: &Answer| answer.version == 1)
            .ok_or_else(|| failed("it did not print a document of version 1".to_owned()))?;
        let until = answer.expiration.as_deref().and_then(calendar::parse_rfc3339);
        let credential = Arc::new(AwsCredential {
            key_id: answer.access_key_id,
            secret_key: answer.secret_access_key,
            token: answer.session_token,
        });
        *last = Some((Arc::clone(&credential), until));
        Ok(credential)
    }
}

#[async_trait::async_trait]
impl CredentialProvider for Process {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        self.ask()
            .map_err(|error| object_store::Error::Unauthenticated { path: self.place.clone(), source: Box::new(error) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_asked_once_while_it_lasts() {
        let folder = tempfile::tempdir().unwrap();
        let count = folder.path().join("count");
        let ask = |expiration: &str| {
            let _ = std::fs::remove_file(&count);
            let command = format!(
                "echo >>'{}'; echo '{{\"Version\":1,\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"S\",\"SessionToken\":\"T\"{expiration}}}'",
                count.display()
            );
            let variables = Variables::from([("PATH".into(), "/usr/bin:/bin".into())]);
            let process = Process::new("s3://b", command, variables, || 1_000_000);
            for _ in 0..3 {
                let credential = process.ask().unwrap();
                assert_eq!((&*credential.key_id, &*credential.secret_key), ("A", "S"));
                assert_eq!(credential.token.as_deref(), Some("T"));
            }
            std::fs::read_to_string(&count).unwrap().len()
        };
        assert_eq!(ask(""), 1);
        assert_eq!(ask(",\"Expiration\":\"1970-01-12T14:00:00Z\""), 1);
        assert_eq!(ask(",\"Expiration\":\"1970-01-12T13:47:00Z\""), 3);
    }

    #[test]
    fn one_that_does_not_end_is_no_credential() {
        let variables = Variables::from([("PATH".into(), "/usr/bin:/bin".into())]);
        // What it started holds its output open.
        let mut process = Process::new("s3://b", "sleep 600 & sleep 600".into(), variables, || 0);
        process.within = Duration::from_millis(200);
        let error = process.ask().unwrap_err();
        assert_eq!(error.trouble, Trouble::NoCredentials);
        assert!(error.message.contains("it took longer than"), "{error}");
    }

    #[test]
    fn what_it_prints_is_never_told() {
        for command in ["echo '{\"Version\":1,\"SecretAccessKey\":\"hush\"}'", "echo hush; exit 1"] {
            let variables = Variables::from([("PATH".into(), "/usr/bin:/bin".into())]);
            let error = Process::new("s3://b", command.into(), variables, || 0).ask().unwrap_err();
            assert_eq!(error.trouble, Trouble::NoCredentials);
            assert!(!error.message.contains("hush"), "{error}");
        }
    }
}
