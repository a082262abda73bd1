//! Going live: what is started when, what is told, what ends.

use control::{LiveState, Problem, Severity};
use publish::{
    Broadcast, BroadcastConfig, BroadcastLimits, Happened, Health, Intent, Notice, Outcome, Phase,
    PlaybackUrl, Renewal, Step, Telling, WallClock,
};
use units::{Clock, MediaTime, Span};

use super::Core;
use super::approach::{Approach, Plan, Purpose};
use super::connection::Selection;
use super::outlet::{MAIN, Outlet};

/// How long after a stream of ours the next one may be told that the channel is on air already: the service holds a
/// connection that has not ended in good order for 30 seconds (IVS user guide, "Step 5: Set Up Streaming Software").
pub(super) const HELD: Span = Span::from_secs(40);

impl Core {
    pub(super) fn go_live(&mut self) {
        let now = self.machine.clock.now();
        match self.main().map(|main| main.phase(now)) {
            // Going live again on a channel that somebody else has taken means taking it back.
            Some(Phase::TakenOver { .. }) => self.inform(MAIN, Happened::TakeOver),
            Some(_) => {}
            None => self.approach(Purpose::GoLive),
        }
    }

    /// Goes live with `plan`. The wish was uttered at `wanted_at`.
    pub(super) fn start_stream(&mut self, plan: Plan, wanted_at: MediaTime) {
        let were_running = self.encoding.is_some();
        let intent = self.intent.take();
        if let Some(Some(pairing)) = &intent
            && let Err(problem) = self.check_pairing(pairing, &plan)
        {
            self.fail_to_start(problem);
            self.rest_if_unwanted();
            return;
        }
        if let Err(problem) = self.encode(&plan.ladder) {
            self.fail_to_start(problem);
            return;
        }
        let now = self.machine.clock.now();
        let preferences = &self.settings.preferences;
        let limits = BroadcastLimits::default();
        let config = BroadcastConfig {
            reconnects: preferences.reconnect,
            first_priority: plan.destination.priority.or(plan.destination.address.priority()),
            // Where no service is asked, the plan at hand is the answer.
            asks: true,
            // The plan is of this moment, or of one just before.
            configured_at: Some(now),
            // A channel's own key does not expire.
            limits: BroadcastLimits { key: limits.key.filter(|_| self.asks_service()), ..limits },
            renewal: renewal(preferences.renewal),
            intent: match &intent {
                Some(pairing) => {
                    Intent::TakeOver { known: pairing.as_ref().and_then(|pairing| pairing.last_priority) }
                }
                None => Intent::Begin,
            },
            held_until: self.left_at.map(|at| at + HELD),
            ..BroadcastConfig::for_ivs()
        };
        (self.after_reason, self.last_further) = (String::new(), Vec::new());
        let broadcast = Broadcast::new(config, self.seed(), now);
        let main = (MAIN, self.main_name());
        let outlet = Outlet::new(main, plan, Selection::Ladder, broadcast, wanted_at);
        self.outlets.insert(0, outlet);
        self.follow(MAIN);
        self.start_further();
        // Recording is on by default: whoever wants none says so.
        if self.settings.record_into.is_some() {
            self.record(were_running);
        }
    }

    /// A number that differs from one broadcast and one computer to the next; it need not be secret.
    pub(super) fn seed(&self) -> u64 {
        let now = self.machine.clock.now();
        let wall = self.machine.clock.unix_nanos_at_zero();
        wall.wrapping_add(now.as_nanos()).unsigned_abs() ^ u64::from(std::process::id()).rotate_left(32)
    }

    fn fail_to_start(&mut self, problem: Problem) {
        self.after_live = LiveState::Failed;
        self.tell(problem);
    }

    /// Ends the stream on every destination, and the recording with it.
    pub(super) fn stop_live(&mut self) {
        let was_on_the_way = self.approach.as_ref().is_some_and(Approach::is_public) && self.main().is_none();
        self.cancel_approach();
        if was_on_the_way {
            self.after_live = LiveState::Off;
        }
        let ids: Vec<u32> = self.outlets.iter().map(|outlet| outlet.id).collect();
        if was_on_the_way || !ids.is_empty() {
            self.stop_recording();
        }
        for id in ids {
            self.inform(id, Happened::Stop);
        }
    }

    /// The light.
    pub(super) fn live_state(&self) -> LiveState {
        let on_the_way = self.approach.as_ref().is_some_and(Approach::is_public);
        match self.main() {
            Some(main) => main.light(self.machine.clock.now()),
            None if on_the_way => LiveState::Connecting,
            None => self.after_live,
        }
    }

    /// A destination's broadcast is over.
    pub(super) fn finish_outlet(&mut self, id: u32, outcome: &Outcome) {
        let now = self.machine.clock.now();
        let Some(place) = self.outlets.iter().position(|outlet| outlet.id == id) else { return };
        let mut outlet = self.outlets.remove(place);
        outlet.close_ledger(matches!(outcome, Outcome::Stopped), now);
        let mut figures = outlet.figures(now);
        let (state, failure) = match outcome {
            Outcome::Stopped | Outcome::TakenOver => (LiveState::Off, None),
            Outcome::Failed(failure) | Outcome::GaveUp { failure, .. } | Outcome::Refused(failure) => {
                (LiveState::Failed, Some(failure))
            }
            Outcome::NotConfigured { .. } => (LiveState::Failed, None),
        };
        figures.state = state.word().to_owned();
        figures.failure = match outcome {
            Outcome::NotConfigured { .. } => Some("not_configured".into()),
            _ => failure.map(|failure| failure.code().to_owned()),
        };
        figures.refused = matches!(outcome, Outcome::Refused(_) | Outcome::NotConfigured { refused: true })
            || failure.is_some_and(publish::Failure::is_refusal);
        let reason = failure.map(publish::Failure::happened).unwrap_or_default();
        self.file_ledger(&outlet.name, outlet.ledger);
        if let Some(failure) = failure {
            self.tell_failure(&outlet.name, failure, id == MAIN);
        }
        if id == MAIN {
            (self.after_live, self.after_reason, self.left_at) = (state, reason, Some(now));
            self.last_destination = Some(figures);
        } else {
            if let Some(listed) = self.further.iter_mut().find(|listed| listed.id == id) {
                (listed.after_live, listed.reason, listed.left_at) = (state, reason, Some(now));
            }
            self.last_further.push(figures);
        }
        self.rest_if_unwanted();
    }

    fn tell_failure(&mut self, name: &str, failure: &publish::Failure, is_main: bool) {
        let mut done = failure.done().to_owned();
        if !is_main {
            done = format!("{name} gets nothing any more; the other destinations are not touched.");
        } else if self.recording.is_some() {
            done.push_str(" The recording goes on.");
        }
        self.tell(Problem {
            severity: Severity::Error,
            code: failure.code(),
            happened: failure.happened(),
            done,
            advice: failure.advice().to_owned(),
        });
    }

    /// What the policy of a destination wants said.
    pub(super) fn tell_of_outlet(&mut self, id: u32, telling: &Telling) {
        let Some(outlet) = self.outlet_mut(id) else { return };
        let (name, is_main) = (outlet.name.clone(), outlet.id == MAIN);
        // The countdown stands in the window; the same sentence at each of 25 attempts would bury everything else.
        let interruption = match telling {
            Telling::Interrupted { failure, .. } => Some(failure.code()),
            _ => None,
        };
        if interruption.is_some() && outlet.told == interruption {
            return;
        }
        outlet.told = interruption;
        let happened = telling.happened();
        self.tell(Problem {
            severity: if telling.is_trouble() { Severity::Warning } else { Severity::Notice },
            code: telling.code(),
            happened: if is_main { happened } else { format!("{name}: {happened}") },
            done: telling.done(),
            advice: telling.advice().to_owned(),
        });
    }

    pub(super) fn hear_stream(&mut self, id: u32, notice: Notice) {
        match notice {
            Notice::Accepted { .. } => {
                self.watch_playback_of(id);
                self.inform(id, Happened::Accepted);
            }
            Notice::Step(Step::Live) => self.inform(id, Happened::Live),
            Notice::Health(health) if health != Health::Good => self.tell_health(id, health),
            // What every stream hears at its beginning and end is no news.
            Notice::ServiceSaid { code, .. } if code.ends_with(".Start") || code.ends_with(".Success") => {
                tracing::info!(code, "the service said");
            }
            Notice::ServiceSaid { code, text } => self.tell(Problem {
                severity: Severity::Notice,
                code: "live.service_said",
                happened: format!("The service says {code}: {text}"),
                done: String::new(),
                advice: String::new(),
            }),
            Notice::ReconnectRequested { tc_url } => self.move_connection(id, tc_url),
            Notice::MultitrackUnannounced => self.tell(Problem {
                severity: Severity::Warning,
                code: "live.multitrack_unannounced",
                happened: "This server does not say that it takes several renditions; some take the stream and drop all but one without a word.".into(),
                done: "All renditions are sent; recording is not touched.".into(),
                advice: "On Amazon IVS this is no worry. Elsewhere, look whether viewers get every rendition, or send one.".into(),
            }),
            // The first destination alone decides what is encoded; others drop what does not fit.
            Notice::Bitrates(bitrates) if id == MAIN => self.set_bitrates(&bitrates),
            Notice::Overwhelmed { sustainable } if id == MAIN => {
                let carried = if sustainable < units::Kbps(50) {
                    "next to nothing".to_owned()
                } else {
                    sustainable.to_string()
                };
                let why = format!("The upload carries {carried}; the lowest bitrates of this ladder need more");
                self.shrink_ladder(&why, "live.upload_too_slow");
            }
            _ => {}
        }
    }

    fn tell_health(&mut self, id: u32, health: Health) {
        let to = self.outlet_mut(id).filter(|outlet| outlet.id != MAIN).map(|outlet| outlet.name.clone());
        let which = to.map_or_else(|| "The stream".to_owned(), |name| format!("The stream to {name}"));
        self.tell(Problem {
            severity: Severity::Warning,
            code: "live.degraded",
            happened: format!("{which} is degraded: {}.", health.words()),
            done: "Pictures are dropped where they have to be; sound and recording are not touched.".into(),
            advice: "Use a cable instead of Wi-Fi, or a lower bitrate.".into(),
        });
    }

    /// The service asks for a new connection (Enhanced RTMP v2, "Reconnect Request").
    fn move_connection(&mut self, id: u32, tc_url: Option<String>) {
        let Some(outlet) = self.outlet_mut(id) else { return };
        let possible = tc_url.as_ref().map_or(Ok(()), |tc_url| {
            outlet.plan.destination.clone().moved_to(tc_url).map(|_| ()).map_err(|error| error.to_string())
        });
        match possible {
            Ok(()) => {
                outlet.move_to = tc_url;
                self.inform(id, Happened::MoveRequested);
            }
            Err(what) => self.tell(Problem {
                severity: Severity::Notice,
                code: "live.reconnect_requested",
                happened: "The service asks for a new connection.".into(),
                done: format!("The present one is kept for as long as the service allows: {what}"),
                advice: String::new(),
            }),
        }
    }

    /// Follows the channel's playback playlist, where it is known, from the service's yes on.
    fn watch_playback_of(&mut self, id: u32) {
        let Some(text) = self.settings.preferences.playback_url.clone().filter(|_| id == MAIN) else {
            return;
        };
        let url = match PlaybackUrl::parse(&text) {
            Ok(url) => url,
            Err(error) => {
                self.tell(Problem {
                    severity: Severity::Warning,
                    code: "playback.url",
                    happened: format!("The playback address can not be used: {error}."),
                    done: "The light goes by what the ingest confirms.".into(),
                    advice: "Copy the playback URL from the channel's page.".into(),
                });
                return;
            }
        };
        let wall = WallClock { unix_nanos_at_media_zero: self.machine.clock.unix_nanos_at_zero() };
        let playback = net::Playback { url, ca: self.settings.service.ca.clone(), wall: Some(wall) };
        let (runtime, clock) = (self.machine.runtime.clone(), self.machine.clock.clone());
        if let Some(outlet) = self.outlet_mut(id).filter(|outlet| outlet.playback.is_none()) {
            outlet.playback = Some(net::watch_playback(&runtime, playback, clock));
        }
    }
}

pub(super) fn renewal(choice: control::RenewalChoice) -> Renewal {
    match choice {
        control::RenewalChoice::Auto => Renewal::Auto,
        control::RenewalChoice::After(after) => Renewal::After(after),
        control::RenewalChoice::Never => Renewal::Never,
    }
}
