//! Room on the disk that a folder is on.

use std::path::Path;

use sysinfo::{DiskRefreshKind, Disks};

/// The file system that a folder is on, as the system calls it; `None` where it can not be told.
pub(crate) fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing()).ok()?;
    let disk = deepest(&disks, &folder)?;
    disk.file_system().to_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The disk that holds a folder: of nested mount points the deepest.
fn deepest<'a>(disks: &'a Disks, folder: &Path) -> Option<&'a sysinfo::Disk> {
    let holds = disks.iter().filter(|disk| folder.starts_with(disk.mount_point()));
    holds.max_by_key(|disk| disk.mount_point().components().count())
}

/// Free bytes on the disk of `folder`, as far as this user may use them; `None` where it can not be told.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = folder.canonicalize().ok()?;
    let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()).ok()?;
    deepest(&disks, &folder).map(sysinfo::Disk::available_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_room_and_a_missing_one_is_unknown() {
        let folder = tempfile::tempdir().unwrap();
        assert!(free_bytes(folder.path()).is_none_or(|bytes| bytes > 0));
        assert_eq!(free_bytes(&folder.path().join("missing")), None);
    }
}
