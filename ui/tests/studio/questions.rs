//! Questions that only the person can answer.

use control::{Answer, Command};
use egui::accesskit::Role;
use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable as _;

use crate::fixture::{on_air, open};
use crate::hand::{Window, click, focused, is_open, press};
use crate::ladder_fixture::{ready, warning};

#[test]
fn a_question_waits_for_its_answer() {
    for (button, answer) in
        [("Go on", Answer::Continue), ("Send one rendition", Answer::SingleTrack), ("Cancel", Answer::Cancel)]
    {
        let mut view = ready();
        view.question = Some(warning());
        let mut harness = open(view);
        assert!(is_open(&harness, "The service has a warning"));
        assert_eq!(focused(&harness), "Button Cancel", "Enter by mistake changes nothing");
        harness.get_by_label_contains("will no longer be supported after 1 March");
        let asked = click(&mut harness, Role::Button, button);
        assert_eq!(asked, [Command::Answer { question: 7, answer }]);
        assert!(!is_open(&harness, "The service has a warning"), "it is answered once");
        harness.state_mut().now_secs += 2.5;
        harness.run_steps(3);
        assert!(is_open(&harness, "The service has a warning"), "the answer did not arrive");
        let asked = click(&mut harness, Role::Button, button);
        assert_eq!(asked, [Command::Answer { question: 7, answer }]);
        harness.state_mut().view.question.as_mut().unwrap().id = 8;
        harness.run_steps(3);
        assert!(is_open(&harness, "The service has a warning"), "another question");
    }
}

#[test]
fn escape_answers_cancel() {
    let mut view = ready();
    view.question = Some(warning());
    let mut harness = open(view);
    let asked = press(&mut harness, Modifiers::NONE, Key::Escape);
    assert_eq!(asked, [Command::Answer { question: 7, answer: Answer::Cancel }]);
}

#[test]
fn a_link_tells_its_host_and_opens_only_on_a_click() {
    let mut view = ready();
    view.question = Some(warning());
    let mut harness = open(view);
    assert!(harness.output().platform_output.commands.is_empty());
    harness.get_by_role_and_label(Role::Button, "open help.example.net").click();
    let opened = |harness: &Window| {
        harness.output().platform_output.commands.iter().any(|command| {
            matches!(command, egui::OutputCommand::OpenUrl(open) if open.url == "https://help.example.net/drivers?lang=en")
        })
    };
    let steps = (0..4).filter(|_| {
        harness.step();
        opened(&harness)
    });
    assert_eq!(steps.count(), 1);
}

#[test]
fn a_question_on_air_leaves_the_show_at_hand() {
    let mut view = on_air();
    view.question = Some(warning());
    let mut harness = open(view);
    assert!(is_open(&harness, "The service has a warning"));
    assert_eq!(focused(&harness), "nothing", "the keyboard stays with the show");
    let asked = click(&mut harness, Role::ListBoxOption, "Talking head");
    assert_eq!(asked, [Command::SwitchScene(scene::SceneId(2))]);
    assert_eq!(press(&mut harness, Modifiers::NONE, Key::Escape), [], "Escape meant the show");
    assert!(is_open(&harness, "The service has a warning"));
    press(&mut harness, Modifiers::SHIFT, Key::F6);
    while focused(&harness) != "Button Cancel" {
        press(&mut harness, Modifiers::NONE, Key::Tab);
    }
    let asked = press(&mut harness, Modifiers::NONE, Key::Escape);
    assert_eq!(asked, [Command::Answer { question: 7, answer: Answer::Cancel }]);
}
