//! A network check before going live: a valid stream at a rising rate, and what became of it.
//!
//! [`NetworkCheck`] decides how much to send at each moment and what the figures mean; it opens no socket and sends
//! nothing. [`ClipLoop`] plays a short clip over and over, [`pad`] makes its pictures as heavy as the rate asks for.

mod clip;
mod padding;
mod policy;
mod recommendation;

pub use clip::{CheckClip, ClipError, ClipLoop};
pub use padding::pad;
pub use policy::{CheckPhase, CheckSample, NetworkCheck};
pub use recommendation::{HEADROOM_PERCENT, Recommendation};

#[cfg(test)]
mod tests;
