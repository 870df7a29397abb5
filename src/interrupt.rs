//! What must not outlive the process when it is told to stop: programs that it started, and files and folders that have a
//! name and are not whole.
//!
//! Enters: what other rooms start and create. Leaves: on [`stop`], nothing of it. The library installs
//! no signal handler; the command line does, and calls [`stop`]. Unnamed files need no care: the system removes them.

use std::collections::BTreeMap;
use std::io::{self, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process, test_kill_process_group};

/// How long a program may take to end by itself once it was asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const TICK: Duration = Duration::from_millis(20);

/// How often a folder is removed that somebody fills meanwhile.
const TRIES: u32 = 1000;

/// What is there now, by number.
static HELD: Mutex<Register> = Mutex::new(Register { next: 0, all: BTreeMap::new() });
/// Whether a run has given all its files their final names.
static NAMED: Mutex<bool> = Mutex::new(false);

struct Register {
    next: u64,
    all: BTreeMap<u64, What>,
}

enum What {
    Process(Pid),
    Group(Pid),
    File(PathBuf),
    Folder(PathBuf),
}

/// Something that [`stop`] ends or removes, until this is dropped.
#[derive(Debug)]
pub struct Held(u64);

impl Drop for Held {
    fn drop(&mut self) {
        lock(&HELD).all.remove(&self.0);
    }
}

impl Held {
    /// Kills the program; what is no program is left alone.
    pub fn kill(&self) {
        if let Some(what) = lock(&HELD).all.get(&self.0) {
            what.signal(Signal::KILL);
        }
    }
}

/// Makes a file that has a name and must lose it if it does not become whole; `path` says which.
///
/// # Errors
/// Those of `make`.
pub fn file<T>(make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> PathBuf) -> io::Result<(T, Held)> {
    // Under the lock: a stop comes before it is there, or finds it here.
    let mut register = lock(&HELD);
    let new = make()?;
    let held = register.add(What::File(path(&new)));
    Ok((new, held))
}

/// Makes a folder that must not stay, with all that will be in it; `path` says which.
///
/// # Errors
/// Those of `make`.
pub fn folder<T>(make: impl FnOnce() -> io::Result<T>, path: impl FnOnce(&T) -> PathBuf) -> io::Result<(T, Held)> {
    let mut register = lock(&HELD);
    let new = make()?;
    let held = register.add(What::Folder(path(&new)));
    Ok((new, held))
}

/// How files and folders begin that have a name and are not whole: one that a killed process left can be told by it.
pub const UNFINISHED: &str = ".fitout-";

/// Writes a file whole, or not at all, in the place of what has this name.
///
/// # Errors
/// When it cannot be written; what was there is still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let new = || tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder);
    let (mut whole, _held) = file(new, |whole| whole.path().to_owned())?;
    whole.write_all(bytes)?;
    whole.persist(path).map(drop).map_err(|error| error.error)
}

/// Starts a program. On a terminal it is in our process group, so `^C` reaches it without us.
///
/// # Errors
/// Those of [`Command::spawn`].
fn spawn(command: &mut Command) -> io::Result<(Child, Held)> {
    let mut register = lock(&HELD);
    let child = command.spawn()?;
    let held = register.add(What::Process(Pid::from_child(&child)));
    Ok((child, held))
}

/// Starts a program in a process group of its own, which ends with all that it started.
///
/// # Errors
/// Those of [`Command::spawn`].
pub fn spawn_group(command: &mut Command) -> io::Result<(Child, Held)> {
    let mut register = lock(&HELD);
    let child = command.process_group(0).spawn()?;
    let held = register.add(What::Group(Pid::from_child(&child)));
    Ok((child, held))
}

/// Gives a program its input while its output is taken, so that neither waits for the other. What takes longer than `within` is killed.
///
/// # Errors
/// Those of [`Command::spawn`] and of `input`; [`io::ErrorKind::TimedOut`].
pub fn talk(command: &mut Command, input: &mut dyn Read, within: Option<Duration>) -> io::Result<Output> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (mut child, held) = spawn(command)?;
    let stdin = child.stdin.take();
    let (said, heard) = mpsc::channel();
    // It is not waited for behind the end of its time: what the program started may hold its output open.
    std::thread::Builder::new().spawn(move || said.send(child.wait_with_output()))?;
    let given = stdin.map_or(Ok(0), |mut stdin| io::copy(input, &mut stdin));
    let output = match heard.recv_timeout(within.unwrap_or(Duration::MAX)) {
        Ok(output) => output,
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(io::Error::other("its output could not be taken")),
        Err(mpsc::RecvTimeoutError::Timeout) => {
            held.kill();
            let took = within.unwrap_or_default().as_secs_f64();
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {took} s")));
        }
    };
    match given {
        // One that has seen enough says by its status whether it was content.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => output,
    }
}

/// While this is held, files get their final names: a stop comes before the first or behind the last of them.
#[derive(Debug)]
pub struct Naming(MutexGuard<'static, bool>);

impl Naming {
    /// All have their names.
    pub fn done(mut self) {
        *self.0 = true;
    }
}

/// Begins to give final names.
pub fn naming() -> Naming {
    Naming(lock(&NAMED))
}

/// Ends programs and removes files; whether a run had given all its files their final names. Programs are asked first
/// and killed after [`GRACE`], or as soon as `again` says that somebody has lost patience. Whoever would start, create or
/// name something after this waits for ever: the caller ends the process.
pub fn stop(again: &mut dyn FnMut() -> bool) -> bool {
    let named = lock(&NAMED);
    let register = lock(&HELD);
    let programs = || register.all.values().filter(|what| matches!(what, What::Process(_) | What::Group(_)));
    for program in programs() {
        program.signal(Signal::TERM);
        // One that is stopped would not hear it.
        program.signal(Signal::CONT);
    }
    for what in register.all.values() {
        let _ = match what {
            What::File(path) => std::fs::remove_file(path),
            What::Folder(path) => remove(path),
            What::Process(_) | What::Group(_) => Ok(()),
        };
    }
    let end = Instant::now() + GRACE;
    while programs().any(What::is_alive) && Instant::now() < end && !again() {
        std::thread::sleep(TICK);
    }
    programs().for_each(|program| program.signal(Signal::KILL));
    let all_named = *named;
    std::mem::forget((named, register));
    all_named
}

/// Removes a folder that others may still be filling, until there is nothing left that they could fill.
fn remove(path: &Path) -> io::Result<()> {
    let mut left = Ok(());
    for _ in 0..TRIES {
        left = std::fs::remove_dir_all(path);
        match &left {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {}
            _ => return Ok(()),
        }
    }
    left
}

impl Register {
    fn add(&mut self, what: What) -> Held {
        self.next += 1;
        self.all.insert(self.next, what);
        Held(self.next)
    }
}

impl What {
    /// What has ended already cannot be reached, and need not be.
    fn signal(&self, signal: Signal) {
        let _ = match self {
            Self::Process(pid) => kill_process(*pid, signal),
            Self::Group(pid) => kill_process_group(*pid, signal),
            Self::File(_) | Self::Folder(_) => Ok(()),
        };
    }

    fn is_alive(&self) -> bool {
        match self {
            Self::Process(pid) => test_kill_process(*pid).is_ok(),
            Self::Group(pid) => test_kill_process_group(*pid).is_ok(),
            Self::File(_) | Self::Folder(_) => false,
        }
    }
}

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
