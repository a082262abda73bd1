// Paints one rectangle of the canvas, once for the luma plane and once for the chroma plane.
//
// The canvas holds BT.709 limited-range codes (see color.rs). Colours of sources arrive with their alpha multiplied
// in, and blending is "over" on codes, which is the same as on gamma-encoded sRGB because the map between them is
// affine.
//
// Nothing is interpolated from vertices: one triangle covers everything, a scissor cuts it to the rectangle, and each
// fragment finds its place by its own coordinate. A software adapter spends its time in this file.

struct Draw {
    // Canvas position to texels of the first plane: position * scale + offset.
    scale: vec2f,
    offset: vec2f,
    // Least and greatest texel coordinate that may be sampled.
    lowest: vec2f,
    highest: vec2f,
    // Edges of the rectangle in whole luma pixels: x0, y0, x1, y1.
    rect: vec4f,
    // Three factors and a constant each.
    luma: vec4f,
    cb: vec4f,
    cr: vec4f,
    // 1 / size of the two planes.
    per_texel: vec4f,
    // Where the first chroma sample sits in the chroma plane, beyond half the luma coordinate.
    chroma_shift: vec2f,
    alpha: f32,
}

@group(0) @binding(0) var<uniform> draw: Draw;
@group(1) @binding(0) var first_plane: texture_2d<f32>;
@group(1) @binding(1) var second_plane: texture_2d<f32>;
@group(1) @binding(2) var linear: sampler;

// Each canvas pixel is exactly one texel: load instead of filtering.
override EXACT: bool = false;
// The alpha channel holds nothing.
override OPAQUE: bool = false;
// Luma needs the source's chroma as well, because the matrices differ.
override MIXED: bool = false;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1u) * 4.0 - 1.0, 1.0 - f32(index >> 1u) * 4.0, 0.0, 1.0);
}

fn texel(position: vec2f) -> vec2f {
    return position * draw.scale + draw.offset;
}

fn sample_first(at: vec2f) -> vec4f {
    let inside = clamp(at, draw.lowest, draw.highest);
    return textureSampleLevel(first_plane, linear, inside * draw.per_texel.xy, 0.0);
}

// Chroma of a 4:2:0 source where its luma texel coordinate is `at`.
fn sample_second(at: vec2f) -> vec2f {
    let inside = clamp(at, draw.lowest, draw.highest) * 0.5 + draw.chroma_shift;
    return textureSampleLevel(second_plane, linear, inside * draw.per_texel.zw, 0.0).rg;
}

fn opacity(alpha: f32) -> f32 {
    if OPAQUE { return 1.0; }
    return alpha;
}

@fragment
fn luma_solid(@builtin(position) at: vec4f) -> @location(0) vec4f {
    return vec4f(draw.luma.w, 0.0, 0.0, 1.0) * draw.alpha;
}

@fragment
fn luma_rgb(@builtin(position) at: vec4f) -> @location(0) vec4f {
    let t = texel(at.xy);
    var c: vec4f;
    if EXACT {
        c = textureLoad(first_plane, vec2i(t), 0);
    } else {
        c = sample_first(t);
    }
    let a = opacity(c.a);
    return vec4f(dot(draw.luma.xyz, c.rgb) + draw.luma.w * a, 0.0, 0.0, a) * draw.alpha;
}

@fragment
fn luma_yuv(@builtin(position) at: vec4f) -> @location(0) vec4f {
    let t = texel(at.xy);
    var y: f32;
    if EXACT {
        y = textureLoad(first_plane, vec2i(t), 0).r;
    } else {
        y = sample_first(t).r;
    }
    var code = draw.luma.x * y + draw.luma.w;
    if MIXED {
        code += dot(draw.luma.yz, sample_second(t));
    }
    return vec4f(code, 0.0, 0.0, 1.0) * draw.alpha;
}

// How much of chroma sample (i, j) the rectangle covers. The sample is sited on luma column 2i, as H.264's default
// chroma_sample_loc_type 0 has it (ITU-T H.264, figure E-1): a quarter of column 2i - 1, half of 2i, a quarter of
// 2i + 1, and half of each of rows 2j and 2j + 1.
fn coverage(at: vec2f) -> f32 {
    let x = 2.0 * at.x + vec3f(-2.0, -1.0, 0.0);
    let y = 2.0 * at.y + vec2f(-1.0, 0.0);
    let in_x = select(vec3f(0.0), vec3f(0.25, 0.5, 0.25), (x >= draw.rect.xxx) & (x < draw.rect.zzz));
    let in_y = select(vec2f(0.0), vec2f(0.5), (y >= draw.rect.yy) & (y < draw.rect.ww));
    return (in_x.x + in_x.y + in_x.z) * (in_y.x + in_y.y);
}

fn paint_chroma(cb: f32, cr: f32, a: f32, at: vec2f) -> vec4f {
    return vec4f(cb, cr, 0.0, a) * (draw.alpha * coverage(at));
}

@fragment
fn chroma_solid(@builtin(position) at: vec4f) -> @location(0) vec4f {
    return paint_chroma(draw.cb.w, draw.cr.w, 1.0, at.xy);
}

@fragment
fn chroma_rgb(@builtin(position) at: vec4f) -> @location(0) vec4f {
    // Two bilinear samples on the edges between the three columns and on the edge between the two rows weigh the six
    // pixels a quarter, a half, a quarter and half, half.
    let left = sample_first(texel(2.0 * at.xy - vec2f(1.0, 0.0)));
    let right = sample_first(texel(2.0 * at.xy));
    let c = 0.5 * (left + right);
    let a = opacity(c.a);
    return paint_chroma(dot(draw.cb.xyz, c.rgb) + draw.cb.w * a, dot(draw.cr.xyz, c.rgb) + draw.cr.w * a, a, at.xy);
}

@fragment
fn chroma_yuv(@builtin(position) at: vec4f) -> @location(0) vec4f {
    // Luma position of the sample: the centre of column 2i, the edge between rows 2j and 2j + 1.
    let t = texel(2.0 * at.xy - vec2f(0.5, 0.0));
    var c: vec2f;
    if EXACT {
        c = textureLoad(second_plane, vec2i(t * 0.5 + draw.chroma_shift), 0).rg;
    } else {
        c = sample_second(t);
    }
    return paint_chroma(dot(draw.cb.yz, c) + draw.cb.w, dot(draw.cr.yz, c) + draw.cr.w, 1.0, at.xy);
}
