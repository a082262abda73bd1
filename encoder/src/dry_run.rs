//! Tries a ladder before anything is sent: all encoders at once, because a GPU takes only so many at a time.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use units::{Clock, FrameRate, Size, Track, TrackId, VideoFrame};

use crate::group::StartFailure;
use crate::output::EncoderOutput;
use crate::self_test::test_picture;
use crate::{CanvasFrame, EncoderGroup, RenditionConfig, TrackReport};

/// Pictures that each rendition codes: an IDR and two that refer to it.
const PICTURES: u64 = 3;
/// How long one picture may take to be taken.
const LIMIT: Duration = Duration::from_secs(10);

/// Why a ladder does not run here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{reason}", track.map(|track| format!("track {track}: ")).unwrap_or_default())]
pub struct DryRunFailure {
    /// The rendition that failed; `None` when it is the ladder as a whole.
    pub track: Option<TrackId>,
    /// What happened, in words.
    pub reason: String,
}

impl DryRunFailure {
    fn of(track: TrackId, reason: impl Into<String>) -> Self {
        Self { track: Some(track), reason: reason.into() }
    }
}

impl From<StartFailure> for DryRunFailure {
    fn from(failure: StartFailure) -> Self {
        Self { track: failure.track, reason: failure.error.to_string() }
    }
}

/// Opens the encoders of all renditions at once, has each code a few pictures, and closes them. The first unit of each
/// must be an IDR of the right size and code. Takes as long as the encoders do, some tenths of a second in software.
///
/// # Errors
/// The first rendition that fails, and why.
pub fn dry_run(
    canvas_rate: FrameRate,
    renditions: &[RenditionConfig],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<TrackReport>, DryRunFailure> {
    let (group, receiver) = EncoderGroup::try_start(canvas_rate, renditions.to_vec(), clock)?;
    let mut pictures: HashMap<Size, Arc<VideoFrame>> = HashMap::new();
    for rendition in renditions {
        let failed = || DryRunFailure::of(rendition.track, "the test picture could not be made");
        pictures.insert(rendition.size, test_picture(rendition.size).ok_or_else(failed)?);
    }
    let slowest = renditions.iter().filter_map(|rendition| canvas_rate.divisor_to(rendition.rate)).max();
    for index in 0..PICTURES * u64::from(slowest.unwrap_or(1)) {
        if !group.wait_for_room(LIMIT) {
            break;
        }
        let pictures = renditions
            .iter()
            .filter_map(|rendition| Some((rendition.track, pictures.get(&rendition.size)?.clone().into())))
            .collect();
        let now = clock.now();
        let frame = CanvasFrame {
            index,
            pts: canvas_rate.pts_of(index),
            composed_at: now,
            rendered: index + 1,
            lagged: 0,
            pictures,
        };
        group.push(&frame).map_err(|error| DryRunFailure { track: None, reason: error.to_string() })?;
    }
    let ended = group.finish();
    let events: Vec<_> = receiver.try_iter().collect();
    for rendition in renditions {
        check(rendition, &events)?;
    }
    if !ended {
        return Err(DryRunFailure {
            track: None,
            reason: "the encoders did not give everything back".to_owned(),
        });
    }
    Ok(group.reports().to_vec())
}

/// What one rendition's encoder did.
fn check(rendition: &RenditionConfig, events: &[EncoderOutput]) -> Result<(), DryRunFailure> {
    let own = rendition.track;
    let (mut config, mut first) = (None, None);
    for event in events {
        match event {
            EncoderOutput::Died { track, reason, .. } if *track == Track::Video(own) => {
                return Err(DryRunFailure::of(own, reason.clone()));
            }
            EncoderOutput::Slip { track, kind, .. } if *track == own => {
                return Err(DryRunFailure::of(own, format!("it {kind}")));
            }
            EncoderOutput::Config(found) if found.track == own => config = Some(found),
            EncoderOutput::Unit(unit) if unit.track == Track::Video(own) => {
                first.get_or_insert(unit);
            }
            _ => {}
        }
    }
    let Some(first) = first else { return Err(DryRunFailure::of(own, "it gave nothing back")) };
    if !first.is_idr {
        return Err(DryRunFailure::of(own, "it does not begin with an IDR"));
    }
    match config {
        Some(config) if (config.codec, config.size) == (rendition.codec, rendition.size) => Ok(()),
        _ => Err(DryRunFailure::of(own, "it gave another code or size than it was asked for")),
    }
}
