//! One direction of a network link in virtual time: a rate with a bounded queue before it, then a wire with delay,
//! jitter and loss, which can be cut.
//!
//! Nothing here knows what a packet is: a test of one protocol sends its segments through it, an emulator sends IP
//! packets. For the same seed and the same calls the same packets arrive at the same nanoseconds, however often it is
//! polled in between.

use std::collections::{BTreeMap, VecDeque};

use units::{Kbps, MediaTime, Span};

/// Work is counted in bits times nanoseconds per second, so that a rate of bits per second does a whole number of it
/// in each nanosecond, and nothing is ever rounded away.
const WORK_PER_BIT: u128 = 1_000_000_000;

/// What a link does to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// What it carries; `None` for no limit, zero for a link that takes packets until its queue is full and moves none.
    pub rate: Option<Kbps>,
    /// Bytes that may wait for their turn, besides the packet whose turn it is. What does not fit is dropped.
    pub queue_bytes: usize,
    /// From the last bit sent to the packet's arrival.
    pub delay: Span,
    /// Up to so much is added to the delay of each packet, evenly distributed.
    pub jitter: Span,
    /// Whether a packet waits for those sent before it. Otherwise jitter lets packets overtake each other.
    pub keeps_order: bool,
    /// Of a million packets, how many are lost on the wire, each by chance of its own. They use up the rate all the
    /// same.
    pub lost_per_million: u32,
}

impl LinkConfig {
    /// Everything arrives at once.
    pub const PERFECT: Self = Self {
        rate: None,
        queue_bytes: usize::MAX,
        delay: Span::ZERO,
        jitter: Span::ZERO,
        keeps_order: true,
        lost_per_million: 0,
    };

    /// A bottleneck of `rate` with so much delay behind it, and a queue that takes `queue` to empty.
    pub fn bottleneck(rate: Kbps, queue: Span, delay: Span) -> Self {
        let bytes = u128::from(rate.bits_per_sec()) * u128::from(nanos(queue))
            / (8 * u128::from(nanos(Span::from_secs(1))));
        Self {
            rate: Some(rate),
            queue_bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
            delay,
            ..Self::PERFECT
        }
    }
}

/// What became of a packet at the near end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It waits or is on its way. It may still get lost.
    Taken,
    /// The queue was full.
    NoRoom,
    /// The link was cut.
    Cut,
}

/// What a link did so far. Every packet ever sent is in one of the counts, waits, or is on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFigures {
    /// Packets handed to [`Link::send`].
    pub sent: u64,
    /// Packets given out by [`Link::poll`].
    pub arrived: u64,
    /// Bytes of these.
    pub arrived_bytes: u64,
    /// Packets for which the queue had no room.
    pub without_room: u64,
    /// Packets lost by chance.
    pub lost: u64,
    /// Packets sent while the link was cut, and those that waited or were on their way when it was.
    pub cut_off: u64,
}

/// One direction of a network link in virtual time: a rate with a bounded queue before it, then a wire with delay,
/// jitter and loss, which can be cut. What a packet is, is the caller's business.
#[derive(Clone, Debug)]
pub struct Link<P> {
    config: LinkConfig,
    /// The instant up to which everything has happened.
    now: MediaTime,
    /// The first is being sent.
    queue: VecDeque<(usize, P)>,
    /// Bytes of all but the first.
    waiting_bytes: usize,
    /// What is left to do for the first, in units of [`WORK_PER_BIT`].
    work_left: u128,
    on_the_wire: BTreeMap<(MediaTime, u64), (usize, P)>,
    last_arrival: MediaTime,
    /// Tells packets apart that arrive in the same nanosecond.
    serial: u64,
    is_cut: bool,
    chance: u64,
    figures: LinkFigures,
}

impl<P> Link<P> {
    /// An idle link. Loss and jitter follow from `seed` alone.
    pub fn new(config: LinkConfig, seed: u64) -> Self {
        Self {
            config,
            now: MediaTime::ZERO,
            queue: VecDeque::new(),
            waiting_bytes: 0,
            work_left: 0,
            on_the_wire: BTreeMap::new(),
            last_arrival: MediaTime::ZERO,
            serial: 0,
            is_cut: false,
            chance: seed,
            figures: LinkFigures::default(),
        }
    }

    /// Hands over a packet of `bytes`. Time never goes backwards between calls; an earlier `now` counts as the latest
    /// that was told.
    pub fn send(&mut self, packet: P, bytes: usize, now: MediaTime) -> Fate {
        self.pass(now);
        self.figures.sent += 1;
        if self.is_cut {
            self.figures.cut_off += 1;
            return Fate::Cut;
        }
        if self.config.rate.is_none() {
            self.travel(packet, bytes, self.now);
            return Fate::Taken;
        }
        if self.queue.is_empty() {
            self.work_left = work(bytes);
        } else if self.waiting_bytes.saturating_add(bytes) > self.config.queue_bytes {
            self.figures.without_room += 1;
            return Fate::NoRoom;
        } else {
            self.waiting_bytes += bytes;
        }
        self.queue.push_back((bytes, packet));
        Fate::Taken
    }

    /// The next packet that has arrived by `now`, and when it did. In the order of arrival.
    pub fn poll(&mut self, now: MediaTime) -> Option<(MediaTime, P)> {
        self.pass(now);
        let first = self.on_the_wire.first_entry().filter(|first| first.key().0 <= self.now)?;
        let ((at, _), (bytes, packet)) = first.remove_entry();
        self.figures.arrived += 1;
        self.figures.arrived_bytes += bytes as u64;
        Some((at, packet))
    }

    /// When something happens next: a good moment to [`Self::poll`], though nothing may have arrived yet. `None` while
    /// nothing moves.
    pub fn wake_at(&self) -> Option<MediaTime> {
        let arrival = self.on_the_wire.first_key_value().map(|((at, _), _)| *at);
        arrival.into_iter().chain(self.first_is_sent_at()).min()
    }

    /// Changes what the link does, from `now` on. What is on the wire arrives as it would have; what waits goes on at
    /// the new rate, and stays when the new queue is too small for it.
    pub fn reconfigure(&mut self, config: LinkConfig, now: MediaTime) {
        self.pass(now);
        self.config = config;
        if config.rate.is_none() {
            self.waiting_bytes = 0;
            for (bytes, packet) in std::mem::take(&mut self.queue) {
                self.travel(packet, bytes, self.now);
            }
        }
    }

    /// Pulls the cable: what waits or is on the wire is gone, and so is what is sent until [`Self::restore`].
    pub fn cut(&mut self, now: MediaTime) {
        self.pass(now);
        self.is_cut = true;
        self.figures.cut_off += self.under_way() as u64;
        self.queue.clear();
        self.waiting_bytes = 0;
        self.on_the_wire.clear();
    }

    /// Puts the cable back.
    pub fn restore(&mut self, now: MediaTime) {
        self.pass(now);
        self.is_cut = false;
    }

    /// Whether the cable is pulled.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// What it does at present.
    pub const fn config(&self) -> LinkConfig {
        self.config
    }

    /// Packets that wait or are on the wire.
    pub fn under_way(&self) -> usize {
        self.queue.len() + self.on_the_wire.len()
    }

    /// Bytes that wait, without the packet that is being sent.
    pub const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// What it did so far.
    pub const fn figures(&self) -> LinkFigures {
        self.figures
    }

    fn first_is_sent_at(&self) -> Option<MediaTime> {
        let rate = self.config.rate?.bits_per_sec();
        if self.queue.is_empty() || rate == 0 {
            return None;
        }
        let left = i64::try_from(self.work_left.div_ceil(u128::from(rate))).unwrap_or(i64::MAX);
        Some(self.now + Span::from_nanos(left))
    }

    /// Lets everything happen that happens until `now`.
    fn pass(&mut self, now: MediaTime) {
        let now = now.max(self.now);
        while let Some(sent_at) = self.first_is_sent_at().filter(|at| *at <= now) {
            // What the rate could have done beyond the end of this packet in its last nanosecond is done of the next.
            let surplus = self.done_until(sent_at).saturating_sub(self.work_left);
            self.now = sent_at;
            let Some((bytes, packet)) = self.queue.pop_front() else { break };
            if let Some((next, _)) = self.queue.front() {
                self.waiting_bytes = self.waiting_bytes.saturating_sub(*next);
                self.work_left = work(*next).saturating_sub(surplus);
            }
            self.travel(packet, bytes, sent_at);
        }
        self.work_left = self.work_left.saturating_sub(self.done_until(now));
        self.now = now;
    }

    /// What the rate does from [`Self::now`] until `then`.
    fn done_until(&self, then: MediaTime) -> u128 {
        let rate = self.config.rate.map_or(0, Kbps::bits_per_sec);
        u128::from(rate) * u128::from(nanos(then - self.now))
    }

    fn travel(&mut self, packet: P, bytes: usize, sent_at: MediaTime) {
        if self.draw(1_000_000) < u64::from(self.config.lost_per_million) {
            self.figures.lost += 1;
            return;
        }
        let jitter = self.draw(nanos(self.config.jitter).saturating_add(1));
        let jitter = Span::from_nanos(i64::try_from(jitter).unwrap_or(i64::MAX));
        let mut at = sent_at + self.config.delay + jitter;
        if self.config.keeps_order {
            at = at.max(self.last_arrival);
        }
        self.last_arrival = self.last_arrival.max(at);
        self.serial += 1;
        self.on_the_wire.insert((at, self.serial), (bytes, packet));
    }

    /// A number below `below`, which is not zero (SplitMix64; its bias is of no account here).
    fn draw(&mut self, below: u64) -> u64 {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.chance;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below.max(1)
    }
}

fn nanos(span: Span) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(0)
}

const fn work(bytes: usize) -> u128 {
    bytes as u128 * 8 * WORK_PER_BIT
}

#[cfg(test)]
mod tests;
