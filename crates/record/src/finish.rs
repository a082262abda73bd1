//! From a fragmented file to a plain one: the index behind, and the head of one `mdat` around everything before it.

use shiguredo_mp4::boxes::{EdtsBox, ElstBox, ElstEntry, HdlrBox, MoovBox};
use shiguredo_mp4::{Encode, FixedPointNumber};

use crate::Error;
use crate::samples::SampleTable;
use crate::storage::Storage;
use crate::timing::{MOVIE_TIMESCALE, rescale, rescale_up};

/// The whole index: the `moov` of the head with the samples of each track in it, tracks without samples left out.
///
/// The movie begins with the first picture of the first video track (without one, with the first sample of the first
/// track). What a track has before that is skipped by its edit list, what it lacks is an empty edit; both are exact.
pub(crate) fn full_moov(head: &MoovBox, tables: &[SampleTable]) -> MoovBox {
    let mut moov = head.clone();
    moov.mvex_box = None;
    let start = movie_start(head, tables);
    let mut longest = 0;
    for (trak, table) in moov.trak_boxes.iter_mut().zip(tables) {
        let timescale = trak.mdia_box.mdhd_box.timescale.get();
        let (edits, duration) = edits(table, timescale, start);
        trak.edts_box = Some(EdtsBox { elst_box: Some(edits), unknown_boxes: Vec::new() });
        trak.tkhd_box.duration = duration;
        trak.mdia_box.mdhd_box.duration = table.media_duration();
        let stbl = &mut trak.mdia_box.minf_box.stbl_box;
        stbl.stts_box = table.stts();
        stbl.ctts_box = table.ctts();
        stbl.stsc_box = table.stsc();
        stbl.stsz_box = table.stsz();
        stbl.stco_or_co64_box = table.chunk_offsets();
        stbl.stss_box = table.stss();
        longest = longest.max(duration);
    }
    moov.mvhd_box.duration = longest;
    let mut tables = tables.iter();
    moov.trak_boxes.retain(|_| tables.next().is_some_and(|table| !table.is_empty()));
    moov
}

/// Where the movie begins, from the recording's origin: ticks and units per second.
pub(crate) fn movie_start(head: &MoovBox, tables: &[SampleTable]) -> (u64, u32) {
    let filled = || head.trak_boxes.iter().zip(tables).filter(|(_, table)| !table.is_empty());
    let is_video = |trak: &shiguredo_mp4::boxes::TrakBox| {
        trak.mdia_box.hdlr_box.handler_type == HdlrBox::HANDLER_TYPE_VIDE
    };
    let first = filled().find(|(trak, _)| is_video(trak)).or_else(|| filled().next());
    first.map_or((0, 1), |(trak, table)| (table.first_pts(), trak.mdia_box.mdhd_box.timescale.get()))
}

/// The edit list of a track, and how long it is presented in movie time.
fn edits(table: &SampleTable, timescale: u32, (start, start_scale): (u64, u32)) -> (ElstBox, u64) {
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let start = rescale(signed(start), start_scale, timescale);
    let late = signed(table.first_pts()).saturating_sub(start);
    let rate = FixedPointNumber::new(1, 0);
    let mut entries = Vec::new();
    let mut wait = 0;
    if late > 0 {
        wait = rescale_up(late.unsigned_abs(), timescale, MOVIE_TIMESCALE);
        entries.push(ElstEntry { edit_duration: wait, media_time: -1, media_rate: rate });
    }
    let from = signed(table.first_pts()).max(start);
    let shown = u64::try_from(signed(table.end()).saturating_sub(from)).unwrap_or(0);
    let duration = rescale_up(shown, timescale, MOVIE_TIMESCALE);
    let media_time = from.saturating_sub(signed(table.first_dts()));
    entries.push(ElstEntry { edit_duration: duration, media_time, media_rate: rate });
    (ElstBox { entries }, wait.saturating_add(duration))
}

/// Appends the index at `end`, where the last fragment ends, and turns the reserved box into the head of the `mdat`.
/// Each step is on the medium before the next one, so the file is playable at any moment between.
pub(crate) fn finish(
    storage: &mut dyn Storage,
    reserved_at: u64,
    end: u64,
    moov: &MoovBox,
) -> Result<std::io::Result<u64>, Error> {
    let index = moov.encode_to_vec()?;
    let mut mdat_head = [0u8; 16];
    for (to, from) in
        mdat_head.iter_mut().zip([0, 0, 0, 1].iter().chain(b"mdat").chain(&(end - reserved_at).to_be_bytes()))
    {
        *to = *from;
    }
    let write = |storage: &mut dyn Storage| {
        storage.write_at(end, &index)?;
        storage.sync()?;
        storage.write_at(reserved_at, &mdat_head)?;
        storage.sync()?;
        Ok(end + index.len() as u64)
    };
    Ok(write(storage))
}
