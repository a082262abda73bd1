//! The service's HTML. What comes of it is plain, bounded, and links to the web only.

#![no_main]

use ivs::client_configuration::Message;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|html: &str| {
    let message = Message::from_html(html);
    assert!(message.text.chars().count() <= 4096);
    assert!(message.text.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(message.links.len() <= 16);
    for link in &message.links {
        assert!(link.url.starts_with("https://") || link.url.starts_with("http://"));
        assert!(!link.text.is_empty() && link.url.len() <= 2048);
    }
});
