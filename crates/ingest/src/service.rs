//! What all sessions share: the channel with its rules, keys, events and reports.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ivs::Rules;
use tokio::sync::watch;
use units::{Clock, MediaTime};

use crate::config::Faults;
use crate::event_log::EventLog;
use crate::report::SessionReport;
use crate::stream_keys::StreamKeys;

/// Reports that are kept; the oldest go first.
const MAX_REPORTS: usize = 1000;

/// Returns when the ingest is to stop: when it was asked to, or its handle is gone.
pub(crate) async fn stop_asked(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

pub(crate) struct Service {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rules: Rules,
    pub(crate) enforce: bool,
    pub(crate) keys: StreamKeys,
    pub(crate) events: EventLog,
    pub(crate) out_dir: Option<PathBuf>,
    faults: Mutex<Faults>,
    reports: Mutex<Vec<SessionReport>>,
    /// Reports so far, those that are no longer kept included.
    reported: watch::Sender<u64>,
    sessions: AtomicU64,
}

impl Service {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        (rules, enforce): (Rules, bool),
        keys: StreamKeys,
        events: EventLog,
        out_dir: Option<PathBuf>,
        faults: Faults,
    ) -> Self {
        Self {
            clock,
            rules,
            enforce,
            keys,
            events,
            out_dir,
            faults: Mutex::new(faults),
            reports: Mutex::new(Vec::new()),
            reported: watch::Sender::new(0),
            sessions: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> MediaTime {
        self.clock.now()
    }

    /// A number for a new session, from 1, and the faults that it shall have.
    pub(crate) fn begin_session(&self) -> (u64, Faults) {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        let faults = self.lock_faults().clone();
        let faulty = faults.sessions.is_none_or(|sessions| number <= sessions);
        (number, if faulty { faults } else { Faults::default() })
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        *self.lock_faults() = faults;
    }

    fn lock_faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_reports(&self) -> MutexGuard<'_, Vec<SessionReport>> {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reports(&self) -> Vec<SessionReport> {
        self.lock_reports().clone()
    }

    pub(crate) fn reported(&self) -> watch::Receiver<u64> {
        self.reported.subscribe()
    }

    /// Keeps `report`, and writes it beside the received stream.
    pub(crate) fn file_report(&self, report: SessionReport) {
        if let Some(folder) = &self.out_dir {
            let name = match &report.file {
                Some(file) => file.replace("received-", "report-").replace(".flv", ".json"),
                None => format!("report-session-{}.json", report.session),
            };
            let written = serde_json::to_vec_pretty(&report).map_err(std::io::Error::other);
            let written = written.and_then(|json| std::fs::write(folder.join(&name), json));
            if let Err(error) = written {
                tracing::warn!(%error, "{name} can not be written");
            }
        }
        let mut reports = self.lock_reports();
        if reports.len() >= MAX_REPORTS {
            reports.remove(0);
        }
        reports.push(report);
        drop(reports);
        self.reported.send_modify(|count| *count += 1);
    }
}
