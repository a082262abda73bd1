//! Pictures that are inside of the encoder: here copied from memory into buffers of the driver's own.

use std::ffi::c_void;

use nvenc_api::Status;
use units::{EncoderPicture, Size};

use super::failure::Failure;
use super::session::{Handle, Session};

/// A picture as it goes into [`PicParams`](nvenc_api::PicParams).
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) input: *mut c_void,
    /// Bytes from one row to the next; 0 where the driver knows.
    pub(super) pitch: u32,
}

/// Where pictures are kept until their access units have come out.
pub(super) trait Inputs {
    /// Whether it takes pictures from where this one is.
    fn suits(&self, picture: &EncoderPicture) -> bool;
    /// Takes a picture in.
    fn put(&mut self, session: &Session, picture: &EncoderPicture, time: u64) -> Result<Taken, Failure>;
    /// The picture of `time` has come out.
    fn release(&mut self, session: &Session, time: u64);
    /// Gives everything back.
    fn free(&mut self, session: &Session);
}

/// No room is left inside: the encoder keeps more pictures than it was made to.
pub(super) fn full() -> Failure {
    Failure { call: "NvEncEncodePicture", status: Status::ENCODER_BUSY, words: String::new() }
}

struct Slot {
    buffer: Handle,
    /// Time of the picture in it, until its access unit has come out.
    holds: Option<u64>,
}

/// A ring of buffers. A buffer is used again when the access unit of its picture has been read, no sooner
/// (`nvEncodeAPI.h`, `NvEncEncodePicture`).
pub(super) struct MemoryInputs {
    slots: Vec<Slot>,
}

impl MemoryInputs {
    /// Makes `count` buffers for pictures of `size`.
    pub(super) fn make(session: &Session, size: Size, count: usize) -> Result<Self, Failure> {
        let mut made = Self { slots: Vec::with_capacity(count) };
        for _ in 0..count {
            match session.make_input(size.width_px(), size.height_px()) {
                Ok(buffer) => made.slots.push(Slot { buffer, holds: None }),
                Err(failure) => {
                    made.free(session);
                    return Err(failure);
                }
            }
        }
        Ok(made)
    }
}

impl Inputs for MemoryInputs {
    fn suits(&self, picture: &EncoderPicture) -> bool {
        picture.in_memory().is_some()
    }

    fn put(&mut self, session: &Session, picture: &EncoderPicture, time: u64) -> Result<Taken, Failure> {
        let EncoderPicture::Memory(picture) = picture else { return Err(full()) };
        let slot = self.slots.iter_mut().find(|slot| slot.holds.is_none()).ok_or_else(full)?;
        let pitch = session.fill_input(slot.buffer, picture)?;
        slot.holds = Some(time);
        Ok(Taken { input: slot.buffer.0, pitch })
    }

    fn release(&mut self, _session: &Session, time: u64) {
        for slot in self.slots.iter_mut().filter(|slot| slot.holds == Some(time)) {
            slot.holds = None;
        }
    }

    fn free(&mut self, session: &Session) {
        for slot in self.slots.drain(..) {
            session.free_input(slot.buffer);
        }
    }
}
