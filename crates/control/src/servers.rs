//! Which ingest server to send to.

use units::Secret;

use crate::KeyMemory;

/// A choice of the server menu (IVS user guide, multitrack integration guide, “FindIngest”).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerChoice {
    /// The service chooses.
    Auto {
        /// RTMPS; else RTMP.
        secure: bool,
    },
    /// One of the service's list.
    Listed {
        /// Its name in the list.
        name: String,
        /// RTMPS; else RTMP.
        secure: bool,
    },
    /// Another one. In a [`Command`](crate::Command) its whole address, which may hold a key; in a
    /// [`View`](crate::View) always empty.
    Custom(Secret),
}

impl Default for ServerChoice {
    /// The entry that the guide recommends.
    fn default() -> Self {
        Self::Auto { secure: true }
    }
}

/// A line of the server menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerEntry {
    /// Its words, such as “Auto (RTMPS, Recommended)”.
    pub label: String,
    /// What it chooses. [`ServerChoice::Custom`] stands for the line that asks for an address.
    pub choice: ServerChoice,
    /// Whether it can be chosen now.
    pub available: bool,
}

/// The server menu, and whether there is a key to go with it. Never holds a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServersView {
    /// What is chosen.
    pub chosen: ServerChoice,
    /// The menu, in the order of the guide; empty where servers are none of the person's business, as in a rehearsal.
    pub entries: Vec<ServerEntry>,
    /// Where the choice leads, without key and query, such as “Frankfurt” or “rtmps://192.0.2.7:443/app”; empty while
    /// it is not known.
    pub leads_to: String,
    /// Where the list is from, such as “list of 12 s ago” or “could not be fetched; global endpoints”.
    pub note: String,
    /// A stream key is set.
    pub has_key: bool,
    /// Whether it is kept between runs.
    pub key_memory: KeyMemory,
    /// What is known of the key, such as “accepted 3 s ago, valid for 48 hours”; empty where nothing is.
    pub key_note: String,
}
