//! One window.
//!
//! Linux: the window is looked for among the X server's top-level windows and captured by `ximagesrc`. Windows: by
//! `d3d12screencapturesrc`, then `d3d11screencapturesrc`, in their Windows Graphics Capture mode, which sees a window
//! also where others cover it; where that is missing, by `PrintWindow`, then by `BitBlt`. All of them show the inside
//! of the window, without frame and title bar.

use scene::WindowSelector;
use units::FrameRate;

use crate::display::Shown;
use crate::live::Candidate;
use crate::supervisor::{Plan, Supervised};
use crate::{CaptureContext, Error};

pub(crate) fn open(
    window: &WindowSelector,
    shown: Shown,
    context: &CaptureContext,
) -> Result<Supervised, Error> {
    let plan = WindowPlan {
        window: window.clone(),
        shown,
        rate: context.rate,
        #[cfg(target_os = "linux")]
        captured: None,
        #[cfg(windows)]
        captured: None,
    };
    Supervised::start("capture window", plan, context)
}

/// What is known about a window when looking for one.
pub(crate) struct Described<'a> {
    pub(crate) title: &'a str,
    pub(crate) classes: &'a [String],
    pub(crate) program: Option<&'a str>,
}

/// Whether all parts that the selector names match. Titles match by a part of them, because programs write the name
/// of the document into them; class and program match whole, without regard to case.
pub(crate) fn matches(selector: &WindowSelector, window: &Described<'_>) -> bool {
    let title = selector.title.as_deref().is_none_or(|title| window.title.contains(title));
    let class = selector
        .class
        .as_deref()
        .is_none_or(|class| window.classes.iter().any(|own| own.eq_ignore_ascii_case(class)));
    let program = selector
        .program
        .as_deref()
        .is_none_or(|program| window.program.is_some_and(|own| own.eq_ignore_ascii_case(program)));
    title && class && program
}

/// The window that is meant: the first that all parts match. A title that no window has any more gives way where
/// program and class are given too and leave one window only: programs write the name of a document into their title,
/// and a window that was closed and opened again may show another one.
fn choose<'a, W>(
    selector: &WindowSelector,
    windows: &'a [W],
    describe: impl Fn(&'a W) -> Described<'a>,
) -> Option<&'a W> {
    if let Some(found) = windows.iter().find(|window| matches(selector, &describe(window))) {
        return Some(found);
    }
    if selector.program.is_none() || selector.class.is_none() {
        return None;
    }
    let untitled = WindowSelector { title: None, ..selector.clone() };
    let mut left = windows.iter().filter(|window| matches(&untitled, &describe(window)));
    left.next().filter(|_| left.next().is_none())
}

fn names_nothing(selector: &WindowSelector) -> bool {
    let parts = [&selector.title, &selector.class, &selector.program];
    parts.iter().all(|part| part.as_deref().is_none_or(str::is_empty))
}

struct WindowPlan {
    window: WindowSelector,
    shown: Shown,
    rate: FrameRate,
    #[cfg(target_os = "linux")]
    captured: Option<Captured>,
    /// Handle of the window that is captured.
    #[cfg(windows)]
    captured: Option<u64>,
}

/// The X window that is captured.
#[cfg(target_os = "linux")]
struct Captured {
    server: crate::x11::Server,
    id: u32,
}

impl Plan for WindowPlan {
    fn title(&self) -> String {
        let parts = [&self.window.title, &self.window.program, &self.window.class];
        parts
            .iter()
            .find_map(|part| part.as_deref().filter(|part| !part.is_empty()))
            .map_or_else(|| "The window".into(), |part| format!("Window “{part}”"))
    }

    fn candidates(&mut self) -> Result<Vec<Candidate>, Error> {
        if names_nothing(&self.window) {
            return Err(Error::Parameter("the scene does not say which window".into()));
        }
        self.ways()
    }

    fn check(&mut self) -> Result<(), Error> {
        #[cfg(target_os = "linux")]
        if let Some(captured) = &self.captured {
            captured.server.size_of(captured.id)?;
        }
        #[cfg(windows)]
        if let Some(handle) = self.captured {
            use crate::win32::{Presence, presence};
            return match presence(handle) {
                Presence::Shown => Ok(()),
                Presence::Minimised => Err(Error::Device(MINIMISED.into())),
                Presence::Closed => Err(Error::Device("it was closed".into())),
            };
        }
        Ok(())
    }
}

impl WindowPlan {
    #[cfg(target_os = "linux")]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        let server = crate::x11::Server::connect(None)?;
        let mut windows = server.windows()?;
        // The newest first.
        windows.reverse();
        let found = choose(&self.window, &windows, describe_x)
            .ok_or_else(|| Error::Device("no window that can be seen matches".into()))?;
        let settings = [
            ("xid", found.id.to_string()),
            ("show-pointer", self.shown.cursor.to_string()),
            ("use-damage", crate::display::USE_DAMAGE.to_string()),
        ];
        let note = format!("window “{}”", found.title);
        let candidates = crate::display::x_image_candidates(&settings, self.rate, &note);
        self.captured = Some(Captured { server, id: found.id });
        Ok(candidates)
    }

    #[cfg(windows)]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        // Windows tells no age; the one in front is the one that was used last.
        let windows = crate::win32::windows();
        let found = choose(&self.window, &windows, |window| Described {
            title: &window.title,
            classes: std::slice::from_ref(&window.class),
            program: window.program.as_deref(),
        });
        let found = found.ok_or_else(|| Error::Device("no window that can be seen matches".into()))?;
        if found.is_minimised {
            return Err(Error::Device(MINIMISED.into()));
        }
        let ways = windows_ways(found.handle, &found.title, self.shown, self.rate);
        self.captured = Some(found.handle);
        Ok(ways)
    }

    #[cfg(not(any(windows, target_os = "linux")))]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        Err(Error::Device("windows are captured on Linux and Windows only".into()))
    }
}

/// Windows draws nothing of a minimised window, so there is nothing to capture.
#[cfg(windows)]
const MINIMISED: &str = "it is minimised; it comes back when it is opened again";

#[cfg(target_os = "linux")]
fn describe_x(window: &crate::x11::TopLevel) -> Described<'_> {
    Described { title: &window.title, classes: &window.classes, program: window.program.as_deref() }
}

/// The ways on Windows, best first.
#[cfg(windows)]
fn windows_ways(handle: u64, title: &str, shown: Shown, rate: FrameRate) -> Vec<Candidate> {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crate::display::{border_note, way};
    use crate::win32::{Copying, build_number, copy};

    let note = format!("window “{title}”");
    let by_graphics =
        format!("{note}, by Windows Graphics Capture{}", border_note(shown.border, build_number()));
    let settings = vec![
        ("window-handle", handle.to_string()),
        // Desktop duplication knows no windows.
        ("capture-api", "wgc".to_owned()),
        ("show-cursor", shown.cursor.to_string()),
    ];
    let wishes =
        vec![("show-border", shown.border.to_string()), ("window-capture-mode", "client".to_owned())];
    let direct = |element| way(element, settings.clone(), wishes.clone(), rate, &by_graphics, &[]);

    let copied = |element, how: Copying, what: &str| {
        let is_first = AtomicBool::new(true);
        let painter = move || {
            let picture = copy(handle, how, shown.cursor)?;
            // Programs that draw by graphics card give only black here; then another way is tried.
            let is_first = is_first.swap(false, Ordering::Relaxed);
            if is_first && how == Copying::Print && picture.is_black() {
                return Err(Error::Device("it gives only black".into()));
            }
            Ok(picture)
        };
        let no_border = if shown.border { " (this way has no border)" } else { "" };
        let note = format!("{note}, {what}{no_border}");
        let mut candidate = way(element, Vec::new(), Vec::new(), rate, &note, &[]);
        candidate.painter = Some((Arc::new(painter), rate));
        candidate
    };
    vec![
        direct("d3d12screencapturesrc"),
        direct("d3d11screencapturesrc"),
        copied("PrintWindow", Copying::Print, "as it draws itself when asked to"),
        copied("BitBlt", Copying::Blit, "copied from what it has drawn"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_part_must_match() {
        let classes = ["navigator".to_owned(), "Firefox".to_owned()];
        let window = Described { title: "News - Firefox", classes: &classes, program: Some("firefox.exe") };
        let selector = |title: Option<&str>, class: Option<&str>, program: Option<&str>| WindowSelector {
            title: title.map(str::to_owned),
            class: class.map(str::to_owned),
            program: program.map(str::to_owned),
        };
        assert!(matches(&selector(Some("News"), None, None), &window));
        assert!(matches(&selector(None, Some("FIREFOX"), Some("Firefox.exe")), &window));
        assert!(!matches(&selector(Some("Sports"), Some("firefox"), None), &window));
        assert!(!matches(&selector(Some("News"), Some("fire"), None), &window));
        let unknown = Described { program: None, ..window };
        assert!(!matches(&selector(None, None, Some("firefox.exe")), &unknown));
        assert!(names_nothing(&selector(Some(""), None, None)));
    }

    #[test]
    fn a_title_gives_way_where_program_and_class_leave_one_window() {
        let classes = |class: &str| vec![class.to_owned()];
        let windows = [
            ("b.txt - Editor", classes("Edit"), "editor.exe"),
            ("Find", classes("Dialog"), "editor.exe"),
            ("Mail", classes("Edit"), "mail.exe"),
        ];
        let chosen = |title: &str, class: Option<&str>, windows: &[(&str, Vec<String>, &str)]| {
            let selector = WindowSelector {
                title: Some(title.into()),
                class: class.map(str::to_owned),
                program: Some("Editor.exe".into()),
            };
            let describe = |w: &&(&str, Vec<String>, &str)| w.0.to_owned();
            let as_described = |w| {
                let (title, classes, program): &(&str, Vec<String>, &str) = w;
                Described { title, classes, program: Some(program) }
            };
            choose(&selector, windows, as_described).as_ref().map(describe)
        };
        assert_eq!(chosen("b.txt", Some("Edit"), &windows).as_deref(), Some("b.txt - Editor"));
        assert_eq!(chosen("a.txt", Some("Edit"), &windows).as_deref(), Some("b.txt - Editor"));
        assert_eq!(chosen("a.txt", None, &windows), None, "a program alone says too little");
        let two = [windows[0].clone(), ("c.txt - Editor", classes("Edit"), "editor.exe")];
        assert_eq!(chosen("a.txt", Some("Edit"), &two), None, "which of them is not known");
    }
}
