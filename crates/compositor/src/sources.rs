//! The newest frame of each visible source, as textures. Uploaded when it changed, forgotten when unused.

use std::collections::HashMap;
use std::sync::Arc;

use scene::SourceId;
use units::{Size, VideoFrame};

use crate::geometry::PixelRect;
use crate::painter::LayerBindings;
use crate::pixel_rows::{TextureLayout, for_each_row};
use crate::processor::Drawn;
use crate::reduction::Reduction;
use crate::staging::StagingPool;
use crate::{Error, Gpu};

/// Compositions after which the textures of a source nobody shows are given up: a second at 60 frames per second.
const KEPT_FOR: u64 = 60;

/// One source at one degree of reduction: shown small and large at once, it is uploaded twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TextureKey {
    pub(crate) source: SourceId,
    pub(crate) reduction: Reduction,
}

/// A frame on the adapter.
#[derive(Debug)]
pub(crate) struct SourceTexture {
    frame: Arc<VideoFrame>,
    layout: TextureLayout,
    size: Size,
    textures: Vec<wgpu::Texture>,
    pub(crate) bindings: LayerBindings,
    /// No pixel lets anything through.
    pub(crate) is_opaque: bool,
    used_at: u64,
}

impl SourceTexture {
    pub(crate) fn frame(&self) -> &VideoFrame {
        &self.frame
    }
}

/// All frames on the adapter.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    textures: HashMap<TextureKey, SourceTexture>,
    now: u64,
}

impl Sources {
    /// Begins a composition.
    pub(crate) fn begin(&mut self) {
        self.now += 1;
        let oldest = self.now.saturating_sub(KEPT_FOR);
        self.textures.retain(|_, texture| texture.used_at >= oldest);
    }

    pub(crate) fn get(&self, key: TextureKey) -> Option<&SourceTexture> {
        self.textures.get(&key)
    }

    /// Sees to it that `frame` is (or will be, by the commands in `encoder`) in the textures of `key`; the answer is
    /// whether it is opaque.
    pub(crate) fn prepare(
        &mut self,
        key: TextureKey,
        frame: &Arc<VideoFrame>,
        upload: &mut Upload<'_>,
    ) -> Result<bool, Error> {
        let layout = TextureLayout::of(frame.format());
        let fits = |known: &SourceTexture| known.layout == layout && known.size == frame.size();
        if !self.textures.get(&key).is_some_and(fits) {
            let made = upload.create(layout, frame, key.reduction)?;
            self.textures.insert(key, made);
        } else if let Some(known) = self.textures.get_mut(&key)
            && !Arc::ptr_eq(&known.frame, frame)
        {
            known.is_opaque = upload.fill(&known.textures, frame, key.reduction)?;
            known.frame = Arc::clone(frame);
        }
        Ok(self.textures.get_mut(&key).is_some_and(|known| {
            known.used_at = self.now;
            known.is_opaque
        }))
    }
}

/// What an upload needs.
pub(crate) struct Upload<'a> {
    pub(crate) gpu: &'a Gpu,
    pub(crate) staging: &'a mut StagingPool,
    pub(crate) encoder: &'a mut wgpu::CommandEncoder,
    pub(crate) painter: &'a crate::painter::Painter,
}

impl Upload<'_> {
    fn create(
        &mut self,
        layout: TextureLayout,
        frame: &Arc<VideoFrame>,
        reduction: Reduction,
    ) -> Result<SourceTexture, Error> {
        let limit_px = self.gpu.largest_texture_px();
        let mut textures = Vec::new();
        for (format, width, height, _) in layout.planes(frame.size(), reduction) {
            if width > limit_px || height > limit_px {
                return Err(Error::TooLarge { size: frame.size(), limit_px });
            }
            textures.push(self.gpu.device().create_texture(&wgpu::TextureDescriptor {
                label: Some("source"),
                size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
                mip_level_count: 1,
                sample_count: 1,
                dimension: wgpu::TextureDimension::D2,
                format,
                usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
                view_formats: &[],
            }));
        }
        let is_opaque = self.fill(&textures, frame, reduction)?;
        let device = self.gpu.device();
        let bindings = match textures.as_slice() {
            [] => return Err(Error::internal("a picture without planes")),
            [plane] => self.painter.bind(device, plane, plane),
            [first, second, ..] => self.painter.bind(device, first, second),
        };
        let (frame, size) = (Arc::clone(frame), frame.size());
        Ok(SourceTexture { frame, layout, size, textures, bindings, is_opaque, used_at: 0 })
    }

    /// Writes `frame` into `textures`, one per plane; the answer is whether every pixel was opaque.
    pub(crate) fn fill(
        &mut self,
        textures: &[wgpu::Texture],
        frame: &VideoFrame,
        reduction: Reduction,
    ) -> Result<bool, Error> {
        let mut is_opaque = true;
        for (plane, texture) in textures.iter().enumerate() {
            let texel_bytes = match texture.format() {
                wgpu::TextureFormat::R8Unorm => 1,
                wgpu::TextureFormat::Rg8Unorm => 2,
                _ => 4,
            };
            let row_bytes = (texture.width() * texel_bytes) as usize;
            let stride = (row_bytes as u32).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
            let bytes = u64::from(stride) * u64::from(texture.height());
            let buffer = self.staging.write(bytes, |view| {
                is_opaque &= for_each_row(frame, plane, reduction, &mut |row, texels| {
                    let start = row * stride as usize;
                    // Rows come from `TextureLayout::planes` of the same frame, so they have this length.
                    if texels.len() == row_bytes {
                        view.slice(start..start + row_bytes).copy_from_slice(texels);
                    }
                });
            })?;
            self.encoder.copy_buffer_to_texture(
                wgpu::TexelCopyBufferInfo {
                    buffer: &buffer,
                    layout: wgpu::TexelCopyBufferLayout {
                        offset: 0,
                        bytes_per_row: Some(stride),
                        rows_per_image: None,
                    },
                },
                texture.as_image_copy(),
                texture.size(),
            );
        }
        Ok(is_opaque)
    }

    /// Writes a rectangle the processor drew into the two planes of a canvas.
    pub(crate) fn copy(&mut self, planes: &[wgpu::Texture; 2], drawn: &Drawn) -> Result<(), Error> {
        let PixelRect { x0, y0, x1, y1 } = drawn.rect;
        // Even edges inside of the canvas, so none is negative.
        let [x, y, width, height] = [x0, y0, x1 - x0, y1 - y0].map(i32::unsigned_abs);
        let [luma, chroma] = planes;
        for (texture, bytes, halving, texel_bytes) in
            [(luma, &drawn.luma, 1, 1), (chroma, &drawn.chroma, 2, 2)]
        {
            let (columns, rows) = (width / halving, height / halving);
            let row_bytes = (columns * texel_bytes) as usize;
            let stride = (row_bytes as u32).next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
            let buffer = self.staging.write(u64::from(stride) * u64::from(rows), |view| {
                for (row, texels) in bytes.chunks_exact(row_bytes).take(rows as usize).enumerate() {
                    let start = row * stride as usize;
                    view.slice(start..start + row_bytes).copy_from_slice(texels);
                }
            })?;
            self.encoder.copy_buffer_to_texture(
                wgpu::TexelCopyBufferInfo {
                    buffer: &buffer,
                    layout: wgpu::TexelCopyBufferLayout {
                        offset: 0,
                        bytes_per_row: Some(stride),
                        rows_per_image: None,
                    },
                },
                wgpu::TexelCopyTextureInfo {
                    origin: wgpu::Origin3d { x: x / halving, y: y / halving, z: 0 },
                    ..texture.as_image_copy()
                },
                wgpu::Extent3d { width: columns, height: rows, depth_or_array_layers: 1 },
            );
        }
        Ok(())
    }
}
