//! Which controls belong to which panel, in the order of Tab, so that F6 can go from panel to panel.

use std::collections::BTreeMap;

use egui::{Context, Id, Key, Modifiers, Response};

/// A part of the window that F6 stops at, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Region {
    TopBar,
    Scenes,
    Program,
    Stream,
    Mixer,
    Sheet,
}

/// The controls of this pass.
#[derive(Debug, Default)]
pub(crate) struct FocusOrder {
    current: Option<Region>,
    /// The only region that F6 stops at, where there is one.
    confined: Option<Region>,
    controls: Vec<(Region, Id)>,
    last_in: BTreeMap<Region, Id>,
}

impl FocusOrder {
    /// A new pass begins.
    pub(crate) fn begin(&mut self) {
        self.current = None;
        self.confined = None;
        self.controls.clear();
    }

    /// Controls that follow belong to `region`.
    pub(crate) const fn enter(&mut self, region: Region) {
        self.current = Some(region);
    }

    /// F6 stops nowhere else: the rest of the window waits.
    pub(crate) const fn confine(&mut self, region: Region) {
        self.confined = Some(region);
    }

    /// A control was shown.
    pub(crate) fn note(&mut self, response: &Response) {
        if let Some(region) = self.current
            && response.enabled()
            && response.sense.is_focusable()
        {
            self.controls.push((region, response.id));
            if response.has_focus() {
                self.last_in.insert(region, response.id);
            }
        }
    }

    /// All panels were shown: F6 goes to the next one, Shift+F6 to the one before, where the keyboard was last.
    pub(crate) fn end(&self, ctx: &Context) {
        let backward = ctx.input_mut(|input| input.consume_key(Modifiers::SHIFT, Key::F6));
        let forward = !backward && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::F6));
        if !backward && !forward {
            return;
        }
        let mut regions: Vec<Region> = self.controls.iter().map(|&(region, _)| region).collect();
        regions.retain(|&region| self.confined.is_none_or(|only| only == region));
        regions.sort_unstable();
        regions.dedup();
        let focused = ctx.memory(egui::Memory::focused);
        let here = self.controls.iter().find(|&&(_, id)| Some(id) == focused).map(|&(region, _)| region);
        let next = match (here, forward) {
            (Some(here), true) => regions.iter().find(|&&region| region > here).or(regions.first()),
            (Some(here), false) => regions.iter().rev().find(|&&region| region < here).or(regions.last()),
            (None, true) => regions.first(),
            (None, false) => regions.last(),
        };
        let Some(&next) = next else { return };
        let in_next = || self.controls.iter().filter(|&&(region, _)| region == next).map(|&(_, id)| id);
        let remembered = self.last_in.get(&next).copied().filter(|&id| in_next().any(|other| other == id));
        if let Some(id) = remembered.or_else(|| in_next().next()) {
            ctx.memory_mut(|memory| memory.request_focus(id));
        }
    }
}
