//! Bits, and NAL units made of them.

/// Writes bits, the highest first.
#[derive(Default)]
pub(crate) struct Bits {
    bytes: Vec<u8>,
    /// Bits that are used of the last byte; 0 for all.
    used: u32,
}

impl Bits {
    /// One bit.
    pub(crate) fn bit(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.used);
        }
        self.used = (self.used + 1) % 8;
    }

    /// The lowest `count` bits of `value`: u(n).
    pub(crate) fn number(&mut self, value: u32, count: u32) {
        for place in (0..count).rev() {
            self.bit(value >> place & 1 == 1);
        }
    }

    /// ue(v).
    pub(crate) fn ue(&mut self, value: u32) {
        let code = u64::from(value) + 1;
        let length = 63 - code.leading_zeros();
        for _ in 0..length {
            self.bit(false);
        }
        for place in (0..=length).rev() {
            self.bit(code >> place & 1 == 1);
        }
    }

    /// se(v) of a number that is zero everywhere here.
    pub(crate) fn se_zero(&mut self) {
        self.bit(true);
    }

    /// Zero bits up to the next byte.
    pub(crate) fn align(&mut self) {
        self.used = 0;
    }

    /// Whole bytes; only where a byte begins.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The trailing bits of a payload: a one, and zeros.
    pub(crate) fn trail(&mut self) {
        self.bit(true);
        self.align();
    }

    /// A NAL unit behind a start code, with emulation prevention (ITU-T H.264, 7.3.1; ITU-T H.265, 7.3.1.1).
    pub(crate) fn into_unit(self, header: &[u8]) -> Vec<u8> {
        let mut unit = Vec::with_capacity(self.bytes.len() + self.bytes.len() / 64 + 8);
        unit.extend_from_slice(&[0, 0, 0, 1]);
        unit.extend_from_slice(header);
        let mut zeros = 0;
        for byte in self.bytes {
            if zeros == 2 && byte <= 3 {
                unit.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            unit.push(byte);
        }
        unit
    }
}
