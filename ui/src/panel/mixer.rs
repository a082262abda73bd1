//! What is heard: a strip per source, and the master.

use control::{AudioMeterView, Command, DeviceState};
use egui::{
    Align, Frame, Key, Label, Layout, Margin, Modifiers, Response, Role, ScrollArea, Slider, Stroke, Ui,
    UiBuilder, WidgetInfo, lerp, pos2, vec2,
};
use scene::SourceId;

use crate::figures;
use crate::focus::Region;
use crate::icon::Icon;
use crate::pass::Pass;
use crate::theme::{self, CORNER_LARGE, Theme};
use crate::widget::{Words, group, icon_button, icon_text, meter, row, spoken_levels};

/// Width of a strip, in points.
const STRIP_WIDTH: f32 = 196.0;
/// Height of a strip, in points.
const STRIP_HEIGHT: f32 = 122.0;
/// Highest multiplier (control, `Command::SetGain`).
const GAIN_MAX: f32 = 2.0;
/// What Page Up and Page Down change a multiplier by.
const GAIN_PAGE: f32 = 0.2;

/// Shows the panel.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    pass.focus.enter(Region::Mixer);
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.x = 12.0;
            for strip in &pass.view.meters {
                show_strip(ui, pass, strip);
            }
            if pass.view.meters.is_empty() {
                ui.label(Words::new(pass.theme).second("Nothing can be heard in this scene").job());
            }
        });
    });
}

fn show_strip(ui: &mut Ui, pass: &mut Pass<'_>, strip: &AudioMeterView) {
    let theme = pass.theme;
    let place = UiBuilder::new().id_salt(("strip", strip.source.map(|source| source.0)));
    let border =
        if strip.source.is_none() { Theme::tint(theme.second, theme.line, 0.35) } else { theme.line };
    group(ui, place, Role::Group, &strip.name, |ui| {
        Frame::new()
            .fill(theme.card)
            .stroke(Stroke::new(1.0, border))
            .corner_radius(CORNER_LARGE)
            .inner_margin(Margin::symmetric(12, 10))
            .show(ui, |ui| {
                ui.set_min_height(STRIP_HEIGHT - 22.0);
                ui.with_layout(Layout::top_down(Align::Min), |ui| {
                    ui.set_width(STRIP_WIDTH - 26.0);
                    strip_contents(ui, pass, strip);
                });
            });
    });
}

fn strip_contents(ui: &mut Ui, pass: &mut Pass<'_>, strip: &AudioMeterView) {
    let theme = pass.theme;
    let loudness = if strip.muted {
        Words::new(theme).colored("muted", theme.warning)
    } else {
        Words::new(theme).second(&format!("{} LUFS", figures::level(strip.levels.lufs_short)))
    };
    row(ui, Words::new(theme).strong(&strip.name), loudness);
    if let DeviceState::Lost { reason } = &strip.state {
        lost_banner(ui, theme, reason);
    } else {
        ui.add_space(4.0);
        let spoken =
            pass.memory.spoken(strip.source, pass.now_secs, spoken_levels(&strip.levels, strip.muted));
        let name = format!("{} level", strip.name);
        meter(ui, theme, &name, &spoken, &strip.levels, strip.muted).on_hover_text(signal_details(strip));
    }
    ui.add_space(4.0);
    match strip.source {
        Some(source) => source_controls(ui, pass, strip, source),
        None => {
            let limiting = strip.limiter_db > 0.05;
            let color = if limiting { theme.warning } else { theme.second };
            let taken = if limiting { -strip.limiter_db } else { 0.0 };
            let limiter = Words::new(theme).colored(&format!("limiter {} dB", figures::level(taken)), color);
            ui.add_space(4.0);
            row(ui, limiter, Words::new(theme));
        }
    }
}

/// What is seldom asked for: the delay, and how the device's clock compares with ours.
fn signal_details(strip: &AudioMeterView) -> String {
    let levels = spoken_levels(&strip.levels, strip.muted);
    if strip.source.is_none() {
        return levels;
    }
    let drift = match strip.drift_ppm {
        ppm if ppm >= 0.5 => format!("its clock is {ppm:.0} ppm fast"),
        ppm if ppm <= -0.5 => format!("its clock is {:.0} ppm slow", -ppm),
        _ => String::from("its clock agrees with ours"),
    };
    format!("{levels}\ndelay {} ms, {drift}", strip.delay_ms)
}

/// Takes the meter's place while a device is gone.
fn lost_banner(ui: &mut Ui, theme: &Theme, reason: &str) {
    let words =
        if reason.is_empty() { String::from("lost; waiting for it") } else { format!("lost: {reason}") };
    ui.horizontal(|ui| {
        ui.set_height(39.0);
        ui.label(icon_text(Icon::Unplugged, 16.0, theme.warning));
        let small = Words::new(theme).add(&words, theme::regular(theme::SMALL), theme.warning);
        ui.add(Label::new(small.job()).wrap()).on_hover_text(words);
    });
}

fn source_controls(ui: &mut Ui, pass: &mut Pass<'_>, strip: &AudioMeterView, source: SourceId) {
    let theme = pass.theme;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (icon, color) =
            if strip.muted { (Icon::SpeakerSlash, theme.warning) } else { (Icon::Speaker, theme.second) };
        let info = WidgetInfo::selected(Role::Switch, true, strip.muted, format!("Mute {}", strip.name));
        let tooltip = if strip.muted { "Unmute (Ctrl+M)" } else { "Mute (Ctrl+M)" };
        let mute = icon_button(ui, theme, icon, color, true, &info, tooltip);
        pass.control(&mute, || Command::SetMuted { source, muted: !strip.muted });

        if crate::sheet::source::can_open(pass.view, source) {
            let info = WidgetInfo::labeled(Role::Button, true, format!("Choose source of {}", strip.name));
            let tooltip = "Choose what is heard here";
            let gear = icon_button(ui, theme, Icon::Gear, theme.second, true, &info, tooltip);
            pass.focus.note(&gear);
            if gear.clicked() {
                crate::sheet::source::open(pass, source);
            }
        }

        let slider = gain_slider(ui, pass, strip, source);
        // Ctrl+M mutes the strip that has the keyboard.
        if (mute.has_focus() || slider.has_focus())
            && ui.input_mut(|input| input.consume_key(Modifiers::CTRL, Key::M))
        {
            pass.commands.push(Command::SetMuted { source, muted: !strip.muted });
        }
    });
}

fn gain_slider(ui: &mut Ui, pass: &mut Pass<'_>, strip: &AudioMeterView, source: SourceId) -> Response {
    let theme = pass.theme;
    let mut gain = pass.memory.shown_gain(source, strip.gain);
    let before = gain;
    ui.spacing_mut().slider_width = ui.available_width() - 62.0;
    ui.spacing_mut().interact_size.y = 18.0;
    let name = format!("{} gain", strip.name);
    ui.visuals_mut().widgets.inactive.bg_fill = theme.line;
    ui.visuals_mut().selection.bg_fill = theme.accent;
    let slider = Slider::new(&mut gain, 0.0..=GAIN_MAX).show_value(false).trailing_fill(true);
    let response = ui.add(slider).accessible_name(name);
    paint_handle(ui, theme, &response, gain);
    if response.has_focus() {
        gain = page_keys(ui, gain);
    }
    if response.double_clicked() {
        gain = 1.0;
    }
    pass.focus.note(&response);
    let text = figures::gain_db(gain);
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(text.as_str()));
    ui.allocate_ui_with_layout(vec2(56.0, 18.0), Layout::right_to_left(Align::Center), |ui| {
        ui.add(Label::new(Words::new(theme).second(&text).job()).extend());
    });
    crate::widget::focus_ring(ui, theme, &response, 4);
    if (gain - before).abs() > f32::EPSILON {
        pass.memory.set_gain(source, gain, pass.now_secs);
        pass.commands.push(Command::SetGain { source, gain });
    }
    response.on_hover_text("Arrows change it a little, Page Up and Page Down more; double-click for 0 dB")
}

/// A plain round handle over egui's, which is an outline in the rail's colour.
fn paint_handle(ui: &Ui, theme: &Theme, response: &Response, gain: f32) {
    // egui's handle has a radius of 1/2.5 of the slider's height, and travels within the slider's width.
    let radius = response.rect.height() / 2.5;
    let x = lerp(response.rect.x_range().shrink(radius), gain / GAIN_MAX);
    let ink = if response.hovered() || response.dragged() { theme.accent } else { theme.text };
    ui.painter().circle_filled(pos2(x, response.rect.center().y), radius, ink);
}

/// Home and End go to the ends, Page Up and Page Down take large steps.
fn page_keys(ui: &Ui, gain: f32) -> f32 {
    ui.input_mut(|input| {
        if input.consume_key(Modifiers::NONE, Key::Home) {
            0.0
        } else if input.consume_key(Modifiers::NONE, Key::End) {
            GAIN_MAX
        } else if input.consume_key(Modifiers::NONE, Key::PageUp) {
            (gain + GAIN_PAGE).min(GAIN_MAX)
        } else if input.consume_key(Modifiers::NONE, Key::PageDown) {
            (gain - GAIN_PAGE).max(0.0)
        } else {
            gain
        }
    })
}
