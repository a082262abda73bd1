//! What went wrong, in words a person can do something with.

use std::fmt;

use nvenc_api::Status;

/// A call that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Name of the function.
    pub(crate) call: &'static str,
    /// What it returned.
    pub(crate) status: Status,
    /// The driver's own words, where it had any.
    pub(crate) words: String,
}

impl Failure {
    /// What it means and what can be done about it.
    fn advice(&self) -> &'static str {
        match (self.status, self.call) {
            // Consumer GPUs refuse sessions beyond a number of their own with one of these two.
            (Status::OUT_OF_MEMORY | Status::INCOMPATIBLE_CLIENT_KEY, "NvEncOpenEncodeSessionEx") => {
                "the GPU takes no more encoders at once: close other programs that record or stream, use fewer \
                 renditions, or update the driver, since newer ones allow more"
            }
            (Status::NO_ENCODE_DEVICE | Status::UNSUPPORTED_DEVICE, _) => {
                "this GPU has no encoder that can be used; another encoder has to be used"
            }
            (Status::INVALID_DEVICE | Status::INVALID_ENCODERDEVICE | Status::DEVICE_NOT_EXIST, _) => {
                "the GPU is gone: its driver was restarted or updated, or the computer was asleep"
            }
            (Status::OUT_OF_MEMORY, _) => {
                "the GPU is out of memory: close games or programs that use it, or lower the picture size"
            }
            (Status::INCOMPATIBLE_CLIENT_KEY, _) => "the driver refuses this program; update the driver",
            (Status::UNSUPPORTED_PARAM | Status::INVALID_PARAM, _) => {
                "this GPU or driver does not take one of the settings: update the driver, or use another encoder"
            }
            (Status::INVALID_VERSION, _) => "the driver is too old for this program: update the driver",
            (Status::UNIMPLEMENTED, _) => "this driver does not do it: update the driver",
            (Status::LOCK_BUSY | Status::ENCODER_BUSY, _) => {
                "the GPU is too busy: limit the frame rate of the game, or use fewer renditions"
            }
            (Status::NOT_ENOUGH_BUFFER | Status::NEED_MORE_OUTPUT, _) => {
                "a picture was larger than there was room for; the encoder is started again"
            }
            (
                Status::MAP_FAILED
                | Status::RESOURCE_REGISTER_FAILED
                | Status::RESOURCE_NOT_REGISTERED
                | Status::RESOURCE_NOT_MAPPED,
                _,
            ) => "the driver did not take a picture from the GPU; pictures from memory have to be used",
            (
                Status::INVALID_PTR
                | Status::INVALID_EVENT
                | Status::INVALID_CALL
                | Status::ENCODER_NOT_INITIALIZED
                | Status::EVENT_NOT_REGISTERD,
                _,
            ) => "this is a fault of Genlock; please report it",
            _ => "the driver says no more: restart the computer, or update the driver, if it happens again",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}: ", self.advice(), self.call)?;
        match self.status.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "status {}", self.status.0)?,
        }
        if !self.words.is_empty() {
            write!(f, ", “{}”", self.words)?;
        }
        f.write_str(")")
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(call: &'static str, status: Status) -> String {
        Failure { call, status, words: String::new() }.to_string()
    }

    #[test]
    fn every_status_is_a_sentence_and_unknown_ones_too() {
        for status in 1..=40 {
            let words = sentence("NvEncEncodePicture", Status(status));
            assert!(words.len() > 60 && words.contains("NvEncEncodePicture: "), "{words}");
        }
        assert!(sentence("NvEncEncodePicture", Status(33)).ends_with("(NvEncEncodePicture: status 33)"));
    }

    #[test]
    fn a_full_gpu_says_what_to_close_and_out_of_memory_elsewhere_does_not() {
        for status in [Status::OUT_OF_MEMORY, Status::INCOMPATIBLE_CLIENT_KEY] {
            assert!(
                sentence("NvEncOpenEncodeSessionEx", status).starts_with("the GPU takes no more encoders")
            );
            assert!(!sentence("NvEncInitializeEncoder", status).contains("encoders at once"));
        }
        let failure =
            Failure { call: "NvEncLockBitstream", status: Status::GENERIC, words: "it burns".to_owned() };
        assert!(failure.to_string().ends_with("(NvEncLockBitstream: GENERIC, “it burns”)"));
    }
}
