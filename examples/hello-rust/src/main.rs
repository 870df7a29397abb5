//! Answers each connection with a greeting, on 127.0.0.1:4180 unless `HELLO_ADDRESS` says otherwise.

use std::io::{self, Write};
use std::net::TcpListener;

fn main() -> io::Result<()> {
    let address = std::env::var("HELLO_ADDRESS").unwrap_or_else(|_| "127.0.0.1:4180".into());
    let greeting = std::env::var("HELLO_GREETING").unwrap_or_else(|_| "hello".into());
    let listener = TcpListener::bind(&address)?;
    println!("hello-rust {} listens on {address}", env!("CARGO_PKG_VERSION"));
    for stream in listener.incoming() {
        // A client that went away is no reason to stop serving others.
        if let Ok(mut stream) = stream {
            let _ = writeln!(stream, "{greeting} from {}", env!("CARGO_PKG_VERSION"));
        }
    }
    Ok(())
}
