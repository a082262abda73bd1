//! Hears what the graphics library refuses the window, and has its surface configured again.
//!
//! The window draws with the compositor's device and queue. wgpu refuses to configure a surface when the compositor
//! submits at that very moment, and then draws in the old size or not at all. What it refuses on the window's thread is
//! heard in an error scope of that thread, so that nobody takes it for a fault of the show.

use compositor::{Gpu, HeldSubmissions};
use eframe::egui_wgpu::SurfaceConfig;
use eframe::{egui, wgpu};

/// Passes in a row for which the compositor is put off. A surface that is still refused then has another reason, and
/// the show must not suffer for it.
const HELD_PASSES: u32 = 8;

/// How pictures reach the display. The compositor submits to the same queue: a present that waits for the display would
/// hold it up.
pub(super) const SURFACE: SurfaceConfig =
    SurfaceConfig { present_mode: wgpu::PresentMode::AutoNoVsync, ..SurfaceConfig::LOW_LATENCY };

/// The window's surface, as far as it is not eframe's.
pub(super) struct Surface {
    gpu: Gpu,
    /// Open from the beginning of one pass to the beginning of the next, so over painting and resizing.
    scope: Option<wgpu::ErrorScopeGuard>,
    /// Lives for the one pass in which the surface is configured again.
    held: Option<HeldSubmissions>,
    refused_passes: u32,
    is_torn: bool,
}

impl Surface {
    /// Listens from now on. Call it on the window's thread, before there is a window.
    pub(super) fn new(gpu: &Gpu) -> Self {
        Self { gpu: gpu.clone(), scope: Some(listen(gpu)), held: None, refused_passes: 0, is_torn: false }
    }

    /// At the beginning of a pass: if something was refused since the last, has the surface configured in this one.
    pub(super) fn follow(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.held = None;
        self.is_torn |= self.gpu.is_lost();
        let refused = self.scope.take().and_then(|scope| pollster::block_on(scope.pop()));
        self.scope = Some(listen(&self.gpu));
        let Some(error) = refused else {
            self.refused_passes = 0;
            return;
        };
        self.refused_passes = self.refused_passes.saturating_add(1);
        if self.refused_passes == HELD_PASSES {
            tracing::error!(%error, "the graphics library refuses the window again and again");
        } else {
            tracing::debug!(%error, "the graphics library refused the window");
        }
        if self.refused_passes <= HELD_PASSES {
            self.held = Some(self.gpu.hold_submissions());
        }
        if let Some(config) = frame.wgpu_surface_config() {
            frame.set_wgpu_surface_config(other(config));
        }
        // The hold ends with the next pass.
        ctx.request_repaint();
    }

    /// The device that the window is drawn with is gone, as of the beginning of this pass. Nothing can be drawn with it.
    pub(super) fn is_torn(&self) -> bool {
        self.is_torn
    }
}

fn listen(gpu: &Gpu) -> wgpu::ErrorScopeGuard {
    gpu.device().push_error_scope(wgpu::ErrorFilter::Validation)
}

/// eframe only configures for settings that differ from the last. One or two frames in flight is nothing that a person
/// would see.
fn other(config: SurfaceConfig) -> SurfaceConfig {
    let desired_maximum_frame_latency = match config.desired_maximum_frame_latency {
        Some(1) => Some(2),
        _ => Some(1),
    };
    SurfaceConfig { desired_maximum_frame_latency, ..config }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_again_is_always_asking_for_something_else() {
        let first = other(SURFACE);
        assert_ne!(first, SURFACE);
        assert_eq!(other(first), SURFACE);
        assert_eq!(first.present_mode, SURFACE.present_mode);
    }

    #[test]
    fn what_the_window_is_refused_is_not_the_shows() {
        let gpu = Gpu::open(None).unwrap();
        let mut surface = Surface::new(&gpu);
        let buffer = |usage| {
            gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: None,
                size: 4,
                usage,
                mapped_at_creation: false,
            })
        };
        // A buffer of no use is refused.
        buffer(wgpu::BufferUsages::empty());
        let heard = surface.scope.take().and_then(|scope| pollster::block_on(scope.pop()));
        assert!(matches!(heard, Some(wgpu::Error::Validation { .. })), "{heard:?}");
    }
}
