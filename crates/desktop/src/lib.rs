//! What the person's desktop gives, and what it expects of a program that behaves: known folders, a store for keys, one
//! studio at a time, no sleep in the middle of a show, a good end when the session ends, keys that work from anywhere,
//! a report after a crash, a title bar in the window's own colours.
//!
//! Windows gives all of it. Elsewhere each part says in words what it can not do ([`Error::NotHere`]) and the program
//! tells it; nothing pretends. docs/desktop.md has a line for each part.

pub mod awake;
pub mod chord;
pub mod crash;
pub mod credentials;
mod error;
pub mod file_dialog;
pub mod folders;
pub mod fonts;
pub mod log_files;
pub mod process_end;
pub mod single_instance;
pub mod system_events;
pub mod window_frame;

pub use awake::Awake;
pub use chord::Chord;
pub use credentials::CredentialStore;
pub use error::Error;
pub use folders::Folders;
pub use log_files::LogFiles;
pub use single_instance::{Claim, First};
pub use system_events::{Hotkeys, Reply, SystemEvent, SystemEvents};
