//! The end of libsrt, before that of the process.
//!
//! libsrt 1.5.1 destroys its table of sockets when the process ends, while its own thread may still be walking through
//! it: about one process of thirty that had sent over SRT crashed there on a busy machine, after everything was done. So
//! libsrt is shut down first, which ends that thread.
#![cfg_attr(
    unix,
    expect(unsafe_code, reason = "a function of C is declared; it is said there why it is safe to call")
)]

/// Has `act` called when the process ends in good order, before what libraries registered until now.
#[cfg(unix)]
pub(super) fn before_the_process(act: extern "C" fn()) {
    // SAFETY: as atexit(3) declares it. It only notes the function, which is part of the program and so stays; at worst
    // there is no room, and the process ends as it would have without it.
    unsafe extern "C" {
        safe fn atexit(act: extern "C" fn()) -> core::ffi::c_int;
    }
    let _noted = atexit(act);
}

/// Windows ends all other threads of a process before it destroys anything, and what may hang there, the program leaves
/// out (`desktop::process_end`).
#[cfg(not(unix))]
pub(super) fn before_the_process(_act: extern "C" fn()) {}
