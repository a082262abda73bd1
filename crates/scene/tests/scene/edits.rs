use proptest::prelude::*;
use scene::{
    AspectMode, Collection, Color, Crop, Edit, EditError, History, Item, ItemId, SceneId, Slot, SlotChange,
    Source, SourceId, SourceKind, Vec2,
};

use crate::{canvas, demo};

#[test]
fn the_demo_is_whole_on_every_canvas() {
    for (width, height) in [(1280, 720), (1, 1), (1080, 1920), (16_384, 16_384)] {
        let collection = Collection::demo(units::Size::new(width, height).unwrap());
        assert_eq!(collection.verify(), Ok(()), "{width}x{height}");
    }
}

#[test]
fn setting_a_size_ends_matching_the_canvas() {
    let before = demo();
    let item = before.scenes[0].items[0].id;
    assert!(before.item(item).unwrap().1.slot.match_canvas_size);
    let change = SlotChange { size: Some(Vec2 { x: -320.0, y: 180.0 }), ..SlotChange::default() };
    let after = before.edited(&Edit::ChangeSlot { item, change }).unwrap();
    let slot = after.item(item).unwrap().1.slot;
    assert!(!slot.match_canvas_size);
    assert_eq!(slot.size, Vec2 { x: -320.0, y: 180.0 });
    assert_eq!(slot.aspect, AspectMode::None, "the rest stays");
}

#[test]
fn what_does_not_fit_is_refused_with_a_sentence() {
    let collection = demo();
    let item = collection.scenes[0].items[0].id;
    let refused = |edit: Edit| collection.edited(&edit).unwrap_err().to_string();
    assert_eq!(refused(Edit::RemoveScene { scene: SceneId(99) }), "there is no scene 99");
    assert_eq!(
        refused(Edit::RemoveSource { source: SourceId(2), with_items: false }),
        "“Screen” is still used in Pattern + screen, Screen + camera"
    );
    assert_eq!(
        refused(Edit::SetAlwaysHeard { source: SourceId(3), heard: true }),
        "a camera can not be heard"
    );
    assert_eq!(refused(Edit::SetGain { source: SourceId(1), gain: 2.5 }), "gain: 2.5 is not between 0 and 2");
    assert_eq!(
        refused(Edit::SetDelay { source: SourceId(1), delay_ms: 2001 }),
        "delay_ms: 2001 is not between 0 and 2000 milliseconds"
    );
    let change = SlotChange { alpha: Some(f32::NAN), ..SlotChange::default() };
    assert_eq!(refused(Edit::ChangeSlot { item, change }), "slot.alpha: NaN is not between 0 and 1");
    let blank = Edit::RenameScene { scene: SceneId(1), name: "  ".into() };
    assert_eq!(refused(blank), "name: a name can not be empty");

    let mut last = demo();
    for scene in [1, 2] {
        last = last.edited(&Edit::RemoveScene { scene: SceneId(scene) }).unwrap();
    }
    assert_eq!(last.edited(&Edit::RemoveScene { scene: SceneId(3) }), Err(EditError::LastScene));
}

#[test]
fn removing_a_source_with_its_items_leaves_no_trace() {
    let heard = demo().edited(&Edit::SetAlwaysHeard { source: SourceId(1), heard: true }).unwrap();
    let after = heard.edited(&Edit::RemoveSource { source: SourceId(1), with_items: true }).unwrap();
    assert_eq!(after.verify(), Ok(()));
    assert!(after.always_heard.is_empty());
    assert!(after.scenes.iter().all(|scene| scene.items.iter().all(|item| item.source != SourceId(1))));
}

#[test]
fn a_gesture_is_one_step() {
    let mut history = History::new(demo());
    let source = SourceId(1);
    history.apply(&Edit::SetMuted { source, muted: true }).unwrap();
    let before = history.present().clone();
    for step in 0..50u8 {
        history.apply_in_group(&Edit::SetGain { source, gain: f32::from(step) / 50.0 }, 7).unwrap();
    }
    history.apply_in_group(&Edit::SetGain { source, gain: 2.0 }, 8).unwrap();
    assert!(history.undo());
    assert_eq!(history.present().source(source).unwrap().gain, 0.98);
    assert!(history.undo());
    assert_eq!(history.present(), &before);
    assert!(history.redo() && history.redo() && !history.redo());
}

#[test]
fn ids_are_not_used_again_after_an_undo() {
    let mut history = History::new(demo());
    let first = history.new_id();
    history.apply(&Edit::AddScene { id: SceneId(first), name: "One".into(), at: None }).unwrap();
    history.undo();
    assert!(history.new_id() > first);
    let copies = history.new_ids(5);
    assert_eq!(history.new_id(), copies + 5);
}

/// Numbers a careless caller might pass.
fn wild() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => -2.0f32..3.0,
        2 => -5000.0f32..5000.0,
        1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(-0.0), Just(f32::MAX)],
    ]
}

fn change() -> impl Strategy<Value = SlotChange> {
    let point = || proptest::option::of((wild(), wild()).prop_map(|(x, y)| Vec2 { x, y }));
    let color = (wild(), wild(), wild(), wild()).prop_map(|(r, g, b, a)| Color { r, g, b, a });
    let crop = (wild(), wild(), wild(), wild()).prop_map(|(left, top, right, bottom)| Crop {
        left,
        top,
        right,
        bottom,
    });
    let aspect = prop_oneof![Just(AspectMode::Fit), Just(AspectMode::Fill), Just(AspectMode::None)];
    (
        (point(), point(), proptest::option::of(any::<bool>()), proptest::option::of(wild())),
        (proptest::option::of(aspect), proptest::option::of(color)),
        (proptest::option::of(wild()), proptest::option::of(crop), proptest::option::of(wild())),
    )
        .prop_map(
            |((position, size, match_canvas_size, z_index), (aspect, fill_color), (alpha, crop, gain))| {
                SlotChange {
                    position,
                    size,
                    match_canvas_size,
                    z_index,
                    aspect,
                    fill_color,
                    alpha,
                    crop,
                    gain,
                }
            },
        )
}

fn edit() -> impl Strategy<Value = Edit> {
    let scene = || (1u64..8).prop_map(SceneId);
    let source = || (1u64..12).prop_map(SourceId);
    let item = || (1u64..24).prop_map(ItemId);
    let name = || prop_oneof![3 => "[a-z ]{0,6}", 1 => ".{0,220}"];
    let place = || 0usize..9;
    let kind = prop_oneof![
        name().prop_map(|path| SourceKind::Image { path }),
        (name(), any::<bool>()).prop_map(|(path, looping)| SourceKind::Media { path, looping }),
        wild().prop_map(|r| SourceKind::Color { color: Color { r, ..Color::default() } }),
        Just(SourceKind::AudioInput { device: None }),
        any::<bool>().prop_map(|beep| SourceKind::TestPattern { beep }),
    ];
    let added =
        (source(), name(), kind.clone(), wild(), 0u32..2500).prop_map(|(id, name, kind, gain, delay_ms)| {
            Edit::AddSource { source: Source { id, name, kind, muted: false, gain, delay_ms } }
        });
    let placed = (scene(), item(), source(), change(), proptest::option::of(place())).prop_map(
        |(scene, id, source, change, at)| {
            let slot = change.applied_to(&Slot::default());
            Edit::AddItem { scene, item: Item { id, source, slot, visible: true }, at }
        },
    );
    prop_oneof![
        name().prop_map(|name| Edit::RenameCollection { name }),
        (scene(), name(), proptest::option::of(place())).prop_map(|(id, name, at)| Edit::AddScene {
            id,
            name,
            at
        }),
        (scene(), scene(), name(), item()).prop_map(|(scene, id, name, first_item)| Edit::DuplicateScene {
            scene,
            id,
            name,
            first_item
        }),
        scene().prop_map(|scene| Edit::RemoveScene { scene }),
        (scene(), name()).prop_map(|(scene, name)| Edit::RenameScene { scene, name }),
        (scene(), place()).prop_map(|(scene, to)| Edit::MoveScene { scene, to }),
        placed,
        item().prop_map(|item| Edit::RemoveItem { item }),
        (item(), item()).prop_map(|(item, id)| Edit::DuplicateItem { item, id }),
        (item(), place()).prop_map(|(item, to)| Edit::MoveItem { item, to }),
        (item(), change()).prop_map(|(item, change)| Edit::ChangeSlot { item, change }),
        (item(), any::<bool>()).prop_map(|(item, visible)| Edit::SetVisible { item, visible }),
        added,
        (source(), any::<bool>()).prop_map(|(source, with_items)| Edit::RemoveSource { source, with_items }),
        (source(), kind).prop_map(|(source, kind)| Edit::ChangeSource { source, kind }),
        (source(), name()).prop_map(|(source, name)| Edit::RenameSource { source, name }),
        (source(), any::<bool>()).prop_map(|(source, muted)| Edit::SetMuted { source, muted }),
        (source(), wild()).prop_map(|(source, gain)| Edit::SetGain { source, gain }),
        (source(), 0u32..2500).prop_map(|(source, delay_ms)| Edit::SetDelay { source, delay_ms }),
        (source(), any::<bool>()).prop_map(|(source, heard)| Edit::SetAlwaysHeard { source, heard }),
    ]
}

proptest! {
    #[test]
    fn edits_keep_a_collection_whole_and_undo_takes_them_back(edits in proptest::collection::vec(edit(), 1..60)) {
        let mut history = History::new(demo());
        let mut states = vec![history.present().clone()];
        for edit in &edits {
            if history.apply(edit).is_ok() {
                states.push(history.present().clone());
            }
            prop_assert_eq!(history.present().verify(), Ok(()), "after {:?}", edit);
            let text = scene::to_json(history.present()).unwrap();
            prop_assert_eq!(&scene::from_json(&text).unwrap().collection, history.present().as_ref());
        }
        let mut stage = scene::Stage::new(SceneId(1));
        stage.evaluate(history.present(), canvas(), units::Pts::ZERO);
        for state in states.iter().rev().skip(1) {
            prop_assert!(history.undo());
            prop_assert_eq!(history.present(), state);
        }
        prop_assert!(!history.undo());
        for state in states.iter().skip(1) {
            prop_assert!(history.redo());
            prop_assert_eq!(history.present(), state);
        }
        prop_assert!(!history.redo());
    }
}
