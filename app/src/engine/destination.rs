//! Where the stream goes: the server menu and the list behind it, the key, the preferences, and the address that comes
//! of them.

use control::{LadderStep, Preferences, Problem, ServerChoice, ServerEntry, ServersView, Severity};
use ivs::client_configuration::{Client, ClientConfiguration, Request, SchemaVersion};
use ivs::find_ingest::{self, IngestList};
use ivs::{IngestAddress, Protocol};
use net::Inquiry;
use publish::{RungRates, WallClock};
use units::{Clock, FrameRate, MediaTime, SAMPLE_RATE_HZ, Secret, Size, Span};

use super::Core;
use super::approach::Purpose;
use crate::ladder::{Ladder, Origin};
use crate::settings::{Settings, Target};
use crate::survey::{self, Survey};
use crate::{preferences, server_list};

/// How long the list of servers may take.
const LIST_PATIENCE: Span = Span::from_secs(20);
/// How long after a failure it is tried again.
const LIST_RETRY: Span = Span::from_secs(600);
/// How often it is fetched anew while the program runs; the guide wants a cached list updated regularly ("Using a
/// FindIngest Server for Auto Streaming Destination").
const LIST_AGE: Span = Span::from_secs(6 * 3600);

/// Output sizes that are offered where they fit the canvas, by their shorter side (integration guide, "Use
/// GetClientConfiguration": the resolutions a ladder is made of that a person would choose as the largest).
const OUTPUT_LINES: [u32; 4] = [1080, 720, 540, 480];
/// Frame rates that the service supports (integration guide, "Handling Warnings and Errors").
const SERVICE_RATES: [u32; 6] = [60, 50, 48, 30, 25, 24];
/// The most renditions that are offered to choose: the largest ladder of the guide has five.
const MOST_TRACKS: u8 = 5;

/// The servers there are, and the one that is chosen.
pub(super) struct Servers {
    pub(super) target: Target,
    list: Option<IngestList>,
    fetching: Option<Inquiry<IngestList>>,
    /// When the present list came.
    fetched_at: Option<MediaTime>,
    /// When to fetch the next one; at once where it was never tried.
    fetch_at: MediaTime,
    note: String,
}

impl Servers {
    pub(super) fn new(settings: &Settings) -> Self {
        let kept = settings.service.find_ingest_url.as_deref().and_then(server_list::load);
        let note = if kept.is_some() { "the list of an earlier day" } else { "" };
        Self {
            target: settings.target.clone(),
            list: kept,
            fetching: None,
            fetched_at: None,
            fetch_at: MediaTime::ZERO,
            note: note.into(),
        }
    }

    fn choice(&self) -> find_ingest::ServerChoice {
        match &self.target.server {
            ServerChoice::Auto { secure } => find_ingest::ServerChoice::Auto { secure: *secure },
            ServerChoice::Listed { name, secure } => {
                find_ingest::ServerChoice::Listed { name: name.clone(), secure: *secure }
            }
            ServerChoice::Custom(address) => find_ingest::ServerChoice::Custom(address.clone()),
        }
    }
}

impl Core {
    /// Fetches the list of servers, unless that is under way or there is none.
    pub(super) fn fetch_servers(&mut self) {
        let Some(url) = self.settings.service.find_ingest_url.clone() else { return };
        if self.servers.fetching.is_none() {
            let ca = self.settings.service.ca.clone();
            let clock = self.machine.clock.clone();
            self.servers.fetching =
                Some(net::find_ingest(&self.machine.runtime, url, ca, LIST_PATIENCE, clock));
        }
    }

    /// Whether the choice needs a list that is still on its way.
    pub(super) fn awaits_servers(&self) -> bool {
        let servers = &self.servers;
        let is_coming = servers.fetching.is_some() || servers.fetch_at == MediaTime::ZERO;
        let is_wanted = !matches!(servers.target.server, ServerChoice::Custom(_));
        self.settings.service.find_ingest_url.is_some() && is_wanted && servers.list.is_none() && is_coming
    }

    /// Takes a list that has come, and asks for a new one when it is time.
    pub(super) fn watch_servers(&mut self) {
        let now = self.machine.clock.now();
        if let Some(outcome) = self.servers.fetching.as_ref().and_then(Inquiry::outcome) {
            self.servers.fetching = None;
            match outcome {
                Ok(list) => {
                    (self.servers.fetched_at, self.servers.fetch_at) = (Some(now), now + LIST_AGE);
                    if let Some(url) = &self.settings.service.find_ingest_url
                        && let Err(error) = server_list::keep(url, &list)
                    {
                        tracing::info!(%error, "the list of servers is not kept");
                    }
                    self.servers.list = Some(list);
                    self.servers.note.clear();
                }
                Err(failure) => {
                    self.servers.fetch_at = now + LIST_RETRY;
                    let instead = match self.servers.list {
                        Some(_) => "the one of before is used",
                        None => "Auto does without it",
                    };
                    self.servers.note = format!("the list of servers could not be fetched; {instead}");
                    tracing::warn!(what = failure.happened(), "no list of servers");
                }
            }
        }
        if now >= self.servers.fetch_at {
            self.fetch_servers();
        }
    }

    pub(super) fn choose_server(&mut self, choice: ServerChoice) {
        if let ServerChoice::Custom(address) = &choice
            && let Err(error) = address.expose().parse::<IngestAddress>()
        {
            self.tell(Problem {
                severity: Severity::Warning,
                code: "address.unreadable",
                happened: format!("This address can not be used: {error}."),
                done: "The server stays as it was.".into(),
                advice: "Write it like rtmps://HOST/app, as the channel's page shows it.".into(),
            });
            return;
        }
        self.servers.target.server = choice;
        self.forget_preparation();
        self.keep_preferences();
        self.keep_secrets();
    }

    pub(super) fn set_stream_key(&mut self, key: Secret) {
        self.servers.target.key = Some(key).filter(|key| !key.is_empty());
        self.forget_preparation();
        self.keep_secrets();
    }

    pub(super) fn set_preferences(&mut self, preferences: Preferences) {
        if self.settings.preferences != preferences {
            self.settings.preferences = preferences;
            self.fewer_tracks = None;
            self.forget_preparation();
            self.keep_preferences();
        }
    }

    pub(super) fn keep_preferences(&mut self) {
        let Some(file) = &self.settings.preferences_file else { return };
        let kept = preferences::save(
            file,
            &self.settings.preferences,
            &self.servers.target.server,
            &self.settings.personal,
        );
        if let Err(error) = kept {
            self.tell(Problem {
                severity: Severity::Warning,
                code: "preferences.not_saved",
                happened: format!("Your preferences could not be saved: {error}."),
                done: "They hold until the program ends.".into(),
                advice: "Make room on the disk, or check who may write to the folder.".into(),
            });
        }
    }

    /// What was made ready no longer fits what is wanted.
    fn forget_preparation(&mut self) {
        self.prepared = None;
        (self.ladder_step, self.ladder_reason) = (LadderStep::NotAsked, None);
        self.cancel_preparation();
    }

    /// Tries the encoders that a request tells of, beside everything else: on some machines that takes seconds, and
    /// whoever goes live does not want to wait for it.
    pub(super) fn try_codecs_early(&self) {
        if self.asks_service() {
            let name = String::from("encoder-probe");
            let started = std::thread::Builder::new().name(name).spawn(|| drop(encoder::usable_codecs()));
            if let Err(error) = started {
                tracing::warn!(%error, "encoders are tried when the service is asked");
            }
        }
    }

    /// Whether the service is asked for the ladder.
    pub(super) fn asks_service(&self) -> bool {
        self.settings.preferences.multitrack
            && self.settings.service.configuration_url.is_some()
            && !self.is_srt()
    }

    /// Whether the chosen server is one of SRT.
    pub(super) fn is_srt(&self) -> bool {
        let ServerChoice::Custom(address) = &self.servers.target.server else { return false };
        let address = address.expose().parse::<IngestAddress>();
        address.is_ok_and(|address| address.protocol() == Protocol::Srt)
    }

    /// Limits the ladders that are asked for from now on.
    pub(super) fn limit_tracks(&mut self, tracks: u8) {
        self.fewer_tracks = Some(tracks);
        if self.settings.ladder.origin == Origin::BuiltIn && !self.asks_service() {
            let (canvas, rate) = (self.settings.canvas, self.settings.rate);
            let audio = self.settings.ladder.audio_bitrate;
            let limit = self.settings.preferences.max_bitrate;
            let smaller = match tracks {
                1 => Ok(self.settings.single()),
                _ => Ladder::built_in(canvas, rate, tracks, limit, audio),
            };
            match smaller {
                Ok(ladder) => self.settings.ladder = ladder,
                Err(why) => tracing::warn!(%why, "no smaller ladder"),
            }
        }
    }

    fn most_tracks(&self) -> Option<u8> {
        [self.settings.preferences.max_tracks, self.fewer_tracks].into_iter().flatten().min()
    }

    /// What is missing before anything can be asked or sent.
    pub(super) fn missing_destination(&self) -> Option<Problem> {
        let target = &self.servers.target;
        let custom = match &target.server {
            ServerChoice::Custom(address) => address.expose().parse::<IngestAddress>().ok(),
            _ => None,
        };
        let has_key = target.key.is_some() || custom.as_ref().is_some_and(|address| address.key().is_some());
        if has_key || self.settings.answer.is_some() {
            return None;
        }
        Some(Problem {
            severity: Severity::Error,
            code: "key.missing",
            happened: "There is no stream key.".into(),
            done: "Nothing was started.".into(),
            advice: format!(
                "Enter it in the go-live sheet, put it into {}, or name a file with --key-file. To try without one: `genlock rehearse`.",
                crate::key::VARIABLE
            ),
        })
    }

    pub(super) fn stream_key(&self) -> Secret {
        let inside = match &self.servers.target.server {
            ServerChoice::Custom(address) => {
                address.expose().parse::<IngestAddress>().ok().and_then(|address| address.key().cloned())
            }
            _ => None,
        };
        inside.or_else(|| self.servers.target.key.clone()).unwrap_or_else(|| Secret::new(""))
    }

    /// The body of GetClientConfiguration.
    pub(super) fn configuration_request(&mut self) -> Secret {
        let survey = self.survey();
        let (capabilities, gpu_index) = (survey.capabilities.clone(), survey.composition_gpu);
        let wanted = &self.settings.preferences;
        let canvas = self.settings.canvas;
        let request = Request {
            authentication: self.stream_key(),
            client: Client {
                name: "genlock".into(),
                version: env!("CARGO_PKG_VERSION").into(),
                supported_codecs: encoder::usable_codecs(),
            },
            capabilities,
            preferences: ivs::client_configuration::Preferences {
                canvas,
                output: wanted.output.filter(|size| fits(*size, canvas)).unwrap_or(canvas),
                rate: wanted.rate.unwrap_or(self.settings.rate),
                maximum_video_tracks: self.most_tracks().map(u32::from),
                maximum_aggregate_bitrate: wanted.max_bitrate,
                maximum_resolution: None,
                vod_track_audio: false,
                composition_gpu_index: gpu_index,
                audio_samples_per_sec: SAMPLE_RATE_HZ,
                audio_channels: 2,
                audio_max_buffering_ms: u32::try_from(mixer::RENDER_LAG.as_millis()).unwrap_or(0),
                audio_fixed_buffering: true,
            },
            stream_attempt_start_time: crate::wall_clock::rfc3339(std::time::SystemTime::now()),
        };
        request.to_json(SchemaVersion::default())
    }

    /// What this machine is; found out once.
    pub(super) fn survey(&mut self) -> &Survey {
        self.survey.get_or_insert_with(|| survey::survey(self.machine.gpu.load().info()))
    }

    /// Where `ladder` goes.
    pub(super) fn destination(
        &self,
        configuration: Option<&ClientConfiguration>,
        ladder: &Ladder,
    ) -> Result<net::Destination, Problem> {
        let target = &self.servers.target;
        let answer =
            configuration.or(self.settings.answer.as_deref().filter(|_| ladder.origin == Origin::File));
        let resolved = self.resolve(answer).map_err(|why| Problem {
            severity: Severity::Error,
            code: "address.none",
            happened: format!("There is no address to go live to: {why}."),
            done: "Nothing was sent.".into(),
            advice: "Choose another server.".into(),
        })?;
        let resolved = match &target.passphrase {
            Some(passphrase) if resolved.protocol() == Protocol::Srt && resolved.passphrase().is_none() => {
                resolved.with_passphrase(passphrase.clone())
            }
            _ => resolved,
        };
        let rates = |rung: &crate::ladder::Rung| RungRates {
            track: rung.rendition.track,
            nominal: rung.rendition.bitrate,
            points: rung.points.clone(),
        };
        let mut destination = net::Destination::new(resolved, self.stream_key());
        destination.priority = target.priority;
        destination.ca.clone_from(&target.ca);
        destination.multitrack = ladder.is_multitrack();
        destination.primary_form = target.legacy_primary.then_some(net::Form::Legacy);
        // Bitrates of one rendition of the person's own choice are theirs; those of a ladder give way along its points.
        destination.ladder = ladder.rungs.iter().map(rates).collect();
        if let Some(latency_ms) = self.settings.preferences.srt_latency_ms {
            destination.srt_latency = Some(Span::from_millis(latency_ms.into()));
        }
        destination.metrics = ladder
            .wants_metrics()
            .then(|| WallClock { unix_nanos_at_media_zero: self.machine.clock.unix_nanos_at_zero() });
        Ok(destination)
    }

    /// Where to, as it may be shown: without key and arguments.
    pub(super) fn address(&self) -> String {
        let live = self.main().map(|main| &main.plan);
        let plan = live.or(self.prepared.as_ref().map(|prepared| &prepared.plan));
        let address = match plan {
            Some(plan) => plan.destination.address.to_string(),
            None => self.resolve(None).map(|address| address.to_string()).unwrap_or_default(),
        };
        address.split('?').next().unwrap_or_default().to_owned()
    }

    /// The complete address, by the guide's table for software that knows both GetClientConfiguration and FindIngest.
    pub(super) fn resolve(&self, answer: Option<&ClientConfiguration>) -> Result<IngestAddress, String> {
        let servers = &self.servers;
        let resolved = find_ingest::resolve(&servers.choice(), answer, servers.list.as_ref());
        let destination = resolved.map_err(|error| error.to_string())?;
        destination.address(&self.stream_key()).map_err(|error| error.to_string())
    }

    /// Stops getting ready; a wish to be live stays.
    pub(super) fn cancel_preparation(&mut self) {
        if self.approach.as_ref().is_some_and(|approach| !approach.is_public()) {
            self.cancel_approach();
        }
    }

    pub(super) fn servers_view(&self) -> ServersView {
        let target = &self.servers.target;
        let chosen = match &target.server {
            ServerChoice::Custom(_) => ServerChoice::Custom(Secret::new("")),
            other => other.clone(),
        };
        let entries = if target.is_fixed { Vec::new() } else { self.server_entries() };
        ServersView {
            chosen,
            entries,
            leads_to: self.address(),
            note: self.servers_note(),
            has_key: !self.stream_key().is_empty(),
            key_memory: self.key_memory(),
            key_note: self.key_note(),
        }
    }

    fn servers_note(&self) -> String {
        if !self.servers.note.is_empty() || self.servers.list.is_none() {
            return self.servers.note.clone();
        }
        let Some(at) = self.servers.fetched_at else { return String::new() };
        let age = (self.machine.clock.now() - at).as_millis() / 1000;
        if age < 60 { "list of just now".into() } else { format!("list of {} min ago", age / 60) }
    }

    fn server_entries(&self) -> Vec<ServerEntry> {
        let empty = IngestList::default();
        let menu = self.servers.list.as_ref().unwrap_or(&empty).menu();
        menu.into_iter()
            .map(|entry| ServerEntry {
                label: entry.label,
                choice: match entry.choice {
                    Some(find_ingest::ServerChoice::Auto { secure }) => ServerChoice::Auto { secure },
                    Some(find_ingest::ServerChoice::Listed { name, secure }) => {
                        ServerChoice::Listed { name, secure }
                    }
                    Some(find_ingest::ServerChoice::Custom(_)) | None => {
                        ServerChoice::Custom(Secret::new(""))
                    }
                },
                available: entry.is_available,
            })
            .collect()
    }

    pub(super) fn preferences_view(&self) -> control::PreferencesView {
        let (canvas, rate) = (self.settings.canvas, self.settings.rate);
        let auto_tracks = match self.fewer_tracks {
            Some(fewer) => format!("up to {fewer}, since more were too much for this computer"),
            None => "as many as the service grants".into(),
        };
        control::PreferencesView {
            chosen: self.settings.preferences.clone(),
            auto_output: format!("{canvas}, as the canvas"),
            auto_rate: format!("{rate} per second, as the canvas"),
            auto_tracks,
            auto_bitrate: "what the service thinks best".into(),
            auto_renewal: "an hour before 48 hours are over".into(),
            auto_srt_latency: String::new(),
            output_choices: output_choices(canvas),
            rate_choices: rate_choices(rate),
            tracks_limit: MOST_TRACKS,
        }
    }

    /// What is asked for, in one sentence.
    pub(super) fn requested(&self) -> String {
        let wanted = &self.settings.preferences;
        let canvas = self.settings.canvas;
        let size = wanted.output.filter(|size| fits(*size, canvas)).unwrap_or(canvas);
        let rate = wanted.rate.unwrap_or(self.settings.rate);
        let tracks = self.most_tracks().map_or_else(
            || "as many renditions as possible".to_owned(),
            |most| {
                if most == 1 { "one rendition".into() } else { format!("up to {most} renditions") }
            },
        );
        let bitrate = wanted.max_bitrate.map_or_else(String::new, |most| format!(", at most {most} in all"));
        format!("{size} at {rate} per second, {tracks}{bitrate}")
    }

    /// Asks for the ladder to show it.
    pub(super) fn prepare(&mut self) {
        if self.main().is_none() {
            self.approach(Purpose::Look);
        }
    }
}

fn fits(size: Size, canvas: Size) -> bool {
    size.width_px() <= canvas.width_px() && size.height_px() <= canvas.height_px()
}

/// Sizes with the shape of the canvas, the largest first, the canvas itself left to Auto.
fn output_choices(canvas: Size) -> Vec<Size> {
    let choice = |lines: u32| {
        let scale = f64::from(lines) / f64::from(canvas.shortest_px());
        let even = |px: u32| ((f64::from(px) * scale / 2.0).round() as u32) * 2;
        Size::new(even(canvas.width_px()), even(canvas.height_px())).ok()
    };
    OUTPUT_LINES.into_iter().filter(|lines| *lines < canvas.shortest_px()).filter_map(choice).collect()
}

/// Rates that the canvas rate divides into, the highest first.
fn rate_choices(canvas: FrameRate) -> Vec<FrameRate> {
    SERVICE_RATES
        .into_iter()
        .filter_map(|fps| FrameRate::new(fps, 1).ok())
        .filter(|rate| canvas.divisor_to(*rate).is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_fit_the_canvas() {
        let sizes = |w, h| -> Vec<String> {
            output_choices(Size::new(w, h).unwrap()).iter().map(Size::to_string).collect()
        };
        assert_eq!(sizes(1920, 1080), ["1280x720", "960x540", "854x480"]);
        assert_eq!(sizes(720, 1280), ["540x960", "480x854"]);
        assert!(sizes(640, 360).is_empty());
        let rates = |fps| -> Vec<String> { rate_choices(fps).iter().map(FrameRate::to_string).collect() };
        assert_eq!(rates(FrameRate::FPS_60), ["60", "30"]);
        assert_eq!(rates(FrameRate::new(50, 1).unwrap()), ["50", "25"]);
        assert!(rates(FrameRate::new(60_000, 1001).unwrap()).is_empty());
    }
}
