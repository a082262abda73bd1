//! Addresses that may be fetched.

use std::fmt;

use url::{Host, Url};

/// An address that a playlist or a segment may be fetched from: HTTPS, or HTTP on this computer. Its arguments may be a
/// viewer's token (IVS user guide, "Setting Up Private Channels"), so neither `Debug` nor `Display` shows them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PlaybackUrl(Url);

impl PlaybackUrl {
    /// Longest address that is taken, in bytes. A viewer's token has about 500.
    pub const MAX_BYTES: usize = 8 * 1024;

    /// Reads an address; otherwise what is wrong with it, to be put behind "the address can not be used: ".
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > Self::MAX_BYTES {
            return Err("it is too long");
        }
        Self::checked(Url::parse(text.trim()).map_err(|_| "it is no URL")?)
    }

    /// The address that `reference`, found in a playlist or in a redirection at this address, means (RFC 3986, 5).
    /// Whoever began with encryption keeps it.
    pub fn join(&self, reference: &str) -> Result<Self, &'static str> {
        if reference.len() > Self::MAX_BYTES {
            return Err("it is too long");
        }
        let joined = Self::checked(self.0.join(reference).map_err(|_| "it is no URL")?)?;
        if self.is_encrypted() && !joined.is_encrypted() {
            return Err("the connection would not be encrypted");
        }
        Ok(joined)
    }

    fn checked(mut url: Url) -> Result<Self, &'static str> {
        let is_here = match url.host().ok_or("it has no host")? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            "http" => {
                return Err("it begins with http://, and only https:// is used outside of this computer");
            }
            _ => return Err("it does not begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a user name or a password in it");
        }
        url.set_fragment(None);
        Ok(Self(url))
    }

    /// Whether it is asked over TLS.
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Name or IP address, IPv6 without brackets.
    pub fn host(&self) -> String {
        match self.0.host() {
            Some(Host::Domain(name)) => String::from(name),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            None => String::new(),
        }
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// For the `Host` header: with brackets, with the port unless it is the scheme's.
    pub fn authority(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| String::from(host), |port| format!("{host}:{port}"))
    }

    /// Path and arguments, to be sent to the host and shown to nobody.
    pub fn target(&self) -> String {
        self.0
            .query()
            .map_or_else(|| String::from(self.0.path()), |query| format!("{}?{query}", self.0.path()))
    }

    /// The last part of the path, shortened.
    pub fn name(&self) -> String {
        let last = self.0.path().rsplit('/').next().unwrap_or_default();
        last.chars().filter(|c| !c.is_control()).take(80).collect()
    }
}

impl fmt::Display for PlaybackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/…", self.0.scheme(), self.authority())
    }
}

impl fmt::Debug for PlaybackUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_and_this_computer_are_asked() {
        for (text, why) in [
            (
                "http://a.example/x.m3u8",
                "it begins with http://, and only https:// is used outside of this computer",
            ),
            ("ftp://a.example/x", "it does not begin with https://"),
            ("file:///etc/passwd", "it has no host"),
            ("https://me@a.example/x", "it has a user name or a password in it"),
            ("a.example", "it is no URL"),
            ("", "it is no URL"),
        ] {
            assert_eq!(PlaybackUrl::parse(text), Err(why), "{text}");
        }
        for text in ["https://a.example/x", "http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x"]
        {
            assert!(PlaybackUrl::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn encryption_is_never_given_up_on_the_way() {
        let url = PlaybackUrl::parse("https://a.example/v1/master.m3u8?token=secret").unwrap();
        assert_eq!(url.join("low/index.m3u8").unwrap().target(), "/v1/low/index.m3u8");
        assert_eq!(url.join("//b.example/x").unwrap().host(), "b.example");
        assert_eq!(url.join("http://localhost/x"), Err("the connection would not be encrypted"));
        assert!(url.join("http://b.example/x").is_err());
        let here = PlaybackUrl::parse("http://localhost:1/x").unwrap();
        assert!(here.join("https://a.example/x").is_ok());
    }

    #[test]
    fn arguments_are_sent_and_not_shown() {
        let url = PlaybackUrl::parse("https://a.example:8443/v1/x.m3u8?token=secret#y").unwrap();
        assert_eq!(url.target(), "/v1/x.m3u8?token=secret");
        assert_eq!((url.port(), &*url.authority(), &*url.name()), (8443, "a.example:8443", "x.m3u8"));
        assert_eq!(format!("{url} {url:?}"), "https://a.example:8443/… https://a.example:8443/…");
    }
}
