//! Whatever happens, in whatever order: the rules of `rig::Rig::look` and of each order hold.

use proptest::prelude::*;
use publish::{BroadcastConfig, Cause, Ended, Happened, Intent, Outcome, Phase, Renewal};
use units::{MediaTime, Span};

use crate::rig::{INVALID_PRIORITY, LIMIT_BREACHED, MEDIA_MISMATCH, Rig, ended_by_service, failure, refused};

#[derive(Clone, Debug)]
enum Operation {
    Tell(Happened),
    /// Several before an order is picked up: the person and the network do not wait for the program.
    Burst(Happened, Happened),
    Wait(Span),
    /// What usually happens next, so that runs get far.
    Usual,
}

fn causes() -> impl Strategy<Value = Cause> {
    prop::sample::select(vec![
        Cause::NameNotFound,
        Cause::ConnectTimedOut,
        Cause::Unreachable,
        Cause::TlsTimedOut,
        Cause::HandshakeClosed,
        Cause::PublishTimedOut,
        Cause::PublishClosed,
        refused("Already publishing."),
        refused(INVALID_PRIORITY),
        refused(MEDIA_MISMATCH),
        refused(LIMIT_BREACHED),
        Cause::ClosedByPeer,
        Cause::ClosedByPeer,
        Cause::Stalled,
        Cause::Stalled,
        Cause::Lost("reset".into()),
        Cause::Lost("reset".into()),
        ended_by_service("[taken-over] Another one."),
        ended_by_service("[maximum-duration] Over."),
        ended_by_service("[stream-stopped] Stopped."),
        ended_by_service("[bitrate-exceeded] Too much."),
        ended_by_service(INVALID_PRIORITY),
        ended_by_service(LIMIT_BREACHED),
    ])
}

fn ends() -> impl Strategy<Value = Ended> {
    prop_oneof![
        8 => causes().prop_map(|cause| Ended::Failed(failure(cause))),
        1 => any::<bool>().prop_map(|clean| Ended::Stopped { clean }),
        1 => Just(Ended::Departed),
    ]
}

fn outside() -> impl Strategy<Value = Happened> {
    prop_oneof![
        4 => Just(Happened::NetworkChanged),
        4 => Just(Happened::RetryNow),
        1 => Just(Happened::GiveUp),
        3 => Just(Happened::RenewNow),
        3 => Just(Happened::TakeOver),
        1 => Just(Happened::Stop),
        2 => Just(Happened::Tick),
        3 => Just(Happened::MoveRequested),
    ]
}

fn happenings() -> impl Strategy<Value = Happened> {
    prop_oneof![
        2 => any::<bool>().prop_map(|same_media| Happened::Configured { same_media }),
        1 => any::<bool>().prop_map(|refused| Happened::NotConfigured { refused }),
        3 => Just(Happened::Accepted),
        3 => Just(Happened::Live),
        5 => ends().prop_map(Happened::Ended),
        1 => Just(Happened::NextAccepted),
        1 => Just(Happened::NextLive),
        2 => ends().prop_map(Happened::NextEnded),
        3 => outside(),
    ]
}

fn spans() -> impl Strategy<Value = Span> {
    prop_oneof![
        4 => 0i64..3_000,
        4 => 3_000i64..60_000,
        2 => 60_000i64..4_000_000,
        1 => 4_000_000i64..180_000_000,
    ]
    .prop_map(Span::from_millis)
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        5 => happenings().prop_map(Operation::Tell),
        2 => (outside(), outside()).prop_map(|(a, b)| Operation::Burst(a, b)),
        3 => spans().prop_map(Operation::Wait),
        8 => Just(Operation::Usual),
    ];
    prop::collection::vec(operation, 1..120)
}

fn configs() -> impl Strategy<Value = BroadcastConfig> {
    let numbers = || prop::option::of(prop_oneof![1u32..5_000, 2_147_483_640u32..=2_147_483_647]);
    let intents = prop_oneof![
        3 => Just(Intent::Begin),
        1 => numbers().prop_map(|known| Intent::TakeOver { known }),
    ];
    let renewals = prop_oneof![
        Just(Renewal::Auto),
        Just(Renewal::Never),
        (0i64..400_000).prop_map(|seconds| Renewal::After(Span::from_secs(seconds))),
    ];
    let switches = (any::<bool>(), prop::bool::weighted(0.8), prop::bool::weighted(0.8));
    (switches, prop::option::weighted(0.3, numbers()), intents, renewals, 1u32..120, any::<bool>()).prop_map(
        |((asks, takes_over, reconnects), first, intent, renewal, takeovers, is_held)| {
            let mut config = BroadcastConfig::for_ivs();
            (config.asks, config.takes_over, config.reconnects) = (asks, takes_over, reconnects);
            (config.first_priority, config.intent, config.renewal) = (first.flatten(), intent, renewal);
            config.limits.takeovers = takeovers;
            config.held_until = is_held.then_some(MediaTime::from_millis(30_000));
            config
        },
    )
}

/// What usually happens next.
fn usual(rig: &mut Rig) {
    match rig.phase() {
        Phase::Asking { .. } => rig.tell(Happened::Configured { same_media: true }),
        Phase::Starting | Phase::Connecting { .. } => rig.go_on(),
        Phase::OnAir if rig.asked => rig.tell(Happened::Configured { same_media: true }),
        Phase::OnAir | Phase::Renewing => rig.go_on(),
        Phase::Waiting { .. } => {
            rig.wait_for_attempt();
        }
        Phase::Stopping => rig.tell(Happened::Ended(Ended::Stopped { clean: true })),
        Phase::TakenOver { .. } | Phase::Over(_) => {}
    }
}

impl Rig {
    /// The session that is furthest from its end gets further.
    fn go_on(&mut self) {
        let Some(present) = self.present else { return };
        let happened = match (present.leaving, self.next) {
            (Some(_), Some(next)) if !next.waits && !next.accepted => Happened::NextAccepted,
            (Some(_), Some(next)) if !next.waits && next.live_at.is_none() => Happened::NextLive,
            (Some(_), _) => Happened::Ended(Ended::Stopped { clean: true }),
            (None, _) if !present.accepted => Happened::Accepted,
            (None, _) if present.live_at.is_none() => Happened::Live,
            (None, _) => return self.wait(Span::from_secs(20)),
        };
        self.tell(happened);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_order_makes_sense_and_there_is_no_dead_end(config in configs(), operations in operations()) {
        let mut rig = Rig::new(config);
        for operation in operations {
            let before = rig.phase();
            rig.orders();
            let wished = match operation {
                Operation::Tell(happened) => {
                    let wished = happened == Happened::TakeOver;
                    rig.tell(happened);
                    wished
                }
                Operation::Burst(a, b) => {
                    let wished = a == Happened::TakeOver || b == Happened::TakeOver;
                    rig.tell_all([a, b]);
                    wished
                }
                Operation::Wait(span) => {
                    rig.wait(span);
                    false
                }
                Operation::Usual => {
                    usual(&mut rig);
                    false
                }
            };
            let orders = rig.orders();
            match before {
                Phase::Over(_) => {
                    prop_assert!(orders.is_empty() && rig.phase() == before);
                }
                Phase::TakenOver { .. } if !wished => prop_assert!(orders.is_empty(), "{orders:?}"),
                Phase::Stopping => prop_assert!(orders.is_empty() || orders == [publish::Order::Stop]),
                _ => {}
            }
        }
        // And there is a way out of everything.
        rig.tell(Happened::Stop);
        if rig.present.is_some() {
            rig.tell(Happened::Ended(Ended::Stopped { clean: true }));
        }
        let phase = rig.phase();
        prop_assert!(phase.is_final(), "{phase:?}");
        prop_assert!(!rig.broadcast.awaits_answer());
        if let Phase::Over(Outcome::GaveUp { attempts, .. }) = phase {
            prop_assert!(attempts <= 25);
        }
    }
}
