//! What one computer tells another so that it can take the stream over: a line of text, for a file or for copying.
//!
//! The line is `genlock-pair:1:` and the base64url form (RFC 4648, 5, without padding) of a JSON object (RFC 8259). The
//! stream key is in it only when the person said so.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ivs::IngestAddress;
use ivs::limits::MAX_PRIORITY;
use serde_json::{Value, json};
use units::{FrameRate, Kbps, Secret, Size, VideoCodec};

/// What every code begins with: the name, and the version of what follows.
const PREFIX: &str = "genlock-pair:1:";
/// Longest code that is read, in bytes. The longest key of the service is below 4096, a ladder of eight below 1024.
const MAX_BYTES: usize = 16 * 1024;
/// Most renditions that are read; the service takes no more (GetClientConfiguration).
const MAX_TRACKS: usize = 16;

/// One rendition of the other computer's ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairedTrack {
    /// Its code.
    pub codec: VideoCodec,
    /// Its size.
    pub size: Size,
    /// Its rate.
    pub rate: FrameRate,
    /// Its nominal bitrate.
    pub bitrate: Kbps,
}

impl fmt::Display for PairedTrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.size, self.codec)
    }
}

/// What one computer knows of a stream, for another one. Prints no stream key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pairing {
    /// The channel's ingest, without key and passphrase.
    pub channel: IngestAddress,
    /// Its renditions, the primary first. Sound is AAC in stereo always.
    pub ladder: Vec<PairedTrack>,
    /// The highest takeover priority used so far, 1 to 2,147,483,647; `None` before the first.
    pub last_priority: Option<u32>,
    /// When the code was made, in seconds from 1970-01-01T00:00:00Z on.
    pub made_at_unix: u64,
    /// The stream key, where the person said that it may go along.
    pub key: Option<Secret>,
}

/// Why a text is no pairing code. Whoever gave it has to give another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairingError {
    /// It does not begin like one.
    NotACode,
    /// It is of another version of Genlock.
    OtherVersion,
    /// A part is missing or was changed.
    Damaged,
}

impl fmt::Display for PairingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotACode => "it does not begin with “genlock-pair:”",
            Self::OtherVersion => "it was made by another version of Genlock",
            Self::Damaged => "a part of it is missing or was changed",
        })
    }
}

impl std::error::Error for PairingError {}

impl Pairing {
    /// The code. A secret, since the key may be inside.
    pub fn to_code(&self) -> Secret {
        let tracks: Vec<Value> = self
            .ladder
            .iter()
            .map(|track| {
                json!([
                    codec_word(track.codec),
                    track.size.width_px(),
                    track.size.height_px(),
                    track.rate.numerator(),
                    track.rate.denominator(),
                    track.bitrate.0,
                ])
            })
            .collect();
        let mut members = json!({
            "channel": self.channel.clone().without_secrets().to_string(),
            "ladder": tracks,
            "made": self.made_at_unix,
        });
        if let Some(members) = members.as_object_mut() {
            if let Some(priority) = self.last_priority {
                members.insert("priority".into(), json!(priority));
            }
            if let Some(key) = &self.key {
                members.insert("key".into(), json!(key.expose()));
            }
        }
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(members.to_string())))
    }

    /// Reads a code; white space around it does not matter.
    ///
    /// # Errors
    /// Why it is none. The text is never repeated.
    pub fn parse(text: &str) -> Result<Self, PairingError> {
        let text = text.trim();
        let Some(rest) = text.strip_prefix("genlock-pair:") else { return Err(PairingError::NotACode) };
        let Some(code) = text.strip_prefix(PREFIX) else {
            let is_version = rest.split_once(':').is_some_and(|(version, _)| version.parse::<u32>().is_ok());
            return Err(if is_version { PairingError::OtherVersion } else { PairingError::Damaged });
        };
        if code.len() > MAX_BYTES {
            return Err(PairingError::Damaged);
        }
        let json = URL_SAFE_NO_PAD.decode(code).map_err(|_| PairingError::Damaged)?;
        let members: Value = serde_json::from_slice(&json).map_err(|_| PairingError::Damaged)?;
        Self::of(&members).ok_or(PairingError::Damaged)
    }

    fn of(members: &Value) -> Option<Self> {
        let channel = channel(members.get("channel")?.as_str()?)?;
        let tracks = members.get("ladder")?.as_array()?;
        if tracks.is_empty() || tracks.len() > MAX_TRACKS {
            return None;
        }
        let last_priority = match members.get("priority") {
            None => None,
            Some(number) => Some(
                u32::try_from(number.as_u64()?)
                    .ok()
                    .filter(|number| (1..=MAX_PRIORITY.value).contains(number))?,
            ),
        };
        let key = match members.get("key") {
            None => None,
            Some(key) => Some(Secret::new(key.as_str().filter(|key| is_word(key))?)),
        };
        Some(Self {
            channel,
            ladder: tracks.iter().map(track).collect::<Option<_>>()?,
            last_priority,
            made_at_unix: members.get("made")?.as_u64()?,
            key,
        })
    }

    /// What keeps a stream of `ladder` from taking the place of this one, a sentence for each: a takeover needs the
    /// same resolutions, codecs and number of tracks (IVS user guide, "Stream Takeover"). Rates and bitrates may differ.
    pub fn differences(&self, ladder: &[PairedTrack]) -> Vec<String> {
        if self.ladder.len() != ladder.len() {
            return vec![format!(
                "The other computer sends {}, this one {}.",
                renditions(self.ladder.len()),
                renditions(ladder.len())
            )];
        }
        let differs = |(theirs, ours): &(&PairedTrack, &PairedTrack)| {
            (theirs.size, theirs.codec) != (ours.size, ours.codec)
        };
        let pairs = self.ladder.iter().zip(ladder).filter(differs);
        pairs.map(|(theirs, ours)| format!("The other computer sends {theirs}, this one {ours}.")).collect()
    }

    /// The ladder in a few words, such as “1280x720 at 30, 640x360 at 30”.
    pub fn ladder_words(&self) -> String {
        let words: Vec<String> =
            self.ladder.iter().map(|track| format!("{} at {}", track.size, track.rate)).collect();
        words.join(", ")
    }
}

/// The address as it is shown, and nothing else: what an address does not show may be a secret, and a code that holds one
/// was not made by Genlock.
fn channel(text: &str) -> Option<IngestAddress> {
    let shown = text.parse::<IngestAddress>().ok()?.without_secrets().to_string();
    let channel: IngestAddress = shown.parse().ok()?;
    (channel.to_string() == shown && channel.key().is_none()).then_some(channel)
}

fn renditions(count: usize) -> String {
    if count == 1 { "one rendition".into() } else { format!("{count} renditions") }
}

fn track(members: &Value) -> Option<PairedTrack> {
    let members = members.as_array()?;
    let number = |at: usize| u32::try_from(members.get(at)?.as_u64()?).ok();
    if members.len() != 6 {
        return None;
    }
    Some(PairedTrack {
        codec: [VideoCodec::Avc, VideoCodec::Hevc]
            .into_iter()
            .find(|codec| Some(codec_word(*codec)) == members.first().and_then(Value::as_str))?,
        size: Size::new(number(1)?, number(2)?).ok()?,
        rate: FrameRate::new(number(3)?, number(4)?).ok()?,
        bitrate: Kbps(number(5)?),
    })
}

const fn codec_word(codec: VideoCodec) -> &'static str {
    match codec {
        VideoCodec::Avc => "avc",
        VideoCodec::Hevc => "hevc",
    }
}

/// A key is one word.
fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "sk_us-west-2_PairedSecretKey";

    fn track_of(width_px: u32, height_px: u32) -> PairedTrack {
        PairedTrack {
            codec: VideoCodec::Avc,
            size: Size::new(width_px, height_px).unwrap(),
            rate: FrameRate::FPS_30,
            bitrate: Kbps(2500),
        }
    }

    fn pairing(key: Option<&str>) -> Pairing {
        Pairing {
            channel: "rtmps://a.example:443/app".parse().unwrap(),
            ladder: vec![track_of(1280, 720), track_of(640, 360)],
            last_priority: Some(2001),
            made_at_unix: 1_795_000_000,
            key: key.map(Secret::new),
        }
    }

    #[test]
    fn a_code_comes_back_and_is_one_line() {
        for key in [None, Some(KEY)] {
            let code = pairing(key).to_code();
            assert!(!code.expose().contains(char::is_whitespace));
            assert_eq!(Pairing::parse(&format!("  {}\r\n", code.expose())), Ok(pairing(key)));
        }
        let with_secrets =
            Pairing { channel: format!("rtmps://a.example:443/app/{KEY}").parse().unwrap(), ..pairing(None) };
        assert_eq!(Pairing::parse(with_secrets.to_code().expose()), Ok(pairing(None)), "the key stays here");
        assert!(!format!("{:?}", pairing(Some(KEY))).contains(KEY));
    }

    #[test]
    fn what_is_no_code_says_so() {
        let code = pairing(None).to_code();
        let code = code.expose();
        assert_eq!(Pairing::parse("hello"), Err(PairingError::NotACode));
        assert_eq!(Pairing::parse(&code.replace(":1:", ":2:")), Err(PairingError::OtherVersion));
        assert_eq!(Pairing::parse(&code[..code.len() - 4]), Err(PairingError::Damaged));
        let of = |json: &str| Pairing::parse(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json)));
        for json in [
            "{}",
            r#"{"channel":"rtmp://h/app","ladder":[],"made":1}"#,
            r#"{"channel":"rtmp://h/app","ladder":[["avc",1280,720,30,1]],"made":1}"#,
            r#"{"channel":"rtmp://h/app","ladder":[["avc",1280,720,30,1,2500]],"made":1,"priority":0}"#,
            r#"{"channel":"rtmp://h/app","ladder":[["avc",1280,720,30,1,2500]],"made":1,"key":"two words"}"#,
            r#"{"channel":"https://h/app","ladder":[["avc",1280,720,30,1,2500]],"made":1}"#,
        ] {
            assert_eq!(of(json), Err(PairingError::Damaged), "{json}");
        }
        assert!(of(r#"{"channel":"rtmp://h/app","ladder":[["avc",1280,720,30,1,2500]],"made":1}"#).is_ok());
    }

    #[test]
    fn of_a_channel_only_what_may_be_shown_is_kept() {
        for text in
            ["rtmps://h:443/app?token=hush&priority=3", "rtmps://h:443?app", "srt://h:9000?streamid=k&mode=x"]
        {
            let pairing = Pairing { channel: "rtmp://h/app".parse().unwrap(), ..pairing(None) };
            let json = URL_SAFE_NO_PAD.decode(&pairing.to_code().expose()[PREFIX.len()..]).unwrap();
            let json = String::from_utf8(json).unwrap().replace("rtmp://h/app", text);
            let Ok(read) = Pairing::parse(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json))) else {
                continue;
            };
            assert_eq!(Pairing::parse(read.to_code().expose()), Ok(read.clone()), "{text}");
            assert!(!read.channel.to_url(&Secret::new("")).expose().contains("hush"));
        }
    }

    #[test]
    fn only_what_the_service_compares_is_a_difference() {
        let theirs = pairing(None);
        let mut ours = theirs.ladder.clone();
        ours[0].bitrate = Kbps(9000);
        ours[1].rate = FrameRate::FPS_60;
        assert!(theirs.differences(&ours).is_empty());
        ours[1].size = Size::new(854, 480).unwrap();
        assert_eq!(
            theirs.differences(&ours),
            ["The other computer sends 640x360 in H.264, this one 854x480 in H.264."]
        );
        assert_eq!(
            theirs.differences(&ours[..1]),
            ["The other computer sends 2 renditions, this one one rendition."]
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*", json in "\\PC*") {
            let _ = Pairing::parse(&text);
            let _ = Pairing::parse(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(json)));
        }

        #[test]
        fn every_pairing_comes_back(
            tracks in prop::collection::vec((32u32..2000, 32u32..2000, 24u32..=60, 1u32..20_000, any::<bool>()), 1..8),
            priority in prop::option::of(1..=MAX_PRIORITY.value),
            made in any::<u64>(),
            key in prop::option::of("[!-~]{1,300}"),
        ) {
            let ladder = tracks.iter().map(|(width, height, fps, bitrate, is_avc)| PairedTrack {
                codec: if *is_avc { VideoCodec::Avc } else { VideoCodec::Hevc },
                size: Size::new(width * 2, height * 2).unwrap(),
                rate: FrameRate::new(*fps, 1).unwrap(),
                bitrate: Kbps(*bitrate),
            });
            let pairing = Pairing {
                ladder: ladder.collect(),
                last_priority: priority,
                made_at_unix: made,
                key: key.map(Secret::new),
                ..pairing(None)
            };
            prop_assert_eq!(Pairing::parse(pairing.to_code().expose()), Ok(pairing));
        }
    }
}
