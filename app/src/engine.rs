//! The engine: applies commands, keeps the document, watches the threads, publishes the View. It is never on the way
//! of a frame: canvas, sound, encoders, fan-out, recorder and network have threads of their own.

mod approach;
mod awake;
mod canvas;
mod connection;
mod destination;
mod destination_view;
mod devices;
mod encoding;
mod examination;
mod fan_out;
mod figures;
mod further;
mod gaps;
mod health;
mod hotkeys;
mod keeping;
mod live;
mod load;
mod memory;
mod network_check;
mod outlet;
mod record_command;
mod recording;
mod renewal;
mod sound;
mod sources;
mod takeover;
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod view;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use compositor::{CanvasConfig, Gpu, Preview};
use control::{
    Command, Event, LadderStep, LiveState, Problem, RecordingState, Severity, TransitionKind, View,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use net::NetworkWatch;
use outlet::MAIN;
use publish::{Happened, Pairing};
use scene::{Collection, Easing, Edit, History, SceneId, Transition, TransitionStyle};
use units::{Clock, MediaTime, Span};

use crate::clock::SystemClock;
use crate::host::Host;
use crate::outcome::Failure;
use crate::process::ProcessMeter;
use crate::report::Report;
use crate::settings::Settings;
use crate::survey::Survey;
use approach::{Approach, Prepared};
use canvas::Canvas;
use destination::Servers;
use devices::Devices;
use encoding::Encoding;
use fan_out::{FanOut, OutputId};
use gaps::Ledgers;
use load::Load;
use outlet::Outlet;
use recording::Recording;
use sound::Sound;
use sources::Sources;

/// How often the engine looks after everything when nobody commands it.
const PULSE: Duration = Duration::from_millis(50);
/// How often the View is made anew.
const VIEW_EVERY: Duration = Duration::from_millis(100);
/// How often the processor time is read.
const METER_EVERY: Duration = Duration::from_secs(1);
/// A canvas or sound thread that makes nothing for this long is reported.
const WATCHDOG: Duration = Duration::from_secs(5);
/// How long closing may take: a stop takes at most two seconds.
const CLOSING: Duration = Duration::from_millis(1_950);
/// Problems that are kept for reading.
const PROBLEMS: usize = 50;

/// The font of text sources that name none, and of placeholders.
const TEXT_FONT: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");

const RECORDING: OutputId = 1;
/// Connections are numbered from here on.
const FIRST_STREAM: OutputId = 100;

/// What a show is given besides its settings.
pub(crate) struct Machine {
    /// The adapter in use: another after the driver took one away.
    pub(crate) gpu: Arc<ArcSwap<Gpu>>,
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) runtime: tokio::runtime::Handle,
    /// The destination is our own rehearsal ingest.
    pub(crate) is_rehearsal: bool,
    /// What the person's desktop gives.
    pub(crate) host: Host,
}

/// The handle of a running engine.
pub(crate) struct Engine {
    pub(crate) commands: Sender<Command>,
    pub(crate) events: Receiver<Event>,
    pub(crate) view: Arc<ArcSwap<View>>,
    pub(crate) preview: Preview,
    /// Becomes true when everything is closed.
    pub(crate) ended: Arc<AtomicBool>,
    thread: JoinHandle<Report>,
}

impl Engine {
    /// Opens sources and canvas and starts all threads. Nothing is encoded or sent yet.
    ///
    /// # Errors
    /// Whatever is missing, in one sentence.
    pub(crate) fn start(settings: Settings, machine: Machine) -> Result<Self, Failure> {
        let (commands, commands_in) = bounded(256);
        let (events_out, events) = bounded(1024);
        let core = Core::new(settings, machine, events_out)?;
        let view = Arc::new(ArcSwap::from_pointee(core.make_view()));
        let preview = core.canvas.preview();
        let ended = Arc::new(AtomicBool::new(false));
        let (published, flag) = (view.clone(), ended.clone());
        let thread = std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                let report = core.run(&commands_in, &published);
                flag.store(true, Ordering::Release);
                report
            })
            .map_err(|error| Failure::could_not_start("engine.thread", format!("No thread: {error}."), ""))?;
        Ok(Self { commands, events, view, preview, ended, thread })
    }

    /// Waits until everything is closed, and gives the figures.
    pub(crate) fn join(self) -> Report {
        drop(self.commands);
        self.thread.join().unwrap_or_default()
    }
}

/// Whether something still moves forward.
struct Watch {
    last: u64,
    since: Instant,
    told: bool,
}

impl Watch {
    fn new() -> Self {
        Self { last: 0, since: Instant::now(), told: false }
    }

    /// True once, when `count` has stood still for [`WATCHDOG`].
    fn hangs(&mut self, count: u64) -> bool {
        if count != self.last {
            *self = Self { last: count, ..Self::new() };
        }
        let hangs = !self.told && self.since.elapsed() >= WATCHDOG;
        self.told |= hangs;
        hangs
    }
}

struct Core {
    settings: Settings,
    machine: Machine,
    events: Sender<Event>,
    history: History,
    collection: Arc<ArcSwap<Collection>>,
    program: SceneId,
    transition: (TransitionKind, u32),
    sources: Sources,
    devices: Devices,
    canvas: Canvas,
    sound: Sound,
    fan_out: FanOut,
    encoding: Option<Encoding>,
    /// The figures of encoders that have been put to rest.
    rested: Option<encoding::EncodingFigures>,
    load: Load,
    /// Times the upload changed the bitrates.
    bitrate_changes: u64,
    servers: Servers,
    /// What this machine is, as the service wants to know it.
    survey: Option<Survey>,
    /// A driver that is too old was told of.
    warned_of_driver: bool,
    examination: examination::Examination,
    approach: Option<Approach>,
    prepared: Option<Prepared>,
    ladder_step: LadderStep,
    /// Why there is no ladder.
    ladder_reason: Option<String>,
    /// The most renditions to ask for, after more have proved too much.
    fewer_tracks: Option<u8>,
    questions: u64,
    /// The destinations of the stream, the first one first.
    outlets: Vec<Outlet>,
    connections: OutputId,
    /// Destinations besides the first that are set up, and the number of the last one.
    further: Vec<further::Listed>,
    further_count: u32,
    /// What another computer told of its stream.
    pairing: Option<Pairing>,
    /// The next stream takes the place of another one, with what is known of that.
    intent: Option<Option<Pairing>>,
    /// What the file for the other computer holds.
    kept_pairing: Option<Pairing>,
    ledgers: Ledgers,
    network: NetworkWatch,
    /// Changes of the network that were seen.
    network_changes: u64,
    checking: Option<network_check::Checking>,
    checked: Option<network_check::Checked>,
    awake: awake::Wakefulness,
    /// Chords by act, and why one does not work.
    hotkeys: hotkeys::Hotkeys,
    /// When the last stream to the first destination ended, and why where that was no wish.
    left_at: Option<MediaTime>,
    after_reason: String,
    /// The light once the last stream is over: off, or failed.
    after_live: LiveState,
    recording: Option<Recording>,
    /// Another recording begins when the present one is closed.
    record_next: bool,
    /// How the last recording ended.
    last_recording: Option<recording::Status>,
    last_destination: Option<crate::report::DestinationFigures>,
    last_further: Vec<crate::report::DestinationFigures>,
    problems: VecDeque<(u64, Problem)>,
    all_problems: Vec<Problem>,
    problem_count: u64,
    started: Instant,
    next_switch: Option<MediaTime>,
    process: ProcessMeter,
    cpu_cores: f32,
    /// Room on the disk of the recordings.
    room_bytes: Option<u64>,
    measured: figures::Rates,
    canvas_watch: Watch,
    /// Pictures stand still, and nobody's computer is too slow.
    adapter_is_lost: bool,
    /// When the edited collection is to be saved.
    save_at: Option<Instant>,
    told_states: (LiveState, RecordingState),
    quitting: bool,
}

impl Core {
    fn new(settings: Settings, machine: Machine, events: Sender<Event>) -> Result<Self, Failure> {
        let collection = Arc::new(ArcSwap::from_pointee(settings.collection.clone()));
        let gains = Arc::default();
        let sound = Sound::start(machine.clock.clone(), Arc::clone(&gains), collection.clone())?;
        let context = capture::CaptureContext {
            clock: machine.clock.clone(),
            canvas: settings.canvas,
            rate: settings.rate,
            base_folder: settings.base_folder.clone(),
            sound: sound.input(),
            font: Arc::from(TEXT_FONT),
        };
        let sources = Sources::new(context);
        let canvas = Canvas::start(canvas::Setup {
            clock: machine.clock.clone(),
            gpu: (**machine.gpu.load()).clone(),
            config: CanvasConfig {
                size: settings.canvas,
                // Nothing is scaled before something is encoded.
                renditions: Vec::new(),
                in_flight: None,
                by_processor: None,
            },
            rate: settings.rate,
            collection: collection.clone(),
            sources: sources.table(),
            gains,
            first_scene: settings.first_scene,
        })?;
        let now = machine.clock.now();
        let mut core = Self {
            history: History::new(settings.collection.clone()),
            program: settings.first_scene,
            transition: (TransitionKind::Fade, 300),
            next_switch: settings.switch_every.map(|every| now + every),
            collection,
            sources,
            devices: Devices::default(),
            canvas,
            sound,
            fan_out: FanOut::start()?,
            encoding: None,
            rested: None,
            load: Load::default(),
            bitrate_changes: 0,
            servers: Servers::new(&settings),
            survey: None,
            warned_of_driver: false,
            examination: examination::Examination::default(),
            approach: None,
            prepared: None,
            ladder_step: LadderStep::NotAsked,
            ladder_reason: None,
            fewer_tracks: None,
            questions: 0,
            outlets: Vec::new(),
            connections: 0,
            further: Vec::new(),
            further_count: 0,
            pairing: settings.hold.takeover.clone().flatten(),
            intent: settings.hold.takeover.clone(),
            kept_pairing: None,
            ledgers: Ledgers::default(),
            network: NetworkWatch::start(&machine.runtime),
            network_changes: 0,
            checking: None,
            checked: None,
            awake: awake::Wakefulness::default(),
            hotkeys: hotkeys::Hotkeys::default(),
            left_at: None,
            after_reason: String::new(),
            after_live: LiveState::Off,
            recording: None,
            record_next: false,
            last_recording: None,
            last_destination: None,
            last_further: Vec::new(),
            problems: VecDeque::new(),
            all_problems: Vec::new(),
            problem_count: 0,
            started: Instant::now(),
            process: ProcessMeter::new(),
            cpu_cores: 0.0,
            room_bytes: settings.record_into.as_deref().and_then(crate::disk::free_bytes),
            measured: figures::Rates::default(),
            canvas_watch: Watch::new(),
            adapter_is_lost: false,
            save_at: None,
            told_states: (LiveState::Off, RecordingState::Off),
            quitting: false,
            settings,
            machine,
            events,
        };
        core.follow_collection();
        core.list_further();
        // Before any encoder is tried.
        if let Some(luid) = core.survey().composition_luid() {
            encoder::prefer_adapter(luid);
        }
        core.try_codecs_early();
        for notice in std::mem::take(&mut core.settings.notices) {
            core.tell(notice);
        }
        core.take_hotkeys();
        Ok(core)
    }

    fn run(mut self, commands: &Receiver<Command>, published: &ArcSwap<View>) -> Report {
        let (mut next_view, mut next_meter) = (Instant::now(), Instant::now());
        let mut last_cpu = (self.process.sample(), Instant::now());
        while !self.quitting {
            match commands.recv_timeout(PULSE) {
                Ok(command) => self.obey(&command),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.quitting = true,
            }
            self.look_after();
            if next_meter.elapsed() >= METER_EVERY {
                next_meter = Instant::now();
                let now = (self.process.sample(), Instant::now());
                let wall_ms = now.1.duration_since(last_cpu.1).as_secs_f32() * 1000.0;
                self.cpu_cores = now.0.saturating_sub(last_cpu.0) as f32 / wall_ms.max(1.0);
                last_cpu = now;
                self.measure();
                self.watch_load();
                let folder = self.settings.record_into.as_deref();
                self.room_bytes = folder.and_then(crate::disk::free_bytes);
            }
            if next_view.elapsed() >= VIEW_EVERY {
                next_view = Instant::now();
                published.store(Arc::new(self.make_view()));
            }
        }
        let report = self.close(published);
        let _ = self.events.try_send(Event::Ended);
        report
    }

    fn obey(&mut self, command: &Command) {
        match *command {
            Command::SwitchScene(scene) => self.switch(scene),
            Command::SetTransition { kind, duration_ms } => self.transition = (kind, duration_ms.min(10_000)),
            Command::SetItemVisible { item, visible } => self.edit(&Edit::SetVisible { item, visible }, None),
            Command::SetMuted { source, muted } => self.edit(&Edit::SetMuted { source, muted }, None),
            Command::ToggleMicrophones => self.toggle_microphones(),
            Command::SetGain { source, gain } => self.edit(&Edit::SetGain { source, gain }, Some(source.0)),
            Command::SetDelay { source, delay_ms } => {
                self.edit(&Edit::SetDelay { source, delay_ms }, Some(source.0));
            }
            Command::ChangeSource { source, ref kind } => {
                self.edit(&Edit::ChangeSource { source, kind: kind.clone() }, None);
            }
            Command::LookForDevices => self.devices.look(),
            Command::Undo => {
                if self.history.undo() {
                    self.handle_edited();
                }
            }
            Command::Redo => {
                if self.history.redo() {
                    self.handle_edited();
                }
            }
            Command::GoLive => self.go_live(),
            Command::RememberStreamKey(wanted) => self.remember_key(wanted),
            Command::SetRecordingFolder(ref folder) => self.set_recording_folder(folder),
            Command::SetHotkey { act, ref chord } => self.set_hotkey(act, chord),
            Command::PrepareSleep => self.prepare_sleep(),
            Command::WakeUp => self.wake_up(),
            Command::DevicesChanged => self.look_for_devices(),
            Command::Tell(ref problem) => self.tell(problem.clone()),
            Command::PrepareLive => self.prepare(),
            Command::CancelPrepare => self.cancel_preparation(),
            Command::Answer { question, answer } => self.hear_answer(question, answer),
            Command::SetPreferences(ref preferences) => self.set_preferences(preferences.clone()),
            Command::ChooseServer(ref choice) => self.choose_server(choice.clone()),
            Command::RefreshServers => self.fetch_servers(),
            Command::SetStreamKey(ref key) => self.set_stream_key(key.clone()),
            Command::StopLive => self.stop_live(),
            Command::StartRecording => self.start_recording(),
            Command::StopRecording => self.stop_recording(),
            Command::DismissProblem(number) => self.problems.retain(|(other, _)| *other != number),
            Command::WarnStillLive => self.tell(Problem {
                severity: Severity::Warning,
                code: "window.still_live",
                happened: "You are still live.".into(),
                done: "The window stayed open.".into(),
                advice: "Stop the stream first, or close the window once more within five seconds.".into(),
            }),
            Command::RetryNow(id) => self.retry(id),
            Command::GiveUp(id) => self.inform(id, Happened::GiveUp),
            Command::TakeOver => self.take_over(),
            Command::RenewNow => self.inform(MAIN, Happened::RenewNow),
            Command::OfferPairing { with_key } => self.offer_pairing(with_key),
            Command::UsePairing(ref code) => self.use_pairing(code),
            Command::ForgetPairing => self.pairing = None,
            Command::AddDestination { ref name, ref address } => self.add_further(name, address),
            Command::RemoveDestination(id) => self.remove_further(id),
            Command::CheckNetwork(ref target) => self.check_network(target),
            Command::CancelNetworkCheck => self.cancel_network_check(),
            Command::ExamineMachine => self.examine_machine(),
            Command::Quit => self.quitting = true,
            _ => tracing::warn!("a command this engine does not know"),
        }
    }

    fn switch(&mut self, scene: SceneId) {
        if self.history.present().scene(scene).is_none() || scene == self.program {
            return;
        }
        self.program = scene;
        let (kind, duration_ms) = self.transition;
        let style = match kind {
            TransitionKind::Cut => TransitionStyle::Cut,
            TransitionKind::Fade => TransitionStyle::Fade,
            TransitionKind::Move => TransitionStyle::Move,
        };
        let duration = Span::from_millis(duration_ms.into());
        let transition = Transition { style, duration, easing: Easing::default() };
        self.canvas.order(canvas::Order::Switch { scene, transition });
    }

    /// Does an edit; successive ones with the same `gesture` are one step of undo.
    fn edit(&mut self, edit: &Edit, gesture: Option<u64>) {
        let done = match gesture {
            Some(group) => self.history.apply_in_group(edit, group),
            None => self.history.apply(edit),
        };
        match done {
            Ok(()) => self.handle_edited(),
            Err(error) => self.tell(Problem {
                severity: Severity::Notice,
                code: "scene.edit",
                happened: format!("This change is not possible: {error}."),
                done: "Nothing was changed.".into(),
                advice: String::new(),
            }),
        }
    }

    /// Lets everything that depends on the document follow it.
    fn follow_collection(&mut self) {
        let present = self.history.present().clone();
        self.collection.store(present.clone());
        if present.scene(self.program).is_none()
            && let Some(first) = present.scenes.first()
        {
            self.program = first.id;
        }
        for sentence in self.sources.follow(&present) {
            self.tell(Problem {
                severity: Severity::Warning,
                code: "source.open",
                happened: sentence,
                done: "It is left out of the picture; everything else goes on.".into(),
                advice: "Change its settings.".into(),
            });
        }
    }

    fn tell(&mut self, problem: Problem) {
        tracing::info!(code = problem.code, "{problem}");
        let _ = self.events.try_send(Event::Problem(problem.clone()));
        self.problem_count += 1;
        self.all_problems.push(problem.clone());
        self.problems.push_front((self.problem_count, problem));
        self.problems.truncate(PROBLEMS);
    }

    /// Takes news from all threads and acts on it.
    fn look_after(&mut self) {
        let now = self.machine.clock.now();
        if self.next_switch.is_some_and(|at| now >= at) {
            self.next_switch = self.settings.switch_every.map(|every| now + every);
            let scenes = &self.history.present().scenes;
            let place = scenes.iter().position(|scene| scene.id == self.program).unwrap_or(0);
            if let Some(next) = scenes.get((place + 1) % scenes.len().max(1)).map(|scene| scene.id) {
                self.switch(next);
            }
        }
        while let Some(news) = self.canvas.poll_news() {
            self.hear_canvas(news);
        }
        while let Some(news) = self.fan_out.poll_news() {
            self.hear_encoders(news);
        }
        while let Some(problem) = self.sound.poll_problem() {
            self.tell(problem);
        }
        self.save_if_due(false);
        self.watch_threads();
        self.watch_servers();
        self.watch_approach();
        self.watch_outlets();
        self.watch_network_check();
        self.watch_examination();
        self.watch_recording();
        self.watch_sleep();
        self.tell_states();
    }

    fn tell_states(&mut self) {
        let live = self.live_state();
        let recording = self.recording.as_ref().map_or_else(
            || self.last_recording.as_ref().map_or(RecordingState::Off, |status| status.state),
            |recording| recording.status().state,
        );
        if live != self.told_states.0 {
            let _ = self.events.try_send(Event::Live(live));
        }
        if recording != self.told_states.1 {
            let _ = self.events.try_send(Event::Recording(recording));
        }
        self.told_states = (live, recording);
    }

    /// Closes stream and file side by side, within two seconds whatever hangs.
    fn close(&mut self, published: &ArcSwap<View>) -> Report {
        self.save_if_due(true);
        self.stop_live();
        self.stop_recording();
        let begun = Instant::now();
        while (!self.outlets.is_empty() || self.recording.is_some()) && begun.elapsed() < CLOSING {
            std::thread::sleep(Duration::from_millis(5));
            self.watch_outlets();
            self.watch_recording();
        }
        if self.recording.is_some() {
            self.close_gaps();
        }
        if let Some(recording) = self.recording.take() {
            // The disk does not take the rest in time: what is there plays, and is finished by `genlock recover`.
            self.last_recording = Some(recording.status());
        }
        self.process.sample();
        let report = self.make_report();
        self.rest_if_unwanted();
        self.tell_states();
        published.store(Arc::new(self.make_view()));
        report
    }
}
