//! Pictures in, frames out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use scene::{Layer, Picture, SourceId};
use units::{EncoderPicture, PictureBytes, Pts, Size, VideoFrame};

use crate::draw_list::{Backdrop, Copy, Draw, DrawList, OpaqueBy};
use crate::painter::{LayerBindings, Painter, Planes, Steps};
use crate::preview::{Preview, PreviewPainter};
use crate::processor::Processor;
use crate::readback::{Nv12Layout, Readback, ReadbackPool};
use crate::reduction::Reduction;
use crate::rendition::{Delivery, Rendition, RenditionOutput};
use crate::sources::{Sources, Upload};
use crate::staging::StagingPool;
use crate::texture_ring::{Lease, TextureRing, Written};
use crate::{Error, Gpu};

/// Gives a source's newest frame, or `None` when it has none to show.
pub type Lookup<'a> = dyn Fn(SourceId) -> Option<Arc<VideoFrame>> + 'a;

/// The canvas and what is made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CanvasConfig {
    /// Width and height of the canvas in pixels, both even.
    pub size: Size,
    /// The renditions, in the order in which their pictures are wanted.
    pub renditions: Vec<RenditionOutput>,
    /// Frames under way at once, at least 1. `None` chooses: 1 on a software adapter, where more would only add
    /// latency, and 3 on hardware, so that composing a frame does not wait for the one before.
    pub in_flight: Option<usize>,
    /// Whether the processor scales and converts opaque layers and renditions, and the adapter only blends. `None`
    /// chooses: on a software adapter, where it takes a fraction of the time.
    pub by_processor: Option<bool>,
}

/// A finished frame.
#[derive(Clone, Debug)]
pub struct ComposedFrame {
    /// The `pts` given to [`Compositor::compose`].
    pub pts: Pts,
    /// One NV12 picture per rendition, in their order, BT.709 limited range, with `captured_at` at `pts`. Bytes are
    /// the adapter's own memory, and like textures are used again when the last holder lets go: hold them for as long
    /// as a frame takes to encode, not for ever. Textures may still be written; their fence tells.
    pub pictures: Vec<EncoderPicture>,
}

/// Composes one canvas. One thread calls [`Compositor::compose`] and [`Compositor::collect`] in turn.
pub struct Compositor {
    gpu: Gpu,
    canvas: Planes,
    fade_canvas: Option<(Planes, LayerBindings)>,
    renditions: Vec<Wanted>,
    by_processor: bool,
    canvas_readback: Option<ReadbackPool>,
    painter: Painter,
    sources: Sources,
    staging: StagingPool,
    preview: PreviewPainter,
    processor: Processor,
    opaque_by: OpaqueBy,
    in_flight: usize,
    under_way: VecDeque<UnderWay>,
    shown: Option<Shown>,
    last: Vec<Finished>,
    in_memory_instead: u64,
    last_canvas: Option<(Nv12Layout, PictureBytes)>,
}

/// A rendition and what it was made from. Frames under way keep theirs, so that a change of renditions does not
/// disturb them; only the canvas thread ever locks one.
#[derive(Clone, Debug)]
struct Wanted {
    output: RenditionOutput,
    rendition: Arc<Mutex<Rendition>>,
    /// Where its pictures are wanted as textures and can be.
    textures: Option<Arc<TextureRing>>,
}

impl Wanted {
    fn new(gpu: &Gpu, canvas: &Planes, output: RenditionOutput, by_processor: bool) -> Self {
        let as_texture = output.delivery == Delivery::Texture && gpu.why_no_textures().is_none();
        // What is to stay on the adapter is scaled there, also where the processor scales the others.
        let by_processor = by_processor && !as_texture;
        let rendition = Rendition::new(gpu.device(), gpu.queue(), canvas, output, by_processor);
        let ring = if as_texture {
            TextureRing::new(gpu, rendition.planes().unwrap_or(canvas)).unwrap_or_else(|error| {
                tracing::warn!(size = %output.size, %error, "no textures for encoders; pictures go through memory");
                None
            })
        } else {
            None
        };
        Self { output, rendition: Arc::new(Mutex::new(rendition)), textures: ring.map(Arc::new) }
    }

    /// A texture for the next picture, if one is wanted and free.
    fn reserve(&self) -> Option<Lease> {
        self.textures.as_ref()?.reserve().unwrap_or_else(|error| {
            tracing::warn!(%error, "no further texture; pictures go through memory");
            None
        })
    }

    fn lock(&self) -> MutexGuard<'_, Rendition> {
        self.rendition.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A rendition's picture on its way.
#[derive(Debug)]
enum Coming {
    /// Of the canvas in system memory.
    OfCanvas,
    Memory(Readback),
    Texture(Written),
}

impl Coming {
    fn readback(&self) -> Option<&Readback> {
        match self {
            Self::Memory(readback) => Some(readback),
            Self::OfCanvas | Self::Texture(_) => None,
        }
    }
}

/// A rendition's picture that can be handed on.
#[derive(Clone)]
enum Finished {
    Memory(Nv12Layout, PictureBytes),
    Texture(Written),
}

impl Finished {
    fn picture(&self, pts: Pts) -> Result<EncoderPicture, Error> {
        match self {
            Self::Memory(layout, bytes) => {
                layout.frame(pts.at(), Arc::clone(bytes)).map(EncoderPicture::Memory)
            }
            Self::Texture(written) => Ok(EncoderPicture::Texture(written.texture(pts.at()))),
        }
    }
}

/// What the canvas holds.
#[derive(Debug)]
struct Shown {
    picture: Picture,
    frames: Vec<(SourceId, Option<Arc<VideoFrame>>)>,
}

#[derive(Clone, Copy, Debug)]
enum Target {
    Canvas,
    FadeCanvas,
}

#[derive(Debug)]
enum UnderWay {
    Composed {
        pts: Pts,
        submission: wgpu::SubmissionIndex,
        canvas: Option<Readback>,
        /// The renditions as they were when this was composed.
        renditions: Vec<(Wanted, Coming)>,
    },
    /// The same picture as the frame before it.
    Repeated { pts: Pts },
}

impl Compositor {
    /// A compositor of `config` on `gpu`.
    ///
    /// # Errors
    /// [`Error::OddSize`] and [`Error::TooLarge`] for sizes that are not possible; [`Error::DeviceLost`].
    pub fn new(gpu: &Gpu, config: &CanvasConfig) -> Result<Self, Error> {
        gpu.check()?;
        check_size(gpu, config.size)?;
        let device = gpu.device();
        let canvas = Planes::new(device, config.size, "canvas");
        let by_processor = config.by_processor.unwrap_or(gpu.info().is_software);
        let automatic = if gpu.info().is_software { 1 } else { 3 };
        let mut made = Self {
            gpu: gpu.clone(),
            canvas,
            fade_canvas: None,
            renditions: Vec::new(),
            by_processor,
            painter: Painter::new(device),
            sources: Sources::default(),
            staging: StagingPool::new(device),
            preview: PreviewPainter::new(device),
            processor: Processor::default(),
            opaque_by: if by_processor { OpaqueBy::Processor } else { OpaqueBy::Adapter },
            canvas_readback: None,
            in_flight: config.in_flight.unwrap_or(automatic).max(1),
            under_way: VecDeque::new(),
            shown: None,
            last: Vec::new(),
            in_memory_instead: 0,
            last_canvas: None,
        };
        made.set_renditions(config.renditions.clone())?;
        Ok(made)
    }

    /// Gives its pictures for the window to `preview`, which another compositor had: one that went with its device.
    pub fn show_in(&mut self, preview: Preview) {
        self.preview.show_in(preview);
    }

    /// Makes these renditions from the next composed frame on. Frames under way keep the renditions they were composed
    /// for; canvas and preview go on as they are; what is wanted as before is kept.
    ///
    /// # Errors
    /// [`Error::OddSize`] and [`Error::TooLarge`] for sizes that are not possible, and nothing is changed then;
    /// [`Error::DeviceLost`].
    #[expect(clippy::needless_pass_by_value, reason = "the caller has no further use for the list")]
    pub fn set_renditions(&mut self, renditions: Vec<RenditionOutput>) -> Result<(), Error> {
        self.gpu.check()?;
        for output in &renditions {
            check_size(&self.gpu, output.size)?;
        }
        let device = self.gpu.device();
        let wanted: Vec<_> = renditions
            .iter()
            .map(|output| {
                let kept = self.renditions.iter().find(|known| known.output == *output);
                kept.cloned()
                    .unwrap_or_else(|| Wanted::new(&self.gpu, &self.canvas, *output, self.by_processor))
            })
            .collect();
        // The processor makes the preview of the canvas too, also when nothing else is made of it.
        let needs_canvas =
            self.opaque_by == OpaqueBy::Processor || wanted.iter().any(|wanted| wanted.lock().needs_canvas());
        if !needs_canvas {
            self.canvas_readback = None;
        } else if self.canvas_readback.is_none() {
            self.canvas_readback = Some(ReadbackPool::new(device, self.canvas.size));
        }
        self.renditions = wanted;
        // The pictures of the frame before are not those that are wanted now.
        self.shown = None;
        self.gpu.check()
    }

    /// The window's end of this canvas.
    pub fn preview(&self) -> Preview {
        self.preview.handle()
    }

    /// Pictures that were wanted as textures and came in system memory, because every texture of the ring was held by
    /// the encoder or none could be made.
    pub fn in_memory_instead(&self) -> u64 {
        self.in_memory_instead
    }

    /// Frames that may be under way at once.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Begins the frame of `pts`: `picture`, with the frames that `lookup` gives now. A source without a frame is not
    /// drawn. Where nothing changed since the frame before, nothing is drawn at all.
    ///
    /// # Errors
    /// [`Error::Busy`] when as many frames as [`Compositor::in_flight`] are not collected yet; [`Error::TooLarge`] for
    /// a source's frame; [`Error::DeviceLost`]; [`Error::Internal`]. The frame is then not composed; the next may be.
    pub fn compose(&mut self, pts: Pts, picture: &Picture, lookup: &Lookup<'_>) -> Result<(), Error> {
        self.gpu.check()?;
        if self.under_way.len() >= self.in_flight {
            return Err(Error::Busy { in_flight: self.under_way.len() });
        }
        let frames = newest_frames(picture, lookup);
        if self.shows(picture, &frames) {
            self.repeat(pts);
            return Ok(());
        }
        // Should this fail half way, the canvas is not what it was.
        self.shown = None;
        let lookup = |source: SourceId| {
            frames.iter().find(|(known, _)| *known == source).and_then(|(_, frame)| frame.clone())
        };
        let device = self.gpu.device().clone();
        let mut encoder =
            device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("frame") });
        self.sources.begin();
        self.painter.begin();
        self.processor.begin();
        let (below, above) = layers(picture);
        let fade = match above {
            Some((layers, share)) => Some((self.plan(layers, &lookup, &mut encoder)?, share)),
            None => None,
        };
        let mut list = self.plan(below, &lookup, &mut encoder)?;
        let mut fade_steps = None;
        if let Some((fade_list, share)) = &fade {
            list.draws.push(Draw::fade(self.canvas.size, *share));
            self.ensure_fade_canvas();
            fade_steps = Some(self.painter.prepare(&device, fade_list, &self.sources, None));
        }
        let fade_bindings = self.fade_canvas.as_ref().map(|(_, bindings)| bindings.clone());
        let mut steps = self.painter.prepare(&device, &list, &self.sources, fade_bindings.as_ref());
        self.painter.upload_constants(&device, self.gpu.queue());
        if let (Some(steps), Some((fade_list, _))) = (&mut fade_steps, &fade) {
            self.paint(&mut encoder, fade_list, steps, Target::FadeCanvas)?;
        }
        self.paint(&mut encoder, &list, &mut steps, Target::Canvas)?;
        self.finish(pts, encoder)?;
        self.shown = Some(Shown { picture: picture.clone(), frames });
        self.gpu.check()
    }

    /// Records one canvas: what is copied, then what is drawn.
    fn paint(
        &mut self,
        encoder: &mut wgpu::CommandEncoder,
        list: &DrawList,
        steps: &mut Steps,
        target: Target,
    ) -> Result<(), Error> {
        let Self { gpu, staging, painter, processor, canvas, fade_canvas, .. } = self;
        let planes = match (target, fade_canvas) {
            (Target::FadeCanvas, Some((planes, _))) => planes,
            _ => canvas,
        };
        let textures = planes.textures();
        if !list.copies.is_empty() {
            painter.clear(encoder, steps, planes);
        }
        let mut upload = Upload { gpu, staging, encoder, painter };
        if let Backdrop::Frame(frame) = &list.backdrop {
            upload.fill(&textures, frame, Reduction::NONE)?;
        }
        for Copy { frame, draw, reduction, rect } in &list.copies {
            upload.copy(&textures, &processor.draw(frame, draw, *reduction, *rect))?;
        }
        painter.paint(encoder, steps, planes);
        Ok(())
    }

    fn finish(&mut self, pts: Pts, mut encoder: wgpu::CommandEncoder) -> Result<(), Error> {
        let leases: Vec<_> = self.renditions.iter().map(Wanted::reserve).collect();
        let reads_canvas = self.previews_by_processor()
            || self
                .renditions
                .iter()
                .zip(&leases)
                .any(|(wanted, lease)| lease.is_none() && wanted.lock().needs_canvas());
        let canvas_readback = self.canvas_readback.as_ref().filter(|_| reads_canvas);
        let canvas = canvas_readback.map(|pool| pool.record(&mut encoder, &self.canvas));
        let buffers: Vec<_> = self
            .renditions
            .iter()
            .zip(&leases)
            .map(|(wanted, lease)| wanted.lock().record(&mut encoder, lease.is_none()))
            .collect();
        let (device, queue) = (self.gpu.device(), self.gpu.queue());
        let shown = self
            .preview
            .wants(self.canvas.size, true)
            .filter(|_| !self.previews_by_processor())
            .and_then(|size| self.preview.record(device, queue, &mut encoder, &self.canvas, size));
        for (wanted, _) in self.renditions.iter().zip(&leases).filter(|(_, lease)| lease.is_some()) {
            if let Some(ring) = &wanted.textures {
                leave_as_sources(&mut encoder, ring.sources());
            }
        }
        let submission = self.gpu.submit(encoder.finish());
        self.preview.publish(shown);
        self.staging.recall();
        let canvas = self.canvas_readback.as_ref().zip(canvas).map(|(pool, buffer)| pool.begin(buffer));
        let mut renditions = Vec::with_capacity(self.renditions.len());
        for ((wanted, buffer), lease) in self.renditions.iter().zip(buffers).zip(leases) {
            self.in_memory_instead += u64::from(wanted.textures.is_some() && lease.is_none());
            let own = buffer.and_then(|buffer| wanted.lock().begin(buffer));
            let coming = match (lease, own) {
                (Some(lease), _) => Coming::Texture(lease.write()?),
                (None, Some(readback)) => Coming::Memory(readback),
                (None, None) => Coming::OfCanvas,
            };
            renditions.push((wanted.clone(), coming));
        }
        self.under_way.push_back(UnderWay::Composed { pts, submission, canvas, renditions });
        Ok(())
    }

    fn repeat(&mut self, pts: Pts) {
        let wanted = self.preview.wants(self.canvas.size, false);
        if let Some(size) = wanted.filter(|_| !self.previews_by_processor()) {
            let (device, queue) = (self.gpu.device(), self.gpu.queue());
            let mut encoder =
                device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("preview") });
            let shown = self.preview.record(device, queue, &mut encoder, &self.canvas, size);
            self.gpu.submit(encoder.finish());
            self.preview.publish(shown);
        }
        self.under_way.push_back(UnderWay::Repeated { pts });
    }

    /// Whether the preview is made of the canvas in system memory, when that is collected.
    fn previews_by_processor(&self) -> bool {
        self.opaque_by == OpaqueBy::Processor
    }

    fn preview_by_processor(&mut self, changed: bool) -> Result<(), Error> {
        let Some((layout, bytes)) = self.last_canvas.clone() else { return Ok(()) };
        let Some(size) = self.preview.still_wants(self.canvas.size, changed) else { return Ok(()) };
        let mut encoder = self
            .gpu
            .device()
            .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("preview") });
        let canvas = (&self.canvas, layout, (*bytes).as_ref());
        let shown =
            self.preview.record_by_processor(&self.gpu, &mut self.staging, &mut encoder, canvas, size)?;
        self.gpu.submit(encoder.finish());
        self.staging.recall();
        self.preview.publish(shown);
        Ok(())
    }

    /// Whether the canvas already shows exactly this, and a frame of it was or will be collected.
    fn shows(&self, picture: &Picture, frames: &[(SourceId, Option<Arc<VideoFrame>>)]) -> bool {
        let same_frame = |a: &Option<Arc<VideoFrame>>, b: &Option<Arc<VideoFrame>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        self.shown.as_ref().is_some_and(|shown| {
            shown.picture == *picture
                && shown.frames.len() == frames.len()
                && shown.frames.iter().zip(frames).all(|(a, b)| a.0 == b.0 && same_frame(&a.1, &b.1))
        })
    }

    fn plan(
        &mut self,
        layers: &[Layer],
        lookup: &Lookup<'_>,
        encoder: &mut wgpu::CommandEncoder,
    ) -> Result<DrawList, Error> {
        let Self { gpu, staging, painter, sources, canvas, opaque_by, .. } = self;
        let mut upload = Upload { gpu, staging, encoder, painter };
        DrawList::plan(canvas.size, *opaque_by, layers, lookup, &mut |key, frame| {
            sources.prepare(key, frame, &mut upload)
        })
    }

    fn ensure_fade_canvas(&mut self) {
        if self.fade_canvas.is_none() {
            let planes = Planes::new(self.gpu.device(), self.canvas.size, "fade canvas");
            let bindings = self.painter.bind(self.gpu.device(), &planes.luma, &planes.chroma);
            self.fade_canvas = Some((planes, bindings));
        }
    }

    /// The oldest frame under way. While fewer than [`Compositor::in_flight`] are under way it is given only if it is
    /// finished; when all are, up to `timeout` is waited for it. `None` when there is none to give yet.
    ///
    /// # Errors
    /// [`Error::Late`] when the wait was in vain: the frame stays under way. [`Error::DeviceLost`];
    /// [`Error::Internal`], the frame is then lost.
    pub fn collect(&mut self, timeout: Duration) -> Result<Option<ComposedFrame>, Error> {
        let all_busy = self.under_way.len() >= self.in_flight;
        self.take_oldest(all_busy.then_some(timeout))
    }

    /// Like [`Compositor::collect`], but always waits: for the frames that are left when a show ends.
    ///
    /// # Errors
    /// As [`Compositor::collect`].
    pub fn drain(&mut self, timeout: Duration) -> Result<Option<ComposedFrame>, Error> {
        self.take_oldest(Some(timeout))
    }

    fn take_oldest(&mut self, wait: Option<Duration>) -> Result<Option<ComposedFrame>, Error> {
        self.gpu.check()?;
        match self.under_way.front() {
            None => return Ok(None),
            Some(UnderWay::Repeated { .. }) => {}
            Some(UnderWay::Composed { submission, canvas, renditions, .. }) => {
                let how = match wait {
                    Some(timeout) => wgpu::PollType::Wait {
                        submission_index: Some(submission.clone()),
                        timeout: Some(timeout),
                    },
                    None => wgpu::PollType::Poll,
                };
                let polled = self.gpu.device().poll(how);
                self.gpu.check()?;
                // Another thread may have polled the answer away and be about to tell.
                let patience = if polled.is_ok() { wait.unwrap_or_default() } else { Duration::ZERO };
                if !renditions
                    .iter()
                    .filter_map(|(_, coming)| coming.readback())
                    .chain(canvas)
                    .all(|readback| readback.is_done(patience))
                {
                    return match (polled, wait) {
                        (Err(wgpu::PollError::WrongSubmissionIndex(..)), _) => {
                            Err(Error::internal("a frame was waited for on another device"))
                        }
                        (_, Some(waited)) => Err(Error::Late { waited }),
                        (_, None) => Ok(None),
                    };
                }
            }
        }
        let (pts, changed) = match self.under_way.pop_front() {
            None => return Ok(None),
            Some(UnderWay::Repeated { pts }) => (pts, false),
            Some(UnderWay::Composed { pts, canvas, renditions, .. }) => {
                let finished = self.finish_renditions(canvas, renditions);
                if finished.is_err() {
                    // What follows must not repeat a picture that never came.
                    self.shown = None;
                }
                self.last = finished?;
                (pts, true)
            }
        };
        // Whether that frame's canvas came to system memory; by now later ones may have other renditions.
        if self.opaque_by == OpaqueBy::Processor {
            self.preview_by_processor(changed)?;
        }
        let pictures = self.last.iter().map(|finished| finished.picture(pts));
        Ok(Some(ComposedFrame { pts, pictures: pictures.collect::<Result<_, _>>()? }))
    }

    fn finish_renditions(
        &mut self,
        canvas: Option<Readback>,
        renditions: Vec<(Wanted, Coming)>,
    ) -> Result<Vec<Finished>, Error> {
        let canvas = canvas.map(Readback::finish).transpose()?;
        self.last_canvas.clone_from(&canvas);
        renditions
            .into_iter()
            .map(|(wanted, coming)| {
                let own = match coming {
                    Coming::Texture(written) => return Ok(Finished::Texture(written)),
                    Coming::Memory(readback) => Some(readback.finish()?),
                    Coming::OfCanvas => None,
                };
                let (layout, bytes) = wanted.lock().finish(canvas.as_ref(), own)?;
                Ok(Finished::Memory(layout, bytes))
            })
            .collect()
    }
}

/// Leaves textures as what copies read from, for commands that are not the graphics library's.
fn leave_as_sources(encoder: &mut wgpu::CommandEncoder, sources: &[wgpu::Texture; 2]) {
    let state = wgpu::TextureUses::COPY_SRC;
    let textures = sources.iter().map(|texture| wgpu::TextureTransition { texture, selector: None, state });
    encoder.transition_resources(std::iter::empty(), textures);
}

fn check_size(gpu: &Gpu, size: Size) -> Result<(), Error> {
    let limit_px = gpu.largest_texture_px();
    if !size.is_even() {
        return Err(Error::OddSize { size });
    }
    if size.longest_px() > limit_px {
        return Err(Error::TooLarge { size, limit_px });
    }
    Ok(())
}

/// The layers to compose, and those to compose by themselves and lay over with a share.
fn layers(picture: &Picture) -> (&[Layer], Option<(&[Layer], f32)>) {
    match &picture.fade {
        Some((above, share)) if *share >= 1.0 => (above, None),
        Some((above, share)) if *share > 0.0 => (&picture.layers, Some((above, *share))),
        _ => (&picture.layers, None),
    }
}

/// Asks once per source, so that a source shown twice shows the same frame.
fn newest_frames(picture: &Picture, lookup: &Lookup<'_>) -> Vec<(SourceId, Option<Arc<VideoFrame>>)> {
    let (below, above) = layers(picture);
    let mut frames: Vec<(SourceId, Option<Arc<VideoFrame>>)> = Vec::new();
    for layer in below.iter().chain(above.iter().flat_map(|(layers, _)| layers.iter())) {
        if !frames.iter().any(|(known, _)| *known == layer.source) {
            frames.push((layer.source, lookup(layer.source)));
        }
    }
    frames
}
