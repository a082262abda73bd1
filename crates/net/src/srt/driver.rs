//! The task behind an output over SRT: does what the session asks, and tells it what happened.

use std::collections::VecDeque;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use ivs::SrtTarget;
use publish::{Cause, Ended, Notice, SrtAction, SrtEvent, SrtFigures, TransportCounter};
use tokio::sync::mpsc;
use units::{Kbps, Span};

use super::Shared;
use super::multiplexer::{Multiplexer, Packed};
use super::refusal::{self, Verdict};
use super::wire::{ANSWER_WITHIN, Broken, Wire};
use crate::dial;
use crate::output::Tellings;

/// How often the connection is looked at: half as long as libsrt takes to confirm twice.
const LOOK: Duration = Duration::from_millis(10);

pub(super) struct Driver {
    pub(super) shared: Arc<Shared>,
    pub(super) target: SrtTarget,
    pub(super) latency: Span,
    pub(super) tellings: Tellings,
}

/// What an action came to.
enum Outcome {
    Resolved(Vec<SocketAddr>),
    Failed(Cause),
    Closed,
}

type UnderWay = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Everything a session has to do with the outside at one moment.
struct Links {
    under_way: Option<UnderWay>,
    addresses: VecDeque<SocketAddr>,
    ceiling: Option<Kbps>,
    /// Whom the present call goes to.
    called: Option<SocketAddr>,
    wire: Option<Wire>,
    is_connected: bool,
    multiplexer: Option<Multiplexer>,
    counter: TransportCounter,
    figures: Option<SrtFigures>,
    broken: Ear<Broken>,
    packed: Ear<Packed>,
}

/// A channel that is made anew with each thing that speaks into it, so that nothing of the one before is heard.
struct Ear<T> {
    mouth: mpsc::UnboundedSender<T>,
    ear: mpsc::UnboundedReceiver<T>,
}

impl<T> Ear<T> {
    fn new() -> Self {
        // Bounded by what is put in: a wire breaks once, and the session stops feeding the multiplexer.
        let (mouth, ear) = mpsc::unbounded_channel();
        Self { mouth, ear }
    }
}

/// What the task woke up for.
enum Woken {
    Outcome(Outcome),
    Broken(Broken),
    Packed(Packed),
    Called,
    Tick,
}

pub(super) async fn run(driver: Driver) {
    let mut links = Links {
        under_way: None,
        addresses: VecDeque::new(),
        ceiling: None,
        called: None,
        wire: None,
        is_connected: false,
        multiplexer: None,
        counter: TransportCounter::default(),
        figures: None,
        broken: Ear::new(),
        packed: Ear::new(),
    };
    loop {
        let wake = driver.decide(&mut links);
        if driver.tell() {
            return;
        }
        let woken = {
            let Links { under_way, broken, packed, .. } = &mut links;
            tokio::select! {
                outcome = finished(under_way) => Woken::Outcome(outcome),
                Some(broken) = broken.ear.recv() => Woken::Broken(broken),
                Some(packed) = packed.ear.recv() => Woken::Packed(packed),
                () = driver.shared.wake.notified() => Woken::Called,
                () = tokio::time::sleep(wake) => Woken::Tick,
            }
        };
        driver.report(woken, &mut links);
    }
}

impl Driver {
    /// Does what the session asks for, packs what is its turn, and says for how long to sleep at most.
    fn decide(&self, links: &mut Links) -> Duration {
        loop {
            let action = self.shared.session().poll_action();
            let Some(action) = action else { break };
            self.act(action, links);
        }
        self.pack(links);
        let now = self.shared.clock.now();
        // An ended session wakes for nothing; its last notices are told right after this.
        let wake = self.shared.session().wake_at(now).map_or(Duration::ZERO, |at| (at - now).to_duration());
        if links.wire.is_some() { wake.min(LOOK) } else { wake }
    }

    fn act(&self, action: SrtAction, links: &mut Links) {
        match action {
            SrtAction::Resolve => {
                let (host, port) = (self.target.host.clone(), self.target.port);
                links.under_way = Some(Box::pin(async move {
                    dial::resolve(host, port).await.map_or_else(Outcome::Failed, Outcome::Resolved)
                }));
            }
            SrtAction::Connect { ceiling } => {
                links.ceiling = ceiling;
                self.call_next(links);
            }
            SrtAction::Finish => match &mut links.multiplexer {
                Some(multiplexer) => multiplexer.finish(),
                None => self.tell_session(SrtEvent::AllPacked { bytes: 0 }),
            },
            SrtAction::Close => {
                let (wire, multiplexer) = (links.wire.take(), links.multiplexer.take());
                links.under_way = Some(Box::pin(async move {
                    off_the_task(move || drop((wire, multiplexer))).await;
                    Outcome::Closed
                }));
            }
            SrtAction::Abort => {
                links.under_way = None;
                let (wire, multiplexer) = (links.wire.take(), links.multiplexer.take());
                links.broken = Ear::new();
                links.packed = Ear::new();
                // Nobody waits for it: whatever hangs there, the session is over.
                tokio::task::spawn_blocking(move || drop((wire, multiplexer)));
            }
        }
    }

    /// Calls the next address.
    fn call_next(&self, links: &mut Links) {
        let Some(address) = links.addresses.pop_front() else {
            self.tell_session(SrtEvent::Failed(Cause::ConnectTimedOut));
            return;
        };
        links.broken = Ear::new();
        links.called = Some(address);
        let mouth = links.broken.mouth.clone();
        match Wire::call(address, &self.target, self.latency, links.ceiling, mouth) {
            Ok(wire) => links.wire = Some(wire),
            Err(cause) => self.tell_session(SrtEvent::Failed(cause)),
        }
    }

    /// Hands the multiplexer what is to be sent.
    fn pack(&self, links: &mut Links) {
        if !links.is_connected {
            return;
        }
        let now = self.shared.clock.now();
        loop {
            let (unit, config) = {
                let mut session = self.shared.session();
                let Some(unit) = session.next_unit(now) else { return };
                (unit, links.multiplexer.is_none().then(|| session.sends().clone()))
            };
            if let Some(config) = config {
                match Multiplexer::start(&config, links.packed.mouth.clone()) {
                    Ok(multiplexer) => links.multiplexer = Some(multiplexer),
                    Err(cause) => {
                        self.tell_session(SrtEvent::Failed(cause));
                        return;
                    }
                }
            }
            let track = unit.track;
            if let Some(multiplexer) = &mut links.multiplexer
                && !multiplexer.feed(unit)
            {
                self.tell_session(SrtEvent::Discarded { track });
            }
        }
    }

    /// Passes notices on; true when the last one was among them.
    fn tell(&self) -> bool {
        loop {
            let notice = self.shared.session().poll_notice();
            let Some(notice) = notice else { return false };
            let host = &self.target.host;
            match &notice {
                Notice::Step(step) => tracing::debug!(%host, %step, "output over SRT"),
                Notice::Ended(Ended::Failed(failure)) => {
                    tracing::warn!(%host, code = failure.code(), "output over SRT failed: {failure}");
                }
                _ => {}
            }
            if self.tellings.tell(notice) {
                return true;
            }
        }
    }

    fn report(&self, woken: Woken, links: &mut Links) {
        match woken {
            Woken::Called => {}
            Woken::Tick => {
                self.look(links);
                self.tell_session(SrtEvent::Tick);
            }
            Woken::Packed(Packed::Packets(packets)) => {
                if let Ok(bytes) = packets.map_readable() {
                    links.counter.feed(&bytes);
                }
                if let Some(wire) = &mut links.wire {
                    wire.send(packets);
                }
                while let Some(start) = links.counter.poll() {
                    if let Some(track) = links.multiplexer.as_mut().and_then(|it| it.begun(start.pid)) {
                        self.tell_session(SrtEvent::Packed { track, at: start.at });
                    }
                }
                let packed = links.counter.bytes();
                self.tell_session(SrtEvent::Made { packed });
            }
            Woken::Packed(Packed::End) => {
                self.tell_session(SrtEvent::AllPacked { bytes: links.counter.bytes() });
            }
            Woken::Broken(broken) => self.broke(&broken, links),
            Woken::Outcome(outcome) => {
                links.under_way = None;
                self.tell_session(match outcome {
                    Outcome::Resolved(addresses) => {
                        links.addresses = addresses.into();
                        SrtEvent::Resolved
                    }
                    Outcome::Failed(cause) => SrtEvent::Failed(cause),
                    Outcome::Closed => SrtEvent::Closed,
                });
            }
        }
    }

    /// Looks at the connection.
    fn look(&self, links: &mut Links) {
        if let Some(multiplexer) = &mut links.multiplexer {
            multiplexer.check();
        }
        let Some(wire) = &links.wire else { return };
        let progress = wire.progress();
        if !progress.is_connected {
            return;
        }
        if !std::mem::replace(&mut links.is_connected, true) {
            self.tell_session(SrtEvent::Connected);
        }
        let (taken, unsent) = (progress.taken, progress.unsent);
        self.tell_session(SrtEvent::Moved { taken, unsent });
        if let Some(figures) = progress.figures.filter(|figures| links.figures != Some(*figures)) {
            links.figures = Some(figures);
            self.tell_session(SrtEvent::Figures(figures));
        }
    }

    /// The sink gave up: on the call, or on the connection.
    fn broke(&self, broken: &Broken, links: &mut Links) {
        tracing::debug!(host = %self.target.host, words = %broken.words, "SRT");
        let wire = links.wire.take();
        tokio::task::spawn_blocking(move || drop(wire));
        if links.is_connected {
            self.tell_session(SrtEvent::Closed);
            return;
        }
        let otherwise = match refusal::read(&broken.words, self.target.passphrase.is_some()) {
            Verdict::Known(Cause::ConnectTimedOut) => return self.call_next(links),
            Verdict::Known(cause) => return self.tell_session(SrtEvent::Failed(cause)),
            Verdict::Nothing if refusal::is_silence(broken.after, ANSWER_WITHIN) => {
                return self.call_next(links);
            }
            Verdict::Nothing => Cause::ConnectFailed(broken.words.clone()),
            Verdict::Unclear(cause) => cause,
        };
        let (called, target) = (links.called, self.target.clone());
        links.under_way =
            Some(Box::pin(async move { Outcome::Failed(refusal::ask(called, &target, otherwise).await) }));
    }

    fn tell_session(&self, event: SrtEvent) {
        let now = self.shared.clock.now();
        self.shared.session().handle(event, now);
    }
}

/// Does something that may take a moment where it holds no task up.
async fn off_the_task(act: impl FnOnce() + Send + 'static) {
    let _done = tokio::task::spawn_blocking(act).await;
}

async fn finished(under_way: &mut Option<UnderWay>) -> Outcome {
    match under_way {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
