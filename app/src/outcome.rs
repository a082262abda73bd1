//! How the program ends: one clear sentence and its own exit code.

use control::{Problem, Severity};

/// Exit codes of the command line's contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, and accepted where something was to be accepted.
    Done,
    /// The command line was wrong.
    Usage,
    /// Refused by the service or its rules.
    Refused,
    /// Could not start.
    CouldNotStart,
    /// Started, and ended by a failure.
    Failed,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::CouldNotStart => 4,
            Self::Failed => 5,
        }
    }

    /// The exit with this code; codes that are none of ours are failures.
    pub(crate) fn from_code(code: u8) -> Self {
        [Self::Done, Self::Usage, Self::Refused, Self::CouldNotStart]
            .into_iter()
            .find(|exit| exit.code() == code)
            .unwrap_or(Self::Failed)
    }
}

/// An ending that is not [`Exit::Done`], with what a person is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) problem: Problem,
}

impl Failure {
    pub(crate) fn new(
        exit: Exit,
        code: &'static str,
        happened: impl Into<String>,
        done: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let problem = Problem {
            severity: Severity::Error,
            code,
            happened: happened.into(),
            done: done.into(),
            advice: advice.into(),
        };
        Self { exit, problem }
    }

    /// Something needed at the start is missing or wrong.
    pub(crate) fn could_not_start(
        code: &'static str,
        happened: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::new(Exit::CouldNotStart, code, happened, "Nothing was started.", advice)
    }

    /// The command line asks for something that makes no sense.
    pub(crate) fn usage(code: &'static str, happened: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, happened, "Nothing was started.", advice)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for Failure {}
