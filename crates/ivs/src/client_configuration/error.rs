//! What can be wrong with an answer: always the service's fault.

/// Why an answer of GetClientConfiguration or FindIngest could not be read. Paths are written like
/// `encoder_configurations[1].width`; no value of the answer is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// The service answered with something that is not JSON.
    #[error("the answer is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line of the first fault, from 1.
        line: usize,
        /// Column of the first fault, from 1.
        column: usize,
    },
    /// The service answered with more than any configuration needs.
    #[error("the answer has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The largest that is read.
        limit: usize,
    },
    /// The service left out what must be there.
    #[error("{path} is missing in the answer")]
    Missing {
        /// Where.
        path: String,
    },
    /// The service gave a value of another type.
    #[error("{path} in the answer is {found}, not {expected}")]
    WrongType {
        /// Where.
        path: String,
        /// What belongs there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The service gave a value that can not be.
    #[error("{path} in the answer is not {expected}")]
    OutOfRange {
        /// Where.
        path: String,
        /// What belongs there.
        expected: &'static str,
    },
}
