//! Groups of controls that assistive technology can name and find.

use egui::{Rect, Role, Ui, UiBuilder};

/// Shows contents as a group with a role, a name and the place it takes.
pub(crate) fn group<R>(
    ui: &mut Ui,
    builder: UiBuilder,
    role: Role,
    name: &str,
    contents: impl FnOnce(&mut Ui) -> R,
) -> R {
    let builder = builder.accessibility_role(role).accessibility_label(name);
    let shown = ui.scope_builder(builder, contents);
    // egui gives places to widgets only; a screen reader that follows the pointer needs those of groups too.
    let Rect { min, max } = shown.response.rect;
    ui.ctx().accesskit_node_builder(shown.response.id, |node| {
        node.set_bounds(egui::accesskit::Rect {
            x0: min.x.into(),
            y0: min.y.into(),
            x1: max.x.into(),
            y1: max.y.into(),
        });
    });
    shown.inner
}
