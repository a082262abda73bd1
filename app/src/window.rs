//! Hosts the studio window: shares the compositor's device with eframe, paints the engine's View, passes Commands on.

mod letters;
mod pick;
mod surface;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use compositor::{Gpu, Preview};
use control::{Command, Event, View};
use crossbeam_channel::{Receiver, Sender};
use desktop::window_frame;
use eframe::egui_wgpu::{self, WgpuSetup, WgpuSetupExisting};
use eframe::{egui, wgpu};
use ui::{PreviewTexture, Studio};
use units::Size;

use letters::Letters;
use surface::{SURFACE, Surface};

use crate::outcome::{Exit, Failure};
use crate::window_memory;

/// Closing the window twice within this long ends a stream that is on air.
const SECOND_CLOSE: Duration = Duration::from_secs(5);
/// How often a window without a device asks for the next.
const NEXT_ADAPTER: Duration = Duration::from_millis(50);
/// When it gives up: later than the engine, or nobody could end a show without a window.
const LAST_ADAPTER: Duration = Duration::from_secs(40);
/// Environment variable that, as `adapter`, has the window drawn as on a PC with a graphics card also where the processor
/// does the work of one. Slow there; for trying out.
const WINDOW_VARIABLE: &str = "GENLOCK_WINDOW";
/// The least size of the window, in points.
const LEAST: [f32; 2] = [960.0, 600.0];

/// What the window needs of a running engine.
#[derive(Clone)]
pub(crate) struct Show {
    pub(crate) commands: Sender<Command>,
    /// What the engine tells once and the window waits for.
    pub(crate) events: Receiver<Event>,
    pub(crate) view: Arc<ArcSwap<View>>,
    pub(crate) preview: Preview,
    /// The adapter that composes: another after the driver took one away.
    pub(crate) adapter: Arc<ArcSwap<Gpu>>,
    /// Becomes true when the engine has closed everything.
    pub(crate) ended: Arc<std::sync::atomic::AtomicBool>,
    /// Becomes true when another start asks this window to come to the front.
    pub(crate) is_called: Arc<std::sync::atomic::AtomicBool>,
}

impl Show {
    fn has_ended(&self) -> bool {
        self.ended.load(std::sync::atomic::Ordering::Acquire)
    }
}

/// Opens the window and stays until the engine has ended. A window that was drawn with a device that the driver took away
/// is opened again with the next.
///
/// # Errors
/// No display, or a window system that gives no window; a window that failed in its own code; no adapter to draw it again.
pub(crate) fn run(show: &Show) -> Result<(), Failure> {
    loop {
        let gpu = show.adapter.load_full();
        // Nothing of it is used after a panic: it has channels of its own, and shares with the engine what is swapped
        // as a whole. So the engine can still close stream and recording.
        std::panic::catch_unwind(AssertUnwindSafe(|| open(show.clone(), &gpu))).map_err(|_| {
            Failure::new(
                Exit::Failed,
                "window.failed",
                "The window failed.",
                "The stream was ended and the recording closed; it plays up to here.",
                "Start Genlock again; the report of the crash helps us to find out why.",
            )
        })??;
        if show.has_ended() || !gpu.is_lost() {
            return Ok(());
        }
        let torn = Instant::now();
        while Arc::ptr_eq(&gpu, &show.adapter.load()) && !show.has_ended() {
            if torn.elapsed() >= LAST_ADAPTER {
                return Err(Failure::new(
                    Exit::Failed,
                    "window.lost",
                    "The graphics adapter is gone and did not come back, and the window with it.",
                    "The stream was ended and the recording closed; it plays up to here.",
                    "Start Genlock again; if it happens again, update the graphics driver.",
                ));
            }
            std::thread::sleep(NEXT_ADAPTER);
        }
    }
}

fn open(show: Show, gpu: &Gpu) -> Result<(), Failure> {
    let is_software = gpu.info().is_software;
    let by_adapter = !is_software || std::env::var(WINDOW_VARIABLE).is_ok_and(|by| by == "adapter");
    let surface = by_adapter.then(|| Surface::new(gpu));
    let kept = window_memory::load();
    let options = eframe::NativeOptions {
        // eframe shows it after its first pass, so that nobody sees it empty.
        viewport: egui::ViewportBuilder::default()
            .with_title("Genlock")
            .with_app_id("genlock")
            .with_icon(icon())
            .with_inner_size(kept.points().unwrap_or([1440.0, 900.0]))
            .with_maximized(kept.maximized())
            .with_min_inner_size(LEAST),
        // Where the processor draws, the window must not share the compositor's queue, which is worked off in order: a
        // pass of the window takes longer than a frame of the show. OpenGL's shaders for egui are also many times
        // cheaper there than wgpu's, since a software adapter runs both sides of every branch.
        renderer: if by_adapter { eframe::Renderer::Wgpu } else { eframe::Renderer::Glow },
        wgpu_options: egui_wgpu::WgpuConfiguration {
            surface: SURFACE,
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
        Box::new(move |creation| {
            if let Some(place) = kept.place().filter(|place| !place.maximized) {
                let pixels = |points: f32| (points * creation.egui_ctx.pixels_per_point()) as i32;
                window_frame::put(creation, place, (pixels(LEAST[0]), pixels(LEAST[1])));
            }
            Ok(Box::new(Window::new(show, &creation.egui_ctx, is_software, surface)))
        }),
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
    /// Where the graphics adapter draws the window.
    surface: Option<Surface>,
    opened: Instant,
    shown: Shown,
    close_asked: Option<Instant>,
    letters: Letters,
    /// Whether the title bar was last painted dark.
    is_title_dark: Option<bool>,
    /// The size in points while the window is neither minimised nor maximised, and whether it is maximised.
    last_size: (Option<[f32; 2]>, bool),
    place_kept: bool,
}

impl Window {
    fn new(show: Show, ctx: &egui::Context, is_software: bool, surface: Option<Surface>) -> Self {
        let mut studio = Studio::new(ctx);
        if window_frame::wants_high_contrast() {
            studio.set_theme(ctx, ui::ThemeChoice::HighContrast);
        }
        Self {
            show,
            studio,
            is_software,
            surface,
            opened: Instant::now(),
            shown: Shown::Nothing,
            close_asked: None,
            letters: Letters::default(),
            is_title_dark: None,
            last_size: (None, false),
            place_kept: false,
        }
    }

    /// Comes to the front when another start asks for it.
    fn answer_call(&self, ctx: &egui::Context) {
        if self.show.is_called.swap(false, std::sync::atomic::Ordering::AcqRel) {
            ctx.send_viewport_cmd(egui::ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(egui::ViewportCommand::Focus);
        }
    }

    /// Keeps the frame in the colours of the window, and remembers where it is.
    fn follow_frame(&mut self, ctx: &egui::Context, frame: &eframe::Frame) {
        let dark = self.studio.theme().dark;
        if self.is_title_dark.replace(dark) != Some(dark) {
            window_frame::set_dark(frame, dark);
        }
        let (rect, maximized, minimized) = ctx.input(|input| {
            let viewport = input.viewport();
            (viewport.inner_rect, viewport.maximized == Some(true), viewport.minimized == Some(true))
        });
        match rect {
            Some(rect) if !maximized && !minimized => {
                self.last_size = (Some([rect.width(), rect.height()]), false);
            }
            _ if !minimized => self.last_size.1 = maximized,
            _ => {}
        }
    }

    fn keep_place(&mut self, frame: &eframe::Frame) {
        if !std::mem::replace(&mut self.place_kept, true) {
            let (points, maximized) = self.last_size;
            window_memory::save(&window_memory::Kept::of(window_frame::place(frame), points, maximized));
        }
    }

    /// What the window does itself: it owns the dialogs. Everything else is the engine's.
    fn obey(&self, command: Command, frame: &eframe::Frame) {
        match command {
            Command::Pick(pick) => {
                pick::open(pick, &self.show.view.load(), frame, self.show.commands.clone());
            }
            Command::OpenRecordings => {
                let folder = self.show.view.load().recording.folder.clone();
                if let Err(error) = desktop::crash::open_folder(std::path::Path::new(&folder)) {
                    tracing::warn!(%error, "the folder could not be opened");
                }
            }
            command => self.send(command),
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
        let is_torn = self.surface.as_ref().is_some_and(Surface::is_torn);
        if !ctx.input(|input| input.viewport().close_requested()) || self.show.has_ended() || is_torn {
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
}

impl eframe::App for Window {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        if let Some(surface) = &mut self.surface {
            surface.follow(ctx, frame);
            if surface.is_torn() {
                self.keep_place(frame);
                ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            }
        }
        if self.show.has_ended() {
            self.keep_place(frame);
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        while let Ok(event) = self.show.events.try_recv() {
            self.studio.hear(&event);
        }
        self.handle_close(ctx);
        self.answer_call(ctx);
        self.follow_frame(ctx, frame);
        self.letters.follow(ctx, &self.show.view.load(), &self.studio);
        if ctx.input(|input| input.viewport().minimized == Some(true)) {
            self.show.preview.hide();
        }
        // Also while nothing is painted: the end of the engine must be noticed.
        ctx.request_repaint_after(Duration::from_millis(250));
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        // The renderer panics over shapes that it finds no memory for.
        if self.surface.as_ref().is_some_and(Surface::is_torn) {
            return;
        }
        let view = self.show.view.load_full();
        let preview = self.preview_texture(ui.ctx(), frame);
        let commands = self.studio.ui(ui, &view, preview, self.opened.elapsed().as_secs_f64());
        for command in commands {
            self.obey(command, frame);
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
