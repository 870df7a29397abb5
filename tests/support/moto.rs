//! A server that speaks S3, without any of its own checks of who asks: moto.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use super::server::Running;

/// What is secret in the environment of [`Server::variables`].
pub const SECRET: &str = "marked-secret-key";

/// See the module. It has a bucket, `bucket`.
pub struct Server {
    running: Running,
    pub port: u16,
    /// A folder for whoever uses it.
    pub top: tempfile::TempDir,
}

impl Server {
    /// None where moto is not installed; `./test` installs it.
    pub fn start() -> Option<Self> {
        let running = Running::start(("FITOUT_MOTO", "moto_server"), |command, port| {
            command.args(["-H", "127.0.0.1", "-p", port]);
        })?;
        let server = Self { port: running.port, running, top: tempfile::tempdir().unwrap() };
        server.ask("PUT", "/bucket", b"");
        Some(server)
    }

    pub fn ask(&self, method: &str, path: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        // The server looks at whose it is, not whether it is true.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nAuthorization: AWS4-HMAC-SHA256 \
             Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer.lines().next().unwrap_or_default();
        assert!(status.contains(" 200 ") || status.contains(" 204 "), "{method} {path}: {answer}");
        answer
    }

    /// Names of all objects.
    pub fn objects(&self) -> Vec<String> {
        let answer = self.ask("GET", "/bucket?list-type=2", b"");
        answer.split("<Key>").skip(1).filter_map(|part| part.split("</Key>").next()).map(str::to_owned).collect()
    }

    /// Everybody may read, as of a bucket that is served to hosts.
    pub fn open_to_all(&self) {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
                         "Resource":"arn:aws:s3:::bucket/*"}]}"#;
        self.ask("PUT", "/bucket?policy", policy.as_bytes());
    }

    /// The headers of an object.
    pub fn head(&self, path: &str) -> String {
        self.ask("GET", path, b"").split("\r\n\r\n").next().unwrap_or_default().to_owned()
    }

    /// It answers no more.
    pub fn stop(&mut self) {
        self.running.stop();
    }

    /// Whom a program is to ask, and as whom.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "key".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ]
    }
}
