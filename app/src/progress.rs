//! Progress on stderr, as sentences or as JSON lines.

use std::io::Write;
use std::time::Instant;

use control::{Event, RecordingState};
use serde_json::json;

/// Tells events as they come.
pub(crate) struct Progress {
    json: bool,
    started: Instant,
}

impl Progress {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, started: Instant::now() }
    }

    pub(crate) fn tell(&self, event: &Event) {
        let line = if self.json { self.as_json(event) } else { sentence(event) };
        if let Some(line) = line {
            // A closed stderr is nobody's problem.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }

    fn as_json(&self, event: &Event) -> Option<String> {
        let seconds = (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0;
        let value = match event {
            Event::Live(state) => json!({ "event": "live", "state": format!("{state:?}").to_lowercase() }),
            Event::Recording(state) => {
                json!({ "event": "recording", "state": format!("{state:?}").to_lowercase() })
            }
            Event::Problem(problem) => json!({ "event": "problem", "problem": problem }),
            Event::TransitionEnded { completed } => json!({ "event": "transition", "completed": completed }),
            _ => return None,
        };
        let mut value = value;
        value.as_object_mut()?.insert("seconds".into(), json!(seconds));
        Some(value.to_string())
    }
}

fn sentence(event: &Event) -> Option<String> {
    match event {
        Event::Live(state) => Some(format!("{}.", state.word())),
        Event::Recording(RecordingState::Recording) => Some("Recording.".into()),
        Event::Problem(problem) => Some(problem.to_string()),
        _ => None,
    }
}
