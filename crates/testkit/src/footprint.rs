//! What this process holds of the system, for tests that start and stop something many times.
#![allow(
    unsafe_code,
    reason = "glibc tells what it has given out by a call of C only; each block says why it is sound"
)]

use std::time::{Duration, Instant};

/// What was closed goes for good a moment later, in threads of others: libsrt clears its closed sockets away once a
/// second, and GLib ends an idle thread after 15 seconds. A minute is far beyond that on the slowest machine, and a true
/// leak stays for ever.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often is looked.
const LOOK: Duration = Duration::from_millis(20);
/// Memory that has not become less for so long has settled.
const STILL: Duration = Duration::from_secs(3);

/// Threads, handles and memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Footprint {
    /// Threads.
    pub threads: usize,
    /// Open files, sockets, pipes and the like.
    pub handles: usize,
    /// Memory that was asked for and not given back, in whatever language, and memory shared with other processes, in KiB.
    /// What the allocator keeps for itself does not count, so that the figure does not depend on which thread asked when.
    pub held_kib: u64,
}

impl Footprint {
    /// As Linux (proc(5)) and glibc (mallinfo(3)) tell it; `None` on other systems, where nobody is asked.
    pub fn now() -> Option<Self> {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        {
            let entries = |folder: &str| std::fs::read_dir(folder).map(Iterator::count).ok();
            Some(Self {
                threads: entries("/proc/self/task")?,
                handles: entries("/proc/self/fd")?,
                held_kib: allocated_bytes() / 1024 + shared_kib()?,
            })
        }
        #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
        None
    }

    /// Waits until nothing goes away any more that was only slow to go, and gives what is left: until there are no more
    /// threads and handles than `idle` has, and then until memory is still. After a minute, what is there then.
    pub fn settled(idle: Self) -> Option<Self> {
        let begun = Instant::now();
        let mut still_at = begun;
        let mut least_kib = u64::MAX;
        loop {
            let now = Self::now()?;
            let is_idle = now.threads <= idle.threads && now.handles <= idle.handles;
            if !is_idle || now.held_kib < least_kib {
                (least_kib, still_at) = (now.held_kib, Instant::now());
            }
            if still_at.elapsed() >= STILL || begun.elapsed() >= PATIENCE {
                return Some(Self { held_kib: least_kib, ..now });
            }
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn allocated_bytes() -> u64 {
    // SAFETY: takes nothing, and gives numbers. It locks each arena while it counts there.
    let info = unsafe { libc::mallinfo2() };
    // What lies in arenas, and what was mapped by itself.
    (info.uordblks as u64).saturating_add(info.hblkhd as u64)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn shared_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let shared = status.lines().find_map(|line| line.strip_prefix("RssShmem:"))?;
    shared.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_seen_and_what_is_given_back_is_not() {
        const PIECES: u64 = 256;
        const PIECE_KIB: u64 = 16;
        let before = Footprint::now().unwrap();
        let kept: Vec<Vec<u8>> = (0..PIECES).map(|_| vec![1; PIECE_KIB as usize * 1024]).collect();
        let with = Footprint::now().unwrap();
        assert!(with.held_kib >= before.held_kib + PIECES * PIECE_KIB * 9 / 10, "{before:?}, {with:?}");
        drop(kept);
        let after = Footprint::now().unwrap();
        assert!(after.held_kib <= before.held_kib + PIECES * PIECE_KIB / 10, "{before:?}, {after:?}");
    }
}
