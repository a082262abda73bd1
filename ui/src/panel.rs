//! The panels of the window, one file each.

pub(crate) mod destinations;
pub(crate) mod light;
pub(crate) mod mixer;
pub(crate) mod problems;
pub(crate) mod program;
pub(crate) mod recording;
pub(crate) mod renditions;
pub(crate) mod scenes;
pub(crate) mod second_pc;
pub(crate) mod status_bar;
pub(crate) mod stream;
pub(crate) mod top_bar;
pub(crate) mod upload;
mod way;
