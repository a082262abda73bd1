//! Where pictures and sound come from: one source kind per file.
//!
//! [`open`] makes a [`LiveSource`] of a scene's source. Devices and files that are not there are not errors: they show
//! a placeholder that names them, say [`SourceState::Lost`], and are looked for until they come (back). On every
//! system the GStreamer element is chosen by trying; [`LiveSource::via`] says which one and why.

mod audio_input;
mod camera;
mod color;
mod desktop_audio;
mod devices;
mod display;
mod elements;
mod error;
mod frames;
mod image;
mod live;
mod media;
mod painted;
mod path;
mod pattern;
mod placeholder;
mod program_sound;
mod slot;
mod sound_device;
mod source;
mod still;
mod supervisor;
mod text;
mod typesetting;
#[cfg(windows)]
mod win32;
mod window;
#[cfg(target_os = "linux")]
mod x11;
#[cfg(target_os = "linux")]
mod xlib_errors;

pub use devices::{Device, Devices, OpenWindow, Program, list_devices};
pub use error::Error;
pub use pattern::{BEEP_HZ, BEEP_PEAK, BEEP_SPAN, FLASH_SPAN, FlashSquare, flash_square, sound_at};
pub use source::{CaptureContext, LiveSource, SoundOutput, SourceState};

use display::Shown;
use scene::{Source, SourceKind};

/// Opens a source. Returns at once; devices and files are opened by the source's own thread.
///
/// # Errors
/// When the source can never work as it is described ([`Error::Parameter`], [`Error::NoFont`], [`Error::Size`]), or
/// when the computer lacks what every source needs ([`Error::GStreamer`], [`Error::Thread`]).
pub fn open(source: &Source, context: &CaptureContext) -> Result<Box<dyn LiveSource>, Error> {
    let id = source.id;
    Ok(match &source.kind {
        SourceKind::Display { display, show_cursor, show_border, hide_own_windows } => {
            let shown = Shown { cursor: *show_cursor, border: *show_border, own_windows: !*hide_own_windows };
            Box::new(display::open(display, shown, context)?)
        }
        SourceKind::Window { window, show_cursor, show_border } => {
            let shown = Shown { cursor: *show_cursor, border: *show_border, own_windows: true };
            Box::new(window::open(window, shown, context)?)
        }
        SourceKind::Text { text, font, size_px, color, align } => {
            Box::new(text::open(text, font.as_deref(), *size_px, *color, *align, context)?)
        }
        SourceKind::Color { color } => Box::new(color::open(*color, context)?),
        SourceKind::TestPattern { beep } => Box::new(pattern::TestPattern::open(id, *beep, context)?),
        SourceKind::Camera { device } => Box::new(camera::open(device.as_deref(), context)?),
        SourceKind::Media { path, looping } => Box::new(media::Media::open(id, path, *looping, context)?),
        SourceKind::Image { path } => Box::new(image::Image::open(path, context)?),
        SourceKind::AudioInput { device } => Box::new(audio_input::open(id, device.as_deref(), context)?),
        SourceKind::DesktopAudio { device, program } => {
            desktop_audio::open(id, device.as_deref(), program.as_ref(), context)?
        }
    })
}
