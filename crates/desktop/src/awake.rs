//! No sleep in the middle of a show: a wish to Windows, with its reason, held while it is needed. `powercfg /requests`
//! shows it with the reason.
//!
//! The display is kept on only where it is captured: nobody else needs its light. Other systems are asked nothing;
//! their desktops do not sleep while sound plays or are told by the person.

#[cfg(windows)]
mod windows_request;

/// The wish not to sleep; taken back when it is dropped.
#[derive(Debug)]
pub struct Awake {
    #[cfg(windows)]
    _request: windows_request::Held,
    keeps_display: bool,
}

impl Awake {
    /// Asks that the computer stays awake because of `reason`, one plain sentence, and the display with it where
    /// `display` says so.
    ///
    /// # Errors
    /// [`crate::Error::System`] when the system refuses, [`crate::Error::NotHere`] where there is nobody to ask.
    #[cfg(windows)]
    pub fn hold(reason: &str, display: bool) -> Result<Self, crate::Error> {
        Ok(Self { _request: windows_request::Held::ask(reason, display)?, keeps_display: display })
    }

    /// Asks that the computer stays awake because of `reason`, one plain sentence, and the display with it where
    /// `display` says so.
    ///
    /// # Errors
    /// [`crate::Error::System`] when the system refuses, [`crate::Error::NotHere`] where there is nobody to ask.
    #[cfg(not(windows))]
    pub fn hold(_reason: &str, _display: bool) -> Result<Self, crate::Error> {
        Err(crate::Error::NotHere("sleep is for the desktop's own settings to prevent here"))
    }

    /// Whether the display is kept on too.
    pub const fn keeps_display(&self) -> bool {
        self.keeps_display
    }
}

#[cfg(windows)]
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn the_wish_is_taken_and_given_back() {
        for display in [false, true] {
            let awake = Awake::hold("A test is running.", display).unwrap();
            assert_eq!(awake.keeps_display(), display);
        }
    }
}
