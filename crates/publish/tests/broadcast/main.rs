//! A broadcast in virtual time: every rule of docs/reconnect.md, whatever crosses whatever, and weeks in seconds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod operations;
mod reconnecting;
mod renewing;
mod rig;
mod service;
mod taking_over;
mod weeks;
