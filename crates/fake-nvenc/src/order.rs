//! Which picture is coded when, and as what: lookahead, B-frames, forced IDRs.

use std::collections::VecDeque;

use crate::picture::Picture;

/// A picture that waits to be coded.
pub(crate) struct Waiting {
    pub(crate) picture: Picture,
    pub(crate) time: u64,
    pub(crate) duration: u64,
    pub(crate) idr: bool,
    pub(crate) sets: bool,
}

/// What a picture is coded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Idr,
    P,
    /// Referred to or not.
    B {
        reference: bool,
    },
}

/// A picture whose turn it is.
pub(crate) struct Turn {
    pub(crate) waiting: Waiting,
    pub(crate) kind: Kind,
    /// Pictures shown since the last IDR.
    pub(crate) place: u32,
    /// Places of the pictures it lies between: of the P or IDR before, and of the P behind.
    pub(crate) between: (u32, u32),
}

/// How pictures are ordered.
pub(crate) struct Order {
    /// B-frames between two others.
    b_frames: usize,
    /// Pictures that must have gone in beyond the one that is coded.
    ahead: usize,
    middle_is_reference: bool,
    each_is_reference: bool,
    queue: VecDeque<Waiting>,
    /// Place of the next picture in order of showing.
    place: u32,
    /// Place of the last IDR or P.
    anchor: u32,
    begun: bool,
}

impl Order {
    pub(crate) fn new(
        b_frames: usize,
        ahead: usize,
        middle_is_reference: bool,
        each_is_reference: bool,
    ) -> Self {
        let queue = VecDeque::new();
        Self {
            b_frames,
            ahead,
            middle_is_reference,
            each_is_reference,
            queue,
            place: 0,
            anchor: 0,
            begun: false,
        }
    }

    pub(crate) fn push(&mut self, waiting: Waiting) {
        self.queue.push_back(waiting);
    }

    /// The next pictures in order of coding; none as long as more input is needed. `ends` says that none follows.
    pub(crate) fn next(&mut self, ends: bool) -> Vec<Turn> {
        let enough = |queue: &VecDeque<Waiting>, needed: usize| ends || queue.len() > needed + self.ahead;
        let Some(first) = self.queue.front() else { return Vec::new() };
        if first.idr || !self.begun {
            if !enough(&self.queue, 0) {
                return Vec::new();
            }
            self.begun = true;
            let Some(waiting) = self.queue.pop_front() else { return Vec::new() };
            (self.place, self.anchor) = (1, 0);
            return vec![Turn { waiting, kind: Kind::Idr, place: 0, between: (0, 0) }];
        }
        // An IDR ends what comes before it.
        let until_idr = self.queue.iter().position(|waiting| waiting.idr);
        let behind = match until_idr {
            Some(at) if at <= self.b_frames => at - 1,
            _ if self.queue.len() > self.b_frames => self.b_frames,
            _ if ends => self.queue.len() - 1,
            _ => return Vec::new(),
        };
        if !enough(&self.queue, behind) {
            return Vec::new();
        }
        let mut group: Vec<Option<Waiting>> = self.queue.drain(..=behind).map(Some).collect();
        let (before, last) = (self.anchor, self.place + u32::try_from(behind).unwrap_or(0));
        let mut coded = vec![(behind, Kind::P)];
        let middle = behind / 2;
        if self.middle_is_reference && behind > 1 {
            coded.push((middle, Kind::B { reference: true }));
        }
        coded.extend(
            (0..behind)
                .filter(|at| !(self.middle_is_reference && behind > 1 && *at == middle))
                .map(|at| (at, Kind::B { reference: self.each_is_reference })),
        );
        let first = self.place;
        self.place = last + 1;
        self.anchor = last;
        coded
            .into_iter()
            .filter_map(|(at, kind)| {
                let waiting = group.get_mut(at)?.take()?;
                let place = first + u32::try_from(at).unwrap_or(0);
                let behind = if kind == Kind::P { place } else { last };
                Some(Turn { waiting, kind, place, between: (before, behind) })
            })
            .collect()
    }
}
