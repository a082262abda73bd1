//! What can go wrong before a source exists, or in one attempt to start it.

use std::io;

/// Why a source could not be made, or why one way of making it did not work. Devices and files that are missing are
/// not errors of [`crate::open`]: they show as [`crate::SourceState::Lost`], because they may come back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Resource: the GStreamer library did not start.
    #[error("GStreamer did not start: {0}")]
    GStreamer(String),
    /// Resource: an element is not installed.
    #[error("the GStreamer element {element} is not installed")]
    MissingElement {
        /// Name of the element's factory.
        element: String,
    },
    /// Peer incompatible: an element of another version than we know lacks a setting, or refuses a value.
    #[error("{element} does not take {property}={value}: {reason}")]
    Setting {
        /// Name of the element's factory.
        element: String,
        /// Name of the property.
        property: String,
        /// The value in GStreamer's notation.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Resource: elements that must be joined do not fit, or do not start.
    #[error("{0}")]
    Pipeline(String),
    /// Resource: a device is absent, busy, forbidden or broken.
    #[error("{0}")]
    Device(String),
    /// Malformed: a file that is not what it should be, or cannot be read.
    #[error("{0}")]
    File(String),
    /// Malformed: the scene asks for something that no source can do.
    #[error("{0}")]
    Parameter(String),
    /// Resource: no usable font is installed and none was given.
    #[error("no font was found to write with")]
    NoFont,
    /// Resource: the system gave no thread.
    #[error("the system gave no thread for a source: {0}")]
    Thread(#[from] io::Error),
    /// Our bug: a picture whose parts do not match its description.
    #[error("a source made a picture that does not fit its own description: {0}")]
    Frame(#[from] units::VideoFrameError),
    /// Malformed: a picture larger than any adapter can hold.
    #[error(transparent)]
    Size(#[from] units::SizeError),
}
