//! What a playback address answers: playlists of either kind, one after another. A watch that is fed them sleeps a bounded
//! time, asks for nothing but HTTPS, and shows no argument of an address.

#![no_main]

use libfuzzer_sys::fuzz_target;
use publish::playback::{Fetched, PlaybackUrl, PlaybackWatch, Reading, Wanted, read_playlist};
use units::{MediaTime, Span};

/// Between one answer and the next in the input.
const SEPARATOR: u8 = 0;

fuzz_target!(|data: &[u8]| {
    let Ok(top) = PlaybackUrl::parse("https://play.example/channel.m3u8?token=aViewersOwnToken") else { return };
    let mut now = MediaTime::ZERO;
    let mut watch = PlaybackWatch::new(top, None, now);
    for answer in data.split(|byte| *byte == SEPARATOR).take(64) {
        if let Ok(Reading::Media(media)) = read_playlist(answer) {
            assert!(media.target >= Span::from_secs(1) && media.target <= Span::from_secs(3_600));
        }
        // Segments are there whenever they are asked for.
        for _ in 0..4 {
            let Some(fetch) = watch.poll(now) else { break };
            assert!(fetch.url.is_encrypted());
            let bytes = match fetch.wanted {
                Wanted::Playlist => answer.to_vec(),
                Wanted::Segment => vec![0],
            };
            watch.handle(Fetched::Got { from: fetch.url, bytes }, now);
            assert!(!format!("{:?}", watch.state(now)).contains("aViewersOwnToken"));
        }
        let Some(next) = watch.wake_at() else { return };
        assert!(next - now <= Span::from_secs(10));
        now = now.max(next);
    }
});
