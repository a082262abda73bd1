//! SRT: how publishers come in that send an MPEG transport stream.
//!
//! [`library`] is libsrt; [`door`] lets callers in, each of which gets a thread of its own; [`session`] is what one of
//! them sends, judged and shared with viewers as if it came in RTMP's messages ([`tags`]).

mod door;
mod library;
mod session;
mod tags;
mod visits;

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use units::{Secret, Span};

use crate::Error;
use crate::config::IngestConfig;
use crate::error::Door;
use crate::event_log::random_letters;
use crate::service::Service;
use library::{Bound, Options, Problem};

/// Length of a passphrase that is made up, in characters; the guide's example has 41.
const PASSPHRASE_LETTERS: usize = 41;

/// Where and how SRT is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtDoor {
    /// UDP port; 0 for one that is free. The service's own is 9000 (IVS user guide, Streaming Configuration, "SRT").
    pub port: u16,
    /// What callers must encrypt with, 10 to 79 bytes (libsrt, `SRTO_PASSPHRASE`); callers without, or with another
    /// one, are refused. When it is `None` and the channel does not allow insecure ingest
    /// ([`ivs::Rules::insecure_ingest`]), one is made up: see [`crate::Ingest::srt_passphrase`]. When it is `None` and
    /// the channel does, callers that encrypt are refused.
    pub passphrase: Option<Secret>,
    /// How long a packet may be waited for, so that a lost one can be sent again. The larger of this and of what the
    /// caller asks for counts.
    pub latency: Span,
}

impl Default for SrtDoor {
    /// A free port, no passphrase of one's own, and libsrt's own latency of 120 ms.
    fn default() -> Self {
        Self { port: 0, passphrase: None, latency: Span::from_millis(120) }
    }
}

/// What the transport has to say of an SRT connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SrtReception {
    /// How long packets were held back, as both sides agreed, in milliseconds.
    pub latency_ms: u32,
    /// Bits of the key that encrypted the stream; 0 for none.
    pub key_bits: u32,
    /// Data packets that came, those that were sent again included.
    pub packets: u64,
    /// Packets that were missing when a later one came; most of them were sent again.
    pub lost: u64,
    /// Packets that were given up, because they came too late or never.
    pub dropped: u64,
    /// Packets that could not be decrypted.
    pub undecrypted: u64,
}

/// Opens the port that `config` asks for, and fills in its passphrase.
pub(crate) fn open(config: &mut IngestConfig) -> Result<Option<Bound>, Error> {
    let Some(door) = &mut config.srt else { return Ok(None) };
    if door.passphrase.is_none() && !config.rules.insecure_ingest {
        door.passphrase = Some(Secret::new(random_letters(PASSPHRASE_LETTERS)));
    }
    let options = Options { latency: door.latency.to_duration(), passphrase: door.passphrase.as_ref() };
    let address = SocketAddr::new(config.bind_ip, door.port);
    Bound::new(address, &options).map(Some).map_err(|problem| error(problem, address))
}

/// Takes callers until the ingest is stopped, at most `max_callers` at a time. The task ends when all of them are gone.
pub(crate) fn serve(
    bound: Bound,
    service: Arc<Service>,
    stopping: watch::Receiver<bool>,
    max_callers: usize,
) -> Result<JoinHandle<()>, Error> {
    let address = bound.address();
    door::serve(bound, service, stopping, max_callers).map_err(|problem| error(problem, address))
}

fn error(problem: Problem, address: SocketAddr) -> Error {
    match problem {
        Problem::Missing => Error::SrtMissing,
        Problem::PortInUse => Error::PortInUse { port: address.port(), door: Door::Srt },
        problem => Error::Srt { address, why: problem.to_string() },
    }
}
