//! Dialogs of the desktop: the window asks for one, and what was picked becomes a command.

use std::io::Read;
use std::path::{Path, PathBuf};

use control::{Command, Pick, Problem, Severity, View};
use crossbeam_channel::Sender;
use desktop::file_dialog::{self, Wanted};
use units::Secret;

/// Longest file that can be a pairing code, in bytes.
const MAX_CODE_BYTES: u64 = 64 * 1024;

/// Opens the dialog above the window.
pub(super) fn open(pick: Pick, view: &View, frame: &eframe::Frame, commands: Sender<Command>) {
    let folder = Some(Path::new(&view.recording.folder)).filter(|folder| folder.is_dir());
    let (wanted, title, folder) = match pick {
        Pick::RecordingFolder => (Wanted::Folder, "Where recordings go", folder),
        Pick::PairingFile => {
            (Wanted::File { words: "Pairing code", endings: &["txt"] }, "The code of the other PC", None)
        }
    };
    let done = move |path: Option<PathBuf>| {
        if let Some(path) = path {
            let _ = commands.send(command_of(pick, path));
        }
    };
    if let Err(error) = file_dialog::pick(wanted, title, folder, frame, done) {
        tracing::warn!(%error, "no dialog");
    }
}

fn command_of(pick: Pick, path: PathBuf) -> Command {
    match pick {
        Pick::RecordingFolder => Command::SetRecordingFolder(path),
        Pick::PairingFile => match read_code(&path) {
            Ok(code) => Command::UsePairing(code),
            Err(error) => Command::Tell(Problem {
                severity: Severity::Warning,
                code: "pairing.file",
                happened: format!("The pairing file {} could not be read: {error}.", path.display()),
                done: "Nothing was changed.".into(),
                advice: "Choose the file that the other PC made.".into(),
            }),
        },
    }
}

fn read_code(path: &Path) -> std::io::Result<Secret> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_CODE_BYTES).read_to_string(&mut text)?;
    Ok(Secret::new(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_picked_becomes_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pairing.txt");
        std::fs::write(&file, " code \n").unwrap();
        assert_eq!(command_of(Pick::PairingFile, file), Command::UsePairing(Secret::new("code")));
        let missing = command_of(Pick::PairingFile, folder.path().join("none"));
        assert!(matches!(missing, Command::Tell(problem) if problem.code == "pairing.file"));
        let picked = command_of(Pick::RecordingFolder, folder.path().to_owned());
        assert_eq!(picked, Command::SetRecordingFolder(folder.path().to_owned()));
    }
}
