//! Judging an FLV file, such as one that an ingest kept, as if it were streamed.

use ertmp::MediaKind;
use ertmp::amf0::{self, Value};
use ertmp::flv::{Item, Reader, Tag, TagKind, TimestampUnwrapper};
use units::MediaTime;

use super::{AnnouncedMedia, Judge, Verdict};
use crate::ladder::Promise;
use crate::limits::Rules;

/// Takes a file in pieces of any size. Time is that of the file: every tag arrives when its timestamp says.
pub struct FlvFileJudge {
    reader: Reader,
    judge: Judge,
    timestamps: TimestampUnwrapper,
    now: MediaTime,
}

impl FlvFileJudge {
    /// A judge for a file that might be streamed to a channel with `rules`.
    pub fn new(rules: Rules) -> Self {
        let mut judge = Judge::new(rules);
        judge.key_unknown();
        Self { reader: Reader::new(), judge, timestamps: TimestampUnwrapper::new(), now: MediaTime::ZERO }
    }

    /// Holds the file to `promise`, as if it came with the key that promises it. Call it before the first bytes.
    pub fn promise(&mut self, promise: Promise) {
        self.judge.promise(promise);
    }

    /// Judges the next bytes of the file.
    ///
    /// # Errors
    /// Those of [`ertmp::flv::Reader::next_item`]: the bytes are no FLV file. What was judged so far stands, and
    /// [`Self::finish`] can still be called.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), ertmp::Error> {
        self.reader.push(bytes);
        while let Some(item) = self.reader.next_item()? {
            if let Item::Tag(tag) = item {
                self.judge_tag(&tag);
            }
        }
        Ok(())
    }

    /// Whether the file ends with a whole tag; a recording that was cut short does not.
    pub fn is_whole(&self) -> bool {
        self.reader.is_at_boundary()
    }

    /// The outcome at the end of the file.
    pub fn finish(mut self) -> Verdict {
        self.judge.published(self.now);
        self.judge.finish(self.now)
    }

    fn judge_tag(&mut self, tag: &Tag) {
        let at = MediaTime::from_millis(self.timestamps.unwrap_ms(tag.timestamp_ms));
        self.now = self.now.max(at);
        // The first one counts.
        self.judge.published(at);
        let kind = match tag.kind {
            TagKind::Audio => MediaKind::Audio,
            TagKind::Video => MediaKind::Video,
            TagKind::Script => {
                if let Some(metadata) = read_metadata(&tag.body) {
                    self.judge.announced(AnnouncedMedia::read(&metadata), self.now);
                }
                return;
            }
        };
        self.judge.flv_tag(kind, tag.timestamp_ms, &tag.body, self.now);
        self.judge.tick(self.now);
    }
}

/// The value of an `onMetaData` script tag.
fn read_metadata(body: &[u8]) -> Option<Value> {
    let mut values = amf0::decode_all(body).ok()?.into_iter();
    let name = values.next()?;
    (name.as_str() == Some("onMetaData")).then(|| values.next()).flatten()
}

#[cfg(test)]
mod tests {
    use ertmp::flv::{file_header, file_tag};
    use proptest::prelude::*;

    use super::*;

    fn codes(verdict: &Verdict) -> Vec<&'static str> {
        verdict.findings.iter().map(|counted| counted.finding.code.name).collect()
    }

    /// Metadata that announces too little sound, then MP3 for 3 seconds, beginning at an hour.
    fn file() -> Vec<u8> {
        let mut file = file_header(true, true).to_vec();
        let mut metadata = Vec::new();
        amf0::encode(&Value::from("onMetaData"), &mut metadata).unwrap();
        amf0::encode(&Value::object([("audiodatarate", Value::from(32.0))]), &mut metadata).unwrap();
        file.extend(file_tag(TagKind::Script, 3_600_000, &metadata).unwrap());
        for at in 0..30 {
            file.extend(file_tag(TagKind::Audio, 3_600_000 + at * 100, &[0x2f, 1, 2, 3]).unwrap());
        }
        file
    }

    #[test]
    fn a_file_is_judged_like_a_stream() {
        let mut judge = FlvFileJudge::new(Rules::default());
        judge.push(&file()).unwrap();
        assert!(judge.is_whole());
        let verdict = judge.finish();
        assert!(!verdict.accepted);
        assert_eq!(codes(&verdict), ["audio-codec", "audio-bitrate"]);
        assert_eq!(codes(&FlvFileJudge::new(Rules::default()).finish()), ["no-media"]);
        assert!(FlvFileJudge::new(Rules::default()).push(b"RIFF").is_err());
    }

    proptest! {
        #[test]
        fn damaged_files_are_judged_without_panic(
            at in any::<prop::sample::Index>(), value in any::<u8>(), cut in any::<prop::sample::Index>(), piece in 1usize..200
        ) {
            let mut file = file();
            let at = at.index(file.len());
            file[at] = value;
            file.truncate(cut.index(file.len() + 1));
            let mut judge = FlvFileJudge::new(Rules::default());
            let read = file.chunks(piece).try_for_each(|piece| judge.push(piece));
            let whole = judge.is_whole();
            let verdict = judge.finish();
            prop_assert!(verdict.findings.len() < 20 && (read.is_err() || whole || !file.is_empty() || verdict.accepted));
        }
    }
}
