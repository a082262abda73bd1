//! Reading a recording back into the units it was made of.

use std::collections::HashMap;
use std::fs::File;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use shiguredo_mp4::aux::SampleTableAccessor;
use shiguredo_mp4::boxes::{MoovBox, SampleEntry, StszBox, TrakBox};
use shiguredo_mp4::{Decode, Either};
use units::{AccessUnit, Dts, EncodeStamps, Kbps, Pts, Span, StreamConfig, Track, TrackConfig, TrackId};

use crate::Error;
use crate::codec;
use crate::samples::Sample;
use crate::scan;
use crate::storage::Storage;
use crate::timing::nanos;

/// Largest unit that is read: a picture of 64 MiB is none an encoder makes for us.
const MAX_UNIT: u32 = 64 << 20;

/// Where a unit lies and when it is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// Place of its track in [`Reader::tracks`].
    pub(crate) track: usize,
    pub(crate) dts: Dts,
    pub(crate) pts: Pts,
    pub(crate) span: Span,
    pub(crate) is_idr: bool,
    offset: u64,
    pub(crate) size: u32,
}

/// An MP4 file opened for reading: one of ours, running, cut short or finished, or one by another program, as long
/// as it holds H.264, H.265 or AAC. Tracks of other codes are passed over.
pub struct Reader {
    path: PathBuf,
    storage: Box<dyn Storage>,
    pub(crate) tracks: Vec<(Track, TrackConfig)>,
    /// In decode order over all tracks.
    pub(crate) entries: Vec<Entry>,
    pub(crate) bytes: u64,
    pub(crate) is_fragmented: bool,
    /// Bytes at the end that belong to no complete box.
    pub(crate) torn_bytes: u64,
}

/// One track while the file is opened.
struct Found<'a> {
    trak: &'a TrakBox,
    samples: Vec<(u64, Sample)>,
    /// Composition offsets as signed numbers, where they may be negative (files by others).
    offsets: Vec<i64>,
}

impl Reader {
    /// Opens a file and reads its index.
    ///
    /// # Errors
    /// [`Error::Resource`] when it can not be read, [`Error::Malformed`] when it is not an MP4 with a track this app
    /// knows.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|error| Error::resource("could not read", path, error))?;
        Self::on_storage(Box::new(file), path)
    }

    /// Reads the index of a storage of any kind. `path` is only for messages.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn on_storage(mut storage: Box<dyn Storage>, path: &Path) -> Result<Self, Error> {
        let unreadable = |error| Error::resource("could not read", path, error);
        let file = storage.as_mut();
        let length = file.length().map_err(unreadable)?;
        let (mut moov, mut fragments, mut next_dts) = (None, Vec::new(), Vec::new());
        let mut offset = 0;
        let mut torn_bytes = 0;
        while offset < length {
            let Some(place) = scan::place(file, offset, length).map_err(unreadable)? else {
                torn_bytes = length - offset;
                break;
            };
            if place.end() > length {
                torn_bytes = length - offset;
                break;
            }
            match (&place.box_type, &moov) {
                (b"moov", None) => {
                    let bytes = scan::whole(file, &place, length).map_err(unreadable)?.unwrap_or_default();
                    let (decoded, _) =
                        MoovBox::decode(&bytes).map_err(|error| Error::malformed(path, error.to_string()))?;
                    next_dts = scan::zero_times(&decoded);
                    moov = Some(decoded);
                }
                (b"moof", Some(moov)) => {
                    let found = scan::fragment(file, offset, length, moov, &mut next_dts);
                    let Some(fragment) = found.map_err(unreadable)? else {
                        torn_bytes = length - offset;
                        break;
                    };
                    offset = fragment.end;
                    fragments.push(fragment);
                    continue;
                }
                _ => {}
            }
            offset = place.end();
        }
        let Some(moov) = moov else {
            return Err(Error::malformed(path, "it is not an MP4 file, or has no index"));
        };
        let is_fragmented = moov.mvex_box.is_some();
        let mut found: Vec<Found> = Vec::new();
        for trak in &moov.trak_boxes {
            found.push(if is_fragmented {
                fragmented(trak, &fragments)
            } else {
                progressive(trak, path, length)?
            });
        }
        let (tracks, entries) = index(&found, &moov);
        if tracks.is_empty() {
            return Err(Error::malformed(path, "it has no track of H.264, H.265 or AAC"));
        }
        Ok(Self { path: path.to_owned(), storage, tracks, entries, bytes: length, is_fragmented, torn_bytes })
    }

    /// Decoder configurations of all tracks. Rates and bitrates are those the samples have.
    pub fn config(&self) -> StreamConfig {
        let mut config = StreamConfig::default();
        for (_, track) in &self.tracks {
            match track {
                TrackConfig::Video(video) => config.video.push(Arc::new(video.clone())),
                TrackConfig::Audio(audio) => config.audio.push(Arc::new(audio.clone())),
            }
        }
        config
    }

    /// All units in decode order. The first picture of the first video track is shown at zero; sound that begins a
    /// little earlier has a negative time.
    pub fn units(&mut self) -> impl Iterator<Item = Result<AccessUnit, Error>> + '_ {
        let Self { path, storage, tracks, entries, .. } = self;
        let mut counts = vec![0u64; tracks.len()];
        entries.iter().map(move |entry| {
            if entry.size > MAX_UNIT {
                return Err(Error::malformed(path, format!("a unit of {} bytes", entry.size)));
            }
            let mut data = vec![0; usize::try_from(entry.size).unwrap_or(0)];
            storage
                .read_at(entry.offset, &mut data)
                .map_err(|error| Error::resource("could not read", path, error))?;
            let track = tracks.get(entry.track).map_or(Track::Video(TrackId::PRIMARY), |(track, _)| *track);
            let count = counts.get_mut(entry.track);
            let index = count.map_or(0, |count| std::mem::replace(count, *count + 1));
            Ok(AccessUnit {
                track,
                pts: entry.pts,
                dts: entry.dts,
                span: entry.span,
                is_idr: entry.is_idr,
                is_disposable: false,
                index,
                stamps: EncodeStamps::default(),
                data: data.into(),
            })
        })
    }
}

fn fragmented<'a>(trak: &'a TrakBox, fragments: &[scan::Fragment]) -> Found<'a> {
    let mut samples = Vec::new();
    for (track, offset, run) in fragments.iter().flat_map(|fragment| &fragment.runs) {
        if *track != trak.tkhd_box.track_id {
            continue;
        }
        let mut at = *offset;
        for sample in run {
            samples.push((at, *sample));
            at += u64::from(sample.size);
        }
    }
    let offsets = samples.iter().map(|(_, sample)| i64::from(sample.offset)).collect();
    Found { trak, samples, offsets }
}

fn progressive<'a>(trak: &'a TrakBox, path: &Path, length: u64) -> Result<Found<'a>, Error> {
    let stbl = trak.mdia_box.minf_box.stbl_box.clone();
    // Sums of what the index says must stay within the file, so that none of them can overflow.
    let bytes: u64 = match &stbl.stsz_box {
        StszBox::Fixed { sample_size, sample_count } => {
            u64::from(sample_size.get()) * u64::from(*sample_count)
        }
        StszBox::Variable { entry_sizes } => entry_sizes.iter().map(|size| u64::from(*size)).sum(),
    };
    let last_chunk = match &stbl.stco_or_co64_box {
        Either::A(stco) => stco.chunk_offsets.iter().max().map_or(0, |offset| u64::from(*offset)),
        Either::B(co64) => co64.chunk_offsets.iter().max().map_or(0, |offset| *offset),
    };
    if bytes > length || last_chunk > length {
        return Err(Error::malformed(path, "its index points beyond its end"));
    }
    let table =
        SampleTableAccessor::new(stbl).map_err(|error| Error::malformed(path, format!("{error:?}")))?;
    let (mut samples, mut offsets) = (Vec::new(), Vec::new());
    for sample in table.samples() {
        offsets.push(sample.composition_time_offset().unwrap_or(0));
        let entry = Sample {
            size: sample.data_size(),
            dts: sample.timestamp(),
            offset: 0,
            duration: sample.duration(),
            is_sync: sample.is_sync_sample(),
        };
        samples.push((sample.data_offset(), entry));
    }
    Ok(Found { trak, samples, offsets })
}

/// How much to add to a track's times, after they are in nanoseconds, and how many ticks to take off before: what its
/// edit list says. Only an empty edit followed by a whole one is understood, which is what recorders write.
fn shift(trak: &TrakBox, moov: &MoovBox) -> (i64, i64) {
    let entries =
        trak.edts_box.as_ref().and_then(|edts| edts.elst_box.as_ref()).map(|elst| elst.entries.as_slice());
    let (mut wait, mut skip) = (0i64, 0);
    for entry in entries.unwrap_or_default() {
        if entry.media_time < 0 {
            let ticks = i64::try_from(entry.edit_duration).unwrap_or(i64::MAX);
            wait = nanos(ticks, moov.mvhd_box.timescale.get()).saturating_add(wait);
        } else {
            skip = entry.media_time;
            break;
        }
    }
    (wait, skip)
}

/// Turns the samples of all tracks we know into one list in decode order.
fn index(found: &[Found], moov: &MoovBox) -> (Vec<(Track, TrackConfig)>, Vec<Entry>) {
    let known: Vec<(&Found, codec::Entry)> = (found.iter())
        .filter(|found| !found.samples.is_empty())
        .filter_map(|found| {
            let stsd: &[SampleEntry] = &found.trak.mdia_box.minf_box.stbl_box.stsd_box.entries;
            Some((found, codec::entry(stsd.first()?)?))
        })
        .collect();
    // A running recording has no edit lists yet; its start is its first picture.
    let has_edits = known.iter().any(|(found, _)| found.trak.edts_box.is_some());
    let is_video = |entry: &codec::Entry| matches!(entry, codec::Entry::Video { .. });
    let primary = known.iter().find(|(_, entry)| is_video(entry)).or(known.first()).map(|(found, _)| found);
    let start = primary.filter(|_| !has_edits).map_or(0, |found| {
        let first = found.samples.first().map_or(0, |(_, sample)| i64::try_from(sample.dts).unwrap_or(0));
        let offset = found.offsets.first().copied().unwrap_or(0);
        nanos(first.saturating_add(offset), found.trak.mdia_box.mdhd_box.timescale.get())
    });
    let (mut videos, mut audios) = (0u8, 0u8);
    let (mut tracks, mut entries) = (Vec::new(), Vec::new());
    for (place, (found, entry)) in known.into_iter().enumerate() {
        let timescale = found.trak.mdia_box.mdhd_box.timescale;
        let (wait, skip) = shift(found.trak, moov);
        let time = |ticks: u64, offset: i64| {
            let ticks = i64::try_from(ticks).unwrap_or(i64::MAX).saturating_add(offset).saturating_sub(skip);
            nanos(ticks, timescale.get()).saturating_add(wait).saturating_sub(start)
        };
        for ((offset, sample), shown_later) in found.samples.iter().zip(&found.offsets) {
            let (dts, end) =
                (time(sample.dts, 0), time(sample.dts.saturating_add(u64::from(sample.duration)), 0));
            entries.push(Entry {
                track: place,
                dts: Dts::from_nanos(dts),
                pts: Pts::from_nanos(time(sample.dts, *shown_later)),
                span: Span::from_nanos(end.saturating_sub(dts)),
                is_idr: sample.is_sync,
                offset: *offset,
                size: sample.size,
            });
        }
        let counter = if is_video(&entry) { &mut videos } else { &mut audios };
        let id = TrackId(*counter);
        *counter = counter.saturating_add(1);
        let track = if is_video(&entry) { Track::Video(id) } else { Track::Audio(id) };
        let (duration, bitrate) = figures(found, timescale);
        tracks.push((track, entry.into_config(id, timescale, duration, bitrate)));
    }
    entries.sort_by_key(|entry| entry.dts);
    (tracks, entries)
}

/// The commonest duration of a sample, in ticks, and the mean bitrate.
fn figures(found: &Found, timescale: NonZeroU32) -> (u32, Kbps) {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    let (mut bytes, mut total) = (0u64, 0u64);
    for (_, sample) in &found.samples {
        *counts.entry(sample.duration).or_default() += 1;
        bytes += u64::from(sample.size);
        total += u64::from(sample.duration);
    }
    let common = counts.into_iter().max_by_key(|(duration, count)| (*count, *duration)).map_or(1, |(d, _)| d);
    let bits_per_sec = u128::from(bytes) * 8 * u128::from(timescale.get()) / u128::from(total.max(1));
    (common, Kbps::from_bits_per_sec(u64::try_from(bits_per_sec).unwrap_or(u64::MAX)))
}
