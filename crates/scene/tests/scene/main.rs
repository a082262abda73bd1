//! The document from outside: edits and undo, files, and what is seen and heard.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test"
)]

mod edits;
mod files;
mod stage;

use scene::Collection;
use units::Size;

fn canvas() -> Size {
    Size::new(1280, 720).unwrap()
}

fn demo() -> Collection {
    Collection::demo(canvas())
}
