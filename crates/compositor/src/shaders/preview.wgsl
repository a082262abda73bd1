// The canvas as the window shows it: gamma-encoded RGB.

struct Conversion {
    red: vec4f,
    green: vec4f,
    blue: vec4f,
    // Preview pixels to 0..1.
    per_pixel: vec2f,
    // From the luma coordinate to the chroma coordinate, both 0..1: chroma is sited a quarter chroma sample left.
    chroma_shift: f32,
}

@group(0) @binding(0) var<uniform> conversion: Conversion;
@group(0) @binding(1) var luma: texture_2d<f32>;
@group(0) @binding(2) var chroma: texture_2d<f32>;
@group(0) @binding(3) var linear: sampler;

// The preview is as large as the canvas.
override EXACT: bool = false;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1u) * 4.0 - 1.0, 1.0 - f32(index >> 1u) * 4.0, 0.0, 1.0);
}

@fragment
fn show(@builtin(position) at: vec4f) -> @location(0) vec4f {
    var code: vec4f;
    code.w = 1.0;
    if EXACT {
        code.x = textureLoad(luma, vec2i(at.xy), 0).r;
        let uv = textureLoad(chroma, vec2i(at.xy) / 2, 0).rg;
        code.y = uv.x;
        code.z = uv.y;
    } else {
        let place = at.xy * conversion.per_pixel;
        code.x = textureSampleLevel(luma, linear, place, 0.0).r;
        let uv = textureSampleLevel(chroma, linear, place + vec2f(conversion.chroma_shift, 0.0), 0.0).rg;
        code.y = uv.x;
        code.z = uv.y;
    }
    return vec4f(dot(conversion.red, code), dot(conversion.green, code), dot(conversion.blue, code), 1.0);
}
