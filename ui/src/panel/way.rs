//! How the way to a destination is: round trip, gaps, losses; and when key and stream are renewed.

use control::{Command, DestinationView};
use egui::{Align, Color32, Label, Layout, Ui};
use units::Span;

use crate::figures;
use crate::pass::Pass;
use crate::theme::{self, SMALL};
use crate::widget::{Words, quiet_button, small_row};

/// A stream that is not renewed and ends sooner than this is told.
const ENDS_SOON: Span = Span::from_secs(7_200);
/// Bytes that are not confirmed for longer than this are told.
const UNCONFIRMED_LONG: Span = Span::from_secs(2);

/// Small words.
pub(super) fn small<'a>(pass: &Pass<'a>, text: &str, color: Color32) -> Words<'a> {
    Words::new(pass.theme).add(text, theme::regular(SMALL), color)
}

/// Small rows about the way. `before` stands before the round trip, where there is one.
pub(super) fn way(ui: &mut Ui, pass: &Pass<'_>, destination: &DestinationView, before: Option<String>) {
    let theme = pass.theme;
    let rtt_ms = destination.srt.map(|srt| srt.rtt_ms).or(destination.rtt_ms);
    let rtt = rtt_ms.map(|rtt_ms| format!("round trip {}", figures::millis(f64::from(rtt_ms))));
    let left: Vec<String> = before.into_iter().chain(rtt).collect();
    let gaps = &destination.gaps;
    if !left.is_empty() || gaps.count > 0 {
        let right = match gaps.count {
            0 => small(pass, "no gaps", theme.second),
            1 => small(pass, &format!("1 gap, {}", figures::seconds(gaps.total)), theme.warning),
            count => {
                let count = figures::count(count.into());
                let text = format!("{count} gaps, {}", figures::seconds(gaps.total));
                small(pass, &text, theme.warning)
            }
        };
        small_row(ui, small(pass, &left.join(" · "), theme.second), right);
    }
    if destination.unconfirmed > UNCONFIRMED_LONG {
        let text = format!("not confirmed for {}", figures::seconds(destination.unconfirmed));
        small_row(ui, small(pass, &text, theme.warning), Words::new(theme));
    }
    srt(ui, pass, destination);
    if !gaps.latest.is_empty() {
        let latest = format!("last gap: {}", gaps.latest);
        small_row(ui, small(pass, &latest, theme.second), Words::new(theme));
    }
}

fn srt(ui: &mut Ui, pass: &Pass<'_>, destination: &DestinationView) {
    let theme = pass.theme;
    let Some(srt) = &destination.srt else { return };
    let lost = figures::tenths_percent(srt.loss_percent);
    let again = figures::count(srt.retransmitted);
    let left = format!("{lost} lost · {again} sent again");
    let (right, color) = if srt.dropped > 0 {
        (format!("{} came too late", figures::count(srt.dropped)), theme.warning)
    } else {
        (format!("latency {} ms", figures::count(srt.latency_ms.into())), theme.second)
    };
    small_row(ui, small(pass, &left, theme.second), small(pass, &right, color));
}

/// When key and stream are renewed, or that they are not.
pub(super) fn renewal(ui: &mut Ui, pass: &mut Pass<'_>, destination: &DestinationView) {
    let theme = pass.theme;
    let (words, color) = match (destination.renews_in, destination.ends_in) {
        (Some(renews), _) => (format!("Renewed in {}, at a keyframe", figures::until(renews)), theme.second),
        (None, Some(ends)) if ends < ENDS_SOON => {
            (format!("The service ends it in {}", figures::until(ends)), theme.warning)
        }
        (None, Some(ends)) => (format!("Ends in {}; not renewed", figures::until(ends)), theme.second),
        (None, None) => return,
    };
    ui.horizontal(|ui| {
        ui.add(Label::new(small(pass, &words, color).job()));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let can = destination.state.is_on_air();
            let armed = pass.memory.renew.is_armed();
            let label = if armed { "click again" } else { "renew now" };
            let tooltip =
                "End this stream at a keyframe and begin the next one there, with a new key; click twice";
            let response = quiet_button(ui, theme, label, label, can, tooltip);
            pass.focus.note(&response);
            if !can {
                pass.memory.renew.disarm();
            } else if pass.memory.renew.step(pass.now_secs, false, response.clicked()) {
                pass.commands.push(Command::RenewNow);
            }
        });
    });
}
