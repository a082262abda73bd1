//! What all sessions share: the channel with its rules, keys, events and reports.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use units::{Clock, MediaTime};

use crate::channel::{Audience, Channel, Limits, Ticket};
use crate::config::{ConfigurationFaults, IngestConfig, ScriptedAnswer};
use crate::event_log::EventLog;
use crate::faults::Faults;
use crate::inquiry::InquiryLog;
use crate::listener::Addresses;
use crate::playback::Playback;
use crate::rejection::Rejection;
use crate::report::SessionReport;
use crate::stream_keys::{Granted, StreamKeys};
use crate::stream_name::StreamName;

/// Reports that are kept; the oldest go first.
const MAX_REPORTS: usize = 1000;

/// Returns when the ingest is to stop: when it was asked to, or its handle is gone.
pub(crate) async fn stop_asked(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

pub(crate) struct Service {
    pub(crate) clock: Arc<dyn Clock>,
    /// What was asked for, without the keys.
    pub(crate) config: IngestConfig,
    pub(crate) keys: StreamKeys,
    pub(crate) events: Arc<EventLog>,
    /// Who is on air.
    pub(crate) channel: Arc<Channel>,
    /// What viewers would play.
    pub(crate) playback: Arc<Playback>,
    pub(crate) inquiries: InquiryLog,
    pub(crate) addresses: Addresses,
    faults: Mutex<AllFaults>,
    reachable: watch::Sender<bool>,
    configuration: Mutex<Counted>,
    /// The last request to move that was made of everybody.
    move_request: watch::Sender<MoveRequest>,
    reports: Mutex<Vec<SessionReport>>,
    /// Reports so far, those that are no longer kept included.
    reported: watch::Sender<u64>,
    sessions: AtomicU64,
}

/// What a publisher that was let in has.
pub(crate) struct Claim {
    pub(crate) ticket: Ticket,
    /// What comes with a granted key.
    pub(crate) granted: Option<Granted>,
}

/// Faults of sessions.
struct AllFaults {
    usual: Faults,
    /// Those of single sessions, instead of the usual ones.
    of_sessions: BTreeMap<u64, Faults>,
    /// What a test wants to happen, by session. Orders to sessions that are over stay; nobody gives many.
    orders: BTreeMap<u64, ConnectionOrder>,
}

/// Something that shall happen to a connection at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConnectionOrder {
    /// It is closed without a word.
    Close,
    /// It stays open, and nothing is read or written any more.
    Freeze,
}

/// Faults of HTTPS, and how many requests they have met.
struct Counted {
    faults: ConfigurationFaults,
    requests: u64,
}

/// A request to move, made of everybody who was on air when it was made.
#[derive(Clone, Default)]
pub(crate) struct MoveRequest {
    /// Number of the request; 0 before the first.
    pub(crate) number: u64,
    pub(crate) tc_url: Option<String>,
}

impl Service {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        config: IngestConfig,
        keys: StreamKeys,
        (events, inquiries): (EventLog, InquiryLog),
        addresses: Addresses,
    ) -> Self {
        let limits =
            Limits { hold: config.hold, max_stream: config.max_stream, max_takeovers: config.max_takeovers };
        let events = Arc::new(events);
        let playback = Arc::new(Playback::new(clock.now()));
        let audience: Arc<dyn Audience> = Arc::<Playback>::clone(&playback);
        let channel =
            Channel::new(keys.places(), limits, Arc::clone(&clock), Arc::clone(&events), Some(audience));
        let faults = AllFaults {
            usual: config.faults.clone(),
            of_sessions: config.session_faults.clone(),
            orders: BTreeMap::new(),
        };
        let configuration = Counted { faults: config.configuration.clone(), requests: 0 };
        Self {
            clock,
            keys,
            events,
            channel,
            playback,
            inquiries,
            addresses,
            faults: Mutex::new(faults),
            reachable: watch::Sender::new(true),
            configuration: Mutex::new(configuration),
            move_request: watch::Sender::default(),
            config,
            reports: Mutex::new(Vec::new()),
            reported: watch::Sender::new(0),
            sessions: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> MediaTime {
        self.clock.now()
    }

    /// `session` wants to publish under `name`.
    ///
    /// # Errors
    /// The key is none, its place is taken, or the takeover is none.
    pub(crate) fn claim(&self, name: &StreamName, session: u64, now: MediaTime) -> Result<Claim, Rejection> {
        let known = self.keys.know(name, now)?;
        let ticket = self.channel.claim(known.place, name, session, now)?;
        Ok(Claim { ticket, granted: known.granted })
    }

    /// Whether [`Self::claim`] would let `name` in. Nothing comes of asking.
    pub(crate) fn would_admit(&self, name: &StreamName, now: MediaTime) -> bool {
        self.keys.know(name, now).is_ok_and(|known| self.channel.would_admit(known.place, name, now))
    }

    /// A number for a new session, from 1, and the faults that it shall have.
    pub(crate) fn begin_session(&self) -> (u64, Faults) {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed) + 1;
        let all = self.lock_faults();
        let faults = all.of_sessions.get(&number).unwrap_or(&all.usual);
        let faulty = faults.sessions.is_none_or(|sessions| number <= sessions);
        (number, if faulty { faults.clone() } else { Faults::default() })
    }

    pub(crate) fn set_faults(&self, faults: Faults) {
        self.lock_faults().usual = faults;
    }

    pub(crate) fn set_session_faults(&self, session: u64, faults: Faults) {
        self.lock_faults().of_sessions.insert(session, faults);
    }

    /// Something shall happen to the connection of `session`.
    pub(crate) fn order(&self, session: u64, order: ConnectionOrder) {
        self.lock_faults().orders.insert(session, order);
    }

    /// What shall happen to the connection of `session` now.
    pub(crate) fn take_order(&self, session: u64) -> Option<ConnectionOrder> {
        self.lock_faults().orders.remove(&session)
    }

    pub(crate) fn set_reachable(&self, reachable: bool) {
        self.reachable.send_replace(reachable);
    }

    /// Whether the doors of RTMP and RTMPS are open.
    pub(crate) fn reachable(&self) -> watch::Receiver<bool> {
        self.reachable.subscribe()
    }

    /// The faults that a new request of GetClientConfiguration shall have.
    pub(crate) fn begin_configuration(&self) -> ConfigurationFaults {
        let mut counted = self.lock_configuration();
        counted.requests += 1;
        let faulty = counted.faults.requests.is_none_or(|requests| counted.requests <= requests);
        if faulty { counted.faults.clone() } else { ConfigurationFaults::default() }
    }

    /// What FindIngest shall answer.
    pub(crate) fn scripted_servers(&self) -> Option<ScriptedAnswer> {
        self.lock_configuration().faults.servers.clone()
    }

    pub(crate) fn set_configuration_faults(&self, faults: ConfigurationFaults) {
        *self.lock_configuration() = Counted { faults, requests: 0 };
    }

    pub(crate) fn request_reconnect(&self, tc_url: Option<String>) {
        self.move_request.send_modify(|request| {
            request.number += 1;
            request.tc_url = tc_url;
        });
    }

    pub(crate) fn move_request(&self) -> MoveRequest {
        self.move_request.borrow().clone()
    }

    fn lock_configuration(&self) -> MutexGuard<'_, Counted> {
        self.configuration.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_faults(&self) -> MutexGuard<'_, AllFaults> {
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
        if let Some(folder) = &self.config.out_dir {
            let name = match &report.file {
                Some(file) => {
                    let name = file.replace("received-", "report-");
                    name.replace(".flv", ".json").replace(".ts", ".json")
                }
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
