//! The top bar: whose show this is, whether it is recorded, whether it is live.

use control::{Command, LiveState, RecordingState};
use egui::accesskit::Live;
use egui::{
    Align, Align2, Layout, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

use crate::figures;
use crate::focus::Region;
use crate::icon::Icon;
use crate::layout::{Layout as Panels, PanelKind};
use crate::light;
use crate::pass::Pass;
use crate::sheet::Sheet;
use crate::theme::{self, CORNER_SMALL, TEXT, Theme};
use crate::widget::{Words, focus_ring, icon_button, menu_button, paint_words};

/// Height of the bar, in points.
pub(crate) const HEIGHT: f32 = 48.0;

/// The words beside the state need this much room for both tags, in points.
const WIDTH_FOR_NOTES: f32 = 660.0;
/// The figures beside the recording's timer need this much room, in points.
const WIDTH_FOR_FIGURES: f32 = 260.0;

/// Shows the bar.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>, panels: &mut Panels) {
    pass.focus.enter(Region::TopBar);
    let theme = pass.theme;
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let mark = Words::new(theme).add("gen", theme::strong(16.0), theme.text).add(
            "lock",
            theme::strong(16.0),
            theme.accent,
        );
        ui.add(egui::Label::new(mark.job()).extend());
        ui.add_space(4.0);
        chip(ui, theme, &format!("Collection {}", pass.view.collection), |words| {
            words.second("Collection ").text(&pass.view.collection)
        });
        let words = Words::new(theme).icon(Icon::Panels, theme.second).second(" Panels");
        let response = menu_button(ui, theme, "Panels", words, "Show, hide and arrange panels", |ui| {
            panels_menu(ui, theme, panels);
        });
        pass.focus.note(&response);
        edit_button(
            ui,
            pass,
            Icon::Undo,
            "Undo",
            "Take back the last edit (Ctrl+Z)",
            pass.view.can_undo,
            Command::Undo,
        );
        edit_button(ui, pass, Icon::Redo, "Redo", "Do it again (Ctrl+Y)", pass.view.can_redo, Command::Redo);
        let info = WidgetInfo::labeled(Role::Button, true, "Preferences");
        let tooltip = "What the next stream is made of, its key and its server (Ctrl+,)";
        let response = icon_button(ui, theme, Icon::Gear, theme.second, true, &info, tooltip);
        pass.focus.note(&response);
        if response.clicked() {
            pass.memory.sheets.open(Sheet::Preferences);
        }

        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            live_chip(ui, pass);
            recording_chip(ui, pass);
        });
    });
}

fn edit_button(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    icon: Icon,
    name: &str,
    tooltip: &str,
    enabled: bool,
    command: Command,
) {
    let info = WidgetInfo::labeled(Role::Button, enabled, name);
    let response = icon_button(ui, pass.theme, icon, pass.theme.second, enabled, &info, tooltip);
    if enabled {
        pass.control(&response, || command);
    }
}

fn panels_menu(ui: &mut Ui, theme: &Theme, panels: &mut Panels) {
    // Menus take the focus stroke off their entries; the keyboard must be seen here too.
    let ring = |ui: &Ui, response: &Response| focus_ring(ui, theme, response, CORNER_SMALL);
    for kind in PanelKind::ALL {
        if kind.is_closable() {
            let mut shown = panels.is_shown(kind);
            let response = ui.checkbox(&mut shown, kind.title());
            ring(ui, &response);
            if response.changed() {
                panels.set_shown(kind, shown);
            }
        }
    }
    ui.separator();
    let arrange = ui
        .checkbox(&mut panels.arranging, "Arrange panels")
        .on_hover_text("Drag panels by their title, and their borders, to where you want them");
    ring(ui, &arrange);
    let reset = ui.button("Reset layout");
    ring(ui, &reset);
    if reset.clicked() {
        *panels = Panels::default();
        ui.close();
    }
}

/// A bordered tag with words that only tell.
fn chip<'a>(ui: &mut Ui, theme: &'a Theme, name: &str, fill: impl FnOnce(Words<'a>) -> Words<'a>) {
    let galley = fill(Words::new(theme)).galley(ui, (ui.available_width() - 20.0).min(320.0));
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 20.0, 28.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, name));
    ui.painter().rect(rect, CORNER_SMALL, theme.card, Stroke::new(1.0, theme.line), StrokeKind::Inside);
    paint_words(ui.painter(), rect, Align2::CENTER_CENTER, galley);
}

fn recording_chip(ui: &mut Ui, pass: &Pass<'_>) {
    let (theme, recording) = (pass.theme, &pass.view.recording);
    match recording.state {
        RecordingState::Recording => {
            let mut figures = format!(" {}", figures::timer(recording.length));
            if ui.available_width() > WIDTH_FOR_FIGURES {
                figures.push_str(&format!(" · {}", figures::bytes(recording.bytes)));
                if let Some(left) = recording.room_left {
                    figures.push_str(&format!(" · {} left", figures::room(left)));
                }
            }
            chip(ui, theme, "Recording: on", |words| words.strong("REC").second(&figures));
        }
        RecordingState::Finishing => chip(ui, theme, "Recording: finishing", |words| {
            words.icon(Icon::Hourglass, theme.second).second(" Finishing recording")
        }),
        RecordingState::Failed => chip(ui, theme, "Recording: failed", |words| {
            words.icon(Icon::Warning, theme.warning).colored(" Recording failed", theme.warning)
        }),
        _ => chip(ui, theme, "Recording: off", |words| words.second("Not recording")),
    }
}

/// The state word and timer; red only while viewers may be watching.
fn live_chip(ui: &mut Ui, pass: &Pass<'_>) {
    let (theme, view) = (pass.theme, pass.view);
    let (state, on_air) = (pass.live_state(), pass.is_on_air());
    let word = light::word(view);
    let color = if on_air { theme.on_air } else { light::color(theme, state, view.is_rehearsal) };
    let served = view.destinations.iter().filter(|destination| destination.state.is_on_air());
    let shown_word = if view.is_on_air() { word.to_uppercase() } else { word.clone() };
    let mut words = Words::new(theme).strong(&shown_word);
    if let Some(longest) = served.map(|destination| destination.on_air).max() {
        words = words.add(&format!("  {}", figures::timer(longest)), theme::strong(TEXT), theme.text);
    }
    let note = light::note(view);
    if !note.is_empty() && ui.available_width() > WIDTH_FOR_NOTES {
        let ink = if on_air { Theme::tint(theme.on_air, theme.text, 0.35) } else { theme.second };
        words = words.colored(&format!("  {note}"), ink);
    }
    let galley = words.galley(ui, ui.available_width() - 40.0);
    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 38.0, 30.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, format!("Live state: {word}")));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_live(Live::Assertive);
        node.set_description(note.as_str());
    });
    let ground = if on_air { Theme::tint(theme.on_air, theme.panel, 0.2) } else { theme.card };
    let border = if state == LiveState::Off { theme.line } else { color };
    ui.painter().rect(rect, CORNER_SMALL + 1, ground, Stroke::new(1.0, border), StrokeKind::Inside);
    let dot = pos2(rect.left() + 16.0, rect.center().y);
    if state == LiveState::Off {
        ui.painter().circle_stroke(dot, 4.0, Stroke::new(1.5, color));
    } else {
        ui.painter().circle_filled(dot, 4.5, color);
    }
    let words_rect = Rect::from_min_max(pos2(rect.left() + 27.0, rect.top()), rect.max);
    paint_words(ui.painter(), words_rect, Align2::LEFT_CENTER, galley);
}
