//! Requested against granted: each rendition as a card, and each of its settings with what the encoder made of it.

use control::{GrantedRendition, LadderStep, View};
use egui::{
    Color32, Context, FontFamily, FontId, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2,
};
use units::Kbps;

use super::{Sheets, Surface, control, footer_row};
use crate::figures;
use crate::pass::Pass;
use crate::theme::{self, CORNER_SMALL, SMALL, Theme};
use crate::widget::{
    Button, Mark, TableRow, Words, focus_ring, paint_words, paragraph, quiet_button, table_row,
};

/// Cards on one row.
const CARDS: usize = 5;
/// Gap between two cards, in points.
const GAP: f32 = 8.0;
/// Height of a card, in points.
const CARD_HEIGHT: f32 = 70.0;
/// Where cards begin below a line, in points.
const INDENT: f32 = 28.0;
/// Shares of the table's columns: setting, asked for, what it became.
const SHARES: [f32; 3] = [0.27, 0.23, 0.5];

/// How far the ladder is, in words.
pub(super) fn state<'a>(theme: &'a Theme, view: &View) -> (Mark, Words<'a>) {
    let (words, ladder) = (Words::new(theme), &view.ladder);
    match ladder.step {
        LadderStep::Asking { attempt: 0 | 1, seconds_left } => {
            (Mark::Busy, words.second(&format!("Asking the service; {seconds_left} s left.")))
        }
        LadderStep::Asking { attempt, seconds_left } => {
            let text = format!("Asking the service, attempt {attempt}; {seconds_left} s left.");
            (Mark::Busy, words.second(&text))
        }
        LadderStep::Testing => (Mark::Busy, words.second("Granted. Every encoder is being tried with it.")),
        LadderStep::Granted => {
            let total = figures::mbps(ladder.total);
            let by = if ladder.source.is_empty() { String::new() } else { format!(" by {}", ladder.source) };
            let text = match ladder.granted.len() {
                1 => format!("One rendition{by}, {total} Mbps with the sound; its encoder was tried."),
                count => format!("{count} renditions{by}, {total} Mbps in all; every encoder was tried."),
            };
            let words = words.second(&text);
            match ladder.granted.iter().map(not_honoured).sum::<usize>() {
                0 => (Mark::Good, words),
                1 => (Mark::Good, words.text(" One setting could not be honoured.")),
                count => (Mark::Good, words.text(&format!(" {count} settings could not be honoured."))),
            }
        }
        LadderStep::Refused => {
            let why = ladder.notes.first().map_or("The renditions were refused.", String::as_str);
            (Mark::Look, words.text(why))
        }
        LadderStep::Unreachable => {
            let why = ladder.notes.first().map_or("The service could not be reached.", String::as_str);
            (Mark::Look, words.text(why))
        }
        LadderStep::NotAsked if view.preferences.chosen.multitrack => {
            (Mark::Plain, words.second("Not asked for yet."))
        }
        LadderStep::NotAsked => {
            (Mark::Plain, words.second("This computer decides: one rendition needs no permission."))
        }
    }
}

/// How many settings the encoder could not honour.
fn not_honoured(rendition: &GrantedRendition) -> usize {
    rendition.settings.iter().filter(|setting| !setting.honoured).count()
}

/// Shows what was granted as cards; which one was pressed. `chosen` is the one whose settings are shown, where cards
/// choose; without it they open the settings.
pub(super) fn cards(
    ui: &mut Ui,
    pass: &mut Pass<'_>,
    sheets: &mut Sheets,
    chosen: Option<usize>,
) -> Option<usize> {
    let granted = &pass.view.ladder.granted;
    if granted.is_empty() {
        return None;
    }
    let indent = if chosen.is_none() { INDENT } else { 0.0 };
    let room = ui.available_width() - indent;
    let width = ((room - GAP * (CARDS - 1) as f32) / CARDS as f32).max(96.0);
    let per_row = (((room + GAP) / (width + GAP)) as usize).max(1);
    let mut pressed = None;
    for (row, renditions) in granted.chunks(per_row).enumerate() {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = GAP;
            if indent > 0.0 {
                ui.add_space(indent);
            }
            for (column, rendition) in renditions.iter().enumerate() {
                let place = row * per_row + column;
                let response = card(ui, pass.theme, rendition, chosen.map(|chosen| chosen == place), width);
                if control(ui, pass, sheets, &response) {
                    pressed = Some(place);
                }
            }
        });
        ui.add_space(2.0);
    }
    ui.add_space(6.0);
    pressed
}

fn card(
    ui: &mut Ui,
    theme: &Theme,
    rendition: &GrantedRendition,
    chosen: Option<bool>,
    width: f32,
) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, CARD_HEIGHT), Sense::click());
    let rung = figures::rung(rendition.size, rendition.rate);
    let bitrate = figures::kbps(rendition.bitrate);
    let encoder = if rendition.encoder.is_empty() {
        rendition.codec.to_string()
    } else {
        format!("{} · {}", rendition.codec, rendition.encoder)
    };
    let refused = not_honoured(rendition);
    let name = format!("{rung}, {bitrate}, {encoder}");
    response.widget_info(|| match chosen {
        Some(chosen) => WidgetInfo::selected(Role::RadioButton, true, chosen, &name),
        None => WidgetInfo::labeled(Role::Button, true, &name),
    });
    if ui.is_rect_visible(rect) {
        let is_chosen = chosen == Some(true);
        let ground = if is_chosen { theme.chosen() } else { theme.card };
        let ground = if response.hovered() { theme.hovered(ground) } else { ground };
        let border = if is_chosen { theme.accent } else { theme.line };
        ui.painter().rect(rect, CORNER_SMALL, ground, Stroke::new(1.0, border), StrokeKind::Inside);
        let inside = rect.shrink2(vec2(10.0, 8.0));
        let small =
            |text: &str, color: Color32| Words::new(theme).add(text, theme::regular(SMALL + 1.0), color);
        let mut title = Words::new(theme).strong(&rung);
        if refused > 0 {
            title = title.colored("  ", theme.warning).icon(crate::icon::Icon::Warning, theme.warning);
        }
        for (line, words) in
            [title, small(&bitrate, theme.second), small(&encoder, theme.second)].into_iter().enumerate()
        {
            let mut place = inside;
            place.min.y += 18.0 * line as f32;
            place.max.y = place.min.y + 18.0;
            let galley = words.galley(ui, place.width());
            paint_words(ui.painter(), place, egui::Align2::LEFT_CENTER, galley);
        }
    }
    // Also where it is out of sight: the ring brings it into sight.
    focus_ring(ui, theme, &response, CORNER_SMALL);
    let size = figures::size(rendition.size);
    let rate = figures::rate(rendition.rate);
    let tooltip = match refused {
        0 => format!("{size} at {rate} per second, {encoder}\nEvery setting is honoured"),
        1 => format!("{size} at {rate} per second, {encoder}\nOne setting could not be honoured"),
        count => format!("{size} at {rate} per second, {encoder}\n{count} settings could not be honoured"),
    };
    response.on_hover_text(tooltip)
}

/// Shows the sheet.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let view = pass.view;
    let below = match view.ladder.requested.as_str() {
        "" => String::from("Nothing was asked for yet."),
        requested => format!("Asked for: {requested}"),
    };
    let surface = Surface { title: "Requested and granted", below: &below, keeps: false };
    let mut done = false;
    let left = surface.show(ctx, pass, sheets, contents, |ui, pass, sheets| {
        let theme = pass.theme;
        footer_row(ui, Words::new(theme), |ui| {
            let copy = "copy as text";
            let response =
                quiet_button(ui, theme, copy, copy, true, "Copy all of this, for somebody who helps");
            if control(ui, pass, sheets, &response) {
                ui.ctx().copy_text(as_text(view));
            }
            let tooltip = "Close this (Escape)";
            let button = Button { label: "Done", icon: None, chosen: None, enabled: true, tooltip };
            let response = button.show(ui, theme);
            done = control(ui, pass, sheets, &response);
        });
    });
    if left || done {
        sheets.open.pop();
    }
}

fn contents(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets) {
    let (theme, view) = (pass.theme, pass.view);
    let ladder = &view.ladder;
    let (_, words) = state(theme, view);
    paragraph(ui, Words::new(theme).strong("Granted  "));
    paragraph(ui, words);
    ui.add_space(6.0);
    if ladder.granted.is_empty() {
        return;
    }
    sheets.track = sheets.track.min(ladder.granted.len() - 1);
    if let Some(track) = cards(ui, pass, sheets, Some(sheets.track)) {
        sheets.track = track;
    }
    for note in &ladder.notes {
        paragraph(ui, Words::new(theme).icon(crate::icon::Icon::Notice, theme.accent).text(" ").text(note));
    }
    if !ladder.config_id.is_empty() {
        paragraph(ui, Words::new(theme).second(&format!("Configuration {}", ladder.config_id)));
    }
    ui.add_space(6.0);
    let Some(rendition) = ladder.granted.get(sheets.track) else { return };
    table(ui, theme, rendition);
}

/// Every setting of a rendition: its name, what was asked for, and what the encoder does.
fn table(ui: &mut Ui, theme: &Theme, rendition: &GrantedRendition) {
    let head = |text: &str| Words::new(theme).add(text, theme::strong(SMALL), theme.second);
    if rendition.settings.is_empty() {
        paragraph(ui, Words::new(theme).second("The answer has no settings for this rendition."));
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    table_row(
        ui,
        TableRow {
            name: "Setting, asked for, what the encoder does",
            cells: [head("Setting"), head("Asked for"), head("What the encoder does")],
            shares: SHARES,
            fill: Color32::TRANSPARENT,
        },
    );
    let mono = FontId::new(SMALL + 1.0, FontFamily::Monospace);
    for (place, setting) in rendition.settings.iter().enumerate() {
        let cell = |text: &str, color: Color32| Words::new(theme).add(text, mono.clone(), color);
        let became = if setting.honoured {
            cell(&setting.became, theme.text)
        } else {
            Words::new(theme)
                .icon(crate::icon::Icon::Warning, theme.warning)
                .add(" not honoured: ", theme::regular(SMALL + 1.0), theme.warning)
                .add(&setting.became, theme::regular(SMALL + 1.0), theme.text)
        };
        let how = if setting.honoured { "" } else { "not honoured: " };
        let name = format!("{} = {}: {how}{}", setting.key, setting.value, setting.became);
        table_row(
            ui,
            TableRow {
                name: &name,
                cells: [cell(&setting.key, theme.text), cell(&setting.value, theme.second), became],
                shares: SHARES,
                fill: if place % 2 == 0 { theme.card } else { Color32::TRANSPARENT },
            },
        );
    }
}

/// The whole ladder as plain text. There is no key in it, for the view has none.
fn as_text(view: &View) -> String {
    let ladder = &view.ladder;
    let mut text = format!("Asked for: {}\nConfiguration: {}\n", ladder.requested, ladder.config_id);
    for note in &ladder.notes {
        text.push_str(&format!("{note}\n"));
    }
    for rendition in &ladder.granted {
        let Kbps(kbps) = rendition.bitrate;
        text.push_str(&format!(
            "\n{} {} {kbps} kbps {} {}\n",
            rendition.track,
            figures::rung(rendition.size, rendition.rate),
            rendition.codec,
            rendition.encoder
        ));
        for setting in &rendition.settings {
            let how = if setting.honoured { "" } else { "not honoured: " };
            text.push_str(&format!("  {} = {}  {how}{}\n", setting.key, setting.value, setting.became));
        }
    }
    text
}
