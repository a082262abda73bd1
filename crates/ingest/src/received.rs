//! Keeping what was received, as an FLV file of the very tag bodies that came.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::thread::JoinHandle;

use ertmp::flv::file_header;
use tokio::sync::mpsc;

/// Tags that may wait for the disk. With messages of at most [`crate::MAX_MESSAGE_BYTES`] this bounds the memory of a
/// connection; when it is full, the connection waits and its publisher feels it.
const QUEUE_TAGS: usize = 8;

/// How many files of earlier runs are stepped over to find a free name.
const MAX_NUMBER: u64 = 100_000;

/// Of files with received streams: RTMP's and SRT's.
const EXTENSIONS: [&str; 2] = ["flv", "ts"];

/// A file that is being written by a thread of its own, so that a slow disk stalls no other connection.
pub(crate) struct ReceivedFile {
    name: String,
    tags: Option<mpsc::Sender<Vec<u8>>>,
    writer: Option<JoinHandle<std::io::Result<()>>>,
}

impl ReceivedFile {
    /// Creates `received-<n>.flv` in `folder`, `n` being the first from `number` on that is free.
    pub(crate) fn create(folder: &Path, number: u64) -> std::io::Result<Self> {
        let (name, file) = create_numbered(folder, number, "flv")?;
        let (tags, mut queue) = mpsc::channel::<Vec<u8>>(QUEUE_TAGS);
        let write = move || {
            let mut file = BufWriter::with_capacity(256 * 1024, file);
            file.write_all(&file_header(true, true))?;
            while let Some(tag) = queue.blocking_recv() {
                file.write_all(&tag)?;
                if queue.is_empty() {
                    // Others read the file while it grows.
                    file.flush()?;
                }
            }
            file.flush()
        };
        let writer = std::thread::Builder::new().name(String::from("ingest file")).spawn(write)?;
        Ok(Self { name, tags: Some(tags), writer: Some(writer) })
    }

    /// Name of the file in its folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Adds a tag. After a failed write, tags are dropped; [`Self::finish`] tells why.
    pub(crate) async fn write(&mut self, tag: Vec<u8>) {
        if let Some(tags) = &self.tags
            && tags.send(tag).await.is_err()
        {
            self.tags = None;
        }
    }

    /// Writes what is left and closes the file.
    pub(crate) async fn finish(mut self) -> std::io::Result<()> {
        self.tags = None;
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || writer.join()).await;
        match joined {
            Ok(Ok(written)) => written,
            _ => Err(std::io::Error::other("the writing thread ended early")),
        }
    }
}

/// Creates `received-<n>.<extension>` in `folder`, `n` being the first from `number` on that no received stream has.
pub(crate) fn create_numbered(
    folder: &Path,
    number: u64,
    extension: &str,
) -> std::io::Result<(String, File)> {
    let mut number = number;
    loop {
        let name = format!("received-{number}.{extension}");
        // The report has the number alone.
        let is_taken =
            EXTENSIONS.iter().any(|other| folder.join(format!("received-{number}.{other}")).exists());
        let created = match is_taken {
            true => Err(std::io::ErrorKind::AlreadyExists.into()),
            false => File::options().write(true).create_new(true).open(folder.join(&name)),
        };
        match created {
            Ok(file) => return Ok((name, file)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < MAX_NUMBER => {
                number += 1;
            }
            Err(error) => return Err(error),
        }
    }
}
