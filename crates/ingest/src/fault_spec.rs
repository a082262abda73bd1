//! Faults as a person writes them: `stall=5s,lasting=10s,session=2`.

use core::str::FromStr;

use units::Span;

use crate::faults::{Faults, ReconnectRequest, Refusal, Stage, Stall, Stutter};

/// Faults, and the one session that shall have them when it is not all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FaultSpec {
    /// The faults.
    pub faults: Faults,
    /// The number of the session, from 1.
    pub session: Option<u64>,
}

/// What is wrong with a text of faults: the fault of who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultSpecError {
    /// No fault of this name.
    #[error(
        "“{0}” is no fault; known are refuse, close, hang, half-open, stall, lasting, stutter, every, delay, rate, \
         move, to, session and sessions"
    )]
    Unknown(String),
    /// The value can not be read.
    #[error("“{value}” is no value for {name}; write {expected}")]
    Value {
        /// The fault.
        name: &'static str,
        /// What was written.
        value: String,
        /// How it is written.
        expected: &'static str,
    },
    /// Something that belongs to another fault stands alone.
    #[error("{name} needs {needs}")]
    Alone {
        /// What stands alone.
        name: &'static str,
        /// What it belongs to.
        needs: &'static str,
    },
}

const TIME: &str = "a length of time such as 500ms, 5s, 2m or 1h";
const STAGE: &str = "one of tcp, tls, handshake, connect and publish";
const COUNT: &str = "a number from 1";

impl FromStr for FaultSpec {
    type Err = FaultSpecError;

    /// Reads settings behind commas, in any order:
    ///
    /// * `refuse=connect`, `refuse=publish`: an error is answered;
    /// * `close=STAGE`, `hang=STAGE` with `tcp`, `tls`, `handshake`, `connect`, `publish`; `close=TIME` after publish;
    /// * `half-open=TIME`; `stall=TIME`, with `lasting=TIME`; `stutter=TIME` with `every=TIME`;
    /// * `delay=TIME`; `rate=KBPS`; `move=TIME`, with `to=URL`;
    /// * `session=N`: only session N; `sessions=N`: the first N.
    fn from_str(text: &str) -> Result<Self, FaultSpecError> {
        let mut spec = Self::default();
        let (mut lasting, mut every, mut to) = (None, None, None);
        let faults = &mut spec.faults;
        for setting in text.split(',') {
            let (name, value) = setting.split_once('=').unwrap_or((setting, ""));
            match name.trim() {
                "refuse" => refuse(faults, value)?,
                "close" => match stage(value) {
                    Some(stage) => faults.close_at = Some(stage),
                    None => faults.close_after = Some(time("close", value)?),
                },
                "hang" => match stage(value) {
                    Some(stage) => faults.hang_at = Some(stage),
                    None => return Err(wrong("hang", value, STAGE)),
                },
                "half-open" => faults.half_open_after = Some(time("half-open", value)?),
                "stall" => faults.stall = Some(Stall { after: time("stall", value)?, lasting: None }),
                "lasting" => lasting = Some(time("lasting", value)?),
                "stutter" => {
                    let lasting = time("stutter", value)?;
                    faults.stutter = Some(Stutter { every: Span::ZERO, lasting });
                }
                "every" => every = Some(time("every", value)?),
                "delay" => faults.delay = time("delay", value)?,
                "rate" => {
                    let kbps = count("rate", value)?;
                    let bytes = u32::try_from(kbps.saturating_mul(125)).unwrap_or(u32::MAX);
                    faults.read_bytes_per_sec = Some(bytes);
                }
                "move" => {
                    let after = time("move", value)?;
                    faults.request_reconnect = Some(ReconnectRequest { after, tc_url: None });
                }
                "to" => to = Some(String::from(value)),
                "session" => spec.session = Some(count("session", value)?),
                "sessions" => faults.sessions = Some(count("sessions", value)?),
                other => return Err(FaultSpecError::Unknown(String::from(other))),
            }
        }
        if let Some(lasting) = lasting {
            let alone = FaultSpecError::Alone { name: "lasting", needs: "stall" };
            faults.stall.as_mut().ok_or(alone)?.lasting = Some(lasting);
        }
        if let Some(every) = every {
            let alone = FaultSpecError::Alone { name: "every", needs: "stutter" };
            faults.stutter.as_mut().ok_or(alone)?.every = every;
        }
        if faults.stutter.is_some_and(|stutter| stutter.every <= stutter.lasting) {
            return Err(FaultSpecError::Alone { name: "stutter", needs: "every, and every must be longer" });
        }
        if to.is_some() {
            let alone = FaultSpecError::Alone { name: "to", needs: "move" };
            faults.request_reconnect.as_mut().ok_or(alone)?.tc_url = to;
        }
        Ok(spec)
    }
}

fn refuse(faults: &mut Faults, value: &str) -> Result<(), FaultSpecError> {
    let refusal = |code: &str| {
        let description = String::from("The rehearsal was told to refuse.");
        Some(Refusal { code: String::from(code), description })
    };
    match stage(value) {
        Some(Stage::Connect) => faults.refuse_connect = refusal("NetConnection.Connect.Rejected"),
        Some(Stage::Publish) => faults.refuse_publish = refusal("NetStream.Publish.BadName"),
        _ => return Err(wrong("refuse", value, "connect or publish; for other stages see close")),
    }
    Ok(())
}

fn stage(value: &str) -> Option<Stage> {
    Stage::ALL.into_iter().find(|stage| stage.name() == value)
}

fn wrong(name: &'static str, value: &str, expected: &'static str) -> FaultSpecError {
    FaultSpecError::Value { name, value: String::from(value), expected }
}

fn count(name: &'static str, value: &str) -> Result<u64, FaultSpecError> {
    value.parse().ok().filter(|count| *count > 0).ok_or_else(|| wrong(name, value, COUNT))
}

/// A length of time: digits, then `ms`, `s`, `m` or `h`; at most two weeks, which is within every clock.
fn time(name: &'static str, value: &str) -> Result<Span, FaultSpecError> {
    let wrong = || wrong(name, value, TIME);
    let split = value.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = value.split_at(split);
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let ms_each = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let ms = number.checked_mul(ms_each).filter(|ms| *ms <= 14 * 24 * 3_600_000).ok_or_else(wrong)?;
    Ok(Span::from_millis(ms))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> FaultSpec {
        text.parse().unwrap()
    }

    #[test]
    fn every_fault_can_be_written() {
        let s = Span::from_secs;
        let cases = [
            ("close=publish", Faults { close_at: Some(Stage::Publish), ..Faults::default() }),
            ("close=0s", Faults { close_after: Some(Span::ZERO), ..Faults::default() }),
            ("hang=tls", Faults { hang_at: Some(Stage::Tls), ..Faults::default() }),
            ("half-open=2m", Faults { half_open_after: Some(s(120)), ..Faults::default() }),
            (
                "lasting=10s,stall=5s",
                Faults { stall: Some(Stall { after: s(5), lasting: Some(s(10)) }), ..Faults::default() },
            ),
            (
                "stall=1h",
                Faults { stall: Some(Stall { after: s(3600), lasting: None }), ..Faults::default() },
            ),
            (
                "stutter=200ms,every=2s",
                Faults {
                    stutter: Some(Stutter { every: s(2), lasting: Span::from_millis(200) }),
                    ..Faults::default()
                },
            ),
            (
                "delay=100ms,rate=800",
                Faults {
                    delay: Span::from_millis(100),
                    read_bytes_per_sec: Some(100_000),
                    ..Faults::default()
                },
            ),
            (
                "move=3s,to=rtmp://127.0.0.1:4000/app,sessions=1",
                Faults {
                    sessions: Some(1),
                    request_reconnect: Some(ReconnectRequest {
                        after: s(3),
                        tc_url: Some(String::from("rtmp://127.0.0.1:4000/app")),
                    }),
                    ..Faults::default()
                },
            ),
        ];
        for (text, faults) in cases {
            assert_eq!(parse(text), FaultSpec { faults, session: None }, "{text}");
        }
        assert_eq!(parse("close=5s,session=2").session, Some(2));
        assert!(parse("refuse=connect").faults.refuse_connect.is_some());
        assert!(parse("refuse=publish").faults.refuse_publish.is_some());
    }

    #[test]
    fn what_makes_no_sense_is_told_in_a_sentence() {
        for (text, expected) in [
            ("", "is no fault"),
            ("explode=1s", "“explode” is no fault"),
            ("stall", "“” is no value for stall"),
            ("stall=5", "such as 500ms"),
            ("stall=5d", "such as 500ms"),
            ("stall=99999999999h", "such as 500ms"),
            ("hang=5s", "one of tcp"),
            ("refuse=tcp", "see close"),
            ("lasting=5s", "lasting needs stall"),
            ("every=5s", "every needs stutter"),
            ("stutter=5s", "every must be longer"),
            ("to=rtmp://127.0.0.1/app", "to needs move"),
            ("session=0", "a number from 1"),
        ] {
            let said = text.parse::<FaultSpec>().unwrap_err().to_string();
            assert!(said.contains(expected), "{text}: {said}");
        }
    }

    #[test]
    fn stutters_come_at_their_times() {
        let stutter = Stutter { every: Span::from_secs(2), lasting: Span::from_millis(200) };
        let holds = |ms| stutter.holds(Span::from_millis(ms));
        assert!(!holds(0) && !holds(100) && !holds(1999), "the first comes after as long");
        assert!(holds(2000) && holds(2199) && !holds(2200) && holds(4000));
        assert!(!Stutter { every: Span::ZERO, ..stutter }.holds(Span::from_secs(1)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z=,0-9-]{0,40}|.*") {
            let _ = text.parse::<FaultSpec>();
        }
    }
}
