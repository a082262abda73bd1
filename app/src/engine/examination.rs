//! What this PC can do, asked for from the window. It is found out beside the engine, which takes seconds.

use control::{MachineSection, MachineView, Problem, Severity};
use crossbeam_channel::Receiver;

use super::Core;
use crate::doctor::{self, Place};

/// The last examination, and the one under way.
#[derive(Default)]
pub(super) struct Examination {
    running: Option<Receiver<Vec<MachineSection>>>,
    page: Vec<MachineSection>,
}

impl Core {
    /// Examines the PC. Not while encoders are at work for somebody: a graphics card takes only so many at a time, and
    /// one more for a test may end one that is on air.
    pub(super) fn examine_machine(&mut self) {
        if self.examination.running.is_some() {
            return;
        }
        if !self.outlets.is_empty() || self.approach.is_some() || self.recording.is_some() {
            self.refuse_examination("The encoders are at work: trying them now could disturb your show.");
            return;
        }
        let (sender, page) = crossbeam_channel::bounded(1);
        let gpu = (**self.machine.gpu.load()).clone();
        let place = Place {
            canvas: self.settings.canvas,
            rate: self.settings.rate,
            recordings: self.settings.record_into.clone(),
        };
        let started = std::thread::Builder::new().name("examination".into()).spawn(move || {
            let facts = doctor::examine(&Ok(gpu), &place);
            drop(sender.send(doctor::page(&facts)));
        });
        match started {
            Ok(_) => self.examination.running = Some(page),
            Err(error) => self.refuse_examination(&format!("No thread: {error}.")),
        }
    }

    fn refuse_examination(&mut self, happened: &str) {
        self.tell(Problem {
            severity: Severity::Notice,
            code: "machine.not_examined",
            happened: happened.into(),
            done: "Nothing was tried.".into(),
            advice: "Look at what this PC can do when you are off air.".into(),
        });
    }

    /// Follows the examination.
    pub(super) fn watch_examination(&mut self) {
        let Some(running) = &self.examination.running else { return };
        match running.try_recv() {
            Ok(page) => self.examination = Examination { running: None, page },
            Err(crossbeam_channel::TryRecvError::Empty) => {}
            Err(crossbeam_channel::TryRecvError::Disconnected) => {
                self.examination.running = None;
                self.refuse_examination("The examination of this PC broke off.");
            }
        }
    }

    pub(super) fn machine_view(&self) -> MachineView {
        MachineView {
            is_being_examined: self.examination.running.is_some(),
            page: self.examination.page.clone(),
        }
    }
}
