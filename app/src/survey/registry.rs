//! What Windows' registry tells of the machine. Every function takes the registry, so that tests have their own, on any
//! system.

use ivs::client_configuration::{GamingFeatures, System};

use super::short;

/// The parts of the registry that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hive {
    /// `HKEY_LOCAL_MACHINE`.
    Machine,
    /// `HKEY_CURRENT_USER`.
    Person,
}

/// A registry. What is missing, unreadable or of another type is `None`.
pub(super) trait Registry {
    /// A text.
    fn text(&self, hive: Hive, key: &str, value: &str) -> Option<String>;
    /// A `REG_DWORD`.
    fn number(&self, hive: Hive, key: &str, value: &str) -> Option<u32>;
}

const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const FIRST_PROCESSOR: &str = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0";
const ENVIRONMENT: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
/// The class of display adapters (Microsoft, "System-defined device setup classes available to vendors").
const DISPLAY_CLASS: &str = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}";
/// Adapters that were ever installed have numbers from 0; nobody has had this many.
const ADAPTERS: u32 = 64;

/// Longest name of a processor that is passed on.
const MAX_NAME_CHARS: usize = 128;

/// The first processor's name and its base clock in MHz, as Windows measured it at start.
pub(super) fn processor(registry: &dyn Registry) -> (Option<String>, Option<u32>) {
    let name = registry.text(Hive::Machine, FIRST_PROCESSOR, "ProcessorNameString");
    let name = name.map(|name| name.trim().chars().take(MAX_NAME_CHARS).collect::<String>());
    let speed = registry.number(Hive::Machine, FIRST_PROCESSOR, "~MHz");
    (name.filter(|name| !name.is_empty()), speed.filter(|speed| *speed > 0))
}

/// Windows itself. `version` is major, minor and build as the kernel tells them: programs without a manifest for it are
/// told of an older one by everything else.
pub(super) fn system(registry: &dyn Registry, version: Option<(u32, u32, u32)>) -> System {
    let text = |value| registry.text(Hive::Machine, VERSION, value);
    let number = |value| registry.number(Hive::Machine, VERSION, value);
    // Windows 10 and 11 are both version 10.0; their builds tell them apart.
    let (major, minor, build) = version.unwrap_or((10, 0, 0));
    let build = if build > 0 {
        build
    } else {
        text("CurrentBuildNumber").and_then(|build| build.parse().ok()).unwrap_or(0)
    };
    // Up to 1909 it was called by year and month, later by year and half.
    let release = text("DisplayVersion").or_else(|| text("ReleaseId")).unwrap_or_default();
    // The machine's own architecture, not the one that this program is run for.
    let architecture = registry.text(Hive::Machine, ENVIRONMENT, "PROCESSOR_ARCHITECTURE");
    let is_arm = architecture.is_some_and(|name| name.to_ascii_uppercase().starts_with("ARM"));
    System {
        version: format!("{major}.{minor}"),
        name: "Windows".into(),
        build,
        release: short(&release, super::NO_RELEASE),
        revision: number("UBR").map(|revision| revision.to_string()).unwrap_or_default(),
        bits: if cfg!(target_pointer_width = "64") { 64 } else { 32 },
        arm: is_arm,
        arm_emulation: is_arm && !cfg!(target_arch = "aarch64"),
    }
}

/// What Windows does for games. A switch that nobody ever touched is not in the registry, and not told.
pub(super) fn gaming_features(registry: &dyn Registry) -> GamingFeatures {
    const RECORDING: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\GameDVR";
    const POLICY: &str = r"SOFTWARE\Policies\Microsoft\Windows\GameDVR";
    const MANAGED: &str = r"SOFTWARE\Microsoft\PolicyManager\default\ApplicationManagement\AllowGameDVR";
    const CONFIGURATION: &str = r"System\GameConfigStore";
    const BAR: &str = r"SOFTWARE\Microsoft\GameBar";
    const SCHEDULER: &str = r"SYSTEM\CurrentControlSet\Control\GraphicsDrivers";
    let flag = |hive, key, value| registry.number(hive, key, value).map(|number| number != 0);
    let person = |key, value| flag(Hive::Person, key, value);
    let machine = |key, value| flag(Hive::Machine, key, value);
    GamingFeatures {
        game_bar_enabled: person(RECORDING, "AppCaptureEnabled"),
        game_dvr_allowed: machine(POLICY, "AllowGameDVR").or_else(|| machine(MANAGED, "value")),
        game_dvr_enabled: person(CONFIGURATION, "GameDVR_Enabled"),
        game_dvr_bg_recording: person(RECORDING, "HistoricalCaptureEnabled"),
        game_mode_enabled: person(BAR, "AutoGameModeEnabled").or_else(|| person(BAR, "AllowAutoGameMode")),
        // 1 is off and 2 on (Microsoft, "Hardware-accelerated GPU scheduling").
        hags_enabled: registry.number(Hive::Machine, SCHEDULER, "HwSchMode").map(|mode| mode == 2),
    }
}

/// Version of AMD's software as its installer wrote it down for the card with these PCI ids. That it does is seen, not
/// documented; without it the version is unknown.
pub(super) fn radeon_software(registry: &dyn Registry, vendor_id: u32, device_id: u32) -> Option<String> {
    let ids = format!("ven_{vendor_id:04x}&dev_{device_id:04x}");
    (0..ADAPTERS).find_map(|number| {
        let key = format!(r"{DISPLAY_CLASS}\{number:04}");
        let matching = registry.text(Hive::Machine, &key, "MatchingDeviceId")?;
        let version = registry.text(Hive::Machine, &key, "RadeonSoftwareVersion")?;
        matching.to_ascii_lowercase().contains(&ids).then(|| version.trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    enum Entry {
        Text(&'static str),
        Number(u32),
    }

    use Entry::{Number, Text};

    struct Fixed(HashMap<String, Entry>);

    impl Fixed {
        fn of(entries: Vec<(Hive, &str, &str, Entry)>) -> Self {
            let path = |hive, key: &str, value: &str| format!("{hive:?}\\{key}\\{value}");
            Self(
                entries
                    .into_iter()
                    .map(|(hive, key, value, entry)| (path(hive, key, value), entry))
                    .collect(),
            )
        }

        fn entry(&self, hive: Hive, key: &str, value: &str) -> Option<&Entry> {
            self.0.get(&format!("{hive:?}\\{key}\\{value}"))
        }
    }

    impl Registry for Fixed {
        fn text(&self, hive: Hive, key: &str, value: &str) -> Option<String> {
            match self.entry(hive, key, value)? {
                Text(text) => Some((*text).to_owned()),
                Number(_) => None,
            }
        }

        fn number(&self, hive: Hive, key: &str, value: &str) -> Option<u32> {
            match self.entry(hive, key, value)? {
                Number(number) => Some(*number),
                Text(_) => None,
            }
        }
    }

    #[test]
    fn windows_11() {
        let registry = Fixed::of(vec![
            (Hive::Machine, VERSION, "DisplayVersion", Text("23H2")),
            (Hive::Machine, VERSION, "ReleaseId", Text("2009")),
            (Hive::Machine, VERSION, "CurrentBuildNumber", Text("22631")),
            (Hive::Machine, VERSION, "UBR", Number(4317)),
            (Hive::Machine, ENVIRONMENT, "PROCESSOR_ARCHITECTURE", Text("AMD64")),
            (
                Hive::Machine,
                FIRST_PROCESSOR,
                "ProcessorNameString",
                Text("12th Gen Intel(R) Core(TM) i7-12700K "),
            ),
            (Hive::Machine, FIRST_PROCESSOR, "~MHz", Number(3610)),
        ]);
        let told = system(&registry, Some((10, 0, 22_631)));
        assert_eq!((told.version.as_str(), told.build), ("10.0", 22_631));
        assert_eq!((told.release.as_str(), told.revision.as_str()), ("23H2", "4317"));
        assert!(!told.arm && !told.arm_emulation);
        assert_eq!(system(&registry, None).build, 22_631, "from the registry, where the kernel does not say");
        let (name, speed) = processor(&registry);
        assert_eq!((name.as_deref(), speed), (Some("12th Gen Intel(R) Core(TM) i7-12700K"), Some(3610)));
    }

    #[test]
    fn a_processor_of_another_kind() {
        let registry = Fixed::of(vec![(Hive::Machine, ENVIRONMENT, "PROCESSOR_ARCHITECTURE", Text("ARM64"))]);
        let told = system(&registry, Some((10, 0, 26_100)));
        assert!(told.arm);
        assert_eq!(told.arm_emulation, !cfg!(target_arch = "aarch64"));
    }

    #[test]
    fn an_empty_registry_tells_nothing_and_does_no_harm() {
        let empty = Fixed::of(Vec::new());
        assert_eq!(processor(&empty), (None, None));
        assert_eq!(gaming_features(&empty), GamingFeatures::default());
        assert_eq!(radeon_software(&empty, 0x1002, 0x744c), None);
        let told = system(&empty, None);
        assert_eq!((told.version.as_str(), told.build, told.release.as_str()), ("10.0", 0, "unavailable"));
    }

    #[test]
    fn what_windows_does_for_games() {
        let registry = Fixed::of(vec![
            (
                Hive::Person,
                r"SOFTWARE\Microsoft\Windows\CurrentVersion\GameDVR",
                "AppCaptureEnabled",
                Number(1),
            ),
            (
                Hive::Person,
                r"SOFTWARE\Microsoft\Windows\CurrentVersion\GameDVR",
                "HistoricalCaptureEnabled",
                Number(0),
            ),
            (Hive::Machine, r"SOFTWARE\Policies\Microsoft\Windows\GameDVR", "AllowGameDVR", Number(0)),
            (Hive::Person, r"System\GameConfigStore", "GameDVR_Enabled", Text("1")),
            (Hive::Person, r"SOFTWARE\Microsoft\GameBar", "AllowAutoGameMode", Number(1)),
            (Hive::Machine, r"SYSTEM\CurrentControlSet\Control\GraphicsDrivers", "HwSchMode", Number(1)),
        ]);
        let told = gaming_features(&registry);
        assert_eq!((told.game_bar_enabled, told.game_dvr_bg_recording), (Some(true), Some(false)));
        assert_eq!((told.game_dvr_allowed, told.game_dvr_enabled), (Some(false), None));
        assert_eq!((told.game_mode_enabled, told.hags_enabled), (Some(true), Some(false)));
    }

    #[test]
    fn adrenalin_is_that_of_the_card() {
        let key = |number: u32| format!(r"{DISPLAY_CLASS}\{number:04}");
        let (first, third) = (key(0), key(2));
        let registry = Fixed::of(vec![
            (Hive::Machine, &first, "MatchingDeviceId", Text(r"PCI\VEN_1002&DEV_1638")),
            (Hive::Machine, &first, "RadeonSoftwareVersion", Text("23.1.1")),
            (Hive::Machine, &third, "MatchingDeviceId", Text(r"pci\ven_1002&dev_744c&rev_c8")),
            (Hive::Machine, &third, "RadeonSoftwareVersion", Text("24.4.1")),
        ]);
        assert_eq!(radeon_software(&registry, 0x1002, 0x744c).as_deref(), Some("24.4.1"));
        assert_eq!(radeon_software(&registry, 0x1002, 0x1638).as_deref(), Some("23.1.1"));
        assert_eq!(radeon_software(&registry, 0x1002, 0x7550), None);
    }
}
