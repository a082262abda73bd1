//! The destinations as the window shows them.

use control::{
    DestinationView, GapsView, LiveState, OutputQueueView, PairedView, PairingView, PlaybackView, RetryView,
    SrtView,
};
use publish::{GapLedger, Light, LightState, Outcome, Phase, PlaybackState, Step, Viewers};
use units::{Clock, MediaTime, Span, Track};

use super::Core;
use super::approach::Approach;
use super::connection::Connection;
use super::outlet::{MAIN, Outlet};
use super::takeover::paired_tracks;

impl Outlet {
    /// The light, with its reason.
    fn judge(&self, now: MediaTime) -> LightState {
        let phase = self.phase(now);
        let stats = self.present.as_ref().map(Connection::stats);
        let tracks = stats.as_ref().map(|stats| stats.tracks.as_slice()).unwrap_or_default();
        let silent: Vec<Track> =
            tracks.iter().filter(|progress| progress.is_silent).map(|progress| progress.track).collect();
        let viewers = match self.playback.as_ref().map(net::PlaybackWatcher::state) {
            None | Some(PlaybackState::Unreachable(_)) => Viewers::Unknown,
            Some(PlaybackState::NotYet) => Viewers::NotYet,
            Some(PlaybackState::Playable { .. }) => Viewers::Playing,
            Some(PlaybackState::Stalled { .. }) => Viewers::Stalled,
        };
        Light {
            phase: &phase,
            step: stats.as_ref().map(|stats| stats.step),
            health: stats.as_ref().map(|stats| stats.health).unwrap_or_default(),
            unconfirmed: stats.as_ref().map(|stats| stats.unconfirmed).unwrap_or_default(),
            all_confirmed: !tracks.is_empty()
                && tracks.iter().all(|progress| progress.confirmed_to.is_some()),
            silent: &silent,
            viewers,
        }
        .judge()
    }

    /// The light.
    pub(super) fn light(&self, now: MediaTime) -> LiveState {
        match self.judge(now) {
            LightState::Off => LiveState::Off,
            LightState::Connecting => LiveState::Connecting,
            LightState::Accepted => LiveState::Accepted,
            LightState::Live => LiveState::Live,
            LightState::Degraded(_) => LiveState::Degraded,
            LightState::Reconnecting => LiveState::Reconnecting,
            LightState::Stopping => LiveState::Stopping,
            LightState::TakenOver => LiveState::TakenOver,
            LightState::Failed => LiveState::Failed,
        }
    }

    fn view(&self, now: MediaTime) -> DestinationView {
        let stats = self.present.as_ref().map(Connection::stats).unwrap_or_default();
        let figures = self.broadcast.figures(now);
        let phase = self.phase(now);
        let light = self.judge(now);
        let address = self.plan.destination.address.to_string();
        let is_connected = self.present.is_some();
        DestinationView {
            id: self.id,
            name: self.name.clone(),
            address: address.split('?').next().unwrap_or_default().to_owned(),
            tracks: self.plan.ladder.rungs.len(),
            state: self.light(now),
            reason: reason(&light, &phase),
            step: if is_connected { stats.step.words().to_owned() } else { step(&phase).to_owned() },
            on_air: stats.live_at.map_or(Span::ZERO, |at| now - at),
            upload: stats.upload,
            needed: self.plan.ladder.total(),
            sent_bytes: stats.sent_bytes,
            acknowledged_bytes: stats.acknowledged_bytes.unwrap_or(0),
            unconfirmed: stats.unconfirmed,
            composition_to_wire_ms: (stats.latency_recent.median.as_secs_f64() * 1000.0) as f32,
            queue: OutputQueueView {
                name: "stream".into(),
                waiting: stats.queue.waiting,
                bound: publish::QueueLimits::default().waiting,
                dropped_frames: stats.queue.dropped.units,
            },
            priority: figures.priority,
            takeovers: figures.takeovers,
            takeover_limit: figures.takeover_limit,
            playback: match self.playback.as_ref().map(net::PlaybackWatcher::state) {
                None | Some(PlaybackState::Unreachable(_)) => PlaybackView::Unknown,
                Some(PlaybackState::NotYet) => PlaybackView::Waiting,
                Some(PlaybackState::Playable { behind, .. }) => PlaybackView::Playable { behind },
                Some(PlaybackState::Stalled { .. }) => PlaybackView::Stalled,
            },
            retry: retry(&phase, now),
            renews_in: figures.renews_at.map(|at| (at - now).max(Span::ZERO)),
            ends_in: figures.ends_at.map(|at| (at - now).max(Span::ZERO)),
            gaps: self.gaps_view(now),
            srt: stats.srt.map(|srt| SrtView {
                rtt_ms: (srt.rtt.as_secs_f64() * 1000.0) as f32,
                latency_ms: u32::try_from(srt.latency.as_millis()).unwrap_or(0),
                loss_percent: srt.loss_percent(),
                retransmitted: srt.retransmitted,
                dropped: srt.dropped,
            }),
            rtt_ms: stats.tcp.map(|tcp| (tcp.rtt.as_secs_f64() * 1000.0) as f32),
        }
    }

    fn gaps_view(&self, now: MediaTime) -> GapsView {
        let is_sent = self.present.as_ref().is_some_and(|present| present.stats().step == Step::Live);
        let gaps = if is_sent { self.ledger.gaps() } else { self.ledger.gaps_until(now) };
        let summary = GapLedger::summary(&gaps);
        GapsView {
            count: u32::try_from(summary.count).unwrap_or(u32::MAX),
            total: summary.total,
            latest: summary.latest.map_or_else(String::new, |gap| {
                format!("{:.1} s: {}", (gap.to - gap.from).as_secs_f64(), gap.why)
            }),
        }
    }
}

/// Why the light is what it is.
fn reason(light: &LightState, phase: &Phase) -> String {
    match (light, phase) {
        (LightState::Degraded(what), _) => sentence(&what.to_string()),
        (_, Phase::TakenOver { certain: true, .. }) => "Another PC took over this channel.".into(),
        (_, Phase::TakenOver { certain: false, .. }) => "Another PC seems to have taken over.".into(),
        (
            _,
            Phase::Over(
                Outcome::Failed(failure) | Outcome::Refused(failure) | Outcome::GaveUp { failure, .. },
            ),
        ) => failure.happened(),
        _ => String::new(),
    }
}

fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}.", first.to_uppercase(), letters.as_str().trim_end_matches('.'))
    })
}

/// What goes on while there is no session.
fn step(phase: &Phase) -> &'static str {
    match phase {
        Phase::Starting | Phase::Connecting { .. } => "connecting",
        Phase::Asking { .. } => "asking the service for a new key",
        Phase::Waiting { .. } => "waiting to try again",
        Phase::Renewing => "renewing the stream",
        Phase::Stopping => "stopping",
        Phase::OnAir | Phase::TakenOver { .. } | Phase::Over(_) => "",
    }
}

fn retry(phase: &Phase, now: MediaTime) -> Option<RetryView> {
    match phase {
        Phase::Waiting { attempt, of, next_at, why, .. } => Some(RetryView {
            attempt: *attempt,
            of: *of,
            next_in: (*next_at - now).max(Span::ZERO),
            why: sentence(why.words()),
        }),
        Phase::Connecting { attempt, of, .. } if *attempt > 0 => {
            Some(RetryView { attempt: *attempt, of: *of, next_in: Span::ZERO, why: String::new() })
        }
        _ => None,
    }
}

impl Core {
    /// The main destination first, where it is set up, then the others.
    pub(super) fn destination_views(&self) -> Vec<DestinationView> {
        let now = self.machine.clock.now();
        let main = match self.main() {
            Some(main) => Some(main.view(now)),
            None => self.resting_main(),
        };
        let further = self.further.iter().map(|listed| {
            match self.outlets.iter().find(|outlet| outlet.id == listed.id) {
                Some(outlet) => outlet.view(now),
                None => DestinationView {
                    id: listed.id,
                    name: listed.further.name.clone(),
                    address: listed
                        .further
                        .address
                        .to_string()
                        .split('?')
                        .next()
                        .unwrap_or_default()
                        .to_owned(),
                    tracks: 1,
                    state: listed.after_live,
                    reason: listed.reason.clone(),
                    ..DestinationView::default()
                },
            }
        });
        main.into_iter().chain(further).collect()
    }

    /// The main destination while nothing is sent; `None` before it is known where to.
    fn resting_main(&self) -> Option<DestinationView> {
        let address = self.address();
        if address.is_empty() && self.approach.is_none() {
            return None;
        }
        let on_the_way = self.approach.as_ref().filter(|approach| approach.is_public());
        Some(DestinationView {
            id: MAIN,
            name: self.main_name(),
            address,
            tracks: self.settings.ladder.rungs.len(),
            state: self.live_state(),
            reason: self.after_reason.clone(),
            step: on_the_way.map_or_else(String::new, |approach: &Approach| approach.words().to_owned()),
            needed: self.settings.ladder.total(),
            ..DestinationView::default()
        })
    }

    pub(super) fn main_name(&self) -> String {
        if self.machine.is_rehearsal { "Rehearsal".into() } else { "Amazon IVS".into() }
    }

    pub(super) fn pairing_view(&self) -> PairingView {
        let phase = self.main().map(|main| main.phase(self.machine.clock.now()));
        let take_back = matches!(phase, Some(Phase::TakenOver { .. }));
        let planned = self.prepared.as_ref().map_or(&self.settings.ladder, |prepared| &prepared.plan.ladder);
        let is_known = self.prepared.is_some() || !self.asks_service();
        let paired = self.pairing.as_ref().map(|pairing| PairedView {
            channel: pairing.channel.to_string().split('?').next().unwrap_or_default().to_owned(),
            ladder: pairing.ladder_words(),
            last_priority: pairing.last_priority,
            with_key: pairing.key.is_some(),
            // What the service would grant here is known when it was asked.
            differences: if is_known { pairing.differences(&paired_tracks(planned)) } else { Vec::new() },
        });
        PairingView {
            can_offer: self.can_offer_pairing(),
            paired,
            can_take_over: take_back
                || (phase.is_none() && self.approach.is_none() && self.missing_destination().is_none()),
            take_back,
        }
    }
}
