//! Sheets: what is looked at and decided before or beside the show. One lies over the window at a time, and Escape
//! takes it away. While nobody watches, the window behind a sheet is dimmed and waits; on air it is not, and every
//! control of the show stays at hand.

mod desktop_preferences;
mod destinations;
mod go_live;
mod ladder;
mod machine;
mod network_check;
mod pairing;
mod preferences;
mod question;
mod server;
pub(crate) mod source;
mod stream_key;
mod stream_preferences;

use control::{Command, LiveState, Preferences, Question};
use egui::accesskit::Live;
use egui::{
    Align, Align2, Area, Context, Frame, Id, Key, Layout, Margin, Modal, Modifiers, Order, Rect, Response,
    Role, ScrollArea, Stroke, Ui, UiBuilder, Vec2, pos2, vec2,
};
use scene::SourceId;
use units::Secret;

use crate::focus::Region;
use crate::hold_gate::HoldGate;
use crate::pass::Pass;
use crate::theme::{self, CORNER_LARGE, TITLE};
use crate::widget::{SecretField, Words, group, paragraph};

/// Width of a sheet where there is room for it, in points.
const WIDTH: f32 = 720.0;
/// Size of a sheet over a small programme, in points.
const LEAST: Vec2 = Vec2::new(440.0, 280.0);
/// How long an answer is on its way to the engine at most, in seconds; a question that is asked after that was not
/// answered.
const ANSWER_SECS: f64 = 2.0;
/// What stays free around a sheet, in points.
const AROUND: f32 = 24.0;
/// Space between the border of a sheet and what is on it, in points.
const MARGIN: i8 = 24;

/// A sheet that a person opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sheet {
    /// Everything that is looked at before going live.
    GoLive,
    /// What is wanted of the ladder.
    Preferences,
    /// Requested against granted, setting by setting.
    Ladder,
    /// Where the broadcast goes.
    Destinations,
    /// The other computer.
    Pairing,
    /// What the network carries.
    NetworkCheck,
    /// Where a source is taken from.
    Source(SourceId),
    /// What this PC can do.
    Machine,
}

/// Which sheets are open, and what they remember.
#[derive(Debug, Default)]
pub(crate) struct Sheets {
    /// The one in sight is the last; the others are gone back to.
    open: Vec<Sheet>,
    /// Those that were open in the last pass.
    open_before: Vec<Sheet>,
    /// The keyboard goes to the first control of the sheet as soon as there is one.
    wants_focus: bool,
    /// The keyboard was on a control of the sheet in the last pass: egui lets go of it when Escape is pressed.
    has_keyboard: bool,
    /// What was in sight in the last pass, so that a change is noticed.
    in_sight: Option<InSight>,
    /// The buttons of the go-live sheet: to go live, and to take over.
    hold: HoldGate,
    take_over: HoldGate,
    /// The key being typed, where its field is open.
    key: Option<SecretField>,
    /// The address of another server being typed, where its field is open, and whether it is shown.
    address: Option<SecretField>,
    address_shown: bool,
    /// A field was just opened by hand and gets the keyboard.
    calls_field: bool,
    /// What the hand did to the preferences, until the engine says them differently.
    preferences: preferences::Draft,
    /// The preferences when their sheet was opened over the go-live sheet.
    preferences_before: Option<Preferences>,
    /// What is being written on the sheets of destinations, pairing, network check and preferences.
    adding: destinations::Adding,
    pairing: pairing::Pairing,
    check: network_check::Check,
    stream: stream_preferences::Typed,
    /// What the hand did to a source, until the engine says it differently.
    source: Option<source::Draft>,
    desktop: desktop_preferences::Typed,
    /// The track whose settings are shown.
    track: usize,
    /// What was said of the sound, and when: it changes once a second at most.
    sound_said: Option<(f64, String)>,
    /// The question that was answered, and when; the engine's view may still ask it for a moment.
    answered: Option<(u64, f64)>,
}

/// What lies over the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InSight {
    Sheet(Sheet),
    Question(u64),
}

impl Sheets {
    /// Opens a sheet over those that are open.
    pub(crate) fn open(&mut self, sheet: Sheet) {
        self.open.retain(|&other| other != sheet);
        self.open.push(sheet);
    }

    /// Closes the go-live sheet, and what lies over it.
    pub(crate) fn close_go_live(&mut self) {
        if self.is_going_live() {
            self.open.clear();
        }
    }

    /// A code that pairs another computer was made.
    pub(crate) fn take_code(&mut self, code: &Secret, saved_as: Option<&str>) {
        self.pairing.take(code, saved_as);
    }

    /// Whether the go-live sheet is open, in sight or not.
    pub(crate) fn is_going_live(&self) -> bool {
        self.open.contains(&Sheet::GoLive)
    }
}

/// Opens the go-live sheet, and has everything made ready that can be.
pub(crate) fn open_go_live(pass: &mut Pass<'_>) {
    if !pass.memory.sheets.is_going_live() && pass.view.servers.has_key {
        pass.commands.push(Command::PrepareLive);
    }
    pass.memory.sheets.open(Sheet::GoLive);
}

/// What the key of the red button asks for while the go-live sheet is open: to go live, once nothing is in the way.
pub(crate) fn key_act(pass: &Pass<'_>) -> Option<Command> {
    go_live::hindrance(pass.view).is_none().then_some(Command::GoLive)
}

/// Shows the sheet that is in sight, if any.
pub(crate) fn show(ctx: &Context, pass: &mut Pass<'_>) {
    let mut sheets = std::mem::take(&mut pass.memory.sheets);
    if !dims(pass) {
        // Somebody or something else went live: there is nothing left to look at before it.
        sheets.open.retain(|&sheet| sheet != Sheet::GoLive);
    }
    let answered = sheets.answered.filter(|&(_, at)| (0.0..ANSWER_SECS).contains(&(pass.now_secs - at)));
    let waits = |question: &&Question| answered.is_none_or(|(id, _)| id != question.id);
    let question = pass.view.question.as_ref().filter(waits);
    let in_sight = question
        .map(|question| InSight::Question(question.id))
        .or_else(|| sheets.open.last().copied().map(InSight::Sheet));
    if in_sight != sheets.in_sight {
        sheets.in_sight = in_sight;
        // On air the keyboard stays where the show is; F6 goes to the sheet.
        let called = matches!(in_sight, Some(InSight::Sheet(_)));
        sheets.wants_focus = in_sight.is_some() && (called || !pass.view.is_on_air());
        sheets.hold.disarm();
        sheets.take_over.disarm();
    }
    if let Some(question) = question {
        question::show(ctx, pass, &mut sheets, question);
    } else if let Some(&sheet) = sheets.open.last() {
        match sheet {
            Sheet::GoLive => go_live::show(ctx, pass, &mut sheets),
            Sheet::Preferences => preferences::show(ctx, pass, &mut sheets),
            Sheet::Ladder => ladder::show(ctx, pass, &mut sheets),
            Sheet::Destinations => destinations::show(ctx, pass, &mut sheets),
            Sheet::Pairing => pairing::show(ctx, pass, &mut sheets),
            Sheet::NetworkCheck => network_check::show(ctx, pass, &mut sheets),
            Sheet::Source(source) => source::show(ctx, pass, &mut sheets, source),
            Sheet::Machine => machine::show(ctx, pass, &mut sheets),
        }
    }
    if !sheets.open.iter().any(|sheet| matches!(sheet, Sheet::GoLive | Sheet::Preferences)) {
        // What was typed and not handed over is not kept.
        stream_key::forget(ctx, &mut sheets);
        server::forget(ctx, &mut sheets);
    }
    let before = std::mem::replace(&mut sheets.open_before, sheets.open.clone());
    for closed in before.into_iter().filter(|sheet| !sheets.open.contains(sheet)) {
        match closed {
            Sheet::Destinations => sheets.adding.forget(ctx),
            Sheet::Pairing => sheets.pairing.forget(ctx),
            Sheet::NetworkCheck => sheets.check.forget(ctx),
            Sheet::Source(_) => sheets.source = None,
            Sheet::Preferences => {
                sheets.stream.forget();
                sheets.desktop.forget();
            }
            Sheet::GoLive | Sheet::Ladder | Sheet::Machine => {}
        }
    }
    pass.memory.sheets = sheets;
}

/// What a sheet looks like around its contents.
struct Surface<'a> {
    title: &'a str,
    /// A sentence below the title; may be empty.
    below: &'a str,
    /// Taken away by Escape only while the keyboard is on it, if the window is not dimmed: somebody who works on the
    /// show and presses Escape means the show.
    keeps: bool,
}

impl Surface<'_> {
    /// Shows the sheet; whether Escape asked to take it away. `contents` scroll where they are higher than the window;
    /// `footer` stays in sight.
    fn show(
        self,
        ctx: &Context,
        pass: &mut Pass<'_>,
        sheets: &mut Sheets,
        contents: impl FnOnce(&mut Ui, &mut Pass<'_>, &mut Sheets),
        footer: impl FnOnce(&mut Ui, &mut Pass<'_>, &mut Sheets),
    ) -> bool {
        let theme = pass.theme;
        let dims = dims(pass);
        let (popup_open, had_keyboard) = (egui::Popup::is_any_open(ctx), sheets.has_keyboard);
        sheets.has_keyboard = false;
        pass.focus.enter(Region::Sheet);
        if dims {
            pass.focus.confine(Region::Sheet);
        }
        let id = Id::unique(("sheet", self.title));
        let frame = Frame::new()
            .fill(theme.panel)
            .stroke(Stroke::new(1.0, theme.line))
            .corner_radius(CORNER_LARGE + 2)
            .inner_margin(Margin::same(MARGIN));
        // Over the programme, which can be missed for a moment: what tells and steers the show stays in sight.
        let over = pass.memory.program_rect.center();
        let fill = |ui: &mut Ui| {
            group(ui, UiBuilder::new(), Role::Dialog, self.title, |ui| {
                self.fill(ui, id, pass, sheets, contents, footer);
            });
        };
        let in_front = if dims {
            let dimmed = theme.background.gamma_multiply(0.6);
            Modal::new(id).frame(frame).backdrop_color(dimmed).show(ctx, fill).is_top_modal
        } else {
            let area = Area::new(id).order(Order::Foreground).pivot(Align2::CENTER_CENTER);
            area.fixed_pos(over).constrain(true).show(ctx, |ui| frame.show(ui, fill));
            ctx.memory(egui::Memory::top_modal_layer).is_none()
        };
        let hears_escape = in_front && !popup_open && (dims || had_keyboard || !self.keeps);
        hears_escape && ctx.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape))
    }

    fn fill(
        &self,
        ui: &mut Ui,
        id: Id,
        pass: &mut Pass<'_>,
        sheets: &mut Sheets,
        contents: impl FnOnce(&mut Ui, &mut Pass<'_>, &mut Sheets),
        footer: impl FnOnce(&mut Ui, &mut Pass<'_>, &mut Sheets),
    ) {
        let theme = pass.theme;
        let window = ui.ctx().content_rect().size();
        let margins = 2.0 * f32::from(MARGIN);
        let over = pass.memory.program_rect.size();
        let room = if dims(pass) {
            vec2(WIDTH, f32::INFINITY)
        } else {
            over.max(LEAST).min(vec2(WIDTH, f32::INFINITY))
        };
        let room = room.min(window - Vec2::splat(2.0 * AROUND));
        ui.set_width(room.x - margins);
        let height = room.y - margins;
        let top = ui.cursor().top();
        let title = Words::new(theme).add(self.title, theme::strong(TITLE), theme.text);
        let heading = paragraph(ui, title);
        heading.widget_info(|| egui::WidgetInfo::labeled(Role::Heading, true, self.title));
        if !self.below.is_empty() {
            paragraph(ui, Words::new(theme).second(self.below));
        }
        ui.add_space(8.0);
        let header_height = ui.cursor().top() - top;
        // Known from the pass before: what is at the bottom gets its room first.
        let footer_id = id.with("footer height");
        let footer_height = ui.data(|data| data.get_temp::<f32>(footer_id)).unwrap_or(56.0);
        let most = (height - header_height - footer_height).max(80.0);
        // A sheet is not explored with the pointer first: that there is more below must be seen at once.
        ui.spacing_mut().scroll.dormant_handle_opacity = 0.6;
        // Without a least height, egui gives a new sheet less than there is room for.
        let area = ScrollArea::vertical().max_height(most).min_scrolled_height(most);
        area.auto_shrink([false, true]).show(ui, |ui| {
            contents(ui, pass, sheets);
        });
        let top = ui.min_rect().bottom();
        ui.add_space(12.0);
        footer(ui, pass, sheets);
        let now = ui.min_rect().bottom() - top;
        if (now - footer_height).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(footer_id, now));
            ui.ctx().request_repaint();
        }
    }
}

/// Whether the window behind a sheet is dimmed and waits: while there is no show that needs a hand.
fn dims(pass: &Pass<'_>) -> bool {
    matches!(pass.live_state(), LiveState::Off | LiveState::Failed | LiveState::TakenOver)
        && !pass.view.is_under_way()
}

/// A control of a sheet was shown: F6 finds it, and a sheet that has just come gives it the keyboard if it is the
/// first. Whether it was pressed.
fn control(ui: &Ui, pass: &mut Pass<'_>, sheets: &mut Sheets, response: &Response) -> bool {
    pass.focus.note(response);
    if sheets.wants_focus && response.enabled() && response.sense.is_focusable() && !ui.is_sizing_pass() {
        sheets.wants_focus = false;
        response.request_focus();
    }
    sheets.has_keyboard |= response.has_focus();
    response.clicked()
}

/// The bottom of a sheet: a sentence on the left, buttons on the right in the order of Tab.
fn footer_row(ui: &mut Ui, words: Words<'_>, buttons: impl FnOnce(&mut Ui)) {
    let layout = Layout::left_to_right(Align::Center);
    let whole = ui.available_width();
    ui.allocate_ui_with_layout(vec2(whole, 40.0), layout, |ui| {
        // Known from the pass before: the sentence wraps in the room that the buttons leave.
        let id = ui.scope_id().with("buttons width");
        let known = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(320.0);
        let room = (whole - known - 16.0).max(0.0);
        ui.allocate_ui_with_layout(vec2(room, 40.0), layout, |ui| {
            ui.set_width(room);
            let response = paragraph(ui, words);
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_live(Live::Polite));
        });
        let start = pos2(ui.max_rect().right() - known, ui.max_rect().top());
        // Not cut off at the end of the row: a button that has grown pushes all of them to the left in the next pass.
        let unbounded = Rect::from_min_size(start, vec2(whole, 40.0));
        let mut beside = ui.new_child(UiBuilder::new().max_rect(unbounded).layout(layout));
        buttons(&mut beside);
        let width = beside.min_rect().width();
        ui.advance_cursor_after_rect(Rect::from_min_size(start, vec2(width.min(known), 40.0)));
        if (width - known).abs() > 0.5 {
            ui.data_mut(|data| data.insert_temp(id, width));
            ui.ctx().request_repaint();
        }
    });
}
