//! Displays and windows of the Windows desktop: by Direct3D where the computer has it, else by GDI.

use std::process::Command;

use crate::painted_window::PaintedWindow;
use crate::support::{Killed, bgr, context, lost_reason, source, wait_for, wait_until_running};
use capture::{Devices, SourceState};
use scene::{DisplaySelector, SourceKind, WindowSelector};
use units::Size;

/// Makes this test program show a window and wait to be ended.
const SHOW: &str = "GENLOCK_TEST_SHOW_WINDOW";
const CHILD: &str = "windows_desktop::a_window_of_another_program_is_offered_and_found_again";

fn display(display: DisplaySelector) -> scene::Source {
    source(SourceKind::Display { display, show_cursor: false, show_border: false, hide_own_windows: false })
}

fn window(window: WindowSelector) -> scene::Source {
    source(SourceKind::Window { window, show_cursor: false, show_border: false })
}

fn titled(title: &str) -> WindowSelector {
    WindowSelector { title: Some(title.into()), ..WindowSelector::default() }
}

fn devices() -> Devices {
    capture::list_devices()
}

/// Blue, green and red of a pixel, whatever format the way in use gives.
fn is_color(frame: &units::VideoFrame, [x, y]: [usize; 2], expected: [u8; 3]) -> bool {
    bgr(frame, x, y) == expected
}

#[test]
fn displays_are_listed_and_the_picture_is_what_is_on_the_screen() {
    let listed = devices();
    assert_eq!(listed.problems, Vec::<String>::new());
    let primary = listed.displays.iter().find(|display| display.note.ends_with(", primary")).unwrap();
    assert!(!primary.name.is_empty());
    let _painted = PaintedWindow::show("GenlockOrange", "Genlock orange", [400, 300, 100, 80], 0x00ff_8010);
    let (context, _) = context(".".as_ref());
    for wanted in [DisplaySelector::Primary, DisplaySelector::Named(primary.name.clone())] {
        let source = capture::open(&display(wanted), &context).unwrap();
        wait_until_running(source.as_ref());
        let orange = [0x10, 0x80, 0xff];
        let frame = wait_for("the window in the picture", || {
            source.newest_frame().filter(|frame| is_color(frame, [450, 340], orange))
        });
        assert!(primary.note.starts_with(&format!("{}", frame.size()).replace('×', "x")), "{}", primary.note);
        for corner in [[400, 300], [499, 300], [400, 379], [499, 379]] {
            assert!(is_color(&frame, corner, orange), "{corner:?}");
        }
        for outside in [[399, 300], [500, 300], [400, 299], [400, 380]] {
            assert!(!is_color(&frame, outside, orange), "{outside:?}");
        }
        let via = source.via();
        let ways = ["d3d12screencapturesrc: ", "d3d11screencapturesrc: ", "gdiscreencapsrc: "];
        assert!(ways.iter().any(|way| via.starts_with(way)), "{via}");
        assert!(via.contains(&format!("monitor {}, ", primary.name)), "{via}");
        assert!(frame.captured_at() <= context.clock.now());
    }
}

#[test]
fn a_display_that_is_not_there_is_named() {
    let (context, _) = context(".".as_ref());
    let source = capture::open(&display(DisplaySelector::Named("Beamer".into())), &context).unwrap();
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    let begin = "Display “Beamer” is not there: there is no such monitor (there are: ";
    assert!(reason.starts_with(begin), "{reason}");
}

#[test]
fn a_window_is_captured_also_where_it_is_covered_and_followed() {
    let painted = PaintedWindow::show("GenlockGreen", "Green - flowers", [100, 100, 120, 90], 0x0000_c800);
    let (context, _) = context(".".as_ref());
    let source = capture::open(&window(titled("Green - flowers")), &context).unwrap();
    wait_until_running(source.as_ref());
    let green = [0, 0xc8, 0];
    let frame = source.newest_frame().unwrap();
    assert_eq!(frame.size(), Size::new(120, 90).unwrap());
    for corner in [[0, 0], [119, 0], [0, 89], [119, 89]] {
        assert!(is_color(&frame, corner, green), "{corner:?}");
    }
    let via = source.via();
    let ways = ["d3d12screencapturesrc: ", "d3d11screencapturesrc: ", "PrintWindow: ", "BitBlt: "];
    assert!(ways.iter().any(|way| via.starts_with(way)), "{via}");
    assert!(via.contains("window “Green - flowers”"), "{via}");

    let cover = PaintedWindow::show("GenlockRed", "Red", [90, 90, 200, 200], 0x00ff_0000);
    let covered_at = context.clock.now();
    let frame = wait_for("a picture of the covered window", || {
        source.newest_frame().filter(|frame| frame.captured_at() > covered_at)
    });
    if !via.starts_with("BitBlt: ") {
        assert!(is_color(&frame, [60, 45], green), "what covers it is not seen");
    }
    drop(cover);

    painted.resize(200, 100);
    wait_for("the new size", || (source.size() == Size::new(200, 100).ok()).then_some(()));
    assert_eq!(source.state(), SourceState::Running, "a new size is no loss");

    painted.minimise();
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    assert!(reason.contains("it is minimised"), "{reason}");
    painted.restore();
    wait_for("its return", || (source.state() == SourceState::Running).then_some(()));

    drop(painted);
    wait_for("the loss", || lost_reason(source.as_ref()));
    let _again = PaintedWindow::show("GenlockGreen", "Green - flowers", [10, 10, 64, 48], 0x0000_c800);
    wait_for("its return", || (source.state() == SourceState::Running).then_some(()));
    assert_eq!(source.size(), Size::new(64, 48).ok());
}

#[test]
fn a_window_of_another_program_is_offered_and_found_again() {
    if let Some(title) = std::env::var_os(SHOW) {
        let _shown =
            PaintedWindow::show("GenlockChild", &title.to_string_lossy(), [300, 200, 80, 60], 0x0000_00c8);
        std::thread::park_timeout(std::time::Duration::from_secs(120));
        return;
    }
    let show = |title: &str| {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", CHILD, "--nocapture", "--test-threads=1"]).env(SHOW, title);
        Killed(command.spawn().unwrap())
    };
    let _own = PaintedWindow::show("GenlockOwn", "One of our own", [600, 500, 50, 50], 0x00ff_ffff);
    let first = show("Document a");
    let offered = wait_for("the window in the list", || {
        devices().windows.into_iter().find(|window| window.title == "Document a")
    });
    assert!(devices().windows.iter().all(|window| window.title != "One of our own"));
    assert_eq!(offered.selector.class.as_deref(), Some("GenlockChild"));
    let own = std::env::current_exe().unwrap();
    let own = own.file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(offered.selector.program, Some(own));

    let (context, _) = context(".".as_ref());
    let source = capture::open(&window(offered.selector), &context).unwrap();
    wait_until_running(source.as_ref());
    assert!(is_color(&source.newest_frame().unwrap(), [40, 30], [0xc8, 0, 0]));
    drop(first);
    wait_for("the loss", || lost_reason(source.as_ref()));
    let _second = show("Document b");
    wait_for("its return under another title", || {
        (source.state() == SourceState::Running && source.via().contains("Document b")).then_some(())
    });
}

#[test]
fn our_windows_are_left_out_or_the_note_says_why_not() {
    let color = [0xff, 0x20, 0xff];
    let _own = PaintedWindow::show("GenlockHidden", "Hidden", [700, 500, 50, 50], 0x00ff_20ff);
    let (context, _) = context(".".as_ref());
    let display = SourceKind::Display {
        display: DisplaySelector::Primary,
        show_cursor: false,
        show_border: false,
        hide_own_windows: true,
    };
    let source = capture::open(&source(display), &context).unwrap();
    wait_until_running(source.as_ref());
    if source.via().contains("without our own windows") {
        wait_for("a picture without it", || {
            source.newest_frame().filter(|frame| !is_color(frame, [725, 525], color))
        });
    } else {
        assert!(source.via().contains("(our own windows are seen: Windows refuses it: "), "{}", source.via());
        wait_for("a picture with it", || {
            source.newest_frame().filter(|frame| is_color(frame, [725, 525], color))
        });
    }
}
