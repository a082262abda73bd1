//! What is wanted of ladder and stream.

use control::{Command, Preferences, RenewalChoice};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use units::{Kbps, Size, Span};

use crate::fixture::open;
use crate::hand::{click, is_open, press, type_text};
use crate::ladder_fixture::ready;

#[test]
fn preferences_count_at_once_and_the_ladder_is_asked_for_again() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "change: what is asked for");
    assert!(is_open(&harness, "Preferences"));
    let chosen = Preferences { multitrack: true, max_tracks: Some(3), ..Preferences::default() };
    for (name, expected) in [
        ("2 tracks", Preferences { max_tracks: Some(2), ..chosen.clone() }),
        ("Auto: up to 3", Preferences { max_tracks: None, ..chosen.clone() }),
        (
            "852×480",
            Preferences { max_tracks: None, output: Some(Size::new(852, 480).unwrap()), ..chosen.clone() },
        ),
        ("Auto: 1280×720, as the canvas", Preferences { max_tracks: None, ..chosen.clone() }),
        (
            "30 per second",
            Preferences { max_tracks: None, rate: Some(units::FrameRate::FPS_30), ..chosen.clone() },
        ),
        ("Auto: 30, as the canvas", Preferences { max_tracks: None, ..chosen.clone() }),
        ("Limit", Preferences { max_tracks: None, max_bitrate: Some(Kbps(4_160)), ..chosen.clone() }),
        ("Auto: what the renditions need", Preferences { max_tracks: None, ..chosen.clone() }),
    ] {
        // The engine has not answered yet: the hand's last wish stands all the same.
        let asked = click(&mut harness, Role::RadioButton, name);
        assert_eq!(asked, [Command::SetPreferences(expected)], "{name}");
    }
    assert_eq!(click(&mut harness, Role::Button, "Done"), [Command::PrepareLive]);
    assert!(is_open(&harness, "Go live"));
}

#[test]
fn a_bitrate_is_typed() {
    let mut view = ready();
    view.preferences.chosen.max_bitrate = Some(Kbps(6_000));
    let mut harness = open(view);
    press(&mut harness, Modifiers::CTRL, Key::Comma);
    assert!(is_open(&harness, "Preferences"));
    harness.get_by_role_and_label(Role::SpinButton, "Maximum bitrate in kbps").focus();
    harness.run_steps(3);
    press(&mut harness, Modifiers::CTRL, Key::A);
    type_text(&mut harness, "3200");
    let asked = press(&mut harness, Modifiers::NONE, Key::Enter);
    assert!(
        matches!(
            asked.as_slice(),
            [Command::SetPreferences(Preferences { max_bitrate: Some(Kbps(3_200)), .. })]
        ),
        "{asked:?}"
    );
}

#[test]
fn one_rendition_has_no_tracks_to_limit() {
    let mut view = ready();
    view.preferences.chosen = Preferences::default();
    let mut harness = open(view);
    click(&mut harness, Role::Button, "Preferences");
    assert!(harness.get_by_role_and_label(Role::RadioButton, "2 tracks").accesskit_node().is_disabled());
    assert_eq!(click(&mut harness, Role::RadioButton, "2 tracks"), []);
    let asked = click(&mut harness, Role::RadioButton, "Several (multitrack video)");
    assert_eq!(asked, [Command::SetPreferences(Preferences { multitrack: true, ..Preferences::default() })]);
    assert!(!harness.get_by_role_and_label(Role::RadioButton, "2 tracks").accesskit_node().is_disabled());
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [], "nobody is going live");
    assert!(!is_open(&harness, "Preferences"));
}

/// The preferences that a click asks for, and nothing else.
fn asked_by(harness: &mut crate::hand::Window, role: Role, name: &str) -> Preferences {
    match click(harness, role, name).as_slice() {
        [Command::SetPreferences(wanted)] => wanted.clone(),
        other => panic!("{name} asked for {other:?}"),
    }
}

#[test]
fn what_the_stream_does_is_chosen_and_the_ladder_is_not_asked_for_again() {
    let mut harness = open(ready());
    click(&mut harness, Role::Button, "Go live…");
    click(&mut harness, Role::Button, "change: what is asked for");
    assert!(!asked_by(&mut harness, Role::RadioButton, "End the stream").reconnect);
    assert!(asked_by(&mut harness, Role::RadioButton, "Reconnect").reconnect);
    let never = asked_by(&mut harness, Role::RadioButton, "Never");
    assert_eq!(never.renewal, RenewalChoice::Never);
    let after = asked_by(&mut harness, Role::RadioButton, "After");
    assert_eq!(after.renewal, RenewalChoice::After(Span::from_secs(24 * 3_600)));
    let auto = asked_by(&mut harness, Role::RadioButton, "Auto: an hour before 48 hours are over");
    assert_eq!(auto.renewal, RenewalChoice::Auto);
    assert_eq!(asked_by(&mut harness, Role::RadioButton, "Own").srt_latency_ms, Some(1_000));
    assert_eq!(click(&mut harness, Role::Button, "Done"), [], "the ladder stays granted");
}

#[test]
fn the_hours_until_renewal_are_typed() {
    let mut view = ready();
    view.preferences.chosen.renewal = RenewalChoice::After(Span::from_secs(24 * 3_600));
    let mut harness = open(view);
    press(&mut harness, Modifiers::CTRL, Key::Comma);
    harness.get_by_role_and_label(Role::SpinButton, "Hours until key and stream are renewed").focus();
    harness.run_steps(3);
    press(&mut harness, Modifiers::CTRL, Key::A);
    type_text(&mut harness, "99");
    let asked = press(&mut harness, Modifiers::NONE, Key::Enter);
    let [Command::SetPreferences(wanted)] = asked.as_slice() else { panic!("{asked:?}") };
    let hours = RenewalChoice::After(Span::from_secs(47 * 3_600));
    assert_eq!(wanted.renewal, hours, "both end at 48 hours");
}

#[test]
fn where_viewers_play_is_https() {
    const URL: &str = "https://abc.playback.live-video.net/live.m3u8";
    let mut harness = open(ready());
    press(&mut harness, Modifiers::CTRL, Key::Comma);
    let field = |harness: &mut crate::hand::Window, text: &str| {
        harness.get_by_role_and_label(Role::TextInput, "Playback URL").focus();
        harness.run_steps(3);
        press(harness, Modifiers::CTRL | Modifiers::COMMAND, Key::A);
        type_text(harness, text);
    };
    field(&mut harness, "http://example.net/live.m3u8");
    assert!(harness.get_by_role_and_label(Role::Button, "Watch it").accesskit_node().is_disabled());
    field(&mut harness, URL);
    assert_eq!(asked_by(&mut harness, Role::Button, "Watch it").playback_url.as_deref(), Some(URL));
    field(&mut harness, " ");
    assert_eq!(asked_by(&mut harness, Role::Button, "Forget it").playback_url, None);
}
