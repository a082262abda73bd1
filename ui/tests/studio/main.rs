//! The window as a person meets it: by name and role, by keyboard alone, and by eye.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

mod accessibility;
mod any_order;
mod appearance;
mod commands;
mod fixture;
mod keyboard;
mod ladder_fixture;
mod public_act;
mod sheets;
mod words;
