//! Buffers through which pictures leave the adapter.
//!
//! An encoder reads the adapter's memory where it lies: the buffer stays mapped as long as the picture is held, and is
//! used again afterwards. No copy is made.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use units::{ColorSpace, MediaTime, PictureBytes, PixelFormat, Plane, Size, VideoFrame};

use crate::Error;

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
    pub(crate) layout: Nv12Layout,
    free: Free,
}

impl ReadbackPool {
    pub(crate) fn new(device: &wgpu::Device, size: Size) -> Self {
        Self { device: device.clone(), layout: Nv12Layout::new(size), free: Arc::default() }
    }

    pub(crate) fn take(&self) -> wgpu::Buffer {
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

    /// Begins to map `buffer`, which the commands just submitted write.
    pub(crate) fn begin(&self, buffer: wgpu::Buffer) -> Readback {
        let state = Arc::new(AtomicU8::new(WAITING));
        let told = Arc::clone(&state);
        buffer.map_async(wgpu::MapMode::Read, .., move |mapped| {
            told.store(if mapped.is_ok() { MAPPED } else { REFUSED }, Ordering::Release);
        });
        Readback { buffer, layout: self.layout, state, free: Arc::clone(&self.free) }
    }
}

const WAITING: u8 = 0;
const MAPPED: u8 = 1;
const REFUSED: u8 = 2;

/// A picture on its way to system memory.
#[derive(Debug)]
pub(crate) struct Readback {
    buffer: wgpu::Buffer,
    pub(crate) layout: Nv12Layout,
    state: Arc<AtomicU8>,
    free: Free,
}

impl Readback {
    /// Whether [`Readback::finish`] has an answer, good or bad.
    pub(crate) fn is_done(&self) -> bool {
        self.state.load(Ordering::Acquire) != WAITING
    }

    /// The bytes, once [`Readback::is_done`].
    pub(crate) fn finish(self) -> Result<PictureBytes, Error> {
        if self.state.load(Ordering::Acquire) != MAPPED {
            return Err(Error::internal("a picture could not be read back"));
        }
        let view = self.buffer.get_mapped_range(..).map_err(Error::internal)?;
        Ok(Arc::new(Mapped { view: Some(view), buffer: self.buffer, free: self.free }))
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
