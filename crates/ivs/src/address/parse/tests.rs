use proptest::prelude::*;
use units::Secret;

use crate::{Error, IngestAddress, Protocol};

const KEY: &str = "sk_us-west-2_abcd1234efgh5678ijkl";

fn read(text: &str) -> IngestAddress {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn target(text: &str) -> (String, String, String) {
    let target = read(text).rtmp_target(&Secret::new("given")).unwrap();
    (target.app, target.tc_url, String::from(target.stream_name.expose()))
}

#[test]
fn reads_the_rtmp_forms_of_the_guide() {
    let host = "a1b2c3d4e5f6.global-contribute.live-video.net";
    for (text, port, key) in [
        (format!("rtmps://{host}:443/app/{KEY}"), 443, Some(KEY)),
        (format!("rtmps://{host}:443/app/"), 443, None),
        (format!("rtmps://{host}:443/app"), 443, None),
        (format!("rtmps://{host}"), 443, None),
        (format!("rtmps://{host}/"), 443, None),
        (format!("rtmps://{host}/{KEY}"), 443, Some(KEY)),
        (format!("rtmp://{host}/app/{KEY}"), 1935, Some(KEY)),
        (format!("RTMP://{host}:1936/app/{{stream_key}}"), 1936, None),
        (format!("  rtmp://{host}/app/{KEY}/  "), 1935, Some(KEY)),
    ] {
        let address = read(&text);
        assert_eq!((address.host(), address.port(), address.app()), (host, port, "app"), "{text}");
        assert_eq!(address.key().map(Secret::expose), key, "{text}");
        assert!(!address.to_string().contains(KEY) && !format!("{address:?}").contains(KEY), "{text}");
    }
}

#[test]
fn tells_rtmp_what_to_say() {
    let expected = |tc: &str, name: &str| (String::from("app"), String::from(tc), String::from(name));
    assert_eq!(target("rtmp://h/app"), expected("rtmp://h/app", "given"));
    assert_eq!(target("rtmps://h:443/app/own"), expected("rtmps://h:443/app", "own"));
    assert_eq!(target("rtmps://h/app/own?priority=7&x"), expected("rtmps://h/app", "own?priority=7&x"));
    assert_eq!(target("rtmps://[::1]:4433/app?a=b"), expected("rtmps://[::1]:4433/app", "given?a=b"));
    let with_query = read("rtmp://h/app?clientConfigId=c").rtmp_target(&Secret::new("k?priority=2")).unwrap();
    assert_eq!(with_query.stream_name.expose(), "k?priority=2&clientConfigId=c");
    assert_eq!(read("srt://h").rtmp_target(&Secret::new("k")), Err(Error::NotRtmp));
    let deep = read("rtmp://h/live/inner/k");
    assert_eq!((deep.app(), deep.key().map(Secret::expose)), ("live/inner", Some("k")));
}

#[test]
fn reads_the_srt_forms_of_the_guide() {
    let address =
        read(&format!("srt://a1.srt.live-video.net:9000?streamid={KEY}&passphrase=ZU5A3yrj&latency=200"));
    assert_eq!((address.protocol(), address.port()), (Protocol::Srt, 9000));
    assert_eq!(address.key().map(Secret::expose), Some(KEY));
    assert_eq!(address.passphrase().map(Secret::expose), Some("ZU5A3yrj"));
    assert_eq!(address.to_string(), "srt://a1.srt.live-video.net:9000");
    let takeover = read(&format!("srt://h?streamid=%23!::u={KEY},priority=3&passphrase=foo%26bar"));
    assert_eq!(takeover.key().map(Secret::expose), Some(KEY));
    assert_eq!((takeover.priority(), takeover.port()), (Some(3), 9000));
    assert_eq!(takeover.passphrase().map(Secret::expose), Some("foo&bar"));
    assert_eq!(
        takeover.to_url(&Secret::default()).expose(),
        format!("srt://h?streamid=#!::u={KEY},priority=3&passphrase=foo%26bar")
    );
}

#[test]
fn priorities_are_kept_shown_and_checked() {
    let address = read("rtmps://h/app/k?priority=12");
    assert_eq!(address.priority(), Some(12));
    assert_eq!(address.to_string(), "rtmps://h/app?priority=12");
    assert_eq!(address.with_priority(13).unwrap().to_string(), "rtmps://h/app?priority=13");
    for wrong in ["0", "-1", "+1", "2147483648", "", "x"] {
        let text = format!("rtmps://h/app/k?priority={wrong}");
        assert_eq!(text.parse::<IngestAddress>(), Err(Error::PriorityOutOfRange), "{wrong}");
    }
    assert_eq!(read("rtmp://h/app").with_priority(0), Err(Error::PriorityOutOfRange));
}

#[test]
fn every_wrong_address_has_its_sentence() {
    let wrong = [
        "",
        KEY,
        "h/app",
        "://h/app",
        "http://h/app",
        "gopher://h/app",
        "rtmp:///app",
        "rtmp://:1935/app",
        "rtmp://h:/app",
        "rtmp://h:0/app",
        "rtmp://h:65536/app",
        "rtmp://h:port/app",
        "rtmp://user:word@h/app",
        "rtmp://h",
        "rtmp://h/",
        "rtmp://ho st/app",
        "rtmp://h<>/app",
        "rtmp://[::1/app",
        "rtmps://sk_us-west-2_abcd1234efgh5678ijkl/app",
        "rtmps://h/sk_us-west-2_abcd1234efgh5678ijkl/app/",
        "srt://h/app/key",
        "srt://h?streamid=%zz",
        "rtmps://h/app/k?priority=0",
    ];
    let said: String = wrong
        .iter()
        .map(|text| {
            let error = text.parse::<IngestAddress>().expect_err(text);
            format!("{text:50} -> {error}\n")
        })
        .collect();
    insta::assert_snapshot!(said);
}

proptest! {
    #[test]
    fn urls_survive_printing_and_reading(
        protocol in prop_oneof![Just("rtmp"), Just("rtmps"), Just("srt")],
        host in prop_oneof![
            Just(String::from("127.0.0.1")), Just(String::from("[2001:db8::1]")), "[a-z]([a-z0-9-]{0,8}[a-z0-9])?\\.example"
        ],
        port in proptest::option::of(1u16..),
        app in "[a-z]{1,8}(/[a-z]{1,8})?",
        key in "[A-Za-z0-9_-]{1,40}",
        passphrase in proptest::option::of("\\PC{1,30}"),
        priority in proptest::option::of(1u32..=2_147_483_647),
        extra in proptest::option::of("[a-z]{1,5}x=[a-z0-9]{0,5}"),
    ) {
        let mut base = format!("{protocol}://{host}");
        if let Some(port) = port {
            base.push_str(&format!(":{port}"));
        }
        if protocol != "srt" {
            base.push_str(&format!("/{app}/"));
        }
        if let Some(extra) = &extra {
            base.push_str(&format!("?{extra}"));
        }
        let mut address: IngestAddress = base.parse().unwrap();
        if let Some(priority) = priority {
            address = address.with_priority(priority).unwrap();
        }
        if protocol == "srt" {
            address.passphrase = passphrase.map(Secret::new);
        }
        let url = address.to_url(&Secret::new(key.clone()));
        prop_assert_eq!(url.expose().parse::<IngestAddress>(), Ok(address.clone().with_key(Secret::new(key))), "{}", url.expose());
        prop_assert_eq!(address.priority(), priority);
    }

    #[test]
    fn never_panics_and_never_repeats_the_key(
        before in "\\PC{0,30}", after in "\\PC{0,30}",
        scheme in prop_oneof![Just(""), Just("rtmp://"), Just("rtmps://h/"), Just("rtmps://h/app/"), Just("srt://h?streamid="), Just("rtmp://h:"), Just("srt://h?x")],
    ) {
        let text = format!("{scheme}{before}{KEY}{after}");
        let said = match text.parse::<IngestAddress>() {
            Ok(address) => format!("{address} {address:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        // Behind other letters it is no key any more, but part of a longer word.
        if before.chars().last().is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-')) {
            prop_assert!(!said.contains(KEY), "{} -> {}", text, said);
        }
    }
}
