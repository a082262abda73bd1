//! The network check before a show. No viewer sees anything of it.

use units::{Kbps, Secret, Span};

/// Where a network check sends to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckTarget {
    /// The ingest that was set up for the show. A service gets its test argument with the key (IVS user guide,
    /// “Check your network”): it takes the stream and shows it to nobody.
    Ingest,
    /// Another one, such as a test channel or a rehearsal ingest on another computer. In a
    /// [`Command`](crate::Command) its whole address, which may hold a key; in a [`View`](crate::View) always empty.
    Address(Secret),
}

/// A line of the menu of targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckChoice {
    /// Where it leads, without key, such as “rtmps://192.0.2.7:443/app”; empty for an address that is yet to be typed.
    pub leads_to: String,
    /// What it chooses. [`CheckTarget::Address`] stands for the line that asks for an address.
    pub target: CheckTarget,
    /// It is the real ingest of the service: the person must be told before anything is sent.
    pub is_real: bool,
    /// Why it can not be chosen now, in one sentence; empty where it can.
    pub hindrance: String,
}

/// A check that runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckRunView {
    /// Where to, without key.
    pub target: String,
    /// How much of it is done, 0 to 1.
    pub fraction: f32,
    /// What is being carried now.
    pub rate: Kbps,
    /// How long it takes yet.
    pub left: Span,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckResultView {
    /// Where it was sent to, without key.
    pub target: String,
    /// What the way carries.
    pub carries: Kbps,
    /// How much the round trip varied.
    pub jitter: Span,
    /// What was lost on the way and had to be sent again, 0 to 100.
    pub loss_percent: f32,
    /// The most that all tracks should take together: half as much again stays free (IVS user guide, “Bandwidth”).
    pub recommended: Kbps,
    /// What it means, in plain sentences.
    pub sentences: Vec<String>,
    /// How long ago it ended.
    pub ago: Span,
}

/// The network check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkCheckView {
    /// Where it can be sent to.
    pub choices: Vec<CheckChoice>,
    /// The one that runs.
    pub running: Option<CheckRunView>,
    /// What the last one found.
    pub result: Option<CheckResultView>,
}
