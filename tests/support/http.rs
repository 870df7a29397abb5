//! A web server whose answers a test writes: a request a connection.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// A request; its body is not read yet.
pub struct Ask {
    pub method: String,
    /// With the query.
    pub path: String,
    pub headers: BTreeMap<String, String>,
    stream: BufReader<TcpStream>,
}

impl Ask {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub fn length(&self) -> usize {
        self.header("content-length").parse().unwrap_or(0)
    }

    /// The body, or as much of it.
    pub fn body(&mut self, most: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.length().min(most)];
        self.stream.read_exact(&mut bytes).map_or_else(|_| Vec::new(), |()| bytes)
    }

    /// A value of the query.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.path.split_once('?')?.1;
        let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name)?;
        Some(decoded(found.1))
    }
}

/// Without percent signs.
pub fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// An answer; without one the connection is cut.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn text(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// Serves until the tests end; the port.
pub fn serve(answer: impl Fn(&mut Ask) -> Option<Reply> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || one(stream, &*answer));
        }
    });
    port
}

fn one(stream: TcpStream, answer: &dyn Fn(&mut Ask) -> Option<Reply>) {
    let mut out = stream.try_clone().unwrap();
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let mut words = lines[0].split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let pairs = lines[1..].iter().filter_map(|line| line.split_once(':'));
    let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let mut ask = Ask { method, path, headers, stream };
    let Some(reply) = answer(&mut ask) else { return };
    let mut head = format!("HTTP/1.1 {} x\r\nConnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head += &format!("{name}: {value}\r\n");
    }
    if reply.headers.iter().all(|(name, _)| *name != "Content-Length") {
        head += &format!("Content-Length: {}\r\n", reply.body.len());
    }
    let body = if ask.method == "HEAD" { &[][..] } else { &reply.body };
    let _ = out.write_all(&[format!("{head}\r\n").as_bytes(), body].concat());
    let _ = out.flush();
}
