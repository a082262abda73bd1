//! Learning why a peer hung up, where the sink does not say so: GStreamer 1.22 tells the reason in words and not the
//! number, and has one word for all reasons of a service.
//!
//! The call is repeated by hand (the handshake of Internet-Draft draft-sharabayko-srt-01, 3.2.1 and 4.3.1), in a way
//! that can not succeed: when a passphrase is used, the key it would protect is noise. The peer checks the stream id
//! first and the passphrase then, so that its answer tells which of them it minds:
//!
//! * "wrong passphrase": it minds nothing else;
//! * "unexpected encryption": it takes streams in the clear only;
//! * anything else: it minds the stream id, and says why.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use ivs::SrtTarget;
use rustls::crypto::ring;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// How long one answer may take, and how often a question is repeated: packets get lost.
const PATIENCE: Duration = Duration::from_millis(400);
const TRIES: usize = 3;

const HANDSHAKE: u16 = 0x8000;
const INDUCTION: u32 = 1;
const CONCLUSION: u32 = 0xFFFF_FFFF;
/// Refusals are this and their code.
const REFUSED_FROM: u32 = 1_000;
/// The version of libsrt whose manners these are.
const VERSION: u32 = 0x0001_0501;
/// Timestamps at both ends, encryption, late packets dropped, losses reported again, retransmissions marked.
const FLAGS: u32 = 0xBF;
const CIF_BYTES: usize = 48;
const HEADER_BYTES: usize = 16;

/// The code with which `address` refuses `target`; `None` when it does not answer, or would not refuse.
pub(super) async fn ask(address: SocketAddr, target: &SrtTarget) -> Option<u32> {
    let any: SocketAddr =
        if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(address).await.ok()?;
    let mut noise = [0; NOISE_BYTES];
    ring::default_provider().secure_random.fill(&mut noise).ok()?;
    let question = Question { noise, address };
    let answer = exchange(&socket, &question.induction(), |answer| answer.kind == INDUCTION).await?;
    let conclusion = question.conclusion(answer.cookie, target);
    let answer = exchange(&socket, &conclusion, |answer| answer.kind != INDUCTION).await?;
    if answer.kind == CONCLUSION {
        // It would take the stream: let it know that nothing comes.
        let _told = socket.send(&shutdown(answer.socket_id)).await;
        return None;
    }
    (REFUSED_FROM..CONCLUSION).contains(&answer.kind).then(|| answer.kind - REFUSED_FROM)
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    kind: u32,
    cookie: u32,
    socket_id: u32,
}

async fn exchange(
    socket: &UdpSocket,
    question: &[u8],
    is_answer: impl Fn(&Answer) -> bool,
) -> Option<Answer> {
    let mut buffer = [0; 2_048];
    for _ in 0..TRIES {
        socket.send(question).await.ok()?;
        let heard = timeout(PATIENCE, async {
            loop {
                let bytes = socket.recv(&mut buffer).await.ok()?;
                let answer = buffer.get(..bytes).and_then(parse).filter(|answer| is_answer(answer));
                if answer.is_some() {
                    return answer;
                }
            }
        });
        if let Ok(answer) = heard.await {
            return answer;
        }
    }
    None
}

/// Reads a handshake.
fn parse(packet: &[u8]) -> Option<Answer> {
    let (header, cif) = packet.split_at_checked(HEADER_BYTES)?;
    if !header.starts_with(&HANDSHAKE.to_be_bytes()) {
        return None;
    }
    let word = |n: usize| Some(u32::from_be_bytes(*cif.get(n * 4..)?.first_chunk()?));
    Some(Answer { kind: word(5)?, socket_id: word(6)?, cookie: word(7)? })
}

const NOISE_BYTES: usize = 48;

/// What is the same in both questions.
struct Question {
    noise: [u8; NOISE_BYTES],
    address: SocketAddr,
}

impl Question {
    /// A random word.
    fn word(&self, n: usize) -> u32 {
        let word = self.noise.get(n * 4..).and_then(<[u8]>::first_chunk);
        u32::from_be_bytes(*word.unwrap_or(&[0; 4])) & 0x3FFF_FFFF
    }

    fn induction(&self) -> Vec<u8> {
        self.handshake(4, 2, INDUCTION, 0)
    }

    /// The handshake proper, with the stream id, and with a key that nobody can unwrap when one is due.
    fn conclusion(&self, cookie: u32, target: &SrtTarget) -> Vec<u8> {
        const HAS_SRT: u16 = 1;
        const HAS_KEY: u16 = 2;
        const HAS_CONFIG: u16 = 4;
        let has_key = target.passphrase.is_some();
        let field = HAS_SRT | HAS_CONFIG | if has_key { HAS_KEY } else { 0 };
        let mut packet = self.handshake(5, field, CONCLUSION, cookie);
        let latency = (120_u32 << 16) | 120;
        extend(&mut packet, 1, &[VERSION, FLAGS, latency].map(u32::to_be_bytes).concat());
        if has_key {
            extend(&mut packet, 3, &self.key_material());
        }
        extend(&mut packet, 5, &words_reversed(target.stream_id.expose().as_bytes()));
        packet
    }

    /// Header and body of a handshake (3.2.1). `field` is the type in version 4, the extensions in version 5.
    fn handshake(&self, version: u32, field: u16, kind: u32, cookie: u32) -> Vec<u8> {
        let mut packet = Vec::with_capacity(HEADER_BYTES + CIF_BYTES);
        packet.extend(HANDSHAKE.to_be_bytes());
        packet.extend([0; HEADER_BYTES - 2]);
        let (mtu, window) = (1_500, 8_192);
        let words = [version, u32::from(field), self.word(0), mtu, window, kind, self.word(1), cookie];
        for word in words {
            packet.extend(word.to_be_bytes());
        }
        // The address as libsrt writes it: each word of the network's order reversed.
        let mut ip = [0; 16];
        match self.address {
            SocketAddr::V4(address) => {
                for (place, octet) in ip.iter_mut().zip(address.ip().octets().iter().rev()) {
                    *place = *octet;
                }
            }
            SocketAddr::V6(address) => ip = address.ip().octets(),
        }
        packet.extend(ip);
        packet
    }

    /// Key material (3.2.2) for AES-128: a salt, and in place of the wrapped key noise.
    fn key_material(&self) -> Vec<u8> {
        const WRAPPED_BYTES: usize = 24;
        const SALT_BYTES: usize = 16;
        let mut message = vec![0x12, 0x20, 0x29, 0x01, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 4, 4];
        message.extend(self.noise.iter().skip(8).take(SALT_BYTES + WRAPPED_BYTES));
        message
    }
}

/// Appends an extension: its number, its length in words, its content.
fn extend(packet: &mut Vec<u8>, number: u16, content: &[u8]) {
    let words = u16::try_from(content.len() / 4).unwrap_or(0);
    packet.extend(number.to_be_bytes());
    packet.extend(words.to_be_bytes());
    packet.extend(content);
}

/// Text as extensions carry it: filled up to whole words, each in reverse (3.2.1.3).
fn words_reversed(text: &[u8]) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(text.len().next_multiple_of(4), 0);
    for word in bytes.chunks_mut(4) {
        word.reverse();
    }
    bytes
}

/// Ends a connection (3.2.7).
fn shutdown(socket_id: u32) -> Vec<u8> {
    let mut packet = vec![0; HEADER_BYTES + 4];
    packet.splice(..2, 0x8005_u16.to_be_bytes());
    packet.splice(12..16, socket_id.to_be_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::Secret;

    fn question() -> Question {
        Question { noise: [7; NOISE_BYTES], address: "127.0.0.1:9000".parse().unwrap() }
    }

    fn target(passphrase: Option<&str>) -> SrtTarget {
        SrtTarget {
            host: String::from("127.0.0.1"),
            port: 9000,
            stream_id: Secret::new("sk_ab"),
            passphrase: passphrase.map(Secret::new),
        }
    }

    #[test]
    fn questions_have_the_form_of_a_handshake() {
        let induction = question().induction();
        assert_eq!(induction.len(), 64);
        assert_eq!(parse(&induction).unwrap().kind, INDUCTION);
        let conclusion = question().conclusion(99, &target(None));
        assert_eq!(parse(&conclusion).unwrap().cookie, 99);
        assert_eq!(conclusion[22..24], [0, 5], "two extensions");
        assert!(conclusion.ends_with(&[0, 5, 0, 2, b'a', b'_', b'k', b's', 0, 0, 0, b'b']));
        let keyed = question().conclusion(99, &target(Some("not to be seen")));
        assert_eq!(keyed.len(), conclusion.len() + 4 + 16 + 16 + 24);
        assert!(!keyed.windows(4).any(|part| part == b"not " || part == b" ton"));
    }

    #[test]
    fn what_is_no_handshake_is_no_answer() {
        for packet in [&[][..], &[0x80; 10], &[0x80, 0, 0, 0], &[0x80, 2].repeat(40), &[0; 64]] {
            assert_eq!(parse(packet), None);
        }
    }
}
