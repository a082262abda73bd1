//! The only client sockets of Genlock: carries out what `publish` decides, over TCP and TLS.
//!
//! [`start`] opens an [`Output`] to one destination. Everything slow happens in its task; the threads that produce
//! access units only ever put them into a bounded queue.

mod dial;
mod driver;
mod error;
mod link;
mod output;
mod tls;
mod trust;

pub use error::Error;
pub use ertmp::flv::Form;
pub use output::{Destination, Output, start};
pub use publish::{Ended, Failure, Fault, Health, Notice, RungRates, Stage, Stats, Step, WallClock};
