//! The card about the other computer: whether it matches, and the button that takes the channel over from it.

use control::{Command, LiveState, PairedView};
use egui::Ui;

use crate::figures;
use crate::pass::Pass;
use crate::sheet::Sheet;
use crate::widget::{HoldButton, Words, card, hold_button, paragraph, quiet_button, row};

/// Shows the card, where another computer is paired or has the channel.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    let (theme, view) = (pass.theme, pass.view);
    let pairing = &view.pairing;
    if pairing.paired.is_none() && !pairing.can_take_over {
        return;
    }
    card(ui, theme, "Second PC", |ui| {
        row(ui, Words::new(theme).strong("Second PC"), state(pass, pairing.paired.as_ref()));
        if let Some(paired) = &pairing.paired {
            details(ui, pass, paired);
        }
        if let Some(used) = takeovers(pass) {
            paragraph(ui, used);
        }
        let response = quiet_button(
            ui,
            theme,
            "pairing…",
            "pairing…: second PC",
            true,
            "Make a code for another PC, or use one",
        );
        pass.focus.note(&response);
        if response.clicked() {
            pass.memory.sheets.open(Sheet::Pairing);
        }
        // What was taken from this computer is taken back further up, where it is told.
        if pairing.can_take_over && view.live_state() != LiveState::TakenOver {
            ui.add_space(2.0);
            take_over(ui, pass);
        }
    });
}

fn state<'a>(pass: &Pass<'a>, paired: Option<&PairedView>) -> Words<'a> {
    let theme = pass.theme;
    match paired {
        None => Words::new(theme).second("not paired"),
        Some(paired) if paired.differences.is_empty() => {
            Words::new(theme).colored("ready, matches", theme.good)
        }
        Some(_) => Words::new(theme).colored("does not match", theme.warning),
    }
}

fn details(ui: &mut Ui, pass: &Pass<'_>, paired: &PairedView) {
    let theme = pass.theme;
    let priority = paired.last_priority.map_or_else(
        || String::from("no priority yet"),
        |priority| format!("priority {}", figures::count(priority.into())),
    );
    row(ui, Words::new(theme).second(&paired.channel), Words::new(theme).second(&priority));
    for difference in &paired.differences {
        paragraph(ui, Words::new(theme).text(difference));
    }
}

/// How many takeovers this stream has had, once there was one.
fn takeovers<'a>(pass: &Pass<'a>) -> Option<Words<'a>> {
    let main = pass.view.destination()?;
    if main.takeovers == 0 || main.takeover_limit == 0 {
        return None;
    }
    let (count, limit) = (main.takeovers, main.takeover_limit);
    let text = format!("{count} of {limit} takeovers of this stream are used.");
    // With a tenth left, a person should think of starting anew.
    let scarce = u64::from(count) * 10 >= u64::from(limit) * 9;
    let words = Words::new(pass.theme);
    Some(if scarce { words.colored(&text, pass.theme.warning) } else { words.second(&text) })
}

/// The button that takes the channel over.
pub(super) fn take_over(ui: &mut Ui, pass: &mut Pass<'_>) {
    let theme = pass.theme;
    let pairing = &pass.view.pairing;
    let differs = pairing.paired.as_ref().is_some_and(|paired| !paired.differences.is_empty());
    let (label, again) = if pairing.take_back {
        ("Take back", "Click again to take back")
    } else {
        ("Take over from here", "Click again to take over")
    };
    let button = HoldButton {
        label,
        again,
        fill: theme.accent,
        ink: theme.accent_text,
        enabled: !differs,
        tooltip: if differs {
            "Resolution, codecs and number of tracks must be those of the other PC"
        } else {
            "Hold for 0.6 s, or click twice, to stream from this PC in place of the other"
        },
    };
    pass.memory.take_over_shown = true;
    let (response, acts) = hold_button(ui, theme, &mut pass.memory.take_over, pass.now_secs, &button);
    pass.focus.note(&response);
    if acts {
        pass.commands.push(Command::TakeOver);
    }
}
