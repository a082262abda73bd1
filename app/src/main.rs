//! The binary `genlock`: reads the command line, runs what it asks for, ends with one clear sentence and its exit code.

mod bundle;
mod channel;
mod check;
mod cli;
mod clock;
mod collection_store;
mod console;
mod crash_report;
mod disk;
mod doctor;
mod engine;
mod fast_path;
mod host;
mod ingest_command;
mod key;
mod ladder;
mod live_command;
mod log;
mod network_check;
mod outcome;
mod percentiles;
mod preferences;
mod process;
mod progress;
mod recover;
mod rehearse;
mod report;
mod secrets;
mod server_list;
mod settings;
mod show;
mod studio_command;
mod survey;
mod wall_clock;
mod window;
mod window_memory;

use std::io::Write;

use clap::Parser;

use cli::{Cli, Command};
use outcome::{Exit, Failure};

fn main() {
    desktop::process_end::leave(start().code())
}

/// From the command line to the exit. Everything that a show opened is closed when it returns.
fn start() -> Exit {
    let folders = desktop::Folders::find();
    bundle::use_own_gstreamer(folders.as_ref().map(|folders| folders.cache.as_path()));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return tell_usage(&error),
    };
    let show = match &cli.command {
        None => Some(&cli.show),
        Some(Command::Rehearse { show, .. } | Command::Live { show, .. }) => Some(show),
        _ => None,
    };
    let has_window = show.is_some_and(|show| !show.headless);
    let log = log::start(folders.as_ref().filter(|_| has_window));
    if let Some(folders) = folders.filter(|_| show.is_some()) {
        crash_report::watch(&folders, log, has_window);
    }
    match run(cli) {
        Ok(exit) => exit,
        Err(failure) => {
            let _ = writeln!(std::io::stderr().lock(), "{}", ivs::redact(&failure.to_string()));
            failure.exit
        }
    }
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        None => {
            console::leave_if_alone();
            studio_command::run(&cli.show)
        }
        Some(Command::Rehearse { show, ingest_out, channel }) => {
            if !show.headless {
                console::leave_if_alone();
            }
            rehearse::run(&show, ingest_out, &channel)
        }
        Some(Command::Live { to, show }) => live_command::run(&to, &show),
        Some(Command::Ingest {
            rtmp_port,
            rtmps_port,
            https_port,
            out,
            run_for,
            key_file,
            channel,
            service,
        }) => {
            let ports = ingest_command::Ports { rtmp: rtmp_port, rtmps: rtmps_port, https: https_port };
            ingest_command::run(ports, out, run_for, key_file.as_deref(), &channel, &service)
        }
        Some(Command::Network(args)) => network_check::run(&args),
        Some(Command::Doctor { json }) => doctor::run(json),
        Some(Command::Check { path, promise, channel, json }) => {
            check::run(&path, &channel, promise.as_deref(), json)
        }
        Some(Command::Recover { dir, json }) => recover::run(&dir, json),
    }
}

/// clap repeats what was typed, and what was typed may hold a key.
fn tell_usage(error: &clap::Error) -> Exit {
    let text = ivs::redact(&error.render().to_string());
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let _ = if error.use_stderr() { write!(err, "{text}") } else { write!(out, "{text}") };
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}
