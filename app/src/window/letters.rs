//! Letters that the window's own fonts lack: a font of the system is read when the first of them is to be shown.

use std::collections::BTreeSet;

use control::View;
use crossbeam_channel::{Receiver, Sender, bounded};
use desktop::fonts::{self, Font, Writing};
use eframe::egui;
use ui::Studio;

/// Which fonts were asked for.
pub(super) struct Letters {
    asked: BTreeSet<Writing>,
    /// The names that were looked through last.
    seen: u64,
    found: (Sender<Font>, Receiver<Font>),
}

impl Default for Letters {
    fn default() -> Self {
        Self { asked: BTreeSet::new(), seen: 0, found: bounded(8) }
    }
}

impl Letters {
    /// Looks at what is typed and at the names that are shown, and adds fonts that have been read.
    pub(super) fn follow(&mut self, ctx: &egui::Context, view: &View, studio: &Studio) {
        while let Ok(Font { family, bytes, index }) = self.found.1.try_recv() {
            studio.add_fallback_font(ctx, &family, bytes, index);
        }
        let typed: Vec<String> = ctx.input(|input| {
            let text = |event: &egui::Event| match event {
                egui::Event::Text(text) | egui::Event::Paste(text) => Some(text.clone()),
                egui::Event::Ime(event) => Some(text_of(event).to_owned()),
                _ => None,
            };
            input.events.iter().filter_map(text).collect()
        });
        for text in &typed {
            self.look_at(text, ctx);
        }
        let names = names(view);
        let seen = fingerprint(&names);
        if std::mem::replace(&mut self.seen, seen) != seen {
            for name in names {
                self.look_at(name, ctx);
            }
        }
    }

    fn look_at(&mut self, text: &str, ctx: &egui::Context) {
        for writing in text.chars().filter_map(Writing::of) {
            if self.asked.insert(writing) {
                let (found, ctx) = (self.found.0.clone(), ctx.clone());
                let read = move || match fonts::find(writing) {
                    Some(font) => {
                        tracing::info!(family = font.family, "a font of the system is used");
                        let _ = found.send(font);
                        ctx.request_repaint();
                    }
                    None => tracing::info!(?writing, "the system has no font for this writing"),
                };
                if let Err(error) = std::thread::Builder::new().name("fonts".into()).spawn(read) {
                    tracing::warn!(%error, "no thread to read a font");
                }
            }
        }
    }
}

fn text_of(event: &egui::ImeEvent) -> &str {
    match event {
        egui::ImeEvent::Preedit { text, .. } => text,
        egui::ImeEvent::Commit(text) => text,
        _ => "",
    }
}

/// Everything in the view that a person has named.
fn names(view: &View) -> Vec<&str> {
    let scenes = view.scenes.iter().map(|scene| scene.name.as_str());
    let items = view.items.iter().map(|item| item.name.as_str());
    let strips = view.meters.iter().map(|strip| strip.name.as_str());
    let destinations = view.destinations.iter().map(|destination| destination.name.as_str());
    let places = [view.collection.as_str(), view.recording.folder.as_str(), view.recording.path.as_str()];
    scenes.chain(items).chain(strips).chain(destinations).chain(places).collect()
}

fn fingerprint(names: &[&str]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    names.hash(&mut hasher);
    hasher.finish()
}
