//! `genlock doctor`: what this PC can do, on a page.
//!
//! [`examine()`] finds out, [`page()`] says it in sentences; the page is made of nothing but the facts, so that it can be
//! read in tests for PCs that nobody here has.

mod advice;
mod examine;
mod facts;
mod page;
mod place;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;

use compositor::Gpu;
use serde::Serialize;
use units::{FrameRate, Size};

use crate::outcome::{Exit, Failure};
pub(crate) use examine::examine;
use facts::Facts;
pub(crate) use page::page;

/// What the examination is made for.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// What is composed, and so the largest rendition.
    pub(crate) canvas: Size,
    /// Pictures per second.
    pub(crate) rate: FrameRate,
    /// Where recordings go; the person's own folder for videos where none was chosen.
    pub(crate) recordings: Option<PathBuf>,
}

/// Everything, for support.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    facts: &'a Facts,
    /// What would not work, and how to mend it.
    troubles: Vec<String>,
    page: Vec<control::MachineSection>,
}

/// # Errors
/// [`Failure`] where no canvas can be thought of; the examination itself says what is wrong with the PC.
pub(crate) fn run(as_json: bool) -> Result<Exit, Failure> {
    let canvas = Size::new(1280, 720).map_err(|error| {
        Failure::could_not_start("settings.canvas", format!("The canvas is not possible: {error}."), "")
    })?;
    let place = Place { canvas, rate: FrameRate::FPS_30, recordings: None };
    let gpu = Gpu::open(None).map_err(|error| error.to_string());
    let facts = examine(&gpu, &place);
    let text = if as_json {
        let whole = Whole { facts: &facts, troubles: advice::troubles(&facts), page: page(&facts) };
        serde_json::to_string_pretty(&whole).unwrap_or_default() + "\n"
    } else {
        page::text(&facts)
    };
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(if facts.can_stream() { Exit::Done } else { Exit::CouldNotStart })
}
