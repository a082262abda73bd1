//! What is wanted of the stream itself: getting back, renewal, where viewers play, the latency of SRT; and the ways to
//! destinations, second PC and network check.

use control::{LiveState, PlaybackView, Preferences, PreferencesView, RenewalChoice};
use egui::{DragValue, TextEdit, Ui};
use units::Span;

use super::preferences::{Choice, auto, choice, row};
use super::stream_key::below_title;
use super::{Sheet, Sheets, control, network_check, pairing};
use crate::pass::Pass;
use crate::theme::CORNER_SMALL;
use crate::widget::{Button, Mark, Words, focus_ring, line, quiet_button};

/// Hours after which key and stream can be renewed: both end 48 hours after they began (IVS user guide, multitrack
/// integration guide, “Automatically Reconnecting”).
const RENEWAL_HOURS: std::ops::RangeInclusive<i64> = 1..=47;
/// The hours that are offered first.
const FIRST_RENEWAL_HOURS: i64 = 24;
/// Latencies of SRT that can be set, in milliseconds.
const LATENCY_MS: std::ops::RangeInclusive<u32> = 20..=8_000;
/// The latency that is offered first, in milliseconds.
const FIRST_LATENCY_MS: u32 = 1_000;
/// Nanoseconds in an hour.
const HOUR_NANOS: i64 = 3_600_000_000_000;

/// What is being typed.
#[derive(Debug, Default)]
pub(super) struct Typed {
    playback_url: Option<String>,
}

impl Typed {
    /// The sheet was closed: what was not handed over is not kept.
    pub(super) fn forget(&mut self) {
        self.playback_url = None;
    }
}

/// The rows that change preferences.
pub(super) fn rows(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    view: &PreferencesView,
    wanted: &mut Preferences,
) {
    reconnect(ui, pass, sheets, wanted);
    renewal(ui, pass, sheets, view, wanted);
    latency(ui, pass, sheets, view, wanted);
    playback(ui, pass, sheets, wanted);
}

fn reconnect(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, wanted: &mut Preferences) {
    row(ui, pass, sheets, "When the connection breaks", |ui, pass, sheets| {
        for (reconnect, label, tooltip) in [
            (true, "Reconnect", "At once, then after growing pauses; encoders and the recording run on"),
            (false, "End the stream", "The recording goes on"),
        ] {
            let one = Choice { label, chosen: wanted.reconnect == reconnect, enabled: true, tooltip };
            if choice(ui, pass, sheets, &one) {
                wanted.reconnect = reconnect;
            }
        }
    });
}

fn renewal(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    view: &PreferencesView,
    wanted: &mut Preferences,
) {
    row(ui, pass, sheets, "Renew key and stream", |ui, pass, sheets| {
        let label = auto(&view.auto_renewal);
        let chosen = wanted.renewal == RenewalChoice::Auto;
        let tooltip = "The service ends both after 48 hours; the cut is clean, at a keyframe";
        if choice(ui, pass, sheets, &Choice { label: &label, chosen, enabled: true, tooltip }) {
            wanted.renewal = RenewalChoice::Auto;
        }
        let timed = matches!(wanted.renewal, RenewalChoice::After(_));
        let tooltip = "So many hours after the stream began";
        let after = Choice { label: "After", chosen: timed, enabled: true, tooltip };
        if choice(ui, pass, sheets, &after) && !timed {
            wanted.renewal = RenewalChoice::After(Span::from_nanos(FIRST_RENEWAL_HOURS * HOUR_NANOS));
        }
        if let RenewalChoice::After(span) = wanted.renewal {
            let mut hours = span.as_nanos() / HOUR_NANOS;
            let field = DragValue::new(&mut hours)
                .range(RENEWAL_HOURS)
                .speed(0.1)
                .suffix(" h")
                .update_while_editing(false);
            let response = ui.add(field).accessible_name("Hours until key and stream are renewed");
            focus_ring(ui, pass.theme, &response, CORNER_SMALL);
            control(ui, pass, sheets, &response);
            if response.changed() {
                wanted.renewal = RenewalChoice::After(Span::from_nanos(hours * HOUR_NANOS));
            }
            response.on_hover_text("Type a number and press Enter, or drag to the left and right");
        }
        let chosen = wanted.renewal == RenewalChoice::Never;
        let tooltip = "The stream ends where the service ends it";
        if choice(ui, pass, sheets, &Choice { label: "Never", chosen, enabled: true, tooltip }) {
            wanted.renewal = RenewalChoice::Never;
        }
    });
}

fn latency(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    view: &PreferencesView,
    wanted: &mut Preferences,
) {
    row(ui, pass, sheets, "SRT latency", |ui, pass, sheets| {
        let label = auto(&view.auto_srt_latency);
        let tooltip = "How long lost packets may take to come again";
        let chosen = wanted.srt_latency_ms.is_none();
        if choice(ui, pass, sheets, &Choice { label: &label, chosen, enabled: true, tooltip }) {
            wanted.srt_latency_ms = None;
        }
        let fixed = wanted.srt_latency_ms.is_some();
        let tooltip = "More rides out worse networks; viewers are as much further behind";
        let own = Choice { label: "Own", chosen: fixed, enabled: true, tooltip };
        if choice(ui, pass, sheets, &own) && !fixed {
            wanted.srt_latency_ms = Some(FIRST_LATENCY_MS);
        }
        if let Some(latency_ms) = &mut wanted.srt_latency_ms {
            let field = DragValue::new(latency_ms)
                .range(LATENCY_MS)
                .clamp_existing_to_range(true)
                .speed(10.0)
                .suffix(" ms")
                .update_while_editing(false);
            let response = ui.add(field).accessible_name("SRT latency in milliseconds");
            focus_ring(ui, pass.theme, &response, CORNER_SMALL);
            control(ui, pass, sheets, &response);
            response.on_hover_text("Type a number and press Enter, or drag to the left and right");
        }
    });
}

/// Whether an address can be where viewers play: https, or http on this computer.
fn is_playback_url(url: &str) -> bool {
    let rest = |scheme: &str| {
        let head = url.get(..scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then(|| url.get(scheme.len()..)).flatten()
    };
    let is_local = |rest: &str| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.strip_prefix("[::1]").map_or_else(
            || authority.split(':').next().unwrap_or_default(),
            |port| if port.is_empty() || port.starts_with(':') { "localhost" } else { "" },
        );
        matches!(host, "localhost" | "127.0.0.1")
    };
    let blank = url.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    !blank && (rest("https://").is_some_and(|rest| !rest.is_empty()) || rest("http://").is_some_and(is_local))
}

/// The address of the playlist, which the light watches to know whether viewers can play.
fn playback(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, wanted: &mut Preferences) {
    let theme = pass.theme;
    let seen = pass.view.destination().map(|destination| (destination.state, destination.playback));
    let (mark, words) = match (&wanted.playback_url, seen) {
        (None, _) => {
            (Mark::Plain, "Not known. With the channel's playback URL, the light says when viewers can play.")
        }
        (Some(_), Some((LiveState::Off | LiveState::Failed, _)) | None) => {
            (Mark::Plain, "Watched while you are live: the light says when viewers can play.")
        }
        (_, Some((_, PlaybackView::Playable { .. }))) => (Mark::Good, "Viewers can play."),
        (_, Some((_, PlaybackView::Stalled))) => (Mark::Look, "Nothing new can be played."),
        (_, Some((_, PlaybackView::Unknown))) => {
            (Mark::Look, "Nothing can be read there: whether viewers can play is not known.")
        }
        (_, Some(_)) => (Mark::Busy, "No viewer can play yet."),
    };
    line(ui, theme, mark, "Viewers", Words::new(theme).second(words), |_| {});
    let mut typed =
        sheets.stream.playback_url.take().unwrap_or_else(|| wanted.playback_url.clone().unwrap_or_default());
    let kept = wanted.playback_url.clone().unwrap_or_default();
    below_title(ui, |ui| {
        let width = (ui.available_width() - 100.0).max(80.0);
        let field = TextEdit::singleline(&mut typed)
            .hint_text("https://….live-video.net/….m3u8")
            .char_limit(4_000)
            .desired_width(width);
        let response = ui.add(field).accessible_name("Playback URL");
        focus_ring(ui, theme, &response, CORNER_SMALL);
        control(ui, pass, sheets, &response);
        let by_enter = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
        let url = typed.trim();
        let can = url != kept && (url.is_empty() || is_playback_url(url));
        let (label, tooltip) = match (url.is_empty() && !kept.is_empty(), can || url == kept) {
            (true, _) => ("Forget it", "Watch no playlist"),
            (false, true) => ("Watch it", "Fetch this playlist while you are live (Enter)"),
            (false, false) => ("Watch it", "It begins with https://"),
        };
        let button = Button { label, icon: None, chosen: None, enabled: can, tooltip };
        let response = button.show(ui, theme);
        if (control(ui, pass, sheets, &response) || by_enter) && can {
            wanted.playback_url = (!url.is_empty()).then(|| url.to_owned());
        }
    });
    if typed.trim() != wanted.playback_url.as_deref().unwrap_or_default() {
        sheets.stream.playback_url = Some(typed);
    }
}

/// The lines that lead to other sheets.
pub(super) fn ways(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    destinations_line(ui, pass, sheets);
    second_pc_line(ui, pass, sheets);
    upload_line(ui, pass, sheets);
}

/// A line whose words on the right open a sheet.
fn opens(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    (mark, title, words): (Mark, &str, Words<'_>),
    (label, tooltip, sheet): (&str, &str, Sheet),
) {
    let theme = pass.theme;
    line(ui, theme, mark, title, words, |ui| {
        let name = format!("{label}: {}", title.to_lowercase());
        let response = quiet_button(ui, theme, label, &name, true, tooltip);
        if control(ui, pass, sheets, &response) {
            sheets.open(sheet);
        }
    });
}

fn destinations_line(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let others: Vec<&str> = pass
        .view
        .destinations
        .iter()
        .filter(|destination| !destination.is_main())
        .map(|destination| destination.name.as_str())
        .collect();
    let words = match others.as_slice() {
        [] => String::from("The channel only."),
        others => format!("The channel and {}.", others.join(", ")),
    };
    let words = Words::new(pass.theme).second(&words);
    let tooltip = "Add a destination, or remove one";
    opens(ui, pass, sheets, (Mark::Plain, "Destinations", words), ("change", tooltip, Sheet::Destinations));
}

/// The line about the other computer.
pub(super) fn second_pc_line(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let theme = pass.theme;
    let (mark, words) = match &pass.view.pairing.paired {
        Some(paired) => pairing::state(theme, paired),
        None => (Mark::Plain, Words::new(theme).second("None is paired.")),
    };
    let tooltip = "Pair another PC that can take over from this one";
    opens(ui, pass, sheets, (mark, "Second PC", words), ("pairing…", tooltip, Sheet::Pairing));
}

/// The line about the network.
pub(super) fn upload_line(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, check) = (pass.theme, &pass.view.network_check);
    let (mark, words, label) = match (&check.running, &check.result) {
        (Some(_), _) => (Mark::Busy, Words::new(theme).second("Being tested."), "look"),
        (None, Some(result)) => {
            let (mark, words) = network_check::verdict(theme, pass.view, result);
            (mark, words, "test again")
        }
        (None, None) => (Mark::Plain, Words::new(theme).second("Not tested yet."), "test…"),
    };
    let tooltip = "Find out what the network carries; no viewer sees it";
    opens(ui, pass, sheets, (mark, "Upload", words), (label, tooltip, Sheet::NetworkCheck));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_play_over_https_or_on_this_computer() {
        for url in [
            "https://abc.eu-west-1.playback.live-video.net/api/video/v1/x.m3u8",
            "HTTPS://example.net/live.m3u8?token=x",
            "http://127.0.0.1:8080/live.m3u8",
            "http://localhost/live.m3u8",
            "http://[::1]:9/live.m3u8",
        ] {
            assert!(is_playback_url(url), "{url}");
        }
        for url in [
            "",
            "https://",
            "http://example.net/live.m3u8",
            "http://127.0.0.1.example.net/live.m3u8",
            "http://[::1].example.net/",
            "rtmps://example.net/app",
            "https://exam ple.net/",
            "file:///etc/passwd",
        ] {
            assert!(!is_playback_url(url), "{url}");
        }
    }
}
