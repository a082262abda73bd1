//! How to mend what does not work.

use super::facts::{CardFacts, EncoderFacts, Facts};
use crate::survey::driver::{self, Standing};

/// Below this there is no hour left to record, in bytes.
const LITTLE_ROOM: u64 = 5_000_000_000;

/// Everything that would not work or not work well, each with how to mend it, the gravest first.
pub(super) fn troubles(facts: &Facts) -> Vec<String> {
    let mut troubles = Vec::new();
    if let Err(why) = &facts.gpu {
        troubles.push(format!("No picture can be composed: {why}."));
    }
    if !facts.encoders.iter().any(EncoderFacts::is_enough) {
        troubles.push(no_encoder(facts.is_windows).into());
    }
    troubles.extend(facts.cards.iter().filter_map(|card| {
        let advice = card.standing.advice()?;
        Some(format!("The driver of {} is older than the service wants. {advice}", card.model))
    }));
    let mends = facts.encoders.iter().filter(|encoder| encoder.is_avc()).filter_map(|encoder| {
        let mend = mend(encoder, facts)?;
        // Told of with the card.
        let is_told = card_of(encoder, &facts.cards)
            .is_some_and(|card| card.standing.advice().as_deref() == Some(mend.as_str()));
        (!is_told).then(|| format!("{} does not work. {mend}", encoder.family))
    });
    troubles.extend(mends);
    match &facts.recordings {
        Err(why) => troubles.push(why.clone()),
        Ok(recordings) => {
            if recordings.free_bytes.is_some_and(|bytes| bytes < LITTLE_ROOM) {
                troubles.push(
                    "The disk for recordings is nearly full. Make room, or choose another folder with --record."
                        .into(),
                );
            }
            troubles.extend(Some(&recordings.remark).filter(|remark| !remark.is_empty()).cloned());
        }
    }
    if !facts.clock.is_steady {
        troubles.push("The time of day jumps against the PC's clock. Switch network time on.".into());
    }
    troubles.extend(facts.device_problems.iter().cloned());
    troubles
}

const fn no_encoder(is_windows: bool) -> &'static str {
    if is_windows {
        "No H.264 encoder works here, so nothing can be streamed. Install the driver of your graphics card from its \
         maker; if that does not help, install Genlock again."
    } else {
        "No H.264 encoder works here, so nothing can be streamed. Install the driver of your graphics card, or \
         GStreamer's x264 or openh264 plugin (on Debian and Ubuntu gstreamer1.0-plugins-ugly, \
         gstreamer1.0-plugins-bad)."
    }
}

/// The card that an encoder would run on.
pub(super) fn card_of<'a>(encoder: &EncoderFacts, cards: &'a [CardFacts]) -> Option<&'a CardFacts> {
    cards.iter().find(|card| Some(card.vendor_id) == encoder.vendor_id)
}

/// How to mend an encoder that does not work; `None` where it works, or where this PC has no card for it.
pub(super) fn mend(encoder: &EncoderFacts, facts: &Facts) -> Option<String> {
    // AMD's and Windows' own encoders are on Windows alone.
    let is_elsewhere = !facts.is_windows && !encoder.available && encoder.vendor_id != Some(driver::NVIDIA);
    if encoder.passed || is_elsewhere {
        return None;
    }
    let Some(card) = card_of(encoder, &facts.cards) else {
        // Software, and what runs on any card: one of them is enough, and that none works is told of by itself.
        return (encoder.available && encoder.vendor_id.is_none())
            .then(|| format!("It was refused by its own test and is left alone: {}.", encoder.reason));
    };
    if let Some(advice) = card.standing.advice() {
        return Some(advice);
    }
    let reason = encoder.reason.to_ascii_lowercase();
    let is_taken = ["session", "out of memory", "outofmemory", "busy", "in use"];
    if is_taken.iter().any(|word| reason.contains(word)) {
        return Some(
            "Another program may hold the encoder: a graphics card codes only so many pictures at a time. Close \
             other programs that stream, record or share the screen, and try again."
                .into(),
        );
    }
    if reason.contains("decoder to check it with") {
        return Some("The part that reads test pictures back is missing: install Genlock again.".into());
    }
    Some(match (&card.standing, encoder.available) {
        (Standing::Unknown { called, wanted }, _) => {
            format!("Install {called} {wanted} or newer from the maker of {}.", card.model)
        }
        (_, false) if is_recent(card) => format!(
            "The driver of {} offers no encoder. Install the whole driver from its maker, not only the one that the \
             system brings; if the card is made without an encoder, another one is used.",
            card.model
        ),
        (_, false) => format!("{} is of a generation before those that the service recommends.", card.model),
        (_, true) => format!(
            "Start the PC again; if that does not help, install the newest driver of {}. Until then another encoder is \
             used.",
            card.model
        ),
    })
}

fn is_recent(card: &CardFacts) -> bool {
    !driver::is_of_an_older_generation(&card.model)
}
