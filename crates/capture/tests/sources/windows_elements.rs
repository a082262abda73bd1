//! The elements of GStreamer for Windows have the properties that we set, by the names and values that we use. Some of
//! them an element shows only where Windows can do what they ask for; then the names must stand in its library.

use gstreamer as gst;
use gstreamer::prelude::*;

/// Elements, properties, and values of enumerations.
const USED: [(&str, &[&str], &[&str]); 8] = [
    (
        "d3d12screencapturesrc",
        &[
            "monitor-handle",
            "window-handle",
            "capture-api",
            "show-cursor",
            "show-border",
            "window-capture-mode",
        ],
        &["wgc", "dxgi", "client"],
    ),
    (
        "d3d11screencapturesrc",
        &[
            "monitor-handle",
            "window-handle",
            "capture-api",
            "show-cursor",
            "show-border",
            "window-capture-mode",
        ],
        &["wgc", "dxgi", "client"],
    ),
    ("gdiscreencapsrc", &["monitor", "cursor"], &[]),
    ("mfvideosrc", &["device-path", "device-name"], &[]),
    ("ksvideosrc", &["device-path", "device-name"], &[]),
    ("dshowvideosrc", &["device-name"], &[]),
    (
        "wasapi2src",
        &["loopback", "loopback-mode", "loopback-target-pid", "slave-method", "provide-clock"],
        &["include-process-tree", "exclude-process-tree"],
    ),
    ("jpegdec", &[], &[]),
];

#[test]
fn elements_have_the_properties_that_are_used() {
    gst::init().unwrap();
    for (element, properties, values) in USED {
        let factory = gst::ElementFactory::find(element).unwrap_or_else(|| panic!("{element} is installed"));
        let made = factory.create().build().unwrap();
        let library = factory.plugin().and_then(|plugin| plugin.filename()).expect("a plugin has a file");
        let bytes = std::fs::read(library).unwrap();
        let stands_in_library = |name: &str| {
            let with_end = [name.as_bytes(), b"\0"].concat();
            bytes.windows(with_end.len()).any(|part| part == with_end)
        };
        for property in properties {
            let known = made.find_property(property).is_some() || stands_in_library(property);
            assert!(known, "{element} has {property}");
        }
        for value in values {
            assert!(stands_in_library(value), "{element} knows {value}");
        }
    }
}

#[test]
fn the_providers_of_cameras_are_installed() {
    gst::init().unwrap();
    for provider in ["mfdeviceprovider", "ksdeviceprovider"] {
        assert!(gst::DeviceProviderFactory::find(provider).is_some(), "{provider}");
    }
}
