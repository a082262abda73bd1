//! Judging the sound: code, sample rate, channels, bitrate.

use units::{MediaTime, Pts, Span};

use super::Sound;
use super::bitrate::Throughput;
use super::finding::{Finding, Ledger, Severity, code};
use crate::audio_specific_config::AudioSpecificConfig;
use crate::limits::{AUDIO_SAMPLE_RATES_HZ, MAX_AUDIO_BITRATE, MAX_AUDIO_CHANNELS, MIN_AUDIO_BITRATE};

const AUDIO_SETTINGS: &str = "IVS user guide, Streaming Configuration, Audio Settings";

/// Shorter streams say nothing about the mean bitrate of their sound.
const MEASURABLE: Span = Span::from_secs(5);

/// Encoders keep a constant rate to within a few percent.
const RATE_TOLERANCE_PERCENT: u32 = 5;

/// The one audio track of a single-track stream.
#[derive(Clone, Debug, Default)]
pub(super) struct SoundTrack {
    pub(super) config: Option<AudioSpecificConfig>,
    pub(super) throughput: Throughput,
    pub(super) frames: u64,
    pub(super) newest: Option<Pts>,
    first: Option<Pts>,
    pub(super) backwards: u64,
}

impl SoundTrack {
    /// From the first frame to the end of the newest.
    pub(super) fn span(&self) -> Span {
        let (Some(first), Some(newest)) = (self.first, self.newest) else {
            return Span::ZERO;
        };
        let between = newest - first;
        let intervals = i64::try_from(self.frames.saturating_sub(1)).unwrap_or(i64::MAX);
        if intervals == 0 { between } else { between + Span::from_nanos(between.as_nanos() / intervals) }
    }

    pub(super) fn configure(&mut self, bytes: &[u8], now: MediaTime, ledger: &mut Ledger) {
        let config = match AudioSpecificConfig::parse(bytes) {
            Ok(config) => config,
            Err(error) => {
                let sentence = format!("The sound's decoder configuration can not be read: {error}.");
                ledger.report(Finding::new(Severity::Refused, code::MALFORMED, now, sentence, ""));
                return;
            }
        };
        if !config.is_aac_lc() {
            let kind = if config.spectral_band_replication { "HE-AAC" } else { "another kind of AAC" };
            let sentence = format!("The sound is {kind}; the service takes AAC-LC.");
            ledger.report(Finding::new(Severity::Refused, code::AUDIO_CODEC, now, sentence, AUDIO_SETTINGS));
        }
        if !AUDIO_SAMPLE_RATES_HZ.value.contains(&config.sample_rate_hz) {
            let sentence = format!(
                "The sound has {} samples per second; the service takes 44100 or 48000.",
                config.sample_rate_hz
            );
            let source = AUDIO_SAMPLE_RATES_HZ.source;
            ledger.report(Finding::new(Severity::Refused, code::AUDIO_SAMPLE_RATE, now, sentence, source));
        }
        if config.channels.is_none_or(|channels| channels > MAX_AUDIO_CHANNELS.value) {
            let has =
                config.channels.map_or_else(|| String::from("its own"), |channels| channels.to_string());
            let sentence = format!("The sound has {has} channels; the service takes mono or stereo.");
            let source = MAX_AUDIO_CHANNELS.source;
            ledger.report(Finding::new(Severity::Refused, code::AUDIO_CHANNELS, now, sentence, source));
        }
        self.config = Some(config);
    }

    pub(super) fn sound(&mut self, sound: &Sound, now: MediaTime, ledger: &mut Ledger) {
        self.frames += 1;
        self.throughput.add(sound.pts.as_nanos(), sound.bytes);
        if let Some(newest) = self.newest
            && sound.pts < newest
        {
            self.backwards += 1;
            let sentence = "The sound's timestamps go backwards; players may skip or go silent.";
            ledger.report(Finding::new(Severity::Warning, code::TIMESTAMP_BACKWARDS, now, sentence, ""));
        }
        self.first.get_or_insert(sound.pts);
        self.newest = Some(self.newest.map_or(sound.pts, |newest| newest.max(sound.pts)));
        if self.config.is_none() {
            let sentence = "Sound came before its decoder configuration; no player can play it.";
            ledger.report(Finding::new(Severity::Warning, code::CONFIG_MISSING, now, sentence, ""));
        }
    }

    /// Judges the mean bitrate at the end. Encoders spend less on silence, so too little is a note.
    pub(super) fn finish(&self, now: MediaTime, ledger: &mut Ledger) {
        let span = self.span();
        if span < MEASURABLE {
            return;
        }
        let mean = self.throughput.mean_over(span);
        let (lowest, highest) = (MIN_AUDIO_BITRATE.value, MAX_AUDIO_BITRATE.value);
        let severity = if mean.0 * 100 > highest.0 * (100 + RATE_TOLERANCE_PERCENT) {
            Severity::Warning
        } else if mean.0 * 100 < lowest.0 * (100 - RATE_TOLERANCE_PERCENT) {
            Severity::Note
        } else {
            return;
        };
        let sentence =
            format!("The sound has {mean} on average; the service supports {} to {}.", lowest.0, highest);
        ledger.report(Finding::new(severity, code::AUDIO_BITRATE, now, sentence, MAX_AUDIO_BITRATE.source));
    }
}
