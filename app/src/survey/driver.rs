//! Drivers of graphics cards: which version is installed, and whether it is new enough for several renditions.
//!
//! The service chooses a ladder by the driver's version (IVS user guide, multitrack integration guide, "Automatic Stream
//! Configuration"), and refuses one to drivers that are too old.

use control::{Problem, Severity};
use ivs::client_configuration::Gpu;
use serde::Serialize;

/// PCI vendor ids.
pub(crate) const NVIDIA: u32 = 0x10DE;
pub(crate) const AMD: u32 = 0x1002;
#[cfg(test)]
pub(crate) const INTEL: u32 = 0x8086;

/// What the guide wants of a maker's driver.
struct Minimum {
    vendor_id: u32,
    /// What the maker calls what is installed.
    called: &'static str,
    /// The least version, part by part.
    version: &'static [u32],
    /// Where it is to be had.
    place: &'static str,
}

/// IVS user guide, "Multitrack video", recommended hardware and software: NVIDIA driver 545.92 or newer, AMD Adrenalin
/// 24.4.1 at least. It names none for other makers.
const MINIMUMS: [Minimum; 2] = [
    Minimum {
        vendor_id: NVIDIA,
        called: "NVIDIA driver",
        version: &[545, 92],
        place: "https://www.nvidia.com/drivers",
    },
    Minimum {
        vendor_id: AMD,
        called: "AMD Software: Adrenalin Edition",
        version: &[24, 4, 1],
        place: "https://www.amd.com/support",
    },
];

/// How a card's driver stands against what the guide wants of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "driver")]
pub(crate) enum Standing {
    /// New enough.
    Fine {
        /// As its maker counts.
        version: String,
        /// The least that is wanted.
        wanted: String,
    },
    /// Older than what is wanted.
    TooOld {
        /// What is installed.
        called: &'static str,
        /// As its maker counts.
        version: String,
        /// The least that is wanted.
        wanted: String,
        /// Where a newer one is to be had.
        place: &'static str,
    },
    /// There is a least version, and what is installed could not be told.
    Unknown {
        /// What is to be installed.
        called: &'static str,
        /// The least that is wanted.
        wanted: String,
    },
    /// The guide names no least version for this maker or this system.
    NoMinimum,
}

impl Standing {
    /// What is to be installed instead, as a sentence; `None` where nothing is.
    pub(crate) fn advice(&self) -> Option<String> {
        match self {
            Self::TooOld { called, wanted, place, .. } => {
                Some(format!("Install {called} {wanted} or newer from {place}, then start the PC again."))
            }
            _ => None,
        }
    }
}

/// How the driver of `gpu` stands. `radeon_software` is what AMD's installer wrote down of itself, which is how the
/// guide counts AMD's versions.
pub(crate) fn standing(gpu: &Gpu, radeon_software: Option<&str>, is_windows: bool) -> Standing {
    let Some(minimum) = MINIMUMS.iter().find(|minimum| minimum.vendor_id == gpu.vendor_id) else {
        return Standing::NoMinimum;
    };
    let driver = gpu.driver_version.as_deref();
    let found = match minimum.vendor_id {
        NVIDIA => driver.and_then(nvidia_version),
        // Adrenalin is for Windows; elsewhere AMD's driver comes with the system and counts otherwise.
        AMD if !is_windows => return Standing::NoMinimum,
        _ => radeon_software.and_then(parts),
    };
    let wanted = shown(minimum.vendor_id, minimum.version);
    let called = minimum.called;
    match found {
        None => Standing::Unknown { called, wanted },
        Some(found) => {
            let version = shown(minimum.vendor_id, &found);
            if found.as_slice() < minimum.version {
                Standing::TooOld { called, version, wanted, place: minimum.place }
            } else {
                Standing::Fine { version, wanted }
            }
        }
    }
}

/// NVIDIA's own version in what Windows reports: the last five digits of the third and fourth part, with a point before
/// the last two, so that 32.0.15.4592 is 545.92. The two versions of NVIDIA's releases agree in this; no document of
/// theirs says so, and docs/real-pc.md asks for a look. Elsewhere the driver says its version itself.
fn nvidia_version(driver: &str) -> Option<Vec<u32>> {
    match parts(driver)?.as_slice() {
        [_, _, third, fourth] => {
            let digits = (third % 10).checked_mul(10_000)?.checked_add(fourth % 10_000)?;
            Some(vec![digits / 100, digits % 100])
        }
        [major, minor, ..] => Some(vec![*major, *minor]),
        _ => None,
    }
}

/// The numbers of a version.
fn parts(version: &str) -> Option<Vec<u32>> {
    version.trim().split('.').map(|part| part.parse().ok()).collect()
}

/// A version as its maker writes it.
fn shown(vendor_id: u32, version: &[u32]) -> String {
    match (vendor_id, version) {
        (NVIDIA, [major, minor]) => format!("{major}.{minor:02}"),
        _ => version.iter().map(u32::to_string).collect::<Vec<_>>().join("."),
    }
}

/// Whether a card is of a generation before those that the guide recommends: GeForce 900, Radeon RX 6000 (IVS user
/// guide, "Multitrack video", recommended hardware and software). Told by its name, and only where that is plain.
pub(crate) fn is_of_an_older_generation(model: &str) -> bool {
    let words: Vec<&str> = model.split_whitespace().collect();
    let number_behind = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        let digits: String = words.get(at + 1)?.chars().take_while(char::is_ascii_digit).collect();
        Some((digits.len(), digits.parse::<u32>().ok()?))
    };
    if words.contains(&"GeForce") {
        let named = ["GTX", "GT", "GTS"].into_iter().find_map(number_behind);
        return named.is_some_and(|(digits, number)| digits == 3 && number < 900);
    }
    words.contains(&"Radeon")
        && number_behind("RX").is_some_and(|(digits, number)| digits == 3 || number < 6000)
}

/// What a person is told before several renditions are asked for on a card whose driver is too old.
pub(crate) fn problem(model: &str, standing: &Standing) -> Option<Problem> {
    let Standing::TooOld { called, version, wanted, .. } = standing else { return None };
    Some(Problem {
        severity: Severity::Warning,
        code: "machine.driver_too_old",
        happened: format!(
            "{model} has {called} {version}; for several renditions the service wants {wanted} or newer."
        ),
        done: "Genlock goes on: the service may refuse, and every encoder is tried before anything is sent."
            .into(),
        advice: standing.advice().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(vendor_id: u32, driver: &str) -> Gpu {
        Gpu {
            model: "a card".into(),
            vendor_id,
            driver_version: (!driver.is_empty()).then(|| driver.into()),
            ..Gpu::default()
        }
    }

    fn word(standing: &Standing) -> String {
        match standing {
            Standing::Fine { version, .. } => format!("fine {version}"),
            Standing::TooOld { version, .. } => format!("old {version}"),
            Standing::Unknown { .. } => "unknown".into(),
            Standing::NoMinimum => "none".into(),
        }
    }

    #[test]
    fn nvidia_drivers_on_windows_and_elsewhere() {
        for (driver, expected) in [
            ("31.0.15.4592", "fine 545.92"),
            ("31.0.15.4591", "old 545.91"),
            ("31.0.15.3713", "old 537.13"),
            ("32.0.15.6603", "fine 566.03"),
            ("32.0.15.603", "old 506.03"),
            ("27.21.14.5671", "old 456.71"),
            ("10.18.13.9999", "old 399.99"),
            ("560.35.03", "fine 560.35"),
            ("545.92", "fine 545.92"),
            ("545.29.06", "old 545.29"),
            ("", "unknown"),
            ("unknown", "unknown"),
        ] {
            assert_eq!(word(&standing(&card(NVIDIA, driver), None, true)), expected, "{driver}");
        }
    }

    #[test]
    fn adrenalin_is_counted_by_its_own_version() {
        for (software, expected) in [
            (Some("24.4.1"), "fine 24.4.1"),
            (Some("24.3.1"), "old 24.3.1"),
            (Some("23.12.1"), "old 23.12.1"),
            (Some("24.10.1"), "fine 24.10.1"),
            (Some("25.3"), "fine 25.3"),
            (Some("24.4"), "old 24.4"),
            (Some("PRO 24.Q1"), "unknown"),
            (None, "unknown"),
        ] {
            let standing = standing(&card(AMD, "31.0.24033.1003"), software, true);
            assert_eq!(word(&standing), expected, "{software:?}");
        }
        assert_eq!(standing(&card(AMD, "24.2.8"), None, false), Standing::NoMinimum);
        assert_eq!(standing(&card(INTEL, "31.0.101.4502"), None, true), Standing::NoMinimum);
    }

    #[test]
    fn what_is_too_old_is_told_with_what_to_install() {
        let old = standing(&card(NVIDIA, "31.0.15.3713"), None, true);
        let problem = problem("NVIDIA GeForce RTX 2060", &old).unwrap();
        assert_eq!(problem.severity, Severity::Warning);
        insta::assert_snapshot!(problem, @"NVIDIA GeForce RTX 2060 has NVIDIA driver 537.13; for several renditions the service wants 545.92 or newer. Genlock goes on: the service may refuse, and every encoder is tried before anything is sent. Install NVIDIA driver 545.92 or newer from https://www.nvidia.com/drivers, then start the PC again.");
        let fine = standing(&card(NVIDIA, "32.0.15.6603"), None, true);
        assert!(super::problem("a card", &fine).is_none() && fine.advice().is_none());
    }

    #[test]
    fn generations_are_told_by_plain_names_only() {
        for (model, older) in [
            ("NVIDIA GeForce GTX 780", true),
            ("NVIDIA GeForce GT 710", true),
            ("NVIDIA GeForce GTX 960", false),
            ("NVIDIA GeForce GTX 1060 6GB", false),
            ("NVIDIA GeForce RTX 4080", false),
            ("AMD Radeon RX 580 Series", true),
            ("AMD Radeon RX 5700 XT", true),
            ("AMD Radeon RX 6600", false),
            ("AMD Radeon RX 7900 XTX", false),
            ("AMD Radeon(TM) Graphics", false),
            ("Intel(R) UHD Graphics 770", false),
            ("", false),
        ] {
            assert_eq!(is_of_an_older_generation(model), older, "{model}");
        }
    }
}
