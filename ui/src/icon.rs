//! The icons in use, by their code points in the Phosphor font (regular weight).

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    Eye,
    EyeSlash,
    Speaker,
    SpeakerSlash,
    Display,
    Camera,
    Window,
    FilmStrip,
    Picture,
    Text,
    Palette,
    Grid,
    Microphone,
    Warning,
    Fault,
    Notice,
    Close,
    Record,
    Stop,
    CaretDown,
    Undo,
    Redo,
    Unplugged,
    Grip,
    Hourglass,
    Panels,
    Check,
    Gear,
}

impl Icon {
    /// Its character in the icon font.
    pub(crate) const fn glyph(self) -> char {
        match self {
            Self::Eye => '\u{e220}',
            Self::EyeSlash => '\u{e224}',
            Self::Speaker => '\u{e44a}',
            Self::SpeakerSlash => '\u{e45a}',
            Self::Display => '\u{e32e}',
            Self::Camera => '\u{e4da}',
            Self::Window => '\u{e5da}',
            Self::FilmStrip => '\u{e792}',
            Self::Picture => '\u{e2ca}',
            Self::Text => '\u{e48a}',
            Self::Palette => '\u{e6c8}',
            Self::Grid => '\u{e296}',
            Self::Microphone => '\u{e326}',
            Self::Warning => '\u{e4e0}',
            Self::Fault => '\u{e4e2}',
            Self::Notice => '\u{e2ce}',
            Self::Close => '\u{e4f6}',
            Self::Record => '\u{e3ee}',
            Self::Stop => '\u{e46c}',
            Self::CaretDown => '\u{e136}',
            Self::Undo => '\u{e038}',
            Self::Redo => '\u{e036}',
            Self::Unplugged => '\u{eb56}',
            Self::Grip => '\u{eae2}',
            Self::Hourglass => '\u{e2b2}',
            Self::Panels => '\u{e464}',
            Self::Check => '\u{e182}',
            Self::Gear => '\u{e270}',
        }
    }

    /// The icon of a kind of source, by the noun the scene document gives it.
    pub(crate) fn of_source(kind: &str) -> Self {
        match kind {
            "display" => Self::Display,
            "window" => Self::Window,
            "camera" => Self::Camera,
            "media file" => Self::FilmStrip,
            "image" => Self::Picture,
            "text" => Self::Text,
            "colour" => Self::Palette,
            "microphone" => Self::Microphone,
            "desktop sound" => Self::Speaker,
            _ => Self::Grid,
        }
    }
}
