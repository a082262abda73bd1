//! Bits of parameter sets.

/// Takes emulation prevention bytes out (ITU-T H.264, 7.4.1; ITU-T H.265, 7.4.2).
pub(super) fn unescape(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut zeros = 0;
    for &byte in bytes {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Puts emulation prevention bytes in behind `header`.
pub(super) fn escape(header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(header.len() + payload.len() + 4);
    out.extend_from_slice(header);
    let mut zeros = 0;
    for &byte in payload {
        if zeros >= 2 && byte <= 3 {
            out.push(3);
            zeros = 0;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

/// Reads bits, the highest of each byte first.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// Position of the next bit.
    pub(super) at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn bit(&self, at: usize) -> Option<u32> {
        Some(u32::from(self.bytes.get(at / 8)? >> (7 - at % 8) & 1))
    }

    /// u(n), n at most 32.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | self.bit(self.at)?;
            self.at += 1;
        }
        Some(value)
    }

    /// Passes over `count` bits.
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| *at <= self.bytes.len() * 8)?;
        Some(())
    }

    /// u(1)
    pub(super) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// ue(v), values up to 2^31 - 2.
    pub(super) fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
        }
        if zeros > 30 {
            return None;
        }
        Some((1 << zeros) - 1 + self.take(zeros)?)
    }

    /// se(v)
    pub(super) fn signed(&mut self) -> Option<i32> {
        let code = i32::try_from(self.unsigned()?).ok()?;
        Some(if code % 2 == 0 { -(code / 2) } else { code / 2 + 1 })
    }
}

/// Writes bits, the highest of each byte first.
#[derive(Default)]
pub(super) struct BitWriter {
    bytes: Vec<u8>,
    used: usize,
}

impl BitWriter {
    /// The low `count` bits of `value`.
    pub(super) fn put(&mut self, value: u32, count: u32) {
        for shift in (0..count).rev() {
            let bit = u8::from(value >> shift & 1 == 1);
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (7 - self.used % 8);
            }
            self.used += 1;
        }
    }

    /// The bits of `source` from `from` up to `to`.
    pub(super) fn copy(&mut self, source: &Bits<'_>, from: usize, to: usize) {
        for bit in (from..to).map_while(|at| source.bit(at)) {
            self.put(bit, 1);
        }
    }

    /// The bytes, the last filled up with zero bits.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaping_is_undone(payload in proptest::collection::vec(0u8..5, 0..60)) {
            let escaped = escape(&[0x67], &payload);
            prop_assert_eq!(unescape(&escaped[1..]), payload);
            for window in escaped[1..].windows(3) {
                prop_assert!(!(window[0] == 0 && window[1] == 0 && window[2] < 3));
            }
        }
    }
}
