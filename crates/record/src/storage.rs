//! The few operations on a file that a recording needs, so that tests can let each of them fail.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A file, or something that behaves like one.
pub trait Storage: Send {
    /// Writes all of `bytes` at `offset`, beyond the present end if need be.
    ///
    /// # Errors
    /// The system's; part of the bytes may have been written then.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Fills `bytes` from `offset`.
    ///
    /// # Errors
    /// The system's, or [`io::ErrorKind::UnexpectedEof`].
    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()>;

    /// Returns when everything written is on the medium, the length of the file included.
    ///
    /// # Errors
    /// The system's.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts everything from `length` on.
    ///
    /// # Errors
    /// The system's.
    fn truncate(&mut self, length: u64) -> io::Result<()>;

    /// Bytes in the file.
    ///
    /// # Errors
    /// The system's.
    fn length(&mut self) -> io::Result<u64>;
}

impl Storage for File {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.write_all(bytes)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.seek(SeekFrom::Start(offset))?;
        self.read_exact(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn length(&mut self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}
