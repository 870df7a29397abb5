//! Answers each connection with a greeting, on 127.0.0.1:4180 unless `HELLO_ADDRESS` says otherwise.
//!
//! It counts its greetings in the file `HELLO_COUNT`, if that is set, and ends when it gets SIGTERM or SIGINT.

use std::io::{self, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

mod signal;

fn main() -> io::Result<()> {
    let address = std::env::var("HELLO_ADDRESS").unwrap_or_else(|_| "127.0.0.1:4180".into());
    let greeting = std::env::var("HELLO_GREETING").unwrap_or_else(|_| "hello".into());
    let count = std::env::var_os("HELLO_COUNT").map(PathBuf::from);
    signal::on_stop(|| {
        println!("hello-rust {} stops", env!("CARGO_PKG_VERSION"));
        std::process::exit(0);
    });
    let listener = TcpListener::bind(&address)?;
    println!("hello-rust {} listens on {address}", env!("CARGO_PKG_VERSION"));
    for stream in listener.incoming() {
        // A client that went away is no reason to stop serving others.
        if let Ok(mut stream) = stream {
            let number = match &count {
                Some(file) => format!(", greeting {}", one_more(file)?),
                None => String::new(),
            };
            let line = format!("{greeting} from {}{number}\n", env!("CARGO_PKG_VERSION"));
            let _ = stream.write_all(line.as_bytes());
        }
    }
    Ok(())
}

/// Counts up in a file, which is never half written.
fn one_more(file: &Path) -> io::Result<u64> {
    let before = std::fs::read_to_string(file).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    let now: u64 = before + 1;
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{now}\n"))?;
    std::fs::rename(new, file)?;
    Ok(now)
}
