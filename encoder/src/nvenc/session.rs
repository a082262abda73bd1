//! One session of the driver: every call of the function table that we make, each as a safe function.
//!
//! A session belongs to the thread that opened it, which alone calls it (programming guide, “Threading model”: calls for
//! one session may not overlap, but for the reading of finished access units). What the driver is told by address lives in
//! the session or until the call returns.
#![expect(unsafe_code, reason = "functions of the driver are called")]

use std::ffi::{CStr, c_void};
use std::sync::Arc;

use nvenc_api::{
    API_VERSION, CapsParam, Config, CreateBitstreamBuffer, CreateInputBuffer, FORMAT_NV12, Guid,
    InitializeParams, LockBitstream, LockInputBuffer, OpenSession, PicParams, PresetConfig, RcParams,
    ReconfigureParams, Status,
};
#[cfg(windows)]
use nvenc_api::{MapInputResource, RegisterResource};
use units::VideoFrame;

use super::device::Device;
use super::failure::Failure;
use super::library::Driver;

/// An address the driver gave out; means something only to the session it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle(pub(super) *mut c_void);

/// An open session. Dropping it ends it; whatever it made must have been given back before.
pub(super) struct Session {
    driver: Arc<Driver>,
    session: *mut c_void,
    /// What the session was readied with, for changes; the driver reads the settings through a pointer.
    ready: Option<Box<(InitializeParams, Config)>>,
    /// The session must end before its device.
    _device: Device,
}

/// A function of the table, or the failure that stands for its absence.
fn call_of<T>(function: Option<T>, call: &'static str) -> Result<T, Failure> {
    function.ok_or(Failure { call, status: Status::UNIMPLEMENTED, words: String::new() })
}

impl Session {
    /// Opens a session on `device`.
    ///
    /// # Errors
    /// The driver's refusal: too many sessions above all.
    pub(super) fn open(driver: Arc<Driver>, device: Device) -> Result<Self, Failure> {
        let call = "NvEncOpenEncodeSessionEx";
        let function = call_of(driver.table.open_session_ex, call)?;
        let mut params = OpenSession {
            version: OpenSession::VERSION,
            device_type: device.kind(),
            device: device.pointer(),
            api_version: API_VERSION,
            ..OpenSession::default()
        };
        let mut session = std::ptr::null_mut();
        // SAFETY: both pointers are to local variables; the device is kept for as long as the session.
        let status = unsafe { function(&raw mut params, &raw mut session) };
        let opened = Self { driver, session, ready: None, _device: device };
        if status != Status::SUCCESS || session.is_null() {
            // Also a session that could not be opened may have been made, and counts against the limit until it is
            // ended; `drop` does so where there is one.
            return Err(opened.failure(call, status));
        }
        Ok(opened)
    }

    fn failure(&self, call: &'static str, status: Status) -> Failure {
        let words = match self.driver.table.last_error {
            Some(last_error) if !self.session.is_null() => {
                // SAFETY: the session is open, and the text lives until the next call for it.
                unsafe {
                    let text = last_error(self.session);
                    if text.is_null() {
                        String::new()
                    } else {
                        CStr::from_ptr(text).to_string_lossy().into_owned()
                    }
                }
            }
            _ => String::new(),
        };
        Failure { call, status, words }
    }

    fn check(&self, call: &'static str, status: Status) -> Result<(), Failure> {
        if status == Status::SUCCESS { Ok(()) } else { Err(self.failure(call, status)) }
    }

    /// The codes that the chip makes.
    pub(super) fn codes(&self) -> Result<Vec<Guid>, Failure> {
        let call = "NvEncGetEncodeGUIDs";
        let count = call_of(self.driver.table.encode_guid_count, call)?;
        let list = call_of(self.driver.table.encode_guids, call)?;
        let mut room = 0u32;
        // SAFETY: the pointer is to a local variable.
        self.check(call, unsafe { count(self.session, &raw mut room) })?;
        let mut codes = vec![Guid::default(); usize::try_from(room.min(64)).unwrap_or(0)];
        let mut found = 0u32;
        let room = u32::try_from(codes.len()).unwrap_or(0);
        // SAFETY: the list has room for as many as is said.
        self.check(call, unsafe { list(self.session, codes.as_mut_ptr(), room, &raw mut found) })?;
        codes.truncate(usize::try_from(found).unwrap_or(0));
        Ok(codes)
    }

    /// What the chip can do with `code`. What the driver does not know it can not do.
    pub(super) fn capability(&self, code: Guid, capability: u32) -> u32 {
        let Some(function) = self.driver.table.encode_caps else { return 0 };
        let mut param = CapsParam { version: CapsParam::VERSION, caps: capability, ..CapsParam::default() };
        let mut value = 0;
        // SAFETY: both pointers are to local variables.
        let status = unsafe { function(self.session, code, &raw mut param, &raw mut value) };
        if status == Status::SUCCESS { u32::try_from(value).unwrap_or(0) } else { 0 }
    }

    /// What a preset means with a tuning.
    pub(super) fn preset(&self, code: Guid, preset: Guid, tuning: u32) -> Result<Config, Failure> {
        let call = "NvEncGetEncodePresetConfigEx";
        let function = call_of(self.driver.table.preset_config_ex, call)?;
        let mut made = Box::new(PresetConfig { version: PresetConfig::VERSION, ..PresetConfig::default() });
        made.config.version = Config::VERSION;
        made.config.rc.version = RcParams::VERSION;
        // SAFETY: the pointer is to a structure of the size that its version word says.
        self.check(call, unsafe { function(self.session, code, preset, tuning, &raw mut *made) })?;
        Ok(made.config)
    }

    /// Readies the session.
    pub(super) fn initialize(&mut self, params: InitializeParams, config: Config) -> Result<(), Failure> {
        let call = "NvEncInitializeEncoder";
        let function = call_of(self.driver.table.initialize, call)?;
        let ready = self.ready.insert(Box::new((params, config)));
        ready.0.config = &raw mut ready.1;
        // SAFETY: both structures live on the heap for as long as the session.
        let status = unsafe { function(self.session, &raw mut ready.0) };
        self.check(call, status)
    }

    /// Changes the settings of the running session by `change`, without an IDR and without beginning anew.
    pub(super) fn reconfigure(&mut self, change: impl FnOnce(&mut Config)) -> Result<(), Failure> {
        let call = "NvEncReconfigureEncoder";
        let function = call_of(self.driver.table.reconfigure, call)?;
        let Some(ready) = &mut self.ready else {
            return Err(Failure { call, status: Status::ENCODER_NOT_INITIALIZED, words: String::new() });
        };
        let before = ready.1;
        change(&mut ready.1);
        let mut params = Box::new(ReconfigureParams {
            version: ReconfigureParams::VERSION,
            initialize: ready.0,
            ..ReconfigureParams::default()
        });
        params.initialize.config = &raw mut ready.1;
        // SAFETY: the structures live until the call returns; the driver copies what it keeps.
        let status = unsafe { function(self.session, &raw mut *params) };
        if status != Status::SUCCESS {
            ready.1 = before;
        }
        self.check(call, status)
    }

    /// Makes a buffer for pictures in NV12.
    pub(super) fn make_input(&self, width: u32, height: u32) -> Result<Handle, Failure> {
        let call = "NvEncCreateInputBuffer";
        let function = call_of(self.driver.table.create_input_buffer, call)?;
        let mut params = CreateInputBuffer {
            version: CreateInputBuffer::VERSION,
            width,
            height,
            format: FORMAT_NV12,
            ..CreateInputBuffer::default()
        };
        // SAFETY: the pointer is to a local variable.
        self.check(call, unsafe { function(self.session, &raw mut params) })?;
        Ok(Handle(params.buffer))
    }

    /// Gives a buffer for pictures back.
    pub(super) fn free_input(&self, input: Handle) {
        if let Some(function) = self.driver.table.destroy_input_buffer {
            // SAFETY: the buffer is of this session and used nowhere any more.
            self.note("NvEncDestroyInputBuffer", unsafe { function(self.session, input.0) });
        }
    }

    /// Copies `picture` into a buffer for pictures of its size. Returns the bytes from one row to the next.
    pub(super) fn fill_input(&self, input: Handle, picture: &VideoFrame) -> Result<u32, Failure> {
        let call = "NvEncLockInputBuffer";
        let function = call_of(self.driver.table.lock_input_buffer, call)?;
        let unlock = call_of(self.driver.table.unlock_input_buffer, "NvEncUnlockInputBuffer")?;
        let mut params = LockInputBuffer {
            version: LockInputBuffer::VERSION,
            buffer: input.0,
            ..LockInputBuffer::default()
        };
        // SAFETY: the pointer is to a local variable.
        self.check(call, unsafe { function(self.session, &raw mut params) })?;
        let pitch = usize::try_from(params.pitch).unwrap_or(0);
        let height = usize::try_from(picture.size().height_px()).unwrap_or(0);
        let fits = !params.data.is_null() && pitch >= picture.row(0, 0).len();
        if fits {
            let data = params.data.cast::<u8>();
            // Luma, and below it, at half the height, chroma (nvEncodeAPI.h: NV12 is one surface with one pitch).
            let rows = (0..height).map(|row| (row, picture.row(0, row)));
            let rows = rows.chain((0..height / 2).map(|row| (height + row, picture.row(1, row))));
            for (place, bytes) in rows {
                // SAFETY: the buffer is locked and has one and a half times as many rows as the picture, each of
                // `pitch` bytes, which is no less than a row of the picture has.
                unsafe {
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), data.add(place * pitch), bytes.len());
                }
            }
        }
        // SAFETY: the buffer is locked.
        self.check("NvEncUnlockInputBuffer", unsafe { unlock(self.session, input.0) })?;
        if fits { Ok(params.pitch) } else { Err(self.failure(call, Status::NOT_ENOUGH_BUFFER)) }
    }

    /// Makes a buffer for access units.
    pub(super) fn make_output(&self) -> Result<Handle, Failure> {
        let call = "NvEncCreateBitstreamBuffer";
        let function = call_of(self.driver.table.create_bitstream_buffer, call)?;
        let mut params = CreateBitstreamBuffer {
            version: CreateBitstreamBuffer::VERSION,
            ..CreateBitstreamBuffer::default()
        };
        // SAFETY: the pointer is to a local variable.
        self.check(call, unsafe { function(self.session, &raw mut params) })?;
        Ok(Handle(params.buffer))
    }

    /// Gives a buffer for access units back.
    pub(super) fn free_output(&self, output: Handle) {
        if let Some(function) = self.driver.table.destroy_bitstream_buffer {
            // SAFETY: the buffer is of this session and nothing is written to it any more.
            self.note("NvEncDestroyBitstreamBuffer", unsafe { function(self.session, output.0) });
        }
    }

    /// Encodes a picture. Returns whether something came of it; where not, the encoder keeps it for later.
    pub(super) fn encode(&self, params: &mut PicParams) -> Result<bool, Failure> {
        let call = "NvEncEncodePicture";
        let function = call_of(self.driver.table.encode_picture, call)?;
        // SAFETY: what the structure points at lives until the picture has come out, see `input` and `output`.
        match unsafe { function(self.session, params) } {
            Status::NEED_MORE_INPUT => Ok(false),
            status => self.check(call, status).map(|()| true),
        }
    }

    /// Waits for the access unit in `output` and hands it to `take` with the time of its picture.
    pub(super) fn read(&self, output: *mut c_void, take: impl FnOnce(u64, &[u8])) -> Result<(), Failure> {
        let call = "NvEncLockBitstream";
        let function = call_of(self.driver.table.lock_bitstream, call)?;
        let unlock = call_of(self.driver.table.unlock_bitstream, "NvEncUnlockBitstream")?;
        let mut params =
            LockBitstream { version: LockBitstream::VERSION, output, ..LockBitstream::default() };
        // SAFETY: the pointer is to a local variable; the output is one of this session's that is due.
        self.check(call, unsafe { function(self.session, &raw mut params) })?;
        let size = usize::try_from(params.size).unwrap_or(0);
        if !params.data.is_null() {
            // SAFETY: the driver says that so many bytes are there, which nobody changes until the buffer is unlocked.
            take(params.timestamp, unsafe { std::slice::from_raw_parts(params.data.cast::<u8>(), size) });
        }
        // SAFETY: the buffer is locked.
        self.check("NvEncUnlockBitstream", unsafe { unlock(self.session, output) })
    }

    /// Makes a resource of ours known.
    #[cfg(windows)]
    pub(super) fn register(&self, params: &mut RegisterResource) -> Result<Handle, Failure> {
        let call = "NvEncRegisterResource";
        let function = call_of(self.driver.table.register_resource, call)?;
        // SAFETY: whoever asks keeps the resource until it is forgotten; all else lives until the call returns.
        self.check(call, unsafe { function(self.session, &raw mut *params) })?;
        Ok(Handle(params.registered))
    }

    /// Forgets a resource.
    #[cfg(windows)]
    pub(super) fn unregister(&self, registered: Handle) {
        if let Some(function) = self.driver.table.unregister_resource {
            // SAFETY: the resource was registered and is not mapped any more.
            self.note("NvEncUnregisterResource", unsafe { function(self.session, registered.0) });
        }
    }

    /// Readies a resource for encoding.
    #[cfg(windows)]
    pub(super) fn map(&self, registered: Handle) -> Result<Handle, Failure> {
        let call = "NvEncMapInputResource";
        let function = call_of(self.driver.table.map_input_resource, call)?;
        let mut params = MapInputResource {
            version: MapInputResource::VERSION,
            registered: registered.0,
            ..MapInputResource::default()
        };
        // SAFETY: the pointer is to a local variable.
        self.check(call, unsafe { function(self.session, &raw mut params) })?;
        Ok(Handle(params.mapped))
    }

    /// The encoder is done with a resource for now.
    #[cfg(windows)]
    pub(super) fn unmap(&self, mapped: Handle) {
        if let Some(function) = self.driver.table.unmap_input_resource {
            // SAFETY: the resource was mapped, and no picture of it is inside.
            self.note("NvEncUnmapInputResource", unsafe { function(self.session, mapped.0) });
        }
    }

    /// Something could not be given back: worth a line, and nothing else can be done.
    fn note(&self, call: &'static str, status: Status) {
        if let Err(failure) = self.check(call, status) {
            tracing::warn!(%failure, "an encoder does not give back what it holds");
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(function) = self.driver.table.destroy_encoder.filter(|_| !self.session.is_null()) else {
            return;
        };
        // SAFETY: the session is open and is not used any more.
        let status = unsafe { function(self.session) };
        if status != Status::SUCCESS {
            tracing::warn!(status = status.0, "an encoder does not end");
        }
    }
}
