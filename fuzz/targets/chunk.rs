//! The first byte is the size of the pieces. In pieces or at once, the messages are the same, and they survive being
//! cut into chunks again.

#![no_main]

use ertmp::Error;
use ertmp::chunk::{ChunkDecoder, ChunkEncoder, Limits, Message};
use libfuzzer_sys::fuzz_target;

fn decoded(bytes: &[u8], piece: usize) -> (Vec<Message>, Result<(), Error>) {
    let mut decoder = ChunkDecoder::new(Limits { message_bytes: 1 << 16, chunk_streams: 16 });
    let mut messages = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(error) => return (messages, Err(error)),
            }
        }
    }
    (messages, Ok(()))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let in_pieces = decoded(bytes, usize::from(piece).max(1));
    let at_once = decoded(bytes, bytes.len().max(1));
    assert_eq!(in_pieces, at_once);
    let mut encoder = ChunkEncoder::new();
    let mut again = Vec::new();
    for message in &at_once.0 {
        encoder.encode(message, &mut again).expect("what was decoded can be encoded");
    }
    assert_eq!(decoded(&again, 1000), (at_once.0, Ok(())));
});
