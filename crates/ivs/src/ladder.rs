//! Which renditions a stream has: the policy that grants them, what a stream key promises of them, and how they give
//! way when the uplink cannot carry them.
//!
//! The rehearsal ingest answers GetClientConfiguration by this policy, and `--tracks N` uses it without asking anybody.

mod configuration;
mod interpolation;
mod policy;
mod promise;

pub use crate::limits::ResolutionClass;
pub use configuration::EncoderFamily;
pub use interpolation::interpolate;
pub use policy::{LadderRefusal, Rung, Wish, grant};
pub use promise::{Promise, PromisedTrack, Unpromised};

#[cfg(test)]
mod tests;
