//! Rendering is for a thread that must not wait: it takes no memory and gives none back.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test"
)]

use std::alloc::System;

use mixer::{Clocking, Mixer, SourceMix};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use units::{AudioBlock, MediaTime, span_from_samples};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn rendering_and_pushing_allocate_nothing_once_a_source_runs() {
    let mut mixer = Mixer::new();
    mixer.add_source(0, Clocking::Media, SourceMix::default()).unwrap();
    mixer.add_source(1, Clocking::Device, SourceMix { delay_ms: 120, ..SourceMix::default() }).unwrap();
    let mut block =
        AudioBlock { rate_hz: 48_000, channels: 2, samples: vec![0.9; 960], captured_at: MediaTime::ZERO };
    let mut out = vec![0f32; 960];
    let mut before = None;
    for number in 0..500u64 {
        if number == 100 {
            before = Some(Region::new(ALLOCATOR));
        }
        block.captured_at = MediaTime::ZERO + span_from_samples(number * 480);
        mixer.push(0, &block).unwrap();
        mixer.push(1, &block).unwrap();
        if number == 200 {
            mixer.set_mix(0, SourceMix { gain: 4.0, ..SourceMix::default() }).unwrap();
            mixer.set_mix(1, SourceMix { delay_ms: 40, ..SourceMix::default() }).unwrap();
        }
        if let Some(rendered) = number.checked_sub(6) {
            mixer.render(rendered * 480, &mut out).unwrap();
            std::hint::black_box((mixer.master_levels(), mixer.source_levels(0), mixer.source_stats(1)));
        }
    }
    let change = before.expect("a start").change();
    assert_eq!((change.allocations, change.reallocations, change.deallocations), (0, 0, 0));
    assert!(mixer.take_limiter_reduction_db() > 1.0);
}
