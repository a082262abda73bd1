//! The card about the recording: the file, how long and large it is, how much room is left.

use control::{Command, RecordingState};
use egui::Ui;

use crate::figures;
use crate::icon::Icon;
use crate::pass::Pass;
use crate::widget::{Button, Words, card, row};

/// Shows the card.
pub(crate) fn show(ui: &mut Ui, pass: &mut Pass<'_>) {
    let (theme, recording) = (pass.theme, &pass.view.recording);
    card(ui, theme, "Recording", |ui| {
        let state = match recording.state {
            RecordingState::Recording => Words::new(theme).colored("being written", theme.good),
            RecordingState::Finishing => Words::new(theme).second("finishing the file"),
            RecordingState::Failed => Words::new(theme).colored("failed", theme.warning),
            _ => Words::new(theme).second("off"),
        };
        row(ui, Words::new(theme).strong("Recording"), state);
        if recording.state != RecordingState::Off {
            let figures =
                format!("{} · {}", figures::timer(recording.length), figures::bytes(recording.bytes));
            let room =
                recording.room_left.map(|left| format!("{} left", figures::room(left))).unwrap_or_default();
            row(ui, Words::new(theme).second(&figures), Words::new(theme).second(&room));
            let file = recording.path.rsplit(['/', '\\']).next().unwrap_or_default();
            ui.add(egui::Label::new(Words::new(theme).second(file).job()).truncate())
                .on_hover_text(&recording.path);
        }
        ui.add_space(2.0);
        let (label, icon, command) = match recording.state {
            RecordingState::Recording => ("Stop recording", Icon::Stop, Some(Command::StopRecording)),
            RecordingState::Finishing => ("Finishing…", Icon::Hourglass, None),
            _ => ("Start recording", Icon::Record, Some(Command::StartRecording)),
        };
        let tooltip = match &command {
            Some(Command::StopRecording) => "Finish the file (Ctrl+Shift+R)",
            Some(_) => "Record the same picture and sound to disk (Ctrl+Shift+R)",
            None => "The file is being closed",
        };
        let button = Button { label, icon: Some(icon), chosen: None, enabled: command.is_some(), tooltip };
        let response = button.show(ui, theme);
        if let Some(command) = command {
            pass.control(&response, || command);
        }
    });
}
