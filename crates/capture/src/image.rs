//! A still picture from a file: PNG, JPEG or WebP, with alpha where it has it, turned as its EXIF data says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use image::{DynamicImage, ImageDecoder as _, ImageReader, Limits};
use units::{ColorSpace, PixelFormat, Size, VideoFrame};

use crate::slot::{Slot, Stop};
use crate::supervisor::PAUSES;
use crate::{CaptureContext, Error, LiveSource, SourceState, path, placeholder};

/// Most memory that decoding one picture may take: 16384 x 16384 pixels of four bytes.
const DECODED_BYTES: u64 = 1 << 30;

/// An image file that is read, and looked for again while it cannot be.
pub(crate) struct Image {
    slot: Arc<Slot>,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Image {
    pub(crate) fn open(path: &str, context: &CaptureContext) -> Result<Self, Error> {
        let slot = Arc::new(Slot::new("not read yet"));
        let stop = Arc::new(Stop::default());
        let loader = Loader {
            title: format!("Image “{}”", path::short_name(path)),
            file: path::resolve(&context.base_folder, path),
            context: context.clone(),
            slot: Arc::clone(&slot),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new().name("image file".into()).spawn(move || loader.run())?;
        Ok(Self { slot, stop, thread: Some(thread) })
    }
}

impl LiveSource for Image {
    fn newest_frame(&self) -> Option<Arc<VideoFrame>> {
        self.slot.newest()
    }

    fn state(&self) -> SourceState {
        self.slot.state()
    }

    fn via(&self) -> String {
        self.slot.via()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        self.stop.ask();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("an image's thread ended in a panic");
        }
    }
}

/// The thread that reads the file; it ends when the picture is there.
struct Loader {
    title: String,
    file: PathBuf,
    context: CaptureContext,
    slot: Arc<Slot>,
    stop: Arc<Stop>,
}

impl Loader {
    fn run(&self) {
        let mut pauses = PAUSES.iter().copied();
        loop {
            match read(&self.file, &self.context) {
                Ok((frame, format)) => {
                    self.slot.publish(frame);
                    self.slot.set_via(format!("{format} read from {}", self.file.display()));
                    self.slot.set_state(SourceState::Running);
                    return;
                }
                Err(why) => {
                    if self.slot.newest().is_none() {
                        tracing::warn!(source = self.title, %why, "cannot be shown");
                        let sentence = format!("{} cannot be shown", self.title);
                        self.slot.show(placeholder::picture(&self.context, &sentence));
                    }
                    let reason = format!("{} cannot be shown: {why}", self.title);
                    self.slot.set_state(SourceState::Lost { reason });
                }
            }
            if self.stop.sleep(pauses.next().unwrap_or(Duration::from_secs(10))) {
                return;
            }
        }
    }
}

fn read(file: &Path, context: &CaptureContext) -> Result<(VideoFrame, String), Error> {
    path::check(file)?;
    let named = |problem: &dyn std::fmt::Display| Error::File(format!("{}: {problem}", file.display()));
    let mut reader =
        ImageReader::open(file).and_then(ImageReader::with_guessed_format).map_err(|e| named(&e))?;
    let format = reader.format().ok_or_else(|| named(&"it is neither PNG nor JPEG nor WebP"))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(Size::MAX_SIDE_PX);
    limits.max_image_height = Some(Size::MAX_SIDE_PX);
    limits.max_alloc = Some(DECODED_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| named(&e))?;
    let orientation = decoder.orientation().map_err(|e| named(&e))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| named(&e))?;
    picture.apply_orientation(orientation);
    let rgba = picture.into_rgba8();
    let size = Size::new(rgba.width(), rgba.height())?;
    let bytes = Arc::new(rgba.into_raw());
    let frame =
        VideoFrame::packed(PixelFormat::Rgba8, size, ColorSpace::default(), context.clock.now(), bytes)?;
    Ok((frame, format!("{format:?}").to_uppercase()))
}
