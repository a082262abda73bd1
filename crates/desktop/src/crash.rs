//! What is left after a crash: a report that a person can read, and a word about it.
//!
//! A panic writes the report wherever it happens; on Windows so does what ends the program without one, such as an
//! access violation in a driver. Where the whole program ends and there is a window, a box says so and opens the folder;
//! else the next start tells ([`take_unread`]). Nothing is sent anywhere.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::log_files::{LogFiles, Redact, Stamp};

#[cfg(windows)]
mod windows_filter;

/// The file that names the newest report nobody was told of.
const UNREAD: &str = "crash unread";
/// How many reports are kept.
const REPORTS: usize = 20;

/// What a report is made of.
pub struct Setup {
    /// Where reports go; made when needed.
    pub folder: PathBuf,
    /// Version, system and adapters, a line each.
    pub about: String,
    /// What is being done, such as “live for 3 minutes; recording to …”. Asked from the thread that crashes: it must
    /// wait for nothing that thread may hold.
    pub running: Box<dyn Fn() -> String + Send + Sync>,
    /// The log whose last lines go into the report.
    pub log: Option<LogFiles>,
    /// Takes keys out of the report.
    pub redact: Redact,
    /// The time in the report's name.
    pub stamp: Stamp,
    /// Show a box when the program ends by it.
    pub shows_box: bool,
    /// What became of recordings and what to do about it, a sentence or two.
    pub recordings: String,
}

static SETUP: OnceLock<Setup> = OnceLock::new();

/// Watches this process from now on. A second call changes nothing.
pub fn watch(setup: Setup) {
    if SETUP.set(setup).is_err() {
        return;
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        before(panic);
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("without a name");
        let place =
            panic.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
        let said = panic.payload_as_str().unwrap_or("no message");
        let what = format!("The thread “{name}” failed{place}: {said}");
        let written = report(&what, &Backtrace::force_capture().to_string());
        // A failing thread ends the program only when it is the main one; the engine tells of the others.
        if name == "main"
            && let Some(path) = written
        {
            tell(&path);
        }
    }));
    #[cfg(windows)]
    windows_filter::install();
}

/// Writes a report; `None` when nobody watches or the disk refuses.
fn report(what: &str, trace: &str) -> Option<PathBuf> {
    let setup = SETUP.get()?;
    let stamp = (setup.stamp)();
    let text = (setup.redact)(&compose(setup, &stamp, what, trace));
    std::fs::create_dir_all(&setup.folder).ok()?;
    let path = free_name(&setup.folder, &stamp)?;
    std::fs::write(&path, text).ok()?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    let _ = std::fs::write(setup.folder.join(UNREAD), name);
    prune(&setup.folder);
    Some(path)
}

fn compose(setup: &Setup, stamp: &str, what: &str, trace: &str) -> String {
    let mut text = String::new();
    let running = (setup.running)();
    let log = setup.log.as_ref().map(LogFiles::last_lines).unwrap_or_default();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "Genlock met a failure that it was not made for. This report stays on this computer unless you send it.\n\
         Stream keys are not in it; names of your files and devices may be.\n"
    );
    let _ = writeln!(text, "When\n    {stamp}\n\nWhat\n    {what}\n");
    for (title, lines) in [
        ("Version and system", setup.about.as_str()),
        ("What was running", running.as_str()),
        ("Recordings", setup.recordings.as_str()),
        ("Last lines of the log", log.join("\n").as_str()),
        ("Where in the program", trace),
    ] {
        let _ = writeln!(text, "{title}");
        for line in lines.lines() {
            let _ = writeln!(text, "    {line}");
        }
        text.push('\n');
    }
    text
}

fn free_name(folder: &Path, stamp: &str) -> Option<PathBuf> {
    (1u32..1000)
        .map(|attempt| match attempt {
            1 => folder.join(format!("crash {stamp}.txt")),
            _ => folder.join(format!("crash {stamp} ({attempt}).txt")),
        })
        .find(|path| !path.exists())
}

/// Removes the oldest reports beyond [`REPORTS`]; their names sort by time.
fn prune(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let is_report = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("crash ") && name.ends_with(".txt")
    };
    let mut reports: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(is_report).collect();
    reports.sort();
    let extra = reports.len().saturating_sub(REPORTS);
    for old in reports.iter().take(extra) {
        let _ = std::fs::remove_file(old);
    }
}

/// Says that the program ends, where there is a window to say it with.
fn tell(report: &Path) {
    let Some(setup) = SETUP.get().filter(|setup| setup.shows_box) else { return };
    #[cfg(windows)]
    {
        windows_filter::show_box(report, &setup.recordings);
        // It was read.
        let _ = std::fs::remove_file(setup.folder.join(UNREAD));
    }
    #[cfg(not(windows))]
    tracing::error!(report = %report.display(), recordings = setup.recordings, "Genlock has stopped");
}

/// The report of a crash that nobody was told of yet; the next call knows of it no more.
pub fn take_unread(folder: &Path) -> Option<PathBuf> {
    let marker = folder.join(UNREAD);
    let name = std::fs::read_to_string(&marker).ok()?;
    let _ = std::fs::remove_file(&marker);
    // A name and no way out of the folder, whoever wrote it.
    let name = Path::new(name.trim()).file_name()?;
    Some(folder.join(name)).filter(|path| path.is_file())
}

/// Opens a folder in the desktop's file manager.
///
/// # Errors
/// The file manager could not be started.
pub fn open_folder(folder: &Path) -> std::io::Result<()> {
    let program = if cfg!(windows) { "explorer.exe" } else { "xdg-open" };
    let mut child = std::process::Command::new(program)
        .arg(folder)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()?;
    // Its end is waited for by nobody else.
    std::thread::Builder::new().name("file-manager".into()).spawn(move || child.wait())?;
    Ok(())
}
