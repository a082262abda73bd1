//! Setting element properties that are looked up at run time, so that an unknown name or value is an error and not a
//! panic.

use gstreamer::glib;
use gstreamer::prelude::*;

use crate::Error;

/// A value in words an element may understand.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// The first of these names of an enumeration's or flag set's values that the element knows.
    Nick(&'static [&'static str]),
    /// A whole number, for any integer or enumeration property.
    Number(i64),
    /// Yes or no; of a three-valued option, `on` and `off`.
    Flag(bool),
    /// Text.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nick(nicks) => f.write_str(&nicks.join(" or ")),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Text(text) => write!(f, "“{text}”"),
        }
    }
}

/// One generic setting in one element's words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Assignment {
    /// The generic setting, for people.
    pub(crate) setting: &'static str,
    /// Names of the property in the versions we know; the first that exists is set.
    pub(crate) names: &'static [&'static str],
    /// The value.
    pub(crate) value: Value,
    /// Whether the stream would be wrong without it.
    pub(crate) required: bool,
    /// Whether an element that has no such property does as it is wished all the same: it can not do what is to be off.
    pub(crate) absent_is_fine: bool,
}

impl Assignment {
    /// Without this the stream would not be what was promised.
    pub(crate) const fn must(setting: &'static str, names: &'static [&'static str], value: Value) -> Self {
        Self { setting, names, value, required: true, absent_is_fine: false }
    }

    /// Good to have.
    pub(crate) const fn may(setting: &'static str, names: &'static [&'static str], value: Value) -> Self {
        Self { setting, names, value, required: false, absent_is_fine: false }
    }

    /// To be left undone, which an element without the property does by itself.
    pub(crate) const fn off(setting: &'static str, names: &'static [&'static str], value: Value) -> Self {
        Self { setting, names, value, required: false, absent_is_fine: true }
    }

    /// What an element that has no such property does.
    fn without_property(&self) -> Honoured {
        let property = self.names.first().copied().unwrap_or_default().to_owned();
        Honoured { setting: self.setting.to_owned(), property, value: "never, for want of it".to_owned() }
    }

    /// Whether `element` has the property under any of its names.
    fn is_known_to(&self, element: &gstreamer::Element) -> bool {
        self.names.iter().any(|name| element.find_property(name).is_some())
    }
}

/// A setting that was passed on to the encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Honoured {
    /// The generic setting, in words.
    pub setting: String,
    /// Name of the element's property.
    pub property: String,
    /// Its value, in the element's own unit.
    pub value: String,
}

/// A setting that the encoder could not be given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotHonoured {
    /// The generic setting, in words.
    pub setting: String,
    /// Why, in one sentence.
    pub reason: String,
}

/// What became of a rendition's settings on one encoder: shown before going live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// Name of the element.
    pub element: String,
    /// What it was given.
    pub honoured: Vec<Honoured>,
    /// What it could not be given.
    pub not_honoured: Vec<NotHonoured>,
}

/// Sets one property.
///
/// # Errors
/// [`Error::Property`] when no such property exists, can not be written, or does not take the value.
pub(crate) fn set(element: &gstreamer::Element, assignment: &Assignment) -> Result<Honoured, Error> {
    let refuse = |property: &str, reason: String| Error::Property {
        element: element_name(element),
        property: property.to_owned(),
        value: assignment.value.to_string(),
        reason,
    };
    let found = assignment.names.iter().find_map(|name| Some((*name, element.find_property(name)?)));
    let Some((name, pspec)) = found else {
        return Err(refuse(&assignment.names.join(" or "), "it has no such property".to_owned()));
    };
    if !pspec.flags().contains(glib::ParamFlags::WRITABLE) {
        return Err(refuse(name, "the property is read-only".to_owned()));
    }
    let (value, shown) = convert(&pspec, &assignment.value).map_err(|reason| refuse(name, reason))?;
    element.set_property_from_value(name, &value);
    Ok(Honoured { setting: assignment.setting.to_owned(), property: name.to_owned(), value: shown })
}

/// Sets all properties of `assignments`; optional ones that do not work are added to `applied.not_honoured`.
///
/// # Errors
/// The first required one that does not work.
pub(crate) fn set_all(
    element: &gstreamer::Element,
    assignments: &[Assignment],
    applied: &mut Applied,
) -> Result<(), Error> {
    for assignment in assignments {
        match set(element, assignment) {
            Ok(honoured) => applied.honoured.push(honoured),
            Err(_) if assignment.absent_is_fine && !assignment.is_known_to(element) => {
                applied.honoured.push(assignment.without_property());
            }
            Err(error) if assignment.required => return Err(error),
            Err(error) => {
                let reason = error.to_string();
                applied.not_honoured.push(NotHonoured { setting: assignment.setting.to_owned(), reason });
            }
        }
    }
    Ok(())
}

/// Name of the element's kind, such as `x264enc`.
pub(crate) fn element_name(element: &gstreamer::Element) -> String {
    element.factory().map_or_else(|| element.name().to_string(), |factory| factory.name().to_string())
}

fn convert(pspec: &glib::ParamSpec, value: &Value) -> Result<(glib::Value, String), String> {
    let kind = pspec.value_type();
    if let Some(class) = glib::EnumClass::with_type(kind) {
        return convert_enum(&class, value);
    }
    if let Some(class) = glib::FlagsClass::with_type(kind) {
        return convert_flags(&class, value);
    }
    match value {
        Value::Flag(flag) if kind == glib::Type::BOOL => Ok((flag.to_value(), flag.to_string())),
        Value::Text(text) if kind == glib::Type::STRING => Ok((text.to_value(), text.clone())),
        Value::Number(number) => convert_number(pspec, *number),
        _ => Err(format!("the property is of type {kind}")),
    }
}

fn convert_enum(class: &glib::EnumClass, value: &Value) -> Result<(glib::Value, String), String> {
    let nicks: &[&str] = match value {
        Value::Nick(nicks) => nicks,
        Value::Flag(true) => &["on"],
        Value::Flag(false) => &["off"],
        Value::Number(number) => {
            let number = i32::try_from(*number).map_err(|_| "the number is too large".to_owned())?;
            let known = class.to_value(number).ok_or_else(|| format!("{number} is not one of its values"))?;
            return Ok((known, number.to_string()));
        }
        Value::Text(_) => &[],
    };
    nicks
        .iter()
        .find_map(|nick| Some((class.to_value_by_nick(nick)?, (*nick).to_owned())))
        .ok_or_else(|| format!("its values are {}", list(class.values().iter().map(glib::EnumValue::nick))))
}

fn convert_flags(class: &glib::FlagsClass, value: &Value) -> Result<(glib::Value, String), String> {
    let Value::Nick(nicks) = value else { return Err("the property is a set of flags".to_owned()) };
    nicks
        .iter()
        .find_map(|nick| Some((class.builder().set_by_nick(nick).build()?, (*nick).to_owned())))
        .ok_or_else(|| format!("its values are {}", list(class.values().iter().map(glib::FlagsValue::nick))))
}

fn list<'a>(nicks: impl Iterator<Item = &'a str>) -> String {
    nicks.collect::<Vec<_>>().join(", ")
}

fn convert_number(pspec: &glib::ParamSpec, number: i64) -> Result<(glib::Value, String), String> {
    fn within<T>(number: i64, least: T, most: T) -> Result<T, String>
    where
        T: TryFrom<i64> + PartialOrd + Copy + std::fmt::Display,
    {
        T::try_from(number)
            .ok()
            .filter(|value| *value >= least && *value <= most)
            .ok_or_else(|| format!("it must lie between {least} and {most}"))
    }
    let value = if let Some(spec) = pspec.downcast_ref::<glib::ParamSpecInt>() {
        within(number, spec.minimum(), spec.maximum())?.to_value()
    } else if let Some(spec) = pspec.downcast_ref::<glib::ParamSpecUInt>() {
        within(number, spec.minimum(), spec.maximum())?.to_value()
    } else if let Some(spec) = pspec.downcast_ref::<glib::ParamSpecInt64>() {
        within(number, spec.minimum(), spec.maximum())?.to_value()
    } else if let Some(spec) = pspec.downcast_ref::<glib::ParamSpecUInt64>() {
        within(number, spec.minimum(), spec.maximum())?.to_value()
    } else {
        return Err(format!("the property is of type {}", pspec.value_type()));
    };
    Ok((value, number.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn element(name: &str) -> gstreamer::Element {
        gstreamer::init().unwrap();
        gstreamer::ElementFactory::make(name).build().unwrap()
    }

    #[test]
    fn kinds_of_properties_are_set_by_name() {
        let x264 = element("x264enc");
        for (names, value) in [
            (&["speed-preset"] as &[_], Value::Nick(&["veryfast"])),
            (&["tune"], Value::Nick(&["zerolatency"])),
            (&["no-such-thing", "bitrate"], Value::Number(4321)),
            (&["aud"], Value::Flag(false)),
            (&["option-string"], Value::Text("scenecut=0".to_owned())),
        ] {
            set(&x264, &Assignment::must("test", names, value)).unwrap();
        }
        assert_eq!(x264.property::<u32>("bitrate"), 4321);
        assert!(!x264.property::<bool>("aud"));
        assert_eq!(x264.property::<String>("option-string"), "scenecut=0");
        let openh264 = element("openh264enc");
        let off = Assignment::must("test", &["rate-control"], Value::Nick(&["nonsense", "bitrate"]));
        assert_eq!(set(&openh264, &off).unwrap().value, "bitrate");
    }

    #[test]
    fn what_does_not_exist_or_fit_is_an_error_with_the_reason() {
        let x264 = element("x264enc");
        for (names, value, reason) in [
            (&["frobnicate"] as &[_], Value::Flag(true), "it has no such property"),
            (&["speed-preset"], Value::Nick(&["warp"]), "its values are None, ultrafast"),
            (&["tune"], Value::Nick(&["warp"]), "its values are stillimage"),
            (&["bitrate"], Value::Number(-1), "it must lie between 1 and 2048000"),
            (&["bitrate"], Value::Flag(true), "the property is of type guint"),
            (&["aud"], Value::Number(1), "the property is of type gboolean"),
            (&["speed-preset"], Value::Number(99), "99 is not one of its values"),
        ] {
            let error = set(&x264, &Assignment::must("test", names, value)).unwrap_err().to_string();
            assert!(error.contains("x264enc") && error.contains(reason), "{error}");
        }
    }

    #[test]
    fn only_required_settings_stop() {
        let x264 = element("x264enc");
        let mut applied = Applied::default();
        let optional = Assignment::may("speed of light", &["frobnicate"], Value::Number(1));
        set_all(&x264, std::slice::from_ref(&optional), &mut applied).unwrap();
        assert_eq!(applied.not_honoured.len(), 1);
        let absent = Assignment { absent_is_fine: true, ..optional.clone() };
        let unfit = Assignment::off("bitrate", &["bitrate"], Value::Number(-1));
        set_all(&x264, &[absent, unfit], &mut applied).unwrap();
        let lacking: Vec<_> = applied.not_honoured.iter().map(|lack| lack.setting.as_str()).collect();
        assert_eq!(lacking, ["speed of light", "bitrate"]);
        assert_eq!(applied.honoured.len(), 1, "without the property it is off");
        let required = Assignment { required: true, ..optional };
        assert!(set_all(&x264, &[required], &mut applied).is_err());
    }
}
