//! What the person wants of the ladder and of the stream, before the service is asked.

use units::{FrameRate, Kbps, Size, Span};

/// When key and stream are renewed. Both end 48 hours after they began (IVS user guide, multitrack integration guide,
/// “Automatically Reconnecting”).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RenewalChoice {
    /// In time before the end of the one that ends first.
    #[default]
    Auto,
    /// This long after the stream began.
    After(Span),
    /// Not at all: the stream ends where the service ends it.
    Never,
}

/// What is wanted. Those of the ladder go into the request for a ladder (IVS user guide, multitrack integration guide, “Preferences”).
/// `None` is Auto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Send several renditions, configured by the service; else one, configured here.
    pub multitrack: bool,
    /// Size of the largest rendition.
    pub output: Option<Size>,
    /// Frame rate of the canvas and of the largest rendition.
    pub rate: Option<FrameRate>,
    /// The most renditions to send, 1 or more.
    pub max_tracks: Option<u8>,
    /// The most that all tracks take together.
    pub max_bitrate: Option<Kbps>,
    /// Get back by itself when the connection breaks.
    pub reconnect: bool,
    /// When key and stream are renewed.
    pub renewal: RenewalChoice,
    /// Where viewers play: the https address of the channel's playlist. `None` where nobody told.
    pub playback_url: Option<String>,
    /// Latency of SRT, in milliseconds.
    pub srt_latency_ms: Option<u32>,
}

impl Default for Preferences {
    /// One rendition, everything else Auto, and reconnecting.
    fn default() -> Self {
        Self {
            multitrack: false,
            output: None,
            rate: None,
            max_tracks: None,
            max_bitrate: None,
            reconnect: true,
            renewal: RenewalChoice::Auto,
            playback_url: None,
            srt_latency_ms: None,
        }
    }
}

/// Preferences as the window shows them. Each `auto_*` says in a few words what Auto means now, such as “1280×720, as
/// the canvas”.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreferencesView {
    /// What is chosen.
    pub chosen: Preferences,
    /// What Auto means for [`Preferences::output`].
    pub auto_output: String,
    /// What Auto means for [`Preferences::rate`].
    pub auto_rate: String,
    /// What Auto means for [`Preferences::max_tracks`].
    pub auto_tracks: String,
    /// What Auto means for [`Preferences::max_bitrate`].
    pub auto_bitrate: String,
    /// What Auto means for [`Preferences::renewal`].
    pub auto_renewal: String,
    /// What Auto means for [`Preferences::srt_latency_ms`].
    pub auto_srt_latency: String,
    /// Sizes to choose from, the largest first.
    pub output_choices: Vec<Size>,
    /// Rates to choose from, the highest first.
    pub rate_choices: Vec<FrameRate>,
    /// The highest [`Preferences::max_tracks`] to choose; 0 where there is nothing to choose.
    pub tracks_limit: u8,
}
