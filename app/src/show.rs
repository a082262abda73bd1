//! Runs one show from start to report: engine, window or progress lines, the end by time or signal.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use compositor::Gpu;
use control::{Command, Event, LiveState};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use desktop::First;

use crate::cli::ShowArgs;
use crate::clock::SystemClock;
use crate::engine::{Engine, Machine};
use crate::host::{Host, Listener};
use crate::outcome::{Exit, Failure};
use crate::progress::Progress;
use crate::report::Report;
use crate::settings::Settings;
use crate::{crash_report, recover, window};

/// What a show needs besides its settings.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) is_rehearsal: bool,
    /// Go live as soon as the engine runs.
    pub(crate) go_live: bool,
    /// The place of the only studio, where it is one.
    pub(crate) first: Option<First>,
}

/// The machinery that outlives a show: its clock and its network threads.
pub(crate) struct Stagehands {
    pub(crate) clock: Arc<SystemClock>,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Stagehands {
    pub(crate) fn new() -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("net")
            .enable_all()
            .build()
            .map_err(|error| {
                Failure::could_not_start("net.threads", format!("No network threads: {error}."), "")
            })?;
        Ok(Self { clock: Arc::new(SystemClock::start()), runtime })
    }
}

/// Runs the show until its time is over, a signal comes, the window is closed, or (without a window) the stream ends.
///
/// # Errors
/// What kept it from starting.
pub(crate) fn run(mut plan: Plan, args: &ShowArgs, hands: &Stagehands) -> Result<Report, Failure> {
    let gpu = Gpu::open(None).map_err(|error| {
        Failure::could_not_start(
            "gpu.open",
            format!("No graphics adapter could be opened: {error}."),
            "Install a graphics driver; mesa-vulkan-drivers draws without a graphics card.",
        )
    })?;
    let (host, told) = Host::start();
    // Held until the engine has ended: whoever waits for that must not be waited for by the engine.
    let _listening = host.clone();
    let record_into = plan.settings.record_into.clone();
    let adapter = Arc::new(ArcSwap::from_pointee(gpu));
    let machine = Machine {
        host,
        gpu: adapter.clone(),
        clock: hands.clock.clone(),
        runtime: hands.runtime.handle().clone(),
        is_rehearsal: plan.is_rehearsal,
    };
    let engine = Engine::start(plan.settings, machine)?;
    crash_report::follow(&engine.view);
    if let Some(folder) = record_into.filter(|_| plan.first.is_some()) {
        recover::beside(folder, engine.commands.clone());
    }
    let is_called = Arc::new(AtomicBool::new(false));
    if let Some(first) = &mut plan.first {
        let called = is_called.clone();
        if let Err(error) = first.on_other_start(move || called.store(true, Ordering::Release)) {
            tracing::warn!(%error, "another start will not bring this window to the front");
        }
    }
    if let Some(told) = told {
        let (commands, view) = (engine.commands.clone(), engine.view.clone());
        Listener { told, commands, view, ended: engine.ended.clone() }.start();
    }
    if plan.go_live {
        let _ = engine.commands.send(Command::GoLive);
    }
    let (to_window, for_window) = crossbeam_channel::bounded(16);
    let keeper = Timekeeper {
        commands: engine.commands.clone(),
        events: engine.events.clone(),
        window: (!args.headless).then_some(to_window),
        end_at: args.run_for.map(|length| Instant::now() + length),
        ends_with_stream: plan.go_live && args.headless,
        progress: Progress::new(args.json),
        signals: signals(&hands.runtime),
    };
    let opened = if args.headless {
        keeper.keep();
        Ok(())
    } else {
        let show = window::Show {
            commands: engine.commands.clone(),
            events: for_window,
            view: engine.view.clone(),
            preview: engine.preview.clone(),
            adapter,
            ended: engine.ended.clone(),
            is_called,
        };
        let commands = engine.commands.clone();
        let thread = std::thread::Builder::new().name("timekeeper".into()).spawn(move || keeper.keep());
        let opened = window::run(&show);
        // A window that never opened, or was torn away, ends the show in good order.
        let _ = commands.send(Command::Quit);
        if let Ok(thread) = thread {
            let _ = thread.join();
        }
        opened
    };
    let mut report = engine.join();
    opened?;
    report.exit = judge(&report, plan.go_live).code();
    Ok(report)
}

/// The exit code a finished show deserves.
fn judge(report: &Report, was_to_go_live: bool) -> Exit {
    if let Some(destination) = &report.destination
        && destination.failure.is_some()
    {
        return match (destination.refused, destination.first_idr_ms.is_some()) {
            (true, _) => Exit::Refused,
            (false, true) => Exit::Failed,
            (false, false) => Exit::CouldNotStart,
        };
    }
    if was_to_go_live && report.destination.is_none() {
        return Exit::CouldNotStart;
    }
    let recording_failed = report.problems.iter().any(|problem| problem.code == "recording.failed");
    let lost = ["encoder.lost", "canvas.lost"];
    if recording_failed || report.problems.iter().any(|problem| lost.contains(&problem.code)) {
        return Exit::Failed;
    }
    Exit::Done
}

/// Becomes ready when the person or the system asks this process to end.
fn signals(runtime: &tokio::runtime::Runtime) -> Receiver<()> {
    let (sender, receiver) = crossbeam_channel::bounded(4);
    let interrupted = sender.clone();
    runtime.spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            let _ = interrupted.try_send(());
        }
    });
    // Windows ends the process five seconds after a console was closed (Microsoft, “HandlerRoutine”); tokio keeps its
    // handler waiting that long, and the show takes two.
    #[cfg(windows)]
    {
        use tokio::signal::windows;
        let broken = sender.clone();
        runtime.spawn(async move {
            if let Ok(mut pressed) = windows::ctrl_break() {
                while pressed.recv().await.is_some() {
                    let _ = broken.try_send(());
                }
            }
        });
        runtime.spawn(async move {
            if let Ok(mut closed) = windows::ctrl_close() {
                while closed.recv().await.is_some() {
                    let _ = sender.try_send(());
                }
            }
        });
    }
    #[cfg(unix)]
    runtime.spawn(async move {
        if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            while terminate.recv().await.is_some() {
                let _ = sender.try_send(());
            }
        }
    });
    receiver
}

/// Watches the time, the signals and the stream, and ends the show.
struct Timekeeper {
    commands: Sender<Command>,
    events: Receiver<Event>,
    /// Where what the window waits for goes on to.
    window: Option<Sender<Event>>,
    end_at: Option<Instant>,
    ends_with_stream: bool,
    progress: Progress,
    signals: Receiver<()>,
}

impl Timekeeper {
    fn keep(mut self) {
        loop {
            let wait = self.end_at.map_or(Duration::from_millis(100), |at| {
                at.saturating_duration_since(Instant::now()).min(Duration::from_millis(100))
            });
            match self.events.recv_timeout(wait) {
                Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(event) => {
                    self.progress.tell(&event);
                    if let (Some(window), Event::Pairing { .. }) = (&self.window, &event) {
                        // A window that is gone waits for nothing.
                        let _ = window.try_send(event.clone());
                    }
                    let over = matches!(event, Event::Live(LiveState::Failed | LiveState::Off));
                    if over && self.ends_with_stream {
                        self.quit();
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.signals.try_recv().is_ok() || self.end_at.is_some_and(|at| Instant::now() >= at) {
                self.quit();
            }
        }
    }

    fn quit(&mut self) {
        self.end_at = None;
        self.ends_with_stream = false;
        let _ = self.commands.send(Command::Quit);
    }
}

/// Writes the report where it was asked for, and the result to stdout.
///
/// # Errors
/// A report file that can not be written.
pub(crate) fn tell(report: &Report, args: &ShowArgs) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).unwrap_or_default();
    if let Some(path) = &args.report {
        std::fs::write(path, &text).map_err(|error| {
            Failure::new(
                Exit::Failed,
                "report.write",
                format!("The report could not be written to {}: {error}.", path.display()),
                "The show itself is over and its recording closed.",
                "Choose another place with --report.",
            )
        })?;
    }
    let mut out = std::io::stdout().lock();
    let written = if args.json { writeln!(out, "{text}") } else { write!(out, "{}", summary(report)) };
    // Nobody reads: not a failure of the show.
    let _ = written;
    Ok(())
}

/// The report as a few sentences.
fn summary(report: &Report) -> String {
    let mut lines = Vec::new();
    if let Some(destination) = &report.destination {
        let wire = destination.composition_to_wire_ms;
        lines.push(format!(
            "Live for {:.1} s to {}: {:.1} MB sent, {} pictures dropped, {:.0} ms from composition to the wire ({:.0} ms for 99 of 100).",
            destination.on_air_seconds,
            destination.address,
            destination.sent_bytes as f64 / 1e6,
            destination.dropped_frames,
            wire.median,
            wire.p99,
        ));
    }
    for rendition in report.renditions.iter().filter(|rendition| rendition.output_frames > 0) {
        lines.push(format!(
            "{} at {} fps, {} by {}: {} of {} kbps, {} keyframes, {} off schedule, {} frames skipped.",
            rendition.size,
            rendition.fps,
            rendition.codec,
            rendition.encoder,
            rendition.measured_kbps,
            rendition.target_kbps,
            rendition.idrs,
            rendition.idr_slips,
            rendition.skipped_frames,
        ));
    }
    if report.renditions.len() > 1 {
        lines.push(format!(
            "Ladder of {} from {}, {} kbps in all: {} keyframes aligned, {} not.",
            report.renditions.len(),
            report.ladder.origin,
            report.ladder.total_kbps,
            report.ladder.aligned_idrs,
            report.ladder.misaligned_idrs,
        ));
    }
    lines.extend(report.ladder.notes.iter().cloned());
    if let Some(recording) = &report.recording {
        let how = if recording.complete { "" } else { ", cut short" };
        lines.push(format!("Recorded {:.1} s in {}{how}.", recording.seconds, recording.path));
    }
    lines.push(format!(
        "{} frames composed, {} late; {:.2} cores, {:.0} MB of memory.",
        report.canvas.rendered_frames,
        report.canvas.lagged_frames,
        report.process.cpu_cores,
        report.process.peak_memory_mb,
    ));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::DestinationFigures;

    fn with(failure: Option<&str>, refused: bool, first_idr_ms: Option<f64>) -> Report {
        let destination = DestinationFigures {
            failure: failure.map(str::to_owned),
            refused,
            first_idr_ms,
            ..DestinationFigures::default()
        };
        Report { destination: Some(destination), ..Report::default() }
    }

    #[test]
    fn exit_codes_tell_what_became_of_the_show() {
        assert_eq!(judge(&with(None, false, Some(1.0)), true), Exit::Done);
        assert_eq!(judge(&with(Some("net.refused"), true, None), true), Exit::Refused);
        assert_eq!(judge(&with(Some("net.name"), false, None), true), Exit::CouldNotStart);
        assert_eq!(judge(&with(Some("net.closed"), false, Some(1.0)), true), Exit::Failed);
        assert_eq!(judge(&Report::default(), true), Exit::CouldNotStart);
        assert_eq!(judge(&Report::default(), false), Exit::Done);
    }
}
