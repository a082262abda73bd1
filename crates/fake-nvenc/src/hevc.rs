//! H.265 (ITU-T H.265): coding units of 16 by 16 without compression (`pcm_flag`), in intra pictures only.

use crate::bits::Bits;
use crate::order::{Kind, Turn};
use crate::rules::Stream;

/// Bits of the order count.
const COUNTER_BITS: u32 = 8;
/// Type numbers of NAL units (table 7-1).
const TRAIL_N: u8 = 0;
const TRAIL_R: u8 = 1;
const IDR_W_RADL: u8 = 19;

pub(crate) struct Coder {
    stream: Stream,
}

impl Coder {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream }
    }

    /// One access unit.
    pub(crate) fn code(&self, turn: &Turn) -> Vec<u8> {
        let mut unit = Vec::new();
        if turn.waiting.sets {
            unit.extend(self.video_set());
            unit.extend(self.sequence_set());
            unit.extend(picture_set());
        }
        let mut bits = Bits::default();
        bits.bit(true);
        let is_idr = turn.kind == Kind::Idr;
        if is_idr {
            bits.bit(false);
        }
        bits.ue(0);
        // An I slice.
        bits.ue(2);
        if !is_idr {
            bits.number(turn.place % (1 << COUNTER_BITS), COUNTER_BITS);
            // What is kept for those that follow: the pictures it lies between.
            bits.bit(false);
            let (before, behind) = turn.between;
            let later = u32::from(behind > turn.place);
            bits.ue(1);
            bits.ue(later);
            bits.ue(turn.place - before - 1);
            bits.bit(true);
            if later == 1 {
                bits.ue(behind - turn.place - 1);
                bits.bit(true);
            }
        }
        bits.se_zero();
        bits.trail();
        let picture = &turn.waiting.picture;
        let mut coder = Arithmetic::default();
        let mut first_part = FirstPart::default();
        let blocks = picture.blocks();
        for number in 0..blocks {
            coder.most_probable(&mut bits, &mut first_part);
            coder.terminate(&mut bits, true);
            bits.align();
            bits.bytes(&picture.block(number));
            coder = Arithmetic::default();
            coder.terminate(&mut bits, number + 1 == blocks);
        }
        bits.align();
        let kind = match turn.kind {
            Kind::Idr => IDR_W_RADL,
            Kind::B { reference: false } => TRAIL_N,
            Kind::P | Kind::B { reference: true } => TRAIL_R,
        };
        unit.extend(bits.into_unit(&[kind << 1, 1]));
        unit
    }

    /// Main profile, main tier, progressive frames (7.3.3).
    fn write_profile(&self, bits: &mut Bits) {
        bits.number(1, 8);
        bits.number(0x6000_0000, 32);
        bits.number(0b1001, 4);
        bits.number(0, 32);
        bits.number(0, 12);
        bits.number(self.stream.hevc_level(), 8);
    }

    /// Pictures a decoder keeps, reorders and waits for.
    fn write_buffering(&self, bits: &mut Bits) {
        bits.bit(true);
        bits.ue(self.stream.references());
        bits.ue(self.stream.reordered());
        bits.ue(0);
    }

    fn video_set(&self) -> Vec<u8> {
        let mut bits = Bits::default();
        bits.number(0, 4);
        bits.number(0b11, 2);
        bits.number(0, 6);
        bits.number(0, 3);
        bits.bit(true);
        bits.number(0xffff, 16);
        self.write_profile(&mut bits);
        self.write_buffering(&mut bits);
        bits.number(0, 6);
        bits.ue(0);
        bits.number(0, 2);
        bits.trail();
        bits.into_unit(&[32 << 1, 1])
    }

    fn sequence_set(&self) -> Vec<u8> {
        let stream = &self.stream;
        let mut bits = Bits::default();
        bits.number(0, 4);
        bits.number(0, 3);
        bits.bit(true);
        self.write_profile(&mut bits);
        bits.ue(0);
        bits.ue(1);
        bits.ue(stream.width.next_multiple_of(16));
        bits.ue(stream.height.next_multiple_of(16));
        let (right, bottom) = stream.cut_off();
        bits.bit(right + bottom > 0);
        if right + bottom > 0 {
            for edge in [0, right, 0, bottom] {
                bits.ue(edge);
            }
        }
        bits.ue(0);
        bits.ue(0);
        bits.ue(COUNTER_BITS - 4);
        self.write_buffering(&mut bits);
        // Coding units of 16, transforms from 4 to 16, no depth below.
        for value in [1, 0, 0, 2, 0, 0] {
            bits.ue(value);
        }
        // No scaling lists, no asymmetric parts, no sample adaptive offset; samples as they are.
        bits.number(0b0001, 4);
        bits.number(0x77, 8);
        bits.ue(1);
        bits.ue(0);
        bits.bit(true);
        bits.ue(0);
        // No long-term references, no temporal prediction, no smoothing.
        bits.number(0, 3);
        bits.bit(true);
        bits.number(0, 2);
        stream.write_signal(&mut bits);
        // No chroma location, no fields, no window.
        bits.number(0, 5);
        bits.bit(true);
        bits.number(stream.rate.1, 32);
        bits.number(stream.rate.0, 32);
        bits.number(0, 2);
        // No restrictions, no extension.
        bits.number(0, 2);
        bits.trail();
        bits.into_unit(&[33 << 1, 1])
    }
}

fn picture_set() -> Vec<u8> {
    let mut bits = Bits::default();
    bits.ue(0);
    bits.ue(0);
    bits.number(0, 7);
    bits.ue(0);
    bits.ue(0);
    bits.se_zero();
    bits.number(0, 3);
    bits.se_zero();
    bits.se_zero();
    // No chroma offsets, weights, bypass, tiles, wavefronts, and no filter across slices.
    bits.number(0, 7);
    // Deblocking is off and stays so.
    bits.number(0b101, 3);
    bits.number(0, 2);
    bits.ue(0);
    bits.number(0, 2);
    bits.trail();
    bits.into_unit(&[34 << 1, 1])
}

/// Width of the less probable side for each state, for ranges from 448 on, which are the only ones that come up here
/// (table 9-52, last column).
const LEAST_PROBABLE: [u32; 63] = [
    240, 227, 216, 205, 195, 185, 175, 166, 158, 150, 142, 135, 128, 122, 116, 110, 104, 99, 94, 89, 85, 80,
    76, 72, 69, 65, 62, 59, 56, 53, 50, 48, 45, 43, 41, 39, 37, 35, 33, 31, 30, 28, 27, 25, 24, 23, 22, 21,
    20, 19, 18, 17, 16, 15, 14, 14, 13, 12, 12, 11, 11, 10, 9,
];

/// The context of the first bin of `part_mode`: at a quantiser of 26 it begins in state 0 with a one as the more
/// probable (9.3.2.2, initial value 184), and here it is a one each time.
#[derive(Default)]
struct FirstPart {
    state: usize,
}

/// The arithmetic coder (9.3.5.2 of the encoding process).
struct Arithmetic {
    low: u32,
    range: u32,
    outstanding: u32,
    first: bool,
}

impl Default for Arithmetic {
    fn default() -> Self {
        Self { low: 0, range: 510, outstanding: 0, first: true }
    }
}

impl Arithmetic {
    fn most_probable(&mut self, bits: &mut Bits, context: &mut FirstPart) {
        self.range -= LEAST_PROBABLE.get(context.state).copied().unwrap_or(9);
        context.state = (context.state + 1).min(62);
        self.renormalise(bits);
    }

    fn terminate(&mut self, bits: &mut Bits, ends: bool) {
        self.range -= 2;
        if ends {
            self.low += self.range;
            self.range = 2;
            self.renormalise(bits);
            self.put(bits, self.low >> 9 & 1 == 1);
            bits.number(self.low >> 7 & 3 | 1, 2);
        } else {
            self.renormalise(bits);
        }
    }

    fn renormalise(&mut self, bits: &mut Bits) {
        while self.range < 256 {
            if self.low < 256 {
                self.put(bits, false);
            } else if self.low >= 512 {
                self.low -= 512;
                self.put(bits, true);
            } else {
                self.low -= 256;
                self.outstanding += 1;
            }
            self.range <<= 1;
            self.low <<= 1;
        }
    }

    fn put(&mut self, bits: &mut Bits, bit: bool) {
        if self.first {
            self.first = false;
        } else {
            bits.bit(bit);
        }
        for _ in 0..self.outstanding {
            bits.bit(!bit);
        }
        self.outstanding = 0;
    }
}
