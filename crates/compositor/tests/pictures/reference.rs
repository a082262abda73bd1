//! The same pictures by the straightest arithmetic there is. Shares no code and no constants with the crate.

use scene::{AspectMode, Layer};

/// Samples of one plane, row by row; codes 0 to 255, not rounded unless it says so.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plane {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) samples: Vec<f64>,
}

impl Plane {
    pub(crate) fn new(width: usize, height: usize, mut value: impl FnMut(usize, usize) -> f64) -> Self {
        let samples =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| value(x, y)).collect();
        Self { width, height, samples }
    }

    pub(crate) fn at(&self, x: i64, y: i64) -> f64 {
        let x = x.clamp(0, self.width as i64 - 1) as usize;
        let y = y.clamp(0, self.height as i64 - 1) as usize;
        self.samples[y * self.width + x]
    }

    /// Bilinear at a continuous place, sample centres at halves.
    pub(crate) fn bilinear(&self, x: f64, y: f64) -> f64 {
        let (x, y) = (x - 0.5, y - 0.5);
        let (left, top) = (x.floor(), y.floor());
        let (fx, fy) = (x - left, y - top);
        let (left, top) = (left as i64, top as i64);
        let row = |y| self.at(left, y) * (1.0 - fx) + self.at(left + 1, y) * fx;
        row(top) * (1.0 - fy) + row(top + 1) * fy
    }

    pub(crate) fn rounded(&self) -> Self {
        Self { samples: self.samples.iter().map(|s| s.round().clamp(0.0, 255.0)).collect(), ..self.clone() }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.rounded().samples.iter().map(|s| *s as u8).collect()
    }
}

/// Peak signal to noise ratio in decibels, peak 255.
pub(crate) fn psnr(a: &Plane, b: &Plane) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let sum: f64 = a.samples.iter().zip(&b.samples).map(|(a, b)| (a - b).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.samples.len() as f64 / sum.max(1e-12)).log10()
}

pub(crate) fn largest_difference(a: &Plane, b: &Plane) -> f64 {
    a.samples.iter().zip(&b.samples).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// R'G'B' 0 to 255 to Y' Cb Cr codes, ITU-R BT.709, limited range.
pub(crate) fn bt709([r, g, b]: [f64; 3]) -> [f64; 3] {
    let (r, g, b) = (r / 255.0, g / 255.0, b / 255.0);
    let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [16.0 + 219.0 * y, 128.0 + 224.0 * (b - y) / 1.8556, 128.0 + 224.0 * (r - y) / 1.5748]
}

/// Y' Cb Cr codes, ITU-R BT.601, full range, to R'G'B' 0 to 255.
pub(crate) fn from_bt601_full([y, cb, cr]: [f64; 3]) -> [f64; 3] {
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb]
}

/// A picture of three planes of equal size: red, green, blue, and how much each pixel hides (0 to 1).
#[derive(Clone, Debug)]
pub(crate) struct Rgb {
    pub(crate) planes: [Plane; 3],
    pub(crate) alpha: Plane,
}

impl Rgb {
    pub(crate) fn new(width: usize, height: usize, color: impl Fn(usize, usize) -> [f64; 3]) -> Self {
        let plane = |channel: usize| Plane::new(width, height, |x, y| color(x, y)[channel]);
        Self { planes: [plane(0), plane(1), plane(2)], alpha: Plane::new(width, height, |_, _| 1.0) }
    }

    pub(crate) fn width(&self) -> usize {
        self.planes[0].width
    }

    pub(crate) fn height(&self) -> usize {
        self.planes[0].height
    }

    /// Bytes in the order of `channels` (0 red, 1 green, 2 blue, 3 alpha).
    pub(crate) fn interleaved(&self, channels: [usize; 4]) -> Vec<u8> {
        let byte = |channel: usize, at: usize| match channel {
            3 => (self.alpha.samples[at] * 255.0).round() as u8,
            channel => self.planes[channel].samples[at].round().clamp(0.0, 255.0) as u8,
        };
        (0..self.alpha.samples.len()).flat_map(|at| channels.map(|channel| byte(channel, at))).collect()
    }

    /// Luma, and chroma sited on even columns: a quarter, a half, a quarter across, half and half down.
    pub(crate) fn to_yuv(&self) -> [Plane; 3] {
        let full: Vec<[f64; 3]> = (0..self.alpha.samples.len())
            .map(|at| bt709([0, 1, 2].map(|channel| self.planes[channel].samples[at])))
            .collect();
        let (width, height) = (self.width(), self.height());
        let plane =
            |channel: usize| Plane { width, height, samples: full.iter().map(|c| c[channel]).collect() };
        let halved = |plane: Plane| {
            Plane::new(width / 2, height / 2, |x, y| {
                let (x, y) = (2 * x as i64, 2 * y as i64);
                let row = |y| plane.at(x - 1, y) / 4.0 + plane.at(x, y) / 2.0 + plane.at(x + 1, y) / 4.0;
                (row(y) + row(y + 1)) / 2.0
            })
        };
        [plane(0), halved(plane(1)), halved(plane(2))]
    }
}

/// Draws `layers` over black on a canvas, each pixel on its own, as the slot model says.
pub(crate) fn compose(width: usize, height: usize, layers: &[(&Layer, &Rgb)]) -> Rgb {
    let mut canvas = Rgb::new(width, height, |_, _| [0.0; 3]);
    for (layer, picture) in layers {
        for y in 0..height {
            for x in 0..width {
                let Some((color, alpha)) = look(layer, picture, x as f64 + 0.5, y as f64 + 0.5) else {
                    continue;
                };
                for (plane, value) in canvas.planes.iter_mut().zip(color) {
                    let below = &mut plane.samples[y * width + x];
                    *below = value * alpha + *below * (1.0 - alpha);
                }
            }
        }
    }
    canvas
}

/// Colour and opacity of a layer at a place of the canvas.
fn look(layer: &Layer, picture: &Rgb, x: f64, y: f64) -> Option<([f64; 3], f64)> {
    // How far along the slot, from the position on, in 0..1.
    let across = (x - f64::from(layer.position.x)) / f64::from(layer.size.x);
    let along = (y - f64::from(layer.position.y)) / f64::from(layer.size.y);
    if !(0.0..1.0).contains(&across) || !(0.0..1.0).contains(&along) {
        return None;
    }
    let crop = layer.crop;
    let (pw, ph) = (picture.width() as f64, picture.height() as f64);
    let (left, top) = (pw * f64::from(crop.left), ph * f64::from(crop.top));
    let (cw, ch) = (pw - left - pw * f64::from(crop.right), ph - top - ph * f64::from(crop.bottom));
    let (sw, sh) = (f64::from(layer.size.x.abs()), f64::from(layer.size.y.abs()));
    let scale = match layer.aspect {
        AspectMode::Fit => (sw / cw).min(sh / ch),
        AspectMode::Fill => (sw / cw).max(sh / ch),
        AspectMode::None => 0.0,
    };
    let (px, py) = if scale == 0.0 {
        (across * cw, along * ch)
    } else {
        (cw / 2.0 + (across - 0.5) * sw / scale, ch / 2.0 + (along - 0.5) * sh / scale)
    };
    let alpha = f64::from(layer.alpha.clamp(0.0, 1.0));
    if !(0.0..cw).contains(&px) || !(0.0..ch).contains(&py) {
        let fill = layer.fill_color;
        return Some(([fill.r, fill.g, fill.b].map(|c| f64::from(c) * 255.0), f64::from(fill.a) * alpha));
    }
    // Not beyond what the crop leaves.
    let px = px.clamp(0.5_f64.min(cw / 2.0), (cw - 0.5).max(cw / 2.0)) + left;
    let py = py.clamp(0.5_f64.min(ch / 2.0), (ch - 0.5).max(ch / 2.0)) + top;
    let own = picture.alpha.bilinear(px, py);
    let weighted = |channel: usize| {
        let plane = &picture.planes[channel];
        let multiplied = Plane {
            width: 3,
            height: 3,
            samples: (-1..2)
                .flat_map(|dy| (-1..2).map(move |dx| (dx, dy)))
                .map(|(dx, dy)| {
                    let (x, y) = (px.floor() as i64 + dx, py.floor() as i64 + dy);
                    plane.at(x, y) * picture.alpha.at(x, y)
                })
                .collect(),
        };
        multiplied.bilinear(px - px.floor() + 1.0, py - py.floor() + 1.0)
    };
    let color = [0, 1, 2].map(|channel| if own > 0.0 { weighted(channel) / own } else { 0.0 });
    Some((color, own * alpha))
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kernel {
    Nearest,
    Triangle,
    Keys,
    Lanczos3,
    Coverage,
}

impl Kernel {
    pub(crate) fn radius(self) -> f64 {
        match self {
            Self::Nearest | Self::Triangle | Self::Coverage => 1.0,
            Self::Keys => 2.0,
            Self::Lanczos3 => 3.0,
        }
    }

    fn value(self, x: f64) -> f64 {
        let x = x.abs();
        match self {
            Self::Triangle => (1.0 - x).max(0.0),
            Self::Keys if x < 1.0 => 1.4 * x.powi(3) - 2.4 * x.powi(2) + 1.0,
            Self::Keys if x < 2.0 => -0.6 * x.powi(3) + 3.0 * x.powi(2) - 4.8 * x + 2.4,
            Self::Lanczos3 if x == 0.0 => 1.0,
            Self::Lanczos3 if x < 3.0 => {
                let x = std::f64::consts::PI * x;
                3.0 * x.sin() * (x / 3.0).sin() / (x * x)
            }
            _ => 0.0,
        }
    }
}

/// Scales a plane, every output sample by the whole kernel. `first` is where sample 0 sits in its picture, in
/// samples of that plane (1/2 for centred, 1/4 for chroma sited left).
pub(crate) fn scale(plane: &Plane, width: usize, height: usize, kernel: Kernel, first: f64) -> Plane {
    let across = line(plane.width, width, kernel, first);
    let down = line(plane.height, height, kernel, 0.5);
    let between = Plane::new(width, plane.height, |x, y| {
        across[x].iter().map(|(position, weight)| plane.at(*position, y as i64) * weight).sum()
    });
    Plane::new(width, height, |x, y| {
        down[y].iter().map(|(position, weight)| between.at(x as i64, *position) * weight).sum()
    })
}

/// How much of what lies between two places each sample covers; sample i reaches from i - 1/2 to i + 1/2.
fn covered(from: f64, to: f64) -> Vec<(i64, f64)> {
    ((from + 0.5).floor() as i64..=(to + 0.5).floor() as i64)
        .map(|tap| {
            let (begin, end) = (tap as f64 - 0.5, tap as f64 + 0.5);
            (tap, (end.min(to) - begin.max(from)).max(0.0) / (to - from))
        })
        .collect()
}

fn line(input: usize, output: usize, kernel: Kernel, first: f64) -> Vec<Vec<(i64, f64)>> {
    let ratio = input as f64 / output as f64;
    let stretch = ratio.max(1.0);
    (0..output)
        .map(|sample| {
            let centre = (sample as f64 + first) * ratio - first;
            let reach = kernel.radius() * stretch;
            match kernel {
                Kernel::Nearest => return vec![((centre + 0.5).floor() as i64, 1.0)],
                Kernel::Coverage => return covered(centre - ratio / 2.0, centre + ratio / 2.0),
                _ => {}
            }
            let taps = (centre - reach).floor() as i64..=(centre + reach).ceil() as i64;
            let weighed: Vec<_> =
                taps.map(|tap| (tap, kernel.value((tap as f64 - centre) / stretch))).collect();
            let total: f64 = weighed.iter().map(|(_, weight)| weight).sum();
            weighed.into_iter().map(|(tap, weight)| (tap, weight / total)).collect()
        })
        .collect()
}
