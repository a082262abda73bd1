//! What Windows draws around a window: the colour of its title bar and border; and where the window was.
//!
//! Other systems draw frames in the colours of the desktop's theme and put windows where they like.

use raw_window_handle::HasWindowHandle;

#[cfg(windows)]
mod windows_frame;

/// Where a window was: its rectangle when it is neither minimised nor maximised, in pixels of the workspace, and
/// whether it was maximised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Left edge.
    pub left: i32,
    /// Top edge.
    pub top: i32,
    /// Right edge.
    pub right: i32,
    /// Bottom edge.
    pub bottom: i32,
    /// It filled its monitor.
    pub maximized: bool,
}

impl Place {
    /// This place made to lie within one of `areas`, the visible ones, at least as large as `least` where there is room:
    /// the one it overlaps most, else the first. Without an area it stays as it is.
    #[must_use]
    pub fn clamped(self, areas: &[Self], least: (i32, i32)) -> Self {
        let overlap = |area: &Self| {
            let width = (self.right.min(area.right) - self.left.max(area.left)).max(0);
            let height = (self.bottom.min(area.bottom) - self.top.max(area.top)).max(0);
            i64::from(width) * i64::from(height)
        };
        let mut best: Option<(&Self, i64)> = None;
        for area in areas {
            let shared = overlap(area);
            if best.is_none_or(|(_, most)| shared > most) {
                best = Some((area, shared));
            }
        }
        let Some((area, _)) = best else { return self };
        let side = |from: i32, to: i32, least: i32, room_from: i32, room_to: i32| {
            let room = room_to.saturating_sub(room_from);
            let length = to.saturating_sub(from).max(least).min(room);
            let start = from.clamp(room_from, room_to - length);
            (start, start + length)
        };
        let (left, right) = side(self.left, self.right, least.0, area.left, area.right);
        let (top, bottom) = side(self.top, self.bottom, least.1, area.top, area.bottom);
        Self { left, top, right, bottom, maximized: self.maximized }
    }
}

/// Paints title bar and border in dark or light colours (DWMWA_USE_IMMERSIVE_DARK_MODE). With a high-contrast theme of
/// Windows its own colours stay.
#[cfg(windows)]
pub fn set_dark(window: &impl HasWindowHandle, dark: bool) {
    windows_frame::set_dark(window, dark);
}

/// Paints title bar and border in dark or light colours; here the desktop does that.
#[cfg(not(windows))]
pub fn set_dark(_window: &impl HasWindowHandle, _dark: bool) {}

/// Whether the person asks the desktop for high contrast.
#[cfg(windows)]
pub fn wants_high_contrast() -> bool {
    windows_frame::wants_high_contrast()
}

/// Whether the person asks the desktop for high contrast; nobody can be asked here.
#[cfg(not(windows))]
pub const fn wants_high_contrast() -> bool {
    false
}

/// Where the window is; `None` where that is not to be known.
#[cfg(windows)]
pub fn place(window: &impl HasWindowHandle) -> Option<Place> {
    windows_frame::place(window)
}

/// Where the window is; not to be known here.
#[cfg(not(windows))]
pub fn place(_window: &impl HasWindowHandle) -> Option<Place> {
    None
}

/// Puts a window that is not shown yet to `place`, within what is visible now; it is not shown by that.
#[cfg(windows)]
pub fn put(window: &impl HasWindowHandle, place: Place, least: (i32, i32)) {
    windows_frame::put(window, place, least);
}

/// Puts a window to `place`; here the desktop chooses.
#[cfg(not(windows))]
pub fn put(_window: &impl HasWindowHandle, _place: Place, _least: (i32, i32)) {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(left: i32, top: i32, right: i32, bottom: i32) -> Place {
        Place { left, top, right, bottom, maximized: false }
    }

    #[test]
    fn a_window_on_a_monitor_that_is_gone_comes_back_to_one_that_is_there() {
        let screens = [at(0, 0, 1920, 1040), at(1920, 0, 4480, 1400)];
        let least = (960, 600);
        let there = at(2000, 100, 3400, 1000);
        assert_eq!(there.clamped(&screens, least), there);
        assert_eq!(there.clamped(&screens[..1], least), at(520, 100, 1920, 1000));
        assert_eq!(at(-9000, -9000, -8000, -8300).clamped(&screens, least), at(0, 0, 1000, 700));
        assert_eq!(at(10, 10, 20, 20).clamped(&screens, least), at(10, 10, 970, 610));
        assert_eq!(at(0, 0, 5000, 3000).clamped(&screens[..1], least), at(0, 0, 1920, 1040));
        assert_eq!(there.clamped(&[], least), there);
    }

    proptest! {
        #[test]
        fn it_is_always_within_what_is_visible(
            corner in (-5000..5000i32, -5000..5000i32),
            size in (0..6000i32, 0..6000i32),
            screens in proptest::collection::vec((-3000..3000i32, -3000..3000i32, 1..4000i32, 1..4000i32), 1..4),
        ) {
            let areas: Vec<Place> =
                screens.iter().map(|&(x, y, width, height)| at(x, y, x + width, y + height)).collect();
            let place = at(corner.0, corner.1, corner.0 + size.0, corner.1 + size.1).clamped(&areas, (960, 600));
            prop_assert!(areas.iter().any(|area| place.left >= area.left
                && place.top >= area.top
                && place.right <= area.right
                && place.bottom <= area.bottom));
        }
    }
}
