//! From figures to what a person should choose.

use units::{Kbps, Span};

/// How much more an upload must carry than the stream needs, in percent of the stream (IVS user guide, streaming
/// configuration: plan for 50 % more bandwidth than the minimum, for the fluctuations of encoding).
pub const HEADROOM_PERCENT: u32 = 50;

/// A varying delay from which on a line is called unsteady: a tenth of the two seconds of a keyframe interval.
const UNSTEADY: Span = Span::from_millis(200);

/// Loss from which on a line is called lossy, in percent. TCP's throughput falls with the square root of loss (RFC 3448,
/// 3.1), and one packet in a hundred is what a wired line at home never shows.
const LOSSY_PERCENT: f32 = 1.0;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Recommendation {
    /// What the upload carried.
    pub carries: Kbps,
    /// Whether it may carry more: everything that was tried got through.
    pub is_at_least: bool,
    /// How much the delay varies; zero when the system does not tell.
    pub jitter: Span,
    /// Packets that had to be sent again or were lost, in percent; `None` when the system does not tell.
    pub loss_percent: Option<f32>,
    /// What the stream may have in all, sound and all renditions together: [`Self::carries`] less the headroom.
    pub recommended_total: Kbps,
    /// The same for a person, in plain sentences, the most important first.
    pub sentences: Vec<String>,
}

impl Recommendation {
    /// What `carries` means, found with that `jitter` and `loss_percent`.
    pub fn new(carries: Kbps, is_at_least: bool, jitter: Span, loss_percent: Option<f32>) -> Self {
        let with_headroom = u64::from(carries.0) * 100 / u64::from(100 + HEADROOM_PERCENT);
        let recommended_total = Kbps(u32::try_from(with_headroom).unwrap_or(u32::MAX));
        let mut sentences = vec![if is_at_least {
            format!("The upload carried everything that was tried: {carries}.")
        } else {
            format!("The upload carries {carries}.")
        }];
        sentences.push(format!(
            "Stay at or below {recommended_total}, sound and all renditions together: encoding fluctuates, and Amazon \
             IVS asks for {HEADROOM_PERCENT} % more bandwidth than the stream has."
        ));
        if let Some(loss) = loss_percent.filter(|loss| *loss >= LOSSY_PERCENT) {
            sentences.push(format!(
                "{loss:.1} % of the packets were lost on the way; a cable instead of Wi-Fi may help."
            ));
        }
        if jitter >= UNSTEADY {
            sentences.push(format!(
                "The delay varies by {} ms; something else may be using the line, or the Wi-Fi is weak.",
                jitter.as_millis()
            ));
        }
        Self { carries, is_at_least, jitter, loss_percent, recommended_total, sentences }
    }
}
