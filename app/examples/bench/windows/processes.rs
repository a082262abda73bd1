//! What the processes of one program cost, seen from outside (proc(5)): a program of Windows under Wine is a process, or
//! several, like any other.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

/// Variable of the environment by which all processes of a run are known; they hand it on.
pub(super) const MARK: &str = "GENLOCK_BENCH_RUN";

/// How often is looked. What a process does between the last look and its end is not counted.
const LOOK: Duration = Duration::from_millis(250);
/// Processor time is counted in hundredths of a second (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// All processes of a run together at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    /// Of all processes that ever were.
    cpu_ticks: u64,
    resident_kib: u64,
    /// The same, where each shared page counts by how many share it.
    proportional_kib: u64,
}

/// Looks until it is dropped.
pub(super) struct Watch {
    samples: Arc<Mutex<Vec<Sample>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    /// Watches the processes whose [`MARK`] is `mark`, from now on.
    pub(super) fn start(mark: String) -> Result<Self> {
        let (samples, stop) = (Arc::<Mutex<Vec<Sample>>>::default(), Arc::new(AtomicBool::new(false)));
        let (seen, is_over) = (Arc::clone(&samples), Arc::clone(&stop));
        let watch = move || {
            let begun = Instant::now();
            let entry = format!("{MARK}={mark}");
            let mut ticks = HashMap::new();
            while !is_over.load(Ordering::Relaxed) {
                let sample = look(entry.as_bytes(), &mut ticks, begun);
                seen.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
                std::thread::sleep(LOOK);
            }
        };
        let thread = std::thread::Builder::new().name(String::from("costs")).spawn(watch)?;
        Ok(Self { samples, stop, thread: Some(thread) })
    }

    /// What was seen, from `settled` after the start on.
    pub(super) fn costs(&self, settled: Duration) -> Costs {
        let samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        // After the end there is nothing to see.
        let alive: Vec<Sample> = samples.iter().copied().filter(|sample| sample.resident_kib > 0).collect();
        let peak = |kib: fn(&Sample) -> u64| alive.iter().map(kib).max().unwrap_or_default();
        let settled = alive.iter().filter(|sample| sample.at >= settled);
        let (first, last) = (settled.clone().next(), settled.clone().next_back());
        let cpu_cores = first.zip(last).filter(|(first, last)| last.at > first.at).map(|(first, last)| {
            let seconds = (last.at - first.at).as_secs_f64();
            (last.cpu_ticks - first.cpu_ticks) as f64 / TICKS_PER_SECOND / seconds
        });
        let mut resident: Vec<u64> = settled.map(|sample| sample.resident_kib).collect();
        resident.sort_unstable();
        Costs {
            cpu_cores,
            cpu_seconds: alive.last().map_or(0.0, |last| last.cpu_ticks as f64 / TICKS_PER_SECOND),
            resident_kib: resident.get(resident.len() / 2).copied(),
            peak_resident_kib: peak(|sample| sample.resident_kib),
            peak_proportional_kib: peak(|sample| sample.proportional_kib),
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// What a run cost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Costs {
    /// Processor seconds per second, once settled.
    cpu_cores: Option<f64>,
    /// Processor seconds from the start on.
    cpu_seconds: f64,
    /// The median, once settled.
    resident_kib: Option<u64>,
    peak_resident_kib: u64,
    peak_proportional_kib: u64,
}

impl Costs {
    pub(super) fn json(&self) -> Value {
        json!({
            "cpu_cores": self.cpu_cores,
            "cpu_seconds": self.cpu_seconds,
            "resident_mib": self.resident_kib.map(|kib| kib / 1024),
            "peak_resident_mib": self.peak_resident_kib / 1024,
            "peak_proportional_mib": self.peak_proportional_kib / 1024,
        })
    }
}

fn look(entry: &[u8], ticks: &mut HashMap<u32, u64>, begun: Instant) -> Sample {
    let (mut resident_kib, mut proportional_kib) = (0, 0);
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes =
        processes.filter_map(|process| Some((process.file_name().to_str()?.parse().ok()?, process.path())));
    for (number, path) in processes {
        let is_ours = std::fs::read(path.join("environ"))
            .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|one| one == entry));
        if !is_ours {
            continue;
        }
        if let Some(spent) = cpu_ticks(&path) {
            ticks.insert(number, spent);
        }
        let memory = std::fs::read_to_string(path.join("smaps_rollup")).unwrap_or_default();
        resident_kib += kib(&memory, "Rss:");
        proportional_kib += kib(&memory, "Pss:");
    }
    Sample { at: begun.elapsed(), cpu_ticks: ticks.values().sum(), resident_kib, proportional_kib }
}

/// Processor time of a process with all its threads, in its own code and in the system's.
fn cpu_ticks(process: &Path) -> Option<u64> {
    let stat = std::fs::read_to_string(process.join("stat")).ok()?;
    // The name, in brackets, may hold anything; behind it the times are the twelfth and the thirteenth field.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

fn kib(memory: &str, name: &str) -> u64 {
    let line = memory.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
