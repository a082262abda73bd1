//! Level meters: -60 to 0 dBFS, green to -20, amber to -9, red above, with the peak of the last second.

use control::MeterLevels;
use egui::{Align2, Color32, Rect, Response, Sense, Stroke, Ui, Vec2, WidgetInfo, lerp, pos2};

use crate::figures;
use crate::theme::{self, Theme};

/// The quiet end of the scale, in dBFS (ui/README, “Meters”).
const FLOOR_DB: f32 = -60.0;
/// Where amber begins, in dBFS.
const MIDDLE_DB: f32 = -20.0;
/// Where red begins, in dBFS.
const HIGH_DB: f32 = -9.0;
/// Height of one channel's bar and of the gap between the two, in points.
const BAR_HEIGHT: f32 = 9.0;
const BAR_GAP: f32 = 3.0;
const SCALE_HEIGHT: f32 = 14.0;

/// Where a level stands on the scale, 0 to 1; silence and NaN stand at 0.
fn place(db: f32) -> f32 {
    let share = (db - FLOOR_DB) / -FLOOR_DB;
    if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
}

/// Shows both channels and the scale. `name` is the accessible name, `spoken` the value assistive technology reads,
/// which the caller changes once a second at most.
pub(crate) fn meter(
    ui: &mut Ui,
    theme: &Theme,
    name: &str,
    spoken: &str,
    levels: &MeterLevels,
    dimmed: bool,
) -> Response {
    let height = 2.0 * BAR_HEIGHT + BAR_GAP + SCALE_HEIGHT;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Meter, true, name));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_value(spoken));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let channels = levels.peak_db.iter().zip(levels.peak_hold_db);
    let mut top = rect.top();
    for (&peak_db, hold_db) in channels {
        let bar = Rect::from_min_size(pos2(rect.left(), top), Vec2::new(rect.width(), BAR_HEIGHT));
        paint_bar(ui, theme, bar, peak_db, hold_db, dimmed);
        top += BAR_HEIGHT + BAR_GAP;
    }
    let ink = if dimmed { Theme::tint(theme.third, theme.card, 0.5) } else { theme.third };
    for db in [FLOOR_DB, -40.0, MIDDLE_DB, HIGH_DB, 0.0] {
        let x = lerp(rect.x_range(), place(db));
        let align = match db {
            FLOOR_DB => Align2::LEFT_BOTTOM,
            0.0 => Align2::RIGHT_BOTTOM,
            _ => Align2::CENTER_BOTTOM,
        };
        let text = if db < 0.0 { format!("\u{2212}{:.0}", -db) } else { String::from("0") };
        ui.painter().text(pos2(x, rect.bottom()), align, text, theme::regular(9.0), ink);
    }
    response
}

fn paint_bar(ui: &Ui, theme: &Theme, bar: Rect, peak_db: f32, hold_db: f32, dimmed: bool) {
    let painter = ui.painter();
    let fill = |from: f32, to: f32, color: Color32| {
        if to > from {
            let part =
                Rect::from_x_y_ranges(lerp(bar.x_range(), from)..=lerp(bar.x_range(), to), bar.y_range());
            painter.rect_filled(part, 1.0, color);
        }
    };
    let zones = [
        (FLOOR_DB, MIDDLE_DB, theme.meter_low),
        (MIDDLE_DB, HIGH_DB, theme.meter_middle),
        (HIGH_DB, 0.0, theme.meter_high),
    ];
    for (from_db, to_db, color) in zones {
        fill(place(from_db), place(to_db), Theme::tint(color, theme.card, if dimmed { 0.05 } else { 0.16 }));
    }
    if dimmed {
        return;
    }
    let peak = place(peak_db);
    for (from_db, to_db, color) in zones {
        fill(place(from_db), place(to_db).min(peak), color);
    }
    let hold = place(hold_db);
    if hold > 0.0 {
        let x = painter.round_to_pixel_center(lerp(bar.x_range(), hold)).min(bar.right() - 1.0);
        painter.vline(x, bar.y_range(), Stroke::new(2.0, theme.meter_hold));
    }
}

/// What assistive technology reads of a meter.
pub(crate) fn spoken_levels(levels: &MeterLevels, muted: bool) -> String {
    if muted {
        return String::from("muted");
    }
    let peak = levels.peak_hold_db.into_iter().fold(f32::NEG_INFINITY, f32::max);
    format!("peak {} dBFS, {} LUFS", figures::level(peak), figures::level(levels.lufs_short))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_linear_in_db_and_bounded() {
        assert_eq!(place(f32::NEG_INFINITY), 0.0);
        assert_eq!(place(f32::NAN), 0.0);
        assert_eq!(place(-60.0), 0.0);
        assert!((place(-30.0) - 0.5).abs() < 1e-6);
        assert_eq!(place(3.0), 1.0);
    }

    #[test]
    fn levels_are_spoken_in_words() {
        let levels = MeterLevels { peak_hold_db: [-12.0, -9.5], lufs_short: -16.2, ..MeterLevels::default() };
        assert_eq!(spoken_levels(&levels, false), "peak −9.5 dBFS, −16.2 LUFS");
        assert_eq!(spoken_levels(&levels, true), "muted");
        assert_eq!(spoken_levels(&MeterLevels::default(), false), "peak −∞ dBFS, −∞ LUFS");
    }
}
