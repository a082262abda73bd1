//! NVENC through NVIDIA's driver, without anything between: `NvEncodeAPI` 12.1, spoken to through a library that is
//! looked for at run time, so that the program starts where there is none.
//!
//! - [`library`]: the driver's library and the table of its functions.
//! - [`failure`]: what went wrong, in words a person can do something with.
//! - [`device`]: the GPU: CUDA on Linux, Direct3D on Windows.
//! - [`session`]: one session; every unsafe call of the table.
//! - [`settings`]: fields of the structures, by the names the back-end table gives them.
//! - [`input`], [`output`]: pictures that are inside, access units that are due.
//! - `texture` (Windows): pictures that stay on the GPU.
//! - [`engine`]: the thread that does all of it, and the queue in front of it.

mod device;
mod engine;
mod failure;
mod input;
mod library;
mod output;
mod session;
mod settings;
#[cfg(windows)]
mod texture;

pub(crate) use engine::{NvencEngine, NvencPlan};
pub(crate) use library::{LIBRARY, driver};
