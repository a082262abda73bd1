//! The head of a recording: `ftyp`, the reserved `free` box, and the `moov` that announces fragments.

use std::num::NonZeroU32;
use std::time::Duration;

use shiguredo_mp4::boxes::{
    Brand, Co64Box, DinfBox, FtypBox, HdlrBox, MdhdBox, MdiaBox, MediaHeader, MinfBox, MoovBox, MvexBox,
    MvhdBox, SampleEntry, SmhdBox, StblBox, StcoBox, StscBox, StsdBox, StszBox, SttsBox, TkhdBox, TrakBox,
    TrexBox, VmhdBox,
};
use shiguredo_mp4::{Either, Encode, FixedPointNumber, LanguageCode, Mp4FileTime, SampleFlags};
use units::{StreamConfig, Track};

use crate::Error;
use crate::codec::{audio_entry, video_entry};
use crate::timing::{MOVIE_TIMESCALE, video_timescale};

/// The minor version of our `ftyp`, by which we know our own files again: `gnlk`.
pub(crate) const SIGNATURE: u32 = u32::from_be_bytes(*b"gnlk");

/// The reserved box: `free` with 8 bytes of payload. In the finished file the same 16 bytes are the head of an `mdat`
/// with a 64-bit length (ISO/IEC 14496-12, 4.2.2), so finishing is one write that can not be torn by a sector border.
pub(crate) const RESERVED: [u8; 16] = *b"\0\0\0\x10freegenlock\0";

/// One track of a recording: what is recorded, and in which units of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrackHead {
    pub(crate) track: Track,
    /// The track's number in the file, from 1.
    pub(crate) number: u32,
    pub(crate) timescale: u32,
    /// Ticks of one frame; 1 for sound.
    pub(crate) grid: u32,
}

/// The first bytes of a recording.
pub(crate) struct Head {
    pub(crate) bytes: Vec<u8>,
    /// Where the reserved box lies.
    pub(crate) reserved_at: u64,
    pub(crate) moov: MoovBox,
    pub(crate) tracks: Vec<TrackHead>,
}

/// The head of a recording with these tracks, begun at `started_unix` after 1970.
pub(crate) fn head(config: &StreamConfig, started_unix: Duration) -> Result<Head, Error> {
    let created = Mp4FileTime::from_unix_time(started_unix);
    let mut tracks = Vec::new();
    let mut trak_boxes = Vec::new();
    for video in &config.video {
        let entry = video_entry(video)?;
        let timescale = video_timescale(video.rate);
        let grid = timescale / video.rate.numerator() * video.rate.denominator();
        let track = TrackHead { track: Track::Video(video.track), number: number(&tracks), timescale, grid };
        let size = (video.size.width_px(), video.size.height_px());
        trak_boxes.push(trak(track, entry, Some(size), tracks.is_empty(), created));
        tracks.push(track);
    }
    for (i, audio) in config.audio.iter().enumerate() {
        let entry = audio_entry(audio)?;
        let timescale = audio.sample_rate_hz;
        let track =
            TrackHead { track: Track::Audio(audio.track), number: number(&tracks), timescale, grid: 1 };
        trak_boxes.push(trak(track, entry, None, i == 0, created));
        tracks.push(track);
    }
    if tracks.is_empty() {
        return Err(Error::Config { track: "the stream".to_owned(), problem: "it has no tracks".to_owned() });
    }
    let trex_boxes = tracks.iter().map(|track| TrexBox {
        track_id: track.number,
        default_sample_description_index: 1,
        default_sample_duration: 0,
        default_sample_size: 0,
        default_sample_flags: SampleFlags::empty(),
    });
    let moov = MoovBox {
        mvhd_box: MvhdBox {
            creation_time: created,
            modification_time: created,
            timescale: NonZeroU32::new(MOVIE_TIMESCALE).unwrap_or(NonZeroU32::MIN),
            duration: 0,
            rate: MvhdBox::DEFAULT_RATE,
            volume: MvhdBox::DEFAULT_VOLUME,
            matrix: MvhdBox::DEFAULT_MATRIX,
            next_track_id: number(&tracks),
        },
        mvex_box: Some(MvexBox {
            mehd_box: None,
            trex_boxes: trex_boxes.collect(),
            unknown_boxes: Vec::new(),
        }),
        trak_boxes,
        unknown_boxes: Vec::new(),
    };
    // iso5 is the first brand that knows `default-base-is-moof`; avc1 and mp41 are for old players.
    let ftyp = FtypBox {
        major_brand: Brand::ISOM,
        minor_version: SIGNATURE,
        compatible_brands: vec![Brand::ISOM, Brand::ISO5, Brand::ISO6, Brand::AVC1, Brand::MP41],
    };
    let mut bytes = ftyp.encode_to_vec()?;
    let reserved_at = bytes.len() as u64;
    bytes.extend(RESERVED);
    bytes.extend(moov.encode_to_vec()?);
    Ok(Head { bytes, reserved_at, moov, tracks })
}

/// Tracks are numbered from 1.
fn number(tracks: &[TrackHead]) -> u32 {
    u32::try_from(tracks.len()).map_or(u32::MAX, |count| count + 1)
}

/// A track without samples. Only the first of each kind is enabled: players show one picture and play one sound.
fn trak(
    track: TrackHead,
    entry: SampleEntry,
    size: Option<(u32, u32)>,
    enabled: bool,
    created: Mp4FileTime,
) -> TrakBox {
    let is_video = size.is_some();
    let side = |px: u32| FixedPointNumber::new(i16::try_from(px).unwrap_or(i16::MAX), 0);
    let (width, height) = size.unwrap_or((0, 0));
    let media_header = if is_video {
        MediaHeader::Vmhd(VmhdBox {
            graphicsmode: VmhdBox::DEFAULT_GRAPHICSMODE,
            opcolor: VmhdBox::DEFAULT_OPCOLOR,
        })
    } else {
        MediaHeader::Smhd(SmhdBox { balance: SmhdBox::DEFAULT_BALANCE })
    };
    TrakBox {
        tkhd_box: TkhdBox {
            flag_track_enabled: enabled,
            flag_track_in_movie: true,
            flag_track_in_preview: true,
            flag_track_size_is_aspect_ratio: false,
            creation_time: created,
            modification_time: created,
            track_id: track.number,
            duration: 0,
            layer: TkhdBox::DEFAULT_LAYER,
            // Renditions, and mixes, are alternatives of each other.
            alternate_group: if is_video { 1 } else { 2 },
            volume: if is_video { TkhdBox::DEFAULT_VIDEO_VOLUME } else { TkhdBox::DEFAULT_AUDIO_VOLUME },
            matrix: TkhdBox::DEFAULT_MATRIX,
            width: side(width),
            height: side(height),
        },
        edts_box: None,
        mdia_box: MdiaBox {
            mdhd_box: MdhdBox {
                creation_time: created,
                modification_time: created,
                timescale: NonZeroU32::new(track.timescale).unwrap_or(NonZeroU32::MIN),
                duration: 0,
                language: LanguageCode::UNDEFINED,
            },
            hdlr_box: HdlrBox {
                handler_type: if is_video { HdlrBox::HANDLER_TYPE_VIDE } else { HdlrBox::HANDLER_TYPE_SOUN },
                name: if is_video { b"Genlock video\0".to_vec() } else { b"Genlock audio\0".to_vec() },
            },
            minf_box: MinfBox {
                media_header: Some(media_header),
                dinf_box: DinfBox::LOCAL_FILE,
                stbl_box: StblBox {
                    stsd_box: StsdBox { entries: vec![entry] },
                    stts_box: SttsBox { entries: Vec::new() },
                    ctts_box: None,
                    cslg_box: None,
                    stsc_box: StscBox { entries: Vec::new() },
                    stsz_box: StszBox::Variable { entry_sizes: Vec::new() },
                    stco_or_co64_box: Either::<StcoBox, Co64Box>::A(StcoBox { chunk_offsets: Vec::new() }),
                    stss_box: None,
                    sdtp_box: None,
                    unknown_boxes: Vec::new(),
                },
                unknown_boxes: Vec::new(),
            },
            unknown_boxes: Vec::new(),
        },
        unknown_boxes: Vec::new(),
    }
}
