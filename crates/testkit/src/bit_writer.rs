//! Bits and Exp-Golomb codes, most significant bit first (ITU-T H.264, 7.2 and 9.1).

#[derive(Default)]
pub(crate) struct BitWriter {
    bytes: Vec<u8>,
    used: u32,
}

impl BitWriter {
    /// The low `count` bits of `value`, u(n).
    pub(crate) fn bits(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            if self.used == 0 {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                let bit = u8::from(value >> at & 1 == 1);
                *last |= bit << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    /// ue(v).
    pub(crate) fn ue(&mut self, value: u32) {
        let code = value + 1;
        let width = u32::BITS - code.leading_zeros();
        self.bits(0, width - 1);
        self.bits(code, width);
    }

    /// se(v).
    pub(crate) fn se(&mut self, value: i32) {
        let magnitude = value.unsigned_abs() * 2;
        self.ue(if value > 0 { magnitude - 1 } else { magnitude });
    }

    /// rbsp_trailing_bits, then the bytes.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.bits(1, 1);
        self.bytes
    }

    /// The bytes, the last one padded with ones.
    pub(crate) fn pad_with_ones(mut self) -> Vec<u8> {
        while self.used != 0 {
            self.bits(1, 1);
        }
        self.bytes
    }
}
