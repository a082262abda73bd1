//! Writing a recording.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use shiguredo_mp4::boxes::MoovBox;
use units::{AccessUnit, Dts, Pts, Span, StreamConfig, Track};

use crate::Error;
use crate::boxes::{TrackHead, head};
use crate::finish::{finish, full_moov};
use crate::fragment::{Part, fragment};
use crate::journal::Journal;
use crate::name::{file_stem, numbered};
use crate::samples::SampleTable;
use crate::storage::Storage;
use crate::timing::{nanos, ticks};

/// Longest stretch of the first track in a fragment: what is lost at most when the power fails while the next one is
/// being gathered. With the one being written, a cut loses less than two.
const FRAGMENT: Span = Span::from_secs(1);

/// Longest stretch of any other track. Longer than the first track's, which normally ends the fragments of all:
/// frames of sound do not fill a second exactly, and two rhythms would make twice as many fragments.
const OTHER_TRACKS: Span = Span::from_millis(1500);

/// Times are rounded to the nanosecond; that must not end a fragment a frame early.
const ROUNDING: Span = Span::from_micros(1);

/// A fragment is also ended when it holds this much, so that units without time can not fill the memory.
const FRAGMENT_BYTES: usize = 64 << 20;

/// How much may be held back until the first key frame comes.
const WAITING: Span = Span::from_secs(10);

/// What to record with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The time of day at the start, since 1970 in UTC: it is written into the file and the journal.
    pub started_unix: Duration,
    /// Keep the journal beside the finished file, for tools that map the file back to the media clock.
    pub keep_journal: bool,
}

/// How a recording is going.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes in the file.
    pub bytes: u64,
    /// Fragments on the medium.
    pub fragments: u32,
    /// Media time that is safe on the medium.
    pub duration: Span,
    /// Where the file's zero is on the media clock: when its first picture is shown. `None` until there is one.
    pub starts_at: Option<Pts>,
    /// Units that came before the first key frame and could not be used. A recording that starts in the middle of a
    /// stream has some.
    pub early_units: u64,
    /// Units that were out of order and were left out.
    pub refused_units: u64,
}

/// A recording that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The file.
    pub path: PathBuf,
    /// How it went.
    pub stats: Stats,
}

#[derive(Debug)]
enum State {
    /// Units are held back until every track has something to begin with.
    Waiting(Vec<AccessUnit>),
    /// `origin_ns` of the media clock is the file's zero; units shown before `start` are not needed.
    Running { origin_ns: i64, start: Pts },
    /// A write failed.
    Stopped,
}

struct TrackWriter {
    head: TrackHead,
    pending: Vec<AccessUnit>,
    last_dts: Option<Dts>,
}

/// A recording being written. It belongs to one thread, and each [`Recorder::write`] may wait for the disk.
///
/// Dropping it without [`Recorder::finish`] leaves a file that plays, and a journal by which [`crate::recover`]
/// finds it.
pub struct Recorder {
    path: PathBuf,
    storage: Box<dyn Storage>,
    journal: Option<Journal>,
    keep_journal: bool,
    reserved_at: u64,
    moov: MoovBox,
    tracks: Vec<TrackWriter>,
    tables: Vec<SampleTable>,
    state: State,
    /// Where the last complete fragment ends.
    end: u64,
    first_pts: Option<Pts>,
    stats: Stats,
}

impl Recorder {
    /// Starts a recording of all tracks of `config` in the folder `dir`, which is made if it does not exist. The file
    /// is called `name.mp4` ([`file_stem`] of the name), or `name (2).mp4` if that exists.
    ///
    /// The recording begins with the first key frame of the first video track. Decoder configurations can not change
    /// within a recording: when an encoder comes back with another one, finish and start anew.
    ///
    /// # Errors
    /// [`Error::Resource`] or [`Error::DiskFull`] when the file can not be made, [`Error::Config`] when a track can
    /// not be recorded.
    pub fn start(dir: &Path, name: &str, config: &StreamConfig, options: Options) -> Result<Self, Error> {
        // Before anything is created: a wrong configuration shall leave no file.
        head(config, options.started_unix)?;
        fs::create_dir_all(dir)
            .map_err(|error| Error::resource("could not create the folder", dir, error))?;
        let (path, file, mut journal) = create(dir, &file_stem(name))?;
        let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        journal.started(&file_name, options.started_unix, config);
        Self::on(Box::new(file), path, Some(journal), config, options)
    }

    /// A recording on a storage of any kind, without a journal. `path` is only for messages.
    ///
    /// # Errors
    /// As [`Recorder::start`].
    pub fn on_storage(
        storage: Box<dyn Storage>,
        path: &Path,
        config: &StreamConfig,
        options: Options,
    ) -> Result<Self, Error> {
        Self::on(storage, path.to_owned(), None, config, options)
    }

    fn on(
        mut storage: Box<dyn Storage>,
        path: PathBuf,
        journal: Option<Journal>,
        config: &StreamConfig,
        options: Options,
    ) -> Result<Self, Error> {
        let head = head(config, options.started_unix)?;
        let written = storage.write_at(0, &head.bytes).and_then(|()| storage.sync());
        if let Err(error) = written {
            if let Some(journal) = journal {
                journal.remove();
                drop(storage);
                // Best effort: nothing is in the file.
                let _ = fs::remove_file(&path);
            }
            return Err(Error::resource("could not write", &path, error));
        }
        let tracks =
            head.tracks.iter().map(|head| TrackWriter { head: *head, pending: Vec::new(), last_dts: None });
        Ok(Self {
            path,
            storage,
            journal,
            keep_journal: options.keep_journal,
            reserved_at: head.reserved_at,
            tables: vec![SampleTable::default(); head.tracks.len()],
            tracks: tracks.collect(),
            moov: head.moov,
            state: State::Waiting(Vec::new()),
            end: head.bytes.len() as u64,
            first_pts: None,
            stats: Stats { bytes: head.bytes.len() as u64, ..Stats::default() },
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How the recording is going.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Adds a unit. Units of one track come in decode order; tracks may be ahead of each other.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`] and [`Error::UnknownTrack`] leave the unit out, and the recording goes on.
    /// [`Error::DiskFull`] and [`Error::Resource`] end it: the file is cut back to its last complete fragment, every
    /// later unit is answered with [`Error::Stopped`], and [`Recorder::finish`] shall still be called.
    pub fn write(&mut self, unit: &AccessUnit) -> Result<(), Error> {
        self.track(unit.track)?;
        match &mut self.state {
            State::Stopped => Err(Error::Stopped),
            State::Running { .. } => self.accept(unit),
            State::Waiting(waiting) => {
                let has_key = unit.is_idr || waiting.iter().any(|held| held.track == unit.track);
                if !has_key {
                    self.stats.early_units += 1;
                    return Ok(());
                }
                waiting.push(unit.clone());
                self.begin(false)
            }
        }
    }

    fn track(&mut self, track: Track) -> Result<&mut TrackWriter, Error> {
        self.tracks.iter_mut().find(|writer| writer.head.track == track).ok_or(Error::UnknownTrack(track))
    }

    /// Begins the file when every track has something to begin with, or when waiting any longer is of no use, or
    /// when it `must`.
    fn begin(&mut self, must: bool) -> Result<(), Error> {
        let State::Waiting(waiting) = &mut self.state else { return Ok(()) };
        let primary = self.tracks.first().map(|writer| writer.head.track);
        let Some(start) = waiting.iter().find(|unit| Some(unit.track) == primary).map(|unit| unit.pts) else {
            // Sound that waits for a picture: only the newest can be of use.
            let newest = waiting.iter().map(|unit| unit.dts).max().unwrap_or_default();
            let before = waiting.len();
            waiting.retain(|unit| newest - unit.dts <= WAITING);
            self.stats.early_units += (before - waiting.len()) as u64;
            return Ok(());
        };
        let complete = self.tracks.iter().all(|writer| {
            waiting.iter().any(|unit| unit.track == writer.head.track && can_begin(unit, start))
        });
        let newest = waiting.iter().filter(|unit| Some(unit.track) == primary).map(|unit| unit.dts).max();
        let waited = newest.is_some_and(|newest| newest.as_nanos() - start.as_nanos() >= FRAGMENT.as_nanos());
        if !complete && !waited && !must {
            return Ok(());
        }
        let units = std::mem::take(waiting);
        let origin_ns = origin(&units, start, self.tracks.first().map(|writer| writer.head));
        self.state = State::Running { origin_ns, start };
        for unit in units {
            match self.accept(&unit) {
                Ok(()) | Err(Error::OutOfOrder { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn accept(&mut self, unit: &AccessUnit) -> Result<(), Error> {
        let State::Running { origin_ns, start } = self.state else { return Err(Error::Stopped) };
        let primary = self.tracks.first().map(|writer| writer.head.track);
        let writer = self.track(unit.track)?;
        if writer.last_dts.is_none() && (!can_begin(unit, start) || unit.dts.as_nanos() < origin_ns) {
            self.stats.early_units += 1;
            return Ok(());
        }
        if writer.last_dts.is_some_and(|last| unit.dts <= last) || unit.pts.as_nanos() < unit.dts.as_nanos() {
            self.stats.refused_units += 1;
            return Err(Error::OutOfOrder { track: unit.track, at_ms: unit.dts.as_millis() });
        }
        let oldest = writer.pending.first().map(|first| first.dts);
        let limit = if Some(unit.track) == primary { FRAGMENT } else { OTHER_TRACKS };
        let too_long = oldest.is_some_and(|oldest| unit.dts + unit.span - oldest > limit + ROUNDING);
        let held: usize = writer.pending.iter().map(|unit| unit.data.len()).sum();
        let new_gop = Some(unit.track) == primary && unit.is_video() && unit.is_idr && oldest.is_some();
        if too_long || new_gop || held + unit.data.len() > FRAGMENT_BYTES {
            self.flush()?;
        }
        self.stats.starts_at = Some(*self.first_pts.get_or_insert(start));
        let writer = self.track(unit.track)?;
        writer.last_dts = Some(unit.dts);
        writer.pending.push(unit.clone());
        Ok(())
    }

    /// Writes what is gathered as one fragment, and waits until it is on the medium.
    fn flush(&mut self) -> Result<(), Error> {
        let State::Running { origin_ns, start } = self.state else { return Ok(()) };
        let filled = || self.tracks.iter().filter(|writer| !writer.pending.is_empty());
        let parts: Vec<Part> = filled().map(|w| Part { head: w.head, units: &w.pending }).collect();
        if parts.is_empty() {
            return Ok(());
        }
        let sequence = self.stats.fragments.saturating_add(1);
        let first_dts =
            filled().filter_map(|w| w.pending.first()).map(|unit| unit.dts).min().unwrap_or_default();
        let end_pts =
            filled().flat_map(|w| &w.pending).map(|unit| unit.pts + unit.span).max().unwrap_or(start);
        let fragment = fragment(sequence, &parts, origin_ns)?;
        if let Err(error) = self.storage.write_at(self.end, &fragment.bytes) {
            return Err(self.stop(error, true));
        }
        let offset = self.end;
        let numbers: Vec<u32> = parts.iter().map(|part| part.head.number).collect();
        for (number, (at, samples)) in numbers.iter().zip(&fragment.parts) {
            let index = usize::try_from(*number).unwrap_or(usize::MAX).saturating_sub(1);
            if let Some(table) = self.tables.get_mut(index) {
                table.push_chunk(offset + at, samples);
            }
        }
        for writer in &mut self.tracks {
            writer.pending.clear();
        }
        self.end += fragment.bytes.len() as u64;
        self.stats.bytes = self.end;
        self.stats.fragments = sequence;
        self.stats.duration = end_pts - start;
        if let Err(error) = self.storage.sync() {
            return Err(self.stop(error, false));
        }
        if let Some(journal) = &mut self.journal {
            journal.fragment(sequence, offset, fragment.bytes.len() as u64, first_dts.as_millis());
        }
        Ok(())
    }

    /// Ends the recording after a failed write: what is torn is cut off, so the file ends with a whole fragment.
    fn stop(&mut self, error: io::Error, torn: bool) -> Error {
        if torn && let Err(error) = self.storage.truncate(self.end) {
            tracing::warn!(path = %self.path.display(), %error, "a torn fragment stays at the end of the recording");
        }
        self.state = State::Stopped;
        for writer in &mut self.tracks {
            writer.pending = Vec::new();
        }
        Error::resource("could not write", &self.path, error)
    }

    /// Writes the rest and makes the file a plain MP4. After a failed write this finishes what is there; if even
    /// that has no room, the file stays as it is, playable, for [`crate::recover`] to finish later.
    ///
    /// # Errors
    /// [`Error::Empty`] when nothing was recorded (no file is left behind then), otherwise those of
    /// [`Recorder::write`].
    pub fn finish(mut self) -> Result<Finished, Error> {
        self.begin(true)?;
        let flushed = self.flush();
        if self.tables.iter().all(SampleTable::is_empty) {
            if let Some(journal) = self.journal.take() {
                drop(self.storage);
                // Best effort: a file without a single picture is of no use to anybody.
                let _ = fs::remove_file(&self.path);
                journal.remove();
            }
            return Err(flushed.err().unwrap_or(Error::Empty));
        }
        let moov = full_moov(&self.moov, &self.tables);
        match finish(self.storage.as_mut(), self.reserved_at, self.end, &moov)? {
            Ok(bytes) => self.stats.bytes = bytes,
            Err(error) => return Err(self.stop(error, true)),
        }
        if let Some(journal) = self.journal.take() {
            journal.finished(self.stats.bytes, self.stats.duration.as_millis(), self.keep_journal);
        }
        flushed.map(|()| Finished { path: self.path, stats: self.stats })
    }
}

/// Whether a track can begin with `unit` in a recording whose first picture is shown at `start`: a key frame that is
/// not before it, or sound of which something is heard after it, or that a decoder needs for that: frames of AAC
/// overlap by half (ISO/IEC 14496-3, 4.6.11), so the first one heard needs the one before it.
fn can_begin(unit: &AccessUnit, start: Pts) -> bool {
    if unit.is_video() { unit.is_idr && unit.pts >= start } else { unit.pts + unit.span + unit.span > start }
}

/// The file's zero on the media clock: not after the earliest decode time, so that no time in the file is negative,
/// and a whole number of frames before the primary track's first, so that its frames, and sound wherever a frame
/// lasts a whole number of samples, count exactly from it.
fn origin(units: &[AccessUnit], start: Pts, primary: Option<TrackHead>) -> i64 {
    let beginnings = || units.iter().filter(|unit| can_begin(unit, start));
    let earliest = beginnings().map(|unit| unit.dts.as_nanos()).min().unwrap_or(start.as_nanos());
    let first = beginnings().find(|unit| Some(unit.track) == primary.map(|head| head.track));
    let (Some(first), Some(head)) = (first, primary) else { return earliest };
    let first = first.dts.as_nanos();
    let grid = i64::from(head.grid.max(1));
    // One tick more than the nearest, so that rounding can not end after the earliest.
    let before = if earliest < first { ticks(first - earliest, head.timescale) + 1 } else { 0 };
    first - nanos((before + grid - 1) / grid * grid, head.timescale)
}

/// Creates the files of a recording under the first free name.
fn create(dir: &Path, stem: &str) -> Result<(PathBuf, File, Journal), Error> {
    for attempt in 1..=9999 {
        let path = dir.join(format!("{}.mp4", numbered(stem, attempt)));
        let taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        // The journal first: a recording never exists without one.
        let journal = match Journal::create(&path) {
            Ok(journal) => journal,
            Err(error) if taken(&error) => continue,
            Err(error) => return Err(Error::resource("could not create", &path, error)),
        };
        match OpenOptions::new().create_new(true).read(true).write(true).open(&path) {
            Ok(file) => return Ok((path, file, journal)),
            Err(error) => {
                journal.remove();
                if !taken(&error) {
                    return Err(Error::resource("could not create", &path, error));
                }
            }
        }
    }
    let path = dir.join(format!("{stem}.mp4"));
    Err(Error::resource("could not create", &path, io::ErrorKind::AlreadyExists.into()))
}
