//! Every command by its name: Ctrl+K, a few letters, Enter. Public acts are not in it: they keep their hold.

use control::{Command, LiveState, RecordingState, TransitionKind};
use egui::{
    Align2, Id, Key, Label, Modal, Modifiers, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2,
};

use crate::layout::{Layout, PanelKind};
use crate::pass::Pass;
use crate::sheet::Sheet;
use crate::theme::{self, CORNER_SMALL, ThemeChoice};
use crate::widget::{Words, paint_words};

/// What an entry does.
#[derive(Clone, Debug, PartialEq)]
enum Action {
    Ask(Command),
    Theme(ThemeChoice),
    Panel(PanelKind, bool),
    Sheet(Sheet),
    ResetLayout,
}

struct Entry {
    name: String,
    key: &'static str,
    action: Action,
}

/// The list of commands, open or not.
#[derive(Debug, Default)]
pub(crate) struct Palette {
    open: bool,
    query: String,
    chosen: usize,
}

impl Palette {
    /// Opens on Ctrl+K and shows itself while open. The theme that was asked for, where one was.
    pub(crate) fn show(&mut self, ui: &Ui, pass: &mut Pass<'_>, layout: &mut Layout) -> Option<ThemeChoice> {
        if ui.input_mut(|input| input.consume_key(Modifiers::CTRL, Key::K)) {
            *self = Self { open: !self.open, ..Self::default() };
        }
        if !self.open {
            return None;
        }
        let entries: Vec<Entry> =
            entries(pass, layout).into_iter().filter(|entry| matches(&entry.name, &self.query)).collect();
        self.chosen = self.chosen.min(entries.len().saturating_sub(1));
        let (down, up, enter) = ui.input_mut(|input| {
            (
                input.consume_key(Modifiers::NONE, Key::ArrowDown),
                input.consume_key(Modifiers::NONE, Key::ArrowUp),
                input.consume_key(Modifiers::NONE, Key::Enter),
            )
        });
        if down {
            self.chosen = (self.chosen + 1).min(entries.len().saturating_sub(1));
        } else if up {
            self.chosen = self.chosen.saturating_sub(1);
        }
        let mut picked = enter.then_some(self.chosen);
        let modal = Modal::new(Id::unique("commands")).show(ui.ctx(), |ui| {
            ui.set_width(420.0);
            let search =
                TextEdit::singleline(&mut self.query).hint_text("What shall be done?").desired_width(420.0);
            let search = ui.add(search).accessible_name("Search commands");
            search.request_focus();
            if search.changed() {
                self.chosen = 0;
            }
            ui.add_space(6.0);
            ScrollArea::vertical().max_height(320.0).show(ui, |ui| {
                for (place, entry) in entries.iter().enumerate() {
                    if show_entry(ui, pass, entry, place == self.chosen, down || up) {
                        picked = Some(place);
                    }
                }
                if entries.is_empty() {
                    ui.add(Label::new(Words::new(pass.theme).second("No command has this name").job()));
                }
            });
        });
        let action = picked.and_then(|place| entries.into_iter().nth(place)).map(|entry| entry.action);
        if action.is_some() || modal.should_close() {
            self.open = false;
        }
        match action? {
            Action::Ask(command) => pass.commands.push(command),
            Action::Theme(choice) => return Some(choice),
            Action::Panel(kind, shown) => layout.set_shown(kind, shown),
            Action::Sheet(Sheet::Source(source)) => crate::sheet::source::open(pass, source),
            Action::Sheet(sheet) => {
                if sheet == Sheet::Machine {
                    pass.commands.push(Command::ExamineMachine);
                }
                pass.memory.sheets.open(sheet);
            }
            Action::ResetLayout => *layout = Layout::default(),
        }
        None
    }
}

/// Whether every word of the query is in the name, in any case.
fn matches(name: &str, query: &str) -> bool {
    let name = name.to_lowercase();
    query.to_lowercase().split_whitespace().all(|word| name.contains(word))
}

fn entries(pass: &Pass<'_>, layout: &Layout) -> Vec<Entry> {
    const SCENE_KEYS: [&str; 9] =
        ["Ctrl+1", "Ctrl+2", "Ctrl+3", "Ctrl+4", "Ctrl+5", "Ctrl+6", "Ctrl+7", "Ctrl+8", "Ctrl+9"];
    let view = pass.view;
    let mut entries = Vec::new();
    let mut add = |name: String, key: &'static str, action: Action| entries.push(Entry { name, key, action });
    for (place, scene) in view.scenes.iter().enumerate() {
        let key = SCENE_KEYS.get(place).copied().unwrap_or_default();
        add(format!("Show scene “{}”", scene.name), key, Action::Ask(Command::SwitchScene(scene.id)));
    }
    for (source, strip) in view.meters.iter().filter_map(|strip| Some((strip.source?, strip))) {
        let verb = if strip.muted { "Unmute" } else { "Mute" };
        let command = Command::SetMuted { source, muted: !strip.muted };
        add(format!("{verb} {}", strip.name), "", Action::Ask(command));
    }
    for item in &view.items {
        let verb = if item.visible { "Hide" } else { "Show" };
        let command = Command::SetItemVisible { item: item.item, visible: !item.visible };
        add(format!("{verb} {}", item.name), "", Action::Ask(command));
    }
    let duration_ms = if view.program.transition_ms > 0 { view.program.transition_ms } else { 300 };
    for (kind, name) in [
        (TransitionKind::Cut, "Transition: cut"),
        (TransitionKind::Fade, "Transition: fade"),
        (TransitionKind::Move, "Transition: move"),
    ] {
        add(String::from(name), "", Action::Ask(Command::SetTransition { kind, duration_ms }));
    }
    match view.recording.state {
        RecordingState::Recording => {
            add(String::from("Stop recording"), "Ctrl+Shift+R", Action::Ask(Command::StopRecording));
        }
        RecordingState::Off | RecordingState::Failed => {
            add(String::from("Start recording"), "Ctrl+Shift+R", Action::Ask(Command::StartRecording));
        }
        _ => {}
    }
    if view.can_undo {
        add(String::from("Undo"), "Ctrl+Z", Action::Ask(Command::Undo));
    }
    if view.can_redo {
        add(String::from("Redo"), "Ctrl+Y", Action::Ask(Command::Redo));
    }
    add(String::from("Preferences"), "Ctrl+,", Action::Sheet(Sheet::Preferences));
    add(String::from("Renditions: requested and granted"), "", Action::Sheet(Sheet::Ladder));
    for (name, sheet) in [
        ("Destinations: add or remove", Sheet::Destinations),
        ("Second PC: pair with another PC", Sheet::Pairing),
        ("Network check: test the upload", Sheet::NetworkCheck),
        ("What can this PC do? Encoders, graphics cards, devices", Sheet::Machine),
    ] {
        add(String::from(name), "", Action::Sheet(sheet));
    }
    for entry in view.sources.iter().filter(|entry| crate::sheet::source::has_choices(&entry.settings)) {
        let sheet = Sheet::Source(entry.source);
        add(format!("Source: choose for “{}”", entry.name), "", Action::Sheet(sheet));
    }
    for destination in &view.destinations {
        if destination.state == LiveState::Reconnecting {
            let (name, id) = (&destination.name, destination.id);
            add(format!("Reconnect now: {name}"), "", Action::Ask(Command::RetryNow(id)));
            add(format!("Stop reconnecting: {name}"), "", Action::Ask(Command::GiveUp(id)));
        }
    }
    for kind in PanelKind::ALL.into_iter().filter(|kind| kind.is_closable()) {
        let shown = layout.is_shown(kind);
        let verb = if shown { "Close" } else { "Open" };
        add(format!("{verb} panel {}", kind.title()), "", Action::Panel(kind, !shown));
    }
    add(String::from("Reset layout"), "", Action::ResetLayout);
    for (choice, name) in [
        (ThemeChoice::Dark, "Theme: dark"),
        (ThemeChoice::Light, "Theme: light"),
        (ThemeChoice::HighContrast, "Theme: high contrast"),
    ] {
        add(String::from(name), "", Action::Theme(choice));
    }
    entries
}

/// One line of the list; true when it was clicked.
fn show_entry(ui: &mut Ui, pass: &Pass<'_>, entry: &Entry, chosen: bool, moved: bool) -> bool {
    let theme = pass.theme;
    // Not in the order of Tab: the keyboard stays in the search field, arrows choose.
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::CLICK);
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, chosen, &entry.name));
    if chosen && moved {
        response.scroll_to_me(None);
    }
    if ui.is_rect_visible(rect) {
        if chosen {
            ui.painter().rect_filled(rect, CORNER_SMALL, theme.chosen());
        } else if response.hovered() {
            ui.painter().rect_filled(rect, CORNER_SMALL, theme.hovered(theme.panel));
        }
        let words = rect.shrink2(vec2(10.0, 0.0));
        let name = Words::new(theme).text(&entry.name).galley(ui, words.width() - 100.0);
        paint_words(ui.painter(), words, Align2::LEFT_CENTER, name);
        let key =
            Words::new(theme).add(entry.key, theme::regular(theme::SMALL), theme.second).galley(ui, 96.0);
        paint_words(ui.painter(), words, Align2::RIGHT_CENTER, key);
    }
    response.clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_match_in_any_order_and_case() {
        assert!(matches("Show scene “Talking head”", "HEAD show"));
        assert!(matches("Undo", ""));
        assert!(!matches("Undo", "redo"));
    }
}
