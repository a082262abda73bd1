//! What is shown: the programme, and how it goes to the next scene.

use control::{Command, TransitionKind};
use egui::{
    Align2, Color32, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo, pos2, vec2,
};

use crate::figures;
use crate::focus::Region;
use crate::pass::Pass;
use crate::theme::{self, CORNER_LARGE, CORNER_SMALL, SMALL, Theme};
use crate::widget::{Button, Words, group, paint_words};

/// Length of a transition where none was chosen yet, in milliseconds.
const USUAL_TRANSITION_MS: u32 = 300;
/// Height of the row of buttons below the programme, in points.
const BUTTONS_HEIGHT: f32 = 50.0;

/// Shows the panel.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    pass.focus.enter(Region::Program);
    let whole = ui.available_rect_before_wrap();
    let buttons_top = (whole.bottom() - BUTTONS_HEIGHT).max(whole.top());
    let stage = Rect::from_min_max(whole.min, pos2(whole.right(), buttons_top)).shrink(12.0);
    // Reserved, so that it lies below what the programme draws.
    let ground = ui.painter().add(egui::Shape::Noop);
    let picture = program(ui, pass, stage).filter(|_| pass.preview.is_some());
    let strips = around(whole, picture);
    let fill = pass.theme.background;
    ui.painter().set(ground, strips.map(|strip| egui::Shape::rect_filled(strip, 0.0, fill)).to_vec());
    let row = Rect::from_min_max(pos2(whole.left(), buttons_top), whole.max).shrink2(vec2(12.0, 8.0));
    transitions(ui, pass, row);
}

/// The four strips of `whole` around `hole`; what an opaque picture covers is not painted twice, which a software
/// adapter feels.
fn around(whole: Rect, hole: Option<Rect>) -> [Rect; 4] {
    // Rounding to pixels must leave no gap between the picture and its surroundings.
    let hole = hole
        .map_or_else(|| Rect::from_min_size(whole.min, Vec2::ZERO), |hole| hole.shrink(2.0).intersect(whole));
    [
        Rect::from_min_max(whole.min, pos2(whole.right(), hole.top())),
        Rect::from_min_max(pos2(whole.left(), hole.bottom()), whole.max),
        Rect::from_min_max(pos2(whole.left(), hole.top()), hole.left_bottom()),
        Rect::from_min_max(hole.right_top(), pos2(whole.right(), hole.bottom())),
    ]
}

/// The largest rectangle of a shape within a place, in the middle of it.
fn letterboxed(place: Rect, shape: Vec2) -> Rect {
    if place.width() <= 0.0 || place.height() <= 0.0 || shape.x <= 0.0 || shape.y <= 0.0 {
        return Rect::from_center_size(place.center(), Vec2::ZERO);
    }
    let scale = (place.width() / shape.x).min(place.height() / shape.y);
    Rect::from_center_size(place.center(), shape * scale)
}

/// Returns where the picture is.
fn program(ui: &mut Ui, pass: &Pass<'_>, stage: Rect) -> Option<Rect> {
    let (theme, view) = (pass.theme, pass.view);
    let canvas = view.program.size;
    let shape = pass
        .preview
        .map_or_else(|| vec2(canvas.width_px() as f32, canvas.height_px() as f32), |preview| preview.size);
    let frame = letterboxed(stage, shape);
    let (size, rate) = (figures::size(canvas), figures::rate(view.program.rate));
    let scene =
        view.scenes.iter().find(|scene| scene.is_program).map_or("no scene", |scene| scene.name.as_str());
    let response = ui.interact(frame, ui.scope_id().with("programme"), Sense::hover());
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Image,
            true,
            format!("Programme: {scene}, {size} at {rate} frames per second"),
        )
    });
    if frame.width() < 16.0 {
        return None;
    }
    let painter = ui.painter();
    let picture = frame.shrink(4.0);
    match pass.preview {
        Some(preview) => {
            let whole_texture = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            // White as a tint leaves the picture's own colours as they are.
            painter.image(preview.id, picture, whole_texture, Color32::WHITE);
        }
        None => {
            painter.rect_filled(picture, CORNER_SMALL, theme.card);
            let galley =
                Words::new(theme).second("The first picture is being drawn").galley(ui, picture.width());
            paint_words(painter, picture, Align2::CENTER_CENTER, galley);
        }
    }
    let border = if pass.view.is_on_air() {
        Stroke::new(2.0, pass.program_color())
    } else {
        Stroke::new(1.0, theme.line)
    };
    painter.rect_stroke(frame, CORNER_LARGE, border, StrokeKind::Inside);

    let words = format!("{} · {size} · {rate}", if view.is_rehearsal { "REHEARSAL" } else { "PROGRAM" });
    let galley =
        Words::new(theme).add(&words, theme::strong(SMALL), theme.text).galley(ui, picture.width() - 32.0);
    let tag = Rect::from_min_size(picture.min + vec2(8.0, 8.0), galley.size() + vec2(16.0, 8.0));
    if picture.contains_rect(tag) {
        painter.rect_filled(tag, CORNER_SMALL, Theme::tint(theme.background, theme.panel, 0.8));
        paint_words(painter, tag, Align2::CENTER_CENTER, galley);
    }
    Some(picture)
}

fn transitions(ui: &mut Ui, pass: &mut Pass<'_>, row: Rect) {
    let program = &pass.view.program;
    let usual_ms = if program.transition_ms > 0 { program.transition_ms } else { USUAL_TRANSITION_MS };
    let with_length = format!("Fade {usual_ms} ms");
    let move_label = if program.transition == TransitionKind::Move {
        format!("Move {usual_ms} ms")
    } else {
        String::from("Move")
    };
    let buttons = [
        (TransitionKind::Cut, "Cut", "Change scenes at the next frame"),
        (TransitionKind::Fade, with_length.as_str(), "The new scene grows over the old one"),
        (TransitionKind::Move, move_label.as_str(), "Items that both scenes share glide to their places"),
    ];
    let place = UiBuilder::new().max_rect(row).layout(egui::Layout::left_to_right(egui::Align::Center));
    group(ui, place, Role::RadioGroup, "Transition", |ui| {
        // Centred by the width they had in the last pass, which egui keeps for us under this name.
        let width_id = ui.scope_id().with("transition width");
        let width = ui.data(|data| data.get_temp::<f32>(width_id)).unwrap_or(0.0);
        ui.add_space(((row.width() - width) / 2.0).max(0.0));
        let start = ui.cursor().left();
        for (kind, label, tooltip) in buttons {
            let button = Button {
                label,
                icon: None,
                chosen: Some(program.transition == kind),
                enabled: true,
                tooltip,
            };
            let response = button.show(ui, pass.theme);
            pass.control(&response, || Command::SetTransition { kind, duration_ms: usual_ms });
        }
        let now = ui.min_rect().right() - start;
        if (now - width).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(width_id, now));
            ui.ctx().request_repaint();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programme_keeps_its_shape() {
        let place = Rect::from_min_size(pos2(10.0, 20.0), vec2(400.0, 400.0));
        let wide = letterboxed(place, vec2(1280.0, 720.0));
        assert_eq!(wide.size(), vec2(400.0, 225.0));
        assert_eq!(wide.center(), place.center());
        let tall = letterboxed(place, vec2(720.0, 1280.0));
        assert_eq!(tall.size(), vec2(225.0, 400.0));
        assert_eq!(letterboxed(place, vec2(0.0, 5.0)).size(), Vec2::ZERO);
    }
}
