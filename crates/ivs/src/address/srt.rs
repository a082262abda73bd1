//! What an SRT caller is told to say.

use units::Secret;

use super::{IngestAddress, Protocol, append_arguments};
use crate::Error;

/// Shortest and longest passphrase, in bytes (SRT API, `SRTO_PASSPHRASE`).
pub(crate) const SRT_PASSPHRASE_BYTES: (usize, usize) = (10, 79);
/// Longest stream id, in bytes (SRT API, `SRTO_STREAMID`).
pub(crate) const SRT_STREAM_ID_BYTES: usize = 512;

/// What SRT's handshake is told. Prints neither key nor passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SrtTarget {
    /// Name or IP address to connect to, IPv6 without brackets.
    pub host: String,
    /// UDP port.
    pub port: u16,
    /// The stream id: the key alone, or `#!::u=KEY,priority=N` (the guide, "Stream Takeover"). SRT sends it in the
    /// clear, whether the stream is encrypted or not.
    pub stream_id: Secret,
    /// What the media is encrypted with; `None` when the channel takes it in the clear ("SRT").
    pub passphrase: Option<Secret>,
}

impl IngestAddress {
    /// What to tell the peer. `key` is used when the URL has none.
    ///
    /// # Errors
    /// [`Error::NotSrt`] for an address of RTMP; [`Error::PassphraseLength`] and [`Error::StreamIdTooLong`] for what SRT
    /// can not carry.
    pub fn srt_target(&self, key: &Secret) -> Result<SrtTarget, Error> {
        if self.protocol != Protocol::Srt {
            return Err(Error::NotSrt);
        }
        let (shortest, longest) = SRT_PASSPHRASE_BYTES;
        if let Some(passphrase) = &self.passphrase
            && !(shortest..=longest).contains(&passphrase.expose().len())
        {
            return Err(Error::PassphraseLength);
        }
        let stream_id = self.stream_id(self.key.as_ref().unwrap_or(key));
        if stream_id.len() > SRT_STREAM_ID_BYTES {
            return Err(Error::StreamIdTooLong);
        }
        Ok(SrtTarget {
            host: String::from(self.host()),
            port: self.port(),
            stream_id: Secret::new(stream_id),
            passphrase: self.passphrase.clone(),
        })
    }

    /// The same address with this SRT passphrase.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Secret) -> Self {
        self.passphrase = (!passphrase.is_empty()).then_some(passphrase);
        self
    }

    /// The stream id of `key` with this address's fields.
    pub(super) fn stream_id(&self, key: &Secret) -> String {
        if self.stream_id_fields.is_empty() {
            return String::from(key.expose());
        }
        let mut stream_id = String::from("#!::u=");
        stream_id.push_str(key.expose());
        append_arguments(&mut stream_id, &self.stream_id_fields, ',');
        stream_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk_us-west-2_abcd1234efgh5678ijkl";

    fn target(address: &str, key: &str) -> Result<SrtTarget, Error> {
        address.parse::<IngestAddress>().unwrap().srt_target(&Secret::new(key))
    }

    #[test]
    fn both_forms_of_the_stream_id() {
        let plain =
            target(&format!("srt://a.example:9000?streamid={KEY}&passphrase=0123456789"), "").unwrap();
        assert_eq!((&*plain.host, plain.port), ("a.example", 9000));
        assert_eq!(plain.stream_id.expose(), KEY);
        assert_eq!(plain.passphrase.as_ref().map(Secret::expose), Some("0123456789"));
        let address: IngestAddress = "srt://[::1]".parse().unwrap();
        let taking = address.with_priority(7).unwrap().srt_target(&Secret::new(KEY)).unwrap();
        assert_eq!(taking.stream_id.expose(), format!("#!::u={KEY},priority=7"));
        assert_eq!((&*taking.host, taking.port, taking.passphrase), ("::1", 9000, None));
        assert!(!format!("{plain:?}").contains(KEY) && !format!("{plain:?}").contains("0123456789"));
    }

    #[test]
    fn what_srt_can_not_carry_is_refused_before_anything_is_sent() {
        assert_eq!(target("srt://a?passphrase=012345678", KEY), Err(Error::PassphraseLength));
        assert_eq!(
            target(&format!("srt://a?passphrase={}", "x".repeat(80)), KEY),
            Err(Error::PassphraseLength)
        );
        assert_eq!(target("srt://a", &"k".repeat(513)), Err(Error::StreamIdTooLong));
        assert_eq!(target("rtmps://a/app", KEY), Err(Error::NotSrt));
    }
}
