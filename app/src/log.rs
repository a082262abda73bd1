//! Where the log goes: to stderr, and for a program with a window to a ring of files too, since nobody reads its stderr.

use desktop::{Folders, LogFiles};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::crash_report;

/// What the files take: news of ours, troubles of others.
const FILED: &str = "warn,genlock=info,ui=info,encoder=info,capture=info,compositor=info,net=info,publish=info,record=info,desktop=info";

/// stderr gets errors, or what `GENLOCK_LOG` says. Gives the files, where there are any.
pub(crate) fn start(folders: Option<&Folders>) -> Option<LogFiles> {
    let wanted = EnvFilter::try_from_env("GENLOCK_LOG")
        .unwrap_or_else(|_| EnvFilter::default().add_directive(LevelFilter::ERROR.into()));
    let to_stderr = fmt::layer().with_writer(std::io::stderr).with_target(false).with_filter(wanted);
    let files = folders.map(|folders| LogFiles::new(&folders.logs, ivs::redact, crash_report::stamp));
    let to_files = files.clone().map(|files| {
        let filter = EnvFilter::new(FILED);
        fmt::layer().with_writer(move || files.clone()).with_ansi(false).with_filter(filter)
    });
    tracing_subscriber::registry().with(to_stderr).with(to_files).init();
    files
}
