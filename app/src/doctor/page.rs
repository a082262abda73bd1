//! The page: the facts in plain sentences, a screen or two.

use control::{MachineLine, MachineMark, MachineSection};

use super::advice::{self, card_of};
use super::facts::{CardFacts, DeviceFacts, EncoderFacts, Facts, RenditionFacts};
use crate::survey::driver::{self, Standing};

/// Width of the page in characters.
const WIDTH: usize = 100;
/// Width of the words that say what a part is about, and of the mark behind them.
const TITLE: usize = 17;
const MARK: usize = 2;
/// Devices of a kind that are told one by one.
const DEVICES: usize = 4;

/// The page in its parts.
pub(crate) fn page(facts: &Facts) -> Vec<MachineSection> {
    let parts = [
        ("This PC", this_pc(facts)),
        ("Graphics cards", graphics_cards(facts)),
        ("Encoders", encoders(facts)),
        ("Three renditions", ladder(facts)),
        (
            "Displays",
            devices(&facts.displays, "No display was found; nothing on the screen can be captured."),
        ),
        ("Cameras", devices(&facts.cameras, "None is connected.")),
        ("Microphones", devices(&facts.inputs, "None is connected.")),
        ("Sound outputs", devices(&facts.outputs, "None; what the PC plays can not be captured.")),
        ("Recordings", recordings(facts)),
        ("Stream keys", vec![plain(facts.keys.note.clone())]),
        ("Clock", clock(facts)),
        ("What to do next", next(facts)),
    ];
    let section = |(title, lines): (&str, Vec<MachineLine>)| MachineSection { title: title.into(), lines };
    parts.into_iter().filter(|(_, lines)| !lines.is_empty()).map(section).collect()
}

/// The page as text.
pub(super) fn text(facts: &Facts) -> String {
    let mut lines = vec![format!("Genlock {}: what this PC can do", facts.genlock), String::new()];
    for section in page(facts) {
        for (place, line) in section.lines.iter().enumerate() {
            let title = if place == 0 { section.title.as_str() } else { "" };
            let mark = match line.mark {
                MachineMark::Good => "+",
                MachineMark::Look => "!",
                MachineMark::Plain => "",
            };
            for (number, words) in wrapped(&line.text, WIDTH - TITLE - MARK).into_iter().enumerate() {
                let (title, mark) = if number == 0 { (title, mark) } else { ("", "") };
                lines.push(format!("{title:<TITLE$}{mark:<MARK$}{words}").trim_end().to_owned());
            }
        }
    }
    lines.join("\n") + "\n"
}

/// Words in lines of at most `width` characters; a longer word stands alone.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut() {
            if line.is_empty() {
                word.clone_into(line);
            } else if line.chars().count() + 1 + word.chars().count() <= width {
                *line += " ";
                *line += word;
            } else {
                lines.push(word.to_owned());
            }
        }
    }
    lines
}

fn line(mark: MachineMark, text: impl Into<String>) -> MachineLine {
    MachineLine { mark, text: text.into() }
}

fn good(text: impl Into<String>) -> MachineLine {
    line(MachineMark::Good, text)
}

fn look(text: impl Into<String>) -> MachineLine {
    line(MachineMark::Look, text)
}

fn plain(text: impl Into<String>) -> MachineLine {
    line(MachineMark::Plain, text)
}

/// Bytes as the makers of memory and disks count.
fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

fn this_pc(facts: &Facts) -> Vec<MachineLine> {
    let Some(machine) = &facts.machine else { return Vec::new() };
    let (memory, free) = (gigabytes(machine.memory_bytes), gigabytes(machine.free_memory_bytes));
    let mut lines = vec![
        plain(format!("{}.", machine.system)),
        plain(format!("{}. {memory} of memory, {free} of it free.", machine.processor)),
    ];
    if let Some((first, rest)) = machine.gaming.split_first() {
        let mut sentence = capital(first);
        for one in rest {
            sentence += ", ";
            sentence += one;
        }
        lines.push(plain(sentence + "."));
    }
    lines
}

/// `text` with a capital letter in front.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn graphics_cards(facts: &Facts) -> Vec<MachineLine> {
    let mut lines: Vec<MachineLine> = facts.cards.iter().map(graphics_card).collect();
    match &facts.gpu {
        Ok(gpu) if gpu.is_software => lines.push(look(format!(
            "The processor composes the picture ({} through {}): it has less left for encoders and games.",
            gpu.name, gpu.backend
        ))),
        Ok(gpu) => lines.push(plain(format!("The picture is composed through {}.", gpu.backend))),
        Err(why) => lines.push(look(format!("Nothing composes the picture: {why}."))),
    }
    if facts.cards.is_empty() {
        lines.push(look("No graphics card: the service grants several renditions only to PCs with one."));
    }
    lines
}

fn graphics_card(card: &CardFacts) -> MachineLine {
    let memory = card.memory_bytes.map_or_else(String::new, |bytes| format!(", {}", gigabytes(bytes)));
    let reported = card.driver_version.as_deref();
    let in_brackets = |version: &str| {
        reported.filter(|reported| *reported != version).map_or_else(String::new, |text| format!(" ({text})"))
    };
    let (mut mark, driver) = match &card.standing {
        Standing::Fine { version, wanted } => (
            MachineMark::Good,
            format!("driver {version}{}, new enough: {wanted} is wanted", in_brackets(version)),
        ),
        Standing::TooOld { version, wanted, .. } => (
            MachineMark::Look,
            format!("driver {version}{}, too old: {wanted} or newer is wanted", in_brackets(version)),
        ),
        Standing::Unknown { called, wanted } => (
            MachineMark::Look,
            format!(
                "driver {}; it could not be told whether it is {called} {wanted} or newer",
                reported.unwrap_or("unknown")
            ),
        ),
        Standing::NoMinimum => (MachineMark::Plain, format!("driver {}", reported.unwrap_or("unknown"))),
    };
    let mut text = format!("{}{memory}, {driver}.", card.model);
    if card.composes {
        text += " It composes the picture.";
    }
    if driver::is_of_an_older_generation(&card.model) {
        mark = MachineMark::Look;
        text += " The service recommends a newer generation: GeForce 900 or Radeon RX 6000 and later.";
    }
    line(mark, text)
}

/// Every encoder that this PC could have, and in one line those that it could not.
fn encoders(facts: &Facts) -> Vec<MachineLine> {
    let mut families: Vec<&str> = Vec::new();
    for encoder in &facts.encoders {
        if !families.contains(&encoder.family.as_str()) {
            families.push(&encoder.family);
        }
    }
    let (mut lines, mut absent) = (Vec::new(), Vec::new());
    for family in families {
        let of_family: Vec<&EncoderFacts> =
            facts.encoders.iter().filter(|encoder| encoder.family == family).collect();
        let is_expected = |encoder: &EncoderFacts| {
            encoder.available
                || (card_of(encoder, &facts.cards).is_some() && advice::mend(encoder, facts).is_some())
        };
        if of_family.iter().any(|encoder| is_expected(encoder)) {
            lines.extend(family_lines(family, &of_family, facts));
        } else {
            absent.push(family);
        }
    }
    if !absent.is_empty() {
        lines.push(plain(format!("Not on this PC: {}.", absent.join(", "))));
    }
    let several = |family: &str| {
        facts.adapter_elements.iter().filter(|one| one.family == family && one.card.is_some()).count() > 1
    };
    for used in facts.adapter_elements.iter().filter(|one| one.is_used && several(&one.family)) {
        if let Some(card) = &used.card {
            lines.push(plain(format!("{}, {} is used on {card}.", used.family, used.codec)));
        }
    }
    lines
}

/// What a family makes, and what it does not and why.
fn family_lines(family: &str, encoders: &[&EncoderFacts], facts: &Facts) -> Vec<MachineLine> {
    let (passed, failed): (Vec<&EncoderFacts>, Vec<&EncoderFacts>) =
        encoders.iter().copied().partition(|encoder| encoder.passed);
    let mut lines = Vec::new();
    if !passed.is_empty() {
        let seconds: Vec<String> =
            passed.iter().map(|encoder| format!("{:.1} s", encoder.took_ms as f64 / 1000.0)).collect();
        let codecs = codecs(&passed);
        lines.push(good(format!("{family}: {codecs} passed the self-test ({}).", seconds.join(", "))));
    }
    let Some(first) = failed.first() else { return lines };
    let mend = advice::mend(first, facts).map_or_else(String::new, |mend| format!(" {mend}"));
    let verb = if failed.len() == 1 { "does" } else { "do" };
    let reason = first.reason.trim_end_matches('.');
    lines.push(look(format!("{family}: {} {verb} not work: {reason}.{mend}", codecs(&failed))));
    lines
}

/// “H.264 and H.265”.
fn codecs(encoders: &[&EncoderFacts]) -> String {
    encoders.iter().map(|encoder| encoder.codec.as_str()).collect::<Vec<_>>().join(" and ")
}

fn ladder(facts: &Facts) -> Vec<MachineLine> {
    // A family that would come first, were its driver not too old.
    let waiting = facts.encoders.iter().find(|encoder| {
        let is_too_old = |card: &CardFacts| matches!(card.standing, Standing::TooOld { .. });
        encoder.is_avc() && !encoder.passed && card_of(encoder, &facts.cards).is_some_and(is_too_old)
    });
    let waiting = waiting.map(|encoder| encoder.family.as_str());
    facts.ladder.iter().map(|one| rendition(one, waiting)).collect()
}

/// `waiting` is the family that would be chosen with a newer driver.
fn rendition(rendition: &RenditionFacts, waiting: Option<&str>) -> MachineLine {
    let RenditionFacts { size, fps, kbps, path, .. } = rendition;
    let what = format!("{size}, {fps} fps, {kbps} kbps");
    match &rendition.encoder {
        Ok(encoder) => {
            // The families that were passed over are told of above.
            let why = match waiting {
                _ if !rendition.reason.contains("; not ") => "the first choice".to_owned(),
                Some(family) => format!("the first that works until the driver for {family} is new enough"),
                None => "the first that works".to_owned(),
            };
            good(format!("{what}: {encoder}, {why}; pictures {path}."))
        }
        Err(_) => look(format!("{what}: no encoder works for it.")),
    }
}

fn devices(devices: &[DeviceFacts], none: &str) -> Vec<MachineLine> {
    if devices.is_empty() {
        return vec![plain(none)];
    }
    let one = |device: &DeviceFacts| {
        let note = device.note.trim();
        plain(if note.is_empty() { device.name.clone() } else { format!("{}: {note}", device.name) })
    };
    let mut lines: Vec<MachineLine> = devices.iter().take(DEVICES).map(one).collect();
    let more = devices.len().saturating_sub(DEVICES);
    if more > 0 {
        lines.push(plain(format!("And {more} more.")));
    }
    lines
}

fn recordings(facts: &Facts) -> Vec<MachineLine> {
    match &facts.recordings {
        Err(why) => vec![look(why.clone())],
        Ok(found) => {
            let room = match (found.free_bytes, found.hours) {
                (Some(bytes), Some(hours)) => {
                    let lasts = match hours {
                        0 => "less than an hour".to_owned(),
                        1 => "about an hour".to_owned(),
                        hours => format!("about {hours} hours"),
                    };
                    format!(": {} free, {lasts} of these renditions", gigabytes(bytes))
                }
                _ => String::new(),
            };
            let text = format!("{}{room}.", found.folder);
            if found.remark.is_empty() {
                vec![good(text)]
            } else {
                vec![plain(text), look(found.remark.clone())]
            }
        }
    }
}

fn clock(facts: &Facts) -> Vec<MachineLine> {
    if facts.clock.is_steady {
        vec![good("Steady.")]
    } else {
        vec![look("The time of day jumps against the PC's clock.")]
    }
}

fn next(facts: &Facts) -> Vec<MachineLine> {
    let troubles = advice::troubles(facts);
    let mut lines: Vec<MachineLine> = troubles
        .iter()
        .enumerate()
        .map(|(place, trouble)| look(format!("{}. {trouble}", place + 1)))
        .collect();
    if facts.can_stream() {
        let sentence = if troubles.is_empty() { "Nothing to mend." } else { "You can stream meanwhile." };
        lines.push(good(format!("{sentence} Rehearse before you go live: genlock rehearse")));
    }
    lines
}
