//! The first byte is the size of the pieces. In pieces or at once, the items are the same.

#![no_main]

use ertmp::Error;
use ertmp::flv::{Item, Reader};
use libfuzzer_sys::fuzz_target;

fn read(bytes: &[u8], piece: usize) -> (Vec<Item>, Result<(), Error>) {
    let mut reader = Reader::new();
    let mut items = Vec::new();
    for piece in bytes.chunks(piece) {
        reader.push(piece);
        loop {
            match reader.next_item() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(error) => return (items, Err(error)),
            }
        }
    }
    (items, Ok(()))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    assert_eq!(read(bytes, usize::from(piece).max(1)), read(bytes, bytes.len().max(1)));
});
