//! Buffers through which pictures leave the adapter.
//!
//! An encoder reads the adapter's memory where it lies: the buffer stays mapped as long as the picture is held, and is
//! used again afterwards. No copy is made.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use units::{ColorSpace, MediaTime, PictureBytes, PixelFormat, Plane, Size, VideoFrame};

use crate::Error;
use crate::painter::Planes;

/// Free buffers kept per rendition, at most.
const KEPT: usize = 8;

type Free = Arc<Mutex<Vec<wgpu::Buffer>>>;

/// Where the planes of an NV12 picture lie in a buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nv12Layout {
    pub(crate) size: Size,
    /// Bytes per row of both planes: width rounded up to what a copy from a texture must be aligned to.
    pub(crate) stride: u32,
}

impl Nv12Layout {
    pub(crate) fn new(size: Size) -> Self {
        Self { size, stride: size.width_px().next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT) }
    }

    /// Rows follow each other without padding.
    pub(crate) fn packed(size: Size) -> Self {
        Self { size, stride: size.width_px() }
    }

    pub(crate) fn chroma_offset(self) -> u64 {
        u64::from(self.stride) * u64::from(self.size.height_px())
    }

    /// Bytes of both planes.
    pub(crate) fn bytes(self) -> u64 {
        self.chroma_offset() + u64::from(self.stride) * u64::from(self.size.height_px().div_ceil(2))
    }

    fn planes(self) -> Vec<Plane> {
        let stride = self.stride as usize;
        vec![Plane { offset: 0, stride }, Plane { offset: stride * self.size.height_px() as usize, stride }]
    }

    /// Wraps the bytes of a finished picture.
    pub(crate) fn frame(self, at: MediaTime, bytes: PictureBytes) -> Result<Arc<VideoFrame>, Error> {
        VideoFrame::new(PixelFormat::Nv12, self.size, ColorSpace::default(), at, self.planes(), bytes)
            .map(Arc::new)
            .map_err(Error::internal)
    }
}

/// The read-back buffers of one rendition.
#[derive(Debug)]
pub(crate) struct ReadbackPool {
    device: wgpu::Device,
    layout: Nv12Layout,
    free: Free,
}

impl ReadbackPool {
    pub(crate) fn new(device: &wgpu::Device, size: Size) -> Self {
        Self { device: device.clone(), layout: Nv12Layout::new(size), free: Arc::default() }
    }

    fn take(&self) -> wgpu::Buffer {
        let kept = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        kept.unwrap_or_else(|| {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("rendition"),
                size: self.layout.bytes(),
                usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        })
    }

    /// Records the copy of `planes` into a buffer.
    pub(crate) fn record(&self, encoder: &mut wgpu::CommandEncoder, planes: &Planes) -> wgpu::Buffer {
        let buffer = self.take();
        for (texture, offset) in [(&planes.luma, 0), (&planes.chroma, self.layout.chroma_offset())] {
            encoder.copy_texture_to_buffer(
                texture.as_image_copy(),
                wgpu::TexelCopyBufferInfo {
                    buffer: &buffer,
                    layout: wgpu::TexelCopyBufferLayout {
                        offset,
                        bytes_per_row: Some(self.layout.stride),
                        rows_per_image: None,
                    },
                },
                texture.size(),
            );
        }
        buffer
    }

    /// Begins to map `buffer`, which the commands just submitted write.
    pub(crate) fn begin(&self, buffer: wgpu::Buffer) -> Readback {
        let mapping = Arc::new(Mapping::default());
        let told = Arc::clone(&mapping);
        buffer.map_async(wgpu::MapMode::Read, .., move |mapped| told.finish(mapped.is_ok()));
        Readback { buffer, layout: self.layout, mapping, free: Arc::clone(&self.free) }
    }
}

/// Whether a buffer is mapped yet. The driver tells so on whatever thread happens to poll the device or to submit to
/// it, the window's included, so having polled does not mean having been told.
#[derive(Debug, Default)]
struct Mapping {
    is_mapped: Mutex<Option<bool>>,
    changed: Condvar,
}

impl Mapping {
    fn finish(&self, is_mapped: bool) {
        *self.is_mapped.lock().unwrap_or_else(PoisonError::into_inner) = Some(is_mapped);
        self.changed.notify_all();
    }

    /// `None` when it is not known within `timeout`.
    fn wait(&self, timeout: Duration) -> Option<bool> {
        let is_mapped = self.is_mapped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(is_mapped, timeout, |is_mapped| is_mapped.is_none());
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A picture on its way to system memory.
#[derive(Debug)]
pub(crate) struct Readback {
    buffer: wgpu::Buffer,
    layout: Nv12Layout,
    mapping: Arc<Mapping>,
    free: Free,
}

impl Readback {
    /// Whether [`Readback::finish`] has an answer, good or bad, waiting up to `timeout` for it.
    pub(crate) fn is_done(&self, timeout: Duration) -> bool {
        self.mapping.wait(timeout).is_some()
    }

    /// The bytes, once [`Readback::is_done`].
    pub(crate) fn finish(self) -> Result<(Nv12Layout, PictureBytes), Error> {
        if self.mapping.wait(Duration::ZERO) != Some(true) {
            return Err(Error::internal("a picture could not be read back"));
        }
        let view = self.buffer.get_mapped_range(..).map_err(Error::internal)?;
        Ok((self.layout, Arc::new(Mapped { view: Some(view), buffer: self.buffer, free: self.free })))
    }
}

/// Mapped memory that goes back to its pool when the last holder is done.
struct Mapped {
    view: Option<wgpu::BufferView>,
    buffer: wgpu::Buffer,
    free: Free,
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        self.view.as_deref().unwrap_or(&[])
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // The view must be gone before the buffer may be unmapped.
        self.view = None;
        self.buffer.unmap();
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < KEPT {
            free.push(self.buffer.clone());
        }
    }
}
