//! Where to connect, by what the person chose and what the service answered.

use units::Secret;

use super::{IngestList, ServerChoice};
use crate::client_configuration::{CONFIG_ID_ARGUMENT, ClientConfiguration};
use crate::limits::Rule;
use crate::{Error, IngestAddress, Protocol};

/// Where to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The address, `{stream_key}` in the key's place. Secret, since a custom one may have the key in it.
    pub url_template: Secret,
    /// The key to use instead of the person's: the one that carries the promised ladder.
    pub authentication: Option<Secret>,
    /// What the promised ladder is called.
    pub config_id: Option<String>,
}

/// Why a choice leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unresolved {
    /// The service's fault: its configuration names no place for this protocol.
    #[error("the service named no ingest for {protocol}")]
    NoEndpoint {
        /// The protocol that was chosen.
        protocol: Protocol,
    },
    /// The list of ingests is not there, and only it knows the address of the one that was chosen.
    #[error("the list of ingests is not known, and {name} is one of them")]
    NoList {
        /// The ingest that was chosen.
        name: String,
    },
    /// The service's list has changed.
    #[error("{name} is no longer among the ingests; choose another")]
    NotListed {
        /// The ingest that was chosen.
        name: String,
    },
    /// The service says that the ingest takes no streams now.
    #[error("{name} takes no streams at the moment; choose another")]
    NotAvailable {
        /// The ingest that was chosen.
        name: String,
    },
}

/// Where to connect when nobody could be asked, as a template (the guide, "Allow Automatic Server Selection").
pub const fn global_fallback(secure: bool) -> Rule<&'static str> {
    Rule {
        value: if secure {
            "rtmps://ingest.global-contribute.live-video.net:443/app/{stream_key}"
        } else {
            "rtmp://ingest.global-contribute.live-video.net/app/{stream_key}"
        },
        source: "IVS user guide, Multitrack Video Broadcast Software Integration, Allow Automatic Server Selection",
    }
}

/// Where to connect, by the guide's tables ("Allow Automatic Server Selection"). With a configuration, `Auto` is what the
/// configuration says; without, what FindIngest says; without either, the global ingest. Another choice of the person
/// is always followed. Whatever the address, the key is the configuration's, if there is one ("Connect Using Enhanced
/// RTMP").
///
/// RTMPS is never replaced by RTMP.
///
/// # Errors
/// [`Unresolved`] when the choice leads nowhere.
pub fn resolve(
    choice: &ServerChoice,
    configuration: Option<&ClientConfiguration>,
    list: Option<&IngestList>,
) -> Result<Destination, Unresolved> {
    let (template, secure) = match choice {
        ServerChoice::Auto { secure } => (Secret::new(auto(*secure, configuration, list)?), Some(*secure)),
        ServerChoice::Listed { name, secure } => {
            let list = list.ok_or_else(|| Unresolved::NoList { name: name.clone() })?;
            let server = list.servers.iter().find(|server| server.name == *name);
            let server = server.ok_or_else(|| Unresolved::NotListed { name: name.clone() })?;
            if !server.is_available {
                return Err(Unresolved::NotAvailable { name: name.clone() });
            }
            (Secret::new(server.template(*secure)), Some(*secure))
        }
        ServerChoice::Custom(address) => (address.clone(), None),
    };
    let key = |configuration: &ClientConfiguration| {
        let of_protocol = secure.and_then(|secure| configuration.endpoint(protocol(secure)));
        let any = configuration.ingest_endpoints.iter();
        of_protocol.into_iter().chain(any).find_map(|endpoint| endpoint.authentication.clone())
    };
    let config_id = configuration.map(|configuration| configuration.config_id.clone());
    Ok(Destination {
        url_template: template,
        authentication: configuration.and_then(key),
        config_id: config_id.filter(|config_id| !config_id.is_empty()),
    })
}

const fn protocol(secure: bool) -> Protocol {
    if secure { Protocol::Rtmps } else { Protocol::Rtmp }
}

fn auto<'a>(
    secure: bool,
    configuration: Option<&'a ClientConfiguration>,
    list: Option<&'a IngestList>,
) -> Result<&'a str, Unresolved> {
    let protocol = protocol(secure);
    if let Some(configuration) = configuration {
        let endpoint = configuration.endpoint(protocol).ok_or(Unresolved::NoEndpoint { protocol })?;
        return Ok(&endpoint.url_template);
    }
    let server = list.and_then(IngestList::auto);
    Ok(server.map_or(global_fallback(secure).value, |server| server.template(secure)))
}

impl Destination {
    /// The complete address: the template with the right key, the query arguments that the person wrote behind theirs,
    /// and `clientConfigId` (the guide, "Connect Using Enhanced RTMP").
    ///
    /// # Errors
    /// [`Error`] when the template, the address that the person wrote or one of their arguments is wrong.
    pub fn address(&self, key: &Secret) -> Result<IngestAddress, Error> {
        let mut address = IngestAddress::from_template(self.url_template.expose(), key)?;
        if let Some(authentication) = &self.authentication {
            address = address.with_key(authentication.clone());
        }
        if let Some(config_id) = &self.config_id {
            address = address.with_argument(CONFIG_ID_ARGUMENT, config_id)?;
        }
        Ok(address)
    }
}
