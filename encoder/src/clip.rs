//! A short clip of a still picture and silence: something valid to send where what is sent does not matter.

use std::sync::Arc;
use std::time::Duration;

use units::{
    AccessUnit, AudioConfig, Clock, FrameRate, Kbps, SAMPLE_RATE_HZ, StreamConfig, TrackId, VideoConfig,
};

use crate::aac::{AacEncoder, AudioEncoderConfig};
use crate::group::{CanvasFrame, EncoderGroup};
use crate::output::EncoderOutput;
use crate::self_test::test_picture;
use crate::{Error, RenditionConfig};

/// How long one picture may take to be taken.
const LIMIT: Duration = Duration::from_secs(10);
/// Bitrate of the sound: the service's lowest (IVS user guide, "Audio Settings").
const SOUND: Kbps = Kbps(96);

/// Encodes one group of pictures of `rendition` at `rate` with silence beside it: from its IDR to the picture before the
/// next one. Gives the decoder configuration, and the units by decode time. Takes as long as the encoders do, about a
/// second in software.
///
/// # Errors
/// An encoder that can not be started, or gives nothing back.
pub fn still_clip(
    rate: FrameRate,
    rendition: &RenditionConfig,
    clock: &Arc<dyn Clock>,
) -> Result<(StreamConfig, Vec<Arc<AccessUnit>>), Error> {
    let picture =
        test_picture(rendition.size).ok_or(Error::Unusable("the test picture could not be made"))?;
    let (group, pictures) = EncoderGroup::start(rate, vec![rendition.clone()], clock.clone())?;
    let (sound, frames) =
        AacEncoder::start(AudioEncoderConfig { track: TrackId::PRIMARY, bitrate: SOUND }, clock.clone())?;
    let count = rate.frames_in(rendition.keyint);
    let begun = clock.now();
    for index in 0..u64::from(count) {
        if !group.wait_for_room(LIMIT) {
            break;
        }
        group.push(&CanvasFrame {
            index,
            pts: rate.pts_of(index),
            composed_at: begun,
            rendered: index + 1,
            lagged: 0,
            pictures: [(rendition.track, picture.clone().into())].into(),
        })?;
    }
    let block = vec![0.0; 2 * 1024];
    let samples = u64::try_from(rendition.keyint.as_millis()).unwrap_or(0) * u64::from(SAMPLE_RATE_HZ) / 1000;
    for first in (0..samples).step_by(1024) {
        sound.push(first, &block, begun);
    }
    if !group.finish() || !sound.finish() {
        return Err(Error::Unusable("the encoders did not give everything back"));
    }
    let (mut video, mut audio): (Option<Arc<VideoConfig>>, Option<Arc<AudioConfig>>) = (None, None);
    let mut units = Vec::new();
    for output in pictures.try_iter().chain(frames.try_iter()) {
        match output {
            EncoderOutput::Config(config) => video = Some(config),
            EncoderOutput::AudioConfig(config) => audio = Some(config),
            EncoderOutput::Unit(unit) => units.push(unit),
            EncoderOutput::Slip { .. } | EncoderOutput::Died { .. } => {}
        }
    }
    units.sort_by_key(|unit| unit.dts);
    let (Some(video), Some(audio)) = (video, audio) else {
        return Err(Error::Unusable("the encoders gave nothing back"));
    };
    Ok((StreamConfig { video: vec![video], audio: vec![audio] }, units))
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::{MediaTime, Size, Track};

    #[derive(Debug)]
    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> MediaTime {
            MediaTime::ZERO
        }
    }

    #[test]
    fn a_clip_is_one_group_of_pictures_with_its_sound() {
        let size = Size::new(320, 180).unwrap();
        let rendition = RenditionConfig::new(TrackId::PRIMARY, size, FrameRate::FPS_30, Kbps(300));
        let clock: Arc<dyn Clock> = Arc::new(Stopped);
        let (config, units) = still_clip(FrameRate::FPS_30, &rendition, &clock).unwrap();
        assert_eq!((config.video.len(), config.audio.len()), (1, 1));
        let pictures: Vec<_> = units.iter().filter(|unit| unit.is_video()).collect();
        assert_eq!(pictures.len(), 60);
        assert_eq!(pictures.iter().filter(|unit| unit.is_idr).count(), 1);
        assert!(pictures[0].is_idr);
        let frames = units.iter().filter(|unit| unit.track == Track::Audio(TrackId::PRIMARY)).count();
        assert!((90..=95).contains(&frames), "{frames} frames of sound");
        assert!(units.is_sorted_by_key(|unit| unit.dts));
    }
}
