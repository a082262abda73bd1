//! Which of a camera's modes is nearest to the canvas.

use std::cmp::Reverse;
use std::fmt;

use gstreamer as gst;
use gstreamer::glib;
use units::{FrameRate, Size};

/// A mode to ask the camera for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mode {
    pub(super) is_jpeg: bool,
    format: Option<String>,
    width: i32,
    height: i32,
    rate: gst::Fraction,
}

impl Mode {
    pub(super) fn caps(&self) -> gst::Caps {
        let mut caps = gst::Caps::builder(if self.is_jpeg { "image/jpeg" } else { "video/x-raw" })
            .field("width", self.width)
            .field("height", self.height)
            .field("framerate", self.rate);
        if let Some(format) = &self.format {
            caps = caps.field("format", format);
        }
        caps.build()
    }

    /// Smaller is better: first as many pictures a second as the canvas, then the canvas' size, then what costs least
    /// to turn into what we take. Larger than the canvas is better than smaller, because shrinking loses nothing.
    fn rank(&self, canvas: Size, rate: FrameRate) -> (i64, bool, Reverse<i64>, i64, i64) {
        let centi = |fraction: f64| (fraction * 100.0).round() as i64;
        let own_rate = centi(f64::from(self.rate.numer()) / f64::from(self.rate.denom().max(1)));
        let wanted = centi(rate.as_f64());
        // A camera's 29.97 is as good as 30, and more than is wanted is only thrown away.
        let too_slow = if own_rate * 100 >= wanted * 98 { 0 } else { wanted - own_rate };
        let pixels = i64::from(self.width) * i64::from(self.height);
        let wanted_pixels = i64::try_from(canvas.pixels()).unwrap_or(i64::MAX);
        let covers = self.width >= i32::try_from(canvas.width_px()).unwrap_or(i32::MAX)
            && self.height >= i32::try_from(canvas.height_px()).unwrap_or(i32::MAX);
        let cost = match (self.is_jpeg, self.format.as_deref()) {
            (false, Some("NV12" | "I420")) => 0,
            (false, Some("YUY2" | "UYVY" | "YV12" | "NV21")) => 1,
            (false, _) => 3,
            (true, _) => 2,
        };
        if covers {
            (too_slow, false, Reverse(0), pixels - wanted_pixels, cost * 1000 + (own_rate - wanted).abs())
        } else {
            (too_slow, true, Reverse(pixels), 0, cost * 1000 + (own_rate - wanted).abs())
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = f64::from(self.rate.numer()) / f64::from(self.rate.denom().max(1));
        let format = if self.is_jpeg { "JPEG" } else { self.format.as_deref().unwrap_or("raw") };
        write!(f, "{}x{} at {rate:.4} per second as {format}", self.width, self.height)
    }
}

/// The best mode in `caps`, or none when they name nothing we can decode.
pub(super) fn choose(caps: &gst::CapsRef, canvas: Size, rate: FrameRate) -> Option<Mode> {
    let wanted_rate =
        gst::Fraction::new(i32::try_from(rate.numerator()).ok()?, i32::try_from(rate.denominator()).ok()?);
    let (wanted_width, wanted_height) =
        (i32::try_from(canvas.width_px()).ok()?, i32::try_from(canvas.height_px()).ok()?);
    let mut modes = Vec::new();
    for structure in caps.iter() {
        let is_jpeg = match structure.name().as_str() {
            "image/jpeg" => true,
            "video/x-raw" => false,
            _ => continue,
        };
        let formats: Vec<Option<String>> = match structure.value("format").map(strings) {
            Ok(names) if !is_jpeg && !names.is_empty() => names.into_iter().map(Some).collect(),
            _ => vec![None],
        };
        let widths = structure.value("width").map(|v| numbers(v, wanted_width)).unwrap_or_default();
        let heights = structure.value("height").map(|v| numbers(v, wanted_height)).unwrap_or_default();
        let rates = structure.value("framerate").map(|v| rates(v, wanted_rate)).unwrap_or_default();
        for format in &formats {
            for &width in &widths {
                for &height in &heights {
                    for &rate in &rates {
                        modes.push(Mode { is_jpeg, format: format.clone(), width, height, rate });
                    }
                }
            }
        }
    }
    modes.retain(|mode| mode.width > 0 && mode.height > 0 && mode.rate.numer() > 0);
    modes.into_iter().min_by_key(|mode| mode.rank(canvas, rate))
}

fn strings(value: &glib::SendValue) -> Vec<String> {
    if let Ok(list) = value.get::<gst::List>() {
        return list.iter().filter_map(|item| item.get::<String>().ok()).collect();
    }
    value.get::<String>().into_iter().collect()
}

/// The numbers a field allows; of a range, the one nearest to `wanted`.
fn numbers(value: &glib::SendValue, wanted: i32) -> Vec<i32> {
    if let Ok(list) = value.get::<gst::List>() {
        return list.iter().flat_map(|item| numbers(item, wanted)).collect();
    }
    if let Ok(range) = value.get::<gst::IntRange<i32>>() {
        let within = wanted.clamp(range.min(), range.max().max(range.min()));
        let steps = (within - range.min()) / range.step().max(1);
        return vec![range.min() + steps * range.step().max(1)];
    }
    value.get::<i32>().into_iter().collect()
}

fn rates(value: &glib::SendValue, wanted: gst::Fraction) -> Vec<gst::Fraction> {
    if let Ok(list) = value.get::<gst::List>() {
        return list.iter().flat_map(|item| rates(item, wanted)).collect();
    }
    if let Ok(range) = value.get::<gst::FractionRange>() {
        let nearest = if wanted < range.min() {
            range.min()
        } else if wanted > range.max() {
            range.max()
        } else {
            wanted
        };
        return vec![nearest];
    }
    value.get::<gst::Fraction>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::str::FromStr;

    fn best(caps: &str, canvas: &str, rate: &str) -> String {
        crate::elements::init().unwrap();
        let caps = gst::Caps::from_str(caps).unwrap();
        choose(&caps, canvas.parse().unwrap(), rate.parse().unwrap()).map_or("none".into(), |m| m.to_string())
    }

    /// What a common USB camera says: raw is slow above VGA, JPEG is not.
    const USB: &str = "video/x-raw, format=YUY2, width=1280, height=720, framerate={ 10/1, 5/1 }; \
        video/x-raw, format=YUY2, width=640, height=480, framerate={ 30/1, 15/1 }; \
        image/jpeg, width=1920, height=1080, framerate={ 30/1, 15/1 }; \
        image/jpeg, width=1280, height=720, framerate={ 60/1, 30/1 }";

    #[test]
    fn speed_comes_before_rawness_and_size_before_cost() {
        assert_eq!(best(USB, "1280x720", "30"), "1280x720 at 30.0000 per second as JPEG");
        assert_eq!(best(USB, "640x480", "30"), "640x480 at 30.0000 per second as YUY2");
        assert_eq!(best(USB, "1920x1080", "29.97"), "1920x1080 at 30.0000 per second as JPEG");
        assert_eq!(best(USB, "1280x720", "60"), "1280x720 at 60.0000 per second as JPEG");
        assert_eq!(best(USB, "3840x2160", "30"), "1920x1080 at 30.0000 per second as JPEG");
    }

    #[test]
    fn raw_is_taken_where_it_is_fast_enough() {
        let card = "image/jpeg, width=1920, height=1080, framerate=60/1; \
            video/x-raw, format={ YUY2, NV12 }, width=1920, height=1080, framerate=60000/1001";
        assert_eq!(best(card, "1920x1080", "59.94"), "1920x1080 at 59.9401 per second as NV12");
    }

    #[test]
    fn ranges_take_the_canvas() {
        let virtual_camera = "video/x-raw, format=I420, width=[ 2, 8192, 2 ], height=[ 1, 8192 ], \
            framerate=[ 0/1, 120/1 ]";
        assert_eq!(best(virtual_camera, "1280x720", "30"), "1280x720 at 30.0000 per second as I420");
        assert_eq!(best("video/x-h264", "1280x720", "30"), "none");
        assert_eq!(best("EMPTY", "1280x720", "30"), "none");
    }
}
