//! The machine's graphics adapter, opened once and shared with the window.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;

/// Environment variable that names the adapter to use (a part of its name, in any case), for machines where the
/// automatic choice is wrong.
pub const ADAPTER_VARIABLE: &str = "GENLOCK_ADAPTER";

/// Which adapter was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuInfo {
    /// The name the driver gives it.
    pub name: String,
    /// The programming interface it is driven through: `vulkan`, `dx12`.
    pub backend: String,
    /// The driver's name and version.
    pub driver: String,
    /// The driver's version alone, where it tells it apart from its name.
    pub driver_version: String,
    /// PCI vendor id; 0 for the processor on some drivers.
    pub vendor_id: u32,
    /// PCI device id.
    pub device_id: u32,
    /// Where it is plugged in, such as `0000:01:00.0`; empty where the driver does not say.
    pub pci_address: String,
    /// It is the processor that draws (llvmpipe, WARP): every pixel costs processor time, and waiting for a frame
    /// does not waste an idle adapter.
    pub is_software: bool,
}

/// What the driver reported from its own threads since the last look.
#[derive(Debug, Default)]
struct Reports {
    lost: Option<String>,
    refused: Option<String>,
}

/// An open adapter. Clones share it.
///
/// The window shares it through eframe's `WgpuSetup::Existing`, made of [`Gpu::instance`], [`Gpu::adapter`],
/// [`Gpu::device`] and [`Gpu::queue`], so that the preview never leaves the adapter's memory.
#[derive(Clone, Debug)]
pub struct Gpu {
    instance: wgpu::Instance,
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: GpuInfo,
    reports: Arc<Mutex<Reports>>,
}

impl Gpu {
    /// Opens the adapter whose name contains `wanted` (else what [`ADAPTER_VARIABLE`] says), or, where neither is
    /// given, the machine's best: discrete before integrated before virtual before software.
    ///
    /// # Errors
    /// [`Error::Resource`] when there is no such adapter, or its driver gives no device.
    pub fn open(wanted: Option<&str>) -> Result<Self, Error> {
        let from_environment = std::env::var(ADAPTER_VARIABLE).ok().filter(|name| !name.trim().is_empty());
        let wanted = wanted.map(str::to_owned).or(from_environment);
        pollster::block_on(Self::open_async(wanted.as_deref()))
    }

    async fn open_async(wanted: Option<&str>) -> Result<Self, Error> {
        // Direct3D 12 is what the capture and encoder elements on Windows share pictures through; Vulkan is what
        // Linux has, llvmpipe included. Validation layers cost a multiple of the work they check.
        let backends = if cfg!(windows) { wgpu::Backends::DX12 } else { wgpu::Backends::VULKAN };
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
            backends,
            flags: wgpu::InstanceFlags::empty().with_env(),
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        });
        let adapters = instance.enumerate_adapters(backends).await;
        let names: Vec<String> = adapters.iter().map(|adapter| adapter.get_info().name).collect();
        let adapter = adapters
            .into_iter()
            .filter(|adapter| wanted.is_none_or(|wanted| name_matches(&adapter.get_info().name, wanted)))
            // Of several equal ones the first, as the system lists them.
            .rev()
            .max_by_key(|adapter| preference(adapter.get_info().device_type))
            .ok_or_else(|| Error::Resource { what: no_adapter(wanted, &names) })?;
        let largest = adapter.limits();
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("genlock"),
                required_features: wgpu::Features::empty(),
                required_limits: wgpu::Limits::downlevel_defaults().using_resolution(largest),
                ..wgpu::DeviceDescriptor::default()
            })
            .await
            .map_err(|error| Error::Resource {
                what: format!(
                    "the graphics adapter {} could not be opened: {error}",
                    adapter.get_info().name
                ),
            })?;
        Ok(Self::from_parts(instance, adapter, device, queue))
    }

    /// An adapter that somebody else opened: eframe, or a test.
    ///
    /// Takes over the device's callbacks for loss and for uncaptured errors.
    pub fn from_parts(
        instance: wgpu::Instance,
        adapter: wgpu::Adapter,
        device: wgpu::Device,
        queue: wgpu::Queue,
    ) -> Self {
        let found = adapter.get_info();
        let info = GpuInfo {
            name: found.name,
            backend: found.backend.to_string(),
            driver: format!("{} {}", found.driver, found.driver_info).trim().to_owned(),
            driver_version: if found.driver_info.is_empty() { found.driver } else { found.driver_info },
            vendor_id: found.vendor,
            device_id: found.device,
            pci_address: found.device_pci_bus_id,
            is_software: found.device_type == wgpu::DeviceType::Cpu,
        };
        let reports = Arc::new(Mutex::new(Reports::default()));
        let lost = Arc::clone(&reports);
        device.set_device_lost_callback(move |_, message| {
            tracing::error!(%message, "graphics device lost");
            lost.lock().unwrap_or_else(PoisonError::into_inner).lost.get_or_insert(message);
        });
        let refused = Arc::clone(&reports);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            tracing::error!(%error, "graphics library refused a call");
            let mut reports = refused.lock().unwrap_or_else(PoisonError::into_inner);
            reports.refused.get_or_insert(error.to_string());
        }));
        Self { instance, adapter, device, queue, info, reports }
    }

    /// Which adapter this is.
    pub fn info(&self) -> &GpuInfo {
        &self.info
    }

    /// For `WgpuSetup::Existing`.
    pub fn instance(&self) -> &wgpu::Instance {
        &self.instance
    }

    /// For `WgpuSetup::Existing`.
    pub fn adapter(&self) -> &wgpu::Adapter {
        &self.adapter
    }

    /// For `WgpuSetup::Existing`.
    pub fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// For `WgpuSetup::Existing`.
    pub fn queue(&self) -> &wgpu::Queue {
        &self.queue
    }

    /// Longest side of a texture, in pixels.
    pub fn largest_texture_px(&self) -> u32 {
        self.device.limits().max_texture_dimension_2d
    }

    /// What the driver reported since the last call.
    ///
    /// # Errors
    /// [`Error::DeviceLost`], now and ever after; [`Error::Internal`] once for a refused call.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reason) = &reports.lost {
            return Err(Error::DeviceLost { reason: reason.clone() });
        }
        match reports.refused.take() {
            Some(what) => Err(Error::Internal { what }),
            None => Ok(()),
        }
    }
}

fn name_matches(name: &str, wanted: &str) -> bool {
    name.to_lowercase().contains(&wanted.trim().to_lowercase())
}

const fn preference(kind: wgpu::DeviceType) -> u8 {
    match kind {
        wgpu::DeviceType::DiscreteGpu => 4,
        wgpu::DeviceType::IntegratedGpu => 3,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 1,
        wgpu::DeviceType::Cpu => 0,
    }
}

fn no_adapter(wanted: Option<&str>, found: &[String]) -> String {
    match (wanted, found) {
        (_, []) => {
            "no graphics adapter was found; install a Vulkan driver (on Debian and Ubuntu the package \
                    mesa-vulkan-drivers, which also draws without a graphics card)"
                .to_owned()
        }
        (Some(wanted), found) => {
            format!("no graphics adapter is called “{wanted}”; there is {}", found.join(", "))
        }
        (None, found) => format!("none of the graphics adapters can be used: {}", found.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_adapter_is_named_with_what_there_is() {
        let found = vec!["llvmpipe (LLVM 15.0.6, 256 bits)".to_owned()];
        let text = no_adapter(Some("GeForce"), &found);
        assert!(text.contains("GeForce") && text.contains("llvmpipe"), "{text}");
        assert!(no_adapter(None, &[]).contains("mesa-vulkan-drivers"));
        assert!(name_matches(&found[0], " LLVMpipe "));
        assert!(!name_matches(&found[0], "GeForce"));
    }

    #[test]
    fn hardware_comes_before_software() {
        use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu, Other, VirtualGpu};
        let order = [Cpu, Other, VirtualGpu, IntegratedGpu, DiscreteGpu];
        assert!(order.windows(2).all(|pair| preference(pair[0]) < preference(pair[1])));
    }

    #[test]
    fn an_adapter_that_is_not_there_is_an_error_not_a_panic() {
        assert!(matches!(Gpu::open(Some("no such adapter")), Err(Error::Resource { .. })));
    }
}
