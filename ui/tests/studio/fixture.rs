//! A show in full swing, and a window to look at it with.

use control::{
    AlignmentView, AudioMeterView, Command, DestinationView, DeviceState, EncoderView, Event, LadderView,
    LiveState, MeterLevels, NetworkCheckView, OutputQueueView, PairingView, PreferencesView, Problem,
    ProgramView, RecordingState, RecordingView, RenditionView, SceneView, ServersView, Severity, SourceView,
    TransitionKind, View,
};
use egui::{Color32, ColorImage, TextureHandle, TextureOptions, Vec2};
use egui_kittest::Harness;
use scene::{ItemId, SceneId, SourceId};
use ui::{PreviewTexture, Studio};
use units::{FrameRate, Kbps, Size, Span, TrackId, VideoCodec};

pub(crate) const SCENES: [(u64, &str); 3] = [(1, "Code + camera"), (2, "Talking head"), (3, "Screen only")];

fn levels(peak_db: [f32; 2], hold_db: [f32; 2], lufs: f32) -> MeterLevels {
    MeterLevels { peak_db, peak_hold_db: hold_db, rms_db: peak_db.map(|db| db - 6.0), lufs_short: lufs }
}

fn strip(source: Option<u64>, name: &str, gain: f32, levels: MeterLevels) -> AudioMeterView {
    AudioMeterView {
        source: source.map(SourceId),
        name: name.to_owned(),
        muted: false,
        gain,
        delay_ms: 0,
        levels,
        limiter_db: 0.0,
        drift_ppm: 12.0,
        state: DeviceState::Running,
    }
}

fn item(id: u64, name: &str, kind: &'static str, via: &str) -> SourceView {
    SourceView {
        item: ItemId(id),
        source: SourceId(id + 100),
        name: name.to_owned(),
        kind,
        visible: true,
        state: DeviceState::Running,
        via: via.to_owned(),
    }
}

/// On air, recording, five rungs of the ladder, a warning to read.
pub(crate) fn on_air() -> View {
    let rung = |track: u8, width: u32, height: u32, rate: FrameRate, target: u32, idrs: u64| RenditionView {
        track: TrackId(track),
        size: Size::new(width, height).unwrap(),
        rate,
        codec: VideoCodec::Avc,
        nominal: Kbps(target),
        target: Kbps(target),
        measured: Kbps(target - 4),
        measured_fps: rate.as_f64() as f32,
        skipped_frames: 0,
        dropped_frames: 0,
        queue: 0,
        queue_limit: 4,
        restarts: 0,
        idrs,
        idr_slips: 0,
        encoder: EncoderView {
            name: "x264enc".to_owned(),
            reason: "the first that passed its self-test".to_owned(),
        },
    };
    View {
        collection: "Friday dev stream".to_owned(),
        is_rehearsal: false,
        program: ProgramView {
            size: Size::new(1280, 720).unwrap(),
            rate: FrameRate::FPS_30,
            adapter: "llvmpipe (Vulkan, software)".to_owned(),
            rendered_frames: 75_990,
            lagged_frames: 0,
            transition: TransitionKind::Fade,
            transition_ms: 300,
        },
        scenes: SCENES
            .iter()
            .map(|&(id, name)| SceneView { id: SceneId(id), name: name.to_owned(), is_program: id == 1 })
            .collect(),
        items: vec![
            item(11, "Camera", "camera", "v4l2src on /dev/video0, the first that worked"),
            item(12, "Lower third", "text", "drawn by Genlock"),
            item(13, "Editor window", "window", "ximagesrc, the only one here"),
            item(14, "Background", "image", "background.png"),
        ],
        sources: Vec::new(),
        devices: control::DevicesView::default(),
        meters: vec![
            strip(Some(21), "Microphone", 1.3, levels([-20.0, -22.0], [-17.0, -17.5], -16.2)),
            strip(Some(22), "Desktop", 1.0, levels([-31.0, -30.0], [-27.0, -25.0], -23.8)),
            AudioMeterView { muted: true, ..strip(Some(23), "Music", 0.7, MeterLevels::default()) },
            strip(None, "Master", 1.0, levels([-17.5, -18.0], [-13.0, -14.0], -15.4)),
        ],
        renditions: vec![
            rung(0, 1280, 720, FrameRate::FPS_30, 2_500, 1_267),
            rung(1, 852, 480, FrameRate::FPS_30, 1_000, 1_267),
            rung(2, 640, 360, FrameRate::FPS_30, 500, 1_267),
        ],
        alignment: AlignmentView { idrs: 1_267, misaligned: 0, healed: 0 },
        ladder: LadderView::default(),
        preferences: PreferencesView::default(),
        servers: ServersView::default(),
        go_live_sheet: false,
        question: None,
        destinations: vec![DestinationView {
            id: DestinationView::MAIN,
            name: "Channel".to_owned(),
            tracks: 3,
            address: "rtmps://acme-live.global-contribute.live-video.net/app".to_owned(),
            state: LiveState::Live,
            step: String::new(),
            on_air: Span::from_secs(42 * 60 + 13),
            upload: Kbps(4_098),
            needed: Kbps(4_160),
            sent_bytes: 1_297_000_000,
            acknowledged_bytes: 1_296_900_000,
            composition_to_wire_ms: 22.4,
            queue: OutputQueueView {
                name: "rtmps".to_owned(),
                waiting: Span::from_millis(38),
                bound: Span::from_millis(2_000),
                dropped_frames: 0,
            },
            ..DestinationView::default()
        }],
        pairing: PairingView::default(),
        network_check: NetworkCheckView::default(),
        machine: control::MachineView::default(),
        recording: RecordingView {
            state: RecordingState::Recording,
            folder: "/home/creator/Videos/Genlock".to_owned(),
            path: "/home/creator/Videos/Genlock/2026-11-21 20-14-05 Friday dev stream.mp4".to_owned(),
            length: Span::from_secs(42 * 60 + 17),
            bytes: 11_240_000_000,
            room_left: Some(Span::from_secs(31 * 3600)),
        },
        desktop: control::DesktopView::default(),
        problems: vec![(
            5,
            Problem {
                severity: Severity::Warning,
                code: "publish.upload.short",
                happened: "Upload dipped to 2.4 Mbps for 9 s.".to_owned(),
                done: "480p was thinned out; sound and the other renditions were not touched.".to_owned(),
                advice: "Close other uploads, or choose a smaller ladder next time.".to_owned(),
            },
        )],
        cpu_cores: 0.18,
        can_undo: true,
        can_redo: false,
    }
}

/// Not live and nothing recorded: the window before a show.
pub(crate) fn off_air() -> View {
    let mut view = on_air();
    view.problems.clear();
    view.recording = RecordingView::default();
    view.alignment = AlignmentView::default();
    for rendition in &mut view.renditions {
        (rendition.measured, rendition.measured_fps, rendition.idrs) = (Kbps(0), 0.0, 0);
    }
    if let Some(destination) = view.destinations.first_mut() {
        destination.state = LiveState::Off;
        destination.upload = Kbps(0);
    }
    view
}

/// A view whose destination is in `state`.
pub(crate) fn in_state(state: LiveState) -> View {
    let mut view = on_air();
    if let Some(destination) = view.destinations.first_mut() {
        destination.state = state;
    }
    view
}

/// A window, the view it shows, the time it is told, and what it asked for.
pub(crate) struct Desk {
    pub(crate) studio: Option<Studio>,
    pub(crate) view: View,
    pub(crate) now_secs: f64,
    pub(crate) asked: Vec<Command>,
    picture: Option<TextureHandle>,
    shows_picture: bool,
}

impl Desk {
    /// Tells the window what the engine tells once.
    pub(crate) fn tell(&mut self, event: &Event) {
        self.studio.as_mut().unwrap().hear(event);
    }

    /// What was asked since the last call.
    pub(crate) fn take(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.asked)
    }
}

/// A picture as a programme may look: a ground, an editor, a camera.
fn picture() -> ColorImage {
    let (width, height) = (640usize, 360usize);
    let mut pixels = Vec::with_capacity(width * height);
    let within = |x: usize, y: usize, left: usize, top: usize, w: usize, h: usize| {
        (left..left + w).contains(&x) && (top..top + h).contains(&y)
    };
    for y in 0..height {
        for x in 0..width {
            let shade = |base: usize, span: usize| {
                u8::try_from(base + span * (width - x + height - y) / 1000).unwrap()
            };
            let mut pixel = Color32::from_rgb(shade(14, 16), shade(18, 40), shade(32, 70));
            if within(x, y, 40, 50, 370, 240) {
                let row = (y - 50) / 14;
                let ink = (y - 50) % 14 < 5 && (1..9).contains(&row) && (x - 40) > 12 + (row % 3) * 20;
                let ends = (x - 40) < 140 + (row * 53) % 150;
                pixel = if ink && ends {
                    Color32::from_rgb(112, 140, 170)
                } else {
                    Color32::from_rgb(14, 18, 23)
                };
            }
            if within(x, y, 430, 210, 170, 120) {
                let (dx, dy) = (x as f32 - 515.0, y as f32 - 262.0);
                let face = dx * dx + dy * dy < 38.0 * 38.0;
                pixel = if face { Color32::from_rgb(222, 170, 130) } else { Color32::from_rgb(66, 80, 98) };
            }
            pixels.push(pixel);
        }
    }
    ColorImage::new([width, height], pixels)
}

/// How a window is opened.
pub(crate) struct Opening {
    pub(crate) size: Vec2,
    pub(crate) pixels_per_point: f32,
    pub(crate) picture: bool,
}

impl Default for Opening {
    fn default() -> Self {
        Self { size: Vec2::new(1440.0, 900.0), pixels_per_point: 1.0, picture: false }
    }
}

/// Opens a window over `view`.
pub(crate) fn open_with(view: View, opening: &Opening) -> Harness<'static, Desk> {
    let desk = Desk {
        studio: None,
        view,
        now_secs: 100.0,
        asked: Vec::new(),
        picture: None,
        shows_picture: opening.picture,
    };
    let mut harness = Harness::builder()
        .with_size(opening.size)
        .with_pixels_per_point(opening.pixels_per_point)
        .with_render_cursor(false)
        .with_max_steps(12)
        .with_context_setup(|ctx| drop(Studio::new(ctx)))
        .build_ui_state(
            |ui, desk: &mut Desk| {
                if desk.shows_picture && desk.picture.is_none() {
                    desk.picture =
                        Some(ui.ctx().load_texture("programme", picture(), TextureOptions::LINEAR));
                }
                let preview = desk
                    .picture
                    .as_ref()
                    .map(|texture| PreviewTexture { id: texture.id(), size: texture.size_vec2() });
                let ctx = ui.ctx().clone();
                let studio = desk.studio.get_or_insert_with(|| Studio::new(&ctx));
                // The harness leaves a margin that eframe does not.
                let window = egui::UiBuilder::new().max_rect(ctx.content_rect());
                let mut window = ui.new_child(window);
                window.set_clip_rect(ctx.content_rect());
                desk.asked.extend(studio.ui(&mut window, &desk.view, preview, desk.now_secs));
            },
            desk,
        );
    harness.run_steps(4);
    harness.state_mut().asked.clear();
    harness
}

/// Opens a window of the usual size.
pub(crate) fn open(view: View) -> Harness<'static, Desk> {
    open_with(view, &Opening::default())
}
