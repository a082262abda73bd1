//! The whole engine, many times over.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use compositor::Gpu;
use control::{Command, LiveState, RecordingState, ServerChoice};
use ingest::{IngestConfig, StreamKey};
use testkit::Footprint;
use units::{Secret, Size};

use super::{Engine, Machine};
use crate::cli::ShowArgs;
use crate::clock::SystemClock;
use crate::settings::Settings;

const KEY: &str = "sk_us-west-2_OverAndOver";
/// Starts and stops in a row.
const ROUNDS: usize = 200;
/// By then everything that is made once has been made.
const WARM: usize = 40;
/// What libraries may keep besides, in all.
const SLACK_THREADS: usize = 2;
const SLACK_HANDLES: usize = 4;
/// What the process may keep of each round: the ingest's report, what the log of events says. One picture that was not
/// let go of is more.
const KEPT_KIB_PER_ROUND: u64 = 64;

/// Waits for the light, however long that takes on this machine; one that never changes ends the test.
fn wait_for(engine: &Engine, wanted: LiveState) {
    let begun = Instant::now();
    loop {
        let state = engine.view.load().live_state();
        if state == wanted {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the light says {state:?}, not {wanted:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// An engine with the demo that is to go live to `ingest` and records into `folder`.
fn start(
    ingest: &ingest::Ingest,
    folder: &Path,
    runtime: &tokio::runtime::Runtime,
    clock: &Arc<SystemClock>,
    change: impl FnOnce(&mut Settings),
) -> Engine {
    let adapter = Arc::new(ArcSwap::from_pointee(Gpu::open(None).unwrap()));
    start_on(adapter, ingest, folder, runtime, clock, change)
}

/// The same on an adapter that can be looked at.
fn start_on(
    gpu: Arc<ArcSwap<Gpu>>,
    ingest: &ingest::Ingest,
    folder: &Path,
    runtime: &tokio::runtime::Runtime,
    clock: &Arc<SystemClock>,
    change: impl FnOnce(&mut Settings),
) -> Engine {
    let args = ShowArgs {
        headless: true,
        scenes: Some("demo".into()),
        canvas: Some(Size::new(320, 180).unwrap()),
        record: Some(folder.to_owned()),
        ..ShowArgs::default()
    };
    let mut settings = Settings::of(&args).unwrap();
    settings.target.server = ServerChoice::Custom(Secret::new(ingest.addresses().rtmp.clone()));
    settings.target.key = Some(Secret::new(KEY));
    change(&mut settings);
    let machine = Machine {
        host: crate::host::Host::none(),
        gpu,
        clock: clock.clone(),
        runtime: runtime.handle().clone(),
        is_rehearsal: true,
    };
    Engine::start(settings, machine).unwrap()
}

#[test]
fn what_was_taken_over_can_be_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = Arc::new(SystemClock::start());
    let config = IngestConfig { keys: vec![StreamKey::lasting(Secret::new(KEY))], ..IngestConfig::default() };
    let ingest = runtime.block_on(ingest::start(config, clock.clone())).unwrap();
    let first = start(&ingest, &folder.path().join("first"), &runtime, &clock, |_| {});
    first.commands.send(Command::GoLive).unwrap();
    wait_for(&first, LiveState::Live);

    // Nothing is known of the first but its channel.
    let second = start(&ingest, &folder.path().join("second"), &runtime, &clock, |settings| {
        settings.hold.takeover = Some(None);
    });
    second.commands.send(Command::GoLive).unwrap();
    wait_for(&second, LiveState::Live);
    wait_for(&first, LiveState::TakenOver);
    let view = first.view.load();
    assert_eq!(view.recording.state, control::RecordingState::Recording, "the recording goes on");
    assert!(view.pairing.take_back && view.pairing.can_take_over);

    first.commands.send(Command::TakeOver).unwrap();
    wait_for(&first, LiveState::Live);
    wait_for(&second, LiveState::TakenOver);
    for engine in [first, second] {
        engine.commands.send(Command::Quit).unwrap();
        let report = engine.join();
        assert!(report.recording.is_some_and(|recording| recording.complete));
    }
    let sessions = runtime.block_on(ingest.stop());
    let streams: std::collections::BTreeSet<_> =
        sessions.iter().filter_map(|session| session.stream_id.clone()).collect();
    assert_eq!(streams.len(), 1, "viewers have one stream all along: {sessions:#?}");
}

/// Waits until the view is as it should be, however long that takes; one that never is ends the test.
fn wait_until(engine: &Engine, what: &str, is_so: impl Fn(&control::View) -> bool) {
    let begun = Instant::now();
    while !is_so(&engine.view.load()) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what} has not come: {:?}",
            engine.view.load().problems
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_sleep_closes_the_file_and_the_show_goes_on_after_it() {
    use control::RecordingState::Recording;
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = Arc::new(SystemClock::start());
    let config = IngestConfig { keys: vec![StreamKey::lasting(Secret::new(KEY))], ..IngestConfig::default() };
    let ingest = runtime.block_on(ingest::start(config, clock.clone())).unwrap();
    let engine = start(&ingest, folder.path(), &runtime, &clock, |_| {});
    engine.commands.send(Command::GoLive).unwrap();
    wait_for(&engine, LiveState::Live);
    wait_until(&engine, "the first file", |view| !view.recording.path.is_empty());
    let first = engine.view.load().recording.path.clone();
    engine.commands.send(Command::PrepareSleep).unwrap();
    wait_until(&engine, "the end of the first file", |view| {
        view.recording.state == control::RecordingState::Off
    });
    engine.commands.send(Command::WakeUp).unwrap();
    wait_until(&engine, "the second file", |view| {
        view.recording.state == Recording && !view.recording.path.is_empty() && view.recording.path != first
    });
    wait_for(&engine, LiveState::Live);
    engine.commands.send(Command::Quit).unwrap();
    let report = engine.join();
    assert!(report.problems.iter().any(|problem| problem.code == "power.slept"), "{:?}", report.problems);
    let sessions = runtime.block_on(ingest.stop());
    assert_eq!(sessions.len(), 2, "{sessions:#?}");
    assert_eq!(sessions[0].stream_id, sessions[1].stream_id, "it was a short sleep: {sessions:#?}");
    assert!(!sessions[0].said_goodbye && sessions[1].took_over, "{sessions:#?}");
}

#[test]
fn what_is_remembered_is_there_in_the_next_run_and_no_key_is_in_the_file() {
    const OTHER: &str = "rtmp://127.0.0.1:9/app/sk_us-west-2_Other";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("preferences.json");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = Arc::new(SystemClock::start());
    let config = IngestConfig { keys: vec![StreamKey::lasting(Secret::new(KEY))], ..IngestConfig::default() };
    let ingest = runtime.block_on(ingest::start(config, clock.clone())).unwrap();
    let store = desktop::CredentialStore::in_memory();
    let takes = folder.path().join("takes");
    let run = |key: Option<&str>| {
        start(&ingest, folder.path(), &runtime, &clock, |settings| {
            settings.target.key = key.map(Secret::new);
            settings.preferences_file = Some(file.clone());
            let (_, _, personal) = crate::preferences::load(&file, true);
            settings.take_up(personal, Some(store.clone()), &ShowArgs::default());
        })
    };
    let engine = run(Some(KEY));
    for command in [
        Command::RememberStreamKey(true),
        Command::AddDestination { name: "Second".into(), address: Secret::new(OTHER) },
        Command::SetRecordingFolder(takes.clone()),
        Command::SetHotkey { act: control::HotkeyAct::Record, chord: "ctrl+alt+f9".into() },
        Command::Quit,
    ] {
        engine.commands.send(command).unwrap();
    }
    let report = engine.join();
    let refused = report.problems.iter().find(|problem| problem.code == "hotkey.refused");
    assert!(refused.is_some_and(|problem| problem.happened.starts_with("Ctrl+Alt+F9")), "it fails loudly");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("sk_us") && text.contains("Ctrl+Alt+F9"), "{text}");

    let engine = run(None);
    wait_until(&engine, "the key", |view| view.servers.key_memory == control::KeyMemory::Remembered);
    let view = engine.view.load_full();
    assert!(view.servers.has_key);
    assert_eq!(view.recording.folder, takes.display().to_string());
    assert!(view.destinations.iter().any(|destination| destination.name == "Second"));
    let second = view.destinations.iter().find(|destination| destination.name == "Second").unwrap().id;
    engine.commands.send(Command::RemoveDestination(second)).unwrap();
    engine.commands.send(Command::RememberStreamKey(false)).unwrap();
    engine.commands.send(Command::Quit).unwrap();
    engine.join();
    assert_eq!(crate::secrets::stream_key(&store), None);
    assert_eq!(store.get("destination 1").unwrap(), None);
    assert!(!std::fs::read_to_string(&file).unwrap().contains("Second"));
    runtime.block_on(ingest.stop());
}

#[test]
fn two_hundred_starts_and_stops_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = Arc::new(SystemClock::start());
    let config = IngestConfig { keys: vec![StreamKey::lasting(Secret::new(KEY))], ..IngestConfig::default() };
    let ingest = runtime.block_on(ingest::start(config, clock.clone())).unwrap();
    let engine = start(&ingest, folder.path(), &runtime, &clock, |_| {});
    let (mut warm, mut recorded) = (None, String::new());
    for round in 0..ROUNDS {
        engine.commands.send(Command::GoLive).unwrap();
        wait_for(&engine, LiveState::Live);
        // The file before may still be on its way to the disk.
        wait_until(&engine, "the recording", |view| {
            view.recording.state == RecordingState::Recording
                && !view.recording.path.is_empty()
                && view.recording.path != recorded
        });
        recorded = engine.view.load().recording.path.clone();
        engine.commands.send(Command::StopLive).unwrap();
        wait_for(&engine, LiveState::Off);
        if round == WARM {
            warm = Footprint::now().and_then(Footprint::settled);
        }
    }
    if let Some(warm) = warm {
        let (threads, handles) = (warm.threads + SLACK_THREADS, warm.handles + SLACK_HANDLES);
        let end = Footprint::settled(Footprint { threads, handles, ..warm }).unwrap();
        assert!(end.threads <= threads && end.handles <= handles, "{warm:?} became {end:?}");
        let kept_kib = end.held_kib.saturating_sub(warm.held_kib);
        assert!(kept_kib <= KEPT_KIB_PER_ROUND * (ROUNDS - WARM) as u64, "{warm:?} became {end:?}");
    }
    engine.commands.send(Command::Quit).unwrap();
    let report = engine.join();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    let sessions = runtime.block_on(ingest.stop());
    assert_eq!(sessions.len(), ROUNDS);
    assert!(sessions.iter().all(|session| session.verdict.accepted && session.said_goodbye));
    let files = std::fs::read_dir(folder.path()).unwrap().flatten();
    let recordings = files.filter(|file| file.path().extension().is_some_and(|ending| ending == "mp4"));
    assert_eq!(recordings.count(), ROUNDS, "every recording is closed under a name of its own");
}

#[test]
fn a_device_that_the_driver_takes_away_is_replaced_within_the_show() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let clock = Arc::new(SystemClock::start());
    let config = IngestConfig { keys: vec![StreamKey::lasting(Secret::new(KEY))], ..IngestConfig::default() };
    let ingest = runtime.block_on(ingest::start(config, clock.clone())).unwrap();
    let adapter = Arc::new(ArcSwap::from_pointee(Gpu::open(None).unwrap()));
    let engine = start_on(adapter.clone(), &ingest, folder.path(), &runtime, &clock, |_| {});
    engine.commands.send(Command::GoLive).unwrap();
    wait_for(&engine, LiveState::Live);
    let size = Size::new(160, 90).unwrap();
    engine.preview.show(size);
    let first = adapter.load_full();
    first.device().destroy();
    // The driver tells when it is asked, and some only when it is waited for.
    let _ = first.device().poll(eframe::wgpu::PollType::wait_indefinitely());
    wait_until(&engine, "another device", |view| {
        view.problems.iter().any(|(_, problem)| problem.code == "canvas.renewed")
    });
    assert!(first.is_lost() && !adapter.load().is_lost());
    let rendered = engine.view.load().program.rendered_frames;
    wait_until(&engine, "a further picture", |view| view.program.rendered_frames > rendered + 30);
    engine.preview.show(size);
    wait_until(&engine, "a preview", |_| engine.preview.latest().is_some());
    assert_eq!(engine.view.load().live_state(), LiveState::Live);
    engine.commands.send(Command::Quit).unwrap();
    let report = engine.join();
    assert!(report.recording.is_some_and(|recording| recording.complete));
    let sessions = runtime.block_on(ingest.stop());
    assert_eq!(sessions.len(), 1, "viewers have one stream all along: {sessions:#?}");
    assert!(sessions[0].verdict.accepted && sessions[0].said_goodbye, "{sessions:#?}");
}
