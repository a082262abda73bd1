//! The live light in words: what is said of each state, and in which colour. It claims no more than was seen.

use control::{DestinationView, LiveState, PlaybackView, RecordingState, RetryView, View};
use egui::Color32;

use crate::figures;
use crate::theme::Theme;

/// The state word of the window; a rehearsal never says “Live”.
pub(crate) fn word(view: &View) -> String {
    let state = view.live_state();
    if !state.is_on_air() && view.is_on_air() && !view.is_rehearsal {
        return String::from("Live elsewhere");
    }
    word_of(state, view.is_rehearsal)
}

/// The state word of one destination.
pub(crate) fn word_of(state: LiveState, rehearsal: bool) -> String {
    match state {
        LiveState::Live if rehearsal => String::from("Rehearsal"),
        LiveState::Degraded if rehearsal => String::from("Rehearsal, degraded"),
        _ => String::from(state.word()),
    }
}

/// What stands beside the state word: few words, for there is little room.
pub(crate) fn note(view: &View) -> String {
    let Some(main) = view.destination() else {
        let there = view.destinations.iter().find(|destination| destination.state.is_on_air());
        return there.map(|destination| destination.name.clone()).unwrap_or_default();
    };
    let rehearsal = view.is_rehearsal;
    let elsewhere = !main.state.is_on_air() && view.is_on_air();
    let note = match main.state {
        LiveState::Live | LiveState::Degraded if rehearsal => String::from("nobody is watching"),
        LiveState::Live => played(main.playback),
        LiveState::Degraded if !main.reason.is_empty() => lower_first(&main.reason),
        LiveState::Degraded => String::from("pictures are being dropped"),
        LiveState::Accepted if main.playback == PlaybackView::Waiting => {
            String::from("viewers can not play yet")
        }
        LiveState::Accepted => String::from("not everything is confirmed yet"),
        LiveState::Reconnecting => {
            main.retry.as_ref().map_or_else(|| main.step.clone(), |retry| attempt(retry, main.state))
        }
        LiveState::TakenOver => String::from("another PC has the channel"),
        LiveState::Failed => String::from("see the problems"),
        LiveState::Connecting | LiveState::Stopping => main.step.clone(),
        _ => String::new(),
    };
    if elsewhere && !rehearsal {
        let word = main.state.word().to_lowercase();
        return format!("{}: {word}", main.name);
    }
    note
}

/// What viewers can do, in few words.
fn played(playback: PlaybackView) -> String {
    match playback {
        PlaybackView::Playable { behind: Some(behind) } => {
            format!("viewers can play, {} behind", figures::seconds(behind))
        }
        PlaybackView::Playable { behind: None } => String::from("viewers can play"),
        PlaybackView::Waiting => String::from("viewers can not play yet"),
        PlaybackView::Stalled => String::from("nothing new to play"),
        PlaybackView::Unknown => String::from("confirmed by the ingest"),
    }
}

/// The sentence that says what is the matter with a destination; empty where nothing is.
pub(crate) fn sentence(view: &View, destination: &DestinationView) -> String {
    let reason = destination.reason.as_str();
    match destination.state {
        LiveState::Accepted => match destination.playback {
            PlaybackView::Waiting => String::from("The ingest takes the stream. No viewer can play it yet."),
            _ => String::from("The ingest takes the stream. Not every rendition is confirmed yet."),
        },
        LiveState::Degraded if reason.is_empty() => String::from("Pictures are being dropped."),
        LiveState::Degraded | LiveState::Failed => reason.to_owned(),
        LiveState::Reconnecting => match &destination.retry {
            Some(retry) if !retry.why.is_empty() => retry.why.clone(),
            _ if !reason.is_empty() => reason.to_owned(),
            _ => String::from("The connection broke."),
        },
        LiveState::TakenOver => {
            let recording = match view.recording.state {
                RecordingState::Recording => "The recording goes on.",
                _ => "Nothing is being recorded.",
            };
            // How sure it is differs: a service may refuse without saying why.
            let who = if reason.is_empty() { "Another PC took over." } else { reason };
            format!("{who} {recording}")
        }
        _ => String::new(),
    }
}

/// The attempt that comes next or is being made: “attempt 3 of 25 in 4 s”.
pub(crate) fn attempt(retry: &RetryView, state: LiveState) -> String {
    let RetryView { attempt, of, next_in, .. } = retry;
    if next_in.as_nanos() > 0 && state == LiveState::Reconnecting {
        format!("attempt {attempt} of {of} in {}", figures::until(*next_in))
    } else {
        format!("attempt {attempt} of {of} is being made")
    }
}

/// The colour of a state. Red is for being on air, and a rehearsal never is.
pub(crate) const fn color(theme: &Theme, state: LiveState, rehearsal: bool) -> Color32 {
    match state {
        LiveState::Live | LiveState::Degraded if rehearsal => theme.accent,
        LiveState::Live | LiveState::Degraded => theme.on_air,
        LiveState::Connecting | LiveState::Accepted => theme.accent,
        LiveState::Reconnecting | LiveState::TakenOver | LiveState::Failed => theme.warning,
        _ => theme.third,
    }
}

/// A sentence as it stands within others: its first letter small, no full stop.
fn lower_first(sentence: &str) -> String {
    let sentence = sentence.trim_end_matches('.');
    let mut letters = sentence.chars();
    let Some(first) = letters.next() else { return String::new() };
    // What begins with two capitals is a name, such as “SRT”.
    if letters.clone().next().is_some_and(char::is_uppercase) {
        return sentence.to_owned();
    }
    first.to_lowercase().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use units::Span;

    use super::*;

    #[test]
    fn a_rehearsal_never_says_live() {
        for state in [LiveState::Live, LiveState::Degraded] {
            assert!(!word_of(state, true).to_lowercase().contains("live"));
        }
        assert_eq!(word_of(LiveState::Live, false), "Live");
    }

    #[test]
    fn attempts_are_counted_down_and_then_made() {
        let mut retry =
            RetryView { attempt: 3, of: 25, next_in: Span::from_millis(3_200), why: String::new() };
        assert_eq!(attempt(&retry, LiveState::Reconnecting), "attempt 3 of 25 in 4 s");
        retry.next_in = Span::ZERO;
        assert_eq!(attempt(&retry, LiveState::Reconnecting), "attempt 3 of 25 is being made");
    }

    #[test]
    fn a_sentence_fits_within_another() {
        assert_eq!(lower_first("Nothing new can be played."), "nothing new can be played");
        assert_eq!(lower_first("SRT drops packets."), "SRT drops packets");
        assert_eq!(lower_first(""), "");
    }
}
