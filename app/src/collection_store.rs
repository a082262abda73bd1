//! Collections of scenes on disk: one JSON file each, written atomically, with the last versions kept.
//!
//! `shows/Evening.json` has its older versions in `shows/history/Evening/`, numbered upwards. A file that can not be
//! read is never written over: what is saved under its name goes to a new one, and the person is told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use scene::{Collection, Loaded, ReadError, Violation};

/// How many older versions of each collection are kept.
const VERSIONS: usize = 20;

/// Longest file that is read, in bytes: a thousand scenes of a thousand items would be larger, and nobody's show.
const MAX_BYTES: u64 = 64 << 20;

/// Why a collection could not be opened or saved.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// The system refused a file operation.
    Resource {
        /// What was tried: “could not read”.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is not a collection. It was left as it is.
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: ReadError,
    },
    /// The collection to be saved is not whole; a mistake of ours.
    Unsound(Violation),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource { action, path, source } => write!(f, "{action} {}: {source}", path.display()),
            Self::Content { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Unsound(violation) => write!(f, "the scenes can not be saved: {violation}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Resource { source, .. } => Some(source),
            Self::Content { source, .. } => Some(source),
            Self::Unsound(violation) => Some(violation),
        }
    }
}

/// Where a collection was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    /// The name it has in the store from now on.
    pub(crate) name: String,
    /// Its file.
    pub(crate) path: PathBuf,
    /// A file that can not be read has the name that was asked for, and keeps it.
    pub(crate) avoided: Option<PathBuf>,
}

/// A folder of collections.
#[derive(Clone, Debug)]
pub(crate) struct CollectionStore {
    folder: PathBuf,
}

impl CollectionStore {
    /// The store in `folder`, which is made when something is saved.
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Names of the collections in the store, sorted.
    ///
    /// # Errors
    /// When the folder exists and can not be read.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let mut names: Vec<String> =
            json_files(&self.folder)?.into_iter().filter_map(|path| stem(&path)).collect();
        names.sort();
        Ok(names)
    }

    /// Opens a collection.
    ///
    /// # Errors
    /// [`StoreError::Content`] for a file that is no collection, [`StoreError::Resource`] when it can not be read.
    pub(crate) fn load(&self, name: &str) -> Result<Loaded, StoreError> {
        read(&self.path(&record::file_stem(name)))
    }

    /// Saves a collection under `name`. After a crash at any moment the file is either the old or the new one. What
    /// was there before becomes the newest of the kept versions.
    ///
    /// # Errors
    /// [`StoreError::Resource`] when it can not be written; the old file is untouched then.
    pub(crate) fn save(&self, name: &str, collection: &Collection) -> Result<Saved, StoreError> {
        let text = scene::to_json(collection).map_err(StoreError::Unsound)?;
        fs::create_dir_all(&self.folder).map_err(resource("could not create the folder", &self.folder))?;
        let wanted = record::file_stem(name);
        let mut avoided = None;
        // The name itself, if it is free or holds a collection, whose content then becomes a version of this one;
        // otherwise the first numbered name that is free.
        for attempt in 1u32.. {
            let name = if attempt == 1 { wanted.clone() } else { format!("{wanted} ({attempt})") };
            let path = self.path(&name);
            match fs::read_to_string(&path) {
                Ok(present) if present == text => return Ok(Saved { name, path, avoided }),
                // A collection that has the name we fell back to is somebody else's.
                Ok(_) if avoided.is_some() => continue,
                Ok(present) if scene::from_json(&present).is_ok() => self.keep(&name, &present)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                // Not a collection, or not even text.
                Ok(_) => {
                    avoided.get_or_insert(path);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    avoided.get_or_insert(path);
                    continue;
                }
                Err(error) => return Err(resource("could not read", &path)(error)),
            }
            replace(&path, &text)?;
            return Ok(Saved { name, path, avoided });
        }
        Err(resource("could not create", &self.path(&wanted))(io::ErrorKind::AlreadyExists.into()))
    }

    /// The older versions of a collection, newest first.
    ///
    /// # Errors
    /// When the history exists and can not be read.
    pub(crate) fn versions(&self, name: &str) -> Result<Vec<PathBuf>, StoreError> {
        let mut paths = json_files(&self.history(&record::file_stem(name)))?;
        paths.retain(|path| number(path).is_some());
        paths.sort_by_key(|path| std::cmp::Reverse(number(path)));
        Ok(paths)
    }

    fn path(&self, stem: &str) -> PathBuf {
        self.folder.join(format!("{stem}.json"))
    }

    fn history(&self, stem: &str) -> PathBuf {
        self.folder.join("history").join(stem)
    }

    /// Puts what a collection was into its history, and forgets what is too old.
    fn keep(&self, stem: &str, text: &str) -> Result<(), StoreError> {
        let folder = self.history(stem);
        fs::create_dir_all(&folder).map_err(resource("could not create the folder", &folder))?;
        let versions = self.versions(stem)?;
        let newest = versions.first().and_then(|path| number(path)).unwrap_or(0);
        replace(&folder.join(format!("{:06}.json", newest + 1)), text)?;
        for old in versions.iter().skip(VERSIONS - 1) {
            fs::remove_file(old).map_err(resource("could not remove", old))?;
        }
        Ok(())
    }
}

fn resource(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Resource { action, path, source }
}

/// Opens a collection anywhere, an older version for example.
///
/// # Errors
/// As [`CollectionStore::load`].
pub(crate) fn read(path: &Path) -> Result<Loaded, StoreError> {
    let unreadable = || resource("could not read", path);
    let length = fs::metadata(path).map_err(unreadable())?.len();
    if length > MAX_BYTES {
        return Err(unreadable()(io::ErrorKind::FileTooLarge.into()));
    }
    let text = fs::read_to_string(path).map_err(unreadable())?;
    scene::from_json(&text).map_err(|source| StoreError::Content { path: path.to_owned(), source })
}

/// Writes a file beside `path`, makes sure that it is on the medium, and only then gives it the name.
fn replace(path: &Path, text: &str) -> Result<(), StoreError> {
    let temporary = path.with_extension("json.new");
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        drop(file);
        fs::rename(&temporary, path)?;
        sync_folder(path)
    };
    write().map_err(|error| {
        // Best effort: what is left of a failed attempt is of no use.
        let _ = fs::remove_file(&temporary);
        resource("could not write", path)(error)
    })
}

/// A new name is only on the medium when its folder is. Windows has no such call, and orders the two by itself.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn json_files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(resource("could not read the folder", folder)(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(resource("could not read the folder", folder))?.path();
        if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
            paths.push(path);
        }
    }
    Ok(paths)
}

fn stem(path: &Path) -> Option<String> {
    Some(path.file_stem()?.to_str()?.to_owned())
}

fn number(path: &Path) -> Option<u64> {
    stem(path)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::Edit;
    use units::Size;

    fn named(name: &str) -> Collection {
        let demo = Collection::demo(Size::new(1280, 720).unwrap());
        demo.edited(&Edit::RenameCollection { name: name.to_owned() }).unwrap()
    }

    fn store() -> (tempfile::TempDir, CollectionStore) {
        let dir = tempfile::tempdir().unwrap();
        let store = CollectionStore::new(dir.path().join("shows"));
        (dir, store)
    }

    #[test]
    fn saves_opens_and_lists() {
        let (_dir, store) = store();
        assert_eq!(store.names().unwrap(), Vec::<String>::new());
        let saved = store.save("Evening: 1", &named("A")).unwrap();
        assert_eq!((saved.name.as_str(), &saved.avoided), ("Evening- 1", &None));
        store.save("Morning", &named("B")).unwrap();
        assert_eq!(store.names().unwrap(), ["Evening- 1", "Morning"]);
        assert_eq!(store.load("Evening: 1").unwrap().collection, named("A"));
        assert!(matches!(store.load("Noon"), Err(StoreError::Resource { .. })));
    }

    #[test]
    fn the_last_twenty_versions_are_kept() {
        let (_dir, store) = store();
        for version in 0..=30 {
            store.save("Show", &named(&format!("Version {version}"))).unwrap();
            // Saving the same again is no version.
            store.save("Show", &named(&format!("Version {version}"))).unwrap();
        }
        let versions = store.versions("Show").unwrap();
        let kept: Vec<String> = versions.iter().map(|path| read(path).unwrap().collection.name).collect();
        let expected: Vec<String> = (10..30).rev().map(|version| format!("Version {version}")).collect();
        assert_eq!(kept, expected);
        assert_eq!(store.load("Show").unwrap().collection.name, "Version 30");
        assert_eq!(store.names().unwrap(), ["Show"], "the history is not a collection");
    }

    #[test]
    fn a_file_that_does_not_parse_is_reported_and_never_overwritten() {
        let (_dir, store) = store();
        let path = store.save("Show", &named("A")).unwrap().path;
        for damaged in
            [&b"{\"genlock_scenes\": 1, \"name\""[..], b"", b"{\"genlock_scenes\": 7}", b"\xff\xfe\x00"]
        {
            fs::write(&path, damaged).unwrap();
            let refused = store.load("Show").unwrap_err();
            assert!(refused.to_string().contains("Show.json"), "{refused}");
            let saved = store.save("Show", &named("B")).unwrap();
            assert_eq!(saved.name, "Show (2)");
            assert_eq!(saved.avoided.as_deref(), Some(path.as_path()));
            assert_eq!(fs::read(&path).unwrap(), damaged);
            assert_eq!(store.load("Show (2)").unwrap().collection, named("B"));
        }
        assert_eq!(store.save("Show", &named("C")).unwrap().name, "Show (3)", "another one's file stays too");
        assert_eq!(store.load("Show (2)").unwrap().collection, named("B"));
        let truncated = store.load("Show").unwrap_err();
        assert!(matches!(truncated, StoreError::Resource { .. }), "not even text: {truncated}");
    }

    #[test]
    fn what_is_left_of_a_crash_while_saving_does_no_harm() {
        let (_dir, store) = store();
        let path = store.save("Show", &named("A")).unwrap().path;
        let half = &scene::to_json(&named("B")).unwrap()[..100];
        fs::write(path.with_extension("json.new"), half).unwrap();
        assert_eq!(store.load("Show").unwrap().collection, named("A"));
        assert_eq!(store.names().unwrap(), ["Show"]);
        store.save("Show", &named("C")).unwrap();
        assert_eq!(store.load("Show").unwrap().collection, named("C"));
        assert!(!path.with_extension("json.new").exists());
    }

    #[test]
    fn a_folder_that_can_not_be_written_leaves_the_old_file() {
        let (_dir, store) = store();
        store.save("Show", &named("A")).unwrap();
        // A folder where the temporary file would be.
        fs::create_dir(store.path("Show").with_extension("json.new")).unwrap();
        let refused = store.save("Show", &named("B")).unwrap_err();
        assert!(refused.to_string().starts_with("could not write "), "{refused}");
        assert_eq!(store.load("Show").unwrap().collection, named("A"));
    }
}
