//! Every wrong input ends in one clear sentence and its own exit code, never in a panic, never with the key in it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::path::Path;
use std::process::{Command, Stdio};

const KEY: &str = "sk_us-west-2_MustNeverBeSeen7";

struct Wrong {
    what: &'static str,
    arguments: Vec<String>,
    exit: i32,
    /// A part of the sentence that shows the person which input was meant.
    names: &'static str,
}

fn wrong(what: &'static str, exit: i32, names: &'static str, arguments: &[&str]) -> Wrong {
    Wrong { what, arguments: arguments.iter().map(|a| (*a).to_owned()).collect(), exit, names }
}

fn inputs(folder: &Path) -> Vec<Wrong> {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    std::fs::write(path("not-json.json"), "{ \"genlock_scenes\": 1, ").unwrap();
    std::fs::write(path("other.json"), "{\"hello\": 1}").unwrap();
    std::fs::write(path("not-pem.pem"), "this is not a certificate").unwrap();
    std::fs::write(path("empty-key"), "\n").unwrap();
    std::fs::write(path("a-file"), "a file where a folder should be").unwrap();
    std::fs::write(path("garbage.flv"), vec![0x55u8; 4096]).unwrap();
    std::fs::write(path("garbage.mp4"), vec![0x55u8; 4096]).unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    // Held until the process ends, so the port stays taken.
    std::mem::forget(taken);
    let live = |to: &str, more: &[&str]| {
        let mut arguments =
            vec!["live", "--headless", "--no-record", "--for", "3s", "--canvas", "320x180", "--to", to];
        arguments.extend(more);
        arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>()
    };
    let of = |what, exit, names, arguments: Vec<String>| Wrong { what, arguments, exit, names };
    let rehearse = ["rehearse", "--headless", "--for", "2s", "--canvas", "320x180"];
    let rehearse = |more: &[&str]| rehearse.iter().chain(more).map(|a| (*a).to_owned()).collect::<Vec<_>>();
    vec![
        wrong("no such command", 2, "dance", &["dance"]),
        wrong("no such option", 2, "--loud", &["--loud"]),
        wrong("odd canvas", 2, "1281x720", &["rehearse", "--canvas", "1281x720"]),
        wrong("slow canvas", 2, "12", &["rehearse", "--fps", "12"]),
        wrong("priority zero", 2, "priority", &["live", "--to", "rtmp://127.0.0.1/app", "--priority", "0"]),
        of("no scheme", 2, "address", live("127.0.0.1/app", &[])),
        of("unknown scheme", 2, "ftp", live("ftp://127.0.0.1/app", &[])),
        of("no host", 2, "address", live("rtmps:///app", &[])),
        of("wrong port", 2, "port", live("rtmp://127.0.0.1:99999/app", &[])),
        of("nobody listens", 4, "127.0.0.1", live("rtmp://127.0.0.1:9/app", &[])),
        of("no such name", 4, "no-such-host.invalid", live("rtmps://no-such-host.invalid/app", &[])),
        of("missing CA", 4, "missing.pem", live("rtmps://127.0.0.1/app", &["--ca", &path("missing.pem")])),
        of(
            "CA that is none",
            4,
            "not-pem.pem",
            live("rtmps://127.0.0.1/app", &["--ca", &path("not-pem.pem")]),
        ),
        of(
            "missing key file",
            2,
            "missing-key",
            live("rtmps://127.0.0.1/app", &["--key-file", &path("missing-key")]),
        ),
        of(
            "empty key file",
            2,
            "empty-key",
            live("rtmps://127.0.0.1/app", &["--key-file", &path("empty-key")]),
        ),
        of("missing scenes", 4, "missing.json", rehearse(&["--scenes", &path("missing.json")])),
        of("broken scenes", 4, "not-json.json", rehearse(&["--scenes", &path("not-json.json")])),
        of("other JSON", 4, "other.json", rehearse(&["--scenes", &path("other.json")])),
        of("no such scene", 2, "Nowhere", rehearse(&["--scenes", "demo", "--scene", "Nowhere"])),
        of("no such encoder", 4, "nosuchenc", rehearse(&["--scenes", "demo", "--encoder", "nosuchenc"])),
        of("no such ladder", 4, "missing-ladder.json", rehearse(&["--ladder", &path("missing-ladder.json")])),
        of(
            "recording into a file",
            4,
            "a-file",
            rehearse(&["--scenes", "demo", "--record", &path("a-file")]),
        ),
        of(
            "report into nowhere",
            4,
            "no/such/folder",
            rehearse(&["--report", &path("no/such/folder/r.json")]),
        ),
        wrong("unknown channel type", 2, "platinum", &["ingest", "--channel", "platinum"]),
        wrong("unknown fault", 2, "explode", &["ingest", "--fault", "explode=1s"]),
        of(
            "port in use",
            4,
            "in use",
            vec!["ingest".into(), "--rtmp-port".into(), port, "--for".into(), "1s".into()],
        ),
        of("nothing to check", 4, "missing.flv", vec!["check".into(), path("missing.flv")]),
        of("garbage to check", 3, "garbage.flv", vec!["check".into(), path("garbage.flv")]),
        of("garbage MP4 to check", 3, "garbage.mp4", vec!["check".into(), path("garbage.mp4")]),
        of("nowhere to recover", 4, "missing-folder", vec!["recover".into(), path("missing-folder")]),
    ]
}

#[test]
fn every_wrong_input_has_its_sentence_and_its_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let mut complaints = Vec::new();
    for Wrong { what, arguments, exit, names } in inputs(folder.path()) {
        let output = Command::new(env!("CARGO_BIN_EXE_genlock"))
            .args(&arguments)
            .env("GENLOCK_STREAM_KEY", KEY)
            .stdin(Stdio::null())
            .output()
            .expect("genlock runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let stdout = String::from_utf8_lossy(&output.stdout);
        let mut complain = |why: &str| complaints.push(format!("{what}: {why}\n{arguments:?}\n{stderr}"));
        if output.status.code() != Some(exit) {
            complain(&format!("ended with {:?} instead of {exit}", output.status.code()));
        }
        if !stderr.contains(names) {
            complain(&format!("does not name {names}"));
        }
        if stderr.contains("panicked") {
            complain("panicked");
        }
        if stderr.contains(KEY) || stdout.contains(KEY) {
            complain("shows the key");
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}

#[test]
fn a_key_inside_the_address_is_hidden() {
    let address = format!("rtmp://127.0.0.1:9/app/{KEY}");
    let output = Command::new(env!("CARGO_BIN_EXE_genlock"))
        .args(["live", "--headless", "--no-record", "--for", "2s", "--canvas", "320x180", "--to", &address])
        .env_remove("GENLOCK_STREAM_KEY")
        .stdin(Stdio::null())
        .output()
        .expect("genlock runs");
    assert_eq!(output.status.code(), Some(4));
    for text in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(text).contains(KEY));
    }
    assert!(String::from_utf8_lossy(&output.stderr).contains("127.0.0.1"));
}

/// What a machine can lack, and the word in the sentence that says so.
#[test]
fn a_machine_without_gpu_plugins_or_display_is_told_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing").display().to_string();
    let registry = folder.path().join("registry").display().to_string();
    let no_gpu = [("VK_DRIVER_FILES", nothing.as_str()), ("VK_ICD_FILENAMES", nothing.as_str())];
    let no_plugins = [
        ("GST_PLUGIN_SYSTEM_PATH_1_0", nothing.as_str()),
        ("GST_PLUGIN_PATH_1_0", ""),
        ("GST_REGISTRY_1_0", registry.as_str()),
    ];
    let headless =
        ["rehearse", "--headless", "--scenes", "demo", "--no-record", "--for", "2s", "--canvas", "320x180"];
    let window = ["--scenes", "demo", "--no-record", "--for", "2s", "--canvas", "320x180"];
    let mut cases = vec![(&headless[..], &no_plugins[..], "encoder")];
    // Windows always has its own software adapter and a desktop.
    if cfg!(target_os = "linux") {
        cases.extend([(&headless[..], &no_gpu[..], "graphics adapter"), (&window, &[], "DISPLAY")]);
    }
    for (arguments, environment, names) in cases {
        let output = Command::new(env!("CARGO_BIN_EXE_genlock"))
            .args(arguments)
            .env("GENLOCK_STREAM_KEY", KEY)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output()
            .expect("genlock runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{names}: {stderr}");
        assert!(stderr.contains(names) && !stderr.contains("panicked"), "{names}: {stderr}");
    }
}
