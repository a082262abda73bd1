//! What this machine is, as GetClientConfiguration is told: processor, memory, system and graphics cards; and whether
//! their drivers are new enough.
//!
//! Nothing here identifies the person or the machine; it is what the service chooses settings by (the guide, "Use
//! GetClientConfiguration").

pub(crate) mod driver;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(windows, test))]
mod registry;
#[cfg(windows)]
mod windows;

use compositor::GpuInfo;
use control::Problem;
use ivs::client_configuration::{Capabilities, Cpu, Gpu, Memory, System};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind};

use driver::Standing;

/// What is said where Windows names no release: the request has a text there (GetClientConfiguration,
/// `capabilities.system.release`).
pub(crate) const NO_RELEASE: &str = "unavailable";

/// The machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Survey {
    /// As the service is told.
    pub(crate) capabilities: Capabilities,
    /// Which of its graphics cards composes; `None` when it is the processor that draws.
    pub(crate) composition_gpu: Option<u32>,
    /// How the driver of each graphics card stands, in the same order.
    pub(crate) standings: Vec<Standing>,
    /// The locally unique identifier of each, where the system has such.
    pub(crate) luids: Vec<Option<i64>>,
}

impl Survey {
    /// The graphics cards with their drivers.
    pub(crate) fn cards(&self) -> impl Iterator<Item = (&Gpu, &Standing)> {
        self.capabilities.gpus.iter().zip(&self.standings)
    }

    /// The locally unique identifier of the card that composes, where the system has such.
    pub(crate) fn composition_luid(&self) -> Option<i64> {
        let place = usize::try_from(self.composition_gpu?).ok()?;
        self.luids.get(place).copied().flatten()
    }

    /// Model of the card with this locally unique identifier.
    pub(crate) fn model_of(&self, luid: i64) -> Option<&str> {
        let place = self.luids.iter().position(|known| *known == Some(luid))?;
        self.capabilities.gpus.get(place).map(|gpu| gpu.model.as_str())
    }

    /// What a person is told before several renditions are asked for, a problem for each driver that is too old.
    pub(crate) fn driver_problems(&self) -> Vec<Problem> {
        self.cards().filter_map(|(gpu, standing)| driver::problem(&gpu.model, standing)).collect()
    }
}

/// Looks at the machine, whose pictures `composition` makes.
///
/// Takes some milliseconds; reads files, or the registry.
pub(crate) fn survey(composition: &GpuInfo) -> Survey {
    let known = sysinfo::System::new_with_specifics(
        RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_frequency())
            .with_memory(MemoryRefreshKind::nothing().with_ram()),
    );
    let known = known.ok();
    let memory = known.as_ref().map(|known| {
        let free = known.available_memory().max(known.free_memory());
        Memory { total_bytes: known.total_memory().max(1), free_bytes: free.max(1) }
    });
    let (cards, composition_gpu) = composing_first(cards(), composition);
    let standing = |card: &Card| driver::standing(&card.gpu, card.radeon_software.as_deref(), cfg!(windows));
    #[cfg(windows)]
    let gaming_features = Some(windows::gaming_features());
    #[cfg(not(windows))]
    let gaming_features = None;
    Survey {
        composition_gpu,
        luids: cards.iter().map(|card| card.luid).collect(),
        standings: cards.iter().map(standing).collect(),
        capabilities: Capabilities {
            cpu: processor(known.as_ref().map_or(&[], |known| known.cpus())),
            // The service takes nothing below 1 (the API reference, MemoryDescription).
            memory: memory.unwrap_or(Memory { total_bytes: 1, free_bytes: 1 }),
            gaming_features,
            system: system(),
            gpus: cards.into_iter().map(|card| card.gpu).collect(),
        },
    }
}

/// A graphics card and where it is plugged in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Card {
    gpu: Gpu,
    /// Empty where the system does not say.
    pci_address: String,
    /// On Windows.
    luid: Option<i64>,
    /// What AMD's installer on Windows wrote down of itself.
    radeon_software: Option<String>,
}

/// The graphics cards that the system lists.
fn cards() -> Vec<Card> {
    #[cfg(target_os = "linux")]
    return linux::cards(std::path::Path::new("/"));
    #[cfg(windows)]
    return windows::cards();
    #[cfg(not(any(target_os = "linux", windows)))]
    Vec::new()
}

/// `cards` with the one that composes in front, completed by what its driver says; and its place, if it is a card.
fn composing_first(mut cards: Vec<Card>, composition: &GpuInfo) -> (Vec<Card>, Option<u32>) {
    if composition.is_software {
        return (cards, None);
    }
    let is_it = |card: &Card| {
        if composition.pci_address.is_empty() || card.pci_address.is_empty() {
            (card.gpu.vendor_id, card.gpu.device_id) == (composition.vendor_id, composition.device_id)
        } else {
            card.pci_address.eq_ignore_ascii_case(&composition.pci_address)
        }
    };
    let mut card = match cards.iter().position(is_it) {
        Some(at) => cards.remove(at),
        None => Card {
            gpu: Gpu { vendor_id: composition.vendor_id, device_id: composition.device_id, ..Gpu::default() },
            pci_address: composition.pci_address.clone(),
            ..Card::default()
        },
    };
    card.gpu.model = plain_model(&composition.name);
    if card.gpu.driver_version.is_none() {
        let version = composition.driver_version.trim();
        card.gpu.driver_version =
            (!version.is_empty()).then(|| version.chars().take(MAX_VERSION_CHARS).collect());
    }
    cards.insert(0, card);
    (cards, Some(0))
}

/// Longest version of a driver (the API reference, GpuDescription).
const MAX_VERSION_CHARS: usize = 128;

/// A card's name without what Mesa puts behind it: the service wants exactly the manufacturer's (the API reference,
/// GpuDescription).
fn plain_model(name: &str) -> String {
    let name = name.trim();
    let behind = name.find(" (RADV").or_else(|| name.find(" (NVK")).or_else(|| name.find("/RADV"));
    let plain = behind.and_then(|at| name.get(..at)).unwrap_or(name).trim();
    if plain.is_empty() { "Unknown".into() } else { plain.into() }
}

fn processor(cores: &[sysinfo::Cpu]) -> Cpu {
    let count = |cores: usize| u32::try_from(cores).unwrap_or(u32::MAX).max(1);
    let logical_cores = count(cores.len());
    let first = cores.first();
    let name = first.map(|cpu| cpu.brand().trim()).filter(|name| !name.is_empty()).map(String::from);
    #[cfg(target_os = "linux")]
    let (named, listed) = (None, linux::speed_mhz(std::path::Path::new("/")));
    #[cfg(windows)]
    let (named, listed) = windows::processor();
    #[cfg(not(any(target_os = "linux", windows)))]
    let (named, listed) = (None, None);
    let measured = first.and_then(|cpu| u32::try_from(cpu.frequency()).ok()).filter(|speed| *speed > 0);
    Cpu {
        physical_cores: sysinfo::System::physical_core_count().map_or(logical_cores, count),
        logical_cores,
        speed_mhz: listed.or(measured),
        name: name.or(named),
    }
}

#[cfg(windows)]
fn system() -> System {
    windows::system()
}

#[cfg(not(windows))]
fn system() -> System {
    let bits = if cfg!(target_pointer_width = "64") { 64 } else { 32 };
    let kernel = sysinfo::System::kernel_version().unwrap_or_default();
    #[cfg_attr(not(target_os = "linux"), expect(unused_mut, reason = "Linux knows more"))]
    let mut system = System {
        version: short(&kernel, "unknown"),
        name: short(&sysinfo::System::name().unwrap_or_default(), std::env::consts::OS),
        build: 0,
        release: sysinfo::System::os_version().unwrap_or_default(),
        revision: String::new(),
        bits,
        arm: cfg!(target_arch = "aarch64"),
        arm_emulation: false,
    };
    #[cfg(target_os = "linux")]
    {
        let release = linux::os_release(std::path::Path::new("/"));
        system.name = release.name.unwrap_or(system.name);
        system.release = release.version_id.unwrap_or(system.release);
        system.version = short(&format!("Linux {kernel}"), "Linux");
    }
    system
}

/// `text` cut to what a version may have, or `other` when there is none.
fn short(text: &str, other: &str) -> String {
    let text = text.trim();
    let text = if text.is_empty() { other } else { text };
    text.chars().take(MAX_VERSION_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(model: &str, vendor_id: u32, device_id: u32, pci_address: &str) -> Card {
        Card {
            gpu: Gpu { model: model.into(), vendor_id, device_id, ..Gpu::default() },
            pci_address: pci_address.into(),
            ..Card::default()
        }
    }

    fn two() -> Vec<Card> {
        vec![
            card("UHD Graphics 770", 0x8086, 0x4680, "0000:00:02.0"),
            card("AD103", 0x10de, 0x2704, "0000:01:00.0"),
        ]
    }

    fn composition(name: &str, pci_address: &str, ids: (u32, u32)) -> GpuInfo {
        GpuInfo {
            name: name.into(),
            backend: "vulkan".into(),
            driver: "NVIDIA 560.35.03".into(),
            driver_version: "560.35.03".into(),
            vendor_id: ids.0,
            device_id: ids.1,
            pci_address: pci_address.into(),
            is_software: false,
        }
    }

    #[test]
    fn the_card_that_composes_comes_first() {
        for address in ["0000:01:00.0", ""] {
            let adapter = composition("NVIDIA GeForce RTX 4080", address, (0x10de, 0x2704));
            let (cards, index) = composing_first(two(), &adapter);
            assert_eq!((cards.len(), index), (2, Some(0)));
            // Where the system does not say where a card is, it is told by what it is.
            let unplaced =
                two().into_iter().map(|card| Card { pci_address: String::new(), ..card }).collect();
            assert_eq!(composing_first(unplaced, &adapter).0.len(), 2);
            assert_eq!(cards[0].gpu.model, "NVIDIA GeForce RTX 4080");
            assert_eq!(cards[0].gpu.driver_version.as_deref(), Some("560.35.03"));
            assert_eq!(cards[1].gpu.model, "UHD Graphics 770");
        }
    }

    #[test]
    fn a_card_that_the_system_does_not_list_is_told_of_too() {
        let adapter = composition("AMD Radeon RX 7900 XTX (RADV NAVI31)", "0000:0a:00.0", (0x1002, 0x744c));
        let (cards, index) = composing_first(Vec::new(), &adapter);
        assert_eq!((cards.len(), index), (1, Some(0)));
        assert_eq!(cards[0].gpu.model, "AMD Radeon RX 7900 XTX");
        assert_eq!((cards[0].gpu.vendor_id, cards[0].gpu.device_id), (0x1002, 0x744c));
    }

    #[test]
    fn the_processor_is_no_card() {
        let adapter = GpuInfo {
            is_software: true,
            ..composition("llvmpipe (LLVM 15.0.6, 256 bits)", "", (0x10005, 0))
        };
        assert_eq!(composing_first(two(), &adapter), (two(), None));
    }

    #[test]
    fn every_driver_that_is_too_old_is_told() {
        let adapter = GpuInfo { is_software: true, ..composition("llvmpipe", "", (0, 0)) };
        let mut found = survey(&adapter);
        let gpu = |vendor_id, driver: &str| Gpu {
            model: format!("card {vendor_id:x}"),
            vendor_id,
            driver_version: Some(driver.into()),
            ..Gpu::default()
        };
        let gpus = vec![gpu(driver::NVIDIA, "31.0.15.3713"), gpu(driver::AMD, "31.0.24033.1003")];
        found.standings = gpus.iter().map(|gpu| driver::standing(gpu, Some("23.12.1"), true)).collect();
        found.capabilities.gpus = gpus;
        let told: Vec<String> = found.driver_problems().into_iter().map(|problem| problem.happened).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        (found.luids, found.composition_gpu) = (vec![Some(7), Some(8)], Some(1));
        assert_eq!((found.composition_luid(), found.model_of(7)), (Some(8), Some("card 10de")));
        assert_eq!(found.model_of(9), None);
        assert!(told[0].contains("537.13") && told[1].contains("23.12.1"), "{told:?}");
    }

    #[test]
    fn this_machine_has_what_the_service_requires() {
        let adapter = GpuInfo { is_software: true, ..composition("llvmpipe", "", (0, 0)) };
        let found = survey(&adapter);
        assert_eq!(found.standings.len(), found.capabilities.gpus.len());
        assert_eq!((found.composition_gpu, found.composition_luid()), (None, None));
        let machine = found.capabilities;
        assert!(machine.cpu.logical_cores >= 1 && machine.cpu.physical_cores >= 1);
        assert!(machine.memory.total_bytes >= machine.memory.free_bytes && machine.memory.free_bytes > 1);
        assert!(!machine.system.name.is_empty() && !machine.system.version.is_empty());
        assert!(matches!(machine.system.bits, 32 | 64));
        assert!(machine.gpus.iter().all(|gpu| !gpu.model.is_empty()));
    }
}
