//! The guide's ladders, and what must hold for any other.

use proptest::prelude::*;
use units::{FrameRate, Kbps, Size, VideoCodec, VideoProfile};

use super::{EncoderFamily, LadderRefusal, Promise, ResolutionClass, Rung, Wish, grant, interpolate};
use crate::client_configuration::{ClientConfiguration, SchemaVersion};

fn wish(width: u32, height: u32, rate: u32) -> Wish {
    Wish {
        canvas: Size::new(width, height).unwrap(),
        rate: FrameRate::new(rate, 1).unwrap(),
        max_tracks: None,
        max_bitrate: None,
        max_resolution: None,
        codecs: vec![VideoCodec::Avc],
    }
}

fn lines(ladder: &[Rung]) -> Vec<String> {
    ladder.iter().map(|rung| format!("{}@{} {}", rung.size, rung.rate, rung.bitrate.0)).collect()
}

fn total(ladder: &[Rung]) -> u32 {
    ladder.iter().map(|rung| rung.bitrate.0).sum()
}

#[test]
fn three_tracks_of_720p_at_30_are_the_benchmark() {
    let ladder = grant(&Wish { max_tracks: Some(3), ..wish(1280, 720, 30) }).unwrap();
    assert_eq!(lines(&ladder), ["1280x720@30 2500", "852x480@30 1000", "640x360@30 500"]);
}

/// The guide, "Use GetClientConfiguration": between 10.2 Mbps with five renditions and 1.5 Mbps with two.
#[test]
fn the_ends_of_the_guides_range() {
    let full = grant(&wish(1920, 1080, 60)).unwrap();
    assert_eq!(
        lines(&full),
        ["1920x1080@60 6000", "1280x720@60 2500", "852x480@30 1000", "640x360@30 500", "284x160@30 200"]
    );
    assert_eq!(total(&full), 10_200);
    let least = grant(&Wish { max_resolution: Some(ResolutionClass::Sd), ..wish(1920, 1080, 30) }).unwrap();
    assert_eq!(lines(&least), ["852x480@30 1000", "640x360@30 500"]);
    assert_eq!(total(&least), 1500);
}

#[test]
fn fallbacks_go_down_step_by_step() {
    let by_bitrate =
        |kbps| lines(&grant(&Wish { max_bitrate: Some(Kbps(kbps)), ..wish(1920, 1080, 60) }).unwrap());
    assert_eq!(by_bitrate(10_200).len(), 5);
    // The top rung gives way before a rung is dropped.
    assert_eq!(by_bitrate(9000)[0], "1920x1080@60 5152");
    assert_eq!(by_bitrate(9000)[2..], ["852x480@30 1000", "640x360@30 500", "284x160@30 200"]);
    assert_eq!(by_bitrate(7200).len(), 4);
    assert_eq!(by_bitrate(6500), ["1920x1080@60 4235", "1280x720@60 1764", "640x360@30 500"]);
    assert_eq!(by_bitrate(5000)[0], "1280x720@60 2500");
    assert_eq!(by_bitrate(2300), ["960x540@60 1500", "640x360@30 500", "426x240@30 300"]);
    assert_eq!(by_bitrate(1500), ["852x480@30 1000", "640x360@30 500"]);
    assert_eq!(by_bitrate(700), ["640x360@30 500", "284x160@30 200"]);
    assert_eq!(by_bitrate(200), ["284x160@30 200"]);
    let too_low = grant(&Wish { max_bitrate: Some(Kbps(199)), ..wish(1920, 1080, 60) });
    assert_eq!(too_low, Err(LadderRefusal::BitrateTooLow { limit: Kbps(199), needed: Kbps(200) }));
}

#[test]
fn fewer_tracks_keep_the_top() {
    let by_tracks =
        |tracks| lines(&grant(&Wish { max_tracks: Some(tracks), ..wish(1920, 1080, 30) }).unwrap());
    assert_eq!(by_tracks(4).len(), 4);
    assert_eq!(by_tracks(3), ["1920x1080@30 6000", "1280x720@30 2500", "640x360@30 500"]);
    assert_eq!(by_tracks(2), ["1920x1080@30 6000", "852x480@30 1000"]);
    assert_eq!(by_tracks(1), ["1920x1080@30 6000"]);
    assert_eq!(grant(&Wish { max_tracks: Some(0), ..wish(1920, 1080, 30) }), Err(LadderRefusal::NoTracks));
}

#[test]
fn upright_wide_and_odd_canvases() {
    let sizes = |width, height| -> Vec<String> {
        grant(&wish(width, height, 30)).unwrap().iter().map(|rung| rung.size.to_string()).collect()
    };
    assert_eq!(sizes(1080, 1920), ["1080x1920", "720x1280", "480x852", "360x640", "160x284"]);
    assert_eq!(sizes(3840, 2160)[0], "1920x1080");
    // 1080p would be 2560 wide, more than any track may be.
    assert_eq!(sizes(2560, 1080)[..2], ["1706x720", "1136x480"]);
    assert_eq!(sizes(1600, 900)[0], "1280x720");
    assert_eq!(sizes(853, 481)[0], "850x480");
    for (width, height) in [(100, 100), (8000, 160), (159, 4000)] {
        let canvas = Size::new(width, height).unwrap();
        assert_eq!(grant(&wish(width, height, 30)), Err(LadderRefusal::Canvas { canvas }));
    }
}

#[test]
fn frame_rates_of_the_service_only() {
    for (numerator, denominator, text) in
        [(60_000, 1001, "59.94"), (30_000, 1001, "29.97"), (15, 1, "15"), (120, 1, "120"), (25, 2, "12.5")]
    {
        let rate = FrameRate::new(numerator, denominator).unwrap();
        let refusal = grant(&Wish { rate, ..wish(1920, 1080, 60) }).unwrap_err();
        assert_eq!(refusal, LadderRefusal::FrameRate { rate });
        assert!(refusal.to_string().contains(&format!(" {text} frames")), "{refusal}");
    }
    for (rate, low) in [(24, 24), (25, 25), (30, 30), (48, 24), (50, 25), (60, 30)] {
        let ladder = grant(&wish(1920, 1080, rate)).unwrap();
        let rates: Vec<u32> = ladder.iter().map(|rung| rung.rate.numerator()).collect();
        assert_eq!(rates, [rate, rate, low, low, low]);
    }
}

#[test]
fn profiles_and_codes() {
    let profiles = |codec| -> Vec<VideoProfile> {
        let ladder =
            grant(&Wish { codecs: vec![codec], max_tracks: Some(3), ..wish(1280, 720, 30) }).unwrap();
        assert!(ladder.iter().all(|rung| rung.codec == codec));
        ladder.iter().map(|rung| rung.profile).collect()
    };
    assert_eq!(profiles(VideoCodec::Avc), [VideoProfile::High, VideoProfile::Main, VideoProfile::Main]);
    assert_eq!(profiles(VideoCodec::Hevc), [VideoProfile::Main; 3]);
}

/// obs-multitrack.md 1.12: the points that were granted for 6000, 2500 and 500 kbps.
#[test]
fn points_are_those_that_were_granted() {
    let ladder = grant(&Wish { max_tracks: Some(3), ..wish(1920, 1080, 30) }).unwrap();
    let points: Vec<Vec<u32>> =
        ladder.iter().map(|rung| rung.points.iter().map(|point| point.0).collect()).collect();
    assert_eq!(points, [[0, 3960, 4800, 6000], [0, 1650, 2000, 2500], [0, 500, 500, 500]]);
}

#[test]
fn a_ladder_is_promised_as_it_is_configured() {
    for family in [EncoderFamily::Nvenc, EncoderFamily::Amf, EncoderFamily::Qsv, EncoderFamily::Software] {
        for version in SchemaVersion::ALL {
            for codec in [VideoCodec::Avc, VideoCodec::Hevc] {
                let ladder = grant(&Wish { codecs: vec![codec], ..wish(1920, 1080, 60) }).unwrap();
                let renditions = ladder.iter().map(|rung| rung.configuration(family, version)).collect();
                let answer = ClientConfiguration {
                    encoder_configurations: renditions,
                    ..ClientConfiguration::default()
                };
                let promise = Promise::try_from(&answer).unwrap();
                assert_eq!(promise.tracks.len(), ladder.len());
                for (track, rung) in promise.tracks.iter().zip(&ladder) {
                    assert_eq!((track.codec, track.size, track.rate), (codec, rung.size, rung.rate));
                    assert_eq!(track.bitrate, rung.bitrate);
                }
            }
        }
    }
}

#[test]
fn a_promise_needs_everything_said() {
    let rung = &grant(&wish(1280, 720, 30)).unwrap()[0];
    let whole = rung.configuration(EncoderFamily::Software, SchemaVersion::default());
    let what = |change: &dyn Fn(&mut crate::client_configuration::EncoderConfiguration)| {
        let mut rendition = whole.clone();
        change(&mut rendition);
        let answer =
            ClientConfiguration { encoder_configurations: vec![rendition], ..ClientConfiguration::default() };
        Promise::try_from(&answer).unwrap_err().to_string()
    };
    assert_eq!(what(&|rendition| rendition.rate = None), "the answer does not say the frame rate of track 0");
    assert_eq!(what(&|rendition| rendition.codec = None), "the answer does not say the code of track 0");
    assert_eq!(
        what(&|rendition| rendition.settings.clear()),
        "the answer does not say the bitrate of track 0"
    );
}

/// obs-multitrack.md 5.9, with the ladder of five that it names.
#[test]
fn high_rungs_give_way_first() {
    let points: Vec<Vec<Kbps>> = [
        [0, 5940, 7200, 9000],
        [0, 4950, 6000, 7500],
        [0, 2800, 3500, 3500],
        [0, 1000, 1000, 1000],
        [0, 500, 500, 500],
    ]
    .map(|row| row.map(Kbps).to_vec())
    .to_vec();
    let rungs: Vec<(Kbps, &[Kbps])> =
        points.iter().map(|points| (*points.last().unwrap(), points.as_slice())).collect();
    let shares =
        |aggregate| interpolate(&rungs, Kbps(aggregate)).iter().map(|share| share.0).collect::<Vec<_>>();
    assert_eq!(shares(30_000), [9000, 7500, 3500, 1000, 500]);
    assert_eq!(shares(21_500), [9000, 7500, 3500, 1000, 500]);
    assert_eq!(shares(18_200), [7200, 6000, 3500, 1000, 500]);
    assert_eq!(shares(19_850), [8100, 6750, 3500, 1000, 500]);
    assert_eq!(shares(15_190), [5940, 4950, 2800, 1000, 500]);
    assert_eq!(shares(7595), [2970, 2475, 1400, 500, 250]);
    assert_eq!(shares(0), [0; 5]);
}

#[test]
fn unusable_points_scale_everything_alike() {
    let halved = |first: &[u32]| {
        let first: Vec<Kbps> = first.iter().copied().map(Kbps).collect();
        let second = [Kbps(0), Kbps(500), Kbps(500), Kbps(500)];
        interpolate(&[(Kbps(6000), &first), (Kbps(500), &second)], Kbps(3250))
    };
    for unusable in [
        &[][..],
        &[0, 6000],
        &[0, 4800, 3960, 6000],
        &[100, 3960, 4800, 6000],
        &[0, 3960, 4800, 5000],
        &[0, 6000, 6000, 6000, 6000],
    ] {
        assert_eq!(halved(unusable), [Kbps(3000), Kbps(250)], "{unusable:?}");
    }
    assert_eq!(halved(&[0, 3960, 4800, 6000]), [Kbps(2885), Kbps(364)]);
    assert_eq!(interpolate(&[], Kbps(1000)), []);
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let class = prop_oneof![
        Just(None),
        Just(Some(ResolutionClass::Sd)),
        Just(Some(ResolutionClass::Hd)),
        Just(Some(ResolutionClass::FullHd))
    ];
    let rate = prop::sample::select(vec![24, 25, 30, 48, 50, 60]);
    let canvas = (1u32..=4000, 1u32..=4000);
    (canvas, rate, prop::option::of(0u32..12), prop::option::of(0u32..20_000), class, any::<bool>()).prop_map(
        |((width, height), rate, max_tracks, max_bitrate, max_resolution, is_hevc)| Wish {
            max_tracks,
            max_bitrate: max_bitrate.map(Kbps),
            max_resolution,
            codecs: if is_hevc { vec![VideoCodec::Hevc, VideoCodec::Avc] } else { Vec::new() },
            ..wish(width, height, rate)
        },
    )
}

proptest! {
    #[test]
    fn every_ladder_keeps_the_rules(wish in any_wish()) {
        let Ok(ladder) = grant(&wish) else { return Ok(()) };
        prop_assert!(!ladder.is_empty() && ladder.len() <= 5);
        prop_assert!(wish.max_tracks.is_none_or(|most| ladder.len() <= most as usize));
        prop_assert!(wish.max_bitrate.is_none_or(|most| total(&ladder) <= most.0));
        prop_assert!(total(&ladder) <= 10_200);
        for rung in &ladder {
            prop_assert!(rung.size.is_even());
            prop_assert!(rung.size.width_px() <= wish.canvas.width_px());
            prop_assert!(rung.size.height_px() <= wish.canvas.height_px());
            prop_assert!(wish.max_resolution.unwrap_or_default().takes(rung.size));
            prop_assert!(rung.size.shortest_px() >= 64);
            prop_assert!(wish.rate.divisor_to(rung.rate).is_some());
            // Off the canvas's aspect ratio by less than what rounding to an even number takes.
            let canvas = wish.canvas;
            let across = u64::from(rung.size.width_px()) * u64::from(canvas.height_px());
            let down = u64::from(rung.size.height_px()) * u64::from(canvas.width_px());
            prop_assert!(across.abs_diff(down) <= 2 * u64::from(canvas.longest_px()));
            prop_assert_eq!(rung.points.len(), 4);
            prop_assert_eq!(rung.points.first(), Some(&Kbps(0)));
            prop_assert_eq!(rung.points.last(), Some(&rung.bitrate));
            prop_assert!(rung.points.is_sorted());
        }
        for (upper, lower) in ladder.iter().zip(ladder.iter().skip(1)) {
            prop_assert!(upper.bitrate > lower.bitrate);
            prop_assert!(upper.size.pixels() > lower.size.pixels());
            prop_assert!(upper.rate.divisor_to(lower.rate).is_some());
        }
    }

    #[test]
    fn a_wider_wish_never_gets_a_refusal(wish in any_wish()) {
        if grant(&wish).is_ok() {
            let wider = [
                Wish { max_tracks: None, ..wish.clone() },
                Wish { max_bitrate: None, ..wish.clone() },
                Wish { max_resolution: None, ..wish },
            ];
            for wish in wider {
                prop_assert!(grant(&wish).is_ok());
            }
        }
    }

    #[test]
    fn shares_stay_within_the_aggregate(
        rows in prop::collection::vec(prop::collection::vec(0u32..=u32::MAX, 0..5), 0..6),
        nominals in prop::collection::vec(any::<u32>(), 6),
        aggregate in any::<u32>(),
        tidy in any::<bool>(),
    ) {
        let rows: Vec<Vec<Kbps>> = rows.into_iter().zip(&nominals).map(|(mut row, nominal)| {
            if tidy {
                row.resize(4, 0);
                row.iter_mut().for_each(|point| *point = (*point).min(*nominal));
                row.sort_unstable();
                row[0] = 0;
                row[3] = *nominal;
            }
            row.into_iter().map(Kbps).collect()
        }).collect();
        let rungs: Vec<(Kbps, &[Kbps])> =
            rows.iter().zip(&nominals).map(|(row, nominal)| (Kbps(*nominal), row.as_slice())).collect();
        let shares = interpolate(&rungs, Kbps(aggregate));
        prop_assert_eq!(shares.len(), rungs.len());
        let sum: u64 = shares.iter().map(|share| u64::from(share.0)).sum();
        let nominal: u64 = rungs.iter().map(|rung| u64::from(rung.0.0)).sum();
        prop_assert!(sum <= u64::from(aggregate));
        // Rounding takes less than one from each.
        prop_assert!(sum + rungs.len() as u64 >= u64::from(aggregate).min(nominal));
        for (share, rung) in shares.iter().zip(&rungs) {
            prop_assert!(*share <= rung.0);
        }
        let more = interpolate(&rungs, Kbps(aggregate.saturating_add(1000)));
        for (share, more) in shares.iter().zip(&more) {
            prop_assert!(share <= more);
        }
    }
}
