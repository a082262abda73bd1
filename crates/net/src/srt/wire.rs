//! The connection: libsrt by GStreamer's sink.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSrc;
use ivs::SrtTarget;
use publish::{Cause, SRT_PAYLOAD_BYTES, SrtFigures, null_packets};
use tokio::sync::mpsc;
use units::{Kbps, Secret, Span};

use super::elements::{count, make, make_srt_sink, megabits, millis, number, set_if_there};

/// How long one address may take to answer a call. libsrt repeats it four times a second meanwhile; its own default.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What the sink says besides figures.
#[derive(Debug)]
pub(super) struct Broken {
    /// Its own words, which hold neither key nor passphrase.
    pub(super) words: String,
    /// After so long.
    pub(super) after: Duration,
}

/// How far the bytes have come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// libsrt has taken something: the peer has answered.
    pub(super) is_connected: bool,
    /// Bytes libsrt has taken.
    pub(super) taken: u64,
    /// Of those, bytes not sent even once.
    pub(super) unsent: u64,
    /// What libsrt says; `None` before it is connected and after it is closed.
    pub(super) figures: Option<SrtFigures>,
}

/// A connection, or the attempt at one.
pub(super) struct Wire {
    pipeline: gst::Pipeline,
    source: AppSrc,
    sink: gst::Element,
    /// Bytes handed over, the first packet of nothing included.
    handed: u64,
}

impl Wire {
    /// Calls `address`. The first thing that is sent are packets that say nothing: the sink finds out about refusals only
    /// while it has something to send.
    ///
    /// # Errors
    /// What is wrong here; what is wrong there comes through `broken`.
    pub(super) fn call(
        address: SocketAddr,
        target: &SrtTarget,
        latency: Span,
        ceiling: Option<Kbps>,
        broken: mpsc::UnboundedSender<Broken>,
    ) -> Result<Self, Cause> {
        let failed = |what: &str| Cause::PartMissing(format!("GStreamer's SRT sink {what}"));
        let sink = make_srt_sink()?;
        // The address first: it resets everything else.
        sink.set_property("uri", uri(address, ceiling));
        sink.set_property_from_str("mode", "caller");
        sink.set_property("streamid", target.stream_id.expose());
        if let Some(passphrase) = &target.passphrase {
            // The key's length is left open: libsrt takes what the peer wishes, and AES-128 when it wishes nothing.
            sink.set_property("passphrase", passphrase.expose());
        }
        sink.set_property("latency", i32::try_from(latency.as_millis().max(0)).unwrap_or(i32::MAX));
        // Whether to try again is for the broadcast to decide.
        set_if_there(&sink, "auto-reconnect", false);
        set_if_there(&sink, "wait-for-connection", true);
        sink.set_property("sync", false);
        sink.set_property("async", false);
        set_if_there(&sink, "enable-last-sample", false);

        let source = make("appsrc")?.downcast::<AppSrc>().map_err(|_| failed("has no beginning"))?;
        source.set_property("max-bytes", 0_u64);
        source.set_property("block", false);
        let caps = gst::Caps::builder("video/mpegts")
            .field("systemstream", true)
            .field("packetsize", 188_i32)
            .build();
        source.set_caps(Some(&caps));
        let pipeline = gst::Pipeline::new();
        let beginning: &gst::Element = source.upcast_ref();
        pipeline.add_many([beginning, &sink]).map_err(|_| failed("can not be built"))?;
        beginning.link(&sink).map_err(|_| failed("can not be linked"))?;

        let begun = Instant::now();
        let hide = hidden(target);
        if let Some(bus) = pipeline.bus() {
            bus.set_sync_handler(move |_, message| {
                if let gst::MessageView::Error(error) = message.view() {
                    let words = hide(error.error().to_string());
                    let _heard = broken.send(Broken { words, after: begun.elapsed() });
                }
                gst::BusSyncReply::Drop
            });
        }
        let mut wire = Self { pipeline, source, sink, handed: 0 };
        wire.send(gst::Buffer::from_mut_slice(null_packets()));
        if wire.pipeline.set_state(gst::State::Playing).is_err() {
            return Err(Cause::ConnectFailed(String::from("SRT does not open a socket")));
        }
        Ok(wire)
    }

    /// Hands packets over.
    pub(super) fn send(&mut self, packets: gst::Buffer) {
        self.handed += packets.size() as u64;
        // What can go wrong here is told on the bus.
        let _pushed = self.source.push_buffer(packets);
    }

    /// How far it is.
    pub(super) fn progress(&self) -> Progress {
        let stats: gst::Structure = self.sink.property("stats");
        let taken = count(&stats, "bytes-sent-total");
        let payload = SRT_PAYLOAD_BYTES as u64;
        let figures = number(&stats, "rtt-ms").map(|_| SrtFigures {
            rtt: millis(&stats, "rtt-ms"),
            latency: millis(&stats, "negotiated-latency-ms"),
            sent: count(&stats, "packets-sent"),
            lost: count(&stats, "packets-sent-lost"),
            retransmitted: count(&stats, "packets-retransmitted"),
            dropped: count(&stats, "packets-sent-dropped"),
            acknowledgements: count(&stats, "packet-ack-received"),
            bandwidth: megabits(&stats, "bandwidth-mbps"),
            send_rate: megabits(&stats, "send-rate-mbps"),
        });
        let unsent = figures.map_or(0, |figures| {
            let once = figures.sent.saturating_sub(figures.retransmitted) + figures.dropped;
            taken.div_ceil(payload).saturating_sub(once) * payload
        });
        // The packets of nothing at the beginning are nobody's.
        Progress { is_connected: taken > 0, taken: taken.saturating_sub(payload), unsent, figures }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _stopped = self.pipeline.set_state(gst::State::Null);
    }
}

/// Host, port, and what has no property of its own. Nothing of it is a secret.
fn uri(address: SocketAddr, ceiling: Option<Kbps>) -> String {
    let mut uri = format!("srt://{address}?conntimeo={}", ANSWER_WITHIN.as_millis());
    if let Some(Kbps(kbps)) = ceiling {
        // In bytes per second (SRT API, `SRTO_MAXBW`).
        uri.push_str(&format!("&maxbw={}", u64::from(kbps) * 125));
    }
    uri
}

/// Takes key and passphrase out of what the sink may say, should it ever say them.
fn hidden(target: &SrtTarget) -> impl Fn(String) -> String + Send + Sync + 'static {
    let secrets: Vec<Secret> =
        [Some(target.stream_id.clone()), target.passphrase.clone()].into_iter().flatten().collect();
    move |text| {
        let hide = |text: String, secret: &Secret| {
            if secret.is_empty() { text } else { text.replace(secret.expose(), "•••") }
        };
        ivs::redact(&secrets.iter().fold(text, hide))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_in_the_address() {
        let target = SrtTarget {
            host: String::from("::1"),
            port: 9000,
            stream_id: Secret::new("sk_us-west-2_abcd"),
            passphrase: Some(Secret::new("0123456789")),
        };
        assert_eq!(
            uri("[::1]:9000".parse().unwrap(), Some(Kbps(9_000))),
            "srt://[::1]:9000?conntimeo=3000&maxbw=1125000"
        );
        let said = hidden(&target)(String::from("bad sk_us-west-2_abcd and 0123456789"));
        assert!(!said.contains("abcd") && !said.contains("0123456789"), "{said}");
    }
}
