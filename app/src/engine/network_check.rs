//! The network check: a stream that no viewer sees, and what it says about the network.

use std::sync::Arc;

use control::{CheckChoice, CheckResultView, CheckRunView, CheckTarget, NetworkCheckView, Problem, Severity};
use crossbeam_channel::Receiver;
use ivs::IngestAddress;
use net::{CheckFailure, RunningCheck};
use publish::{CheckClip, Recommendation};
use units::{Clock, MediaTime, Secret, Span};

use super::Core;
use crate::network_check::{self, LASTING, config};

/// What is sent is being made.
struct Making {
    destination: net::Destination,
    is_test: bool,
    clip: Receiver<Result<CheckClip, String>>,
}

/// A check under way.
pub(super) struct Checking {
    target: String,
    making: Option<Making>,
    running: Option<RunningCheck>,
}

/// What the last check found.
pub(super) struct Checked {
    target: String,
    recommendation: Recommendation,
    at: MediaTime,
}

impl Core {
    pub(super) fn check_network(&mut self, target: &CheckTarget) {
        if self.checking.is_some() {
            return;
        }
        if !self.outlets.is_empty() || self.approach.is_some() {
            self.refuse_check("A network check would take the upload away from the stream.");
            return;
        }
        let destination = match target {
            CheckTarget::Ingest => self.check_destination(),
            CheckTarget::Address(address) => address
                .expose()
                .trim()
                .parse::<IngestAddress>()
                .map(|address| {
                    let mut destination = net::Destination::new(address, self.stream_key());
                    destination.ca.clone_from(&self.settings.target.ca);
                    destination
                })
                .map_err(|error| error.to_string()),
        };
        let destination = match destination {
            Ok(destination) => destination,
            Err(why) => {
                self.refuse_check(&format!("There is nowhere to send a test to: {why}."));
                return;
            }
        };
        let (sender, clip) = crossbeam_channel::bounded(1);
        let clock: Arc<dyn Clock> = self.machine.clock.clone();
        let started = std::thread::Builder::new()
            .name("check-clip".into())
            .spawn(move || drop(sender.send(network_check::clip(&clock))));
        if let Err(error) = started {
            self.refuse_check(&format!("No thread: {error}."));
            return;
        }
        // A rehearsal and a test channel show what they get to nobody anyway; the real ingest has to be told.
        let is_test = *target == CheckTarget::Ingest;
        let target = destination.address.to_string();
        self.checking = Some(Checking {
            target: target.split('?').next().unwrap_or_default().to_owned(),
            making: Some(Making { destination, is_test, clip }),
            running: None,
        });
        self.checked = None;
    }

    /// The ingest of the show, with the channel's own key: a configured key is for one stream.
    fn check_destination(&self) -> Result<net::Destination, String> {
        if let Some(problem) = self.missing_destination() {
            return Err(problem.happened.trim_end_matches('.').to_owned());
        }
        let mut address = self.resolve(None)?;
        if let Some(passphrase) = self.servers.target.passphrase.as_ref().filter(|_| self.is_srt()) {
            address = address.with_passphrase(passphrase.clone());
        }
        let mut destination = net::Destination::new(address, self.stream_key());
        destination.ca.clone_from(&self.servers.target.ca);
        Ok(destination)
    }

    fn refuse_check(&mut self, happened: &str) {
        self.tell(Problem {
            severity: Severity::Warning,
            code: "network_check.not_started",
            happened: happened.into(),
            done: "Nothing was sent.".into(),
            advice: String::new(),
        });
    }

    pub(super) fn cancel_network_check(&mut self) {
        self.checking = None;
    }

    /// Follows the check.
    pub(super) fn watch_network_check(&mut self) {
        let Some(checking) = &mut self.checking else { return };
        let made = checking.making.as_ref().and_then(|making| making.clip.try_recv().ok());
        if let Some(made) = made
            && let Some(Making { destination, is_test, .. }) = checking.making.take()
        {
            let started = made.and_then(|clip| {
                let config = config(destination, is_test, self.settings.ladder.total(), clip);
                net::check_network(&self.machine.runtime, config, self.machine.clock.clone())
                    .map_err(|error| error.to_string())
            });
            match started {
                Ok(running) => checking.running = Some(running),
                Err(why) => {
                    self.checking = None;
                    self.refuse_check(&format!("The network check could not be started: {why}."));
                }
            }
            return;
        }
        let Some(outcome) = checking.running.as_ref().and_then(RunningCheck::outcome) else { return };
        let target = checking.target.clone();
        self.checking = None;
        match outcome {
            Ok(recommendation) => {
                let at = self.machine.clock.now();
                self.checked = Some(Checked { target, recommendation, at });
            }
            Err(CheckFailure::Cancelled) => {}
            Err(CheckFailure::Connection(failure)) => self.tell(Problem {
                severity: Severity::Warning,
                code: failure.code(),
                happened: format!("The network check did not get through: {}", failure.happened()),
                done: "Nothing was found out; nothing was shown to anybody.".into(),
                advice: failure.advice().to_owned(),
            }),
        }
    }

    pub(super) fn network_check_view(&self) -> NetworkCheckView {
        let address = self.resolve(None).map(|address| address.to_string()).unwrap_or_default();
        let hindrance = self.missing_destination().map(|problem| problem.happened).unwrap_or_default();
        let choices = vec![
            CheckChoice {
                leads_to: address.split('?').next().unwrap_or_default().to_owned(),
                target: CheckTarget::Ingest,
                is_real: !self.machine.is_rehearsal,
                hindrance,
            },
            CheckChoice {
                leads_to: String::new(),
                target: CheckTarget::Address(Secret::new("")),
                is_real: false,
                hindrance: String::new(),
            },
        ];
        let running = self.checking.as_ref().map(|checking| {
            let progress = checking.running.as_ref().map(RunningCheck::progress);
            let fraction = progress.map_or(0.0, |progress| progress.fraction);
            CheckRunView {
                target: checking.target.clone(),
                fraction,
                rate: progress.map(|progress| progress.rate).unwrap_or_default(),
                left: Span::from_millis((LASTING.as_millis() as f32 * (1.0 - fraction)) as i64),
            }
        });
        let result = self.checked.as_ref().map(|checked| {
            let found = &checked.recommendation;
            CheckResultView {
                target: checked.target.clone(),
                carries: found.carries,
                jitter: found.jitter,
                loss_percent: found.loss_percent.unwrap_or(0.0),
                recommended: found.recommended_total,
                sentences: found.sentences.clone(),
                ago: self.machine.clock.now() - checked.at,
            }
        });
        NetworkCheckView { choices, running, result }
    }
}
