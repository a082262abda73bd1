//! Resources of Direct3D 12, as a driver would use them: textures are read through a queue of the fake's own behind their
//! fence, buffers for access units are signalled from the processor.
#![expect(unsafe_code, reason = "interfaces of Direct3D are called")]

use core::ffi::c_void;
use core::mem::ManuallyDrop;

use nvenc_api::*;
use windows::Win32::Foundation::HANDLE;
use windows::Win32::Graphics::Direct3D12::*;
use windows::Win32::Graphics::Dxgi::Common::*;
use windows::core::{GUID, IUnknown, Interface};

use crate::books::{Registered, Session, with_session};
use crate::picture::Picture;
use crate::rules::{Refusal, check_form, refuse};

/// Under which a luma plane carries its chroma plane, where a device makes no textures of two planes (Genlock,
/// `units::Texture::CHROMA_PLANE`). No driver of NVIDIA's knows it; Wine needs it.
const CHROMA_PLANE: u128 = 0x6b1f_4a52_0d6e_4c0b_9d0e_5f3c_2a71_e8d4;

fn broken(error: &windows::core::Error) -> Refusal {
    (Status::GENERIC, error.message())
}

fn interface<T: Interface + Clone>(address: usize) -> Option<T> {
    let address = address as *mut c_void;
    // SAFETY: the caller of the interface says that it is one of COM's; what it is, is asked.
    let unknown = unsafe { IUnknown::from_raw_borrowed(&address) }?;
    unknown.cast::<T>().ok()
}

/// Whether a session is on Direct3D 12.
pub(crate) fn is_d3d12(device: usize) -> bool {
    device != crate::books::fake_device() as usize && interface::<ID3D12Device>(device).is_some()
}

pub(crate) fn fill(list: &mut FunctionList) {
    list.register_resource = Some(register);
    list.unregister_resource = Some(unregister);
    list.map_input_resource = Some(map);
    list.unmap_input_resource = Some(unmap);
}

unsafe extern "system" fn register(session: *mut c_void, params: *mut RegisterResource) -> Status {
    with_session(session, "NvEncRegisterResource", |books, _, found| {
        // SAFETY: the interface says what the pointer is to.
        let Some(params) = (unsafe { params.as_mut() }) else { return refuse(Status::INVALID_PTR, "null") };
        check_form!(
            "NV_ENC_REGISTER_RESOURCE",
            params,
            RegisterResource::VERSION,
            &params.chroma_offset,
            &params.reserved1,
            &params.reserved2,
            &params.pitch,
            &params.subresource,
        );
        if !is_d3d12(found.device) {
            return refuse(Status::INVALID_CALL, "the session is not of Direct3D 12");
        }
        let stream = found.ready()?.stream;
        let Some(resource) = interface::<ID3D12Resource>(params.resource as usize) else {
            return refuse(Status::RESOURCE_REGISTER_FAILED, "no resource of Direct3D 12");
        };
        // SAFETY: a plain call of the interface.
        let desc = unsafe { resource.GetDesc() };
        match params.usage {
            USAGE_INPUT_IMAGE => {
                if (params.width, params.height, params.format) != (stream.width, stream.height, FORMAT_NV12)
                {
                    return refuse(Status::INVALID_PARAM, "a texture of another form");
                }
                // SAFETY: null, or a structure that lives until the call returns.
                if let Some(point) = unsafe { params.input_fence_point.as_ref() } {
                    check_point(point)?;
                }
                let nv12 = desc.Format == DXGI_FORMAT_NV12
                    || desc.Format == DXGI_FORMAT_R8_UNORM && chroma_of(&resource).is_some();
                if !nv12 || desc.Width < u64::from(stream.width) || desc.Height < stream.height {
                    return refuse(Status::RESOURCE_REGISTER_FAILED, "no texture in NV12 of this size");
                }
            }
            USAGE_OUTPUT_BITSTREAM => {
                if desc.Dimension != D3D12_RESOURCE_DIMENSION_BUFFER
                    || params.format != FORMAT_U8
                    || u64::from(params.width) > desc.Width
                    || params.height != 1
                    || u64::from(params.width) < u64::from(stream.width) * u64::from(stream.height) * 3
                {
                    return refuse(Status::RESOURCE_REGISTER_FAILED, "no buffer for access units");
                }
            }
            _ => return refuse(Status::INVALID_PARAM, "a use that is not for us"),
        }
        let handle = books.handle();
        let registered = Registered { resource: params.resource as usize, usage: params.usage };
        // As a driver's own reference.
        core::mem::forget(resource);
        found.resources.registered.insert(handle, registered);
        params.registered = handle as *mut c_void;
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn unregister(session: *mut c_void, handle: *mut c_void) -> Status {
    with_session(session, "NvEncUnregisterResource", |_, _, found| {
        let handle = handle as usize;
        if found.resources.mapped.values().any(|of| *of == handle) {
            return refuse(Status::INVALID_CALL, "the resource is mapped");
        }
        match found.resources.registered.remove(&handle) {
            Some(registered) => {
                // SAFETY: gives back the reference that was taken when it was registered.
                drop(unsafe { ID3D12Resource::from_raw(registered.resource as *mut c_void) });
                Ok(Status::SUCCESS)
            }
            None => refuse(Status::RESOURCE_NOT_REGISTERED, "there is no such resource"),
        }
    })
}

unsafe extern "system" fn map(session: *mut c_void, params: *mut MapInputResource) -> Status {
    with_session(session, "NvEncMapInputResource", |books, _, found| {
        // SAFETY: the interface says what the pointer is to.
        let Some(params) = (unsafe { params.as_mut() }) else { return refuse(Status::INVALID_PTR, "null") };
        check_form!(
            "NV_ENC_MAP_INPUT_RESOURCE",
            params,
            MapInputResource::VERSION,
            &params.subresource,
            &params.input_resource,
            &params.reserved1,
            &params.reserved2,
        );
        let of = params.registered as usize;
        let Some(registered) = found.resources.registered.get(&of) else {
            return refuse(Status::RESOURCE_NOT_REGISTERED, "there is no such resource");
        };
        if found.resources.mapped.values().any(|mapped| *mapped == of) {
            return refuse(Status::MAP_FAILED, "the resource is mapped twice");
        }
        params.mapped_format = if registered.usage == USAGE_INPUT_IMAGE { FORMAT_NV12 } else { FORMAT_U8 };
        let handle = books.handle();
        if registered.usage == USAGE_OUTPUT_BITSTREAM {
            found.outputs.insert(handle, crate::books::Output::Free);
        }
        found.resources.mapped.insert(handle, of);
        params.mapped = handle as *mut c_void;
        Ok(Status::SUCCESS)
    })
}

unsafe extern "system" fn unmap(session: *mut c_void, handle: *mut c_void) -> Status {
    with_session(session, "NvEncUnmapInputResource", |_, _, found| {
        found.outputs.remove(&(handle as usize));
        match found.resources.mapped.remove(&(handle as usize)) {
            Some(_) => Ok(Status::SUCCESS),
            None => refuse(Status::RESOURCE_NOT_MAPPED, "the resource is not mapped"),
        }
    })
}

fn check_point(point: &FencePointD3d12) -> Result<(), Refusal> {
    check_form!(
        "NV_ENC_FENCE_POINT_D3D12",
        point,
        FencePointD3d12::VERSION,
        &point.reserved,
        &point.reserved1,
    );
    if point.flags & !(FencePointD3d12::WAIT | FencePointD3d12::SIGNAL) != 0 {
        return refuse(Status::INVALID_PARAM, "reserved bits are set");
    }
    if interface::<ID3D12Fence>(point.fence as usize).is_none() {
        return refuse(Status::INVALID_PTR, "no fence");
    }
    Ok(())
}

/// The picture behind an input of Direct3D 12.
pub(crate) fn picture(found: &mut Session, input: *mut c_void) -> Result<Picture, Refusal> {
    // SAFETY: with Direct3D 12 the interface says that it is such a structure.
    let Some(input) = (unsafe { input.cast::<InputResourceD3d12>().as_ref() }) else {
        return refuse(Status::INVALID_PTR, "null");
    };
    check_form!(
        "NV_ENC_INPUT_RESOURCE_D3D12",
        input,
        InputResourceD3d12::VERSION,
        &input.reserved,
        &input.reserved1,
        &input.reserved2,
    );
    check_point(&input.fence_point)?;
    let stream = found.ready()?.stream;
    let mapped = found.resources.mapped.get(&(input.buffer as usize));
    let registered = mapped.and_then(|of| found.resources.registered.get(of));
    let Some(registered) = registered.filter(|registered| registered.usage == USAGE_INPUT_IMAGE) else {
        return refuse(Status::RESOURCE_NOT_MAPPED, "the picture is not mapped");
    };
    let Some(resource) = interface::<ID3D12Resource>(registered.resource) else {
        return refuse(Status::INVALID_PTR, "no resource");
    };
    let fence = interface::<ID3D12Fence>(input.fence_point.fence as usize);
    let wait = fence.filter(|_| input.fence_point.flags & FencePointD3d12::WAIT != 0);
    let (width, height) = (stream.width as usize, stream.height as usize);
    let (pitch, bytes) =
        read(&resource, wait.as_ref().map(|fence| (fence, input.fence_point.wait_value)), height)
            .map_err(|error| broken(&error))?;
    Picture::from_rows(width, height, pitch, &bytes)
        .ok_or((Status::NOT_ENOUGH_BUFFER, "the texture is too small".to_owned()))
}

/// The output behind a structure of Direct3D 12, and the fence and the value to signal when it is written.
pub(crate) fn output(found: &Session, output: *mut c_void) -> Result<(usize, Option<(usize, u64)>), Refusal> {
    // SAFETY: with Direct3D 12 the interface says that it is such a structure.
    let Some(output) = (unsafe { output.cast::<OutputResourceD3d12>().as_ref() }) else {
        return refuse(Status::INVALID_PTR, "null");
    };
    check_form!(
        "NV_ENC_OUTPUT_RESOURCE_D3D12",
        output,
        OutputResourceD3d12::VERSION,
        &output.reserved,
        &output.reserved1,
        &output.reserved2,
    );
    check_point(&output.fence_point)?;
    let handle = output.buffer as usize;
    if !found.resources.mapped.contains_key(&handle) {
        return refuse(Status::RESOURCE_NOT_MAPPED, "the buffer is not mapped");
    }
    let signals = output.fence_point.flags & FencePointD3d12::SIGNAL != 0;
    Ok((handle, signals.then_some((output.fence_point.fence as usize, output.fence_point.signal_value))))
}

/// Sets a fence.
pub(crate) fn signal(fence: usize, value: u64) {
    if let Some(fence) = interface::<ID3D12Fence>(fence) {
        // SAFETY: a plain call of the interface.
        drop(unsafe { fence.Signal(value) });
    }
}

fn chroma_of(luma: &ID3D12Resource) -> Option<ID3D12Resource> {
    let mut address: *mut c_void = core::ptr::null_mut();
    let mut size = u32::try_from(size_of::<*mut c_void>()).ok()?;
    let name = GUID::from_u128(CHROMA_PLANE);
    // SAFETY: there is room for the pointer that is asked for.
    unsafe { luma.GetPrivateData(&raw const name, &raw mut size, Some((&raw mut address).cast())) }.ok()?;
    if address.is_null() {
        return None;
    }
    // SAFETY: such data is an interface with a reference for whoever asks.
    unsafe { IUnknown::from_raw(address) }.cast().ok()
}

/// Copies both planes to memory: the bytes from row to row, and luma with chroma behind it.
fn read(
    resource: &ID3D12Resource,
    wait: Option<(&ID3D12Fence, u64)>,
    height: usize,
) -> windows::core::Result<(usize, Vec<u8>)> {
    let chroma = chroma_of(resource);
    // SAFETY: interfaces of one device are called as the reference of Direct3D 12 says; every pointer is to a local
    // variable, and everything that the GPU uses lives until the fence has told that it is done.
    unsafe {
        let mut device: Option<ID3D12Device> = None;
        resource.GetDevice(&raw mut device)?;
        let device = device.ok_or_else(windows::core::Error::empty)?;
        let desc = D3D12_COMMAND_QUEUE_DESC { Type: D3D12_COMMAND_LIST_TYPE_DIRECT, ..Default::default() };
        let queue: ID3D12CommandQueue = device.CreateCommandQueue(&raw const desc)?;
        let allocator: ID3D12CommandAllocator =
            device.CreateCommandAllocator(D3D12_COMMAND_LIST_TYPE_DIRECT)?;
        let list: ID3D12GraphicsCommandList =
            device.CreateCommandList(0, D3D12_COMMAND_LIST_TYPE_DIRECT, &allocator, None)?;
        let planes = match &chroma {
            Some(chroma) => [(resource, 0), (chroma, 0)],
            None => [(resource, 0), (resource, 1)],
        };
        let mut buffers = Vec::new();
        for (plane, subresource) in planes {
            let desc = plane.GetDesc();
            let (mut layout, mut bytes) = (D3D12_PLACED_SUBRESOURCE_FOOTPRINT::default(), 0u64);
            device.GetCopyableFootprints(
                &raw const desc,
                subresource,
                1,
                0,
                Some(&raw mut layout),
                None,
                None,
                Some(&raw mut bytes),
            );
            let heap = D3D12_HEAP_PROPERTIES { Type: D3D12_HEAP_TYPE_READBACK, ..Default::default() };
            let form = D3D12_RESOURCE_DESC {
                Dimension: D3D12_RESOURCE_DIMENSION_BUFFER,
                Width: bytes,
                Height: 1,
                DepthOrArraySize: 1,
                MipLevels: 1,
                SampleDesc: DXGI_SAMPLE_DESC { Count: 1, Quality: 0 },
                Layout: D3D12_TEXTURE_LAYOUT_ROW_MAJOR,
                ..Default::default()
            };
            let mut buffer: Option<ID3D12Resource> = None;
            device.CreateCommittedResource(
                &raw const heap,
                D3D12_HEAP_FLAG_NONE,
                &raw const form,
                D3D12_RESOURCE_STATE_COPY_DEST,
                None,
                &raw mut buffer,
            )?;
            let buffer = buffer.ok_or_else(windows::core::Error::empty)?;
            let mut to = D3D12_TEXTURE_COPY_LOCATION {
                pResource: ManuallyDrop::new(Some(buffer.clone())),
                Type: D3D12_TEXTURE_COPY_TYPE_PLACED_FOOTPRINT,
                Anonymous: D3D12_TEXTURE_COPY_LOCATION_0 { PlacedFootprint: layout },
            };
            let mut from = D3D12_TEXTURE_COPY_LOCATION {
                pResource: ManuallyDrop::new(Some(plane.clone())),
                Type: D3D12_TEXTURE_COPY_TYPE_SUBRESOURCE_INDEX,
                Anonymous: D3D12_TEXTURE_COPY_LOCATION_0 { SubresourceIndex: subresource },
            };
            // A texture in the common state becomes a source by being copied from.
            list.CopyTextureRegion(&raw const to, 0, 0, 0, &raw const from, None);
            ManuallyDrop::drop(&mut to.pResource);
            ManuallyDrop::drop(&mut from.pResource);
            buffers.push((buffer, layout.Footprint.RowPitch as usize, bytes as usize));
        }
        list.Close()?;
        if let Some((fence, value)) = wait {
            queue.Wait(fence, value)?;
        }
        let list: ID3D12CommandList = list.cast()?;
        queue.ExecuteCommandLists(&[Some(list)]);
        let done: ID3D12Fence = device.CreateFence(0, D3D12_FENCE_FLAG_NONE)?;
        queue.Signal(&done, 1)?;
        done.SetEventOnCompletion(1, HANDLE::default())?;
        let pitch = buffers.iter().map(|(_, pitch, _)| *pitch).max().unwrap_or(0);
        let mut picture = vec![0; pitch * (height + height / 2)];
        let starts = [(0, height), (height, height / 2)];
        for ((buffer, row_pitch, bytes), (start, rows)) in buffers.iter().zip(starts) {
            let mut data: *mut c_void = core::ptr::null_mut();
            buffer.Map(0, None, Some(&raw mut data))?;
            let mapped = core::slice::from_raw_parts(data.cast::<u8>(), *bytes);
            let lines = picture.chunks_exact_mut(pitch).skip(start).take(rows);
            for (line, source) in lines.zip(mapped.chunks(*row_pitch)) {
                let length = source.len().min(line.len());
                if let (Some(line), Some(source)) = (line.get_mut(..length), source.get(..length)) {
                    line.copy_from_slice(source);
                }
            }
            let nothing = D3D12_RANGE::default();
            buffer.Unmap(0, Some(&raw const nothing));
        }
        Ok((pitch, picture))
    }
}
