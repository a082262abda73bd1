//! Where to, as whom.

use std::path::PathBuf;

use ertmp::flv::Form;
use ivs::{IngestAddress, Protocol};
use publish::{QueueLimits, RungRates, SessionConfig, SrtConfig, WallClock};
use units::{Secret, Span};

use crate::Error;

/// Where to, as whom, and whom to trust. Prints no stream key.
#[derive(Clone, Debug)]
pub struct Destination {
    /// The ingest; a key or priority inside counts.
    pub address: IngestAddress,
    /// The stream key, when the address has none.
    pub key: Secret,
    /// Takeover priority, replacing one in the address.
    pub priority: Option<u32>,
    /// PEM file of a certificate authority to trust besides the system's.
    pub ca: Option<PathBuf>,
    /// See [`SessionConfig::multitrack`].
    pub multitrack: bool,
    /// See [`SessionConfig::primary_form`]; `Some(Form::Legacy)` for what publishers in wide use do with several
    /// renditions too.
    pub primary_form: Option<Form>,
    /// See [`SessionConfig::colour_info`].
    pub colour_info: bool,
    /// See [`SessionConfig::metrics`]. Demanded by IVS for multitrack video.
    pub metrics: Option<WallClock>,
    /// See [`SessionConfig::ladder`].
    pub ladder: Vec<RungRates>,
    /// See [`SessionConfig::keep_from_keyframe`].
    pub keep_from_keyframe: bool,
    /// See [`SessionConfig::waits`].
    pub waits: bool,
    /// Bounds of the send queue.
    pub limits: QueueLimits,
    /// SRT: for how long the peer is asked to hold media back so that what was lost can be sent again; `None` for
    /// [`publish::SRT_LATENCY`].
    pub srt_latency: Option<Span>,
}

impl Destination {
    /// `address` with `key`, everything else by default.
    pub fn new(address: IngestAddress, key: Secret) -> Self {
        Self {
            address,
            key,
            priority: None,
            ca: None,
            multitrack: false,
            primary_form: None,
            colour_info: true,
            metrics: None,
            ladder: Vec::new(),
            keep_from_keyframe: false,
            waits: false,
            limits: QueueLimits::default(),
            srt_latency: None,
        }
    }

    /// The same stream to the place that a server asks to move to (E-RTMP v2, "Reconnect Request"): `tc_url` is
    /// absolute, or relative to the present one (`//host/app`, `/app`). Key and query arguments go along.
    ///
    /// # Errors
    /// [`Error::MoveRefused`] when `tc_url` is no address of RTMP, or would give encryption up: nobody on the way shall
    /// get the key by asking for it.
    pub fn moved_to(mut self, tc_url: &str) -> Result<Self, Error> {
        let target = self.address.rtmp_target(&self.key)?;
        let refused = |why| Error::MoveRefused { why };
        let (scheme, rest) =
            target.tc_url.split_once("://").ok_or(refused("the present address has no scheme"))?;
        let origin = rest.split_once('/').map_or(rest, |(origin, _)| origin);
        let absolute = if let Some(with_host) = tc_url.strip_prefix("//") {
            format!("{scheme}://{with_host}")
        } else if tc_url.starts_with('/') {
            format!("{scheme}://{origin}{tc_url}")
        } else {
            String::from(tc_url)
        };
        let stream_name = target.stream_name.expose();
        let whole = format!("{}/{stream_name}", absolute.trim_end_matches('/'));
        let moved: IngestAddress =
            whole.parse().map_err(|_| refused("the address it names can not be used"))?;
        match (self.address.protocol(), moved.protocol()) {
            (_, Protocol::Srt) => return Err(refused("the address it names is not one of RTMP")),
            (Protocol::Rtmps, Protocol::Rtmp) => {
                return Err(refused("the connection would not be encrypted"));
            }
            _ => {}
        }
        self.address = moved;
        Ok(self)
    }

    /// The address with the priority that counts.
    ///
    /// # Errors
    /// [`Error::NoKey`], or [`Error::Address`] for a priority that can not be.
    pub(crate) fn whole_address(&self) -> Result<IngestAddress, Error> {
        let mut address = self.address.clone();
        if let Some(priority) = self.priority {
            address = address.with_priority(priority)?;
        }
        if self.key.is_empty() && address.key().is_none_or(Secret::is_empty) {
            return Err(Error::NoKey);
        }
        Ok(address)
    }

    /// What an SRT session has to know.
    ///
    /// # Errors
    /// As [`Self::whole_address`], and for what SRT can not carry.
    pub(crate) fn srt_config(&self) -> Result<SrtConfig, Error> {
        let address = self.whole_address()?;
        let mut config = SrtConfig::for_ingest(&address, &self.key)?;
        config.latency = self.srt_latency.unwrap_or(publish::SRT_LATENCY);
        config.ladder.clone_from(&self.ladder);
        config.keep_from_keyframe = self.keep_from_keyframe;
        config.waits = self.waits;
        config.limits = self.limits;
        Ok(config)
    }

    /// What an RTMP session has to know.
    ///
    /// # Errors
    /// As [`Self::whole_address`], and for an address that is not one of RTMP.
    pub(crate) fn session_config(&self) -> Result<SessionConfig, Error> {
        let address = self.whole_address()?;
        let mut config = SessionConfig::for_ingest(&address, &self.key)?;
        config.multitrack = self.multitrack;
        config.primary_form = self.primary_form;
        config.colour_info = self.colour_info;
        config.metrics = self.metrics;
        config.ladder.clone_from(&self.ladder);
        config.keep_from_keyframe = self.keep_from_keyframe;
        config.waits = self.waits;
        config.limits = self.limits;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk_us-west-2_abcdefABCDEF";

    fn moved(from: &str, key: &str, to: &str) -> Result<(String, String, u16), String> {
        let destination = Destination::new(from.parse().unwrap(), Secret::new(key));
        let config = destination.moved_to(to).map_err(|error| error.to_string())?.session_config();
        let config = config.unwrap();
        assert!(config.target.stream_name.expose().starts_with(KEY));
        let arguments = config.target.stream_name.expose().trim_start_matches(KEY);
        Ok((format!("{}{arguments}", config.target.tc_url), config.host, config.port))
    }

    #[test]
    fn a_server_may_ask_to_move() {
        let from = "rtmps://a.example:443/app";
        for (to, tc_url, host) in [
            ("rtmps://b.example:8443/app", "rtmps://b.example:8443/app", "b.example"),
            ("rtmps://b.example/other/", "rtmps://b.example/other", "b.example"),
            ("//b.example/app", "rtmps://b.example/app", "b.example"),
            ("/other", "rtmps://a.example:443/other", "a.example"),
        ] {
            let (moved, host_then, port) = moved(from, KEY, to).unwrap();
            assert_eq!((&*moved, &*host_then), (tc_url, host), "{to}");
            assert_eq!(port, if to.contains("8443") { 8443 } else { 443 });
        }
    }

    #[test]
    fn what_belongs_to_the_key_moves_with_it() {
        let from = format!("rtmps://a.example/app/{KEY}?clientConfigId=x&priority=7");
        let (moved, ..) = moved(&from, "", "//b.example/app").unwrap();
        assert_eq!(moved, "rtmps://b.example/app?clientConfigId=x&priority=7");
    }

    #[test]
    fn nobody_gets_the_key_by_asking_for_it() {
        for (to, why) in [
            ("rtmp://b.example/app", "the connection would not be encrypted"),
            ("srt://b.example:9000", "the address it names can not be used"),
            ("https://b.example/app", "the address it names can not be used"),
            ("b.example", "the address it names can not be used"),
        ] {
            let error = moved("rtmps://a.example/app", KEY, to).unwrap_err();
            assert_eq!(error, format!("the service asks for a connection that is not made: {why}"), "{to}");
        }
        // Whoever began without encryption may go on so, or better.
        assert!(moved("rtmp://a.example/app", KEY, "rtmps://b.example/app").is_ok());
    }
}
