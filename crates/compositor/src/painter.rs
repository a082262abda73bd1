//! Puts draws into the two planes of a canvas.

use units::Size;

use crate::color::{CodeMap, from_rgb, from_yuv, keeps_matrix};
use crate::draw_list::{Backdrop, CANVAS_SPACE, Draw, DrawList, Paint};
use crate::geometry::PixelRect;
use crate::pixel_rows::TextureLayout;
use crate::sources::Sources;

/// The two planes of a picture on the adapter, in canvas codes: luma in full, Cb and Cr at half width and height.
///
/// The canvas is kept in the form it is encoded in. A picture that already has this form (a camera, a decoded file, a
/// pattern) is copied instead of being converted to RGB and back, which would blur its chroma twice, and every draw
/// touches 1.5 bytes per pixel instead of 4.
#[derive(Debug)]
pub(crate) struct Planes {
    pub(crate) size: Size,
    pub(crate) luma: wgpu::Texture,
    pub(crate) chroma: wgpu::Texture,
    luma_view: wgpu::TextureView,
    chroma_view: wgpu::TextureView,
}

impl Planes {
    pub(crate) fn new(device: &wgpu::Device, size: Size, label: &str) -> Self {
        let texture = |format, width, height| {
            device.create_texture(&wgpu::TextureDescriptor {
                label: Some(label),
                size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::RENDER_ATTACHMENT
                    | wgpu::TextureUsages::TEXTURE_BINDING
                    | wgpu::TextureUsages::COPY_SRC
                    | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            })
        };
        let luma = texture(wgpu::TextureFormat::R8Unorm, size.width_px(), size.height_px());
        let (half_width, half_height) = (size.width_px().div_ceil(2), size.height_px().div_ceil(2));
        let chroma = texture(wgpu::TextureFormat::Rg8Unorm, half_width, half_height);
        let luma_view = luma.create_view(&wgpu::TextureViewDescriptor::default());
        let chroma_view = chroma.create_view(&wgpu::TextureViewDescriptor::default());
        Self { size, luma, chroma, luma_view, chroma_view }
    }

    pub(crate) fn views(&self) -> [&wgpu::TextureView; 2] {
        [&self.luma_view, &self.chroma_view]
    }

    pub(crate) fn textures(&self) -> [wgpu::Texture; 2] {
        [self.luma.clone(), self.chroma.clone()]
    }
}

/// Textures bound for drawing.
#[derive(Clone, Debug)]
pub(crate) struct LayerBindings {
    group: wgpu::BindGroup,
    /// 1 / width and height of both planes.
    per_texel: [f32; 4],
}

/// One draw's constants as the shader reads them. Field for field `Draw` of `layer.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, bytemuck::Pod, bytemuck::Zeroable)]
struct DrawConstants {
    scale: [f32; 2],
    offset: [f32; 2],
    lowest: [f32; 2],
    highest: [f32; 2],
    rect: [f32; 4],
    luma: [f32; 4],
    cb: [f32; 4],
    cr: [f32; 4],
    per_texel: [f32; 4],
    chroma_shift: [f32; 2],
    alpha: f32,
    padding: f32,
}

/// Which of the shader's functions a draw needs, and with which overrides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Variant {
    colors: Colors,
    exact: bool,
    opaque: bool,
    mixed: bool,
    blended: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Colors {
    Solid,
    Rgb,
    Yuv,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Plane {
    Luma,
    Chroma,
}

/// The pipelines, made when first needed, and the constants of the draws of one frame.
#[derive(Debug)]
pub(crate) struct Painter {
    shader: wgpu::ShaderModule,
    constants_layout: wgpu::BindGroupLayout,
    textures_layout: wgpu::BindGroupLayout,
    sampler: wgpu::Sampler,
    pipelines: std::collections::HashMap<(Plane, Variant), wgpu::RenderPipeline>,
    constants: Vec<u8>,
    stride: usize,
    buffer: Option<(wgpu::Buffer, wgpu::BindGroup)>,
}

/// A draw with its place in the constants.
#[derive(Debug)]
struct Step {
    rect: PixelRect,
    luma: Variant,
    chroma: Variant,
    bindings: Option<LayerBindings>,
    constants_at: u32,
}

/// What [`Painter::paint`] does, prepared by [`Painter::prepare`].
#[derive(Debug)]
pub(crate) struct Steps {
    clear: Option<[f64; 3]>,
    steps: Vec<Step>,
}

impl Painter {
    pub(crate) fn new(device: &wgpu::Device) -> Self {
        let shader = device.create_shader_module(wgpu::include_wgsl!("shaders/layer.wgsl"));
        let texture = |binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty: wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: true },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
            count: None,
        };
        let constants_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("draw constants"),
            entries: &[wgpu::BindGroupLayoutEntry {
                binding: 0,
                visibility: wgpu::ShaderStages::FRAGMENT,
                ty: wgpu::BindingType::Buffer {
                    ty: wgpu::BufferBindingType::Uniform,
                    has_dynamic_offset: true,
                    min_binding_size: wgpu::BufferSize::new(size_of::<DrawConstants>() as u64),
                },
                count: None,
            }],
        });
        let textures_layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("layer textures"),
            entries: &[
                texture(0),
                texture(1),
                wgpu::BindGroupLayoutEntry {
                    binding: 2,
                    visibility: wgpu::ShaderStages::FRAGMENT,
                    ty: wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
                    count: None,
                },
            ],
        });
        let sampler = device.create_sampler(&wgpu::SamplerDescriptor {
            label: Some("bilinear"),
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..wgpu::SamplerDescriptor::default()
        });
        let alignment = device.limits().min_uniform_buffer_offset_alignment as usize;
        Self {
            shader,
            constants_layout,
            textures_layout,
            sampler,
            pipelines: std::collections::HashMap::new(),
            constants: Vec::new(),
            stride: size_of::<DrawConstants>().next_multiple_of(alignment),
            buffer: None,
        }
    }

    /// Binds the textures of one picture; a picture of one plane gives it twice.
    pub(crate) fn bind(
        &self,
        device: &wgpu::Device,
        first: &wgpu::Texture,
        second: &wgpu::Texture,
    ) -> LayerBindings {
        let view = |texture: &wgpu::Texture| texture.create_view(&wgpu::TextureViewDescriptor::default());
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("layer textures"),
            layout: &self.textures_layout,
            entries: &[
                wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::TextureView(&view(first)),
                },
                wgpu::BindGroupEntry {
                    binding: 1,
                    resource: wgpu::BindingResource::TextureView(&view(second)),
                },
                wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::Sampler(&self.sampler) },
            ],
        });
        let per = |length: u32| 1.0 / length as f32;
        let per_texel = [per(first.width()), per(first.height()), per(second.width()), per(second.height())];
        LayerBindings { group, per_texel }
    }

    /// Forgets the draws of the last frame.
    pub(crate) fn begin(&mut self) {
        self.constants.clear();
    }

    /// Turns a draw list into steps and collects their constants.
    pub(crate) fn prepare(
        &mut self,
        device: &wgpu::Device,
        list: &DrawList,
        sources: &Sources,
        fade_canvas: Option<&LayerBindings>,
    ) -> Steps {
        let clear = match &list.backdrop {
            Backdrop::Frame(_) | Backdrop::Covered => None,
            Backdrop::Black => Some(solid_codes([0.0; 3])),
            Backdrop::Solid(color) => Some(solid_codes([color.r, color.g, color.b])),
        };
        let steps =
            list.draws.iter().filter_map(|draw| self.step(draw, sources, fade_canvas)).collect::<Vec<_>>();
        for step in &steps {
            for (plane, variant) in [(Plane::Luma, step.luma), (Plane::Chroma, step.chroma)] {
                if !self.pipelines.contains_key(&(plane, variant)) {
                    let made = self.create_pipeline(device, plane, variant);
                    self.pipelines.insert((plane, variant), made);
                }
            }
        }
        Steps { clear, steps }
    }

    fn step(&mut self, draw: &Draw, sources: &Sources, fade_canvas: Option<&LayerBindings>) -> Option<Step> {
        let mut constants = DrawConstants {
            scale: draw.map.map(|axis| axis.scale),
            offset: draw.map.map(|axis| axis.offset),
            alpha: draw.alpha,
            rect: edges(draw.rect),
            ..DrawConstants::default()
        };
        let (colors, is_sampled_opaque, mixed, bindings, reduction_x) = match &draw.paint {
            Paint::Solid(color) => {
                let [luma, cb, cr] = solid_codes([color.r, color.g, color.b]).map(|code| code as f32);
                constants.set_map(&[[0.0, 0.0, 0.0, luma], [0.0, 0.0, 0.0, cb], [0.0, 0.0, 0.0, cr]]);
                (Colors::Solid, true, false, None, 1)
            }
            Paint::Source(key) => {
                let texture = sources.get(*key)?;
                let frame = texture.frame();
                let bindings = Some(texture.bindings.clone());
                if TextureLayout::of(frame.format()) == TextureLayout::Nv12 {
                    constants.set_map(&from_yuv(frame.color()));
                    (Colors::Yuv, true, !keeps_matrix(frame.color()), bindings, key.reduction.x)
                } else {
                    constants.set_map(&from_rgb());
                    (Colors::Rgb, texture.is_opaque, false, bindings, key.reduction.x)
                }
            }
            Paint::FadeCanvas => {
                constants.set_map(&from_yuv(CANVAS_SPACE));
                (Colors::Yuv, true, false, Some(fade_canvas?.clone()), 1)
            }
        };
        if let Some(bindings) = &bindings {
            constants.per_texel = bindings.per_texel;
            constants.set_bounds(draw.bounds);
        }
        // A chroma sample of a reduced picture is the average of as many, so it sits that much nearer to the middle.
        constants.chroma_shift = [0.25 / reduction_x as f32, 0.0];
        let exact = draw.map.iter().all(|axis| axis.is_exact());
        let even = draw.map.iter().all(|axis| axis.offset % 2.0 == 0.0);
        let copies_chroma = colors == Colors::Yuv
            && exact
            && even
            && reduction_x == 1
            && draw.map.first().is_some_and(|axis| axis.scale == 1.0);
        let blended = !draw.is_opaque;
        let luma = Variant {
            colors,
            exact: exact && colors != Colors::Solid,
            opaque: is_sampled_opaque,
            mixed,
            blended,
        };
        // Chroma samples at an edge belong to the rectangle in part.
        let chroma = Variant { exact: copies_chroma, mixed: false, blended: true, ..luma };
        let constants_at = self.constants.len() as u32;
        self.constants.extend_from_slice(bytemuck::bytes_of(&constants));
        self.constants.resize(constants_at as usize + self.stride, 0);
        Some(Step { rect: draw.rect, luma, chroma, bindings, constants_at })
    }

    /// Sends the constants of all prepared steps. Once per frame, before [`Painter::paint`].
    pub(crate) fn upload_constants(&mut self, device: &wgpu::Device, queue: &wgpu::Queue) {
        if self.constants.is_empty() {
            return;
        }
        let needed = self.constants.len() as u64;
        if self.buffer.as_ref().is_none_or(|(buffer, _)| buffer.size() < needed) {
            let buffer = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("draw constants"),
                size: needed.next_power_of_two(),
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("draw constants"),
                layout: &self.constants_layout,
                entries: &[wgpu::BindGroupEntry {
                    binding: 0,
                    resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                        buffer: &buffer,
                        offset: 0,
                        size: wgpu::BufferSize::new(size_of::<DrawConstants>() as u64),
                    }),
                }],
            });
            self.buffer = Some((buffer, group));
        }
        if let Some((buffer, _)) = &self.buffer {
            queue.write_buffer(buffer, 0, &self.constants);
        }
    }

    /// Records the clearing of the canvas by itself, for when something is copied before the steps are painted.
    pub(crate) fn clear(&self, encoder: &mut wgpu::CommandEncoder, steps: &mut Steps, target: &Planes) {
        let clear = Steps { clear: steps.clear.take(), steps: Vec::new() };
        self.paint(encoder, &clear, target);
    }

    /// Records the steps: one pass per plane, none where there is nothing to do.
    pub(crate) fn paint(&self, encoder: &mut wgpu::CommandEncoder, steps: &Steps, target: &Planes) {
        if steps.clear.is_none() && steps.steps.is_empty() {
            return;
        }
        let [luma_view, chroma_view] = target.views();
        let bounds = PixelRect::of(target.size);
        let half = PixelRect { x1: (bounds.x1 + 1) / 2, y1: (bounds.y1 + 1) / 2, ..bounds };
        for (plane, view, bounds) in [(Plane::Luma, luma_view, bounds), (Plane::Chroma, chroma_view, half)] {
            let clear = steps.clear.map(|[luma, cb, cr]| match plane {
                Plane::Luma => wgpu::Color { r: luma, g: 0.0, b: 0.0, a: 1.0 },
                Plane::Chroma => wgpu::Color { r: cb, g: cr, b: 0.0, a: 1.0 },
            });
            let mut pass = begin_pass(encoder, view, clear);
            for step in &steps.steps {
                let (rect, variant) = match plane {
                    Plane::Luma => (step.rect, step.luma),
                    Plane::Chroma => (step.rect.chroma(), step.chroma),
                };
                let rect = rect.clipped_to(bounds);
                let (Some(pipeline), Some((_, constants))) =
                    (self.pipelines.get(&(plane, variant)), self.buffer.as_ref())
                else {
                    continue;
                };
                if rect.is_empty() {
                    continue;
                }
                pass.set_pipeline(pipeline);
                pass.set_bind_group(0, constants, &[step.constants_at]);
                if let Some(bindings) = &step.bindings {
                    pass.set_bind_group(1, &bindings.group, &[]);
                }
                // Clipped to the target, so no edge is negative.
                pass.set_scissor_rect(
                    rect.x0.unsigned_abs(),
                    rect.y0.unsigned_abs(),
                    (rect.x1 - rect.x0).unsigned_abs(),
                    (rect.y1 - rect.y0).unsigned_abs(),
                );
                pass.draw(0..3, 0..1);
            }
        }
    }

    fn create_pipeline(&self, device: &wgpu::Device, plane: Plane, variant: Variant) -> wgpu::RenderPipeline {
        let entry_point = match (plane, variant.colors) {
            (Plane::Luma, Colors::Solid) => "luma_solid",
            (Plane::Luma, Colors::Rgb) => "luma_rgb",
            (Plane::Luma, Colors::Yuv) => "luma_yuv",
            (Plane::Chroma, Colors::Solid) => "chroma_solid",
            (Plane::Chroma, Colors::Rgb) => "chroma_rgb",
            (Plane::Chroma, Colors::Yuv) => "chroma_yuv",
        };
        let format = match plane {
            Plane::Luma => wgpu::TextureFormat::R8Unorm,
            Plane::Chroma => wgpu::TextureFormat::Rg8Unorm,
        };
        let with_textures = [Some(&self.constants_layout), Some(&self.textures_layout)];
        let groups: &[_] = match variant.colors {
            Colors::Solid => &[Some(&self.constants_layout)],
            Colors::Rgb | Colors::Yuv => &with_textures,
        };
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("layer"),
            bind_group_layouts: groups,
            immediate_size: 0,
        });
        let flag = f64::from;
        create_pipeline(
            device,
            &PipelineParts {
                label: "layer",
                layout: &layout,
                shader: &self.shader,
                entry_point,
                overrides: &[
                    ("EXACT", flag(u8::from(variant.exact))),
                    ("OPAQUE", flag(u8::from(variant.opaque))),
                    ("MIXED", flag(u8::from(variant.mixed))),
                ],
                format,
                blend: variant.blended.then_some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
            },
        )
    }
}

impl DrawConstants {
    fn set_map(&mut self, map: &CodeMap) {
        [self.luma, self.cb, self.cr] = *map;
    }

    /// Half a texel inside of the visible part, so that filters do not reach over its edge.
    fn set_bounds(&mut self, [x0, y0, x1, y1]: [f32; 4]) {
        let inside = |from: f32, to: f32| {
            if to - from > 1.0 { (from + 0.5, to - 0.5) } else { ((from + to) / 2.0, (from + to) / 2.0) }
        };
        let (left, right) = inside(x0, x1);
        let (top, bottom) = inside(y0, y1);
        self.lowest = [left, top];
        self.highest = [right, bottom];
    }
}

/// Edges of a rectangle for the shader. At the canvas' left edge the first chroma sample would weigh in a column that
/// does not exist; the rectangle is taken to go on there, which repeats the edge.
fn edges(rect: PixelRect) -> [f32; 4] {
    let x0 = if rect.x0 <= 0 { rect.x0 - 2 } else { rect.x0 };
    [x0 as f32, rect.y0 as f32, rect.x1 as f32, rect.y1 as f32]
}

fn solid_codes([r, g, b]: [f32; 3]) -> [f64; 3] {
    let [r, g, b] = [r, g, b].map(|value| value.clamp(0.0, 1.0));
    from_rgb().map(|row| f64::from(row[0] * r + row[1] * g + row[2] * b + row[3]))
}

/// What [`create_pipeline`] needs.
pub(crate) struct PipelineParts<'a> {
    pub(crate) label: &'a str,
    pub(crate) layout: &'a wgpu::PipelineLayout,
    /// Has the vertex stage `cover`, which draws one triangle over everything.
    pub(crate) shader: &'a wgpu::ShaderModule,
    pub(crate) entry_point: &'a str,
    pub(crate) overrides: &'a [(&'a str, f64)],
    pub(crate) format: wgpu::TextureFormat,
    pub(crate) blend: Option<wgpu::BlendState>,
}

/// A pipeline that fills what the scissor leaves of one target.
pub(crate) fn create_pipeline(device: &wgpu::Device, parts: &PipelineParts<'_>) -> wgpu::RenderPipeline {
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some(parts.label),
        layout: Some(parts.layout),
        vertex: wgpu::VertexState {
            module: parts.shader,
            entry_point: Some("cover"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: parts.shader,
            entry_point: Some(parts.entry_point),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: parts.overrides,
                ..wgpu::PipelineCompilationOptions::default()
            },
            targets: &[Some(wgpu::ColorTargetState {
                format: parts.format,
                blend: parts.blend,
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

/// Begins a pass over one target; without `clear`, what is there stays.
pub(crate) fn begin_pass<'a>(
    encoder: &'a mut wgpu::CommandEncoder,
    view: &wgpu::TextureView,
    clear: Option<wgpu::Color>,
) -> wgpu::RenderPass<'a> {
    encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        label: None,
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations {
                load: clear.map_or(wgpu::LoadOp::Load, wgpu::LoadOp::Clear),
                store: wgpu::StoreOp::Store,
            },
        })],
        depth_stencil_attachment: None,
        timestamp_writes: None,
        occlusion_query_set: None,
        multiview_mask: None,
    })
}
