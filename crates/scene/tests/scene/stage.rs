use proptest::prelude::*;
use scene::{
    AnimationId, Collection, Easing, Edit, Ended, Evaluated, Item, ItemId, Layer, Scene, SceneId, Slot,
    SlotChange, Source, SourceId, SourceKind, Stage, Transition, TransitionStyle, Vec2,
};
use units::{Pts, Span};

use crate::canvas;

const RED: SourceId = SourceId(1);
const TONE: SourceId = SourceId(2);
const MICROPHONE: SourceId = SourceId(3);
const FILM: SourceId = SourceId(4);
const FIRST: SceneId = SceneId(1);
const SECOND: SceneId = SceneId(2);
const THIRD: SceneId = SceneId(3);

fn source(id: SourceId, kind: SourceKind) -> Source {
    Source { id, name: format!("{}", id.0), kind, muted: false, gain: 1.0, delay_ms: 0 }
}

fn item(id: u64, source: SourceId, x: f32, z_index: f32) -> Item {
    let slot = Slot {
        position: Vec2 { x, y: 0.0 },
        size: Vec2 { x: 100.0, y: 100.0 },
        match_canvas_size: false,
        z_index,
        ..Slot::default()
    };
    Item { id: ItemId(id), source, slot, visible: true }
}

fn collection() -> Collection {
    let mut film = item(21, FILM, 700.0, 0.0);
    film.slot.gain = 0.5;
    Collection {
        name: "Test".into(),
        sources: vec![
            source(RED, SourceKind::Color { color: scene::Color::default() }),
            source(TONE, SourceKind::TestPattern { beep: true }),
            source(MICROPHONE, SourceKind::AudioInput { device: None }),
            source(FILM, SourceKind::Media { path: "a.mp4".into(), looping: true }),
        ],
        scenes: vec![
            Scene {
                id: FIRST,
                name: "1".into(),
                items: vec![item(11, RED, 0.0, 0.0), item(12, TONE, 10.0, 0.0)],
            },
            Scene { id: SECOND, name: "2".into(), items: vec![item(22, RED, 200.0, 5.0), film] },
            Scene { id: THIRD, name: "3".into(), items: vec![item(31, TONE, 500.0, 0.0)] },
        ],
        always_heard: vec![],
    }
}

fn frame(stage: &mut Stage, collection: &Collection, ms: i64) -> Evaluated {
    stage.evaluate(collection, canvas(), Pts::from_millis(ms))
}

fn linear(style: TransitionStyle, ms: i64) -> Transition {
    Transition { style, duration: Span::from_millis(ms), easing: Easing::Linear }
}

fn items(layers: &[Layer]) -> Vec<u64> {
    layers.iter().map(|layer| layer.item.0).collect()
}

fn done(id: AnimationId) -> Ended {
    Ended { id, completed: true }
}

fn interrupted(id: AnimationId) -> Ended {
    Ended { id, completed: false }
}

#[test]
fn layers_are_sorted_by_depth_and_hidden_items_are_left_out() {
    let mut document = collection();
    document.scenes[0].items = vec![
        item(1, RED, 0.0, 3.0),
        item(2, RED, 0.0, -1.0),
        item(3, TONE, 0.0, 3.0),
        Item { visible: false, ..item(4, FILM, 0.0, 0.0) },
        Item { slot: Slot { z_index: 2.0, ..Slot::default() }, ..item(5, RED, 0.0, 0.0) },
    ];
    let shown = frame(&mut Stage::new(FIRST), &document, 0);
    assert_eq!(items(&shown.picture.layers), [2, 5, 1, 3]);
    assert_eq!(shown.picture.layers[1].size, Vec2 { x: 1280.0, y: 720.0 }, "matches the canvas");
    assert_eq!(shown.gains, [(TONE, 1.0)], "a hidden film is not heard");
}

#[test]
fn sources_that_are_always_heard_are_heard_at_full_gain() {
    let mut document = collection();
    document.always_heard = vec![MICROPHONE, FILM];
    let mut stage = Stage::new(SECOND);
    assert_eq!(frame(&mut stage, &document, 0).gains, [(MICROPHONE, 1.0), (FILM, 1.0)]);
    stage.switch(FIRST, linear(TransitionStyle::Fade, 1000));
    frame(&mut stage, &document, 1000);
    assert_eq!(frame(&mut stage, &document, 1500).gains, [(TONE, 0.5), (MICROPHONE, 1.0), (FILM, 1.0)]);
}

#[test]
fn a_cut_is_there_at_the_next_frame() {
    let (document, mut stage) = (collection(), Stage::new(FIRST));
    frame(&mut stage, &document, 0);
    let cut = stage.switch(SECOND, linear(TransitionStyle::Cut, 5000));
    let shown = frame(&mut stage, &document, 33);
    assert_eq!(items(&shown.picture.layers), [21, 22]);
    assert_eq!(shown.picture.fade, None);
    assert_eq!(shown.ended, [done(cut)]);
    assert_eq!(frame(&mut stage, &document, 66).ended, []);
}

#[test]
fn a_fade_lays_the_new_scene_over_the_old_one_with_its_sound() {
    let (document, mut stage) = (collection(), Stage::new(FIRST));
    frame(&mut stage, &document, 0);
    let fade = stage.switch(SECOND, linear(TransitionStyle::Fade, 1000));
    let start = frame(&mut stage, &document, 100);
    assert_eq!(start.picture.fade.as_ref().unwrap().1, 0.0);
    let shown = frame(&mut stage, &document, 350);
    let (over, share) = shown.picture.fade.unwrap();
    assert_eq!((items(&shown.picture.layers), items(&over), share), (vec![11, 12], vec![21, 22], 0.25));
    assert_eq!(shown.gains, [(TONE, 0.75), (FILM, 0.125)]);
    assert!(stage.is_switching());
    let end = frame(&mut stage, &document, 1100);
    assert_eq!((end.picture.fade, end.ended), (None, vec![done(fade)]));
    assert!(!stage.is_moving());
}

#[test]
fn going_back_runs_a_fade_backwards() {
    let (document, mut stage) = (collection(), Stage::new(FIRST));
    frame(&mut stage, &document, 0);
    let there = stage.switch(SECOND, linear(TransitionStyle::Fade, 1000));
    frame(&mut stage, &document, 0);
    let seen = frame(&mut stage, &document, 400).picture;
    let back = stage.switch(FIRST, linear(TransitionStyle::Fade, 1000));
    let shown = frame(&mut stage, &document, 433);
    assert_eq!(shown.picture, seen, "nothing jumps");
    assert_eq!(shown.ended, [interrupted(there)]);
    let half = frame(&mut stage, &document, 933).picture.fade.unwrap().1;
    assert!((half - 0.2).abs() < 1e-6);
    let end = frame(&mut stage, &document, 1433);
    assert_eq!(
        (items(&end.picture.layers), end.picture.fade, end.ended),
        (vec![11, 12], None, vec![done(back)])
    );
    assert_eq!(stage.program(), FIRST);
}

#[test]
fn a_third_scene_fades_in_over_what_is_seen() {
    let (document, mut stage) = (collection(), Stage::new(FIRST));
    frame(&mut stage, &document, 0);
    let older = stage.switch(SECOND, linear(TransitionStyle::Fade, 1000));
    frame(&mut stage, &document, 0);
    frame(&mut stage, &document, 500);
    let newer = stage.switch(THIRD, linear(TransitionStyle::Fade, 1000));
    let shown = frame(&mut stage, &document, 533);
    assert_eq!(shown.ended, [interrupted(older)]);
    let alphas: Vec<_> = shown.picture.layers.iter().map(|layer| (layer.item.0, layer.alpha)).collect();
    assert_eq!(alphas, [(11, 1.0), (12, 1.0), (21, 0.5), (22, 0.5)]);
    assert_eq!(items(&shown.picture.fade.unwrap().0), [31]);
    assert_eq!(frame(&mut stage, &document, 1533).ended, [done(newer)]);
}

#[test]
fn a_move_glides_what_both_scenes_share() {
    let (document, mut stage) = (collection(), Stage::new(FIRST));
    frame(&mut stage, &document, 0);
    let id = stage.switch(SECOND, linear(TransitionStyle::Move, 1000));
    frame(&mut stage, &document, 0);
    let shown = frame(&mut stage, &document, 500);
    assert_eq!(shown.picture.fade, None);
    let drawn: Vec<_> = shown.picture.layers.iter().map(|l| (l.item.0, l.position.x, l.alpha)).collect();
    assert_eq!(drawn, [(12, 10.0, 0.5), (21, 700.0, 0.5), (22, 100.0, 1.0)]);
    assert_eq!(shown.gains, [(TONE, 0.5), (FILM, 0.25)]);
    // Interrupted by a move onwards: it begins where things stand.
    let onwards = stage.switch(THIRD, linear(TransitionStyle::Move, 1000));
    let shown = frame(&mut stage, &document, 533);
    let drawn: Vec<_> = shown.picture.layers.iter().map(|l| (l.item.0, l.position.x, l.alpha)).collect();
    assert_eq!(drawn, [(21, 700.0, 0.5), (31, 10.0, 0.5), (22, 100.0, 1.0)]);
    assert_eq!(shown.ended, [interrupted(id)]);
    assert_eq!(frame(&mut stage, &document, 1533).ended, [done(onwards)]);
}

#[test]
fn the_kth_item_of_a_source_becomes_the_kth() {
    let mut document = collection();
    document.scenes[0].items =
        vec![item(1, RED, 0.0, 0.0), item(2, RED, 100.0, 0.0), item(3, RED, 900.0, 0.0)];
    document.scenes[1].items = vec![item(4, RED, 1000.0, 0.0), item(5, RED, 1100.0, 0.0)];
    let mut stage = Stage::new(FIRST);
    stage.switch(SECOND, linear(TransitionStyle::Move, 1000));
    frame(&mut stage, &document, 0);
    let shown = frame(&mut stage, &document, 500);
    let drawn: Vec<_> = shown.picture.layers.iter().map(|l| (l.item.0, l.position.x, l.alpha)).collect();
    assert_eq!(drawn, [(3, 900.0, 0.5), (4, 500.0, 1.0), (5, 600.0, 1.0)]);
}

#[test]
fn an_item_glides_to_what_the_document_says() {
    let (mut document, mut stage) = (collection(), Stage::new(FIRST));
    frame(&mut stage, &document, 0);
    let glide = |document: &Collection, x: f32| {
        let change = SlotChange { position: Some(Vec2 { x, y: 0.0 }), ..SlotChange::default() };
        document.edited(&Edit::ChangeSlot { item: ItemId(11), change }).unwrap()
    };
    let x = |shown: &Evaluated| shown.picture.layers[0].position.x;
    document = glide(&document, 100.0);
    let first = stage.animate(ItemId(11), Span::from_millis(1000), Easing::Linear);
    assert_eq!(x(&frame(&mut stage, &document, 33)), 0.0, "starts where it was");
    assert_eq!(x(&frame(&mut stage, &document, 533)), 50.0);
    // A newer one starts from what is seen and interrupts the older.
    document = glide(&document, 0.0);
    let second = stage.animate(ItemId(11), Span::from_millis(500), Easing::Linear);
    let shown = frame(&mut stage, &document, 566);
    assert_eq!((x(&shown), shown.ended), (50.0, vec![interrupted(first)]));
    let shown = frame(&mut stage, &document, 1066);
    assert_eq!((x(&shown), shown.ended), (0.0, vec![done(second)]));
    // Zero is the next frame.
    document = glide(&document, 300.0);
    let third = stage.animate(ItemId(11), Span::ZERO, Easing::Smooth);
    let shown = frame(&mut stage, &document, 1100);
    assert_eq!((x(&shown), shown.ended), (300.0, vec![done(third)]));
    assert_eq!(stage.place_of(ItemId(11)).unwrap().0.x, 300.0);
    // An item that is removed ends its animation.
    let fourth = stage.animate(ItemId(11), Span::from_secs(1), Easing::Smooth);
    document = document.edited(&Edit::RemoveItem { item: ItemId(11) }).unwrap();
    assert_eq!(frame(&mut stage, &document, 1133).ended, [interrupted(fourth)]);
}

#[test]
fn a_scene_removed_from_under_the_programme_gives_way_to_the_first() {
    let (document, mut stage) = (collection(), Stage::new(FIRST));
    frame(&mut stage, &document, 0);
    let id = stage.switch(SECOND, linear(TransitionStyle::Fade, 1000));
    frame(&mut stage, &document, 0);
    let document = document.edited(&Edit::RemoveScene { scene: SECOND }).unwrap();
    let shown = frame(&mut stage, &document, 33);
    assert_eq!((items(&shown.picture.layers), shown.ended), (vec![11, 12], vec![interrupted(id)]));
    assert_eq!(stage.program(), FIRST);
}

#[derive(Clone, Debug)]
enum Act {
    Switch(u64, TransitionStyle, i64),
    Animate(u64, f32, i64),
    Frame(i64),
}

fn act() -> impl Strategy<Value = Act> {
    let style =
        prop_oneof![Just(TransitionStyle::Cut), Just(TransitionStyle::Fade), Just(TransitionStyle::Move)];
    prop_oneof![
        (1u64..5, style, -10i64..400).prop_map(|(scene, style, ms)| Act::Switch(scene, style, ms)),
        (10u64..35, -2000.0f32..2000.0, -10i64..400).prop_map(|(item, x, ms)| Act::Animate(item, x, ms)),
        (0i64..200).prop_map(Act::Frame),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_every_animation_ends_once_and_pictures_are_sound(
        acts in proptest::collection::vec(act(), 1..60),
    ) {
        let (mut document, mut stage) = (collection(), Stage::new(FIRST));
        let (mut begun, mut ended, mut now) = (Vec::new(), Vec::new(), 0);
        for act in acts.into_iter().chain([Act::Frame(0), Act::Frame(1000)]) {
            match act {
                Act::Switch(scene, style, ms) => begun.push(stage.switch(SceneId(scene), linear(style, ms))),
                Act::Animate(item, x, ms) => {
                    let change = SlotChange { position: Some(Vec2 { x, y: 0.0 }), ..SlotChange::default() };
                    document = document.edited(&Edit::ChangeSlot { item: ItemId(item), change }).unwrap_or(document);
                    begun.push(stage.animate(ItemId(item), Span::from_millis(ms), Easing::Smooth));
                }
                Act::Frame(ms) => {
                    now += ms;
                    let shown = frame(&mut stage, &document, now);
                    ended.extend(shown.ended.iter().map(|ended| ended.id));
                    let over = shown.picture.fade.iter().flat_map(|(layers, _)| layers);
                    for layer in shown.picture.layers.iter().chain(over) {
                        prop_assert!(layer.alpha > 0.0 && layer.alpha <= 1.0);
                        prop_assert!(layer.position.x.is_finite());
                    }
                    prop_assert!(shown.gains.iter().all(|(_, gain)| *gain > 0.0 && *gain <= 2.0));
                }
            }
        }
        ended.sort();
        prop_assert_eq!(begun, ended);
        prop_assert!(!stage.is_moving());
        let settled = frame(&mut stage, &document, now + 1).picture;
        prop_assert_eq!(settled, frame(&mut Stage::new(stage.program()), &document, 0).picture);
    }
}
