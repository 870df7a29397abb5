//! Tokens: what a registry asks for before it answers, and how one is got.
//!
//! Enters: a [`Login`] and the `WWW-Authenticate` of an answer. Leaves: the `Authorization` of the next request. Source: distribution's
//! "Token Authentication" and its `OAuth2` page; RFC 9110, section 11.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::login::Login;
use super::wire::{self, Answer};
use super::{Refusal, Repository};
use crate::codec::base64;
use crate::store::StoreError;

/// Seconds for which a token is taken to last that does not say it.
const LASTS: u64 = 60;
/// Seconds that a token is believed for, whatever it says.
const LONGEST: u64 = 86_400;
/// Who asks for tokens.
const CLIENT: &str = "fitout";

/// See the module.
pub(super) struct Access {
    login: Login,
    /// Whether the registry is asked by TLS.
    safe: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    challenge: Option<Challenge>,
    tokens: BTreeMap<String, Token>,
}

struct Token {
    text: String,
    until: Instant,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Challenge {
    Basic,
    Bearer { realm: String, service: String },
}

#[derive(Deserialize)]
struct Granted {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Access {
    pub(super) fn new(login: Login, safe: bool) -> Self {
        Self { login, safe, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody is known.
    pub(super) fn is_anonymous(&self) -> bool {
        self.login == Login::Anonymous
    }

    /// Whether it is asked for a name and a password with each request.
    pub(super) fn is_basic(&self) -> bool {
        self.state().challenge == Some(Challenge::Basic)
    }

    /// The header for a request, as far as it is known what is asked for.
    pub(super) async fn header(
        &self,
        http: &reqwest::Client,
        scopes: &[String],
        repository: &Repository,
    ) -> Result<Option<String>, StoreError> {
        let challenge = self.state().challenge.clone();
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(self.basic()),
            Some(Challenge::Bearer { realm, service }) => {
                let key = scopes.join(" ");
                let known = self.state().tokens.get(&key).filter(|t| t.until > Instant::now()).map(|t| t.text.clone());
                if let Some(text) = known {
                    return Ok(Some(format!("Bearer {text}")));
                }
                let token = self.ask(http, &realm, &service, scopes, repository).await?;
                let text = format!("Bearer {}", token.text);
                self.state().tokens.insert(key, token);
                Ok(Some(text))
            }
        }
    }

    /// Takes in what an answer asks for, and forgets the token that it did not like. False if it asks for what it had.
    pub(super) fn renew(&self, challenges: &[String], scopes: &[String], sent: Option<&str>) -> bool {
        let mut state = self.state();
        let Some(challenge) = challenges.iter().find_map(|text| challenge(text)) else { return false };
        let again = state.challenge.as_ref() == Some(&challenge) && challenge == Challenge::Basic && sent.is_some();
        state.challenge = Some(challenge);
        let key = scopes.join(" ");
        if state.tokens.get(&key).is_some_and(|token| sent == Some(&format!("Bearer {}", token.text))) {
            state.tokens.remove(&key);
        }
        let nobody = state.challenge == Some(Challenge::Basic) && self.basic().is_none();
        !again && !nobody
    }

    fn basic(&self) -> Option<String> {
        match &self.login {
            Login::Basic { user, password } => {
                Some(format!("Basic {}", base64::encode(format!("{user}:{password}").as_bytes())))
            }
            Login::Identity(_) | Login::Anonymous => None,
        }
    }

    async fn ask(
        &self,
        http: &reqwest::Client,
        realm: &str,
        service: &str,
        scopes: &[String],
        repository: &Repository,
    ) -> Result<Token, StoreError> {
        let refused = |refusal, message: String| wire::trouble(repository, refusal, message);
        if self.safe && !realm.starts_with("https://") && !self.is_anonymous() {
            let message = "it wants the credentials to be sent without TLS".to_owned();
            return Err(refused(Refusal::Certificate, message));
        }
        let mut fields = vec![("service", service)];
        fields.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
        let began = Instant::now();
        let request = match &self.login {
            Login::Identity(token) => {
                let joined = scopes.join(" ");
                let fields = [
                    ("grant_type", "refresh_token"),
                    ("service", service),
                    ("client_id", CLIENT),
                    ("scope", &joined),
                    ("refresh_token", token),
                ];
                let form = "application/x-www-form-urlencoded";
                http.post(realm).header("content-type", form).body(wire::form(&fields))
            }
            login => {
                fields.push(("client_id", CLIENT));
                if let Login::Basic { user, .. } = login {
                    fields.push(("account", user));
                }
                let mark = if realm.contains('?') { '&' } else { '?' };
                let request = http.get(format!("{realm}{mark}{}", wire::form(&fields)));
                match self.basic() {
                    Some(basic) => request.header("authorization", basic),
                    None => request,
                }
            }
        };
        let answer = wire::patient(request, repository, wire::LARGEST).await?;
        Self::granted(&answer, began).ok_or_else(|| match answer.status {
            400 | 401 | 403 if self.is_anonymous() => refused(Refusal::NoCredentials, answer.told()),
            400 | 401 => refused(Refusal::WrongCredentials, answer.told()),
            403 => refused(Refusal::Forbidden, answer.told()),
            200 => refused(Refusal::Failed, "what it gave is no token".to_owned()),
            _ => refused(Refusal::Failed, answer.told()),
        })
    }

    fn granted(answer: &Answer, began: Instant) -> Option<Token> {
        let granted: Granted = (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten()?;
        let text = if granted.token.is_empty() { granted.access_token } else { granted.token };
        // A little less than it says: it has a way to go.
        let lasts = Duration::from_secs(granted.expires_in.unwrap_or(LASTS).min(LONGEST)).mul_f64(0.8);
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        plain.then_some(Token { text, until: began + lasts })
    }
}

/// `Bearer realm="…",service="…"` or `Basic realm="…"`; others are passed over.
fn challenge(text: &str) -> Option<Challenge> {
    let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
    if scheme.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let fields = fields(rest);
    let get = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let realm = get("realm");
    (realm.starts_with("https://") || realm.starts_with("http://"))
        .then(|| Challenge::Bearer { realm, service: get("service") })
}

/// `name="value",name=value`
fn fields(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([',', ' ']).to_ascii_lowercase();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name, value.to_owned());
        rest = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let bearer = |realm: &str, service: &str| {
            Some(Challenge::Bearer { realm: realm.to_owned(), service: service.to_owned() })
        };
        let text = r#"Bearer realm="https://auth.example.org/token",service="registry.example.org",scope="repository:a/b:pull,push""#;
        assert_eq!(challenge(text), bearer("https://auth.example.org/token", "registry.example.org"));
        assert_eq!(challenge("bearer realm=\"http://x/t\", error=\"invalid_token\""), bearer("http://x/t", ""));
        assert_eq!(challenge("Basic realm=\"rig\""), Some(Challenge::Basic));
        for bad in ["", "Bearer", "Bearer realm=\"file:///etc\"", "Negotiate"] {
            assert_eq!(challenge(bad), None, "{bad}");
        }
    }
}
