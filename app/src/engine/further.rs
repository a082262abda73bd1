//! Destinations besides the first: they get the primary rendition of the same encode, each with a queue, a health and a
//! reconnect of its own.

use control::{LiveState, Problem, Severity};
use ivs::IngestAddress;
use publish::{Broadcast, BroadcastConfig, Happened};
use units::{Clock, MediaTime, Secret, Span};

use super::Core;
use super::approach::Plan;
use super::connection::Selection;
use super::outlet::{MAIN, Outlet};
use crate::settings::Further;

/// Hosts of the service end so; others do not know its takeover priorities and would take them for part of the key.
const SERVICE_DOMAIN: &str = ".live-video.net";

/// A further destination that is set up.
pub(super) struct Listed {
    pub(super) id: u32,
    pub(super) further: Further,
    /// How its last stream ended, and when.
    pub(super) after_live: LiveState,
    pub(super) reason: String,
    pub(super) left_at: Option<MediaTime>,
    /// Its number in the credential store, where it is kept.
    pub(super) kept_as: Option<u32>,
}

impl Listed {
    fn new(id: u32, further: Further) -> Self {
        Self { id, further, after_live: LiveState::Off, reason: String::new(), left_at: None, kept_as: None }
    }
}

impl Core {
    /// Lists what the command line names, and what was kept.
    pub(super) fn list_further(&mut self) {
        for further in std::mem::take(&mut self.settings.further) {
            self.further_count += 1;
            self.further.push(Listed::new(self.further_count, further));
        }
        for (number, further) in std::mem::take(&mut self.settings.kept_further) {
            self.further_count += 1;
            self.further.push(Listed { kept_as: Some(number), ..Listed::new(self.further_count, further) });
        }
    }

    /// Goes live on every further destination that is not.
    pub(super) fn start_further(&mut self) {
        let ids: Vec<u32> = self.further.iter().map(|listed| listed.id).collect();
        for id in ids {
            self.start_one(id);
        }
    }

    fn start_one(&mut self, id: u32) {
        if self.outlet_mut(id).is_some() {
            return;
        }
        let Some(listed) = self.further.iter().find(|listed| listed.id == id) else { return };
        let (name, address) = (listed.further.name.clone(), listed.further.address.clone());
        let Some(encoding) = &self.encoding else { return };
        // Of the ladder at work, the primary rendition is taken as it is.
        let ladder = encoding.ladder.primary();
        let is_service = understands_priorities(&address);
        let mut destination = net::Destination::new(address, Secret::new(""));
        destination.ca.clone_from(&self.settings.target.ca);
        if let Some(latency_ms) = self.settings.preferences.srt_latency_ms {
            destination.srt_latency = Some(Span::from_millis(latency_ms.into()));
        }
        let now = self.machine.clock.now();
        let service = if is_service { BroadcastConfig::for_ivs() } else { BroadcastConfig::for_others() };
        let config = BroadcastConfig {
            reconnects: self.settings.preferences.reconnect,
            first_priority: destination.address.priority(),
            renewal: super::live::renewal(self.settings.preferences.renewal),
            held_until: listed.left_at.map(|at| at + super::live::HELD),
            ..service
        };
        let broadcast = Broadcast::new(config, self.seed() ^ u64::from(id), now);
        let plan = Plan { ladder, destination, reports: Vec::new() };
        self.outlets.push(Outlet::new((id, name), plan, Selection::Primary, broadcast, now));
        self.follow(id);
    }

    /// Goes live again on a destination, or tries again at once.
    pub(super) fn retry(&mut self, id: u32) {
        if self.outlet_mut(id).is_some() {
            self.inform(id, Happened::RetryNow);
        } else if id == MAIN {
            self.go_live();
        } else {
            self.start_one(id);
        }
    }

    pub(super) fn add_further(&mut self, name: &str, address: &Secret) {
        match Further::read(name, address.expose()) {
            Ok(further) => {
                self.further_count += 1;
                let id = self.further_count;
                self.further.push(Listed::new(id, further));
                self.keep_destination(id);
                // Whoever adds one while live wants it live.
                let now = self.machine.clock.now();
                if self.main().is_some_and(|main| main.needs_encoders(now)) {
                    self.start_one(id);
                }
            }
            Err(why) => self.tell(Problem {
                severity: Severity::Warning,
                code: "further.address",
                happened: format!("This address can not be used: {why}."),
                done: "No destination was added.".into(),
                advice: "Write it like rtmps://HOST/app/KEY or srt://HOST:9000?streamid=KEY&passphrase=PASSPHRASE."
                    .into(),
            }),
        }
    }

    pub(super) fn remove_further(&mut self, id: u32) {
        let kept = self.further.iter().find(|listed| listed.id == id).and_then(|listed| listed.kept_as);
        if let Some(number) = kept {
            self.forget_destination(number);
        }
        self.further.retain(|listed| listed.id != id);
        if id != MAIN {
            self.inform(id, Happened::Stop);
        }
    }
}

fn understands_priorities(address: &IngestAddress) -> bool {
    address.host().ends_with(SERVICE_DOMAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_service_is_told_priorities() {
        let is = |text: &str| understands_priorities(&text.parse().unwrap());
        assert!(is("rtmps://a1b2c3d4e5f6.global-contribute.live-video.net:443/app"));
        assert!(is("srt://a1b2c3d4e5f6.srt.live-video.net:9000?streamid=k"));
        assert!(!is("rtmps://live.example.com/app"));
        assert!(!is("rtmps://live-video.net.example.com/app"));
    }
}
