//! Where the panels are: a tree of tiles that the person can rearrange, and the default one.
//!
//! Sizes are kept in points for the panels beside the programme, so that a larger window gives its room to the
//! programme. Moving and resizing need “Arrange panels”: a slip of the hand moves nothing in the middle of a show, and
//! the borders between panels are no stops for the Tab key.

use std::collections::BTreeMap;

use egui::{
    Color32, Frame, Id, Label, Margin, Role, Sense, Stroke, Style, Ui, UiBuilder, Vec2, Visuals, WidgetText,
};
use egui_tiles::{
    Behavior, Container, EditAction, LinearDir, SimplificationOptions, Tile, TileId, Tiles, Tree,
};

use crate::icon::Icon;
use crate::panel;
use crate::pass::Pass;
use crate::theme;
use crate::widget::{Words, group};

/// A panel that can be placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PanelKind {
    Scenes,
    Program,
    Stream,
    Mixer,
}

impl PanelKind {
    pub(crate) const ALL: [Self; 4] = [Self::Scenes, Self::Program, Self::Stream, Self::Mixer];

    /// What it is called.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Scenes => "Scenes",
            Self::Program => "Programme",
            Self::Stream => "Stream",
            Self::Mixer => "Mixer",
        }
    }

    /// The programme and the red button stay in sight.
    pub(crate) const fn is_closable(self) -> bool {
        matches!(self, Self::Scenes | Self::Mixer)
    }
}

/// The panels and their places.
pub(crate) struct Layout {
    tree: Tree<PanelKind>,
    tiles: BTreeMap<PanelKind, TileId>,
    /// Widths of the side panels and heights of those below, in points.
    points: BTreeMap<PanelKind, f32>,
    /// A border was dragged in the last pass; the tree lays it out in this one.
    resized: bool,
    /// Panels can be dragged and resized.
    pub(crate) arranging: bool,
}

impl Default for Layout {
    fn default() -> Self {
        let mut tiles = Tiles::default();
        let ids = PanelKind::ALL.map(|kind| (kind, tiles.insert_pane(kind)));
        let [(_, scenes), (_, program), (_, stream), (_, mixer)] = ids;
        let upper = tiles.insert_horizontal_tile(vec![scenes, program, stream]);
        let root = tiles.insert_vertical_tile(vec![upper, mixer]);
        Self {
            tree: Tree::new(Id::unique("studio panels"), root, tiles),
            tiles: BTreeMap::from(ids),
            points: BTreeMap::from([
                (PanelKind::Scenes, 236.0),
                (PanelKind::Stream, 316.0),
                (PanelKind::Mixer, 147.0),
            ]),
            resized: false,
            arranging: false,
        }
    }
}

impl Layout {
    /// Whether a panel is open.
    pub(crate) fn is_shown(&self, kind: PanelKind) -> bool {
        self.tiles.get(&kind).is_some_and(|&id| self.tree.is_visible(id))
    }

    /// Opens or closes a panel.
    pub(crate) fn set_shown(&mut self, kind: PanelKind, shown: bool) {
        if let Some(&id) = self.tiles.get(&kind) {
            self.tree.set_visible(id, shown);
        }
    }

    /// Shows the panels over all the room that is left.
    pub(crate) fn show(&mut self, ui: &mut Ui, pass: &mut Pass<'_>) {
        let room = ui.available_size();
        if !self.resized
            && let Some(root) = self.tree.root()
        {
            fit(&mut self.tree.tiles, &self.points, root, room);
        }
        let mut panes = Panes { pass, arranging: self.arranging, resized: false };
        self.tree.ui(&mut panes, ui);
        let resized = panes.resized;
        if self.resized {
            self.remember_sizes();
        }
        self.resized = resized;
    }

    fn remember_sizes(&mut self) {
        for (kind, points) in &mut self.points {
            let Some(&tile) = self.tiles.get(kind) else { continue };
            let parent =
                self.tree.tiles.parent_of(tile).and_then(|parent| self.tree.tiles.get_container(parent));
            let (Some(Container::Linear(linear)), Some(rect)) = (parent, self.tree.tiles.rect(tile)) else {
                continue;
            };
            *points = if linear.dir == LinearDir::Horizontal { rect.width() } else { rect.height() };
        }
    }
}

/// Gives panels of a fixed size their points and shares the rest, from the root down.
fn fit(tiles: &mut Tiles<PanelKind>, points: &BTreeMap<PanelKind, f32>, tile: TileId, room: Vec2) {
    let Some(Tile::Container(Container::Linear(linear))) = tiles.get(tile) else { return };
    let horizontal = linear.dir == LinearDir::Horizontal;
    let children: Vec<TileId> =
        linear.children.iter().copied().filter(|&child| tiles.is_visible(child)).collect();
    let whole = if horizontal { room.x } else { room.y };
    let fixed = |tiles: &Tiles<PanelKind>, child: TileId| {
        tiles.get_pane(&child).and_then(|kind| points.get(kind)).copied()
    };
    let taken: f32 = children.iter().filter_map(|&child| fixed(tiles, child)).sum();
    let flexible = children.iter().filter(|&&child| fixed(tiles, child).is_none()).count();
    if flexible == 0 {
        return;
    }
    // The programme keeps at least a third; in a narrow window the others give way together.
    let most = whole * 2.0 / 3.0;
    let squeeze = if taken > most { most / taken } else { 1.0 };
    let rest = (whole - taken * squeeze).max(1.0) / flexible as f32;
    let mut sizes = Vec::with_capacity(children.len());
    for child in children {
        sizes.push((child, fixed(tiles, child).map_or(rest, |size| size * squeeze)));
    }
    if let Some(Tile::Container(Container::Linear(linear))) = tiles.get_mut(tile) {
        for &(child, size) in &sizes {
            linear.shares.set_share(child, size);
        }
    }
    for (child, size) in sizes {
        let room = if horizontal { Vec2::new(size, room.y) } else { Vec2::new(room.x, size) };
        fit(tiles, points, child, room);
    }
}

struct Panes<'a, 'b> {
    pass: &'a mut Pass<'b>,
    arranging: bool,
    resized: bool,
}

impl Behavior<PanelKind> for Panes<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, kind: &mut PanelKind) -> egui_tiles::UiResponse {
        let theme = self.pass.theme;
        let (fill, margin) = match kind {
            // Paints its own ground, around the picture only.
            PanelKind::Program => (self.arranging.then_some(theme.background), Margin::ZERO),
            PanelKind::Mixer => (Some(theme.panel), Margin::symmetric(16, 12)),
            PanelKind::Scenes | PanelKind::Stream => (Some(theme.panel), Margin::same(12)),
        };
        if let Some(fill) = fill {
            // A pixel more on each side: where borders fall between pixels, nothing else paints the rest of them.
            let ground = ui.max_rect().expand(1.0);
            ui.painter().with_clip_rect(ground).rect_filled(ground, 0.0, fill);
        }
        if *kind == PanelKind::Program {
            self.pass.memory.program_rect = ui.max_rect();
        }
        let mut drag = egui_tiles::UiResponse::None;
        group(ui, UiBuilder::new(), Role::Region, kind.title(), |ui| {
            if self.arranging {
                drag = grip(ui, self.pass, *kind);
            }
            Frame::new().inner_margin(margin).show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                match kind {
                    PanelKind::Scenes => panel::scenes::show(ui, self.pass),
                    PanelKind::Program => panel::program::show(ui, self.pass),
                    PanelKind::Stream => panel::stream::show(ui, self.pass),
                    PanelKind::Mixer => panel::mixer::show(ui, self.pass),
                }
            });
        });
        drag
    }

    fn tab_title_for_pane(&mut self, kind: &PanelKind) -> WidgetText {
        WidgetText::from(kind.title())
    }

    fn is_container_resizable(&self, _tiles: &Tiles<PanelKind>, _tile: TileId) -> bool {
        self.arranging
    }

    fn resize_stroke(&self, _style: &Style, state: egui_tiles::ResizeState) -> Stroke {
        let theme = self.pass.theme;
        match state {
            egui_tiles::ResizeState::Idle => Stroke::new(1.0, theme.line),
            egui_tiles::ResizeState::Hovering | egui_tiles::ResizeState::Dragging => {
                Stroke::new(2.0, theme.accent)
            }
        }
    }

    fn tab_bar_color(&self, _visuals: &Visuals) -> Color32 {
        self.pass.theme.panel
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions { all_panes_must_have_tabs: false, ..SimplificationOptions::default() }
    }

    fn on_edit(&mut self, action: EditAction) {
        self.resized |= action == EditAction::TileResized;
    }
}

/// The bar a panel is dragged by.
fn grip(ui: &mut Ui, pass: &Pass<'_>, kind: PanelKind) -> egui_tiles::UiResponse {
    let theme = pass.theme;
    let bar = ui.available_rect_before_wrap();
    let bar = egui::Rect::from_min_size(bar.min, Vec2::new(bar.width(), 24.0));
    let response = ui.interact(bar, Id::unique(("grip", kind.title())), Sense::DRAG);
    ui.painter().rect_filled(bar, 0.0, theme.raised);
    let mut inner = ui.new_child(UiBuilder::new().max_rect(bar.shrink2(Vec2::new(8.0, 4.0))));
    let words = Words::new(theme).icon(Icon::Grip, theme.second).add(
        &format!(" {}", kind.title()),
        theme::strong(theme::SMALL),
        theme.second,
    );
    inner.add(Label::new(words.job()).truncate());
    ui.advance_cursor_after_rect(bar);
    let response = response.on_hover_cursor(egui::CursorIcon::Grab);
    if response.drag_started() { egui_tiles::UiResponse::DragStarted } else { egui_tiles::UiResponse::None }
}
