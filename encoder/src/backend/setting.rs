//! Names of the generic settings: what a back end's assignment is for, in words for people, and what ties a requested
//! key to the property it became.

pub(crate) const BITRATE: &str = "bitrate";
pub(crate) const RATE_CONTROL: &str = "rate control";
pub(crate) const MOST_BITRATE: &str = "bitrate at most";
pub(crate) const BUFFER: &str = "rate control buffer";
pub(crate) const KEYINT: &str = "keyframe interval";
pub(crate) const PROFILE: &str = "profile";
pub(crate) const PRESET: &str = "preset";
pub(crate) const TUNING: &str = "latency tuning";
pub(crate) const B_FRAMES: &str = "B-frames";
pub(crate) const B_REFERENCE: &str = "references of B-frames";
pub(crate) const NO_SCENE_CUTS: &str = "no scene-cut IDRs";
pub(crate) const LOOKAHEAD: &str = "lookahead";
pub(crate) const PRE_ANALYSIS: &str = "pre-analysis";
pub(crate) const ADAPTIVE: &str = "adaptive quantisation";
pub(crate) const ADAPTIVE_STRENGTH: &str = "adaptive quantisation strength";
pub(crate) const MULTIPASS: &str = "multipass";
pub(crate) const DELIMITERS: &str = "access unit delimiters";
pub(crate) const HEADERS: &str = "repeated headers";
pub(crate) const THREADS: &str = "threads";
pub(crate) const OPTIONS: &str = "further options";
