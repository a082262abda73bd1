//! Whatever is pressed, and whatever the engine says meanwhile: no slip goes live, and no key is shown.

use control::{Command, LadderStep, LiveState, View};
use egui::accesskit::Role;
use egui::{Event, Key, Modifiers};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use proptest::prelude::*;

use crate::fixture::{Desk, open};
use crate::ladder_fixture::{ready, warning};

const SECRET: &str = "sk_eu-west-1_neverShown";

type Window = egui_kittest::Harness<'static, Desk>;

#[derive(Clone, Debug)]
enum Step {
    /// A key is pressed and let go.
    Press(Modifiers, Key),
    /// The control at this share of the sheet's controls, or of the window's where no sheet is open, is clicked.
    Click(f32),
    /// A key is typed where a key is asked for.
    TypeKey,
    Wait(f64),
    HasKey(bool),
    HasDestination(bool),
    Ladder(LadderStep),
    /// A question with this number is asked, or none.
    Ask(Option<u64>),
    Live(LiveState),
    /// Another computer has the channel, or not.
    CanTakeOver(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let ctrl_shift = Modifiers::CTRL | Modifiers::SHIFT;
    let keys = prop_oneof![
        Just((Modifiers::NONE, Key::Tab)),
        Just((Modifiers::SHIFT, Key::Tab)),
        Just((Modifiers::NONE, Key::Enter)),
        Just((Modifiers::NONE, Key::Space)),
        Just((Modifiers::NONE, Key::Escape)),
        Just((Modifiers::NONE, Key::F6)),
        Just((Modifiers::CTRL, Key::Comma)),
        Just((Modifiers::CTRL, Key::Z)),
        Just((ctrl_shift, Key::L)),
        Just((ctrl_shift, Key::L)),
    ];
    let ladder = prop_oneof![
        Just(LadderStep::NotAsked),
        Just(LadderStep::Asking { attempt: 2, seconds_left: 5 }),
        Just(LadderStep::Testing),
        Just(LadderStep::Granted),
        Just(LadderStep::Granted),
        Just(LadderStep::Refused),
        Just(LadderStep::Unreachable),
    ];
    let live = prop_oneof![
        4 => Just(LiveState::Off),
        1 => Just(LiveState::Failed),
        1 => Just(LiveState::Connecting),
        1 => Just(LiveState::Accepted),
        1 => Just(LiveState::Live),
        1 => Just(LiveState::Reconnecting),
        1 => Just(LiveState::TakenOver),
    ];
    prop_oneof![
        5 => keys.prop_map(|(modifiers, key)| Step::Press(modifiers, key)),
        9 => (0.0f32..1.0).prop_map(Step::Click),
        2 => Just(Step::TypeKey),
        1 => (0.1f64..4.0).prop_map(Step::Wait),
        1 => any::<bool>().prop_map(Step::HasKey),
        1 => proptest::bool::weighted(0.8).prop_map(Step::HasDestination),
        2 => ladder.prop_map(Step::Ladder),
        1 => proptest::option::weighted(0.4, 1u64..4).prop_map(Step::Ask),
        1 => live.prop_map(Step::Live),
        1 => any::<bool>().prop_map(Step::CanTakeOver),
    ]
}

/// The layer that egui makes for a sheet is a dialog too, without a name.
fn is_sheet(node: &egui_kittest::kittest::AccessKitNode<'_>) -> bool {
    node.role() == Role::Dialog && node.label().is_some()
}

fn act(harness: &mut Window, step: &Step) {
    match *step {
        Step::Press(modifiers, key) => harness.key_press_modifiers(modifiers, key),
        Step::Click(share) => {
            let mut next = vec![harness.query_by(is_sheet).unwrap_or_else(|| harness.root())];
            let mut controls = Vec::new();
            while let Some(node) = next.pop() {
                next.extend(node.children());
                if egui::accessibility::is_input(node.accesskit_node().role()) {
                    controls.push(node);
                }
            }
            let place = (controls.len() as f32 * share) as usize;
            if let Some(control) = controls.get(place) {
                control.click();
            }
        }
        Step::TypeKey => {
            let field = harness.query_by_role_and_label(Role::PasswordInput, "New stream key");
            if let Some(field) = field {
                field.focus();
                harness.step();
                harness.event(Event::Text(SECRET.to_owned()));
            }
        }
        Step::Wait(secs) => harness.state_mut().now_secs += secs,
        Step::HasKey(has) => harness.state_mut().view.servers.has_key = has,
        Step::HasDestination(has) => {
            harness.state_mut().view.destinations = if has { ready().destinations } else { Vec::new() };
        }
        Step::Ladder(step) => harness.state_mut().view.ladder.step = step,
        Step::Ask(id) => {
            harness.state_mut().view.question =
                id.map(|id| control::Question { id, title: format!("Question {id}"), ..warning() });
        }
        Step::CanTakeOver(can) => harness.state_mut().view.pairing.can_take_over = can,
        Step::Live(state) => {
            if let Some(destination) = harness.state_mut().view.destinations.first_mut() {
                destination.state = state;
            }
        }
    }
}

/// Whether nothing stands in the way of going live, told from the view alone.
fn may_go_live(view: &View) -> bool {
    view.servers.has_key
        && view.question.is_none()
        && view.ladder.step == LadderStep::Granted
        && view.destination().is_some_and(|destination| {
            matches!(destination.state, LiveState::Off | LiveState::Failed | LiveState::TakenOver)
        })
}

fn check(harness: &mut Window) {
    let view = harness.state().view.clone();
    let mut key_set = view.servers.has_key;
    for command in harness.state_mut().take() {
        match command {
            Command::GoLive => assert!(may_go_live(&view), "it went live"),
            Command::TakeOver => {
                assert!(view.pairing.can_take_over && !view.is_under_way(), "it took over");
            }
            Command::RenewNow | Command::RemoveDestination(_) | Command::CheckNetwork(_) => {
                panic!("there is nothing to renew, remove or check")
            }
            Command::SetStreamKey(ref key) => {
                assert!(!key.is_empty());
                key_set = true;
            }
            Command::PrepareLive => assert!(key_set, "there is nothing to ask with"),
            Command::Answer { question, .. } => {
                assert_eq!(Some(question), view.question.as_ref().map(|question| question.id));
            }
            _ => {}
        }
    }
    let mut next = vec![harness.root()];
    let mut dialogs = 0;
    while let Some(node) = next.pop() {
        let inner = node.accesskit_node();
        dialogs += usize::from(is_sheet(&inner));
        for text in [inner.label(), inner.value(), inner.description()].into_iter().flatten() {
            assert!(!text.contains(SECRET), "the key can be read");
        }
        next.extend(node.children());
    }
    assert!(dialogs <= 1, "{dialogs} sheets at once");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn nothing_goes_live_by_a_slip(steps in proptest::collection::vec(step(), 1..60)) {
        let mut harness = open(ready());
        act(&mut harness, &Step::Press(Modifiers::CTRL | Modifiers::SHIFT, Key::L));
        for step in &steps {
            act(&mut harness, step);
            harness.step();
            check(&mut harness);
            harness.step();
            check(&mut harness);
        }
    }
}
