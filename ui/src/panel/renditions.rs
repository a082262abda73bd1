//! The card about the ladder: each rung, what it takes and gives, whether all keep in step, and why it is this one.

use control::{AlignmentView, LadderStep, RenditionView};
use egui::Ui;

use crate::figures;
use crate::pass::Pass;
use crate::sheet::Sheet;
use crate::theme::{self, SMALL, Theme};
use crate::widget::{Words, card, quiet_button, row, small_row};

/// An encoder whose queue is fuller than this share falls behind.
const FULL_SHARE: f32 = 0.5;

/// Shows the card.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    let (theme, view) = (pass.theme, pass.view);
    card(ui, theme, "Renditions", |ui| {
        let words = alignment(theme, &view.renditions, view.alignment);
        row(ui, Words::new(theme).strong("Renditions"), words);
        for rendition in &view.renditions {
            ui.scope(|ui| rung(ui, theme, rendition)).response.on_hover_text(tooltip(rendition));
        }
        requested(ui, pass);
    });
}

/// What was asked for against what was granted, in one line, and the way to the whole of it.
fn requested(ui: &mut Ui, pass: &mut Pass<'_>) {
    let (theme, ladder) = (pass.theme, &pass.view.ladder);
    let words = match ladder.step {
        LadderStep::NotAsked => return,
        LadderStep::Asking { seconds_left, .. } => format!("asking for renditions; {seconds_left} s left"),
        LadderStep::Testing => String::from("trying every encoder"),
        LadderStep::Granted => match ladder.granted.len() {
            1 => format!("1 granted, {} Mbps in all", figures::mbps(ladder.total)),
            count => format!("{count} granted, {} Mbps in all", figures::mbps(ladder.total)),
        },
        LadderStep::Unreachable => String::from("the service could not be reached"),
        LadderStep::Refused => String::from("renditions refused"),
    };
    ui.horizontal(|ui| {
        let tooltip = match ladder.requested.as_str() {
            "" => String::from("Requested against granted, setting by setting"),
            requested => format!("Asked for: {requested}"),
        };
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            if !ladder.granted.is_empty() {
                let response = quiet_button(ui, theme, "why these?", "why these? Renditions", true, &tooltip);
                pass.focus.note(&response);
                if response.clicked() {
                    pass.memory.sheets.open(Sheet::Ladder);
                }
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let words = Words::new(theme).add(&words, theme::regular(SMALL), theme.second);
                ui.add(egui::Label::new(words.job()).truncate()).on_hover_text(&tooltip);
            });
        });
    });
}

fn tooltip(rendition: &RenditionView) -> String {
    let reason = &rendition.encoder.reason;
    format!(
        "{} {} at {} per second, {} granted, {} asked of the encoder now\n{} frames skipped by the encoder, {} dropped \
         before sending, {} IDRs out of place, {} restarts{}{}",
        rendition.codec,
        figures::size(rendition.size),
        figures::rate(rendition.rate),
        figures::kbps(rendition.nominal),
        figures::kbps(rendition.target),
        figures::count(rendition.skipped_frames),
        figures::count(rendition.dropped_frames),
        figures::count(rendition.idr_slips),
        figures::count(rendition.restarts),
        if reason.is_empty() { "" } else { "\n" },
        reason
    )
}

/// “aligned ✓ 1 267 IDRs”, or what slipped.
fn alignment<'a>(theme: &'a Theme, renditions: &[RenditionView], alignment: AlignmentView) -> Words<'a> {
    let words = Words::new(theme);
    let idrs_word = |count: u64| if count == 1 { "IDR" } else { "IDRs" };
    if renditions.is_empty() {
        return words.second("no ladder yet");
    }
    if alignment.misaligned > 0 {
        let healed = match alignment.healed {
            0 => String::new(),
            healed if healed >= alignment.misaligned => String::from(", healed"),
            healed => format!(", {} healed", figures::count(healed)),
        };
        let text = format!("{} misaligned{healed}", figures::count(alignment.misaligned));
        return words.colored(&text, theme.warning);
    }
    let slips = renditions.iter().fold(0u64, |sum, rendition| sum.saturating_add(rendition.idr_slips));
    if slips > 0 {
        return words
            .colored(&format!("{} {} slipped", figures::count(slips), idrs_word(slips)), theme.warning);
    }
    // All rungs have made these.
    let made = renditions.iter().map(|rendition| rendition.idrs).min().unwrap_or(0);
    let idrs = if alignment.idrs > 0 { alignment.idrs } else { made };
    if idrs == 0 {
        return words.second("not started");
    }
    words.colored(&format!("aligned ✓ {} {}", figures::count(idrs), idrs_word(idrs)), theme.good)
}

/// One rung: what it gives now, and below it what it was granted and what was lost.
fn rung(ui: &mut Ui, theme: &Theme, rendition: &RenditionView) {
    let rung = figures::rung(rendition.size, rendition.rate);
    let name = match rendition.encoder.name.as_str() {
        "" => rung,
        encoder => format!("{rung} · {encoder}"),
    };
    let runs = rendition.measured_fps > 0.0;
    if !runs {
        let right = Words::new(theme).second(&figures::kbps(rendition.nominal));
        row(ui, Words::new(theme).text(&name), right);
        return;
    }
    let wanted = rendition.rate.as_f64() as f32;
    let fps_color = if rendition.measured_fps < wanted * 0.95 { theme.warning } else { theme.good };
    let lowered = rendition.target < rendition.nominal;
    let right = Words::new(theme)
        .colored(&figures::kbps(rendition.measured), if lowered { theme.warning } else { theme.second })
        .add(&format!("  {:.1}", rendition.measured_fps), theme::regular(theme::TEXT), fps_color);
    row(ui, Words::new(theme).text(&name), right);
    small_row(ui, losses(theme, rendition), granted(theme, rendition, lowered));
}

/// What is lost on the way, and what waits; anything lost stands out.
fn losses<'a>(theme: &'a Theme, rendition: &RenditionView) -> Words<'a> {
    let full =
        rendition.queue_limit > 0 && rendition.queue as f32 > rendition.queue_limit as f32 * FULL_SHARE;
    let restarts = if rendition.restarts == 1 { "restart" } else { "restarts" };
    // The rare ones first, where there are any: the end of the line may not fit.
    let losses = [
        (rendition.restarts > 0, rendition.restarts, restarts, true),
        (rendition.idr_slips > 0, rendition.idr_slips, "slipped", true),
        (true, rendition.skipped_frames, "skipped", rendition.skipped_frames > 0),
        (true, rendition.dropped_frames, "dropped", rendition.dropped_frames > 0),
        (true, rendition.queue, "queued", full),
    ];
    let mut words = Words::new(theme);
    let mut first = true;
    for (_, value, what, bad) in losses.into_iter().filter(|&(shown, ..)| shown) {
        if !std::mem::take(&mut first) {
            words = words.add(" · ", theme::regular(SMALL), theme.second);
        }
        let color = if bad { theme.warning } else { theme.second };
        let text = format!("{} {what}", figures::count(value));
        words = words.add(&text, theme::regular(SMALL), color);
    }
    words
}

/// “of 2 500”, or “1 800 of 2 500” where the encoder is asked for less than was granted.
fn granted<'a>(theme: &'a Theme, rendition: &RenditionView, lowered: bool) -> Words<'a> {
    let nominal = figures::count(u64::from(rendition.nominal.0));
    let text = if lowered {
        format!("{} of {nominal}", figures::count(u64::from(rendition.target.0)))
    } else {
        format!("of {nominal}")
    };
    Words::new(theme).add(&text, theme::regular(SMALL), if lowered { theme.warning } else { theme.second })
}
