//! A show before it goes live with several renditions.

use control::{
    Answer, GrantedRendition, LadderStep, LadderView, Preferences, PreferencesView, Question, ServerChoice,
    ServerEntry, ServersView, SettingView, View,
};
use units::{FrameRate, Kbps, Secret, Size, TrackId, VideoCodec};

use crate::fixture::off_air;

fn setting(key: &str, value: &str, became: &str, honoured: bool) -> SettingView {
    SettingView { key: key.to_owned(), value: value.to_owned(), became: became.to_owned(), honoured }
}

fn granted(track: u8, width: u32, height: u32, kbps: u32) -> GrantedRendition {
    let rate = format!("{kbps}");
    let mut settings = vec![
        setting("rate_control", "CBR", "pass = cbr", true),
        setting("bitrate", &rate, &format!("bitrate = {kbps}"), true),
        setting("keyint_sec", "2", "key-int-max = 60", true),
        setting("preset", "veryfast", "speed-preset = veryfast", true),
        setting("profile", "main", "profile = main, asked of the next element", true),
        setting("tune", "zerolatency", "tune = zerolatency", true),
        setting("bf", "0", "bframes = 0", true),
    ];
    if track == 0 {
        let why = "x264enc has no look-ahead while it is tuned for low latency; nothing is lost by it.";
        settings.push(setting("lookahead", "true", why, false));
    }
    GrantedRendition {
        track: TrackId(track),
        size: Size::new(width, height).unwrap(),
        rate: FrameRate::FPS_30,
        codec: VideoCodec::Avc,
        bitrate: Kbps(kbps),
        encoder: "x264enc".to_owned(),
        settings,
    }
}

pub(crate) fn entry(label: &str, choice: ServerChoice, available: bool) -> ServerEntry {
    ServerEntry { label: label.to_owned(), choice, available }
}

fn servers() -> ServersView {
    let listed = |name: &str, secure: bool, available: bool| {
        let protocol = if secure { "RTMPS" } else { "RTMP" };
        let choice = ServerChoice::Listed { name: name.to_owned(), secure };
        entry(&format!("{name} ({protocol})"), choice, available)
    };
    ServersView {
        chosen: ServerChoice::Auto { secure: true },
        entries: vec![
            entry("Auto (RTMPS, Recommended)", ServerChoice::Auto { secure: true }, true),
            entry("Auto (RTMP)", ServerChoice::Auto { secure: false }, true),
            listed("Frankfurt", true, true),
            listed("Paris", true, false),
            listed("Frankfurt", false, true),
            listed("Paris", false, false),
            entry("Specify Custom Server", ServerChoice::Custom(Secret::default()), true),
        ],
        leads_to: "Frankfurt".to_owned(),
        note: "List of 12 s ago.".to_owned(),
        has_key: true,
        key_memory: control::KeyMemory::NoStore,
        key_note: "Accepted 3 s ago, valid for 48 hours.".to_owned(),
    }
}

/// Everything granted and tried: one hold, and the show is on.
pub(crate) fn ready() -> View {
    let mut view = off_air();
    view.go_live_sheet = true;
    view.recording.folder = "/home/creator/Videos/Genlock".to_owned();
    view.recording.room_left = Some(units::Span::from_secs(31 * 3600));
    view.preferences = PreferencesView {
        chosen: Preferences { multitrack: true, max_tracks: Some(3), ..Preferences::default() },
        auto_output: "1280×720, as the canvas".to_owned(),
        auto_rate: "30, as the canvas".to_owned(),
        auto_tracks: "up to 3".to_owned(),
        auto_bitrate: "what the renditions need".to_owned(),
        auto_renewal: "an hour before 48 hours are over".to_owned(),
        auto_srt_latency: "four round trips, at least 200 ms".to_owned(),
        output_choices: [(1280, 720), (1024, 576), (852, 480), (640, 360)]
            .map(|(width, height)| Size::new(width, height).unwrap())
            .to_vec(),
        rate_choices: vec![FrameRate::FPS_30, FrameRate::new(15, 1).unwrap()],
        tracks_limit: 5,
    };
    view.servers = servers();
    view.ladder = LadderView {
        requested: "Up to 3 renditions of 1280×720 at 30 per second, any bitrate.".to_owned(),
        step: LadderStep::Granted,
        source: "ingest.contribute.live-video.net".to_owned(),
        config_id: "cfg-7f0e2b".to_owned(),
        granted: vec![granted(0, 1280, 720, 2_500), granted(1, 852, 480, 1_000), granted(2, 640, 360, 500)],
        total: Kbps(4_160),
        notes: vec!["The answer has a field that Genlock does not know: meta.experiment.".to_owned()],
    };
    view
}

/// As [`ready`], with five renditions at two rates.
pub(crate) fn ready_with_five() -> View {
    let mut view = ready();
    view.preferences.chosen.max_tracks = None;
    let rung = |track, width, height, kbps, frames| GrantedRendition {
        rate: FrameRate::new(frames, 1).unwrap(),
        ..granted(track, width, height, kbps)
    };
    view.ladder.granted = vec![
        rung(0, 1920, 1080, 6_000, 60),
        rung(1, 1280, 720, 2_500, 60),
        rung(2, 852, 480, 1_000, 30),
        rung(3, 640, 360, 500, 30),
        rung(4, 284, 160, 200, 30),
    ];
    view.ladder.total = Kbps(10_200);
    view
}

/// A service's warning, with a link to read.
pub(crate) fn warning() -> Question {
    Question {
        id: 7,
        title: "The service has a warning".to_owned(),
        text: "The driver of your graphics adapter will no longer be supported after 1 March. You can go on.\n\n\
               Read how to bring it up to date before then."
            .to_owned(),
        links: vec![(
            "bring it up to date".to_owned(),
            "https://help.example.net/drivers?lang=en".to_owned(),
        )],
        answers: vec![Answer::Continue, Answer::SingleTrack, Answer::Cancel],
    }
}
