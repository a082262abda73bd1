//! One picture in, one access unit out.

use core::ffi::c_void;

use crate::nested_version;

/// What is particular to a code and a picture (`NV_ENC_CODEC_PIC_PARAMS`): we leave all of it zero.
#[repr(C)]
#[derive(Clone, Copy)]
pub union CodecPicParams {
    /// What there is room for.
    pub words: [u32; 256],
    /// Of the alignment and the size that the largest of the codes has.
    pub pointers: [*mut c_void; 194],
}

impl core::fmt::Debug for CodecPicParams {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CodecPicParams")
    }
}

/// A picture (`NV_ENC_PIC_PARAMS`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PicParams {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bytes from one row to the next.
    pub pitch: u32,
    /// `FLAG_` bits.
    pub flags: u32,
    /// Number of the picture; looked at when references are invalidated.
    pub frame_index: u32,
    /// Comes out again with the access unit.
    pub timestamp: u64,
    /// Comes out again with the access unit.
    pub duration: u64,
    /// The picture; with Direct3D 12 an [`InputResourceD3d12`](crate::InputResourceD3d12).
    pub input: *mut c_void,
    /// Where the access unit goes; with Direct3D 12 an [`OutputResourceD3d12`](crate::OutputResourceD3d12).
    pub output: *mut c_void,
    /// An event, where they are used.
    pub completion_event: *mut c_void,
    /// Format.
    pub format: u32,
    /// [`PICTURE_FRAME`](crate::PICTURE_FRAME).
    pub picture_struct: u32,
    /// Kind of the picture, where the encoder does not decide on it.
    pub picture_type: u32,
    /// What is particular to a code.
    pub codec: CodecPicParams,
    /// Hints of motion.
    pub me_hint_counts: [[u32; 4]; 2],
    /// Hints of motion.
    pub me_hints: *mut c_void,
    /// Zero.
    pub reserved1: [u32; 6],
    /// Zero.
    pub reserved2: [*mut c_void; 2],
    /// A map of quantisers.
    pub qp_delta_map: *mut i8,
    /// Its size.
    pub qp_delta_map_size: u32,
    /// Zero.
    pub reserved_bits: u32,
    /// Hints of motion.
    pub me_hint_distances: [u16; 2],
    /// Transparency.
    pub alpha: *mut c_void,
    /// Hints of motion.
    pub me_sb_hints: *mut c_void,
    /// Hints of motion.
    pub me_sb_hints_count: u32,
    /// States to go back to.
    pub state_buffer: u32,
    /// Where the decoded picture goes.
    pub reconstruction: *mut c_void,
    /// Zero.
    pub reserved3: [u32; 284],
    /// Zero.
    pub reserved4: [*mut c_void; 57],
}

impl PicParams {
    /// Its version word.
    pub const VERSION: u32 = nested_version(6);
}

/// Opens an access unit (`NV_ENC_LOCK_BITSTREAM`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct LockBitstream {
    /// [`Self::VERSION`].
    pub version: u32,
    /// Bit 0: do not wait.
    pub flags: u32,
    /// As in [`PicParams::output`].
    pub output: *mut c_void,
    /// Where slices begin.
    pub slice_offsets: *mut u32,
    /// Comes back: number of the picture.
    pub frame_index: u32,
    /// Comes back: the chip's own status.
    pub hardware_status: u32,
    /// Comes back: slices.
    pub slices: u32,
    /// Comes back: bytes.
    pub size: u32,
    /// Comes back: [`PicParams::timestamp`].
    pub timestamp: u64,
    /// Comes back: [`PicParams::duration`].
    pub duration: u64,
    /// Comes back: the bytes.
    pub data: *mut c_void,
    /// Comes back: one of the `PICTURE_` numbers.
    pub picture_type: u32,
    /// Comes back.
    pub picture_struct: u32,
    /// Comes back: mean quantiser.
    pub average_qp: u32,
    /// Comes back: cost.
    pub satd: u32,
    /// Long-term references.
    pub ltr_frame_index: u32,
    /// Long-term references.
    pub ltr_frame_bitmap: u32,
    /// Temporal layer.
    pub temporal_id: u32,
    /// Intra blocks.
    pub intra_blocks: u32,
    /// Inter blocks.
    pub inter_blocks: u32,
    /// Mean motion.
    pub average_mv_x: i32,
    /// Mean motion.
    pub average_mv_y: i32,
    /// Transparency.
    pub alpha_size: u32,
    /// Statistics.
    pub stats_size: u32,
    /// Statistics.
    pub stats: *mut c_void,
    /// Number of the picture in the order of showing.
    pub frame_index_display: u32,
    /// Zero.
    pub reserved1: [u32; 220],
    /// Zero.
    pub reserved2: [*mut c_void; 63],
    /// The driver's own.
    pub reserved_internal: [u32; 8],
}

impl LockBitstream {
    /// Its version word.
    pub const VERSION: u32 = nested_version(1);
}
