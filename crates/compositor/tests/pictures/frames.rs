//! Frames in order: what is repeated, what is waited for, what is refused, and the preview.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use compositor::{CanvasConfig, Compositor, Delivery, Error, Gpu, RenditionOutput, Scaler};
use scene::Picture;
use units::{ColorSpace, Pts};

use crate::reference::{Plane, Rgb, bt709, psnr};
use crate::studio::{PATIENCE, Studio, bgrx, gpu, in_memory, layer, nv12, photograph, planes_of, size};

fn black() -> [f64; 3] {
    [16.0, 128.0, 128.0]
}

fn is_all(planes: &[Plane; 3], codes: [f64; 3]) -> bool {
    planes
        .iter()
        .zip(codes)
        .all(|(plane, code)| plane.samples.iter().all(|sample| (sample - code).abs() <= 1.0))
}

#[test]
fn nothing_and_missing_sources_are_black() {
    let mut studio = Studio::new(size(64, 48));
    assert!(is_all(&studio.show(&[]), black()));
    assert!(is_all(&studio.show(&[layer(1, (0.0, 0.0), (64.0, 48.0))]), black()));
    studio.set(1, bgrx(&Rgb::new(4, 4, |_, _| [255.0; 3])));
    assert!(is_all(&studio.show(&[layer(1, (0.0, 0.0), (64.0, 48.0))]), bt709([255.0; 3])));
    studio.sources.clear();
    assert!(is_all(&studio.show(&[layer(1, (0.0, 0.0), (64.0, 48.0))]), black()));
}

#[test]
fn an_unchanged_picture_is_not_drawn_again() {
    let mut studio = Studio::new(size(64, 48));
    studio.set(1, bgrx(&photograph(64, 48)));
    let picture = Picture { layers: vec![layer(1, (0.0, 0.0), (64.0, 48.0))], fade: None };
    let bytes = |picture| in_memory(picture).plane(0).as_ptr();
    let first = studio.frame(&picture);
    let second = studio.frame(&picture);
    assert_eq!(bytes(&first.pictures[0]), bytes(&second.pictures[0]));
    assert_eq!(second.pictures[0].captured_at(), second.pts.at());
    assert!(second.pts > first.pts);
    // A new frame of the same source is seen, and the picture held from before stays as it was.
    let before = planes_of(&first.pictures[0]);
    studio.set(1, bgrx(&Rgb::new(64, 48, |_, _| [255.0; 3])));
    assert!(is_all(&planes_of(&studio.frame(&picture).pictures[0]), bt709([255.0; 3])));
    for shade in 0..12 {
        studio.set(1, bgrx(&Rgb::new(64, 48, |_, _| [f64::from(shade); 3])));
        studio.frame(&picture);
    }
    assert_eq!(planes_of(&first.pictures[0]), before);
}

#[test]
fn several_frames_under_way_come_in_order() {
    let config = CanvasConfig {
        size: size(64, 48),
        renditions: vec![RenditionOutput {
            size: size(64, 48),
            scaler: Scaler::Bilinear,
            delivery: Delivery::Memory,
        }],
        in_flight: Some(3),
        by_processor: None,
    };
    let mut compositor = Compositor::new(gpu(), &config).unwrap();
    let picture = Picture { layers: vec![layer(1, (0.0, 0.0), (64.0, 48.0))], fade: None };
    // Every second frame repeats the one before.
    let frames: Vec<_> =
        (0..8).map(|n| bgrx(&Rgb::new(64, 48, move |_, _| [f64::from(n / 2 * 60); 3]))).collect();
    let kept: Vec<_> = (0..8).map(|n: usize| Arc::clone(&frames[n / 2 * 2])).collect();
    let mut given = Vec::new();
    for (number, frame) in kept.iter().enumerate() {
        compositor.compose(Pts::from_millis(number as i64), &picture, &|_| Some(Arc::clone(frame))).unwrap();
        if let Some(frame) = compositor.collect(PATIENCE).unwrap() {
            given.push(frame);
        }
    }
    while let Some(frame) = compositor.drain(PATIENCE).unwrap() {
        given.push(frame);
    }
    assert_eq!(given.len(), 8);
    for (number, frame) in given.iter().enumerate() {
        assert_eq!(frame.pts, Pts::from_millis(number as i64));
        assert!(is_all(&planes_of(&frame.pictures[0]), bt709([(number / 2 * 60) as f64; 3])), "{number}");
    }
}

#[test]
fn composing_without_collecting_is_refused() {
    let mut studio = Studio::new(size(64, 48));
    let picture = Picture::default();
    studio.compositor.compose(Pts::ZERO, &picture, &|_| None).unwrap();
    let busy = studio.compositor.compose(Pts::ZERO, &picture, &|_| None);
    assert!(matches!(busy, Err(Error::Busy { in_flight: 1 })), "{busy:?}");
    assert!(studio.compositor.collect(PATIENCE).unwrap().is_some());
    assert!(studio.compositor.collect(Duration::ZERO).unwrap().is_none());
}

#[test]
fn another_thread_that_polls_takes_no_frame_away() {
    // As the window does, whose own submissions poll the shared device.
    let mut studio = Studio::new(size(64, 48));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                gpu().device().poll(wgpu::PollType::Poll).unwrap();
            }
        });
        for shade in 0..200 {
            studio.set(1, bgrx(&Rgb::new(4, 4, |_, _| [f64::from(shade); 3])));
            let shown = studio.show(&[layer(1, (0.0, 0.0), (64.0, 48.0))]);
            assert!(is_all(&shown, bt709([f64::from(shade); 3])), "{shade}");
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_lost_device_is_an_error() {
    let gpu = Gpu::open(None).unwrap();
    let config =
        CanvasConfig { size: size(64, 48), renditions: Vec::new(), in_flight: None, by_processor: None };
    let mut compositor = Compositor::new(&gpu, &config).unwrap();
    compositor.compose(Pts::ZERO, &Picture::default(), &|_| None).unwrap();
    assert!(compositor.collect(PATIENCE).unwrap().unwrap().pictures.is_empty());
    gpu.device().destroy();
    // The driver tells when it is asked, and some only when it is waited for.
    let _ = gpu.device().poll(wgpu::PollType::wait_indefinitely());
    let picture = Picture { layers: vec![layer(1, (0.0, 0.0), (9.0, 9.0))], fade: None };
    let lost = compositor.compose(Pts::from_millis(1), &picture, &|_| None);
    assert!(matches!(lost, Err(Error::DeviceLost { .. })), "{lost:?}");
    assert!(matches!(Compositor::new(&gpu, &config), Err(Error::DeviceLost { .. })));
}

#[test]
fn impossible_sizes_are_refused() {
    for (canvas, rendition) in [((63, 48), (64, 48)), ((64, 48), (64, 47))] {
        let config = CanvasConfig {
            size: size(canvas.0, canvas.1),
            renditions: vec![RenditionOutput {
                size: size(rendition.0, rendition.1),
                scaler: Scaler::Bicubic,
                delivery: Delivery::Memory,
            }],
            in_flight: None,
            by_processor: None,
        };
        assert!(matches!(Compositor::new(gpu(), &config), Err(Error::OddSize { .. })));
    }
}

#[test]
fn the_preview_shows_the_canvas_and_only_while_somebody_looks() {
    for studio in Studio::both(size(64, 48)) {
        look_at_the_preview(studio);
    }
}

fn look_at_the_preview(mut studio: Studio) {
    // Smooth, so that what 4:2:0 loses is not what is judged.
    let picture =
        Rgb::new(64, 48, |x, y| [40.0 + 3.0 * x as f64, 200.0 - 2.0 * y as f64, 60.0 + (x + y) as f64]);
    studio.set(1, nv12(&picture.to_yuv(), ColorSpace::default()));
    let layers = [layer(1, (0.0, 0.0), (64.0, 48.0))];
    let preview = studio.compositor.preview();
    studio.show(&layers);
    assert_eq!(preview.latest(), None);
    preview.show(size(9999, 48));
    // The canvas did not change, the preview comes all the same.
    studio.show(&layers);
    let first = preview.latest().unwrap();
    assert_eq!(first.size, size(64, 48));
    let seen = read_back(&first.view);
    for (found, wanted) in seen.iter().zip(&picture.planes) {
        assert!(psnr(found, wanted) >= 42.0, "{}", psnr(found, wanted));
    }
    // Unchanged: no new picture. Smaller: one.
    studio.show(&layers);
    assert_eq!(preview.latest().unwrap().serial, first.serial);
    preview.show(size(32, 24));
    studio.show(&layers);
    let small = preview.latest().unwrap();
    assert_eq!(small.size, size(32, 24));
    for (found, wanted) in read_back(&small.view).iter().zip(&picture.planes) {
        let wanted = Plane::new(32, 24, |x, y| wanted.bilinear(2.0 * x as f64 + 1.0, 2.0 * y as f64 + 1.0));
        assert!(psnr(found, &wanted) >= 42.0, "{}", psnr(found, &wanted));
    }
    // Nobody looks for a while.
    for number in 0..40 {
        studio.set(1, bgrx(&Rgb::new(4, 4, |_, _| [f64::from(number); 3])));
        studio.show(&layers);
    }
    let stale = preview.latest().unwrap().serial;
    studio.show(&layers);
    assert!(preview.latest().unwrap().serial > stale);
    preview.hide();
    assert_eq!(preview.latest(), None);
}

fn read_back(view: &wgpu::TextureView) -> [Plane; 3] {
    let texture = view.texture();
    let (width, height) = (texture.width(), texture.height());
    let stride = (width * 4).next_multiple_of(256);
    let (device, queue) = (gpu().device(), gpu().queue());
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: u64::from(stride * height),
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_texture_to_buffer(
        texture.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(stride),
                rows_per_image: None,
            },
        },
        texture.size(),
    );
    queue.submit([encoder.finish()]);
    buffer.map_async(wgpu::MapMode::Read, .., |mapped| mapped.unwrap());
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let bytes = buffer.get_mapped_range(..).unwrap();
    [0, 1, 2].map(|channel| {
        Plane::new(width as usize, height as usize, |x, y| {
            f64::from(bytes[y * stride as usize + x * 4 + channel])
        })
    })
}

#[test]
fn a_compositor_can_have_its_own_thread() {
    fn can_be_sent<T: Send>() {}
    fn can_be_shared<T: Send + Sync>() {}
    can_be_sent::<Compositor>();
    can_be_shared::<Gpu>();
    can_be_shared::<compositor::Preview>();
}

#[test]
fn other_renditions_begin_with_the_next_frame_and_leave_those_under_way_alone() {
    let output = |width, height| RenditionOutput {
        size: size(width, height),
        scaler: Scaler::Bilinear,
        delivery: Delivery::Memory,
    };
    for by_processor in [false, true] {
        let config = CanvasConfig {
            size: size(64, 48),
            renditions: vec![output(64, 48), output(32, 24)],
            in_flight: Some(4),
            by_processor: Some(by_processor),
        };
        let mut compositor = Compositor::new(gpu(), &config).unwrap();
        let picture = Picture { layers: vec![layer(1, (0.0, 0.0), (64.0, 48.0))], fade: None };
        let grey = bgrx(&Rgb::new(64, 48, |_, _| [128.0; 3]));
        let mut pts = 0;
        let mut compose = |compositor: &mut Compositor| {
            compositor.compose(Pts::from_millis(pts), &picture, &|_| Some(Arc::clone(&grey))).unwrap();
            pts += 40;
        };
        compose(&mut compositor);
        compose(&mut compositor);
        compositor
            .set_renditions(vec![output(32, 24), output(16, 12), output(64, 48), output(16, 12)])
            .unwrap();
        compose(&mut compositor);
        compositor.set_renditions(vec![output(48, 36)]).unwrap();
        compose(&mut compositor);
        // What is refused changes nothing.
        assert!(matches!(
            compositor.set_renditions(vec![output(16, 12), output(15, 12)]),
            Err(Error::OddSize { .. })
        ));
        let mut found = Vec::new();
        while let Some(frame) = compositor.drain(PATIENCE).unwrap() {
            for picture in &frame.pictures {
                assert!(is_all(&planes_of(picture), bt709([128.0; 3])), "{}", picture.size());
            }
            found.push(frame.pictures.iter().map(|picture| picture.size().to_string()).collect::<Vec<_>>());
        }
        let first: Vec<String> = vec!["64x48".into(), "32x24".into()];
        let second = ["32x24", "16x12", "64x48", "16x12"].map(String::from).to_vec();
        assert_eq!(found, [first.clone(), first, second, vec!["48x36".to_owned()]], "{by_processor}");
        compose(&mut compositor);
        let again = compositor.drain(PATIENCE).unwrap().unwrap();
        assert_eq!(again.pictures[0].size(), size(48, 36));
        compositor.set_renditions(Vec::new()).unwrap();
        compose(&mut compositor);
        assert_eq!(compositor.drain(PATIENCE).unwrap().unwrap().pictures.len(), 0);
    }
}

#[test]
fn the_preview_needs_no_rendition() {
    for by_processor in [true, false] {
        let config = CanvasConfig {
            size: size(64, 48),
            renditions: Vec::new(),
            in_flight: None,
            by_processor: Some(by_processor),
        };
        let mut compositor = Compositor::new(gpu(), &config).unwrap();
        let preview = compositor.preview();
        preview.show(size(64, 48));
        let source = bgrx(&Rgb::new(4, 4, |_, _| [128.0; 3]));
        let picture =
            scene::Picture { layers: vec![layer(1, (0.0, 0.0), (64.0, 48.0))], ..scene::Picture::default() };
        compositor.compose(Pts::from_nanos(0), &picture, &|_| Some(source.clone())).unwrap();
        assert!(compositor.drain(PATIENCE).unwrap().unwrap().pictures.is_empty());
        let shown = preview.latest().unwrap();
        // A window that paints through OpenGL takes it from system memory.
        assert_eq!(shown.rgba.is_some(), by_processor);
    }
}
