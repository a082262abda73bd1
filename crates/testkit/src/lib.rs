//! Doubles for tests: a clock turned by hand, a network link in its time, access units made of nothing, and a
//! look at what a process holds. A dev-dependency only.

mod bit_writer;
mod clock;
mod footprint;
mod link;
mod parameter_sets;
mod stream;

pub use clock::VirtualClock;
pub use footprint::Footprint;
pub use link::{Fate, Link, LinkConfig, LinkFigures};
pub use parameter_sets::{audio_specific_config, avc_decoder_configuration};
pub use stream::{Rendition, SyntheticStream};
