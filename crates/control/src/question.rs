//! Questions that only the person can answer.

/// An answer to choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Go on in spite of it.
    Continue,
    /// Leave it.
    Cancel,
    /// Go on with a single rendition.
    SingleTrack,
    /// Do it once more.
    TryAgain,
}

/// Something that the engine waits for. It waits as long as it takes, and nothing public happens meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Names it in [`Command::Answer`](crate::Command::Answer).
    pub id: u64,
    /// A few words.
    pub title: String,
    /// Plain sentences; a service's words without their markup.
    pub text: String,
    /// Words and http or https address of each link in the text. Nothing is opened unless the person says so.
    pub links: Vec<(String, String)>,
    /// What can be answered. [`Answer::Cancel`] is always possible, and is what Escape answers.
    pub answers: Vec<Answer>,
}
