//! The first byte is the size of the pieces; the rest is what a server sends after its handshake. Whatever it says, no
//! event shows the stream key.

#![no_main]

use ertmp::{ClientConfig, ClientSession, MediaKind, RANDOM_BYTES, Stage};
use libfuzzer_sys::fuzz_target;
use units::Secret;

/// S0, S1 and S2.
const HELLO: [u8; 1 + 2 * 1536] = [3; 1 + 2 * 1536];
const KEY: &str = "sk_us-west-2_key";

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, bytes)) = bytes.split_first() else { return };
    let config = ClientConfig {
        app: "app".into(),
        tc_url: "rtmp://host/app".into(),
        stream_name: Secret::new(KEY),
        flash_ver: "FMLE/3.0".into(),
        enhanced: true,
    };
    let mut client = ClientSession::new(config, &[0; RANDOM_BYTES]);
    client.handle_input(&HELLO).expect("a good handshake");
    for piece in bytes.chunks(usize::from(piece).max(1)) {
        let result = client.handle_input(piece);
        while let Some(event) = client.poll_event() {
            assert!(!format!("{event:?}").contains(KEY));
        }
        if client.stage() == Stage::Live {
            client.send_media(MediaKind::Video, 0, &[0x17, 2, 0, 0, 0]).expect("the stream is live");
        }
        while client.poll_output().is_some() {}
        assert!(client.acknowledged_bytes() <= client.sent_bytes());
        if result.is_err() {
            return;
        }
    }
    client.finish().expect("the end can always be said");
});
