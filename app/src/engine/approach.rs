//! The way to being live: ask the service for a ladder, let the person decide where there is something to decide, try
//! every encoder, then connect.

use std::sync::Arc;

use control::{Answer, LadderStep, LiveState, Problem, Question, Severity};
use crossbeam_channel::Receiver;
use encoder::{DryRunFailure, TrackReport};
use ivs::client_configuration::{ClientConfiguration, Link, Message, Status};
use net::{Inquiry, InquiryFailure};
use units::{Clock, MediaTime, Span};

use super::Core;
use crate::ladder::Ladder;

/// How long the service may take to answer, over all attempts. A person who pressed a button waits for it.
const PATIENCE: Span = Span::from_secs(10);

/// How long the list of servers is waited for; without it the service's global address does.
const LIST_PATIENCE: Span = Span::from_secs(5);

/// How long a plan that was made to look at is good for going live with it. The service wants to be asked before each
/// stream (IVS multitrack integration guide, "Automatic Stream Configuration"); what it knew a moment ago is that.
const FRESH: Span = Span::from_secs(300);

/// What an approach is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be shown what would be granted.
    Look,
    /// To be live.
    GoLive,
    /// To go on with fewer renditions.
    Shrink,
    /// To go on with a new key: the stream was cut off, or is to begin anew before the service ends it.
    Renew,
}

impl Purpose {
    /// Whether a person waits before the window and can be asked. A show on air is never kept waiting for an answer.
    const fn may_ask(self) -> bool {
        matches!(self, Self::Look | Self::GoLive)
    }
}

/// All that it takes to be live.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) ladder: Ladder,
    pub(super) destination: net::Destination,
    /// How every encoder took its settings when it was tried.
    pub(super) reports: Vec<TrackReport>,
}

/// A plan that was made to look at.
pub(super) struct Prepared {
    pub(super) plan: Plan,
    made_at: MediaTime,
}

enum Step {
    /// The list of servers is on its way, and Auto or a server of it is wanted.
    Listing,
    Asking(Inquiry<ClientConfiguration>),
    Deciding(Question, Option<Box<ClientConfiguration>>),
    Trying(Box<Plan>, Receiver<Result<Vec<TrackReport>, DryRunFailure>>),
}

/// An approach under way.
pub(super) struct Approach {
    purpose: Purpose,
    pub(super) begun_at: MediaTime,
    step: Step,
}

impl Approach {
    /// Whether the light is to say that we are on the way.
    pub(super) fn is_public(&self) -> bool {
        self.purpose != Purpose::Look
    }

    /// How far it is, in words.
    pub(super) fn words(&self) -> &'static str {
        match self.step {
            Step::Listing => "looking for a server",
            Step::Asking(_) => "asking the service for a ladder",
            Step::Deciding(..) => "waiting for your decision",
            Step::Trying(..) => "trying the encoders",
        }
    }

    pub(super) fn ladder_step(&self, now: MediaTime) -> LadderStep {
        match &self.step {
            Step::Listing => LadderStep::NotAsked,
            Step::Asking(inquiry) => {
                let progress = inquiry.progress();
                let left = (progress.deadline - now).as_millis().max(0) / 1000;
                LadderStep::Asking {
                    attempt: progress.attempt,
                    seconds_left: u32::try_from(left).unwrap_or(0),
                }
            }
            Step::Deciding(_, None) => LadderStep::Unreachable,
            // There is an answer, and what it grants is not looked at before the person says so.
            Step::Deciding(_, Some(_)) | Step::Trying(..) => LadderStep::Testing,
        }
    }

    pub(super) fn question(&self) -> Option<&Question> {
        match &self.step {
            Step::Deciding(question, _) => Some(question),
            _ => None,
        }
    }
}

impl Core {
    /// Starts on the way to `purpose`.
    pub(super) fn approach(&mut self, purpose: Purpose) {
        let now = self.machine.clock.now();
        if let Some(approach) = &mut self.approach {
            if purpose == Purpose::GoLive && approach.purpose == Purpose::Look {
                (approach.purpose, approach.begun_at) = (purpose, now);
            }
            return;
        }
        let fresh = self.prepared.take().filter(|prepared| now - prepared.made_at < FRESH);
        if let (Some(prepared), Purpose::GoLive) = (fresh, purpose) {
            self.start_stream(prepared.plan, now);
            return;
        }
        if let Some(problem) = self.missing_destination() {
            self.give_up(purpose, problem, false);
            return;
        }
        if !self.asks_service() && self.awaits_servers() {
            self.approach = Some(Approach { purpose, begun_at: now, step: Step::Listing });
        } else {
            self.approach_again(purpose, now);
        }
    }

    /// Asks the service for a configuration.
    fn ask(&mut self, purpose: Purpose, now: MediaTime) {
        let Some(url) = self.settings.service.configuration_url.clone() else { return };
        self.warn_of_old_drivers();
        let body = self.configuration_request();
        let ask = net::Ask { url, body, ca: self.settings.service.ca.clone(), deadline: PATIENCE };
        let inquiry = net::ask_configuration(&self.machine.runtime, ask, self.machine.clock.clone());
        (self.ladder_step, self.ladder_reason) = (LadderStep::NotAsked, None);
        self.approach = Some(Approach { purpose, begun_at: now, step: Step::Asking(inquiry) });
    }

    /// Tells once of drivers that are older than the service wants for several renditions: it may refuse for that alone.
    fn warn_of_old_drivers(&mut self) {
        if !std::mem::replace(&mut self.warned_of_driver, true) {
            for problem in self.survey().driver_problems() {
                self.tell(problem);
            }
        }
    }

    /// Goes on with a ladder that no service was asked for.
    fn plan_without_service(&mut self, purpose: Purpose, ladder: Ladder, begun_at: MediaTime) {
        match self.destination(None, &ladder) {
            Ok(destination) => {
                let plan = Plan { ladder, destination, reports: Vec::new() };
                self.try_encoders(purpose, plan, begun_at);
            }
            Err(problem) => self.give_up(purpose, problem, false),
        }
    }

    /// Follows the approach.
    pub(super) fn watch_approach(&mut self) {
        let Some(approach) = &self.approach else { return };
        let (purpose, begun_at) = (approach.purpose, approach.begun_at);
        match &approach.step {
            Step::Listing => {
                let now = self.machine.clock.now();
                if !self.awaits_servers() || now - begun_at > LIST_PATIENCE {
                    self.approach = None;
                    self.approach_again(purpose, begun_at);
                }
            }
            Step::Asking(inquiry) => {
                if let Some(outcome) = inquiry.outcome() {
                    self.approach = None;
                    match outcome {
                        Ok(configuration) => self.hear_configuration(purpose, configuration, begun_at),
                        Err(failure) => self.hear_no_configuration(purpose, &failure, begun_at),
                    }
                }
            }
            Step::Trying(plan, outcome) => {
                if let Ok(outcome) = outcome.try_recv() {
                    let plan = plan.as_ref().clone();
                    self.approach = None;
                    match outcome {
                        Ok(reports) => self.arrive(purpose, Plan { reports, ..plan }, begun_at),
                        Err(failure) => self.hear_failed_encoder(purpose, &plan, &failure, begun_at),
                    }
                }
            }
            Step::Deciding(..) => {}
        }
    }

    fn hear_configuration(
        &mut self,
        purpose: Purpose,
        configuration: ClientConfiguration,
        begun_at: MediaTime,
    ) {
        let is_empty = configuration.encoder_configurations.is_empty();
        match configuration.status.clone() {
            Status::Error(message) => self.refused(purpose, &message),
            Status::Success if !is_empty => self.take_configuration(purpose, &configuration, begun_at),
            Status::Success => self.refused(purpose, &Message::default()),
            Status::Warning(message) | Status::Unknown { message, .. } if !is_empty => {
                if self.settings.is_interactive && purpose.may_ask() {
                    let title = "The service has a warning";
                    let answers = vec![Answer::Continue, Answer::Cancel];
                    let question = self.question(title, said(&message), &message.links, answers);
                    let step = Step::Deciding(question, Some(Box::new(configuration)));
                    self.approach = Some(Approach { purpose, begun_at, step });
                } else {
                    self.tell(Problem {
                        severity: Severity::Warning,
                        code: "configuration.warning",
                        happened: format!("The service warns: {}", said(&message)),
                        done: "Nobody could be asked, so the stream goes on.".into(),
                        advice: String::new(),
                    });
                    self.take_configuration(purpose, &configuration, begun_at);
                }
            }
            Status::Warning(message) | Status::Unknown { message, .. } => self.refused(purpose, &message),
        }
    }

    /// The service said no; that is final (integration guide, "Handling Warnings and Errors").
    fn refused(&mut self, purpose: Purpose, message: &Message) {
        let problem = Problem {
            severity: Severity::Error,
            code: "configuration.refused",
            happened: format!("The service does not grant a multitrack stream: {}", said(message)),
            done: "Nothing was sent.".into(),
            advice: "Mend what it names, or switch multitrack video off in the preferences.".into(),
        };
        self.give_up(purpose, problem, true);
    }

    fn take_configuration(
        &mut self,
        purpose: Purpose,
        configuration: &ClientConfiguration,
        begun_at: MediaTime,
    ) {
        let (canvas, rate) = (self.settings.canvas, self.settings.rate);
        let planned = Ladder::from_configuration(configuration, canvas, rate).map_err(|what| Problem {
            severity: Severity::Error,
            code: "configuration.impossible",
            happened: format!("The service grants a ladder that can not be made: {what}."),
            done: "Nothing was sent.".into(),
            advice: "Choose another frame rate or resolution in the preferences, and try again.".into(),
        });
        let planned = planned.and_then(|ladder| {
            let destination = self.destination(Some(configuration), &ladder)?;
            Ok(Plan { ladder, destination, reports: Vec::new() })
        });
        match planned {
            Ok(plan) => self.try_encoders(purpose, plan, begun_at),
            Err(problem) => self.give_up(purpose, problem, false),
        }
    }

    fn hear_no_configuration(&mut self, purpose: Purpose, failure: &InquiryFailure, begun_at: MediaTime) {
        (self.ladder_step, self.ladder_reason) = (LadderStep::Unreachable, Some(failure.happened()));
        if self.settings.is_interactive && purpose.may_ask() {
            let text = format!(
                "{} You can go live with one rendition instead; the service then makes the others.",
                failure.happened()
            );
            let answers = vec![Answer::SingleTrack, Answer::TryAgain, Answer::Cancel];
            let question = self.question("The service gave no configuration", text, &[], answers);
            self.approach = Some(Approach { purpose, begun_at, step: Step::Deciding(question, None) });
            return;
        }
        let problem = Problem {
            severity: Severity::Error,
            code: failure.code(),
            happened: failure.happened(),
            done: "Nothing was sent.".into(),
            advice: format!("{} Or go live with one rendition: leave --config-url out.", failure.advice()),
        };
        self.give_up(purpose, problem, false);
    }

    fn question(&mut self, title: &str, text: String, links: &[Link], answers: Vec<Answer>) -> Question {
        self.questions += 1;
        Question {
            id: self.questions,
            title: title.to_owned(),
            text,
            links: links.iter().map(|link| (link.text.clone(), link.url.clone())).collect(),
            answers,
        }
    }

    /// The person decided.
    pub(super) fn hear_answer(&mut self, number: u64, answer: Answer) {
        let asked = self.approach.as_ref().and_then(Approach::question).map(|question| question.id);
        if asked != Some(number) {
            return;
        }
        let Some(Approach { purpose, begun_at, step: Step::Deciding(_, configuration) }) =
            self.approach.take()
        else {
            return;
        };
        match (answer, configuration) {
            (Answer::Continue, Some(configuration)) => {
                self.take_configuration(purpose, &configuration, begun_at);
            }
            (Answer::TryAgain, _) => self.ask(purpose, begun_at),
            (Answer::SingleTrack, _) => {
                let ladder = self.settings.single();
                self.plan_without_service(purpose, ladder, begun_at);
            }
            _ => {
                self.intent = None;
                (self.ladder_step, self.ladder_reason) = (LadderStep::NotAsked, None);
                self.rest_if_unwanted();
            }
        }
    }

    /// Calls the approach off.
    pub(super) fn cancel_approach(&mut self) {
        if self.approach.take().is_some() {
            self.intent = None;
            (self.ladder_step, self.ladder_reason) = (LadderStep::NotAsked, None);
            self.rest_if_unwanted();
        }
    }

    /// Opens all encoders at once and puts a few pictures through each, beside the engine. Encoders that are at work
    /// for this very ladder have shown already that they can.
    fn try_encoders(&mut self, purpose: Purpose, plan: Plan, begun_at: MediaTime) {
        if plan.ladder.is_multitrack() {
            self.warn_of_old_drivers();
        }
        let at_work =
            self.encoding.as_ref().is_some_and(|encoding| encoding.ladder.has_same_encoders(&plan.ladder));
        if at_work || (purpose == Purpose::GoLive && !plan.ladder.is_multitrack()) {
            self.arrive(purpose, plan, begun_at);
            return;
        }
        let (sender, outcome) = crossbeam_channel::bounded(1);
        let (rate, renditions) = (self.settings.rate, plan.ladder.renditions());
        let clock: Arc<dyn Clock> = self.machine.clock.clone();
        let started = std::thread::Builder::new().name("encoder-trial".into()).spawn(move || {
            let _ = sender.send(encoder::dry_run(rate, &renditions, &clock));
        });
        match started {
            Ok(_) => {
                let step = Step::Trying(Box::new(plan), outcome);
                self.approach = Some(Approach { purpose, begun_at, step });
            }
            // Without a thread to try them on, the encoders are tried by starting them.
            Err(_) => self.arrive(purpose, plan, begun_at),
        }
    }

    /// An encoder does not work. The service is asked for fewer, as long as there are fewer to ask for.
    fn hear_failed_encoder(
        &mut self,
        purpose: Purpose,
        plan: &Plan,
        failure: &DryRunFailure,
        begun_at: MediaTime,
    ) {
        let fewer = u8::try_from(plan.ladder.rungs.len()).unwrap_or(u8::MAX).saturating_sub(1);
        let happened = format!("An encoder of this ladder does not work: {failure}.");
        if fewer == 0 || !self.can_shrink() {
            let problem = Problem {
                severity: Severity::Error,
                code: "encoder.trial",
                happened,
                done: "Nothing was sent.".into(),
                advice: "Run `genlock doctor` to see which encoders work here.".into(),
            };
            self.give_up(purpose, problem, false);
            return;
        }
        self.tell(Problem {
            severity: Severity::Warning,
            code: "encoder.trial",
            happened,
            done: format!("A ladder of at most {fewer} is asked for instead."),
            advice: "Run `genlock doctor` to see which encoders work here.".into(),
        });
        self.limit_tracks(fewer);
        self.approach_again(purpose, begun_at);
    }

    /// The same approach with the limits as they are now.
    fn approach_again(&mut self, purpose: Purpose, begun_at: MediaTime) {
        if self.asks_service() {
            self.ask(purpose, begun_at);
        } else {
            let ladder = self.own_ladder();
            self.plan_without_service(purpose, ladder, begun_at);
        }
    }

    /// The ladder where no service is asked. SRT carries one rendition: the service takes several over RTMP only
    /// (IVS multitrack integration guide, "Connect Using Enhanced RTMP").
    fn own_ladder(&mut self) -> Ladder {
        let ladder = self.settings.ladder.clone();
        if !self.is_srt() || !(ladder.is_multitrack() || self.settings.preferences.multitrack) {
            return ladder;
        }
        if ladder.is_multitrack() || self.settings.preferences.max_tracks.is_some_and(|tracks| tracks > 1) {
            self.tell(Problem {
                severity: Severity::Notice,
                code: "ladder.srt_takes_one",
                happened: "Over SRT the service takes one rendition; several go over RTMPS only.".into(),
                done: "One rendition is sent, and the service makes the others.".into(),
                advice: "Choose an rtmps:// server for several renditions of your own.".into(),
            });
        }
        self.settings.single()
    }

    fn arrive(&mut self, purpose: Purpose, plan: Plan, begun_at: MediaTime) {
        (self.ladder_step, self.ladder_reason) = (LadderStep::Granted, None);
        match purpose {
            Purpose::Look => {
                self.prepared = Some(Prepared { plan, made_at: self.machine.clock.now() });
                self.rest_if_unwanted();
            }
            Purpose::GoLive => self.start_stream(plan, begun_at),
            Purpose::Shrink | Purpose::Renew => self.hear_plan(plan),
        }
    }

    /// The approach ends here.
    fn give_up(&mut self, purpose: Purpose, problem: Problem, is_refusal: bool) {
        if self.ladder_step != LadderStep::Unreachable {
            (self.ladder_step, self.ladder_reason) = (LadderStep::Refused, Some(problem.happened.clone()));
        }
        if purpose == Purpose::GoLive {
            // Whoever goes live after this need not mean to take over any more.
            self.intent = None;
            self.after_live = LiveState::Failed;
            self.last_destination = Some(crate::report::DestinationFigures {
                address: self.address(),
                state: LiveState::Failed.word().to_owned(),
                failure: Some(problem.code.to_owned()),
                refused: is_refusal,
                ..crate::report::DestinationFigures::default()
            });
        }
        self.tell(problem);
        if !purpose.may_ask() {
            // A broadcast may be waiting for this answer, whatever it was asked for at first.
            self.hear_no_plan(is_refusal);
        }
        self.rest_if_unwanted();
    }

    /// Whether a ladder with fewer renditions can be had.
    pub(super) fn can_shrink(&self) -> bool {
        self.asks_service() || self.settings.ladder.origin == crate::ladder::Origin::BuiltIn
    }

    /// Asks the service anew for the stream that follows the present one, unless it is being asked already.
    pub(super) fn ask_anew(&mut self) {
        if self.approach.is_none() {
            let now = self.machine.clock.now();
            self.approach_again(Purpose::Renew, now);
        }
    }

    /// Asks for a ladder with one rendition less and goes on with it; the stream and the recording run on meanwhile.
    pub(super) fn shrink_ladder(&mut self, why: &str, code: &'static str) {
        let rungs = self.encoding.as_ref().map_or(0, |encoding| encoding.ladder.rungs.len());
        let fewer = u8::try_from(rungs).unwrap_or(u8::MAX).saturating_sub(1);
        if fewer == 0 || self.main().is_none() || !self.can_shrink() || self.approach.is_some() {
            self.tell(Problem {
                severity: Severity::Warning,
                code,
                happened: format!("{why}."),
                done: "The ladder stays as it is.".into(),
                advice: "Close what you do not need, or choose a smaller ladder and go live again.".into(),
            });
            return;
        }
        self.tell(Problem {
            severity: Severity::Warning,
            code,
            happened: format!("{why}."),
            done: format!(
                "A ladder of at most {fewer} is asked for, and the stream goes on with it; the recording runs on."
            ),
            advice: "Close what you do not need, or use a cable instead of Wi-Fi.".into(),
        });
        self.limit_tracks(fewer);
        let now = self.machine.clock.now();
        self.approach_again(Purpose::Shrink, now);
    }
}

fn said(message: &Message) -> String {
    if message.text.trim().is_empty() { "it names no reason.".into() } else { message.text.trim().to_owned() }
}
