//! Where a source is taken from, chosen from what there is.

use control::{Command, DeviceChoice, DevicesView, ProgramChoice, SourceEntry, View, WindowChoice};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;
use scene::{DisplaySelector, ProgramSelector, SourceId, SourceKind, TextAlign, WindowSelector};

use crate::fixture::{off_air, open};
use crate::hand::{click, is_open, press, type_text};

const DESKTOP: SourceId = SourceId(22);

fn window(title: &str, program: &str) -> WindowSelector {
    WindowSelector { title: Some(title.into()), class: Some("Main".into()), program: Some(program.into()) }
}

pub(crate) fn sources() -> Vec<SourceEntry> {
    let entry = |id, name: &str, settings| SourceEntry { source: SourceId(id), name: name.into(), settings };
    let text = SourceKind::Text {
        text: "On air".into(),
        font: None,
        size_px: 40.0,
        color: scene::Color::default(),
        align: TextAlign::Left,
    };
    let editor = window("notes.txt - Editor", "editor.exe");
    vec![
        entry(111, "Camera", SourceKind::Camera { device: Some("HD Pro".into()) }),
        entry(112, "Lower third", text),
        entry(
            113,
            "Editor window",
            SourceKind::Window { window: editor, show_cursor: true, show_border: false },
        ),
        entry(22, "Desktop", SourceKind::DesktopAudio { device: None, program: None }),
        entry(
            30,
            "Screen",
            SourceKind::Display {
                display: DisplaySelector::Primary,
                show_cursor: true,
                show_border: false,
                hide_own_windows: false,
            },
        ),
    ]
}

pub(crate) fn devices() -> DevicesView {
    let choice = |name: &str, note: &str| DeviceChoice { name: name.into(), note: note.into() };
    let program = |name: &str, title: &str, is_playing| ProgramChoice {
        program: name.into(),
        title: title.into(),
        is_playing,
    };
    DevicesView {
        is_known: true,
        displays: vec![choice("DELL U2720Q", "3840x2160 at 0,0, primary"), choice("Beamer", "1920x1080")],
        windows: vec![
            WindowChoice { title: "Level 3".into(), selector: window("Level 3", "game.exe") },
            WindowChoice {
                title: "notes.txt - Editor".into(),
                selector: window("notes.txt - Editor", "editor.exe"),
            },
        ],
        cameras: vec![choice("Capture card", "by mfvideosrc")],
        outputs: vec![choice("Headphones", "WASAPI, default"), choice("Speakers", "WASAPI")],
        programs: vec![
            program("game.exe", "Level 3", true),
            program("editor.exe", "notes.txt - Editor", false),
        ],
        ..DevicesView::default()
    }
}

fn view() -> View {
    View { sources: sources(), devices: devices(), ..off_air() }
}

#[test]
fn a_program_is_chosen_whose_sound_is_heard_and_the_hand_is_ahead_of_the_engine() {
    let mut harness = open(view());
    let asked = click(&mut harness, Role::Button, "Choose source of Desktop");
    assert_eq!(asked, [Command::LookForDevices]);
    assert!(is_open(&harness, "Source “Desktop”"));
    let wish = |device: Option<&str>, program: Option<(&str, bool)>| {
        let program = program.map(|(program, all_but)| ProgramSelector {
            program: program.into(),
            title: None,
            all_but,
        });
        let kind = SourceKind::DesktopAudio { device: device.map(str::to_owned), program };
        [Command::ChangeSource { source: DESKTOP, kind }]
    };
    assert_eq!(click(&mut harness, Role::RadioButton, "Headphones"), wish(Some("Headphones"), None));
    let game = wish(Some("Headphones"), Some(("game.exe", false)));
    assert_eq!(click(&mut harness, Role::RadioButton, "game.exe"), game);
    assert!(harness.query_by_role_and_label(Role::RadioButton, "Headphones").is_none(), "it has no output");
    let all_but = wish(Some("Headphones"), Some(("game.exe", true)));
    assert_eq!(click(&mut harness, Role::RadioButton, "All but this program"), all_but);
    assert_eq!(click(&mut harness, Role::RadioButton, "Everything"), wish(Some("Headphones"), None));
    // Somebody else changed it: that is what counts.
    harness.state_mut().view.sources[3].settings = SourceKind::DesktopAudio {
        device: None,
        program: Some(ProgramSelector { program: "gone.exe".into(), ..ProgramSelector::default() }),
    };
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::RadioButton, "gone.exe");
    assert_eq!(click(&mut harness, Role::Button, "Look again"), [Command::LookForDevices]);
    assert_eq!(click(&mut harness, Role::Button, "Done"), []);
    assert!(!is_open(&harness, "Source “Desktop”"));
}

#[test]
fn a_display_is_chosen_from_the_list_of_commands_with_pointer_and_border() {
    let mut harness = open(view());
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "choose for “screen");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Enter), [Command::LookForDevices]);
    let wish = |display, show_cursor, show_border| {
        let kind = SourceKind::Display { display, show_cursor, show_border, hide_own_windows: false };
        [Command::ChangeSource { source: SourceId(30), kind }]
    };
    let beamer = || DisplaySelector::Named("Beamer".into());
    assert_eq!(click(&mut harness, Role::RadioButton, "Beamer"), wish(beamer(), true, false));
    assert_eq!(click(&mut harness, Role::RadioButton, "Hidden"), wish(beamer(), false, false));
    let asked = click(&mut harness, Role::RadioButton, "Left out");
    assert!(
        matches!(
            asked.as_slice(),
            [Command::ChangeSource { kind: SourceKind::Display { hide_own_windows: true, .. }, .. }]
        ),
        "{asked:?}"
    );
    click(&mut harness, Role::RadioButton, "Captured");
    let bordered = harness.get_all_by_role_and_label(Role::RadioButton, "Shown").last().unwrap();
    bordered.click();
    harness.run_steps(4);
    assert_eq!(harness.state_mut().take(), wish(beamer(), false, true));
    harness.state_mut().view.devices.no_border = "This Windows always draws one.".into();
    harness.run_steps(3);
    harness.get_by_label("This Windows always draws one.");
    assert_eq!(click(&mut harness, Role::RadioButton, "None"), [], "it can not be chosen");
}

#[test]
fn a_window_and_a_camera_are_chosen_below_their_item() {
    let mut harness = open(view());
    harness.get_by_role_and_label(Role::ListItem, "Editor window, window, running").click();
    harness.run_steps(3);
    assert_eq!(click(&mut harness, Role::Button, "choose: Editor window"), [Command::LookForDevices]);
    let kind =
        SourceKind::Window { window: window("Level 3", "game.exe"), show_cursor: true, show_border: false };
    let asked = click(&mut harness, Role::RadioButton, "Level 3");
    assert_eq!(asked, [Command::ChangeSource { source: SourceId(113), kind }]);
    press(&mut harness, Modifiers::NONE, Key::Escape);
    harness.get_by_role_and_label(Role::ListItem, "Camera, camera, running").click();
    harness.run_steps(3);
    click(&mut harness, Role::Button, "choose: Camera");
    harness.get_by_role_and_label(Role::RadioButton, "HD Pro");
    let kind = SourceKind::Camera { device: Some("Capture card".into()) };
    let asked = click(&mut harness, Role::RadioButton, "Capture card");
    assert_eq!(asked, [Command::ChangeSource { source: SourceId(111), kind }]);
}

#[test]
fn what_has_nothing_to_choose_offers_nothing() {
    let mut harness = open(view());
    harness.get_by_role_and_label(Role::ListItem, "Lower third, text, running").click();
    harness.run_steps(3);
    assert!(harness.query_by_role_and_label(Role::Button, "choose: Lower third").is_none());
}

#[test]
fn a_source_that_is_removed_takes_its_sheet_away() {
    let mut harness = open(view());
    click(&mut harness, Role::Button, "Choose source of Desktop");
    harness.state_mut().view.sources.clear();
    harness.run_steps(3);
    assert!(!is_open(&harness, "Source “Desktop”"));
}
