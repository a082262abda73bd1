//! What the person started and has not stopped, over as many sessions as it takes: reconnecting, taking over and being
//! taken over, moving, renewing. docs/reconnect.md has the rules and their reasons.
//!
//! The program tells what happened ([`Happened`]), carries out what it is told ([`Order`]) and comes back at
//! [`Broadcast::wake_at`]. It has at most two sessions open, the present one and the next one.

mod config;
mod telling;
mod vocabulary;

use std::collections::VecDeque;

use units::MediaTime;

pub use config::{BroadcastConfig, BroadcastLimits, Intent, Renewal};
pub use telling::Telling;
pub use vocabulary::{BroadcastFigures, Happened, Interruption, Order, Outcome, Phase};

use crate::{Ended, takeover};

/// A broadcast to one destination.
#[derive(Debug)]
pub struct Broadcast {
    config: BroadcastConfig,
    phase: Phase,
    orders: VecDeque<Order>,
    figures: BroadcastFigures,
}

impl Broadcast {
    /// A broadcast that begins at `now`. `seed` need not be secret; it makes its pauses differ from those of others.
    pub fn new(config: BroadcastConfig, _seed: u64, _now: MediaTime) -> Self {
        let mut this = Self {
            figures: BroadcastFigures {
                takeover_limit: config.limits.takeovers,
                key_since: config.configured_at,
                ..BroadcastFigures::default()
            },
            phase: Phase::Starting,
            orders: VecDeque::new(),
            config,
        };
        if this.config.asks && this.config.configured_at.is_none() {
            this.phase = Phase::Asking { again: false };
            this.orders.push_back(Order::Ask);
        } else {
            this.open();
        }
        this
    }

    fn open(&mut self) {
        let priority = match self.config.intent {
            Intent::Begin => self.config.first_priority,
            Intent::TakeOver { known } => self.config.first_priority.or(takeover::jump_above(known)),
        };
        self.figures.priority = priority;
        self.phase = Phase::Starting;
        self.orders.push_back(Order::Open { priority });
    }

    /// Tells what happened at `now`.
    pub fn handle(&mut self, happened: Happened, now: MediaTime) {
        match (happened, &self.phase) {
            (_, Phase::Over(_)) => {}
            (Happened::Configured { .. }, Phase::Asking { .. }) => {
                self.figures.key_since = Some(now);
                self.open();
            }
            (Happened::NotConfigured { refused }, Phase::Asking { .. }) => {
                self.phase = Phase::Over(Outcome::NotConfigured { refused });
            }
            (Happened::Accepted, Phase::Starting) => self.figures.stream_began_at = Some(now),
            (Happened::Live, Phase::Starting) => self.phase = Phase::OnAir,
            (Happened::Stop, Phase::Asking { .. }) => self.phase = Phase::Over(Outcome::Stopped),
            (Happened::Stop, Phase::Starting | Phase::OnAir) => {
                self.phase = Phase::Stopping;
                self.orders.push_back(Order::Stop);
            }
            (Happened::Ended(ended), Phase::Starting | Phase::OnAir | Phase::Stopping) => {
                self.phase = Phase::Over(match ended {
                    Ended::Failed(failure) => Outcome::Failed(failure),
                    Ended::Stopped { .. } | Ended::Departed => Outcome::Stopped,
                });
            }
            _ => {}
        }
    }

    /// What to do next; `None` when nothing new.
    pub fn poll(&mut self) -> Option<Order> {
        self.orders.pop_front()
    }

    /// When to come back with [`Happened::Tick`] if nothing else happens before; `None` when only a report, an answer or
    /// the person can change anything.
    pub fn wake_at(&self, _now: MediaTime) -> Option<MediaTime> {
        None
    }

    /// How far it is.
    pub fn phase(&self, _now: MediaTime) -> Phase {
        self.phase.clone()
    }

    /// Whether an answer to [`Order::Ask`] is waited for. The question may be called off once it is not.
    pub fn awaits_answer(&self) -> bool {
        matches!(self.phase, Phase::Asking { .. })
    }

    /// Figures so far.
    pub fn figures(&self, _now: MediaTime) -> BroadcastFigures {
        self.figures
    }
}
