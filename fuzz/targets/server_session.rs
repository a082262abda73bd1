//! The first byte decides about the verdicts and the size of the pieces; the rest is what a client sends after its
//! handshake.

#![no_main]

use ertmp::flv::{AudioTag, VideoTag};
use ertmp::{Level, MediaKind, RANDOM_BYTES, ServerConfig, ServerEvent, ServerSession};
use libfuzzer_sys::fuzz_target;

/// C0, C1 and C2.
const HELLO: [u8; 1 + 2 * 1536] = [3; 1 + 2 * 1536];

fn answer(server: &mut ServerSession, event: &ServerEvent, choice: u8) -> Result<(), ertmp::Error> {
    match event {
        ServerEvent::Connect(_) if choice & 1 != 0 => server.refuse_connect("Code", "text"),
        ServerEvent::Connect(_) => server.accept_connect(),
        ServerEvent::Publish { .. } if choice & 2 != 0 => server.refuse_publish("Code", "text"),
        ServerEvent::Publish { .. } => server.accept_publish(),
        ServerEvent::Media { kind, body, .. } => {
            match kind {
                MediaKind::Video => drop(VideoTag::decode(body)),
                MediaKind::Audio => drop(AudioTag::decode(body)),
            }
            Ok(())
        }
        ServerEvent::FcUnpublish { .. } => server.status(Level::Status, "Code", "text"),
        ServerEvent::Metadata { .. } => server.ping(1),
        _ => Ok(()),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else { return };
    let mut server = ServerSession::new(ServerConfig::default(), &[0; RANDOM_BYTES]);
    server.handle_input(&HELLO).expect("a good handshake");
    for piece in bytes.chunks(usize::from(choice >> 2) * 7 + 1) {
        let mut result = server.handle_input(piece);
        while let Some(event) = server.poll_event() {
            result = result.and_then(|()| answer(&mut server, &event, choice));
        }
        while server.poll_output().is_some() {}
        if result.is_err() {
            return;
        }
    }
});
