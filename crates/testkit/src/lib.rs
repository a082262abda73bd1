//! Doubles for tests: a clock turned by hand and access units made of nothing. A dev-dependency only.

mod bit_writer;
mod clock;
mod parameter_sets;
mod stream;

pub use clock::VirtualClock;
pub use parameter_sets::{audio_specific_config, avc_decoder_configuration};
pub use stream::{Rendition, SyntheticStream};
