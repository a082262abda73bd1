//! FindIngest: the ingests there are, and which to connect to.

mod destination;

use serde_json::json;
use units::Secret;

use crate::client_configuration::AnswerError;
use crate::client_configuration::json::{self, Node};
use crate::limits::Rule;

pub use destination::{Destination, Unresolved, global_fallback, resolve};

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

/// Reads an answer of FindIngest.
///
/// # Errors
/// [`AnswerError`] with the path of what is wrong.
pub fn parse(body: &[u8]) -> Result<IngestList, AnswerError> {
    let value = json::parse(body)?;
    let mut top = Node::root(&value).object()?;
    let servers =
        top.must("ingests")?.elements()?.iter().map(IngestServer::read).collect::<Result<_, _>>()?;
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

    /// Its address, over RTMPS or RTMP.
    pub fn template(&self, secure: bool) -> &str {
        if secure { &self.url_template_secure } else { &self.url_template }
    }

    /// It is listed only until nobody uses it any more: its name says so (obs-multitrack.md 2.2).
    pub fn is_deprecated(&self) -> bool {
        self.name.to_ascii_lowercase().contains("deprecated")
    }
}

impl IngestList {
    /// The ingests a person may choose, the nearest first: by priority, those that are deprecated left out.
    pub fn in_order(&self) -> Vec<&IngestServer> {
        let mut servers: Vec<_> = self.servers.iter().filter(|server| !server.is_deprecated()).collect();
        servers.sort_by_key(|server| server.priority);
        servers
    }

    /// The ingest to use when the person leaves the choice to us: the default one as long as it is available (the API
    /// reference, Ingest), else the available one with the lowest priority (the guide, "Using a FindIngest Server for
    /// Auto Streaming Destination").
    pub fn auto(&self) -> Option<&IngestServer> {
        let mut available = self.in_order();
        available.retain(|server| server.is_available);
        available.iter().find(|server| server.is_default).or(available.first()).copied()
    }

    /// The server menu in the order of the guide ("Allow Users to Configure Streaming Destination").
    pub fn menu(&self) -> Vec<MenuEntry> {
        let entry =
            |label: String, choice, is_available| MenuEntry { label, choice: Some(choice), is_available };
        let mut menu = vec![
            entry("Auto (RTMPS, Recommended)".into(), ServerChoice::Auto { secure: true }, true),
            entry("Auto (RTMP)".into(), ServerChoice::Auto { secure: false }, true),
        ];
        for (secure, protocol) in [(true, "RTMPS"), (false, "RTMP")] {
            menu.extend(self.in_order().into_iter().map(|server| {
                let choice = ServerChoice::Listed { name: server.name.clone(), secure };
                entry(format!("{} ({protocol})", server.name), choice, server.is_available)
            }));
        }
        menu.push(MenuEntry { label: "Specify Custom Server".into(), choice: None, is_available: true });
        menu
    }

    /// The list as FindIngest answers it.
    pub fn to_json(&self) -> String {
        let servers = self.servers.iter().map(|server| {
            json!({
                "_id": server.id,
                "availability": if server.is_available { 1.0 } else { 0.0 },
                "default": server.is_default,
                "name": server.name,
                "priority": server.priority,
                "url_template": server.url_template,
                "url_template_secure": server.url_template_secure,
            })
        });
        json!({ "ingests": servers.collect::<Vec<_>>() }).to_string()
    }
}

#[cfg(test)]
mod tests;
