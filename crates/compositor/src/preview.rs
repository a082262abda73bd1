//! The canvas for the window, without leaving the adapter.
//!
//! The window says how large it shows the programme and takes the newest picture; while nobody takes it, none is made.
//! Pictures are RGBA in plain (not sRGB-typed) textures that hold gamma-encoded values: that is what egui's renderer
//! samples and blends in, so `register_native_texture` shows them unchanged.

use std::sync::{Arc, Mutex, PoisonError};

use units::Size;

use crate::color::canvas_to_rgb;
use crate::painter::{PipelineParts, Planes, begin_pass, create_pipeline};
use crate::preview_rows::to_rgba;
use crate::readback::Nv12Layout;
use crate::staging::StagingPool;
use crate::{Error, Gpu};

/// Pictures in the ring: one that the window samples, one that is newest, one that is being drawn.
const RING: usize = 3;

/// Compositions without anybody taking the preview after which it is no longer made.
const PATIENCE: u32 = 30;

/// One picture of the programme, to be sampled on the device of the same [`Gpu`](crate::Gpu).
///
/// It stays as it is for two more pictures. The same few views come again and again and compare equal, so a window
/// can register each with its renderer once.
#[derive(Clone, Debug, PartialEq)]
pub struct PreviewFrame {
    /// `Rgba8Unorm`, gamma-encoded, opaque.
    pub view: wgpu::TextureView,
    /// Its size in pixels.
    pub size: Size,
    /// Grows by one with every picture.
    pub serial: u64,
    /// The same picture in system memory, rows without padding, where the processor drew it: for a window that is
    /// drawn by another device.
    pub rgba: Option<Arc<[u8]>>,
}

#[derive(Debug, Default)]
struct Shared {
    wanted: Option<Size>,
    newest: Option<PreviewFrame>,
    /// Nobody has taken the newest picture yet, so another would be drawn for nothing.
    is_untaken: bool,
    unseen: u32,
}

impl Shared {
    fn count_unseen(&mut self) {
        self.unseen = self.unseen.saturating_add(1);
    }
}

/// The window's end. Clones are of the same preview; any thread may hold one.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    shared: Arc<Mutex<Shared>>,
}

impl Preview {
    /// Asks for pictures of about `size` (never larger than the canvas) from the next composition on. On a software
    /// adapter the cost grows with the pixels: ask for what is shown.
    pub fn show(&self, size: Size) {
        let mut shared = self.lock();
        shared.wanted = Some(size);
        shared.unseen = 0;
    }

    /// Ends the preview, for a window that is minimised.
    pub fn hide(&self) {
        let mut shared = self.lock();
        shared.wanted = None;
        shared.newest = None;
        shared.is_untaken = false;
    }

    /// The newest picture, if one was made since [`Preview::show`]. The next is made after this one was taken, so a
    /// slow window costs no more than it shows; a window that stops asking stops the work, and asking again resumes
    /// it.
    pub fn latest(&self) -> Option<PreviewFrame> {
        let mut shared = self.lock();
        shared.unseen = 0;
        shared.is_untaken = false;
        shared.newest.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The size to draw in, if anybody looks.
    fn wanted(&self, canvas: Size) -> Option<Size> {
        let shared = self.lock();
        if shared.unseen > PATIENCE || shared.is_untaken {
            return None;
        }
        let wanted = shared.wanted?;
        let side = |wanted: u32, canvas: u32| wanted.clamp(1, canvas);
        Size::new(side(wanted.width_px(), canvas.width_px()), side(wanted.height_px(), canvas.height_px()))
            .ok()
    }
}

/// The compositor's end.
#[derive(Debug)]
pub(crate) struct PreviewPainter {
    preview: Preview,
    shader: wgpu::ShaderModule,
    group_layout: wgpu::BindGroupLayout,
    layout: wgpu::PipelineLayout,
    sampler: wgpu::Sampler,
    ring: Option<Ring>,
    serial: u64,
    /// The newest picture is of what the canvas holds now.
    is_current: bool,
}

/// What depends on the preview's size.
#[derive(Debug)]
struct Ring {
    size: Size,
    pipeline: wgpu::RenderPipeline,
    bindings: wgpu::BindGroup,
    views: [wgpu::TextureView; RING],
}

impl PreviewPainter {
    pub(crate) fn new(device: &wgpu::Device) -> Self {
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        };
        let texture = wgpu::BindingType::Texture {
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
            multisampled: false,
        };
        let uniform = wgpu::BindingType::Buffer {
            ty: wgpu::BufferBindingType::Uniform,
            has_dynamic_offset: false,
            min_binding_size: None,
        };
        let group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("preview"),
            entries: &[
                entry(0, uniform),
                entry(1, texture),
                entry(2, texture),
                entry(3, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("preview"),
            bind_group_layouts: &[Some(&group_layout)],
            immediate_size: 0,
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("preview"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        Self {
            preview: Preview::default(),
            shader: device.create_shader_module(wgpu::include_wgsl!("shaders/preview.wgsl")),
            group_layout,
            layout,
            sampler,
            ring: None,
            serial: 0,
            is_current: false,
        }
    }

    /// Gives its pictures to a preview that has some already. Their numbers go on; the pictures themselves are of
    /// another device.
    pub(crate) fn show_in(&mut self, preview: Preview) {
        {
            let mut shared = preview.lock();
            self.serial = shared.newest.take().map_or(self.serial, |newest| newest.serial + 1);
            shared.is_untaken = false;
        }
        (self.preview, self.is_current) = (preview, false);
    }

    pub(crate) fn handle(&self) -> Preview {
        self.preview.clone()
    }

    /// The size of the picture to draw now, if any: somebody looks, and the newest picture is of another canvas
    /// (`changed`, now or when nobody looked) or of another size. Once per composition.
    pub(crate) fn wants(&mut self, canvas: Size, changed: bool) -> Option<Size> {
        self.preview.lock().count_unseen();
        self.still_wants(canvas, changed)
    }

    /// The same when the canvas of a composition is collected.
    pub(crate) fn still_wants(&mut self, canvas: Size, changed: bool) -> Option<Size> {
        self.is_current &= !changed;
        let size = self.preview.wanted(canvas)?;
        (!self.is_current || self.preview.lock().newest.as_ref().is_none_or(|newest| newest.size != size))
            .then_some(size)
    }

    /// Records a picture of `canvas`. Hand the answer to [`PreviewPainter::publish`] once the commands are submitted.
    pub(crate) fn record(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
        canvas: &Planes,
        size: Size,
    ) -> Option<PreviewFrame> {
        if self.ring.as_ref().is_none_or(|ring| ring.size != size) {
            self.ring = Some(self.make_ring(device, queue, canvas, size));
        }
        let ring = self.ring.as_ref()?;
        let view = ring.views.get((self.serial % RING as u64) as usize)?;
        let mut pass = begin_pass(encoder, view, None);
        pass.set_pipeline(&ring.pipeline);
        pass.set_bind_group(0, &ring.bindings, &[]);
        pass.draw(0..3, 0..1);
        drop(pass);
        let frame = PreviewFrame { view: view.clone(), size, serial: self.serial, rgba: None };
        self.serial += 1;
        self.is_current = true;
        Some(frame)
    }

    /// Like [`PreviewPainter::record`], of a canvas in system memory.
    pub(crate) fn record_by_processor(
        &mut self,
        gpu: &Gpu,
        staging: &mut StagingPool,
        encoder: &mut wgpu::CommandEncoder,
        (canvas, layout, bytes): (&Planes, Nv12Layout, &[u8]),
        size: Size,
    ) -> Result<Option<PreviewFrame>, Error> {
        if self.ring.as_ref().is_none_or(|ring| ring.size != size) {
            self.ring = Some(self.make_ring(gpu.device(), gpu.queue(), canvas, size));
        }
        let Some(view) =
            self.ring.as_ref().and_then(|ring| ring.views.get((self.serial % RING as u64) as usize))
        else {
            return Ok(None);
        };
        let rows = to_rgba(layout, bytes, size);
        let row_bytes = size.width_px() as usize * 4;
        let stride = (size.width_px() * 4).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
        let buffer = staging.write(u64::from(stride) * u64::from(size.height_px()), |view| {
            for (row, texels) in rows.chunks_exact(row_bytes).enumerate() {
                let start = row * stride as usize;
                view.slice(start..start + row_bytes).copy_from_slice(texels);
            }
        })?;
        encoder.copy_buffer_to_texture(
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(stride),
                    rows_per_image: None,
                },
            },
            view.texture().as_image_copy(),
            view.texture().size(),
        );
        let frame = PreviewFrame { view: view.clone(), size, serial: self.serial, rgba: Some(rows.into()) };
        self.serial += 1;
        self.is_current = true;
        Ok(Some(frame))
    }

    /// Makes a picture visible to the window. Its commands must have been submitted: the queue's order then keeps the
    /// window from sampling it before it is drawn, with no wait on either side.
    pub(crate) fn publish(&self, frame: Option<PreviewFrame>) {
        let mut shared = self.preview.lock();
        if shared.wanted.is_some() && frame.is_some() {
            shared.newest = frame;
            shared.is_untaken = true;
        }
    }

    fn make_ring(&self, device: &wgpu::Device, queue: &wgpu::Queue, canvas: &Planes, size: Size) -> Ring {
        let exact = size == canvas.size;
        let pipeline = create_pipeline(
            device,
            &PipelineParts {
                label: "preview",
                layout: &self.layout,
                shader: &self.shader,
                entry_point: "show",
                overrides: &[("EXACT", f64::from(u8::from(exact)))],
                format: wgpu::TextureFormat::Rgba8Unorm,
                blend: None,
            },
        );
        // Field for field `Conversion` of `preview.wgsl`.
        let mut constants = [0.0f32; 16];
        for (cell, value) in constants.iter_mut().zip(canvas_to_rgb().iter().flatten()) {
            *cell = *value;
        }
        let places = [
            1.0 / size.width_px() as f32,
            1.0 / size.height_px() as f32,
            // A quarter of a chroma sample, in 0..1 of the chroma plane.
            0.5 / canvas.size.width_px() as f32,
        ];
        for (cell, value) in constants.iter_mut().skip(12).zip(places) {
            *cell = value;
        }
        let buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("preview"),
            size: size_of_val(&constants) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&constants));
        let [luma, chroma] = canvas.views();
        let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("preview"),
            layout: &self.group_layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: buffer.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(luma) },
                wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::TextureView(chroma) },
                wgpu::BindGroupEntry { binding: 3, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        });
        let views = std::array::from_fn(|_| {
            device
                .create_texture(&wgpu::TextureDescriptor {
                    label: Some("preview"),
                    size: wgpu::Extent3d {
                        width: size.width_px(),
                        height: size.height_px(),
                        depth_or_array_layers: 1,
                    },
                    mip_level_count: 1,
                    sample_count: 1,
                    dimension: wgpu::TextureDimension::D2,
                    format: wgpu::TextureFormat::Rgba8Unorm,
                    usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                        | wgpu::TextureUsages::TEXTURE_BINDING
                        | wgpu::TextureUsages::COPY_SRC
                        | wgpu::TextureUsages::COPY_DST,
                    view_formats: &[],
                })
                .create_view(&wgpu::TextureViewDescriptor::default())
        });
        Ring { size, pipeline, bindings, views }
    }
}
