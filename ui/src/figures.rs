//! Numbers as the window writes them: tabular, grouped by thin spaces, with a true minus sign.

use units::{FrameRate, Kbps, Size, Span};

/// Narrow no-break space between groups of three digits.
const GROUP_SPACE: char = '\u{202F}';
/// The minus sign, as wide as a figure in tabular setting.
const MINUS: char = '\u{2212}';

/// A count with its thousands apart: 1 267.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(GROUP_SPACE);
        }
        text.push(digit);
    }
    text
}

/// A track's bitrate: 6 000 kbps.
pub(crate) fn kbps(rate: Kbps) -> String {
    format!("{} kbps", count(u64::from(rate.0)))
}

/// An upload's bitrate in Mbps, without its unit: 10.2.
pub(crate) fn mbps(rate: Kbps) -> String {
    format!("{:.1}", f64::from(rate.0) / 1000.0)
}

/// A running time: 00:42:13. Negative spans read as zero.
pub(crate) fn timer(span: Span) -> String {
    let secs = span.to_duration().as_secs();
    format!("{:02}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

/// A file's size in decimal units, as disks are sold: 11.2 GB.
pub(crate) fn bytes(size: u64) -> String {
    // Exact up to 2^53 bytes, 9 petabytes; beyond that one digit after the point still holds.
    let size_f = size as f64;
    match size {
        0..1_000 => format!("{size} B"),
        1_000..1_000_000 => format!("{:.0} kB", size_f / 1e3),
        1_000_000..1_000_000_000 => format!("{:.0} MB", size_f / 1e6),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", size_f / 1e9),
        _ => format!("{:.1} TB", size_f / 1e12),
    }
}

/// How much longer something lasts, in one unit: 31 h, 42 min, 20 s.
pub(crate) fn room(span: Span) -> String {
    let secs = span.to_duration().as_secs();
    match secs {
        0..120 => format!("{secs} s"),
        120..7_200 => format!("{} min", secs / 60),
        7_200..=345_599 => format!("{} h", secs / 3600),
        _ => format!("{} days", secs / 86_400),
    }
}

/// How long until something happens, in one unit and rounded up: “4 s” until it is there.
pub(crate) fn until(span: Span) -> String {
    let nanos = span.as_nanos().max(0);
    room(Span::from_secs(nanos / 1_000_000_000 + i64::from(nanos % 1_000_000_000 > 0)))
}

/// A short time with a digit after the point, a long one in whole units: 3.2 s, 12 min.
pub(crate) fn seconds(span: Span) -> String {
    let secs = span.as_secs_f64();
    if (0.0..60.0).contains(&secs) { format!("{secs:.1} s") } else { room(span) }
}

/// A percentage with a digit after the point: 1.2 %.
pub(crate) fn tenths_percent(percent: f32) -> String {
    if percent.is_finite() { format!("{:.1}\u{A0}%", percent.max(0.0)) } else { String::from("–") }
}

/// How long ago something was seen: now, 41 s ago, 3 min ago.
pub(crate) fn ago(secs: f64) -> String {
    if secs < 5.0 {
        return String::from("now");
    }
    let whole = Span::from_nanos((secs * 1e9) as i64);
    format!("{} ago", room(whole))
}

/// A level with one digit after the point and a true minus sign: −16.2. Silence is −∞.
pub(crate) fn level(db: f32) -> String {
    if db == f32::NEG_INFINITY {
        return format!("{MINUS}∞");
    }
    if !db.is_finite() {
        return String::from("–");
    }
    // Rounded before the sign is chosen, so that there is no minus zero.
    let tenths = (db * 10.0).round() / 10.0;
    if tenths < 0.0 { format!("{MINUS}{:.1}", -tenths) } else { format!("{:.1}", tenths.abs()) }
}

/// A multiplier in dB with its sign: +6.0 dB, −3.1 dB, −∞ dB.
pub(crate) fn gain_db(multiplier: f32) -> String {
    let db = if multiplier > 0.0 { 20.0 * multiplier.log10() } else { f32::NEG_INFINITY };
    let sign = if db >= 0.05 { "+" } else { "" };
    format!("{sign}{} dB", level(db))
}

/// A whole percentage of a share: 18 %.
pub(crate) fn percent(share: f32) -> String {
    format!("{:.0}\u{A0}%", share.max(0.0) * 100.0)
}

/// Milliseconds: 22 ms.
pub(crate) fn millis(ms: f64) -> String {
    format!("{:.0} ms", ms.max(0.0))
}

/// A frame rate by itself, with decimals only where it has them: 30, 29.97.
pub(crate) fn rate(rate: FrameRate) -> String {
    if rate.denominator() == 1 { rate.numerator().to_string() } else { format!("{:.2}", rate.as_f64()) }
}

/// A picture size with a true multiplication sign: 1280×720.
pub(crate) fn size(size: Size) -> String {
    format!("{}×{}", size.width_px(), size.height_px())
}

/// What people call a rung of the ladder: 1080p60.
pub(crate) fn rung(size: Size, frame_rate: FrameRate) -> String {
    format!("{}p{}", size.shortest_px(), rate(frame_rate))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_267), "1\u{202F}267");
        assert_eq!(count(12_345_678), "12\u{202F}345\u{202F}678");
        assert_eq!(kbps(Kbps(6_000)), "6\u{202F}000 kbps");
        assert_eq!(mbps(Kbps(10_149)), "10.1");
    }

    #[test]
    fn times_are_short() {
        assert_eq!(timer(Span::from_secs(42 * 60 + 13)), "00:42:13");
        assert_eq!(timer(Span::from_secs(-1)), "00:00:00");
        assert_eq!(timer(Span::from_secs(100 * 3600)), "100:00:00");
        assert_eq!(room(Span::from_secs(31 * 3600 + 5)), "31 h");
        assert_eq!(room(Span::from_secs(119)), "119 s");
        assert_eq!(room(Span::from_secs(120)), "2 min");
        assert_eq!(room(Span::from_secs(400_000)), "4 days");
        assert_eq!(ago(1.0), "now");
        assert_eq!(ago(41.9), "41 s ago");
        assert_eq!(ago(-3.0), "now");
    }

    #[test]
    fn short_times_have_a_digit_after_the_point() {
        assert_eq!(seconds(Span::from_millis(3_240)), "3.2 s");
        assert_eq!(seconds(Span::from_secs(90)), "90 s");
        assert_eq!(seconds(Span::from_secs(-4)), "0 s");
        assert_eq!(until(Span::from_millis(3_001)), "4 s");
        assert_eq!(until(Span::from_secs(3)), "3 s");
        assert_eq!(until(Span::ZERO), "0 s");
        assert_eq!(until(Span::from_nanos(i64::MIN)), "0 s");
        assert_eq!(tenths_percent(1.25), "1.2\u{A0}%");
        assert_eq!(tenths_percent(f32::NAN), "–");
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(11_240_000_000), "11.2 GB");
        assert_eq!(bytes(4_600_000), "5 MB");
        assert_eq!(bytes(1_500_000_000_000), "1.5 TB");
    }

    #[test]
    fn levels_have_a_true_minus_and_no_minus_zero() {
        assert_eq!(level(-16.24), "−16.2");
        assert_eq!(level(-0.01), "0.0");
        assert_eq!(level(f32::NEG_INFINITY), "−∞");
        assert_eq!(level(f32::NAN), "–");
        assert_eq!(gain_db(1.0), "0.0 dB");
        assert_eq!(gain_db(2.0), "+6.0 dB");
        assert_eq!(gain_db(0.5), "−6.0 dB");
        assert_eq!(gain_db(0.0), "−∞ dB");
    }

    #[test]
    fn pictures_are_named_as_people_name_them() {
        let size_720 = Size::new(1280, 720).unwrap();
        assert_eq!(size(size_720), "1280×720");
        assert_eq!(rung(size_720, FrameRate::FPS_30), "720p30");
        assert_eq!(rung(size_720, FrameRate::new(30_000, 1001).unwrap()), "720p29.97");
        assert_eq!(percent(0.184), "18\u{A0}%");
        assert_eq!(millis(21.6), "22 ms");
    }
}
