//! What answered when the peer did not speak the protocol we expected: proxies, captive portals, wrong ports.

use std::fmt;

/// What the first bytes of an unexpected answer look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing at all before the connection ended.
    Nothing,
    /// A web server or an HTTP proxy, with the status code where it could be read (RFC 9112, 4).
    Http {
        /// 100 to 599.
        status: Option<u16>,
    },
    /// A TLS record (RFC 8446, 5.1): the port wants TLS and got plain RTMP.
    Tls,
    /// A mail, file or shell server: they speak first, in lines of text.
    Text {
        /// The start of the first line: letters, digits and spaces only, at most 24 characters.
        start: String,
    },
    /// None of these.
    Unknown,
}

/// Most characters of a foreign answer that are repeated to a person.
const LONGEST_QUOTE: usize = 24;

impl Answer {
    /// Looks at the first bytes a peer sent.
    pub fn of(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::Nothing;
        }
        if let Some(rest) = bytes.strip_prefix(b"HTTP/") {
            return Self::Http { status: http_status(rest) };
        }
        if bytes.starts_with(b"<!") || bytes.starts_with(b"<html") {
            return Self::Http { status: None };
        }
        // Alert (21) or handshake (22), legacy version 3.x.
        if let [21 | 22, 3, ..] = bytes {
            return Self::Tls;
        }
        let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or(bytes);
        if line.len() >= 4 && line.iter().all(|byte| matches!(byte, 0x20..=0x7e)) {
            let start = line
                .iter()
                .map(|byte| char::from(*byte))
                .filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '-'))
                .take(LONGEST_QUOTE)
                .collect();
            return Self::Text { start };
        }
        Self::Unknown
    }

    /// Whether `bytes`, the first ones a peer sent on a connection where S0 of RTMP was due (version 3; Adobe's RTMP
    /// specification 1.0, 5.2.2), are surely something else. An answer that is merely odd is left to the RTMP parser.
    pub fn instead_of_rtmp(bytes: &[u8]) -> Option<Self> {
        match Self::of(bytes) {
            Self::Nothing | Self::Unknown => None,
            answer => Some(answer),
        }
    }
}

fn http_status(after_slash: &[u8]) -> Option<u16> {
    let text = str::from_utf8(after_slash.get(..16.min(after_slash.len()))?).ok()?;
    let code: u16 = text.split(' ').nth(1)?.get(..3)?.parse().ok()?;
    (100..=599).contains(&code).then_some(code)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("closed the connection without a word"),
            Self::Http { status: Some(status) } => write!(f, "answered like a web server (HTTP {status})"),
            Self::Http { status: None } => f.write_str("answered like a web server"),
            Self::Tls => f.write_str("answered in TLS, the encrypted form"),
            Self::Text { start } => write!(f, "answered “{start}”"),
            Self::Unknown => f.write_str("answered in a language that is not RTMP"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_who_answered() {
        let cases: [(&[u8], Answer); 9] = [
            (b"", Answer::Nothing),
            (b"HTTP/1.1 407 Proxy Authentication Required\r\n", Answer::Http { status: Some(407) }),
            (b"HTTP/1.0 200 OK\r\n", Answer::Http { status: Some(200) }),
            (b"HTTP/", Answer::Http { status: None }),
            (b"HTTP/1.1 9999", Answer::Http { status: None }),
            (&[21, 3, 3, 0, 2, 2, 10], Answer::Tls),
            (b"220 mail.example <smtp>\r\n", Answer::Text { start: "220 mail.example smtp".into() }),
            (&[3, 0, 0, 0], Answer::Unknown),
            (&[6, 200, 1], Answer::Unknown),
        ];
        for (bytes, answer) in cases {
            assert_eq!(Answer::of(bytes), answer, "{bytes:?}");
        }
        assert_eq!(Answer::instead_of_rtmp(&[3]), None);
    }
}
