//! H.264 (ITU-T H.264): macroblocks without compression (`I_PCM`), and in P-pictures skipped ones where nothing changed.

use crate::bits::Bits;
use crate::order::{Kind, Turn};
use crate::picture::Picture;
use crate::rules::Stream;

/// Bits of `frame_num` and of the order count.
const COUNTER_BITS: u32 = 8;
/// `mb_type` of `I_PCM` in each kind of slice (tables 7-11, 7-13 and 7-14).
const PCM_IN_I: u32 = 25;
const PCM_IN_P: u32 = 5 + 25;
const PCM_IN_B: u32 = 23 + 25;

pub(crate) struct Coder {
    stream: Stream,
    frame_num: u32,
    idr_id: u32,
    /// What was coded last of those that are referred to, which is what a skipped macroblock repeats.
    reference: Option<Picture>,
}

impl Coder {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream, frame_num: 0, idr_id: 0, reference: None }
    }

    /// One access unit.
    pub(crate) fn code(&mut self, turn: &Turn) -> Vec<u8> {
        let mut unit = Vec::new();
        if turn.waiting.sets {
            unit.extend(self.sequence_set());
            unit.extend(self.picture_set());
        }
        let is_idr = turn.kind == Kind::Idr;
        let is_reference = !matches!(turn.kind, Kind::B { reference: false });
        if is_idr {
            self.frame_num = 0;
            self.idr_id ^= 1;
        } else {
            self.frame_num = (self.frame_num + 1) % (1 << COUNTER_BITS);
        }
        let mut bits = Bits::default();
        bits.ue(0);
        bits.ue(match turn.kind {
            Kind::P => 5,
            Kind::B { .. } => 6,
            Kind::Idr => 7,
        });
        bits.ue(0);
        bits.number(self.frame_num, COUNTER_BITS);
        if is_idr {
            bits.ue(self.idr_id);
        }
        bits.number(turn.place * 2 % (1 << COUNTER_BITS), COUNTER_BITS);
        if matches!(turn.kind, Kind::B { .. }) {
            // Spatial direct prediction, the number and the order of references of both lists as they are.
            bits.number(0b1000, 4);
        } else if turn.kind == Kind::P {
            bits.number(0, 2);
        }
        if is_reference {
            bits.number(0, if is_idr { 2 } else { 1 });
        }
        bits.se_zero();
        // No deblocking.
        bits.ue(1);
        self.macroblocks(&mut bits, turn);
        bits.trail();
        let header = if is_idr { 0x65 } else { 0x01 | u8::from(is_reference) << 5 };
        unit.extend(bits.into_unit(&[header]));
        if is_reference {
            self.reference = Some(turn.waiting.picture.clone());
        } else {
            // A picture that nobody refers to does not count.
            self.frame_num = (self.frame_num + (1 << COUNTER_BITS) - 1) % (1 << COUNTER_BITS);
        }
        unit
    }

    fn macroblocks(&self, bits: &mut Bits, turn: &Turn) {
        let picture = &turn.waiting.picture;
        let before = self.reference.as_ref().filter(|_| turn.kind == Kind::P);
        let mut skipped = 0;
        for number in 0..picture.blocks() {
            let block = picture.block(number);
            if before.is_some_and(|before| before.block(number) == block) {
                skipped += 1;
                continue;
            }
            if turn.kind != Kind::Idr {
                bits.ue(skipped);
                skipped = 0;
            }
            bits.ue(match turn.kind {
                Kind::Idr => PCM_IN_I,
                Kind::P => PCM_IN_P,
                Kind::B { .. } => PCM_IN_B,
            });
            bits.align();
            bits.bytes(&block);
        }
        if skipped > 0 {
            bits.ue(skipped);
        }
    }

    fn sequence_set(&self) -> Vec<u8> {
        let stream = &self.stream;
        let mut bits = Bits::default();
        let (profile, constraints) = match stream.profile {
            66 => (66, 0b1100_0000),
            77 => (77, 0b0100_0000),
            _ => (100, 0),
        };
        bits.number(profile, 8);
        bits.number(constraints, 8);
        bits.number(stream.avc_level(), 8);
        bits.ue(0);
        if profile == 100 {
            // 4:2:0, 8 bits, no scaling.
            bits.ue(1);
            bits.ue(0);
            bits.ue(0);
            bits.number(0, 2);
        }
        bits.ue(COUNTER_BITS - 4);
        bits.ue(0);
        bits.ue(COUNTER_BITS - 4);
        bits.ue(stream.references());
        bits.bit(false);
        bits.ue(stream.width.div_ceil(16) - 1);
        bits.ue(stream.height.div_ceil(16) - 1);
        // Frames only, with inference over 8x8.
        bits.number(0b11, 2);
        let (right, bottom) = stream.cut_off();
        bits.bit(right + bottom > 0);
        if right + bottom > 0 {
            for edge in [0, right, 0, bottom] {
                bits.ue(edge);
            }
        }
        bits.bit(true);
        // Square samples, no overscan.
        bits.bit(true);
        bits.number(1, 8);
        bits.bit(false);
        stream.write_signal(&mut bits);
        bits.bit(false);
        bits.bit(true);
        bits.number(stream.rate.1, 32);
        bits.number(stream.rate.0.saturating_mul(2), 32);
        bits.bit(true);
        // No buffer model, no kinds of fields.
        bits.number(0, 3);
        bits.bit(true);
        bits.bit(true);
        for value in [0, 0, 10, 10, stream.reordered(), stream.references()] {
            bits.ue(value);
        }
        bits.trail();
        bits.into_unit(&[0x67])
    }

    fn picture_set(&self) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.ue(0);
        bits.ue(0);
        // CAVLC, no fields, one slice group, one reference of each list.
        bits.number(0, 2);
        bits.ue(0);
        bits.ue(0);
        bits.ue(0);
        // No weights.
        bits.number(0, 3);
        bits.se_zero();
        bits.se_zero();
        bits.se_zero();
        // Deblocking is told in each slice.
        bits.number(0b100, 3);
        bits.trail();
        bits.into_unit(&[0x68])
    }
}
