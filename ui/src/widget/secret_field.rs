//! A field for what nobody may read over a shoulder, or in a stream that shows this window.

use std::fmt;

use egui::text_edit::TextEditState;
use egui::{Context, Id, Key, Response, TextEdit, Ui};
use units::Secret;

use super::focus_ring;
use crate::theme::{CORNER_SMALL, Theme};

/// The longest text that can be entered, in characters: stream keys have about 50, addresses with arguments more, codes
/// that pair two computers up to 16 KiB.
const MOST_CHARACTERS: usize = 16 * 1024;

/// The field and what was typed into it, until it is handed over.
#[derive(Default)]
pub(crate) struct SecretField {
    text: String,
}

impl fmt::Debug for SecretField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

impl SecretField {
    /// Shows the field, `width` points wide; whether Enter was pressed in it. `hidden` shows bullets instead of text.
    pub(crate) fn show(
        &mut self,
        ui: &mut Ui,
        theme: &Theme,
        name: &str,
        hint: &str,
        hidden: bool,
        width: f32,
    ) -> (Response, bool) {
        let field = TextEdit::singleline(&mut self.text)
            .id(Self::id(name))
            .password(hidden)
            .hint_text(hint)
            .char_limit(MOST_CHARACTERS)
            .desired_width(width);
        let response = ui.add(field).accessible_name(name);
        focus_ring(ui, theme, &response, CORNER_SMALL);
        let entered = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        (response, entered)
    }

    /// Whether nothing but space was entered.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Hands the text over, without space around it, and forgets it.
    pub(crate) fn take(&mut self, ctx: &Context, name: &str) -> Secret {
        let secret = Secret::new(self.text.trim());
        self.forget(ctx, name);
        secret
    }

    /// Forgets the text, and what egui keeps of it to undo typing.
    pub(crate) fn forget(&mut self, ctx: &Context, name: &str) {
        self.text = String::new();
        TextEdit::store_state(ctx, Self::id(name), TextEditState::default());
    }

    fn id(name: &str) -> Id {
        Id::unique(("secret field", name))
    }
}
