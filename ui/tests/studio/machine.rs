//! What this PC can do, on its sheet.

use control::{Command, MachineLine, MachineMark, MachineSection, MachineView};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use crate::fixture::{off_air, open};
use crate::hand::{click, is_open, press, type_text};

fn page() -> Vec<MachineSection> {
    let line = |mark, text: &str| MachineLine { mark, text: text.into() };
    vec![
        MachineSection {
            title: "Graphics cards".into(),
            lines: vec![
                line(MachineMark::Good, "NVIDIA GeForce RTX 4080, driver 566.03, new enough."),
                line(MachineMark::Look, "AMD Radeon RX 6600, driver 23.12.1, too old."),
            ],
        },
        MachineSection { title: "Clock".into(), lines: vec![line(MachineMark::Plain, "Steady.")] },
    ]
}

#[test]
fn asked_for_by_name_the_pc_is_examined_and_told_of() {
    let mut harness = open(off_air());
    press(&mut harness, Modifiers::CTRL, Key::K);
    type_text(&mut harness, "this pc");
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Enter), [Command::ExamineMachine]);
    assert!(is_open(&harness, "What this PC can do"));
    harness.get_by_label("Not looked yet: note");

    harness.state_mut().view.machine = MachineView { is_being_examined: true, page: Vec::new() };
    harness.run_steps(3);
    harness.get_by_label("Looking: being worked on");

    harness.state_mut().view.machine = MachineView { is_being_examined: false, page: page() };
    harness.run_steps(3);
    harness.get_by_label("Graphics cards: good");
    harness.get_by_label("AMD Radeon RX 6600, driver 23.12.1, too old.");
    assert_eq!(click(&mut harness, Role::Button, "Look again"), [Command::ExamineMachine]);
    click(&mut harness, Role::Button, "Done");
    assert!(!is_open(&harness, "What this PC can do"));
}
