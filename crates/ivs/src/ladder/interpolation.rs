//! How renditions share a bitrate that is less than all of theirs.

use units::Kbps;

/// The bitrate of each rendition when all together may take `aggregate`.
///
/// `rungs` holds each rendition's nominal bitrate and its interpolation points, lowest first. Where every list is
/// usable (as long as the others, at least two points, never falling, from 0 to the nominal), the sums of the k-th
/// points of all renditions make a scale; `aggregate` lies between two of them, and each rendition takes the same
/// fraction of the way between its own two points. So the highest renditions give way first (obs-multitrack.md 5.9).
/// Where one list is not, every rendition is scaled down by the same factor.
///
/// The answer never sums to more than `aggregate`, and no rendition gets more than its nominal bitrate.
pub fn interpolate(rungs: &[(Kbps, &[Kbps])], aggregate: Kbps) -> Vec<Kbps> {
    let nominal: u64 = rungs.iter().map(|(nominal, _)| u64::from(nominal.0)).sum();
    let aggregate = u64::from(aggregate.0);
    if aggregate >= nominal {
        return rungs.iter().map(|(nominal, _)| *nominal).collect();
    }
    if !rungs
        .iter()
        .all(|(nominal, points)| is_usable(*nominal, points, rungs.first().map_or(0, |r| r.1.len())))
    {
        return rungs.iter().map(|(of, _)| between(0, u64::from(of.0), aggregate, nominal)).collect();
    }
    let levels = rungs.first().map_or(0, |(_, points)| points.len());
    let sum = |level: usize| rungs.iter().map(|(_, points)| point(points, level)).sum::<u64>();
    // The last level is the nominal, which is more than the aggregate; so one is found, and it is not the first.
    let upper = (1..levels).find(|level| sum(*level) > aggregate).unwrap_or(levels.saturating_sub(1));
    let lower = upper.saturating_sub(1);
    let (way, all) = (aggregate - sum(lower), sum(upper) - sum(lower));
    rungs.iter().map(|(_, points)| between(point(points, lower), point(points, upper), way, all)).collect()
}

fn point(points: &[Kbps], level: usize) -> u64 {
    points.get(level).map_or(0, |point| u64::from(point.0))
}

fn is_usable(nominal: Kbps, points: &[Kbps], length: usize) -> bool {
    points.len() == length
        && points.len() >= 2
        && points.first() == Some(&Kbps(0))
        && points.last() == Some(&nominal)
        && points.is_sorted()
}

/// `way / all` of the way from `low` to `high`, rounded down.
fn between(low: u64, high: u64, way: u64, all: u64) -> Kbps {
    // No product reaches 2^64: each factor is a sum of at most a few 32-bit numbers, and `way` is below `all`.
    let step = u128::from(high - low) * u128::from(way) / u128::from(all.max(1));
    Kbps(u32::try_from(u128::from(low) + step).unwrap_or(u32::MAX))
}
