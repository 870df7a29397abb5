//! A store that fails at random: nothing is lost, readers see the old repository or the new one, and the next run goes on.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::shop::Shop;
use crate::support::{finish, fitout, moto};

const TABLES: &str = r#"
[sign]
keys = [{ file = "@SHOP@/key.asc" }]

[[publish.apt]]
to = "s3://bucket/@KIND@"
"#;

/// Between publishers and a server; what it did to requests, by kind.
struct Faulty {
    port: u16,
    done: Arc<[AtomicU64; 5]>,
}

/// What happens to a request.
#[derive(Clone, Copy)]
enum Fate {
    Fine,
    /// It is answered 503, and the server never sees it.
    Refused,
    /// The server does what it asks for, and nobody is told.
    Unanswered,
    /// Half of the answer comes.
    Cut,
    Late,
}

impl Faulty {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let done: Arc<[AtomicU64; 5]> = Arc::default();
        let (count, tally) = (Arc::new(AtomicU64::new(0)), Arc::clone(&done));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Numbers that look random, the same in every run.
                let number = count.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                let fate = match number % 100 {
                    0..5 => Fate::Refused,
                    5..7 => Fate::Unanswered,
                    7..9 => Fate::Cut,
                    9..12 => Fate::Late,
                    _ => Fate::Fine,
                };
                tally[fate as usize].fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || pass(stream, server, fate));
            }
        });
        Self { port, done }
    }
}

/// One request a connection.
fn pass(mut stream: TcpStream, server: u16, fate: Fate) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if !lower.starts_with("connection:") {
            if line.trim().is_empty() {
                head.push_str("connection: close\r\n\r\n");
                break;
            }
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    if matches!(fate, Fate::Refused) {
        let answer = "HTTP/1.1 503 Slow Down\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        return stream.write_all(answer.as_bytes()).ok();
    }
    let mut there = TcpStream::connect(("127.0.0.1", server)).ok()?;
    there.write_all(&[head.as_bytes(), &body].concat()).ok()?;
    let mut answer = Vec::new();
    there.read_to_end(&mut answer).ok()?;
    match fate {
        Fate::Unanswered => return None,
        Fate::Cut => answer.truncate(answer.len() / 2),
        Fate::Late => std::thread::sleep(Duration::from_millis(300)),
        Fate::Fine | Fate::Refused => {}
    }
    stream.write_all(&answer).ok()
}

/// Until it is done: what has stopped half-way, or did not begin, is run again.
fn publish(folder: &Path, server: &moto::Server, port: u16) -> u32 {
    for run in 1..=20 {
        let mut command = fitout(folder);
        command.arg("publish").envs(server.variables());
        command.env("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}"));
        let (code, stdout, stderr) = finish(command.output().unwrap());
        assert!(matches!(code, 0 | 3 | 4), "{code}: {stdout}{stderr}");
        if code == 0 {
            return run;
        }
    }
    panic!("20 runs did not publish {}", folder.display());
}

fn read(folder: &Path, server: &moto::Server, words: &[&str]) -> (i32, String, String) {
    finish(fitout(folder).args(words).envs(server.variables()).output().unwrap())
}

fn lives(kind: &str) {
    let Some(server) = moto::Server::start() else { return };
    let faulty = Faulty::before(server.port);
    let (publishers, each) = if std::env::var_os("FITOUT_SOAK").is_some() { (8, 10) } else { (3, 3) };
    let shop = Shop::new(&TABLES.replace("@KIND@", kind).replace("apt", kind));
    let folders: Vec<Vec<PathBuf>> = (0..publishers)
        .map(|publisher| (0..each).map(|at| shop.build(&format!("p{publisher}"), &format!("1.{at}"), "")).collect())
        .collect();
    std::thread::scope(|scope| {
        for folders in &folders {
            let (server, port) = (&server, faulty.port);
            scope.spawn(move || folders.iter().map(|folder| publish(folder, server, port)).sum::<u32>());
        }
    });
    let first = &folders[0][0];
    let (_, stdout, _) = read(first, &server, &["repo", "list", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let packages = document["repositories"][0]["packages"].as_array().unwrap().clone();
    let names: BTreeSet<String> = packages.iter().map(|p| format!("{} {}", p["name"], p["version"])).collect();
    assert_eq!(names.len(), publishers * each, "{names:?}");
    // The last of them may have been stopped before a name that follows the root; whoever comes next puts it.
    publish(first, &server, server.port);
    let (code, stdout, stderr) = read(first, &server, &["repo", "verify"]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let done: Vec<u64> = faulty.done.iter().map(|count| count.load(Ordering::Relaxed)).collect();
    assert!(done.iter().all(|count| *count > 0), "nothing failed: {done:?}");
}

#[test]
fn apt_lives_on_a_store_that_fails() {
    lives("apt");
}

#[test]
fn yum_lives_on_a_store_that_fails() {
    lives("yum");
}
