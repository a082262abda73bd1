//! What arrived at the ingest, counted in the bytes themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use ertmp::flv::{ExVideoBody, FrameType, Item, LegacyVideoBody, Reader, TagKind, VideoPacket, VideoTag};
use units::TrackId;

/// Whether the renditions of a stream can be exchanged at every IDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// Points in time at which any track has an IDR.
    pub(crate) idrs: usize,
    /// Of these, the ones at which every track has one.
    pub(crate) aligned: usize,
}

/// Reads a stream as the ingest keeps it.
pub(crate) fn alignment(stream: &Path) -> Result<Alignment> {
    let mut reader = Reader::new();
    reader.push(&std::fs::read(stream)?);
    let mut tracks: BTreeMap<TrackId, BTreeSet<i64>> = BTreeMap::new();
    while let Some(item) = reader.next_item()? {
        let Item::Tag(tag) = item else { continue };
        if tag.kind != TagKind::Video {
            continue;
        }
        let picture = VideoTag::decode(&tag.body)?;
        let is_idr = picture.frame_type() == FrameType::Key;
        for (track, offset_ms) in pictures(&picture) {
            let shown_at = i64::from(tag.timestamp_ms) + i64::from(offset_ms);
            let idrs = tracks.entry(track).or_default();
            if is_idr {
                idrs.insert(shown_at);
            }
        }
    }
    let any: BTreeSet<i64> = tracks.values().flatten().copied().collect();
    let first = tracks.values().next().context("a stream with pictures")?;
    let aligned = first.iter().filter(|at| tracks.values().all(|idrs| idrs.contains(at))).count();
    Ok(Alignment { idrs: any.len(), aligned })
}

/// Track and composition time offset of the pictures of a tag.
pub(crate) fn pictures(tag: &VideoTag<'_>) -> Vec<(TrackId, i32)> {
    match tag {
        VideoTag::Legacy(legacy) => match legacy.body {
            LegacyVideoBody::AvcNalUnits { composition_offset_ms, .. } => {
                vec![(TrackId::PRIMARY, composition_offset_ms)]
            }
            _ => Vec::new(),
        },
        VideoTag::Enhanced(enhanced) => {
            let ExVideoBody::Tracks(tracks) = &enhanced.body else { return Vec::new() };
            let offset = |packet: &VideoPacket<'_>| match packet {
                VideoPacket::CodedFrames { composition_offset_ms, .. } => Some(*composition_offset_ms),
                VideoPacket::CodedFramesX(_) => Some(0),
                _ => None,
            };
            tracks.iter().filter_map(|(track, _, packet)| Some((track, offset(packet)?))).collect()
        }
    }
}
