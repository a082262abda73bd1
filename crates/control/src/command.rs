//! What can be asked of the engine.

use scene::{ItemId, SceneId, SourceId, SourceKind};
use units::Secret;

use crate::{Answer, CheckTarget, HotkeyAct, Pick, Preferences, Problem, ServerChoice};

/// How the programme goes from one scene to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionKind {
    /// At the next frame.
    Cut,
    /// The new scene grows over the old one.
    Fade,
    /// Items that both scenes share glide to their new places; others fade.
    Move,
}

/// A wish. The engine answers with a change of the View, and with an Event where there is news.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Show a scene, with the chosen transition.
    SwitchScene(SceneId),
    /// Choose the transition for the next switches.
    SetTransition {
        /// How.
        kind: TransitionKind,
        /// How long, in milliseconds, 0 to 10000; cuts ignore it.
        duration_ms: u32,
    },
    /// Show or hide an item.
    SetItemVisible {
        /// The item.
        item: ItemId,
        /// Whether it is shown.
        visible: bool,
    },
    /// Mute or unmute a source.
    SetMuted {
        /// The source.
        source: SourceId,
        /// Whether it is silent.
        muted: bool,
    },
    /// Mute all microphones where one can be heard; else let all be heard.
    ToggleMicrophones,
    /// Change a source's loudness: a multiplier from 0 to 2.
    SetGain {
        /// The source.
        source: SourceId,
        /// 0 to 2.
        gain: f32,
    },
    /// Delay a source's sound, in milliseconds, 0 to 2000.
    SetDelay {
        /// The source.
        source: SourceId,
        /// 0 to 2000.
        delay_ms: u32,
    },
    /// Take a source from elsewhere, or differently: another display, without the mouse pointer.
    ChangeSource {
        /// The source.
        source: SourceId,
        /// What it shows or plays from now on.
        kind: SourceKind,
    },
    /// Look what there is to take sources from; may take seconds.
    LookForDevices,
    /// Take back the last edit of the collection.
    Undo,
    /// Do again what was taken back.
    Redo,
    /// Change what is wanted of the ladder. A stream on air keeps its ladder.
    SetPreferences(Preferences),
    /// Choose the server for the next stream.
    ChooseServer(ServerChoice),
    /// Fetch the list of servers again.
    RefreshServers,
    /// Set the stream key for the next stream.
    SetStreamKey(Secret),
    /// Remember the stream key, this one and those to come, in the desktop's store; or forget it there.
    RememberStreamKey(bool),
    /// Get ready to go live: ask for the ladder and try every encoder with it. Nobody sees anything.
    PrepareLive,
    /// Stop getting ready.
    CancelPrepare,
    /// Answer a question of the View. One that is no longer asked is ignored.
    Answer {
        /// The number of the question.
        question: u64,
        /// The answer, one of those it offers, or [`Answer::Cancel`].
        answer: Answer,
    },
    /// Go live to the destination that was set up, with what [`Command::PrepareLive`] made ready, or making it ready
    /// first.
    GoLive,
    /// End the broadcast at every destination: FCUnpublish, close, within two seconds. Where another sender took the
    /// channel, leave it to them.
    StopLive,
    /// Reconnect to a destination at once, also where it was given up while the broadcast goes on elsewhere.
    RetryNow(u32),
    /// Stop reconnecting to a destination. Other destinations go on.
    GiveUp(u32),
    /// Take the channel over from another computer, or back: what [`Command::GoLive`] does, in place of the stream that
    /// is on air. The other one need not be asked.
    TakeOver,
    /// Renew key and stream of the main destination now, at the next IDR.
    RenewNow,
    /// Make a code that pairs another computer with this one: channel, ladder and last priority.
    OfferPairing {
        /// The stream key goes with it.
        with_key: bool,
    },
    /// Pair this computer by a code that another one made. It may hold a key.
    UsePairing(Secret),
    /// Forget the other computer.
    ForgetPairing,
    /// Send the broadcast to one more destination.
    AddDestination {
        /// What the person calls it; empty for its host.
        name: String,
        /// Its whole address, RTMP, RTMPS or SRT, with key or passphrase.
        address: Secret,
    },
    /// Send to this destination no more, and forget it. The main one can not be removed.
    RemoveDestination(u32),
    /// Find out what the network carries. On air this is refused.
    CheckNetwork(CheckTarget),
    /// End the network check without a result.
    CancelNetworkCheck,
    /// Find out what this PC can do: try every encoder and list every device. On air this is refused.
    ExamineMachine,
    /// Start the recording.
    StartRecording,
    /// Finish the recording's file.
    StopRecording,
    /// Record into this folder from the next file on.
    SetRecordingFolder(std::path::PathBuf),
    /// Open the desktop's dialog for this. What was picked comes as a command of its own.
    Pick(Pick),
    /// Open the folder of the recordings in the desktop's file manager.
    OpenRecordings,
    /// Give an act a key that works from anywhere, such as `Ctrl+Alt+F9`; an empty text takes it away.
    SetHotkey {
        /// What it does.
        act: HotkeyAct,
        /// The chord.
        chord: String,
    },
    /// The computer goes to sleep: close the recording's file.
    PrepareSleep,
    /// The computer is awake again: reconnect, record on, look for devices.
    WakeUp,
    /// Devices came or went: try those again that could not be opened.
    DevicesChanged,
    /// Tell the person something that was met outside of the engine.
    Tell(Problem),
    /// A problem has been read.
    DismissProblem(u64),
    /// Somebody tried to close the window while the stream is on air: tell them.
    WarnStillLive,
    /// End the program, after closing stream and files.
    Quit,
}
