// One half of a separable scaler: every output sample is a weighted sum of a run of input samples along one axis.
//
// The weights come from filter.rs, one row of the table per output column (or line): the first texel holds the
// position of the first input sample, the others four weights each. Edges are folded into the weights, so no position
// is ever outside of the input.

@group(0) @binding(0) var input: texture_2d<f32>;
@group(0) @binding(1) var table: texture_2d<f32>;

// Texels of weights per output sample.
override QUADS: u32 = 1u;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4f {
    return vec4f(f32(index & 1u) * 4.0 - 1.0, 1.0 - f32(index >> 1u) * 4.0, 0.0, 1.0);
}

@fragment
fn across(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = vec2u(position.xy);
    var x = u32(textureLoad(table, vec2u(0u, at.x), 0).x);
    var sum = vec2f(0.0);
    for (var quad = 1u; quad <= QUADS; quad++) {
        let w = textureLoad(table, vec2u(quad, at.x), 0);
        sum += w.x * textureLoad(input, vec2u(x, at.y), 0).rg;
        sum += w.y * textureLoad(input, vec2u(x + 1u, at.y), 0).rg;
        sum += w.z * textureLoad(input, vec2u(x + 2u, at.y), 0).rg;
        sum += w.w * textureLoad(input, vec2u(x + 3u, at.y), 0).rg;
        x += 4u;
    }
    return vec4f(sum, 0.0, 1.0);
}

@fragment
fn down(@builtin(position) position: vec4f) -> @location(0) vec4f {
    let at = vec2u(position.xy);
    var y = u32(textureLoad(table, vec2u(0u, at.y), 0).x);
    var sum = vec2f(0.0);
    for (var quad = 1u; quad <= QUADS; quad++) {
        let w = textureLoad(table, vec2u(quad, at.y), 0);
        sum += w.x * textureLoad(input, vec2u(at.x, y), 0).rg;
        sum += w.y * textureLoad(input, vec2u(at.x, y + 1u), 0).rg;
        sum += w.z * textureLoad(input, vec2u(at.x, y + 2u), 0).rg;
        sum += w.w * textureLoad(input, vec2u(at.x, y + 3u), 0).rg;
        y += 4u;
    }
    return vec4f(sum, 0.0, 1.0);
}
