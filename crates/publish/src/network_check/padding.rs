//! Making pictures heavier without changing them.

use std::sync::Arc;

use units::AccessUnit;

/// NAL unit type of filler data in H.264, with `nal_ref_idc` 0 (ITU-T H.264, 7.4.1, table 7-1).
const FILLER: u8 = 12;
/// Filler bytes, and the byte that ends them (7.3.2.7, 7.3.2.11).
const FILL: u8 = 0xff;
const TRAILING: u8 = 0x80;
/// Length, header, trailing bits.
const SMALLEST: usize = 4 + 1 + 1;

/// `unit`, an H.264 picture, with filler data behind it so that it has about `bytes` bytes more: exactly so many when they
/// are 6 or more, else none. Every decoder throws it away (ITU-T H.264, 7.4.2.7).
pub fn pad(unit: &AccessUnit, bytes: usize) -> Arc<AccessUnit> {
    if bytes < SMALLEST {
        return Arc::new(unit.clone());
    }
    let mut data = Vec::with_capacity(unit.data.len() + bytes);
    data.extend_from_slice(&unit.data);
    data.extend(u32::try_from(bytes - 4).unwrap_or(u32::MAX).to_be_bytes());
    data.push(FILLER);
    data.resize(unit.data.len() + bytes - 1, FILL);
    data.push(TRAILING);
    Arc::new(AccessUnit { data: data.into(), ..unit.clone() })
}
