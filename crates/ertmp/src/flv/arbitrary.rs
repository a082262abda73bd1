//! Any tag that can be written.

use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;
use units::TrackId;

use super::*;

/// Tags borrow their bytes, and a test may leak a few.
fn data() -> impl Strategy<Value = &'static [u8]> {
    vec(any::<u8>(), 0..40).prop_map(|bytes| &*bytes.leak())
}

fn offset_ms() -> impl Strategy<Value = i32> {
    prop_oneof![Just(0), -100..100, -0x80_0000..=0x7F_FFFF]
}

fn mod_ex() -> impl Strategy<Value = Vec<ModEx<'static>>> {
    let long = prop_oneof![1usize..10, 250usize..260, Just(65_536)];
    let other = (1u8..16, long, any::<u8>())
        .prop_map(|(kind, size, fill)| ModEx::Other { kind, data: std::vec![fill; size].leak() });
    prop_oneof![
        3 => Just(Vec::new()),
        1 => vec(prop_oneof![(0u32..1_000_000).prop_map(ModEx::TimestampOffsetNanos), other], 1..4),
    ]
}

fn tracks<P: Clone + core::fmt::Debug + 'static>(
    four_cc: impl Fn() -> BoxedStrategy<FourCc>,
    packet: impl Fn(FourCc) -> BoxedStrategy<P>,
) -> impl Strategy<Value = Tracks<P>> {
    let track = || any::<u8>().prop_map(TrackId);
    (0u8..4, vec((four_cc().prop_flat_map(move |four_cc| (Just(four_cc), packet(four_cc))), track()), 1..4))
        .prop_map(|(form, mut packets)| {
            let ((four_cc, packet), track) = packets[0].clone();
            match form {
                0 => Tracks::Single { four_cc, packet },
                1 => Tracks::One { four_cc, track, packet },
                2 => {
                    packets.retain(|((other, _), _)| *other == four_cc);
                    let packets = packets.into_iter().map(|((_, packet), track)| (track, packet)).collect();
                    Tracks::Many { four_cc, packets }
                }
                _ => {
                    let packets =
                        packets.into_iter().map(|((four_cc, packet), track)| (four_cc, track, packet));
                    Tracks::ManyCodecs { packets: packets.collect() }
                }
            }
        })
}

fn video_four_cc() -> BoxedStrategy<FourCc> {
    let known = [FourCc::AVC, FourCc::HEVC, FourCc::VVC, FourCc::AV1, FourCc::VP9, FourCc(*b"what")];
    proptest::sample::select(known.to_vec()).boxed()
}

fn video_packet(kind: u8, four_cc: FourCc) -> BoxedStrategy<VideoPacket<'static>> {
    match (kind, four_cc.has_composition_offset()) {
        (0, _) => data().prop_map(VideoPacket::SequenceStart).boxed(),
        (1, true) => (offset_ms(), data())
            .prop_map(|(composition_offset_ms, data)| VideoPacket::CodedFrames {
                composition_offset_ms,
                data,
            })
            .boxed(),
        (1, false) => {
            data().prop_map(|data| VideoPacket::CodedFrames { composition_offset_ms: 0, data }).boxed()
        }
        (2, _) => Just(VideoPacket::SequenceEnd).boxed(),
        (3, _) => data().prop_map(VideoPacket::CodedFramesX).boxed(),
        (4, _) => data().prop_map(VideoPacket::Metadata).boxed(),
        _ => data().prop_map(VideoPacket::Mpeg2TsSequenceStart).boxed(),
    }
}

pub(super) fn video_tag() -> impl Strategy<Value = VideoTag<'static>> {
    let frame_type = || {
        let known = [FrameType::Key, FrameType::Inter, FrameType::Disposable, FrameType::GeneratedKey];
        proptest::sample::select([known.as_slice(), &[FrameType::Other(0), FrameType::Other(6)]].concat())
    };
    let legacy_body = prop_oneof![
        data().prop_map(LegacyVideoBody::AvcSequenceHeader),
        (offset_ms(), data()).prop_map(|(composition_offset_ms, data)| LegacyVideoBody::AvcNalUnits {
            composition_offset_ms,
            data
        }),
        Just(LegacyVideoBody::AvcSequenceEnd),
        (0u8..7, data()).prop_map(|(codec_id, data)| LegacyVideoBody::Other { codec_id, data }),
    ];
    let command = any::<u8>().prop_map(VideoCommand);
    let enhanced = (0u8..6).prop_flat_map(|kind| {
        // CodedFramesX exists for some codecs only.
        let four_cc = move || {
            video_four_cc()
                .prop_filter("codec", move |four_cc| kind != 3 || four_cc.has_composition_offset())
                .boxed()
        };
        tracks(four_cc, move |four_cc| video_packet(kind, four_cc))
    });
    prop_oneof![
        2 => (frame_type(), legacy_body)
            .prop_map(|(frame_type, body)| VideoTag::Legacy(LegacyVideoTag { frame_type, body })),
        1 => (0u8..16, command.clone()).prop_map(|(codec_id, command)| {
            let body = LegacyVideoBody::Command { codec_id, command };
            VideoTag::Legacy(LegacyVideoTag { frame_type: FrameType::Command, body })
        }),
        1 => (mod_ex(), command).prop_map(|(mod_ex, command)| {
            let body = ExVideoBody::Command(command);
            VideoTag::Enhanced(ExVideoTag { frame_type: FrameType::Command, mod_ex, body })
        }),
        4 => (frame_type(), mod_ex(), enhanced).prop_map(|(frame_type, mod_ex, tracks)| {
            VideoTag::Enhanced(ExVideoTag { frame_type, mod_ex, body: ExVideoBody::Tracks(tracks) })
        }),
    ]
}

fn audio_packet(kind: u8) -> BoxedStrategy<AudioPacket<'static>> {
    match kind {
        0 => data().prop_map(AudioPacket::SequenceStart).boxed(),
        1 => data().prop_map(AudioPacket::CodedFrames).boxed(),
        2 => Just(AudioPacket::SequenceEnd).boxed(),
        _ => prop_oneof![
            any::<u8>().prop_map(|channels| ChannelLayout::Unspecified { channels }),
            (any::<u8>(), any::<u32>()).prop_map(|(channels, mask)| ChannelLayout::Native { channels, mask }),
            data().prop_map(|positions| ChannelLayout::Custom { positions }),
        ]
        .prop_map(AudioPacket::MultichannelConfig)
        .boxed(),
    }
}

pub(super) fn audio_tag() -> impl Strategy<Value = AudioTag<'static>> {
    let legacy_body = prop_oneof![
        data().prop_map(LegacyAudioBody::AacSequenceHeader),
        data().prop_map(LegacyAudioBody::AacRaw),
        (0u8..9, data()).prop_map(|(format, data)| LegacyAudioBody::Other { format, data }),
    ];
    let four_cc = || proptest::sample::select([FourCc::AAC, FourCc::OPUS, FourCc(*b"ac-3")].to_vec()).boxed();
    let enhanced = (0u8..4).prop_flat_map(move |kind| tracks(four_cc, move |_| audio_packet(kind)));
    prop_oneof![
        1 => Just(AudioTag::Empty),
        3 => (0u8..16, legacy_body).prop_map(|(flags, body)| AudioTag::Legacy(LegacyAudioTag { flags, body })),
        4 => (mod_ex(), enhanced).prop_map(|(mod_ex, body)| AudioTag::Enhanced(ExAudioTag { mod_ex, body })),
    ]
}
