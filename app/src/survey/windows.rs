//! What Windows tells by its own functions: graphics cards through DXGI, its version, the registry.
#![expect(unsafe_code, reason = "the calls of Windows; each is argued for where it is made")]

use ivs::client_configuration::{GamingFeatures, Gpu, System};
use windows::Wdk::System::SystemServices::RtlGetVersion;
use windows::Win32::Foundation::{ERROR_SUCCESS, LUID};
use windows::Win32::Graphics::Dxgi::{
    CreateDXGIFactory1, DXGI_ADAPTER_DESC1, DXGI_ADAPTER_FLAG_SOFTWARE, IDXGIAdapter1, IDXGIDevice,
    IDXGIFactory1,
};
use windows::Win32::System::Registry::{
    HKEY, HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, REG_ROUTINE_FLAGS, RRF_RT_REG_DWORD, RRF_RT_REG_SZ,
    RegGetValueW,
};
use windows::Win32::System::SystemInformation::OSVERSIONINFOW;
use windows::core::{HSTRING, Interface};

use super::registry::{self, Hive, Registry};
use super::{Card, driver};

/// Longest text of the registry that is read, in UTF-16 units.
const LONGEST_TEXT: usize = 1024;
/// No PC has more graphics cards; a system that lists them without end is not followed.
const MOST_CARDS: u32 = 32;
/// Microsoft's own, which draws with the processor (Microsoft, "DXGI_ADAPTER_DESC1").
const MICROSOFT: u32 = 0x1414;

struct WindowsRegistry;

impl WindowsRegistry {
    /// Reads a value of the type `flags` into `into`; how many bytes it has, where all of it had room.
    fn read(hive: Hive, key: &str, value: &str, flags: REG_ROUTINE_FLAGS, into: &mut [u16]) -> Option<usize> {
        let root: HKEY = match hive {
            Hive::Machine => HKEY_LOCAL_MACHINE,
            Hive::Person => HKEY_CURRENT_USER,
        };
        let mut bytes = u32::try_from(std::mem::size_of_val(into)).ok()?;
        // SAFETY: both names end with a zero and outlive the call; `into` has room for `bytes` bytes, and the function
        // writes no more than that. It takes no ownership of anything.
        let done = unsafe {
            RegGetValueW(
                root,
                &HSTRING::from(key),
                &HSTRING::from(value),
                flags,
                None,
                Some(into.as_mut_ptr().cast()),
                Some(&raw mut bytes),
            )
        };
        if done == ERROR_SUCCESS { usize::try_from(bytes).ok() } else { None }
    }
}

impl Registry for WindowsRegistry {
    fn text(&self, hive: Hive, key: &str, value: &str) -> Option<String> {
        let mut units = [0u16; LONGEST_TEXT];
        let bytes = Self::read(hive, key, value, RRF_RT_REG_SZ, &mut units)?;
        Some(until_zero(units.get(..bytes / 2)?))
    }

    fn number(&self, hive: Hive, key: &str, value: &str) -> Option<u32> {
        let mut units = [0u16; 2];
        let bytes = Self::read(hive, key, value, RRF_RT_REG_DWORD, &mut units)?;
        (bytes == 4).then(|| u32::from(units[0]) | u32::from(units[1]) << 16)
    }
}

/// UTF-16 up to the first zero.
fn until_zero(units: &[u16]) -> String {
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(units.get(..end).unwrap_or_default())
}

/// Name and clock of the processor.
pub(super) fn processor() -> (Option<String>, Option<u32>) {
    registry::processor(&WindowsRegistry)
}

/// What Windows does for games.
pub(super) fn gaming_features() -> GamingFeatures {
    registry::gaming_features(&WindowsRegistry)
}

/// Windows' name, version and architecture.
pub(super) fn system() -> System {
    registry::system(&WindowsRegistry, version())
}

/// Major, minor and build.
fn version() -> Option<(u32, u32, u32)> {
    let mut found = OSVERSIONINFOW {
        dwOSVersionInfoSize: u32::try_from(std::mem::size_of::<OSVERSIONINFOW>()).ok()?,
        ..OSVERSIONINFOW::default()
    };
    // SAFETY: the structure says its own size, and the function fills it in place.
    let done = unsafe { RtlGetVersion(&raw mut found) };
    done.is_ok().then_some((found.dwMajorVersion, found.dwMinorVersion, found.dwBuildNumber))
}

/// The graphics cards, in DXGI's order: the one with the main display first.
pub(super) fn cards() -> Vec<Card> {
    // SAFETY: makes an object of its own; nothing is handed in.
    let Ok(factory) = (unsafe { CreateDXGIFactory1::<IDXGIFactory1>() }) else { return Vec::new() };
    let mut cards: Vec<Card> = Vec::new();
    for number in 0..MOST_CARDS {
        // SAFETY: the factory is alive; past the last adapter the function fails.
        let Ok(adapter) = (unsafe { factory.EnumAdapters1(number) }) else { break };
        if let Some(card) = card(&adapter)
            && !cards.iter().any(|known| known.luid.is_some() && known.luid == card.luid)
        {
            cards.push(card);
        }
    }
    cards
}

fn card(adapter: &IDXGIAdapter1) -> Option<Card> {
    // SAFETY: the adapter is alive, and the function fills a structure of its own.
    let about: DXGI_ADAPTER_DESC1 = unsafe { adapter.GetDesc1() }.ok()?;
    let is_software = about.Flags & DXGI_ADAPTER_FLAG_SOFTWARE.0.cast_unsigned() != 0;
    // What is on a PCI bus has ids of 16 bits; drivers that draw with the processor make theirs up beyond.
    let is_card = about.VendorId != 0 && about.VendorId <= 0xFFFF && about.VendorId != MICROSOFT;
    if is_software || !is_card {
        return None;
    }
    let bytes = |bytes: usize| u64::try_from(bytes).ok().filter(|bytes| *bytes > 0);
    let (vendor_id, device_id) = (about.VendorId, about.DeviceId);
    let model = until_zero(&about.Description).trim().to_owned();
    let radeon_software = (vendor_id == driver::AMD)
        .then(|| registry::radeon_software(&WindowsRegistry, vendor_id, device_id))
        .flatten();
    let gpu = Gpu {
        model: if model.is_empty() { format!("{vendor_id:04x}:{device_id:04x}") } else { model },
        vendor_id,
        device_id,
        dedicated_video_memory: bytes(about.DedicatedVideoMemory),
        shared_system_memory: bytes(about.SharedSystemMemory),
        driver_version: driver_version(adapter),
        luid: Some(luid_text(about.AdapterLuid)),
    };
    Some(Card { gpu, luid: Some(luid(about.AdapterLuid)), radeon_software, ..Card::default() })
}

/// The version of the card's driver in user mode, four numbers.
fn driver_version(adapter: &IDXGIAdapter1) -> Option<String> {
    let interface = IDXGIDevice::IID;
    // SAFETY: the adapter is alive, and so is the interface's name until the call is over. The function tells the version for this very
    // interface only (Microsoft, "IDXGIAdapter::CheckInterfaceSupport").
    let version = unsafe { adapter.CheckInterfaceSupport(&raw const interface) }.ok()?;
    let part = |shift: u32| (version >> shift) & 0xFFFF;
    (version != 0).then(|| format!("{}.{}.{}.{}", part(48), part(32), part(16), part(0)))
}

/// As one number, as GStreamer and the rest of the program have it.
fn luid(luid: LUID) -> i64 {
    (i64::from(luid.HighPart) << 32) | i64::from(luid.LowPart)
}

fn luid_text(luid: LUID) -> String {
    format!("0x{:08x}_0x{:08x}", luid.HighPart, luid.LowPart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_windows_tells_its_version_and_its_cards() {
        let told = system();
        assert!(told.build > 0 && told.version.starts_with(|first: char| first.is_ascii_digit()), "{told:?}");
        let cards = cards();
        for card in &cards {
            assert!(!card.gpu.model.is_empty() && card.luid.is_some(), "{card:?}");
            let version = card.gpu.driver_version.as_deref().unwrap_or("0.0.0.0");
            assert_eq!(version.split('.').filter(|part| part.parse::<u16>().is_ok()).count(), 4, "{version}");
        }
        // Never a panic, whatever is missing.
        let _ = (processor(), gaming_features());
    }

    #[test]
    fn values_of_other_types_and_missing_ones_are_nothing() {
        let registry = WindowsRegistry;
        assert_eq!(registry.number(Hive::Machine, r"SOFTWARE\Genlock\Missing", "Nothing"), None);
        assert_eq!(registry.text(Hive::Person, r"SOFTWARE\Genlock\Missing", "Nothing"), None);
        let key = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        assert!(registry.text(Hive::Machine, key, "CurrentBuildNumber").is_some());
        assert_eq!(registry.number(Hive::Machine, key, "CurrentBuildNumber"), None);
    }

    #[test]
    fn luids_are_one_number() {
        assert_eq!(luid(LUID { LowPart: 0xD3C1, HighPart: 0 }), 0xD3C1);
        assert_eq!(luid(LUID { LowPart: 0xFFFF_FFFF, HighPart: 1 }), 0x1_FFFF_FFFF);
        assert_eq!(luid_text(LUID { LowPart: 0xD3C1, HighPart: 0 }), "0x00000000_0x0000d3c1");
    }
}
