//! A question that only the person can answer, with a service's words and links as plain text.

use control::{Answer, Command, Question};
use egui::{Context, Label, OpenUrl, Ui};

use super::{Sheets, Surface, control, footer_row};
use crate::pass::Pass;
use crate::widget::{Button, Words, paragraph, quiet_button};

/// Shows the question. Escape answers “cancel”.
pub(super) fn show(ctx: &Context, pass: &mut Pass<'_>, sheets: &mut Sheets, question: &Question) {
    let theme = pass.theme;
    let mut chosen = None;
    let surface = Surface { title: &question.title, below: "", keeps: true };
    // The button that changes nothing gets the keyboard, not the first link.
    let wants_focus = std::mem::take(&mut sheets.wants_focus);
    let left = surface.show(
        ctx,
        pass,
        sheets,
        |ui, pass, sheets| {
            let text = Label::new(Words::new(theme).text(&question.text).job()).wrap().selectable(true);
            let response = ui.add(text);
            ui.ctx().accesskit_node_builder(response.id, |node| {
                node.set_live(egui::accesskit::Live::Assertive);
            });
            for (words, address) in &question.links {
                link(ui, pass, sheets, words, address);
            }
        },
        |ui, pass, sheets| {
            footer_row(ui, Words::new(theme), |ui| {
                let label = "copy the text";
                let response = quiet_button(ui, theme, label, label, true, "Copy this text and its links");
                if control(ui, pass, sheets, &response) {
                    ui.ctx().copy_text(as_text(question));
                }
                // What changes nothing gets the keyboard first.
                sheets.wants_focus = wants_focus;
                for answer in answers(&question.answers) {
                    let (label, tooltip) = words(answer);
                    let button = Button { label, icon: None, chosen: None, enabled: true, tooltip };
                    let response = button.show(ui, theme);
                    if control(ui, pass, sheets, &response) {
                        chosen = Some(answer);
                    }
                }
            });
        },
    );
    if left {
        chosen = Some(Answer::Cancel);
    }
    if let Some(answer) = chosen {
        sheets.answered = Some((question.id, pass.now_secs));
        pass.commands.push(Command::Answer { question: question.id, answer });
    }
}

/// The answers from left to right: what changes nothing first, as elsewhere.
fn answers(offered: &[Answer]) -> Vec<Answer> {
    let others = offered.iter().copied().filter(|&answer| answer != Answer::Cancel);
    std::iter::once(Answer::Cancel).chain(others).collect()
}

/// What is on an answer's button, and its tooltip.
const fn words(answer: Answer) -> (&'static str, &'static str) {
    match answer {
        Answer::Continue => ("Go on", "Go on in spite of it"),
        Answer::SingleTrack => ("Send one rendition", "Go on with a single rendition, set up here"),
        Answer::TryAgain => ("Try again", "Do the same once more"),
        Answer::Cancel => ("Cancel", "Leave it (Escape)"),
    }
}

/// A link: its words, the host it leads to, and buttons to open or copy it. Nothing is opened by itself.
fn link(ui: &mut Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, words: &str, address: &str) {
    let theme = pass.theme;
    let Some(host) = host(address) else {
        paragraph(ui, Words::new(theme).second(&format!("{words}: {address}")));
        return;
    };
    ui.horizontal_wrapped(|ui| {
        if words != address {
            ui.add(Label::new(Words::new(theme).second(words).job()).wrap().selectable(true));
        }
        let open = format!("open {host}");
        let response = quiet_button(ui, theme, &open, &open, true, address);
        if control(ui, pass, sheets, &response) {
            ui.ctx().open_url(OpenUrl::new_tab(address));
        }
        let name = format!("copy address of {host}");
        let response = quiet_button(ui, theme, "copy address", &name, true, address);
        if control(ui, pass, sheets, &response) {
            ui.ctx().copy_text(address.to_owned());
        }
    });
}

/// The host, and port where one is named, that a browser would go to; `None` for what is no web address. A name before
/// “@” is no host, whatever it looks like (RFC 3986, 3.2.1 and 7.6).
fn host(address: &str) -> Option<&str> {
    let (scheme, rest) = address.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    if address.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return None;
    }
    // Browsers take a backslash for a slash.
    let authority = rest.split(['/', '\\', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    (!host.is_empty()).then_some(host)
}

/// The question as plain text, for a forum or a colleague.
fn as_text(question: &Question) -> String {
    let mut text = format!("{}\n\n{}", question.title, question.text);
    for (words, address) in &question.links {
        text.push_str(&format!("\n{words}: {address}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_where_a_browser_would_go() {
        for (address, expected) in [
            ("https://docs.aws.amazon.com/ivs/", Some("docs.aws.amazon.com")),
            ("http://192.0.2.7:8080?x=1", Some("192.0.2.7:8080")),
            ("https://aws.amazon.com@example.net/ivs", Some("example.net")),
            ("https://aws.amazon.com\\@example.net/ivs", Some("aws.amazon.com")),
            ("HTTPS://example.net#top", Some("example.net")),
            ("javascript:alert(1)", None),
            ("file:///etc/passwd", None),
            ("https://", None),
            ("https://exam\nple.net/", None),
            ("docs.aws.amazon.com", None),
        ] {
            assert_eq!(host(address), expected, "{address}");
        }
    }

    #[test]
    fn cancel_is_always_offered_and_once() {
        assert_eq!(answers(&[]), [Answer::Cancel]);
        assert_eq!(answers(&[Answer::Cancel, Answer::Continue]), [Answer::Cancel, Answer::Continue]);
    }
}
