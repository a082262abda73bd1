//! Finishing recordings that were cut short.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use shiguredo_mp4::boxes::{HdlrBox, MoovBox};
use units::Span;

use crate::Error;
use crate::finish::{finish, full_moov, movie_start};
use crate::journal::{self, Found};
use crate::samples::SampleTable;
use crate::scan::{self, Fragment, Kind};
use crate::storage::Storage;
use crate::timing::{nanos, rescale};

/// A recording that was found unfinished.
#[derive(Debug)]
pub struct Recovered {
    /// The file.
    pub path: PathBuf,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an unfinished recording.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// It is a plain MP4 now.
    Repaired {
        /// How long it is.
        duration: Span,
        /// Bytes of a torn fragment that were cut off.
        cut_bytes: u64,
    },
    /// It was cut short before its first fragment was written. File and journal are removed.
    Empty,
    /// It is being recorded by a program that runs. Nothing was touched.
    Running,
    /// It could not be finished; the disk may be full. What plays of it still does, and a later try may succeed.
    Failed(Error),
}

/// Finishes all recordings in `dir` that were cut short, in the order of their names. Finished recordings, recordings
/// that are running, and files by other programs are left alone, so it can be done at any time, any number of times.
///
/// # Errors
/// [`Error::Resource`] when the folder can not be read. What goes wrong with one file is said in its outcome.
pub fn recover(dir: &Path) -> Result<Vec<Recovered>, Error> {
    let unreadable = |error| Error::resource("could not read the folder", dir, error);
    let (mut paths, mut journals) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let is_mp4 = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mp4"));
        if is_mp4 && path.is_file() {
            paths.push(path);
        } else if let Some(recording) = journal::recording_of(&path) {
            journals.push(recording);
        }
    }
    paths.sort();
    remove_orphans(&journals);
    let outcomes = paths.into_iter().filter_map(|path| {
        let outcome = recover_file(&path).unwrap_or_else(|error| Some(Outcome::Failed(error)));
        outcome.map(|outcome| Recovered { path, outcome })
    });
    Ok(outcomes.collect())
}

/// Removes journals whose recording was cut short before its file was made, or was removed by the person.
fn remove_orphans(recordings: &[PathBuf]) {
    for recording in recordings.iter().filter(|recording| !recording.exists()) {
        if let Ok(Found::Open { _lock: lock }) = journal::find(recording) {
            drop(lock);
            // Best effort: a stray journal does no harm.
            let _ = fs::remove_file(journal::path_of(recording));
        }
    }
}

/// `None` when there is nothing to do.
fn recover_file(path: &Path) -> Result<Option<Outcome>, Error> {
    let failed = |error| Error::resource("could not repair", path, error);
    // The lock of an open journal lasts until this function returns.
    let journal = journal::find(path).map_err(failed)?;
    if matches!(journal, Found::Locked) {
        return Ok(Some(Outcome::Running));
    }
    let was_running = matches!(journal, Found::Open { .. });
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        // Without a journal, a file that is read-only is none of ours that was cut short.
        Err(_) if !was_running => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let outcome = match repair(&mut file).map_err(failed)? {
        Repair::NotNeeded => None,
        Repair::NotOurs if was_running && file.length().map_err(failed)? < MAX_HEAD => Some(Outcome::Empty),
        Repair::NotOurs if was_running => {
            return Err(Error::malformed(path, "its head is damaged; it may still play in part"));
        }
        Repair::NotOurs => None,
        Repair::Empty if was_running => Some(Outcome::Empty),
        Repair::Empty => None,
        Repair::Done { duration, cut_bytes } => Some(Outcome::Repaired { duration, cut_bytes }),
        Repair::Internal(error) => return Err(error),
    };
    drop(file);
    if matches!(outcome, Some(Outcome::Empty)) {
        fs::remove_file(path).map_err(failed)?;
    }
    if was_running {
        drop(journal);
        fs::remove_file(journal::path_of(path)).map_err(failed)?;
    }
    Ok(outcome)
}

/// A file shorter than this that has a journal and no readable head was cut short while its head was written.
const MAX_HEAD: u64 = 64 << 10;

/// What [`repair`] did.
#[derive(Debug)]
pub(crate) enum Repair {
    NotOurs,
    NotNeeded,
    Empty,
    Done { duration: Span, cut_bytes: u64 },
    Internal(Error),
}

/// Cuts off what is torn and finishes the file. Doing it again after it was itself cut short gives the same result.
pub(crate) fn repair(storage: &mut dyn Storage) -> io::Result<Repair> {
    let (reserved_at, moov, first_fragment) = match scan::kind(storage)? {
        Kind::Foreign => return Ok(Repair::NotOurs),
        Kind::Finished => return Ok(Repair::NotNeeded),
        Kind::Unfinished { reserved_at, moov, first_fragment } => (reserved_at, moov, first_fragment),
    };
    let length = storage.length()?;
    let mut fragments = scan::fragments(storage, first_fragment, &moov)?;
    // After a power cut a file may have its length but not its bytes. Whole fragments before the last were synced.
    while let Some(last) = fragments.last() {
        if is_sound(storage, &moov, last)? {
            break;
        }
        fragments.pop();
    }
    let Some(end) = fragments.last().map(|fragment| fragment.end) else { return Ok(Repair::Empty) };
    let mut tables = vec![SampleTable::default(); moov.trak_boxes.len()];
    for (track, offset, samples) in fragments.iter().flat_map(|fragment| &fragment.runs) {
        let place = moov.trak_boxes.iter().position(|trak| trak.tkhd_box.track_id == *track);
        if let Some(table) = place.and_then(|place| tables.get_mut(place)) {
            table.push_chunk(*offset, samples);
        }
    }
    if tables.iter().all(SampleTable::is_empty) {
        return Ok(Repair::Empty);
    }
    storage.truncate(end)?;
    let finished = match finish(storage, reserved_at, end, &full_moov(&moov, &tables)) {
        Ok(finished) => finished,
        Err(error) => return Ok(Repair::Internal(error)),
    };
    if let Err(error) = finished {
        // No room for the index: without half of it the file plays as before.
        storage.truncate(end)?;
        return Err(error);
    }
    Ok(Repair::Done { duration: duration(&moov, &tables), cut_bytes: length.saturating_sub(end) })
}

/// How long the movie is, from its first picture to the end of what lasts longest.
fn duration(moov: &MoovBox, tables: &[SampleTable]) -> Span {
    let signed = |ticks: u64| i64::try_from(ticks).unwrap_or(i64::MAX);
    let (start, start_scale) = movie_start(moov, tables);
    let filled = moov.trak_boxes.iter().zip(tables).filter(|(_, table)| !table.is_empty());
    let lengths = filled.map(|(trak, table)| {
        let timescale = trak.mdia_box.mdhd_box.timescale.get();
        let start = rescale(signed(start), start_scale, timescale);
        nanos(signed(table.end()).saturating_sub(start), timescale)
    });
    Span::from_nanos(lengths.max().unwrap_or(0))
}

/// Whether the pictures of a fragment are really there: the lengths of their NAL units add up, and none of them is
/// empty, as it would be where the medium holds zeros.
fn is_sound(storage: &mut dyn Storage, moov: &MoovBox, fragment: &Fragment) -> io::Result<bool> {
    for (track, offset, samples) in &fragment.runs {
        let trak = moov.trak_boxes.iter().find(|trak| trak.tkhd_box.track_id == *track);
        let is_video =
            trak.is_some_and(|trak| trak.mdia_box.hdlr_box.handler_type == HdlrBox::HANDLER_TYPE_VIDE);
        let mut at = *offset;
        for sample in samples.iter().filter(|_| is_video) {
            let mut picture = vec![0; usize::try_from(sample.size).unwrap_or(0)];
            storage.read_at(at, &mut picture)?;
            if !has_whole_nal_units(&picture) {
                return Ok(false);
            }
            at += u64::from(sample.size);
        }
    }
    Ok(true)
}

/// NAL units behind their lengths in 4 bytes (ISO/IEC 14496-15, 5.3.4.2), from the first byte to the last.
fn has_whole_nal_units(mut picture: &[u8]) -> bool {
    if picture.is_empty() {
        return false;
    }
    while let Some((length, rest)) = picture.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (true, Some(rest)) = (length > 0, rest.get(length..)) else { return false };
        picture = rest;
    }
    picture.is_empty()
}
