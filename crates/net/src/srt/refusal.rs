//! Why a peer hung up on a call.

use std::net::SocketAddr;
use std::time::Duration;

use ivs::SrtTarget;
use publish::Cause;

/// libsrt's own reasons (SRT API, "SRT_REJECT_REASON").
const BAD_SECRET: u32 = 10;
const UNSECURE: u32 = 11;
const TIMED_OUT: u32 = 16;

/// What the sink's words say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// All there is to know.
    Known(Cause),
    /// The peer refused; [`ask`] may find out more than this.
    Unclear(Cause),
    /// Nothing about the peer.
    Nothing,
}

/// Reads what the sink says: the reason in libsrt's words, behind which newer versions put the number, as in
/// `… Forbidden (1403)`.
pub(super) fn read(words: &str, had_passphrase: bool) -> Verdict {
    const INTRODUCTIONS: [&str; 2] = ["Error on SRT socket:", "Failed to authenticate:"];
    let Some(reason) = INTRODUCTIONS.iter().find_map(|start| words.rsplit_once(start)).map(|(_, said)| said)
    else {
        return Verdict::Nothing;
    };
    let number = reason.rsplit_once('(').and_then(|(_, behind)| behind.split_once(')'));
    let code = match number.and_then(|(number, _)| number.trim().parse().ok()) {
        Some(code) => Some(code),
        None if reason.contains("Incorrect passphrase") => Some(BAD_SECRET),
        None if reason.contains("Password required") => Some(UNSECURE),
        None if reason.contains("timeout") => Some(TIMED_OUT),
        None => None,
    };
    match code {
        // The caller's own library means by this that encryption was not agreed on, for whatever reason.
        Some(UNSECURE) if had_passphrase => Verdict::Unclear(Cause::PassphraseUnwanted),
        Some(code) => Verdict::Known(cause(code, had_passphrase)),
        None => Verdict::Unclear(refused("SRT", reason.trim())),
    }
}

/// What a code means; `had_passphrase` when one was given.
fn cause(code: u32, had_passphrase: bool) -> Cause {
    match code {
        BAD_SECRET => Cause::PassphraseWrong,
        UNSECURE if had_passphrase => Cause::PassphraseUnwanted,
        UNSECURE => Cause::PassphraseMissing,
        TIMED_OUT => Cause::ConnectTimedOut,
        _ => refused(&format!("SRT {code}"), meaning(code)),
    }
}

fn refused(code: &str, text: &str) -> Cause {
    Cause::Refused { code: String::from(code), text: String::from(text) }
}

/// Without a code: a peer that answers and hangs up does so at once.
pub(super) fn is_silence(after: Duration, answer_within: Duration) -> bool {
    after + Duration::from_millis(250) >= answer_within
}

/// What is known of a code: libsrt's own, and those that follow HTTP (SRT access control guidelines, "Error codes").
fn meaning(code: u32) -> &'static str {
    match code {
        2 => "the peer rejected the call",
        3 => "the peer has no room for it",
        4 | 6 => "the peer's SRT made a mistake",
        5 => "the peer has too many calls waiting",
        7 => "the peer is closing",
        8 => "the peer speaks another version of SRT",
        17 => "the peer encrypts in another way",
        1_400 => "it does not understand the stream id",
        1_401 => "it does not know this stream key",
        1_402 => "it is overloaded",
        1_403 => "this stream key may not publish here",
        1_404 => "there is no such channel",
        1_405 => "it takes no streams here",
        1_409 => "another stream is on this channel",
        1_500 => "it is in trouble",
        1_503 => "it is not ready for this stream",
        2_000.. => "the service gives a reason of its own",
        _ => "",
    }
}

/// Asks again to learn why, see [`super::question`]; `otherwise` when that is not to be learned.
pub(super) async fn ask(called: Option<SocketAddr>, target: &SrtTarget, otherwise: Cause) -> Cause {
    let Some(address) = called else { return otherwise };
    let code = super::question::ask(address, target).await;
    learned(code, target.passphrase.is_some(), otherwise)
}

/// What the answer means. The key of the question is noise, so a wrong passphrase is what a peer finds that minds nothing
/// else any more: then whatever it minded at first has passed, unless encryption was what that was about.
fn learned(code: Option<u32>, had_passphrase: bool, otherwise: Cause) -> Cause {
    match code {
        None => otherwise,
        Some(BAD_SECRET) if had_passphrase && otherwise != Cause::PassphraseUnwanted => otherwise,
        Some(code) => cause(code, had_passphrase),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(said: &str, had_passphrase: bool) -> Verdict {
        read(&format!("Failed to write to SRT socket: {said}"), had_passphrase)
    }

    #[test]
    fn what_has_passed_is_no_wrong_passphrase() {
        let busy = || refused("SRT", "rejected");
        assert_eq!(learned(Some(BAD_SECRET), true, busy()), busy());
        assert_eq!(learned(Some(BAD_SECRET), true, Cause::PassphraseUnwanted), Cause::PassphraseWrong);
        assert_eq!(learned(Some(1_409), true, busy()), cause(1_409, true));
        assert_eq!(learned(None, true, busy()), busy());
    }

    #[test]
    fn sinks_of_any_age_are_understood() {
        let known = |cause| Verdict::Known(cause);
        assert_eq!(
            words("Failed to authenticate: Incorrect passphrase", true),
            known(Cause::PassphraseWrong)
        );
        assert_eq!(
            words("Failed to authenticate: Incorrect passphrase (10)", true),
            known(Cause::PassphraseWrong)
        );
        let unexpected = "Failed to authenticate: Password required or unexpected";
        assert_eq!(words(unexpected, false), known(Cause::PassphraseMissing));
        assert_eq!(words(unexpected, true), Verdict::Unclear(Cause::PassphraseUnwanted));
        assert_eq!(words("Error on SRT socket: Connection timeout", true), known(Cause::ConnectTimedOut));
        let forbidden = words("Error on SRT socket: Application-defined rejection reason (1403)", false);
        assert!(matches!(&forbidden, Verdict::Known(Cause::Refused { code, .. }) if code == "SRT 1403"));
        let unclear = words("Error on SRT socket: Application-defined rejection reason", false);
        assert!(matches!(&unclear, Verdict::Unclear(Cause::Refused { code, .. }) if code == "SRT"));
        assert_eq!(words("Connection does not exist (7)", true), Verdict::Nothing);
    }

    #[test]
    fn silence_is_told_from_a_hang_up() {
        assert!(is_silence(Duration::from_millis(3_010), Duration::from_secs(3)));
        assert!(!is_silence(Duration::from_millis(400), Duration::from_secs(3)));
    }
}
