//! The ladder of a show: what every rendition is encoded as, and who said so.

use compositor::{Delivery, RenditionOutput, Scaler};
use encoder::{RenditionConfig, RequestedSettings, SettingValue};
use ivs::client_configuration::{
    AudioConfiguration, ClientConfiguration, ColorRange, ColorSpace, EncoderConfiguration, GpuScale,
    PixelFormat,
};
use ivs::ladder::Wish;
use units::{FrameRate, Kbps, Size, TrackId, VideoCodec};

/// Sound bitrates that the service takes (IVS user guide, "Audio Settings"), and the one for an answer that names none.
const AUDIO_KBPS: std::ops::RangeInclusive<u32> = 96..=320;
const DEFAULT_AUDIO_KBPS: Kbps = Kbps(160);

/// Who made the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Genlock itself, from the command line or the canvas.
    BuiltIn,
    /// A file with an answer of the service.
    File,
    /// The service, just now.
    Service,
}

impl Origin {
    /// As it stands after “by” or “from”.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::BuiltIn => "this computer",
            Self::File => "a file",
            Self::Service => "the service",
        }
    }
}

/// Why a ladder can not be made, as the rest of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Impossible(String);

impl std::fmt::Display for Impossible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One rendition with all that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rung {
    pub(crate) rendition: RenditionConfig,
    /// How it is scaled from the canvas.
    pub(crate) scaler: Scaler,
    /// Bitrates the service takes in its stead when the upload is slow, rising; empty when it named none.
    pub(crate) points: Vec<Kbps>,
}

/// The renditions of one canvas, the primary first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ladder {
    pub(crate) origin: Origin,
    /// The service's name for its answer; empty without one.
    pub(crate) config_id: String,
    pub(crate) rungs: Vec<Rung>,
    /// The sound's bitrate.
    pub(crate) audio_bitrate: Kbps,
    /// What a person should know of it: what is not done as asked, and what was not understood.
    pub(crate) notes: Vec<String>,
}

impl Ladder {
    /// One rendition.
    pub(crate) fn single(rendition: RenditionConfig, audio_bitrate: Kbps) -> Self {
        let rung = Rung { rendition, scaler: Scaler::default(), points: Vec::new() };
        Self {
            origin: Origin::BuiltIn,
            config_id: String::new(),
            rungs: vec![rung],
            audio_bitrate,
            notes: Vec::new(),
        }
    }

    /// As many renditions as are wanted, by the service's own kind of ladder.
    pub(crate) fn built_in(
        canvas: Size,
        rate: FrameRate,
        tracks: u8,
        limit: Option<Kbps>,
        audio_bitrate: Kbps,
    ) -> Result<Self, Impossible> {
        let wish = Wish {
            canvas,
            rate,
            max_tracks: Some(tracks.into()),
            max_bitrate: limit,
            max_resolution: None,
            codecs: vec![VideoCodec::Avc],
        };
        let granted = ivs::ladder::grant(&wish).map_err(|refusal| Impossible(refusal.to_string()))?;
        let rungs = granted.into_iter().zip(0..).map(|(rung, number)| {
            let mut rendition = RenditionConfig::new(TrackId(number), rung.size, rung.rate, rung.bitrate);
            rendition.profile = rung.profile;
            rendition.codec = rung.codec;
            Rung { rendition, scaler: Scaler::default(), points: rung.points }
        });
        Ok(Self {
            origin: Origin::BuiltIn,
            config_id: String::new(),
            rungs: rungs.collect(),
            audio_bitrate,
            notes: Vec::new(),
        })
    }

    /// The ladder of the service's answer, exactly: nothing of it is changed but what this machine can not do, and that
    /// is noted (IVS multitrack integration guide, "Configure Video Scaling and Encoding").
    pub(crate) fn from_configuration(
        answer: &ClientConfiguration,
        canvas: Size,
        rate: FrameRate,
    ) -> Result<Self, Impossible> {
        let mut notes: Vec<String> = answer
            .unknown_fields
            .iter()
            .map(|path| {
                format!("The answer has {path}, which this version does not know; it was left alone.")
            })
            .collect();
        let mut rungs = Vec::new();
        for (number, asked) in answer.encoder_configurations.iter().enumerate() {
            rungs.push(rung(number, asked, canvas, rate, &mut notes)?);
        }
        if rungs.is_empty() {
            return Err(Impossible("it holds no rendition".into()));
        }
        let audio_bitrate = sound(&answer.live_audio, &mut notes)?;
        if !answer.vod_audio.is_empty() {
            notes.push(
                "Separate sound for recordings of the service was not asked for and is not sent.".into(),
            );
        }
        Ok(Self { origin: Origin::Service, config_id: answer.config_id.clone(), rungs, audio_bitrate, notes })
    }

    /// The primary rendition alone, encoded as it is here, for destinations that take one.
    pub(crate) fn primary(&self) -> Self {
        Self {
            origin: Origin::BuiltIn,
            config_id: String::new(),
            rungs: self.rungs.iter().take(1).cloned().collect(),
            audio_bitrate: self.audio_bitrate,
            notes: Vec::new(),
        }
    }

    /// Whether encoders at work for the one serve the other: the service names every answer anew.
    pub(crate) fn has_same_encoders(&self, other: &Self) -> bool {
        self.rungs == other.rungs && self.audio_bitrate == other.audio_bitrate
    }

    /// Whether a stream of the one can take the place of a stream of the other: resolutions, codecs and number of
    /// tracks (IVS user guide, "Stream Takeover").
    pub(crate) fn is_same_media(&self, other: &Self) -> bool {
        let media = |ladder: &Self| -> Vec<(Size, VideoCodec)> {
            ladder.rungs.iter().map(|rung| (rung.rendition.size, rung.rendition.codec)).collect()
        };
        media(self) == media(other)
    }

    /// The service's name for its answer.
    pub(crate) fn config_id(&self) -> Option<&str> {
        Some(self.config_id.as_str()).filter(|id| !id.is_empty())
    }

    /// Whether the stream carries performance metrics: always with the service's configuration, and with several
    /// renditions, which only a receiver of that kind takes.
    pub(crate) fn wants_metrics(&self) -> bool {
        self.origin != Origin::BuiltIn || self.is_multitrack()
    }

    /// What every encoder is asked for.
    pub(crate) fn renditions(&self) -> Vec<RenditionConfig> {
        self.rungs.iter().map(|rung| rung.rendition.clone()).collect()
    }

    /// What the compositor makes for each of them, delivered as `deliveries` say; in system memory where they say
    /// nothing.
    pub(crate) fn outputs(&self, deliveries: &[Delivery]) -> Vec<RenditionOutput> {
        let said = deliveries.iter().copied().chain(std::iter::repeat(Delivery::Memory));
        let output = |(rung, delivery): (&Rung, Delivery)| RenditionOutput {
            size: rung.rendition.size,
            scaler: rung.scaler,
            delivery,
        };
        self.rungs.iter().zip(said).map(output).collect()
    }

    /// Their tracks, in the same order.
    pub(crate) fn tracks(&self) -> Vec<TrackId> {
        self.rungs.iter().map(|rung| rung.rendition.track).collect()
    }

    /// Pictures and sound together.
    pub(crate) fn total(&self) -> Kbps {
        self.rungs.iter().map(|rung| rung.rendition.bitrate).sum::<Kbps>() + self.audio_bitrate
    }

    /// Whether it takes the multitrack protocol to send it.
    pub(crate) fn is_multitrack(&self) -> bool {
        self.rungs.len() > 1
    }
}

/// One rendition of the answer.
fn rung(
    number: usize,
    asked: &EncoderConfiguration,
    canvas: Size,
    canvas_rate: FrameRate,
    notes: &mut Vec<String>,
) -> Result<Rung, Impossible> {
    let impossible = |what: String| Impossible(format!("rendition {number} {what}"));
    let track = u8::try_from(number).map_err(|_| impossible("is one too many".into()))?;
    if asked.canvas_index != 0 {
        return Err(impossible(format!("shows canvas {}, and there is one only", asked.canvas_index)));
    }
    if !asked.size.is_even() {
        return Err(impossible(format!("has the size {}, and both sides must be even", asked.size)));
    }
    let rate = asked.rate.unwrap_or(canvas_rate);
    if canvas_rate.divisor_to(rate).is_none() {
        return Err(impossible(format!(
            "wants {rate} frames per second, which is not the canvas rate of {canvas_rate} divided by a whole number"
        )));
    }
    check_colour(asked).map_err(impossible)?;
    let requested = RequestedSettings {
        encoder_type: asked.encoder_type.clone(),
        settings: asked.settings.iter().map(|(key, value)| (key.clone(), setting(value))).collect(),
    };
    let mut rendition = RenditionConfig::from_request(TrackId(track), asked.size, rate, requested)
        .map_err(|error| Impossible(error.to_string()))?;
    if rendition.codec == VideoCodec::Hevc {
        // The only profile of H.265 that the service has (API reference, VideoTrackSettings).
        rendition.profile = units::VideoProfile::Main;
    }
    let is_canvas = asked.size == canvas;
    if asked.scaler == GpuScale::Disable && !is_canvas {
        notes.push(format!("Rendition {number} is not to be scaled but has another size than the canvas; it is scaled bicubically."));
    }
    if asked.size.width_px() > canvas.width_px() || asked.size.height_px() > canvas.height_px() {
        notes.push(format!("Rendition {number} is larger than the canvas, so its picture is enlarged."));
    }
    Ok(Rung { rendition, scaler: scaler(asked.scaler), points: asked.bitrate_interpolation_points.clone() })
}

/// The canvas is BT.709 in limited range with 8 bits, and so is everything made of it.
fn check_colour(asked: &EncoderConfiguration) -> Result<(), String> {
    let refuse = |what: &str, name: &str| {
        Err(format!("wants {what} {name}, and the canvas is BT.709, limited range, 4:2:0 of 8 bits"))
    };
    if !matches!(asked.color_space, ColorSpace::Default | ColorSpace::Bt709) {
        return refuse("the colours", asked.color_space.name());
    }
    if asked.range == ColorRange::Full {
        return refuse("the range", asked.range.name());
    }
    if !matches!(asked.format, PixelFormat::None | PixelFormat::Nv12 | PixelFormat::I420) {
        return refuse("the format", asked.format.name());
    }
    Ok(())
}

const fn scaler(asked: GpuScale) -> Scaler {
    match asked {
        GpuScale::Disable | GpuScale::Bicubic => Scaler::Bicubic,
        GpuScale::Point => Scaler::Point,
        GpuScale::Bilinear => Scaler::Bilinear,
        GpuScale::Lanczos => Scaler::Lanczos,
        GpuScale::Area => Scaler::Area,
    }
}

fn setting(value: &serde_json::Value) -> SettingValue {
    match value {
        serde_json::Value::String(text) => SettingValue::Text(text.clone()),
        serde_json::Value::Bool(flag) => SettingValue::Flag(*flag),
        serde_json::Value::Number(number) => {
            number.as_f64().map_or_else(|| SettingValue::Other(number.to_string()), SettingValue::Number)
        }
        other => SettingValue::Other(other.to_string()),
    }
}

/// The bitrate of the sound that viewers hear.
fn sound(asked: &[AudioConfiguration], notes: &mut Vec<String>) -> Result<Kbps, Impossible> {
    let Some(first) = asked.first() else { return Ok(DEFAULT_AUDIO_KBPS) };
    if !first.codec.eq_ignore_ascii_case("aac") {
        return Err(Impossible(format!("its sound is to be {}, and only AAC is made", first.codec)));
    }
    if first.channels != 2 {
        notes.push(format!("The answer wants {} channels of sound; the mix has 2.", first.channels));
    }
    if asked.len() > 1 {
        notes.push(format!("The answer has {} live mixes of sound; the first is sent.", asked.len()));
    }
    let bitrate = first.bitrate.unwrap_or(DEFAULT_AUDIO_KBPS);
    let within = Kbps(bitrate.0.clamp(*AUDIO_KBPS.start(), *AUDIO_KBPS.end()));
    if within != bitrate {
        notes.push(format!(
            "The answer wants {bitrate} of sound; the service takes 96 to 320, so it is {within}."
        ));
    }
    Ok(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{
        "meta": {"service": "IVS", "schema_version": "2025-01-25", "config_id": "an-id"},
        "ingest_endpoints": [],
        "encoder_configurations": [
            {"type": "obs_x264", "width": 1280, "height": 720, "framerate": {"numerator": 60, "denominator": 1},
             "gpu_scale_type": "OBS_SCALE_LANCZOS", "bitrate_interpolation_points": [0, 2000, 2500],
             "settings": {"rate_control": "CBR", "bitrate": 2500, "keyint_sec": 2, "bf": 0, "preset": "veryfast",
                          "profile": "high", "tune": "zerolatency"}},
            {"type": "obs_x264", "width": 640, "height": 360, "framerate": {"numerator": 30, "denominator": 1},
             "bitrate_interpolation_points": [0, 500, 500],
             "settings": {"rate_control": "CBR", "bitrate": 500, "keyint_sec": 2, "profile": "main"}}
        ],
        "audio_configurations": {"live": [{"codec": "aac", "track_id": 0, "channels": 2, "settings": {"bitrate": 160}}]}
    }"#;

    /// A place of the answer where further members fit.
    const BEFORE: &str = r#""gpu_scale_type""#;

    fn read(answer: &str, rate: FrameRate) -> Result<Ladder, Impossible> {
        let answer = ClientConfiguration::parse(answer.as_bytes()).unwrap();
        Ladder::from_configuration(&answer, Size::new(1280, 720).unwrap(), rate)
    }

    #[test]
    fn an_answer_becomes_exactly_its_renditions() {
        let ladder = read(ANSWER, FrameRate::FPS_60).unwrap();
        assert_eq!(ladder.config_id(), Some("an-id"));
        assert_eq!(ladder.total(), Kbps(3160));
        assert!(ladder.notes.is_empty(), "{:?}", ladder.notes);
        let [first, second] = &ladder.rungs[..] else { panic!("two renditions") };
        assert_eq!((first.rendition.bitrate, first.scaler), (Kbps(2500), Scaler::Lanczos));
        assert_eq!(first.points, [Kbps(0), Kbps(2000), Kbps(2500)]);
        assert_eq!(first.rendition.profile, units::VideoProfile::High);
        assert_eq!((second.rendition.rate, second.scaler), (FrameRate::FPS_30, Scaler::Bicubic));
        assert_eq!(second.rendition.track, TrackId(1));
        assert_eq!(second.rendition.keyint, units::Span::from_secs(2));
    }

    #[test]
    fn what_can_not_be_made_is_refused_with_the_reason() {
        let refusal = |from: &str, to: &str| {
            assert!(ANSWER.contains(from), "{from}");
            read(&ANSWER.replacen(from, to, 1), FrameRate::FPS_60).unwrap_err().to_string()
        };
        for (from, to, reason) in [
            (r#""numerator": 60"#, r#""numerator": 48"#, "48 frames per second"),
            (r#""width": 1280"#, r#""width": 1281"#, "both sides must be even"),
            (r#""bitrate": 2500, "#, "", "without a bitrate"),
            ("obs_x264", "obs_nvenc_av1_tex", "obs_nvenc_av1_tex"),
            (BEFORE, r#""canvas_index": 1, "gpu_scale_type""#, "shows canvas 1"),
            (BEFORE, r#""format": "VIDEO_FORMAT_P010", "gpu_scale_type""#, "VIDEO_FORMAT_P010"),
            (BEFORE, r#""colorspace": "VIDEO_CS_2100_PQ", "gpu_scale_type""#, "VIDEO_CS_2100_PQ"),
            (r#""codec": "aac""#, r#""codec": "opus""#, "only AAC"),
        ] {
            let told = refusal(from, to);
            assert!(told.contains(reason), "{told}");
        }
    }

    #[test]
    fn what_is_done_otherwise_is_noted() {
        let noted =
            |from: &str, to: &str| read(&ANSWER.replacen(from, to, 1), FrameRate::FPS_60).unwrap().notes;
        assert!(noted("OBS_SCALE_LANCZOS", "OBS_SCALE_DISABLE").is_empty(), "the size is the canvas's");
        assert!(noted(r#""width": 640"#, r#""width": 1920"#)[0].contains("enlarged"));
        assert!(noted(r#""bitrate": 160"#, r#""bitrate": 500"#)[0].contains("320"));
        assert!(noted(r#""channels": 2"#, r#""channels": 6"#)[0].contains("6 channels"));
        assert!(noted(r#""meta""#, r#""novelty": 1, "meta""#)[0].contains("novelty"));
    }

    #[test]
    fn the_built_in_ladder_of_three_is_the_one_everything_is_measured_with() {
        let canvas = Size::new(1280, 720).unwrap();
        let ladder = Ladder::built_in(canvas, FrameRate::FPS_30, 3, None, Kbps(160)).unwrap();
        let sizes: Vec<_> = ladder.rungs.iter().map(|rung| rung.rendition.size.to_string()).collect();
        assert_eq!(sizes, ["1280x720", "852x480", "640x360"]);
        assert!(ladder.rungs.iter().all(|rung| rung.rendition.rate == FrameRate::FPS_30));
    }
}
