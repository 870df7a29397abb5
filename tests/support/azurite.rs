//! A server that speaks Azure's blob storage, and looks at who asks: azurite.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use super::server::Running;

/// The key of the account, as Azure gives keys: base64.
pub const SECRET: &str = "bWFya2VkLXNlY3JldC1rZXktb2YtdGhlLWFjY291bnQ=";
/// The same in hex, for openssl.
const HEX: &str = "6d61726b65642d7365637265742d6b65792d6f662d7468652d6163636f756e74";

/// See the module. It has a container, `bucket`.
pub struct Server {
    running: Running,
    /// A folder for whoever uses it; the server keeps its blobs there, too.
    pub top: tempfile::TempDir,
}

impl Server {
    /// None where azurite is not installed; `./test` installs it.
    pub fn start() -> Option<Self> {
        let top = tempfile::tempdir().unwrap();
        let running = Running::start(("FITOUT_AZURITE", "azurite-blob"), |command, port| {
            command.args(["--silent", "--skipApiVersionCheck", "--disableTelemetry", "--blobHost", "127.0.0.1"]);
            command.args(["--blobPort", port, "--location"]).arg(top.path().join("blobs"));
            command.env("AZURITE_ACCOUNTS", format!("tester:{SECRET}"));
        })?;
        let server = Self { running, top };
        server.ask("PUT", "restype=container");
        Some(server)
    }

    /// Asks for the container with one or more parameters in the order of their names. Source: Azure's documentation,
    /// "Authorize with Shared Key".
    fn ask(&self, method: &str, query: &str) -> String {
        let date = Command::new("date").args(["-u", "+%a, %d %b %Y %H:%M:%S GMT"]).env("LC_ALL", "C").output().unwrap();
        let date = String::from_utf8(date.stdout).unwrap().trim().to_owned();
        let parameters: String = query.split('&').map(|pair| format!("\n{}", pair.replace('=', ":"))).collect();
        let headers = format!("x-ms-date:{date}\nx-ms-version:2021-08-06\n");
        let text = format!("{method}{}{headers}/tester/tester/bucket{parameters}", "\n".repeat(12));
        let sign = format!("openssl dgst -sha256 -mac HMAC -macopt hexkey:{HEX} -binary | base64 -w 0");
        let mut signing =
            Command::new("sh").args(["-c", &sign]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        signing.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let signature = String::from_utf8(signing.wait_with_output().unwrap().stdout).unwrap();
        let mut stream = TcpStream::connect(("127.0.0.1", self.running.port)).unwrap();
        let head = format!(
            "{method} /tester/bucket?{query} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nx-ms-date: {date}\r\n\
             x-ms-version: 2021-08-06\r\nAuthorization: SharedKey tester:{signature}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.lines().next().unwrap_or_default();
        assert!(status.contains(" 200 ") || status.contains(" 201 "), "{method} {query}: {answer}");
        answer
    }

    /// Names of all blobs.
    pub fn objects(&self) -> Vec<String> {
        let answer = self.ask("GET", "comp=list&restype=container");
        answer.split("<Name>").skip(1).filter_map(|part| part.split("</Name>").next()).map(str::to_owned).collect()
    }

    /// Whom a program is to ask, and as whom.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("AZURE_ENDPOINT", format!("http://127.0.0.1:{}/tester", self.running.port)),
            ("AZURE_STORAGE_ACCOUNT_NAME", "tester".to_owned()),
            ("AZURE_STORAGE_ACCOUNT_KEY", SECRET.to_owned()),
        ]
    }
}
