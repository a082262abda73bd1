//! Weeks on air in seconds: a line that drops, keys and streams that end after 48 hours, a second PC.

use std::collections::BTreeMap;

use publish::{BroadcastConfig, Cause, Ended, Happened, Order, Phase, Renewal, Telling};
use units::{MediaTime, Span};

use crate::rig::{HOUR, MINUTE, Rig, SECOND, asking, ended_by_service, failure, is_taken_over, refused};
use crate::service::{DAYS_2, Service};

/// From opening a session to the service's yes.
const CONNECT: Span = Span::from_millis(400);
/// From there to the first picture.
const FIRST_PICTURE: Span = Span::from_secs(1);
/// After this without progress the session says that it stalls.
const STALL: Span = Span::from_secs(5);
/// What a connection survives.
const SURVIVES: Span = Span::from_secs(3);

#[derive(Clone, Copy, Debug)]
enum Event {
    LineDown(Span),
    LineUp,
    Stalls(u64),
    Connected(u64),
    Live(u64),
    Unreachable(u64),
    /// The next common IDR.
    Keyframe(u64, bool),
    Answer,
    Reset,
    MoveRequest,
    SecondPc,
    TakeBack,
}

/// A small generator (xorshift), so that a run can be repeated.
struct Chance(u64);

impl Chance {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn span(&mut self, from: Span, to: Span) -> Span {
        let length = u64::try_from((to - from).as_millis()).unwrap();
        from + Span::from_millis(i64::try_from(self.next(length)).unwrap())
    }
}

/// How often what goes wrong.
#[derive(Clone, Copy)]
struct Weather {
    line_down_every: Span,
    longest_down: Span,
    reset_every: Span,
    move_every: Span,
    second_pc_every: Option<Span>,
}

struct World {
    rig: Rig,
    service: Service,
    events: BTreeMap<(MediaTime, u64), Event>,
    count: u64,
    connections: u64,
    present: Option<u64>,
    next: Option<u64>,
    /// When the key in use was granted, and that of each connection.
    granted_at: MediaTime,
    down_since: Option<MediaTime>,
    up_at: MediaTime,
    /// Whether this computer notices when its line comes and goes.
    notices_line: bool,
    chance: Chance,
    weather: Weather,
    /// From the line being back to being on air.
    recoveries: Vec<Span>,
    live_since: Option<MediaTime>,
    on_air: Span,
    line_was_down: Span,
}

impl World {
    fn new(config: BroadcastConfig, seed: u64, weather: Weather) -> Self {
        let rig = Rig::new(config);
        let mut world = Self {
            granted_at: rig.now,
            up_at: rig.now,
            rig,
            service: Service::default(),
            events: BTreeMap::new(),
            count: 0,
            connections: 0,
            present: None,
            next: None,
            down_since: None,
            notices_line: true,
            chance: Chance(seed * 7_919 + 1),
            weather,
            recoveries: Vec::new(),
            live_since: None,
            on_air: Span::ZERO,
            line_was_down: Span::ZERO,
        };
        world.carry_out();
        world.plan_weather();
        world
    }

    fn now(&self) -> MediaTime {
        self.rig.now
    }

    fn plan(&mut self, span: Span, event: Event) {
        self.count += 1;
        self.events.insert((self.now() + span, self.count), event);
    }

    fn plan_around(&mut self, every: Span, event: Event) {
        let span = self.chance.span(Span::from_millis(every.as_millis() / 4), every + every);
        self.plan(span, event);
    }

    fn plan_weather(&mut self) {
        let weather = self.weather;
        let down = self.chance.span(Span::from_millis(500), weather.longest_down);
        self.plan_around(weather.line_down_every, Event::LineDown(down));
        self.plan_around(weather.reset_every, Event::Reset);
        self.plan_around(weather.move_every, Event::MoveRequest);
        if let Some(every) = weather.second_pc_every {
            self.plan_around(every, Event::SecondPc);
        }
    }

    fn tell(&mut self, happened: Happened) {
        self.rig.tell(happened);
        self.carry_out();
    }

    /// The present or the next session is over.
    fn over(&mut self, connection: u64, ended: Ended) {
        if self.present == Some(connection) {
            self.present = None;
            if let Some(since) = self.live_since.take() {
                self.on_air = self.on_air + (self.now() - since);
            }
            self.tell(Happened::Ended(ended));
        } else if self.next == Some(connection) {
            self.next = None;
            self.tell(Happened::NextEnded(ended));
        }
    }

    fn fails(&mut self, connection: u64, cause: Cause) {
        self.over(connection, Ended::Failed(failure(cause)));
    }

    fn carry_out(&mut self) {
        for order in self.rig.orders() {
            match order {
                Order::Ask => self.plan(CONNECT, Event::Answer),
                Order::Open { .. } => {
                    self.present = Some(self.dial());
                }
                Order::OpenNext { waits, .. } => {
                    self.connections += 1;
                    self.next = Some(self.connections);
                    if !waits {
                        self.next = Some(self.dial());
                    }
                }
                Order::Proceed => self.next = Some(self.dial()),
                Order::Promote => self.present = self.next.take(),
                Order::Depart => {
                    let id = self.present.unwrap();
                    self.plan(SECOND, Event::Keyframe(id, true));
                }
                Order::Conclude => {
                    let id = self.present.unwrap();
                    self.plan(SECOND, Event::Keyframe(id, false));
                }
                Order::Stop => {
                    let id = self.present.unwrap();
                    self.plan(Span::from_millis(1), Event::Keyframe(id, false));
                }
                Order::Abandon => self.next = None,
                Order::Tell(_) => {}
            }
        }
    }

    fn dial(&mut self) -> u64 {
        self.connections += 1;
        let id = self.connections;
        let event = if self.down_since.is_some() { Event::Unreachable(id) } else { Event::Connected(id) };
        self.plan(CONNECT, event);
        id
    }

    fn is_open(&self, connection: u64) -> bool {
        self.present == Some(connection) || self.next == Some(connection)
    }

    fn happen(&mut self, event: Event) {
        let now = self.now();
        match event {
            Event::LineDown(length) => {
                self.down_since = Some(now);
                self.notices_line = self.chance.next(2) == 0;
                self.plan(length, Event::LineUp);
                for id in [self.present, self.next].into_iter().flatten() {
                    self.plan(STALL, Event::Stalls(id));
                }
                if self.notices_line {
                    self.tell(Happened::NetworkChanged);
                }
            }
            Event::LineUp => {
                let since = self.down_since.take().unwrap();
                self.line_was_down = self.line_was_down + (now - since);
                self.up_at = now;
                if now - since > SURVIVES {
                    for id in [self.present, self.next].into_iter().flatten() {
                        self.service.vanished(id, since);
                    }
                }
                if self.notices_line {
                    self.tell(Happened::NetworkChanged);
                }
                let down = self.chance.span(Span::from_millis(500), self.weather.longest_down);
                self.plan_around(self.weather.line_down_every, Event::LineDown(down));
            }
            Event::Stalls(id) => {
                let since = self.down_since.unwrap_or(self.up_at);
                let is_dead = self.down_since.is_some() || now - since < STALL;
                if self.is_open(id) && is_dead && !self.is_waiting(id) && !self.survived(id) {
                    self.service.vanished(id, since);
                    self.fails(id, Cause::Stalled);
                }
            }
            Event::Unreachable(id) => self.fails(id, Cause::Unreachable),
            Event::Connected(id) => self.connected(id),
            Event::Live(id) if self.present == Some(id) => {
                self.live_since = Some(now);
                if self.rig.told.iter().any(|telling| matches!(telling, Telling::Interrupted { .. })) {
                    self.recoveries.push(now - self.up_at);
                    self.rig.told.clear();
                }
                self.tell(Happened::Live);
            }
            Event::Live(id) if self.next == Some(id) => self.tell(Happened::NextLive),
            Event::Live(_) => {}
            Event::Keyframe(id, silent) => {
                if !self.is_open(id) {
                } else if silent {
                    self.service.vanished(id, now);
                    self.over(id, Ended::Departed);
                } else {
                    let clean = self.down_since.is_none();
                    match clean {
                        true => self.service.goodbye(id),
                        false => self.service.vanished(id, now),
                    }
                    self.over(id, Ended::Stopped { clean });
                }
            }
            Event::Answer => {
                if self.down_since.is_some() || (self.connections > 0 && self.chance.next(10) == 0) {
                    self.tell(Happened::NotConfigured { refused: false });
                } else {
                    self.granted_at = now;
                    self.tell(Happened::Configured { same_media: true });
                }
            }
            Event::Reset => {
                if let Some(id) = self.present.filter(|_| self.live_since.is_some()) {
                    self.up_at = self.up_at.max(now);
                    self.service.vanished(id, now);
                    self.fails(id, Cause::Lost("reset".into()));
                }
                self.plan_around(self.weather.reset_every, Event::Reset);
            }
            Event::MoveRequest => {
                self.tell(Happened::MoveRequested);
                self.plan_around(self.weather.move_every, Event::MoveRequest);
            }
            Event::SecondPc => {
                self.connections += 1;
                let known = self.rig.broadcast.figures(now).priority;
                let priority = publish::takeover::jump_above(known);
                if let Ok(Some(kicked)) = self.service.publish(self.connections, now, priority, now) {
                    // Half of the time the service says why.
                    let cause = match self.chance.next(2) {
                        0 => Cause::ClosedByPeer,
                        _ => ended_by_service("[taken-over] Another publisher took the stream over."),
                    };
                    self.fails(kicked, cause);
                }
                self.plan(MINUTE, Event::TakeBack);
            }
            Event::TakeBack => {
                assert!(
                    is_taken_over(&self.rig).is_some() || self.down_since.is_some(),
                    "{:?}",
                    self.rig.phase()
                );
                self.tell(Happened::TakeOver);
                if let Some(every) = self.weather.second_pc_every {
                    self.plan_around(every, Event::SecondPc);
                }
            }
        }
    }

    fn is_waiting(&self, id: u64) -> bool {
        self.next == Some(id) && self.rig.next.is_some_and(|next| next.waits)
    }

    /// A connection that was made after the line came back.
    fn survived(&self, _id: u64) -> bool {
        self.down_since.is_none() && self.now() - self.up_at > STALL - SURVIVES
    }

    fn connected(&mut self, id: u64) {
        if !self.is_open(id) {
            return;
        }
        let now = self.now();
        if self.down_since.is_some() {
            self.plan(STALL, Event::Unreachable(id));
            return;
        }
        let session = if self.present == Some(id) { self.rig.present } else { self.rig.next };
        let priority = session.unwrap().priority;
        match self.service.publish(id, self.granted_at, priority, now) {
            Ok(kicked) => {
                if let Some(kicked) = kicked.filter(|kicked| self.is_open(*kicked)) {
                    // It was leaving anyway.
                    self.over(kicked, Ended::Departed);
                }
                self.plan(FIRST_PICTURE, Event::Live(id));
                let happened =
                    if self.present == Some(id) { Happened::Accepted } else { Happened::NextAccepted };
                self.tell(happened);
            }
            Err(text) => self.fails(id, refused(text)),
        }
    }

    fn run(&mut self, span: Span) {
        let until = self.now() + span;
        loop {
            let event = self.events.first_key_value().map(|((at, _), _)| *at);
            let wake = self.rig.broadcast.wake_at(self.now());
            let service = self.service.wake_at();
            let Some(at) = [event, wake, service].into_iter().flatten().min().filter(|at| *at < until) else {
                break;
            };
            self.rig.now = at.max(self.now());
            if let Some(cut) = self.service.tick(self.now()) {
                self.fails(cut, ended_by_service("[maximum-duration] As long as it may."));
            }
            if wake.is_some_and(|wake| wake <= self.now()) {
                self.tell(Happened::Tick);
            }
            if event.is_some_and(|event| event <= self.now())
                && let Some((_, event)) = self.events.pop_first()
            {
                self.happen(event);
            }
            let phase = self.rig.phase();
            assert!(!phase.is_final(), "over after {:?}: {phase:?}", self.now());
        }
        self.rig.now = until;
    }

    fn on_air(&self) -> Span {
        self.on_air + self.live_since.map_or(Span::ZERO, |since| self.now() - since)
    }
}

const HOME: Weather = Weather {
    line_down_every: Span::from_secs(5 * 3600),
    longest_down: Span::from_secs(240),
    reset_every: Span::from_secs(3 * 3600),
    move_every: Span::from_secs(9 * 3600),
    second_pc_every: None,
};

#[test]
fn two_weeks_at_home_with_a_line_that_drops() {
    for seed in 1..=8 {
        let mut world = World::new(asking(), seed, HOME);
        let span = Span::from_nanos(DAYS_2.as_nanos() * 7);
        world.run(span);
        let (books, figures) = (world.service.books, world.rig.broadcast.figures(world.now()));
        assert_eq!(world.rig.phase(), Phase::OnAir);
        // Renewed ahead of the limit every time: no stream was cut off, no key was shown after its time.
        assert_eq!((books.too_long, books.expired, books.too_low), (0, 0, 0), "{books:?}");
        assert!(books.longest < DAYS_2 - HOUR + MINUTE + MINUTE, "{books:?}");
        assert!(figures.reconnects > 50, "{figures:?}");
        // Off the air for little longer than the line was down.
        let off = span - world.on_air();
        let drops = i64::from(figures.reconnects + figures.renewals);
        let own = off - world.line_was_down;
        assert!(own < Span::from_secs(drops * 45), "{own:?} for {drops} drops, {:?}", world.line_was_down);
        world.recoveries.sort();
        let median = world.recoveries[world.recoveries.len() / 2];
        assert!(median < Span::from_secs(5), "{median:?}");
    }
}

#[test]
fn two_weeks_on_a_good_line_are_eight_streams() {
    let good = Weather { longest_down: Span::from_secs(20), ..HOME };
    for seed in 1..=8 {
        let mut world = World::new(asking(), seed, good);
        let span = Span::from_nanos(DAYS_2.as_nanos() * 7);
        world.run(span);
        let (books, figures) = (world.service.books, world.rig.broadcast.figures(world.now()));
        // Every stream was ended ahead of the limit and began anew; every interruption was a takeover of the same one.
        assert_eq!((figures.renewals, books.streams, books.starved), (7, 8, 0), "{figures:?} {books:?}");
        assert_eq!((books.too_long, books.expired, books.too_low, books.in_use), (0, 0, 0, 0), "{books:?}");
        let off = span - world.on_air() - world.line_was_down;
        let drops = i64::from(figures.reconnects + figures.renewals);
        assert!(off < Span::from_secs(drops * 8), "{off:?} for {drops} drops");
    }
}

#[test]
fn whoever_does_not_renew_is_cut_off_and_comes_back_at_once() {
    let config = BroadcastConfig { renewal: Renewal::Never, ..asking() };
    let calm = Weather {
        line_down_every: Span::from_secs(4_000 * 3600),
        reset_every: Span::from_secs(4_000 * 3600),
        move_every: Span::from_secs(4_000 * 3600),
        ..HOME
    };
    let mut world = World::new(config, 3, calm);
    let span = Span::from_nanos(DAYS_2.as_nanos() * 7) + HOUR;
    world.run(span);
    let books = world.service.books;
    assert_eq!((books.too_long, books.expired), (7, 0), "{books:?}");
    assert_eq!(world.rig.phase(), Phase::OnAir);
    let off = span - world.on_air();
    assert!(off < MINUTE, "{off:?}");
}

#[test]
fn a_bad_line_uses_up_the_takeovers_and_the_broadcast_holds() {
    let bad = Weather {
        line_down_every: Span::from_secs(600),
        longest_down: Span::from_secs(20),
        reset_every: Span::from_secs(600),
        ..HOME
    };
    for seed in 1..=4 {
        let mut world = World::new(asking(), seed, bad);
        world.run(Span::from_nanos(DAYS_2.as_nanos() * 3));
        let books = world.service.books;
        assert!(books.takeovers > 300 && books.streams > 4, "{books:?}");
        assert_eq!((books.used_up, books.too_low, books.too_long, books.expired), (0, 0, 0, 0), "{books:?}");
    }
}

#[test]
fn two_computers_and_one_channel_for_a_week() {
    let weather = Weather { second_pc_every: Some(Span::from_secs(4 * 3600)), ..HOME };
    for seed in 1..=8 {
        let mut world = World::new(asking(), seed, weather);
        world.run(Span::from_nanos(DAYS_2.as_nanos() * 3));
        let books = world.service.books;
        assert!(books.takeovers > 40, "{books:?}");
        // A reconnect that is refused learns who won; a person's takeover is never too low twice.
        assert!(books.too_low <= books.takeovers, "{books:?}");
    }
}
