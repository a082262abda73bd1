//! Where a source is taken from, and how: which display, window, camera or program, with pointer and border or without.

use control::{Command, DeviceChoice, DevicesView, SourceEntry, View};
use egui::{Context, Ui};
use scene::{DisplaySelector, ProgramSelector, SourceId, SourceKind, WindowSelector};

use super::preferences::{Choice, choice, row};
use super::{Sheet, Sheets, Surface, control, footer_row};
use crate::pass::Pass;
use crate::widget::{Button, Words, paragraph};

/// Longest title of a window on a button, in characters.
const TITLE: usize = 48;

/// What the hand did, until the engine says something else.
#[derive(Debug)]
pub(super) struct Draft {
    source: SourceId,
    shown: SourceKind,
    said: SourceKind,
}

impl Draft {
    /// What is wanted of the source: the hand's last wish, or what the engine says since.
    fn observe(draft: &mut Option<Self>, entry: &SourceEntry) -> SourceKind {
        if let Some(draft) = draft.as_ref().filter(|d| d.source == entry.source && d.said == entry.settings) {
            return draft.shown.clone();
        }
        let said = entry.settings.clone();
        *draft = Some(Self { source: entry.source, shown: said.clone(), said: said.clone() });
        said
    }
}

/// Whether there is anything to choose of a source.
pub(crate) fn has_choices(kind: &SourceKind) -> bool {
    matches!(
        kind,
        SourceKind::Display { .. }
            | SourceKind::Window { .. }
            | SourceKind::Camera { .. }
            | SourceKind::AudioInput { .. }
            | SourceKind::DesktopAudio { .. }
    )
}

/// Whether the sheet of a source can be opened.
pub(crate) fn can_open(view: &View, source: SourceId) -> bool {
    view.sources.iter().any(|entry| entry.source == source && has_choices(&entry.settings))
}

/// Opens the sheet of a source, and has the devices looked for.
pub(crate) fn open(pass: &mut Pass<'_>, source: SourceId) {
    pass.commands.push(Command::LookForDevices);
    pass.memory.sheets.open(Sheet::Source(source));
}

/// Shows the sheet.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets, source: SourceId) {
    let view = pass.view;
    let Some(entry) = view.sources.iter().find(|entry| entry.source == source) else {
        // It was removed meanwhile.
        sheets.open.pop();
        return;
    };
    let title = format!("Source “{}”", entry.name);
    let surface = Surface { title: &title, below: below(&entry.settings), keeps: false };
    let (mut done, mut again) = (false, false);
    let left = surface.show(
        ctx,
        pass,
        sheets,
        |ui, pass, sheets| contents(ui, pass, sheets, entry, &view.devices),
        |ui, pass, sheets| {
            let theme = pass.theme;
            let words =
                if view.devices.is_looking { "Looking for devices…" } else { "Changes count at once." };
            footer_row(ui, Words::new(theme).second(words), |ui| {
                let tooltip = "Close this (Escape)";
                let button = Button { label: "Done", icon: None, chosen: None, enabled: true, tooltip };
                let response = button.show(ui, theme);
                done = control(ui, pass, sheets, &response);
                let tooltip = "Look once more what there is";
                let enabled = !view.devices.is_looking;
                let button = Button { label: "Look again", icon: None, chosen: None, enabled, tooltip };
                let response = button.show(ui, theme);
                again = control(ui, pass, sheets, &response);
            });
        },
    );
    if again {
        pass.commands.push(Command::LookForDevices);
    }
    if left || done {
        sheets.open.pop();
    }
}

fn below(kind: &SourceKind) -> &'static str {
    match kind {
        SourceKind::Window { .. } => {
            "A window is found again after it was closed. What is minimised can not be captured."
        }
        SourceKind::DesktopAudio { .. } => {
            "Everything the computer plays, or one program alone, or all but that one."
        }
        _ => "It is looked for until it is there, and again when it went away.",
    }
}

fn contents(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    entry: &SourceEntry,
    devices: &DevicesView,
) {
    let before = Draft::observe(&mut sheets.source, entry);
    let mut wanted = before.clone();
    match &mut wanted {
        SourceKind::Display { display, show_cursor, show_border, hide_own_windows } => {
            displays(ui, pass, sheets, display, &devices.displays);
            pointer(ui, pass, sheets, show_cursor);
            own_windows(ui, pass, sheets, hide_own_windows);
            border(ui, pass, sheets, show_border, &devices.no_border);
        }
        SourceKind::Window { window, show_cursor, show_border } => {
            windows(ui, pass, sheets, window, devices);
            pointer(ui, pass, sheets, show_cursor);
            border(ui, pass, sheets, show_border, &devices.no_border);
        }
        SourceKind::Camera { device } => {
            let first = ("The first one", "Whichever camera the system lists first");
            named(ui, pass, sheets, ("Camera", first), device, &devices.cameras);
        }
        SourceKind::AudioInput { device } => {
            let first = (
                "The system's default",
                "The default when the source is opened; it is never exchanged by itself",
            );
            named(ui, pass, sheets, ("Microphone", first), device, &devices.inputs);
        }
        SourceKind::DesktopAudio { device, program } => {
            programs(ui, pass, sheets, program, devices);
            if program.is_none() {
                let first = (
                    "The system's default",
                    "The default when the source is opened; it is never exchanged by itself",
                );
                named(ui, pass, sheets, ("Output", first), device, &devices.outputs);
            }
        }
        _ => {}
    }
    for problem in &devices.problems {
        paragraph(ui, Words::new(pass.theme).second(problem));
    }
    if wanted != before {
        if let Some(draft) = &mut sheets.source {
            draft.shown.clone_from(&wanted);
        }
        pass.commands.push(Command::ChangeSource { source: entry.source, kind: wanted });
    }
}

/// A choice that is always possible; whether it was pressed.
fn one(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    (label, tooltip): (&str, &str),
    chosen: bool,
) -> bool {
    choice(ui, pass, sheets, &Choice { label, chosen, enabled: true, tooltip })
}

fn displays(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    display: &mut DisplaySelector,
    listed: &[DeviceChoice],
) {
    row(ui, pass, sheets, "Display", |ui, pass, sheets| {
        let words = ("The primary one", "Whichever display the system calls its primary one");
        if one(ui, pass, sheets, words, *display == DisplaySelector::Primary) {
            *display = DisplaySelector::Primary;
        }
        let now = match &*display {
            DisplaySelector::Named(name) => Some(name.clone()),
            DisplaySelector::Primary => None,
        };
        for device in with_absent(listed, now.as_deref()) {
            let chosen = now.as_ref() == Some(&device.name);
            if one(ui, pass, sheets, (&device.name, &device.note), chosen) {
                *display = DisplaySelector::Named(device.name);
            }
        }
    });
}

fn named(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    (title, first): (&str, (&str, &str)),
    device: &mut Option<String>,
    listed: &[DeviceChoice],
) {
    row(ui, pass, sheets, title, |ui, pass, sheets| {
        if one(ui, pass, sheets, first, device.is_none()) {
            *device = None;
        }
        let now = device.clone();
        for listed in with_absent(listed, now.as_deref()) {
            let chosen = now.as_ref() == Some(&listed.name);
            if one(ui, pass, sheets, (&listed.name, &listed.note), chosen) {
                *device = Some(listed.name);
            }
        }
    });
}

/// What is listed, and what is chosen where it is not among that.
fn with_absent(listed: &[DeviceChoice], chosen: Option<&str>) -> Vec<DeviceChoice> {
    let mut all = listed.to_vec();
    if let Some(name) = chosen.filter(|name| !listed.iter().any(|device| device.name == *name)) {
        all.push(DeviceChoice { name: name.to_owned(), note: String::from("Not there at the moment") });
    }
    all
}

fn windows(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    window: &mut WindowSelector,
    devices: &DevicesView,
) {
    row(ui, pass, sheets, "Window", |ui, pass, sheets| {
        let now = window.clone();
        if !devices.windows.iter().any(|listed| listed.selector == now) {
            let label = name_of(&now);
            if !label.is_empty() {
                one(ui, pass, sheets, (&label, "What is looked for at the moment"), true);
            }
        }
        for listed in &devices.windows {
            let tooltip = listed.selector.program.as_deref().unwrap_or_default();
            if one(ui, pass, sheets, (&shortened(&listed.title), tooltip), listed.selector == now) {
                window.clone_from(&listed.selector);
            }
        }
        if devices.is_known && devices.windows.is_empty() {
            ui.label(Words::new(pass.theme).second("No window is open that could be captured.").job());
        }
    });
}

fn name_of(window: &WindowSelector) -> String {
    let parts = [&window.title, &window.program, &window.class];
    let named = parts.into_iter().flatten().find(|part| !part.is_empty());
    named.map_or_else(String::new, |name| shortened(name))
}

fn shortened(title: &str) -> String {
    if title.chars().count() <= TITLE {
        return title.to_owned();
    }
    let kept: String = title.chars().take(TITLE - 1).collect();
    format!("{}…", kept.trim_end())
}

fn pointer(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, show: &mut bool) {
    row(ui, pass, sheets, "Mouse pointer", |ui, pass, sheets| {
        for (shown, label, tooltip) in
            [(true, "Shown", "Viewers see the pointer"), (false, "Hidden", "Viewers do not see the pointer")]
        {
            if one(ui, pass, sheets, (label, tooltip), *show == shown) {
                *show = shown;
            }
        }
    });
}

fn own_windows(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, hide: &mut bool) {
    row(ui, pass, sheets, "Windows of Genlock itself", |ui, pass, sheets| {
        for (left_out, label, tooltip) in [
            (false, "Captured", "Viewers see them where they lie on this display"),
            (
                true,
                "Left out",
                "Nobody sees them, in no other program's capture either; on Windows 10 version 2004 or later",
            ),
        ] {
            if one(ui, pass, sheets, (label, tooltip), *hide == left_out) {
                *hide = left_out;
            }
        }
    });
}

fn border(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, show: &mut bool, impossible: &str) {
    row(ui, pass, sheets, "Border of Windows around it", |ui, pass, sheets| {
        for (shown, label, tooltip) in [
            (false, "None", "Windows draws no border on the screen, where this Windows allows it"),
            (
                true,
                "Shown",
                "Windows draws a border on the screen around what is captured; viewers do not see it",
            ),
        ] {
            let enabled = impossible.is_empty();
            if choice(ui, pass, sheets, &Choice { label, chosen: *show == shown, enabled, tooltip }) {
                *show = shown;
            }
        }
    });
    if !impossible.is_empty() {
        paragraph(ui, Words::new(pass.theme).second(impossible));
        ui.add_space(10.0);
    }
}

fn programs(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    program: &mut Option<ProgramSelector>,
    devices: &DevicesView,
) {
    let now = program.clone();
    row(ui, pass, sheets, "Sound of", |ui, pass, sheets| {
        let words = ("Everything", "All that the output plays");
        if one(ui, pass, sheets, words, now.is_none()) {
            *program = None;
        }
        let is = |name: &str| now.as_ref().is_some_and(|now| now.program.eq_ignore_ascii_case(name));
        if let Some(now) = &now
            && !devices.programs.iter().any(|listed| is(&listed.program))
        {
            one(ui, pass, sheets, (&now.program, "It does not run at the moment; it is waited for"), true);
        }
        for listed in &devices.programs {
            let playing = if listed.is_playing { "It plays sound now" } else { "It has a window" };
            let tooltip = format!("{}\n{playing}", listed.title);
            if one(ui, pass, sheets, (&listed.program, tooltip.trim()), is(&listed.program)) {
                let all_but = now.as_ref().is_some_and(|now| now.all_but);
                *program = Some(ProgramSelector { program: listed.program.clone(), title: None, all_but });
            }
        }
    });
    if !devices.no_program_sound.is_empty() {
        paragraph(ui, Words::new(pass.theme).second(&devices.no_program_sound));
        ui.add_space(10.0);
    }
    if let Some(wanted) = program {
        row(ui, pass, sheets, "Heard is", |ui, pass, sheets| {
            for (all_but, label, tooltip) in [
                (false, "Only this program", "What it and the programs it started play"),
                (true, "All but this program", "Everything else the computer plays"),
            ] {
                if one(ui, pass, sheets, (label, tooltip), wanted.all_but == all_but) {
                    wanted.all_but = all_but;
                }
            }
        });
    }
}
