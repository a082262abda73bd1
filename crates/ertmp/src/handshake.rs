//! The simple handshake, version 3 (RTMP 1.0, 5.2), for both ends.
//!
//! Peers that put a digest into their packets are accepted as they are: their packets are echoed and their echoes are
//! not compared, so they see a peer without digests and carry on in the simple form.

use alloc::vec::Vec;

use crate::error::Error;

/// Version that C0 and S0 name.
const VERSION: u8 = 3;

/// Random bytes in C1 and S1.
pub const RANDOM_BYTES: usize = 1528;

/// Size of C1, S1, C2 and S2: two 4-byte times and the random bytes.
const PACKET_BYTES: usize = 8 + RANDOM_BYTES;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The version byte, C0 or S0.
    Version,
    /// The peer's own packet, C1 or S1.
    Packet,
    /// The peer's echo of our packet, C2 or S2.
    Echo,
    Done,
}

pub(crate) struct Handshake {
    role: Role,
    step: Step,
    /// Version and packet of ours: C0 and C1, or S0 and S1.
    ours: Vec<u8>,
    /// Bytes of the packet that is on its way in.
    incoming: Vec<u8>,
}

impl Handshake {
    pub(crate) fn new(role: Role, random: &[u8; RANDOM_BYTES]) -> Self {
        let mut ours = Vec::with_capacity(1 + PACKET_BYTES);
        ours.push(VERSION);
        // Time 0: the epoch of this endpoint may be any; and the four zeros that mean "no digest" (5.2.3).
        ours.extend_from_slice(&[0; 8]);
        ours.extend_from_slice(random);
        Self { role, step: Step::Version, ours, incoming: Vec::new() }
    }

    /// What the client sends before it has read anything; empty for the server.
    pub(crate) fn opening(&self) -> &[u8] {
        match self.role {
            Role::Client => &self.ours,
            Role::Server => &[],
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// Takes what it needs off the front of `input`, appends what is due to `output` and gives the rest of `input`.
    pub(crate) fn handle<'a>(
        &mut self,
        mut input: &'a [u8],
        output: &mut Vec<u8>,
    ) -> Result<&'a [u8], Error> {
        loop {
            match self.step {
                Step::Done => return Ok(input),
                Step::Version => {
                    let Some((&version, rest)) = input.split_first() else {
                        return Ok(input);
                    };
                    if version != VERSION {
                        return Err(Error::NotRtmp { version });
                    }
                    input = rest;
                    self.step = Step::Packet;
                }
                Step::Packet | Step::Echo => {
                    let missing = PACKET_BYTES.saturating_sub(self.incoming.len());
                    let Some((taken, rest)) = input.split_at_checked(missing) else {
                        self.incoming.extend_from_slice(input);
                        return Ok(&[]);
                    };
                    self.incoming.extend_from_slice(taken);
                    input = rest;
                    if self.step == Step::Packet {
                        if self.role == Role::Server {
                            output.extend_from_slice(&self.ours);
                        }
                        // The echo is the packet unchanged: simple peers expect their time and random bytes, and the
                        // second time is informative only (5.2.4).
                        output.extend_from_slice(&self.incoming);
                        self.step = Step::Echo;
                    } else {
                        self.step = Step::Done;
                    }
                    self.incoming.clear();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Handshake, Handshake) {
        (Handshake::new(Role::Client, &[7; RANDOM_BYTES]), Handshake::new(Role::Server, &[9; RANDOM_BYTES]))
    }

    #[test]
    fn both_ends_finish_and_leave_later_bytes_alone() {
        let (mut client, mut server) = pair();
        let mut to_client = Vec::new();
        let opening = client.opening().to_vec();
        assert_eq!(opening.len(), 1537);
        assert!(server.handle(&opening, &mut to_client).unwrap().is_empty());
        assert_eq!(to_client.len(), 1 + 2 * PACKET_BYTES);
        assert_eq!(&to_client[1 + PACKET_BYTES..], &opening[1..], "S2 echoes C1");
        let mut to_server = Vec::new();
        to_client.extend_from_slice(b"next");
        assert_eq!(client.handle(&to_client, &mut to_server).unwrap(), b"next");
        assert_eq!(to_server, &to_client[1..=PACKET_BYTES], "C2 echoes S1");
        assert!(client.is_done());
        to_server.push(2);
        assert_eq!(server.handle(&to_server, &mut Vec::new()).unwrap(), [2]);
        assert!(server.is_done());
    }

    #[test]
    fn a_digest_in_the_peers_packets_does_no_harm() {
        let (mut client, _) = pair();
        let mut reply = Vec::new();
        let mut digested = std::vec![3];
        digested.extend((0..2 * PACKET_BYTES).map(|i| (i * 31 % 251) as u8));
        for byte in digested {
            client.handle(&[byte], &mut reply).unwrap();
        }
        assert!(client.is_done());
        assert_eq!(reply.len(), PACKET_BYTES);
    }

    #[test]
    fn a_web_proxy_is_recognised_at_its_first_byte() {
        let (mut client, mut server) = pair();
        let answer = client.handle(b"HTTP/1.1 400 Bad Request\r\n", &mut Vec::new());
        assert_eq!(answer, Err(Error::NotRtmp { version: b'H' }));
        assert_eq!(server.handle(&[6], &mut Vec::new()), Err(Error::NotRtmp { version: 6 }));
    }
}
