//! Who is on air: the one object that sessions of every protocol ask.
//!
//! Each key of the channel is one place, which the keys granted for it share. A session shows its stream name, gets a
//! [`Ticket`], says through it what it receives, and asks it how it stands. Takeover, the hold of a stream whose
//! publisher vanished, the longest stream and the events of the stream are decided here, in [`place`].

mod place;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ertmp::MediaKind;
use ivs::StreamShape;
use ivs::event::Happening;
use serde::Serialize;
use units::{Clock, MediaTime};

use crate::event_log::{EventLog, stream_id};
use crate::rejection::Rejection;
use crate::stream_name::StreamName;
use place::{Claimant, Place, What};

pub(crate) use place::{Leaving, Limits, Standing, StreamOver};

/// Media of a publisher that takes over, from its first message until it is known whether it may. The bytes are bounded;
/// who sends more before its first IDR picture loses the rest of it.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// Who gets what is on air, as viewers would. Called with the channel locked, in the order of things; so an audience is
/// quick, and never asks the channel.
pub(crate) trait Audience: Send + Sync {
    /// A stream begins.
    fn began(&self, stream_id: &str, now: MediaTime);
    /// The body of an FLV tag, as RTMP carries it, with its timestamp in milliseconds, which may wrap.
    fn tag(&self, stream_id: &str, kind: MediaKind, timestamp_ms: u32, body: &[u8], now: MediaTime);
    /// What follows comes from another publisher: decoder configurations first, and timestamps of its own.
    fn continued(&self, stream_id: &str, now: MediaTime);
    /// The stream is over.
    fn ended(&self, stream_id: &str, now: MediaTime);
}

/// A stream on air, for tests and for people who look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OnAir {
    /// The stream's id in the events; takeovers keep it.
    pub stream_id: String,
    /// The session that sends it; `None` while its place is held for a publisher that vanished.
    pub session: Option<u64>,
    /// Priority of the last takeover, or of the first publisher.
    pub priority: Option<u32>,
    /// Takeovers so far.
    pub takeovers: u32,
    /// When it began, in milliseconds of media time.
    pub began_at_ms: i64,
    /// When the last data came, in milliseconds of media time.
    pub last_heard_ms: i64,
}

/// All places on air.
pub(crate) struct Channel {
    limits: Limits,
    clock: Arc<dyn Clock>,
    events: Arc<EventLog>,
    audience: Option<Arc<dyn Audience>>,
    state: Mutex<State>,
}

struct State {
    places: Vec<Place>,
    /// Claims so far, which numbers them.
    claims: u64,
}

impl Channel {
    /// A channel of `places`, one for each of its keys, with nobody on air.
    pub(crate) fn new(
        places: usize,
        limits: Limits,
        clock: Arc<dyn Clock>,
        events: Arc<EventLog>,
        audience: Option<Arc<dyn Audience>>,
    ) -> Arc<Self> {
        let state = State { places: vec![Place::default(); places], claims: 0 };
        Arc::new(Self { limits, clock, events, audience, state: Mutex::new(state) })
    }

    /// `session` wants to publish under `name`, whose key has the place `place`.
    ///
    /// # Errors
    /// [`Rejection::InUse`] and [`Rejection::Takeover`]; the event of a refused takeover is told.
    pub(crate) fn claim(
        self: &Arc<Self>,
        place: usize,
        name: &StreamName,
        session: u64,
        now: MediaTime,
    ) -> Result<Ticket, Rejection> {
        let mut state = self.lock();
        state.claims += 1;
        let mut claimant = Claimant::new(state.claims, session, name.priority);
        if name.is_test {
            claimant.standing = Standing::Test;
        } else {
            let open = state.places.get_mut(place).ok_or(Rejection::Unknown)?;
            let entered = open.enter(&mut claimant, &self.limits, stream_id, now);
            self.tell(open, now);
            entered?;
        }
        drop(state);
        Ok(Ticket { channel: Arc::clone(self), place, claimant, waiting: Vec::new(), waiting_bytes: 0 })
    }

    /// Whether [`Self::claim`] would let `name` in. Nothing comes of asking.
    pub(crate) fn would_admit(&self, place: usize, name: &StreamName, now: MediaTime) -> bool {
        let mut trial = match self.lock().places.get(place) {
            Some(place) if !name.is_test => place.clone(),
            place => return place.is_some(),
        };
        trial.enter(&mut Claimant::new(0, 0, name.priority), &self.limits, stream_id, now).is_ok()
    }

    /// Time passes. Call it a few times per second, whether or not anybody is on air.
    pub(crate) fn tick(&self, now: MediaTime) {
        for place in &mut self.lock().places {
            place.tick(&self.limits, now);
            self.tell(place, now);
        }
    }

    /// Ends every stream, as `StopStream` does.
    pub(crate) fn stop_streams(&self, now: MediaTime) {
        for place in &mut self.lock().places {
            place.stop();
            self.tell(place, now);
        }
    }

    /// What is on air.
    pub(crate) fn on_air(&self) -> Vec<OnAir> {
        let state = self.lock();
        let streams = state.places.iter().filter_map(Place::stream);
        let on_air = streams.map(|stream| OnAir {
            stream_id: String::from(&*stream.id),
            session: stream.holder.map(|(_, session)| session),
            priority: stream.priority,
            takeovers: stream.takeovers,
            began_at_ms: stream.began_at.as_millis(),
            last_heard_ms: stream.last_heard.as_millis(),
        });
        on_air.collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, place: &mut Place, now: MediaTime) {
        while let Some(told) = place.poll() {
            let id = &*told.stream_id;
            match (told.what, &self.audience) {
                (What::Event(happening), _) => self.events.tell(id, happening, now),
                (What::Began, Some(audience)) => audience.began(id, now),
                (What::Continued, Some(audience)) => audience.continued(id, now),
                (What::Ended, Some(audience)) => audience.ended(id, now),
                (_, None) => {}
            }
        }
    }
}

/// A publisher's part in the channel. Whoever drops it without leaving has vanished.
pub(crate) struct Ticket {
    channel: Arc<Channel>,
    place: usize,
    claimant: Claimant,
    /// What came while it is not known whether this may take over: kind, timestamp, body.
    waiting: Vec<(MediaKind, u32, Vec<u8>)>,
    waiting_bytes: usize,
}

impl Ticket {
    /// Id of the stream it sends, or wants to take over; `None` for a test.
    pub(crate) fn stream_id(&self) -> Option<&str> {
        self.claimant.stream_id.as_deref()
    }

    /// The priority it came with.
    pub(crate) const fn priority(&self) -> Option<u32> {
        self.claimant.priority.value()
    }

    /// Whether it took a stream over.
    pub(crate) const fn took_over(&self) -> bool {
        self.claimant.took_over
    }

    /// Whether nobody shall see it.
    pub(crate) fn is_test(&self) -> bool {
        self.claimant.standing == Standing::Test
    }

    /// Looks how it stands by now. `shape` is the media that it has sent so far, `has_idr` whether an IDR picture was
    /// among them. Call it after input and whenever time passes.
    pub(crate) fn advance(&mut self, shape: &StreamShape, has_idr: bool, now: MediaTime) -> &Standing {
        let channel = Arc::clone(&self.channel);
        let mut state = channel.lock();
        if let Some(place) = state.places.get_mut(self.place) {
            place.advance(&mut self.claimant, shape, has_idr, &channel.limits, stream_id, now);
            channel.tell(place, now);
            if self.claimant.standing != Standing::Waiting && !self.waiting.is_empty() {
                self.release(now);
            }
        }
        drop(state);
        &self.claimant.standing
    }

    /// The body of an audio or video message came: it goes to whoever watches when this publisher is on air, or once it
    /// is.
    pub(crate) fn media(&mut self, kind: MediaKind, timestamp_ms: u32, body: &[u8], now: MediaTime) {
        match self.claimant.standing {
            Standing::OnAir => {
                let mut state = self.channel.lock();
                let Some(place) = state.places.get_mut(self.place) else { return };
                place.heard(self.claimant.number, now);
                let is_own = place.stream().is_some_and(|stream| {
                    stream.holder.is_some_and(|(number, _)| number == self.claimant.number)
                });
                if let (true, Some(audience), Some(id)) =
                    (is_own, &self.channel.audience, &self.claimant.stream_id)
                {
                    audience.tag(id, kind, timestamp_ms, body, now);
                }
            }
            Standing::Waiting
                if self.channel.audience.is_some()
                    && self.waiting_bytes.saturating_add(body.len()) <= MAX_WAITING_BYTES =>
            {
                self.waiting_bytes += body.len();
                self.waiting.push((kind, timestamp_ms, body.to_vec()));
            }
            _ => {}
        }
    }

    /// Something came that is no media: the publisher lives.
    pub(crate) fn heard(&self, now: MediaTime) {
        if let Some(place) = self.channel.lock().places.get_mut(self.place) {
            place.heard(self.claimant.number, now);
        }
    }

    /// Something happened in its stream; it is told as an event while this publisher is on air.
    pub(crate) fn happened(&self, happening: Happening, now: MediaTime) {
        if let Some(place) = self.channel.lock().places.get_mut(self.place) {
            place.happened(self.claimant.number, happening);
            self.channel.tell(place, now);
        }
    }

    /// The publisher was asked to move: it may come back before it leaves, without a priority.
    pub(crate) fn asked_to_move(&self) {
        if let Some(place) = self.channel.lock().places.get_mut(self.place) {
            place.asked_to_move(self.claimant.number);
        }
    }

    /// The publisher leaves. Only the first time counts.
    pub(crate) fn leave(&mut self, how: Leaving, now: MediaTime) {
        let channel = Arc::clone(&self.channel);
        if let Some(place) = channel.lock().places.get_mut(self.place) {
            place.leave(&mut self.claimant, how, &channel.limits, now);
            channel.tell(place, now);
        }
    }

    /// Gives what waited to whoever watches, when the publisher came on air. The channel is locked.
    fn release(&mut self, now: MediaTime) {
        self.waiting_bytes = 0;
        let waiting = core::mem::take(&mut self.waiting);
        if self.claimant.standing != Standing::OnAir {
            return;
        }
        if let (Some(audience), Some(id)) = (&self.channel.audience, &self.claimant.stream_id) {
            for (kind, timestamp_ms, body) in waiting {
                audience.tag(id, kind, timestamp_ms, &body, now);
            }
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = self.channel.clock.now();
        self.leave(Leaving::Vanished, now);
    }
}
