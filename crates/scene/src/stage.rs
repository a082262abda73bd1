//! What is on the programme now: the scene, animations of its items, and the transition to the next scene.

use units::{Pts, Size, Span};

use crate::animation::{Course, Motion, between, resolved};
use crate::seen::{Seen, add_gains, flattened, gains, glide, layers, sort_by_depth};
use crate::{AnimationId, Collection, Easing, Ended, ItemId, Picture, SceneId, SourceId, Vec2};

/// How one scene takes the place of another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransitionStyle {
    /// At the next frame, whatever the duration.
    #[default]
    Cut,
    /// The new scene grows over the old one; its sound grows with it.
    Fade,
    /// Items of a source that both scenes show glide from their old slot to the new one; the k-th item of a source
    /// is matched with the k-th. Other items fade in or out.
    Move,
}

/// A transition between scenes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transition {
    /// How.
    pub style: TransitionStyle,
    /// How long, on the video's timeline.
    pub duration: Span,
    /// How the way is spread over the time.
    pub easing: Easing,
}

/// The programme at one instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluated {
    /// What is seen.
    pub picture: Picture,
    /// What is heard: multipliers from 0 to 2 by source, in the order of the collection's sources. They hold the
    /// gain of the slots, transitions, and 1 for sources that are always heard; the sources' own gain and muting are
    /// the mixer's. Sources that are not listed are silent.
    pub gains: Vec<(SourceId, f32)>,
    /// Animations and transitions that have ended since the last picture.
    pub ended: Vec<Ended>,
}

/// One side of a transition.
#[derive(Clone, Debug, PartialEq)]
enum Side {
    /// A scene, alive.
    Scene(SceneId),
    /// What was seen when a transition was interrupted: geometry stands still, sources go on.
    Frozen(Vec<Seen>),
}

#[derive(Clone, Debug, PartialEq)]
enum Way {
    /// `over` is laid over `under` with a share that goes from one value to another.
    Fade {
        under: Side,
        over: Side,
        from_share: f32,
        to_share: f32,
    },
    Move {
        from: Side,
    },
}

#[derive(Clone, Debug, PartialEq)]
struct Switch {
    id: AnimationId,
    way: Way,
    course: Course,
}

/// The programme. It holds no collection: the document is given to each evaluation, so an edit is seen at the next
/// frame, and an animation always arrives at what the document says then.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    program: SceneId,
    switch: Option<Switch>,
    motions: Vec<Motion>,
    /// Ended between two pictures; reported with the next one.
    ended: Vec<Ended>,
    /// What the last picture showed, the scenes of a fade one over the other.
    seen: Vec<Seen>,
    /// Share of the scene above in the last picture's fade.
    share: f32,
    last_id: u64,
}

impl Stage {
    /// A stage that shows `program`. If the collection has no such scene, its first one is shown.
    pub fn new(program: SceneId) -> Self {
        Self {
            program,
            switch: None,
            motions: Vec::new(),
            ended: Vec::new(),
            seen: Vec::new(),
            share: 0.0,
            last_id: 0,
        }
    }

    /// The scene on the programme, or on its way there.
    pub fn program(&self) -> SceneId {
        self.program
    }

    /// Whether a transition between scenes is under way.
    pub fn is_switching(&self) -> bool {
        self.switch.is_some()
    }

    /// Whether anything moves by itself.
    pub fn is_moving(&self) -> bool {
        self.switch.is_some() || !self.motions.is_empty()
    }

    fn new_id(&mut self) -> AnimationId {
        self.last_id = self.last_id.saturating_add(1);
        AnimationId(self.last_id)
    }

    /// Goes to another scene, beginning with the next picture.
    ///
    /// A transition under way is reported as interrupted, and the new one starts from what is seen: going back
    /// during a fade runs it backwards; anything else starts from the items as they stood in the last picture. (Two
    /// scenes caught in mid-fade become one picture then; where several opaque items of the upper scene overlap,
    /// the lower ones shine through a little.)
    pub fn switch(&mut self, to: SceneId, transition: Transition) -> AnimationId {
        let id = self.new_id();
        let from = self.program;
        let older = self.switch.take();
        if let Some(older) = &older {
            self.ended.push(Ended { id: older.id, completed: false });
        }
        self.program = to;
        let instant = transition.style == TransitionStyle::Cut || (older.is_none() && from == to);
        let duration = if instant { Span::ZERO } else { transition.duration };
        let from = match &older {
            None => Side::Scene(from),
            Some(_) => Side::Frozen(self.seen.clone()),
        };
        let way = match (transition.style, older.map(|older| older.way)) {
            // Back to where the fade came from, or on to where it was going: the same fade, from its present share.
            (TransitionStyle::Fade, Some(Way::Fade { under, over, .. })) if under == Side::Scene(to) => {
                Way::Fade { under, over, from_share: self.share, to_share: 0.0 }
            }
            (TransitionStyle::Fade, Some(Way::Fade { under, over, .. })) if over == Side::Scene(to) => {
                Way::Fade { under, over, from_share: self.share, to_share: 1.0 }
            }
            (TransitionStyle::Move, _) => Way::Move { from },
            _ => Way::Fade { under: from, over: Side::Scene(to), from_share: 0.0, to_share: 1.0 },
        };
        self.switch = Some(Switch { id, way, course: Course::new(duration, transition.easing) });
        id
    }

    /// Lets an item glide from the slot it was last seen in to the one the collection gives it at the next
    /// evaluation: apply the [`crate::Edit::ChangeSlot`] and call this, in any order, before the next picture. A
    /// duration of zero means the next frame. An older animation of the item is reported as interrupted.
    pub fn animate(&mut self, item: ItemId, duration: Span, easing: Easing) -> AnimationId {
        let id = self.new_id();
        let ended = &mut self.ended;
        self.motions.retain(|older| {
            if older.item == item {
                ended.push(Ended { id: older.id, completed: false });
            }
            older.item != item
        });
        let from = self.seen.iter().find(|seen| seen.item == item).map(|seen| seen.slot);
        self.motions.push(Motion { id, item, from, course: Course::new(duration, easing) });
        id
    }

    /// The programme on a canvas of size `canvas` at `pts`. Instants are expected in order.
    pub fn evaluate(&mut self, collection: &Collection, canvas: Size, pts: Pts) -> Evaluated {
        if collection.scene(self.program).is_none() {
            // The scene was removed while it was on the programme.
            if let Some(first) = collection.scenes.first() {
                self.program = first.id;
            }
            if let Some(switch) = self.switch.take() {
                self.ended.push(Ended { id: switch.id, completed: false });
            }
        }
        self.advance(collection, pts);
        let mut evaluated = match &self.switch {
            None => self.steady(collection, canvas, pts),
            Some(switch) => self.switching(switch, collection, canvas, pts),
        };
        self.share = evaluated.picture.fade.as_ref().map_or(0.0, |(_, share)| *share);
        self.seen = std::mem::take(&mut evaluated.seen);
        let mut heard = evaluated.gains;
        add_gains(&mut heard, &collection.always_heard);
        let gains = collection.sources.iter().filter(|source| source.kind.has_sound()).filter_map(|source| {
            heard.get(&source.id).filter(|gain| **gain > 0.0).map(|gain| (source.id, gain.clamp(0.0, 2.0)))
        });
        Evaluated {
            picture: evaluated.picture,
            gains: gains.collect(),
            ended: std::mem::take(&mut self.ended),
        }
    }

    /// Starts what has not begun, and ends what is over.
    fn advance(&mut self, collection: &Collection, pts: Pts) {
        if let Some(mut switch) = self.switch.take() {
            switch.course.begin(pts);
            if switch.course.is_over(pts) {
                self.ended.push(Ended { id: switch.id, completed: true });
            } else {
                self.switch = Some(switch);
            }
        }
        let ended = &mut self.ended;
        self.motions.retain_mut(|motion| {
            motion.course.begin(pts);
            if collection.item(motion.item).is_none() {
                ended.push(Ended { id: motion.id, completed: false });
                return false;
            }
            if motion.from.is_none() || motion.course.is_over(pts) {
                ended.push(Ended { id: motion.id, completed: true });
                return false;
            }
            true
        });
    }

    fn steady(&self, collection: &Collection, canvas: Size, pts: Pts) -> Shown {
        let seen = self.scene(collection, self.program, canvas, pts);
        Shown { picture: Picture { layers: layers(&seen), fade: None }, gains: gains(&seen, 1.0), seen }
    }

    fn switching(&self, switch: &Switch, collection: &Collection, canvas: Size, pts: Pts) -> Shown {
        let share = switch.course.share(pts);
        match &switch.way {
            Way::Fade { under, over, from_share, to_share } => {
                let share = from_share + (to_share - from_share) * share;
                let under = self.side(under, collection, canvas, pts);
                let over = self.side(over, collection, canvas, pts);
                let mut heard = gains(&under, 1.0 - share);
                for (source, gain) in gains(&over, share) {
                    *heard.entry(source).or_insert(0.0) += gain;
                }
                Shown {
                    picture: Picture { layers: layers(&under), fade: Some((layers(&over), share)) },
                    gains: heard,
                    seen: flattened(under, over, share),
                }
            }
            Way::Move { from } => {
                let from = self.side(from, collection, canvas, pts);
                let to = self.scene(collection, self.program, canvas, pts);
                let seen = glide(from, to, share);
                Shown {
                    picture: Picture { layers: layers(&seen), fade: None },
                    gains: gains(&seen, 1.0),
                    seen,
                }
            }
        }
    }

    fn side(&self, side: &Side, collection: &Collection, canvas: Size, pts: Pts) -> Vec<Seen> {
        match side {
            Side::Scene(scene) => self.scene(collection, *scene, canvas, pts),
            Side::Frozen(seen) => seen.clone(),
        }
    }

    /// The visible items of a scene, animated, from the back to the front.
    fn scene(&self, collection: &Collection, scene: SceneId, canvas: Size, pts: Pts) -> Vec<Seen> {
        let Some(scene) = collection.scene(scene) else {
            return Vec::new();
        };
        let mut seen: Vec<Seen> = (scene.items.iter())
            .filter(|item| item.visible)
            .map(|item| {
                let target = resolved(&item.slot, canvas);
                let motion = self.motions.iter().find(|motion| motion.item == item.id);
                let slot = match motion.and_then(|motion| Some((motion, motion.from?))) {
                    Some((motion, from)) => between(&from, &target, motion.course.share(pts)),
                    None => target,
                };
                Seen { item: item.id, source: item.source, slot, presence: 1.0 }
            })
            .collect();
        sort_by_depth(&mut seen);
        seen
    }

    /// Where an item was seen in the last picture: top-left corner and extent in canvas pixels, for handles drawn
    /// over the preview. `None` for items that are not on the programme.
    pub fn place_of(&self, item: ItemId) -> Option<(Vec2, Vec2)> {
        self.seen.iter().find(|seen| seen.item == item).map(|seen| (seen.slot.position, seen.slot.size))
    }
}

struct Shown {
    picture: Picture,
    gains: std::collections::HashMap<SourceId, f32>,
    seen: Vec<Seen>,
}
