//! The first byte is the size of the pieces. In pieces or at once, the items are the same.

#![no_main]

use ivs::transport_stream::{Item, Reader};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], piece: usize) -> Vec<Item> {
    let mut reader = Reader::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.push(piece);
        items.extend(core::iter::from_fn(|| reader.next_item()));
    }
    reader.finish();
    items.extend(core::iter::from_fn(|| reader.next_item()));
    items
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    assert_eq!(read(bytes, usize::from(piece).max(1)), read(bytes, bytes.len().max(1)));
});
