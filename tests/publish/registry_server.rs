//! The registry of Debian, `docker-registry`, as registries are run: open, with passwords, with TLS of its own, with tokens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::roots::{is_there, missing};
use crate::support::http::{Reply, decoded, serve};

/// Who may push, and what must never be seen.
pub const USER: &str = "somebody";
pub const PASSWORD: &str = "marked-registry-password";
/// Of [`PASSWORD`], as `htpasswd -B` makes it.
const HASH: &str = "$2b$05$abcdefghijklmnopqrstuusWgj88mrOv5RQDujLorxpYFf62PJBuG";

pub enum Mode {
    Open,
    Passwords,
    Tls,
    Tokens,
}

/// A registry; it ends with the test.
pub struct Registry {
    child: Child,
    pub folder: tempfile::TempDir,
    pub port: u16,
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Registry {
    /// None where there is no `docker-registry`.
    pub fn start(mode: &Mode) -> Option<Self> {
        let lacking: Vec<&str> =
            ["docker-registry", "skopeo", "openssl"].into_iter().filter(|tool| !is_there(tool)).collect();
        if !missing(&lacking) {
            return None;
        }
        let folder = tempfile::Builder::new().prefix("fitout-registry-").tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let mut config = format!(
            "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem:\n    rootdirectory: {}\n  maintenance:\n    uploadpurging:\n      enabled: false\n\
             http:\n  addr: 127.0.0.1:{port}\n  secret: x\n",
            at("store")
        );
        match mode {
            Mode::Open => {}
            Mode::Passwords => {
                fs::write(at("htpasswd"), format!("{USER}:{HASH}\n")).unwrap();
                config += &format!("auth:\n  htpasswd:\n    realm: test\n    path: {}\n", at("htpasswd"));
            }
            Mode::Tls => {
                certificates(folder.path());
                config += &format!("  tls:\n    certificate: {}\n    key: {}\n", at("tls.crt"), at("tls.key"));
            }
            Mode::Tokens => {
                certificates(folder.path());
                let tokens = tokens(folder.path().to_owned());
                config += &format!(
                    "auth:\n  token:\n    realm: http://127.0.0.1:{tokens}/token\n    service: test\n    issuer: test\n    rootcertbundle: {}\n",
                    at("tls.crt")
                );
            }
        }
        fs::write(at("config.yml"), config).unwrap();
        let log = fs::File::create(at("log")).unwrap();
        // Variables with its prefix are taken as its configuration.
        let child = Command::new("docker-registry")
            .args(["serve", &at("config.yml")])
            .env_remove("REGISTRY_AUTH_FILE")
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < until, "{}", fs::read_to_string(at("log")).unwrap());
            std::thread::sleep(Duration::from_millis(30));
        }
        Some(Self { child, folder, port })
    }

    /// `127.0.0.1:PORT/path`
    pub fn image(&self, path: &str) -> String {
        format!("127.0.0.1:{}/{path}", self.port)
    }

    /// How often something was asked for with this method.
    pub fn asked(&self, method: &str) -> usize {
        let log = fs::read_to_string(self.folder.path().join("log")).unwrap();
        let done = log.lines().filter(|line| line.contains("response completed"));
        done.filter(|line| line.contains(&format!("http.request.method={method} "))).count()
    }

    /// What skopeo reads at a reference, as it is there.
    pub fn raw(&self, reference: &str) -> serde_json::Value {
        let reference = format!("docker://{}", self.image(reference));
        let output = Command::new("skopeo")
            .args(["inspect", "--raw", "--tls-verify=false", &reference])
            .env_remove("REGISTRY_AUTH_FILE")
            .output()
            .unwrap();
        assert!(output.status.success(), "{reference}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A certificate of `127.0.0.1` and of the one who signs: `ca.crt`, `tls.crt`, `tls.key`.
fn certificates(folder: &Path) {
    let script = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt
        openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout tls.key -out tls.csr
        printf 'subjectAltName=IP:127.0.0.1,DNS:localhost' >ext
        openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out tls.crt";
    let output = Command::new("sh").args(["-ec", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Tokens that last three seconds, for whoever knows the password; to pull, for everybody.
fn tokens(folder: PathBuf) -> u16 {
    let chain: String = fs::read_to_string(folder.join("tls.crt"))
        .unwrap()
        .lines()
        .filter(|line| !line.contains("CERTIFICATE"))
        .collect();
    serve(move |ask| {
        let known = format!("Basic {}", base64(format!("{USER}:{PASSWORD}").as_bytes(), false));
        let given = ask.header("authorization");
        if !given.is_empty() && given != known {
            return Some(Reply::new(401).text(r#"{"details":"incorrect username or password"}"#));
        }
        let query = ask.path.split_once('?').map_or("", |(_, query)| query);
        let scopes = query.split('&').filter_map(|pair| pair.strip_prefix("scope="));
        let access: Vec<_> = scopes
            .map(|scope| {
                let scope = decoded(scope);
                let mut parts = scope.split(':').map(str::to_owned);
                let (kind, name, actions) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
                let actions: Vec<_> = actions.split(',').filter(|a| *a == "pull" || !given.is_empty()).collect();
                serde_json::json!({ "type": kind, "name": name, "actions": actions })
            })
            .collect();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let head = serde_json::json!({ "typ": "JWT", "alg": "RS256", "x5c": [chain] });
        let claims = serde_json::json!({
            "iss": "test", "sub": "", "aud": "test", "exp": now + 3, "nbf": now - 5, "iat": now, "jti": "1", "access": access,
        });
        let text = [head, claims].map(|part| base64(part.to_string().as_bytes(), true)).join(".");
        let signing = tempfile::NamedTempFile::new().unwrap();
        fs::write(signing.path(), &text).unwrap();
        let signed = Command::new("openssl")
            .args(["dgst", "-sha256", "-sign", "tls.key"])
            .arg(signing.path())
            .current_dir(&folder)
            .output()
            .unwrap();
        let token = format!("{text}.{}", base64(&signed.stdout, true));
        Some(Reply::new(200).text(serde_json::json!({ "token": token, "expires_in": 3 }).to_string()))
    })
}

pub fn base64(bytes: &[u8], url: bool) -> String {
    let text = fitout::codec::base64::encode(bytes);
    if url { text.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned() } else { text }
}

/// What `docker login` leaves, for these hosts.
pub fn login(folder: &Path, host: &str, password: &str) {
    let auth = base64(format!("{USER}:{password}").as_bytes(), false);
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("config.json"), format!(r#"{{"auths":{{"{host}":{{"auth":"{auth}"}}}}}}"#)).unwrap();
}
