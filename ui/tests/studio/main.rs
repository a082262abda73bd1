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
mod desktop_habits;
mod destinations;
mod fixture;
mod go_live_sheet;
mod hand;
mod keyboard;
mod ladder_fixture;
mod light_card;
mod machine;
mod network_check;
mod preferences_sheet;
mod public_act;
mod questions;
mod second_pc;
mod server_line;
mod sheets;
mod sources;
mod stream_appearance;
mod stream_fixture;
mod words;
