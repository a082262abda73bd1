//! What every panel is given while the window is drawn once, and what panels remember between two passes.

use std::collections::{BTreeMap, VecDeque};

use control::{Command, LiveState, View};
use egui::{Rect, Response, TextureId, Vec2};
use scene::{ItemId, SourceId};

use crate::focus::FocusOrder;
use crate::hold_gate::HoldGate;
use crate::panel::stream::Purpose;
use crate::sheet::Sheets;
use crate::theme::Theme;

/// The programme as the compositor last drew it, registered with egui.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PreviewTexture {
    /// Its name within egui.
    pub id: TextureId,
    /// Its size in texels; only the shape matters.
    pub size: Vec2,
}

/// How long upload figures are kept, in seconds.
const UPLOAD_SECS: f64 = 60.0;
/// How far apart two of them are at least, in seconds.
const UPLOAD_STEP_SECS: f64 = 1.0;
/// How long a slider shows what the hand did while the engine's answer is on its way, in seconds.
const GAIN_ECHO_SECS: f64 = 0.5;
/// How often a meter's spoken value may change, in seconds.
const SPOKEN_STEP_SECS: f64 = 1.0;

/// What panels remember.
#[derive(Debug)]
pub(crate) struct Memory {
    /// The red button.
    pub(crate) hold: HoldGate,
    /// What the red button was for in the last pass.
    pub(crate) hold_purpose: Purpose,
    /// The button that takes the channel over.
    pub(crate) take_over: HoldGate,
    /// That button was shown in this pass.
    pub(crate) take_over_shown: bool,
    /// The words that renew key and stream.
    pub(crate) renew: HoldGate,
    /// The item whose details are open.
    pub(crate) selected_item: Option<ItemId>,
    /// Where the programme is.
    pub(crate) program_rect: Rect,
    /// What lies over the window.
    pub(crate) sheets: Sheets,
    uploads: VecDeque<(f64, u32)>,
    gains: BTreeMap<SourceId, (f32, f64)>,
    problems_seen: BTreeMap<u64, f64>,
    spoken: BTreeMap<Option<SourceId>, (f64, String)>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            hold: HoldGate::default(),
            hold_purpose: Purpose::Nothing,
            take_over: HoldGate::default(),
            take_over_shown: false,
            renew: HoldGate::default(),
            selected_item: None,
            program_rect: Rect::ZERO,
            sheets: Sheets::default(),
            uploads: VecDeque::new(),
            gains: BTreeMap::new(),
            problems_seen: BTreeMap::new(),
            spoken: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// Takes what this view tells into the memory.
    pub(crate) fn observe(&mut self, view: &View, now_secs: f64) {
        let last = self.uploads.back().map_or(f64::NEG_INFINITY, |&(at, _)| at);
        if now_secs - last >= UPLOAD_STEP_SECS {
            match view.destination() {
                Some(destination) if destination.state != LiveState::Off => {
                    self.uploads.push_back((now_secs, destination.upload.0));
                }
                _ => self.uploads.clear(),
            }
        }
        while self.uploads.front().is_some_and(|&(at, _)| now_secs - at > UPLOAD_SECS) {
            self.uploads.pop_front();
        }
        self.gains.retain(|_, &mut (_, at)| now_secs - at < GAIN_ECHO_SECS);
        self.problems_seen.retain(|id, _| view.problems.iter().any(|(other, _)| other == id));
        for (id, _) in &view.problems {
            self.problems_seen.entry(*id).or_insert(now_secs);
        }
        self.spoken.retain(|source, _| view.meters.iter().any(|meter| meter.source == *source));
    }

    /// The last minute of upload: (age, share of `most_kbps`), each 0 to 1, the oldest first.
    pub(crate) fn upload_line(&self, now_secs: f64, most_kbps: u32) -> Vec<(f32, f32)> {
        let most = f64::from(most_kbps.max(1));
        self.uploads
            .iter()
            .map(|&(at, kbps)| (((now_secs - at) / UPLOAD_SECS) as f32, (f64::from(kbps) / most) as f32))
            .collect()
    }

    /// The highest upload of the last minute, in kbps.
    pub(crate) fn highest_upload_kbps(&self) -> u32 {
        self.uploads.iter().map(|&(_, kbps)| kbps).max().unwrap_or(0)
    }

    /// What a slider shows: what the hand just did, else what the engine says.
    pub(crate) fn shown_gain(&self, source: SourceId, engine: f32) -> f32 {
        let gain = self.gains.get(&source).map_or(engine, |&(gain, _)| gain);
        // A slider can not stand at no number.
        if gain.is_nan() { 1.0 } else { gain.clamp(0.0, 2.0) }
    }

    /// The hand moved a slider.
    pub(crate) fn set_gain(&mut self, source: SourceId, gain: f32, now_secs: f64) {
        self.gains.insert(source, (gain, now_secs));
    }

    /// How long a problem has been shown, in seconds.
    pub(crate) fn problem_age_secs(&self, id: u64, now_secs: f64) -> f64 {
        self.problems_seen.get(&id).map_or(0.0, |&at| now_secs - at)
    }

    /// The value that assistive technology reads of a meter: `text`, but at most once a second a new one.
    pub(crate) fn spoken(&mut self, source: Option<SourceId>, now_secs: f64, text: String) -> String {
        let entry = self.spoken.entry(source).or_insert_with(|| (now_secs, text.clone()));
        if now_secs - entry.0 >= SPOKEN_STEP_SECS {
            *entry = (now_secs, text);
        }
        entry.1.clone()
    }
}

/// One drawing of the window.
pub(crate) struct Pass<'a> {
    pub(crate) view: &'a View,
    pub(crate) theme: &'a Theme,
    pub(crate) preview: Option<PreviewTexture>,
    /// Seconds on any steady clock.
    pub(crate) now_secs: f64,
    pub(crate) memory: &'a mut Memory,
    pub(crate) focus: &'a mut FocusOrder,
    pub(crate) commands: &'a mut Vec<Command>,
}

impl Pass<'_> {
    /// Notes a control for F6 and asks for `command` when it was pressed.
    pub(crate) fn control(&mut self, response: &Response, command: impl FnOnce() -> Command) {
        self.focus.note(response);
        if response.clicked() {
            self.commands.push(command());
        }
    }

    /// The live light of the main destination.
    pub(crate) fn live_state(&self) -> LiveState {
        self.view.live_state()
    }

    /// Viewers may be watching: the only time anything is red. A rehearsal is never on air.
    pub(crate) fn is_on_air(&self) -> bool {
        self.view.is_on_air() && !self.view.is_rehearsal
    }

    /// The colour of what is on air, or of what is merely chosen while nothing is.
    pub(crate) fn program_color(&self) -> egui::Color32 {
        if self.is_on_air() { self.theme.on_air } else { self.theme.accent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoken_level_changes_once_a_second_at_most() {
        let mut memory = Memory::default();
        assert_eq!(memory.spoken(None, 1.0, String::from("a")), "a");
        assert_eq!(memory.spoken(None, 1.9, String::from("b")), "a");
        assert_eq!(memory.spoken(None, 2.0, String::from("c")), "c");
    }

    #[test]
    fn a_gain_echoes_until_the_engine_answers() {
        let mut memory = Memory::default();
        let source = SourceId(7);
        memory.set_gain(source, 0.5, 10.0);
        assert_eq!(memory.shown_gain(source, 1.0), 0.5);
        memory.gains.retain(|_, &mut (_, at)| 10.6 - at < GAIN_ECHO_SECS);
        assert_eq!(memory.shown_gain(source, 1.0), 1.0);
    }
}
