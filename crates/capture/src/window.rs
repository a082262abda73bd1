//! One window.
//!
//! Linux: the window is looked for among the X server's top-level windows and captured by `ximagesrc`. Windows: by
//! `d3d12screencapturesrc`, then `d3d11screencapturesrc`, in their Windows Graphics Capture mode, which sees a window
//! also where others cover it.

use scene::WindowSelector;
use units::FrameRate;

use crate::live::Candidate;
use crate::supervisor::{Plan, Supervised};
use crate::{CaptureContext, Error};

pub(crate) fn open(
    window: &WindowSelector,
    show_cursor: bool,
    context: &CaptureContext,
) -> Result<Supervised, Error> {
    let plan = WindowPlan {
        window: window.clone(),
        show_cursor,
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

fn names_nothing(selector: &WindowSelector) -> bool {
    let parts = [&selector.title, &selector.class, &selector.program];
    parts.iter().all(|part| part.as_deref().is_none_or(str::is_empty))
}

struct WindowPlan {
    window: WindowSelector,
    show_cursor: bool,
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
        if self.captured.is_some_and(|handle| !crate::win32::is_open(handle)) {
            return Err(Error::Device("it was closed or minimised".into()));
        }
        Ok(())
    }
}

impl WindowPlan {
    #[cfg(target_os = "linux")]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        let server = crate::x11::Server::connect(None)?;
        let windows = server.windows()?;
        let is_meant = |window: &&crate::x11::TopLevel| {
            let described = Described {
                title: &window.title,
                classes: &window.classes,
                program: window.program.as_deref(),
            };
            matches(&self.window, &described)
        };
        let found = windows
            .iter()
            .rfind(is_meant)
            .ok_or_else(|| Error::Device("no window that can be seen matches".into()))?;
        let settings = [
            ("xid", found.id.to_string()),
            ("show-pointer", self.show_cursor.to_string()),
            ("use-damage", crate::display::USE_DAMAGE.to_string()),
        ];
        let note = format!("window “{}”", found.title);
        let candidates = crate::display::x_image_candidates(&settings, self.rate, &note);
        self.captured = Some(Captured { server, id: found.id });
        Ok(candidates)
    }

    #[cfg(windows)]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        let windows = crate::win32::windows();
        let is_meant = |window: &&crate::win32::TopLevel| {
            let described = Described {
                title: &window.title,
                classes: std::slice::from_ref(&window.class),
                program: window.program.as_deref(),
            };
            matches(&self.window, &described)
        };
        // Windows tells no age; the one in front is the one that was used last.
        let found = windows
            .iter()
            .find(is_meant)
            .ok_or_else(|| Error::Device("no window that can be seen matches".into()))?;
        let note = format!("window “{}”", found.title);
        let settings = vec![
            ("window-handle", found.handle.to_string()),
            // Windows Graphics Capture; desktop duplication knows no windows.
            ("capture-api", "wgc".to_owned()),
            ("show-cursor", self.show_cursor.to_string()),
        ];
        // The yellow border, where this Windows lets it be turned off.
        let wishes = vec![("show-border", "false".to_owned())];
        let way =
            |element| crate::display::way(element, settings.clone(), wishes.clone(), self.rate, &note, &[]);
        let candidates = vec![way("d3d12screencapturesrc"), way("d3d11screencapturesrc")];
        self.captured = Some(found.handle);
        Ok(candidates)
    }

    #[cfg(not(any(windows, target_os = "linux")))]
    fn ways(&mut self) -> Result<Vec<Candidate>, Error> {
        Err(Error::Device("windows are captured on Linux and Windows only".into()))
    }
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
}
