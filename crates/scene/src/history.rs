//! Undo and redo.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::{Collection, Edit, EditError};

/// A collection with its past and its undone future. Each step is a whole collection; undoing is going back to the
/// very value that was there, so it can not go wrong.
#[derive(Clone, Debug)]
pub struct History {
    present: Arc<Collection>,
    past: VecDeque<Arc<Collection>>,
    future: Vec<Arc<Collection>>,
    /// The group the newest step belongs to, while it can still grow.
    group: Option<u64>,
    last_id: u64,
}

impl History {
    /// How many steps can be taken back.
    pub const STEPS: usize = 200;

    /// A history that begins with `collection`.
    pub fn new(collection: Collection) -> Self {
        Self {
            last_id: collection.highest_id(),
            present: Arc::new(collection),
            past: VecDeque::new(),
            future: Vec::new(),
            group: None,
        }
    }

    /// The collection as it is now.
    pub fn present(&self) -> &Arc<Collection> {
        &self.present
    }

    /// A number that has named nothing since the collection was opened, not even something that was undone.
    pub fn new_id(&mut self) -> u64 {
        self.new_ids(1)
    }

    /// The first of `count` such numbers in a row.
    pub fn new_ids(&mut self, count: u64) -> u64 {
        let first = self.last_id.saturating_add(1);
        self.last_id = self.last_id.saturating_add(count);
        first
    }

    /// Does `edit` as a step of its own.
    ///
    /// # Errors
    /// [`EditError`]; nothing has changed then.
    pub fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        self.step(edit, None)
    }

    /// Does `edit` as part of a gesture, such as dragging an item or a fader: successive edits with the same `group`
    /// are one step.
    ///
    /// # Errors
    /// [`EditError`]; nothing has changed then.
    pub fn apply_in_group(&mut self, edit: &Edit, group: u64) -> Result<(), EditError> {
        self.step(edit, Some(group))
    }

    fn step(&mut self, edit: &Edit, group: Option<u64>) -> Result<(), EditError> {
        let next = Arc::new(self.present.edited(edit)?);
        self.last_id = self.last_id.max(next.highest_id());
        let before = std::mem::replace(&mut self.present, next);
        let grows = group.is_some() && group == self.group && !self.past.is_empty();
        if !grows {
            self.past.push_back(before);
            if self.past.len() > Self::STEPS {
                self.past.pop_front();
            }
        }
        self.group = group;
        self.future.clear();
        Ok(())
    }

    /// Goes one step back. False at the beginning.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop_back() else {
            return false;
        };
        self.future.push(std::mem::replace(&mut self.present, before));
        self.group = None;
        true
    }

    /// Goes one undone step forward again. False when nothing is undone, or something else was done since.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.future.pop() else {
            return false;
        };
        self.past.push_back(std::mem::replace(&mut self.present, after));
        self.group = None;
        true
    }

    /// Whether there is a step to take back.
    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    /// Whether there is a step to do again.
    pub fn can_redo(&self) -> bool {
        !self.future.is_empty()
    }
}
