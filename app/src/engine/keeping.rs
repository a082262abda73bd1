//! Keeping the document: an edit is on disk a moment after it was made.

use std::time::{Duration, Instant};

use control::{Problem, Severity};

use super::Core;

/// How long edits are gathered: dragging a fader is one version, not a hundred.
const GATHER: Duration = Duration::from_secs(1);

impl Core {
    /// Lets everything follow the document after an edit, and plans to save it.
    pub(super) fn handle_edited(&mut self) {
        self.follow_collection();
        self.save_at.get_or_insert(Instant::now() + GATHER);
    }

    /// Saves the document when that is due, or when it waits and the show is over.
    pub(super) fn save_if_due(&mut self, is_over: bool) {
        if !self.save_at.is_some_and(|at| is_over || Instant::now() >= at) {
            return;
        }
        self.save_at = None;
        let Some(home) = &mut self.settings.home else { return };
        let saved = home.store.save(&home.name, self.history.present());
        let problem = match saved {
            Ok(saved) => {
                home.name = saved.name;
                saved.avoided.map(|avoided| Problem {
                    severity: Severity::Warning,
                    code: "scenes.saved_elsewhere",
                    happened: format!("{} holds something that is not a collection.", avoided.display()),
                    done: format!("It was left as it is; your scenes are kept in {}.", saved.path.display()),
                    advice: "Look at the file, then remove or rename it.".into(),
                })
            }
            Err(error) => Some(Problem {
                severity: Severity::Error,
                code: "scenes.not_saved",
                happened: format!("Your scenes could not be saved: {error}."),
                done: "The version saved before is whole; saving is tried again with the next change.".into(),
                advice: "Make room on the disk, or check who may write to the folder.".into(),
            }),
        };
        if let Some(problem) = problem {
            self.tell(problem);
        }
    }
}
