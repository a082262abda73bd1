//! Where the window was and how large, kept between runs.

use std::path::PathBuf;

use desktop::window_frame::Place;
use serde::{Deserialize, Serialize};

/// What is kept. On Windows the place, in pixels; elsewhere the size, in points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    edges: Option<[i32; 4]>,
    maximized: bool,
    points: Option<[f32; 2]>,
}

impl Kept {
    pub(crate) fn of(place: Option<Place>, points: Option<[f32; 2]>, maximized: bool) -> Self {
        let maximized = place.map_or(maximized, |place| place.maximized);
        Self { edges: place.map(|at| [at.left, at.top, at.right, at.bottom]), maximized, points }
    }

    pub(crate) fn place(&self) -> Option<Place> {
        let [left, top, right, bottom] = self.edges?;
        Some(Place { left, top, right, bottom, maximized: self.maximized })
    }

    pub(crate) const fn maximized(&self) -> bool {
        self.maximized
    }

    /// The size, where it is one that a window can have.
    pub(crate) fn points(&self) -> Option<[f32; 2]> {
        self.points.filter(|sides| sides.iter().all(|side| (100.0..20_000.0).contains(side)))
    }
}

fn file() -> Option<PathBuf> {
    Some(desktop::Folders::find()?.settings.join("window.json"))
}

/// What was kept; nothing where that can not be read.
pub(crate) fn load() -> Kept {
    let bytes = file().and_then(|file| std::fs::read(file).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Keeps it; a disk that refuses costs nothing but the memory.
pub(crate) fn save(kept: &Kept) {
    let Some(file) = file() else { return };
    let written = file
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| serde_json::to_vec(kept).map_err(std::io::Error::other))
        .and_then(|text| std::fs::write(&file, text));
    if let Err(error) = written {
        tracing::info!(%error, "the window's place is not kept");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_and_nonsense_does_not() {
        let place = Place { left: -5, top: 10, right: 1_000, bottom: 700, maximized: true };
        let kept = Kept::of(Some(place), Some([1440.0, 900.0]), false);
        let read: Kept = serde_json::from_slice(&serde_json::to_vec(&kept).unwrap()).unwrap();
        assert_eq!(read, kept);
        assert_eq!(read.place(), Some(place));
        assert_eq!(Kept::of(None, Some([f32::NAN, 3.0]), false).points(), None);
    }
}
