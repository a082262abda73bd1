//! A TUN device: IP packets that the system sends into it are read here, and what is written here the system receives.
//!
//! The only `unsafe` code of the bench: two calls to the system that the standard library does not offer.
#![allow(unsafe_code, reason = "ioctl(2) and ppoll(2); each call argues its safety")]

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

/// The longest packet that a device with the usual 1500 bytes hands over, with room.
pub(crate) const PACKET_BYTES: usize = 2048;

/// Whole IP packets and nothing before them (linux/if_tun.h).
const IFF_TUN: u16 = 0x0001;
const IFF_NO_PI: u16 = 0x1000;
/// `_IOW('T', 202, int)`.
const TUNSETIFF: libc::c_ulong = 0x4004_54ca;

/// `struct ifreq` of linux/if.h as TUNSETIFF reads it: a name, flags, and the rest of the union.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; libc::IFNAMSIZ],
    flags: u16,
    rest: [u8; 22],
}

/// An open device. It is gone when this is dropped.
pub(crate) struct Tun(File);

impl Tun {
    /// Makes a device of that name, of at most 15 bytes.
    pub(crate) fn open(name: &str) -> Result<Self> {
        ensure!(name.len() < libc::IFNAMSIZ, "{name} is too long for a device");
        let file = File::options()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")
            .context("/dev/net/tun")?;
        let mut request =
            InterfaceRequest { name: [0; libc::IFNAMSIZ], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
        for (to, from) in request.name.iter_mut().zip(name.bytes()) {
            *to = from;
        }
        // SAFETY: the descriptor is open for as long as `file` lives; TUNSETIFF reads and writes one `struct ifreq`,
        // of which `InterfaceRequest` has the layout and the 40 bytes, and keeps no pointer to it.
        let answer = unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF, &raw mut request) };
        if answer < 0 {
            return Err(std::io::Error::last_os_error()).context("making a TUN device");
        }
        Ok(Self(file))
    }

    /// The next packet, if there is one.
    pub(crate) fn next(&self) -> Result<Option<Vec<u8>>> {
        let mut packet = vec![0; PACKET_BYTES];
        match (&self.0).read(&mut packet) {
            Ok(bytes) => {
                packet.truncate(bytes);
                Ok(Some(packet))
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error).context("reading a packet"),
        }
    }

    /// Gives the system a packet to receive. One that it does not take is lost, as on any network.
    pub(crate) fn give(&self, packet: &[u8]) {
        let _lost = (&self.0).write(packet);
    }

    /// Waits until there is a packet, and no longer than `patience`.
    pub(crate) fn wait(&self, patience: Duration) {
        let mut watched = libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        let timeout = libc::timespec {
            tv_sec: libc::time_t::try_from(patience.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: libc::c_long::from(patience.subsec_nanos().cast_signed()),
        };
        // SAFETY: one pollfd and one timespec that live through the call, and no signal mask. The result does not
        // matter: whoever was woken looks for packets, and finds none when there are none.
        let _woken = unsafe { libc::ppoll(&raw mut watched, 1, &raw const timeout, std::ptr::null()) };
    }
}
