//! The first byte chooses the code, the rest is an access unit with 4-byte lengths. Metrics that are put into it are
//! found in it.

#![no_main]

use ivs::metrics::{
    RenditionCounters, SessionCounters, Timestamps, UtcMillis, find_in_unit, insert_before_first_slice, read,
    rendition_message, sei_nal, session_message, timestamp_message,
};
use libfuzzer_sys::fuzz_target;
use units::VideoCodec;

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, unit)) = bytes.split_first() else { return };
    let codec = if choice & 1 == 0 { VideoCodec::Avc } else { VideoCodec::Hevc };
    let _ = read(unit);
    let before = find_in_unit(codec, unit);
    let pir = UtcMillis(i64::from(choice) << 32);
    let nals = [
        timestamp_message(&Timestamps { pir, ..Timestamps::default() }),
        session_message(pir, SessionCounters { rendered: u32::from(choice), ..SessionCounters::default() }),
        rendition_message(pir, RenditionCounters::default()),
    ]
    .map(|message| sei_nal(codec, &message));
    let Ok(with) = insert_before_first_slice(codec, unit, &nals) else { return };
    let after = find_in_unit(codec, &with);
    assert_eq!(after.before_first_slice.len(), before.before_first_slice.len() + 3);
    assert_eq!(
        (after.after, after.malformed, after.own_nal_each),
        (before.after, before.malformed, before.own_nal_each)
    );
});
