//! What this process costs.

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Processor time and memory of this process.
#[derive(Debug)]
pub(crate) struct ProcessMeter {
    system: Option<System>,
    pid: Option<Pid>,
    peak_memory_bytes: u64,
    last_cpu_ms: u64,
}

impl ProcessMeter {
    pub(crate) fn new() -> Self {
        Self {
            system: System::new().ok(),
            pid: sysinfo::get_current_pid().ok(),
            peak_memory_bytes: 0,
            last_cpu_ms: 0,
        }
    }

    /// Processor milliseconds since the process started; keeps an eye on memory on the way.
    pub(crate) fn sample(&mut self) -> u64 {
        let (Some(pid), Some(system)) = (self.pid, &mut self.system) else { return 0 };
        system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[pid]),
            false,
            ProcessRefreshKind::nothing().with_cpu().with_memory(),
        );
        if let Some(process) = system.process(pid) {
            self.peak_memory_bytes = self.peak_memory_bytes.max(process.memory());
            self.last_cpu_ms = process.accumulated_cpu_time();
        }
        self.last_cpu_ms
    }

    /// Processor milliseconds at the last [`Self::sample`].
    pub(crate) fn cpu_ms(&self) -> u64 {
        self.last_cpu_ms
    }

    /// The most memory seen by [`Self::sample`], in bytes.
    pub(crate) fn peak_memory_bytes(&self) -> u64 {
        self.peak_memory_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sees_this_process() {
        let mut meter = ProcessMeter::new();
        let before = meter.sample();
        let mut sum = 0u64;
        while meter.sample() < before + 10 {
            sum = (0..200_000u64).fold(sum, u64::wrapping_add);
        }
        assert!(meter.peak_memory_bytes() > 1_000_000, "{sum}");
    }
}
