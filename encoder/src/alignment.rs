//! Whether the renditions' IDRs were the same pictures, looked at where it counts: in what the encoders gave.

/// How the IDRs of all renditions lay to each other since the group started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alignment {
    /// Groups of pictures whose IDRs all renditions gave with equal presentation times.
    pub idrs: u64,
    /// IDRs that at least one rendition did not give, or gave where none was scheduled.
    pub misaligned: u64,
    /// Of `idrs`, those that were put in because a rendition had slipped.
    pub healed: u64,
}
