//! FindIngest: the ingests there are, and which to connect to.

use units::Secret;

use crate::client_configuration::AnswerError;
use crate::client_configuration::json::{self, Node};
use crate::limits::Rule;

/// Where the service answers. Another one may be asked instead, to rehearse.
pub const SERVICE_URL: Rule<&str> = Rule {
    value: "https://ingest.contribute.live-video.net/api/v2/FindIngest",
    source: "IVS multitrack video integration API reference, FindIngest",
};

/// An ingest (the API reference, Ingest).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestServer {
    /// Its number in the list.
    pub id: u32,
    /// Where it is.
    pub name: String,
    /// Its address over RTMP, `{stream_key}` in the key's place.
    pub url_template: String,
    /// Its address over RTMPS, `{stream_key}` in the key's place.
    pub url_template_secure: String,
    /// It takes streams now.
    pub is_available: bool,
    /// The lowest is to be used first.
    pub priority: u32,
    /// The one to choose automatically, as long as it is available.
    pub is_default: bool,
}

/// An answer of FindIngest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IngestList {
    /// The ingests, in the service's order.
    pub servers: Vec<IngestServer>,
}

/// A server that a person can choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerChoice {
    /// The service chooses.
    Auto {
        /// Over RTMPS rather than RTMP.
        secure: bool,
    },
    /// One of the list.
    Listed {
        /// Its name.
        name: String,
        /// Over RTMPS rather than RTMP.
        secure: bool,
    },
    /// An address that the person wrote, with or without their key.
    Custom(Secret),
}

/// A line of the server menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MenuEntry {
    /// What it says.
    pub label: String,
    /// What choosing it means; `None` asks for an address.
    pub choice: Option<ServerChoice>,
    /// It takes streams now.
    pub is_available: bool,
}

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The address, `{stream_key}` in the key's place.
    pub url_template: Secret,
    /// The key to use instead of the person's: the one that carries the promised ladder.
    pub authentication: Option<Secret>,
}

/// Reads an answer of FindIngest.
///
/// # Errors
/// [`AnswerError`] with the path of what is wrong.
pub fn parse(body: &[u8]) -> Result<IngestList, AnswerError> {
    let value = json::parse(body)?;
    let mut top = Node::root(&value).object()?;
    let mut servers = Vec::new();
    for node in top.must("ingests")?.elements()? {
        servers.push(IngestServer::read(&node)?);
    }
    Ok(IngestList { servers })
}

impl IngestServer {
    fn read(node: &Node<'_>) -> Result<Self, AnswerError> {
        let mut server = node.object()?;
        Ok(Self {
            id: server.must("_id")?.whole()?,
            name: server.must("name")?.text()?.into(),
            url_template: server.must("url_template")?.text()?.into(),
            url_template_secure: server.must("url_template_secure")?.text()?.into(),
            is_available: server.must("availability")?.number()? >= 1.0,
            priority: server.must("priority")?.whole()?,
            is_default: server.must("default")?.flag()?,
        })
    }
}
