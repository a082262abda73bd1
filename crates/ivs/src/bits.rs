//! Reading bit strings, most significant bit first.

use crate::Error;

/// A cursor over bytes that never reads past their end.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    position: usize,
    what: &'static str,
}

impl<'a> BitReader<'a> {
    /// A reader at the first bit of `bytes`; errors will name `what`.
    pub(crate) const fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, position: 0, what }
    }

    fn cut_short(&self) -> Error {
        Error::Malformed { what: self.what, why: "it ends too early" }
    }

    /// One bit.
    pub(crate) fn flag(&mut self) -> Result<bool, Error> {
        let byte = self.bytes.get(self.position / 8).ok_or_else(|| self.cut_short())?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Ok(bit == 1)
    }

    /// An unsigned number of `count` bits, at most 32.
    pub(crate) fn unsigned(&mut self, count: u32) -> Result<u32, Error> {
        let mut value = 0u32;
        for _ in 0..count {
            value = value << 1 | u32::from(self.flag()?);
        }
        Ok(value)
    }

    /// `ue(v)` of ITU-T H.264, 9.1.
    pub(crate) fn exp_golomb(&mut self) -> Result<u32, Error> {
        let mut zeros = 0u32;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err(Error::Malformed { what: self.what, why: "a number has more than 32 bits" });
            }
        }
        let rest = self.unsigned(zeros)?;
        Ok((1u32 << zeros) - 1 + rest)
    }

    /// `se(v)` of ITU-T H.264, 9.1.1.
    pub(crate) fn signed_exp_golomb(&mut self) -> Result<i32, Error> {
        let code = i64::from(self.exp_golomb()?);
        let magnitude = (code + 1) / 2;
        let value = if code % 2 == 1 { magnitude } else { -magnitude };
        i32::try_from(value).map_err(|_| Error::Malformed { what: self.what, why: "a number is too large" })
    }

    /// Bits not yet read.
    pub(crate) const fn remaining(&self) -> usize {
        self.bytes.len() * 8 - self.position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_codes_of_the_standard() {
        // 1 | 010 | 011 | 00100 | 00101: ue 0, 1, 2, 3, 4
        let mut bits = BitReader::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000], "test");
        let codes: Vec<u32> = (0..5).map(|_| bits.exp_golomb().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
        let mut bits = BitReader::new(&[0b0100_1100, 0b1000_0101], "test");
        let codes: Vec<i32> = (0..4).map(|_| bits.signed_exp_golomb().unwrap()).collect();
        assert_eq!(codes, [1, -1, 2, -2]);
        assert!(BitReader::new(&[0; 8], "test").exp_golomb().is_err());
        assert!(BitReader::new(&[], "test").flag().is_err());
    }
}
