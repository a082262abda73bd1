//! How tracks are packaged in messages (the guide, "Connect Using Enhanced RTMP"; Enhanced RTMP v2). Nothing here ends
//! a stream: today's ingest takes forms that the guide does not name, and OBS Studio sends one of them.

use units::{MediaTime, TrackId};

use super::Judge;
use super::finding::{Finding, Severity, code};

const CONNECT: &str = "IVS user guide, Multitrack Video Broadcast Software Integration Guide, Connect Using Enhanced \
                       RTMP";

/// The form of a message that carries a video track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Of FLV 10.1.
    Legacy,
    /// Enhanced, and not wrapped.
    Single,
    /// Enhanced, one track in a multitrack message.
    OneTrack,
    /// Enhanced, several tracks in a message.
    ManyTracks,
}

/// What was seen of the packaging.
#[derive(Clone, Debug, Default)]
pub(super) struct Packaging {
    primary: Option<Form>,
    /// One bit for each track id that came in an enhanced message, so that it must be ended in one.
    enhanced: [u128; 2],
    /// One bit for each track id that was ended.
    ended: [u128; 2],
}

fn bit(track: TrackId) -> (usize, u128) {
    (usize::from(track.0 / 128), 1 << (track.0 % 128))
}

impl Packaging {
    fn came(&mut self, track: TrackId, form: Form) {
        if track == TrackId::PRIMARY {
            self.primary.get_or_insert(form);
        }
        let (word, bit) = bit(track);
        if form != Form::Legacy
            && let Some(word) = self.enhanced.get_mut(word)
        {
            *word |= bit;
        }
    }

    pub(super) fn has_ended(&self, track: TrackId) -> bool {
        let (word, bit) = bit(track);
        self.ended.get(word).is_some_and(|word| word & bit != 0)
    }

    fn is_enhanced(&self, track: TrackId) -> bool {
        let (word, bit) = bit(track);
        self.enhanced.get(word).is_some_and(|word| word & bit != 0)
    }

    fn end(&mut self, track: TrackId, ended: bool) {
        let (word, bit) = bit(track);
        if let Some(word) = self.ended.get_mut(word) {
            if ended {
                *word |= bit;
            } else {
                *word &= !bit;
            }
        }
    }
}

impl Judge {
    /// A message with media or a header of `track` came in `form`.
    pub(super) fn packaged(&mut self, track: TrackId, form: Form, is_header: bool, now: MediaTime) {
        self.packaging.came(track, form);
        self.packaging.end(track, false);
        if form == Form::ManyTracks {
            self.report(Finding::new(
                Severity::Note,
                code::MANY_TRACKS_PACKAGING,
                now,
                "Several tracks came in one message; the guide asks for one track per message, and most receivers \
                 lose the others.",
                CONNECT,
            ));
        }
        let known = self.pictures.iter().find(|known| known.track == track);
        let is_first = known.is_none_or(|known| known.coding().is_none() && known.frames == 0);
        let others_run = self.pictures.iter().any(|known| known.track != track && known.frames > 0);
        if is_header && is_first && others_run {
            let sentence = format!(
                "The sequence header of track {track} came behind media of other tracks; all headers come first."
            );
            self.report(Finding::new(Severity::Note, code::SEQUENCE_HEADER_LATE, now, sentence, CONNECT));
        }
    }

    /// The sender ended `track`.
    pub(super) fn track_ended(&mut self, track: TrackId) {
        self.packaging.end(track, true);
    }

    /// Notes how the first of several tracks is packaged.
    pub(super) fn note_primary_packaging(&mut self, now: MediaTime) {
        let form = match self.packaging.primary {
            None | Some(Form::Single) => return,
            Some(Form::Legacy) => "as legacy FLV, as OBS Studio sends it",
            Some(Form::OneTrack | Form::ManyTracks) => "as a multitrack message",
        };
        let sentence = format!(
            "The primary track is packaged {form}; the guide asks for single-track Enhanced RTMP messages."
        );
        self.report(Finding::new(Severity::Note, code::PRIMARY_PACKAGING, now, sentence, CONNECT));
    }

    /// At the end of the stream: notes enhanced tracks that were not ended by their own message.
    pub(super) fn note_missing_ends(&mut self, now: MediaTime) {
        if !self.has_several() {
            return;
        }
        let open: Vec<String> = self
            .pictures
            .iter()
            .map(|track| track.track)
            .filter(|track| self.packaging.is_enhanced(*track) && !self.packaging.has_ended(*track))
            .map(|track| track.to_string())
            .collect();
        if !open.is_empty() {
            let sentence = format!(
                "{} {} ended without a SequenceEnd message.",
                if open.len() == 1 { "Track" } else { "Tracks" },
                open.join(", ")
            );
            self.report(Finding::new(Severity::Note, code::SEQUENCE_END_MISSING, now, sentence, CONNECT));
        }
    }
}
