//! Machines and wishes to ask with.

use ivs::client_configuration::{
    Capabilities, Client, Cpu, GamingFeatures, Gpu, Memory, Preferences, Request, System,
};
use units::{Secret, VideoCodec};

/// What somebody with this machine and these wishes asks.
pub(crate) fn request(capabilities: Capabilities, preferences: Preferences) -> Request {
    Request {
        authentication: Secret::new("sk_us-west-2_ExampleExample_0123456789?priority=2"),
        client: Client {
            name: "genlock".into(),
            version: "0.1.0".into(),
            supported_codecs: vec![VideoCodec::Avc, VideoCodec::Hevc],
        },
        capabilities,
        preferences,
        stream_attempt_start_time: "2026-11-21T10:57:50.123Z".into(),
    }
}

/// Two graphics cards and everything known.
pub(crate) fn windows() -> Capabilities {
    Capabilities {
        cpu: Cpu {
            physical_cores: 8,
            logical_cores: 16,
            speed_mhz: Some(3_400),
            name: Some("12th Gen Intel(R) Core(TM) i7-12700K".into()),
        },
        memory: Memory { total_bytes: 34_359_738_368, free_bytes: 21_474_836_480 },
        gaming_features: Some(GamingFeatures {
            game_bar_enabled: Some(true),
            game_dvr_allowed: Some(true),
            game_dvr_enabled: Some(false),
            game_dvr_bg_recording: Some(false),
            game_mode_enabled: Some(true),
            hags_enabled: Some(true),
        }),
        system: System {
            version: "10.0".into(),
            name: "Windows".into(),
            build: 22_631,
            release: "23H2".into(),
            revision: "4317".into(),
            bits: 64,
            arm: false,
            arm_emulation: false,
        },
        gpus: vec![
            Gpu {
                model: "NVIDIA GeForce RTX 4080".into(),
                vendor_id: 0x10DE,
                device_id: 0x2704,
                dedicated_video_memory: Some(17_171_480_576),
                shared_system_memory: Some(17_179_869_184),
                driver_version: Some("32.0.15.6603".into()),
                luid: Some("0x00000000_0x0000d3c1".into()),
            },
            Gpu {
                model: "Intel(R) UHD Graphics 770".into(),
                vendor_id: 0x8086,
                device_id: 0x4680,
                dedicated_video_memory: Some(134_217_728),
                shared_system_memory: None,
                driver_version: Some("31.0.101.4502".into()),
                luid: None,
            },
        ],
    }
}

/// Where some things are not to be found out.
pub(crate) fn windows_on_arm() -> Capabilities {
    let windows = windows();
    Capabilities {
        cpu: Cpu { speed_mhz: None, name: None, ..windows.cpu },
        gaming_features: Some(GamingFeatures::default()),
        system: System { arm: true, arm_emulation: true, revision: String::new(), ..windows.system },
        gpus: vec![Gpu {
            model: "Qualcomm(R) Adreno(TM) X1-85".into(),
            vendor_id: 0x5143,
            device_id: 0x3633,
            driver_version: None,
            ..Gpu::default()
        }],
        ..windows
    }
}

/// Another operating system.
pub(crate) fn linux() -> Capabilities {
    Capabilities {
        cpu: Cpu {
            physical_cores: 6,
            logical_cores: 12,
            speed_mhz: Some(4_650),
            name: Some("AMD Ryzen 5 5600X 6-Core Processor".into()),
        },
        gaming_features: None,
        system: System {
            version: "6.1.0-26-amd64".into(),
            name: "Debian GNU/Linux".into(),
            build: 0,
            release: "12".into(),
            revision: String::new(),
            bits: 64,
            arm: false,
            arm_emulation: false,
        },
        gpus: vec![Gpu {
            model: "AMD Radeon RX 6700 XT".into(),
            vendor_id: 0x1002,
            device_id: 0x73DF,
            dedicated_video_memory: Some(12_868_124_672),
            shared_system_memory: None,
            driver_version: Some("24.2.8".into()),
            luid: None,
        }],
        ..windows()
    }
}

/// A virtual machine.
pub(crate) fn without_gpu() -> Capabilities {
    Capabilities { gpus: Vec::new(), ..linux() }
}

pub(crate) mod preferences {
    use ivs::client_configuration::Preferences;
    use ivs::limits::ResolutionClass;
    use units::{FrameRate, Kbps, Size};

    fn size(width: u32, height: u32) -> Size {
        Size::new(width, height).unwrap()
    }

    pub(crate) fn automatic() -> Preferences {
        Preferences {
            canvas: size(2_560, 1_440),
            output: size(1_920, 1_080),
            rate: FrameRate::FPS_60,
            maximum_video_tracks: None,
            maximum_aggregate_bitrate: None,
            maximum_resolution: None,
            vod_track_audio: false,
            composition_gpu_index: None,
            audio_samples_per_sec: 48_000,
            audio_channels: 2,
            audio_max_buffering_ms: 960,
            audio_fixed_buffering: false,
        }
    }

    pub(crate) fn limited() -> Preferences {
        Preferences {
            maximum_video_tracks: Some(3),
            maximum_aggregate_bitrate: Some(Kbps(6_000)),
            maximum_resolution: Some(ResolutionClass::Hd),
            vod_track_audio: true,
            composition_gpu_index: Some(1),
            ..automatic()
        }
    }

    pub(crate) fn portrait() -> Preferences {
        Preferences { canvas: size(1_080, 1_920), output: size(720, 1_280), ..automatic() }
    }
}
