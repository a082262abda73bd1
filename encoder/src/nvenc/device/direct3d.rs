//! The Direct3D 11 device of NVIDIA's GPU: for pictures that come from memory, which the driver's own buffers take. With
//! Direct3D 12 the driver has no such buffers, and every copy would be ours to make and to wait for.
#![expect(unsafe_code, reason = "interfaces of Direct3D are called")]

use windows::Win32::Foundation::HMODULE;
use windows::Win32::Graphics::Direct3D::D3D_DRIVER_TYPE_UNKNOWN;
use windows::Win32::Graphics::Direct3D11::{
    D3D11_CREATE_DEVICE_FLAG, D3D11_SDK_VERSION, D3D11CreateDevice, ID3D11Device,
};
use windows::Win32::Graphics::Dxgi::{CreateDXGIFactory1, IDXGIAdapter, IDXGIFactory1};

/// NVIDIA's number at the PCI register of vendors.
const NVIDIA: u32 = 0x10de;

/// A device on the first GPU of NVIDIA's.
///
/// # Errors
/// In words, when there is none or it does not open.
pub(super) fn open() -> Result<ID3D11Device, String> {
    let none = || "there is no GPU of NVIDIA's in this computer".to_owned();
    // SAFETY: a plain call of the system.
    let factory: IDXGIFactory1 = unsafe { CreateDXGIFactory1() }.map_err(|error| error.message())?;
    for number in 0.. {
        // SAFETY: a plain call of the interface; behind the last adapter it is an error.
        let adapter: IDXGIAdapter = unsafe { factory.EnumAdapters(number) }.map_err(|_| none())?;
        // SAFETY: a plain call of the interface.
        let vendor = unsafe { adapter.GetDesc() }.map_or(0, |desc| desc.VendorId);
        if vendor != NVIDIA {
            continue;
        }
        let mut device: Option<ID3D11Device> = None;
        // SAFETY: the pointer is to a local variable; an adapter is named, so the kind of driver is unknown.
        let opened = unsafe {
            D3D11CreateDevice(
                &adapter,
                D3D_DRIVER_TYPE_UNKNOWN,
                HMODULE::default(),
                D3D11_CREATE_DEVICE_FLAG(0),
                None,
                D3D11_SDK_VERSION,
                Some(&raw mut device),
                None,
                None,
            )
        };
        opened.map_err(|error| format!("Direct3D does not open the GPU: {}", error.message()))?;
        return device.ok_or_else(none);
    }
    Err(none())
}
