//! Servers of other makers that run while a test does.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// One that listens on a port of its own; it ends with this.
pub struct Running {
    child: Child,
    pub port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Running {
    /// Starts the program that the variable names, or else the one of this name, with what `with` adds for a port. None where it is not
    /// installed; `./test` installs it.
    pub fn start((variable, name): (&str, &str), with: impl FnOnce(&mut Command, &str)) -> Option<Self> {
        let program = std::env::var(variable).unwrap_or_else(|_| name.to_owned());
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut command = Command::new(program);
        with(&mut command, &port.to_string());
        let Ok(child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
            assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "{name} is not installed");
            println!("note: {name} is not installed, stores of its kind were not tried");
            return None;
        };
        let running = Self { child, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "{name} does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(running)
    }

    /// It answers no more.
    pub fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
