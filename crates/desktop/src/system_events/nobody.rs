//! Systems that tell a program nothing of the kind.

use crossbeam_channel::Sender;

use super::{Busy, Hotkeys, SystemEvent};
use crate::{Chord, Error};

const NOT_HERE: &str =
    "keys that work from anywhere are not available here: the desktop keeps them to itself";

/// There is none.
#[derive(Debug)]
pub(super) enum Window {}

/// There is none.
#[derive(Clone, Debug)]
pub(super) enum Address {}

impl Window {
    pub(super) fn open(_title: &str, _tell: Sender<SystemEvent>, _busy: Busy) -> Result<Self, Error> {
        Err(Error::NotHere(NOT_HERE))
    }

    pub(super) fn address(&self) -> Address {
        match *self {}
    }
}

pub(super) fn register(hotkeys: &Hotkeys, _number: u16, _chord: Chord) -> Result<(), Error> {
    match hotkeys.0 {}
}

pub(super) fn release(hotkeys: &Hotkeys, _number: u16) {
    match hotkeys.0 {}
}
