//! Which of several graphics cards encodes: the one that composes, where its family has an element for it.
//!
//! GStreamer registers a hardware encoder once per card: the first under its plain name, such as `amfh264enc`, the next
//! as `amfh264device1enc` and so on, each with the card's LUID as `adapter-luid` (GStreamer 1.28, plugins amfcodec, qsv
//! and mediafoundation). NVIDIA's plain elements go through CUDA and name no LUID, and CUDA counts cards in another
//! order than DXGI; those that go through Direct3D 11, `nvd3d11h264enc`, do name it.

use std::sync::{OnceLock, RwLock};

use gstreamer as gst;
use gstreamer::prelude::*;
use units::VideoCodec;

use crate::backend::{CODECS, FALLBACK_ORDER};
use crate::{BackendKind, pipeline};

/// A hardware encoder as GStreamer offers it on one graphics card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterElement {
    /// The family.
    pub kind: BackendKind,
    /// What it makes.
    pub codec: VideoCodec,
    /// Name of the element.
    pub element: String,
    /// The card's locally unique identifier, high part times 2 to the 32 plus low part, as DXGI tells it; `None` where
    /// the element names none.
    pub adapter_luid: Option<i64>,
    /// Whether it is the one of its family and code that is used.
    pub is_used: bool,
}

fn preferred() -> &'static RwLock<Option<i64>> {
    static PREFERRED: OnceLock<RwLock<Option<i64>>> = OnceLock::new();
    PREFERRED.get_or_init(RwLock::default)
}

/// Says which graphics card encoders are to run on, by its LUID: the one that composes, so that pictures need not cross
/// from card to card. To be said before the first encoder is opened or tried. Families without an element for that card
/// stay with their first one.
pub fn prefer_adapter(luid: i64) {
    if let Ok(mut preferred) = preferred().write() {
        *preferred = Some(luid);
    }
}

/// The LUID of the card that encoders are to run on.
pub(crate) fn wanted() -> Option<i64> {
    preferred().read().ok().and_then(|luid| *luid)
}

/// Every hardware encoder on every graphics card, as far as GStreamer found it usable. Opens none.
pub fn adapter_elements() -> Vec<AdapterElement> {
    if pipeline::init().is_err() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for codec in CODECS {
        for kind in FALLBACK_ORDER.into_iter().filter(|kind| kind.is_hardware()) {
            let Some(base) = kind.element_for(codec) else { continue };
            let devices = devices(base);
            let used = pick(base, &devices, wanted());
            found.extend(devices.into_iter().map(|device| AdapterElement {
                kind,
                codec,
                is_used: device.element == used,
                element: device.element,
                adapter_luid: device.luid,
            }));
        }
    }
    found
}

/// The element that stands for `base` here.
pub(crate) fn element_here(base: &str) -> String {
    match wanted() {
        Some(luid) if pipeline::init().is_ok() => pick(base, &devices(base), Some(luid)),
        _ => base.to_owned(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Device {
    element: String,
    luid: Option<i64>,
}

/// The elements of the family of `base`, the plain one first.
fn devices(base: &str) -> Vec<Device> {
    let kinds = gst::ElementFactoryType::ENCODER | gst::ElementFactoryType::MEDIA_VIDEO;
    let factories = gst::ElementFactory::factories_with_type(kinds, gst::Rank::NONE);
    let names = factories.into_iter().map(|factory| factory.name().to_string());
    let mut numbered: Vec<(u32, String)> =
        names.filter_map(|name| Some((number_in_family(base, &name)?, name))).collect();
    numbered.sort();
    numbered.into_iter().map(|(_, element)| Device { luid: luid(&element), element }).collect()
}

/// The LUID that an element is bound to.
fn luid(element: &str) -> Option<i64> {
    let made = gst::ElementFactory::make(element).build().ok()?;
    made.find_property("adapter-luid").filter(|property| property.value_type() == gst::glib::Type::I64)?;
    Some(made.property::<i64>("adapter-luid")).filter(|luid| *luid != 0)
}

/// Where `name` stands among the elements of the family of `base`; `None` for another family's. Plain ones come before
/// those that go through Direct3D 11.
fn number_in_family(base: &str, name: &str) -> Option<u32> {
    const DIRECT3D: &str = "nvd3d11";
    const PLAIN: &str = "nv";
    let through_direct3d = base.starts_with(PLAIN) && name.starts_with(DIRECT3D);
    let (name, first) = if through_direct3d {
        (format!("{PLAIN}{}", name.strip_prefix(DIRECT3D)?), 100)
    } else {
        (name.to_owned(), 0)
    };
    let stem = base.strip_suffix("enc")?;
    let rest = name.strip_prefix(stem)?.strip_suffix("enc")?;
    let number = if rest.is_empty() { 0 } else { rest.strip_prefix("device")?.parse::<u32>().ok()? };
    number.checked_add(first)
}

/// The one of `devices` on the card `wanted`, else `base`.
fn pick(base: &str, devices: &[Device], wanted: Option<i64>) -> String {
    let on_it = devices.iter().find(|device| device.luid.is_some() && device.luid == wanted);
    let cards = devices.iter().filter(|device| device.luid.is_some()).count();
    match on_it {
        // One card only: the family's plain element is on it, whatever it goes through.
        Some(device) if cards > 1 => device.element.clone(),
        _ => base.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(element: &str, luid: i64) -> Device {
        Device { element: element.to_owned(), luid: Some(luid).filter(|luid| *luid != 0) }
    }

    #[test]
    fn elements_of_one_family_are_told_from_others() {
        assert_eq!(number_in_family("amfh264enc", "amfh264enc"), Some(0));
        assert_eq!(number_in_family("amfh264enc", "amfh264device2enc"), Some(2));
        assert_eq!(number_in_family("nvh264enc", "nvh264device1enc"), Some(1));
        assert_eq!(number_in_family("nvh264enc", "nvd3d11h264enc"), Some(100));
        assert_eq!(number_in_family("nvh264enc", "nvd3d11h264device1enc"), Some(101));
        for other in ["amfh265enc", "amfh264dec", "amfh264deviceenc", "nvd3d11h264enc", "nvautogpuh264enc"] {
            assert_eq!(number_in_family("amfh264enc", other), None, "{other}");
        }
        assert_eq!(number_in_family("nvh264enc", "nvautogpuh264enc"), None);
    }

    #[test]
    fn the_card_that_composes_encodes_where_it_can() {
        let two = [device("amfh264enc", 11), device("amfh264device1enc", 22)];
        assert_eq!(pick("amfh264enc", &two, Some(22)), "amfh264device1enc");
        assert_eq!(pick("amfh264enc", &two, Some(11)), "amfh264enc");
        assert_eq!(pick("amfh264enc", &two, Some(33)), "amfh264enc", "of another maker");
        assert_eq!(pick("amfh264enc", &two, None), "amfh264enc");
        assert_eq!(pick("amfh264enc", &[], Some(11)), "amfh264enc", "it will be told as missing");
    }

    #[test]
    fn nvidia_counts_cards_in_two_orders() {
        let one = [device("nvh264enc", 0), device("nvd3d11h264enc", 7)];
        assert_eq!(pick("nvh264enc", &one, Some(7)), "nvh264enc");
        let two = [
            device("nvh264enc", 0),
            device("nvh264device1enc", 0),
            device("nvd3d11h264enc", 7),
            device("nvd3d11h264device1enc", 8),
        ];
        assert_eq!(pick("nvh264enc", &two, Some(8)), "nvd3d11h264device1enc");
        assert_eq!(pick("nvh264enc", &two, Some(7)), "nvd3d11h264enc");
    }

    #[test]
    fn here_every_element_is_its_own() {
        prefer_adapter(4_711);
        assert_eq!(element_here("x264enc"), "x264enc");
        assert!(adapter_elements().iter().all(|element| element.adapter_luid != Some(4_711)));
    }
}
