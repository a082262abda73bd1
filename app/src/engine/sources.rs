//! The sources that are open: what the collection names, opened once, whatever the number of scenes it is in.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use capture::{CaptureContext, LiveSource, SourceState};
use control::DeviceState;
use scene::{Collection, SourceId, SourceKind};

/// Sources by their id, for the threads that show and play them.
pub(super) type OpenSources = ArcSwap<HashMap<SourceId, Arc<dyn LiveSource>>>;

struct Open {
    kind: SourceKind,
    live: Arc<dyn LiveSource>,
}

/// Opens what an edit adds, closes what it removes, keeps the rest running.
pub(super) struct Sources {
    context: CaptureContext,
    open: HashMap<SourceId, Open>,
    /// Sources that could not be opened, with the settings they failed with: they are not tried again until these
    /// change. (A device that is merely absent does open; it is looked for by itself.)
    failed: HashMap<SourceId, (SourceKind, String)>,
    table: Arc<OpenSources>,
}

impl Sources {
    pub(super) fn new(context: CaptureContext) -> Self {
        Self { context, open: HashMap::new(), failed: HashMap::new(), table: Arc::default() }
    }

    /// The table the canvas looks frames up in.
    pub(super) fn table(&self) -> Arc<OpenSources> {
        self.table.clone()
    }

    /// Opens and closes sources so that all of the collection's are open. Returns a sentence for each that could not
    /// be opened and was not told before.
    pub(super) fn follow(&mut self, collection: &Collection) -> Vec<String> {
        let mut told = Vec::new();
        let kind_of = |id: &SourceId| collection.sources.iter().find(|s| s.id == *id).map(|s| &s.kind);
        self.open.retain(|id, open| kind_of(id) == Some(&open.kind));
        self.failed.retain(|id, (kind, _)| kind_of(id) == Some(kind));
        for source in &collection.sources {
            if self.open.contains_key(&source.id) || self.failed.contains_key(&source.id) {
                continue;
            }
            match capture::open(source, &self.context) {
                Ok(live) => {
                    let open = Open { kind: source.kind.clone(), live: Arc::from(live) };
                    self.open.insert(source.id, open);
                }
                Err(error) => {
                    let sentence = format!("“{}” could not be opened: {error}.", source.name);
                    self.failed.insert(source.id, (source.kind.clone(), error.to_string()));
                    told.push(sentence);
                }
            }
        }
        let table = self.open.iter().map(|(id, open)| (*id, open.live.clone())).collect();
        self.table.store(Arc::new(table));
        told
    }

    /// Has those tried again that could not be opened.
    pub(super) fn forget_failures(&mut self) {
        self.failed.clear();
    }

    /// How a source is doing, and through what it is captured.
    pub(super) fn state(&self, id: SourceId) -> (DeviceState, String) {
        if let Some((_, reason)) = self.failed.get(&id) {
            return (DeviceState::Lost { reason: reason.clone() }, String::new());
        }
        let Some(open) = self.open.get(&id) else { return (DeviceState::Starting, String::new()) };
        let state = match open.live.state() {
            SourceState::Starting => DeviceState::Starting,
            SourceState::Running => DeviceState::Running,
            SourceState::Ended => DeviceState::Lost { reason: "at its end".into() },
            SourceState::Lost { reason } => DeviceState::Lost { reason },
        };
        (state, open.live.via())
    }
}
