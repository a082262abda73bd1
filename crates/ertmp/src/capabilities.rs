//! What the two ends tell each other about Enhanced RTMP in `connect` and its answer (E-RTMP v2, "Enhancing
//! NetConnection connect Command").

use alloc::string::String;
use alloc::vec::Vec;

use crate::amf0::{Properties, Value};

/// What an endpoint can do with a codec: the numbers in `videoFourCcInfoMap` and `audioFourCcInfoMap`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FourCcSupport(pub u32);

impl FourCcSupport {
    /// It decodes.
    pub const CAN_DECODE: Self = Self(1);
    /// It encodes: what a publisher says.
    pub const CAN_ENCODE: Self = Self(2);
    /// It passes on without decoding: what an ingest says.
    pub const CAN_FORWARD: Self = Self(4);

    /// Whether all of `other` is in here.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Enhanced RTMP capabilities of one end. All empty for a peer that says nothing, which does not mean that it can
/// nothing: no publisher in wide use states its capabilities, and servers rarely do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Bits of `capsEx`, see the constants.
    pub caps_ex: u32,
    /// `fourCcList`, the way of E-RTMP v1; `*` means any.
    pub four_cc_list: Vec<String>,
    /// `videoFourCcInfoMap`; the key `*` overrides the others.
    pub video: Vec<(String, FourCcSupport)>,
    /// `audioFourCcInfoMap`; the key `*` overrides the others.
    pub audio: Vec<(String, FourCcSupport)>,
}

impl Capabilities {
    /// Bit of `capsEx`: understands a request to reconnect.
    pub const RECONNECT: u32 = 1;
    /// Bit of `capsEx`: understands multitrack messages.
    pub const MULTITRACK: u32 = 2;
    /// Bit of `capsEx`: understands ModEx.
    pub const MOD_EX: u32 = 4;
    /// Bit of `capsEx`: understands the nanosecond offset within ModEx.
    pub const TIMESTAMP_NANO_OFFSET: u32 = 8;

    /// What Genlock says when it publishes: H.264, H.265 and AAC encoded here, several tracks, and the readiness to
    /// move to another server.
    pub fn publisher() -> Self {
        Self::of(Self::RECONNECT | Self::MULTITRACK, FourCcSupport::CAN_ENCODE)
    }

    /// What the rehearsal ingest answers: it passes on H.264, H.265 and AAC, and reads the whole grammar.
    pub fn ingest() -> Self {
        let caps_ex = Self::RECONNECT | Self::MULTITRACK | Self::MOD_EX | Self::TIMESTAMP_NANO_OFFSET;
        Self::of(caps_ex, FourCcSupport::CAN_FORWARD)
    }

    fn of(caps_ex: u32, support: FourCcSupport) -> Self {
        let name = |four_cc: &str| String::from(four_cc);
        Self {
            caps_ex,
            four_cc_list: ["avc1", "hvc1", "mp4a"].map(name).to_vec(),
            video: ["avc1", "hvc1"].map(|four_cc| (name(four_cc), support)).to_vec(),
            audio: ["mp4a"].map(|four_cc| (name(four_cc), support)).to_vec(),
        }
    }

    /// Whether the end said anything at all.
    pub fn is_enhanced(&self) -> bool {
        *self != Self::default()
    }

    /// Whether all of `bits` are set in `capsEx`.
    pub const fn has(&self, bits: u32) -> bool {
        self.caps_ex & bits == bits
    }

    /// The same without names that no codec can have: they are four characters long, or `*` for all (E-RTMP v2, "Enhancing
    /// NetConnection connect Command"). A peer may write anything there, also a stream name that it was told.
    pub(crate) fn with_codecs_only(mut self) -> Self {
        const LONGEST: usize = 4;
        self.four_cc_list.retain(|name| name.len() <= LONGEST);
        self.video.retain(|(name, _)| name.len() <= LONGEST);
        self.audio.retain(|(name, _)| name.len() <= LONGEST);
        self
    }

    /// What the end can do with the video codec `four_cc`.
    pub fn video_support(&self, four_cc: &str) -> FourCcSupport {
        support(&self.video, four_cc)
    }

    /// What the end can do with the audio codec `four_cc`.
    pub fn audio_support(&self, four_cc: &str) -> FourCcSupport {
        support(&self.audio, four_cc)
    }

    /// Reads them from the command object of `connect` or the properties of its answer. What has the wrong type counts
    /// as not said.
    pub(crate) fn read(object: &Value) -> Self {
        let four_cc_list = match object.get("fourCcList") {
            Some(Value::StrictArray(list)) => {
                list.iter().filter_map(Value::as_str).map(String::from).collect()
            }
            _ => Vec::new(),
        };
        Self {
            caps_ex: object.get("capsEx").and_then(Value::as_number).map_or(0, bits),
            four_cc_list,
            video: read_map(object.get("videoFourCcInfoMap")),
            audio: read_map(object.get("audioFourCcInfoMap")),
        }
    }

    /// Appends them to the command object of `connect` or the properties of its answer.
    pub(crate) fn write(&self, properties: &mut Properties) {
        if !self.is_enhanced() {
            return;
        }
        let list = self.four_cc_list.iter().map(|four_cc| Value::string(four_cc.as_str())).collect();
        let map = |map: &[(String, FourCcSupport)]| {
            Value::Object(
                map.iter().map(|(key, support)| (key.clone(), Value::from(f64::from(support.0)))).collect(),
            )
        };
        properties.push((String::from("fourCcList"), Value::StrictArray(list)));
        properties.push((String::from("videoFourCcInfoMap"), map(&self.video)));
        properties.push((String::from("audioFourCcInfoMap"), map(&self.audio)));
        properties.push((String::from("capsEx"), Value::from(f64::from(self.caps_ex))));
    }
}

fn support(map: &[(String, FourCcSupport)], four_cc: &str) -> FourCcSupport {
    let find = |name: &str| map.iter().find(|(key, _)| key == name).map(|(_, support)| *support);
    find("*").or_else(|| find(four_cc)).unwrap_or_default()
}

fn read_map(object: Option<&Value>) -> Vec<(String, FourCcSupport)> {
    let members = object.and_then(Value::properties).unwrap_or_default();
    let support = |value: &Value| value.as_number().map(|number| FourCcSupport(bits(number)));
    members.iter().filter_map(|(key, value)| Some((key.clone(), support(value)?))).collect()
}

/// A bit mask out of a float: the cast saturates, and sends NaN to 0.
fn bits(number: f64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_codec_can_have_are_left_out() {
        let mut said = Capabilities::ingest();
        said.four_cc_list.push(String::from("sk_us-west-2_key"));
        said.video.push((String::from("sk_us-west-2_key"), FourCcSupport::CAN_FORWARD));
        said.audio.push((String::from("*"), FourCcSupport::CAN_FORWARD));
        let kept = said.with_codecs_only();
        assert_eq!(
            (kept.four_cc_list, kept.video),
            (Capabilities::ingest().four_cc_list, Capabilities::ingest().video)
        );
        assert_eq!(kept.audio.len(), Capabilities::ingest().audio.len() + 1);
    }
}
