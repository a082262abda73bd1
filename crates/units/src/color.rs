//! How numbers in a picture become light.

/// The luma and chroma weights of a YUV picture (ITU-T H.273, MatrixCoefficients).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ColorMatrix {
    /// ITU-R BT.601: standard definition cameras and files.
    Bt601,
    /// ITU-R BT.709: everything we send.
    #[default]
    Bt709,
}

/// Which codes mean black and white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ColorRange {
    /// Luma 16 to 235, chroma 16 to 240.
    #[default]
    Limited,
    /// 0 to 255.
    Full,
}

/// The colour description of a YUV picture. RGB pictures are full-range sRGB and ignore it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ColorSpace {
    /// Luma and chroma weights.
    pub matrix: ColorMatrix,
    /// Codes of black and white.
    pub range: ColorRange,
}
