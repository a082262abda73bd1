//! When a public act may happen: after a hold of 0.6 s, or a second click in place within 3 s. No clock, no egui.

/// How long the button is held, in seconds (ui/README, “Public acts”).
pub(crate) const HOLD_SECS: f64 = 0.6;
/// How long a first click waits for the second, in seconds.
pub(crate) const SECOND_CLICK_SECS: f64 = 3.0;

/// Guards one button against a slip of the hand.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum HoldGate {
    /// Nothing was asked.
    #[default]
    Idle,
    /// Held down since then.
    Held { since_secs: f64 },
    /// Clicked once; a second click until then acts.
    Armed { until_secs: f64 },
    /// Held down for the second time, the first click having been in time.
    HeldAgain { since_secs: f64 },
    /// It acted; nothing more until the button is let go.
    Spent,
}

impl HoldGate {
    /// One look at the button: whether it is held down now, and whether a click was completed since the last look.
    /// True when the act shall happen.
    pub(crate) fn step(&mut self, now_secs: f64, down: bool, clicked: bool) -> bool {
        let held = |since_secs: f64| down && now_secs - since_secs >= HOLD_SECS;
        let (next, acts) = match *self {
            Self::Spent => (if down { Self::Spent } else { Self::Idle }, false),
            Self::Idle if down => (Self::Held { since_secs: now_secs }, false),
            Self::Idle if clicked => (Self::Armed { until_secs: now_secs + SECOND_CLICK_SECS }, false),
            Self::Idle => (Self::Idle, false),
            Self::Held { since_secs } | Self::HeldAgain { since_secs } if held(since_secs) => {
                (Self::Spent, true)
            }
            Self::Held { .. } | Self::HeldAgain { .. } if down => (*self, false),
            Self::Held { .. } if clicked => (Self::Armed { until_secs: now_secs + SECOND_CLICK_SECS }, false),
            Self::HeldAgain { .. } if clicked => (Self::Idle, true),
            Self::Held { .. } | Self::HeldAgain { .. } => (Self::Idle, false),
            Self::Armed { until_secs } if now_secs > until_secs => {
                if down {
                    (Self::Held { since_secs: now_secs }, false)
                } else if clicked {
                    (Self::Armed { until_secs: now_secs + SECOND_CLICK_SECS }, false)
                } else {
                    (Self::Idle, false)
                }
            }
            Self::Armed { .. } if down => (Self::HeldAgain { since_secs: now_secs }, false),
            Self::Armed { .. } if clicked => (Self::Idle, true),
            Self::Armed { .. } => (*self, false),
        };
        *self = next;
        acts
    }

    /// Whether a pointer or key holds the button down.
    pub(crate) const fn is_held(self) -> bool {
        matches!(self, Self::Held { .. } | Self::HeldAgain { .. })
    }

    /// Whether a second click would act.
    pub(crate) const fn is_armed(self) -> bool {
        matches!(self, Self::Armed { .. } | Self::HeldAgain { .. })
    }

    /// How much of the hold is done, 0 to 1.
    pub(crate) fn progress(self, now_secs: f64) -> f32 {
        match self {
            Self::Held { since_secs } | Self::HeldAgain { since_secs } => {
                ((now_secs - since_secs) / HOLD_SECS).clamp(0.0, 1.0) as f32
            }
            Self::Spent => 1.0,
            Self::Idle | Self::Armed { .. } => 0.0,
        }
    }

    /// When the window must look again by itself, in seconds from now.
    pub(crate) fn wakes_in_secs(self, now_secs: f64) -> Option<f64> {
        match self {
            // The growing bar: 30 pictures per second are enough.
            Self::Held { .. } | Self::HeldAgain { .. } => Some(1.0 / 30.0),
            Self::Armed { until_secs } => Some((until_secs - now_secs).max(0.0) + 0.01),
            Self::Idle | Self::Spent => None,
        }
    }

    /// Forgets a first click; a hold must begin anew.
    pub(crate) fn disarm(&mut self) {
        *self = if self.is_held() { Self::Spent } else { Self::Idle };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_acts_once() {
        let mut gate = HoldGate::default();
        assert!(!gate.step(10.0, true, false));
        assert!(!gate.step(10.59, true, false));
        assert!(gate.progress(10.3) > 0.4);
        assert!(gate.step(10.61, true, false));
        assert!(!gate.step(20.0, true, false), "held on: it does not act again");
        assert!(!gate.step(20.1, false, true), "letting go is no first click");
        assert_eq!(gate, HoldGate::Idle);
    }

    #[test]
    fn a_second_click_in_time_acts() {
        let mut gate = HoldGate::default();
        gate.step(1.0, true, false);
        assert!(!gate.step(1.1, false, true));
        assert!(gate.is_armed());
        gate.step(2.0, true, false);
        assert!(gate.step(2.1, false, true));
        assert_eq!(gate, HoldGate::Idle);
    }

    #[test]
    fn a_late_second_click_is_a_first_one() {
        let mut gate = HoldGate::default();
        assert!(!gate.step(1.0, false, true));
        assert!(!gate.step(4.5, false, true));
        assert!(gate.is_armed());
        assert!(gate.step(5.0, false, true));
    }

    #[test]
    fn sliding_off_the_button_forgets() {
        let mut gate = HoldGate::default();
        gate.step(1.0, true, false);
        assert!(!gate.step(1.3, false, false));
        assert_eq!(gate, HoldGate::Idle);
        gate.step(2.0, false, true);
        gate.step(2.5, true, false);
        assert!(!gate.step(2.6, false, false), "also when it was armed");
        assert_eq!(gate, HoldGate::Idle);
    }

    #[test]
    fn disarming_asks_for_a_new_press() {
        let mut gate = HoldGate::default();
        gate.step(1.0, true, false);
        gate.disarm();
        assert!(!gate.step(9.0, true, false));
        gate.step(9.1, false, true);
        gate.step(9.2, false, true);
        assert!(gate.is_armed());
        gate.disarm();
        assert_eq!(gate, HoldGate::Idle);
    }
}
