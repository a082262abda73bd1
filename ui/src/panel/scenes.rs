//! What can be shown: the scenes, and the items of the scene that is the programme.

use control::{Command, DeviceState, SceneView, SourceView};
use egui::{
    Align2, EventFilter, Id, Key, Modifiers, Rect, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::focus::Region;
use crate::icon::Icon;
use crate::pass::Pass;
use crate::sheet::source;
use crate::theme::{self, CORNER_LARGE, CORNER_SMALL, SMALL, TEXT};
use crate::widget::{
    Words, focus_ring, focus_ring_at, group, header, icon_button, paint_words, quiet_button,
};

/// Shows the panel.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    pass.focus.enter(Region::Scenes);
    let theme = pass.theme;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        header(ui, theme, "Scenes");
        group(ui, UiBuilder::new(), Role::ListBox, "Scenes", |ui| scene_list(ui, pass));
        ui.add_space(12.0);
        let program = pass.view.scenes.iter().find(|scene| scene.is_program);
        header(
            ui,
            theme,
            &program.map_or_else(|| String::from("Items"), |scene| format!("In “{}”", scene.name)),
        );
        group(ui, UiBuilder::new(), Role::List, "Items", |ui| item_list(ui, pass));
    });
}

fn scene_list(ui: &mut Ui, pass: &mut Pass<'_>) {
    // Scenes keep their height in a tall window and give way in a low one.
    let height = if ui.clip_rect().height() < 560.0 { 44.0 } else { 72.0 };
    ui.spacing_mut().item_spacing.y = 8.0;
    let mut cards: Vec<Id> = Vec::with_capacity(pass.view.scenes.len());
    for (place, scene) in pass.view.scenes.iter().enumerate() {
        let response = scene_card(ui, pass, scene, place + 1, height);
        cards.push(response.id);
        pass.focus.note(&response);
        if response.clicked() {
            pass.commands.push(Command::SwitchScene(scene.id));
        }
    }
    walk_with_arrows(ui, &cards);
    if pass.view.scenes.is_empty() {
        ui.label(Words::new(pass.theme).second("No scenes yet").job());
    }
}

fn scene_card(ui: &mut Ui, pass: &Pass<'_>, scene: &SceneView, number: usize, height: f32) -> Response {
    let theme = pass.theme;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, scene.is_program, &scene.name));
    if ui.is_rect_visible(rect) {
        let painter = ui.painter();
        let ground = if scene.is_program { theme.chosen() } else { theme.card };
        let ground = if response.hovered() { theme.hovered(ground) } else { ground };
        let border = if scene.is_program {
            Stroke::new(2.0, pass.program_color())
        } else {
            Stroke::new(1.0, theme.line)
        };
        painter.rect(rect, CORNER_LARGE, ground, border, StrokeKind::Inside);
        let words = rect.shrink2(vec2(10.0, 7.0));
        let number_text = if number <= 9 { number.to_string() } else { String::new() };
        painter.text(
            words.right_bottom(),
            Align2::RIGHT_BOTTOM,
            number_text,
            theme::regular(SMALL),
            theme.second,
        );
        let name = Words::new(theme).text(&scene.name).galley(ui, words.width() - 20.0);
        paint_words(painter, words, Align2::LEFT_BOTTOM, name);
    }
    // Within the border, which says what is on air; and out of sight too, for the ring brings it into sight.
    focus_ring_at(ui, theme, &response, rect.shrink(4.0), CORNER_LARGE - 3);
    let key = if number <= 9 { format!(" (Ctrl+{number})") } else { String::new() };
    response.on_hover_text(format!("Show “{}”{key}", scene.name))
}

fn item_list(ui: &mut Ui, pass: &mut Pass<'_>) {
    ui.spacing_mut().item_spacing.y = 2.0;
    let mut rows: Vec<Id> = Vec::with_capacity(pass.view.items.len());
    for item in &pass.view.items {
        rows.push(item_row(ui, pass, item));
    }
    walk_with_arrows(ui, &rows);
    if pass.view.items.is_empty() {
        ui.label(Words::new(pass.theme).second("Nothing in this scene").job());
    }
}

fn item_row(ui: &mut Ui, pass: &mut Pass<'_>, item: &SourceView) -> Id {
    let theme = pass.theme;
    let chosen = pass.memory.selected_item == Some(item.item);
    let (lost, state_words) = device_words(&item.state);
    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::hover());
    let eye = Rect::from_min_max(pos2(row.right() - 28.0, row.top()), row.max);
    let body = Rect::from_min_max(row.min, pos2(eye.left(), row.bottom()));

    let response = ui.interact(body, ui.scope_id().with(("item", item.item.0)), Sense::click());
    let name = format!("{}, {}, {state_words}", item.name, item.kind);
    response.widget_info(|| WidgetInfo::selected(Role::ListItem, true, chosen, &name));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(item.via.as_str()));
    pass.focus.note(&response);
    if response.clicked() {
        pass.memory.selected_item = (!chosen).then_some(item.item);
    }
    if ui.is_rect_visible(row) {
        let painter = ui.painter();
        if chosen {
            painter.rect_filled(row, CORNER_SMALL, theme.chosen());
        } else if response.hovered() {
            painter.rect_filled(row, CORNER_SMALL, theme.hovered(theme.panel));
        }
        let ink = if item.visible { theme.text } else { theme.third };
        let (icon, icon_color) =
            if lost { (Icon::Unplugged, theme.warning) } else { (Icon::of_source(item.kind), theme.second) };
        let place = pos2(body.left() + 16.0, body.center().y);
        painter.text(place, Align2::CENTER_CENTER, icon.glyph(), theme::icons(TEXT + 2.0), icon_color);
        let words = Rect::from_min_max(pos2(body.left() + 32.0, body.top()), body.max);
        let text = Words::new(theme).colored(&item.name, if lost { theme.warning } else { ink });
        let text = if lost { text.colored("  lost", theme.warning) } else { text };
        let galley = text.galley(ui, words.width());
        paint_words(painter, words, Align2::LEFT_CENTER, galley);
    }
    // Also where it is out of sight: the ring brings it into sight.
    focus_ring(ui, theme, &response, CORNER_SMALL);
    let tooltip = format!("{state_words}\n{}", item.via);
    let id = response.id;
    response.on_hover_text(tooltip.trim());

    eye_toggle(ui, pass, item, eye);
    if chosen {
        let mut details = Words::new(theme).add(&state_words, theme::regular(SMALL), theme.second);
        if !item.via.is_empty() {
            details = details.add(&format!(" · {}", item.via), theme::regular(SMALL), theme.second);
        }
        ui.horizontal(|ui| {
            ui.add_space(32.0);
            ui.add(egui::Label::new(details.job()).wrap());
        });
        if source::can_open(pass.view, item.source) {
            ui.horizontal(|ui| {
                ui.add_space(28.0);
                let (name, tooltip) =
                    (format!("choose: {}", item.name), "Choose where it is taken from, and how");
                let response = quiet_button(ui, theme, "choose…", &name, true, tooltip);
                pass.focus.note(&response);
                if response.clicked() {
                    source::open(pass, item.source);
                }
            });
        }
    }
    id
}

fn eye_toggle(ui: &mut Ui, pass: &mut Pass<'_>, item: &SourceView, place: Rect) {
    let theme = pass.theme;
    let (icon, color) = if item.visible { (Icon::Eye, theme.second) } else { (Icon::EyeSlash, theme.third) };
    let info = WidgetInfo::selected(Role::Switch, true, item.visible, format!("{} shown", item.name));
    let tooltip = if item.visible { "Hide (Enter)" } else { "Show (Enter)" };
    let mut child = ui.new_child(UiBuilder::new().id_salt(("eye", item.item.0)).max_rect(place.shrink(2.0)));
    let response = icon_button(&mut child, theme, icon, color, true, &info, tooltip);
    pass.control(&response, || Command::SetItemVisible { item: item.item, visible: !item.visible });
}

/// Whether a device is lost, and its state in words.
pub(crate) fn device_words(state: &DeviceState) -> (bool, String) {
    match state {
        DeviceState::Starting => (false, String::from("starting")),
        DeviceState::Running => (false, String::from("running")),
        DeviceState::Lost { reason } if reason.is_empty() => (true, String::from("lost")),
        DeviceState::Lost { reason } => (true, format!("lost: {reason}")),
    }
}

/// Up and Down go through a list, Home and End to its ends; they do not leave it.
fn walk_with_arrows(ui: &Ui, rows: &[Id]) {
    let Some(focused) = ui.memory(egui::Memory::focused) else { return };
    let Some(here) = rows.iter().position(|&id| id == focused) else { return };
    let keep = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(focused, keep));
    let next = ui.input_mut(|input| {
        if input.consume_key(Modifiers::NONE, Key::ArrowDown) {
            Some(here + 1)
        } else if input.consume_key(Modifiers::NONE, Key::ArrowUp) {
            here.checked_sub(1)
        } else if input.consume_key(Modifiers::NONE, Key::Home) {
            Some(0)
        } else if input.consume_key(Modifiers::NONE, Key::End) {
            rows.len().checked_sub(1)
        } else {
            None
        }
    });
    if let Some(&id) = next.and_then(|next| rows.get(next)) {
        ui.memory_mut(|memory| memory.request_focus(id));
    }
}
