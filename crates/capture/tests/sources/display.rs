//! Displays, captured from an X server that the test starts.

use crate::support::{XServer, bgr, context, lost_reason, show_window, source, wait_for, wait_until_running};
use scene::{DisplaySelector, SourceKind};
use units::{PixelFormat, Size};

fn display(name: &str) -> scene::Source {
    source(SourceKind::Display {
        display: DisplaySelector::Named(name.into()),
        show_cursor: false,
        show_border: false,
        hide_own_windows: false,
    })
}

#[test]
fn a_display_arrives_as_it_is() {
    let server = XServer::start();
    let (connection, root) = server.connect();
    show_window(&connection, root, [40, 30, 100, 80], 0x00ff_8010, "orange");
    let (context, _) = context(".".as_ref());
    let source = capture::open(&display(&server.name), &context).unwrap();
    wait_until_running(source.as_ref());
    let frame = wait_for("the window in the picture", || {
        source.newest_frame().filter(|frame| bgr(frame, 60, 60) == [0x10, 0x80, 0xff])
    });
    assert_eq!(frame.size(), Size::new(400, 300).unwrap());
    assert_eq!(frame.format(), PixelFormat::Bgrx8, "not converted");
    assert_eq!(bgr(&frame, 10, 10), [0, 0, 0]);
    assert_eq!(bgr(&frame, 39, 30), [0, 0, 0]);
    assert_eq!(bgr(&frame, 40, 30), [0x10, 0x80, 0xff]);
    assert_eq!(bgr(&frame, 139, 109), [0x10, 0x80, 0xff]);
    assert_eq!(bgr(&frame, 140, 110), [0, 0, 0]);
    let via = source.via();
    assert!(via.starts_with("ximagesrc: X display"), "{via}");

    // What changes is seen, and time stamps go on and do not lie in the future.
    show_window(&connection, root, [0, 0, 400, 300], 0x0000_00ff, "blue");
    let later = wait_for("the change", || source.newest_frame().filter(|f| bgr(f, 60, 60) == [0xff, 0, 0]));
    assert!(later.captured_at() > frame.captured_at());
    assert!(later.captured_at() <= context.clock.now());
}

#[test]
fn a_display_that_is_not_there_is_named() {
    let (context, _) = context(".".as_ref());
    let source = capture::open(&display(":987654"), &context).unwrap();
    let reason = wait_for("the loss", || lost_reason(source.as_ref()));
    assert!(reason.starts_with("Display “:987654” is not there: "), "{reason}");
    let placeholder = wait_for("the placeholder", || source.newest_frame());
    assert_eq!(placeholder.size(), context.canvas);
    let mut colours: Vec<[u8; 3]> = (0..320 * 180).map(|n| bgr(&placeholder, n % 320, n / 320)).collect();
    colours.sort_unstable();
    colours.dedup();
    assert!(colours.len() > 4, "there are letters with soft edges on it");
}
