//! What was asked over HTTPS and what was answered, for whoever wonders why a request was refused: the service answers
//! a malformed one with nothing but a number.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use units::MediaTime;

use crate::Error;

/// Name of the file in the output folder.
const FILE_NAME: &str = "inquiries.jsonl";

/// Inquiries that are kept; the oldest go first.
const MAX_INQUIRIES: usize = 1000;

/// Longest path of a request that is kept, in characters.
const PATH_CHARACTERS: usize = 120;

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InquiryOutcome {
    /// It was answered with what it asked for.
    Answered,
    /// It was understood and refused, with a reason for a person.
    Refused,
    /// It was not understood.
    Malformed,
    /// A fault on demand.
    Fault,
}

/// One request over HTTPS and its answer. Holds no stream key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InquiryReport {
    /// Number in this run, from 1.
    pub inquiry: u64,
    /// When it was answered, in milliseconds of media time.
    pub at_ms: i64,
    /// From where.
    pub peer: SocketAddr,
    /// The path that was asked for.
    pub path: String,
    /// HTTP status of the answer; 0 when there was none.
    pub http_status: u16,
    /// What became of it.
    pub outcome: InquiryOutcome,
    /// What is wrong with it, or why it was refused: sentences.
    pub complaints: Vec<String>,
    /// Name and version of the client, when it says them.
    pub client: Option<String>,
    /// Id of the configuration that was granted.
    pub config_id: Option<String>,
    /// The renditions that were granted, such as `1280x720 30 fps H.264 2500 kbps`.
    pub granted: Vec<String>,
}

impl InquiryReport {
    /// A report that says only who asked for what; the log numbers it.
    pub(crate) fn new(path: &str, peer: SocketAddr) -> Self {
        Self {
            inquiry: 0,
            at_ms: 0,
            peer,
            // A path can have everything in it, a key too.
            path: ivs::redact(&path.chars().take(PATH_CHARACTERS).collect::<String>()),
            http_status: 0,
            outcome: InquiryOutcome::Answered,
            complaints: Vec::new(),
            client: None,
            config_id: None,
            granted: Vec::new(),
        }
    }
}

/// Keeps reports of inquiries and writes them as JSON lines.
pub(crate) struct InquiryLog(Mutex<Inner>);

struct Inner {
    file: Option<File>,
    count: u64,
    reports: Vec<InquiryReport>,
}

impl InquiryLog {
    pub(crate) fn new(out_dir: Option<&Path>) -> Result<Self, Error> {
        let file = out_dir
            .map(|folder| {
                let path = folder.join(FILE_NAME);
                let open = File::options().create(true).append(true).open(&path);
                open.map_err(|source| Error::Folder { path, source })
            })
            .transpose()?;
        Ok(Self(Mutex::new(Inner { file, count: 0, reports: Vec::new() })))
    }

    pub(crate) fn tell(&self, mut report: InquiryReport, now: MediaTime) {
        let InquiryReport { path, http_status, outcome, complaints, .. } = &report;
        tracing::info!(path, http_status, ?outcome, ?complaints, "rehearsal ingest, HTTPS");
        let mut inner = self.lock();
        inner.count += 1;
        report.inquiry = inner.count;
        report.at_ms = now.as_millis();
        if let Ok(mut line) = serde_json::to_vec(&report) {
            line.push(b'\n');
            if let Some(open) = inner.file.as_mut()
                && let Err(error) = open.write_all(&line)
            {
                tracing::warn!(%error, "inquiries can no longer be written to {FILE_NAME}");
                inner.file = None;
            }
        }
        if inner.reports.len() >= MAX_INQUIRIES {
            inner.reports.remove(0);
        }
        inner.reports.push(report);
    }

    pub(crate) fn reports(&self) -> Vec<InquiryReport> {
        self.lock().reports.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
