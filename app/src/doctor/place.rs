//! Whether a folder is a good place for recordings.

use std::path::{Component, Path, Prefix};

/// Names of folders that programs keep in step with a server, as they stand in paths.
const SYNCHRONISED: [&str; 5] = ["OneDrive", "Dropbox", "Google Drive", "iCloudDrive", "Nextcloud"];
/// File systems of Linux that are on another computer, by the beginning of their names in /proc/mounts.
const DISTANT: [&str; 6] = ["nfs", "cifs", "smb", "fuse.sshfs", "9p", "ceph"];

/// Why `folder` is not a good place, as a sentence with its advice; `None` where nothing speaks against it.
/// `is_in_one_drive` is what the system says of it; `file_system` is that of the folder.
pub(super) fn remark(folder: &Path, is_in_one_drive: bool, file_system: Option<&str>) -> Option<String> {
    let is_distant_system = file_system
        .is_some_and(|name| DISTANT.iter().any(|distant| name.to_ascii_lowercase().starts_with(distant)));
    if is_on_network(folder) || is_distant_system {
        return Some(
            "This folder is on another computer: when the network stalls, the recording does. Record to a disk in \
             this PC."
                .into(),
        );
    }
    // OneDrive for work puts the company behind its name.
    let named = folder.components().find_map(|component| {
        let name = component.as_os_str().to_str()?;
        SYNCHRONISED.into_iter().find(|known| name == *known || name.starts_with(&format!("{known} - ")))
    });
    let whose = named.or(is_in_one_drive.then_some("OneDrive"))?;
    Some(format!(
        "{whose} copies this folder to the internet: it takes the upload away from the stream while you record. \
         Record to a folder outside of it."
    ))
}

/// Whether a path leads to another computer: a share, or a drive that stands for one once it is resolved.
fn is_on_network(folder: &Path) -> bool {
    let text = folder.to_string_lossy();
    // Also where such paths are not understood: what a person typed on the other system.
    let looks_like_a_share =
        text.starts_with(r"\\") && !text.starts_with(r"\\?\") && !text.starts_with(r"\\.\");
    let is_share = matches!(
        folder.components().next(),
        Some(Component::Prefix(prefix)) if matches!(prefix.kind(), Prefix::UNC(..) | Prefix::VerbatimUNC(..))
    );
    is_share || looks_like_a_share || text.starts_with(r"\\?\UNC\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_cloud_folders_are_told_of() {
        let told =
            |path: &str, system: Option<&str>| remark(Path::new(path), false, system).unwrap_or_default();
        assert_eq!(told("/home/me/Videos/Genlock", Some("ext4")), "");
        assert!(told("/home/me/Videos/Genlock", Some("nfs4")).contains("another computer"));
        assert!(told(r"\\nas\videos\Genlock", None).contains("another computer"));
        assert!(told(r"\\?\UNC\nas\videos\Genlock", None).contains("another computer"));
        assert_eq!(told(r"\\?\C:\Users\me\Videos", Some("NTFS")), "");
        assert!(told("/home/me/OneDrive/Videos", None).starts_with("OneDrive copies"));
        assert!(told("/home/me/OneDrive - Company/Videos", None).starts_with("OneDrive copies"));
        assert!(told("/home/me/Dropbox/Genlock", None).starts_with("Dropbox copies"));
        assert_eq!(told("/home/me/OneDriveless/Videos", None), "");
        assert!(
            remark(Path::new("/home/me/Elsewhere"), true, None)
                .is_some_and(|told| told.starts_with("OneDrive"))
        );
    }
}
