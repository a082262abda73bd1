//! Items as they are seen at one instant, and how lists of them become layers and gains.

use std::collections::HashMap;

use crate::animation::between;
use crate::{Color, Crop, ItemId, Layer, Slot, SourceId};

/// An item with everything animated carried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) item: ItemId,
    pub(crate) source: SourceId,
    /// Resolved: `match_canvas_size` is false.
    pub(crate) slot: Slot,
    /// How much of the item is there during a transition, 0 to 1: multiplies its alpha and its gain.
    pub(crate) presence: f32,
}

/// From the back to the front; equal depths keep their order.
pub(crate) fn sort_by_depth(seen: &mut [Seen]) {
    let depth = |seen: &Seen| {
        if seen.slot.z_index.is_nan() { 0.0 } else { seen.slot.z_index }
    };
    seen.sort_by(|a, b| depth(a).total_cmp(&depth(b)));
}

/// What a compositor can draw of `seen`. Layers that could not be seen, or whose place is not a number, are left
/// out.
pub(crate) fn layers(seen: &[Seen]) -> Vec<Layer> {
    seen.iter().filter_map(layer).collect()
}

fn layer(seen: &Seen) -> Option<Layer> {
    let Slot { position, size, aspect, crop, .. } = seen.slot;
    let places = [position.x, position.y, size.x, size.y];
    if !places.iter().all(|place| place.is_finite()) || size.x == 0.0 || size.y == 0.0 {
        return None;
    }
    let crop = Crop {
        left: unit(crop.left),
        top: unit(crop.top),
        right: unit(crop.right),
        bottom: unit(crop.bottom),
    };
    let alpha = unit(seen.slot.alpha) * unit(seen.presence);
    if alpha <= 0.0 || crop.left + crop.right >= 1.0 || crop.top + crop.bottom >= 1.0 {
        return None;
    }
    let Color { r, g, b, a } = seen.slot.fill_color;
    let fill_color = Color { r: unit(r), g: unit(g), b: unit(b), a: unit(a) };
    Some(Layer { item: seen.item, source: seen.source, position, size, aspect, fill_color, alpha, crop })
}

/// 0 to 1; what is not a number counts as 0.
fn unit(value: f32) -> f32 {
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

/// How loud each source is, times `share`. A source placed several times is heard once, at its loudest.
pub(crate) fn gains(seen: &[Seen], share: f32) -> HashMap<SourceId, f32> {
    let mut gains = HashMap::new();
    for Seen { source, slot, presence, .. } in seen {
        let gain = if slot.gain.is_finite() { slot.gain.clamp(0.0, 2.0) } else { 0.0 };
        let heard: &mut f32 = gains.entry(*source).or_insert(0.0);
        *heard = heard.max(gain * unit(*presence) * unit(share));
    }
    gains
}

/// Sources that are heard in every scene, whatever the slots say.
pub(crate) fn add_gains(gains: &mut HashMap<SourceId, f32>, always_heard: &[SourceId]) {
    for source in always_heard {
        gains.insert(*source, 1.0);
    }
}

/// A fade as one list: the upper scene's items with the share it has.
pub(crate) fn flattened(mut under: Vec<Seen>, over: Vec<Seen>, share: f32) -> Vec<Seen> {
    under.extend(over.into_iter().map(|seen| Seen { presence: seen.presence * unit(share), ..seen }));
    under
}

/// The list at `share` of the way from one scene to another: the k-th item of a source glides to the place of its
/// k-th item in the other scene; items without a counterpart fade, old ones below new ones of the same depth.
pub(crate) fn glide(from: Vec<Seen>, to: Vec<Seen>, share: f32) -> Vec<Seen> {
    let mut remaining: Vec<Option<Seen>> = from.into_iter().map(Some).collect();
    let arriving: Vec<Seen> = to
        .into_iter()
        .map(|new| {
            let counterpart = remaining
                .iter_mut()
                .find(|old| old.is_some_and(|old| old.source == new.source))
                .and_then(Option::take);
            match counterpart {
                Some(old) => Seen {
                    slot: between(&old.slot, &new.slot, share),
                    presence: old.presence + (new.presence - old.presence) * share,
                    ..new
                },
                None => Seen { presence: new.presence * share, ..new },
            }
        })
        .collect();
    let leaving =
        remaining.into_iter().flatten().map(|old| Seen { presence: old.presence * (1.0 - share), ..old });
    let mut seen: Vec<Seen> = leaving.chain(arriving).collect();
    sort_by_depth(&mut seen);
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Vec2;

    fn seen(slot: Slot) -> Seen {
        Seen { item: ItemId(1), source: SourceId(1), slot, presence: 1.0 }
    }

    fn slot() -> Slot {
        Slot { size: Vec2 { x: 10.0, y: 10.0 }, match_canvas_size: false, ..Slot::default() }
    }

    #[test]
    fn nothing_that_is_not_a_number_reaches_the_compositor() {
        let nan = f32::NAN;
        for bad in [
            Slot { position: Vec2 { x: nan, y: 0.0 }, ..slot() },
            Slot { size: Vec2 { x: 10.0, y: f32::INFINITY }, ..slot() },
            Slot { size: Vec2::default(), ..slot() },
            Slot { alpha: nan, ..slot() },
            Slot { crop: Crop { left: 0.6, right: 0.4, ..Crop::default() }, ..slot() },
        ] {
            assert_eq!(layers(&[seen(bad)]), []);
        }
        let odd = Slot {
            alpha: 7.0,
            fill_color: Color { r: nan, g: -1.0, b: 2.0, a: 0.5 },
            crop: Crop { left: nan, top: -3.0, ..Crop::default() },
            gain: nan,
            z_index: nan,
            ..slot()
        };
        let drawn = layers(&[seen(odd)]);
        assert_eq!(drawn.len(), 1);
        assert_eq!(drawn[0].alpha, 1.0);
        assert_eq!(drawn[0].fill_color, Color { r: 0.0, g: 0.0, b: 1.0, a: 0.5 });
        assert_eq!(drawn[0].crop, Crop::default());
        assert_eq!(gains(&[seen(odd)], 1.0)[&SourceId(1)], 0.0);
    }
}
