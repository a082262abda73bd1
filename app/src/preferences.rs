//! Preferences on disk: what the person wants of ladder and stream, which server, which keys of the keyboard, kept
//! between runs. Never a stream key.

use std::path::{Path, PathBuf};

use control::{HotkeyAct, Preferences, RenewalChoice, ServerChoice};
use serde::{Deserialize, Serialize};
use units::{Kbps, Span};

/// What is kept. Members that are missing or can not be read are Auto.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    multitrack: Option<bool>,
    output: Option<String>,
    rate: Option<String>,
    max_tracks: Option<u8>,
    max_bitrate_kbps: Option<u32>,
    server: Option<KeptServer>,
    reconnect: Option<bool>,
    renewal: Option<KeptRenewal>,
    playback_url: Option<String>,
    srt_latency_ms: Option<u32>,
    recording_folder: Option<PathBuf>,
    hotkeys: Vec<KeptHotkey>,
    remembers_key: bool,
    further: Vec<KeptDestination>,
}

/// What is kept for the person besides what they want of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Personal {
    /// Where recordings go; `None` for the folder of the system.
    pub(crate) recording_folder: Option<PathBuf>,
    /// Keys that work from anywhere, as they were written.
    pub(crate) hotkeys: Vec<(HotkeyAct, String)>,
    /// The stream key is in the credential store.
    pub(crate) remembers_key: bool,
    /// Destinations besides the channel, whose addresses with their keys are in the credential store.
    pub(crate) further: Vec<KeptDestination>,
}

/// A destination besides the channel, without its key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptDestination {
    /// Names it in the credential store.
    pub(crate) number: u32,
    /// What the person calls it.
    pub(crate) name: String,
    /// Where to, without the key.
    pub(crate) address: String,
}

/// A key that works from anywhere, by the number of its act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptHotkey {
    act: u16,
    chord: String,
}

/// When key and stream are renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptRenewal {
    Auto,
    AfterMinutes(u32),
    Never,
}

/// A choice of the server menu. An address of the person's own is kept without the key it may hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KeptServer {
    Auto { secure: bool },
    Listed { name: String, secure: bool },
    Custom { address: String },
}

/// The file of the person's preferences.
pub(crate) fn default_file() -> Option<PathBuf> {
    Some(desktop::Folders::find()?.settings.join("preferences.json"))
}

/// Reads what is kept in `file`; everything by default where there is nothing, or nothing that can be read.
/// `multitrack` is what holds where the person never chose.
pub(crate) fn load(file: &Path, multitrack: bool) -> (Preferences, ServerChoice, Personal) {
    let kept = std::fs::read(file).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    let kept = kept.unwrap_or_default();
    let preferences = Preferences {
        multitrack: kept.multitrack.unwrap_or(multitrack),
        output: kept.output.and_then(|text| text.parse().ok()),
        rate: kept.rate.and_then(|text| text.parse().ok()),
        max_tracks: kept.max_tracks.filter(|tracks| *tracks > 0),
        max_bitrate: kept.max_bitrate_kbps.filter(|kbps| *kbps > 0).map(Kbps),
        reconnect: kept.reconnect.unwrap_or(true),
        renewal: match kept.renewal {
            Some(KeptRenewal::AfterMinutes(minutes)) if minutes > 0 => {
                RenewalChoice::After(Span::from_secs(i64::from(minutes) * 60))
            }
            Some(KeptRenewal::Never) => RenewalChoice::Never,
            _ => RenewalChoice::Auto,
        },
        playback_url: kept.playback_url.filter(|url| !url.is_empty()),
        srt_latency_ms: kept.srt_latency_ms,
    };
    let server = match kept.server {
        Some(KeptServer::Auto { secure }) => ServerChoice::Auto { secure },
        Some(KeptServer::Listed { name, secure }) => ServerChoice::Listed { name, secure },
        Some(KeptServer::Custom { address }) => ServerChoice::Custom(units::Secret::new(address)),
        None => ServerChoice::default(),
    };
    let hotkeys = kept.hotkeys.into_iter();
    let personal = Personal {
        recording_folder: kept.recording_folder.filter(|folder| !folder.as_os_str().is_empty()),
        hotkeys: hotkeys.filter_map(|key| Some((HotkeyAct::from_number(key.act)?, key.chord))).collect(),
        remembers_key: kept.remembers_key,
        further: kept.further,
    };
    (preferences, server, personal)
}

/// Keeps them, replacing the file in one step.
///
/// # Errors
/// A folder or file that can not be written.
pub(crate) fn save(
    file: &Path,
    preferences: &Preferences,
    server: &ServerChoice,
    personal: &Personal,
) -> std::io::Result<()> {
    let kept = Kept {
        multitrack: Some(preferences.multitrack),
        output: preferences.output.map(|size| size.to_string()),
        rate: preferences.rate.map(|rate| format!("{}/{}", rate.numerator(), rate.denominator())),
        max_tracks: preferences.max_tracks,
        max_bitrate_kbps: preferences.max_bitrate.map(|bitrate| bitrate.0),
        server: keep_server(server),
        reconnect: Some(preferences.reconnect),
        renewal: Some(match preferences.renewal {
            RenewalChoice::Auto => KeptRenewal::Auto,
            RenewalChoice::After(span) => {
                KeptRenewal::AfterMinutes(u32::try_from(span.as_nanos() / 60_000_000_000).unwrap_or(0))
            }
            RenewalChoice::Never => KeptRenewal::Never,
        }),
        // A private channel's address carries a viewer's token behind the question mark, which is good for a while only.
        playback_url: preferences.playback_url.as_deref().map(|url| match url.split_once('?') {
            Some((address, _)) => address.to_owned(),
            None => url.to_owned(),
        }),
        srt_latency_ms: preferences.srt_latency_ms,
        recording_folder: personal.recording_folder.clone(),
        hotkeys: (personal.hotkeys.iter())
            .map(|(act, chord)| KeptHotkey { act: act.number(), chord: chord.clone() })
            .collect(),
        remembers_key: personal.remembers_key,
        further: personal.further.clone(),
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let fresh = file.with_extension("json.new");
    std::fs::write(&fresh, serde_json::to_vec_pretty(&kept).map_err(std::io::Error::other)?)?;
    std::fs::rename(&fresh, file)
}

fn keep_server(server: &ServerChoice) -> Option<KeptServer> {
    match server {
        ServerChoice::Auto { secure } => Some(KeptServer::Auto { secure: *secure }),
        ServerChoice::Listed { name, secure } => {
            Some(KeptServer::Listed { name: name.clone(), secure: *secure })
        }
        ServerChoice::Custom(address) => {
            let address: ivs::IngestAddress = address.expose().parse().ok()?;
            Some(KeptServer::Custom { address: address.without_secrets().to_string() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use units::{FrameRate, Secret, Size};

    #[test]
    fn preferences_come_back_and_keys_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep").join("preferences.json");
        assert_eq!(
            load(&file, true),
            (
                Preferences { multitrack: true, ..Preferences::default() },
                ServerChoice::default(),
                Personal::default()
            )
        );
        let preferences = Preferences {
            multitrack: false,
            output: Size::new(1280, 720).ok(),
            rate: FrameRate::new(60_000, 1001).ok(),
            max_tracks: Some(3),
            max_bitrate: Some(Kbps(6000)),
            reconnect: false,
            renewal: RenewalChoice::After(Span::from_secs(36 * 3600)),
            playback_url: Some("https://play.example/live.m3u8?token=Hidden456".into()),
            srt_latency_ms: Some(500),
        };
        let custom =
            ServerChoice::Custom(Secret::new("rtmps://ingest.example:443/app/sk_us-west-2_Hidden123"));
        let personal = Personal {
            recording_folder: Some("D:/Takes".into()),
            hotkeys: vec![
                (HotkeyAct::Scene(3), "Ctrl+Alt+3".into()),
                (HotkeyAct::Record, "Ctrl+Alt+R".into()),
            ],
            remembers_key: true,
            further: vec![KeptDestination {
                number: 2,
                name: "Second".into(),
                address: "rtmps://second.example/app".into(),
            }],
        };
        save(&file, &preferences, &custom, &personal).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(!text.contains("Hidden"), "{text}");
        let (read, server, kept) = load(&file, true);
        assert_eq!(kept, personal);
        let playback_url = Some("https://play.example/live.m3u8".into());
        assert_eq!(read, Preferences { playback_url, ..preferences.clone() });
        assert_eq!(server, ServerChoice::Custom(Secret::new("rtmps://ingest.example:443/app")));
        let listed = ServerChoice::Listed { name: "Frankfurt".into(), secure: true };
        save(&file, &preferences, &listed, &Personal::default()).unwrap();
        assert_eq!(load(&file, true).1, listed);
    }

    #[test]
    fn a_file_that_can_not_be_read_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("preferences.json");
        for text in ["", "[]", "{\"output\":3}", "{\"output\":\"wide\",\"max_tracks\":0,\"more\":1}"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(load(&file, false).0, Preferences::default(), "{text}");
        }
    }
}
