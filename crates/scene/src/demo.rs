//! The demo collection: scenes that need no hardware, and show what the app does.

use units::Size;

use crate::{
    AspectMode, Collection, Color, DisplaySelector, Item, ItemId, Scene, SceneId, Slot, Source, SourceId,
    SourceKind, TextAlign, Vec2,
};

const PATTERN: SourceId = SourceId(1);
const SCREEN: SourceId = SourceId(2);
const CAMERA: SourceId = SourceId(3);
const WORDS: SourceId = SourceId(4);
const BAND: SourceId = SourceId(5);
const BACKGROUND: SourceId = SourceId(6);
const MICROPHONE: SourceId = SourceId(7);
const DESKTOP_SOUND: SourceId = SourceId(8);

/// Places things in fractions of the canvas, rounded to whole pixels.
struct Layout {
    width: f32,
    height: f32,
    last_item: u64,
}

impl Layout {
    fn item(&mut self, source: SourceId, slot: Slot) -> Item {
        self.last_item += 1;
        Item { id: ItemId(self.last_item), source, slot, visible: true }
    }

    fn whole(&mut self, source: SourceId, aspect: AspectMode) -> Item {
        self.item(source, Slot { aspect, ..Slot::default() })
    }

    fn part(
        &mut self,
        source: SourceId,
        at: (f32, f32),
        size: (f32, f32),
        z_index: f32,
        aspect: AspectMode,
    ) -> Item {
        let point = |(x, y): (f32, f32)| Vec2 { x: (x * self.width).round(), y: (y * self.height).round() };
        let (position, size) = (point(at), point(size));
        self.item(
            source,
            Slot { position, size, match_canvas_size: false, z_index, aspect, ..Slot::default() },
        )
    }

    /// The band along the lower edge and the words on it.
    fn lower_third(&mut self) -> [Item; 2] {
        [
            self.part(BAND, (0.04, 0.84), (0.46, 0.1), 10.0, AspectMode::None),
            self.part(WORDS, (0.055, 0.855), (0.43, 0.07), 11.0, AspectMode::Fit),
        ]
    }
}

fn source(id: SourceId, name: &str, kind: SourceKind) -> Source {
    Source { id, name: name.to_owned(), kind, muted: false, gain: 1.0, delay_ms: 0 }
}

fn scene(id: u64, name: &str, items: impl IntoIterator<Item = Item>) -> Scene {
    Scene { id: SceneId(id), name: name.to_owned(), items: items.into_iter().collect() }
}

impl Collection {
    /// Scenes for a canvas of this size: a moving pattern with a clock and a beep beside the real screen, the screen
    /// with a camera, and the camera alone. Sources that are missing on a machine show a placeholder; microphone and
    /// desktop sound are there to be placed, but nothing needs them.
    pub fn demo(canvas: Size) -> Self {
        // Canvas sides are at most 16384, exact in an f32.
        let (width, height) = (canvas.width_px() as f32, canvas.height_px() as f32);
        let mut layout = Layout { width, height, last_item: 0 };
        let white = Color { r: 1.0, g: 1.0, b: 1.0, a: 1.0 };
        let words = SourceKind::Text {
            text: "Genlock demo".to_owned(),
            font: None,
            size_px: (height * 0.06).round().max(8.0),
            color: white,
            align: TextAlign::Left,
        };
        let sources = vec![
            source(PATTERN, "Clock and beep", SourceKind::TestPattern { beep: true }),
            source(
                SCREEN,
                "Screen",
                SourceKind::Display {
                    display: DisplaySelector::Primary,
                    show_cursor: true,
                    show_border: false,
                    hide_own_windows: false,
                },
            ),
            source(CAMERA, "Camera", SourceKind::Camera { device: None }),
            source(WORDS, "Lower third", words),
            source(
                BAND,
                "Lower third band",
                SourceKind::Color { color: Color { r: 0.0, g: 0.0, b: 0.0, a: 0.6 } },
            ),
            source(
                BACKGROUND,
                "Background",
                SourceKind::Color { color: Color { r: 0.07, g: 0.09, b: 0.13, a: 1.0 } },
            ),
            source(MICROPHONE, "Microphone", SourceKind::AudioInput { device: None }),
            source(DESKTOP_SOUND, "Desktop sound", SourceKind::DesktopAudio { device: None, program: None }),
        ];
        let pattern_and_screen = [
            layout.whole(PATTERN, AspectMode::None),
            layout.part(SCREEN, (0.54, 0.5), (0.42, 0.42), 1.0, AspectMode::Fit),
        ]
        .into_iter()
        .chain(layout.lower_third());
        let pattern_and_screen = scene(1, "Pattern + screen", pattern_and_screen);
        let screen_and_camera = [
            layout.whole(BACKGROUND, AspectMode::None),
            layout.whole(SCREEN, AspectMode::Fit),
            layout.part(CAMERA, (0.72, 0.68), (0.25, 0.28), 1.0, AspectMode::Fill),
        ]
        .into_iter()
        .chain(layout.lower_third());
        let screen_and_camera = scene(2, "Screen + camera", screen_and_camera);
        let camera = [layout.whole(BACKGROUND, AspectMode::None), layout.whole(CAMERA, AspectMode::Fill)]
            .into_iter()
            .chain(layout.lower_third());
        let camera = scene(3, "Camera", camera);
        Self {
            name: "Demo".to_owned(),
            sources,
            scenes: vec![pattern_and_screen, screen_and_camera, camera],
            always_heard: Vec::new(),
        }
    }
}
