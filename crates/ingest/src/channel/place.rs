//! One place on air: the stream that has it, who sends it, who may take it. No clock, no lock; what there is to tell
//! is drained by the caller.

use std::collections::VecDeque;
use std::sync::Arc;

use ivs::StreamShape;
use ivs::event::Happening;
use units::{MediaTime, Span};

use crate::rejection::{Rejection, TakeoverRefusal};
use crate::stream_name::Priority;

/// How long a publisher that takes over may take to send all its decoder configurations, counted from its first IDR
/// picture. They come first, so this is for sound that begins a little later.
const MEDIA_PATIENCE: Span = Span::from_secs(1);

/// A stream whose publisher is gone starves after this long: half of the five seconds that the judge looks at.
const STARVING_AFTER: Span = Span::from_millis(2500);

/// How long things may last, and how often they may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How long a stream whose publisher vanished keeps its place, from the last data on.
    pub(crate) hold: Span,
    /// Longest stream.
    pub(crate) max_stream: Span,
    /// Takeovers of one stream.
    pub(crate) max_takeovers: u32,
}

/// Why a stream is over, for a publisher that did not end it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamOver {
    /// It lasted as long as a stream may.
    MaximumDuration,
    /// The channel's owner ended it (`StopStream`).
    Stopped,
}

/// How a publisher stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It tests its bandwidth: nobody sees it, and it has no place.
    Test,
    /// Viewers see it.
    OnAir,
    /// It was let in to take a stream over, and its media are not known yet. The other one goes on.
    Waiting,
    /// It may not take over; the connection is to be ended.
    Refused(TakeoverRefusal),
    /// Another one took the stream over; the connection is to be ended.
    TakenOver,
    /// It was asked to move, and has: what still comes here is not seen, and ends when the publisher wants.
    Moved,
    /// Its stream is over; the connection is to be ended.
    Over(StreamOver),
    /// It has left.
    Left,
}

/// How a publisher leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// It said that the stream ends (`FCUnpublish` or `deleteStream`; SRT: shut down in order).
    Goodbye,
    /// Its connection was closed or broke without a word: the stream keeps its place for a while.
    Vanished,
    /// The service ended it, with the code of the event if there is one.
    Ended(Option<&'static str>),
}

/// Something to tell of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    pub(crate) stream_id: Arc<str>,
    pub(crate) what: What,
}

/// What to tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// An event of the service.
    Event(Happening),
    /// Viewers get a new stream.
    Began,
    /// What viewers get comes from another publisher from now on: decoder configurations first, other timestamps.
    Continued,
    /// Viewers get no more of it.
    Ended,
}

/// What a place knows of a publisher that came to it.
#[derive(Clone, Debug)]
pub(crate) struct Claimant {
    /// Unique among all that ever came.
    pub(crate) number: u64,
    /// Its session, for the one who looks.
    pub(crate) session: u64,
    pub(crate) priority: Priority,
    pub(crate) standing: Standing,
    /// The stream it sends, or wants to take over.
    pub(crate) stream_id: Option<Arc<str>>,
    /// It took a stream over.
    pub(crate) took_over: bool,
    first_idr_at: Option<MediaTime>,
}

impl Claimant {
    pub(crate) const fn new(number: u64, session: u64, priority: Priority) -> Self {
        Self {
            number,
            session,
            priority,
            standing: Standing::Left,
            stream_id: None,
            took_over: false,
            first_idr_at: None,
        }
    }
}

/// The stream on air.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) id: Arc<str>,
    pub(crate) began_at: MediaTime,
    pub(crate) priority: Option<u32>,
    pub(crate) takeovers: u32,
    /// Number and session of its publisher; `None` while it is held for one that vanished.
    pub(crate) holder: Option<(u64, u64)>,
    pub(crate) last_heard: MediaTime,
    started: bool,
    starving: bool,
    shape: StreamShape,
    /// Its publisher was asked to move, so the next one needs no priority.
    moving: bool,
    /// The connection that it moves to.
    mover: Option<(u64, u64)>,
    /// Numbers of publishers that moved away and may still be connected.
    moved: Vec<u64>,
}

/// One place on air.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    stream: Option<Stream>,
    /// Why the service ended the last stream.
    last: Option<(Arc<str>, StreamOver)>,
    told: VecDeque<Told>,
}

impl Place {
    /// The stream on air.
    pub(crate) const fn stream(&self) -> Option<&Stream> {
        self.stream.as_ref()
    }

    /// What is to be told, in order.
    pub(crate) fn poll(&mut self) -> Option<Told> {
        self.told.pop_front()
    }

    /// Somebody wants to publish. `new_id` makes ids of streams.
    ///
    /// # Errors
    /// The place is taken, or the takeover is none.
    pub(crate) fn enter(
        &mut self,
        claimant: &mut Claimant,
        limits: &Limits,
        new_id: impl Fn() -> String,
        now: MediaTime,
    ) -> Result<(), Rejection> {
        self.tick(limits, now);
        if claimant.priority == Priority::OutOfRange {
            let stream_id =
                self.stream.as_ref().map_or_else(|| new_id().into(), |stream| Arc::clone(&stream.id));
            return Err(self.refuse(stream_id, TakeoverRefusal::InvalidPriority).into());
        }
        let Some(stream) = &mut self.stream else {
            self.begin(claimant, new_id(), now);
            return Ok(());
        };
        if let Some(priority) = claimant.priority.value() {
            if let Err(refusal) = stream.check_takeover(priority, limits) {
                let stream_id = Arc::clone(&stream.id);
                return Err(self.refuse(stream_id, refusal).into());
            }
        } else if stream.moving {
            stream.moving = false;
            stream.mover = Some((claimant.number, claimant.session));
        } else {
            return Err(Rejection::InUse);
        }
        claimant.stream_id = Some(Arc::clone(&stream.id));
        claimant.standing = Standing::Waiting;
        Ok(())
    }

    /// Looks how `claimant` stands. `shape` is what it has sent so far; `has_idr` says that an IDR picture has come.
    pub(crate) fn advance(
        &mut self,
        claimant: &mut Claimant,
        shape: &StreamShape,
        has_idr: bool,
        limits: &Limits,
        new_id: impl Fn() -> String,
        now: MediaTime,
    ) {
        self.tick(limits, now);
        if has_idr {
            claimant.first_idr_at.get_or_insert(now);
        }
        match claimant.standing {
            Standing::OnAir => self.look_after(claimant, shape),
            Standing::Waiting => self.decide(claimant, shape, limits, new_id, now),
            _ => {}
        }
    }

    fn look_after(&mut self, claimant: &mut Claimant, shape: &StreamShape) {
        let own = claimant.stream_id.as_ref();
        if let Some(stream) = self.stream.as_mut().filter(|stream| Some(&stream.id) == own) {
            if stream.is_held_by(claimant.number) {
                if !shape.is_empty() && stream.shape != *shape {
                    stream.shape = shape.clone();
                }
            } else if stream.moved.contains(&claimant.number) {
                claimant.standing = Standing::Moved;
            } else {
                claimant.standing = Standing::TakenOver;
            }
            return;
        }
        let last = self.last.as_ref().filter(|(id, _)| Some(id) == own);
        claimant.standing = Standing::Over(last.map_or(StreamOver::Stopped, |(_, why)| *why));
    }

    /// Whether somebody who waits may have the stream.
    fn decide(
        &mut self,
        claimant: &mut Claimant,
        shape: &StreamShape,
        limits: &Limits,
        new_id: impl Fn() -> String,
        now: MediaTime,
    ) {
        let Some(stream) = &mut self.stream else {
            // It ended in the meantime: nothing is left to be taken over.
            self.begin(claimant, new_id(), now);
            return;
        };
        let own = (claimant.number, claimant.session);
        if stream.is_held_by(claimant.number) {
            // The one that was asked to move left before us.
            claimant.standing = Standing::OnAir;
            return;
        }
        if stream.mover == Some(own) {
            if claimant.first_idr_at.is_some() || stream.holder.is_none() {
                stream.hand_to(own, true, now);
                claimant.standing = Standing::OnAir;
                self.tell(What::Continued);
            }
            return;
        }
        claimant.stream_id = Some(Arc::clone(&stream.id));
        let Some(priority) = claimant.priority.value() else {
            // The place that it was to move to was taken over by a third.
            claimant.standing = Standing::TakenOver;
            return;
        };
        let Some(idr_at) = claimant.first_idr_at else { return };
        let refusal = match stream.check_takeover(priority, limits) {
            Err(refusal) => refusal,
            Ok(()) => match shape.difference(&stream.shape).filter(|_| !stream.shape.is_empty()) {
                None => {
                    self.take_over(claimant, shape, priority, now);
                    return;
                }
                Some(_) if shape.may_become(&stream.shape) && now - idr_at < MEDIA_PATIENCE => return,
                Some(difference) => TakeoverRefusal::MediaMismatch(difference),
            },
        };
        let stream_id = Arc::clone(&stream.id);
        claimant.standing = Standing::Refused(self.refuse(stream_id, refusal));
    }

    fn take_over(&mut self, claimant: &mut Claimant, shape: &StreamShape, priority: u32, now: MediaTime) {
        let Some(stream) = &mut self.stream else { return };
        stream.hand_to((claimant.number, claimant.session), false, now);
        stream.priority = Some(priority);
        stream.takeovers = stream.takeovers.saturating_add(1);
        stream.shape = shape.clone();
        let recovers = core::mem::take(&mut stream.starving);
        claimant.standing = Standing::OnAir;
        claimant.took_over = true;
        self.tell(What::Event(Happening::StreamTakeover));
        if recovers {
            self.tell(What::Event(Happening::StarvationEnd));
        }
        self.tell(What::Continued);
    }

    fn begin(&mut self, claimant: &mut Claimant, id: String, now: MediaTime) {
        let id: Arc<str> = id.into();
        claimant.stream_id = Some(Arc::clone(&id));
        claimant.standing = Standing::OnAir;
        self.stream = Some(Stream {
            id,
            began_at: now,
            priority: claimant.priority.value(),
            takeovers: 0,
            holder: Some((claimant.number, claimant.session)),
            last_heard: now,
            started: false,
            starving: false,
            shape: StreamShape::default(),
            moving: false,
            mover: None,
            moved: Vec::new(),
        });
        self.tell(What::Event(Happening::SessionCreated));
        self.tell(What::Began);
    }

    /// Something came from the publisher `number`.
    pub(crate) fn heard(&mut self, number: u64, now: MediaTime) {
        if let Some(stream) = self.held_by(number) {
            stream.last_heard = now;
        }
    }

    /// The publisher `number` has something to tell of its stream.
    pub(crate) fn happened(&mut self, number: u64, happening: Happening) {
        let Some(stream) = self.held_by(number) else { return };
        match happening {
            // A stream starts once, whoever sends it.
            Happening::StreamStart if core::mem::replace(&mut stream.started, true) => return,
            Happening::StarvationStart => stream.starving = true,
            Happening::StarvationEnd => stream.starving = false,
            _ => {}
        }
        self.tell(What::Event(happening));
    }

    /// The publisher `number` was asked to move: the next one needs no priority.
    pub(crate) fn asked_to_move(&mut self, number: u64) {
        if let Some(stream) = self.held_by(number) {
            stream.moving = stream.mover.is_none();
        }
    }

    /// The publisher leaves.
    pub(crate) fn leave(&mut self, claimant: &mut Claimant, how: Leaving, limits: &Limits, now: MediaTime) {
        if core::mem::replace(&mut claimant.standing, Standing::Left) == Standing::Left {
            return;
        }
        let own = (claimant.number, claimant.session);
        let Some(stream) = &mut self.stream else { return };
        if stream.mover == Some(own) {
            (stream.mover, stream.moving) = (None, true);
        }
        if stream.holder != Some(own) {
            return;
        }
        if let (Some(mover), Leaving::Goodbye | Leaving::Vanished) = (stream.mover, how) {
            stream.hand_to(mover, true, now);
            self.tell(What::Continued);
            return;
        }
        match how {
            Leaving::Goodbye => self.end(None),
            Leaving::Ended(code) => self.end(code),
            Leaving::Vanished => {
                stream.holder = None;
                self.tick(limits, now);
            }
        }
    }

    /// The channel's owner ends the stream.
    pub(crate) fn stop(&mut self) {
        self.end_because(StreamOver::Stopped);
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, limits: &Limits, now: MediaTime) {
        let Some(stream) = &mut self.stream else { return };
        if now - stream.began_at >= limits.max_stream {
            self.end_because(StreamOver::MaximumDuration);
        } else if stream.holder.is_none() {
            let silent = now - stream.last_heard;
            if silent >= limits.hold {
                self.end(None);
            } else if silent >= STARVING_AFTER && !core::mem::replace(&mut stream.starving, true) {
                self.tell(What::Event(Happening::StarvationStart));
            }
        }
    }

    fn end_because(&mut self, why: StreamOver) {
        if let Some(stream) = &self.stream {
            self.last = Some((Arc::clone(&stream.id), why));
            self.end(None);
        }
    }

    fn end(&mut self, code: Option<&'static str>) {
        self.tell(What::Event(Happening::SessionEnded { code }));
        if self.stream.as_ref().is_some_and(|stream| stream.started) {
            self.tell(What::Event(Happening::StreamEnd));
        }
        self.tell(What::Ended);
        // All memory of priorities, takeovers and media ends with the stream ("Stream Takeover").
        self.stream = None;
    }

    fn refuse(&mut self, stream_id: Arc<str>, refusal: TakeoverRefusal) -> TakeoverRefusal {
        let what = What::Event(Happening::StreamTakeoverFailure { code: refusal.code().name });
        self.told.push_back(Told { stream_id, what });
        refusal
    }

    fn tell(&mut self, what: What) {
        if let Some(stream) = &self.stream {
            self.told.push_back(Told { stream_id: Arc::clone(&stream.id), what });
        }
    }

    fn held_by(&mut self, number: u64) -> Option<&mut Stream> {
        self.stream.as_mut().filter(|stream| stream.is_held_by(number))
    }
}

impl Stream {
    fn is_held_by(&self, number: u64) -> bool {
        self.holder.is_some_and(|(holder, _)| holder == number)
    }

    /// A takeover succeeds with a greater priority, or when there was none before, and up to a number of times ("Stream
    /// Takeover").
    fn check_takeover(&self, priority: u32, limits: &Limits) -> Result<(), TakeoverRefusal> {
        if self.priority.is_some_and(|ongoing| priority <= ongoing) {
            return Err(TakeoverRefusal::InvalidPriority);
        }
        if self.takeovers >= limits.max_takeovers {
            return Err(TakeoverRefusal::LimitBreached);
        }
        Ok(())
    }

    fn hand_to(&mut self, next: (u64, u64), is_move: bool, now: MediaTime) {
        // Whoever moved before is long gone, or was told so.
        self.moved.clear();
        if let Some((number, _)) = self.holder.replace(next).filter(|_| is_move) {
            self.moved.push(number);
        }
        (self.moving, self.mover) = (false, None);
        self.last_heard = now;
    }
}

#[cfg(test)]
mod tests;
