//! The picture of the test pattern, NV12 in BT.709 limited range, as a pure function of the presentation time.

use units::{FrameRate, Pts, Size};

use super::FLASH_SPAN;

const NANOS_PER_SEC: i64 = 1_000_000_000;
/// How long the moving bar takes from the left edge to the right.
const SWEEP_NANOS: i64 = 4 * NANOS_PER_SEC;

/// Where the flashing square is. Outside of the flash it is black.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashSquare {
    /// First column of pixels.
    pub left_px: u32,
    /// First row of pixels.
    pub top_px: u32,
    /// Width and height in pixels.
    pub side_px: u32,
}

/// The flashing square on a canvas of that size: a sixteenth of the width from the left, an eighth of the height from
/// the top, its side a quarter of the shorter side of the canvas; all rounded down to even pixels.
pub fn flash_square(canvas: Size) -> FlashSquare {
    FlashSquare {
        left_px: even(canvas.width_px() / 16),
        top_px: even(canvas.height_px() / 8),
        side_px: even(canvas.shortest_px() / 4).max(2),
    }
}

const fn even(px: u32) -> u32 {
    px & !1
}

/// Luma, Cb and Cr of one colour.
type Code = [u8; 3];

const BLACK: Code = [16, 128, 128];
const WHITE: Code = [235, 128, 128];

/// The code of an R'G'B' colour (each 0 to 1) in BT.709 limited range (ITU-R BT.709-6, items 3.2 to 3.5).
fn code(r: f64, g: f64, b: f64) -> Code {
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let quantised = |value: f64| value.round().clamp(0.0, 255.0) as u8;
    [
        quantised(16.0 + 219.0 * luma),
        quantised(128.0 + 224.0 * (b - luma) / 1.8556),
        quantised(128.0 + 224.0 * (r - luma) / 1.5748),
    ]
}

/// An NV12 picture that is drawn into; what lies outside of it is left out.
struct Nv12<'a> {
    width: usize,
    height: usize,
    bytes: &'a mut [u8],
}

impl Nv12<'_> {
    /// Fills a rectangle. Edges are rounded down to even pixels, so luma and chroma agree.
    fn fill(&mut self, left: usize, top: usize, width: usize, height: usize, [luma, cb, cr]: Code) {
        let right = ((left + width) & !1).min(self.width);
        let bottom = ((top + height) & !1).min(self.height);
        let (left, top) = (left & !1, top & !1);
        // An odd last column or row belongs to whatever reaches the even one before it.
        let right = if right + 1 == self.width { self.width } else { right };
        let bottom = if bottom + 1 == self.height { self.height } else { bottom };
        if left >= right {
            return;
        }
        for row in top..bottom {
            if let Some(row) = self.bytes.get_mut(row * self.width + left..row * self.width + right) {
                row.fill(luma);
            }
        }
        let chroma = self.width * self.height;
        let stride = self.width.div_ceil(2) * 2;
        for row in top / 2..bottom.div_ceil(2) {
            let start = chroma + row * stride;
            let span = start + left..start + right.div_ceil(2) * 2;
            for pair in self.bytes.get_mut(span).unwrap_or(&mut []).chunks_exact_mut(2) {
                pair.copy_from_slice(&[cb, cr]);
            }
        }
    }
}

/// Which of the segments a b c d e f g (bit 0 to 6: top, upper right, lower right, bottom, lower left, upper left,
/// middle) make the digits 0 to 9.
const SEGMENTS: [u8; 10] = [0x3f, 0x06, 0x5b, 0x4f, 0x66, 0x6d, 0x7d, 0x07, 0x7f, 0x6f];

/// What never moves, and how to add what does.
pub(super) struct Drawing {
    size: Size,
    rate: FrameRate,
    background: Vec<u8>,
}

impl Drawing {
    pub(super) fn new(size: Size, rate: FrameRate) -> Self {
        let (width, height) = (size.width_px() as usize, size.height_px() as usize);
        let mut background = vec![128; width * height + width.div_ceil(2) * 2 * height.div_ceil(2)];
        let mut picture = Nv12 { width, height, bytes: &mut background };
        picture.fill(0, 0, width, height, BLACK);
        // Bars of 75 % in the order every engineer knows: white, yellow, cyan, green, magenta, red, blue.
        let bars_bottom = height * 2 / 3;
        for bar in 0..7 {
            let part = |bit: usize| if (7 - bar) & bit != 0 { 0.75 } else { 0.0 };
            let left = width * bar / 7;
            picture.fill(
                left,
                0,
                width * (bar + 1) / 7 - left + 1,
                bars_bottom,
                code(part(2), part(4), part(1)),
            );
        }
        let ramp_bottom = height * 5 / 6;
        for column in (0..width).step_by(2) {
            let luma = 16 + (219 * column / width.saturating_sub(1).max(1)).min(219);
            let luma = u8::try_from(luma).unwrap_or(235);
            picture.fill(column, bars_bottom, 2, ramp_bottom - bars_bottom, [luma, 128, 128]);
        }
        let clock = ClockFace::new(size);
        picture.fill(clock.left, clock.top, clock.width, clock.height, BLACK);
        Self { size, rate, background }
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Draws the frame presented at `pts` into `bytes`. Times before zero look like zero.
    pub(super) fn draw(&self, pts: Pts, bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&self.background);
        let nanos = pts.as_nanos().max(0);
        let (width, height) = (self.size.width_px() as usize, self.size.height_px() as usize);
        let mut picture = Nv12 { width, height, bytes };

        let bar = (width / 32).max(2);
        let way = i64::try_from(width.saturating_sub(bar)).unwrap_or(0);
        let left = usize::try_from(nanos % SWEEP_NANOS * way / SWEEP_NANOS).unwrap_or(0);
        picture.fill(left, height * 5 / 6, bar, height - height * 5 / 6, WHITE);

        let square = flash_square(self.size);
        let (left, top, side) = (square.left_px as usize, square.top_px as usize, square.side_px as usize);
        let flashes = nanos % NANOS_PER_SEC < FLASH_SPAN.as_nanos();
        picture.fill(left, top, side, side, if flashes { WHITE } else { BLACK });

        ClockFace::new(self.size).draw(&mut picture, self.clock_digits(pts));
    }

    /// Hours, minutes, seconds of media time, and the number of the frame within the second, two digits each.
    fn clock_digits(&self, pts: Pts) -> [u64; 4] {
        let nanos = pts.as_nanos().max(0);
        let seconds = nanos / NANOS_PER_SEC;
        let second = Pts::from_nanos(seconds * NANOS_PER_SEC);
        let before = self.rate.frame_at(second.at());
        let first = if self.rate.pts_of(before) < second { before + 1 } else { before };
        let frame = self.rate.frame_at(Pts::from_nanos(nanos).at()).saturating_sub(first);
        let seconds = u64::try_from(seconds).unwrap_or(0);
        [seconds / 3600 % 100, seconds / 60 % 60, seconds % 60, frame % 100]
    }
}

/// Where "HH:MM:SS:FF" stands: a black box in the middle of the bars' lower part.
struct ClockFace {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
}

impl ClockFace {
    /// Digits and colons in the box.
    const CELLS: usize = 11;

    fn new(canvas: Size) -> Self {
        let (width, height) = (canvas.width_px() as usize, canvas.height_px() as usize);
        Self { left: width / 5, top: height * 9 / 20, width: width * 3 / 5, height: height / 6 }
    }

    fn draw(&self, picture: &mut Nv12<'_>, numbers: [u64; 4]) {
        let cell = self.width / Self::CELLS;
        let stroke = (cell / 7).max(2);
        let (digit_width, digit_height) = (cell * 3 / 4, self.height * 3 / 4);
        let top = self.top + (self.height - digit_height) / 2;
        let mut left = self.left + (cell - digit_width) / 2;
        for (place, number) in numbers.into_iter().enumerate() {
            if place > 0 {
                let middle = (left + digit_width / 2).saturating_sub(stroke / 2);
                for third in [1, 2] {
                    let dot = (top + digit_height * third / 3).saturating_sub(stroke / 2);
                    picture.fill(middle, dot, stroke, stroke, WHITE);
                }
                left += cell;
            }
            for digit in [number / 10 % 10, number % 10] {
                draw_digit(picture, digit, [left, top, digit_width, digit_height], stroke);
                left += cell;
            }
        }
    }
}

fn draw_digit(picture: &mut Nv12<'_>, digit: u64, [left, top, width, height]: [usize; 4], stroke: usize) {
    let lit = usize::try_from(digit).ok().and_then(|digit| SEGMENTS.get(digit)).copied().unwrap_or(0);
    let (right, middle, bottom) = (
        left + width.saturating_sub(stroke),
        top + (height / 2).saturating_sub(stroke / 2),
        top + height.saturating_sub(stroke),
    );
    let half = height / 2;
    let segments = [
        (left, top, width, stroke),
        (right, top, stroke, half),
        (right, top + half, stroke, height - half),
        (left, bottom, width, stroke),
        (left, top + half, stroke, height - half),
        (left, top, stroke, half),
        (left, middle, width, stroke),
    ];
    for (bit, (x, y, w, h)) in segments.into_iter().enumerate() {
        if lit & (1 << bit) != 0 {
            picture.fill(x, y, w, h, WHITE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(drawing: &Drawing, pts: Pts) -> Vec<u8> {
        let mut bytes = vec![1, 2, 3];
        drawing.draw(pts, &mut bytes);
        bytes
    }

    fn luma(size: Size, bytes: &[u8], x: u32, y: u32) -> u8 {
        bytes[(y * size.width_px() + x) as usize]
    }

    #[test]
    fn the_square_is_white_in_exactly_the_first_tenth_of_each_second() {
        let size = Size::new(1280, 720).unwrap();
        assert_eq!(flash_square(size), FlashSquare { left_px: 80, top_px: 90, side_px: 180 });
        for rate in [FrameRate::FPS_30, FrameRate::FPS_60, FrameRate::new(30_000, 1001).unwrap()] {
            let drawing = Drawing::new(size, rate);
            for frame in 0..65 {
                let pts = rate.pts_of(frame);
                let bytes = drawn(&drawing, pts);
                let expected = if pts.as_nanos() % NANOS_PER_SEC < 100_000_000 { 235 } else { 16 };
                for (x, y) in [(80, 90), (259, 269), (170, 180)] {
                    assert_eq!(luma(size, &bytes, x, y), expected, "frame {frame} at {rate}");
                }
                assert_ne!(luma(size, &bytes, 78, 90), 16, "the square ends where it says");
            }
        }
        let drawing = Drawing::new(size, FrameRate::FPS_30);
        let white: Vec<u64> = (0..90)
            .filter(|n| luma(size, &drawn(&drawing, FrameRate::FPS_30.pts_of(*n)), 100, 100) == 235)
            .collect();
        assert_eq!(white, [0, 1, 2, 30, 31, 32, 60, 61, 62]);
    }

    #[test]
    fn the_picture_depends_on_nothing_but_the_time() {
        let size = Size::new(320, 180).unwrap();
        let (one, other) = (Drawing::new(size, FrameRate::FPS_30), Drawing::new(size, FrameRate::FPS_30));
        let pts = FrameRate::FPS_30.pts_of(12_345);
        let first = drawn(&one, pts);
        drawn(&one, FrameRate::FPS_30.pts_of(1));
        assert_eq!(first, drawn(&one, pts));
        assert_eq!(first, drawn(&other, pts));
        let all: std::collections::HashSet<Vec<u8>> =
            (0..120).map(|n| drawn(&one, FrameRate::FPS_30.pts_of(n))).collect();
        assert_eq!(all.len(), 120, "every frame differs from every other");
    }

    #[test]
    fn the_bars_have_the_codes_of_the_standard() {
        // By hand from the equations, for example green: 16 + 219 x 0.7152 x 0.75 = 133.5.
        assert_eq!(code(0.75, 0.75, 0.75), [180, 128, 128]);
        assert_eq!(code(0.75, 0.75, 0.0), [168, 44, 136]);
        assert_eq!(code(0.75, 0.0, 0.0), [51, 109, 212]);
        assert_eq!(code(0.0, 0.0, 0.75), [28, 212, 120]);
        let size = Size::new(700, 300).unwrap();
        let bytes = drawn(&Drawing::new(size, FrameRate::FPS_30), FrameRate::FPS_30.pts_of(10));
        let row: Vec<u8> = (0..7).map(|bar| luma(size, &bytes, bar * 100 + 50, 4)).collect();
        assert_eq!(row, [180, 168, 145, 133, 63, 51, 28]);
    }

    #[test]
    fn the_clock_counts_frames_from_each_whole_second() {
        let size = Size::new(320, 180).unwrap();
        let digits = |rate: FrameRate, frame| Drawing::new(size, rate).clock_digits(rate.pts_of(frame));
        assert_eq!(digits(FrameRate::FPS_30, 0), [0, 0, 0, 0]);
        assert_eq!(digits(FrameRate::FPS_30, 30 * 3661 + 29), [1, 1, 1, 29]);
        let ntsc = FrameRate::new(30_000, 1001).unwrap();
        assert_eq!(digits(ntsc, 29), [0, 0, 0, 29]);
        assert_eq!(digits(ntsc, 30), [0, 0, 1, 0]);
        assert_eq!(Drawing::new(size, ntsc).clock_digits(Pts::from_nanos(-5)), [0, 0, 0, 0]);
    }

    #[test]
    fn any_canvas_can_be_drawn_on() {
        for (width, height) in [(1, 1), (2, 2), (3, 5), (17, 1), (1, 17), (33, 31), (1080, 1920)] {
            let size = Size::new(width, height).unwrap();
            let expected: usize =
                units::PixelFormat::Nv12.plane_shapes(size).iter().map(|(row, rows)| row * rows).sum();
            let drawing = Drawing::new(size, FrameRate::FPS_30);
            for nanos in [0, 500_000_000, i64::MAX] {
                assert_eq!(drawn(&drawing, Pts::from_nanos(nanos)).len(), expected);
            }
        }
    }
}
