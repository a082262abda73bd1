//! Access units that are due, in the order in which their buffers were handed in: the driver fills buffers in that order
//! whatever the order of the pictures (`nvEncodeAPI.h`, `NvEncEncodePicture`).

use std::collections::VecDeque;
use std::ffi::c_void;

use super::failure::Failure;
use super::input::full;
use super::session::{Handle, Session};

/// The buffers themselves, by number.
pub(super) trait Buffers {
    /// How many there are.
    fn count(&self) -> usize;
    /// What is handed in with a picture.
    fn hand_in(&mut self, number: usize) -> Option<*mut c_void>;
    /// Waits until the GPU is done with a buffer, where the driver does not do so by itself, and says what to open.
    fn finished(&self, number: usize) -> Result<Option<*mut c_void>, Failure>;
    /// Gives everything back.
    fn free(&mut self, session: &Session);
}

/// A ring of buffers for access units.
pub(super) struct Outputs {
    buffers: Box<dyn Buffers>,
    free: Vec<usize>,
    due: VecDeque<usize>,
}

impl Outputs {
    pub(super) fn new(buffers: Box<dyn Buffers>) -> Self {
        let free = (0..buffers.count()).collect();
        Self { buffers, free, due: VecDeque::new() }
    }

    /// A free buffer, which is due from now on.
    pub(super) fn next(&mut self) -> Result<*mut c_void, Failure> {
        let number = self.free.pop().ok_or_else(full)?;
        self.due.push_back(number);
        self.buffers.hand_in(number).ok_or_else(full)
    }

    /// The newest buffer is not due after all: its picture was refused.
    pub(super) fn take_back(&mut self) {
        self.free.extend(self.due.pop_back());
    }

    /// Buffers that are due.
    pub(super) fn due(&self) -> usize {
        self.due.len()
    }

    /// Waits for the oldest access unit that is due and hands it to `take`, with the time of its picture.
    pub(super) fn read(&mut self, session: &Session, take: impl FnOnce(u64, &[u8])) -> Result<(), Failure> {
        let Some(number) = self.due.pop_front() else { return Ok(()) };
        self.free.push(number);
        match self.buffers.finished(number)? {
            Some(buffer) => session.read(buffer, take),
            None => Err(full()),
        }
    }

    /// Gives all buffers back.
    pub(super) fn give_back(&mut self, session: &Session) {
        self.buffers.free(session);
    }
}

/// Buffers of the driver's own.
pub(super) struct DriverBuffers(Vec<Handle>);

impl DriverBuffers {
    /// Makes `count` of them.
    pub(super) fn make(session: &Session, count: usize) -> Result<Self, Failure> {
        let mut made = Self(Vec::with_capacity(count));
        for _ in 0..count {
            match session.make_output() {
                Ok(buffer) => made.0.push(buffer),
                Err(failure) => {
                    made.free(session);
                    return Err(failure);
                }
            }
        }
        Ok(made)
    }
}

impl Buffers for DriverBuffers {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn hand_in(&mut self, number: usize) -> Option<*mut c_void> {
        self.0.get(number).map(|buffer| buffer.0)
    }

    fn finished(&self, number: usize) -> Result<Option<*mut c_void>, Failure> {
        // Opening it waits.
        Ok(self.0.get(number).map(|buffer| buffer.0))
    }

    fn free(&mut self, session: &Session) {
        for buffer in self.0.drain(..) {
            session.free_output(buffer);
        }
    }
}
