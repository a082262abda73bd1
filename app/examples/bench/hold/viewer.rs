//! What arrives, and when: reads the files of the ingest while they grow.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::Result;
use ertmp::flv::{self, FrameType, TagKind, VideoTag};
use ivs::transport_stream::{self, Trouble};
use serde_json::{Value, json};
use units::{Span, TrackId};

use crate::received::pictures;

/// How often the files are looked at: the precision of all times.
const LOOK: Duration = Duration::from_millis(4);

/// A picture of the primary rendition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Picture {
    /// Since the viewer was started.
    pub(crate) at: Span,
    /// Number of the file it is in, from 0: each session of the ingest has its own.
    pub(crate) session: usize,
    dts: Span,
    /// Whether a viewer can show it: all it depends on has arrived too.
    is_decodable: bool,
}

/// What has come so far.
#[derive(Default)]
struct Seen {
    pictures: Vec<Picture>,
    /// Bytes by the instant they were seen at.
    bytes: Vec<(Span, usize)>,
}

/// Looks until it is dropped.
pub(crate) struct Viewer {
    begin: Instant,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Viewer {
    /// Watches the output folder of an ingest, which is empty yet.
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let (begin, seen, stop) = (Instant::now(), Arc::default(), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (seen, stop, folder) = (Arc::clone(&seen), Arc::clone(&stop), folder.to_owned());
            let watch = move || {
                let mut sessions = BTreeMap::new();
                while !stop.load(Ordering::Relaxed) {
                    look(&folder, &mut sessions, begin, &seen);
                    std::thread::sleep(LOOK);
                }
            };
            std::thread::Builder::new().name(String::from("viewer")).spawn(watch)?
        };
        Ok(Self { begin, seen, stop, thread: Some(thread) })
    }

    /// Time since it was started.
    pub(crate) fn now(&self) -> Span {
        Span::from_duration(self.begin.elapsed())
    }

    /// Sleeps until the given time since it was started.
    pub(crate) fn sleep_until(&self, at: Span) {
        std::thread::sleep((at - self.now()).to_duration());
    }

    /// The pictures that arrived in `from..to`.
    pub(crate) fn view(&self, from: Span, to: Span) -> View {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let mut quickest = BTreeMap::new();
        for picture in &seen.pictures {
            let delay = picture.at - picture.dts;
            quickest
                .entry(picture.session)
                .and_modify(|least: &mut Span| *least = delay.min(*least))
                .or_insert(delay);
        }
        let pictures = seen.pictures.iter().filter(|picture| (from..to).contains(&picture.at));
        let late = |picture: &Picture| {
            picture.at - picture.dts - quickest.get(&picture.session).copied().unwrap_or_default()
        };
        let pictures = pictures.map(|picture| (*picture, late(picture))).collect();
        let bytes = seen.bytes.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, bytes)| bytes).sum();
        View { from, to, pictures, bytes }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// A stretch of time at the viewer.
pub(crate) struct View {
    from: Span,
    to: Span,
    /// Each with how much later it came than the quickest of its session.
    pictures: Vec<(Picture, Span)>,
    bytes: usize,
}

impl View {
    /// The pictures that could be shown, and how late each was.
    pub(crate) fn shown(&self) -> impl DoubleEndedIterator<Item = (Picture, Span)> + '_ {
        self.pictures.iter().copied().filter(|(picture, _)| picture.is_decodable)
    }

    /// Media bytes per second of the stretch, in kbps.
    pub(crate) fn kbps(&self) -> f64 {
        self.bytes as f64 * 8.0 / 1000.0 / (self.to - self.from).as_secs_f64()
    }

    /// Share of pictures, pauses and delay, for a show of `fps`.
    pub(crate) fn figures(&self, fps: f64) -> Value {
        let wanted = (self.to - self.from).as_secs_f64() * fps;
        let shown: Vec<Span> = self.shown().map(|(picture, _)| picture.at).collect();
        let ends = shown.iter().copied().chain([self.to]);
        let begins = [self.from].into_iter().chain(shown.iter().copied());
        let pause = begins.zip(ends).map(|(begin, end)| end - begin).max().unwrap_or_default();
        let mut late: Vec<Span> = self.shown().map(|(_, late)| late).collect();
        late.sort_unstable();
        let at =
            |share: f64| late.get(((late.len() as f64 - 1.0) * share) as usize).map(|span| span.as_millis());
        json!({
            "shown_share": shown.len() as f64 / wanted,
            "arrived_undecodable": self.pictures.len() - shown.len(),
            "longest_pause_ms": pause.as_millis(),
            "later_than_the_quickest_ms": { "median": at(0.5), "p95": at(0.95), "worst": at(1.0) },
            "media_kbps": self.kbps(),
        })
    }
}

/// A file that grows, and what reads it.
struct Session {
    file: File,
    form: Form,
}

enum Form {
    Flv(flv::Reader),
    /// With whether the pictures up to the next IDR can be decoded.
    TransportStream(Box<transport_stream::Reader>, bool),
}

fn look(
    folder: &Path,
    sessions: &mut BTreeMap<PathBuf, Option<(usize, Session)>>,
    begin: Instant,
    seen: &Mutex<Seen>,
) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in entries {
        let number = sessions.values().flatten().count();
        sessions.entry(path).or_insert_with_key(|path| Some((number, Session::open(path)?)));
    }
    for (number, session) in sessions.values_mut().flatten() {
        let mut fresh = Vec::new();
        if session.file.read_to_end(&mut fresh).is_err() || fresh.is_empty() {
            continue;
        }
        let at = Span::from_duration(begin.elapsed());
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.bytes.push((at, fresh.len()));
        session.push(&fresh, |dts, is_decodable| {
            seen.pictures.push(Picture { at, session: *number, dts, is_decodable });
        });
    }
}

impl Session {
    fn open(path: &Path) -> Option<Self> {
        let is_stream = path.file_name()?.to_str()?.starts_with("received-");
        let form = match path.extension()?.to_str()? {
            "flv" if is_stream => Form::Flv(flv::Reader::new()),
            "ts" if is_stream => Form::TransportStream(Box::default(), false),
            _ => return None,
        };
        Some(Self { file: File::open(path).ok()?, form })
    }

    /// Tells decode time and decodability of every picture.
    fn push(&mut self, bytes: &[u8], mut tell: impl FnMut(Span, bool)) {
        match &mut self.form {
            Form::Flv(reader) => {
                reader.push(bytes);
                while let Ok(Some(item)) = reader.next_item() {
                    let flv::Item::Tag(tag) = item else { continue };
                    if tag.kind != TagKind::Video {
                        continue;
                    }
                    let Ok(picture) = VideoTag::decode(&tag.body) else { continue };
                    let shown = matches!(picture.frame_type(), FrameType::Key | FrameType::Inter);
                    if shown && pictures(&picture).iter().any(|(track, _)| *track == TrackId::PRIMARY) {
                        // The sender drops whole tails, and TCP loses nothing.
                        tell(Span::from_millis(i64::from(tag.timestamp_ms)), true);
                    }
                }
            }
            Form::TransportStream(reader, is_whole) => {
                reader.push(bytes);
                while let Some(item) = reader.next_item() {
                    match item {
                        transport_stream::Item::Picture { dts, is_idr, .. } => {
                            *is_whole |= is_idr;
                            tell(Span::from_nanos(dts.as_nanos()), *is_whole);
                        }
                        transport_stream::Item::Trouble(
                            Trouble::Missing(_)
                            | Trouble::Pes(_)
                            | Trouble::Damaged(_)
                            | Trouble::LostSync(_),
                        ) => *is_whole = false,
                        _ => {}
                    }
                }
            }
        }
    }
}
