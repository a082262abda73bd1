//! Which renditions a stream has, and what a stream key promises of them.

mod promise;

pub use crate::limits::ResolutionClass;
pub use promise::{Promise, PromisedTrack};
