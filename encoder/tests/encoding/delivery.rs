//! Pictures from memory there and back, and pictures that an encoder can not reach.

use std::sync::Arc;

use encoder::{BackendKind, CanvasFrame, EncoderGroup, Error, round_trip};
use units::{MediaTime, Texture, TrackId};

use crate::support::{clock, frame, picture, size};
use crate::video::rendition;

#[test]
fn what_is_encoded_comes_back_picture_by_picture() {
    let config = rendition(0, BackendKind::X264, 320, 180, 30, 4000);
    let pictures: Vec<_> = (0..6).map(|index| picture(config.size, index * 9, 16)).collect();
    let handed: Vec<_> = pictures.iter().map(|picture| picture.clone().into()).collect();
    let decoded = round_trip(BackendKind::X264, &config, &handed).unwrap();
    assert_eq!(decoded.len(), pictures.len());
    let difference = |a: &units::VideoFrame, b: &units::VideoFrame| {
        let rows = (0..180).flat_map(|row| a.row(0, row).iter().zip(b.row(0, row)));
        let sum: u64 = rows.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / (320.0 * 180.0)
    };
    for (number, (wanted, found)) in pictures.iter().zip(&decoded).enumerate() {
        assert_eq!(found.plane_count(), 3);
        let own = difference(wanted, found);
        let other = difference(&pictures[(number + 3) % 6], found);
        assert!(own < 8.0 && other > 2.0 * own, "{number}: {own:.1}, another {other:.1}");
        let chroma = found.row(1, 40)[40].abs_diff(wanted.row(1, 40)[80]);
        assert!(chroma < 12, "{number}: {chroma}");
    }
}

#[test]
fn a_texture_is_refused_by_an_encoder_that_reads_memory() {
    let config = rendition(0, BackendKind::X264, 320, 180, 30, 1000);
    assert!(!BackendKind::X264.takes_textures());
    let rate = config.rate;
    let (group, _receiver) = EncoderGroup::start(rate, vec![config], clock()).unwrap();
    let texture = Texture {
        size: size(320, 180),
        captured_at: MediaTime::ZERO,
        adapter_luid: 0,
        resource: 0,
        fence: 0,
        ready_at: 0,
        holder: Arc::new(()),
    };
    let pictures = vec![(TrackId(0), Arc::new(texture).into())];
    let refused = group.push(&CanvasFrame { pictures, ..frame(rate, 0, Vec::new()) }).unwrap_err();
    assert!(matches!(refused, Error::WrongPicture { .. }), "{refused}");
    assert!(refused.to_string().contains("adapter's memory"), "{refused}");
    assert_eq!(group.stats()[0].skipped, 1);
}
