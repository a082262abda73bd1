//! The GPU a session runs on.

use std::ffi::c_void;

use nvenc_api::{DEVICE_CUDA, DEVICE_DIRECTX};
#[cfg(windows)]
use windows::{
    Win32::Graphics::{Direct3D11::ID3D11Device, Direct3D12::ID3D12Device},
    core::Interface,
};

use super::library::Driver;

#[cfg(not(windows))]
mod cuda;
#[cfg(windows)]
mod direct3d;

/// A device as the driver takes it. Dropping it gives it back.
pub(super) enum Device {
    /// Made up by a fake driver; where no GPU is.
    Fake(*mut c_void),
    /// A CUDA context.
    #[cfg(not(windows))]
    Cuda(cuda::Context),
    /// For pictures from memory.
    #[cfg(windows)]
    Direct3d11(ID3D11Device),
    /// For pictures that stay on the GPU.
    #[cfg(windows)]
    Direct3d12(ID3D12Device),
}

impl Device {
    /// The device for pictures that come from memory.
    ///
    /// # Errors
    /// In words, when there is no GPU of NVIDIA's.
    pub(super) fn for_memory(driver: &Driver) -> Result<Self, String> {
        if let Some(device) = driver.fake_device() {
            return Ok(Self::Fake(device));
        }
        #[cfg(not(windows))]
        return cuda::Context::open().map(Self::Cuda);
        #[cfg(windows)]
        direct3d::open().map(Self::Direct3d11)
    }

    /// Which kind it is, by the driver's number.
    pub(super) fn kind(&self) -> u32 {
        match self {
            Self::Fake(_) if cfg!(windows) => DEVICE_DIRECTX,
            Self::Fake(_) => DEVICE_CUDA,
            #[cfg(not(windows))]
            Self::Cuda(_) => DEVICE_CUDA,
            #[cfg(windows)]
            Self::Direct3d11(_) | Self::Direct3d12(_) => DEVICE_DIRECTX,
        }
    }

    /// Its address.
    pub(super) fn pointer(&self) -> *mut c_void {
        match self {
            Self::Fake(device) => *device,
            #[cfg(not(windows))]
            Self::Cuda(context) => context.pointer(),
            #[cfg(windows)]
            Self::Direct3d11(device) => device.as_raw(),
            #[cfg(windows)]
            Self::Direct3d12(device) => device.as_raw(),
        }
    }
}
