//! Pictures that stay in a graphics adapter's memory on their way from the compositor to an encoder.

use alloc::sync::Arc;
use core::any::Any;
use core::fmt;

use crate::{MediaTime, Size, VideoFrame};

/// One NV12 picture in a graphics adapter's memory, BT.709 in limited range: a Direct3D 12 texture with two planes, and
/// the fence that tells when both are written.
///
/// **Ownership.** `resource` and `fence` are borrowed from `holder`: they are valid exactly as long as a clone of
/// `holder` lives, and nobody adds to or takes from their reference counts on its behalf. The numbers are pointers that
/// only the modules of `compositor` and `encoder` that call Direct3D turn back into interfaces. Whoever makes a
/// `Texture` answers for all of its fields; only `compositor` does.
///
/// **Writing and reading.** The maker writes the texture until `fence` has reached `ready_at`, and not again before
/// every clone of `holder` is gone. A reader therefore has its adapter wait for `ready_at`, only reads, and keeps the
/// `Texture` (or a clone of `holder`) until its own reading has *finished on the adapter*, not only until it was asked
/// for. Dropping the last clone puts the texture back into its maker's ring.
///
/// **Repeats.** The same `resource` comes again: with an equal `ready_at` where a frame repeats the one before, so that
/// two readings may be under way at once, and with a higher one when its place in the ring is used again. `fence` is
/// one per ring. Textures of one ring keep their addresses for as long as the ring lives, so a reader may keep what it
/// registered by address together with a clone of `holder`'s ring, or register per picture.
///
/// **Device.** A reader asks the resource for its device (`GetDevice`) instead of opening the adapter again: Windows has
/// one Direct3D 12 device per adapter and process, Wine has as many as are opened.
///
/// **Without NV12.** Where the device makes no textures of two planes (Wine 10), `resource` is the luma plane alone, R8,
/// and carries the plane of Cb and Cr, R8G8 at half the width and height, as private interface
/// [`Texture::CHROMA_PLANE`]. A driver that knows nothing of this refuses the format when it is registered, and the
/// test that comes before any use fails.
///
/// **State.** Between writer and reader the resource is in `D3D12_RESOURCE_STATE_COMMON`; a reader leaves it there.
#[derive(Clone)]
pub struct Texture {
    /// Width and height in pixels, both even.
    pub size: Size,
    /// When the picture was taken, on the media clock.
    pub captured_at: MediaTime,
    /// Locally unique id of the adapter that has the memory (`LUID`, high part in the upper 32 bits), good until the
    /// system restarts.
    pub adapter_luid: i64,
    /// `ID3D12Resource*`, format NV12, of the device that Direct3D 12 has once per adapter and process.
    pub resource: usize,
    /// `ID3D12Fence*` of the same device.
    pub fence: usize,
    /// The value of `fence` from which on both planes are written.
    pub ready_at: u64,
    /// Keeps all of the above alive.
    pub holder: Arc<dyn Any + Send + Sync>,
}

impl Texture {
    /// The GUID under which a luma plane carries its chroma plane (`GetPrivateData` gives an `IUnknown*` of it, with a
    /// reference), on devices without NV12.
    pub const CHROMA_PLANE: u128 = 0x6b1f_4a52_0d6e_4c0b_9d0e_5f3c_2a71_e8d4;
}

impl fmt::Debug for Texture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Texture")
            .field("size", &self.size)
            .field("captured_at", &self.captured_at)
            .field("ready_at", &self.ready_at)
            .finish_non_exhaustive()
    }
}

/// A picture as it is handed to an encoder.
#[derive(Clone, Debug)]
pub enum EncoderPicture {
    /// In system memory, NV12: every encoder takes it.
    Memory(Arc<VideoFrame>),
    /// In the adapter's memory: for encoders that say they take it.
    Texture(Arc<Texture>),
}

impl EncoderPicture {
    /// Width and height.
    pub fn size(&self) -> Size {
        match self {
            Self::Memory(frame) => frame.size(),
            Self::Texture(texture) => texture.size,
        }
    }

    /// When the picture was taken, on the media clock.
    pub fn captured_at(&self) -> MediaTime {
        match self {
            Self::Memory(frame) => frame.captured_at(),
            Self::Texture(texture) => texture.captured_at,
        }
    }

    /// The picture, where it is in system memory.
    pub fn in_memory(&self) -> Option<&Arc<VideoFrame>> {
        match self {
            Self::Memory(frame) => Some(frame),
            Self::Texture(_) => None,
        }
    }

    /// The picture, where it is in the adapter's memory.
    pub fn on_adapter(&self) -> Option<&Arc<Texture>> {
        match self {
            Self::Memory(_) => None,
            Self::Texture(texture) => Some(texture),
        }
    }
}

impl From<Arc<VideoFrame>> for EncoderPicture {
    fn from(frame: Arc<VideoFrame>) -> Self {
        Self::Memory(frame)
    }
}

impl From<Arc<Texture>> for EncoderPicture {
    fn from(texture: Arc<Texture>) -> Self {
        Self::Texture(texture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::sync::Weak;
    use std::format;

    #[test]
    fn the_last_clone_lets_go_of_the_holder_and_pointers_are_not_told() {
        let holder = Arc::new(7u32);
        let gone: Weak<u32> = Arc::downgrade(&holder);
        let texture = Texture {
            size: Size::new(64, 48).unwrap(),
            captured_at: MediaTime::from_nanos(5),
            adapter_luid: -1,
            resource: 0xdead_beef,
            fence: 0xbeef_dead,
            ready_at: 3,
            holder,
        };
        let repeat = Texture { captured_at: MediaTime::from_nanos(6), ..texture.clone() };
        assert!(!format!("{texture:?}").contains("3735928559"));
        let picture = EncoderPicture::from(Arc::new(texture));
        assert_eq!((picture.size(), picture.captured_at()), (repeat.size, MediaTime::from_nanos(5)));
        assert!(picture.in_memory().is_none() && picture.on_adapter().is_some());
        drop(picture);
        assert!(gone.upgrade().is_some());
        drop(repeat);
        assert!(gone.upgrade().is_none());
    }
}
