//! One packet of a transport stream (ISO/IEC 13818-1, 2.4.3.2).

use super::Trouble;

/// Every packet has so many bytes.
pub const PACKET_BYTES: usize = 188;

/// The first byte of every packet.
pub(super) const SYNC: u8 = 0x47;

/// A packet, taken apart.
#[derive(Debug)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// `payload_unit_start_indicator`: a PES packet or a section begins here.
    pub(super) begins_unit: bool,
    pub(super) is_scrambled: bool,
    /// `discontinuity_indicator`: the counter may jump here.
    pub(super) is_discontinuous: bool,
    /// `continuity_counter`, 0 to 15.
    pub(super) counter: u8,
    pub(super) payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Takes `bytes`, one packet, apart.
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self, Trouble> {
        let [_, flags, low, control, body @ ..] = bytes else {
            return Err(Trouble::LostSync(bytes.len() as u64));
        };
        let pid = u16::from_be_bytes([flags & 0x1f, *low]);
        if flags & 0x80 != 0 {
            return Err(Trouble::Damaged(pid));
        }
        let mut is_discontinuous = false;
        let mut payload = body;
        if control & 0x20 != 0 {
            let (length, field) = body.split_first().ok_or(Trouble::AdaptationField(pid))?;
            let (field, after) =
                field.split_at_checked(usize::from(*length)).ok_or(Trouble::AdaptationField(pid))?;
            is_discontinuous = field.first().is_some_and(|flags| flags & 0x80 != 0);
            payload = after;
        }
        if control & 0x10 == 0 {
            payload = &[];
        }
        Ok(Self {
            pid,
            begins_unit: flags & 0x40 != 0,
            is_scrambled: control & 0xc0 != 0,
            is_discontinuous,
            counter: control & 0xf,
            payload,
        })
    }
}
