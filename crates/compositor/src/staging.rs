//! Buffers through which pictures reach the adapter.
//!
//! Made once and kept: a fresh buffer per upload costs the system a page fault for every 4 KiB of picture.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;

/// Buffers kept for later, at most. One per visible source and frame under way is what a busy scene needs.
const KEPT: usize = 24;

#[derive(Debug)]
pub(crate) struct StagingPool {
    device: wgpu::Device,
    /// Mapped for writing. Filled again by the driver's callbacks.
    free: Arc<Mutex<Vec<wgpu::Buffer>>>,
    /// Written and not yet given back since the last submission.
    used: Vec<wgpu::Buffer>,
}

impl StagingPool {
    pub(crate) fn new(device: &wgpu::Device) -> Self {
        Self { device: device.clone(), free: Arc::default(), used: Vec::new() }
    }

    /// A buffer of at least `bytes`, with `write` having written it. Ready to be copied from in the commands that are
    /// submitted next.
    pub(crate) fn write(
        &mut self,
        bytes: u64,
        write: impl FnOnce(&mut wgpu::BufferViewMut),
    ) -> Result<wgpu::Buffer, Error> {
        let buffer = self.take(bytes);
        {
            let mut view = buffer.get_mapped_range_mut(..).map_err(Error::internal)?;
            write(&mut view);
        }
        buffer.unmap();
        self.used.push(buffer.clone());
        Ok(buffer)
    }

    fn take(&mut self, bytes: u64) -> wgpu::Buffer {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        // The smallest that fits, so that a line of text does not take the screen's.
        let fitting = free
            .iter()
            .enumerate()
            .filter(|(_, buffer)| buffer.size() >= bytes)
            .min_by_key(|(_, buffer)| buffer.size())
            .map(|(place, _)| place);
        match fitting {
            Some(place) => free.swap_remove(place),
            None => self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("picture upload"),
                size: bytes.next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT),
                usage: wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: true,
            }),
        }
    }

    /// After a submission: the buffers come back when the adapter has read them.
    pub(crate) fn recall(&mut self) {
        for buffer in self.used.drain(..) {
            let free = Arc::clone(&self.free);
            let back = buffer.clone();
            buffer.map_async(wgpu::MapMode::Write, .., move |mapped| {
                let mut free = free.lock().unwrap_or_else(PoisonError::into_inner);
                if mapped.is_ok() {
                    if free.len() >= KEPT {
                        // The oldest is the likeliest to be of a size no longer needed.
                        free.remove(0);
                    }
                    free.push(back);
                }
            });
        }
    }
}
