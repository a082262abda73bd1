//! A window's pixels by GDI: what captures windows where Windows Graphics Capture is missing, and under Wine.

#![expect(unsafe_code, reason = "GDI is a C interface")]

use windows::Win32::Foundation::{HWND, POINT, RECT};
use windows::Win32::Graphics::Gdi::{
    BI_RGB, BITMAPINFO, BITMAPINFOHEADER, BitBlt, ClientToScreen, CreateCompatibleDC, CreateDIBSection,
    DIB_RGB_COLORS, DeleteDC, DeleteObject, GdiFlush, GetDC, HBITMAP, HDC, HGDIOBJ, ReleaseDC, SRCCOPY,
    SelectObject,
};
use windows::Win32::Storage::Xps::{PRINT_WINDOW_FLAGS, PrintWindow};
use windows::Win32::UI::WindowsAndMessaging::{
    CURSOR_SHOWING, CURSORINFO, DI_NORMAL, DrawIconEx, GA_ROOT, GetAncestor, GetClientRect, GetCursorInfo,
    GetIconInfo, ICONINFO, IsHungAppWindow, WindowFromPoint,
};

use super::top_level::{Presence, presence, window};
use crate::Error;
use crate::painted::Painted;

/// `PW_CLIENTONLY | PW_RENDERFULLCONTENT`: without frame and title bar, and with what the graphics card draws
/// (Microsoft Learn, `PrintWindow`; the second flag is of Windows 8.1's `winuser.h`).
const CLIENT_AND_FULL_CONTENT: PRINT_WINDOW_FLAGS = PRINT_WINDOW_FLAGS(3);
/// Largest side of a window that is copied, in pixels.
const SIDE_PX: i32 = 16_384;

/// How a window's pixels are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copying {
    /// The window is asked to draw itself once more, also where others cover it.
    Print,
    /// What the window has drawn is copied; of some programs that is nothing.
    Blit,
}

/// The inside of a window, without frame and title bar, and the pointer above it where that is wanted.
///
/// # Errors
/// When the window is closed, minimised or empty, or when Windows gives no room or no pixels.
pub(crate) fn copy(handle: u64, how: Copying, with_cursor: bool) -> Result<Painted, Error> {
    match presence(handle) {
        Presence::Shown => {}
        Presence::Minimised => return Err(Error::Device("it is minimised".into())),
        Presence::Closed => return Err(Error::Device("it was closed".into())),
    }
    let source = window(handle);
    // SAFETY: takes a handle by value.
    if how == Copying::Print && unsafe { IsHungAppWindow(source) }.as_bool() {
        // It would be waited for without end.
        return Err(Error::Device("its program does not answer".into()));
    }
    let (width, height) = inside(source)?;
    let canvas = Canvas::new(width, height)?;
    let copied = match how {
        // SAFETY: takes handles by value; a window that closed meanwhile is a "no".
        Copying::Print => unsafe { PrintWindow(source, canvas.dc, CLIENT_AND_FULL_CONTENT) }.as_bool(),
        Copying::Blit => blit(source, canvas.dc, width, height),
    };
    if !copied {
        return Err(Error::Device("Windows gives nothing of it".into()));
    }
    if with_cursor {
        draw_cursor(source, canvas.dc);
    }
    canvas.painted()
}

fn inside(source: HWND) -> Result<(i32, i32), Error> {
    let mut area = RECT::default();
    // SAFETY: writes four numbers.
    unsafe { GetClientRect(source, &raw mut area) }.map_err(|_| Error::Device("it was closed".into()))?;
    let (width, height) = (area.right, area.bottom);
    if (1..=SIDE_PX).contains(&width) && (1..=SIDE_PX).contains(&height) {
        Ok((width, height))
    } else {
        Err(Error::Device("it has no inside that could be shown".into()))
    }
}

fn blit(source: HWND, target: HDC, width: i32, height: i32) -> bool {
    // SAFETY: takes a handle by value; no context is an invalid one.
    let from = unsafe { GetDC(Some(source)) };
    if from.is_invalid() {
        return false;
    }
    // SAFETY: both contexts are valid, the target's picture is as large as what is copied.
    let copied = unsafe { BitBlt(target, 0, 0, width, height, Some(from), 0, 0, SRCCOPY) };
    // SAFETY: the context came from GetDC for this window and is not used afterwards.
    unsafe { ReleaseDC(Some(source), from) };
    copied.is_ok()
}

/// Draws the pointer where it stands above the window; when it cannot be drawn, the picture is good without it.
fn draw_cursor(source: HWND, target: HDC) {
    let mut cursor =
        CURSORINFO { cbSize: u32::try_from(size_of::<CURSORINFO>()).unwrap_or(0), ..Default::default() };
    // SAFETY: the structure is as large as its first field says.
    if unsafe { GetCursorInfo(&raw mut cursor) }.is_err() || cursor.flags != CURSOR_SHOWING {
        return;
    }
    // SAFETY: these take values and answer with an invalid handle where there is no window.
    let below = unsafe { GetAncestor(WindowFromPoint(cursor.ptScreenPos), GA_ROOT) };
    if below != source {
        return;
    }
    let mut corner = POINT::default();
    let mut icon = ICONINFO::default();
    // SAFETY: these write to structures that outlive the calls.
    let known = unsafe {
        ClientToScreen(source, &raw mut corner).as_bool()
            && GetIconInfo(cursor.hCursor.into(), &raw mut icon).is_ok()
    };
    if !known {
        return;
    }
    let hot = |at: u32| i32::try_from(at).unwrap_or(0);
    let x = cursor.ptScreenPos.x - corner.x - hot(icon.xHotspot);
    let y = cursor.ptScreenPos.y - corner.y - hot(icon.yHotspot);
    // SAFETY: the cursor belongs to the system and is only read; the two bitmaps are ours since GetIconInfo and are
    // not used afterwards. What fails here leaves the picture without a pointer.
    unsafe {
        let _ = DrawIconEx(target, x, y, cursor.hCursor.into(), 0, 0, 0, None, DI_NORMAL);
        let _ = DeleteObject(icon.hbmMask.into());
        let _ = DeleteObject(icon.hbmColor.into());
    }
}

/// A picture in memory that GDI draws on.
struct Canvas {
    dc: HDC,
    bitmap: HBITMAP,
    before: HGDIOBJ,
    pixels: *const u8,
    width: u32,
    height: u32,
}

impl Canvas {
    fn new(width: i32, height: i32) -> Result<Self, Error> {
        let no_room = || Error::Device("Windows has no room for its picture".into());
        let (w, h) = (width.unsigned_abs(), height.unsigned_abs());
        // SAFETY: a context like the screen's; an invalid one where there is no room.
        let dc = unsafe { CreateCompatibleDC(None) };
        if dc.is_invalid() {
            return Err(no_room());
        }
        let info = BITMAPINFO {
            bmiHeader: BITMAPINFOHEADER {
                biSize: u32::try_from(size_of::<BITMAPINFOHEADER>()).unwrap_or(0),
                biWidth: width,
                // Negative: the first row is the topmost.
                biHeight: -height,
                biPlanes: 1,
                biBitCount: 32,
                biCompression: BI_RGB.0,
                ..Default::default()
            },
            ..Default::default()
        };
        let mut pixels = std::ptr::null_mut();
        // SAFETY: the description outlives the call, which sets `pixels` to the bitmap's own memory.
        let made =
            unsafe { CreateDIBSection(Some(dc), &raw const info, DIB_RGB_COLORS, &raw mut pixels, None, 0) };
        let bitmap = match made {
            Ok(bitmap) if !pixels.is_null() => bitmap,
            _ => {
                // SAFETY: the context is ours and is not used afterwards.
                let _ = unsafe { DeleteDC(dc) };
                return Err(no_room());
            }
        };
        // SAFETY: both are ours and fit to each other.
        let before = unsafe { SelectObject(dc, bitmap.into()) };
        Ok(Self { dc, bitmap, before, pixels: pixels.cast(), width: w, height: h })
    }

    fn painted(&self) -> Result<Painted, Error> {
        let bytes = usize::try_from(u64::from(self.width) * u64::from(self.height) * 4)
            .map_err(|_| Error::Device("its picture is too large".into()))?;
        // SAFETY: a bitmap of 32 bits per pixel has this many bytes without gaps; GDI has finished drawing, and the
        // bitmap lives as long as `self`.
        let bgrx = unsafe {
            let _ = GdiFlush();
            std::slice::from_raw_parts(self.pixels, bytes)
        }
        .to_vec();
        Ok(Painted { width: self.width, height: self.height, bgrx })
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // SAFETY: all are ours; the bitmap is taken out of the context before both are deleted. Nothing can be done
        // where Windows refuses.
        unsafe {
            SelectObject(self.dc, self.before);
            let _ = DeleteObject(self.bitmap.into());
            let _ = DeleteDC(self.dc);
        }
    }
}
