//! One rendition of an answer: how the canvas is scaled for it and how it is encoded.

use serde_json::{Map, Value, json};
use units::{FrameRate, Kbps, Size, Span, VideoCodec};

use super::AnswerError;
use super::json::{Node, Surplus, whole};

/// Shortest side of a rendition in pixels (the API reference, EncoderConfiguration).
const MIN_SIDE_PX: u32 = 64;
/// Longest keyframe interval in seconds (the API reference, VideoTrackSettings).
const MAX_KEYINT_SEC: f64 = 10.0;

/// A rendition (the API reference, EncoderConfiguration). To be used exactly as it is (the guide, "Configure Video
/// Scaling and Encoding").
#[derive(Clone, Debug, PartialEq)]
pub struct EncoderConfiguration {
    /// Which encoder, in the names of OBS Studio, such as `obs_nvenc_h264_tex`.
    pub encoder_type: String,
    /// The code of that encoder; `None` when the name is not known, or names a code that is none of ours.
    pub codec: Option<VideoCodec>,
    /// Picture size, each side at least 64 pixels.
    pub size: Size,
    /// Frames per second; the canvas's when the service does not say.
    pub rate: Option<FrameRate>,
    /// How the canvas is scaled.
    pub scaler: GpuScale,
    /// Primaries, transfer and matrix.
    pub color_space: ColorSpace,
    /// Limited or full codes.
    pub range: ColorRange,
    /// Sample format that the encoder is given.
    pub format: PixelFormat,
    /// Bitrates to go down by when the uplink cannot carry the ladder, from 0 to the nominal; as many in every
    /// rendition.
    pub bitrate_interpolation_points: Vec<Kbps>,
    /// The encoder's settings, every key and value as the service gave it.
    pub settings: Map<String, Value>,
    /// Which canvas of the request it shows; 0 is the only one we have.
    pub canvas_index: u32,
}

/// Names of a choice, the default among them.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$case_doc])* $case,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

            /// The service's spelling.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$case => $text,)+
                }
            }

            fn read(node: Option<&Node<'_>>, surplus: &mut Surplus) -> Result<Self, AnswerError> {
                let Some(node) = node else { return Ok(Self::default()) };
                let text = node.text()?;
                let found = Self::ALL.iter().copied().find(|choice| choice.name() == text);
                Ok(found.unwrap_or_else(|| {
                    node.report(surplus);
                    Self::default()
                }))
            }
        }
    };
}

choice! {
    /// How the canvas is scaled (the API reference, EncoderConfiguration, `gpu_scale_type`; OBS Studio also takes
    /// `OBS_SCALE_DISABLE`).
    GpuScale {
        /// Not at all.
        Disable = "OBS_SCALE_DISABLE",
        /// Nearest neighbour.
        Point = "OBS_SCALE_POINT",
        /// Bilinear.
        Bilinear = "OBS_SCALE_BILINEAR",
        /// Bicubic; the default of the API reference.
        #[default]
        Bicubic = "OBS_SCALE_BICUBIC",
        /// Lanczos.
        Lanczos = "OBS_SCALE_LANCZOS",
        /// Average over the covered area.
        Area = "OBS_SCALE_AREA",
    }
}

choice! {
    /// Primaries, transfer and matrix, in the names of OBS Studio.
    ColorSpace {
        /// The encoder's choice.
        Default = "VIDEO_CS_DEFAULT",
        /// ITU-R BT.601.
        Bt601 = "VIDEO_CS_601",
        /// ITU-R BT.709; OBS Studio's default.
        #[default]
        Bt709 = "VIDEO_CS_709",
        /// sRGB.
        Srgb = "VIDEO_CS_SRGB",
        /// ITU-R BT.2100 with PQ.
        Bt2100Pq = "VIDEO_CS_2100_PQ",
        /// ITU-R BT.2100 with HLG.
        Bt2100Hlg = "VIDEO_CS_2100_HLG",
    }
}

choice! {
    /// Range of codes, in the names of OBS Studio.
    ColorRange {
        /// The encoder's choice.
        Default = "VIDEO_RANGE_DEFAULT",
        /// 16 to 235 of 8 bits; OBS Studio's default.
        #[default]
        Partial = "VIDEO_RANGE_PARTIAL",
        /// 0 to 255 of 8 bits.
        Full = "VIDEO_RANGE_FULL",
    }
}

choice! {
    /// Sample format, in the names of OBS Studio.
    PixelFormat {
        /// The encoder's choice.
        None = "VIDEO_FORMAT_NONE",
        /// 4:2:0 in three planes.
        I420 = "VIDEO_FORMAT_I420",
        /// 4:2:0 in two planes; OBS Studio's default.
        #[default]
        Nv12 = "VIDEO_FORMAT_NV12",
        /// Red, green, blue and alpha.
        Bgra = "VIDEO_FORMAT_BGRA",
        /// 4:4:4 in three planes.
        I444 = "VIDEO_FORMAT_I444",
        /// 4:2:0 of 10 bits in three planes.
        I010 = "VIDEO_FORMAT_I010",
        /// 4:2:0 of 10 bits in two planes.
        P010 = "VIDEO_FORMAT_P010",
        /// 4:2:2 of 16 bits in two planes.
        P216 = "VIDEO_FORMAT_P216",
        /// 4:4:4 of 16 bits in two planes.
        P416 = "VIDEO_FORMAT_P416",
    }
}

impl EncoderConfiguration {
    /// A rendition with the defaults that an answer may leave out.
    pub fn new(encoder_type: impl Into<String>, size: Size) -> Self {
        let encoder_type = encoder_type.into();
        Self {
            codec: codec_of(&encoder_type),
            encoder_type,
            size,
            rate: None,
            scaler: GpuScale::default(),
            color_space: ColorSpace::default(),
            range: ColorRange::default(),
            format: PixelFormat::default(),
            bitrate_interpolation_points: Vec::new(),
            settings: Map::new(),
            canvas_index: 0,
        }
    }

    /// `settings.bitrate`, the nominal bitrate.
    pub fn bitrate(&self) -> Option<Kbps> {
        self.settings.get("bitrate").and_then(whole).filter(|bitrate| *bitrate > 0).map(Kbps)
    }

    /// `settings.keyint_sec`; `None` when the encoder should decide (the API reference, VideoTrackSettings: 0 to 10
    /// seconds, 0 for the encoder's choice).
    pub fn keyint(&self) -> Option<Span> {
        let seconds = self.settings.get("keyint_sec")?.as_f64()?;
        // Within ten seconds, so nanoseconds fit.
        (seconds > 0.0 && seconds <= MAX_KEYINT_SEC).then(|| Span::from_nanos((seconds * 1e9) as i64))
    }

    /// A setting that is a text, such as `profile`.
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.get(key)?.as_str()
    }

    pub(super) fn read(node: &Node<'_>, surplus: &mut Surplus) -> Result<Self, AnswerError> {
        let mut rendition = node.object()?;
        let encoder_type = rendition.must("type")?.text()?;
        let (width, height) = (rendition.must("width")?, rendition.must("height")?);
        for side in [&width, &height] {
            if side.whole()? < MIN_SIDE_PX || side.whole()? > Size::MAX_SIDE_PX {
                return Err(side.out_of_range("a number of pixels from 64 to 16384"));
            }
        }
        let size = Size::new(width.whole()?, height.whole()?)
            .map_err(|_| width.out_of_range("a number of pixels from 64 to 16384"))?;
        let mut configuration = Self::new(encoder_type, size);
        if let Some(rate) = rendition.may("framerate") {
            configuration.rate = Some(read_rate(&rate, surplus)?);
        }
        configuration.scaler = GpuScale::read(rendition.may("gpu_scale_type").as_ref(), surplus)?;
        configuration.color_space = ColorSpace::read(rendition.may("colorspace").as_ref(), surplus)?;
        configuration.range = ColorRange::read(rendition.may("range").as_ref(), surplus)?;
        configuration.format = PixelFormat::read(rendition.may("format").as_ref(), surplus)?;
        for point in rendition.list("bitrate_interpolation_points")? {
            configuration.bitrate_interpolation_points.push(Kbps(point.whole()?));
        }
        if let Some(settings) = rendition.may("settings") {
            read_settings(&settings)?;
            configuration.settings = settings.map()?;
        }
        if let Some(index) = rendition.may("canvas_index") {
            configuration.canvas_index = index.whole()?;
        }
        rendition.report_rest(surplus);
        Ok(configuration)
    }

    pub(super) fn to_value(&self) -> Value {
        let mut rendition = json!({
            "type": self.encoder_type,
            "width": self.size.width_px(),
            "height": self.size.height_px(),
            "gpu_scale_type": self.scaler.name(),
            "colorspace": self.color_space.name(),
            "range": self.range.name(),
            "format": self.format.name(),
            "bitrate_interpolation_points":
                self.bitrate_interpolation_points.iter().map(|point| point.0).collect::<Vec<_>>(),
            "settings": self.settings,
            "canvas_index": self.canvas_index,
        });
        if let (Value::Object(rendition), Some(rate)) = (&mut rendition, self.rate) {
            let rate = json!({ "numerator": rate.numerator(), "denominator": rate.denominator() });
            rendition.insert("framerate".into(), rate);
        }
        rendition
    }
}

fn read_rate(node: &Node<'_>, surplus: &mut Surplus) -> Result<FrameRate, AnswerError> {
    let mut rate = node.object()?;
    let (numerator, denominator) = (rate.must("numerator")?.whole()?, rate.must("denominator")?.whole()?);
    rate.report_rest(surplus);
    FrameRate::new(numerator, denominator)
        .map_err(|_| node.out_of_range("a frame rate between 1 and 240 per second"))
}

/// What we read from the settings ourselves must have its type; all else is the encoder's business.
fn read_settings(node: &Node<'_>) -> Result<(), AnswerError> {
    let mut settings = node.object()?;
    if let Some(bitrate) = settings.may("bitrate") {
        bitrate.whole()?;
    }
    if let Some(keyint) = settings.may("keyint_sec")
        && !(0.0..=MAX_KEYINT_SEC).contains(&keyint.number()?)
    {
        return Err(keyint.out_of_range("a number of seconds from 0 to 10"));
    }
    if let Some(profile) = settings.may("profile") {
        profile.text()?;
    }
    Ok(())
}

/// The code of an encoder by the name of its type (names of the API reference and of OBS Studio).
fn codec_of(encoder_type: &str) -> Option<VideoCodec> {
    let name = encoder_type.to_ascii_lowercase();
    let holds = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if holds(&["av1"]) {
        None
    } else if holds(&["hevc", "h265", "x265"]) {
        Some(VideoCodec::Hevc)
    } else if holds(&["h264", "x264", "avc"])
        // These families gave their first encoder, the one for AVC, a name without a code.
        || ["jim_nvenc", "ffmpeg_nvenc", "obs_qsv11", "ffmpeg_vaapi"]
            .iter()
            .any(|family| name.strip_prefix(family).is_some_and(|rest| !rest.contains("vp9")))
    {
        Some(VideoCodec::Avc)
    } else {
        None
    }
}
