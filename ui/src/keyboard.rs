//! Keys that work anywhere in the window. Keys of one control live with that control.

use control::{Command, RecordingState};
use egui::{Context, Key, Modifiers};

use crate::panel::stream::{self, Purpose};
use crate::pass::Pass;
use crate::sheet::{self, Sheet};

const DIGITS: [Key; 9] =
    [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
const CTRL_SHIFT: Modifiers = Modifiers { ctrl: true, shift: true, ..Modifiers::NONE };

/// Takes the window's keys out of the input and turns them into commands.
pub(crate) fn take(ctx: &Context, pass: &mut Pass<'_>) {
    // The more specific shortcut first: matching ignores extra Shift and Alt.
    if pressed_once(ctx, CTRL_SHIFT, Key::L) {
        match stream::key_act(pass) {
            Purpose::Nothing => {}
            Purpose::Ask(command) => {
                pass.memory.hold.disarm();
                pass.memory.sheets.close_go_live();
                pass.commands.push(command);
            }
            Purpose::OpenSheet => sheet::open_go_live(pass),
        }
    }
    if pressed_once(ctx, Modifiers::CTRL, Key::Comma) {
        pass.memory.sheets.open(Sheet::Preferences);
    }
    if pressed_once(ctx, CTRL_SHIFT, Key::R) {
        match pass.view.recording.state {
            RecordingState::Recording => pass.commands.push(Command::StopRecording),
            RecordingState::Off | RecordingState::Failed => pass.commands.push(Command::StartRecording),
            _ => {}
        }
    }
    // While text is typed, these undo typing.
    if !ctx.text_edit_focused() {
        let redo = ctx.input_mut(|input| {
            input.consume_key(CTRL_SHIFT, Key::Z) || input.consume_key(Modifiers::CTRL, Key::Y)
        });
        if redo && pass.view.can_redo {
            pass.commands.push(Command::Redo);
        }
        if ctx.input_mut(|input| input.consume_key(Modifiers::CTRL, Key::Z)) && pass.view.can_undo {
            pass.commands.push(Command::Undo);
        }
    }
    for (key, scene) in DIGITS.into_iter().zip(&pass.view.scenes) {
        if ctx.input_mut(|input| input.consume_key(Modifiers::CTRL, key)) {
            pass.commands.push(Command::SwitchScene(scene.id));
        }
    }
    if ctx.input(|input| input.key_pressed(Key::Escape)) {
        pass.memory.hold.disarm();
        pass.memory.selected_item = None;
    }
}

/// Whether a shortcut was pressed, not counting the repeats of a key that is held: a public act happens once.
fn pressed_once(ctx: &Context, modifiers: Modifiers, key: Key) -> bool {
    let pressed = ctx.input(|input| {
        input.events.iter().any(|event| {
            matches!(event, egui::Event::Key { key: other, pressed: true, repeat: false, modifiers: held, .. }
                if *other == key && held.matches_logically(modifiers))
        })
    });
    // Consumed in any case, so that a repeat does not reach another shortcut.
    let consumed = ctx.input_mut(|input| input.consume_key(modifiers, key));
    pressed && consumed
}
