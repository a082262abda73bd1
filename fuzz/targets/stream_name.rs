//! What a publisher gives as its stream name, over RTMP and over SRT.

#![no_main]

use ivs::limits::MAX_PRIORITY;
use ivs::stream_name::{Priority, StreamName};
use libfuzzer_sys::fuzz_target;
use units::Secret;

fuzz_target!(|text: &str| {
    let given = Secret::new(text);
    for name in [StreamName::of_rtmp(&given), StreamName::of_srt(&given)] {
        assert!(text.contains(name.key.expose()), "a key out of nothing");
        if let Priority::Of(priority) = name.priority {
            assert!((1..=MAX_PRIORITY.value).contains(&priority));
        }
        // What was read can be written, and is read as the same. A key may hold what means something in the other
        // form, but never what would end it in its own.
        if let Some(priority) = name.priority.value().filter(|_| !name.key.expose().contains(['?', ',', '#']))
        {
            let key = name.key.expose();
            let rtmp = StreamName::of_rtmp(&Secret::new(format!("{key}?priority={priority}")));
            let srt = StreamName::of_srt(&Secret::new(format!("#!::u={key},priority={priority}")));
            assert_eq!(rtmp, srt);
            assert_eq!((&rtmp.key, rtmp.priority), (&name.key, name.priority));
        }
    }
});
