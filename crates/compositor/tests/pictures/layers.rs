//! The slot model: where layers land, what they hide, how they mix.

use std::sync::Arc;

use scene::{AspectMode, Color, Crop, Layer, Picture};
use units::{ColorMatrix, ColorRange, ColorSpace};

use crate::reference::{Plane, Rgb, bt709, compose, largest_difference, psnr};
use crate::studio::{Studio, bgrx, i420, layer, nv12, photograph, planes_of, rgba, size};

const CANVAS: (usize, usize) = (160, 90);

/// Compares with the reference: `least_db` for all planes.
fn check(layers: &[(Layer, &Rgb)], least_db: f64) {
    let drawn: Vec<Layer> = layers.iter().map(|(layer, _)| layer.clone()).collect();
    let asked: Vec<(&Layer, &Rgb)> = layers.iter().map(|(layer, picture)| (layer, *picture)).collect();
    let wanted = compose(CANVAS.0, CANVAS.1, &asked).to_yuv();
    for (by_processor, mut studio) in
        Studio::both(size(CANVAS.0 as u32, CANVAS.1 as u32)).into_iter().enumerate()
    {
        for (layer, picture) in layers {
            let opaque = picture.alpha.samples.iter().all(|alpha| *alpha == 1.0);
            studio.set(layer.source.0, if opaque { bgrx(picture) } else { rgba(picture) });
        }
        let found = studio.show(&drawn);
        for (plane, (found, wanted)) in found.iter().zip(&wanted).enumerate() {
            let db = psnr(found, wanted);
            assert!(db >= least_db, "plane {plane} ({by_processor}): {db:.1} dB of {drawn:?}");
        }
    }
}

#[test]
fn placed_mirrored_and_stretched() {
    let picture = photograph(64, 40);
    for (position, extent) in [
        ((10.0, 6.0), (64.0, 40.0)),
        ((11.0, 7.0), (64.0, 40.0)),
        ((74.0, 6.0), (-64.0, 40.0)),
        ((10.0, 46.0), (64.0, -40.0)),
        ((141.0, 81.0), (-128.0, -72.0)),
        ((0.0, 0.0), (160.0, 90.0)),
        ((-20.0, -10.0), (64.0, 40.0)),
        ((130.0, 70.0), (64.0, 40.0)),
        ((20.3, 10.7), (97.3, 51.9)),
        ((30.0, 20.0), (48.0, 30.0)),
    ] {
        check(&[(layer(1, position, extent), &picture)], 40.0);
    }
}

#[test]
fn aspects_crops_and_fills() {
    let picture = photograph(80, 60);
    for aspect in [AspectMode::Fit, AspectMode::Fill, AspectMode::None] {
        for extent in [(140.0, 60.0), (-60.0, 84.0)] {
            for crop in [Crop::default(), Crop { left: 0.25, top: 0.1, right: 0.0, bottom: 0.2 }] {
                let mut asked = layer(1, (80.0 - extent.0 / 2.0, 2.0), extent);
                asked.aspect = aspect;
                asked.crop = crop;
                asked.fill_color = Color { r: 0.8, g: 0.2, b: 0.1, a: 0.7 };
                check(&[(asked, &picture)], 38.0);
            }
        }
    }
}

#[test]
fn what_was_cropped_never_bleeds_in() {
    // Green inside, a red frame around it that is cropped away, enlarged fourfold.
    let picture = Rgb::new(40, 40, |x, y| {
        if (10..30).contains(&x) && (10..30).contains(&y) { [0.0, 255.0, 0.0] } else { [255.0, 0.0, 0.0] }
    });
    let mut asked = layer(1, (0.0, 0.0), (160.0, 90.0));
    asked.crop = Crop { left: 0.25, top: 0.25, right: 0.25, bottom: 0.25 };
    for mut studio in Studio::both(size(160, 90)) {
        studio.set(1, bgrx(&picture));
        for (plane, code) in studio.show(std::slice::from_ref(&asked)).iter().zip(bt709([0.0, 255.0, 0.0])) {
            assert!(plane.samples.iter().all(|sample| (sample - code).abs() <= 1.0));
        }
    }
}

#[test]
fn layers_mix_in_the_order_given() {
    let back = photograph(160, 90);
    let mut glass = Rgb::new(64, 40, |x, _| if x < 32 { [255.0, 255.0, 0.0] } else { [0.0, 0.0, 255.0] });
    glass.alpha = Plane::new(64, 40, |_, y| y as f64 / 39.0);
    let solid = Rgb::new(16, 16, |_, _| [200.0, 30.0, 90.0]);
    let mut half = layer(3, (60.0, 20.0), (50.0, 50.0));
    half.alpha = 0.5;
    let order = [
        (layer(1, (0.0, 0.0), (160.0, 90.0)), &back),
        (layer(2, (40.0, 16.0), (64.0, 40.0)), &glass),
        (half, &solid),
    ];
    check(&order, 40.0);
    let [a, b, c] = order;
    check(&[a.clone(), c.clone(), b.clone()], 40.0);
    // Covered by the first: only black remains to be seen where it is clear.
    check(&[b, c, a], 40.0);
}

#[test]
fn clear_pixels_lend_no_colour() {
    // White letters on "clear white": enlarged over black, no halo may be darker or lighter than the mix.
    let mut letters = Rgb::new(16, 16, |x, _| if x % 8 < 4 { [255.0; 3] } else { [255.0, 0.0, 255.0] });
    letters.alpha = Plane::new(16, 16, |x, _| if x % 8 < 4 { 1.0 } else { 0.0 });
    check(&[(layer(1, (10.0, 10.0), (72.0, 72.0)), &letters)], 42.0);
}

#[test]
fn a_fade_mixes_two_whole_canvases() {
    let (first, second) = (photograph(160, 90), Rgb::new(160, 90, |x, y| [x as f64, y as f64 * 2.0, 60.0]));
    let mut studio = Studio::new(size(160, 90));
    studio.set(1, bgrx(&first));
    studio.set(2, nv12(&second.to_yuv(), ColorSpace::default()));
    let over_black = Rgb::new(160, 90, |_, _| [0.0; 3]);
    let below = vec![layer(1, (0.0, 0.0), (160.0, 90.0))];
    // The second scene covers the upper left quarter only: elsewhere the first fades to black.
    let above = vec![layer(2, (0.0, 0.0), (80.0, 44.0))];
    let alone = |layers: &[(&Layer, &Rgb)]| compose(160, 90, layers);
    let one = alone(&[(&below[0], &first)]);
    let quarter = {
        let black = layer(9, (0.0, 0.0), (160.0, 90.0));
        alone(&[(&black, &over_black), (&above[0], &second)])
    };
    for share in [0.0, 0.25, 0.5, 0.9, 1.0] {
        let picture = Picture { layers: below.clone(), fade: Some((above.clone(), share)) };
        let found = planes_of(&studio.frame(&picture).pictures[0]);
        let share = f64::from(share);
        let mixed = Rgb::new(160, 90, |x, y| {
            [0, 1, 2].map(|c| {
                let at = y * 160 + x;
                one.planes[c].samples[at] * (1.0 - share) + quarter.planes[c].samples[at] * share
            })
        });
        for (found, wanted) in found.iter().zip(mixed.to_yuv()) {
            assert!(psnr(found, &wanted) >= 38.0, "{share}: {}", psnr(found, &wanted));
        }
    }
}

#[test]
fn a_large_picture_shown_small_does_not_flicker() {
    // Lines of one pixel, black and white: at half and at a quarter of the size nothing but grey is right.
    for (width, height, factor) in [(320, 180, 2), (640, 360, 4)] {
        let lines = Rgb::new(width, height, |x, y| [if (x + y) % 2 == 0 { 255.0 } else { 0.0 }; 3]);
        let grey = bt709([127.5; 3]);
        for mut studio in Studio::both(size(160, 90)) {
            for format in [bgrx(&lines), nv12(&lines.to_yuv(), ColorSpace::default())] {
                studio.set(1, format);
                for (plane, code) in studio.show(&[layer(1, (0.0, 0.0), (160.0, 90.0))]).iter().zip(grey) {
                    assert!(plane.samples.iter().all(|sample| (sample - code).abs() <= 1.5), "{factor}");
                }
            }
        }
    }
    // At a third, a block of nine is its average.
    let picture = photograph(480, 270);
    let average = Rgb::new(160, 90, |x, y| {
        [0, 1, 2].map(|c| {
            (0..9).map(|n| picture.planes[c].at(3 * x as i64 + n % 3, 3 * y as i64 + n / 3)).sum::<f64>()
                / 9.0
        })
    });
    for mut studio in Studio::both(size(160, 90)) {
        studio.set(1, bgrx(&picture));
        let found = studio.show(&[layer(1, (0.0, 0.0), (160.0, 90.0))]);
        for (found, wanted) in found.iter().zip(&average.to_yuv()) {
            assert!(psnr(found, wanted) >= 46.0 && largest_difference(found, wanted) <= 2.5);
        }
    }
}

#[test]
fn odd_sizes_and_changing_sizes() {
    for studio in Studio::both(size(160, 90)) {
        show_odd_sizes(studio);
    }
}

fn show_odd_sizes(mut studio: Studio) {
    for (width, height) in [(1, 1), (33, 17), (161, 91), (7, 200), (333, 5)] {
        let picture = photograph(width, height);
        studio.set(1, bgrx(&picture));
        let wanted = photograph(width, height);
        let asked = layer(1, (0.0, 0.0), (width as f32, height as f32));
        let found = studio.show(std::slice::from_ref(&asked));
        let wanted = compose(160, 90, &[(&asked, &wanted)]).to_yuv();
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!(psnr(found, wanted) >= 40.0, "{width}x{height} {}", psnr(found, wanted));
        }
        // Shown in another shape, 4:2:0 with an odd side: it must fit, and fill its slot.
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        let odd = [Plane::new(width, height, |_, _| 180.0), Plane::new(half_width, half_height, |_, _| 90.0)];
        let [luma, chroma] = odd;
        studio.set(2, nv12(&[luma, chroma.clone(), chroma], ColorSpace::default()));
        let found = studio.show(&[layer(2, (0.0, 0.0), (160.0, 90.0))]);
        assert!(found[0].samples.iter().all(|code| *code == 180.0));
        assert!(found[1].samples.iter().chain(&found[2].samples).all(|code| *code == 90.0));
    }
}

#[test]
fn the_processor_draws_what_the_adapter_draws() {
    let photograph = photograph(200, 120);
    let camera = ColorSpace { matrix: ColorMatrix::Bt601, range: ColorRange::Full };
    let full = ColorSpace { matrix: ColorMatrix::Bt709, range: ColorRange::Full };
    let yuv = photograph.to_yuv();
    let frames = [
        bgrx(&photograph),
        nv12(&yuv, ColorSpace::default()),
        nv12(&yuv, camera),
        i420(&yuv, camera),
        i420(&yuv, full),
    ];
    for frame in frames {
        for (position, extent) in [
            ((0.0, 0.0), (160.0, 90.0)),
            ((140.0, 10.0), (-100.0, 60.0)),
            ((20.0, 80.0), (50.0, -30.0)),
            ((-40.0, -20.0), (200.0, 120.0)),
            ((10.0, 10.0), (40.0, 24.0)),
        ] {
            let mut asked = layer(1, position, extent);
            asked.crop.left = 0.1;
            let [adapter, processor] = Studio::both(size(160, 90)).map(|mut studio| {
                studio.set(1, Arc::clone(&frame));
                studio.show(std::slice::from_ref(&asked))
            });
            // Edges of a rectangle mix with what is beside them in the adapter's chroma and not in the processor's.
            for ((adapter, processor), least_db) in adapter.iter().zip(&processor).zip([46.0, 32.0, 32.0]) {
                let db = psnr(adapter, processor);
                assert!(db >= least_db, "{:?} {extent:?}: {db:.1} dB", frame.format());
            }
        }
    }
}
