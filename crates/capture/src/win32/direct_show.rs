//! The cameras that DirectShow knows: virtual cameras of some programs are to be found nowhere else, and GStreamer has
//! no provider that lists them.

#![expect(unsafe_code, reason = "DirectShow is spoken to through COM")]

use windows::Win32::Foundation::S_OK;
use windows::Win32::Media::DirectShow::ICreateDevEnum;
use windows::Win32::System::Com::StructuredStorage::IPropertyBag;
use windows::Win32::System::Com::{CLSCTX_INPROC_SERVER, CoCreateInstance, IEnumMoniker, IMoniker};
use windows::Win32::System::Variant::{VARIANT, VariantClear, VariantToString};
use windows::core::{GUID, w};

use super::programs::with_com;
use super::string;
use crate::Error;

/// `CLSID_SystemDeviceEnum` and `CLSID_VideoInputDeviceCategory` (Microsoft Learn, DirectShow; `uuids.h`).
const DEVICE_ENUMERATOR: GUID = GUID::from_u128(0x62be5d10_60eb_11d0_bd3b_00a0c911ce86);
const VIDEO_INPUTS: GUID = GUID::from_u128(0x860bb310_5d01_11d0_bd3b_00a0c911ce86);
/// Longest name that is read, in UTF-16 units.
const NAME_UNITS: usize = 256;
/// More devices than this are a circle.
const MOST: usize = 256;

/// Names of all video devices, in DirectShow's order.
///
/// # Errors
/// When DirectShow does not answer.
pub(crate) fn video_devices() -> Result<Vec<String>, Error> {
    with_com(list)
        .map_err(|problem| Error::Device(format!("DirectShow does not answer: {}", problem.message())))
}

fn list() -> windows::core::Result<Vec<String>> {
    // SAFETY: COM is there for this thread; the class is one of the system's own.
    let devices: ICreateDevEnum =
        unsafe { CoCreateInstance(&DEVICE_ENUMERATOR, None, CLSCTX_INPROC_SERVER) }?;
    let mut found: Option<IEnumMoniker> = None;
    // SAFETY: writes one interface. A category without devices answers S_FALSE and writes none.
    unsafe { devices.CreateClassEnumerator(&VIDEO_INPUTS, &raw mut found, 0) }?;
    let Some(found) = found else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for _ in 0..MOST {
        let mut next: [Option<IMoniker>; 1] = [None];
        // SAFETY: writes at most as many interfaces as the array has room for.
        let answer = unsafe { found.Next(&mut next, None) };
        let [Some(device)] = next else { break };
        if answer != S_OK {
            break;
        }
        // A device that does not tell its name cannot be asked for by it.
        names.extend(name(&device).ok().filter(|name| !name.is_empty()));
    }
    Ok(names)
}

fn name(device: &IMoniker) -> windows::core::Result<String> {
    // SAFETY: asks for an interface by its own identity.
    let properties: IPropertyBag = unsafe { device.BindToStorage(None, None) }?;
    let mut value = VARIANT::default();
    let mut units = [0u16; NAME_UNITS];
    // SAFETY: the variant is written, read into the array, and cleared, in this order, and is not used afterwards.
    let read = unsafe {
        let read = properties
            .Read(w!("FriendlyName"), &raw mut value, None)
            .and_then(|()| VariantToString(&raw const value, &mut units));
        // An empty variant is cleared too; there is nothing to do about a refusal.
        let _ = VariantClear(&raw mut value);
        read
    };
    read.map(|()| string(&units, units.len()))
}
