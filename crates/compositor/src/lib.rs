//! Frames in, frames out: composes the layers of a [`scene::Picture`] on the machine's graphics adapter and gives one
//! NV12 picture per rendition.
//!
//! ```text
//! source frames -> textures (only when changed) -> canvas planes Y, CbCr -> scaled planes -> system memory
//!                                                        |             \-> NV12 texture and fence (Direct3D 12)
//!                                                        \-> preview in RGB, on the adapter
//! ```
//!
//! The canvas is kept in the codes that are encoded (BT.709 limited range, 4:2:0), so a picture that already is the
//! canvas is copied. What is hidden, clear, missing or unchanged is not drawn. Large pictures shown small are averaged
//! while they are uploaded. And where the adapter is the processor itself (llvmpipe), opaque layers do not go through
//! shaders at all.

mod color;
mod compositor;
#[cfg(windows)]
mod direct3d;
mod draw_list;
mod error;
mod filter;
mod geometry;
mod gpu;
mod painter;
mod pixel_rows;
#[cfg(any(windows, test))]
mod places;
mod preview;
mod preview_rows;
mod processor;
mod readback;
mod reduction;
mod rendition;
mod resampling;
mod row_scaling;
mod sources;
mod staging;
mod texture_ring;
mod turns;

pub use compositor::{CanvasConfig, ComposedFrame, Compositor, Lookup};
pub use error::Error;
pub use filter::Scaler;
pub use geometry::{Placement, Rect, place};
pub use gpu::{ADAPTER_VARIABLE, BACKEND_VARIABLE, Gpu, GpuInfo};
pub use preview::{Preview, PreviewFrame};
pub use rendition::{Delivery, RenditionOutput};
pub use turns::HeldSubmissions;
