//! The few questions we have for an X server: which monitors and windows there are, and how large they are.

use x11rb::connection::Connection;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, Window};
use x11rb::rust_connection::RustConnection;

use crate::Error;

/// Most 4-byte units of a property that are read: window titles are shorter, lists of windows too.
const PROPERTY_UNITS: u32 = 16_384;

/// A part of the X screen that is one monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Monitor {
    pub(crate) name: String,
    pub(crate) is_primary: bool,
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// A top-level window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopLevel {
    pub(crate) id: Window,
    pub(crate) title: String,
    /// Both parts of `WM_CLASS` (ICCCM, 4.1.2.5): instance and class.
    pub(crate) classes: Vec<String>,
    /// File name of the program, without its folder.
    pub(crate) program: Option<String>,
}

/// A connection to an X server.
pub(crate) struct Server {
    connection: RustConnection,
    root: Window,
}

fn asked(problem: impl std::fmt::Display) -> Error {
    Error::Device(format!("the X server did not answer: {problem}"))
}

impl Server {
    /// Connects to the display of that name (`:0`), or to the one that `DISPLAY` names.
    pub(crate) fn connect(display: Option<&str>) -> Result<Self, Error> {
        let (connection, screen) = x11rb::connect(display).map_err(|problem| {
            let name = match display {
                Some(name) => format!("“{name}”"),
                None => std::env::var("DISPLAY")
                    .map_or_else(|_| "(DISPLAY is not set)".into(), |name| format!("“{name}”")),
            };
            Error::Device(format!("no X display {name} can be reached: {problem}"))
        })?;
        let root = connection
            .setup()
            .roots
            .get(screen)
            .ok_or_else(|| Error::Device("the X display has no such screen".into()))?
            .root;
        Ok(Self { connection, root })
    }

    /// The monitors of the screen (RandR 1.5, `RRGetMonitors`); none when the server has no RandR 1.5.
    pub(crate) fn monitors(&self) -> Result<Vec<Monitor>, Error> {
        let reply = match self.connection.randr_get_monitors(self.root, true).map_err(asked)?.reply() {
            Ok(reply) => reply,
            Err(x11rb::errors::ReplyError::X11Error(_)) => return Ok(Vec::new()),
            Err(problem) => return Err(asked(problem)),
        };
        let mut monitors = Vec::new();
        for monitor in reply.monitors {
            let name =
                self.connection.get_atom_name(monitor.name).map_err(asked)?.reply().map_err(asked)?.name;
            monitors.push(Monitor {
                name: String::from_utf8_lossy(&name).into_owned(),
                is_primary: monitor.primary,
                x: u32::try_from(monitor.x).unwrap_or(0),
                y: u32::try_from(monitor.y).unwrap_or(0),
                width: u32::from(monitor.width),
                height: u32::from(monitor.height),
            });
        }
        Ok(monitors)
    }

    /// Width and height of a window that can be seen, or why it cannot.
    pub(crate) fn size_of(&self, window: Window) -> Result<(u32, u32), Error> {
        let closed = |_| Error::Device("it was closed".into());
        let attributes =
            self.connection.get_window_attributes(window).map_err(asked)?.reply().map_err(closed)?;
        if attributes.map_state != MapState::VIEWABLE {
            return Err(Error::Device("it is minimised or hidden".into()));
        }
        let geometry = self.connection.get_geometry(window).map_err(asked)?.reply().map_err(closed)?;
        Ok((u32::from(geometry.width), u32::from(geometry.height)))
    }

    /// All top-level windows, the newest last (Extended Window Manager Hints 1.5, `_NET_CLIENT_LIST`: "initial mapping
    /// order, starting with the oldest window"); without a window manager, the children of the root.
    pub(crate) fn windows(&self) -> Result<Vec<TopLevel>, Error> {
        let listed = self.property(self.root, "_NET_CLIENT_LIST", AtomEnum::WINDOW.into())?;
        let mut ids: Vec<Window> = listed
            .chunks_exact(4)
            .filter_map(|bytes| bytes.try_into().ok())
            .map(Window::from_ne_bytes)
            .collect();
        if ids.is_empty() {
            let tree = self.connection.query_tree(self.root).map_err(asked)?.reply().map_err(asked)?;
            ids = tree.children;
        }
        let mut windows = Vec::new();
        for id in ids {
            // A window may close between two questions; then it is simply none of them.
            if self.size_of(id).is_ok()
                && let Ok(window) = self.describe(id)
            {
                windows.push(window);
            }
        }
        Ok(windows)
    }

    fn describe(&self, id: Window) -> Result<TopLevel, Error> {
        let utf8 = self.atom("UTF8_STRING")?;
        let mut title = self.property(id, "_NET_WM_NAME", utf8)?;
        if title.is_empty() {
            title = self.property(id, "WM_NAME", AtomEnum::ANY.into())?;
        }
        let class = self.property(id, "WM_CLASS", AtomEnum::STRING.into())?;
        let pid = self.property(id, "_NET_WM_PID", AtomEnum::CARDINAL.into())?;
        let program = pid
            .get(..4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_ne_bytes)
            .and_then(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).ok())
            .and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
        Ok(TopLevel {
            id,
            title: String::from_utf8_lossy(&title).into_owned(),
            classes: class
                .split(|byte| *byte == 0)
                .filter(|part| !part.is_empty())
                .map(|part| String::from_utf8_lossy(part).into_owned())
                .collect(),
            program,
        })
    }

    fn atom(&self, name: &str) -> Result<u32, Error> {
        Ok(self.connection.intern_atom(false, name.as_bytes()).map_err(asked)?.reply().map_err(asked)?.atom)
    }

    fn property(&self, window: Window, name: &str, kind: u32) -> Result<Vec<u8>, Error> {
        let name = self.atom(name)?;
        let reply = self
            .connection
            .get_property(false, window, name, kind, 0, PROPERTY_UNITS)
            .map_err(asked)?
            .reply()
            .map_err(asked)?;
        Ok(reply.value)
    }
}
