//! Questions to the service's control plane: asked in a task, again where that may help, within a time that a person
//! sees running.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ivs::client_configuration::ClientConfiguration;
use ivs::find_ingest::{self, IngestList};
use publish::{AttemptLimits, Attempts, InquiryCause, InquiryFailure};
use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use units::{Clock, MediaTime, Secret, Span};

use crate::https::{self, Place, Refusal};
use crate::trust;

/// A question that carries something. Prints no body.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where to ask; has to begin with `https://`.
    pub url: String,
    /// What is sent, in JSON. It holds the stream key.
    pub body: Secret,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// How long to try.
    pub deadline: Span,
}

/// How far an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InquiryStep {
    /// Before the first attempt, or between two.
    Waiting,
    /// Looking up the name.
    Resolving,
    /// Opening the connection.
    Connecting,
    /// Setting up TLS.
    Securing,
    /// The question is on its way, or its answer is.
    Asking,
    /// The answer is there, or there will be none.
    Over,
}

impl InquiryStep {
    /// The step in words for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Waiting => "waiting to ask again",
            Self::Resolving => "looking up the address",
            Self::Connecting => "connecting",
            Self::Securing => "setting up encryption",
            Self::Asking => "waiting for the answer",
            Self::Over => "done",
        }
    }
}

/// How far a question is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which attempt this is, the first being 1; 0 before it.
    pub attempt: u32,
    /// When the next attempt begins, while none is under way.
    pub waiting_until: Option<MediaTime>,
    /// When it is given up.
    pub deadline: MediaTime,
    /// What is being done.
    pub step: InquiryStep,
}

struct Shared<T> {
    progress: Mutex<Progress>,
    outcome: watch::Sender<Option<Result<T, InquiryFailure>>>,
    subject: &'static str,
    host: String,
}

impl<T> Shared<T> {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        // Progress is a plain value; there is no half-written state.
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first outcome stays.
    fn settle(&self, outcome: Result<T, InquiryCause>) {
        let attempts = self.progress().attempt;
        let outcome = outcome.map_err(|cause| InquiryFailure {
            subject: self.subject,
            host: self.host.clone(),
            attempts,
            cause,
        });
        {
            let mut progress = self.progress();
            progress.step = InquiryStep::Over;
            progress.waiting_until = None;
        }
        self.outcome.send_if_modified(|settled| {
            let is_first = settled.is_none();
            if is_first {
                *settled = Some(outcome);
            }
            is_first
        });
    }
}

/// A question under way, or answered. Dropping it stops asking.
pub struct Inquiry<T> {
    shared: Arc<Shared<T>>,
    task: Option<AbortHandle>,
}

impl<T: Clone> Inquiry<T> {
    /// How far it is.
    pub fn progress(&self) -> Progress {
        *self.shared.progress()
    }

    /// The answer, or why there is none; `None` while it is being asked for.
    pub fn outcome(&self) -> Option<Result<T, InquiryFailure>> {
        self.shared.outcome.borrow().clone()
    }

    /// Waits for the outcome; `None` when the runtime was shut down before.
    pub async fn wait(&self) -> Option<Result<T, InquiryFailure>> {
        let mut outcome = self.shared.outcome.subscribe();
        let outcome = outcome.wait_for(Option::is_some).await.ok()?;
        outcome.clone()
    }

    /// Stops asking; the outcome is [`InquiryCause::Cancelled`], unless there was one already.
    pub fn cancel(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
        self.shared.settle(Err(InquiryCause::Cancelled));
    }
}

impl<T> Drop for Inquiry<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// Asks for a stream configuration (GetClientConfiguration). Returns at once.
pub fn ask_configuration(runtime: &Handle, ask: Ask, clock: Arc<dyn Clock>) -> Inquiry<ClientConfiguration> {
    let Ask { url, body, ca, deadline } = ask;
    let subject = "the stream configuration";
    let read = |answer: &[u8]| ClientConfiguration::parse(answer).map_err(|error| error.to_string());
    start(runtime, Question { subject, url, body: Some(body), ca, deadline, read }, clock)
}

/// Asks for the list of servers (FindIngest). Returns at once.
pub fn find_ingest(
    runtime: &Handle,
    url: String,
    ca: Option<PathBuf>,
    deadline: Span,
    clock: Arc<dyn Clock>,
) -> Inquiry<IngestList> {
    let subject = "the list of servers";
    let read = |answer: &[u8]| find_ingest::parse(answer).map_err(|error| error.to_string());
    start(runtime, Question { subject, url, body: None, ca, deadline, read }, clock)
}

struct Question<T> {
    subject: &'static str,
    url: String,
    body: Option<Secret>,
    ca: Option<PathBuf>,
    deadline: Span,
    read: fn(&[u8]) -> Result<T, String>,
}

fn start<T: Clone + Send + Sync + 'static>(
    runtime: &Handle,
    question: Question<T>,
    clock: Arc<dyn Clock>,
) -> Inquiry<T> {
    let attempts = Attempts::new(AttemptLimits::within(question.deadline), seed(), clock.now());
    let place = Place::of(&question.url);
    let shared = Arc::new(Shared {
        progress: Mutex::new(Progress {
            attempt: 0,
            waiting_until: None,
            deadline: attempts.deadline(),
            step: InquiryStep::Waiting,
        }),
        outcome: watch::Sender::new(None),
        subject: question.subject,
        host: place.as_ref().map(|place| place.host.clone()).unwrap_or_default(),
    });
    let place = match place {
        Ok(place) => place,
        Err(why) => {
            shared.settle(Err(InquiryCause::Address(why)));
            return Inquiry { shared, task: None };
        }
    };
    let asker = Asker { place, question, attempts, clock, shared: Arc::clone(&shared) };
    let task = runtime.spawn(asker.run()).abort_handle();
    Inquiry { shared, task: Some(task) }
}

/// Makes the pauses differ from those of others; no secret.
fn seed() -> u64 {
    let mut seed = [0; 8];
    // Without random numbers TLS fails too, and says so.
    let _filled = rustls::crypto::ring::default_provider().secure_random.fill(&mut seed);
    u64::from_ne_bytes(seed)
}

struct Asker<T> {
    place: Place,
    question: Question<T>,
    attempts: Attempts,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared<T>>,
}

impl<T: Send + Sync> Asker<T> {
    async fn run(mut self) {
        let outcome = self.ask().await;
        self.shared.settle(outcome);
    }

    async fn ask(&mut self) -> Result<T, InquiryCause> {
        let ca = self.question.ca.clone();
        let trust = tokio::task::spawn_blocking(move || trusted(ca.as_deref())).await;
        let trust = trust.map_err(|error| InquiryCause::Machine(error.to_string()))??;
        loop {
            let Refusal { cause, retry_after } = match self.attempt(Arc::clone(&trust)).await {
                Ok(answer) => return (self.question.read)(&answer).map_err(InquiryCause::Malformed),
                Err(refusal) => refusal,
            };
            let failure = InquiryFailure {
                subject: self.question.subject,
                host: self.place.host.clone(),
                attempts: self.attempts.made(),
                cause,
            };
            tracing::info!(host = %self.place.host, attempt = failure.attempts, "no answer: {failure}");
            let now = self.clock.now();
            let next = if failure.is_passing() { self.attempts.failed(retry_after, now) } else { None };
            let Some(next) = next else { return Err(failure.cause) };
            {
                let mut progress = self.shared.progress();
                progress.waiting_until = Some(next);
                progress.step = InquiryStep::Waiting;
            }
            tokio::time::sleep((next - now).to_duration()).await;
        }
    }

    async fn attempt(&mut self, trust: Arc<ClientConfig>) -> Result<bytes::Bytes, Refusal> {
        let now = self.clock.now();
        let by = self.attempts.begin(now);
        {
            let mut progress = self.shared.progress();
            progress.attempt = self.attempts.made();
            progress.waiting_until = None;
        }
        let step = |step| self.shared.progress().step = step;
        let exchange = https::exchange(&self.place, self.question.body.as_ref(), trust, &step);
        match tokio::time::timeout((by - now).to_duration(), exchange).await {
            Ok(answer) => answer,
            Err(_elapsed) => {
                let step = self.shared.progress().step;
                Err(self.place.timed_out(step).into())
            }
        }
    }
}

fn trusted(ca: Option<&Path>) -> Result<Arc<ClientConfig>, InquiryCause> {
    match trust::client_config(ca, true) {
        Ok(Some(config)) => Ok(config),
        Ok(None) => Err(InquiryCause::Machine(String::from("encryption was not set up"))),
        Err(error) => Err(InquiryCause::Machine(error.to_string())),
    }
}
