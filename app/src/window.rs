//! Hosts the studio window: shares the compositor's device with eframe, paints the engine's View, passes Commands on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use compositor::{Gpu, Preview};
use control::{Command, Event, View};
use crossbeam_channel::{Receiver, Sender};
use eframe::egui_wgpu::{self, WgpuSetup, WgpuSetupExisting};
use eframe::{egui, wgpu};
use ui::{PreviewTexture, Studio};
use units::Size;

use crate::outcome::Failure;

/// Closing the window twice within this long ends a stream that is on air.
const SECOND_CLOSE: Duration = Duration::from_secs(5);

/// What the window needs of a running engine.
pub(crate) struct Show {
    pub(crate) commands: Sender<Command>,
    /// What the engine tells once and the window waits for.
    pub(crate) events: Receiver<Event>,
    pub(crate) view: Arc<ArcSwap<View>>,
    pub(crate) preview: Preview,
    /// Becomes true when the engine has closed everything.
    pub(crate) ended: Arc<std::sync::atomic::AtomicBool>,
}

/// Opens the window and stays until the engine has ended.
///
/// # Errors
/// No display, or a window system that gives no window.
pub(crate) fn run(show: Show, gpu: &Gpu) -> Result<(), Failure> {
    let is_software = gpu.info().is_software;
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Genlock")
            .with_app_id("genlock")
            .with_icon(icon())
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([960.0, 600.0]),
        // Where the processor draws, the window must not share the compositor's queue, which is worked off in order: a
        // pass of the window takes longer than a frame of the show. OpenGL's shaders for egui are also many times
        // cheaper there than wgpu's, since a software adapter runs both sides of every branch.
        renderer: if is_software { eframe::Renderer::Glow } else { eframe::Renderer::Wgpu },
        wgpu_options: egui_wgpu::WgpuConfiguration {
            surface: egui_wgpu::SurfaceConfig {
                // The compositor submits to the same queue: a present that waits for the display would hold it up.
                present_mode: wgpu::PresentMode::AutoNoVsync,
                ..egui_wgpu::SurfaceConfig::LOW_LATENCY
            },
            wgpu_setup: WgpuSetup::Existing(WgpuSetupExisting {
                instance: gpu.instance().clone(),
                adapter: gpu.adapter().clone(),
                device: gpu.device().clone(),
                queue: gpu.queue().clone(),
            }),
            ..egui_wgpu::WgpuConfiguration::default()
        },
        // Noise against banding in gradients: the window has none, and on a software adapter it costs more than all
        // the rest of a pixel.
        dithering: false,
        ..eframe::NativeOptions::default()
    };
    let opened = eframe::run_native(
        "Genlock",
        options,
        Box::new(move |creation| Ok(Box::new(Window::new(show, &creation.egui_ctx, is_software)))),
    );
    opened.map_err(|error| {
        // The library puts the place in its own source in front of the reason.
        let text = error.to_string();
        let reason = text.rsplit(": ").next().unwrap_or(&text).trim_end_matches('.');
        Failure::could_not_start(
            "window.open",
            format!("The window could not be opened: {reason}."),
            "Start it where there is a display, or use --headless.",
        )
    })
}

/// The mark, for the title bar and the taskbar.
fn icon() -> egui::IconData {
    // A window without it is still a window.
    eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon/genlock.png")).unwrap_or_default()
}

/// The picture of the programme, as the window's renderer knows it.
enum Shown {
    Nothing,
    /// A texture of the compositor's, on hardware: the preview never leaves the adapter.
    Shared(wgpu::TextureView, egui::TextureId),
    /// A copy of the preview with this number.
    Copied(egui::TextureHandle, u64),
}

struct Window {
    show: Show,
    studio: Studio,
    is_software: bool,
    opened: Instant,
    shown: Shown,
    close_asked: Option<Instant>,
}

impl Window {
    fn new(show: Show, ctx: &egui::Context, is_software: bool) -> Self {
        Self {
            show,
            studio: Studio::new(ctx),
            is_software,
            opened: Instant::now(),
            shown: Shown::Nothing,
            close_asked: None,
        }
    }

    fn send(&self, command: Command) {
        if self.show.commands.try_send(command).is_err() {
            tracing::warn!("the engine takes no commands at the moment");
        }
    }

    /// The newest picture of the programme, known to egui's renderer.
    fn preview_texture(&mut self, ctx: &egui::Context, frame: &eframe::Frame) -> Option<PreviewTexture> {
        let picture = self.show.preview.latest()?;
        let size = egui::vec2(picture.size.width_px() as f32, picture.size.height_px() as f32);
        let id = match (frame.wgpu_render_state(), &picture.rgba) {
            (Some(state), _) => self.share(state, picture.view),
            (None, Some(rgba)) => self.copy(ctx, picture.size, picture.serial, rgba),
            (None, None) => return None,
        };
        Some(PreviewTexture { id, size })
    }

    fn share(&mut self, state: &egui_wgpu::RenderState, view: wgpu::TextureView) -> egui::TextureId {
        let mut renderer = state.renderer.write();
        let filter = wgpu::FilterMode::Linear;
        let id = match &self.shown {
            Shown::Shared(known, id) if *known == view => *id,
            Shown::Shared(_, id) => {
                renderer.update_egui_texture_from_wgpu_texture(&state.device, &view, filter, *id);
                *id
            }
            _ => renderer.register_native_texture(&state.device, &view, filter),
        };
        self.shown = Shown::Shared(view, id);
        id
    }

    fn copy(&mut self, ctx: &egui::Context, size: Size, serial: u64, rgba: &[u8]) -> egui::TextureId {
        let image = || {
            let side = |px: u32| px as usize;
            egui::ColorImage::from_rgba_premultiplied([side(size.width_px()), side(size.height_px())], rgba)
        };
        let options = egui::TextureOptions::LINEAR;
        match &mut self.shown {
            Shown::Copied(handle, copied) => {
                if *copied != serial {
                    handle.set(image(), options);
                    *copied = serial;
                }
                handle.id()
            }
            shown => {
                let handle = ctx.load_texture("preview", image(), options);
                let id = handle.id();
                *shown = Shown::Copied(handle, serial);
                id
            }
        }
    }

    /// A stream on air is not ended by one stray click on the window's cross.
    fn handle_close(&mut self, ctx: &egui::Context) {
        if !ctx.input(|input| input.viewport().close_requested()) || self.has_ended() {
            return;
        }
        ctx.send_viewport_cmd(egui::ViewportCommand::CancelClose);
        let on_air = self.show.view.load().is_under_way();
        let again = self.close_asked.is_some_and(|asked| asked.elapsed() < SECOND_CLOSE);
        self.close_asked = Some(Instant::now());
        if on_air && !again {
            self.send(Command::WarnStillLive);
        } else {
            self.send(Command::Quit);
        }
    }

    fn has_ended(&self) -> bool {
        self.show.ended.load(std::sync::atomic::Ordering::Acquire)
    }
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        if self.has_ended() {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        while let Ok(event) = self.show.events.try_recv() {
            self.studio.hear(&event);
        }
        self.handle_close(ctx);
        if ctx.input(|input| input.viewport().minimized == Some(true)) {
            self.show.preview.hide();
        }
        // Also while nothing is painted: the end of the engine must be noticed.
        ctx.request_repaint_after(Duration::from_millis(250));
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let view = self.show.view.load_full();
        let preview = self.preview_texture(ui.ctx(), frame);
        let commands = self.studio.ui(ui, &view, preview, self.opened.elapsed().as_secs_f64());
        for command in commands {
            self.send(command);
        }
        self.show.preview.show(wanted_preview(ui.ctx(), view.program.size));
        ui.ctx().request_repaint_after(ui::repaint_after(&view, self.is_software));
    }
}

/// The preview is drawn in about the size it is shown in: the middle of the window, three fifths of its width.
fn wanted_preview(ctx: &egui::Context, canvas: Size) -> Size {
    let width_px = ctx.content_rect().width() * ctx.pixels_per_point() * 0.6;
    let share = (width_px / canvas.width_px() as f32).clamp(0.1, 1.0);
    let side = |px: u32| ((px as f32 * share) as u32).max(2) & !1;
    Size::new(side(canvas.width_px()), side(canvas.height_px())).unwrap_or(canvas)
}
