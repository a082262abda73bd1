//! What the person wants of the ladder, before the service is asked.

use units::{FrameRate, Kbps, Size};

/// Preferences that go into the request for a ladder (IVS user guide, multitrack integration guide, “Preferences”).
/// `None` is Auto.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Sizes to choose from, the largest first.
    pub output_choices: Vec<Size>,
    /// Rates to choose from, the highest first.
    pub rate_choices: Vec<FrameRate>,
    /// The highest [`Preferences::max_tracks`] to choose; 0 where there is nothing to choose.
    pub tracks_limit: u8,
}
