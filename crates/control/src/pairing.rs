//! Two computers that can stand in for each other.

/// The other computer's side, as its code told it. Never holds the key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairedView {
    /// The channel, without its key, such as “rtmps://ingest.example/app”.
    pub channel: String,
    /// Its ladder in a few words, such as “720p30, 480p30 and 360p30, H.264”.
    pub ladder: String,
    /// The highest priority that it is known to have used.
    pub last_priority: Option<u32>,
    /// The code brought the key.
    pub with_key: bool,
    /// What keeps this computer from taking over, a plain sentence for each: resolution, codecs and number of tracks
    /// must be the same (IVS user guide, “Stream takeover”). Empty where everything matches.
    pub differences: Vec<String>,
}

/// Pairing and takeover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairingView {
    /// There is a channel and a ladder to make a code from.
    pub can_offer: bool,
    /// The other computer, where a code of it was taken.
    pub paired: Option<PairedView>,
    /// [`Command::TakeOver`](crate::Command::TakeOver) can be asked for.
    pub can_take_over: bool,
    /// The takeover would take back what was taken from this computer.
    pub take_back: bool,
}
