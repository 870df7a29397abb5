//! A web server over a folder, for trying a repository out on this machine. It is no server for hosts: it has no TLS, and knows no more
//! of HTTP than package managers and browsers ask.
//!
//! Enters: a folder, a listening socket. Leaves: files, by GET and HEAD; RFC 9110 with `If-Modified-Since` in whole seconds.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::codec::calendar;
use crate::store::media_type;

/// Until a client has said what it wants.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a request's head.
const LARGEST_HEAD: u64 = 64 << 10;

/// Answers until the process ends; each client has a thread.
///
/// # Errors
/// No connection can be taken any more.
pub fn serve(folder: &Path, listener: &TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let (stream, folder) = (stream?, folder.to_path_buf());
        // One that goes away is no trouble.
        std::thread::spawn(move || drop(talk(&stream, &folder)));
    }
    Ok(())
}

fn talk(stream: &TcpStream, folder: &Path) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = (&mut reader).take(LARGEST_HEAD);
        let mut first = String::new();
        if head.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let (mut since, mut line) = (None, String::new());
        while head.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("If-Modified-Since")
            {
                since = calendar::parse_rfc5322(value.trim());
            }
            line.clear();
        }
        let mut words = first.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let body = method == "GET";
        if !body && method != "HEAD" {
            return answer(stream, "405 Method Not Allowed", "Allow: GET, HEAD\r\nContent-Length: 0\r\n");
        }
        match open(folder, target) {
            None => answer(stream, "404 Not Found", "Content-Length: 0\r\n")?,
            Some((path, file)) => send(stream, &path, file, since, body)?,
        }
        if first.contains("HTTP/1.0") {
            return Ok(());
        }
    }
}

fn answer(mut stream: &TcpStream, status: &str, headers: &str) -> io::Result<()> {
    stream.write_all(format!("HTTP/1.1 {status}\r\nServer: fitout\r\n{headers}\r\n").as_bytes())
}

fn send(mut stream: &TcpStream, path: &Path, file: File, since: Option<i64>, body: bool) -> io::Result<()> {
    let meta = file.metadata()?;
    let modified = calendar::rfc5322(meta.mtime()).replace("+0000", "GMT");
    if since.is_some_and(|since| meta.mtime() <= since) {
        return answer(stream, "304 Not Modified", &format!("Last-Modified: {modified}\r\n"));
    }
    let headers = format!(
        "Content-Type: {}\r\nContent-Length: {}\r\nLast-Modified: {modified}\r\nCache-Control: no-cache\r\n",
        media_type(&path.to_string_lossy()),
        meta.len()
    );
    answer(stream, "200 OK", &headers)?;
    if body {
        // No more than was said, if it grows meanwhile.
        io::copy(&mut file.take(meta.len()), &mut stream)?;
    }
    Ok(())
}

/// The file of a request's target; of a folder its page. Nothing outside of the folder is one.
fn open(folder: &Path, target: &str) -> Option<(PathBuf, File)> {
    let path = target.split(['?', '#']).next()?;
    let path = decode(path.strip_prefix('/')?)?;
    let mut found = folder.to_path_buf();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == "." || part == ".." || part.contains('\0') {
            return None;
        }
        found.push(part);
    }
    if found.is_dir() {
        found.push("index.html");
    }
    let file = File::open(&found).ok()?;
    file.metadata().ok()?.is_file().then_some((found, file))
}

/// `%7E` is `~`.
fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(port: u16, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn files_are_served_and_nothing_else() {
        let top = tempfile::tempdir().unwrap();
        let folder = top.path().join("repository");
        std::fs::create_dir_all(folder.join("pool")).unwrap();
        std::fs::write(top.path().join("secret"), "hush").unwrap();
        std::fs::write(folder.join("index.html"), "<p>page").unwrap();
        std::fs::write(folder.join("pool/a~b+c.deb"), "package").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = folder.clone();
        std::thread::spawn(move || serve(&served, &listener));
        let get = |target: &str| ask(port, &format!("GET {target} HTTP/1.0\r\n\r\n"));
        assert!(get("/").ends_with("\r\n\r\n<p>page"));
        for target in ["/pool/a~b+c.deb", "/pool/a%7Eb%2Bc.deb?x"] {
            let answer = get(target);
            assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\npackage"), "{answer}");
        }
        for target in ["/../secret", "/pool/../../secret", "/%2e%2e/secret", "/pool", "/none", "/%zz", "/%00", "secret"]
        {
            let answer = get(target);
            assert!(answer.starts_with("HTTP/1.1 404") && !answer.contains("hush"), "{target}: {answer}");
        }
        let modified = get("/").lines().find_map(|line| line.strip_prefix("Last-Modified: ")).unwrap().to_owned();
        let again = ask(port, &format!("GET / HTTP/1.0\r\nif-modified-since: {modified}\r\n\r\n"));
        assert!(again.starts_with("HTTP/1.1 304"), "{again}");
        // Two requests on one connection.
        let both = ask(port, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /pool/a~b+c.deb HTTP/1.0\r\n\r\n");
        assert_eq!((both.matches("200 OK").count(), both.ends_with("package")), (2, true), "{both}");
        assert!(ask(port, "PUT / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 405"));
    }
}
