//! A service that follows the documents, for one channel: takeover by priority, the hold of a connection that vanished,
//! the longest stream, keys that expire. IVS user guide, "Stream Takeover", "Why did the stream suddenly stop?", and the
//! multitrack integration guide, "Automatically Reconnecting".

use units::{MediaTime, Span};

pub(crate) const DAYS_2: Span = Span::from_secs(48 * 3600);
const HOLD: Span = Span::from_secs(30);

/// The stream on air.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) began_at: MediaTime,
    pub(crate) priority: Option<u32>,
    pub(crate) takeovers: u32,
    /// The connection that sends it; `None` while it is held.
    pub(crate) holder: Option<u64>,
    last_heard: MediaTime,
}

/// What the service did over time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Books {
    pub(crate) streams: u32,
    pub(crate) takeovers: u32,
    /// Streams that were ended because they were too long.
    pub(crate) too_long: u32,
    /// Streams that were ended because nothing came.
    pub(crate) starved: u32,
    pub(crate) expired: u32,
    pub(crate) in_use: u32,
    pub(crate) too_low: u32,
    pub(crate) used_up: u32,
    pub(crate) longest: Span,
}

#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) stream: Option<Stream>,
    pub(crate) books: Books,
}

impl Service {
    /// Time passes; the connection that is cut off.
    pub(crate) fn tick(&mut self, now: MediaTime) -> Option<u64> {
        let stream = self.stream?;
        self.books.longest = self.books.longest.max(now - stream.began_at);
        if now - stream.began_at >= DAYS_2 {
            self.books.too_long += 1;
            self.stream = None;
            return stream.holder;
        }
        if stream.holder.is_none() && now - stream.last_heard >= HOLD {
            self.books.starved += 1;
            self.stream = None;
        }
        None
    }

    /// When to tick again.
    pub(crate) fn wake_at(&self) -> Option<MediaTime> {
        let stream = self.stream?;
        let limit = stream.began_at + DAYS_2;
        Some(if stream.holder.is_none() { limit.min(stream.last_heard + HOLD) } else { limit })
    }

    /// A connection wants to publish; the one that it replaces.
    pub(crate) fn publish(
        &mut self,
        connection: u64,
        granted_at: MediaTime,
        priority: Option<u32>,
        now: MediaTime,
    ) -> Result<Option<u64>, &'static str> {
        self.tick(now);
        if now - granted_at >= DAYS_2 {
            self.books.expired += 1;
            return Err("Access denied.");
        }
        let Some(stream) = &mut self.stream else {
            self.books.streams += 1;
            self.stream = Some(Stream {
                began_at: now,
                priority,
                takeovers: 0,
                holder: Some(connection),
                last_heard: now,
            });
            return Ok(None);
        };
        let Some(number) = priority else {
            self.books.in_use += 1;
            return Err("Already publishing.");
        };
        if stream.priority.is_some_and(|ongoing| number <= ongoing) {
            self.books.too_low += 1;
            return Err(crate::rig::INVALID_PRIORITY);
        }
        if stream.takeovers >= 100 {
            self.books.used_up += 1;
            return Err(crate::rig::LIMIT_BREACHED);
        }
        self.books.takeovers += 1;
        stream.takeovers += 1;
        stream.priority = priority;
        stream.last_heard = now;
        Ok(stream.holder.replace(connection))
    }

    /// `FCUnpublish`.
    pub(crate) fn goodbye(&mut self, connection: u64) {
        if self.stream.is_some_and(|stream| stream.holder == Some(connection)) {
            self.stream = None;
        }
    }

    /// A connection vanished at `at`.
    pub(crate) fn vanished(&mut self, connection: u64, at: MediaTime) {
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.holder == Some(connection)) {
            stream.holder = None;
            stream.last_heard = at;
        }
    }
}
