//! Windows, captured from an X server that the test starts.

use crate::support::{
    XServer, bgr, context, lost_reason, run_again, show_window, source, wait_for, wait_until_running,
};
use capture::SourceState;
use scene::{SourceKind, WindowSelector};
use units::{PixelFormat, Size};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt as _};

/// Says to the child which X server is the test's.
const DISPLAY: &str = "GENLOCK_TEST_DISPLAY";

/// Runs `test` again with `DISPLAY` naming a server of its own, or says that this already is that run.
fn is_with_server(test: &str) -> bool {
    if std::env::var_os(DISPLAY).is_some() {
        return true;
    }
    let server = XServer::start();
    run_again(test, &[("DISPLAY", server.name.as_ref()), (DISPLAY, server.name.as_ref())]);
    false
}

fn window(title: &str) -> scene::Source {
    let window = WindowSelector { title: Some(title.into()), ..WindowSelector::default() };
    source(SourceKind::Window { window, show_cursor: false, show_border: false })
}

#[test]
fn a_window_is_found_followed_and_named_when_it_closes() {
    if !is_with_server("window::a_window_is_found_followed_and_named_when_it_closes") {
        return;
    }
    let (connection, screen) = x11rb::connect(None).unwrap();
    let root = connection.setup().roots[screen].root;
    show_window(&connection, root, [0, 0, 50, 50], 0x00ff_0000, "Another");
    let painted = show_window(&connection, root, [60, 40, 120, 90], 0x0000_c800, "Painting - flowers");
    let (context, _) = context(".".as_ref());
    let source = capture::open(&window("flowers"), &context).unwrap();
    wait_until_running(source.as_ref());
    let frame = source.newest_frame().unwrap();
    assert_eq!((frame.size(), frame.format()), (Size::new(120, 90).unwrap(), PixelFormat::Bgrx8));
    assert_eq!(bgr(&frame, 0, 0), [0, 0xc8, 0]);
    assert_eq!(bgr(&frame, 119, 89), [0, 0xc8, 0]);
    assert!(source.via().starts_with("ximagesrc: window “Painting - flowers”"), "{}", source.via());

    for (width, height) in [(200, 100), (80, 60), (333, 222)] {
        let size = ConfigureWindowAux::new().width(width).height(height);
        connection.configure_window(painted, &size).unwrap();
        connection.flush().unwrap();
        wait_for("the new size", || (source.size() == Size::new(width, height).ok()).then_some(()));
        assert_eq!(source.state(), SourceState::Running, "a new size is no loss");
    }

    connection.destroy_window(painted).unwrap();
    connection.flush().unwrap();
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    assert!(reason.starts_with("Window “flowers” is not there: "), "{reason}");
    wait_for("the placeholder", || source.newest_frame().filter(|f| f.format() == PixelFormat::Rgba8));

    show_window(&connection, root, [10, 10, 64, 48], 0x0000_00c8, "More flowers");
    wait_for("its return", || (source.state() == SourceState::Running).then_some(()));
    assert_eq!(source.size(), Size::new(64, 48).ok());
}

#[test]
fn all_parts_of_a_selector_must_match() {
    if !is_with_server("window::all_parts_of_a_selector_must_match") {
        return;
    }
    let (connection, screen) = x11rb::connect(None).unwrap();
    let root = connection.setup().roots[screen].root;
    show_window(&connection, root, [0, 0, 50, 50], 0x00ff_0000, "Game");
    let (context, _) = context(".".as_ref());
    let open = |title: &str, class: &str| {
        let window = WindowSelector { title: Some(title.into()), class: Some(class.into()), program: None };
        capture::open(&source(SourceKind::Window { window, show_cursor: true, show_border: false }), &context)
            .unwrap()
    };
    wait_until_running(open("Game", "painter").as_ref());
    let other = open("Game", "writer");
    wait_for("no match", || lost_reason(other.as_ref()));
    let nothing =
        SourceKind::Window { window: WindowSelector::default(), show_cursor: true, show_border: false };
    let nothing = capture::open(&source(nothing), &context).unwrap();
    let reason = wait_for("the loss", || lost_reason(nothing.as_ref()));
    assert_eq!(reason, "The window is not there: the scene does not say which window");
}
