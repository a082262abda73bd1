//! What this process holds of the system.

/// Threads, handles and memory of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footprint {
    pub(crate) threads: usize,
    pub(crate) handles: usize,
    pub(crate) resident_kib: u64,
}

impl Footprint {
    /// As Linux tells it (proc(5)).
    #[cfg(target_os = "linux")]
    pub(crate) fn now() -> Option<Self> {
        let entries = |folder: &str| std::fs::read_dir(folder).unwrap().count();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        Some(Self {
            threads: entries("/proc/self/task"),
            handles: entries("/proc/self/fd"),
            resident_kib: resident.trim().trim_end_matches(" kB").parse().unwrap(),
        })
    }

    /// Elsewhere only that it goes on working is shown.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn now() -> Option<Self> {
        None
    }
}
