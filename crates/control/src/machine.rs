//! What this PC can do: the page that `genlock doctor` prints, as the window shows it.

use serde::Serialize;

/// How a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineMark {
    /// It works.
    Good,
    /// Look here: something is to be mended, or would be better otherwise.
    Look,
    /// Neither good nor bad.
    #[default]
    Plain,
}

/// A line of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MachineLine {
    /// How it stands.
    pub mark: MachineMark,
    /// What it says, in a sentence or two.
    pub text: String,
}

/// A part of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MachineSection {
    /// What it is about.
    pub title: String,
    /// Its lines, in order; never none.
    pub lines: Vec<MachineLine>,
}

/// What this PC can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineView {
    /// It is being found out: every encoder is tried, which may take some seconds.
    pub is_being_examined: bool,
    /// The page of the last examination; empty before the first.
    pub page: Vec<MachineSection>,
}
