//! The page for PCs that nobody here has.

use ivs::client_configuration::{GamingFeatures, Gpu, System};
use serde_json::json;

use super::facts::*;
use super::{advice, examine, page};
use crate::survey::driver::{AMD, INTEL, NVIDIA, standing};

fn windows(build: u32, release: &str) -> System {
    System {
        version: "10.0".into(),
        name: "Windows".into(),
        build,
        release: release.into(),
        revision: "4317".into(),
        bits: 64,
        arm: false,
        arm_emulation: false,
    }
}

fn card(model: &str, vendor_id: u32, driver: &str, adrenalin: Option<&str>, composes: bool) -> CardFacts {
    let gpu = Gpu { model: model.into(), vendor_id, driver_version: Some(driver.into()), ..Gpu::default() };
    CardFacts {
        model: model.into(),
        vendor_id,
        memory_bytes: Some(8_589_934_592),
        driver_version: gpu.driver_version.clone(),
        standing: standing(&gpu, adrenalin, true),
        composes,
    }
}

fn encoder(family: &str, vendor_id: Option<u32>, codec: &str) -> EncoderFacts {
    EncoderFacts {
        family: family.into(),
        vendor_id,
        is_hardware: vendor_id.is_some(),
        element: "an element".into(),
        codec: codec.into(),
        available: false,
        passed: false,
        reason: "“element” is not installed".into(),
        took_ms: 0,
    }
}

fn works(encoder: EncoderFacts) -> EncoderFacts {
    EncoderFacts {
        available: true,
        passed: true,
        reason: "passed its self-test, checked with avdec_h264".into(),
        took_ms: 312,
        ..encoder
    }
}

fn fails(encoder: EncoderFacts, reason: &str) -> EncoderFacts {
    EncoderFacts { available: true, reason: reason.into(), took_ms: 41, ..encoder }
}

/// All encoders that are tried, none of which works.
fn none() -> Vec<EncoderFacts> {
    let mut all = Vec::new();
    for codec in ["H.264", "H.265"] {
        all.push(encoder("NVIDIA NVENC", Some(NVIDIA), codec));
        all.push(encoder("AMD AMF", Some(AMD), codec));
        all.push(encoder("Intel Quick Sync", Some(INTEL), codec));
        all.push(encoder("Windows Media Foundation", None, codec));
    }
    all.push(encoder("x264 (software)", None, "H.264"));
    all.push(encoder("OpenH264 (software)", None, "H.264"));
    all
}

fn with(
    mut all: Vec<EncoderFacts>,
    change: impl Fn(EncoderFacts) -> EncoderFacts,
    family: &str,
) -> Vec<EncoderFacts> {
    for one in &mut all {
        if one.family == family {
            *one = change(one.clone());
        }
    }
    all
}

fn ladder(encoder: Result<&str, &str>, reason: &str, path: &str) -> Vec<RenditionFacts> {
    [("1280x720", 4_500), ("852x480", 1_400), ("640x360", 600)]
        .into_iter()
        .map(|(size, kbps)| RenditionFacts {
            size: size.into(),
            fps: "30".into(),
            kbps,
            encoder: encoder.map(str::to_owned).map_err(str::to_owned),
            reason: reason.into(),
            path: path.into(),
        })
        .collect()
}

fn device(name: &str, note: &str) -> DeviceFacts {
    DeviceFacts { name: name.into(), note: note.into() }
}

/// A good PC.
fn nvidia() -> Facts {
    let gaming = GamingFeatures {
        game_mode_enabled: Some(true),
        hags_enabled: Some(true),
        game_dvr_bg_recording: Some(false),
        ..GamingFeatures::default()
    };
    Facts {
        genlock: "0.1.0",
        is_windows: true,
        gpu: Ok(GpuFacts {
            name: "NVIDIA GeForce RTX 4080".into(),
            backend: "dx12".into(),
            driver: "32.0.15.6603".into(),
            is_software: false,
        }),
        machine: Some(MachineFacts {
            capabilities: json!({}),
            composition_gpu_index: Some(0),
            system: examine::system(&windows(22_631, "23H2")),
            processor: "12th Gen Intel(R) Core(TM) i7-12700K, 12 cores, 20 threads, 3610 MHz".into(),
            memory_bytes: 34_359_738_368,
            free_memory_bytes: 21_474_836_480,
            gaming: examine::gaming(&gaming),
        }),
        cards: vec![
            card("NVIDIA GeForce RTX 4080", NVIDIA, "32.0.15.6603", None, true),
            card("Intel(R) UHD Graphics 770", INTEL, "31.0.101.4502", None, false),
        ],
        encoders: with(
            with(with(none(), works, "NVIDIA NVENC"), works, "Intel Quick Sync"),
            works,
            "OpenH264 (software)",
        ),
        adapter_elements: Vec::new(),
        ladder: ladder(Ok("NVIDIA NVENC"), "first choice; passed its self-test", "stay on the graphics card"),
        displays: vec![device("DELL U2720Q", "2560x1440 at 0,0, primary")],
        cameras: vec![device("Logitech BRIO", "")],
        inputs: vec![device("Microphone (Wave XLR)", "default")],
        outputs: vec![device("Speakers (Realtek)", "default")],
        device_problems: Vec::new(),
        recordings: Ok(RecordingsFacts {
            folder: r"C:\Users\ada\Videos\Genlock".into(),
            free_bytes: Some(812_000_000_000),
            hours: Some(270),
            remark: String::new(),
        }),
        keys: KeyFacts { are_kept: true, note: "Stream keys are kept in Windows' credential store.".into() },
        clock: ClockFacts { wall_against_monotonic_ppm: 3.0, is_steady: true },
    }
}

/// A graphics card of AMD with last year's driver.
fn old_amd_driver() -> Facts {
    let good = nvidia();
    let encoders =
        with(none(), |one| fails(one, "“amfh264enc” does not start: the driver gives no encoder"), "AMD AMF");
    let encoders = with(encoders, works, "Windows Media Foundation");
    Facts {
        machine: good.machine.map(|machine| MachineFacts {
            system: examine::system(&windows(19_045, "22H2")),
            gaming: Vec::new(),
            ..machine
        }),
        gpu: good.gpu.map(|gpu| GpuFacts { name: "AMD Radeon RX 6600".into(), ..gpu }),
        cards: vec![card("AMD Radeon RX 6600", AMD, "31.0.22024.17002", Some("23.12.1"), true)],
        encoders: with(encoders, works, "OpenH264 (software)"),
        ladder: ladder(
            Ok("Windows Media Foundation"),
            "passed its self-test; not NVIDIA NVENC: “nvh264enc” is not installed, not AMD AMF: no",
            "from memory",
        ),
        recordings: Ok(RecordingsFacts {
            folder: r"C:\Users\ada\OneDrive\Videos\Genlock".into(),
            free_bytes: Some(3_000_000_000),
            hours: Some(0),
            remark: super::place::remark(std::path::Path::new("/ada/OneDrive/Videos/Genlock"), false, None)
                .unwrap(),
        }),
        ..good
    }
}

/// A virtual machine where nothing is installed.
fn nothing() -> Facts {
    let good = nvidia();
    Facts {
        gpu: Ok(GpuFacts {
            name: "Microsoft Basic Render Driver".into(),
            backend: "dx12".into(),
            driver: String::new(),
            is_software: true,
        }),
        cards: Vec::new(),
        encoders: none(),
        ladder: ladder(Err("no encoder is usable"), "no encoder is usable", "from memory"),
        displays: Vec::new(),
        cameras: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        device_problems: vec!["Sound devices could not be listed: there is no sound service.".into()],
        keys: KeyFacts { are_kept: false, note: "Stream keys are kept until Genlock ends.".into() },
        clock: ClockFacts { wall_against_monotonic_ppm: 9e5, is_steady: false },
        ..good
    }
}

/// The project's own kind of machine.
fn linux() -> Facts {
    let good = nvidia();
    let system = System {
        version: "Linux 6.1.0-26-amd64".into(),
        name: "Debian GNU/Linux".into(),
        release: "12".into(),
        bits: 64,
        ..System::default()
    };
    Facts {
        is_windows: false,
        gpu: Ok(GpuFacts {
            name: "llvmpipe (LLVM 15.0.6, 256 bits)".into(),
            backend: "vulkan".into(),
            driver: "llvmpipe".into(),
            is_software: true,
        }),
        machine: good.machine.map(|machine| MachineFacts {
            system: examine::system(&system),
            gaming: Vec::new(),
            ..machine
        }),
        cards: Vec::new(),
        encoders: with(with(none(), works, "x264 (software)"), works, "OpenH264 (software)"),
        ladder: ladder(Ok("x264 (software)"), "passed; not NVIDIA NVENC: no", "from memory"),
        displays: (0..6).map(|number| device(&format!("DP-{number}"), "1920x1080")).collect(),
        ..good
    }
}

#[test]
fn a_good_pc() {
    insta::assert_snapshot!("nvidia", page::text(&nvidia()));
    assert!(nvidia().can_stream() && advice::troubles(&nvidia()).is_empty());
}

#[test]
fn a_driver_that_is_too_old() {
    insta::assert_snapshot!("old_amd_driver", page::text(&old_amd_driver()));
    assert!(old_amd_driver().can_stream());
}

#[test]
fn a_pc_with_nothing() {
    insta::assert_snapshot!("nothing", page::text(&nothing()));
    assert!(!nothing().can_stream());
}

#[test]
fn linux_with_software_alone() {
    insta::assert_snapshot!("linux", page::text(&linux()));
}

#[test]
fn two_cards_of_one_maker() {
    let mut facts = nvidia();
    for (place, model) in ["AMD Radeon RX 7900 XTX", "AMD Radeon(TM) Graphics"].into_iter().enumerate() {
        facts.adapter_elements.push(AdapterElementFacts {
            family: "AMD AMF".into(),
            codec: "H.264".into(),
            element: format!("amfh264device{place}enc"),
            card: Some(model.into()),
            is_used: place == 0,
        });
    }
    let text = page::text(&facts);
    assert!(text.contains("AMD AMF, H.264 is used on AMD Radeon RX 7900 XTX."), "{text}");
    assert!(!text.contains("AMD Radeon(TM) Graphics"), "{text}");
}

#[test]
fn every_failure_of_an_encoder_has_its_way_out() {
    let nvidia_with = |driver: &str| Facts {
        cards: vec![card("NVIDIA GeForce RTX 2060", NVIDIA, driver, None, true)],
        ..nvidia()
    };
    let nvenc = || encoder("NVIDIA NVENC", Some(NVIDIA), "H.264");
    let mend = |facts: &Facts, encoder: &EncoderFacts| advice::mend(encoder, facts).unwrap_or_default();
    let new = nvidia_with("32.0.15.6603");
    assert!(mend(&new, &fails(nvenc(), "too many sessions")).contains("Close other programs"));
    assert!(
        mend(&new, &fails(nvenc(), "there is no H.264 decoder to check it with")).contains("install Genlock")
    );
    assert!(mend(&new, &fails(nvenc(), "a quarter came back grey")).contains("newest driver"));
    assert!(mend(&new, &nvenc()).contains("offers no encoder"));
    assert!(mend(&nvidia_with("31.0.15.3713"), &nvenc()).contains("545.92"));
    assert!(mend(&nvidia_with("none"), &nvenc()).contains("545.92"));
    assert_eq!(mend(&new, &works(nvenc())), "");
    assert_eq!(mend(&new, &encoder("AMD AMF", Some(AMD), "H.264")), "", "no such card, nothing to mend");
    let old =
        Facts { cards: vec![card("NVIDIA GeForce GTX 780", NVIDIA, "32.0.15.6603", None, true)], ..nvidia() };
    assert!(mend(&old, &nvenc()).contains("generation"));
}

#[test]
fn windows_is_called_what_its_maker_calls_it() {
    for (build, release, expected) in [
        (19_045, "22H2", "Windows 10 22H2, build 19045.4317, 64 bits"),
        (22_631, "23H2", "Windows 11 23H2, build 22631.4317, 64 bits"),
        (19_043, crate::survey::NO_RELEASE, "Windows 10, build 19043.4317, 64 bits"),
    ] {
        assert_eq!(examine::system(&windows(build, release)), expected);
    }
    let emulated =
        System { arm: true, arm_emulation: true, revision: String::new(), ..windows(26_100, "24H2") };
    assert_eq!(examine::system(&emulated), "Windows 11 24H2, build 26100, 64 bits, on ARM by emulation");
}

#[test]
fn what_support_gets_holds_everything_and_the_page() {
    let facts = nothing();
    let whole = super::Whole { facts: &facts, troubles: advice::troubles(&facts), page: super::page(&facts) };
    let told = serde_json::to_value(&whole).unwrap();
    for member in
        ["genlock", "gpu", "machine", "cards", "encoders", "ladder", "recordings", "troubles", "page"]
    {
        assert!(!told[member].is_null(), "{member}");
    }
    assert!(told["page"].as_array().is_some_and(|page| page.len() > 8));
}
