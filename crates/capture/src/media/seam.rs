//! Joining the end of a file to its beginning without a gap or an overlap.
//!
//! After a segment seek without flush, GStreamer lets the next round begin at the position of the demuxer, which is
//! the time stamp of the last block and not its end (`gst_segment_do_seek`). Each round would be one block too short
//! and its first block would lie over the last one of the round before. So the segments that leave the decoder are
//! moved to where their round begins: round number times duration.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gstreamer as gst;
use gstreamer::prelude::*;

/// Rounds that may be on their way through the decoder together; short files fill it with several.
const REMEMBERED: usize = 64;

#[derive(Default)]
struct State {
    duration: Option<gst::ClockTime>,
    round: u64,
    /// Sequence number of the seek that began a round, and the number of the round.
    seeks: VecDeque<(gst::Seqnum, u64)>,
}

/// Counts the rounds of a file.
#[derive(Clone, Default)]
pub(super) struct Seam(Arc<Mutex<State>>);

impl Seam {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seek that begins the first round (`flush`), or the next one.
    pub(super) fn seek(&self, flush: bool, duration: Option<gst::ClockTime>) -> gst::Event {
        let seqnum = gst::Seqnum::next();
        {
            let mut state = self.lock();
            state.duration = duration;
            state.round = if flush { 0 } else { state.round + 1 };
            let round = state.round;
            if state.seeks.len() >= REMEMBERED {
                state.seeks.pop_front();
            }
            state.seeks.push_back((seqnum, round));
        }
        let mut flags = gst::SeekFlags::SEGMENT | gst::SeekFlags::ACCURATE;
        if flush {
            flags |= gst::SeekFlags::FLUSH;
        }
        gst::event::Seek::builder(
            1.0,
            flags,
            gst::SeekType::Set,
            gst::ClockTime::ZERO,
            gst::SeekType::None,
            gst::ClockTime::NONE,
        )
        .seqnum(seqnum)
        .build()
    }

    /// Where the round that `seqnum` began lies in running time.
    fn start_of(&self, seqnum: gst::Seqnum) -> Option<gst::ClockTime> {
        let state = self.lock();
        let (_, round) = state.seeks.iter().find(|(known, _)| *known == seqnum)?;
        state.duration?.nseconds().checked_mul(*round).map(gst::ClockTime::from_nseconds)
    }

    /// Moves the segments that come through `pad`.
    pub(super) fn watch(&self, pad: &gst::Pad) {
        let seam = self.clone();
        // A round may consist of several segments (edit lists); all move by as much as its first.
        let mut moved: Option<(gst::Seqnum, u64)> = None;
        let moving = Mutex::new(move |event: &gst::EventRef| -> Option<gst::Event> {
            let gst::EventView::Segment(segment) = event.view() else { return None };
            let seqnum = event.seqnum();
            let start = seam.start_of(seqnum)?;
            let mut segment = segment.segment().clone().downcast::<gst::ClockTime>().ok()?;
            let base = segment.base()?;
            let by = match moved {
                Some((of, by)) if of == seqnum => by,
                _ => start.nseconds().saturating_sub(base.nseconds()),
            };
            moved = Some((seqnum, by));
            if by == 0 {
                return None;
            }
            segment.set_base(base + gst::ClockTime::from_nseconds(by));
            Some(gst::event::Segment::builder(&segment).seqnum(seqnum).build())
        });
        pad.add_probe(gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
            let replacement = info.event().and_then(|event| {
                let mut moving = moving.lock().unwrap_or_else(PoisonError::into_inner);
                moving(event)
            });
            if let Some(event) = replacement {
                info.data = Some(gst::PadProbeData::Event(event));
            }
            gst::PadProbeReturn::Ok
        });
    }
}
