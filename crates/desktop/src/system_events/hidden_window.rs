//! The hidden window. It is a top-level window, never shown: windows that are for messages only are not told of the
//! session's end, of sleep and of devices (Microsoft, “Message-Only Windows”).
#![expect(unsafe_code, reason = "windows have a C interface only")]

use std::thread::JoinHandle;

use crossbeam_channel::{Sender, bounded};
use windows::Win32::Foundation::{
    ERROR_HOTKEY_ALREADY_REGISTERED, GetLastError, HWND, LPARAM, LRESULT, WIN32_ERROR, WPARAM,
};
use windows::Win32::System::LibraryLoader::GetModuleHandleW;
use windows::Win32::System::Shutdown::{ShutdownBlockReasonCreate, ShutdownBlockReasonDestroy};
use windows::Win32::UI::Input::KeyboardAndMouse::{
    HOT_KEY_MODIFIERS, MOD_ALT, MOD_CONTROL, MOD_NOREPEAT, MOD_SHIFT, MOD_WIN, RegisterHotKey,
    UnregisterHotKey,
};
use windows::Win32::UI::WindowsAndMessaging::{
    CreateWindowExW, DefWindowProcW, DestroyWindow, DispatchMessageW, ENDSESSION_CRITICAL, GetMessageW, MSG,
    PBT_APMRESUMEAUTOMATIC, PBT_APMSUSPEND, PostMessageW, PostQuitMessage, RegisterClassW, SMTO_ABORTIFHUNG,
    SMTO_NORMAL, SendMessageTimeoutW, WINDOW_EX_STYLE, WM_APP, WM_CLOSE, WM_DESTROY, WM_DEVICECHANGE,
    WM_ENDSESSION, WM_HOTKEY, WM_POWERBROADCAST, WM_QUERYENDSESSION, WNDCLASSW, WS_OVERLAPPED,
};
use windows::core::{HSTRING, PCWSTR, w};

use super::{Busy, ENDING_PATIENCE, Hotkeys, Reply, SUSPEND_PATIENCE, SystemEvent};
use crate::{Chord, Error};

/// The class of the window.
const CLASS: PCWSTR = w!("GenlockSystemEvents");
/// Registers a hotkey: its number, and the key with the modifiers above its eight bits. Answers 0, or the system's
/// error.
const REGISTER: u32 = WM_APP + 1;
/// Gives a hotkey back: its number.
const RELEASE: u32 = WM_APP + 2;
/// The set of devices changed (dbt.h).
const DBT_DEVNODES_CHANGED: usize = 0x0007;
/// How long a registration waits for the window's thread, in milliseconds: longer than the end of a session takes.
const REGISTER_MS: u32 = 5_000;

#[allow(
    clippy::missing_const_for_thread_local,
    reason = "it is const; for this target the lint does not see it"
)]
mod state {
    use std::cell::RefCell;

    thread_local! {
        /// What the window of this thread needs.
        pub(super) static STATE: RefCell<Option<super::State>> = const { RefCell::new(None) };
    }
}
use state::STATE;

struct State {
    tell: Sender<SystemEvent>,
    busy: Busy,
}

/// The window's handle as a number, which any thread may hold.
pub(super) type Address = isize;

/// The window and its thread.
#[derive(Debug)]
pub(super) struct Window {
    address: Address,
    thread: Option<JoinHandle<()>>,
}

impl Window {
    pub(super) fn open(title: &str, tell: Sender<SystemEvent>, busy: Busy) -> Result<Self, Error> {
        let title = title.to_owned();
        let (opened, is_open) = bounded(1);
        let thread = std::thread::Builder::new().name("system-events".into()).spawn(move || {
            STATE.set(Some(State { tell, busy }));
            match create(&title) {
                Ok(window) => {
                    let _ = opened.send(Ok(window.0 as Address));
                    pump();
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            }
        });
        let thread = thread.map_err(|error| Error::system("no thread for the system's messages", error))?;
        match is_open.recv() {
            Ok(Ok(address)) => Ok(Self { address, thread: Some(thread) }),
            Ok(Err(error)) => Err(Error::system("no window for the system's messages", error)),
            Err(_) => Err(Error::system("no window for the system's messages", "its thread ended")),
        }
    }

    pub(super) const fn address(&self) -> Address {
        self.address
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: a message without pointers; a window that is gone already refuses it.
        let _ = unsafe { PostMessageW(Some(handle(self.address)), WM_CLOSE, WPARAM(0), LPARAM(0)) };
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

const fn handle(address: Address) -> HWND {
    HWND(std::ptr::without_provenance_mut(address.cast_unsigned()))
}

fn create(title: &str) -> windows::core::Result<HWND> {
    let title = HSTRING::from(title);
    // SAFETY: the class is registered with a procedure of the right form that lives as long as the program; a second
    // registration fails and changes nothing. All texts end with a zero and outlive their calls.
    unsafe {
        let instance = GetModuleHandleW(None)?;
        let class = WNDCLASSW {
            lpfnWndProc: Some(hear),
            hInstance: instance.into(),
            lpszClassName: CLASS,
            ..WNDCLASSW::default()
        };
        RegisterClassW(&raw const class);
        CreateWindowExW(
            WINDOW_EX_STYLE(0),
            CLASS,
            PCWSTR(title.as_ptr()),
            WS_OVERLAPPED,
            0,
            0,
            0,
            0,
            None,
            None,
            Some(instance.into()),
            None,
        )
    }
}

fn pump() {
    let mut message = MSG::default();
    // SAFETY: `message` is a place for one message; the calls only pass it on. GetMessageW answers 0 for WM_QUIT and -1
    // for a mistake.
    unsafe {
        while GetMessageW(&raw mut message, None, 0, 0).0 > 0 {
            DispatchMessageW(&raw const message);
        }
    }
}

/// Hands an event over; whoever does not listen misses it.
fn tell(event: SystemEvent) {
    STATE.with_borrow(|state| {
        if let Some(state) = state
            && state.tell.try_send(event).is_err()
        {
            tracing::warn!("nobody hears what the system tells");
        }
    });
}

/// Hands an event over and waits until its reply is dropped.
fn tell_and_wait(make: fn(Reply) -> SystemEvent, patience: std::time::Duration) {
    let (reply, dropped) = Reply::pair();
    tell(make(reply));
    // Disconnected is the answer; a reply that is still held after that long comes too late anyway.
    let _ = dropped.recv_timeout(patience);
}

/// Why the session should not end now.
fn busy() -> Option<String> {
    STATE.with_borrow(|state| {
        let state = state.as_ref()?;
        state.busy.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    })
}

/// The number of a hotkey: one of 16 bits, as [`Hotkeys`] gives it.
fn number_of(wparam: WPARAM) -> i32 {
    i32::try_from(wparam.0).unwrap_or(i32::MAX)
}

/// The window's procedure. It must not unwind: nothing in it panics.
unsafe extern "system" fn hear(window: HWND, message: u32, wparam: WPARAM, lparam: LPARAM) -> LRESULT {
    match message {
        WM_QUERYENDSESSION => {
            let is_forced = lparam.0.cast_unsigned() as u32 & ENDSESSION_CRITICAL != 0;
            let Some(reason) = busy().filter(|_| !is_forced) else { return LRESULT(1) };
            let reason = HSTRING::from(reason);
            // SAFETY: `window` is ours and of this thread; the text ends with a zero and outlives the call.
            let _ = unsafe { ShutdownBlockReasonCreate(window, PCWSTR(reason.as_ptr())) };
            LRESULT(0)
        }
        WM_ENDSESSION => {
            if wparam.0 != 0 {
                tell_and_wait(SystemEvent::SessionEnding, ENDING_PATIENCE);
            }
            // SAFETY: `window` is ours and of this thread. Without a reason there is nothing to take back.
            let _ = unsafe { ShutdownBlockReasonDestroy(window) };
            LRESULT(0)
        }
        WM_POWERBROADCAST => {
            match u32::try_from(wparam.0) {
                Ok(PBT_APMSUSPEND) => tell_and_wait(SystemEvent::Suspending, SUSPEND_PATIENCE),
                Ok(PBT_APMRESUMEAUTOMATIC) => tell(SystemEvent::Resumed),
                _ => {}
            }
            LRESULT(1)
        }
        WM_DEVICECHANGE => {
            if wparam.0 == DBT_DEVNODES_CHANGED {
                tell(SystemEvent::DevicesChanged);
            }
            LRESULT(1)
        }
        WM_HOTKEY => {
            if let Ok(number) = u16::try_from(wparam.0) {
                tell(SystemEvent::Hotkey(number));
            }
            LRESULT(0)
        }
        REGISTER => {
            let (id, key) = (number_of(wparam), lparam.0.cast_unsigned() as u32 & 0xFF);
            let modifiers = HOT_KEY_MODIFIERS(lparam.0.cast_unsigned() as u32 >> 8);
            // SAFETY: `window` is ours and of this thread; no pointers. The last error is read before anything else
            // can set it.
            let answer = unsafe {
                let _ = UnregisterHotKey(Some(window), id);
                match RegisterHotKey(Some(window), id, modifiers, key) {
                    Ok(()) => 0usize,
                    Err(_) => GetLastError().0.max(1) as usize,
                }
            };
            LRESULT(answer.cast_signed())
        }
        RELEASE => {
            // SAFETY: as above.
            let _ = unsafe { UnregisterHotKey(Some(window), number_of(wparam)) };
            LRESULT(0)
        }
        WM_CLOSE => {
            // SAFETY: `window` is ours and of this thread.
            let _ = unsafe { DestroyWindow(window) };
            LRESULT(0)
        }
        WM_DESTROY => {
            // SAFETY: no pointers; the pump of this thread ends.
            unsafe { PostQuitMessage(0) };
            LRESULT(0)
        }
        // SAFETY: the message is passed on as it came.
        _ => unsafe { DefWindowProcW(window, message, wparam, lparam) },
    }
}

/// Asks the window's thread; `None` when it does not answer.
fn ask(address: Address, message: u32, wparam: usize, lparam: isize) -> Option<usize> {
    let mut answer = 0usize;
    // SAFETY: `answer` is a place for the answer and outlives the call; the message has no pointers. A window that is
    // gone makes the call fail.
    let sent = unsafe {
        SendMessageTimeoutW(
            handle(address),
            message,
            WPARAM(wparam),
            LPARAM(lparam),
            SMTO_NORMAL | SMTO_ABORTIFHUNG,
            REGISTER_MS,
            Some(&raw mut answer),
        )
    };
    (sent.0 != 0).then_some(answer)
}

pub(super) fn register(hotkeys: &Hotkeys, number: u16, chord: Chord) -> Result<(), Error> {
    let held = [
        (chord.ctrl, MOD_CONTROL),
        (chord.alt, MOD_ALT),
        (chord.shift, MOD_SHIFT),
        (chord.win, MOD_WIN),
        // One press is one act, however long it is held.
        (true, MOD_NOREPEAT),
    ];
    let modifiers = held.iter().filter(|(held, _)| *held).fold(0, |all, (_, one)| all | one.0);
    let packed = (modifiers << 8) | u32::from(chord.virtual_key());
    match ask(hotkeys.0, REGISTER, number.into(), (packed as usize).cast_signed()) {
        Some(0) => Ok(()),
        Some(code) if code == ERROR_HOTKEY_ALREADY_REGISTERED.0 as usize => {
            Err(Error::ChordTaken(chord.to_string()))
        }
        Some(code) => {
            let error = windows::core::Error::from(WIN32_ERROR(u32::try_from(code).unwrap_or(u32::MAX)));
            Err(Error::system("the keys could not be registered", error))
        }
        None => Err(Error::system("the keys could not be registered", "the window's thread does not answer")),
    }
}

pub(super) fn release(hotkeys: &Hotkeys, number: u16) {
    ask(hotkeys.0, RELEASE, number.into(), 0);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test")]
mod tests {
    use super::*;
    use crate::SystemEvents;
    use std::time::{Duration, Instant};
    use windows::Win32::UI::WindowsAndMessaging::SendMessageW;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Sends what the system sends, from a thread of its own as the system does.
    fn send(events: &SystemEvents, message: u32, wparam: usize, lparam: isize) -> JoinHandle<isize> {
        let address = events.window.address;
        let send = move || {
            // SAFETY: a message without pointers to our own window.
            unsafe { SendMessageW(handle(address), message, Some(WPARAM(wparam)), Some(LPARAM(lparam))).0 }
        };
        std::thread::Builder::new().name("the system".into()).spawn(send).unwrap()
    }

    #[test]
    fn the_session_ends_when_the_reply_is_dropped_and_not_before() {
        let (events, told) = SystemEvents::start("Genlock test").unwrap();
        let asked = send(&events, WM_QUERYENDSESSION, 0, 0).join().unwrap();
        assert_eq!(asked, 1, "nothing speaks against it");
        let ending = send(&events, WM_ENDSESSION, 1, 0);
        let SystemEvent::SessionEnding(reply) = told.recv_timeout(PATIENCE).unwrap() else {
            panic!("another event")
        };
        assert!(!ending.is_finished());
        drop(reply);
        ending.join().unwrap();
    }

    #[test]
    fn a_busy_program_asks_the_person_first_unless_the_system_insists() {
        let (events, told) = SystemEvents::start("Genlock test").unwrap();
        events.set_busy(Some("You are live."));
        assert_eq!(send(&events, WM_QUERYENDSESSION, 0, 0).join().unwrap(), 0);
        // The person stayed: the session does not end, and nobody is told that it does.
        send(&events, WM_ENDSESSION, 0, 0).join().unwrap();
        assert_eq!(
            send(&events, WM_QUERYENDSESSION, 0, (ENDSESSION_CRITICAL as usize).cast_signed())
                .join()
                .unwrap(),
            1
        );
        events.set_busy(None);
        assert_eq!(send(&events, WM_QUERYENDSESSION, 0, 0).join().unwrap(), 1);
        assert!(told.is_empty());
    }

    #[test]
    fn an_end_that_nobody_answers_is_not_held_up_for_ever() {
        let (events, told) = SystemEvents::start("Genlock test").unwrap();
        let begun = Instant::now();
        let ending = send(&events, WM_POWERBROADCAST, PBT_APMSUSPEND as usize, 0);
        let event = told.recv_timeout(PATIENCE).unwrap();
        ending.join().unwrap();
        assert!(begun.elapsed() >= SUSPEND_PATIENCE, "{event:?}");
    }

    #[test]
    fn sleep_waking_and_devices_are_told() {
        let (events, told) = SystemEvents::start("Genlock test").unwrap();
        let suspending = send(&events, WM_POWERBROADCAST, PBT_APMSUSPEND as usize, 0);
        let SystemEvent::Suspending(reply) = told.recv_timeout(PATIENCE).unwrap() else {
            panic!("another event")
        };
        drop(reply);
        suspending.join().unwrap();
        send(&events, WM_POWERBROADCAST, PBT_APMRESUMEAUTOMATIC as usize, 0).join().unwrap();
        assert!(matches!(told.recv_timeout(PATIENCE).unwrap(), SystemEvent::Resumed));
        send(&events, WM_DEVICECHANGE, DBT_DEVNODES_CHANGED, 0).join().unwrap();
        assert!(matches!(told.recv_timeout(PATIENCE).unwrap(), SystemEvent::DevicesChanged));
    }

    #[test]
    fn a_chord_that_another_window_holds_is_refused_in_words_and_free_again_later() {
        let (one, _told_one) = SystemEvents::start("Genlock test").unwrap();
        let (two, told_two) = SystemEvents::start("Genlock test").unwrap();
        let chord: Chord = "Ctrl+Alt+Shift+F23".parse().unwrap();
        one.hotkeys().register(1, chord).unwrap();
        let refused = two.hotkeys().register(7, chord).unwrap_err();
        assert!(matches!(refused, Error::ChordTaken(_)), "{refused}");
        assert_eq!(refused.to_string(), "another program holds Ctrl+Alt+Shift+F23");
        one.hotkeys().release(1);
        two.hotkeys().register(7, chord).unwrap();
        send(&two, WM_HOTKEY, 7, 0).join().unwrap();
        assert!(matches!(told_two.recv_timeout(PATIENCE).unwrap(), SystemEvent::Hotkey(7)));
        // A new chord in the place of the old one gives that back.
        two.hotkeys().register(7, "Ctrl+Alt+Shift+F22".parse().unwrap()).unwrap();
        one.hotkeys().register(1, chord).unwrap();
    }
}
