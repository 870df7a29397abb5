//! What happens at SIGTERM and SIGINT: as process 1 of a container nothing happens unless the program says so.

use std::ffi::c_int;

const SIGINT: c_int = 2;
const SIGTERM: c_int = 15;
const SIG_BLOCK: c_int = 0;

/// `sigset_t` of Linux's C libraries: 1024 bits.
#[repr(C)]
struct Set([u64; 16]);

unsafe extern "C" {
    fn sigemptyset(set: *mut Set) -> c_int;
    fn sigaddset(set: *mut Set, signal: c_int) -> c_int;
    fn pthread_sigmask(how: c_int, set: *const Set, old: *mut Set) -> c_int;
    fn sigwait(set: *const Set, signal: *mut c_int) -> c_int;
}

/// Runs `act` in a thread of its own when one of the signals comes. Call it before other threads are started: they
/// inherit that the signals wait.
pub fn on_stop(act: impl FnOnce() + Send + 'static) {
    let mut set = Set([0; 16]);
    // SAFETY: the set lives through the calls, and each is given what sigsetops(3) and pthread_sigmask(3) want.
    unsafe {
        sigemptyset(&mut set);
        sigaddset(&mut set, SIGINT);
        sigaddset(&mut set, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set, std::ptr::null_mut());
    }
    std::thread::spawn(move || {
        let mut signal = 0;
        // SAFETY: both outlive the call.
        while unsafe { sigwait(&set, &mut signal) } != 0 {}
        act();
    });
}
