//! The last list of ingest servers, kept between runs so that going live does not wait for it.

use std::path::PathBuf;

use ivs::find_ingest::{self, IngestList};

/// The file that the list of `url` is kept in; only the service's own list is.
fn file(url: &str) -> Option<PathBuf> {
    let is_the_services = url == find_ingest::SERVICE_URL.value;
    Some(desktop::Folders::find().filter(|_| is_the_services)?.cache.join("find-ingest.json"))
}

/// The list that was kept; `None` where there is none that can be read.
pub(crate) fn load(url: &str) -> Option<IngestList> {
    let bytes = std::fs::read(file(url)?).ok()?;
    find_ingest::parse(&bytes).ok()
}

/// Keeps a list, replacing the one before in one step.
///
/// # Errors
/// A folder or file that can not be written.
pub(crate) fn keep(url: &str, list: &IngestList) -> std::io::Result<()> {
    let Some(file) = file(url) else { return Ok(()) };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = file.with_extension("json.new");
    std::fs::write(&fresh, list.to_json())?;
    std::fs::rename(&fresh, file)
}
