//! Edits as values: each turns a collection into another one, or says why it can not.

use thiserror::Error;

use crate::verify::{
    Violation, check_delay, check_kind, check_name, check_number, check_slot, check_source, limits,
};
use crate::{
    AspectMode, Collection, Color, Crop, Item, ItemId, Scene, SceneId, Slot, Source, SourceId, SourceKind,
    Vec2,
};

/// New values for some fields of a slot; `None` leaves a field as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SlotChange {
    /// Top-left corner in canvas pixels.
    pub position: Option<Vec2>,
    /// Extent in canvas pixels. Given without `match_canvas_size` it also ends matching the canvas (IVS user guide,
    /// "Mixed Devices", `size`).
    pub size: Option<Vec2>,
    /// As large as the canvas.
    pub match_canvas_size: Option<bool>,
    /// Nearness to the viewer.
    pub z_index: Option<f32>,
    /// Placing of pictures of another shape.
    pub aspect: Option<AspectMode>,
    /// Colour of the free part of a fitted slot.
    pub fill_color: Option<Color>,
    /// 0 to 1.
    pub alpha: Option<f32>,
    /// Cut off first.
    pub crop: Option<Crop>,
    /// 0 to 2.
    pub gain: Option<f32>,
}

impl SlotChange {
    /// `slot` with the given fields replaced.
    pub fn applied_to(&self, slot: &Slot) -> Slot {
        Slot {
            position: self.position.unwrap_or(slot.position),
            size: self.size.unwrap_or(slot.size),
            match_canvas_size: self.match_canvas_size.unwrap_or(if self.size.is_some() {
                false
            } else {
                slot.match_canvas_size
            }),
            z_index: self.z_index.unwrap_or(slot.z_index),
            aspect: self.aspect.unwrap_or(slot.aspect),
            fill_color: self.fill_color.unwrap_or(slot.fill_color),
            alpha: self.alpha.unwrap_or(slot.alpha),
            crop: self.crop.unwrap_or(slot.crop),
            gain: self.gain.unwrap_or(slot.gain),
        }
    }
}

/// One change of a collection. Places in lists count from 0; a place past the end means the end.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Edit {
    /// Give the collection another name.
    RenameCollection {
        /// The new name.
        name: String,
    },
    /// Add an empty scene.
    AddScene {
        /// Its identity, from [`crate::History::new_id`].
        id: SceneId,
        /// Its name.
        name: String,
        /// Place in the list of scenes; the end when absent.
        at: Option<usize>,
    },
    /// Add a copy of a scene behind it.
    DuplicateScene {
        /// The scene to copy.
        scene: SceneId,
        /// The copy's identity.
        id: SceneId,
        /// The copy's name.
        name: String,
        /// Identity of the copy's first item; its other items take the numbers that follow.
        first_item: ItemId,
    },
    /// Remove a scene and its items. The last scene stays.
    RemoveScene {
        /// The scene.
        scene: SceneId,
    },
    /// Give a scene another name.
    RenameScene {
        /// The scene.
        scene: SceneId,
        /// The new name.
        name: String,
    },
    /// Move a scene in the list of scenes.
    MoveScene {
        /// The scene.
        scene: SceneId,
        /// Its new place.
        to: usize,
    },
    /// Place a source in a scene.
    AddItem {
        /// The scene.
        scene: SceneId,
        /// The item, with an identity from [`crate::History::new_id`].
        item: Item,
        /// Place from the back to the front; the front when absent.
        at: Option<usize>,
    },
    /// Remove an item; its source stays in the collection.
    RemoveItem {
        /// The item.
        item: ItemId,
    },
    /// Add a copy of an item in front of it.
    DuplicateItem {
        /// The item to copy.
        item: ItemId,
        /// The copy's identity.
        id: ItemId,
    },
    /// Move an item within its scene, from the back to the front.
    MoveItem {
        /// The item.
        item: ItemId,
        /// Its new place.
        to: usize,
    },
    /// Change where and how an item is shown and heard.
    ChangeSlot {
        /// The item.
        item: ItemId,
        /// What changes.
        change: SlotChange,
    },
    /// Show or hide an item.
    SetVisible {
        /// The item.
        item: ItemId,
        /// Whether it is shown.
        visible: bool,
    },
    /// Add a source.
    AddSource {
        /// The source, with an identity from [`crate::History::new_id`].
        source: Source,
    },
    /// Remove a source.
    RemoveSource {
        /// The source.
        source: SourceId,
        /// Remove its items too; without it a source that is placed somewhere stays.
        with_items: bool,
    },
    /// Turn a source into another one: another camera, another text.
    ChangeSource {
        /// The source.
        source: SourceId,
        /// What it shows or plays from now on.
        kind: SourceKind,
    },
    /// Give a source another name.
    RenameSource {
        /// The source.
        source: SourceId,
        /// The new name.
        name: String,
    },
    /// Silence a source, or let it be heard again.
    SetMuted {
        /// The source.
        source: SourceId,
        /// Whether it is silent.
        muted: bool,
    },
    /// Change a source's loudness in all scenes.
    SetGain {
        /// The source.
        source: SourceId,
        /// Multiplier, 0 to 2.
        gain: f32,
    },
    /// Delay a source's sound.
    SetDelay {
        /// The source.
        source: SourceId,
        /// Milliseconds, 0 to 2000.
        delay_ms: u32,
    },
    /// Let a source be heard in every scene, or only where it is placed.
    SetAlwaysHeard {
        /// The source.
        source: SourceId,
        /// Whether it is always heard.
        heard: bool,
    },
}

/// Why an edit can not be done. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The scene has been removed, or never was.
    #[error("there is no scene {}", .0.0)]
    NoSuchScene(SceneId),
    /// The item has been removed, or never was.
    #[error("there is no item {}", .0.0)]
    NoSuchItem(ItemId),
    /// The source has been removed, or never was.
    #[error("there is no source {}", .0.0)]
    NoSuchSource(SourceId),
    /// The identity belongs to something else already.
    #[error("the id {0} is taken")]
    IdTaken(u64),
    /// A collection has at least one scene.
    #[error("the last scene can not be removed")]
    LastScene,
    /// The source is still placed somewhere.
    #[error("“{source_name}” is still used in {scenes}")]
    SourceInUse {
        /// What the person calls the source.
        source_name: String,
        /// The scenes that show it, by name, separated by commas.
        scenes: String,
    },
    /// A value outside of its range.
    #[error(transparent)]
    OutOfRange(#[from] Violation),
    /// The source has no sound.
    #[error("a {noun} can not be heard")]
    Silent {
        /// What a person calls the kind of source.
        noun: &'static str,
    },
    /// There is no room for another one.
    #[error("there are {} already, which is the most", limits::COUNT)]
    Full,
}

impl Collection {
    /// The scene with this identity.
    pub fn scene(&self, id: SceneId) -> Option<&Scene> {
        self.scenes.iter().find(|scene| scene.id == id)
    }

    /// The source with this identity.
    pub fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }

    /// The item with this identity, and the scene it is in.
    pub fn item(&self, id: ItemId) -> Option<(&Scene, &Item)> {
        self.scenes.iter().find_map(|scene| Some((scene, scene.items.iter().find(|item| item.id == id)?)))
    }

    /// The highest number that names a source, scene or item; 0 when there is none.
    pub fn highest_id(&self) -> u64 {
        let scenes = self.scenes.iter().map(|s| s.id.0);
        let items = self.scenes.iter().flat_map(|s| s.items.iter().map(|i| i.id.0));
        scenes.chain(items).chain(self.sources.iter().map(|s| s.id.0)).max().unwrap_or(0)
    }

    /// The collection after `edit`. A collection that [`Collection::verify`] accepts stays one that it accepts.
    ///
    /// # Errors
    /// [`EditError`] when the edit does not fit the collection.
    pub fn edited(&self, edit: &Edit) -> Result<Self, EditError> {
        let mut next = self.clone();
        next.apply(edit)?;
        Ok(next)
    }

    fn apply(&mut self, edit: &Edit) -> Result<(), EditError> {
        match edit {
            Edit::RenameCollection { name } => {
                check_name("name", name)?;
                self.name.clone_from(name);
            }
            Edit::AddScene { id, name, at } => {
                let scene = Scene { id: *id, name: name.clone(), items: Vec::new() };
                self.insert_scene(scene, *at)?;
            }
            Edit::DuplicateScene { scene, id, name, first_item } => {
                let place = self.scene_place(*scene)?;
                let mut copy = self.scene(*scene).ok_or(EditError::NoSuchScene(*scene))?.clone();
                for (number, item) in (first_item.0..).zip(&mut copy.items) {
                    item.id = ItemId(number);
                    self.check_free_item(item.id)?;
                }
                (copy.id, copy.name) = (*id, name.clone());
                self.insert_scene(copy, Some(place + 1))?;
            }
            Edit::RemoveScene { scene } => {
                let place = self.scene_place(*scene)?;
                if self.scenes.len() == 1 {
                    return Err(EditError::LastScene);
                }
                self.scenes.remove(place);
            }
            Edit::RenameScene { scene, name } => {
                check_name("name", name)?;
                self.scene_mut(*scene)?.name.clone_from(name);
            }
            Edit::MoveScene { scene, to } => {
                let place = self.scene_place(*scene)?;
                move_within(&mut self.scenes, place, *to);
            }
            Edit::AddItem { scene, item, at } => self.insert_item(*scene, item, *at)?,
            Edit::RemoveItem { item } => self.with_item(*item, |items, place| {
                items.remove(place);
            })?,
            Edit::DuplicateItem { item, id } => {
                let (scene, original) = self.item(*item).ok_or(EditError::NoSuchItem(*item))?;
                let place = scene.items.iter().position(|i| i.id == *item).map(|place| place + 1);
                let (scene, copy) = (scene.id, Item { id: *id, ..original.clone() });
                self.insert_item(scene, &copy, place)?;
            }
            Edit::MoveItem { item, to } => {
                self.with_item(*item, |items, place| move_within(items, place, *to))?;
            }
            Edit::ChangeSlot { item, change } => {
                let (_, present) = self.item(*item).ok_or(EditError::NoSuchItem(*item))?;
                let slot = change.applied_to(&present.slot);
                check_slot("slot", &slot)?;
                self.item_mut(*item)?.slot = slot;
            }
            Edit::SetVisible { item, visible } => self.item_mut(*item)?.visible = *visible,
            other => self.apply_to_sources(other)?,
        }
        Ok(())
    }

    fn apply_to_sources(&mut self, edit: &Edit) -> Result<(), EditError> {
        match edit {
            Edit::AddSource { source } => {
                check_source("source", source)?;
                if self.source(source.id).is_some() {
                    return Err(EditError::IdTaken(source.id.0));
                }
                check_room(&self.sources)?;
                self.sources.push(source.clone());
            }
            Edit::RemoveSource { source, with_items } => self.remove_source(*source, *with_items)?,
            Edit::ChangeSource { source, kind } => {
                check_kind("source", kind)?;
                self.source_mut(*source)?.kind = kind.clone();
            }
            Edit::RenameSource { source, name } => {
                check_name("name", name)?;
                self.source_mut(*source)?.name.clone_from(name);
            }
            Edit::SetMuted { source, muted } => self.source_mut(*source)?.muted = *muted,
            Edit::SetGain { source, gain } => {
                check_number("gain", *gain, &limits::GAIN)?;
                self.source_mut(*source)?.gain = *gain;
            }
            Edit::SetDelay { source, delay_ms } => {
                check_delay("delay_ms", *delay_ms)?;
                self.source_mut(*source)?.delay_ms = *delay_ms;
            }
            Edit::SetAlwaysHeard { source, heard } => {
                let kind = &self.source(*source).ok_or(EditError::NoSuchSource(*source))?.kind;
                if *heard && !kind.has_sound() {
                    return Err(EditError::Silent { noun: kind.noun() });
                }
                self.always_heard.retain(|id| id != source);
                if *heard {
                    self.always_heard.push(*source);
                }
            }
            // Everything else is about scenes and items and has been done by `apply`.
            _ => {}
        }
        Ok(())
    }

    fn remove_source(&mut self, source: SourceId, with_items: bool) -> Result<(), EditError> {
        let name = self.source(source).ok_or(EditError::NoSuchSource(source))?.name.clone();
        let users: Vec<&str> = (self.scenes.iter())
            .filter(|scene| scene.items.iter().any(|item| item.source == source))
            .map(|scene| scene.name.as_str())
            .collect();
        if !users.is_empty() && !with_items {
            return Err(EditError::SourceInUse { source_name: name, scenes: users.join(", ") });
        }
        for scene in &mut self.scenes {
            scene.items.retain(|item| item.source != source);
        }
        self.always_heard.retain(|id| *id != source);
        self.sources.retain(|s| s.id != source);
        Ok(())
    }

    fn insert_scene(&mut self, scene: Scene, at: Option<usize>) -> Result<(), EditError> {
        check_name("name", &scene.name)?;
        if self.scene(scene.id).is_some() {
            return Err(EditError::IdTaken(scene.id.0));
        }
        check_room(&self.scenes)?;
        let place = at.map_or(self.scenes.len(), |at| at.min(self.scenes.len()));
        self.scenes.insert(place, scene);
        Ok(())
    }

    fn insert_item(&mut self, scene: SceneId, item: &Item, at: Option<usize>) -> Result<(), EditError> {
        check_slot("slot", &item.slot)?;
        self.source(item.source).ok_or(EditError::NoSuchSource(item.source))?;
        self.check_free_item(item.id)?;
        let items = &mut self.scene_mut(scene)?.items;
        check_room(items)?;
        let place = at.map_or(items.len(), |at| at.min(items.len()));
        items.insert(place, item.clone());
        Ok(())
    }

    fn check_free_item(&self, id: ItemId) -> Result<(), EditError> {
        if self.item(id).is_some() { Err(EditError::IdTaken(id.0)) } else { Ok(()) }
    }

    fn scene_place(&self, id: SceneId) -> Result<usize, EditError> {
        self.scenes.iter().position(|scene| scene.id == id).ok_or(EditError::NoSuchScene(id))
    }

    fn scene_mut(&mut self, id: SceneId) -> Result<&mut Scene, EditError> {
        self.scenes.iter_mut().find(|scene| scene.id == id).ok_or(EditError::NoSuchScene(id))
    }

    fn source_mut(&mut self, id: SourceId) -> Result<&mut Source, EditError> {
        self.sources.iter_mut().find(|source| source.id == id).ok_or(EditError::NoSuchSource(id))
    }

    fn item_mut(&mut self, id: ItemId) -> Result<&mut Item, EditError> {
        let mut items = self.scenes.iter_mut().flat_map(|scene| &mut scene.items);
        items.find(|item| item.id == id).ok_or(EditError::NoSuchItem(id))
    }

    /// Calls `change` with the list an item is in, and its place there.
    fn with_item(&mut self, id: ItemId, change: impl FnOnce(&mut Vec<Item>, usize)) -> Result<(), EditError> {
        for scene in &mut self.scenes {
            if let Some(place) = scene.items.iter().position(|item| item.id == id) {
                change(&mut scene.items, place);
                return Ok(());
            }
        }
        Err(EditError::NoSuchItem(id))
    }
}

fn check_room<T>(list: &[T]) -> Result<(), EditError> {
    if list.len() >= limits::COUNT { Err(EditError::Full) } else { Ok(()) }
}

/// Takes the entry at `from`, which exists, and puts it at `to` of what remains, or at the end.
fn move_within<T>(list: &mut Vec<T>, from: usize, to: usize) {
    let entry = list.remove(from);
    list.insert(to.min(list.len()), entry);
}
