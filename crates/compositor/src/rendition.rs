//! One output size: scaled from the canvas where it differs, and copied out.

use units::{PictureBytes, Size};

use crate::Error;
use crate::filter::{Scaler, Siting, WeightTable};
use crate::painter::{PipelineParts, Planes, begin_pass, create_pipeline};
use crate::readback::{Nv12Layout, Readback, ReadbackPool};
use crate::row_scaling::Nv12Scaler;

/// Where a finished picture is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// In system memory: always right.
    #[default]
    Memory,
    /// In the adapter's memory, for an encoder that reads it there. Where the adapter or the compositor can not, and for
    /// frames for which no texture is free, the picture comes in system memory.
    Texture,
}

/// A picture size that is wanted of every frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenditionOutput {
    /// Width and height in pixels, both even.
    pub size: Size,
    /// How it is scaled from the canvas; without effect where the sizes are equal.
    pub scaler: Scaler,
    /// Where the pictures go.
    pub delivery: Delivery,
}

/// How a rendition is made.
#[derive(Debug)]
pub(crate) enum Rendition {
    /// It is the canvas.
    Canvas,
    /// Scaled by the adapter.
    Scaled(ReadbackPool, Box<Scaled>),
    /// Scaled by the processor, from the canvas in system memory.
    ByProcessor(Box<Nv12Scaler>),
}

/// What the adapter needs to scale.
#[derive(Debug)]
pub(crate) struct Scaled {
    planes: Planes,
    axes: [Axis; 4],
}

/// One pass: a plane scaled along one axis.
#[derive(Debug)]
struct Axis {
    pipeline: wgpu::RenderPipeline,
    bindings: wgpu::BindGroup,
    target: wgpu::TextureView,
}

impl Rendition {
    pub(crate) fn new(
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        canvas: &Planes,
        output: RenditionOutput,
        by_processor: bool,
    ) -> Self {
        if output.size == canvas.size {
            Self::Canvas
        } else if by_processor {
            Self::ByProcessor(Box::new(Nv12Scaler::new(output.scaler, canvas.size, output.size)))
        } else {
            let scaled = Box::new(Scaled::new(device, queue, canvas, output));
            Self::Scaled(ReadbackPool::new(device, output.size), scaled)
        }
    }

    /// Whether it is made of the canvas in system memory.
    pub(crate) fn needs_canvas(&self) -> bool {
        !matches!(self, Self::Scaled(..))
    }

    /// What the adapter scales into, where it does.
    pub(crate) fn planes(&self) -> Option<&Planes> {
        match self {
            Self::Scaled(_, scaled) => Some(&scaled.planes),
            Self::Canvas | Self::ByProcessor(_) => None,
        }
    }

    /// Records the adapter's scaling, if any, and the copy to system memory, if that is wanted.
    pub(crate) fn record(&self, encoder: &mut wgpu::CommandEncoder, to_memory: bool) -> Option<wgpu::Buffer> {
        let Self::Scaled(readback, scaled) = self else { return None };
        for axis in &scaled.axes {
            let mut pass = begin_pass(encoder, &axis.target, None);
            pass.set_pipeline(&axis.pipeline);
            pass.set_bind_group(0, &axis.bindings, &[]);
            pass.draw(0..3, 0..1);
        }
        to_memory.then(|| readback.record(encoder, &scaled.planes))
    }

    /// Begins to map what [`Rendition::record`] gave.
    pub(crate) fn begin(&self, buffer: wgpu::Buffer) -> Option<Readback> {
        let Self::Scaled(readback, _) = self else { return None };
        Some(readback.begin(buffer))
    }

    /// The picture, of the canvas or of what was read back for this rendition.
    pub(crate) fn finish(
        &mut self,
        canvas: Option<&(Nv12Layout, PictureBytes)>,
        own: Option<(Nv12Layout, PictureBytes)>,
    ) -> Result<(Nv12Layout, PictureBytes), Error> {
        let found = match self {
            Self::Canvas => canvas.cloned(),
            Self::Scaled(..) => own,
            Self::ByProcessor(scaler) => {
                canvas.map(|(layout, bytes)| scaler.scale(*layout, (**bytes).as_ref()))
            }
        };
        found.ok_or_else(|| Error::internal("a rendition was not read back"))
    }
}

/// Builds what scales a picture, to see whether shaders can be compiled here.
pub(crate) fn build_scaler(device: &wgpu::Device, queue: &wgpu::Queue) {
    let sizes = (Size::new(4, 4), Size::new(2, 2));
    if let (Ok(canvas), Ok(size)) = sizes {
        let output = RenditionOutput { size, scaler: Scaler::Bicubic, delivery: Delivery::Memory };
        Scaled::new(device, queue, &Planes::new(device, canvas, "trial"), output);
    }
}

impl Scaled {
    fn new(device: &wgpu::Device, queue: &wgpu::Queue, canvas: &Planes, output: RenditionOutput) -> Self {
        let RenditionOutput { size, scaler, .. } = output;
        let shader = device.create_shader_module(wgpu::include_wgsl!("shaders/scale.wgsl"));
        let texture_entry = |binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: false },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        };
        let group_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("scaler"),
            entries: &[texture_entry(0), texture_entry(1)],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("scaler"),
            bind_group_layouts: &[Some(&group_layout)],
            immediate_size: 0,
        });
        let planes = Planes::new(device, size, "rendition");
        let axis = |entry_point, table: &WeightTable, input: &wgpu::TextureView, target: &wgpu::Texture| {
            let table_view = upload_table(device, queue, table);
            let pipeline = create_pipeline(
                device,
                &PipelineParts {
                    label: "scaler",
                    layout: &layout,
                    shader: &shader,
                    entry_point,
                    overrides: &[("QUADS", f64::from(table.quads))],
                    format: target.format(),
                    blend: None,
                },
            );
            let bindings = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("scaler"),
                layout: &group_layout,
                entries: &[
                    wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(input) },
                    wgpu::BindGroupEntry {
                        binding: 1,
                        resource: wgpu::BindingResource::TextureView(&table_view),
                    },
                ],
            });
            Axis { pipeline, bindings, target: target.create_view(&wgpu::TextureViewDescriptor::default()) }
        };
        // Between the passes half floats: the sharper kernels overshoot, and rounding twice to 8 bits would show.
        let between = |format, width, height| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some("scaled across"),
                size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
                view_formats: &[],
            })
        };
        let (from, to) = (canvas.size, size);
        let luma_between = between(wgpu::TextureFormat::R16Float, to.width_px(), from.height_px());
        let chroma_between = between(wgpu::TextureFormat::Rg16Float, to.width_px() / 2, from.height_px() / 2);
        let view = |texture: &wgpu::Texture| texture.create_view(&wgpu::TextureViewDescriptor::default());
        let [luma_view, chroma_view] = canvas.views();
        let table = |siting, input, output| WeightTable::new(scaler, siting, input, output);
        let (wide, high) = ((from.width_px(), to.width_px()), (from.height_px(), to.height_px()));
        let axes = [
            axis("across", &table(Siting::Centre, wide.0, wide.1), luma_view, &luma_between),
            axis("down", &table(Siting::Centre, high.0, high.1), &view(&luma_between), &planes.luma),
            axis("across", &table(Siting::Left, wide.0 / 2, wide.1 / 2), chroma_view, &chroma_between),
            axis(
                "down",
                &table(Siting::Centre, high.0 / 2, high.1 / 2),
                &view(&chroma_between),
                &planes.chroma,
            ),
        ];
        Self { planes, axes }
    }
}

fn upload_table(device: &wgpu::Device, queue: &wgpu::Queue, table: &WeightTable) -> wgpu::TextureView {
    let width = table.quads + 1;
    let height = (table.texels.len() / 4) as u32 / width;
    let size = wgpu::Extent3d { width, height, depth_or_array_layers: 1 };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("scaler weights"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: wgpu::TextureFormat::Rgba32Float,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    queue.write_texture(
        texture.as_image_copy(),
        bytemuck::cast_slice(&table.texels),
        wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(width * 16), rows_per_image: None },
        size,
    );
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}
