//! GStreamer elements by name, with settings that are looked up at run time: the versions we meet (1.22 on Debian 12,
//! 1.28 on Windows) differ in what they have, and an unknown setting must be an error value.

use std::sync::OnceLock;

use gstreamer as gst;
use gstreamer::glib;
use gstreamer::prelude::*;

use crate::Error;

/// Starts GStreamer once in this process.
pub(crate) fn init() -> Result<(), Error> {
    static STARTED: OnceLock<Result<(), String>> = OnceLock::new();
    STARTED.get_or_init(|| gst::init().map_err(|e| e.to_string())).clone().map_err(Error::GStreamer)
}

/// Whether an element of that name can be made.
pub(crate) fn is_installed(element: &str) -> bool {
    init().is_ok() && gst::ElementFactory::find(element).is_some()
}

/// Makes an element and gives it its settings, written as GStreamer writes them.
pub(crate) fn make(element: &str, settings: &[(&str, &str)]) -> Result<gst::Element, Error> {
    init()?;
    let missing = || Error::MissingElement { element: element.to_owned() };
    let factory = gst::ElementFactory::find(element).ok_or_else(missing)?;
    let made = factory.create().build().map_err(|_| missing())?;
    for (property, value) in settings {
        set(&made, property, value)?;
    }
    Ok(made)
}

/// Sets one property from its text form.
pub(crate) fn set(element: &gst::Element, property: &str, value: &str) -> Result<(), Error> {
    let refused = |reason: &str| Error::Setting {
        element: element.factory().map_or_else(|| element.name().to_string(), |f| f.name().to_string()),
        property: property.to_owned(),
        value: value.to_owned(),
        reason: reason.to_owned(),
    };
    let spec = element.find_property(property).ok_or_else(|| refused("there is no such setting"))?;
    if !spec.flags().contains(glib::ParamFlags::WRITABLE) {
        return Err(refused("the setting cannot be written"));
    }
    // GStreamer's text form of a string may be quoted; a device name must arrive as it is.
    let parsed = if spec.value_type() == glib::Type::STRING {
        value.to_value()
    } else {
        glib::Value::deserialize(value, spec.value_type()).map_err(|_| refused("the value cannot be read"))?
    };
    element.set_property_from_value(property, &parsed);
    Ok(())
}

/// Whether an element has a property of that name.
pub(crate) fn has(element: &gst::Element, property: &str) -> bool {
    element.find_property(property).is_some()
}

/// Whether an element is installed and has no property of that name.
#[cfg(any(windows, test))]
pub(crate) fn lacks(element: &str, property: &str) -> bool {
    make(element, &[]).is_ok_and(|made| !has(&made, property))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_elements_and_settings_are_values() {
        assert!(matches!(make("nosuchsrc", &[]), Err(Error::MissingElement { .. })));
        let source = make("fakesrc", &[("num-buffers", "3")]).unwrap();
        assert!(matches!(set(&source, "no-such-setting", "1"), Err(Error::Setting { .. })));
        assert!(matches!(set(&source, "num-buffers", "many"), Err(Error::Setting { .. })));
        assert!(set(&source, "name", "a \"name\" with quotes").is_ok());
        assert_eq!(source.name(), "a \"name\" with quotes");
    }
}
