//! The function table: what each call checks and does. Order and content of calls are those of `nvEncodeAPI.h` 12.1.
#![expect(unsafe_code, reason = "entry points of a C interface")]

use core::ffi::{c_char, c_int, c_void};

use nvenc_api::*;

use crate::books::{Input, Output, Session, books, fake_device, with_session};
use crate::order::{Kind, Waiting};
use crate::picture::Picture;
use crate::rules::{self, Refusal, check_form, is_zero, refuse};
use crate::wishes;

pub(crate) fn fill(list: &mut FunctionList) {
    list.open_session_ex = Some(open_session);
    list.encode_guid_count = Some(encode_guid_count);
    list.encode_guids = Some(encode_guids);
    list.encode_caps = Some(encode_caps);
    list.preset_config_ex = Some(preset_config);
    list.initialize = Some(initialize);
    list.reconfigure = Some(reconfigure);
    list.create_input_buffer = Some(create_input);
    list.destroy_input_buffer = Some(destroy_input);
    list.lock_input_buffer = Some(lock_input);
    list.unlock_input_buffer = Some(unlock_input);
    list.create_bitstream_buffer = Some(create_output);
    list.destroy_bitstream_buffer = Some(destroy_output);
    list.encode_picture = Some(encode_picture);
    list.lock_bitstream = Some(lock_output);
    list.unlock_bitstream = Some(unlock_output);
    list.destroy_encoder = Some(destroy_session);
    list.last_error = Some(last_error);
    #[cfg(windows)]
    crate::direct3d::fill(list);
}

/// The structure behind a pointer of the caller's.
fn at<'a, T>(pointer: *mut T) -> Result<&'a mut T, Refusal> {
    // SAFETY: the interface says that such a pointer is to a structure of its type that lives until the call returns;
    // null is looked for.
    unsafe { pointer.as_mut() }.ok_or((Status::INVALID_PTR, "a null pointer".to_owned()))
}

unsafe extern "system" fn open_session(params: *mut OpenSession, session: *mut *mut c_void) -> Status {
    let opened = || -> Result<usize, Refusal> {
        let params = at(params)?;
        check_form!(
            "NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS",
            params,
            OpenSession::VERSION,
            &params.reserved,
            &params.reserved1,
            &params.reserved2,
        );
        if params.api_version != API_VERSION {
            return refuse(Status::INVALID_VERSION, "another version of the interface");
        }
        let kind = if cfg!(windows) { DEVICE_DIRECTX } else { DEVICE_CUDA };
        if params.device_type != kind {
            return refuse(Status::UNSUPPORTED_DEVICE, "no device of this system's kind");
        }
        if params.device.is_null() || !cfg!(windows) && params.device != fake_device() {
            return refuse(Status::INVALID_DEVICE, "no device");
        }
        Ok(params.device as usize)
    };
    let device = match opened() {
        Ok(device) => device,
        Err((status, words)) => {
            books().blame("NvEncOpenEncodeSessionEx", &words);
            return status;
        }
    };
    let Ok(session) = at(session) else { return Status::INVALID_PTR };
    let mut books = books();
    books.count("calls");
    let most = wishes::get("sessions").unwrap_or(64);
    if i64::try_from(books.sessions.len()).is_ok_and(|open| open >= most) {
        let status = wishes::get("limit_status").and_then(|status| u32::try_from(status).ok());
        return Status(status.unwrap_or(Status::OUT_OF_MEMORY.0));
    }
    let handle = books.handle();
    books.sessions.insert(handle, Session { device, ..Session::default() });
    books.count("opened");
    *session = handle as *mut c_void;
    Status::SUCCESS
}

unsafe extern "system" fn destroy_session(session: *mut c_void) -> Status {
    let status = with_session(session, "NvEncDestroyEncoder", |books, _, found| {
        let resources = &found.resources;
        let held =
            found.inputs.len() + found.outputs.len() + resources.registered.len() + resources.mapped.len();
        if held > 0 {
            books.blame("NvEncDestroyEncoder", &format!("{held} buffers or resources were not given back"));
        }
        Ok(Status::SUCCESS)
    });
    books().sessions.remove(&(session as usize));
    status
}

unsafe extern "system" fn last_error(session: *mut c_void) -> *const c_char {
    // The text stays where it is until the session's next refusal.
    books().sessions.get(&(session as usize)).map_or(core::ptr::null(), |session| session.words.as_ptr())
}

unsafe extern "system" fn encode_guid_count(session: *mut c_void, count: *mut u32) -> Status {
    with_session(session, "NvEncGetEncodeGUIDCount", |_, _, _| {
        *at(count)? = u32::try_from(rules::codes().len()).unwrap_or(0);
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn encode_guids(
    session: *mut c_void,
    guids: *mut Guid,
    room: u32,
    count: *mut u32,
) -> Status {
    with_session(session, "NvEncGetEncodeGUIDs", |_, _, _| {
        at(guids)?;
        let codes = rules::codes();
        let given = codes.len().min(usize::try_from(room).unwrap_or(0));
        for (place, code) in codes.into_iter().take(given).enumerate() {
            // SAFETY: the caller says that there is room for `room`.
            unsafe { guids.add(place).write(code) };
        }
        *at(count)? = u32::try_from(given).unwrap_or(0);
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn encode_caps(
    session: *mut c_void,
    encode: Guid,
    param: *mut CapsParam,
    value: *mut c_int,
) -> Status {
    with_session(session, "NvEncGetEncodeCaps", |_, _, _| {
        let param = at(param)?;
        check_form!("NV_ENC_CAPS_PARAM", param, CapsParam::VERSION, &param.reserved);
        if !rules::codes().contains(&encode) {
            return refuse(Status::INVALID_PARAM, "there is no such code");
        }
        *at(value)? = c_int::try_from(rules::capability(encode, param.caps)).unwrap_or(0);
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn preset_config(
    session: *mut c_void,
    encode: Guid,
    preset: Guid,
    tuning: u32,
    made: *mut PresetConfig,
) -> Status {
    with_session(session, "NvEncGetEncodePresetConfigEx", |_, _, _| {
        let made = at(made)?;
        check_form!("NV_ENC_PRESET_CONFIG", made, PresetConfig::VERSION, &made.reserved1, &made.reserved2);
        if made.config.version != Config::VERSION {
            return refuse(Status::INVALID_VERSION, "NV_ENC_CONFIG: the wrong version word");
        }
        if !rules::codes().contains(&encode) || !PRESETS.contains(&preset) {
            return refuse(Status::INVALID_PARAM, "there is no such code or preset");
        }
        if !(TUNING_HIGH_QUALITY..=TUNING_LOSSLESS).contains(&tuning) {
            return refuse(Status::INVALID_PARAM, "presets P1 to P7 want a tuning");
        }
        rules::preset(&mut made.config, encode, tuning);
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn initialize(session: *mut c_void, params: *mut InitializeParams) -> Status {
    with_session(session, "NvEncInitializeEncoder", |books, _, found| {
        let params = at(params)?;
        let config = at(params.config)?;
        if found.ready.is_some() {
            return refuse(Status::INVALID_CALL, "the session is ready already");
        }
        let stream = rules::check(params, config)?;
        books.remember(*params, *config);
        found.begin(stream, *params, *config);
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn reconfigure(session: *mut c_void, change: *mut ReconfigureParams) -> Status {
    with_session(session, "NvEncReconfigureEncoder", |books, _, found| {
        let change = at(change)?;
        check_form!("NV_ENC_RECONFIGURE_PARAMS", change, ReconfigureParams::VERSION);
        if change.flags & !(ReconfigureParams::RESET_ENCODER | ReconfigureParams::FORCE_IDR) != 0 {
            return refuse(Status::INVALID_PARAM, "reserved bits are set");
        }
        let (params, config) = (&change.initialize, at(change.initialize.config)?);
        let ready = found.ready()?;
        rules::check(params, config)?;
        rules::check_change((&ready.params, &ready.config), (params, config))?;
        (ready.params, ready.config) = (*params, *config);
        books.remember(*params, *config);
        books.count("reconfigured");
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn create_input(session: *mut c_void, params: *mut CreateInputBuffer) -> Status {
    with_session(session, "NvEncCreateInputBuffer", |books, _, found| {
        let params = at(params)?;
        check_form!(
            "NV_ENC_CREATE_INPUT_BUFFER",
            params,
            CreateInputBuffer::VERSION,
            &params.reserved,
            &params.reserved1,
            &params.reserved2,
            &params.system_memory,
        );
        let stream = found.ready()?.stream;
        if (params.width, params.height, params.format) != (stream.width, stream.height, FORMAT_NV12) {
            return refuse(Status::INVALID_PARAM, "a buffer for other pictures");
        }
        let pitch = usize::try_from(params.width).unwrap_or(0).next_multiple_of(256);
        let rows = usize::try_from(params.height).unwrap_or(0) * 3 / 2;
        let handle = books.handle();
        found
            .inputs
            .insert(handle, Input { pitch, bytes: vec![0; pitch * rows], locked: false, filled: false });
        params.buffer = handle as *mut c_void;
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn destroy_input(session: *mut c_void, buffer: *mut c_void) -> Status {
    with_session(session, "NvEncDestroyInputBuffer", |_, _, found| {
        match found.inputs.remove(&(buffer as usize)) {
            Some(input) if input.locked => refuse(Status::LOCK_BUSY, "the buffer is locked"),
            Some(_) => Ok(Status::SUCCESS),
            None => refuse(Status::INVALID_PTR, "there is no such buffer"),
        }
    })
}

unsafe extern "system" fn lock_input(session: *mut c_void, params: *mut LockInputBuffer) -> Status {
    with_session(session, "NvEncLockInputBuffer", |_, _, found| {
        let params = at(params)?;
        check_form!(
            "NV_ENC_LOCK_INPUT_BUFFER",
            params,
            LockInputBuffer::VERSION,
            &params.flags,
            &params.reserved1,
            &params.reserved2,
        );
        let input = found.inputs.get_mut(&(params.buffer as usize));
        let Some(input) = input else { return refuse(Status::INVALID_PTR, "there is no such buffer") };
        if std::mem::replace(&mut input.locked, true) {
            return refuse(Status::LOCK_BUSY, "the buffer is locked twice");
        }
        params.data = input.bytes.as_mut_ptr().cast();
        params.pitch = u32::try_from(input.pitch).unwrap_or(0);
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn unlock_input(session: *mut c_void, buffer: *mut c_void) -> Status {
    with_session(session, "NvEncUnlockInputBuffer", |_, _, found| {
        let Some(input) = found.inputs.get_mut(&(buffer as usize)) else {
            return refuse(Status::INVALID_PTR, "there is no such buffer");
        };
        if !std::mem::replace(&mut input.locked, false) {
            return refuse(Status::INVALID_CALL, "the buffer is not locked");
        }
        input.filled = true;
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn create_output(session: *mut c_void, params: *mut CreateBitstreamBuffer) -> Status {
    with_session(session, "NvEncCreateBitstreamBuffer", |books, _, found| {
        let params = at(params)?;
        check_form!(
            "NV_ENC_CREATE_BITSTREAM_BUFFER",
            params,
            CreateBitstreamBuffer::VERSION,
            &params.reserved,
            &params.reserved1,
            &params.reserved2,
        );
        found.ready()?;
        let handle = books.handle();
        found.outputs.insert(handle, Output::Free);
        params.buffer = handle as *mut c_void;
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn destroy_output(session: *mut c_void, buffer: *mut c_void) -> Status {
    with_session(session, "NvEncDestroyBitstreamBuffer", |_, _, found| {
        match found.outputs.remove(&(buffer as usize)) {
            Some(Output::Locked(_)) => refuse(Status::LOCK_BUSY, "the buffer is locked"),
            Some(_) => Ok(Status::SUCCESS),
            None => refuse(Status::INVALID_PTR, "there is no such buffer"),
        }
    })
}

unsafe extern "system" fn encode_picture(session: *mut c_void, params: *mut PicParams) -> Status {
    with_session(session, "NvEncEncodePicture", |books, _, found| {
        let params = at(params)?;
        // SAFETY: the union is made of integers, or of pointers that are not followed.
        let codec = unsafe { &params.codec.pointers };
        check_form!(
            "NV_ENC_PIC_PARAMS",
            params,
            PicParams::VERSION,
            codec,
            &params.me_hint_counts,
            &params.me_hints,
            &params.reserved1,
            &params.reserved2,
            &params.qp_delta_map,
            &params.reserved_bits,
            &params.alpha,
            &params.me_sb_hints,
            &params.reconstruction,
            &params.reserved3,
            &params.reserved4,
            &params.completion_event,
        );
        let ready = found.ready()?;
        if ready.ended {
            return refuse(Status::INVALID_CALL, "a picture behind the end");
        }
        if params.flags & FLAG_EOS != 0 {
            if !is_zero(&params.input) || !is_zero(&params.output) {
                return refuse(Status::INVALID_PARAM, "the end comes with a picture");
            }
            ready.ended = true;
            found.code(books, None)?;
            return Ok(Status::SUCCESS);
        }
        if params.flags & !(FLAG_FORCE_IDR | FLAG_OUTPUT_SPSPPS) != 0 {
            return refuse(Status::INVALID_PARAM, "flags that are not for us");
        }
        let stream = ready.stream;
        if (params.width, params.height, params.format, params.picture_struct)
            != (stream.width, stream.height, FORMAT_NV12, PICTURE_FRAME)
        {
            return refuse(Status::INVALID_PARAM, "a picture of another form");
        }
        if ready.last_time.is_some_and(|last| last >= params.timestamp) {
            return refuse(Status::INVALID_PARAM, "times do not rise");
        }
        ready.last_time = Some(params.timestamp);
        if wishes::comes_true("lose_device") {
            found.lost = true;
            return refuse(Status::DEVICE_NOT_EXIST, "the device is gone");
        }
        let (output, signal) = output_of(found, params.output)?;
        match found.outputs.get(&output) {
            Some(Output::Free) => {}
            Some(_) => return refuse(Status::INVALID_PARAM, "the buffer for the access unit is in use"),
            None => return refuse(Status::INVALID_PTR, "there is no such buffer for access units"),
        }
        let picture = picture_of(found, params)?;
        found.signals.extend(signal.map(|signal| (output, signal)));
        let waiting = Waiting {
            picture,
            time: params.timestamp,
            duration: params.duration,
            idr: params.flags & FLAG_FORCE_IDR != 0,
            sets: params.flags & FLAG_OUTPUT_SPSPPS != 0,
        };
        let any = found.code(books, Some((waiting, output)))?;
        Ok(if any { Status::SUCCESS } else { Status::NEED_MORE_INPUT })
    })
}

/// The buffer for an access unit, and the fence that tells when it is written.
#[cfg_attr(not(windows), expect(clippy::unnecessary_wraps, reason = "on Windows it may be refused"))]
fn output_of(found: &Session, output: *mut c_void) -> Result<(usize, Option<(usize, u64)>), Refusal> {
    #[cfg(windows)]
    if crate::direct3d::is_d3d12(found.device) {
        return crate::direct3d::output(found, output);
    }
    let _ = found;
    Ok((output as usize, None))
}

fn picture_of(found: &mut Session, params: &PicParams) -> Result<Picture, Refusal> {
    #[cfg(windows)]
    if crate::direct3d::is_d3d12(found.device) {
        return crate::direct3d::picture(found, params.input);
    }
    let stream = found.ready()?.stream;
    let Some(input) = found.inputs.get(&(params.input as usize)) else {
        return refuse(Status::INVALID_PTR, "there is no such picture");
    };
    if input.locked || !input.filled {
        return refuse(Status::LOCK_BUSY, "the picture is locked or was never written");
    }
    if usize::try_from(params.pitch).ok() != Some(input.pitch) {
        return refuse(Status::INVALID_PARAM, "the pitch is not the buffer's");
    }
    let (width, height) = (stream.width as usize, stream.height as usize);
    Picture::from_rows(width, height, input.pitch, &input.bytes)
        .ok_or((Status::NOT_ENOUGH_BUFFER, "the picture is too short".to_owned()))
}

unsafe extern "system" fn lock_output(session: *mut c_void, params: *mut LockBitstream) -> Status {
    if wishes::comes_true("hang") {
        // Whoever waits here waits until the process ends.
        loop {
            std::thread::park();
        }
    }
    with_session(session, "NvEncLockBitstream", |_, _, found| {
        let params = at(params)?;
        check_form!(
            "NV_ENC_LOCK_BITSTREAM",
            params,
            LockBitstream::VERSION,
            &params.flags,
            &params.slice_offsets,
            &params.stats,
            &params.reserved1,
            &params.reserved2,
            &params.reserved_internal,
        );
        let (handle, _) = output_of(found, params.output)?;
        let Some(output) = found.outputs.get_mut(&handle) else {
            return refuse(Status::INVALID_PTR, "there is no such buffer");
        };
        match std::mem::replace(output, Output::Free) {
            Output::Done(unit) => {
                params.size = u32::try_from(unit.bytes.len()).unwrap_or(0);
                params.data = unit.bytes.as_ptr().cast_mut().cast();
                params.timestamp = unit.time;
                params.duration = unit.duration;
                params.picture_struct = PICTURE_FRAME;
                params.slices = 1;
                params.picture_type = match unit.kind {
                    Kind::Idr => PICTURE_IDR,
                    Kind::P => PICTURE_P,
                    Kind::B { .. } => PICTURE_B,
                };
                *output = Output::Locked(unit);
                Ok(Status::SUCCESS)
            }
            Output::Locked(unit) => {
                *output = Output::Locked(unit);
                refuse(Status::LOCK_BUSY, "the buffer is locked twice")
            }
            Output::Due => {
                *output = Output::Due;
                refuse(Status::INVALID_CALL, "nothing is in the buffer yet; a driver would wait for ever")
            }
            Output::Free => refuse(Status::INVALID_CALL, "the buffer was not handed in"),
        }
    })
}

unsafe extern "system" fn unlock_output(session: *mut c_void, buffer: *mut c_void) -> Status {
    with_session(session, "NvEncUnlockBitstream", |_, _, found| {
        let (handle, _) = output_of(found, buffer)?;
        match found.outputs.get_mut(&handle) {
            Some(output @ Output::Locked(_)) => {
                *output = Output::Free;
                Ok(Status::SUCCESS)
            }
            Some(_) => refuse(Status::INVALID_CALL, "the buffer is not locked"),
            None => refuse(Status::INVALID_PTR, "there is no such buffer"),
        }
    })
}
