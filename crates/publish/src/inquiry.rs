//! Why a question to the service's control plane got no answer: whose fault, and what a person can do.

use std::fmt;

use crate::{Cause, Failure, Fault, Stage};

/// Why, without whom was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InquiryCause {
    /// The address can not be asked; what is wrong with it.
    Address(&'static str),
    /// This computer can not ask; why.
    Machine(String),
    /// The connection failed.
    Transport(Failure),
    /// Connected, and no answer in time.
    NoAnswer,
    /// Something answered that does not speak HTTP; what was found.
    NotHttp(String),
    /// The service said no by an HTTP status.
    Refused {
        /// 300 to 599.
        status: u16,
    },
    /// The answer is longer than any that makes sense.
    TooLong {
        /// Bytes that would have been read.
        limit: usize,
    },
    /// An answer came and means nothing; where and why, without any value of it.
    Malformed(String),
    /// We were asked to stop asking.
    Cancelled,
}

/// A question without an answer. `Display` is [`InquiryFailure::happened`]. Holds no stream key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InquiryFailure {
    /// What was asked for, such as "the stream configuration".
    pub subject: &'static str,
    /// Who was asked.
    pub host: String,
    /// How often.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub cause: InquiryCause,
}

impl InquiryFailure {
    /// Whether the same question may well be answered a moment later: nothing came, or the service is in trouble
    /// (429 and 5xx; RFC 6585, 4, and RFC 9110, 15.6). Whoever said no, or answered nonsense, does so again; and so does
    /// whoever is not who was to be asked.
    pub const fn is_passing(&self) -> bool {
        match &self.cause {
            InquiryCause::Transport(failure) => !matches!(
                failure.cause,
                Cause::NameNotFound
                    | Cause::ConnectForbidden
                    | Cause::NotTls(_)
                    | Cause::UntrustedIssuer
                    | Cause::WrongName { .. }
                    | Cause::CertificateExpired
                    | Cause::CertificateNotYetValid
                    | Cause::CertificateRefused(_)
                    | Cause::TlsRefused(_)
            ),
            InquiryCause::NoAnswer => true,
            InquiryCause::Refused { status } => *status == 429 || *status >= 500,
            _ => false,
        }
    }

    /// A short name for reports and scripts; never changes its meaning.
    pub const fn code(&self) -> &'static str {
        match &self.cause {
            InquiryCause::Address(_) => "inquiry.address",
            InquiryCause::Machine(_) => "inquiry.machine",
            InquiryCause::Transport(_) => "inquiry.transport",
            InquiryCause::NoAnswer => "inquiry.no_answer",
            InquiryCause::NotHttp(_) => "inquiry.not_http",
            InquiryCause::Refused { .. } => "inquiry.refused",
            InquiryCause::TooLong { .. } => "inquiry.too_long",
            InquiryCause::Malformed(_) => "inquiry.malformed",
            InquiryCause::Cancelled => "inquiry.cancelled",
        }
    }

    /// Who has to change something.
    pub fn fault(&self) -> Fault {
        match &self.cause {
            InquiryCause::Address(_) | InquiryCause::Cancelled => Fault::Settings,
            InquiryCause::Machine(_) => Fault::Machine,
            InquiryCause::Transport(failure) => failure.fault(),
            InquiryCause::NoAnswer | InquiryCause::NotHttp(_) => Fault::Network,
            // The service could not make sense of what we asked.
            InquiryCause::Refused { status: 400 | 405 | 406 | 411 | 413 | 415 | 422 } => Fault::Genlock,
            InquiryCause::Refused { status: 404 | 410 | 300..=399 } => Fault::Settings,
            InquiryCause::Refused { .. } => Fault::Service,
            InquiryCause::TooLong { .. } | InquiryCause::Malformed(_) => Fault::Peer,
        }
    }

    /// What happened, in one sentence for a person.
    pub fn happened(&self) -> String {
        let Self { subject, host, .. } = self;
        match &self.cause {
            InquiryCause::Address(why) => format!("The address to ask for {subject} can not be used: {why}."),
            InquiryCause::Machine(why) => format!("This computer can not ask {host} for {subject}: {why}."),
            InquiryCause::Transport(failure) => failure.happened(),
            InquiryCause::NoAnswer => format!("{host} did not answer when asked for {subject}."),
            InquiryCause::NotHttp(why) => {
                format!("{host} answered in something that is not HTTP when asked for {subject}: {why}.")
            }
            InquiryCause::Refused { status: 400 } => {
                format!("{host} did not understand how Genlock asks for {subject} (HTTP 400).")
            }
            InquiryCause::Refused { status: status @ (401 | 403) } => {
                format!("{host} does not give {subject} for this stream key (HTTP {status}).")
            }
            InquiryCause::Refused { status: 429 } => {
                format!("{host} is asked for {subject} too often (HTTP 429).")
            }
            InquiryCause::Refused { status: status @ 300..=399 } => {
                format!("{host} points to another address for {subject} (HTTP {status}).")
            }
            InquiryCause::Refused { status: status @ 500.. } => {
                format!("{host} is in trouble and gives no answer about {subject} (HTTP {status}).")
            }
            InquiryCause::Refused { status } => format!("{host} refused to give {subject} (HTTP {status})."),
            InquiryCause::TooLong { limit } => {
                format!("{host} answered with more than {limit} bytes when asked for {subject}.")
            }
            InquiryCause::Malformed(why) => {
                format!("{host} answered about {subject}, but not in the agreed form: {why}.")
            }
            InquiryCause::Cancelled => format!("Asking {host} for {subject} was cancelled."),
        }
    }

    /// What we did about it, in one sentence for a person.
    pub fn done(&self) -> String {
        match (&self.cause, self.attempts) {
            (InquiryCause::Address(_) | InquiryCause::Machine(_), _) => String::from("Nothing was sent."),
            (InquiryCause::Cancelled, _) => String::from("We stopped asking."),
            (InquiryCause::Transport(failure), _) if !self.is_passing() => {
                String::from(match failure.stage {
                    Stage::Tls => "We closed the connection before anything was asked.",
                    _ => "Nothing was sent.",
                })
            }
            (_, 0 | 1) if self.is_passing() => String::from("We asked once; there was no time to ask again."),
            (_, attempts) if self.is_passing() => format!("We asked {attempts} times and gave up."),
            _ => String::from("We did not ask again: the answer would be the same."),
        }
    }

    /// What a person can do, in one or two sentences.
    pub fn advice(&self) -> &'static str {
        match &self.cause {
            InquiryCause::Address(_) => "Check the address in the settings; it has to begin with https://.",
            InquiryCause::Machine(_) => "Check the CA file and this computer's certificates.",
            InquiryCause::Transport(failure) => match &failure.cause {
                // Those speak of ingest addresses and their ports.
                Cause::NameNotFound => {
                    "Check the address, letter by letter, and that this computer is online."
                }
                Cause::ConnectRefused => "Check the address and its port; try again in a moment.",
                Cause::ConnectTimedOut => {
                    "A firewall on the way may swallow the connection: ask whoever runs the network."
                }
                Cause::NotTls(_) => {
                    "A proxy or the sign-in page of a guest network may stand in between: sign in with a browser, or \
                     check the port."
                }
                _ => failure.advice(),
            },
            InquiryCause::NoAnswer => {
                "Try again in a moment; if it stays like this, the service is in trouble or a firewall holds its \
                 answers back."
            }
            InquiryCause::NotHttp(_) => "Check the address and its port; something else answers there.",
            InquiryCause::Refused { status: 401 | 403 } => {
                "Copy the stream key again from the IVS console, and check that the channel allows multitrack video."
            }
            InquiryCause::Refused { status: 404 | 410 | 300..=399 } => "Check the address in the settings.",
            InquiryCause::Refused { status: 429 | 500.. } => "Try again in a minute.",
            InquiryCause::Refused { .. } => {
                "Check the stream key and the preferences; if they are right, please report this with the log."
            }
            InquiryCause::TooLong { .. } | InquiryCause::Malformed(_) => {
                "Check the address; if it is right, this version of Genlock may be too old for the service."
            }
            InquiryCause::Cancelled => "Ask again when you are ready.",
        }
    }
}

impl fmt::Display for InquiryFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.happened())
    }
}

impl std::error::Error for InquiryFailure {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Answer;

    fn failure(cause: InquiryCause, attempts: u32) -> InquiryFailure {
        InquiryFailure {
            subject: "the stream configuration",
            host: String::from("ingest.example"),
            attempts,
            cause,
        }
    }

    fn transport(stage: Stage, cause: Cause) -> InquiryCause {
        let host = String::from("ingest.example");
        InquiryCause::Transport(Failure { host, port: 443, stage, cause })
    }

    #[test]
    fn tells_a_refusal_from_nonsense_and_from_silence() {
        for (cause, attempts, fault, happened, done) in [
            (
                InquiryCause::Refused { status: 400 },
                1,
                Fault::Genlock,
                "ingest.example did not understand how Genlock asks for the stream configuration (HTTP 400).",
                "We did not ask again: the answer would be the same.",
            ),
            (
                InquiryCause::Refused { status: 503 },
                3,
                Fault::Service,
                "ingest.example is in trouble and gives no answer about the stream configuration (HTTP 503).",
                "We asked 3 times and gave up.",
            ),
            (
                InquiryCause::Malformed(String::from("meta.config_id in the answer is a number, not a text")),
                1,
                Fault::Peer,
                "ingest.example answered about the stream configuration, but not in the agreed form: meta.config_id \
                 in the answer is a number, not a text.",
                "We did not ask again: the answer would be the same.",
            ),
            (
                InquiryCause::NoAnswer,
                1,
                Fault::Network,
                "ingest.example did not answer when asked for the stream configuration.",
                "We asked once; there was no time to ask again.",
            ),
            (
                transport(Stage::Connect, Cause::ConnectRefused),
                4,
                Fault::Settings,
                "ingest.example refused the connection on port 443.",
                "We asked 4 times and gave up.",
            ),
            (
                transport(Stage::Tls, Cause::UntrustedIssuer),
                1,
                Fault::Settings,
                "The certificate of ingest.example was issued by somebody whom this computer does not trust.",
                "We closed the connection before anything was asked.",
            ),
        ] {
            let failure = failure(cause, attempts);
            assert_eq!((failure.fault(), &*failure.happened(), &*failure.done()), (fault, happened, done));
        }
    }

    #[test]
    fn nothing_that_is_asked_here_is_called_an_ingest_address_or_rtmp() {
        let causes = [
            Cause::NameNotFound,
            Cause::NameTimedOut,
            Cause::ConnectRefused,
            Cause::Unreachable,
            Cause::ConnectTimedOut,
            Cause::NotTls(Answer::Nothing),
            Cause::TlsClosed,
            Cause::CertificateExpired,
            Cause::Lost(String::from("it was closed")),
        ];
        for cause in causes {
            let failure = failure(transport(Stage::Connect, cause), 2);
            let words = format!("{} {} {}", failure.happened(), failure.done(), failure.advice());
            assert!(
                !words.contains("rtmp") && !words.contains("RTMP") && !words.contains("ingest address"),
                "{words}"
            );
        }
    }
}
