//! The local recording: one MP4 file that survives whatever happens to the program, the machine or the stream.
//!
//! While it runs, the file is a fragmented MP4: a header and then one fragment a second, each written at once and
//! synced to the disk. It can be played at any moment, and what is lost when the power fails is the second that was
//! being gathered. When it is finished, an index of everything is appended, and 16 bytes at the head, until then a
//! `free` box, become the head of one `mdat` box around all fragments: from then on the file is a plain seekable MP4
//! for every player and editor, and nothing was copied. [`recover`] does the same for a file that was cut short.
//!
//! [`Segmenter`] makes the same fragments for players instead of a file.
//!
//! Times inside are exact: each track counts in its own unit, decode times are taken from the units' own, and edit
//! lists start all tracks at the first picture, so sound and picture stay as far apart as they were.

mod boxes;
mod codec;
mod error;
#[cfg(test)]
mod faults;
mod finish;
mod fragment;
mod journal;
mod name;
mod reader;
mod recorder;
mod recovery;
mod samples;
mod scan;
mod storage;
mod streaming;
mod summary;
mod timing;

pub use error::Error;
pub use name::file_stem;
pub use reader::Reader;
pub use recorder::{Finished, Options, Recorder, Stats};
pub use recovery::{Outcome, Recovered, recover};
pub use storage::Storage;
pub use streaming::Segmenter;
pub use summary::{Form, Gap, Summary, TrackSummary, inspect};
