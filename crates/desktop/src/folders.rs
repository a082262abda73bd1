//! Where a person's files belong.
//!
//! | | Windows | Linux |
//! |---|---|---|
//! | settings | `%APPDATA%\Genlock` | `$XDG_CONFIG_HOME/genlock` |
//! | collections | `%APPDATA%\Genlock\collections` | `$XDG_DATA_HOME/genlock/collections` |
//! | caches | `%LOCALAPPDATA%\Genlock` | `$XDG_CACHE_HOME/genlock` |
//! | logs and reports | `%LOCALAPPDATA%\Genlock\logs` | `$XDG_STATE_HOME/genlock/logs` |
//! | recordings | the known folder Videos, `\Genlock` | the videos folder of XDG, `/Genlock` |
//!
//! The folders of Windows are asked of the system (SHGetKnownFolderPath), so a Videos folder that was moved is found
//! where it is. With a file `portable.txt` beside the program, settings, collections, caches and logs lie in the folder
//! `settings` beside it; recordings stay in Videos, for a memory stick is full too soon.

use std::path::{Path, PathBuf};

/// The name of the program's folders.
const NAME: &str = "Genlock";
/// The file beside the program that makes it portable.
pub const PORTABLE_FILE: &str = "portable.txt";

/// Where the program's files are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// Recordings.
    pub recordings: PathBuf,
    /// Preferences, and what pairs another computer. On Windows it travels with the person from PC to PC.
    pub settings: PathBuf,
    /// Collections of scenes.
    pub collections: PathBuf,
    /// What can be made or fetched again.
    pub cache: PathBuf,
    /// Logs, and reports of crashes.
    pub logs: PathBuf,
    /// Settings are beside the program.
    pub is_portable: bool,
}

impl Folders {
    /// The folders of the person who started this program; `None` where the system names no home.
    pub fn find() -> Option<Self> {
        let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_owned));
        Self::of(beside.as_deref())
    }

    /// As [`Self::find`], for a program in the folder `beside`.
    pub fn of(beside: Option<&Path>) -> Option<Self> {
        let recordings = recordings()?;
        if let Some(beside) = beside.filter(|folder| folder.join(PORTABLE_FILE).is_file()) {
            let settings = beside.join("settings");
            return Some(Self {
                recordings,
                collections: settings.join("collections"),
                cache: settings.join("cache"),
                logs: settings.join("logs"),
                settings,
                is_portable: true,
            });
        }
        let mut folders = installed(&recordings)?;
        folders.recordings = recordings;
        Some(folders)
    }
}

/// The videos folder of the person, as the system names it.
fn recordings() -> Option<PathBuf> {
    let folders = directories::UserDirs::new()?;
    let videos = folders.video_dir().map(Path::to_owned);
    Some(videos.unwrap_or_else(|| folders.home_dir().join("Videos")).join(NAME))
}

#[cfg(windows)]
fn installed(recordings: &Path) -> Option<Folders> {
    let base = directories::BaseDirs::new()?;
    let (roaming, local) = (base.config_dir().join(NAME), base.data_local_dir().join(NAME));
    Some(Folders {
        recordings: recordings.to_owned(),
        collections: roaming.join("collections"),
        settings: roaming,
        logs: local.join("logs"),
        cache: local,
        is_portable: false,
    })
}

#[cfg(not(windows))]
fn installed(recordings: &Path) -> Option<Folders> {
    let project = directories::ProjectDirs::from("", "", NAME)?;
    Some(Folders {
        recordings: recordings.to_owned(),
        settings: project.config_dir().to_owned(),
        collections: project.data_dir().join("collections"),
        cache: project.cache_dir().to_owned(),
        logs: project.state_dir().unwrap_or_else(|| project.cache_dir()).join("logs"),
        is_portable: false,
    })
}

/// The root of the OneDrive that `folder` lies in, if it lies in one. What is written there is uploaded while the show
/// needs the upload, and files that grow are uploaded again and again.
///
/// OneDrive names its roots in `OneDrive`, `OneDriveConsumer` and `OneDriveCommercial` of the environment.
pub fn one_drive_around(folder: &Path) -> Option<PathBuf> {
    let roots = ["OneDrive", "OneDriveConsumer", "OneDriveCommercial"];
    let roots = roots.iter().filter_map(std::env::var_os).map(PathBuf::from);
    around(folder, roots)
}

fn around(folder: &Path, roots: impl Iterator<Item = PathBuf>) -> Option<PathBuf> {
    let parts = |path: &Path| -> Vec<String> {
        path.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect()
    };
    let inside = parts(folder);
    roots.filter(|root| !root.as_os_str().is_empty()).find(|root| inside.starts_with(&parts(root)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_file_beside_the_program_makes_it_portable() {
        let folder = tempfile::tempdir().unwrap();
        let installed = Folders::of(Some(folder.path())).unwrap();
        assert!(!installed.is_portable);
        assert!(!installed.settings.starts_with(folder.path()));
        std::fs::write(folder.path().join(PORTABLE_FILE), b"").unwrap();
        let portable = Folders::of(Some(folder.path())).unwrap();
        assert!(portable.is_portable);
        for inside in [&portable.settings, &portable.collections, &portable.cache, &portable.logs] {
            assert!(inside.starts_with(folder.path()), "{}", inside.display());
        }
        assert_eq!(portable.recordings, installed.recordings, "recordings stay in Videos");
    }

    #[test]
    fn recordings_go_to_a_folder_of_their_own_among_the_videos() {
        let folders = Folders::of(None).unwrap();
        assert!(folders.recordings.ends_with("Genlock"));
        #[cfg(windows)]
        {
            let roaming = PathBuf::from(std::env::var_os("APPDATA").unwrap());
            let local = PathBuf::from(std::env::var_os("LOCALAPPDATA").unwrap());
            assert_eq!(folders.settings, roaming.join("Genlock"));
            assert_eq!(folders.cache, local.join("Genlock"));
            assert_eq!(folders.logs, local.join("Genlock").join("logs"));
        }
    }

    #[test]
    fn a_folder_within_one_drive_is_noticed_whatever_its_case() {
        let roots = || [PathBuf::new(), PathBuf::from("/home/ada/OneDrive")].into_iter();
        assert!(around(Path::new("/home/ada/onedrive/Videos/Genlock"), roots()).is_some());
        assert!(around(Path::new("/home/ada/OneDriveNot/Videos"), roots()).is_none());
        assert!(around(Path::new("/home/ada/Videos"), roots()).is_none());
    }
}
