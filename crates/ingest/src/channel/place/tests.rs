use std::cell::Cell;
use std::collections::HashMap;

use ivs::TrackShape;
use proptest::prelude::*;
use units::{Size, TrackId, VideoCodec};

use super::*;

const LIMITS: Limits =
    Limits { hold: Span::from_secs(30), max_stream: Span::from_secs(48 * 3600), max_takeovers: 3 };

fn shape(height: u32, has_sound: bool) -> StreamShape {
    let size = Size::new(height * 16 / 9, height).unwrap();
    let video = vec![TrackShape { track: TrackId::PRIMARY, codec: VideoCodec::Avc, size }];
    StreamShape { video, has_sound }
}

fn hd() -> StreamShape {
    shape(720, true)
}

/// A place, and those who came to it.
#[derive(Default)]
struct Show {
    place: Place,
    limits: Option<Limits>,
    claimants: Vec<Claimant>,
    ids: Cell<u32>,
    told: Vec<Told>,
    now: MediaTime,
}

impl Show {
    fn limits(&self) -> Limits {
        self.limits.unwrap_or(LIMITS)
    }

    fn enter(&mut self, priority: Priority) -> Result<usize, Rejection> {
        let number = self.claimants.len();
        let mut claimant = Claimant::new(number as u64, number as u64, priority);
        let (limits, ids) = (self.limits(), &self.ids);
        let new_id = || {
            ids.set(ids.get() + 1);
            format!("st-{}", ids.get())
        };
        let entered = self.place.enter(&mut claimant, &limits, new_id, self.now);
        self.drain();
        entered.map(|()| {
            self.claimants.push(claimant);
            number
        })
    }

    fn advance(&mut self, number: usize, shape: &StreamShape, has_idr: bool) -> Standing {
        let (limits, ids) = (self.limits(), &self.ids);
        let new_id = || {
            ids.set(ids.get() + 1);
            format!("st-{}", ids.get())
        };
        let claimant = &mut self.claimants[number];
        self.place.advance(claimant, shape, has_idr, &limits, new_id, self.now);
        let standing = claimant.standing.clone();
        self.drain();
        standing
    }

    fn leave(&mut self, number: usize, how: Leaving) {
        let limits = self.limits();
        self.place.leave(&mut self.claimants[number], how, &limits, self.now);
        self.drain();
    }

    fn pass(&mut self, span: Span) {
        self.now += span;
        let limits = self.limits();
        self.place.tick(&limits, self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(told) = self.place.poll() {
            self.told.push(told);
        }
    }

    /// Events so far, with the ids of their streams.
    fn events(&self) -> Vec<String> {
        let name = |told: &Told| match &told.what {
            What::Event(Happening::StreamTakeoverFailure { code }) => {
                Some(format!("{} {code}", told.stream_id))
            }
            What::Event(happening) => Some(format!("{} {happening:?}", told.stream_id)),
            _ => None,
        };
        self.told.iter().filter_map(name).collect()
    }
}

fn refused(refusal: TakeoverRefusal) -> Result<usize, Rejection> {
    Err(Rejection::Takeover(refusal))
}

#[test]
fn a_takeover_continues_the_stream_once_its_first_idr_is_there() {
    let mut show = Show::default();
    let old = show.enter(Priority::None).unwrap();
    show.advance(old, &hd(), true);
    let new = show.enter(Priority::Of(7)).unwrap();
    assert_eq!(show.advance(new, &hd(), false), Standing::Waiting);
    assert_eq!(show.advance(old, &hd(), true), Standing::OnAir, "the old one goes on until then");
    assert_eq!(show.advance(new, &hd(), true), Standing::OnAir);
    assert_eq!(show.advance(old, &hd(), true), Standing::TakenOver);
    show.leave(old, Leaving::Vanished);
    let stream = show.place.stream().unwrap();
    assert_eq!((stream.priority, stream.takeovers, &*stream.id), (Some(7), 1, "st-1"));
    assert!(show.claimants[new].took_over && !show.claimants[old].took_over);
    show.leave(new, Leaving::Goodbye);
    assert_eq!(
        show.events(),
        ["st-1 SessionCreated", "st-1 StreamTakeover", "st-1 SessionEnded { code: None }"]
    );
    let all: Vec<_> =
        show.told.iter().filter(|told| !matches!(told.what, What::Event(_))).map(|told| &told.what).collect();
    assert_eq!(all, [&What::Began, &What::Continued, &What::Ended]);
}

#[test]
fn only_a_greater_priority_takes_over_and_memory_ends_with_the_stream() {
    use TakeoverRefusal::InvalidPriority;
    let mut show = Show::default();
    let first = show.enter(Priority::Of(5)).unwrap();
    show.advance(first, &hd(), true);
    assert_eq!(show.enter(Priority::None), Err(Rejection::InUse));
    for lower in [Priority::Of(5), Priority::Of(1), Priority::OutOfRange] {
        assert_eq!(show.enter(lower), refused(InvalidPriority));
    }
    let second = show.enter(Priority::Of(6)).unwrap();
    let third = show.enter(Priority::Of(9)).unwrap();
    assert_eq!(show.advance(third, &hd(), true), Standing::OnAir);
    // What was high enough when it came no longer is.
    assert_eq!(show.advance(second, &hd(), true), Standing::Refused(InvalidPriority));
    show.leave(third, Leaving::Goodbye);
    let again = show.enter(Priority::Of(1)).unwrap();
    assert_eq!(show.advance(again, &shape(360, false), true), Standing::OnAir);
    let failures = vec!["st-1 StreamTakeoverInvalidPriority"; 3];
    let events = show.events();
    assert_eq!(events.iter().filter(|event| event.contains("Invalid")).count(), 4, "{events:?}");
    assert_eq!(events[1..4], failures);
    assert_eq!(events.last().unwrap(), "st-2 SessionCreated");
}

#[test]
fn a_priority_out_of_range_is_refused_where_nobody_is_on_air() {
    let mut show = Show::default();
    assert_eq!(show.enter(Priority::OutOfRange), refused(TakeoverRefusal::InvalidPriority));
    assert!(show.place.stream().is_none());
    assert_eq!(show.events(), ["st-1 StreamTakeoverInvalidPriority"]);
}

#[test]
fn other_media_are_refused_and_the_old_stream_goes_on() {
    let mut show = Show::default();
    let old = show.enter(Priority::None).unwrap();
    show.advance(old, &hd(), true);
    let smaller = show.enter(Priority::Of(1)).unwrap();
    let Standing::Refused(TakeoverRefusal::MediaMismatch(said)) =
        show.advance(smaller, &shape(360, true), true)
    else {
        panic!("it was not refused");
    };
    assert!(said.contains("1280x720") && said.contains("640x360"), "{said}");
    assert_eq!(show.advance(old, &hd(), true), Standing::OnAir);
    assert_eq!(show.place.stream().unwrap().takeovers, 0);
    // Sound may begin a little later than the picture.
    let late = show.enter(Priority::Of(1)).unwrap();
    assert_eq!(show.advance(late, &shape(720, false), true), Standing::Waiting);
    show.pass(Span::from_millis(999));
    assert_eq!(show.advance(late, &hd(), true), Standing::OnAir);
    let never = show.enter(Priority::Of(2)).unwrap();
    assert_eq!(show.advance(never, &shape(720, false), true), Standing::Waiting);
    show.pass(Span::from_secs(1));
    let standing = show.advance(never, &shape(720, false), true);
    assert!(matches!(standing, Standing::Refused(TakeoverRefusal::MediaMismatch(_))), "{standing:?}");
}

#[test]
fn takeovers_of_one_stream_are_counted() {
    let mut show = Show::default();
    show.enter(Priority::None).unwrap();
    for priority in 1..=LIMITS.max_takeovers {
        let next = show.enter(Priority::Of(priority)).unwrap();
        assert_eq!(show.advance(next, &hd(), true), Standing::OnAir);
    }
    assert_eq!(show.enter(Priority::Of(100)), refused(TakeoverRefusal::LimitBreached));
    assert_eq!(show.events().last().unwrap(), "st-1 StreamTakeoverLimitBreached");
    show.leave(3, Leaving::Goodbye);
    show.enter(Priority::None).unwrap();
    assert_eq!(show.place.stream().unwrap().takeovers, 0);
}

#[test]
fn who_vanishes_is_held_for_thirty_seconds_unless_taken_over() {
    let mut show = Show::default();
    let first = show.enter(Priority::None).unwrap();
    show.advance(first, &hd(), true);
    show.place.happened(0, Happening::StreamStart);
    show.pass(Span::from_secs(10));
    show.place.heard(0, show.now);
    show.leave(first, Leaving::Vanished);
    assert_eq!(show.enter(Priority::None), Err(Rejection::InUse));
    show.pass(Span::from_millis(29_999));
    let back = show.enter(Priority::Of(1)).unwrap();
    assert_eq!(show.advance(back, &hd(), true), Standing::OnAir);
    show.leave(back, Leaving::Vanished);
    show.pass(Span::from_millis(29_999));
    assert_eq!(show.enter(Priority::None), Err(Rejection::InUse));
    show.pass(Span::from_millis(1));
    show.enter(Priority::None).unwrap();
    assert_eq!(
        show.events(),
        [
            "st-1 SessionCreated",
            "st-1 StreamStart",
            "st-1 StarvationStart",
            "st-1 StreamTakeover",
            "st-1 StarvationEnd",
            "st-1 StarvationStart",
            "st-1 SessionEnded { code: None }",
            "st-1 StreamEnd",
            "st-2 SessionCreated",
        ]
    );
}

#[test]
fn who_says_goodbye_or_breaks_a_rule_frees_the_place_at_once() {
    for how in [Leaving::Goodbye, Leaving::Ended(Some("MultitrackInputNotAllowed"))] {
        let mut show = Show::default();
        let first = show.enter(Priority::Of(9)).unwrap();
        show.leave(first, how);
        show.enter(Priority::None).unwrap();
    }
}

#[test]
fn a_stream_ends_after_its_longest_time_whoever_sends_it() {
    let mut show = Show::default();
    let first = show.enter(Priority::None).unwrap();
    show.advance(first, &hd(), true);
    show.pass(Span::from_secs(47 * 3600));
    let second = show.enter(Priority::Of(1)).unwrap();
    assert_eq!(show.advance(second, &hd(), true), Standing::OnAir);
    show.pass(Span::from_secs(3600));
    assert_eq!(show.advance(second, &hd(), true), Standing::Over(StreamOver::MaximumDuration));
    assert!(show.place.stream().is_none());
    show.leave(second, Leaving::Ended(None));
    show.enter(Priority::None).unwrap();
}

#[test]
fn the_owner_can_end_the_stream() {
    let mut show = Show::default();
    let first = show.enter(Priority::None).unwrap();
    show.place.stop();
    assert_eq!(show.advance(first, &hd(), true), Standing::Over(StreamOver::Stopped));
}

#[test]
fn who_is_asked_to_move_comes_in_without_priority() {
    for (leaves_first, how) in
        [(false, Leaving::Goodbye), (true, Leaving::Goodbye), (true, Leaving::Vanished)]
    {
        let mut show = Show::default();
        let old = show.enter(Priority::None).unwrap();
        show.advance(old, &hd(), true);
        show.place.asked_to_move(0);
        let new = show.enter(Priority::None).unwrap();
        assert_eq!(show.enter(Priority::None), Err(Rejection::InUse), "one place to move to");
        assert_eq!(show.advance(new, &hd(), false), Standing::Waiting);
        if leaves_first {
            show.leave(old, how);
            assert_eq!(show.advance(new, &hd(), false), Standing::OnAir);
        } else {
            assert_eq!(show.advance(new, &hd(), true), Standing::OnAir);
            assert_eq!(show.advance(old, &hd(), true), Standing::Moved);
            show.leave(old, how);
        }
        assert_eq!(show.place.stream().unwrap().takeovers, 0);
        assert_eq!(show.events(), ["st-1 SessionCreated"]);
        assert_eq!(show.enter(Priority::None), Err(Rejection::InUse));
    }
}

#[test]
fn who_waits_begins_anew_when_the_stream_ends() {
    let mut show = Show::default();
    let old = show.enter(Priority::Of(3)).unwrap();
    show.advance(old, &hd(), true);
    let new = show.enter(Priority::Of(4)).unwrap();
    show.leave(old, Leaving::Goodbye);
    assert_eq!(show.advance(new, &shape(360, true), true), Standing::OnAir);
    let stream = show.place.stream().unwrap();
    assert_eq!((&*stream.id, stream.takeovers, stream.priority), ("st-2", 0, Some(4)));
}

#[derive(Clone, Debug)]
enum Step {
    Enter(Option<u32>),
    /// Which of those who came, height of its picture, sound, IDR.
    Send(usize, u32, bool, bool),
    Heard(usize),
    Starts(usize),
    Leave(usize, Leaving),
    AskToMove(usize),
    Stop,
    Pass(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let leaving = prop_oneof![
        Just(Leaving::Goodbye),
        Just(Leaving::Vanished),
        Just(Leaving::Ended(None)),
        Just(Leaving::Ended(Some("InvalidMultitrackInputTrackCount")))
    ];
    prop_oneof![
        4 => proptest::option::of(0u32..12).prop_map(Step::Enter),
        6 => (0usize..6, prop_oneof![5 => Just(720u32), 1 => Just(360u32)], proptest::bool::weighted(0.9), any::<bool>())
            .prop_map(|(who, height, sound, idr)| Step::Send(who, height, sound, idr)),
        2 => (0usize..6).prop_map(Step::Heard),
        1 => (0usize..6).prop_map(Step::Starts),
        2 => (0usize..6, leaving).prop_map(|(who, how)| Step::Leave(who, how)),
        1 => (0usize..6).prop_map(Step::AskToMove),
        1 => Just(Step::Stop),
        3 => prop_oneof![0i64..1500, Just(29_000i64), Just(31_000i64), Just(3600 * 1000)].prop_map(Step::Pass),
    ]
}

/// What must hold after each step, whatever was done.
fn check(show: &mut Show) -> Result<(), TestCaseError> {
    let numbers: Vec<usize> = (0..show.claimants.len()).collect();
    let mut on_air = Vec::new();
    for number in numbers {
        // Nothing of its media is known; looking must change nothing of who has the place, but for those who begin anew.
        if show.claimants[number].standing == Standing::OnAir
            && show.advance(number, &StreamShape::default(), false) == Standing::OnAir
        {
            on_air.push(number as u64);
        }
    }
    prop_assert!(on_air.len() <= 1, "{on_air:?}");
    let holder = show.place.stream().and_then(|stream| stream.holder).map(|(number, _)| number);
    // A mover that was given the place knows it when it looks.
    if let Some(on_air) = on_air.first() {
        prop_assert_eq!(holder, Some(*on_air));
    }
    if let Some(stream) = show.place.stream() {
        prop_assert!(stream.takeovers <= LIMITS.max_takeovers);
        prop_assert!(show.now - stream.began_at < LIMITS.max_stream);
        if stream.holder.is_none() {
            prop_assert!(show.now - stream.last_heard < LIMITS.hold);
        }
    }
    let mut streams: HashMap<&str, (bool, bool, u32, u32, bool)> = HashMap::new();
    for told in &show.told {
        let (began, ended, takeovers, starts, starving) = streams.entry(&told.stream_id).or_default();
        prop_assert!(!*ended || matches!(told.what, What::Began), "{told:?} behind the end");
        match &told.what {
            What::Began => *began = true,
            What::Ended => {
                prop_assert!(*began);
                *ended = true;
            }
            What::Continued => prop_assert!(*began && !*ended),
            What::Event(Happening::StreamTakeover) => *takeovers += 1,
            What::Event(Happening::StreamStart) => *starts += 1,
            What::Event(Happening::StarvationStart) => {
                prop_assert!(!core::mem::replace(starving, true), "it starved already");
            }
            What::Event(Happening::StarvationEnd) => prop_assert!(core::mem::replace(starving, false)),
            What::Event(_) => {}
        }
        prop_assert!(*takeovers <= LIMITS.max_takeovers && *starts <= 1);
    }
    let open = streams.values().filter(|(began, ended, ..)| *began && !*ended).count();
    prop_assert_eq!(open, usize::from(show.place.stream().is_some()));
    Ok(())
}

proptest! {
    #[test]
    fn one_stream_at_a_time_whatever_happens(steps in proptest::collection::vec(step(), 0..60)) {
        let mut show = Show::default();
        for step in steps {
            let came = show.claimants.len();
            let before = show.place.stream().map(|stream| (stream.id.clone(), stream.priority));
            match step {
                Step::Enter(priority) => {
                    let priority = priority.map_or(Priority::None, |number| {
                        if number == 0 { Priority::OutOfRange } else { Priority::Of(number) }
                    });
                    let _ = show.enter(priority);
                }
                Step::Send(who, height, sound, idr) if came > 0 => {
                    let who = came - 1 - who % came;
                    let standing = show.advance(who, &shape(height, sound), idr);
                    if idr && standing == Standing::Waiting {
                        // Only what may still come is waited for.
                        prop_assert!(!sound, "{standing:?}");
                    }
                }
                Step::Heard(who) if came > 0 => show.place.heard((who % came) as u64, show.now),
                Step::Starts(who) if came > 0 => {
                    show.place.happened((who % came) as u64, Happening::StreamStart);
                    show.drain();
                }
                Step::Leave(who, how) if came > 0 => show.leave(came - 1 - who % came, how),
                Step::AskToMove(who) if came > 0 => show.place.asked_to_move((who % came) as u64),
                Step::Stop => {
                    show.place.stop();
                    show.drain();
                }
                Step::Pass(ms) => show.pass(Span::from_millis(ms)),
                _ => {}
            }
            check(&mut show)?;
            // Within one stream, the priority only grows.
            if let (Some((id, Some(old))), Some(stream)) = (before, show.place.stream())
                && stream.id == id
            {
                prop_assert!(stream.priority >= Some(old));
            }
        }
    }
}
