//! One destination of the show: does what its broadcast's policy orders, and tells the policy what happened.

use std::collections::BTreeMap;

use publish::{Broadcast, Ended, GapLedger, Happened, Notice, Order, Phase, Step};
use units::{Clock, MediaTime, Track, TrackId};

use super::Core;
use super::approach::Plan;
use super::connection::{Connection, Selection};
use crate::report::{DestinationFigures, Percentiles};

/// The first destination: the channel that Genlock is opened for.
pub(super) const MAIN: u32 = 0;

/// Figures of connections of the same broadcast that are over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Earlier {
    acknowledged_bytes: Option<u64>,
    latency: Percentiles,
    connections: u32,
    on_air_seconds: f64,
    first_idr_ms: Option<f64>,
    sent_bytes: u64,
    dropped_frames: u64,
}

/// A destination and its broadcast.
pub(super) struct Outlet {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) plan: Plan,
    pub(super) selection: Selection,
    pub(super) broadcast: Broadcast,
    /// What the next session is opened with, where that is another plan.
    following: Option<Plan>,
    /// The policy waits for a plan.
    awaits_plan: bool,
    pub(super) present: Option<Connection>,
    pub(super) next: Option<Connection>,
    /// Where the server wants the next connection to go, when not to the same address.
    pub(super) move_to: Option<String>,
    pub(super) wanted_at: MediaTime,
    earlier: Earlier,
    pub(super) ledger: GapLedger,
    /// Pictures dropped that the ledger knows of.
    dropped_told: u64,
    /// The interruption that was told last: the same again is no news.
    pub(super) told: Option<&'static str>,
    /// First and last media of each track that left.
    arrived: BTreeMap<Track, (MediaTime, MediaTime)>,
    pub(super) playback: Option<net::PlaybackWatcher>,
}

impl Outlet {
    pub(super) fn new(
        (id, name): (u32, String),
        plan: Plan,
        selection: Selection,
        broadcast: Broadcast,
        wanted_at: MediaTime,
    ) -> Self {
        Self {
            id,
            name,
            plan,
            following: None,
            selection,
            broadcast,
            awaits_plan: false,
            present: None,
            next: None,
            move_to: None,
            wanted_at,
            earlier: Earlier::default(),
            ledger: GapLedger::default(),
            dropped_told: 0,
            told: None,
            arrived: BTreeMap::new(),
            playback: None,
        }
    }

    /// Whether it is or may soon be sent anything.
    pub(super) fn needs_encoders(&self, now: MediaTime) -> bool {
        self.present.is_some() || !matches!(self.phase(now), Phase::TakenOver { .. } | Phase::Over(_))
    }

    pub(super) fn phase(&self, now: MediaTime) -> Phase {
        self.broadcast.phase(now)
    }

    /// Figures so far.
    pub(super) fn figures(&self, now: MediaTime) -> DestinationFigures {
        let stats = self.present.as_ref().map(Connection::stats);
        let policy = self.broadcast.figures(now);
        let live_at = stats.as_ref().and_then(|stats| stats.live_at);
        // An attempt that never got on air says nothing about it.
        let was_live = stats.as_ref().filter(|stats| stats.live_at.is_some());
        let latency = was_live.map_or(self.earlier.latency, |stats| Percentiles {
            median: stats.latency_session.median.as_secs_f64() * 1000.0,
            p99: stats.latency_session.p99.as_secs_f64() * 1000.0,
        });
        let acknowledged = stats.as_ref().and_then(|stats| stats.acknowledged_bytes);
        let since_wanted = |at: MediaTime| (at - self.wanted_at).as_secs_f64() * 1000.0;
        let address = self.plan.destination.address.to_string();
        DestinationFigures {
            name: self.name.clone(),
            address: address.split('?').next().unwrap_or_default().to_owned(),
            state: self.light(now).word().to_owned(),
            failure: None,
            refused: false,
            on_air_seconds: self.earlier.on_air_seconds + live_at.map_or(0.0, |at| (now - at).as_secs_f64()),
            first_idr_ms: self.earlier.first_idr_ms.or(live_at.map(since_wanted)),
            sent_bytes: self.earlier.sent_bytes + stats.as_ref().map_or(0, |stats| stats.sent_bytes),
            acknowledged_bytes: match (self.earlier.acknowledged_bytes, acknowledged) {
                (None, None) => None,
                (before, now) => Some(before.unwrap_or(0) + now.unwrap_or(0)),
            },
            dropped_frames: self.earlier.dropped_frames
                + stats.as_ref().map_or(0, |stats| stats.queue.dropped.units),
            composition_to_wire_ms: latency,
            connections: self.earlier.connections + u32::from(stats.is_some()),
            config_id: self.plan.ladder.config_id().map(str::to_owned),
            reconnects: policy.reconnects,
            takeovers: policy.takeovers,
            priority: policy.priority,
            gaps: self.gap_figures(),
        }
    }

    /// Adds the present connection to what is over.
    fn remember(&mut self, now: MediaTime) {
        let figures = self.figures(now);
        self.earlier = Earlier {
            acknowledged_bytes: figures.acknowledged_bytes,
            latency: figures.composition_to_wire_ms,
            connections: figures.connections,
            on_air_seconds: figures.on_air_seconds,
            first_idr_ms: figures.first_idr_ms,
            sent_bytes: figures.sent_bytes,
            dropped_frames: figures.dropped_frames,
        };
    }

    /// Takes the runs of media that arrived, and notes when pictures were dropped.
    fn keep_ledger(&mut self, now: MediaTime) {
        let of_present = self.present.as_ref().map_or(0, |connection| connection.stats().queue.dropped.units);
        let dropped = self.earlier.dropped_frames + of_present;
        if dropped > self.dropped_told {
            self.dropped_told = dropped;
            self.ledger.fell_behind(now);
        }
        for connection in self.present.iter().chain(&self.next) {
            for delivered in connection.output.deliveries() {
                let arrived = self.arrived.entry(delivered.track).or_insert((delivered.from, delivered.to));
                arrived.1 = arrived.1.max(delivered.to);
                self.ledger.delivered(&delivered);
            }
        }
        // What was never on air is not missing: the ledger begins where all tracks are there.
        if self.arrived.len() >= self.tracks().len()
            && let Some(began) = self.arrived.values().map(|(first, _)| *first).max()
        {
            self.ledger.began(began);
        }
    }

    /// Ends the ledger: where the shortest track ends after a good end, else `now`.
    pub(super) fn close_ledger(&mut self, was_wanted: bool, now: MediaTime) {
        self.keep_ledger(now);
        let shortest = self.arrived.values().map(|(_, last)| *last).min();
        self.ledger.ended(shortest.filter(|_| was_wanted).unwrap_or(now));
    }

    /// The tracks that are promised to the destination.
    fn tracks(&self) -> Vec<Track> {
        let renditions = self.plan.ladder.tracks().into_iter().map(Track::Video);
        renditions.chain([Track::Audio(TrackId::PRIMARY)]).collect()
    }
}

impl Core {
    pub(super) fn main(&self) -> Option<&Outlet> {
        self.outlets.iter().find(|outlet| outlet.id == MAIN)
    }

    pub(super) fn outlet_mut(&mut self, id: u32) -> Option<&mut Outlet> {
        self.outlets.iter_mut().find(|outlet| outlet.id == id)
    }

    /// Follows all destinations.
    pub(super) fn watch_outlets(&mut self) {
        let changes = self.network.changes();
        let network_changed = std::mem::replace(&mut self.network_changes, changes) != changes;
        let ids: Vec<u32> = self.outlets.iter().map(|outlet| outlet.id).collect();
        for id in ids {
            if network_changed {
                self.inform(id, Happened::NetworkChanged);
            }
            self.watch_outlet(id);
        }
        self.keep_gaps(self.machine.clock.now());
        self.keep_pairing();
    }

    fn watch_outlet(&mut self, id: u32) {
        let now = self.machine.clock.now();
        let Some(outlet) = self.outlet_mut(id) else { return };
        let present = outlet.present.as_mut().map(|connection| connection.listen(now)).unwrap_or_default();
        let next = outlet.next.as_mut().map(|connection| connection.listen(now)).unwrap_or_default();
        outlet.keep_ledger(now);
        let wants_idr = [&mut outlet.present, &mut outlet.next]
            .into_iter()
            .flatten()
            .any(|connection| connection.wants_idr(now));
        if wants_idr {
            self.request_idr();
        }
        for notice in present.notices {
            self.hear_stream(id, notice);
        }
        for notice in next.notices {
            match notice {
                Notice::Accepted { .. } => self.inform(id, Happened::NextAccepted),
                Notice::Step(Step::Live) => self.inform(id, Happened::NextLive),
                _ => {}
            }
        }
        if let Some(ended) = present.ended {
            self.close_present(id, now);
            if let (Ended::Failed(failure), Some(outlet)) = (&ended, self.outlet_mut(id)) {
                outlet.ledger.interrupted(now, failure.happened());
            }
            self.inform(id, Happened::Ended(ended));
        }
        if let Some(ended) = next.ended
            && let Some(next) = self.outlet_mut(id).and_then(|outlet| outlet.next.take())
        {
            self.close_connection(&next);
            self.inform(id, Happened::NextEnded(ended));
        }
        let due =
            self.outlet_mut(id).and_then(|outlet| outlet.broadcast.wake_at(now)).is_some_and(|at| now >= at);
        if due {
            self.inform(id, Happened::Tick);
        }
    }

    /// Books the present connection as over, and ends it in good order.
    fn close_present(&mut self, id: u32, now: MediaTime) {
        if let Some(connection) = self.take_present(id, now) {
            self.close_connection(&connection);
        }
    }

    /// Books the present connection as over.
    fn take_present(&mut self, id: u32, now: MediaTime) -> Option<Connection> {
        let outlet = self.outlet_mut(id)?;
        if outlet.present.is_some() {
            outlet.keep_ledger(now);
            outlet.remember(now);
        }
        outlet.present.take()
    }

    /// Tells the policy of a destination what happened, and does what it orders.
    pub(super) fn inform(&mut self, id: u32, happened: Happened) {
        let now = self.machine.clock.now();
        let Some(outlet) = self.outlet_mut(id) else { return };
        outlet.broadcast.handle(happened, now);
        self.follow(id);
    }

    /// Does what the policy of a destination orders.
    pub(super) fn follow(&mut self, id: u32) {
        while let Some(order) = self.outlet_mut(id).and_then(|outlet| outlet.broadcast.poll()) {
            self.execute(id, order);
        }
        let now = self.machine.clock.now();
        if let Some(outcome) = self.outlet_mut(id).and_then(|outlet| match outlet.phase(now) {
            Phase::Over(outcome) if outlet.present.is_none() && outlet.next.is_none() => Some(outcome),
            _ => None,
        }) {
            self.finish_outlet(id, &outcome);
        }
    }

    fn execute(&mut self, id: u32, order: Order) {
        match order {
            Order::Ask => self.ask_for_plan(id),
            Order::Open { priority } => self.open(id, priority),
            Order::OpenNext { priority, waits } => self.open_next(id, priority, waits),
            Order::Depart => self.leave(id, net::Output::depart),
            // Without a session that goes on at the keyframe there is nothing to wait for.
            Order::Conclude if self.outlet_mut(id).is_some_and(|outlet| outlet.next.is_none()) => {
                self.leave(id, net::Output::stop);
            }
            Order::Conclude => self.leave(id, net::Output::conclude),
            Order::Proceed => {
                if let Some(next) = self.outlet_mut(id).and_then(|outlet| outlet.next.as_ref()) {
                    next.output.proceed();
                }
            }
            Order::Promote => {
                let now = self.machine.clock.now();
                self.close_present(id, now);
                if let Some(outlet) = self.outlet_mut(id) {
                    outlet.present = outlet.next.take();
                }
            }
            Order::Stop => {
                if let Some(present) = self.outlet_mut(id).and_then(|outlet| outlet.present.as_ref()) {
                    present.output.stop();
                }
            }
            Order::Abandon => {
                if let Some(next) = self.outlet_mut(id).and_then(|outlet| outlet.next.take()) {
                    self.close_connection(&next);
                }
            }
            Order::Tell(telling) => self.tell_of_outlet(id, &telling),
        }
    }

    /// The present connection leaves the stream at the next keyframe, which is asked for.
    fn leave(&mut self, id: u32, how: impl Fn(&net::Output)) {
        if let Some(present) = self.outlet_mut(id).and_then(|outlet| outlet.present.as_ref()) {
            how(&present.output);
            self.request_idr();
        }
    }

    pub(super) fn request_idr(&self) {
        if let Some(encoding) = &self.encoding {
            encoding.group.request_idr();
        }
    }

    /// The policy wants a new configuration before it goes on.
    fn ask_for_plan(&mut self, id: u32) {
        let asks = id == MAIN && self.asks_service();
        let Some(outlet) = self.outlet_mut(id) else { return };
        outlet.awaits_plan = true;
        if outlet.following.is_some() || !asks {
            self.answer_with_plan(id);
        } else {
            // When it is being asked for another reason, the answer to that serves.
            self.ask_anew();
        }
    }

    /// A plan for the stream that follows the present one is there.
    pub(super) fn hear_plan(&mut self, plan: Plan) {
        let Some(main) = self.outlet_mut(MAIN) else {
            // The stream ended meanwhile.
            self.rest_if_unwanted();
            return;
        };
        main.following = Some(plan);
        if main.awaits_plan {
            self.answer_with_plan(MAIN);
        } else {
            // A smaller ladder is wanted, which for the service is a new stream.
            self.inform(MAIN, Happened::RenewNow);
        }
    }

    /// There is none.
    pub(super) fn hear_no_plan(&mut self, refused: bool) {
        if let Some(main) = self.outlet_mut(MAIN).filter(|main| main.awaits_plan) {
            main.awaits_plan = false;
            self.inform(MAIN, Happened::NotConfigured { refused });
        }
    }

    fn answer_with_plan(&mut self, id: u32) {
        let Some(outlet) = self.outlet_mut(id) else { return };
        outlet.awaits_plan = false;
        let at_work = &outlet.plan.ladder;
        let same_media = outlet.following.as_ref().is_none_or(|following| {
            // Beside a running session the next one has to take the same access units.
            let is_on_air = outlet.present.is_some();
            let ladder = &following.ladder;
            if is_on_air { ladder.has_same_encoders(at_work) } else { ladder.is_same_media(at_work) }
        });
        self.inform(id, Happened::Configured { same_media });
    }

    /// Opens the present connection.
    fn open(&mut self, id: u32, priority: Option<u32>) {
        let Some(outlet) = self.outlet_mut(id) else { return };
        if let Some(following) = outlet.following.take() {
            outlet.plan = following;
        }
        let (plan, selection) = (outlet.plan.clone(), outlet.selection);
        if selection == Selection::Ladder
            && let Err(problem) = self.encode(&plan.ladder)
        {
            let failure = Self::own_failure(&plan, &problem.happened);
            self.tell(problem);
            self.inform(id, Happened::Ended(Ended::Failed(failure)));
            return;
        }
        let destination = net::Destination { priority, ..plan.destination.clone() };
        match self.open_connection(&destination, selection) {
            Ok(connection) => {
                let now = self.machine.clock.now();
                if let Some(outlet) = self.outlet_mut(id) {
                    let tracks = outlet.tracks();
                    outlet.arrived.retain(|track, _| tracks.contains(track));
                    outlet.ledger.changed(tracks, now);
                    outlet.present = Some(connection);
                }
            }
            Err(what) => {
                let failure = Self::own_failure(&plan, &what);
                self.inform(id, Happened::Ended(Ended::Failed(failure)));
            }
        }
    }

    /// Opens a connection beside the present one.
    fn open_next(&mut self, id: u32, priority: Option<u32>, waits: bool) {
        let Some(outlet) = self.outlet_mut(id) else { return };
        if let Some(following) = outlet.following.take() {
            outlet.plan = following;
        }
        let (plan, selection, move_to) = (outlet.plan.clone(), outlet.selection, outlet.move_to.take());
        let destination =
            net::Destination { priority, keep_from_keyframe: true, waits, ..plan.destination.clone() };
        let moved = match &move_to {
            Some(tc_url) => destination.moved_to(tc_url).map_err(|error| error.to_string()),
            None => Ok(destination),
        };
        match moved.and_then(|destination| self.open_connection(&destination, selection)) {
            Ok(connection) => {
                if let Some(outlet) = self.outlet_mut(id) {
                    outlet.next = Some(connection);
                }
            }
            Err(what) => {
                let failure = Self::own_failure(&plan, &what);
                self.inform(id, Happened::NextEnded(Ended::Failed(failure)));
            }
        }
    }

    /// The computer was asleep: the peer gave the connection up long ago, whatever the socket still says. Should it have
    /// been a short sleep, the stream is not ended: the next connection takes it over.
    pub(super) fn lose_connection(&mut self, id: u32) {
        let now = self.machine.clock.now();
        let Some(outlet) = self.outlet_mut(id).filter(|outlet| outlet.present.is_some()) else { return };
        let address = outlet.plan.destination.address.clone();
        let failure = publish::Failure {
            host: address.host().to_owned(),
            port: address.port(),
            stage: publish::Stage::Live,
            cause: publish::Cause::ClosedByPeer,
        };
        if let Some(connection) = self.take_present(id, now) {
            self.desert_connection(&connection);
        }
        if let Some(outlet) = self.outlet_mut(id) {
            outlet.ledger.interrupted(now, failure.happened());
        }
        self.inform(id, Happened::Ended(Ended::Failed(failure)));
    }

    /// A session that could not even begin.
    fn own_failure(plan: &Plan, what: &str) -> publish::Failure {
        let address = &plan.destination.address;
        publish::Failure {
            host: address.host().to_owned(),
            port: address.port(),
            stage: publish::Stage::Name,
            cause: publish::Cause::Own(what.to_owned()),
        }
    }
}
