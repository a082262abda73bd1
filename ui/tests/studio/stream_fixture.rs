//! Streams that met with something: a broken connection, another PC, a second destination, a network check.

use control::{
    CheckChoice, CheckResultView, CheckTarget, DestinationView, GapsView, LiveState, PairedView, PairingView,
    PlaybackView, RetryView, SrtView, View,
};
use units::{Kbps, Secret, Span};

use crate::fixture::{in_state, on_air};
use crate::ladder_fixture::ready;

/// The number of the destination beside the channel.
pub(crate) const OTHER: u32 = 4;

/// On the way back after the connection broke.
pub(crate) fn reconnecting() -> View {
    let mut view = in_state(LiveState::Reconnecting);
    view.problems.clear();
    view.destinations[0].retry = Some(RetryView {
        attempt: 3,
        of: 25,
        next_in: Span::from_millis(3_400),
        why: "The network was gone for a moment.".to_owned(),
    });
    view
}

/// The other PC, which matches.
pub(crate) fn paired() -> PairingView {
    PairingView {
        can_offer: true,
        paired: Some(PairedView {
            channel: "STUDIO-2".to_owned(),
            ladder: "720p30, 480p30 and 360p30, H.264".to_owned(),
            last_priority: Some(1_000),
            with_key: false,
            differences: Vec::new(),
        }),
        can_take_over: false,
        take_back: false,
    }
}

/// Another PC took the channel over, and it can be taken back.
pub(crate) fn taken_over() -> View {
    let mut view = in_state(LiveState::TakenOver);
    view.problems.clear();
    view.pairing = PairingView { can_take_over: true, take_back: true, ..paired() };
    view.destinations[0].takeovers = 2;
    view.destinations[0].takeover_limit = 100;
    view
}

/// A destination over SRT beside the channel.
pub(crate) fn over_srt() -> DestinationView {
    DestinationView {
        id: OTHER,
        name: "Archive".to_owned(),
        address: "srt://archive.example:9000".to_owned(),
        tracks: 1,
        state: LiveState::Live,
        on_air: Span::from_secs(40 * 60),
        upload: Kbps(2_660),
        needed: Kbps(2_660),
        queue: control::OutputQueueView { waiting: Span::from_millis(12), ..Default::default() },
        gaps: GapsView {
            count: 2,
            total: Span::from_millis(3_240),
            latest: "1.1 s at 00:31:07, sound and picture".to_owned(),
        },
        srt: Some(SrtView {
            rtt_ms: 31.4,
            latency_ms: 1_000,
            loss_percent: 1.24,
            retransmitted: 1_341,
            dropped: 0,
        }),
        ..DestinationView::default()
    }
}

/// On air at the channel and at a second destination, and viewers can play.
pub(crate) fn several() -> View {
    let mut view = on_air();
    view.problems.clear();
    let main = &mut view.destinations[0];
    main.playback = PlaybackView::Playable { behind: Some(Span::from_millis(3_100)) };
    main.rtt_ms = Some(24.3);
    main.renews_in = Some(Span::from_secs(46 * 3_600));
    main.ends_in = Some(Span::from_secs(47 * 3_600));
    view.destinations.push(over_srt());
    view
}

/// Where a network check can be sent to.
pub(crate) fn check_choices() -> Vec<CheckChoice> {
    let choice = |leads_to: &str, target, is_real| CheckChoice {
        leads_to: leads_to.to_owned(),
        target,
        is_real,
        hindrance: String::new(),
    };
    vec![
        choice("rtmps://acme-live.global-contribute.live-video.net/app", CheckTarget::Ingest, true),
        choice("", CheckTarget::Address(Secret::default()), false),
    ]
}

/// What a check found: less than five renditions need.
pub(crate) fn check_result() -> CheckResultView {
    CheckResultView {
        target: "rtmps://acme-live.global-contribute.live-video.net/app".to_owned(),
        carries: Kbps(5_400),
        jitter: Span::from_millis(14),
        loss_percent: 0.4,
        recommended: Kbps(3_600),
        sentences: vec!["Above 5.4 Mbps the queue grew.".to_owned()],
        ago: Span::from_secs(41),
    }
}

/// Before the show, with a network check at hand.
pub(crate) fn ready_to_check() -> View {
    let mut view = ready();
    view.network_check.choices = check_choices();
    view
}
