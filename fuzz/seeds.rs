//! Writes the corpora in `corpus/`: worked examples of the specifications, and what both halves say to each other when
//! a stream goes live.

use std::fs;
use std::path::Path;

use ertmp::amf0::{self, Value};
use ertmp::flv::{Form, StreamMetadata, TagKind, file_header, file_tag};
use ertmp::{
    ClientConfig, ClientSession, Level, MediaKind, RANDOM_BYTES, ServerConfig, ServerEvent, ServerSession,
};
use ivs::client_configuration::{
    Capabilities, Client, Cpu, GamingFeatures, Gpu, Memory, Preferences, Request, SchemaVersion, System,
};
use ivs::find_ingest::{IngestList, IngestServer};
use ivs::metrics::{
    RenditionCounters, SessionCounters, Timestamps, UtcMillis, insert_before_first_slice, rendition_message,
    sei_nal, session_message, timestamp_message,
};
use units::{FrameRate, Kbps, Secret, Size, StreamConfig, VideoCodec};

/// What is inside of a pairing code.
const PAIRING: &str = concat!(
    r#"{"channel":"rtmps://a.global-contribute.live-video.net:443/app","#,
    r#""ladder":[["avc",1280,720,30,1,2500],["hevc",640,360,30000,1001,800]],"#,
    r#""made":1795000000,"priority":2001,"key":"sk_us-west-2_EXAMPLEexample"}"#,
);

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Bytes of C0 to C2, and of S0 to S2.
const HELLO_BYTES: usize = 1 + 2 * 1536;

/// Bodies of video messages: legacy, then the worked examples A to C of Enhanced RTMP, then the other shapes.
const VIDEO: [(&str, &str); 14] = [
    ("legacy_sequence_header", "1700000000 0142c00dffe100046742c00d01000468ce3c80"),
    ("legacy_key_frame", "1701000000 0000000165"),
    ("legacy_inter_frame", "2701000021 0000000141"),
    ("legacy_sequence_end", "1702000000"),
    ("legacy_command", "5700"),
    (
        "one_track_sequence_start",
        "96006176633101 0142c00dffe100176742c00dda05067e7c0440000003004000000783c50aa801000468ce3c80",
    ),
    ("single_hevc_inter_frame", "a168766331000021 000000050201d0195e"),
    ("single_hevc_inter_frame_without_offset", "a368766331 000000050201d0195e"),
    (
        "mod_ex_many_tracks",
        "970201e24006 1161766331 0000000b0000000000000465888400 0100000b0000000000000465888421",
    ),
    ("many_codecs", "9621 6176633100000004000000aa 61763031010000020a0b"),
    ("one_track_sequence_end", "96026176633102"),
    ("metadata", "846876633102000a636f6c6f72496e666f03000009"),
    ("command", "d001"),
    ("long_mod_ex", "97ff00ff"),
];

/// Bodies of audio messages.
const AUDIO: [(&str, &str); 8] = [
    ("legacy_sequence_header", "af001190"),
    ("legacy_frame", "af01211b"),
    ("old_codec", "2fff"),
    ("single_sequence_start", "906d7034611190"),
    ("one_track_frame", "95016d70346101211b"),
    ("many_tracks", "95116d703461000000020102010000010a"),
    ("multichannel_native", "946d7034610102 00000003"),
    ("mod_ex_custom_channels", "9702000001 04 6d70346102020100"),
];

/// Decoder configuration records as encoders wrote them.
const RECORDS: [(&str, &str); 4] = [
    (
        "avc_720p_hrd",
        "014d401fffe10026674d401feca02802dd80b501010140000003004000000f1810003d090007a13928c01e30632c01000468efbc80",
    ),
    (
        "avc_768p_high_10",
        "016e002affe10018676e002aa6cb402b030f37808800001f48000ea60078c19501000468ce0fc8fdfafa00",
    ),
    (
        "hevc_720p",
        "0101600000009000000000005df000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003005d959809a10001002e42010101600000030090000003000003005da00280802d165959a4932bc05a808080820000030002000003003c10a2000100074401c172b46240",
    ),
    (
        "hevc_144p_layers",
        "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959409a10001002942010101600000030090000003000003003ca00808091659596af2bc05a02000000300200000030301a2000100064401c173d189",
    ),
];

/// Answers of GetClientConfiguration, with documented fields of all kinds.
const ANSWERS: [(&str, &str); 3] = [
    ("three_renditions", include_str!("../crates/ivs/src/client_configuration/tests/answer_a.json")),
    ("warning", include_str!("../crates/ivs/src/client_configuration/tests/answer_b.json")),
    (
        "refusal",
        r#"{"meta":{"service":"IVS","schema_version":"2025-01-25","config_id":"x"},"status":{"result":"error","html_en_us":"no"},
        "ingest_endpoints":[{"protocol":"RTMP","url_template":"rtmp://h/app/{stream_key}"}],"encoder_configurations":[],"audio_configurations":{"live":[]}}"#,
    ),
];

/// Messages of the service.
const MESSAGES: [(&str, &str); 3] = [
    (
        "link",
        r#"Your driver is old. <a href="https://example.com/d?a=1&amp;b=2">Update</a> soon.<br>&copy; &#x2026;"#,
    ),
    ("blocks", "<h1>Stop</h1><ul><li>one<li>two</ul><!-- no --><script>x()</script><p class='a>b'>end</p>"),
    ("broken", "<a href=https://a.example <b>&#99999;&lt<a href='javascript:x'>x</"),
];

/// Addresses.
const ADDRESSES: [(&str, &str); 4] = [
    ("template", "rtmps://fra05.contribute.live-video.net:443/app/{stream_key}"),
    ("arguments", "rtmp://127.0.0.1/app?priority=2&bandwidthtest=1"),
    ("srt", "srt://host:9000?streamid=#!::u=KEY,priority=2&passphrase=p"),
    ("key", "sk_us-west-2_EXAMPLE?bandwidthtest=1&priority=5"),
];

fn bytes(hex: &str) -> Outcome<Vec<u8>> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?)).collect()
}

fn write(target: &str, name: &str, bytes: &[u8]) -> Outcome<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)?;
    Ok(())
}

/// A whole stream; what each half said after its handshake.
fn conversation(refuse: bool) -> Outcome<(Vec<u8>, Vec<u8>)> {
    let config = ClientConfig {
        app: "app".into(),
        tc_url: "rtmp://host/app".into(),
        stream_name: Secret::new("sk_us-west-2_key"),
        flash_ver: "FMLE/3.0".into(),
        enhanced: true,
    };
    let mut client = ClientSession::new(config, &[0; RANDOM_BYTES]);
    let mut server = ServerSession::new(ServerConfig::default(), &[0; RANDOM_BYTES]);
    let (mut by_client, mut by_server) = (Vec::new(), Vec::new());
    for round in 0..8 {
        if let (5, false) = (round, refuse) {
            let metadata =
                StreamMetadata::new(&StreamConfig::default(), Form::Legacy, Form::Legacy, "Genlock");
            client.send_metadata(&metadata)?;
            client.send_media(MediaKind::Video, 0, &bytes(VIDEO[5].1)?)?;
            client.send_media(MediaKind::Audio, 21, &bytes(AUDIO[1].1)?)?;
            client.send_media(MediaKind::Video, 0x0100_0000, &[0x27; 200])?;
            client.finish()?;
            server.ping(7)?;
            server.request_reconnect(Some("rtmp://other/app"), "Maintenance.")?;
            server.kick("NetStream.Publish.Rejected", "Enough.")?;
        }
        while let Some(output) = client.poll_output() {
            by_client.extend_from_slice(&output);
            server.handle_input(&output)?;
        }
        while let Some(event) = server.poll_event() {
            match event {
                ServerEvent::Connect(_) => server.accept_connect()?,
                ServerEvent::Publish { .. } if refuse => {
                    server.refuse_publish("NetStream.Publish.BadName", "No.")?
                }
                ServerEvent::Publish { .. } => {
                    server.accept_publish()?;
                    server.status(Level::Warning, "Some.Code", "sk_us-west-2_key")?;
                }
                _ => {}
            }
        }
        while let Some(output) = server.poll_output() {
            by_server.extend_from_slice(&output);
            client.handle_input(&output)?;
        }
    }
    Ok((by_client.split_off(HELLO_BYTES), by_server.split_off(HELLO_BYTES)))
}

fn ingests() -> IngestList {
    let server = |id, name: &str, priority| IngestServer {
        id,
        name: name.into(),
        url_template: format!("rtmp://host{id}/app/{{stream_key}}"),
        url_template_secure: format!("rtmps://host{id}:443/app/{{stream_key}}"),
        is_available: id == 1,
        priority,
        is_default: id == 1,
    };
    IngestList { servers: vec![server(1, "US East: Ashburn, VA (5)", 2), server(2, "Old (deprecated)", 1)] }
}

fn request() -> Request {
    let size = Size::new(1920, 1080).expect("a picture");
    Request {
        authentication: Secret::new("sk_us-west-2_EXAMPLE"),
        client: Client {
            name: "genlock".into(),
            version: "0.1.0".into(),
            supported_codecs: vec![VideoCodec::Avc],
        },
        capabilities: Capabilities {
            cpu: Cpu {
                physical_cores: 8,
                logical_cores: 16,
                speed_mhz: Some(4200),
                name: Some("CPU".into()),
            },
            memory: Memory { total_bytes: 1 << 35, free_bytes: 1 << 34 },
            gaming_features: Some(GamingFeatures::default()),
            system: System { version: "10.0".into(), name: "Windows".into(), bits: 64, ..System::default() },
            gpus: vec![Gpu { model: "GPU".into(), vendor_id: 4318, device_id: 9988, ..Gpu::default() }],
        },
        preferences: Preferences {
            canvas: size,
            output: size,
            rate: FrameRate::FPS_60,
            maximum_video_tracks: Some(3),
            maximum_aggregate_bitrate: Some(Kbps(8000)),
            maximum_resolution: None,
            vod_track_audio: false,
            composition_gpu_index: Some(0),
            audio_samples_per_sec: 48_000,
            audio_channels: 2,
            audio_max_buffering_ms: 960,
            audio_fixed_buffering: false,
        },
        stream_attempt_start_time: "2026-01-02T03:04:05Z".into(),
    }
}

/// Playlists as the rehearsal ingest writes them, and with parts; one after another, as a watch sees them.
const PLAYLISTS: [(&str, &str); 3] = [
    (
        "channel_and_rendition",
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:BANDWIDTH=2600000,\
         RESOLUTION=1280x720,CODECS=\"avc1.64001f,mp4a.40.2\"\nst-1/0/index.m3u8\n\0#EXTM3U\n#EXT-X-VERSION:7\n\
         #EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n\
         #EXT-X-MAP:URI=\"init-1.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:00.500Z\n#EXTINF:2.000,\n7.m4s\n\0\
         #EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:8\n#EXTINF:2.000,\n8.m4s\n#EXT-X-ENDLIST\n",
    ),
    (
        "parts",
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=0.5\n#EXTINF:4,\n0.ts\n\
         #EXT-X-PART:DURATION=0.5,INDEPENDENT=YES,URI=\"1.0.ts\"\n#EXT-X-PART:DURATION=0.5,URI=\"1.1.ts\"\n",
    ),
    ("no_rendition", "#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,URI=\"frames.m3u8\"\n"),
];

fn main() -> Outcome<()> {
    for (name, text) in PLAYLISTS {
        write("playlist", name, text.as_bytes())?;
    }
    for (name, hex) in VIDEO {
        write("video_tag", name, &bytes(hex)?)?;
    }
    for (name, text) in ANSWERS {
        write("configuration_answer", name, text.as_bytes())?;
    }
    for (name, text) in MESSAGES {
        write("message", name, text.as_bytes())?;
    }
    for (name, text) in ADDRESSES {
        write("ingest_address", name, text.as_bytes())?;
    }
    for (name, text) in [
        ("key", "sk_us-west-2_abcd1234"),
        ("takeover", "sk_us-west-2_abcd1234?priority=2"),
        ("granted", "v1_5f_65_7b?clientConfigId=d34c2f7e&bandwidthtest=1&priority=2147483647"),
        ("srt-takeover", "#!::u=sk_us-west-2_abcd1234,priority=2"),
        ("srt-other-fields", "#!::r=live,m=publish,u=sk_1,s=9"),
        ("priority-zero", "k?priority=0"),
    ] {
        write("stream_name", name, text.as_bytes())?;
    }
    write("find_ingest", "two", ingests().to_json().as_bytes())?;
    write("pairing", "two_renditions", PAIRING.as_bytes())?;
    for version in SchemaVersion::ALL {
        write("configuration_request", version.name(), request().to_json(version).expose().as_bytes())?;
    }
    for (name, codec, slice) in
        [("avc", VideoCodec::Avc, &[0x65, 1][..]), ("hevc", VideoCodec::Hevc, &[38, 1, 2])]
    {
        let pir = UtcMillis(1_711_379_434_489);
        let nals = [
            timestamp_message(&Timestamps { pir, ..Timestamps::default() }),
            session_message(
                pir,
                SessionCounters { rendered: 120, output: 360, ..SessionCounters::default() },
            ),
            rendition_message(pir, RenditionCounters::default()),
        ]
        .map(|message| sei_nal(codec, &message));
        let length = u32::try_from(slice.len())?.to_be_bytes();
        let unit = insert_before_first_slice(codec, &[&length[..], slice].concat(), &nals)?;
        write("metrics", name, &[&[u8::from(codec == VideoCodec::Hevc)][..], &unit].concat())?;
    }
    for (name, hex) in AUDIO {
        write("audio_tag", name, &bytes(hex)?)?;
    }
    for (name, hex) in RECORDS {
        write("parameter_sets", name, &bytes(hex)?)?;
    }
    // What the channel takes and the key promises, as the target reads it, then two tracks with an IDR picture each.
    for (name, choice, code, record, idr) in [
        ("plain", 0x00, "61766331", RECORDS[0].1, "00000002658800"),
        ("avc", 0x26, "61766331", RECORDS[0].1, "00000002658800"),
        ("hevc_unknown", 0x02, "68766331", RECORDS[2].1, "000000032601af"),
        ("hevc", 0x2e, "68766331", RECORDS[2].1, "000000032601af"),
    ] {
        let mut judged = vec![choice];
        judged.extend(file_header(true, true));
        let tags = [
            (TagKind::Audio, 0, String::from("af001190")),
            (TagKind::Video, 0, format!("90{code}{record}")),
            (TagKind::Video, 0, format!("9600{code}01{record}")),
            (TagKind::Video, 0, format!("93{code}{idr}")),
            (TagKind::Video, 0, format!("9603{code}01{idr}")),
            (TagKind::Audio, 21, String::from("af01211b")),
            (TagKind::Video, 2500, format!("93{code}{idr}")),
            (TagKind::Video, 2533, format!("9603{code}01{idr}")),
            (TagKind::Video, 2600, format!("92{code}")),
        ];
        for (kind, at_ms, hex) in tags {
            judged.extend(file_tag(kind, at_ms, &bytes(&hex)?)?);
        }
        write("judge", name, &judged)?;
    }
    let mut values = Vec::new();
    for value in [
        Value::from(3.0),
        Value::from(true),
        Value::from("onStatus"),
        Value::object([("capsEx", Value::from(3.0)), ("map", Value::object([("avc1", Value::from(2.0))]))]),
        Value::Null,
        Value::Undefined,
        Value::EcmaArray(amf0::properties([("width", Value::from(1280.0))])),
        Value::StrictArray(vec![Value::from("avc1"), Value::from("*")]),
        Value::Date { unix_ms: 1e12, zone_minutes: 0 },
        Value::XmlDocument("<a/>".into()),
        Value::TypedObject { class: "C".into(), properties: amf0::properties([("x", Value::Unsupported)]) },
    ] {
        let mut one = Vec::new();
        amf0::encode(&value, &mut one)?;
        write("amf0", &format!("marker_{:02x}", one.first().copied().unwrap_or_default()), &one)?;
        values.extend(one);
    }
    write("amf0", "all", &values)?;
    for (name, refuse) in [("live", false), ("refused", true)] {
        let (by_client, by_server) = conversation(refuse)?;
        write("server_session", name, &[[0x80].as_slice(), &by_client].concat())?;
        write("client_session", name, &[[50].as_slice(), &by_server].concat())?;
        write("chunk", &format!("client_{name}"), &[[100].as_slice(), &by_client].concat())?;
        write("chunk", &format!("server_{name}"), &[[3].as_slice(), &by_server].concat())?;
    }
    let mut file = vec![30];
    file.extend(file_header(true, true));
    let script =
        StreamMetadata::new(&StreamConfig::default(), Form::Enhanced, Form::Legacy, "Genlock").to_script()?;
    file.extend(file_tag(TagKind::Script, 0, &script)?);
    file.extend(file_tag(TagKind::Video, 0, &bytes(VIDEO[0].1)?)?);
    file.extend(file_tag(TagKind::Audio, 0x0100_0015, &bytes(AUDIO[0].1)?)?);
    write("flv_reader", "three_tags", &file)?;
    write("flv_reader", "header", file.get(..14).unwrap_or_default())?;
    Ok(())
}
