//! Decoder configurations as the sample entries of MP4, and back.

use std::num::NonZeroU32;
use std::sync::Arc;

use shiguredo_mp4::boxes::{
    AudioSampleEntryFields, Avc1Box, AvccBox, EsdsBox, Hvc1Box, HvccBox, Mp4aBox, SampleEntry, UnknownBox,
    VisualSampleEntryFields,
};
use shiguredo_mp4::descriptors::{
    DecoderConfigDescriptor, DecoderSpecificInfo, EsDescriptor, SlConfigDescriptor,
};
use shiguredo_mp4::{BoxSize, BoxType, Decode, Encode, FixedPointNumber, Uint};
use units::{AudioCodec, AudioConfig, FrameRate, Kbps, Size, TrackId, VideoCodec, VideoConfig, VideoProfile};

use crate::Error;

fn refused(track: String, problem: impl Into<String>) -> Error {
    Error::Config { track, problem: problem.into() }
}

/// The bytes of a box: its length, its type, its payload.
fn boxed(box_type: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 8).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &box_type, payload].concat()
}

/// BT.709, limited range, as everything we send: `nclx` with primaries, transfer and matrix 1 (ISO/IEC 14496-12,
/// 12.1.5; ITU-T H.273).
fn color_box() -> UnknownBox {
    let payload = [&b"nclx"[..], &[0, 1, 0, 1, 0, 1, 0]].concat();
    let box_type = BoxType::Normal(*b"colr");
    UnknownBox { box_type, box_size: BoxSize::with_payload_size(box_type, payload.len() as u64), payload }
}

/// Some encoders leave out the fields that follow the parameter sets of High profiles, although they are demanded
/// (ISO/IEC 14496-15, 5.3.3.1.2). What is meant then is what everybody makes: 4:2:0 with 8 bits.
fn completed(avcc: AvccBox) -> AvccBox {
    AvccBox {
        chroma_format: avcc.chroma_format.or(Some(Uint::new(1))),
        bit_depth_luma_minus8: avcc.bit_depth_luma_minus8.or(Some(Uint::new(0))),
        bit_depth_chroma_minus8: avcc.bit_depth_chroma_minus8.or(Some(Uint::new(0))),
        ..avcc
    }
}

/// The sample entry of a rendition: `avc1` or `hvc1`, parameter sets in the entry only (ISO/IEC 14496-15, 5.4.2.1
/// and 8.4.1).
pub(crate) fn video_entry(config: &VideoConfig) -> Result<SampleEntry, Error> {
    let name = || format!("video track {}", config.track);
    let side = |px| u16::try_from(px).map_err(|_| refused(name(), "the picture is too large"));
    let visual = VisualSampleEntryFields {
        data_reference_index: VisualSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
        width: side(config.size.width_px())?,
        height: side(config.size.height_px())?,
        horizresolution: VisualSampleEntryFields::DEFAULT_HORIZRESOLUTION,
        vertresolution: VisualSampleEntryFields::DEFAULT_VERTRESOLUTION,
        frame_count: VisualSampleEntryFields::DEFAULT_FRAME_COUNT,
        compressorname: VisualSampleEntryFields::NULL_COMPRESSORNAME,
        depth: VisualSampleEntryFields::DEFAULT_DEPTH,
    };
    let unknown_boxes = vec![color_box()];
    let unreadable = |error: shiguredo_mp4::Error| refused(name(), error.reason);
    match config.codec {
        VideoCodec::Avc => {
            let (avcc_box, _) =
                AvccBox::decode(&boxed(*b"avcC", &config.decoder_config)).map_err(unreadable)?;
            let avcc_box = completed(avcc_box);
            if avcc_box.sps_list.is_empty() || avcc_box.length_size_minus_one.get() != 3 {
                return Err(refused(name(), "no sequence parameter set, or lengths of other than 4 bytes"));
            }
            Ok(SampleEntry::Avc1(Avc1Box { visual, avcc_box, unknown_boxes }))
        }
        VideoCodec::Hevc => {
            let (hvcc_box, _) =
                HvccBox::decode(&boxed(*b"hvcC", &config.decoder_config)).map_err(unreadable)?;
            Ok(SampleEntry::Hvc1(Hvc1Box { visual, hvcc_box, unknown_boxes }))
        }
    }
}

/// The sample entry of a mix: `mp4a` with an `esds` (ISO/IEC 14496-14, 5.6).
pub(crate) fn audio_entry(config: &AudioConfig) -> Result<SampleEntry, Error> {
    let name = || format!("audio track {}", config.track);
    let samplerate = u16::try_from(config.sample_rate_hz).map_err(|_| refused(name(), "sample rate"))?;
    if config.decoder_config.is_empty() || config.sample_rate_hz == 0 {
        return Err(refused(name(), "no AudioSpecificConfig, or no sample rate"));
    }
    let bits_per_sec = u32::try_from(config.bitrate.bits_per_sec()).unwrap_or(u32::MAX);
    let dec_config_descr = DecoderConfigDescriptor {
        object_type_indication: DecoderConfigDescriptor::OBJECT_TYPE_INDICATION_AUDIO_ISO_IEC_14496_3,
        stream_type: DecoderConfigDescriptor::STREAM_TYPE_AUDIO,
        up_stream: DecoderConfigDescriptor::UP_STREAM_FALSE,
        buffer_size_db: Uint::new(0),
        max_bitrate: bits_per_sec,
        avg_bitrate: bits_per_sec,
        dec_specific_info: Some(DecoderSpecificInfo { payload: config.decoder_config.to_vec() }),
    };
    Ok(SampleEntry::Mp4a(Mp4aBox {
        audio: AudioSampleEntryFields {
            data_reference_index: AudioSampleEntryFields::DEFAULT_DATA_REFERENCE_INDEX,
            channelcount: u16::from(config.channels),
            samplesize: AudioSampleEntryFields::DEFAULT_SAMPLESIZE,
            samplerate: FixedPointNumber::new(samplerate, 0),
        },
        esds_box: EsdsBox {
            es: EsDescriptor {
                es_id: EsDescriptor::MIN_ES_ID,
                stream_priority: EsDescriptor::LOWEST_STREAM_PRIORITY,
                depends_on_es_id: None,
                url_string: None,
                ocr_es_id: None,
                dec_config_descr,
                sl_config_descr: SlConfigDescriptor,
            },
        },
        unknown_boxes: Vec::new(),
    }))
}

/// What a sample entry says of a track, without the rates that only its samples tell.
pub(crate) enum Entry {
    Video { codec: VideoCodec, profile: VideoProfile, size: Size, decoder_config: Arc<[u8]> },
    Audio { sample_rate_hz: u32, channels: u8, decoder_config: Arc<[u8]> },
}

/// A box without its 8-byte head.
fn payload(bytes: Result<Vec<u8>, shiguredo_mp4::Error>) -> Option<Arc<[u8]>> {
    Some(bytes.ok()?.get(8..)?.into())
}

/// Reads a sample entry; `None` for codes this app does not make.
pub(crate) fn entry(entry: &SampleEntry) -> Option<Entry> {
    let video = |codec, profile, visual: &VisualSampleEntryFields, config| {
        let size = Size::new(u32::from(visual.width), u32::from(visual.height)).ok()?;
        Some(Entry::Video { codec, profile, size, decoder_config: payload(config)? })
    };
    match entry {
        SampleEntry::Avc1(avc1) => {
            // Profile numbers of ISO/IEC 14496-10, A.2.
            let profile = match avc1.avcc_box.avc_profile_indication {
                66 => VideoProfile::ConstrainedBaseline,
                77 => VideoProfile::Main,
                _ => VideoProfile::High,
            };
            video(VideoCodec::Avc, profile, &avc1.visual, completed(avc1.avcc_box.clone()).encode_to_vec())
        }
        SampleEntry::Hvc1(hvc1) => {
            video(VideoCodec::Hevc, VideoProfile::Main, &hvc1.visual, hvc1.hvcc_box.encode_to_vec())
        }
        SampleEntry::Hev1(hev1) => {
            video(VideoCodec::Hevc, VideoProfile::Main, &hev1.visual, hev1.hvcc_box.encode_to_vec())
        }
        SampleEntry::Mp4a(mp4a) => {
            let config = mp4a.esds_box.es.dec_config_descr.dec_specific_info.as_ref()?;
            Some(Entry::Audio {
                sample_rate_hz: u32::from(mp4a.audio.samplerate.integer),
                channels: u8::try_from(mp4a.audio.channelcount).ok()?,
                decoder_config: config.payload.as_slice().into(),
            })
        }
        _ => None,
    }
}

impl Entry {
    /// The configuration of the `id`-th track of its kind, with the figures its samples tell.
    pub(crate) fn into_config(
        self,
        id: TrackId,
        timescale: NonZeroU32,
        common_duration: u32,
        bitrate: Kbps,
    ) -> units::TrackConfig {
        match self {
            Self::Video { codec, profile, size, decoder_config } => {
                // Files by others may hold single pictures or rates beyond ours; the nearest we can say is one
                // frame per second.
                let slowest = || FrameRate::new(1, 1).unwrap_or(FrameRate::FPS_30);
                let rate =
                    FrameRate::new(timescale.get(), common_duration.max(1)).unwrap_or_else(|_| slowest());
                units::TrackConfig::Video(VideoConfig {
                    track: id,
                    codec,
                    profile,
                    size,
                    rate,
                    bitrate,
                    decoder_config,
                })
            }
            Self::Audio { sample_rate_hz, channels, decoder_config } => {
                units::TrackConfig::Audio(AudioConfig {
                    track: id,
                    codec: AudioCodec::AacLc,
                    sample_rate_hz,
                    channels,
                    bitrate,
                    decoder_config,
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_profile_without_its_last_fields_can_be_recorded() {
        let config = testkit::SyntheticStream::single().config();
        let whole = config.video[0].as_ref().clone();
        assert_eq!(whole.decoder_config[1], 100, "High");
        let short = whole.decoder_config[..whole.decoder_config.len() - 4].into();
        let entry_of_short = video_entry(&VideoConfig { decoder_config: short, ..whole.clone() }).unwrap();
        let Some(Entry::Video { decoder_config, .. }) = entry(&entry_of_short) else {
            panic!("not a picture")
        };
        assert_eq!(decoder_config, whole.decoder_config);
    }
}
