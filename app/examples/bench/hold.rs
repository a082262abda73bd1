//! How a session holds: over an emulated link, our program and ffmpeg one after the other, to the same ingest.
//!
//! Every run has its own network, its own ingest and the same losses. Times are those at which a picture was in the
//! ingest's file, which is where a viewer's copy is made; they are exact to a few milliseconds.

mod network;
mod relay;
mod sender;
mod stage;
mod tun;
pub(crate) mod viewer;

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};
use testkit::LinkConfig;
use units::{Kbps, Span};

use crate::hold::network::CONGESTION_CONTROL;
use crate::hold::sender::{AUDIO_KBPS, FPS, Program, Role, SRT_LATENCY_MS, Sender, VIDEO_KBPS};
use crate::hold::stage::{Protocol, Stage};

/// The uplink of a good home connection, and the way to a region of the same continent.
const RATE: Kbps = Kbps(8_000);
const QUEUE: Span = Span::from_millis(250);
const DELAY: Span = Span::from_millis(20);

/// How long a sender takes to start, and to reach its rate.
const SETTLED: Span = Span::from_secs(8);

fn link() -> LinkConfig {
    LinkConfig::bottleneck(RATE, QUEUE, DELAY)
}

/// Runs `bench` in a network of its own, or with relays where that is not allowed.
fn apart(name: &str, bench: impl FnOnce() -> Value) -> Result<Value> {
    if network::is_inside() {
        return Ok(bench());
    }
    let Some(printed) = network::enter(name)? else {
        let mut figures = bench();
        figures["emulated_by"] = json!("relays on loopback, which can not lose bytes of TCP");
        return Ok(figures);
    };
    let mut figures: Value =
        serde_json::from_slice(&printed).context("the figures of the bench in its network")?;
    let mut figures = figures[name].take();
    figures["emulated_by"] = json!("a TUN device in a network namespace");
    Ok(figures)
}

/// Every way of sending, by every program. What fails says why in its place.
fn each(folder: &Path, run: impl Fn(Program, Protocol, &Path) -> Result<Value>) -> Value {
    let mut figures = Map::new();
    for protocol in Protocol::BOTH {
        let mut of_protocol = Map::new();
        for program in Program::BOTH {
            let folder = folder.join(format!("{}-{}", protocol.name(), program.name()));
            let value = run(program, protocol, &folder);
            let value =
                value.unwrap_or_else(|error| json!({ "could_not_be_measured": format!("{error:#}") }));
            of_protocol.insert(program.name().into(), value);
        }
        figures.insert(protocol.name().into(), of_protocol.into());
    }
    figures.insert(
        "setting".into(),
        json!({
            "link_kbps": RATE.0, "queue_ms": QUEUE.as_millis(), "delay_each_way_ms": DELAY.as_millis(),
            "tcp_congestion_control": CONGESTION_CONTROL, "srt_latency_ms": SRT_LATENCY_MS,
            "video_kbps": VIDEO_KBPS, "audio_kbps": AUDIO_KBPS,
        }),
    );
    Value::Object(figures)
}

/// The cable is pulled for ten seconds: how long after it is back the first picture comes that a viewer can show, and
/// the first that is no more than a second behind.
pub(crate) fn cable(folder: &Path) -> Result<Value> {
    const PULLED: Span = Span::from_secs(15);
    const BACK: Span = Span::from_secs(25);
    const SECONDS: u32 = 60;
    apart("cable", || {
        each(folder, |program, protocol, folder| {
            let stage = Stage::set(folder, link())?;
            let sender = Sender::start(program, protocol, Role::Plain, &stage, SECONDS)?;
            stage.viewer.sleep_until(PULLED);
            stage.cut();
            stage.viewer.sleep_until(BACK);
            stage.restore();
            let ended = sender.finish()?;
            let end = Span::from_secs(i64::from(SECONDS));
            let after = stage.viewer.view(BACK, end);
            let first = after.shown().next();
            let fresh = after.shown().find(|(_, late)| *late < Span::from_secs(1));
            let ms = |at: Span| (at - BACK).as_millis();
            Ok(json!({
                "pulled_for_ms": (BACK - PULLED).as_millis(),
                "first_picture_ms": first.map(|(picture, _)| ms(picture.at)),
                "first_picture_is_late_by_ms": first.map(|(_, late)| late.as_millis()),
                "live_again_ms": fresh.map(|(picture, _)| ms(picture.at)),
                "before": stage.viewer.view(SETTLED, PULLED).figures(FPS),
                "last_15_s": stage.viewer.view(end - Span::from_secs(17), end - Span::from_secs(2)).figures(FPS),
                "sender": ended,
            }))
        })
    })
}

/// A second sender takes the channel over: what a viewer misses between the last picture of the first and the first of
/// the second.
pub(crate) fn takeover(folder: &Path) -> Result<Value> {
    const SECOND: Span = Span::from_secs(12);
    apart("takeover", || {
        each(folder, |program, protocol, folder| {
            let stage = Stage::set(folder, link())?;
            let first = Sender::start(program, protocol, Role::First, &stage, 28)?;
            stage.viewer.sleep_until(SECOND);
            let second = Sender::start(program, protocol, Role::Second, &stage, 14)?;
            let (second, first) = (second.finish()?, first.finish()?);
            let seen = stage.viewer.view(Span::ZERO, Span::from_secs(60));
            let begins = seen.shown().find(|(picture, _)| picture.at > SECOND && picture.session > 0);
            let (begins, _) = begins.context("nothing of the second sender arrived")?;
            let before = seen.shown().rfind(|(picture, _)| picture.session == 0 && picture.at < begins.at);
            let (before, _) = before.context("nothing of the first sender arrived")?;
            let gap = begins.at - before.at;
            let late = seen.shown().filter(|(picture, _)| picture.session == 0 && picture.at > begins.at);
            Ok(json!({
                "from_the_last_to_the_first_picture_ms": gap.as_millis(),
                "frames_lost": (gap.as_secs_f64() * FPS - 1.0).max(0.0).round(),
                "frames_of_the_first_after_that": late.count(),
                "first_picture_after_the_second_was_started_ms": (begins.at - SECOND).as_millis(),
                "first": first,
                "second": second,
            }))
        })
    })
}

/// Losses of 1, 3 and 5 % in both directions.
pub(crate) fn loss(folder: &Path) -> Result<Value> {
    const SECONDS: u32 = 30;
    apart("loss", || {
        let mut figures = Map::new();
        for percent in [1, 3, 5] {
            let link = LinkConfig { lost_per_million: percent * 10_000, ..link() };
            let of_rate = each(&folder.join(percent.to_string()), |program, protocol, folder| {
                shown(program, protocol, folder, link, SECONDS)
            });
            figures.insert(format!("{percent}_percent"), of_rate);
        }
        Value::Object(figures)
    })
}

/// A link that carries 60 % of what the show needs: goodput, and the latency of what is sent.
pub(crate) fn narrow(folder: &Path) -> Result<Value> {
    const SECONDS: u32 = 60;
    apart("narrow", || {
        let rate = Kbps((VIDEO_KBPS + AUDIO_KBPS) * 6 / 10);
        let link = LinkConfig::bottleneck(rate, QUEUE, DELAY);
        let mut figures = each(folder, |program, protocol, folder| {
            let mut figures = shown(program, protocol, folder, link, SECONDS)?;
            let media = sender::number(&figures, "/viewer/media_kbps")?;
            figures["goodput_share_of_the_link"] = json!(media / f64::from(rate.0));
            Ok(figures)
        });
        figures["setting"]["link_kbps"] = json!(rate.0);
        figures["aim"] = json!({ "goodput_share_of_the_link": 0.95, "queue_ms": 1_000 });
        figures
    })
}

/// A show over `link`: what the viewer has of it once it runs.
fn shown(
    program: Program,
    protocol: Protocol,
    folder: &Path,
    link: LinkConfig,
    seconds: u32,
) -> Result<Value> {
    let stage = Stage::set(folder, link)?;
    let sender = Sender::start(program, protocol, Role::Plain, &stage, seconds)?;
    let ended = sender.finish()?;
    let end = Span::from_secs(i64::from(seconds)) - Span::from_secs(2);
    let up = stage.up();
    Ok(json!({
        "viewer": stage.viewer.view(SETTLED, end).figures(FPS),
        "packets": { "sent": up.sent, "lost_by_chance": up.lost, "without_room": up.without_room },
        "sender": ended,
    }))
}
