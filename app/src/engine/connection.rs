//! One connection of an outlet: what it is fed, what it says, what it came to.

use std::sync::Arc;

use publish::{Ended, Notice, Stats, Step};
use tokio::sync::mpsc;
use units::{AccessUnit, MediaTime, Span, StreamConfig};

use super::Core;
use super::fan_out::{Order, Output, OutputId};
use super::recording::kept;

/// How long a stream that was just accepted waits for an IDR that is on its way already: encoders that were started
/// with it begin with one, and a second right behind it would only cost quality.
const IDR_GRACE: Span = Span::from_millis(80);

/// What of the encoded show a destination gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// All renditions.
    Ladder,
    /// The primary rendition.
    Primary,
}

/// The end of a connection that the fan-out holds.
struct Feed {
    output: Arc<net::Output>,
    selection: Selection,
    primary: Option<units::Track>,
}

impl Output for Feed {
    fn begin(&mut self, config: &StreamConfig) {
        self.primary = config.video.first().map(|video| units::Track::Video(video.track));
        self.output.begin(match self.selection {
            Selection::Ladder => config.clone(),
            Selection::Primary => kept(config),
        });
    }

    fn send(&mut self, unit: &Arc<AccessUnit>) {
        let is_wanted =
            self.selection == Selection::Ladder || !unit.is_video() || Some(unit.track) == self.primary;
        if is_wanted {
            self.output.send(unit.clone());
        }
    }
}

/// A session on its way to, on, or from the air.
pub(super) struct Connection {
    pub(super) id: OutputId,
    pub(super) output: Arc<net::Output>,
    notices: Option<mpsc::Receiver<Notice>>,
    /// When to ask the encoders for an IDR, should none have come by itself.
    ask_for_idr_at: Option<MediaTime>,
}

/// What happened on a connection since it was looked at last.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) notices: Vec<Notice>,
    pub(super) ended: Option<Ended>,
}

impl Connection {
    /// Takes what was said, and the end when it has come. Everything that was said before the end is in it.
    pub(super) fn listen(&mut self, now: MediaTime) -> Heard {
        let ended = self.output.ended();
        let mut notices = Vec::new();
        while let Some(notice) = self.notices.as_mut().and_then(|notices| notices.try_recv().ok()) {
            if notice == Notice::KeyframeWanted {
                self.ask_for_idr_at = Some(now + IDR_GRACE);
            }
            notices.push(notice);
        }
        Heard { notices, ended }
    }

    /// Whether the encoders are to be asked for an IDR; true once.
    pub(super) fn wants_idr(&mut self, now: MediaTime) -> bool {
        let due = self.ask_for_idr_at.is_some_and(|at| now >= at);
        if due {
            self.ask_for_idr_at = None;
        }
        due && self.output.stats().step == Step::Accepted
    }

    pub(super) fn stats(&self) -> Stats {
        self.output.stats()
    }
}

impl Core {
    /// Opens a connection and has the encoders' access units sent to it.
    ///
    /// # Errors
    /// What is wrong with the destination, as a sentence.
    pub(super) fn open_connection(
        &mut self,
        destination: &net::Destination,
        selection: Selection,
    ) -> Result<Connection, String> {
        let started = net::start(&self.machine.runtime, destination, self.machine.clock.clone());
        let output = Arc::new(started.map_err(|error| error.to_string())?);
        self.connections += 1;
        let id = super::FIRST_STREAM + self.connections;
        let feed = Feed { output: output.clone(), selection, primary: None };
        self.fan_out.order(Order::Attach(id, Box::new(feed)));
        Ok(Connection { id, notices: output.events(), output, ask_for_idr_at: None })
    }

    /// Lets go of a connection; one that has not ended does so in good order.
    pub(super) fn close_connection(&mut self, connection: &Connection) {
        self.fan_out.order(Order::Detach(connection.id));
        if connection.output.ended().is_none() {
            connection.output.stop();
        }
    }

    /// Lets go of a connection without a word to its peer, whose stream then waits for another connection.
    pub(super) fn desert_connection(&mut self, connection: &Connection) {
        // Dropped without more units, it goes as soon as what it has is written.
        connection.output.depart();
        self.fan_out.order(Order::Detach(connection.id));
    }
}
