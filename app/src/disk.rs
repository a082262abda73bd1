//! Room on the disk that a folder is on.

use std::path::Path;

use sysinfo::{DiskRefreshKind, Disks};

/// Free bytes on the disk of `folder`, as far as this user may use them; `None` where it can not be told.
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let folder = folder.canonicalize().ok()?;
    let disks = Disks::new_with_refreshed_list_specifics(DiskRefreshKind::nothing().with_storage()).ok()?;
    // Of nested mount points the deepest holds the folder.
    disks
        .iter()
        .filter(|disk| folder.starts_with(disk.mount_point()))
        .max_by_key(|disk| disk.mount_point().components().count())
        .map(sysinfo::Disk::available_space)
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
