//! What Linux tells in files. Every function takes the root of the file system, so that tests have their own.

use std::path::{Path, PathBuf};

use ivs::client_configuration::Gpu;

use super::{Card, MAX_VERSION_CHARS};

/// Where distributions put the names of PCI devices.
const PCI_NAMES: [&str; 3] = ["usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids", "usr/share/pci.ids"];
const NVIDIA: u32 = 0x10de;

/// Graphics cards that can draw: those with a render node, in the order of their nodes.
pub(super) fn cards(root: &Path) -> Vec<Card> {
    let Ok(entries) = std::fs::read_dir(root.join("sys/class/drm")) else { return Vec::new() };
    let mut nodes: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix("renderD")?.parse().ok()?;
            Some((number, entry.path().join("device")))
        })
        .collect();
    nodes.sort();
    let names = PCI_NAMES.iter().find_map(|path| std::fs::read(root.join(path)).ok());
    let names = names.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    nodes.iter().filter_map(|(_, device)| card(root, device, &names)).collect()
}

fn card(root: &Path, device: &Path, names: &str) -> Option<Card> {
    let vendor_id = hexadecimal(&text(&device.join("vendor"))?)?;
    let device_id = hexadecimal(&text(&device.join("device"))?)?;
    let uevent = text(&device.join("uevent")).unwrap_or_default();
    let pci_address = value_of(&uevent, "PCI_SLOT_NAME").unwrap_or_default();
    let driver = value_of(&uevent, "DRIVER").unwrap_or_default();
    let told = text(&root.join(format!("proc/driver/nvidia/gpus/{pci_address}/information")));
    let model = told.and_then(|told| nvidia_model(&told)).or_else(|| pci_model(names, vendor_id, device_id));
    let is_module =
        !driver.is_empty() && driver.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let version = text(&root.join(format!("sys/module/{driver}/version"))).filter(|_| is_module);
    let bytes =
        |name| text(&device.join(name)).and_then(|text| text.parse::<u64>().ok()).filter(|bytes| *bytes > 0);
    let gpu = Gpu {
        model: model.unwrap_or_else(|| format!("{} {vendor_id:04x}:{device_id:04x}", vendor_name(vendor_id))),
        vendor_id,
        device_id,
        dedicated_video_memory: bytes("mem_info_vram_total"),
        shared_system_memory: bytes("mem_info_gtt_total"),
        driver_version: version.map(|version| version.chars().take(MAX_VERSION_CHARS).collect()),
        luid: (!pci_address.is_empty()).then(|| pci_address.clone()),
    };
    Some(Card { gpu, pci_address, ..Card::default() })
}

const fn vendor_name(vendor_id: u32) -> &'static str {
    match vendor_id {
        NVIDIA => "NVIDIA",
        0x1002 => "AMD",
        0x8086 => "Intel",
        _ => "Graphics card",
    }
}

/// A file's text without the space around it; `None` when there is none.
fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `0x10de` as a number.
fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

/// The value of `KEY=value` among lines, without quotes.
fn value_of(lines: &str, key: &str) -> Option<String> {
    let value = lines.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?.trim();
    let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    (!value.is_empty()).then(|| value.to_owned())
}

/// `Model:           NVIDIA GeForce RTX 4080` of NVIDIA's own file.
fn nvidia_model(information: &str) -> Option<String> {
    let model = information.lines().find_map(|line| line.strip_prefix("Model:"))?.trim();
    (!model.is_empty()).then(|| model.to_owned())
}

/// A device's name in a `pci.ids` file: what stands in brackets, since that is the name it is sold under. Vendors stand
/// at the beginning of a line, their devices behind one tab.
fn pci_model(names: &str, vendor_id: u32, device_id: u32) -> Option<String> {
    let (vendor, device) = (format!("{vendor_id:04x}  "), format!("\t{device_id:04x}  "));
    let of_vendor = names.lines().skip_while(|line| !line.starts_with(&vendor)).skip(1);
    let mut devices =
        of_vendor.take_while(|line| line.starts_with('\t') || line.starts_with('#') || line.is_empty());
    let name = devices.find_map(|line| line.strip_prefix(&device))?.trim();
    let sold_as = name.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    let name = sold_as.unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Clock in MHz: the base where the processor has one (Intel), else the maximum (the API reference, CpuDescription).
pub(super) fn speed_mhz(root: &Path) -> Option<u32> {
    let folder = root.join("sys/devices/system/cpu/cpu0/cpufreq");
    let kilohertz =
        ["base_frequency", "cpuinfo_max_freq"].iter().find_map(|name| text(&folder.join(name)))?;
    kilohertz.parse::<u32>().ok().map(|kilohertz| kilohertz / 1000).filter(|speed| *speed > 0)
}

/// The distribution.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OsRelease {
    pub(super) name: Option<String>,
    pub(super) version_id: Option<String>,
}

/// Reads os-release(5).
pub(super) fn os_release(root: &Path) -> OsRelease {
    let lines = ["etc/os-release", "usr/lib/os-release"].iter().find_map(|path| text(&root.join(path)));
    let lines = lines.unwrap_or_default();
    OsRelease { name: value_of(&lines, "NAME"), version_id: value_of(&lines, "VERSION_ID") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    const IDS: &str = "# comment\n\
        1002  Advanced Micro Devices, Inc. [AMD/ATI]\n\t744c  Navi 31 [Radeon RX 7900 XT/7900 XTX/7900M]\n\
        \t\t1002 0e3b  Radeon RX 7900 GRE\n\
        8086  Intel Corporation\n\t4680  AlderLake-S GT1 [UHD Graphics 770]\n\t9999  No brackets\n\
        10de  NVIDIA Corporation\n\t2704  AD103 [GeForce RTX 4080]\n";

    #[test]
    fn cards_of_three_vendors() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        put(root, "usr/share/misc/pci.ids", IDS);
        for (node, vendor, device, slot, driver) in [
            (129, "0x10de", "0x2704", "0000:01:00.0", "nvidia"),
            (128, "0x8086", "0x4680", "0000:00:02.0", "i915"),
            (1000, "0x1002", "0x744c", "0000:0a:00.0", "amdgpu"),
        ] {
            let folder = format!("sys/class/drm/renderD{node}/device");
            put(root, &format!("{folder}/vendor"), &format!("{vendor}\n"));
            put(root, &format!("{folder}/device"), &format!("{device}\n"));
            put(root, &format!("{folder}/uevent"), &format!("DRIVER={driver}\nPCI_SLOT_NAME={slot}\n"));
        }
        put(root, "sys/class/drm/renderD1000/device/mem_info_vram_total", "25753026560\n");
        put(root, "sys/class/drm/renderD1000/device/mem_info_gtt_total", "16000000000\n");
        put(root, "sys/class/drm/card0/device/vendor", "0x1234\n");
        put(root, "sys/module/nvidia/version", "560.35.03\n");
        put(
            root,
            "proc/driver/nvidia/gpus/0000:01:00.0/information",
            "Model: \t\t NVIDIA GeForce RTX 4080\nIRQ: 1\n",
        );
        let cards = cards(root);
        let models: Vec<&str> = cards.iter().map(|card| card.gpu.model.as_str()).collect();
        assert_eq!(
            models,
            ["UHD Graphics 770", "NVIDIA GeForce RTX 4080", "Radeon RX 7900 XT/7900 XTX/7900M"]
        );
        assert_eq!(cards[1].gpu.driver_version.as_deref(), Some("560.35.03"));
        assert_eq!((cards[1].gpu.vendor_id, cards[1].gpu.device_id), (4318, 9988));
        assert_eq!(cards[1].pci_address, "0000:01:00.0");
        assert_eq!(cards[2].gpu.dedicated_video_memory, Some(25_753_026_560));
        assert_eq!(cards[2].gpu.shared_system_memory, Some(16_000_000_000));
        assert_eq!(
            (cards[0].gpu.driver_version.as_deref(), cards[0].gpu.dedicated_video_memory),
            (None, None)
        );
    }

    #[test]
    fn names_of_devices() {
        assert_eq!(pci_model(IDS, 0x8086, 0x9999).as_deref(), Some("No brackets"));
        // Another vendor's device, a subsystem, nobody's.
        assert_eq!(pci_model(IDS, 0x1002, 0x2704), None);
        assert_eq!(pci_model(IDS, 0x1002, 0x1002), None);
        assert_eq!(pci_model(IDS, 0x10df, 0x2704), None);
        assert_eq!(pci_model("", 0x10de, 0x2704), None);
        assert_eq!(nvidia_model("IRQ: 1\n"), None);
    }

    #[test]
    fn broken_and_missing_files() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert_eq!(cards(root), []);
        assert_eq!((speed_mhz(root), os_release(root)), (None, OsRelease::default()));
        put(root, "sys/class/drm/renderD128/device/vendor", "nonsense");
        put(root, "sys/class/drm/renderD129/device/vendor", "0x8086");
        put(root, "sys/class/drm/renderDx/device/vendor", "0x8086");
        put(root, "sys/class/drm/renderD130/device/vendor", "0x8086");
        put(root, "sys/class/drm/renderD130/device/device", "0x1");
        put(root, "sys/class/drm/renderD130/device/uevent", "DRIVER=../../etc\n");
        put(root, "etc/version", "secret");
        let cards = cards(root);
        assert_eq!(cards.len(), 1);
        assert_eq!(cards[0].gpu.model, "Intel 8086:0001");
        assert_eq!(cards[0].gpu.driver_version, None);
        put(root, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "fast");
        assert_eq!(speed_mhz(root), None);
    }

    #[test]
    fn the_distribution_and_the_clock() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        put(
            root,
            "usr/lib/os-release",
            "PRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID='24.04'\n",
        );
        let ubuntu = OsRelease { name: Some("Ubuntu".into()), version_id: Some("24.04".into()) };
        assert_eq!(os_release(root), ubuntu);
        put(root, "etc/os-release", "NAME=Arch\nVERSION_ID=\n");
        assert_eq!(os_release(root), OsRelease { name: Some("Arch".into()), version_id: None });
        put(root, "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "5200000\n");
        assert_eq!(speed_mhz(root), Some(5200));
        put(root, "sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "3400000\n");
        assert_eq!(speed_mhz(root), Some(3400));
    }
}
