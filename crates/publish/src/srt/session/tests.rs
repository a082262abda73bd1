use std::collections::BTreeSet;

use ivs::{IngestAddress, SrtTarget};
use proptest::prelude::*;
use testkit::SyntheticStream;
use units::{Secret, TrackId};

use super::*;
use crate::srt::TS_PACKET_BYTES;
use crate::{Certainty, RungRates};

const STEP: Span = Span::from_millis(10);

/// A session with a multiplexer, a library and a peer that do as they are told.
struct Rig {
    session: SrtSession,
    stream: SyntheticStream,
    upcoming: VecDeque<Arc<AccessUnit>>,
    now: MediaTime,
    made: u64,
    taken: u64,
    figures: SrtFigures,
    /// The library takes what it is given, the peer confirms.
    takes: bool,
    confirms: bool,
    /// Packets lost of 100.
    loses: u64,
    sent: Vec<SrtUnit>,
    notices: Vec<Notice>,
    pushed: Vec<Arc<AccessUnit>>,
}

fn config() -> SrtConfig {
    let address: IngestAddress = "srt://a.example:9000".parse().unwrap();
    SrtConfig::for_ingest(&address, &Secret::new("sk_us-west-2_abcd")).unwrap()
}

impl Rig {
    fn new(config: SrtConfig) -> Self {
        let stream = SyntheticStream::single();
        let now = MediaTime::ZERO;
        let mut session = SrtSession::new(config, now);
        session.begin(&stream.config());
        Self {
            session,
            stream,
            upcoming: VecDeque::new(),
            now,
            made: 0,
            taken: 0,
            figures: SrtFigures {
                rtt: Span::from_millis(40),
                latency: Span::from_millis(600),
                ..SrtFigures::default()
            },
            takes: true,
            confirms: true,
            loses: 0,
            sent: Vec::new(),
            notices: Vec::new(),
            pushed: Vec::new(),
        }
    }

    fn connected() -> Self {
        let mut rig = Self::new(config());
        rig.tell(SrtEvent::Resolved);
        rig.tell(SrtEvent::Connected);
        rig
    }

    fn tell(&mut self, event: SrtEvent) {
        self.session.handle(event, self.now);
        self.act();
    }

    /// Does what is asked and packs what is due.
    fn act(&mut self) {
        loop {
            while let Some(action) = self.session.poll_action() {
                let event = match action {
                    SrtAction::Finish => SrtEvent::AllPacked { bytes: self.made },
                    SrtAction::Close => SrtEvent::Closed,
                    _ => continue,
                };
                self.session.handle(event, self.now);
            }
            let Some(unit) = self.session.next_unit(self.now) else { break };
            self.session.handle(SrtEvent::Packed { track: unit.track, at: self.made }, self.now);
            self.made += (unit.data.len().div_ceil(184) * TS_PACKET_BYTES) as u64;
            self.sent.push(unit);
            self.session.handle(SrtEvent::Made { packed: self.made }, self.now);
        }
        while let Some(notice) = self.session.poll_notice() {
            assert!(!matches!(self.notices.last(), Some(Notice::Ended(_))), "something after the end");
            self.notices.push(notice);
        }
    }

    /// Lets time pass, with media coming in as it does.
    fn run(&mut self, span: Span) {
        let until = self.now + span;
        while self.now < until {
            self.now += STEP;
            if self.upcoming.len() < 50 {
                self.upcoming.extend(self.stream.take_span(Span::from_secs(1)));
            }
            while self.upcoming.front().is_some_and(|unit| unit.dts.as_nanos() <= self.now.as_nanos()) {
                let unit = self.upcoming.pop_front().unwrap();
                self.pushed.push(Arc::clone(&unit));
                self.session.push(unit, self.now);
            }
            self.act();
            if self.takes && self.made > self.taken {
                let packets = (self.made - self.taken).div_ceil(1_316);
                self.taken = self.made;
                self.figures.sent += packets;
                self.figures.lost = self.figures.sent * self.loses / 100;
                self.figures.acknowledgements += u64::from(self.confirms);
            }
            self.tell(SrtEvent::Moved { taken: self.taken, unsent: 0 });
            self.tell(SrtEvent::Figures(self.figures));
            self.tell(SrtEvent::Tick);
        }
    }

    fn ended(&self) -> Option<&Ended> {
        match self.notices.last() {
            Some(Notice::Ended(ended)) => Some(ended),
            _ => None,
        }
    }

    fn failure(&self) -> &Failure {
        match self.ended() {
            Some(Ended::Failed(failure)) => failure,
            other => panic!("no failure but {other:?}"),
        }
    }
}

#[test]
fn a_stream_from_begin_to_end() {
    let mut rig = Rig::connected();
    assert_eq!(rig.session.step(), Step::Accepted);
    rig.run(Span::from_secs(5));
    assert_eq!(rig.session.step(), Step::Live);
    let stats = rig.session.stats(rig.now);
    assert!(stats.srt.is_some() && stats.rejected == 0 && stats.tracks.iter().all(|track| !track.is_silent));
    let stopped_at = rig.now;
    rig.session.stop(rig.now);
    rig.act();
    while rig.ended().is_none() {
        rig.run(STEP);
    }
    let took = rig.now - stopped_at;
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: true }));
    assert!(took >= Span::from_millis(640), "the peer plays what it holds back: {took:?}");
    assert!(took <= Span::from_millis(1_800), "{took:?}");
    let delivered = rig.session.deliveries();
    assert!(delivered.iter().all(|run| run.certainty == Certainty::Confirmed), "{delivered:?}");
    let begin = rig.pushed.iter().find(|unit| unit.is_video() && unit.is_idr).unwrap().pts.at();
    for track in [Track::Video(TrackId(0)), Track::Audio(TrackId(0))] {
        let runs: Vec<_> = delivered.iter().filter(|run| run.track == track).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        assert!(runs[0].from - begin <= Span::from_millis(25));
        assert!(stopped_at - runs[0].to <= Span::from_millis(50), "{runs:?} up to {stopped_at:?}");
    }
    assert!(rig.sent[0].is_idr && rig.sent[0].dts == Span::ZERO);
}

#[test]
fn a_long_latency_is_not_waited_for_beyond_the_time_for_stopping() {
    let mut rig = Rig::connected();
    rig.figures.latency = Span::from_secs(4);
    rig.run(Span::from_secs(3));
    rig.session.stop(rig.now);
    let stopped_at = rig.now;
    while rig.ended().is_none() {
        rig.run(STEP);
    }
    assert_eq!(rig.ended(), Some(&Ended::Stopped { clean: false }));
    assert!(rig.now - stopped_at <= Span::from_millis(1_800));
}

#[test]
fn every_step_has_a_deadline() {
    let mut rig = Rig::new(config());
    rig.run(Span::from_millis(5_010));
    assert_eq!(rig.failure().cause, Cause::NameTimedOut);
    let mut rig = Rig::new(config());
    rig.tell(SrtEvent::Resolved);
    rig.run(Span::from_millis(10_010));
    assert_eq!((rig.failure().cause.clone(), rig.failure().stage), (Cause::ConnectTimedOut, Stage::Connect));
}

#[test]
fn silence_a_standstill_and_a_closed_connection_are_told_apart() {
    let mut rig = Rig::connected();
    rig.run(Span::from_secs(3));
    rig.confirms = false;
    rig.run(Span::from_millis(2_300));
    assert!(rig.notices.contains(&Notice::Health(crate::Health::Unconfirmed)));
    assert!(rig.session.stats(rig.now).unconfirmed >= Span::from_secs(2));
    rig.run(Span::from_secs(5));
    assert_eq!(rig.failure().cause, Cause::Silent);
    let delivered = rig.session.deliveries();
    assert!(delivered.iter().any(|run| run.certainty == Certainty::Written), "{delivered:?}");

    let mut rig = Rig::connected();
    rig.run(Span::from_secs(3));
    rig.takes = false;
    let confirms = |rig: &mut Rig| rig.figures.acknowledgements += 1;
    for _ in 0..700 {
        confirms(&mut rig);
        rig.run(STEP);
    }
    assert_eq!(rig.failure().cause, Cause::Stalled);

    let mut rig = Rig::connected();
    rig.run(Span::from_secs(3));
    rig.tell(SrtEvent::Closed);
    assert_eq!(rig.failure().cause, Cause::ClosedByPeer);
}

#[test]
fn a_refused_call_is_a_refusal() {
    let mut rig = Rig::new(config());
    rig.tell(SrtEvent::Resolved);
    rig.tell(SrtEvent::Failed(Cause::Refused { code: "SRT 1403".into(), text: String::new() }));
    assert_eq!((rig.failure().stage, rig.failure().is_refusal()), (Stage::Publish, true));
}

#[test]
fn another_session_goes_on_exactly_where_one_leaves() {
    let mut rig = Rig::connected();
    rig.run(Span::from_secs(3));
    let mut next = SrtSession::new(SrtConfig { keep_from_keyframe: true, ..config() }, rig.now);
    next.begin(&rig.stream.config());
    rig.session.depart(rig.now);
    let from = rig.pushed.len();
    rig.run(Span::from_secs(4));
    assert_eq!(rig.ended(), Some(&Ended::Departed));
    for unit in &rig.pushed[from..] {
        next.push(Arc::clone(unit), rig.now);
    }
    next.handle(SrtEvent::Resolved, rig.now);
    next.handle(SrtEvent::Connected, rig.now);
    let first = next.next_unit(rig.now).unwrap();
    assert!(first.is_idr);
    let pictures =
        |units: &[SrtUnit]| units.iter().filter(|unit| matches!(unit.track, Track::Video(_))).count();
    let whole_seconds = pictures(&rig.sent);
    let idrs = rig.pushed.iter().filter(|unit| unit.is_video() && unit.is_idr);
    let boundary = idrs.map(|unit| unit.dts).find(|dts| dts.as_millis() > 3_000).unwrap();
    let before = rig.pushed.iter().filter(|unit| unit.is_video() && unit.dts < boundary).count();
    assert_eq!(whole_seconds, before, "every picture before the keyframe, and not the keyframe");
}

#[test]
fn a_crowded_path_lowers_the_bitrate_and_a_few_losses_do_not() {
    for (loses, lowers) in [(3, false), (40, true)] {
        let stream = SyntheticStream::single();
        let nominal = stream.config().video[0].bitrate;
        let rung = RungRates { track: TrackId(0), nominal, points: Vec::new() };
        let mut rig = Rig::new(SrtConfig { ladder: vec![rung], ..config() });
        rig.tell(SrtEvent::Resolved);
        rig.tell(SrtEvent::Connected);
        rig.loses = loses;
        rig.run(Span::from_secs(10));
        let lowered = rig
            .notices
            .iter()
            .any(|notice| matches!(notice, Notice::Bitrates(rates) if rates[0].1.0 * 10 <= nominal.0 * 7));
        assert_eq!(lowered, lowers, "{loses} of 100: {:?}", rig.notices);
    }
}

#[test]
fn other_renditions_are_left_out_and_other_codes_refused() {
    let mut ladder = SyntheticStream::ladder(3);
    let mut session = SrtSession::new(config(), MediaTime::ZERO);
    session.begin(&ladder.config());
    assert_eq!(session.sends().video.len(), 1);
    session.handle(SrtEvent::Resolved, MediaTime::ZERO);
    session.handle(SrtEvent::Connected, MediaTime::ZERO);
    for unit in ladder.take_span(Span::from_secs(3)) {
        session.push(unit, MediaTime::ZERO);
    }
    let mut tracks = BTreeSet::new();
    while let Some(unit) = session.next_unit(MediaTime::ZERO) {
        tracks.insert(unit.track);
        session.handle(SrtEvent::Packed { track: unit.track, at: 0 }, MediaTime::ZERO);
    }
    assert!(
        tracks.iter().all(|track| matches!(track, Track::Video(TrackId(0)) | Track::Audio(_))),
        "{tracks:?}"
    );
    assert_eq!(session.stats(MediaTime::ZERO).rejected, 0);
}

#[test]
fn prints_no_secret() {
    let mut config = config();
    let target = SrtTarget { passphrase: Some(Secret::new("0123456789abc")), ..config.target };
    config.target = target;
    let printed = format!("{config:?}");
    assert!(!printed.contains("abcd") && !printed.contains("0123456789abc"), "{printed}");
}

/// What may happen to a session.
#[derive(Clone, Debug)]
enum Operation {
    Run(u8),
    Resolved,
    Connected,
    Takes(bool),
    Confirms(bool),
    Loses(u8),
    Drops(u8),
    Closed,
    Refused,
    Stop,
    Depart,
    Conclude,
    LetGo,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (1..120_u8).prop_map(Operation::Run),
        4 => Just(Operation::Resolved),
        4 => Just(Operation::Connected),
        2 => any::<bool>().prop_map(Operation::Takes),
        2 => any::<bool>().prop_map(Operation::Confirms),
        1 => (0..60_u8).prop_map(Operation::Loses),
        1 => (0..9_u8).prop_map(Operation::Drops),
        1 => Just(Operation::Closed),
        1 => Just(Operation::Refused),
        1 => Just(Operation::Stop),
        1 => Just(Operation::Depart),
        1 => Just(Operation::Conclude),
        1 => Just(Operation::LetGo),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_there_is_one_end_and_it_comes_in_time(
        operations in prop::collection::vec(operation(), 1..25)
    ) {
        let mut rig = Rig::new(config());
        for operation in operations {
            match operation {
                Operation::Run(steps) => rig.run(Span::from_millis(i64::from(steps) * 10)),
                Operation::Resolved => rig.tell(SrtEvent::Resolved),
                Operation::Connected => rig.tell(SrtEvent::Connected),
                Operation::Takes(takes) => rig.takes = takes,
                Operation::Confirms(confirms) => rig.confirms = confirms,
                Operation::Loses(percent) => rig.loses = percent.into(),
                Operation::Drops(packets) => rig.figures.dropped += u64::from(packets),
                Operation::Closed => rig.tell(SrtEvent::Closed),
                Operation::Refused => {
                    rig.tell(SrtEvent::Failed(Cause::Refused { code: String::new(), text: String::new() }));
                }
                Operation::Stop => rig.session.stop(rig.now),
                Operation::Depart => rig.session.depart(rig.now),
                Operation::Conclude => rig.session.conclude(rig.now),
                Operation::LetGo => rig.session.let_go(rig.now),
            }
            rig.act();
            let stats = rig.session.stats(rig.now);
            prop_assert_eq!(rig.ended().is_some(), rig.session.step() == Step::Ended);
            prop_assert_eq!(stats.rejected, 0);
            prop_assert!(rig.sent.is_empty() || rig.sent[0].is_idr);
            // On each track in order, on all since the beginning.
            for track in [Track::Video(TrackId(0)), Track::Audio(TrackId(0))] {
                let times: Vec<_> =
                    rig.sent.iter().filter(|unit| unit.track == track).map(|unit| unit.dts).collect();
                prop_assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
            }
        }
        rig.session.stop(rig.now);
        rig.act();
        let asked_at = rig.now;
        while rig.ended().is_none() {
            rig.run(STEP);
            prop_assert!(rig.now - asked_at <= Span::from_millis(1_810));
        }
        prop_assert!(rig.session.wake_at(rig.now).is_none());
        prop_assert!(rig.session.next_unit(rig.now).is_none());
    }
}
