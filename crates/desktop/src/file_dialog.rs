//! The desktop's own dialogs for files and folders. They run on a thread of their own: the show's window paints on.

use std::path::{Path, PathBuf};

use raw_window_handle::{HasDisplayHandle, HasWindowHandle};

use crate::Error;

/// What is to be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A folder.
    Folder,
    /// A file with one of these endings, which are called so.
    File {
        /// What such files are called, such as “Text”.
        words: &'static str,
        /// Endings without a dot.
        endings: &'static [&'static str],
    },
}

/// Opens a dialog above `parent`, beginning in `folder`, and calls `done` with what was picked, or with `None` when the
/// person left it or there is no dialog.
///
/// # Errors
/// [`Error::System`] when there is no thread for it.
pub fn pick(
    wanted: Wanted,
    title: &str,
    folder: Option<&Path>,
    parent: &(impl HasWindowHandle + HasDisplayHandle),
    done: impl FnOnce(Option<PathBuf>) + Send + 'static,
) -> Result<(), Error> {
    let mut dialog = rfd::FileDialog::new().set_title(title).set_parent(parent);
    if let Some(folder) = folder {
        dialog = dialog.set_directory(folder);
    }
    if let Wanted::File { words, endings } = wanted {
        dialog = dialog.add_filter(words, endings);
    }
    let show = move || {
        done(match wanted {
            Wanted::Folder => dialog.pick_folder(),
            Wanted::File { .. } => dialog.pick_file(),
        });
    };
    let thread = std::thread::Builder::new().name("file-dialog".into()).spawn(show);
    thread.map(drop).map_err(|error| Error::system("the dialog could not be opened", error))
}
