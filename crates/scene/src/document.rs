//! Collections, scenes, items and sources.

use serde::{Deserialize, Serialize};

/// Names a source within a collection; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(pub u64);

/// Names a scene within a collection; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SceneId(pub u64);

/// Names an item within a collection; never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub u64);

/// A point or extent in canvas pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vec2 {
    /// To the right.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

/// Red, green, blue, alpha; each 0 to 1, sRGB, straight alpha (the guide's Vec4 `fillColor`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Color {
    /// Red, 0 to 1.
    pub r: f32,
    /// Green, 0 to 1.
    pub g: f32,
    /// Blue, 0 to 1.
    pub b: f32,
    /// Alpha, 0 (transparent) to 1 (opaque).
    pub a: f32,
}

/// How a picture whose shape differs from its slot is placed in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AspectMode {
    /// Keep the shape, show all of the picture, fill the rest with the fill colour.
    #[default]
    Fit,
    /// Keep the shape, fill the slot, cut off what does not fit.
    Fill,
    /// Stretch the picture to the slot.
    None,
}

/// Parts cut off the picture before it is placed, as fractions of its width and height, each 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Crop {
    /// From the left, as a fraction of the width.
    pub left: f32,
    /// From the top, as a fraction of the height.
    pub top: f32,
    /// From the right, as a fraction of the width.
    pub right: f32,
    /// From the bottom, as a fraction of the height.
    pub bottom: f32,
}

/// Where and how an item is shown and heard (IVS user guide, "Source Configuration" of mixed image and mixed audio
/// devices).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slot {
    /// Top-left corner in canvas pixels, from the canvas' top-left corner.
    pub position: Vec2,
    /// Size in canvas pixels. A negative width mirrors horizontally, a negative height vertically; the position then
    /// is the corner the picture grows away from (IVS user guide, "Mirroring the Broadcast").
    pub size: Vec2,
    /// The slot is as large as the canvas, whatever `size` says (the guide's default).
    pub match_canvas_size: bool,
    /// Higher is nearer to the viewer; equal values keep the order of the items.
    pub z_index: f32,
    /// What to do with pictures of another shape.
    pub aspect: AspectMode,
    /// Colour of the part of the slot that a fitted picture leaves free.
    pub fill_color: Color,
    /// Multiplied with the picture's own alpha, 0 to 1.
    pub alpha: f32,
    /// Parts of the picture that are cut off first.
    pub crop: Crop,
    /// Multiplier of the source's sound, 0 to 2.
    pub gain: f32,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            position: Vec2::default(),
            size: Vec2::default(),
            match_canvas_size: true,
            z_index: 0.0,
            aspect: AspectMode::Fit,
            fill_color: Color::default(),
            alpha: 1.0,
            crop: Crop::default(),
            gain: 1.0,
        }
    }
}

/// Which display to capture.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisplaySelector {
    /// The system's primary display.
    #[default]
    Primary,
    /// A display by the name the system gives it.
    Named(String),
}

/// Which window to capture. All given parts must match; several matches take the newest window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowSelector {
    /// Window title, or a part of it.
    pub title: Option<String>,
    /// Window class (Windows) or `WM_CLASS` (X11).
    pub class: Option<String>,
    /// Program the window belongs to, without its folder.
    pub program: Option<String>,
}

/// Whose sound is heard. It is found again each time the program is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProgramSelector {
    /// File name of the program, without its folder, in either case: `game.exe`.
    pub program: String,
    /// Title of one of its windows, or a part of it, to tell several of the same program apart.
    pub title: Option<String>,
    /// Everything is heard but this program.
    pub all_but: bool,
}

/// Where the lines of a text stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextAlign {
    /// At the left edge.
    #[default]
    Left,
    /// In the middle.
    Center,
    /// At the right edge.
    Right,
}

/// What a source shows or plays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceKind {
    /// A whole display.
    Display {
        /// Which one.
        #[serde(default)]
        display: DisplaySelector,
        /// Whether the mouse pointer is shown.
        #[serde(default = "yes")]
        show_cursor: bool,
        /// Whether the border that Windows draws around what is captured is left there. It is drawn on the screen, by
        /// Windows Graphics Capture only, and not on Linux.
        #[serde(default)]
        show_border: bool,
        /// Whether Genlock's own windows are left out of the picture, and of every other program's captures too; on
        /// Windows only.
        #[serde(default)]
        hide_own_windows: bool,
    },
    /// One window.
    Window {
        /// Which one.
        window: WindowSelector,
        /// Whether the mouse pointer is shown.
        #[serde(default = "yes")]
        show_cursor: bool,
        /// Whether the border that Windows draws around what is captured is left there. It is drawn on the screen, by
        /// Windows Graphics Capture only, and not on Linux.
        #[serde(default)]
        show_border: bool,
    },
    /// A camera.
    Camera {
        /// The name the system gives it, or `None` for the first.
        #[serde(default)]
        device: Option<String>,
    },
    /// A media file with picture, sound or both.
    Media {
        /// Path of the file; relative paths start at the collection's folder.
        path: String,
        /// Begin anew at the end.
        #[serde(default = "yes")]
        looping: bool,
    },
    /// A still picture, with alpha where it has it.
    Image {
        /// Path of the file; relative paths start at the collection's folder.
        path: String,
    },
    /// Words.
    Text {
        /// The words; line breaks are kept.
        text: String,
        /// Font family; a family that is missing falls back to the system's sans.
        #[serde(default)]
        font: Option<String>,
        /// Height of the letters in canvas pixels.
        size_px: f32,
        /// Colour of the letters.
        color: Color,
        /// Where the lines stand.
        #[serde(default)]
        align: TextAlign,
    },
    /// One colour.
    Color {
        /// The colour.
        color: Color,
    },
    /// Moving bars with a clock that flashes, and a beep at the same instant, once a second.
    TestPattern {
        /// Whether it beeps.
        #[serde(default = "yes")]
        beep: bool,
    },
    /// A microphone or other sound input.
    AudioInput {
        /// The name the system gives it, or `None` for the system's default at the time the source is made. Never
        /// replaced by another device on its own.
        #[serde(default)]
        device: Option<String>,
    },
    /// What the computer plays.
    DesktopAudio {
        /// The output device by name, or `None` for the system's default. Of no meaning where `program` is given.
        #[serde(default)]
        device: Option<String>,
        /// Only what one program plays, or all but that; `None` for everything.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        program: Option<ProgramSelector>,
    },
}

const fn yes() -> bool {
    true
}

impl SourceKind {
    /// Whether the source can be seen.
    pub const fn has_picture(&self) -> bool {
        !matches!(self, Self::AudioInput { .. } | Self::DesktopAudio { .. })
    }

    /// Whether the source can be heard.
    pub const fn has_sound(&self) -> bool {
        matches!(
            self,
            Self::AudioInput { .. }
                | Self::DesktopAudio { .. }
                | Self::Media { .. }
                | Self::TestPattern { beep: true }
        )
    }

    /// What a person calls this kind.
    pub const fn noun(&self) -> &'static str {
        match self {
            Self::Display { .. } => "display",
            Self::Window { .. } => "window",
            Self::Camera { .. } => "camera",
            Self::Media { .. } => "media file",
            Self::Image { .. } => "image",
            Self::Text { .. } => "text",
            Self::Color { .. } => "colour",
            Self::TestPattern { .. } => "test pattern",
            Self::AudioInput { .. } => "microphone",
            Self::DesktopAudio { .. } => "desktop sound",
        }
    }
}

/// Something that can be shown or heard, in any number of scenes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its identity.
    pub id: SourceId,
    /// What the person calls it.
    pub name: String,
    /// What it is.
    #[serde(flatten)]
    pub kind: SourceKind,
    /// Not heard.
    #[serde(default)]
    pub muted: bool,
    /// Multiplier of its sound in every scene, 0 to 2.
    #[serde(default = "unity")]
    pub gain: f32,
    /// How much later its sound is heard, in milliseconds, 0 to 2000.
    #[serde(default)]
    pub delay_ms: u32,
}

const fn unity() -> f32 {
    1.0
}

/// A source placed in a scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its identity.
    pub id: ItemId,
    /// What is placed.
    pub source: SourceId,
    /// Where and how.
    #[serde(default)]
    pub slot: Slot,
    /// Whether it is shown (and heard).
    #[serde(default = "yes")]
    pub visible: bool,
}

/// Items shown together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scene {
    /// Its identity.
    pub id: SceneId,
    /// What the person calls it.
    pub name: String,
    /// From the back to the front, where the z-indices are equal.
    pub items: Vec<Item>,
}

/// Everything a person prepared for a show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collection {
    /// What the person calls it.
    pub name: String,
    /// The things that can be placed.
    pub sources: Vec<Source>,
    /// The scenes, in the order of the list; at least one.
    pub scenes: Vec<Scene>,
    /// Sources heard in every scene: microphones, desktop sound.
    #[serde(default)]
    pub always_heard: Vec<SourceId>,
}
