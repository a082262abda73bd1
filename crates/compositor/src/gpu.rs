//! The machine's graphics adapter, opened once and shared with the window.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;
use crate::turns::{HeldSubmissions, Turns};

/// Environment variable that names the adapter to use (a part of its name, in any case), for machines where the
/// automatic choice is wrong.
pub const ADAPTER_VARIABLE: &str = "GENLOCK_ADAPTER";

/// Environment variable that names the programming interface to drive it through, `dx12` or `vulkan`. Without it
/// Windows gets Direct3D 12, and Vulkan where that does not open; other systems get Vulkan.
pub const BACKEND_VARIABLE: &str = "GENLOCK_BACKEND";

/// What wgpu's own programs call it; heard where ours is not set.
const COMMON_BACKEND_VARIABLE: &str = "WGPU_BACKEND";

/// Buffers and textures bound at once, by compositor and window together. Direct3D 12 reserves memory for as many
/// (wgpu, `Limits::max_non_sampler_bindings`), and for wgpu's million much of it; a show has some hundred.
const MOST_BINDINGS: u32 = 1 << 14;

/// What Windows compiles Direct3D's shaders with. A part of Windows since 8.1; Wine's own is not up to it.
#[cfg(windows)]
const SHADER_COMPILER: &str = "d3dcompiler_47.dll";

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
    turns: Arc<Turns>,
}

impl Gpu {
    /// Opens the adapter whose name contains `wanted` (else what [`ADAPTER_VARIABLE`] says), or, where neither is
    /// given, the machine's best: discrete before integrated before virtual before software. Through the interface
    /// that [`BACKEND_VARIABLE`] says, else the first of the system's that opens.
    ///
    /// # Errors
    /// [`Error::Resource`] when there is no such adapter or interface, or its driver gives no device.
    pub fn open(wanted: Option<&str>) -> Result<Self, Error> {
        let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
        let wanted = wanted.map(str::to_owned).or_else(|| variable(ADAPTER_VARIABLE));
        let backend = variable(BACKEND_VARIABLE).or_else(|| variable(COMMON_BACKEND_VARIABLE));
        let mut reasons = Vec::new();
        for backend in backends(backend.as_deref(), cfg!(windows))? {
            match pollster::block_on(Self::open_async(wanted.as_deref(), backend)) {
                Ok(gpu) => return Ok(gpu),
                Err(error) => {
                    tracing::warn!(?backend, %error, "an adapter does not open");
                    reasons.push(error.to_string());
                }
            }
        }
        Err(Error::Resource { what: reasons.join("; ") })
    }

    async fn open_async(wanted: Option<&str>, backends: wgpu::Backends) -> Result<Self, Error> {
        // Validation layers cost a multiple of the work they check.
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
            .ok_or_else(|| Error::Resource { what: no_adapter(wanted, &names, backends) })?;
        let largest = adapter.limits();
        let (device, queue) = adapter
            .request_device(&wgpu::DeviceDescriptor {
                label: Some("genlock"),
                required_features: wgpu::Features::empty(),
                required_limits: wgpu::Limits {
                    max_non_sampler_bindings: MOST_BINDINGS,
                    ..wgpu::Limits::downlevel_defaults().using_resolution(largest)
                },
                ..wgpu::DeviceDescriptor::default()
            })
            .await
            .map_err(|error| Error::Resource {
                what: format!(
                    "the graphics adapter {} could not be opened: {error}",
                    adapter.get_info().name
                ),
            })?;
        if backends == wgpu::Backends::DX12 {
            compiles(&device, &queue).await?;
        }
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
        let is_software = draws_by_processor(found.device_type, &found.name, found.vendor);
        let info = GpuInfo {
            name: found.name,
            backend: found.backend.to_string(),
            driver: format!("{} {}", found.driver, found.driver_info).trim().to_owned(),
            driver_version: if found.driver_info.is_empty() { found.driver } else { found.driver_info },
            vendor_id: found.vendor,
            device_id: found.device,
            pci_address: found.device_pci_bus_id,
            is_software,
        };
        let reports = Arc::new(Mutex::new(Reports::default()));
        let lost = Arc::clone(&reports);
        device.set_device_lost_callback(move |_, message| {
            let message = if message.is_empty() { "it gives no reason".into() } else { message };
            tracing::error!(%message, "graphics device lost");
            lost.lock().unwrap_or_else(PoisonError::into_inner).lost.get_or_insert(message);
        });
        let refused = Arc::clone(&reports);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            tracing::error!(%error, "graphics library refused a call");
            let mut reports = refused.lock().unwrap_or_else(PoisonError::into_inner);
            reports.refused.get_or_insert(error.to_string());
        }));
        Self { instance, adapter, device, queue, info, reports, turns: Arc::default() }
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

    /// Hands `commands` to the adapter, after whoever holds submissions.
    pub(crate) fn submit(&self, commands: wgpu::CommandBuffer) -> wgpu::SubmissionIndex {
        self.turns.take(|| self.queue.submit([commands]))
    }

    /// Keeps the compositor from handing work to the adapter while the window changes its surface, which only works
    /// while the queue that they share is empty. It waits for the end of the result, a tenth of a second at most.
    pub fn hold_submissions(&self) -> HeldSubmissions {
        self.turns.hold()
    }

    /// Why no picture can stay in this adapter's memory on its way to an encoder; `None` where it can.
    ///
    /// Whether an encoder takes it there is another question, which only trying answers.
    pub fn why_no_textures(&self) -> Option<&'static str> {
        (self.adapter_luid().is_none())
            .then_some("only Direct3D 12 hands pictures over in the adapter's memory")
    }

    /// The adapter's locally unique id, as Windows numbers adapters until it restarts; `None` where it is not driven
    /// through Direct3D 12.
    pub fn adapter_luid(&self) -> Option<i64> {
        #[cfg(windows)]
        return crate::direct3d::adapter_luid(&self.device);
        #[cfg(not(windows))]
        None
    }

    /// Longest side of a texture, in pixels.
    pub fn largest_texture_px(&self) -> u32 {
        self.device.limits().max_texture_dimension_2d
    }

    /// Whether the driver has taken the device away: everything made of it is dead, and another must be opened.
    pub fn is_lost(&self) -> bool {
        self.reports.lock().unwrap_or_else(PoisonError::into_inner).lost.is_some()
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

/// The interfaces to try, in order.
fn backends(wanted: Option<&str>, on_windows: bool) -> Result<Vec<wgpu::Backends>, Error> {
    use wgpu::Backends;
    let possible: &[Backends] =
        if on_windows { &[Backends::DX12, Backends::VULKAN] } else { &[Backends::VULKAN] };
    let Some(wanted) = wanted.map(|name| name.trim().to_lowercase()) else { return Ok(possible.to_vec()) };
    let named = match wanted.as_str() {
        "dx12" | "d3d12" => Backends::DX12,
        "vulkan" | "vk" => Backends::VULKAN,
        _ => Backends::empty(),
    };
    if possible.contains(&named) {
        return Ok(vec![named]);
    }
    let choice = if on_windows { "dx12 or vulkan" } else { "vulkan" };
    Err(Error::Resource {
        what: format!("{BACKEND_VARIABLE} says “{wanted}”; on this system it can be {choice}"),
    })
}

/// Mesa's PCI vendor id for adapters that are none, llvmpipe among them (Khronos' vendor ids, `VK_VENDOR_ID_MESA`).
const MESA_VENDOR: u32 = 0x10005;

/// Whether the processor does the drawing. Wine passes llvmpipe off as a card.
fn draws_by_processor(kind: wgpu::DeviceType, name: &str, vendor: u32) -> bool {
    kind == wgpu::DeviceType::Cpu || vendor == MESA_VENDOR || name_matches(name, "llvmpipe")
}

/// Has one of our shaders compiled, because Direct3D compiles them only when they are needed, and with a library that
/// may be missing or unfit.
async fn compiles(device: &wgpu::Device, queue: &wgpu::Queue) -> Result<(), Error> {
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    crate::rendition::build_scaler(device, queue);
    let refused = validation.pop().await.or(internal.pop().await);
    refused.map_or(Ok(()), |error| {
        Err(Error::Resource { what: format!("the shader compiler of Direct3D 12 does not work: {error}") })
    })
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

fn no_adapter(wanted: Option<&str>, found: &[String], backends: wgpu::Backends) -> String {
    match (wanted, found) {
        (_, []) if backends == wgpu::Backends::DX12 => no_direct3d().to_owned(),
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

/// Why Direct3D 12 shows no adapter. Without its shader compiler wgpu does not even look for one.
fn no_direct3d() -> &'static str {
    #[cfg(windows)]
    if !crate::direct3d::has_library(SHADER_COMPILER) {
        return "d3dcompiler_47.dll, with which Direct3D 12 compiles shaders, is missing; it belongs to Windows, and \
                Windows Update or a repair of its system files (sfc /scannow) brings it back";
    }
    "no graphics adapter was found for Direct3D 12; install the graphics driver of your card's maker"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_adapter_is_named_with_what_there_is() {
        let found = vec!["llvmpipe (LLVM 15.0.6, 256 bits)".to_owned()];
        let text = no_adapter(Some("GeForce"), &found, wgpu::Backends::VULKAN);
        assert!(text.contains("GeForce") && text.contains("llvmpipe"), "{text}");
        assert!(no_adapter(None, &[], wgpu::Backends::VULKAN).contains("mesa-vulkan-drivers"));
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
    fn windows_tries_direct3d_before_vulkan_and_a_wish_is_heard_or_refused() {
        use wgpu::Backends;
        assert_eq!(backends(None, true).unwrap(), [Backends::DX12, Backends::VULKAN]);
        assert_eq!(backends(None, false).unwrap(), [Backends::VULKAN]);
        assert_eq!(backends(Some(" Vulkan"), true).unwrap(), [Backends::VULKAN]);
        assert_eq!(backends(Some("d3d12"), true).unwrap(), [Backends::DX12]);
        let refused = backends(Some("dx12"), false).unwrap_err().to_string();
        assert!(refused.contains("dx12") && refused.contains("vulkan"), "{refused}");
        assert!(backends(Some("metal"), true).is_err());
    }

    #[test]
    fn the_processor_is_known_also_where_it_passes_for_a_card() {
        use wgpu::DeviceType::{Cpu, DiscreteGpu, IntegratedGpu};
        assert!(draws_by_processor(Cpu, "Microsoft Basic Render Driver", 0x1414));
        assert!(draws_by_processor(IntegratedGpu, "llvmpipe (LLVM 19.1.7, 256 bits)", 0));
        assert!(!draws_by_processor(DiscreteGpu, "NVIDIA GeForce RTX 4080", 0x10de));
    }

    #[test]
    fn an_adapter_that_is_not_there_is_an_error_not_a_panic() {
        assert!(matches!(Gpu::open(Some("no such adapter")), Err(Error::Resource { .. })));
    }
}
