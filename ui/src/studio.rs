//! The window as a whole: bars, panels, keys.

use std::time::Duration;

use control::{Command, Event, View};
use egui::{Context, Frame, Margin, Panel, Ui};

use crate::focus::FocusOrder;
use crate::keyboard;
use crate::layout::Layout;
use crate::palette::Palette;
use crate::panel::{status_bar, top_bar};
use crate::pass::{Memory, Pass, PreviewTexture};
use crate::sheet;
use crate::theme::{self, Theme, ThemeChoice};

/// The studio window: paints a [`View`] and answers with [`Command`]s. It holds what only the window knows, such as
/// which panels are open, and nothing of the show.
pub struct Studio {
    theme: Theme,
    layout: Layout,
    memory: Memory,
    focus: FocusOrder,
    palette: Palette,
}

impl Studio {
    /// Installs fonts, colours and sizes in `ctx`, and opens the default layout in the dark theme.
    pub fn new(ctx: &Context) -> Self {
        let theme = Theme::new(ThemeChoice::default());
        theme::install_fonts(ctx);
        theme.install(ctx);
        Self {
            theme,
            layout: Layout::default(),
            memory: Memory::default(),
            focus: FocusOrder::default(),
            palette: Palette::default(),
        }
    }

    /// Changes the colours from the next pass on.
    pub fn set_theme(&mut self, ctx: &Context, choice: ThemeChoice) {
        self.theme = Theme::new(choice);
        self.theme.install(ctx);
    }

    /// Adds a font, a whole `.ttf` or `.otf` file, for characters that Inter and JetBrains Mono do not have, such as
    /// those of a scene's name in Japanese. `index` says which font of a collection (`.ttc`). Fonts added first are asked
    /// first.
    pub fn add_fallback_font(&self, ctx: &Context, name: &str, bytes: Vec<u8>, index: u32) {
        theme::add_fallback_font(ctx, name, bytes, index);
    }

    /// Hears what the engine tells once. The window waits for one thing only: a code that pairs another computer, which
    /// is kept no longer than its sheet is open.
    pub fn hear(&mut self, event: &Event) {
        if let Event::Pairing { code, saved_as } = event {
            self.memory.sheets.take_code(code, saved_as.as_deref());
        }
    }

    /// The colours in use, for what is painted outside of this window, such as the clear colour.
    pub const fn theme(&self) -> &Theme {
        &self.theme
    }

    /// Draws the window over all of `ui` and returns what the person asked for, in order. `now_secs` is on any steady
    /// clock that starts where it likes; it times holds, double clicks and the graphs. `preview` is the programme as it
    /// was last drawn, or `None` before the first picture.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        view: &View,
        preview: Option<PreviewTexture>,
        now_secs: f64,
    ) -> Vec<Command> {
        let mut commands = Vec::new();
        self.memory.observe(view, now_secs);
        self.focus.begin();
        let mut pass = Pass {
            view,
            theme: &self.theme,
            preview,
            now_secs,
            memory: &mut self.memory,
            focus: &mut self.focus,
            commands: &mut commands,
        };
        keyboard::take(ui.ctx(), &mut pass);
        let bar = Frame::new().fill(self.theme.panel).inner_margin(Margin::symmetric(16, 0));
        Panel::top("top bar").exact_size(top_bar::HEIGHT).resizable(false).frame(bar).show(ui, |ui| {
            top_bar::show(ui, &mut pass, &mut self.layout);
        });
        Panel::bottom("status bar").exact_size(status_bar::HEIGHT).resizable(false).frame(bar).show(
            ui,
            |ui| {
                status_bar::show(ui, &pass);
            },
        );
        self.layout.show(ui, &mut pass);
        sheet::show(ui.ctx(), &mut pass);
        let chosen_theme = self.palette.show(ui, &mut pass, &mut self.layout);
        self.focus.end(ui.ctx());
        if let Some(choice) = chosen_theme {
            self.set_theme(ui.ctx(), choice);
        }
        commands
    }
}

/// How long the window may wait before it is drawn again without a hand or a key: 33 ms on a graphics adapter, 100 ms
/// where the processor draws (`is_software`), for there each pass costs what encoders need. The engine is never held up
/// by the window, so a slow window loses no picture of the show.
pub fn repaint_after(view: &View, is_software: bool) -> Duration {
    let hardware = Duration::from_millis(33);
    let software = Duration::from_millis(100);
    let still = view.program.rendered_frames == 0;
    match (is_software, still) {
        (false, false) => hardware,
        (true, false) => software,
        // Before the first picture only words change.
        (_, true) => Duration::from_millis(250),
    }
}

#[cfg(test)]
mod tests {
    use control::{
        AlignmentView, DesktopView, LadderView, LiveState, NetworkCheckView, PairingView, PreferencesView,
        ProgramView, RecordingView, ServersView, TransitionKind,
    };
    use units::{FrameRate, Size};

    use super::*;

    #[test]
    fn software_adapters_are_spared() {
        let mut view = View {
            collection: String::new(),
            is_rehearsal: false,
            program: ProgramView {
                size: Size::new(1280, 720).unwrap(),
                rate: FrameRate::FPS_30,
                adapter: String::new(),
                rendered_frames: 0,
                lagged_frames: 0,
                transition: TransitionKind::Cut,
                transition_ms: 0,
            },
            scenes: Vec::new(),
            items: Vec::new(),
            sources: Vec::new(),
            devices: control::DevicesView::default(),
            meters: Vec::new(),
            renditions: Vec::new(),
            alignment: AlignmentView::default(),
            ladder: LadderView::default(),
            preferences: PreferencesView::default(),
            servers: ServersView::default(),
            go_live_sheet: false,
            question: None,
            destinations: Vec::new(),
            pairing: PairingView::default(),
            network_check: NetworkCheckView::default(),
            machine: control::MachineView::default(),
            recording: RecordingView::default(),
            desktop: DesktopView::default(),
            problems: Vec::new(),
            cpu_cores: 0.0,
            can_undo: false,
            can_redo: false,
        };
        assert_eq!(view.live_state(), LiveState::Off);
        assert_eq!(repaint_after(&view, false), Duration::from_millis(250));
        view.program.rendered_frames = 1;
        assert_eq!(repaint_after(&view, false), Duration::from_millis(33));
        assert_eq!(repaint_after(&view, true), Duration::from_millis(100));
    }
}
